"""Whole folders of a study of which one file is not what it was: the independent check, and every command."""

import contextlib
import io
from pathlib import Path

from hypothesis import strategies as st

from proxsweep.__main__ import main
from proxsweep.check import check
from proxsweep.io.errors import UserError

from .core import Entry, may_refuse
from .study import COMMANDS, FILES, ONE, Damage, damages

# the last: where a fits.csv that was edited says it is
PLACES = ["results", "t.csv", "c.yaml", "study s", "chosen", "conditions", "--", "parameters.npz"]


def checked(folder: Path, damage: Damage) -> None:
    damage.apply(folder, ONE)
    with may_refuse("results", "--"):
        report = check(folder / ONE)
    assert damage.differs or not report.disagreements


def command(folder: Path, damage: Damage, name: str) -> None:
    damage.apply(folder, "results", "t.csv", "c.yaml")
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
    Entry("check", 0.6, checked, dict(damage=damages(*RESULTS))),
    Entry("proxsweep COMMAND", 2, command, dict(damage=damages(*FILES), name=st.sampled_from(list(COMMANDS)))),
]
