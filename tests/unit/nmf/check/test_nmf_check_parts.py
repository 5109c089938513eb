"""The second computation of fits to folds and resamples: it agrees with them, and what is changed in them is told."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import factorisations as made
from proxsweep.io.errors import UserError
from proxsweep.nmf import record_schema as nmf_record
from proxsweep.nmf.check import recompute
from proxsweep.nmf.check.check import check
from proxsweep.nmf.model import certificate, problem
from proxsweep.sweep import fit_folder, record_schema
from proxsweep.sweep.discrepancies import Checked

PENALTIES = {"l1_h": 0.3, "l2_h": 0.1, "l1_w": 0.1, "l2_w": 0.2}
SIMPLEX = {"w_columns": "sum_to_one"}


def fold(number: int, hold_out: str, folds: int = 4) -> dict:
    return {"fold": str(number), "folds": folds, "seed": 1, "hold_out": hold_out, "starts": ["2x_random"]}


RESAMPLE = {"resample": "2", "seed": 1, "method": "poisson"}
FITS = {
    "entries": ("hals", False, {"normalise": "column_sums"}, fold(2, "entries")),
    "entries, sparse, penalised": ("hals", True, PENALTIES, fold(1, "entries", 3)),
    "entries, simplex": ("hals", False, {**SIMPLEX, "l1_h": 0.3, "l2_w": 0.2}, fold(2, "entries")),
    "entries, counts": ("scd", False, {"loss": "poisson"}, fold(3, "entries")),
    "entries, counts, simplex": ("mu", False, {"loss": "poisson", **SIMPLEX}, fold(3, "entries")),
    "blocks": ("hals", False, {"normalise": "column_sums"}, fold(2, "blocks")),
    "blocks, sparse, simplex": ("hals", True, {**SIMPLEX, "l1_h": 0.3, "l2_w": 0.2}, fold(1, "blocks")),
    "blocks, counts": ("scd", False, {"loss": "poisson", **PENALTIES}, fold(3, "blocks")),
    "resample": ("hals", False, {"normalise": "column_sums"}, RESAMPLE),
    "resample, sparse counts": ("scd", True, {"loss": "poisson"}, {**RESAMPLE, "method": "multinomial"}),
}


def matrix() -> np.ndarray:
    """Counts with a row and a column of zeros."""
    found = made.counts(3, (12, 10))
    found[4], found[:, 5] = 0, 0
    return found


@pytest.fixture(scope="module")
def fits(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of fits by name, each made once."""
    known: dict[str, Path] = {}

    def of(name: str) -> Path:
        if name not in known:
            algorithm, is_sparse, model, rows = FITS[name]
            solver = {"starts": ["2x_random"], "max_iterations": 190}
            encoding = made.encoding(matrix(), is_sparse)
            folder = tmp_path_factory.mktemp("fits") / "fit"
            known[name] = made.fitted(folder, encoding, algorithm, 2, solver, rows, **model)
        return known[name]

    return of


@pytest.fixture
def copied(fits: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """A fit to be edited."""
    return lambda name: Path(shutil.copytree(fits(name).parent, tmp_path / "study")) / "fit"


def checked(folder: Path) -> Checked:
    return check(folder, made.record(folder), folder.parent / "encoding.npz")


def told(folder: Path) -> list[str]:
    return [str(item) for item in checked(folder).discrepancies.disagreements]


def change_record(folder: Path, keys: tuple, value: Callable) -> None:
    record = made.record(folder)
    inner = record
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value(inner[keys[-1]])
    (folder / "record.json").write_text(json.dumps(record))


def change_parameters(folder: Path, name: str, at, value: Callable) -> None:
    with np.load(folder / "parameters.npz") as file:
        found = dict(file)
    found[name] = found[name].copy()
    found[name][at] = value(found[name][at])
    np.savez(folder / "parameters.npz", **found)


@pytest.mark.parametrize("name", FITS)
def test_a_part_agrees_with_its_check(fits, name):
    folder = fits(name)
    found, record = checked(folder), made.record(folder)
    assert not told(folder)
    assert found.confirmed and found.objective_difference < 1e-12
    assert found.relative_residual == pytest.approx(record["residual"], rel=1e-6, abs=1e-13)


def test_among_the_parts_are_fits_that_have_converged(fits):
    assert any(made.record(fits(name))["status"] == "converged" for name in ("entries", "blocks", "resample"))


def nudged(value) -> float:
    return value * (1 + 1e-8) + 1e-9


OF_FOLDS = {
    **{name: nudged for name in ("training_loss", "validation_loss")},
    **{name: lambda count: count + 1 for name in ("validation_entries", "validation_unexplained")},
}


@pytest.mark.parametrize("name", ["entries", "entries, counts", "blocks", "blocks, counts"])
@pytest.mark.parametrize("key", OF_FOLDS)
def test_a_changed_error_is_told(copied, name, key):
    folder = copied(name)
    change_record(folder, ("nmf", key), OF_FOLDS[key])
    assert [line for line in told(folder) if line.startswith(f"record.json: nmf.{key}")]


@pytest.mark.parametrize(("name", "key"), [("entries", "validation_given_back"), ("blocks", "given_residual")])
def test_what_one_kind_of_fold_has_alone_is_checked_too(copied, name, key):
    folder = copied(name)
    change_record(folder, ("nmf", key), lambda value: value + 1)
    assert [line for line in told(folder) if line.startswith(f"record.json: nmf.{key}")]


@pytest.mark.parametrize("key", ["validation_loss", "training_loss", "validation_given_back"])
def test_a_fold_without_an_error_is_refused(fits, key):
    record = made.record(fits("entries"))
    del record["nmf"][key]
    with pytest.raises(UserError, match=f"nmf.{key}"):
        check(fits("entries"), record, fits("entries").parent / "encoding.npz")


def test_another_fit_has_no_held_out_error(copied):
    folder = copied("resample")
    change_record(folder, ("nmf",), lambda figures: figures | {"validation_loss": 0.1})
    assert [line for line in told(folder) if "nmf.validation_loss is 0.1, recomputed none" in line]


@pytest.mark.parametrize("name", ["entries", "blocks", "resample"])
@pytest.mark.parametrize(("kind", "number"), [("fold", "3"), ("seed", 7)])
def test_another_part_is_another_fit(copied, name, kind, number):
    folder = copied(name)
    kind = "resample" if name == "resample" and kind == "fold" else kind
    change_record(folder, ("rows", kind), lambda _: number)
    assert told(folder)


@pytest.mark.parametrize(
    ("name", "rows", "words"),
    [
        ("entries", {"hold_out": "samples"}, "hold_out 'samples'"),
        ("entries", {"fold": "5"}, "fold 5"),
        ("resample", {"method": "bootstrap"}, "method 'bootstrap'"),
    ],
)
def test_rows_of_no_part_are_a_disagreement(copied, name, rows, words):
    folder = copied(name)
    change_record(folder, ("rows",), lambda known: known | rows)
    if "hold_out" in rows:
        change_record(folder, ("nmf",), lambda figures: figures | {"given_residual": 0.0})
    assert any(words in line for line in told(folder))


def held_out(folder: Path) -> tuple[int, int]:
    """A feature and a sample that are predicted, not fitted."""
    arrays = dict(np.load(folder / "starts.npz"))
    with np.load(folder / "parameters.npz") as file:
        rows = (file["W"] > 0).any(axis=1) & ~(arrays["W"] > 0).any(axis=(0, 2))
        columns = (file["H"] > 0).any(axis=0) & ~(arrays["H"] > 0).any(axis=(0, 1))
    return int(np.flatnonzero(rows)[0]), int(np.flatnonzero(columns)[0])


@pytest.mark.parametrize("name", ["blocks", "blocks, counts"])
def test_what_is_predicted_of_held_out_rows_and_columns_is_their_optimum(copied, name):
    folder = copied(name)
    feature, sample = held_out(folder)
    change_parameters(folder, "W", feature, lambda row: row * 1.001)
    lines = told(folder)
    assert any(line.startswith("record.json: nmf.given_residual") for line in lines)
    assert any(line.startswith("record.json: nmf.validation_loss") for line in lines)
    assert not any(line.startswith("record.json: objective") for line in lines)
    change_parameters(folder, "H", (slice(None), sample), lambda column: column + 0.1)
    assert any(line.startswith("samples.csv") for line in told(folder))


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [("resample", "method", "bootstrap"), ("entries", "hold_out", "samples"), ("blocks", "fold", "x")],
)
def test_what_rows_of_a_record_may_be(copied, name, key, value):
    folder = copied(name)
    schemas = record_schema.RECORD, nmf_record.RECORD
    record = fit_folder.record(folder, *schemas)
    (folder / "record.json").write_text(json.dumps({**record, "rows": {**record["rows"], key: value}}))
    with pytest.raises(UserError, match=key):
        fit_folder.record(folder, *schemas)


def test_a_record_of_either_method_is_one(fits):
    for name in ("resample", "resample, sparse counts"):
        assert fit_folder.record(fits(name), record_schema.RECORD, nmf_record.RECORD)["rows"]["method"]


def test_rows_and_columns_of_zeros_stay_zero(copied):
    folder = copied("blocks")
    change_parameters(folder, "W", (4, 0), lambda _: 1e-9)
    assert any("an entry above 0" in line for line in told(folder))


KINDS = {
    "squared": {},
    "penalised": PENALTIES,
    "simplex": {**SIMPLEX, "l1_h": 0.3, "l2_h": 0.1, "l2_w": 0.2},
    "poisson": {"loss": "poisson"},
    "poisson_penalised": {"loss": "poisson", **PENALTIES},
    "poisson_simplex": {"loss": "poisson", **SIMPLEX},
}


@pytest.mark.parametrize("kind", KINDS)
def test_residuals_where_entries_are_held_out_are_those_of_the_solver(monkeypatch, kind):
    monkeypatch.setattr(recompute, "BLOCK", 13)  # two rows at a time
    rng = np.random.default_rng(5)
    seen = rng.random((7, 6)) < 0.8
    values, model = np.where(seen, made.counts(6, (7, 6)), 0.0), made.MODEL | KINDS[kind]
    w, h = rng.gamma(2, 0.5, (7, 2)), rng.gamma(2, 0.9, (2, 6))
    w = w / w.sum(axis=0) if "simplex" in kind else w
    w[1, 0] = h[0, 2] = 0
    solved = certificate.residual(*problem.build(values, model, seen), jnp.asarray(w.T[None]), jnp.asarray(h[None]))
    stated = recompute.stated(values, model, seen)
    found = recompute.evaluate(stated, w, h)
    assert found.residual == pytest.approx(float(solved[0]), rel=1e-12) and found.residual > 0.01
    fitted = np.where(seen, w @ h, 0)
    largest = (values / (w @ h) - 1 if model["loss"] == "poisson" else values - fitted)[seen].max()
    if kind in ("squared", "poisson"):
        assert found.gain == pytest.approx(largest, rel=1e-12)
    share = 2.0**-24
    for _ in range(10):
        near = [x * (1 + share * rng.choice([-1, 1], x.shape)) for x in (w, h)]
        moved = recompute.evaluate(stated, *near)
        assert abs(moved.residual - found.residual) <= share * found.residual_rounding
        assert abs(moved.objective - found.objective) <= share * found.objective_rounding + share**2 * found.curvature
