"""H given W: against SciPy's non-negative least squares and L-BFGS-B, closed forms, and the conditions of a minimum."""

import numpy as np
import pytest
from scipy.optimize import minimize, nnls

import factorisations as made
from proxsweep.nmf.model import given

SQUARED, POISSON = ({"loss": loss, "l1_h": 0.0, "l2_h": 0.0} for loss in ("squared", "poisson"))
PENALTIES = {"l1_h": 0.7, "l2_h": 0.2}
SHAPE, RANK = (30, 12), 5


def problem(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Counts (30, 12), a column of zeros among them, and W (30, 5) with zeros and nearly equal columns."""
    rng = np.random.default_rng(seed)
    w = rng.gamma(0.5, 1, (SHAPE[0], RANK)) * (rng.random((SHAPE[0], RANK)) < 0.8)
    w[:, 4] = w[:, 3] + 0.01 * w[:, 4]
    w[0] = 0
    values = rng.poisson(3 * w @ rng.gamma(0.3, 1, (RANK, SHAPE[1]))).astype(float)
    values[:, 3], values[0, 2] = 0, 4
    return values, w


def objective(x: np.ndarray, v: np.ndarray, w: np.ndarray, model: dict) -> tuple[float, np.ndarray]:
    """F of one sample and its gradient, by definition."""
    fitted = w @ x
    if model["loss"] == "squared":
        loss, slope = ((v - fitted) ** 2).sum() / 2, w.T @ (fitted - v)
    else:
        at = v > 0
        loss = fitted.sum() - v.sum() + (v[at] * np.log(v[at] / fitted[at])).sum()
        slope = w.sum(axis=0) - w[at].T @ (v[at] / fitted[at])
    return loss + model["l1_h"] * x.sum() + model["l2_h"] / 2 * x @ x, slope + model["l1_h"] + model["l2_h"] * x


@pytest.mark.parametrize("is_sparse", [False, True])
def test_it_is_non_negative_least_squares(is_sparse):
    values, w = problem()
    found = given.exposures(made.sparsely(values) if is_sparse else values, w, SQUARED)
    expected = np.array([nnls(w, column)[0] for column in values.T]).T
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10 * expected.max())
    assert (found == 0).any() and (found[:, 3] == 0).all()


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("penalties", [{}, PENALTIES])
@pytest.mark.parametrize("known", [SQUARED, POISSON])
def test_no_other_minimum_is_lower(known, penalties, is_sparse):
    model, (values, w) = known | penalties, problem()
    if model["loss"] == "poisson":
        values[0] = 0  # what nothing can explain says nothing
    found = given.exposures(made.sparsely(values) if is_sparse else values, w, model)
    assert given.residual(values, w, found, model).max() <= given.TOLERANCE
    for v, h in zip(values.T, found.T, strict=True):
        start = np.full(RANK, max(v.mean(), 0.1))
        tight = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 5000}
        options = {"jac": True, "method": "L-BFGS-B", "bounds": [(1e-12, None)] * RANK, "options": tight}
        least = minimize(objective, start, (v, w, model), **options).fun
        assert objective(h, v, w, model)[0] <= least + 1e-9 * (1 + abs(least))
        assert least <= objective(h, v, w, model)[0] + 1e-6 * (1 + abs(least))


@pytest.mark.parametrize("known", [SQUARED, POISSON])
def test_the_residual_is_the_projected_gradient(known):
    model, (values, w) = known | PENALTIES, problem()
    w += 0.1
    h = np.random.default_rng(3).gamma(1, 1, (RANK, SHAPE[1]))
    h[1::2, ::3] = 0
    for found, v, x in zip(given.residual(values, w, h, model), values.T, h.T, strict=True):
        slope = objective(x, v, w, model)[1]
        if model["loss"] == "poisson":
            size = w.sum(axis=0) + model["l1_h"]
        else:
            size = np.sqrt((w**2).sum(axis=0) + model["l2_h"]) * np.linalg.norm(v)
        size = np.where(size > 0, size, np.inf)
        assert found == pytest.approx(abs(np.where(x > 0, slope, np.minimum(slope, 0)) / size).max(), rel=1e-9)


def test_factors_that_share_no_feature_take_their_counts():
    w = np.kron(np.eye(3), np.array([[0.2], [0.3], [0.5]]))
    values = made.counts(4, (9, 6))
    expected = values.reshape(3, 3, 6).sum(axis=1)
    np.testing.assert_allclose(given.exposures(values, w, POISSON), expected, rtol=1e-9)
    penalised = POISSON | {"l1_h": 0.25}  # sum(h) is then weighted by 1.25
    np.testing.assert_allclose(given.exposures(values, w, penalised), expected / 1.25, rtol=1e-9)


@pytest.mark.parametrize("known", [SQUARED, POISSON])
def test_a_product_has_its_own_factor(known):
    rng = np.random.default_rng(8)
    w, h = rng.gamma(0.4, 1, (40, 6)), rng.gamma(0.4, 1, (6, 9)) * (rng.random((6, 9)) < 0.7)
    np.testing.assert_allclose(given.exposures(w @ h, w, known), h, atol=1e-7)


@pytest.mark.parametrize("known", [SQUARED, POISSON])
def test_columns_that_are_nearly_the_same_do_not_slow_it_down(known):
    """Coordinate descent alone would need millions of sweeps here."""
    places = np.linspace(0, 1, 60)[:, None]
    w = np.exp(-((places - np.linspace(0, 1, 12)) ** 2) / 0.1)
    assert np.linalg.cond(w) > 1e6
    values = np.random.default_rng(2).poisson(9 * w @ np.random.default_rng(3).gamma(0.5, 1, (12, 8))).astype(float)
    found = given.exposures(values, w, known)
    assert given.residual(values, w, found, known).max() <= given.TOLERANCE


@pytest.mark.parametrize("known", [SQUARED, POISSON])
def test_columns_may_be_worked_on_a_few_at_a_time(known, monkeypatch):
    values, w = problem()
    whole = given.exposures(values, w, known)
    monkeypatch.setattr(given, "BLOCK", 300)
    np.testing.assert_allclose(given.exposures(values, w, known), whole, rtol=1e-7, atol=1e-8 * whole.max())


@pytest.mark.parametrize("known", [SQUARED, POISSON])
def test_nothing_is_made_of_nothing(known):
    values, w = problem()
    w[:, 1] = 0
    found = given.exposures(values, w, known)
    assert (found[1] == 0).all() and np.isfinite(found).all()
    assert (given.exposures(0 * values, w, known) == 0).all()
    assert (given.exposures(values, 0 * w, known) == 0).all()
    w[2, 0] = np.nan
    assert np.isnan(given.exposures(values, w, known)).all()


@pytest.mark.parametrize("known", [SQUARED, POISSON])
@pytest.mark.parametrize("unit", [1e-30, 1e40])
def test_the_unit_of_the_matrix_changes_nothing(known, unit):
    values, w = problem()
    whole = given.exposures(values, w, known)
    np.testing.assert_allclose(
        given.exposures(unit * values, w, known) / unit, whole, rtol=1e-6, atol=1e-7 * whole.max()
    )
