"""Exposures to factors that are known: the H that minimises the objective where W is given.

The samples do not depend on each other then, and the problem of each is convex: non-negative least squares, or for
counts a Poisson regression without intercept. After a few sweeps of coordinate descent, as in
:mod:`proxsweep.nmf.model.hals` through W'W and as in :mod:`proxsweep.nmf.model.scd`, each iteration steps towards the
minimum of the quadratic model over H >= 0 (Newton's method with bounds; for `squared` one step is exact), which also
converges where columns of W are nearly the same. NumPy and SciPy alone, a few columns of V at a time.

W given H is the same problem, transposed: ``exposures(v.T, h.T, model_with_the_penalties_of_w).T``.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import nnls

from proxsweep.nmf.data.encoding import Matrix

TOLERANCE = 1e-9
ROUNDS, FIRST_SWEEPS = 200, 3  # at most so many Newton steps, with a sweep before each, and more before the first
TRIALS = 12  # lengths of a step
ENOUGH, BETTER = 0.01, 0.5  # of the promised decrease, and of the residual, by which a step is kept
BLOCK = 2**21  # numbers that are held at once, about
ROUNDING = 1e-14  # least eigenvalue of a quadratic, relative to the largest
LEAST = 0.25  # of a multiplicative update is the least that a step on counts leaves
NEGLIGIBLE = 1e-10  # of what the other factors fit: an entry so small that still falls is 0


def exposures(matrix: Matrix, w: np.ndarray, model: Mapping[str, Any], tolerance: float = TOLERANCE) -> np.ndarray:
    """H >= 0 that minimises loss + l1_h sum(H) + l2_h/2 |H|^2 for a given W.

    Parameters
    ----------
    matrix : (m, n)
        V, dense or sparse; zero rows and columns are allowed. A row of V where W is 0 says nothing of H.
    w : (m, k)
        Entries at least 0. A factor whose column is 0 has no exposures.
    model
        ``loss`` (``squared`` or ``poisson``), ``l1_h`` and ``l2_h``; other keys are not looked at.
    tolerance
        Samples are done when their :func:`residual` is at most this, and in any case after 200 iterations.

    Returns
    -------
    ndarray (k, n)
        NaN where W is not finite.
    """
    h = np.full((w.shape[1], matrix.shape[1]), np.nan)
    if np.isfinite(w).all():
        for columns, problem in _problems(matrix, w, model):
            h[:, columns] = _solved(problem, tolerance)
    return h


@np.errstate(all="ignore")  # not a number where a count has nothing fitted
def residual(matrix: Matrix, w: np.ndarray, h: np.ndarray, model: Mapping[str, Any]) -> np.ndarray:
    """How far the columns of H (k, n) are from their optimum given W (m, k): (n,), 0 there and only there.

    The largest entry of the projected gradient, a pure number: under `squared` each is divided by the lengths of the
    column of W (with l2_h added to its square) and of the sample, under `poisson` by the sum of the column of W and
    l1_h.
    """
    parts = [problem.residual(h[:, columns]) for columns, problem in _problems(matrix, w, model)]
    return np.concatenate(parts)


class _Squared(NamedTuple):
    """1/2 |v - W h|^2 of some samples: W'V (k, n) less l1, W'W with l2 (k, k), and |v| (n,)."""

    pull: np.ndarray
    bend: np.ndarray
    norms: np.ndarray

    @classmethod
    def of(cls, values: Matrix, w: np.ndarray, l1: float, l2: float) -> "_Squared":
        squares = values.multiply(values) if sparse.issparse(values) else values**2
        norms = np.sqrt(np.asarray(squares.sum(axis=0)))
        return cls(np.ascontiguousarray((values.T @ w).T) - l1, w.T @ w + l2 * np.eye(w.shape[1]), norms)

    def begin(self) -> np.ndarray:
        return np.zeros_like(self.pull)

    def sweep(self, h: np.ndarray) -> np.ndarray:
        h = h.copy()
        for t, own in enumerate(np.diagonal(self.bend)):
            if own > 0:
                h[t] = np.maximum(h[t] - (self.bend[t] @ h - self.pull[t]) / own, 0)
        return h

    def value(self, h: np.ndarray) -> np.ndarray:
        return ((self.bend @ h / 2 - self.pull) * h).sum(axis=0)

    def slopes(self, h: np.ndarray) -> np.ndarray:
        return self.bend @ h - self.pull

    def bends(self, h: np.ndarray) -> np.ndarray:
        return self.bend[None]

    def residual(self, h: np.ndarray) -> np.ndarray:
        return _largest(h, self.slopes(h), np.sqrt(np.diagonal(self.bend))[:, None] * self.norms)

    def among(self, columns: np.ndarray) -> "_Squared":
        return _Squared(self.pull[:, columns], self.bend, self.norms[columns])


class _Poisson(NamedTuple):
    """sum(W h - v + v log(v / W h)) of n samples at their L entries above 0.

    ``own`` are the rows of W there (L, k), ``samples`` the number of the sample (rising), ``values`` v; ``push`` the
    sums of W's columns with l1 (k, 1).
    """

    own: np.ndarray
    samples: np.ndarray
    values: np.ndarray
    count: int
    push: np.ndarray
    l2: float

    @classmethod
    def of(cls, values: Matrix, w: np.ndarray, l1: float, l2: float) -> "_Poisson":
        stored = sparse.csc_array(values)
        samples = np.repeat(np.arange(stored.shape[1]), np.diff(stored.indptr))
        felt = (stored.data > 0) & (w.max(axis=1) > 0)[stored.indices]
        push = w.sum(axis=0)[:, None] + l1
        return cls(w[stored.indices[felt]], samples[felt], stored.data[felt], stored.shape[1], push, l2)

    def begin(self) -> np.ndarray:
        """Every factor alike, with the sample's total."""
        even = np.broadcast_to(self.total(self.values) / self.push.sum(), (len(self.push), self.count))
        return np.where(self.own.any(axis=0)[:, None], even, 0.0) if len(self.own) else np.zeros_like(even)

    def total(self, numbers: np.ndarray) -> np.ndarray:
        """The sum of every sample, (n,)."""
        return np.bincount(self.samples, numbers, self.count)

    def fitted(self, h: np.ndarray) -> np.ndarray:
        return sum(self.own[:, t] * h[t, self.samples] for t in range(len(h)))

    def sweep(self, h: np.ndarray) -> np.ndarray:
        h, fitted = h.copy(), self.fitted(h)
        for t, own in enumerate(self.own.T):
            share = own / fitted
            pull, bend = self.total(self.values * share), self.total(self.values * share**2)
            new = _step(h[t], pull, bend, self.push[t], self.l2)
            moved = fitted + (new - h[t])[self.samples] * own
            fitted = np.maximum(moved, np.maximum(new[self.samples] * own, NEGLIGIBLE * fitted))
            h[t] = new
        return h

    def value(self, h: np.ndarray) -> np.ndarray:
        logs = self.total(self.values * np.log(self.fitted(h)))
        return (self.push * h + self.l2 / 2 * h**2).sum(axis=0) - logs

    def slopes(self, h: np.ndarray) -> np.ndarray:
        ratio = self.values / self.fitted(h)
        pull = np.array([self.total(own * ratio) for own in self.own.T])
        return self.push + self.l2 * h - pull

    def bends(self, h: np.ndarray) -> np.ndarray:
        scaled = self.own * (np.sqrt(self.values) / self.fitted(h))[:, None]
        edges = np.searchsorted(self.samples, np.arange(self.count + 1))
        parts = [scaled[begin:end] for begin, end in zip(edges[:-1], edges[1:], strict=True)]
        return np.array([part.T @ part for part in parts]) + self.l2 * np.eye(len(h))

    def residual(self, h: np.ndarray) -> np.ndarray:
        return _largest(h, self.slopes(h), self.push)

    def among(self, columns: np.ndarray) -> "_Poisson":
        kept, numbers = columns[self.samples], np.cumsum(columns) - 1
        at = self.own[kept], numbers[self.samples[kept]], self.values[kept]
        return self._replace(own=at[0], samples=at[1], values=at[2], count=int(columns.sum()))


def _problems(matrix: Matrix, w: np.ndarray, model: Mapping[str, Any]) -> Iterator[tuple[slice, _Squared | _Poisson]]:
    """The problem of a few columns of V at a time, and which they are."""
    matrix = matrix.tocsc() if sparse.issparse(matrix) else matrix
    kind = _Poisson if model["loss"] == "poisson" else _Squared
    (m, n), rank = matrix.shape, w.shape[1]
    entries = matrix.nnz / n if sparse.issparse(matrix) else m
    step = max(1, int(BLOCK / (rank * max(rank, entries))))
    for begin in range(0, n, step):
        columns = slice(begin, begin + step)
        yield columns, kind.of(matrix[:, columns], w, float(model["l1_h"]), float(model["l2_h"]))


@np.errstate(all="ignore")  # a trial may leave a count with nothing fitted, and is then not kept
def _solved(problem: _Squared | _Poisson, tolerance: float) -> np.ndarray:
    """H of all samples of a problem; those that are done are left out of further rounds."""
    h = problem.begin()
    left = np.arange(h.shape[1])
    for number in range(ROUNDS):
        now = h[:, left]
        for _ in range(1 if number else FIRST_SWEEPS):
            now = problem.sweep(now)
        now, far = _newton(problem, now)
        h[:, left] = now
        unfinished = far > tolerance
        if not unfinished.any():
            break
        left, problem = left[unfinished], problem.among(unfinished)
    return h


def _newton(problem: _Squared | _Poisson, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """H after a step towards the minimum of the quadratic model over H >= 0, and the residual (n,).

    The step is shortened until the objective falls by a part of what its slope promises, or the residual by half (which
    keeps its digits near the optimum); a sample where neither happens stays.
    """
    slopes, value, far = problem.slopes(h), problem.value(h), problem.residual(h)
    bends = problem.bends(h)
    ways = _minimum(bends, (bends @ h.T[:, :, None])[:, :, 0] - slopes.T).T - h
    promised = (slopes * ways).sum(axis=0)
    found, length, moving = h, 1.0, far > 0
    for _ in range(TRIALS):
        new = np.maximum(h + length * ways, 0)
        after = problem.residual(new)
        fallen = problem.value(new) <= value + ENOUGH * length * promised
        kept = moving & (((promised < 0) & fallen) | (after < BETTER * far))
        found, far = np.where(kept, new, found), np.where(kept, after, far)
        moving, length = moving & ~kept, length / 2
        if not moving.any():
            break
    return found, far


def _minimum(bends: np.ndarray, pulls: np.ndarray) -> np.ndarray:
    """x >= 0 that minimises 1/2 x'Bx - p'x, for p (n, k) and B (n, k, k), or one B for all (1, k, k).

    As non-negative least squares with a square root of B (Lawson and Hanson 1974, Solving Least Squares Problems).
    """
    sizes = np.diagonal(bends, axis1=1, axis2=2)
    scale = np.where(sizes > 0, 1 / np.sqrt(np.where(sizes > 0, sizes, 1)), 0)
    values, vectors = np.linalg.eigh(bends * scale[:, :, None] * scale[:, None, :])
    roots = np.sqrt(np.maximum(values, ROUNDING * values[:, -1:]))
    factors = roots[:, :, None] * vectors.swapaxes(1, 2)
    turned = (vectors.swapaxes(1, 2) @ (pulls * scale)[:, :, None])[:, :, 0]
    targets = np.where(roots > 0, turned / np.where(roots > 0, roots, 1), 0)
    found = [_least_squares(factors[place % len(factors)], target) for place, target in enumerate(targets)]
    return np.array(found) * scale


def _least_squares(factor: np.ndarray, target: np.ndarray) -> np.ndarray:
    try:
        return nnls(factor, target)[0]
    except (RuntimeError, ValueError):  # too many exchanges, which rounding may cause, or numbers that overflowed
        return np.full(len(target), np.nan)


def _largest(h: np.ndarray, slopes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    relative = np.divide(slopes, sizes, out=np.zeros_like(slopes), where=np.broadcast_to(sizes > 0, slopes.shape))
    return abs(np.where(h > 0, relative, np.minimum(relative, 0))).max(axis=0)


def _step(h: np.ndarray, pull: np.ndarray, bend: np.ndarray, push: float, l2: float) -> np.ndarray:
    """New entries (n,) of a factor: where c - B / (A + h), with the value and slope of the derivative at h, is 0."""
    felt = (bend > 0) & (push > 0)
    a, full = np.where(felt, pull / bend, 0), push + l2 * h
    over = pull - full
    root = np.sqrt((full - l2 * a) ** 2 + 4 * l2 * a * pull)
    new = h + 2 * a * over / (full + l2 * a + root)
    new = np.maximum(new, LEAST * np.minimum(h * pull / full, h))  # never below 0, where counts may rest on it alone
    gone = (over < 0) & (new <= NEGLIGIBLE * a)
    return np.where(felt & ~gone, new, 0)
