"""What came out of a study, in about ten lines: for the end of a run.

Every line is computed from the tables that the run wrote. A table that is not there, or is damaged, has no line.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from proxsweep.families import family
from proxsweep.io import digests
from proxsweep.report import dropped
from proxsweep.sweep import chosen, fits, grid, rules
from proxsweep.sweep.rules import GIVEN, RANKING
from proxsweep.sweep.study import Roles, Study

MOST = 3  # warnings of one kind that are shown
STATUSES = ("max_iterations", "max_seconds", "diverged")


class Line(NamedTuple):
    """A line of the verdict: its head, and the text beside it."""

    head: str
    text: str


def lines(study: Study, refits: Iterable[Study] = ()) -> Iterator[str]:
    """The verdict of a study that has run, as text; ``refits`` are its fits under other settings."""
    yield f"study {study.name}"
    before = ""
    for line in _lines(study, list(refits)):
        yield f"  {line.head if line.head != before else '':9} {line.text}"
        before = line.head


def _lines(study: Study, refits: list[Study]) -> Iterator[Line]:
    folder, own = Path("results", study.name), family(study.family)
    yield Line("fits", _ended([study]))
    if refits:
        yield Line("refits", _ended(refits))
    yield from _dropped(folder)
    yield from _choice(folder, own.roles, own.rules)
    yield from (Line("found", text) for text in own.findings(study))
    yield from _shortened("warning", own.warnings(study))
    yield from (Line("open", str(folder / path)) for path in own.first if (folder / path).exists())


def _ended(studies: list[Study]) -> str:
    """How the planned fits of studies ended: ``90 of 96 converged, 5 max_iterations, 1 not made``."""
    planned, ended = 0, Counter()
    for study in studies:
        planned += len(grid.table(study))
        table = digests.undamaged(Path("results", study.name, "fits.csv"))
        ended.update([] if table is None else fits.read(table)["status"])
    others = [f"{ended[status]} {status}" for status in STATUSES if ended[status]]
    missing = planned - ended.total()
    others += [f"{missing} without a result"] if missing > 0 else []
    return ", ".join([f"{ended['converged']} of {planned} converged", *others])


def _dropped(folder: Path) -> Iterator[Line]:
    path = digests.undamaged(folder / dropped.REPORT)
    report = None if path is None else dropped.read(path)
    if report is None or not dropped.has_losses(report):
        return
    found = list(_shortened("data", dropped.sentences(report)))
    few = f"no condition lost more than {100 * dropped.MANY:.0f} % of its variants"
    yield from found or [Line("data", f"{few} ({path})")]


def _choice(folder: Path, roles: Roles, offered: Sequence[str]) -> Iterator[Line]:
    path = digests.undamaged(folder / "chosen.csv")
    choice = None if path is None else chosen.load(path)
    main = None if choice is None else chosen.main(choice)
    if main is None:
        return
    row = choice[choice["chosen"]].iloc[0]
    at = f"{roles.strength} {grid.label(float(main[roles.strength]))}"
    others = [f"{name} {main[name]}" for name in main if name not in ("study", roles.strength)]
    where = f"{at} ({', '.join(others)})" if others else at
    if row["by"] == RANKING:
        yield Line(roles.strength_noun, row["reason"])
        yield Line(roles.strength_noun, f"{rules.shown(offered)} at {where}")
        return
    by = "" if row["by"] == GIVEN else f"by {row['by']}: "
    yield Line(roles.strength_noun, f"{where}, {by}{row['reason']}")


def _shortened(head: str, texts: Iterable[str]) -> Iterator[Line]:
    texts = list(texts)
    yield from (Line(head, text) for text in texts[:MOST])
    if len(texts) > MOST:
        yield Line(head, f"and {len(texts) - MOST} more like these")
