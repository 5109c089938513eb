"""Checking fits: the recomputed numbers against definitions written elsewhere, and files that were tampered with."""

import csv
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cvxpy
import numpy as np
import pytest
from scipy.optimize import lsq_linear

import toys
from fusion_oracle import enumerated_prox
from proxsweep.__main__ import main
from proxsweep.check import check
from proxsweep.dms.check import recompute
from proxsweep.dms.model import fit, fit_files
from proxsweep.dms.roles import ROLES
from proxsweep.io.errors import UserError
from proxsweep.io.files import write_csv, write_npz, write_text
from proxsweep.sweep import collect, fit_folder, grid
from proxsweep.sweep.study import Study

TREE = {"name": "clade", "kind": "tree", "tree": {"c0": "root", "inner": "root", "c1": "inner", "c2": "inner"}}
ROWS = {
    "name": "contrast",
    "kind": "rows",
    "rows": {"mean": {"c0": 1.0, "c1": -0.5, "c2": -0.5}, "pair": {"c1": 2.0, "c2": -2.0}},
}
LINEAR = {**toys.MODEL, "global_epistasis": "linear", "ridge": 1e-2}
NORMALIZATIONS = ["condition_mean", "condition_mean_scaled_ridge", "condition_mean_total_ridge", "sample_mean"]
BOX = [-0.8, 0.3]
LASSO = 2e-3


def problem(encoding, model, difference, lasso=LASSO) -> recompute.Problem:
    conditions = [str(name) for name in encoding.conditions]
    matrix, _ = recompute.difference_matrix(difference, conditions, str(encoding.reference))
    return recompute.problem(encoding, model, lasso, matrix)


def somewhere(made: recompute.Problem, seed=0, box=(-np.inf, np.inf)) -> recompute.Point:
    """A point far from any optimum, with ties and entries at the bounds of the box."""
    rng = np.random.default_rng(seed)
    b = rng.normal(size=(made.difference.shape[1], made.bundle.shape[1]))
    b[1, ::2], b[-1, ::3] = b[0, ::2], b[1, ::3]
    b0 = np.where(made.fixed, 0.0, rng.normal(size=len(made.ridge)))
    return recompute.Point(np.clip(b, *box), b0, 4.0 if made.sigmoid else 1.0, -2.0 if made.sigmoid else 0.0)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("model", [toys.MODEL, LINEAR], ids=["sigmoid", "linear"])
def test_objective_and_gradient_are_those_of_dense_matrices(model, normalization):
    encoding = toys.toy(3, weighted=True)
    model = {**model, "normalization": normalization, "huber_delta": 0.7, "ridge": 0.3}
    made = problem(encoding, model, "equivariant")
    x = somewhere(made)
    smooth, penalty = recompute.parts(made, x)
    assert smooth == pytest.approx(toys.smooth(encoding, model, *x), rel=1e-12)
    pairs = [abs(x.b[i] - x.b[j]).sum() for i, j in ((1, 0), (2, 0), (2, 1))]
    assert penalty == pytest.approx(LASSO * sum(pairs), rel=1e-12)
    for part, expected in zip(recompute.gradient(made, x), toys.gradient(encoding, model, *x), strict=True):
        np.testing.assert_allclose(part, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("box", [None, BOX])
@pytest.mark.parametrize("difference", ["reference", "equivariant", TREE], ids=str)
def test_residual_follows_from_an_exact_prox(difference, box):
    encoding, lasso = toys.toy(3), 0.05
    model = {**toys.MODEL, "effect_bounds": box, "fix_reference_intercept": True, "scale_bound": 4.01}
    made = problem(encoding, model, difference, lasso)
    x = somewhere(made, box=box or (-np.inf, np.inf))
    by_b, by_b0, by_scale, by_bias = toys.gradient(encoding, model, x.b[:3], *x[1:])
    target = x.b - np.concatenate([by_b, np.zeros((len(x.b) - 3, by_b.shape[1]))])
    moved = enumerated_prox(made.difference, target, np.full(by_b.shape[1], lasso))
    distances = [abs(x.b - np.clip(moved, *(box or (-np.inf, np.inf)))).max(), abs(by_b0[1:]).max(), abs(by_bias)]
    distances.append(abs(4.0 - np.clip(4.0 - by_scale, 0, 4.01)))
    assert recompute.residual(made, x) == pytest.approx(max(distances), rel=1e-8)
    # the effects are the largest here, but each of the others has to be the largest somewhere
    far = replace(made, lasso=0.0, effect_bounds=np.array([0.0, 0.0]))
    at_zero = x._replace(b=np.zeros_like(x.b))
    _, by_b0, by_scale, by_bias = toys.gradient(encoding, model, at_zero.b[:3], *x[1:])
    others = [abs(by_b0[1:]).max(), abs(by_bias), abs(4.0 - np.clip(4.0 - by_scale, 0, 4.01))]
    assert recompute.residual(far, at_zero) == pytest.approx(max(others), rel=1e-12)


def convex_optimum(encoding, model, made: recompute.Problem) -> tuple[float, recompute.Point]:
    """Linear g by cvxpy and Clarabel, from dense matrices: the minimum, and where it is."""
    loss_factor, ridge = toys.factors(encoding, model)
    b = cvxpy.Variable((made.difference.shape[1], made.bundle.shape[1]))
    b0 = cvxpy.Variable(len(ridge))
    value = made.lasso * cvxpy.sum(cvxpy.abs(made.difference @ b))
    scores, weights = (toys.split(encoding, values) for values in (encoding.scores, encoding.weights))
    for d, x in enumerate(toys.dense(encoding)):
        # cvxpy's huber is twice the usual one
        loss = cvxpy.huber(x @ b[d] + b0[d] - scores[d], model["huber_delta"]) / 2
        value += loss_factor[d] * (weights[d] @ loss) + ridge[d] * cvxpy.sum_squares(b[d])
    limits = [b >= model["effect_bounds"][0], b <= model["effect_bounds"][1]] if model["effect_bounds"] else []
    limits += [b0[0] == 0] if model["fix_reference_intercept"] else []
    stated = cvxpy.Problem(cvxpy.Minimize(value), limits)
    stated.solve(solver=cvxpy.CLARABEL, tol_gap_abs=1e-13, tol_gap_rel=1e-13, tol_feas=1e-13)
    return stated.value, recompute.Point(b.value, b0.value, 1.0, 0.0)


@pytest.mark.parametrize(
    ("difference", "changes"),
    [
        ("reference", {}),
        ("equivariant", {"huber_delta": 0.4}),
        ("equivariant", {"effect_bounds": BOX}),
        ("reference", {"fix_reference_intercept": True, "normalization": "sample_mean", "ridge": 0.5}),
        (TREE, {"normalization": "condition_mean_total_ridge", "ridge": 2.0}),
        (TREE, {"effect_bounds": BOX}),
        (ROWS, {"normalization": "condition_mean_scaled_ridge", "ridge": 3.0}),
    ],
    ids=str,
)
def test_duality_gap_bounds_the_distance_to_the_minimum(difference, changes):
    encoding = toys.toy(3, weighted=True)
    model = {**LINEAR, **changes}
    made = problem(encoding, model, difference)
    minimum, optimum = convex_optimum(encoding, model, made)
    box = model["effect_bounds"] or (-np.inf, np.inf)
    for seed, size in enumerate((1.0, 0.1, 1e-2, 1e-3, 1e-5, 0.0)):
        away = somewhere(made, seed, box)
        b, b0 = optimum.b + size * (away.b - optimum.b), optimum.b0 + size * (away.b0 - optimum.b0)
        x = recompute.Point(np.clip(b, *box), np.where(made.fixed, 0.0, b0), 1.0, 0.0)
        assert recompute.duality_gap(made, x) >= sum(recompute.parts(made, x)) - minimum - 1e-9


@pytest.mark.slow
@pytest.mark.parametrize(
    ("difference", "changes", "size"),
    # what the multipliers leave of the pull on inner nodes, which have no ridge, counts to first order
    [("equivariant", {}, 1e-9), ("equivariant", {"effect_bounds": BOX}, 1e-9), (TREE, {"effect_bounds": BOX}, 1e-6)],
    ids=str,
)
def test_duality_gap_is_small_at_the_optimum(difference, changes, size):
    encoding = toys.toy(3, weighted=True)
    model, solver = {**LINEAR, **changes}, {**toys.SOLVER, "tolerance": 1e-8}
    best = fit.fit(encoding, LASSO, difference, model, solver, lambda line: None).best
    gap = recompute.duality_gap(problem(encoding, model, difference), recompute.Point(best.b, best.b0, 1.0, 0.0))
    assert -1e-14 <= gap <= size


def test_there_is_no_duality_gap_without_convexity_or_ridge():
    encoding = toys.toy(2)
    for model in (toys.MODEL, {**LINEAR, "ridge": 0.0}):
        made = problem(encoding, model, "reference")
        assert recompute.duality_gap(made, recompute.zeros(made)) is None


@pytest.mark.parametrize("box", [None, BOX])
@pytest.mark.parametrize("difference", ["reference", "equivariant", TREE, ROWS], ids=str)
def test_fusion_gap_is_the_least_norm_a_mutation_at_a_time(difference, box):
    encoding = toys.toy(3)
    made = problem(encoding, {**toys.MODEL, "effect_bounds": box}, difference, 0.02)
    x = somewhere(made, box=box or (-np.inf, np.inf))
    u, left = recompute.fusion_dual(made, x)
    assert (abs(u) <= 0.02).all()
    by_b = toys.gradient(encoding, toys.MODEL, x.b[:3], *x[1:])[0]
    by_b = np.concatenate([by_b, np.zeros((len(x.b) - 3, by_b.shape[1]))])
    for m in range(by_b.shape[1]):
        shifts = made.difference @ x.b[:, m]
        tied = abs(shifts) < 1e-12
        fixed = by_b[:, m] + 0.02 * made.difference[~tied].T @ np.sign(shifts[~tied])
        columns, low, high = [*made.difference[tied]], [-0.02] * tied.sum(), [0.02] * tied.sum()
        for node, side in ((node, side) for node in range(len(x.b)) for side in (0, 1)):
            if box and x.b[node, m] == box[side]:
                columns.append(np.eye(len(x.b))[node])
                low, high = [*low, -np.inf if side == 0 else 0.0], [*high, 0.0 if side == 0 else np.inf]
        expected = np.linalg.norm(fixed)
        if columns:
            matrix = np.array(columns).T
            expected = np.linalg.norm(fixed + matrix @ lsq_linear(matrix, -fixed, (low, high), tol=1e-14).x)
        assert left[m] == pytest.approx(expected, rel=1e-6, abs=1e-8)


STRONG = 1e-2  # makes some shifts zero
SWEEP = {"difference": ["reference", "equivariant"], "lasso": [STRONG], "replicate": ["1"]}


def write_fit(folder: Path, encoding_path: Path, **changes) -> dict:
    """Fit an encoding and write the files of the fit; its record."""
    spec = {
        "study": "demo",
        "fit": {"difference": changes.get("difference", "reference"), "lasso": changes.get("lasso", LASSO)},
        "labels": changes.get("labels", {}),
        "rows": changes.get("rows"),
        "model": {**toys.MODEL, **changes.get("model", {})},
        "solver": {**toys.SOLVER, **changes.get("solver", {})},
    }
    fit_files.run(spec, encoding_path, folder, lambda line: None)
    return json.loads((folder / "record.json").read_text())


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A working directory with a finished study of two fits."""
    root, encoding = tmp_path_factory.mktemp("finished"), toys.toy(3)
    folder = Path("results/demo")
    study = Study(name="demo", family="dms", roles=ROLES, sweep=SWEEP)
    plan = {"study": "demo", "fits": grid.plan(grid.table(study))}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        path = folder / "encodings" / "replicate~1.npz"
        encoding.save(path)
        (folder / "plan.json").write_text(json.dumps(plan))
        for one in plan["fits"]:
            labels = one["labels"]
            write_fit(Path(one["path"]), path, labels=labels, difference=labels["difference"], lasso=STRONG)
        write_csv(folder / "fits.csv", collect.collect(plan["fits"]))
    return root


@pytest.fixture
def study(finished, tmp_path, monkeypatch) -> Path:
    """A copy of the study, relative to the working directory."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Path("results/demo")


def first(study: Path) -> Path:
    return study / f"fits/difference~reference/lasso~{STRONG}/replicate~1"


def test_counts_of_a_fold_are_recomputed(tmp_path):
    """A fold has no table; its counts stand beside its parameters."""
    toys.toy(3).save(tmp_path / "e.npz")
    rows = {"fold": "1", "folds": 2, "seed": 1, "stratify": "condition"}
    values = {"difference": "equivariant", "lasso": LASSO, "replicate": "1"}
    spec = {"study": "s", "fit": values, "labels": {}, "rows": rows, "model": toys.MODEL, "solver": toys.SOLVER}
    fit_files.run(spec, tmp_path / "e.npz", tmp_path / "fit", lambda line: None)
    assert not (tmp_path / "fit/mutations.csv").exists()
    assert check(tmp_path / "fit", tmp_path / "e.npz").disagreements == []
    path = tmp_path / "fit/parameters.npz"
    with np.load(path) as arrays:
        found = dict(arrays)
    for change in (
        lambda counts: counts + (np.arange(counts.size).reshape(counts.shape) == 4),
        lambda counts: counts[1:],
    ):
        write_npz(path, **{**found, "times_seen": change(found["times_seen"])})
        (_, wrong), *others = check(tmp_path / "fit", tmp_path / "e.npz").disagreements
        assert wrong.file == "parameters.npz" and "times_seen" in wrong.quantity and not others


def edit_record(folder: Path, change) -> None:
    record = json.loads((folder / "record.json").read_text())
    change(record)
    (folder / "record.json").write_text(json.dumps(record))


def edit_arrays(path: Path, change) -> None:
    with np.load(path) as file:
        arrays = dict(file)
    change(arrays)
    write_npz(path, **arrays)


def edit_table(path: Path, row: int, column: str, value: object) -> None:
    with open(path, newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows[row][column] = value
    with open(path, "w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def found(folder: Path, encoding: Path | None = None) -> dict[tuple[str, str], object]:
    """What was found, digests of tables aside."""
    disagreements = [item for _, item in check(folder, encoding).disagreements if item.quantity != "digest"]
    return {(item.file, item.quantity): item for item in disagreements}


def test_a_file_of_the_study_that_is_not_as_it_was_written_is_named(study):
    write_text(study / "tables/sparsity.csv", "share\n0.5\n")
    (study / "tables/sparsity.csv").write_text("share\n0.6\n")
    assert [(item.file, item.quantity) for _, item in check(study).disagreements] == [("tables/sparsity.csv", "digest")]


def test_a_study_as_written_is_confirmed(study, capsys, tmp_path):
    assert main(["check", str(study), "--output", "table.csv"]) == 0
    assert "converged       yes" in capsys.readouterr().out
    with open("table.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["difference"] for row in rows] == ["reference", "equivariant"]
    for row in rows:
        assert row["verdict"] == "agrees" and row["confirmed"] == "yes" and row["duality_gap"] == ""
        assert float(row["objective_difference"]) < 1e-12
        written, recomputed = float(row["relative_residual"]), float(row["relative_residual_recomputed"])
        assert recomputed == pytest.approx(written, rel=1e-6) and 0 < recomputed <= 1e-6
        assert 0 < float(row["fusion_gap"]) < 1e-6
    # from anywhere, and before fits are collected
    (study / "fits.csv").unlink()
    assert check(tmp_path / study).disagreements == []


CASES = {
    "normalization and weights": {"model": {"normalization": "condition_mean_total_ridge", "huber_delta": 0.6}},
    "linear": {"model": {"global_epistasis": "linear", "ridge": 1e-2}, "difference": "equivariant"},
    "linear tree in a box": {
        "model": {"global_epistasis": "linear", "ridge": 1e-2, "effect_bounds": BOX},
        "difference": TREE,
    },
    "rows": {"difference": ROWS},
    "two starts": {"solver": {"starts": ["zeros", "linear"]}},
    "box": {"model": {"effect_bounds": BOX}, "difference": "equivariant"},
    "scale at its bound": {"model": {"scale_bound": "0.9x_score_range", "warmup_iterations": 20}},
    "fixed intercept": {"model": {"fix_reference_intercept": True}},
    "no lasso": {"lasso": 0.0},
    "all shifts zero": {"lasso": 10.0, "difference": "equivariant"},
    "no iterations to speak of": {"solver": {"max_iterations": 3}},
    "diverged": {"model": {"scale_bound": 1e308, "ridge": 1e308}},
}
QUICK = ("box", "scale at its bound", "no iterations to speak of", "diverged")


@pytest.mark.parametrize("case", [pytest.param(case, marks=[pytest.mark.slow] * (case not in QUICK)) for case in CASES])
def test_fits_of_all_kinds_are_confirmed(tmp_path, case):
    encoding, path = toys.toy(3, weighted=True), tmp_path / "encoding.npz"
    encoding.save(path)
    record = write_fit(tmp_path / "fit", path, **CASES[case])
    report = check(tmp_path / "fit", path)
    assert report.disagreements == []
    assert report.table["status"].tolist() == [record["status"]]
    assert report.table["confirmed"].tolist() == ["yes"]


@pytest.mark.slow
def test_one_condition_is_confirmed(tmp_path):
    encoding, path = toys.toy(1), tmp_path / "encoding.npz"
    encoding.save(path)
    write_fit(tmp_path / "fit", path)
    assert check(tmp_path / "fit", path).disagreements == []


def test_a_changed_effect_is_named(study):
    folder = first(study)

    def change(arrays):
        arrays["b"][1, 3] += 1e-6

    edit_arrays(folder / "parameters.npz", change)
    items = found(study)
    assert ("mutations.csv", "beta_c1 of A4C") in items
    assert ("parameters.npz", "shift c1-minus-c0 of A4C") in items
    assert ("record.json", "residual") in items
    item = items["mutations.csv", "beta_c1 of A4C"]
    assert item.recomputed - item.written == pytest.approx(1e-6, rel=1e-6)
    assert {path for path, _ in check(study).disagreements} == {str(folder)}


def test_a_tie_that_is_none_is_named(study):
    folder = first(study)
    with np.load(folder / "parameters.npz") as file:
        at = int(np.flatnonzero(file["shifts"][0] == 0)[0])

    def change(arrays):
        arrays["b"][1, at] = np.nextafter(arrays["b"][1, at], np.inf)

    edit_arrays(folder / "parameters.npz", change)
    assert ("parameters.npz", f"zero of shift c1-minus-c0 of A{at + 1}C") in found(study)


@pytest.mark.parametrize("name", ["objective", "smooth", "penalty", "residual", "relative_residual", "yardstick"])
def test_a_changed_number_of_the_record_is_named(study, name):
    def change(record):
        # the residual by more than rounding could do; the others by little
        record[name] *= 1.1 if "residual" in name else 1 + 1e-5

    edit_record(first(study), change)
    items = found(study)
    assert ("record.json", name) in items
    item = items["record.json", name]
    assert item.written != pytest.approx(item.recomputed, rel=1e-6)
    assert str(item).startswith(f"record.json: {name} is ")
    if name != "yardstick":
        assert ("fits.csv", name) in items
        assert ("record.json", f"{name} of start zeros") in items or name in ("smooth", "penalty")


@pytest.mark.parametrize("key", ["fusion_gap", "duality_gap"])
def test_a_certificate_that_claims_too_much_is_named(tmp_path, key):
    encoding, path = toys.toy(3), tmp_path / "encoding.npz"
    encoding.save(path)
    model, solver = {"global_epistasis": "linear", "ridge": 1e-2}, {"max_iterations": 20}
    write_fit(tmp_path / "fit", path, model=model, solver=solver)
    edit_record(tmp_path / "fit", lambda record: record["certificate"].update({key: record["certificate"][key] / 2}))
    assert list(found(tmp_path / "fit", path)) == [("record.json", f"certificate.{key}")]
    edit_record(tmp_path / "fit", lambda record: record.pop("certificate"))
    assert found(tmp_path / "fit", path) == {}


def test_a_status_that_is_not_so_is_named(study):
    edit_record(first(study), lambda record: record.update(status="max_iterations"))
    report = check(study)
    assert ("record.json", "status") in found(study)
    assert report.table["confirmed"].tolist() == ["no", "yes"]


def test_a_fit_falsely_called_converged_is_named(tmp_path):
    encoding, path = toys.toy(3), tmp_path / "encoding.npz"
    encoding.save(path)
    write_fit(tmp_path / "fit", path, solver={"max_iterations": 10})

    def change(record):
        record["status"] = record["starts"][0]["status"] = "converged"

    edit_record(tmp_path / "fit", change)
    assert list(found(tmp_path / "fit", path)) == [("record.json", "status")]


def test_another_encoding_is_named(study):
    path = study / "encodings" / "replicate~1.npz"
    toys.toy(3, seed=1).save(path)
    items = found(study)
    assert list(items) == [("record.json", "encoding_sha256")]
    assert check(study).table["confirmed"].tolist() == ["no", "no"]


@pytest.mark.parametrize(
    ("name", "column", "quantity"),
    [
        ("mutations.csv", "beta_c2", "beta_c2 of A3C"),
        ("mutations.csv", "shift_c2-minus-c0", "shift_c2-minus-c0 of A3C"),
        ("mutations.csv", "times_seen_c0", "times_seen_c0 of A3C"),
        ("mutations.csv", "site", "site, entry 3"),
        ("trace.csv", "objective", "objective of start zeros"),
        ("trace.csv", "iteration", "last iteration of start zeros"),
    ],
)
def test_a_changed_table_is_named(study, name, column, quantity):
    edit_table(first(study) / name, 2 if name == "mutations.csv" else -1, column, "17")
    assert list(found(study)) == [(name, quantity)]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scale", 3.0),
        ("bias", 0.5),
        ("scale_bound", 11.0),
        ("scale_at_bound", None),
        ("zero_shift_share", 0.123),
        ("reference", "c1"),
        ("variants", 7),
    ],
)
def test_a_changed_figure_is_named(study, key, value):
    edit_record(first(study), lambda record: record["dms"].update({key: value}))
    assert list(found(study)) == [("record.json", f"dms.{key}"), ("fits.csv", key)]


def test_a_changed_share_of_a_row_is_named(study):
    edit_record(first(study), lambda record: record["dms"]["zero_shift_share_rows"].update({"c1-minus-c0": 0.123}))
    wrong = [("record.json", "dms.zero_shift_share_rows.c1-minus-c0"), ("fits.csv", "zero_shift_share_c1-minus-c0")]
    assert list(found(study)) == wrong


def test_another_lasso_weight_or_matrix_is_named(study):
    edit_record(first(study), lambda record: record["fit"].update(lasso=3e-3))
    assert ("record.json", "penalty") in found(study)
    edit_record(first(study), lambda record: record["fit"].update(lasso=STRONG, difference="equivariant"))
    assert ("parameters.npz", "difference") in found(study)


@pytest.mark.slow
def test_a_constraint_that_does_not_hold_is_named(tmp_path):
    encoding, path = toys.toy(3), tmp_path / "encoding.npz"
    encoding.save(path)
    model = {"effect_bounds": BOX, "fix_reference_intercept": True, "scale_bound": 5.0}
    write_fit(tmp_path / "fit", path, model=model)

    def change(arrays):
        arrays["b"][0, 0], arrays["b0"][0], arrays["scale"] = 0.31, 0.1, np.float64(5.5)

    edit_arrays(tmp_path / "fit" / "parameters.npz", change)
    items = found(tmp_path / "fit", path)
    assert {("parameters.npz", name) for name in ("b", "b0 of the reference", "scale")} <= set(items)


def test_parameters_that_are_not_finite_are_named(study):
    def change(arrays):
        arrays["b0"][0] = np.nan

    edit_arrays(first(study) / "parameters.npz", change)
    items = found(study)
    assert ("parameters.npz", "b0") in items and ("record.json", "status") in items


def test_a_worse_start_called_the_best_is_named(tmp_path):
    encoding, path = toys.toy(3), tmp_path / "encoding.npz"
    encoding.save(path)
    write_fit(tmp_path / "fit", path, solver={"starts": ["zeros", "linear"]})

    def change(record):
        other = next(one for one in record["starts"] if one["start"] != record["start"])
        other["objective"] -= 0.01

    edit_record(tmp_path / "fit", change)
    assert ("record.json", "objective of the best start") in found(tmp_path / "fit", path)


def test_a_change_in_any_column_of_the_study_table_is_named(study):
    with open(study / "fits.csv", newline="") as stream:
        header, row = list(csv.reader(stream))[:2]
    text = (study / "fits.csv").read_text()
    for name, cell in zip(header, row, strict=True):
        edit_table(study / "fits.csv", 0, name, repr(1.001 * float(cell)) if cell.replace(".", "").isdecimal() else "x")
        assert ("fits.csv", name) in found(study), name
        (study / "fits.csv").write_text(text)
    assert found(study) == {}


def test_files_are_those_whose_digests_the_record_has(study):
    folder = first(study)
    edit_record(folder, lambda record: record.update(file_sha256=fit_folder.file_digests(folder)))
    assert found(study) == {}
    edit_table(folder / "trace.csv", 0, "seconds", "17")
    edit_table(folder / "mutations.csv", 0, "beta_c0", "17")
    digest = "digest (SHA-256)"
    wrong = [("mutations.csv", "beta_c0 of A1C"), ("mutations.csv", digest), ("trace.csv", digest)]
    assert list(found(study)) == wrong
    (folder / "trace.csv").unlink()
    assert list(found(study)) == [*wrong[:1], ("trace.csv", "the file"), wrong[1]]


@pytest.mark.parametrize("name", ["newton_steps", "products", "smooth", "penalty", "residual", "relative_residual"])
def test_the_end_of_a_trace_is_that_of_the_record(study, name):
    edit_table(first(study) / "trace.csv", -1, name, "0.5")
    assert list(found(study)) == [("trace.csv", f"{name} of start zeros")]


def test_a_row_of_the_study_table_is_compared(study):
    edit_table(study / "fits.csv", 1, "residual", "1e-3")
    assert list(found(study)) == [("fits.csv", "residual")]
    text = (study / "fits.csv").read_text().splitlines(keepends=True)
    (study / "fits.csv").write_text("".join(text[:2]))
    assert list(found(study)) == [("fits.csv", "row")]


def test_labels_are_those_of_the_plan(study):
    edit_record(first(study), lambda record: record["labels"].update(lasso="1"))
    assert list(found(study)) == [("record.json", "labels")]


def test_a_fit_without_a_record_stands_in_the_table(study):
    (first(study) / "record.json").unlink()
    report = check(study)
    assert report.table["verdict"].tolist() == ["no record", "agrees"]
    assert list(found(study)) == [("fits.csv", "status")]
    (study / "fits.csv").unlink()
    assert found(study) == {}


def test_files_that_cannot_be_read_are_named(study):
    folder = first(study)
    (folder / "trace.csv").unlink()
    assert list(found(study)) == [("trace.csv", "the file")]
    (folder / "mutations.csv").write_text("mutation\nA1C,A\n")
    assert list(found(study)) == [("mutations.csv", "the file"), ("trace.csv", "the file")]
    # the rest is looked into all the same
    assert check(study).table["confirmed"].tolist() == ["yes", "yes"]
    content = bytearray((folder / "parameters.npz").read_bytes())
    content[100:140] = bytes(40)
    (folder / "parameters.npz").write_bytes(content)
    assert list(found(study)) == [("parameters.npz", "the file")]
    (study / "encodings" / "replicate~1.npz").unlink()
    assert list(found(study)) == [("replicate~1.npz", "the file")]


def test_disagreements_are_printed_below_the_table_and_fail(study, capsys):
    edit_record(first(study), lambda record: record.update(objective=0.5))
    assert main(["check", str(study), "--output", "table.csv"]) == 2
    said = capsys.readouterr()
    assert f"\n{first(study)}\n  record.json: objective of start zeros is " in said.out
    assert "1 disagreement" not in said.out and "agrees" in said.out
    assert said.err.startswith("proxsweep: results/demo: found 4 disagreements in 1 of 2 fits")
    assert said.err.count("\n") == 1
    assert Path("table.csv").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"family": "unknown"}, "family 'unknown'"),
        ({"schema_version": 99}, "schema_version 99"),
    ],
)
def test_records_of_another_kind_are_refused(study, change, message):
    edit_record(first(study), lambda record: record.update(change))
    with pytest.raises(UserError, match=message):
        check(study)


def test_records_without_keys_are_refused(study):
    edit_record(first(study), lambda record: record["dms"].pop("scale"))
    with pytest.raises(UserError, match=r"record\.json: found no dms\.scale"):
        check(study)
    edit_record(first(study), lambda record: record.pop("yardstick"))
    with pytest.raises(UserError, match=r"record\.json: found no yardstick"):
        check(study)


def test_a_folder_with_nothing_to_check_is_refused(study, tmp_path, capsys):
    assert main(["check", str(tmp_path)]) == 2
    assert "plan.json" in capsys.readouterr().err
    assert main(["check", str(first(study))]) == 2
    assert "--encoding" in capsys.readouterr().err
    for record in study.rglob("record.json"):
        record.unlink()
    assert main(["check", str(study)]) == 2
    assert "no record of any planned fit" in capsys.readouterr().err


def test_tables_of_the_study_that_are_none_are_named_or_refused(study):
    for content in ("", "path\n1,2\n", "path,path\n", '"path'):
        (study / "fits.csv").write_text(content)
        assert list(found(study)) == [("fits.csv", "the file")]
    (study / "fits.csv").write_text("path\n")
    wrong = found(study)
    assert ("fits.csv", "column lasso") in wrong and ("fits.csv", "row") in wrong
    (study / "plan.json").write_text("{}")
    with pytest.raises(UserError, match=r"plan\.json: found no study"):
        check(study)


def test_checking_does_without_the_solver():
    code = "import json, sys, proxsweep.check, proxsweep.dms.check.check; print(json.dumps(list(sys.modules)))"
    scripts = str(Path(recompute.__file__).parents[3])
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": scripts}, capture_output=True, text=True)
    loaded = json.loads(done.stdout)
    assert "proxsweep.dms.check.recompute" in loaded
    solver = [name for name in loaded if name.startswith(("jax", "proxsweep.optimize.", "proxsweep.dms.model"))]
    assert solver == ["proxsweep.optimize.status"]


FOLD = {"fold": "2", "folds": 3, "seed": 4, "stratify": "condition"}


@pytest.mark.parametrize("rows", [FOLD, {"resample": "1", "seed": 4, "method": "bootstrap"}])
@pytest.mark.parametrize("epistasis", ["linear", "sigmoid"])
def test_fits_to_a_part_of_the_variants_are_confirmed(tmp_path, rows, epistasis):
    toys.toy(3).save(tmp_path / "encoding.npz")
    write_fit(tmp_path / "fit", tmp_path / "encoding.npz", rows=rows, model={"global_epistasis": epistasis})
    assert found(tmp_path / "fit", tmp_path / "encoding.npz") == {}


@pytest.mark.parametrize("quantity", ["training_loss", "validation_loss"])
def test_wrong_losses_are_found(tmp_path, quantity):
    toys.toy(3).save(tmp_path / "encoding.npz")
    write_fit(tmp_path / "fit", tmp_path / "encoding.npz", rows=FOLD)
    edit_record(tmp_path / "fit", lambda record: record["dms"].update({quantity: 1.001 * record["dms"][quantity]}))
    edit_record(tmp_path / "fit", lambda record: record["dms"][f"{quantity}_rows"].update(c1=0.1))
    wrong = set(found(tmp_path / "fit", tmp_path / "encoding.npz"))
    assert wrong == {("record.json", f"dms.{quantity}"), ("record.json", f"dms.{quantity}_rows.c1")}


def test_a_fit_to_another_fold_than_it_says_is_found(tmp_path):
    toys.toy(3).save(tmp_path / "encoding.npz")
    write_fit(tmp_path / "fit", tmp_path / "encoding.npz", rows=FOLD)
    edit_record(tmp_path / "fit", lambda record: record["rows"].update(fold="1"))
    assert ("record.json", "objective") in found(tmp_path / "fit", tmp_path / "encoding.npz")
