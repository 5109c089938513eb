"""The residual: 0 at stationary points that other programs find, and the same for the same fit in other units."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize, nnls

import factorisations as made
from proxsweep.nmf.model import batch, certificate, fit, problem, vanished
from proxsweep.optimize.status import Status

PENALTIES = {"l1_h": 0.3, "l2_h": 0.1, "l1_w": 0.1, "l2_w": 0.2}
SIMPLEX = {"w_columns": "sum_to_one"}
KINDS = {
    "squared": {},
    "penalised": PENALTIES,
    "simplex": {**SIMPLEX, "l1_h": 0.3, "l2_h": 0.1, "l2_w": 0.2},
    "poisson": {"loss": "poisson"},
    "poisson_penalised": {"loss": "poisson", **PENALTIES},
    "poisson_simplex": {"loss": "poisson", **SIMPLEX, "l1_h": 0.3},
}
SMALL, RANK = (6, 5), 2


def residual(values, w: np.ndarray, h: np.ndarray, **model) -> float:
    """Of W (m, k) and H (k, n)."""
    built = problem.build(values, made.MODEL | model)
    return float(certificate.residual(*built, jnp.asarray(w.T[None]), jnp.asarray(h[None]))[0])


def small() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A matrix, and factors with all entries above 0, of about its size."""
    values = [[9, 1, 0, 7, 2], [9, 0, 0, 2, 1], [0, 8, 5, 1, 3], [1, 6, 4, 0, 2], [3, 3, 3, 2, 2], [0, 0, 9, 1, 0]]
    rng = np.random.default_rng(3)
    w, h = rng.gamma(2, 0.5, (SMALL[0], RANK)), rng.gamma(2, 0.9, (RANK, SMALL[1]))
    return np.array(values, float), w, h


def on_simplex(w: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same product, columns of W that sum to 1."""
    return w / w.sum(axis=0), h * w.sum(axis=0)[:, None]


def value_and_slopes(values, w: np.ndarray, h: np.ndarray, model: dict) -> tuple[float, np.ndarray, np.ndarray]:
    """F and its gradients, from its definition."""
    model, fitted = made.MODEL | model, w @ h
    total = model["l1_h"] * h.sum() + model["l2_h"] / 2 * (h**2).sum()
    total += model["l1_w"] * w.sum() + model["l2_w"] / 2 * (w**2).sum()
    if model["loss"] == "squared":
        rest = fitted - values
        total += (rest**2).sum() / 2
    else:
        rest = 1 - values / fitted
        total += (fitted - values).sum() + (values * np.log(np.where(values > 0, values / fitted, 1))).sum()
    by_w, by_h = rest @ h.T + model["l1_w"] + model["l2_w"] * w, w.T @ rest + model["l1_h"] + model["l2_h"] * h
    return total, by_w, by_h


def stationary(kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where SciPy's L-BFGS-B ends; for columns that sum to 1, from F(U / sums of U, H)."""
    values, w, h = small()
    cut = w.size

    def parts(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | float]:
        u = x[:cut].reshape(w.shape)
        sums = u.sum(axis=0) if "simplex" in kind else 1.0
        return u / sums, x[cut:].reshape(h.shape), sums

    def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
        own, other, sums = parts(x)
        total, by_w, by_h = value_and_slopes(values, own, other, KINDS[kind])
        if "simplex" in kind:
            by_w = (by_w - (by_w * own).sum(axis=0)) / sums
        return total, np.concatenate([by_w.ravel(), by_h.ravel()])

    x, tight = np.concatenate([w.ravel(), h.ravel()]), {"ftol": 1e-16, "gtol": 1e-11, "maxiter": 5000, "maxcor": 30}
    least = 1e-11 if "poisson" in kind else 0.0  # where W H is 0 the loss would be infinite
    for _ in range(10):  # begun anew, it goes on a little
        x = minimize(objective, x, jac=True, bounds=[(least, None)] * x.size, method="L-BFGS-B", options=tight).x
    return values, *parts(np.where(x > least, x, 0))[:2]


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_zero_at_stationary_points_and_nowhere_near(kind):
    values, w, h = stationary(kind)
    assert ((w == 0).sum() + (h == 0).sum()) >= 2
    at_end = residual(values, w, h, **KINDS[kind])
    assert at_end < 1e-6
    values, *begin = small()
    assert 0.05 < residual(values, *(on_simplex(*begin) if "simplex" in kind else begin), **KINDS[kind]) < 10
    for place in np.ndindex(h.shape):  # H alone: W stays on the simplex
        moved = h.copy()
        moved[place] += 1e-3 * (1 + h[place])
        assert residual(values, w, moved, **KINDS[kind]) > max(1e-5, 5 * at_end)


def test_it_is_zero_where_alternating_non_negative_least_squares_ends():
    values, _, h = small()
    for _ in range(500):
        w = np.array([nnls(h.T, row)[0] for row in values])
        h = np.array([nnls(w, column)[0] for column in values.T]).T
    assert residual(values, w, h) < 1e-13


@pytest.mark.parametrize("c", [2.0**10, 2.0**-7, 10.0, 1e-3])
@pytest.mark.parametrize("kind", ["squared", "poisson"])
def test_it_is_the_same_for_a_factor_in_another_unit(kind, c):
    values, w, h = small()
    w[0, 0], h[1, 2] = 0, 0
    by = np.array([c, 3 / c])
    known = residual(values, w, h, **KINDS[kind])
    assert residual(values, w * by, h / by[:, None], **KINDS[kind]) == pytest.approx(known, rel=1e-13)


@pytest.mark.parametrize("c", [2.0**20, 4.0**-9, 1e6, 0.3])
@pytest.mark.parametrize("kind", ["squared", "poisson", "simplex", "poisson_simplex"])
def test_it_is_the_same_for_a_matrix_in_another_unit(kind, c):
    model = {name: value for name, value in KINDS[kind].items() if name in ("loss", "w_columns")}
    values, *free = small()
    w, h = on_simplex(*free)
    known = residual(values, w, h, **model)
    assert residual(c * values, w, c * h, **model) == pytest.approx(known, rel=1e-13)


def test_it_is_the_gradient_of_factors_of_one_norm_by_the_size_of_the_matrix():
    values, w, h = small()
    scale = np.sqrt(np.linalg.norm(h, axis=1) / np.linalg.norm(w, axis=0))
    w, h = w * scale, h / scale[:, None]
    rest = w @ h - values
    length = np.sqrt(((rest @ h.T) ** 2).sum() + ((w.T @ rest) ** 2).sum())
    assert residual(values, w, h) == pytest.approx(length / np.linalg.norm(values) ** 1.5, rel=1e-13)


def test_of_counts_it_is_one_minus_the_factor_of_a_multiplicative_update():
    values, w, h = small()
    ratio = values / (w @ h)
    factors = (ratio @ h.T) / h.sum(axis=1), (w.T @ ratio) / w.sum(axis=0)[:, None]
    largest = max(abs(1 - factor).max() for factor in factors)
    assert residual(values, w, h, loss="poisson") == pytest.approx(largest, rel=1e-13)


def test_columns_that_sum_to_one_have_the_length_of_exact_updates():
    values, *free = small()
    (w, h), squares = on_simplex(*free), 0.0
    for t in range(RANK):
        rest = values - w @ h + np.outer(w[:, t], h[t])
        sums = {"type": "eq", "fun": lambda x: x.sum() - 1}
        best = minimize(
            *(lambda x, t=t, rest=rest: ((rest - np.outer(x, h[t])) ** 2).sum(), w[:, t]),
            **{"bounds": [(0, None)] * SMALL[0], "constraints": sums, "options": {"ftol": 1e-15}},
        )
        squares += (h[t] @ h[t]) * ((best.x - w[:, t]) ** 2).sum()
        row = np.array([max(0, w[:, t] @ column) for column in rest.T]) / (w[:, t] @ w[:, t])
        squares += (w[:, t] @ w[:, t]) * ((row - h[t]) ** 2).sum()
    expected = np.sqrt(squares) / np.linalg.norm(values)
    assert residual(values, w, h, **SIMPLEX) == pytest.approx(expected, rel=1e-6)


# ---- factors that have vanished --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["squared", "penalised", "poisson_penalised"])
def test_nothing_at_all_has_no_residual(kind):
    values, w, h = small()
    if kind != "poisson_penalised":
        assert residual(values, 0 * w, 0 * h, **KINDS[kind]) == 0


def test_a_factor_of_which_one_side_is_left_keeps_a_residual():
    values, w, h = small()
    w[:, 1] = 0
    assert residual(values, w, h) > 0.1
    shorter = residual(values, w, h * np.array([[1], [1e-3]]))
    assert shorter == pytest.approx(residual(values, w, h), rel=1e-13)


def could_grow(values: np.ndarray, w: np.ndarray, h: np.ndarray, **model) -> bool:
    return vanished.could_grow(*problem.build(values, made.MODEL | model), values, w.T, h)


def test_a_vanished_factor_could_grow_where_an_entry_is_left():
    values = np.outer([4.0, 2.0], [1.0, 2.0])
    w, h = np.array([[4.0, 0.0], [2.0, 0.0]]), np.array([[1.0, 2.0], [0.0, 0.0]])
    assert not could_grow(values, w, h)
    assert not could_grow(values, 2 * w, h)
    assert could_grow(values + np.diag([1.0, 0.0]), w, h)
    assert not could_grow(values + np.diag([1.0, 0.0]), w + 1, h + 1)
    assert could_grow(values, 0 * w, 0 * h)
    gone = certificate.dead(jnp.asarray(w.T[None]), jnp.asarray(h[None]))
    assert np.asarray(gone).tolist() == [[False, True]]


@pytest.mark.parametrize(("weight", "could"), [(7.0, True), (9.0, False)])
def test_penalties_take_what_a_small_product_gives(weight, could):
    """Of a new factor a at one entry and b: -8 a b + weight / 2 (a^2 + b^2)."""
    values = np.outer([4.0, 2.0], [1.0, 2.0])
    nothing = np.zeros((2, 1)), np.zeros((1, 2))
    assert could_grow(values, *nothing, l2_h=weight, l2_w=weight) == could
    assert could_grow(values, np.full((2, 1), 0.5), nothing[1], l1_h=weight, **SIMPLEX) == could
    assert not could_grow(values, *nothing, l1_h=1e-3, l1_w=1e-3)


@pytest.mark.parametrize("model", [{}, SIMPLEX, {"loss": "poisson"}])
def test_a_vanished_factor_begins_anew_at_the_largest_entry(model):
    values, *free = small()
    w, h = on_simplex(*free)
    h[1] = 0
    if not model.get("w_columns"):
        w[:, 1] = 0
    end = batch.End(w.T, h, Status.CONVERGED, 10, 0.0)
    stated, data = problem.build(values, made.MODEL | model)
    new_w, new_h = vanished.reseeded(stated, data, values, end)
    place = np.unravel_index(np.argmax(values / (w @ h) if model.get("loss") else values - w @ h), values.shape)
    assert np.flatnonzero(new_w[1]).tolist() == [place[0]] and np.flatnonzero(new_h[1]).tolist() == [place[1]]
    assert (new_w.T @ new_h)[place] == pytest.approx(values[place])
    np.testing.assert_array_equal(new_w[0], w.T[0])
    assert vanished.reseeded(stated, data, values, replace(end, w=w.T + 1, h=h + 1)) is None


def test_a_start_with_a_vanished_factor_is_not_converged(monkeypatch):
    values, w, h = made.integers()
    w[:, 2], h[2] = 0, 0
    monkeypatch.setattr(fit.start_points, "points", lambda *_: iter([(w, h)]))
    solver = made.SOLVER | {"starts": ["random"]}
    done = fit.fit(made.encoding(values), made.RANK, "hals", made.MODEL, solver, lambda _: None)
    assert (done.best.reseeded, done.best.dead, done.best.status) == (1, 0, Status.CONVERGED)
    monkeypatch.setattr(fit.start_points, "points", lambda *_: iter([(w, h)]))
    monkeypatch.setattr(fit.vanished, "reseeded", lambda *_: None)
    stuck = fit.fit(made.encoding(values), made.RANK, "hals", made.MODEL, solver, lambda _: None)
    assert (stuck.best.reseeded, stuck.best.dead, stuck.best.status) == (0, 1, Status.MAX_ITERATIONS)
    assert stuck.best.residual < 1e-6
    assert stuck.best.objective > done.best.objective


# ---- blocks of converged fits ----------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["hals", "pgd_alternating"])
@pytest.mark.parametrize("seed", [0, 2])
def test_h_given_w_is_that_of_non_negative_least_squares(algorithm, seed):
    values = made.counts(seed)
    encoding = made.encoding(values)
    done = fit.fit(encoding, made.RANK, algorithm, made.MODEL, made.SOLVER, lambda _: None)
    converged = [one for one in done.starts if one.status == Status.CONVERGED]
    assert converged
    for one in converged:
        h = np.array([nnls(one.w, column)[0] for column in values.T]).T
        least = np.linalg.norm(values - one.w @ h) ** 2 / 2
        assert least <= one.objective * (1 + 1e-12)
        assert one.objective - least <= 1e-9 * one.objective
