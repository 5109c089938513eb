"""The consensus of the chosen fit a second time: which factors are in which group, their medians, the exposures.

Formulas and sources: :mod:`proxsweep.nmf.results.consensus` and the modules that it uses, with which this shares no
code. Exposures are not solved for again where those that are written are seen to be right: their problem is convex, and
the slopes of the objective say how far they are from its optimum.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import minimize, nnls
from scipy.spatial.distance import cdist

from proxsweep.nmf.check import stability
from proxsweep.nmf.check.recompute import Problem
from proxsweep.nmf.check.stability import Starts

NEIGHBOURS, MOST_ROUNDS, DIGITS = 0.3, 300, 6
RIGHT = 1e-7  # relative slope at which exposures that are written are right
BLOCK = 2**20  # entries that are made dense at once


class Grouped(NamedTuple):
    """The factors of the starts that count, (P, M) of length 1, start by start; local density, and group (-1: none) of
    each; medians W (M, k), None where there are too few factors."""

    points: np.ndarray
    density: np.ndarray
    outlier: np.ndarray
    group: np.ndarray
    medians: np.ndarray | None


def neighbours(starts: int) -> int:
    """How many neighbours a local density goes by."""
    return max(1, int(NEIGHBOURS * starts))


def grouped(starts: Starts, places: list[int], threshold: float) -> Grouped:
    """Factors of starts in groups, as k-means puts them that begins at the factors of the first."""
    points = np.concatenate([stability.unit(starts.w[place]).T for place in places])
    number, rank = neighbours(len(places)), starts.w.shape[2]
    distances = cdist(points, points)
    np.fill_diagonal(distances, np.inf)
    density = np.round(np.sort(distances, axis=1)[:, :number].mean(axis=1), DIGITS)
    near, group = density < threshold, np.full(len(points), -1)
    if near.sum() < rank:
        return Grouped(points, density, ~near, group, None)
    group[near] = _means(points[near], points[:rank])
    medians = np.stack([_median(points[group == one]) for one in range(rank)], axis=1)
    return Grouped(points, density, ~near, group, medians)


def _means(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    before = None
    for _ in range(MOST_ROUNDS):
        distances = cdist(points, centres, "sqeuclidean")
        now = distances.argmin(axis=1)
        _fill(now, distances.min(axis=1), len(centres))
        if before is not None and np.array_equal(now, before):
            break
        before, centres = now, np.array([points[now == one].mean(axis=0) for one in range(len(centres))])
    return now


def _fill(groups: np.ndarray, far: np.ndarray, rank: int) -> None:
    """Give a group without members the point that is furthest from its centre, of those that are not alone."""
    for one in range(rank):
        if not (groups == one).any():
            alone = np.array([(groups == other).sum() == 1 for other in groups])
            furthest = int(np.where(alone, -1.0, far).argmax())
            groups[furthest], far[furthest] = one, 0.0


def _median(members: np.ndarray) -> np.ndarray:
    ranked, half = np.sort(members, axis=0), len(members) // 2
    middle = ranked[half] if len(members) % 2 else (ranked[half - 1] + ranked[half]) / 2
    middle = middle if middle.any() else members.mean(axis=0)
    return middle / (middle.sum() or 1.0)


def exposures(problem: Problem, model: Mapping[str, Any], w: np.ndarray, said: np.ndarray | None) -> np.ndarray:
    """H (k, n) for the medians W (m, k): what is ``said`` of a sample if that is right, else its own solution."""
    l1, l2 = refit_penalties(model)
    found = np.full((w.shape[1], problem.matrix.shape[1]), np.nan)
    if said is not None and said.shape == found.shape and np.isfinite(said).all() and (said >= 0).all():
        found = said.copy()
    step = max(1, BLOCK // len(w))
    for begin in range(0, found.shape[1], step):
        values = problem.matrix[:, begin : begin + step]
        values = values.toarray() if sparse.issparse(values) else values
        part = found[:, begin : begin + step]
        for place in np.flatnonzero(~(_slopes(problem.poisson, values, w, part, l1, l2) <= RIGHT)):
            part[:, place] = _solved(problem.poisson, values[:, place], w, l1, l2)
    return found


def refit_penalties(model: Mapping[str, Any]) -> tuple[float, float]:
    """``l1_h`` and ``l2_h`` of the fit where columns of W sum to 1 there, too; else none."""
    return (model["l1_h"], model["l2_h"]) if model["w_columns"] == "sum_to_one" else (0.0, 0.0)


def _slopes(poisson: bool, values: np.ndarray, w: np.ndarray, h: np.ndarray, l1: float, l2: float) -> np.ndarray:
    """The largest slope by which an entry of each sample could move, relative: (n,)."""
    fitted = w @ h
    if poisson:
        ratio = np.divide(values, fitted, out=np.where(values > 0, np.inf, 0.0), where=fitted > 0)
        with np.errstate(invalid="ignore"):
            slope = w.sum(axis=0)[:, None] + l1 + l2 * h - w.T @ ratio
        size = w.sum(axis=0)[:, None] + l1
    else:
        slope = w.T @ (fitted - values) + l1 + l2 * h
        size = np.sqrt((w**2).sum(axis=0) + l2)[:, None] * np.sqrt((values**2).sum(axis=0))
    may_move = np.where(h > 0, abs(slope), np.maximum(-slope, 0))
    return np.divide(may_move, size, out=np.zeros_like(may_move), where=size > 0).max(axis=0)


def _solved(poisson: bool, values: np.ndarray, w: np.ndarray, l1: float, l2: float) -> np.ndarray:
    """Exposures of one sample, by SciPy."""
    if not poisson and not l1:
        return nnls(np.vstack([w, np.sqrt(l2) * np.eye(w.shape[1])]), np.append(values, np.zeros(w.shape[1])))[0]

    def objective(h: np.ndarray) -> tuple[float, np.ndarray]:
        fitted = np.maximum(w @ h, 1e-300)
        own = l1 * h.sum() + l2 / 2 * h @ h
        if poisson:
            value = fitted.sum() - (values * np.log(fitted)).sum()
            return value + own, w.T @ (1 - values / fitted) + l1 + l2 * h
        return ((fitted - values) ** 2).sum() / 2 + own, w.T @ (fitted - values) + l1 + l2 * h

    begin = np.full(w.shape[1], values.sum() / max(w.sum(), 1e-300))
    bounds = [(0, None)] * w.shape[1]
    return minimize(objective, begin, jac=True, bounds=bounds, options={"ftol": 1e-15, "gtol": 1e-12}).x
