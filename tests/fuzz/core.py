"""Running many made cases against entry points, and counting how each ended."""

import contextlib
import io
import shutil
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from proxsweep.io.errors import UserError


class Case(NamedTuple):
    """One call: ``sound`` says whether its result may be accepted, a refusal has to name one of ``places``."""

    run: Callable[[], Any]
    sound: Callable[[Any], bool]
    places: Sequence[str]


class Entry(NamedTuple):
    """An entry point: its share of all cases, and how a case is made in an empty folder."""

    name: str
    share: float
    make: Callable[[Random, Path], Case]


@dataclass
class Tally:
    """How the cases of an entry point ended; ``examples`` names up to three that ended badly."""

    cases: int = 0
    refused: int = 0
    accepted: int = 0
    wrong: int = 0
    unnamed: int = 0
    tracebacks: int = 0
    slowest: float = 0.0
    examples: list[str] = field(default_factory=list)

    @property
    def bad(self) -> int:
        return self.wrong + self.unnamed + self.tracebacks

    def note(self, kind: str, text: str) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        if kind not in ("refused", "accepted") and len(self.examples) < 3:
            self.examples.append(f"{kind}: {text}")


def run(entries: Sequence[Entry], cases: int, seed: int) -> dict[str, Tally]:
    """So many cases in all, dealt out by the shares of the entry points, at least one each."""
    total = sum(entry.share for entry in entries)
    tallies = {}
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for entry in entries:
            tallies[entry.name] = Tally()
            for number in range(max(1, round(cases * entry.share / total))):
                one(entry, f"{seed}/{entry.name}/{number}", Path(folder) / "case", tallies[entry.name])
    return tallies


def one(entry: Entry, key: str, folder: Path, tally: Tally) -> None:
    """One case, made from its key alone."""
    folder.mkdir()
    tally.cases += 1
    begun = time.perf_counter()
    try:
        case = entry.make(Random(key), folder)
        with contextlib.redirect_stdout(io.StringIO()):
            tally.note(*_outcome(case, key))
    finally:
        tally.slowest = max(tally.slowest, time.perf_counter() - begun)
        shutil.rmtree(folder)


def _outcome(case: Case, key: str) -> tuple[str, str]:
    try:
        result = case.run()
    except UserError as error:
        said = error.found and error.expected and "\n" not in str(error)
        named = any(place in error.place for place in case.places)
        return ("refused", "") if said and named else ("unnamed", f"{key}: {error}")
    except (Exception, SystemExit):
        return "tracebacks", f"{key}: {traceback.format_exc(limit=-4)}"
    return ("accepted", "") if case.sound(result) else ("wrong", f"{key}: {str(result)[:300]}")


def show(tallies: dict[str, Tally]) -> str:
    """The counts as a table, then the examples."""
    heads = ("cases", "refused", "accepted", "wrongly", "no place", "tracebacks", "slowest s")
    lines = [f"{'entry point':26}" + "".join(f"{head:>12}" for head in heads)]
    for name, one_ in [*tallies.items(), ("all", total(tallies))]:
        counts = (one_.cases, one_.refused, one_.accepted, one_.wrong, one_.unnamed, one_.tracebacks)
        lines.append(f"{name:26}" + "".join(f"{count:12}" for count in counts) + f"{one_.slowest:12.2f}")
    return "\n".join([*lines, *(example for tally in tallies.values() for example in tally.examples)])


def total(tallies: dict[str, Tally]) -> Tally:
    """All entry points together."""
    found = Tally(slowest=max(tally.slowest for tally in tallies.values()))
    for name in ("cases", "refused", "accepted", "wrong", "unnamed", "tracebacks"):
        setattr(found, name, sum(getattr(tally, name) for tally in tallies.values()))
    return found
