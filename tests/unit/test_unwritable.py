"""A disk that is full or may not be written ends a command with one message."""

import errno
from dataclasses import replace

import pytest

from proxsweep import __main__ as program


def run_instead(monkeypatch, run):
    """Let the command `strict` call this function."""
    commands = [replace(one, run=run) if one.name == "strict" else one for one in program.COMMANDS]
    monkeypatch.setattr(program, "COMMANDS", commands)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_what_cannot_be_written_is_one_message(monkeypatch, capsys, number):
    def refuse(arguments):
        raise OSError(number, "No room", "results/a.csv")

    run_instead(monkeypatch, refuse)
    assert program.main(["strict", "fits.csv"]) == 2
    assert capsys.readouterr().err == (
        "proxsweep: results/a.csv: found No room; expected room, and the right to write\n"
    )


def test_another_error_of_the_system_is_a_fault_of_the_program(monkeypatch):
    def fail(arguments):
        raise OSError(errno.EBADF, "Bad file descriptor")

    run_instead(monkeypatch, fail)
    with pytest.raises(OSError, match="Bad file"):
        program.main(["strict", "fits.csv"])
