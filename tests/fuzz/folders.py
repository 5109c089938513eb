"""Whole folders of a study of which one file is not what it was: the independent check, and every command."""

import contextlib
import io
from pathlib import Path

from hypothesis import strategies as st

from proxsweep.__main__ import main
from proxsweep.check import check
from proxsweep.io.errors import UserError

from .core import Entry, may_refuse
from .hostile import File
from .study import COMMANDS, FILES, ONE, copied, damaged, study

# the last: where a fits.csv that was edited says it is
PLACES = ["results", "t.csv", "c.yaml", "study s", "chosen", "conditions", "--", "parameters.npz"]


def checked(folder: Path, file: File) -> None:
    copied(folder, file, ONE)
    with may_refuse("results", "--"):
        report = check(folder / ONE)
    assert file.content != (study() / file.name).read_bytes() or not report.disagreements


def command(folder: Path, file: File, name: str) -> None:
    copied(folder, file, "results", "t.csv", "c.yaml")
    said = io.StringIO()
    with may_refuse(*PLACES), contextlib.chdir(folder), contextlib.redirect_stderr(said):
        code = main(COMMANDS[name])
        if code == 2:
            (line,) = [line for line in said.getvalue().splitlines() if line.startswith("proxsweep: ")]
            place, _, rest = line.removeprefix("proxsweep: ").partition(": found ")
            raise UserError(place, *rest.split("; expected ", 1))
    assert code == 0


RESULTS = [name for name in FILES if name.startswith(ONE) and "signs" not in name]
ENTRIES = [
    Entry("check", 0.6, checked, dict(file=damaged(*RESULTS))),
    Entry("proxsweep COMMAND", 2, command, dict(file=damaged(*FILES), name=st.sampled_from(list(COMMANDS)))),
]
