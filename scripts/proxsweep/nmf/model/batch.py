"""Running the starts of a batch to their ends: looks for the trace, limits, and smaller batches as starts end."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np

from proxsweep.nmf.model import finish, methods, products, run
from proxsweep.nmf.model.methods import Method, Settings
from proxsweep.nmf.model.problem import Data, Problem
from proxsweep.nmf.model.products import Dense
from proxsweep.nmf.model.run import CHECK_EVERY, Run
from proxsweep.optimize.status import Status

LOOKS = (1, 2, 3, 5, 7)  # of every power of ten
FEWER = 4  # the batch is cut down when one in so many is left,
WORTH = 1e7  # and an iteration of it does so much work: code for each size of a batch takes seconds to compile
QUOTIENT = 4  # as much work as a product of two numbers
STRIDE_SECONDS = 5.0
BATCH_BYTES = 400e6
ARRAYS, BLOCKS = 16, 6  # what an iteration holds at once: of the size of the factors, and in late ones of k x k blocks
COPIES, LATE_COPIES = 4, 12  # and, under the loss `poisson` or where entries are held out, of V


@dataclass
class End:
    """How a start ended, and its trace: rows of iteration, seconds, objective, relative_residual and zeros."""

    w: np.ndarray
    h: np.ndarray
    status: Status
    iterations: int
    seconds: float
    rows: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Limits:
    """When starts end."""

    tolerance: float
    max_iterations: int
    max_seconds: float | None


def size(problem: Problem, data: Data, method: Method, rank: int, starts: int) -> int:
    """How many starts are run at once: as many as memory allows."""
    late = method.late(problem, data).finishing
    each = 8 * (ARRAYS + BLOCKS * rank * late) * rank * (data.rows + data.columns)
    entries = data.rows * data.columns
    if (problem.poisson or data.seen is not None) and isinstance(data.v, Dense):
        each += 8 * (LATE_COPIES if late else COPIES) * entries
    room = BATCH_BYTES if data.seen is None else BATCH_BYTES - 8 * entries  # which entries are seen is held once
    return int(np.clip(room // each, 1, starts))


def solve(
    method: Method,
    problem: Problem,
    data: Data,
    settings: Settings,
    w: np.ndarray,
    h: np.ndarray,
    limits: Limits,
    report: Callable[[str], None],
    keep: Callable[[Callable[[], dict[int, End]]], None] = lambda states: None,
) -> list[End]:
    """Run starts W (S, k, m), H (S, k, n) until each has converged, diverged or come to a limit.

    ``seconds`` of a start are those of the batch until it ended, without compiling. ``keep`` is called now and then
    with a function that tells where the starts have got to, by their number.
    """
    return _Batch(method, problem, data, settings, limits, report, keep).solve(w, h)


class _Batch:
    def __init__(self, method, problem, data, settings, limits: Limits, report, keep):
        self.fixed = method, problem, data, settings
        self.settings, self.limits, self.report, self.keep = settings, limits, report, keep
        self.seconds, self.compiled = 0.0, set()
        self.pace = STRIDE_SECONDS  # seconds of an iteration, as far as is known
        self.told = time.monotonic()
        self.places = np.array([], int)  # which start is where in the batch; -1: one that has ended
        self.traces: list[list[dict[str, Any]]] = []
        self.ends: dict[int, End] = {}
        self.rank = 0

    def solve(self, w: np.ndarray, h: np.ndarray) -> list[End]:
        self.places, self.traces, self.rank = np.arange(len(w)), [[] for _ in range(len(w))], w.shape[1]
        now = run.begin(*self.fixed, jnp.asarray(w), jnp.asarray(h))
        self._look(now)
        for until in looks(self.limits.max_iterations):
            now = self._advance(now, until)
            done = self._look(now) | self._is_over(now)
            for slot in np.flatnonzero(done & (self.places >= 0)):
                self.ends[int(self.places[slot])] = self._end(now, slot)
            self.places = np.where(done, -1, self.places)
            if (self.places < 0).all():
                break
            now, self.places = (now, self.places) if self._is_light() else _fewer(now, self.places)
        return [self.ends[place] for place in range(len(w))]

    def _is_light(self) -> bool:
        """Whether iterations of the whole batch cost less than compiling them for fewer starts."""
        _, problem, data, _ = self.fixed
        each = QUOTIENT if problem.poisson or data.seen is not None else 1
        return 2 * each * len(self.places) * self.rank * products.entries(data.v) < WORTH

    def _states(self, now: Run) -> dict[int, End]:
        """Where the starts have got to: those that still run as if their time were over."""
        found = dict(self.ends)
        for slot in np.flatnonzero(self.places >= 0):
            place, count = int(self.places[slot]), int(now.iterations[slot])
            found[place] = End(
                *self._factors(now, slot), Status.MAX_SECONDS, count, self.seconds, list(self.traces[place])
            )
        return found

    def _factors(self, now: Run, slot: int) -> tuple[np.ndarray, np.ndarray]:
        w, h = methods.factors(self.settings, run.take(now, jnp.array([slot])).state)
        return np.asarray(w[0]), np.asarray(h[0])

    def _advance(self, now: Run, until: int) -> Run:
        """To iteration ``until``, in strides short enough for limits of time and for the checkpoint."""
        count = int(now.count)
        while count < until and not bool(now.done.all()) and not self._is_late():
            fitting = int(STRIDE_SECONDS / self.pace) // CHECK_EVERY
            now, spent = self._stride(now, min(until, count + CHECK_EVERY * max(1, fitting)))
            taken, count = int(now.count) - count, int(now.count)
            self.pace = max(spent / max(taken, 1), 1e-9)
            self._tell(now)
            self.keep(lambda now=now: self._states(now))
        return now

    def _stride(self, now: Run, goal: int) -> tuple[Run, float]:
        method, *rest = self.fixed
        late = method.late(*rest[:2]) if int(now.count) >= finish.FIRST else method
        key = (late, len(now.done))
        if key not in self.compiled:  # a call that does nothing
            run.advance(late, *rest, now, jnp.int32(0), jnp.float64(self.limits.tolerance)).done.block_until_ready()
            self.compiled.add(key)
        began = time.perf_counter()
        now = run.advance(late, *rest, now, jnp.int32(goal), jnp.float64(self.limits.tolerance))
        now.done.block_until_ready()
        spent = time.perf_counter() - began
        self.seconds += spent
        return now, spent

    def _is_late(self) -> bool:
        return self.limits.max_seconds is not None and self.seconds >= self.limits.max_seconds

    def _is_over(self, now: Run) -> bool:
        return int(now.count) >= self.limits.max_iterations or self._is_late()

    def _look(self, now: Run) -> np.ndarray:
        """A row for the trace of each start that still runs; which starts are done, (S,)."""
        seen = run.look(*self.fixed, now)
        objective, residual, zeros = map(np.asarray, seen)
        iterations, done = np.asarray(now.iterations), np.asarray(now.done)
        for slot, place in enumerate(self.places):
            if place >= 0:
                row = {"iteration": int(iterations[slot]), "seconds": self.seconds}
                row |= {"objective": float(objective[slot]), "relative_residual": float(residual[slot])}
                self.traces[place].append(row | {"zeros": int(zeros[slot])})
        return done

    def _end(self, now: Run, slot: int) -> End:
        w, h = self._factors(now, slot)
        rows = self.traces[self.places[slot]]
        residual, count = rows[-1]["relative_residual"], rows[-1]["iteration"]
        if not np.isfinite([residual, rows[-1]["objective"]]).all():
            status = Status.DIVERGED
        elif residual <= self.limits.tolerance:
            status = Status.CONVERGED
        else:
            late = self._is_late() and count < self.limits.max_iterations
            status = Status.MAX_SECONDS if late else Status.MAX_ITERATIONS
        return End(w, h, status, count, self.seconds, rows)

    def _tell(self, now: Run) -> None:
        if time.monotonic() - self.told > STRIDE_SECONDS:
            self.told = time.monotonic()
            left = int((~now.done).sum())
            self.report(f"iteration {int(now.count)}: {left} of {len(now.done)} starts still run")


def looks(last: int) -> list[int]:
    """Iterations at which the trace has a row: a few of every power of ten up to ``last``."""
    found = [digit * 10**power for power in range(len(str(last))) for digit in LOOKS]
    return sorted({last, *(count for count in found if count < last)})


def _fewer(now: Run, places: np.ndarray) -> tuple[Run, np.ndarray]:
    """The starts that still run, if they are few, in a batch whose size is a power of two; others fill it up."""
    left = np.flatnonzero(places >= 0)
    count = 1 << (len(left) - 1).bit_length()
    if count > len(places) // FEWER:
        return now, places
    others = np.flatnonzero(places < 0)[: count - len(left)]
    which = np.concatenate([left, others])
    return run.take(now, jnp.asarray(which)), places[which]
