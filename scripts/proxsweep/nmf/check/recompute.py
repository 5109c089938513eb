"""A factorisation a second time, in NumPy and SciPy alone: objective and residual, from V - W H itself.

Shares no code with the solvers (:mod:`proxsweep.nmf.model`). V - W H is formed a block of rows at a time: nothing of
the size of a sparse V is made dense. Where entries are held out, V is 0 there, and W H counts as 0. The definitions are
derived in docs/nmf.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.special import kl_div

from proxsweep.nmf.data.encoding import Matrix

BLOCK = 2**21  # entries of a block that is made dense
PENALTIES = ("l1_h", "l2_h", "l1_w", "l2_w")


@dataclass(frozen=True)
class Problem:
    """V (m, n) as it is fitted, |V|, sum(V), its largest entry, and what is minimised.

    ``seen`` (m, n) bool are the entries that are not held out, None where none is.
    """

    matrix: Matrix
    norm: float
    total: float
    largest: float
    poisson: bool
    simplex: bool
    l1_h: float
    l2_h: float
    l1_w: float
    l2_w: float
    seen: np.ndarray | None = None

    @property
    def scale_free(self) -> bool:
        """Whether W c, H / c has the same objective."""
        return not (self.simplex or self.l1_h or self.l2_h or self.l1_w or self.l2_w)


class Found(NamedTuple):
    """What factors are worth.

    Attributes
    ----------
    loss, penalty, residual
    vanished
        How many factors have a column of W or a row of H that is 0.
    gain
        By how much the largest entry of V - W H (`poisson`: of V / W H - 1) is above what the penalties take.
    gain_size
        Size of the numbers that ``gain`` is a difference of.
    zeros
        Entries of W and H that are 0.
    loss_rounding
        What another order of summing may change ``loss`` by.
    residual_rounding, objective_rounding, curvature
        With every entry of W and H changed by at most a share u, the residual changes by at most u times the first, the
        objective by at most u times the second and u^2 times the third.
    """

    loss: float
    penalty: float
    residual: float
    vanished: int
    gain: float
    gain_size: float
    zeros: int
    loss_rounding: float
    residual_rounding: float
    objective_rounding: float
    curvature: float

    @property
    def objective(self) -> float:
        return self.loss + self.penalty


class _Pass(NamedTuple):
    """The loss, the largest entry, and (V - W H) H', W' (V - W H); for `poisson` of V / W H in place of V - W H."""

    loss: float
    largest: float
    by_rows: np.ndarray
    by_columns: np.ndarray


def problem(matrix: Matrix, model: Mapping[str, Any]) -> Problem:
    """The problem of a matrix as it stands in the encoding, under a record's section `model`."""
    return stated(normalised(matrix, model["normalise"]), model)


def stated(matrix: Matrix, model: Mapping[str, Any], seen: np.ndarray | None = None) -> Problem:
    """The problem of a matrix that is normalised."""
    entries = matrix.data if sparse.issparse(matrix) else matrix
    sizes = float(np.linalg.norm(entries)), float(entries.sum()), float(entries.max())
    kinds = model["loss"] == "poisson", model["w_columns"] == "sum_to_one"
    return Problem(matrix, *sizes, *kinds, *(float(model[name]) for name in PENALTIES), seen)


def normalised(matrix: Matrix, how: str) -> Matrix:
    """The matrix that is fitted; not finite where a row that does not vary is to be divided by its deviation."""
    if how == "column_sums":
        return _scaled(matrix, 1 / np.asarray(matrix.sum(axis=0)), 1)
    if how == "feature_sd":
        parts = [rows.std(axis=1, ddof=1) for rows in blocks(matrix)]
        return _scaled(matrix, 1 / np.concatenate(parts), 0)
    if how == "none":
        return matrix
    if sparse.issparse(matrix):
        return matrix.sqrt() if how == "square_root" else matrix.log1p()
    return np.sqrt(matrix) if how == "square_root" else np.log1p(matrix)


def _scaled(matrix: Matrix, by: np.ndarray, axis: int) -> Matrix:
    """Rows (``axis`` 0) or columns (1) times numbers."""
    if not sparse.issparse(matrix):
        return matrix * (by if axis else by[:, None])
    diagonal = sparse.diags_array(by)
    return sparse.csr_array(matrix @ diagonal if axis else diagonal @ matrix)


def blocks(matrix: Matrix) -> Iterator[np.ndarray]:
    """Blocks of rows, dense."""
    step = max(1, BLOCK // matrix.shape[1])
    for begin in range(0, matrix.shape[0], step):
        rows = matrix[begin : begin + step]
        yield rows.toarray() if sparse.issparse(rows) else rows


@np.errstate(all="ignore")
def evaluate(problem: Problem, w: np.ndarray, h: np.ndarray) -> Found:
    """Objective and residual of W (m, k), H (k, n), and how exactly they are known."""
    seen = (_pass_poisson if problem.poisson else _pass_squared)(problem.matrix, w, h, problem.seen)
    slope_w, slope_h = _slopes(problem, seen, w, h)
    form = _poisson if problem.poisson else _simplex if problem.simplex else _gradient
    residual, rounding = form(problem, seen, w, h, slope_w, slope_h)
    first = (abs(slope_w) * w).sum() + (abs(slope_h) * h).sum()
    sums = w.sum(axis=0) @ h.sum(axis=1)
    if problem.poisson:
        size, loss_rounding = problem.total + sums, 1e-12 * seen.loss + 1e-13 * (problem.total + sums)
    else:
        size = problem.norm**2 + ((w.T @ w) * (h @ h.T)).sum()
        own = 1e-14 * problem.norm
        loss_rounding = 1e-12 * seen.loss + own * (2 * np.sqrt(2 * seen.loss) + own)
    penalty = _penalty(problem, w, h)
    gone = (w.max(axis=0) <= 0) | (h.max(axis=1) <= 0)
    return Found(
        loss=float(seen.loss),
        penalty=penalty,
        residual=float(residual),
        vanished=int(gone.sum()),
        gain=float(seen.largest - _taken(problem)),
        gain_size=float(1 + abs(seen.largest)) if problem.poisson else problem.largest,
        zeros=int((w <= 0).sum() + (h <= 0).sum()),
        loss_rounding=float(loss_rounding),
        residual_rounding=float(rounding + residual),
        objective_rounding=float(first),
        curvature=float(8 * (size + penalty)),
    )


def gradient_of_h(matrix: Matrix, w: np.ndarray, h: np.ndarray, poisson: bool) -> np.ndarray:
    """The gradient of the loss by H: (k, n)."""
    seen = (_pass_poisson if poisson else _pass_squared)(matrix, w, h)
    return w.sum(axis=0)[:, None] - seen.by_columns if poisson else -seen.by_columns


def _pass_squared(matrix: Matrix, w: np.ndarray, h: np.ndarray, seen: np.ndarray | None = None) -> _Pass:
    loss, largest, by_rows, by_columns, begin = 0.0, -np.inf, np.empty_like(w), np.zeros_like(h), 0
    for values in blocks(matrix):
        part = w[begin : begin + len(values)]
        rest = values - part @ h
        here = True if seen is None else seen[begin : begin + len(values)]
        largest = max(largest, float(rest.max(where=here, initial=-np.inf)))
        rest = np.where(here, rest, 0)
        loss += float(np.vdot(rest, rest)) / 2
        by_rows[begin : begin + len(values)] = rest @ h.T
        by_columns += part.T @ rest
        begin += len(values)
    return _Pass(loss, largest, by_rows, by_columns)


def _pass_poisson(matrix: Matrix, w: np.ndarray, h: np.ndarray, seen: np.ndarray | None = None) -> _Pass:
    loss, largest, by_rows, by_columns, begin = 0.0, -np.inf, np.empty_like(w), np.zeros_like(h), 0
    for values in blocks(matrix):
        part = w[begin : begin + len(values)]
        fitted = part @ h if seen is None else np.where(seen[begin : begin + len(values)], part @ h, 0)
        loss += float(kl_div(values, fitted).sum())
        ratio = np.divide(values, fitted, out=np.zeros_like(fitted), where=values > 0)
        largest = max(largest, float(ratio.max()) - 1)
        by_rows[begin : begin + len(values)] = ratio @ h.T
        by_columns += part.T @ ratio
        begin += len(values)
    return _Pass(loss, largest, by_rows, by_columns)


def _penalty(problem: Problem, w: np.ndarray, h: np.ndarray) -> float:
    linear = problem.l1_h * h.sum() + problem.l1_w * w.sum()
    return float(linear + (problem.l2_h * (h**2).sum() + problem.l2_w * (w**2).sum()) / 2)


def _taken(problem: Problem) -> float:
    """What the penalties take of an entry, where a product of two small numbers is added there."""
    if problem.simplex:
        return problem.l1_h
    return np.inf if problem.l1_h or problem.l1_w else float(np.sqrt(problem.l2_h * problem.l2_w))


def _slopes(problem: Problem, seen: _Pass, w: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of the objective by W and by H."""
    slope_w = problem.l1_w + problem.l2_w * w - seen.by_rows
    slope_h = problem.l1_h + problem.l2_h * h - seen.by_columns
    if problem.poisson:
        sums_w, sums_h = _sums(problem, w, h)
        slope_w, slope_h = slope_w + sums_w, slope_h + sums_h
    return slope_w, slope_h


def _sums(problem: Problem, w: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gradients of sum(W H) by W, (k,) or (m, k), and by H, (k, 1) or (k, n)."""
    if problem.seen is None:
        return h.sum(axis=1), w.sum(axis=0)[:, None]
    return problem.seen @ h.T, w.T @ problem.seen


def _sizes(problem: Problem, seen: _Pass, w: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the gradients change by at most, for a unit share of W and H, under the loss `squared`: 3 W H H' + V H'."""
    fitted_w, fitted_h = w @ (h @ h.T), (w.T @ w) @ h
    return 4 * fitted_w + seen.by_rows + problem.l2_w * w, 4 * fitted_h + seen.by_columns + problem.l2_h * h


def _feasible(x: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """The gradient without what would take an entry below 0."""
    return np.where((x <= 0) & (slope > 0), 0.0, slope)


def _length(*parts: np.ndarray) -> float:
    return np.sqrt(sum((part**2).sum() for part in parts))


def _gradient(problem: Problem, seen: _Pass, w, h, slope_w, slope_h) -> tuple[float, float]:
    """The norm of the projected gradient of factors of one norm, and its rounding, by |V|^1.5."""
    by = _equal_norms(problem, w, h) if problem.scale_free else np.ones(w.shape[1])
    parts = _feasible(w, slope_w) / by, _feasible(h, slope_h) * by[:, None]
    size_w, size_h = _sizes(problem, seen, w, h)
    scale = problem.norm**1.5
    return _length(*parts) / scale, _length(size_w / by, size_h * by[:, None]) / scale


def _equal_norms(problem: Problem, w: np.ndarray, h: np.ndarray) -> np.ndarray:
    """What columns of W are multiplied, and rows of H divided by; the one that is left has the norm |V|^0.5."""
    norms = np.linalg.norm(w, axis=0), np.linalg.norm(h, axis=1)
    by = np.ones(w.shape[1])
    for t, (of_w, of_h) in enumerate(zip(*norms, strict=True)):
        if of_w > 0 and of_h > 0:
            by[t] = np.sqrt(of_h / of_w)
        elif of_w > 0:
            by[t] = np.sqrt(problem.norm) / of_w
        elif of_h > 0:
            by[t] = of_h / np.sqrt(problem.norm)
    return by


def _simplex(problem: Problem, seen: _Pass, w, h, slope_w, slope_h) -> tuple[float, float]:
    """The length of the exact updates of columns of W and rows of H, in units of W H, by |V|."""
    bend_w, bend_h = (h**2).sum(axis=1) + problem.l2_w, ((w**2).sum(axis=0) + problem.l2_h)[:, None]
    size_w, size_h = _sizes(problem, seen, w, h)
    moved = np.zeros_like(w)
    for t in np.flatnonzero(bend_w > 0):
        moved[:, t] = nearest_on_simplex(w[:, t] - slope_w[:, t] / bend_w[t]) - w[:, t]
    moved_h = np.maximum(h - slope_h / bend_h, 0) - h
    root_w, root_h = np.sqrt(bend_w), np.sqrt(bend_h)
    by_w = 2 * w * root_w + np.where(bend_w > 0, (size_w + 2 * abs(slope_w)) / np.where(bend_w > 0, root_w, 1), 0)
    by_h = 2 * h * root_h + (size_h + 2 * abs(slope_h)) / root_h
    return _length(moved * root_w, moved_h * root_h) / problem.norm, _length(by_w, by_h) / problem.norm


def nearest_on_simplex(x: np.ndarray) -> np.ndarray:
    """The nearest point with entries of at least 0 that sum to 1, by leaving out entries (Michelot 1986)."""
    kept = np.ones(len(x), bool)
    while True:
        level = (x[kept].sum() - 1) / kept.sum()
        fewer = kept & (x > level)
        if not fewer.any() or (fewer == kept).all():
            return np.maximum(x - level, 0)
        kept = fewer


def _poisson(problem: Problem, seen: _Pass, w, h, slope_w, slope_h) -> tuple[float, float]:
    """The largest entry of the projected gradient by the sum of the other factor's column, and its rounding."""
    sums_w, sums_h = _sums(problem, w, h)
    sums_w, sums_h = sums_w + problem.l1_w, sums_h + problem.l1_h
    if problem.simplex and problem.seen is None:  # what is one number a column moves no entry against another
        sums_w = (w * seen.by_rows).sum(axis=0)
        free = problem.l2_w * w - seen.by_rows
        slope_w = free - (w * free).sum(axis=0)
    by_w, by_h = (np.where(sums > 0, sums, np.inf) for sums in (sums_w, sums_h))
    size_w = (8 * seen.by_rows + 3 * problem.l2_w * w) / by_w
    size_h = (8 * seen.by_columns + 3 * problem.l2_h * h) / by_h
    return _largest(_feasible(w, slope_w / by_w), _feasible(h, slope_h / by_h)), 1 + _largest(size_w, size_h)


def _largest(a: np.ndarray, b: np.ndarray) -> float:
    return np.maximum(abs(a).max(), abs(b).max())
