"""Independent answers for argmin_y 1/2 ||y - v||^2 + w ||A y||_1: enumeration, and a generic solver."""

from itertools import product

import cvxpy
import numpy as np

LONG = np.longdouble
# Candidates are told apart by objective: the variables are good to the square root of its rounding.
EXACT = 1e-9 if np.finfo(LONG).eps < 1e-18 else 1e-7


def objective(matrix, values, weights, y):
    """Per column, in extended precision."""
    y, values = np.asarray(y, LONG), np.asarray(values, LONG)
    fused = np.abs(np.asarray(matrix, LONG) @ y).sum(axis=0)
    return 0.5 * ((y - values) ** 2).sum(axis=0) + np.asarray(weights, LONG) * fused


def enumerated_prox(matrix, values, weights):
    """The exact prox: of every pattern of zeros and signs of A y the stationary point, the best one kept.

    The true pattern is among them and its stationary point is the prox, so the least objective is exact.
    3^R patterns; extended precision where the platform has it.
    """
    matrix, values, weights = (np.asarray(a, LONG) for a in (matrix, values, weights))
    best, best_objective = values.copy(), objective(matrix, values, weights, values)
    for pattern in product((-1, 0, 1), repeat=len(matrix)):
        pattern = np.array(pattern)
        point = values - weights * (matrix.T @ pattern)[:, None]
        candidate = _orthogonal_to(matrix[pattern == 0], point)
        value = objective(matrix, values, weights, candidate)
        better = value < best_objective
        best[:, better], best_objective[better] = candidate[:, better], value[better]
    return best.astype(float)


def _orthogonal_to(rows, points):
    """Columns of points minus their part in the span of rows, by Gram-Schmidt twice over."""
    basis = []
    for row in rows:
        left = row.copy()
        for _ in range(2):
            for b in basis:
                left = left - b * (b @ left)
        if np.sqrt(left @ left) > 1e-9 * np.sqrt(row @ row):
            basis.append(left / np.sqrt(left @ left))
    for _ in range(2):
        for b in basis:
            points = points - np.outer(b, b @ points)
    return points


def solver_prox(matrix, values, weights, box=None):
    """The same by an interior-point solver, all columns in one problem; good to about 1e-6."""
    y = cvxpy.Variable(values.shape)
    fused = cvxpy.sum(cvxpy.multiply(np.tile(weights, (len(matrix), 1)), cvxpy.abs(matrix @ y)))
    constraints = [] if box is None else [y >= box[0], y <= box[1]]
    cvxpy.Problem(cvxpy.Minimize(0.5 * cvxpy.sum_squares(y - values) + fused), constraints).solve("CLARABEL")
    return y.value


def random_columns(rng, nodes, columns):
    """Values (P, M), some heavy-tailed, tied or all equal, and weights (M,), 0 to 100 times the data."""
    values = rng.normal(size=(nodes, columns))
    weights = rng.exponential(0.3, size=columns)
    kind = np.arange(columns) % 8
    values[:, kind == 1] *= rng.exponential(size=(kind == 1).sum()) ** 3
    values[:, kind == 2] = rng.integers(-2, 3, size=(nodes, (kind == 2).sum()))
    weights[kind == 2] = rng.integers(0, 8, size=(kind == 2).sum()) / 8
    values[:, kind == 3] = values[0, kind == 3]
    values[: nodes // 2 + 1, kind == 4] = values[0, kind == 4]
    weights[kind == 5] = 0
    weights[kind == 6] = 100
    weights[kind == 7] *= 0.01
    return values, weights
