"""The command line: ``proxsweep COMMAND``, or ``python -P -m proxsweep COMMAND``."""

import argparse
import errno
import os
import sys
from collections.abc import Iterable

from proxsweep import __version__
from proxsweep.command import Command
from proxsweep.commands import COMMANDS
from proxsweep.io import digests
from proxsweep.io.errors import UserError
from proxsweep.jobs import shell

UNWRITABLE = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG),
)
DESCRIPTION = "Sweeps of regularised, constrained model fits: commands beside Snakemake, which runs studies."


def _find(name: str) -> Command | None:
    """The command of a name. Families are looked into only for what is no common command: they take time to import."""
    found = next((one for one in COMMANDS if one.name == name), None)
    return found or next((one for one in _family_commands() if one.name == name), None)


def _family_commands() -> Iterable[Command]:
    """Commands of the families; those of a family after the first begin with its name: ``{family}-{command}``."""
    from dataclasses import replace

    from proxsweep.families import DEFAULT, FAMILIES, family

    for name in FAMILIES:
        for command in family(name).commands:
            yield command if name == DEFAULT else replace(command, name=f"{name}-{command.name}")


def _help() -> argparse.ArgumentParser:
    """The parser for ``--help``, ``--version`` and a command that there is not."""
    parser = argparse.ArgumentParser(
        prog="proxsweep", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"proxsweep {__version__}")
    known = [*COMMANDS, *_family_commands()]
    users, rules = ([one for one in known if one.for_users == wanted] for wanted in (True, False))
    parser.epilog = (
        f"commands for users:\n{_list(users)}\n\ncommands that the rules of the workflow call:\n{_list(rules)}"
    )
    parser.add_argument("command", metavar="COMMAND", choices=[one.name for one in known], help="one of those below")
    return parser


def _list(commands: Iterable[Command]) -> str:
    return "\n".join(f"  {one.name:20} {one.help}" for one in commands)


def _parse(arguments: list[str]) -> tuple[Command, argparse.Namespace]:
    command = _find(arguments[0]) if arguments and not arguments[0].startswith("-") else None
    if command is None:
        _help().parse_args(arguments)
        raise SystemExit(2)  # not reached: options end above, and so does a wrong command
    parser = argparse.ArgumentParser(prog=f"proxsweep {command.name}", description=command.help)
    command.options(parser)
    return command, parser.parse_args(arguments[1:])


def _maker(command: Command, parsed: argparse.Namespace) -> str:
    """What runs: a notebook, or the command itself."""
    notebook = getattr(parsed, "notebook", None)
    return str(notebook) if notebook else f"proxsweep {command.name}"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code is 0, 1 for a notebook that failed, 2 for something the user can put right."""
    arguments = sys.argv[1:] if arguments is None else arguments
    shell.only_what_is_safe(os.environ)
    command, parsed = _parse(arguments)
    os.environ[digests.MAKER] = _maker(command, parsed)
    try:
        command.run(parsed)
    except UserError as error:
        # message: passed on
        print(f"proxsweep: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        place = error.filename or "the file system"
        # message: The disk is full, or the folder cannot be written. | As for the errors below.
        print(f"proxsweep: {place}: found {error.strerror}; expected room, and the right to write", file=sys.stderr)
        return 2
    except Exception as error:
        if type(error).__name__ not in ("NotebookError", "FitError"):
            raise
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
