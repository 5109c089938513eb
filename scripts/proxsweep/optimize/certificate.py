"""The dual certificate of a fusion penalty: how far a point is from stationary, whatever step a solver would take.

A point y with gradient w of everything but lasso ||A y||_1 is optimal when w + A'u = 0 for some u within the lasso
weight that equals lasso sign(A y) on rows that are not zero (Tibshirani and Taylor 2011, The solution path of the
generalized lasso, Ann. Stat. 39, 1335, section 3). The gap is the smallest 2-norm that such a u leaves, per column.
"""

import numpy as np

TOLERANCE = 1e-14
MAX_ITERATIONS = 20_000


def stationarity(
    matrix: np.ndarray, lasso: float, gradient: np.ndarray, differences: np.ndarray, pull: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The vectors w + A'u + n of smallest 2-norm, one per column (all zero at an optimum), and A'u.

    Parameters
    ----------
    matrix : (R, P)
        A.
    lasso
        Its weight, >= 0.
    gradient : (P, M)
        w, the gradient of the smooth part.
    differences : (R, M)
        A y with exact zeros.
    pull : (P, M), optional
        1 where a value lies at the upper bound of a box, -1 at the lower, 0 between: there n may have that sign.

    Returns
    -------
    tuple of two (P, M) arrays
        The norms of the first one's columns are the gaps.
    """
    lower = lasso * np.where(differences == 0, -1.0, np.sign(differences))
    upper = lasso * np.where(differences == 0, 1.0, np.sign(differences))
    rows = matrix
    if pull is not None:
        rows = np.vstack([matrix, np.eye(matrix.shape[1])])
        lower = np.vstack([lower, np.where(pull < 0, -np.inf, 0.0)])
        upper = np.vstack([upper, np.where(pull > 0, np.inf, 0.0)])
    u = np.where(lower == upper, lower, 0.0)
    open_columns = np.flatnonzero((lower < upper).any(axis=0))
    u[:, open_columns] = _least_squares(
        rows, gradient[:, open_columns], lower[:, open_columns], upper[:, open_columns], u[:, open_columns]
    )
    return gradient + rows.T @ u, matrix.T @ u[: len(matrix)]


def _least_squares(rows, target, lower, upper, u) -> np.ndarray:
    """argmin ||target + rows' u||^2 with lower <= u <= upper, by accelerated projected gradient steps.

    Restarted as in O'Donoghue and Candes (2015, Found. Comput. Math. 15, 715); columns that stand still are done.
    """
    found = u.copy()
    active = np.arange(u.shape[1])
    if not len(active):
        return found
    step = 1 / np.linalg.norm(rows, 2) ** 2
    scale = np.abs(target).max(axis=0) + np.where(np.isfinite(upper), np.abs(upper), 0.0).max(axis=0)
    previous, momentum = u, np.ones(u.shape[1])
    for _ in range(MAX_ITERATIONS):
        if not len(active):
            break
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        y = u + (momentum - 1) / following * (u - previous)
        new = np.clip(y - step * (rows @ (target + rows.T @ y)), lower, upper)
        uphill = ((y - new) * (new - u)).sum(axis=0) > 0
        moved = np.maximum(np.abs(new - y).max(axis=0), np.abs(new - u).max(axis=0))
        previous, u, momentum = u, new, np.where(uphill, 1.0, following)
        going = moved > TOLERANCE * scale
        if not going.all():
            found[:, active] = u
            active = active[going]
            target, lower, upper, scale = target[:, going], lower[:, going], upper[:, going], scale[going]
            previous, u, momentum = previous[:, going], u[:, going], momentum[going]
    found[:, active] = u
    return found


def smallest_weight(matrix: np.ndarray, gradient: np.ndarray) -> float:
    """The smallest lasso weight under which a point with A y = 0 everywhere is stationary.

    That is the largest over columns of min ||u||_inf subject to A'u = -w, a linear program. Columns are taken by the
    size of their least-squares u, which bounds the minimum from above, until none can matter any more.

    Parameters
    ----------
    matrix : (R, P)
    gradient : (P, M)
        w, the gradient of the smooth part; what lies outside the row space of A is left to the solver's accuracy.
    """
    if not len(matrix):
        return 0.0
    least_squares = -np.linalg.pinv(matrix.T) @ gradient
    reached = matrix.T @ least_squares
    bounds = np.abs(least_squares).max(axis=0, initial=0.0)
    answer = 0.0
    for m in np.argsort(-bounds):
        if bounds[m] <= answer:
            break
        answer = max(answer, _smallest_norm(matrix, reached[:, m] / bounds[m]) * bounds[m])
    return float(answer)


def _smallest_norm(matrix: np.ndarray, target: np.ndarray) -> float:
    """min ||u||_inf subject to A'u = target."""
    from scipy.optimize import linprog  # slow to import, and needed once a study

    rows, nodes = matrix.shape
    edge = np.ones((rows, 1))
    within = np.vstack([np.hstack([np.eye(rows), -edge]), np.hstack([-np.eye(rows), -edge])])
    solved = linprog(
        np.append(np.zeros(rows), 1.0),
        A_ub=within,
        b_ub=np.zeros(2 * rows),
        A_eq=np.hstack([matrix.T, np.zeros((nodes, 1))]),
        b_eq=target,
        bounds=[(None, None)] * rows + [(0, None)],
        method="highs",
    )
    return float(solved.x[-1])
