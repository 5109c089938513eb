"""Simulated matrices: what the truth promises, and what is refused."""

import numpy as np
import pytest

from proxsweep.io.errors import UserError
from proxsweep.io.files import write_csv
from proxsweep.nmf.data.read import read
from proxsweep.nmf.data.simulate import simulate

SHAPES = ["spiky", "smooth"]


def entries(table):
    return table.drop(columns="feature").to_numpy(dtype=float)


@pytest.mark.parametrize("signatures", SHAPES)
def test_without_noise_the_matrix_is_the_product(signatures):
    table, truth = simulate({"signatures": signatures, "noise": "none", "features": 50, "samples": 20, "factors": 4})
    w, h = truth["signatures"], truth["exposures"]
    assert w.shape == (50, 4) and h.shape == (4, 20) and w.min() >= 0 and h.min() >= 0
    np.testing.assert_allclose(w.sum(axis=0), 1, rtol=1e-12)
    np.testing.assert_allclose(entries(table), w @ h, rtol=1e-12)
    assert np.linalg.matrix_rank(entries(table)) == 4
    assert table["feature"].tolist() == truth["features"].tolist() and list(table)[1:] == truth["samples"].tolist()


@pytest.mark.parametrize("signatures", SHAPES)
def test_counts_scatter_about_the_product(signatures):
    table, truth = simulate({"signatures": signatures, "features": 60, "samples": 100, "depth": 50_000.0})
    counts, means = entries(table), truth["signatures"] @ truth["exposures"]
    assert (counts == np.floor(counts)).all()
    large = means > 5
    scores = (counts - means)[large] / np.sqrt(means[large])
    assert abs(scores.mean()) < 0.1 and abs(scores.std() - 1) < 0.1


def test_depth_spread_and_active_factors():
    spec = {"samples": 4000, "factors": 6, "active": 2.5, "depth": 300.0, "spread": 0.7, "features": 10}
    h = simulate(spec)[1]["exposures"]
    totals, present = h.sum(axis=0), h > 0
    assert np.median(totals) == pytest.approx(300, rel=0.06) and np.log(totals).std() == pytest.approx(0.7, rel=0.06)
    assert present.sum(axis=0).mean() == pytest.approx(2.5, rel=0.05) and present.sum(axis=0).min() == 1
    np.testing.assert_allclose(present.mean(axis=1), 2.5 / 6, rtol=0.1)


def test_one_active_factor_each_and_every_factor_used():
    present = simulate({"samples": 7, "factors": 5, "active": 1})[1]["exposures"] > 0
    assert (present.sum(axis=0) == 1).all() and (present.sum(axis=1) >= 1).all()
    alone = simulate({"samples": 3, "factors": 1, "active": 1, "spread": 0.0})[1]["exposures"]
    np.testing.assert_allclose(alone, 5000, rtol=1e-12)


def test_shapes_differ_as_they_say():
    spiky, smooth = (simulate({"signatures": one, "features": 96})[1]["signatures"] for one in SHAPES)
    assert np.sort(spiky, axis=0)[-20:].sum(axis=0).min() > 0.7 and smooth.min() > 0
    jumps = [np.abs(np.diff(one, axis=0)).sum(axis=0) / one.max(axis=0) for one in (spiky, smooth)]
    assert jumps[0].min() > jumps[1].max()


@pytest.mark.parametrize("signatures", SHAPES)
def test_the_seed_decides_everything(signatures):
    first, again, other = (simulate({"signatures": signatures, "seed": seed})[0] for seed in (3, 3, 4))
    assert first.equals(again) and not first.equals(other)


@pytest.mark.parametrize("noise", ["poisson", "none"])
def test_the_table_is_read_as_it_was_drawn(tmp_path, noise):
    table, truth = simulate({"noise": noise})
    write_csv(tmp_path / "simulated.csv", table)
    found = read(tmp_path / "simulated.csv")
    np.testing.assert_array_equal(found.matrix, entries(table))
    assert found.features.tolist() == truth["features"].tolist()


@pytest.mark.parametrize(
    ("spec", "place", "found"),
    [
        ({"factors": 61, "active": 1}, "factors", "61 factors"),
        ({"factors": 3, "active": 4}, "active", "4 active factors"),
        ({"factors": 3, "active": 0.5}, "active", "0.5 active factors"),
        ({"features": 100_000, "samples": 100_000}, "simulate", "100000 features by 100000 samples"),
        ({"depth": 1e17}, "depth", "a mean of"),
    ],
)
def test_what_is_refused(spec, place, found):
    with pytest.raises(UserError) as caught:
        simulate(spec)
    assert place in caught.value.place and found in caught.value.found
