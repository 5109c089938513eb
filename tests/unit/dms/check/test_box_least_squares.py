"""Bounded least squares against SciPy, a problem at a time, and against its optimality conditions."""

from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from proxsweep.dms.check.box_least_squares import solve

STAR = np.array([[1.0, -1, 0, 0], [1, 0, -1, 0], [1, 0, 0, -1]]).T
COMPLETE = np.array([np.eye(5)[i] - np.eye(5)[j] for j, i in combinations(range(5), 2)]).T
TREE = np.array([[1.0, 0, 0, 0, -1], [0, 0, 0, 1, -1], [0, 1, 0, -1, 0], [0, 0, 1, -1, 0]]).T
UNEVEN = np.array([[1.0, -0.5, -0.5], [0, 300.0, -300.0], [1e-2, 0, 1e-2]]).T
MATRICES = {"star": STAR, "complete": COMPLETE, "tree": TREE, "uneven": UNEVEN, "box": np.hstack([TREE, np.eye(5)])}


def problems(matrix, kind, columns=60, seed=0):
    """Targets and bounds, some entries fixed; of kind ``grid`` so that many minima lie exactly on a corner."""
    rng = np.random.default_rng(seed)
    nodes, rows = matrix.shape
    target = rng.normal(size=(nodes, columns)) * rng.choice([1e-3, 1.0, 30.0], columns)
    if kind == "grid":
        target = 0.5 * rng.integers(-3, 4, size=(nodes, columns))
    lower, upper = np.full((rows, columns), -0.5), np.full((rows, columns), 0.5)
    fixed, side = rng.random(lower.shape) < 0.3, rng.choice([-0.5, 0.5], lower.shape)
    return target, np.where(fixed, side, lower), np.where(fixed, side, upper)


@pytest.mark.parametrize("kind", ["scattered", "grid"])
@pytest.mark.parametrize("name", MATRICES)
def test_agrees_with_scipy(name, kind):
    matrix = MATRICES[name]
    target, lower, upper = problems(matrix, kind)
    u = solve(matrix, target, lower, upper)
    assert (u >= lower).all() and (u <= upper).all()
    for m in range(target.shape[1]):
        free = lower[:, m] < upper[:, m]
        left = target[:, m] - matrix[:, ~free] @ u[~free, m]
        expected = np.zeros(0)
        if free.any():
            bounds = lower[free, m], upper[free, m]
            expected = lsq_linear(matrix[:, free], left, bounds, method="bvls", tol=1e-15).x
        size = 0.5 * np.abs(matrix).max() + np.abs(target[:, m]).max()
        np.testing.assert_allclose(matrix[:, free] @ (u[free, m] - expected), 0, atol=1e-12 * size)


@pytest.mark.parametrize("name", MATRICES)
def test_bounds_may_be_infinite(name):
    matrix = MATRICES[name]
    target, lower, upper = problems(matrix, "scattered", seed=1)
    lower[0], upper[0], lower[-1], upper[-1] = 0.0, np.inf, -np.inf, np.inf
    u = solve(matrix, target, lower, upper)
    pull = matrix.T @ (matrix @ u - target)
    size = np.abs(matrix).max() * (1 + np.abs(target).max(axis=0)) * (1 + np.linalg.norm(matrix, axis=0)[:, None])
    inside = (u > lower) & (u < upper)
    assert (np.where(inside, np.abs(pull), 0) <= 1e-12 * size).all()
    assert (np.where((u == lower) & (lower < upper), pull, 0) >= -1e-12 * size).all()
    assert (np.where((u == upper) & (lower < upper), pull, 0) <= 1e-12 * size).all()


def test_no_unknowns_and_no_problems_are_solved():
    assert solve(np.zeros((3, 0)), np.ones((3, 2)), np.zeros((0, 2)), np.zeros((0, 2))).shape == (0, 2)
    assert solve(STAR, np.ones((4, 0)), np.zeros((3, 0)), np.zeros((3, 0))).shape == (3, 0)


def test_a_target_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="finite"):
        solve(STAR, np.full((4, 1), np.nan), np.zeros((3, 1)), np.ones((3, 1)))
