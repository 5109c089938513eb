"""Fits to folds and resamples: what they predict, their errors by definition, and their files."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import nnls
from scipy.special import kl_div

import factorisations as made
from proxsweep.nmf.data import parts, resamples
from proxsweep.nmf.model import checkpoint, fit_files, held_out
from proxsweep.nmf.model.fit import fit

SHAPE, RANK, FOLDS = (14, 12), 2, 4
KEYS = ["training_loss", "validation_loss", "validation_entries", "validation_unexplained"]
ALGORITHMS = {"squared": "hals", "poisson": "scd"}
PENALTIES = {"l1_h": 0.3, "l2_h": 0.2, "l1_w": 0.1, "l2_w": 0.4}


def rows(number: int, hold_out: str, starts: list[str] | None = None) -> dict:
    return {"fold": str(number), "folds": FOLDS, "seed": 1, "hold_out": hold_out, "starts": starts}


def fitted(values, loss: str, named: dict | None, is_sparse: bool = False, rank: int = RANK, **model):
    solver = made.SOLVER | {"starts": ["random"], "max_iterations": 400}
    settings = made.MODEL | {"loss": loss} | model, solver
    return fit(made.encoding(values, is_sparse), rank, ALGORITHMS[loss], *settings, lambda _: None, rows=named)


def errors(loss: str, values: np.ndarray, predicted: np.ndarray, floor: float) -> float:
    """By definition."""
    if loss == "squared":
        return ((values - predicted) ** 2).sum() / (values**2).sum()
    return kl_div(values, np.maximum(predicted, floor)).sum() / values.sum()


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("loss", ALGORITHMS)
def test_errors_of_held_out_entries_are_their_definition(loss, is_sparse):
    values = made.counts(6, SHAPE)
    done = fitted(values, loss, rows(2, "entries"), is_sparse)
    seen, predicted, found = done.part.seen, done.best.w @ done.best.h, done.prediction.figures
    np.testing.assert_array_equal(seen, parts.entries(SHAPE, RANK, rows(2, "entries"))[0])
    floor = 1e-6 * values.mean()
    assert found["validation_loss"] == pytest.approx(errors(loss, values[~seen], predicted[~seen], floor), rel=1e-12)
    assert found["training_loss"] == pytest.approx(errors(loss, values[seen], predicted[seen], floor), rel=1e-12)
    assert found["training_loss"] < found["validation_loss"]
    assert list(found) == [*KEYS, "validation_given_back"]
    assert found["validation_entries"] == (~seen).sum() and found["validation_given_back"] == 0
    assert found["validation_unexplained"] == ((values > 0) & (predicted < floor))[~seen].sum()


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("loss", ALGORITHMS)
def test_errors_of_held_out_blocks_are_their_definition(loss, is_sparse):
    values = made.counts(7, SHAPE)
    done = fitted(values, loss, rows(1, "blocks"), is_sparse)
    kept = np.ix_(*(np.flatnonzero(one) for one in parts.blocks(SHAPE, rows(1, "blocks"))))
    corner = np.ix_(*(np.flatnonzero(~one) for one in parts.blocks(SHAPE, rows(1, "blocks"))))
    predicted, found = done.prediction.w @ done.prediction.h, done.prediction.figures
    floor = 1e-6 * values.mean()
    assert found["validation_loss"] == pytest.approx(errors(loss, values[corner], predicted[corner], floor), rel=1e-12)
    assert found["training_loss"] == pytest.approx(errors(loss, values[kept], predicted[kept], floor), rel=1e-12)
    assert list(found) == [*KEYS, "given_residual"] and found["given_residual"] < 1e-9
    assert found["validation_entries"] == values[corner].size
    np.testing.assert_allclose(predicted[kept], done.best.w @ done.best.h, rtol=1e-13)
    scale = 1 if loss == "poisson" else 2
    expected = found["training_loss"] * (values[kept] ** scale).sum()
    assert done.best.loss * scale == pytest.approx(expected, rel=1e-5)  # but for the floor


def test_held_out_rows_and_columns_are_non_negative_least_squares():
    values = made.counts(7, SHAPE)
    done = fitted(values, "squared", rows(3, "blocks"))
    of_rows, of_columns = parts.blocks(SHAPE, rows(3, "blocks"))
    w, h = done.prediction.w, done.prediction.h
    np.testing.assert_array_equal(w[of_rows], done.best.w)
    np.testing.assert_array_equal(h[:, of_columns], done.best.h)
    for j in np.flatnonzero(~of_columns):
        np.testing.assert_allclose(h[:, j], nnls(w[of_rows], values[of_rows, j])[0], atol=1e-9 * h.max())
    for i in np.flatnonzero(~of_rows):
        np.testing.assert_allclose(w[i], nnls(h[:, of_columns].T, values[i, of_columns])[0], atol=1e-9 * w.max())


def test_penalties_are_those_of_their_factor():
    """With l2 alone and all entries above 0 a held-out row of W is ridge regression."""
    rng = np.random.default_rng(3)
    values = rng.gamma(2, 1, (SHAPE[0], 2)) @ rng.gamma(2, 1, (2, SHAPE[1]))
    done = fitted(values, "squared", rows(1, "blocks"), l2_w=0.4, l2_h=0.2)
    of_rows, of_columns = parts.blocks(SHAPE, rows(1, "blocks"))
    w, h = done.prediction.w, done.prediction.h
    inside = h[:, of_columns]
    expected = np.linalg.solve(inside @ inside.T + 0.4 * np.eye(RANK), inside @ values[~of_rows][:, of_columns].T).T
    assert (expected > 0).all()
    np.testing.assert_allclose(w[~of_rows], expected, rtol=1e-9)
    inside = w[of_rows]
    expected = np.linalg.solve(inside.T @ inside + 0.2 * np.eye(RANK), inside.T @ values[of_rows][:, ~of_columns])
    np.testing.assert_allclose(h[:, ~of_columns], expected, rtol=1e-9)


@pytest.mark.parametrize("hold_out", ["entries", "blocks"])
@pytest.mark.parametrize("loss", ALGORITHMS)
def test_a_matrix_of_the_rank_is_predicted(loss, hold_out):
    rng = np.random.default_rng(5)
    values = (rng.gamma(1, 3, (SHAPE[0], 2)) @ rng.gamma(1, 3, (2, SHAPE[1]))) + 0.0
    found = fitted(values, loss, rows(2, hold_out)).prediction.figures
    assert found["validation_loss"] < 1e-7 and found["validation_unexplained"] == 0
    assert fitted(values, loss, rows(2, hold_out), rank=1).prediction.figures["validation_loss"] > 1e-3


def test_a_count_where_nothing_is_expected_has_a_finite_error_and_is_counted():
    values = np.ones((6, 6))
    named = rows(1, "entries")
    part = parts.fold(made.encoding(values), 1, named)
    w, h = np.ones((6, 1)), np.ones((1, 6))
    row = int(np.flatnonzero(~part.seen.all(axis=1))[0])
    w[row] = 0
    found = held_out.predict(part, w, h, {"loss": "poisson"}).figures
    hidden = int((~part.seen[row]).sum())
    assert found["validation_unexplained"] == hidden
    expected = hidden * (1e-6 - 1 + np.log(1e6)) / (~part.seen).sum()
    assert found["validation_loss"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("hold_out", ["entries", "blocks"])
def test_a_fit_that_diverged_has_no_errors(hold_out):
    part = parts.fold(made.encoding(made.counts(6, SHAPE)), RANK, rows(1, hold_out))
    w, h = (
        np.full(shape, np.nan) for shape in ((part.encoding.matrix.shape[0], 2), (2, part.encoding.matrix.shape[1]))
    )
    for loss in ALGORITHMS:
        found = held_out.predict(part, w, h, made.MODEL | {"loss": loss}).figures
        assert np.isnan(found["validation_loss"]) and found["validation_entries"] > 0


# ---- files -----------------------------------------------------------------------------------------------------


def run(folder: Path, values: np.ndarray, named: dict | None, **model) -> Path:
    """The folder of a fit with its files."""
    folder.mkdir()
    made.encoding(values).save(folder / "encoding.npz")
    spec = {
        **{"study": "s", "labels": {}, "rows": named, "fit": {"rank": RANK, "algorithm": "hals"}},
        **{"model": made.MODEL | model, "solver": made.SOLVER | {"starts": ["2x_random"]}},
    }
    fit_files.run(spec, folder / "encoding.npz", folder, lambda _: None)
    return folder


@pytest.fixture
def values() -> np.ndarray:
    """Counts with a row and a column of zeros."""
    found = made.counts(8, SHAPE)
    found[3], found[:, 2] = 0, 0
    return found


def test_the_parameters_of_a_block_are_its_prediction(tmp_path, values):
    folder = run(tmp_path / "fit", values, rows(2, "blocks", ["3x_random"]), normalise="column_sums")
    arrays, single = (dict(np.load(folder / name)) for name in ("parameters.npz", "starts.npz"))
    record = made.record(folder)
    assert arrays["features"].tolist() == [f"g{i}" for i in range(SHAPE[0])]
    part = parts.fold(made.encoding(values), RANK, rows(2, "blocks"))
    at_rows, at_columns = np.flatnonzero(part.whole.kept_features), np.flatnonzero(part.whole.kept_samples)
    corner = np.ix_(at_rows[~part.rows], at_columns[~part.columns])
    shares = values / np.where(values.sum(axis=0) > 0, values.sum(axis=0), 1)  # of whole columns
    predicted = arrays["W"] @ arrays["H"]
    assert record["nmf"]["validation_loss"] == pytest.approx(
        ((shares - predicted)[corner] ** 2).sum() / (shares[corner] ** 2).sum(), rel=1e-12
    )
    assert (record["nmf"]["features"], record["nmf"]["samples"]) == part.encoding.matrix.shape
    assert (arrays["W"][3] == 0).all() and (arrays["H"][:, 2] == 0).all()
    assert len(record["starts"]) == 3 and single["W"].shape == (3, SHAPE[0], RANK)
    best = single["start_names"].tolist().index(record["start"])
    assert (single["W"][best][at_rows[~part.rows]] == 0).all() and (
        single["H"][best][:, at_columns[~part.columns]] == 0
    ).all()
    kept = part.encoding.kept_features
    np.testing.assert_array_equal(single["W"][best][kept], arrays["W"][kept].astype(np.float32))
    np.testing.assert_allclose(arrays["W"][kept].sum(axis=0), 1)  # of the kept block, by which factors are ordered
    table = pd.read_csv(folder / "features.csv")
    np.testing.assert_allclose(table[["factor_1", "factor_2"]], arrays["W"] / arrays["W"].sum(axis=0), rtol=1e-12)


def test_a_resample_is_the_fit_to_its_matrix(tmp_path, values):
    named = {"resample": "2", "seed": 5, "method": "multinomial"}
    folder = run(tmp_path / "fit", values, named)
    drawn = resamples.resampled(made.encoding(values), named)
    whole = drawn.embed(drawn.embed(drawn.matrix, 0, "features"), 1, "samples")
    other = run(tmp_path / "other", whole, None)
    for name in ("W", "H", "features", "samples"):
        np.testing.assert_array_equal(np.load(folder / "parameters.npz")[name], np.load(other / "parameters.npz")[name])
    one, two = made.record(folder), made.record(other)
    assert one["nmf"] == two["nmf"] and not set(KEYS) & set(one["nmf"])
    assert (one["resample"], one["fold"], two["resample"]) == ("2", None, None)


def test_the_fold_is_in_the_record_with_numbers_only(tmp_path, values):
    record = made.record(run(tmp_path / "fit", values, rows(4, "entries")))
    assert record["fold"] == "4" and record["rows"] == rows(4, "entries")
    assert all(isinstance(value, int | float) for value in record["nmf"].values())
    assert set(KEYS) <= set(record["nmf"])


def test_checkpoints_of_parts_are_not_those_of_the_whole(tmp_path):
    made.encoding(made.counts()).save(tmp_path / "encoding.npz")
    spec = {"fit": {"rank": 2}, "model": made.MODEL, "solver": made.SOLVER}
    named = [None, rows(1, "entries"), rows(2, "entries"), rows(1, "blocks"), rows(1, "entries", ["nndsvd"])]
    keys = {checkpoint.key({**spec, "rows": one}, tmp_path / "encoding.npz", None) for one in named}
    assert len(keys) == len(named)
    json.dumps(named)
