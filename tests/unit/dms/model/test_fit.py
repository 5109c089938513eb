"""The solver against independent answers: a generic convex solver, SciPy's quasi-Newton, the model written anew."""

import itertools
import json
import math
from dataclasses import replace

import cvxpy
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import toys
from proxsweep.dms.model import fit, fit_figures, fit_files
from proxsweep.dms.model.arrays import NORMALIZATIONS
from proxsweep.dms.model.model import change_coordinates
from proxsweep.io.errors import UserError

LINEAR = {**toys.MODEL, "global_epistasis": "linear"}
TIGHT = {**toys.SOLVER, "tolerance": 1e-9}


def silent(line: str) -> None:
    """Progress is not what these tests look at."""


def run(encoding, lasso, difference="equivariant", model=toys.MODEL, solver=toys.SOLVER):
    return fit.fit(encoding, lasso, difference, model, solver, silent)


def convex_optimum(encoding, lasso, matrix, model) -> tuple[float, np.ndarray]:
    """Linear g by cvxpy and Clarabel: optimal objective and effects."""
    loss_factor, ridge = toys.factors(encoding, model)
    count, width = encoding.bundle.shape
    b, b0 = cvxpy.Variable((matrix.shape[1], width)), cvxpy.Variable(count)
    smooth = 0
    parts = zip(
        toys.dense(encoding),
        toys.split(encoding, encoding.scores),
        toys.split(encoding, encoding.weights),
        strict=True,
    )
    for d, (x, y, w) in enumerate(parts):
        # cvxpy's huber is twice the usual one
        loss = cvxpy.huber(x @ b[d] + b0[d] - y, model["huber_delta"]) / 2
        smooth += loss_factor[d] * (w @ loss) + ridge[d] * cvxpy.sum_squares(b[d])
    constraints = []
    if model["effect_bounds"]:
        constraints = [b >= model["effect_bounds"][0], b <= model["effect_bounds"][1]]
    if model["fix_reference_intercept"]:
        constraints.append(b0[0] == 0)
    problem = cvxpy.Problem(cvxpy.Minimize(smooth + lasso * cvxpy.sum(cvxpy.abs(matrix @ b))), constraints)
    problem.solve(solver=cvxpy.CLARABEL, tol_gap_abs=1e-13, tol_gap_rel=1e-13, tol_feas=1e-13)
    return problem.value, b.value


def assert_convex_optimum(done, encoding, lasso, model, effects_within=1e-5):
    best = done.best
    assert best.status == "converged"
    value, effects = convex_optimum(encoding, lasso, np.asarray(done.difference.matrix), model)
    assert best.objective == pytest.approx(value, rel=1e-8)
    count = len(best.b0)
    assert toys.smooth(encoding, model, best.b[:count], best.b0, 1.0, 0.0) == pytest.approx(best.smooth, rel=1e-12)
    np.testing.assert_allclose(best.b[:count], effects[:count], atol=effects_within)


@pytest.mark.parametrize("lasso", [0.0, 1e-3, 1e-2, 10.0])
@pytest.mark.parametrize(("conditions", "difference"), list(itertools.product([2, 3], ["reference", "equivariant"])))
def test_linear_agrees_with_convex_solver(conditions, difference, lasso):
    encoding = toys.toy(conditions)
    model = {**LINEAR, "ridge": 1e-2}
    assert_convex_optimum(run(encoding, lasso, difference, model, TIGHT), encoding, lasso, model)


TREE = {"name": "clade", "tree": {"c0": "root", "inner": "root", "c1": "inner", "c2": "inner"}}
ROWS = {
    "name": "contrast",
    "rows": {"mean": {"c0": 1.0, "c1": -0.5, "c2": -0.5}, "pair": {"c1": 1.0, "c2": -1.0}},
}


@pytest.mark.parametrize("difference", [TREE, pytest.param(ROWS, marks=pytest.mark.slow)], ids=["tree", "rows"])
@pytest.mark.parametrize("lasso", [1e-3, 1e-2])
def test_general_matrices_agree_with_convex_solver(difference, lasso):
    encoding = toys.toy(3)
    model = {**LINEAR, "ridge": 1e-2}
    solver = {**toys.SOLVER, "tolerance": 1e-7}
    assert_convex_optimum(run(encoding, lasso, difference, model, solver), encoding, lasso, model, 1e-4)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_normalizations_with_weights_agree_with_convex_solver(normalization):
    encoding = toys.toy(2, weighted=True)
    model = {**LINEAR, "normalization": normalization, "ridge": 0.3, "huber_delta": 0.7}
    done = run(encoding, 2e-3, "reference", model, TIGHT)
    assert_convex_optimum(done, encoding, 2e-3, model, 1e-4)


def test_box_agrees_with_convex_solver():
    encoding = toys.toy(3)
    model = {**LINEAR, "ridge": 1e-3, "effect_bounds": [-0.8, 0.3]}
    done = run(encoding, 3e-3, "equivariant", model, TIGHT)
    assert done.best.b.min() == -0.8 and done.best.b.max() == 0.3
    assert_convex_optimum(done, encoding, 3e-3, model)


def test_fixed_reference_intercept_agrees_with_convex_solver():
    encoding = toys.toy(3)
    model = {**LINEAR, "ridge": 1e-2, "fix_reference_intercept": True}
    done = run(encoding, 3e-3, "reference", model, TIGHT)
    assert done.best.b0[0] == 0
    assert_convex_optimum(done, encoding, 3e-3, model)


def test_gradient_written_for_these_tests_is_right():
    encoding, rng = toys.toy(2, variants=20, mutations=5), np.random.default_rng(1)
    point = [rng.normal(size=(2, 5)), rng.normal(size=2), 4.0, -2.0]
    by_b, by_b0, by_scale, by_bias = toys.gradient(encoding, toys.MODEL, *point)

    def slope(change) -> float:
        ahead, behind = ([v + s * c for v, c in zip(point, change, strict=True)] for s in (1e-6, -1e-6))
        return (toys.smooth(encoding, toys.MODEL, *ahead) - toys.smooth(encoding, toys.MODEL, *behind)) / 2e-6

    unit = np.zeros((2, 5))
    unit[1, 3] = 1
    assert slope([unit, 0, 0, 0]) == pytest.approx(by_b[1, 3], rel=1e-6)
    assert slope([0, np.array([0.0, 1.0]), 0, 0]) == pytest.approx(by_b0[1], rel=1e-6)
    assert slope([0, 0, 1, 0]) == pytest.approx(by_scale, rel=1e-6)
    assert slope([0, 0, 0, 1]) == pytest.approx(by_bias, rel=1e-6)


@pytest.mark.parametrize("difference", ["reference", "equivariant"])
@pytest.mark.parametrize("iterations", [30, 20000])
def test_certificate_agrees_with_its_definition(difference, iterations):
    encoding, lasso = toys.toy(3), 2e-3
    solver = {**toys.SOLVER, "max_iterations": iterations, "tolerance": 1e-5}
    done = run(encoding, lasso, difference, toys.MODEL, solver)
    best, matrix = done.best, np.asarray(done.difference.matrix)
    expected = toys.residual(
        encoding, toys.MODEL, lasso, matrix, best.b, best.b0, best.scale, best.bias, done.scale_bound
    )
    assert best.residual == pytest.approx(expected, rel=1e-3, abs=1e-8)
    lowest, extent = encoding.scores.min(), np.ptp(encoding.scores)
    zeros = np.zeros_like(best.b), np.zeros_like(best.b0), min(extent, 10.0), lowest
    at_start = toys.residual(encoding, toys.MODEL, lasso, matrix, *zeros, 10.0)
    assert done.initial_residual == pytest.approx(at_start, rel=1e-6)
    assert (done.relative_residual <= 1e-5) == (best.status == "converged")


def test_sigmoid_without_lasso_agrees_with_quasi_newton():
    encoding = toys.toy(2, variants=80, mutations=6)
    done = run(encoding, 0.0, "reference", toys.MODEL, TIGHT)
    count, width = encoding.bundle.shape

    def unpack(v):
        return v[: count * width].reshape(count, width), v[count * width : -2], v[-2], v[-1]

    def value(v):
        by_b, by_b0, by_scale, by_bias = toys.gradient(encoding, toys.MODEL, *unpack(v))
        return toys.smooth(encoding, toys.MODEL, *unpack(v)), np.concatenate([by_b.ravel(), by_b0, [by_scale, by_bias]])

    lowest, extent = encoding.scores.min(), np.ptp(encoding.scores)
    start = np.concatenate([np.zeros(count * width + count), [extent, lowest]])
    bounds = [(None, None)] * (len(start) - 2) + [(0, 10.0), (None, None)]
    other = minimize(value, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 10000, "ftol": 0})
    assert done.best.objective == pytest.approx(other.fun, rel=1e-8)


def test_flip_is_an_involution_that_leaves_predictions_unchanged():
    encoding, rng = toys.toy(3), np.random.default_rng(2)
    b, b0 = rng.normal(size=encoding.bundle.shape), rng.normal(size=3)
    own_b, own_b0 = change_coordinates(b, b0, encoding.bundle)
    again_b, again_b0 = change_coordinates(own_b, own_b0, encoding.bundle)
    np.testing.assert_array_equal(again_b, b)
    np.testing.assert_allclose(again_b0, b0, atol=1e-12)
    for d, x in enumerate(toys.dense(encoding)):
        own = np.where(encoding.bundle[d], 1 - x, x)
        np.testing.assert_allclose(own_b0[d] + own @ own_b[d], b0[d] + x @ b[d], atol=1e-12)


def test_predictions_are_those_of_the_reference_coordinates():
    encoding = toys.toy(3)
    done = run(encoding, 1e-3)
    table, best = fit_files.predictions(done), done.best
    for d, (x, part) in enumerate(zip(toys.dense(encoding), toys.split(encoding, table), strict=True)):
        phi = best.b0[d] + x @ best.b[d]
        np.testing.assert_allclose(part["latent"], phi, atol=1e-10)
        np.testing.assert_allclose(part["predicted"], best.scale / (1 + np.exp(-phi)) + best.bias, atol=1e-10)


def test_a_large_weight_makes_every_shift_exactly_zero():
    done = run(toys.toy(4), 100.0)
    assert not done.best.shifts.any()
    assert fit_files.zero_shift_shares(done)[0] == 1.0


def test_too_few_iterations_are_reported():
    done = run(toys.toy(3), 1e-3, solver={**toys.SOLVER, "max_iterations": 5})
    assert done.best.status == "max_iterations"
    assert done.best.iterations == 5
    assert done.relative_residual > 1e-6


def test_too_little_time_is_reported():
    done = run(toys.toy(3), 1e-3, solver={**toys.SOLVER, "max_seconds": 1e-9})
    assert done.best.status == "max_seconds"


def test_warmup_locks_the_sigmoid():
    model = {**toys.MODEL, "warmup_iterations": 7}
    encoding = toys.toy(3)
    locked = run(encoding, 1e-3, model=model, solver={**toys.SOLVER, "max_iterations": 7})
    assert (locked.best.scale, locked.best.bias) == (np.ptp(encoding.scores), encoding.scores.min())
    assert np.abs(locked.best.b).max() > 0
    free = run(encoding, 1e-3, model=model)
    assert free.best.status == "converged" and free.best.scale != locked.best.scale
    assert free.best.objective == pytest.approx(run(encoding, 1e-3).best.objective, rel=1e-6)


def test_a_locked_problem_may_converge_before_it_is_unlocked():
    model = {**toys.MODEL, "warmup_iterations": 3000}
    done = run(toys.toy(3), 1e-3, model=model)
    assert done.best.status == "converged" and done.best.iterations < 3000
    locked = done.best.trace["relative_residual"].isna()
    assert locked.iloc[0] and not locked.iloc[-1] and locked.is_monotonic_decreasing


def test_warmup_keeps_to_the_limit():
    model = {**toys.MODEL, "warmup_iterations": 150}
    done = run(toys.toy(3), 1e-3, model=model, solver={**toys.SOLVER, "max_iterations": 100})
    assert (done.best.iterations, done.best.status) == (100, "max_iterations")


@pytest.mark.slow
def test_a_box_holds_under_a_tree():
    model = {**LINEAR, "ridge": 1e-3, "effect_bounds": [-0.8, 0.3]}
    done = run(toys.toy(3), 3e-3, TREE, model, {**toys.SOLVER, "tolerance": 1e-7})
    assert done.best.b.min() >= -0.8 and done.best.b.max() <= 0.3
    assert_convex_optimum(done, toys.toy(3), 3e-3, model, 1e-4)


@pytest.mark.slow
def test_a_general_matrix_reaches_what_the_exact_operator_reaches():
    pairs = [("c0", "c1"), ("c0", "c2"), ("c1", "c2")]
    rows = {"name": "double", "rows": {f"{b}-minus-{a}": {a: -2.0, b: 2.0} for a, b in pairs}}
    general, exact = run(toys.toy(3), 1e-3, rows), run(toys.toy(3), 2e-3, "equivariant")
    assert general.best.status == "converged" and exact.best.prox is None
    assert general.best.prox["primal"] <= 1e-9 and general.best.prox["dual"] <= 1e-9
    assert general.best.objective == pytest.approx(exact.best.objective, rel=1e-9)
    np.testing.assert_array_equal(general.best.shifts == 0, exact.best.shifts == 0)


@pytest.mark.slow
def test_starts_are_feasible():
    model = {**toys.MODEL, "fix_reference_intercept": True, "effect_bounds": [-0.5, 0.5]}
    solver = {**toys.SOLVER, "starts": ["linear"], "max_seconds": 1e-9}
    done = run(toys.toy(3), 1e-3, "reference", model, solver)
    assert done.best.status == "max_seconds"
    assert done.best.b0[0] == 0 and np.abs(done.best.b).max() <= 0.5


def test_scores_that_are_no_numbers_are_refused():
    encoding = toys.toy(3)
    encoding.scores[5] = np.nan
    with pytest.raises(UserError, match="scores from nan"):
        run(encoding, 1e-3)


def test_values_that_are_not_finite_end_as_diverged(tmp_path):
    encoding = replace(toys.toy(3), scores=1e200 * toys.toy(3).scores)
    done = run(encoding, 1e-3, model={**toys.MODEL, "scale_bound": 1e300, "ridge": 0.0})
    assert done.best.status == "diverged"
    for figure in (fit_figures.convergence(done), fit_figures.observed_against_predicted(done)):
        figure.savefig(tmp_path / "figure.png")
    assert "diverged" in fit_figures.headline(done).to_string()
    assert fit_figures.starts_table(done)["status"].tolist() == ["diverged"]


def test_best_start_is_kept_and_all_are_recorded():
    done = run(toys.toy(3), 1e-3, solver={**toys.SOLVER, "starts": ["zeros", "linear"]})
    assert [one.start for one in done.solutions] == ["zeros", "linear"]
    assert done.best.objective == min(one.objective for one in done.solutions)
    first = [one.trace["objective"].iloc[0] for one in done.solutions]
    assert first[0] != first[1]


def test_scale_bound_in_score_ranges():
    encoding = toys.toy(2)
    done = run(encoding, 1e-3, model={**toys.MODEL, "scale_bound": "0.5x_score_range"})
    assert done.best.scale == done.scale_bound == 0.5 * np.ptp(encoding.scores)


@pytest.mark.parametrize("ridge", [0.0, 1e-4])
@pytest.mark.parametrize("starts", [["zeros"], ["linear"]])
def test_equal_scores_are_fitted_exactly(ridge, starts):
    encoding = toys.toy(3)
    encoding.scores[:] = 0.7
    done = run(encoding, 1e-3, model={**toys.MODEL, "ridge": ridge}, solver={**toys.SOLVER, "starts": starts})
    assert done.best.status == "converged" and done.relative_residual <= 1e-6
    np.testing.assert_allclose(fit_files.predictions(done)["predicted"], 0.7, atol=1e-5)


def test_no_lasso_and_no_ridge_stay_finite():
    done = run(toys.toy(3, variants=15), 0.0, model={**LINEAR, "ridge": 0.0})
    assert done.best.status == "converged"
    assert np.isfinite(done.best.b).all()


def test_a_matrix_that_does_not_fit_the_data_is_refused():
    rows = {"name": "odd", "rows": {"r": {"c0": 1.0, "c9": -1.0}}}
    with pytest.raises(UserError, match=r"odd.*c9.*c0, c1, c2"):
        run(toys.toy(3), 1e-3, rows)


@pytest.mark.slow
def test_one_condition_is_a_plain_fit():
    encoding = toys.toy(1, bundle=0)
    model = {**LINEAR, "ridge": 1e-2}
    done = run(encoding, 1.0, "reference", model, TIGHT)
    assert done.best.shifts.shape == (0, 8) and done.best.penalty == 0
    assert math.isnan(fit_files.zero_shift_shares(done)[0])
    value, _ = convex_optimum(encoding, 0.0, np.zeros((1, 1)), model)
    assert done.best.objective == pytest.approx(value, rel=1e-8)


def test_shares_count_mutations_seen_where_they_must_be():
    done = run(toys.toy(3), 2e-3)
    done.encoding.times_seen[1, :4] = 0
    done.encoding.times_seen[2, 0] = 0
    total, rows = fit_files.zero_shift_shares(done)
    zero = done.best.shifts == 0
    names = list(done.difference.rows)
    assert total == zero[:, 4:].all(axis=0).mean()
    assert rows["c1-minus-c0"] == zero[names.index("c1-minus-c0"), 4:].mean()
    assert rows["c2-minus-c0"] == zero[names.index("c2-minus-c0"), 1:].mean()
    assert not math.isnan(total)


def test_files_hold_the_fit(tmp_path):
    encoding = toys.toy(3)
    encoding.save(tmp_path / "encoding.npz")
    spec = {
        "study": "s",
        "fit": {
            "lasso": 2e-3,
            "difference": {"name": "equivariant", "kind": "equivariant"},
            "replicate": "1",
        },
        "model": toys.MODEL,
        "solver": toys.SOLVER,
    }
    done = fit_files.run(spec, tmp_path / "encoding.npz", tmp_path / "fit", silent)
    record = json.loads((tmp_path / "fit" / "record.json").read_text())
    assert record["status"] == "converged"
    assert record["objective"] == pytest.approx(record["smooth"] + record["penalty"], rel=1e-15)
    with np.load(tmp_path / "fit" / "parameters.npz", allow_pickle=False) as saved:
        np.testing.assert_array_equal(saved["difference"] @ saved["b"] == 0, saved["shifts"] == 0)
        penalty = 2e-3 * np.abs(saved["difference"] @ saved["b"]).sum()
        at_written = toys.smooth(encoding, toys.MODEL, saved["b"], saved["b0"], saved["scale"], saved["bias"])
        assert record["penalty"] == pytest.approx(penalty, rel=1e-12)
        assert record["smooth"] == pytest.approx(at_written, rel=1e-12)
        table = pd.read_csv(tmp_path / "fit" / "mutations.csv")
        np.testing.assert_array_equal(table["beta_c1"], saved["b"][1])
        np.testing.assert_array_equal(table["shift_c2-minus-c1"], saved["b"][2] - saved["b"][1])
        np.testing.assert_array_equal(table["times_seen_c0"], encoding.times_seen[0])
    trace = pd.read_csv(tmp_path / "fit" / "trace.csv")
    assert trace["iteration"].is_monotonic_increasing and trace["iteration"].iloc[-1] == done.best.iterations
    assert trace["objective"].iloc[-1] == pytest.approx(done.best.objective, rel=1e-9)
