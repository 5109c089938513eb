"""What users may rely on: one optimum, invariances, degenerate data, the same bytes."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_fit import ROWS, TREE, convex_optimum

import toys
from proxsweep.__main__ import main
from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.model import fit, fit_files

SCRIPTS = Path(__file__).parents[4] / "scripts"
TIGHT = {**toys.SOLVER, "tolerance": 1e-9}


def solve(encoding, lasso=2e-3, difference="equivariant", model=toys.MODEL, solver=TIGHT):
    return fit.fit(encoding, lasso, difference, model, solver, lambda line: None)


@pytest.mark.slow
def test_with_a_ridge_all_starts_end_at_one_objective():
    encoding = toys.toy(3, variants=400, mutations=30)
    done = solve(encoding, 1e-3, solver={**TIGHT, "starts": ["zeros", "linear", "5x_random"]})
    assert len(done.solutions) == 7 and {one.status for one in done.solutions} == {"converged"}
    objectives = [one.objective for one in done.solutions]
    assert max(objectives) - min(objectives) <= 1e-8 * min(objectives)


MATRICES = {
    "reference": ("reference", 5),
    "equivariant": ("equivariant", 5),
    "tree": (TREE, 3),
    "rows": (ROWS, 3),
    "two": ("equivariant", 2),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MATRICES)
def test_linear_objectives_agree_with_a_convex_solver_to_nine_digits(name):
    difference, conditions = MATRICES[name]
    encoding = toys.toy(conditions, variants=50)
    model = {**toys.MODEL, "global_epistasis": "linear", "ridge": 1e-2}
    done = solve(encoding, 2e-3, difference, model)
    value, _ = convex_optimum(encoding, 2e-3, np.asarray(done.difference.matrix), model)
    assert done.best.objective == pytest.approx(value, rel=1e-9)
    # the gap bounds the distance to the minimum from above; Clarabel's own error is below 1e-10
    assert done.best.objective - value - 1e-10 <= done.best.duality_gap <= 1e-6


@pytest.fixture(scope="module")
def scan(tmp_path_factory) -> Path:
    """Two simulated tables, without and with sites of differing wildtype."""
    folder = tmp_path_factory.mktemp("scan")
    for name, differences in (("same", 0), ("differing", 3)):
        spec = {"seed": 2, "tree": {"a": "r", "b": "r", "c": "r"}, "reference": "a", "sites": 25, "variants": 300}
        spec |= {"differences": differences, "shifts": 0.1, "replicates": 1, "library_share": 0.2}
        files = ["--table", str(folder / f"{name}.csv"), "--truth", str(folder / "truth.csv")]
        assert main(["simulate", "--spec", json.dumps(spec), *files]) == 0
    return folder


def objective(scan: Path, folder: Path, name: str, reference: str, order: list[str], difference="equivariant") -> float:
    """The final objective of a table read, encoded and fitted by the program's commands."""
    from proxsweep import studies

    study = {"family": "dms", "data": {"func_scores": str(scan / f"{name}.csv"), "conditions": order}}
    study |= {"reference": reference, "sweep": {"lasso": [1e-3]}}
    (checked,) = studies.from_config({"studies": {"s": study}}, [], {})
    spec = json.dumps({"study": "s", "reference": reference, "data": checked.data})
    tables = {key: str(folder / f"{key}.csv") for key in ("variants", "wildtypes", "report")}
    named = [part for key, path in tables.items() for part in (f"--{key}", path)]
    assert main(["preprocess", str(scan / f"{name}.csv"), "--spec", spec, *named]) == 0
    encoding = str(folder / "encoding.npz")
    named += ["--replicate", "1", "--encoding", encoding]
    assert main(["encode", "--spec", spec, *named]) == 0
    options = ["--lasso", "1e-3", "--ridge", "1e-4", "--tolerance", "1e-9", "--difference", difference]
    assert main(["fit", encoding, *options, "--output", str(folder / "fit")]) == 0
    record = json.loads((folder / "fit/record.json").read_text())
    assert record["status"] == "converged"
    return record["objective"]


CHOICES = [("b", ["a", "b", "c"]), ("c", ["c", "a", "b"])]


@pytest.mark.slow
@pytest.mark.parametrize(("reference", "order"), CHOICES)
def test_without_differing_sites_equivariant_knows_no_reference(scan, tmp_path, reference, order):
    one = objective(scan, tmp_path, "same", "a", ["a", "b", "c"])
    assert objective(scan, tmp_path, "same", reference, order) == pytest.approx(one, rel=1e-8)


@pytest.mark.slow
def test_other_matrices_and_differing_sites_know_the_reference(scan, tmp_path):
    order = ["a", "b", "c"]
    for name, difference in (("same", "reference"), ("differing", "equivariant")):
        one, other = (objective(scan, tmp_path, name, condition, order, difference) for condition in "ab")
        assert one != pytest.approx(other, rel=1e-4)


def keep(encoding: Encoding, rows: np.ndarray) -> Encoding:
    """The encoding of some of its variants."""
    entries = np.split(encoding.indices, encoding.indptr[1:-1])
    condition = np.repeat(np.arange(len(encoding.conditions)), np.diff(encoding.offsets))[rows]
    kept = [entries[row] for row in rows]
    seen = np.zeros_like(encoding.times_seen)
    for d, entry in zip(condition, kept, strict=True):
        seen[d, entry] += 1
    counts = np.bincount(condition, minlength=len(encoding.conditions))
    return replace(
        encoding,
        offsets=np.concatenate([[0], np.cumsum(counts)]),
        indptr=np.concatenate([[0], np.cumsum([len(entry) for entry in kept])]),
        indices=np.concatenate(kept),
        scores=encoding.scores[rows],
        weights=encoding.weights[rows],
        times_seen=seen,
    )


def carriers(encoding: Encoding, mutation: int) -> np.ndarray:
    counts = np.diff(encoding.indptr)
    return (
        np.bincount(np.repeat(np.arange(len(counts)), counts)[encoding.indices == mutation], minlength=len(counts)) > 0
    )


def degenerate(case: str) -> Encoding:
    encoding = toys.without_bundle(toys.toy(3))
    condition = np.repeat(np.arange(3), np.diff(encoding.offsets))
    if case == "seen in one condition":
        return keep(encoding, np.flatnonzero(~carriers(encoding, 4) | (condition == 1)))
    if case == "ten variants":
        return keep(encoding, np.flatnonzero((condition != 2) | (np.arange(len(condition)) < encoding.offsets[2] + 10)))
    if case == "duplicate columns":
        return keep(encoding, np.flatnonzero(carriers(encoding, 4) == carriers(encoding, 5)))
    return replace(encoding, scores=np.full_like(encoding.scores, -1.25))


@pytest.mark.slow
@pytest.mark.parametrize("difference", ["reference", "equivariant"])
@pytest.mark.parametrize("case", ["seen in one condition", "ten variants", "duplicate columns", "equal scores"])
def test_degenerate_data_are_fitted(case, difference):
    encoding = degenerate(case)
    best = solve(encoding, 2e-3, difference).best
    assert best.status == "converged" and best.iterations < 3000
    if case == "seen in one condition":
        assert (encoding.times_seen[:, 4] > 0).sum() == 1 and (best.shifts[:, 4] == 0).all()
    if case == "duplicate columns":
        np.testing.assert_allclose(best.b[:, 4], best.b[:, 5], atol=1e-5)
    if case == "equal scores":
        assert best.objective == pytest.approx(0, abs=1e-12) and not best.shifts.any()


def test_without_ridge_and_lasso_effects_are_finite_and_flagged(tmp_path):
    encoding, path = degenerate("duplicate columns"), tmp_path / "encoding.npz"
    encoding.save(path)
    options = ["--lasso", "0", "--ridge", "0", "--max-iterations", "3000", "--output", str(tmp_path / "fit")]
    assert main(["fit", str(path), *options]) == 0
    record = json.loads((tmp_path / "fit/record.json").read_text())
    assert record["dms"]["identified"] is False and record["status"] in ("converged", "max_iterations")
    assert np.isfinite(pd.read_csv(tmp_path / "fit/mutations.csv").filter(like="beta_").to_numpy()).all()


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    path = tmp_path / "encoding.npz"
    toys.toy(3).save(path)
    options = ["--lasso", "1e-3", "--difference", "equivariant", "--starts", "[zeros, 2x_random]", "--seed", "5"]
    for name in "ab":
        assert main(["fit", str(path), *options, "--output", str(tmp_path / name)]) == 0
    for file in ("mutations.csv", "parameters.npz"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    records = [json.loads((tmp_path / name / "record.json").read_text()) for name in "ab"]
    for record in records:
        del record["seconds"]
        for start in record["starts"]:
            del start["seconds"]
    assert records[0] == records[1]
    traces = [pd.read_csv(tmp_path / name / "trace.csv").drop(columns="seconds") for name in "ab"]
    pd.testing.assert_frame_equal(*traces, check_exact=True)


@pytest.mark.slow
def test_threads_do_not_move_the_objective(tmp_path):
    path = tmp_path / "encoding.npz"
    toys.toy(3, variants=2000, mutations=40).save(path)
    found = []
    for threads in "12":
        output = tmp_path / threads
        names = ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        environment = {**os.environ, "PYTHONPATH": str(SCRIPTS), **dict.fromkeys(names, threads)}
        command = [sys.executable, "-m", "proxsweep", "fit", path, "--lasso", "1e-4", "--tolerance", "1e-8"]
        subprocess.run([*command, "--output", output], env=environment, check=True, capture_output=True)
        found.append(json.loads((output / "record.json").read_text())["objective"])
    assert found[0] == pytest.approx(found[1], rel=1e-9)


def test_one_start_writes_no_starts(tmp_path):
    done = solve(toys.toy(3), solver=toys.SOLVER)
    spec = {"study": None, "fit": {"lasso": 2e-3, "difference": "equivariant"}, "model": toys.MODEL}
    fit_files.write(done, {**spec, "labels": {}, "solver": toys.SOLVER}, tmp_path)
    with np.load(tmp_path / "parameters.npz") as arrays:
        assert "start_shifts" not in arrays
