"""Solvers where entries are held out: against plain loops, SciPy, and the same solvers with nothing held out."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize, nnls

import factorisations as made
from proxsweep.io.errors import UserError
from proxsweep.nmf.model import batch, certificate, methods, problem, run, start_points
from proxsweep.nmf.model.fit import fit
from proxsweep.optimize.status import Status

PENALTIES = {"l1_h": 0.3, "l2_h": 0.1, "l1_w": 0.1, "l2_w": 0.2}
KINDS = {
    "hals": ("hals", {}),
    "hals, penalised": ("hals", PENALTIES),
    "hals, simplex": ("hals", {"w_columns": "sum_to_one", "l1_h": 0.3, "l2_h": 0.1, "l2_w": 0.2}),
    "mu": ("mu", PENALTIES),
    "mu, poisson": ("mu", {"loss": "poisson", **PENALTIES}),
    "scd": ("scd", {"loss": "poisson"}),
    "scd, penalised": ("scd", {"loss": "poisson", **PENALTIES}),
}
ROWS = {"fold": "2", "folds": 6, "seed": 3, "hold_out": "entries", "starts": None}
PLAIN = {"accelerated": False}


def masked(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Counts (12, 9) with 0 in place of every fifth entry or so, and which the others are."""
    seen = np.random.default_rng(seed).random(made.SHAPE) < 0.8
    return np.where(seen, made.counts(seed), 0.0), seen


class Driver(made.Driver):
    """With entries held out."""

    def __init__(self, values, seen, w, h, algorithm: str, solver=(), **model) -> None:
        self.problem, self.data = problem.build(values, made.MODEL | model, seen)
        chosen = made.SOLVER | dict(solver)
        self.method, self.settings = methods.build(algorithm, chosen, self.problem, self.data, w.shape[1], values.size)
        self.tolerance = jnp.float64(0)
        self.now = run.begin(*self._fixed, jnp.asarray(w.T[None]), jnp.asarray(h[None]))


def value_and_slopes(values, seen, w, h, model) -> tuple[float, np.ndarray, np.ndarray]:
    """F over the seen entries and its gradients, from its definition."""
    model, fitted = made.MODEL | model, w @ h
    total = model["l1_h"] * h.sum() + model["l2_h"] / 2 * (h**2).sum()
    total += model["l1_w"] * w.sum() + model["l2_w"] / 2 * (w**2).sum()
    if model["loss"] == "squared":
        rest = np.where(seen, fitted - values, 0)
        total += (rest**2).sum() / 2
    else:
        rest = np.where(seen, 1 - values / np.where(seen & (values > 0), fitted, 1), 0)
        at = seen & (values > 0)
        total += (fitted - values)[seen].sum() + (values[at] * np.log(values[at] / fitted[at])).sum()
    by_w, by_h = rest @ h.T + model["l1_w"] + model["l2_w"] * w, w.T @ rest + model["l1_h"] + model["l2_h"] * h
    return total, by_w, by_h


@pytest.mark.parametrize("kind", KINDS)
def test_with_all_entries_seen_iterates_are_those_without_a_mask(kind):
    algorithm, model = KINDS[kind]
    values, w, h = made.counts(2), *made.integers()[1:]
    w = w / w.sum(axis=0) if "simplex" in kind else w
    ours = Driver(values, np.ones(values.shape, bool), w, h, algorithm, PLAIN, **model)
    theirs = made.Driver(values, w, h, algorithm, PLAIN, **model)
    for count in (1, 7):
        for found, expected in zip(ours.to(count).factors(), theirs.to(count).factors(), strict=True):
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10 * abs(expected).max())
    assert ours.objective() == pytest.approx(theirs.objective(), rel=1e-12)
    assert ours.residual() == pytest.approx(theirs.residual(), rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_no_iteration_raises_the_objective(kind):
    algorithm, model = KINDS[kind]
    (values, seen), (_, w, h) = masked(), made.integers()
    w = w / w.sum(axis=0) if "simplex" in kind else w
    driver = Driver(values, seen, w, h, algorithm, PLAIN, **model)
    before = driver.objective()
    assert before == pytest.approx(value_and_slopes(values, seen, w, h, model)[0], rel=1e-12)
    for count in range(1, 13):
        after = driver.to(count).objective()
        assert after <= before * (1 + 1e-13)
        before = after
    assert driver.objective() == pytest.approx(value_and_slopes(values, seen, *driver.factors(), model)[0], rel=1e-12)


def test_a_sweep_is_one_of_the_matrix_with_fitted_values_in_hidden_places():
    (values, seen), (_, w, h) = masked(), made.integers()
    driver = Driver(values, seen, w, h, "hals", PLAIN, **PENALTIES)
    w, h = w.copy(), h.copy()
    for factor in "wh":
        filled = np.where(seen, values, w @ h)
        x, other, v = (w, h, filled) if factor == "w" else (h.T, w.T, filled.T)
        l1, l2 = (PENALTIES[f"{name}_{factor}"] for name in ("l1", "l2"))
        for t in range(made.RANK):
            rest = v - x @ other + np.outer(x[:, t], other[t])
            x[:, t] = np.maximum(0, (rest @ other[t] - l1) / (other[t] @ other[t] + l2))
    for found, expected in zip(driver.to(1).factors(), (w, h), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10)


# ---- the certificate -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["hals", "hals, penalised", "scd", "scd, penalised"])
def test_the_residual_is_that_of_the_gradients_over_seen_entries(kind):
    model = KINDS[kind][1]
    values, seen = masked(1)
    rng = np.random.default_rng(5)
    w, h = rng.gamma(1, 1, (12, 3)), rng.gamma(1, 1, (3, 9))
    w[2, 1] = h[0, 4] = 0
    _, by_w, by_h = value_and_slopes(values, seen, w, h, model)
    if model.get("loss") == "poisson":
        l1_w, l1_h = (model.get(name, 0) for name in ("l1_w", "l1_h"))
        scaled = by_w / (seen @ h.T + l1_w), by_h / (w.T @ seen + l1_h)
        expected = max(abs(np.where(x > 0, s, np.minimum(s, 0))).max() for x, s in zip((w, h), scaled, strict=True))
    else:
        by = np.ones(3) if model else np.sqrt(np.linalg.norm(h, axis=1) / np.linalg.norm(w, axis=0))
        parts = np.where(w > 0, by_w, np.minimum(by_w, 0)) / by, np.where(h > 0, by_h, np.minimum(by_h, 0)).T * by
        expected = np.sqrt(sum((part**2).sum() for part in parts)) / np.linalg.norm(values) ** 1.5
    built = problem.build(values, made.MODEL | model, seen)
    found = certificate.residual(*built, jnp.asarray(w.T[None]), jnp.asarray(h[None]))
    assert float(found[0]) == pytest.approx(expected, rel=1e-10)


def fitted(algorithm: str, model: dict, values=None, **solver):
    values = made.counts() if values is None else values
    solver = made.SOLVER | {"starts": ["2x_random"], "tolerance": 1e-8, "max_iterations": 20000} | solver
    return fit(made.encoding(values), made.RANK, algorithm, made.MODEL | model, solver, lambda _: None, rows=ROWS)


ENDS = ["hals", "hals, penalised", "hals, simplex", "scd", "scd, penalised"]


@pytest.mark.parametrize("kind", ENDS)
def test_converged_fits_are_minima_that_scipy_does_not_improve(kind):
    algorithm, model = KINDS[kind]
    done = fitted(algorithm, model)
    best, seen, values = done.best, done.part.seen, done.matrix
    assert best.status == Status.CONVERGED and not seen.all()
    assert best.objective == pytest.approx(value_and_slopes(values, seen, best.w, best.h, model)[0], rel=1e-12)
    cut = best.w.size

    def parts(x):
        u, h = x[:cut].reshape(best.w.shape), x[cut:].reshape(best.h.shape)
        sums = u.sum(axis=0) if "simplex" in kind else 1.0
        return u / sums, h, sums

    def function(x):
        w, h, sums = parts(x)
        total, by_w, by_h = value_and_slopes(values, seen, w, h, model)
        by_w = (by_w - (by_w * w).sum(axis=0)) / sums if "simplex" in kind else by_w
        return total, np.concatenate([by_w.ravel(), by_h.ravel()])

    least = 1e-12 if algorithm == "scd" else 0.0
    begin = np.concatenate([best.w.ravel(), best.h.ravel()])
    options = {"ftol": 1e-16, "gtol": 1e-12, "maxiter": 2000}
    end = minimize(function, begin, jac=True, method="L-BFGS-B", bounds=[(least, None)] * begin.size, options=options)
    assert end.fun >= best.objective - 1e-9 * abs(best.objective)
    if kind == "hals":
        h = np.array([nnls(best.w[at], column[at])[0] for column, at in zip(values.T, seen.T, strict=True)]).T
        assert value_and_slopes(values, seen, best.w, h, {})[0] >= best.objective * (1 - 1e-9)


@pytest.mark.parametrize("kind", ["hals", "scd"])
def test_what_is_held_out_has_no_part_in_the_fit(kind):
    algorithm, model = KINDS[kind]
    values = made.counts() + 1
    known = fitted(algorithm, model, values, max_iterations=30)
    hidden = ~known.part.seen
    other = fitted(algorithm, model, np.where(hidden, 7 * values + 3, values), max_iterations=30)
    np.testing.assert_array_equal(other.best.w, known.best.w)
    np.testing.assert_array_equal(other.best.h, known.best.h)


def test_columns_that_sum_to_one_change_nothing_for_counts():
    free, constrained = (fitted("scd", {"loss": "poisson", "w_columns": way}) for way in ("free", "sum_to_one"))
    assert constrained.best.status == Status.CONVERGED
    np.testing.assert_allclose(constrained.best.w.sum(axis=0), 1, rtol=1e-12)
    np.testing.assert_allclose(constrained.best.w @ constrained.best.h, free.best.w @ free.best.h, rtol=1e-9)
    assert constrained.best.residual == pytest.approx(free.best.residual, rel=1e-6)


def test_a_row_of_which_only_zeros_are_seen_is_zero():
    values = made.counts()
    hidden = ~fitted("hals", {}, max_iterations=1).part.seen
    row = int(np.flatnonzero(hidden.any(axis=1))[0])
    values[row] = np.where(hidden[row], 5.0, 0.0)
    for algorithm, model in (("hals", {}), ("scd", {"loss": "poisson"})):
        done = fitted(algorithm, model, values, max_iterations=100)
        assert all((one.w[row] == 0).all() and one.w.sum() > 0 for one in done.starts)


# ---- the rest --------------------------------------------------------------------------------------------------


def test_starts_are_of_the_seen_entries():
    values, seen = masked(4)
    encoding = made.encoding(made.counts(4))
    names = ["random-1", "nndsvd"]
    (w, h), spectral = start_points.points(names, encoding, values, made.RANK, 9, None, False, seen)
    draw = np.random.RandomState(9).standard_normal((made.RANK, made.SHAPE[1]))
    np.testing.assert_allclose(h, abs(draw) * np.sqrt(values[seen].mean() / made.RANK), rtol=1e-14)
    means = np.array([row[at].mean() for row, at in zip(values, seen, strict=True)])
    filled = start_points.nndsvd(np.where(seen, values, means[:, None]), made.RANK)
    for found, expected in zip(spectral, filled, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_neighbour_grows_by_what_is_left_of_the_seen_entries(tmp_path):
    values, seen = masked(4)
    encoding = made.encoding(made.counts(4))
    rng = np.random.default_rng(0)
    w, h = rng.gamma(1, 1, (12, 2)), rng.gamma(1, 1, (2, 9))
    np.savez(tmp_path / "parameters.npz", W=w, H=h, features=encoding.features, samples=encoding.samples)
    ((new_w, new_h),) = start_points.points(
        ["neighbour"], encoding, values, 3, 1, tmp_path / "parameters.npz", False, seen
    )
    np.testing.assert_array_equal(new_w[:, :2], w)
    added = start_points.nndsvd(np.where(seen, values - w @ h, 0), 1)
    np.testing.assert_allclose(np.outer(new_w[:, 2], new_h[2]), added[0] @ added[1], atol=1e-12)


def test_batches_are_smaller_by_what_a_mask_holds(monkeypatch):
    values, seen = masked()
    sizes = []
    monkeypatch.setattr(batch, "BATCH_BYTES", 1e6)
    for mask in (None, seen):
        stated, data = problem.build(values, made.MODEL, mask)
        method, _ = methods.build("hals", made.SOLVER, stated, data, made.RANK, values.size)
        sizes.append(batch.size(stated, data, method, made.RANK, 1000))
    assert sizes[1] < 0.7 * sizes[0]


@pytest.mark.parametrize("algorithm", ["pgd_all", "pgd_alternating"])
def test_algorithms_without_masks_are_refused(algorithm):
    with pytest.raises(UserError, match="one of hals, mu, scd"):
        fitted(algorithm, {})


@pytest.mark.parametrize(("algorithm", "penalty"), [("scd", "l1_h"), ("mu", "l2_h")])
def test_a_penalty_on_counts_under_the_constraint_is_refused(algorithm, penalty):
    with pytest.raises(UserError, match="`hold_out: blocks`, or no penalty"):
        fitted(algorithm, {"loss": "poisson", "w_columns": "sum_to_one", penalty: 0.5})
