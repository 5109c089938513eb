"""Errors, sparsity and neighbouring ranks of fits, by their definitions entry by entry."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import factorisations as made
import factorised_studies as studies
from proxsweep.nmf.results import errors, neighbours, penalties, winners

LOSSES = {"squared": {"algorithm": "hals"}, "poisson": {"algorithm": "mu"}}


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> studies.Made:
    """Both losses, two ways to normalise, and a penalty."""
    fits = [
        {"loss": "squared", "rank": 2, "normalise": "none", "l1_h": 0.0, "l1_w": 0.0},
        {"loss": "squared", "rank": 2, "normalise": "square_root", "l1_h": 0.5, "l1_w": 0.5},
        {"loss": "poisson", "rank": 2, "normalise": "column_sums", "l1_h": 0.0, "l1_w": 0.0},
        {"loss": "squared", "rank": 3, "normalise": "none", "l1_h": 0.0, "l1_w": 0.0},
    ]
    solver = {"starts": ["random"], "max_iterations": 200}
    values = {"1": np.round(10 * studies.blocks())}
    return studies.study(tmp_path_factory.mktemp("study"), [LOSSES[one["loss"]] | one for one in fits], values, solver)


def of(path: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(Path(path) / "parameters.npz") as arrays:
        return arrays["W"], arrays["H"]


def matrix(how: str) -> np.ndarray:
    values = np.round(10 * studies.blocks())
    sums = values.sum(axis=0)
    return {"none": values, "square_root": values**0.5, "column_sums": values / np.where(sums > 0, sums, 1)}[how]


def divergence(values: np.ndarray, fitted: np.ndarray) -> float:
    total = 0.0
    for v, f in zip(values.ravel(), fitted.ravel(), strict=True):
        total += f - v + (v * np.log(v / f) if v > 0 else 0.0)
    return total


def test_errors_are_their_definitions(studied):
    table = errors.table(studied.fits)
    swept = ["algorithm", "rank", "replicate", "loss", "normalise", "l1_h", "l1_w"]
    assert set(table.columns) == {"study", *swept, "relative_error", "share_of_variance", "status"}
    for row, path in zip(table.itertuples(), studied.fits["path"], strict=True):
        values, (w, h) = matrix(row.normalise), of(path)
        if row.loss == "squared":
            error = np.linalg.norm(values - w @ h) / np.linalg.norm(values)
            share = 1 - ((values - w @ h) ** 2).sum() / (values**2).sum()
        else:
            alone = np.outer(values.sum(axis=1), values.sum(axis=0)) / values.sum()
            error = divergence(values, w @ h) / values.sum()
            share = 1 - divergence(values, w @ h) / divergence(values, alone)
        assert row.relative_error == pytest.approx(error, rel=1e-9)
        assert row.share_of_variance == pytest.approx(share, rel=1e-9)


def test_encodings_may_be_handed_in(studied, tmp_path):
    moved = tmp_path / "one.npz"
    moved.write_bytes(studied.encoding().read_bytes())
    pd.testing.assert_frame_equal(errors.table(studied.fits, {"1": moved}), errors.table(studied.fits))


@pytest.mark.parametrize("is_sparse", [False, True])
def test_independence_is_the_fit_of_one_factor(is_sparse):
    values = made.counts(2)
    found = errors.sizes(made.sparsely(values) if is_sparse else values)
    alone = np.outer(values.sum(axis=1), values.sum(axis=0)) / values.sum()
    assert found.independence == pytest.approx(divergence(values, alone), rel=1e-12)
    assert (found.squares, found.total) == pytest.approx(((values**2).sum(), values.sum()), rel=1e-14)
    assert errors.sizes(np.outer([1.0, 2, 3], [4.0, 5])).independence == pytest.approx(0, abs=1e-12)


def test_sparsity_leaves_rows_and_columns_of_zeros_aside(studied):
    table = penalties.table(studied.fits)
    assert list(table.columns)[-4:] == [*penalties.MEASURES, "status"]
    for row, path in zip(table.itertuples(), studied.fits["path"], strict=True):
        w, h = of(path)
        assert row.share_zero_w == np.mean(np.delete(w, 3, axis=0) == 0)
        assert row.share_zero_h == np.mean(np.delete(h, 5, axis=1) == 0)
    assert table["relative_error"].tolist() == errors.table(studied.fits)["relative_error"].tolist()
    assert table.loc[1, "share_zero_w"] > 0


def test_neighbouring_ranks_are_matched_one_to_one(studied):
    table = neighbours.table(studied.fits)
    assert len(table) == 6  # of one setting two ranks were fitted
    assert (table["rank"] == 2).all() and (table["next_rank"] == 3).all()
    a, b = (of(studied.fits["path"][place])[0] for place in (0, 3))
    expected = {
        (f"factor_{s + 1}", f"factor_{t + 1}"): a[:, s] @ b[:, t] / np.linalg.norm(a[:, s]) / np.linalg.norm(b[:, t])
        for s in range(2)
        for t in range(3)
    }
    found = table.set_index(["factor", "next_factor"])
    assert found["cosine"].to_dict() == pytest.approx(expected, rel=1e-12)
    ways = {
        way: sum(expected[f"factor_{s + 1}", f"factor_{way[s] + 1}"] for s in range(2))
        for way in permutations(range(3), 2)
    }
    best = max(ways, key=ways.get)
    assert set(found.index[found["matched"]]) == {(f"factor_{s + 1}", f"factor_{best[s] + 1}") for s in range(2)}


def test_fits_that_diverged_have_no_numbers(studied):
    fits = studied.fits.assign(status=["diverged", "converged", "converged", "max_iterations"])
    for found, names in ((errors.table(fits), errors.MEASURES), (penalties.table(fits), penalties.MEASURES)):
        assert found.loc[0, list(names)].isna().all() and found.loc[1:, list(names)].notna().all(axis=None)
    pairs = neighbours.table(fits)
    assert pairs["cosine"].isna().all() and not pairs["matched"].any() and not pairs["converged"].any()


def test_the_encoding_of_a_fit_is_found_from_its_path():
    fit = {"replicate": "1", "path": "/home/a~b/results/mine/fits/algorithm~hals/rank~2/replicate~1"}
    assert winners.encoding_path(fit) == "/home/a~b/results/mine/encodings/replicate~1.npz"
