"""Fit one matrix from all its starts, and choose the best of them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from proxsweep.io.errors import UserError
from proxsweep.nmf.data import checks, parts, resamples
from proxsweep.nmf.data.encoding import Encoding, Matrix
from proxsweep.nmf.data.normalise import normalise
from proxsweep.nmf.data.parts import Part
from proxsweep.nmf.model import held_out, matching, problem, run, start_points, vanished
from proxsweep.nmf.model.batch import End
from proxsweep.nmf.model.checkpoint import LIMITED, Checkpoint
from proxsweep.nmf.model.objective import objective
from proxsweep.nmf.model.problem import Data, Problem
from proxsweep.nmf.model.solving import Solving
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
    """All starts of a setting, and the part of the matrix that they are to.

    ``prediction`` is of the best start: its factors, for a fold of blocks with the rows and columns that were held out.
    """

    part: Part
    prediction: held_out.Prediction
    starts: list[Start]
    best: Start
    compile_seconds: float
    solve_seconds: float
    total_seconds: float
    tolerance: float

    @property
    def encoding(self) -> Encoding:
        """What was fitted: the names, and the matrix (m, n), normalised."""
        return self.part.encoding

    @property
    def matrix(self) -> Matrix:
        """The matrix (m, n) as it was fitted."""
        return self.part.encoding.matrix

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

    def gap(self, start: Start) -> float:
        """The objective of a start above that of the best, relative to it."""
        best = self.best.objective
        return (start.objective - best) / (abs(best) or 1.0)

    @cached_property
    def agreements(self) -> list[matching.Agreement]:
        """How far each start agrees with the best one."""
        best = self.best
        if best.status == Status.DIVERGED:
            return [matching.NOTHING] * len(self.starts)
        return [
            matching.NOTHING if one.status == Status.DIVERGED else matching.agreement(one.w, one.h, best.w, best.h)
            for one in self.starts
        ]

    @property
    def kinds(self) -> list[matching.Kind]:
        """What each start is beside the best one."""
        return [
            matching.kind(found, one.status, self.gap(one), self.tolerance)
            for one, found in zip(self.starts, self.agreements, strict=True)
        ]


def fit(
    encoding: Encoding,
    rank: int,
    algorithm: str,
    model: Mapping[str, Any],
    solver: Mapping[str, Any],
    report: Callable[[str], None] = print,
    neighbour: str | Path | None = None,
    checkpoint: Checkpoint | None = None,
    rows: Mapping[str, Any] | None = None,
) -> Fit:
    """Factorise one matrix, or a part of it, from every start asked for.

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
    rows
        The fold or the resample that is fitted; None for the whole matrix.

    Raises
    ------
    UserError
        For a rank above a side of the matrix, a neighbour to other data, and a fold or resample that the matrix, or
        the objective, does not allow.
    """
    began = time.perf_counter()
    piece = _part(encoding, rank, model["normalise"], rows)
    matrix, seen = piece.encoding.matrix, piece.seen
    vanished.refuse_rank(matrix, rank)
    names = start_points.names(solver, neighbour is not None, rows)
    asked, data = problem.build(matrix, model, seen)
    if seen is not None:
        _refuse_entries(asked, model)
    as_free = asked.simplex and (algorithm == "scd" or (asked.poisson and seen is not None))
    solved = (problem.build(matrix, {**model, "w_columns": "free", **FLAT}, seen)) if as_free else (asked, data)
    own = Solving(algorithm, rank, solver, *solved, matrix, report, checkpoint or Checkpoint())
    ends, reseeded = [], []
    for some in own.batches(names):
        points = start_points.points(some, piece.encoding, matrix, rank, solver["seed"], neighbour, asked.poisson, seen)
        found, again = own.solve(some, list(points))
        ends, reseeded = ends + found, reseeded + again
    if any(end.status in LIMITED for end in ends):
        own.checkpoint.put(dict(zip(names, ends, strict=True)))
    settled = [_settle(asked, data, model, end, as_free) for end in ends]
    starts = [
        _start(name, end, pair, again, asked, data, piece, model, solver["tolerance"])
        for name, end, pair, again in zip(names, ends, settled, reseeded, strict=True)
    ]
    best = _best(starts)
    prediction = held_out.predict(piece, best.w, best.h, model)
    total = time.perf_counter() - began
    seconds = total - own.seconds, own.seconds, total
    return Fit(piece, prediction, starts, best, *seconds, solver["tolerance"])


def _part(encoding: Encoding, rank: int, how: str, rows: Mapping[str, Any] | None) -> Part:
    """The part that is fitted: counts are drawn again before they are normalised, folds are of what is normalised."""
    encoding = resamples.resampled(encoding, rows)
    if "resample" in (rows or {}):
        vanished.refuse_rank(encoding.matrix, rank)
        spec = {"study": f"resample {rows['resample']}", "normalise": [how]}
        checks.refuse_constant(spec, encoding.matrix, encoding.features[encoding.kept_features])
    return parts.fold(replace(encoding, matrix=normalise(encoding.matrix, how)), rank, rows)


def _refuse_entries(asked: Problem, model: Mapping[str, Any]) -> None:
    """Refuse to hold out entries where the constrained fit does not follow from the free one."""
    if asked.poisson and asked.simplex and asked.penalised:
        found = "`hold_out: entries` with the loss `poisson`, `w_columns: sum_to_one` and a penalty"
        # message: `hold_out: entries` with the loss `poisson`, `w_columns: sum_to_one` and a penalty | `hold_out:
        # blocks`, or no penalty | The penalty only rescales H where all entries are seen, and no algorithm here
        # minimises the objective otherwise. | Choose one of the two.
        raise UserError("cross_validation.hold_out", found, "`hold_out: blocks`, or no penalty")


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


def _start(name, end: End, pair, reseeded: int, asked, data, piece: Part, model, tolerance: float) -> Start:
    """A start with objective, residual and status at the factors that are written."""
    w, h = pair
    residual = float(run.residual(asked, data, jnp.asarray(w[None]), jnp.asarray(h[None]))[0])
    matrix = piece.encoding.matrix
    loss, penalty = objective(matrix, w.T, h, model, piece.seen)
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
