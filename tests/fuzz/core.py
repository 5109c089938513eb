"""Running made inputs against entry points, and counting how each ended."""

import contextlib
import importlib
import io
import pkgutil
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis.strategies import SearchStrategy

import proxsweep
from proxsweep.io.errors import UserError


class Entry(NamedTuple):
    """An entry point: its share of all cases, and a test that gets an empty folder and one value of each input."""

    name: str
    share: float
    test: Callable[..., None]
    inputs: dict[str, SearchStrategy]


class Tally(Counter):
    """How many cases ended in which way: ``refused``, ``accepted`` or ``wrong``; ``slowest`` took so many seconds."""

    slowest = 0.0


class Refused(Exception):
    """The input was refused, in one line that names the place."""


@contextlib.contextmanager
def may_refuse(*places: str) -> Iterator[None]:
    """Where the code that is tested is called: a refusal has to name one of these places, and ends the test."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    except UserError as error:
        said = error.found and error.expected and "\n" not in str(error)
        assert said and any(place in error.place for place in places), f"refused without its place: {error}"
        raise Refused from error


def cases_of(one: Entry, entries: Sequence[Entry], cases: int) -> int:
    """How many of so many cases are the entry point's own, by the shares; at least one."""
    return max(1, round(cases * one.share / sum(other.share for other in entries)))


def run(one: Entry, cases: int, seed: int, tally: Tally) -> None:
    """So many cases (fewer where there are no more) of an entry point.

    The first that ends wrongly ends the run: it is made as small as possible, and its exception is raised. The notes of
    the exception are the input and what was done to it.
    """
    # A fixed seed and no database: every process tries the same cases. too_slow: the first damage to a study waits for
    # the study to be fitted; later cases take what the tested code takes.
    fixed = {"database": None, "deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
    phases = [Phase.generate, Phase.shrink]

    @hypothesis.seed(f"{seed}/{one.name}")
    @hypothesis.settings(max_examples=cases, phases=phases, report_multiple_bugs=False, **fixed)
    @hypothesis.given(**one.inputs)
    def case(**made):
        begun = time.perf_counter()
        end = "wrong"
        try:
            end = _end(one.test, made)
        finally:
            if not tally["wrong"]:  # what comes after makes it smaller
                tally[end] += 1
                tally.slowest = max(tally.slowest, time.perf_counter() - begun)

    # Hypothesis draws constants of the imported modules too: they have to be the same, whatever ran before.
    for module in pkgutil.walk_packages(proxsweep.__path__, "proxsweep."):
        importlib.import_module(module.name)
    case()


def _end(test: Callable[..., None], made: dict) -> str:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            test(Path(folder), **made)
        except Refused:
            return "refused"
        return "accepted"


def show(tallies: dict[str, Tally]) -> str:
    """The counts as a table."""
    every = Tally(sum(tallies.values(), Counter()))
    every.slowest = max(tally.slowest for tally in tallies.values())
    lines = [f"{'entry point':26}{'tried':>10}{'refused':>10}{'accepted':>10}{'wrong':>10}{'slowest s':>12}"]
    for name, tally in [*tallies.items(), ("all", every)]:
        counts = (tally.total(), tally["refused"], tally["accepted"], tally["wrong"])
        lines.append(f"{name:26}" + "".join(f"{count:10}" for count in counts) + f"{tally.slowest:12.2f}")
    return "\n".join(lines)
