"""Fit one matrix from all its starts, and choose the best of them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from scipy import sparse

from proxsweep.nmf.data.encoding import Encoding, Matrix
from proxsweep.nmf.data.normalise import normalise
from proxsweep.nmf.model import batch, methods, problem, run, start_points, vanished
from proxsweep.nmf.model.batch import End, Limits
from proxsweep.nmf.model.checkpoint import LIMITED, Checkpoint
from proxsweep.nmf.model.objective import objective
from proxsweep.nmf.model.problem import Data, Problem
from proxsweep.optimize.status import Status

SAME = 1e-8  # relative difference of objectives within which a converged start is preferred
AT_BEST = 1e-6  # and within which a start has reached the best objective
FLAT = {"l1_h": 0.0, "l2_h": 0.0, "l1_w": 0.0, "l2_w": 0.0}


@dataclass(frozen=True)
class Start:
    """One start as it is written: W (m, k), H (k, n), columns and rows in the order of their total exposure.

    ``loss`` and ``penalty`` add up to ``objective``; ``dead`` counts the factors that have vanished.
    """

    name: str
    w: np.ndarray
    h: np.ndarray
    status: Status
    loss: float
    penalty: float
    residual: float
    dead: int
    reseeded: int
    end: End

    @property
    def objective(self) -> float:
        return self.loss + self.penalty

    @property
    def zeros(self) -> int:
        return int((self.w <= 0).sum() + (self.h <= 0).sum())


@dataclass(frozen=True)
class Fit:
    """All starts of a setting, and the matrix (m, n) as it was fitted."""

    encoding: Encoding
    matrix: Matrix
    starts: list[Start]
    best: Start
    compile_seconds: float
    solve_seconds: float
    total_seconds: float

    @property
    def at_best(self) -> int:
        """How many starts have converged within 1e-6, relative, of the best objective."""
        level = self.best.objective + AT_BEST * abs(self.best.objective)
        return sum(one.objective <= level and one.status == Status.CONVERGED for one in self.starts)

    @property
    def start_spread(self) -> float:
        """Largest minus smallest objective of the starts that did not diverge, relative to the smallest."""
        values = [one.objective for one in self.starts if one.status != Status.DIVERGED]
        if not values or not min(values):
            return 0.0
        return (max(values) - min(values)) / abs(min(values))


def fit(
    encoding: Encoding,
    rank: int,
    algorithm: str,
    model: Mapping[str, Any],
    solver: Mapping[str, Any],
    report: Callable[[str], None] = print,
    neighbour: str | Path | None = None,
    checkpoint: Checkpoint | None = None,
) -> Fit:
    """Factorise one matrix from every start asked for.

    Parameters
    ----------
    encoding
        The matrix, and the names of its features and samples.
    rank
        Number of factors k.
    algorithm
        ``hals``, ``mu``, ``pgd_all``, ``pgd_alternating`` or ``scd``.
    model, solver
        Sections of the config, every key given; ``model`` has ``normalise``, too.
    report
        Receives a line of progress now and then.
    neighbour
        ``parameters.npz`` of the next smaller rank, for the start ``neighbour``.
    checkpoint
        Where starts go on from, and where they are noted down.

    Raises
    ------
    UserError
        For a rank above a side of the matrix, and a neighbour to other data.
    """
    began = time.perf_counter()
    matrix = normalise(encoding.matrix, model["normalise"])
    vanished.refuse_rank(matrix, rank)
    names = start_points.names(solver, neighbour is not None)
    asked, data = problem.build(matrix, model)
    as_free = algorithm == "scd" and asked.simplex
    solved = (problem.build(matrix, {**model, "w_columns": "free", **FLAT})) if as_free else (asked, data)
    own = _Own(algorithm, rank, solver, *solved, matrix, report, checkpoint or Checkpoint())
    ends, reseeded = [], []
    for part in own.batches(names):
        points = start_points.points(part, encoding, matrix, rank, solver["seed"], neighbour, asked.poisson)
        found, again = own.solve(part, list(points))
        ends, reseeded = ends + found, reseeded + again
    if any(end.status in LIMITED for end in ends):
        own.checkpoint.put(dict(zip(names, ends, strict=True)))
    settled = [_settle(asked, data, model, end, as_free) for end in ends]
    starts = [
        _start(name, end, pair, again, asked, data, matrix, model, solver["tolerance"])
        for name, end, pair, again in zip(names, ends, settled, reseeded, strict=True)
    ]
    total = time.perf_counter() - began
    return Fit(encoding, matrix, starts, _best(starts), total - own.seconds, own.seconds, total)


class _Own:
    """What the batches of a fit have in common; ``seconds`` are those of solving."""

    def __init__(
        self, algorithm, rank, solver, asked: Problem, data: Data, matrix: Matrix, report, checkpoint: Checkpoint
    ):
        entries = matrix.nnz if sparse.issparse(matrix) else matrix.size
        self.method, self.settings = methods.build(algorithm, solver, asked, data, rank, entries)
        self.asked, self.data, self.matrix, self.rank, self.report = asked, data, matrix, rank, report
        self.limits = Limits(solver["tolerance"], solver["max_iterations"], solver["max_seconds"])
        self.checkpoint = checkpoint
        self.seconds = 0.0

    def batches(self, names: list[str]) -> list[list[str]]:
        size = batch.size(self.asked, self.data, self.method, self.rank, len(names))
        return [names[begin : begin + size] for begin in range(0, len(names), size)]

    def solve(self, names: list[str], points: list[start_points.Point]) -> tuple[list[End], list[int]]:
        """Ends of starts; those that end with a vanished factor that could do something get it anew, once."""
        ends = self._ends(names, points)
        again = [
            vanished.reseeded(self.asked, self.data, self.matrix, end) if end.status == Status.CONVERGED else None
            for end in ends
        ]
        places = [place for place, found in enumerate(again) if found is not None]
        if places:
            left = self._left([ends[place] for place in places])
            more = self._run([again[place] for place in places], left, lambda states: None)
            for place, end in zip(places, more, strict=True):
                ends[place] = _continued(ends[place], end)
        return ends, [int(found is not None) for found in again]

    def _ends(self, names: list[str], points: list[start_points.Point]) -> list[End]:
        """Ends of starts from where an earlier run left them, if one did."""
        known = {name: end for name, end in self.checkpoint.states.items() if name in names}
        open_ones = [name for name in names if name not in known or known[name].status in LIMITED]
        earlier = [known[name] for name in open_ones if name in known]
        self.seconds += max((end.seconds for end in known.values()), default=0.0)
        if any(end.iterations >= self.limits.max_iterations for end in earlier):
            known |= {name: replace(known[name], status=Status.MAX_ITERATIONS) for name in open_ones}
            open_ones = []
        if not open_ones:
            return [known[name] for name in names]
        limits = self._left(earlier)
        begin = dict(zip(names, ((w.T, h) for w, h in points), strict=True))
        begin |= {name: (known[name].w, known[name].h) for name in open_ones if name in known}

        def merged(states: dict[int, End]) -> dict[str, End]:
            found = {open_ones[place]: end for place, end in states.items()}
            return {name: _continued(known[name], end) if name in known else end for name, end in found.items()}

        keep = lambda states: self.checkpoint.put(merged(states())) if self.checkpoint.is_due() else None  # noqa: E731
        ends = merged(dict(enumerate(self._run([begin[name] for name in open_ones], limits, keep))))
        return [ends.get(name) or known[name] for name in names]

    def _left(self, ends: list[End]) -> Limits:
        """What the limits leave to starts that have ended so; one iteration at least, so that they end by a limit."""
        most, late = self.limits.max_iterations, self.limits.max_seconds
        spent = max((end.seconds for end in ends), default=0.0)
        count = max((end.iterations for end in ends), default=0)
        return replace(
            self.limits,
            max_iterations=max(1, most - count),
            max_seconds=None if late is None else max(0.0, late - spent),
        )

    def _run(self, points: list[start_points.Point], limits: Limits, keep) -> list[End]:
        w, h = (np.stack(factors) for factors in zip(*points, strict=True))
        if self.asked.simplex:
            sums = w.sum(axis=2, keepdims=True)
            even = np.full_like(w, 1 / w.shape[2])
            w, h = np.where(sums > 0, w / np.where(sums > 0, sums, 1), even), h * sums
        ends = batch.solve(self.method, self.asked, self.data, self.settings, w, h, limits, self.report, keep)
        self.seconds += max(end.seconds for end in ends)
        return ends


def _continued(first: End, second: End) -> End:
    rows = [
        {**row, "iteration": row["iteration"] + first.iterations, "seconds": row["seconds"] + first.seconds}
        for row in second.rows[1:]
    ]
    spent = first.iterations + second.iterations, first.seconds + second.seconds
    return replace(second, iterations=spent[0], seconds=spent[1], rows=first.rows + rows)


def _settle(asked: Problem, data: Data, model: Mapping[str, Any], end: End, as_free: bool) -> start_points.Point:
    """Factors as they are written, (k, m) and (k, n): columns of W sum to 1 where that changes nothing, in order."""
    w, h = end.w, end.h
    if asked.scale_free or as_free:
        sums = w.sum(axis=1, keepdims=True)
        there = (sums > 0) & (h.max(axis=1, keepdims=True) > 0)
        w, h = np.where(there, w / np.where(there, sums, 1), 0), np.where(there, h * sums, 0)
    if as_free:  # with columns that sum to 1, l1_h only makes H smaller
        gone = w.sum(axis=1, keepdims=True) == 0
        w, h = np.where(gone, 1 / w.shape[1], w), h / (1 + model["l1_h"])
    elif asked.simplex:  # what stood at the floor is 0 now
        w = w / w.sum(axis=1, keepdims=True)
    order = np.argsort(-w.sum(axis=1) * h.sum(axis=1), kind="stable")
    return w[order], h[order]


def _start(name, end: End, pair, reseeded: int, asked, data, matrix, model, tolerance: float) -> Start:
    """A start with objective, residual and status at the factors that are written."""
    w, h = pair
    residual = float(run.residual(asked, data, jnp.asarray(w[None]), jnp.asarray(h[None]))[0])
    loss, penalty = objective(matrix, w.T, h, model)
    open_ended = vanished.could_grow(asked, data, matrix, w, h)
    status = end.status
    if status == Status.CONVERGED and (residual > tolerance or open_ended):
        status = Status.MAX_ITERATIONS
    elif status != Status.DIVERGED and residual <= tolerance and not open_ended:
        status = Status.CONVERGED
    dead = int(((w.max(axis=1) <= 0) | (h.max(axis=1) <= 0)).sum())
    return Start(name, w.T, h, status, loss, penalty, residual, dead, reseeded, end)


def _best(starts: list[Start]) -> Start:
    """The lowest objective; of those that differ by rounding alone a converged one; a diverged one last."""
    usable = [one for one in starts if one.status != Status.DIVERGED] or starts
    lowest = min(one.objective for one in usable)
    near = [one for one in usable if one.objective <= lowest + SAME * abs(lowest)] or usable
    return min(near, key=lambda one: (one.status != Status.CONVERGED, one.objective))
