"""Factors that have vanished: whether the objective could still fall by one, and a new beginning for it.

At W = H = 0, and wherever a column of W and its row of H are both 0, the gradient is 0, though the objective falls
along a product of one entry each as long as V - W H has an entry above what the penalties take.
"""

import numpy as np

from proxsweep.io.errors import UserError
from proxsweep.nmf.data.encoding import Matrix
from proxsweep.nmf.model.batch import End
from proxsweep.nmf.model.objective import blocks
from proxsweep.nmf.model.problem import Data, Problem

ROUNDING = 1e-12


def refuse_rank(matrix: Matrix, rank: int) -> None:
    """Refuse more factors than the smaller side of the matrix.

    Raises
    ------
    UserError
    """
    if rank > min(matrix.shape):
        found = f"rank {rank} for {matrix.shape[0]} features and {matrix.shape[1]} samples that are not all zero"
        # message: rank 40 for 96 features and 21 samples that are not all zero | a rank of at most 21 | More factors
        # than the smaller side of the matrix are never needed. | Remove the rank from `sweep`.
        raise UserError("sweep, rank", found, f"a rank of at most {min(matrix.shape)}")


def is_gone(w: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Whether each factor of W (k, m), H (k, n) has vanished, (k,): its column or its row is 0."""
    return (w.max(axis=1) <= 0) | (h.max(axis=1) <= 0)


def could_grow(problem: Problem, data: Data, matrix: Matrix, w: np.ndarray, h: np.ndarray) -> bool:
    """Whether a vanished factor of W (k, m), H (k, n) could lower the objective."""
    if not is_gone(w, h).any():
        return False
    largest, _ = _largest(problem, matrix, w, h)
    return bool(largest > _threshold(problem, data, matrix))


def reseeded(problem: Problem, data: Data, matrix: Matrix, end: End) -> tuple[np.ndarray, np.ndarray] | None:
    """The factors with vanished ones begun anew, each at the largest entry of V - W H; None where nothing is gained."""
    w, h = end.w.copy(), end.h.copy()
    gone = is_gone(w, h)
    h[gone] = 0.0
    changed = False
    for t in np.flatnonzero(gone):
        largest, (row, column) = _largest(problem, matrix, w, h)
        if largest <= _threshold(problem, data, matrix):
            break
        rest = float(matrix[row, column] - w[:, row] @ h[:, column])
        w[t], changed = 0.0, True
        w[t, row], h[t, column] = (1.0, rest) if problem.simplex else (np.sqrt(rest), np.sqrt(rest))
    return (w, h) if changed else None


def _threshold(problem: Problem, data: Data, matrix: Matrix) -> float:
    """What an entry has to exceed, by more than rounding, for a product of two small numbers to lower the objective."""
    rounding = ROUNDING * (1.0 if problem.poisson else float(matrix.max()))
    if problem.simplex:
        return float(data.l1_h) + rounding
    if data.l1_h > 0 or data.l1_w > 0:
        return np.inf  # the penalties take more than any small product gives
    return float(np.sqrt(data.l2_h * data.l2_w)) + rounding


def _largest(problem: Problem, matrix: Matrix, w: np.ndarray, h: np.ndarray) -> tuple[float, tuple[int, int]]:
    """The largest entry of V - W H (loss `poisson`: of V / W H - 1) and its place."""
    largest, place, begin = -np.inf, (0, 0), 0
    for values, fitted in blocks(matrix, w.T, h):
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = np.where(values > 0, values / fitted - 1, -1.0) if problem.poisson else values - fitted
        flat = int(np.argmax(gain))
        if gain.flat[flat] > largest:
            largest, place = float(gain.flat[flat]), (begin + flat // values.shape[1], flat % values.shape[1])
        begin += len(values)
    return largest, place
