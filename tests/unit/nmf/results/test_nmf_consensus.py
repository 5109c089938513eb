"""The consensus of a fit's starts: groups, medians and exposures, against scikit-learn, SciPy and definitions."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import nnls
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors

import factorised_studies as studies
from proxsweep.__main__ import main
from proxsweep.nmf.model import matching
from proxsweep.nmf.results import consensus, factor_groups, median_factors

DENSITY = 0.5


def cloud(seed: int, groups: int = 4, each: int = 15, features: int = 10, noise: float = 0.3) -> np.ndarray:
    """Points of length 1, group by group."""
    rng = np.random.default_rng(seed)
    base = np.repeat(rng.gamma(0.5, 1, (groups, features)), each, axis=0)
    return matching.unit((base + noise * rng.gamma(0.5, 1, base.shape)).T).T


# ---- groups ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("starts", "number"), [(2, 1), (15, 4), (100, 30)])
def test_local_densities_are_mean_distances_to_neighbours(starts, number):
    points = cloud(1, each=starts)
    assert factor_groups.neighbours(starts) == number
    distances, _ = NearestNeighbors(n_neighbors=number + 1).fit(points).kneighbors(points)
    found = factor_groups.local_density(points, starts)
    np.testing.assert_allclose(found, distances[:, 1:].mean(axis=1), atol=1e-7)


def test_factors_that_are_the_same_in_all_starts_have_density_zero():
    points = np.tile(matching.unit(np.random.default_rng(0).gamma(1, 1, (6, 3))).T, (5, 1))
    np.testing.assert_allclose(factor_groups.local_density(points, 5), 0, atol=1e-7)


@pytest.mark.parametrize("noise", [0.05, 0.5, 2.0])
def test_groups_are_those_of_scikit_learn_from_the_same_centres(noise):
    points = cloud(2, noise=noise)
    begin = points[::15]
    expected = KMeans(4, init=begin, n_init=1, algorithm="lloyd", tol=0).fit(points)
    np.testing.assert_array_equal(factor_groups.groups(points, begin), expected.labels_)


def test_no_group_is_empty():
    points = np.array([[0.0, 0], [0.1, 0], [0.2, 0], [5, 0]])
    found = factor_groups.groups(points, np.array([[0.0, 0], [100, 100], [200, 200]]))
    assert set(found) == {0, 1, 2}
    assert (found == found[3]).sum() == 1  # the one furthest away is alone


def test_medians_sum_to_one():
    points = cloud(3)
    found = np.repeat(np.arange(4), 15)
    w = factor_groups.medians(points, found, 4)
    for number in range(4):
        middle = pd.DataFrame(points[found == number]).median().to_numpy()
        np.testing.assert_allclose(w[:, number], middle / middle.sum(), rtol=1e-14)
    apart = factor_groups.medians(np.eye(3), np.zeros(3, dtype=int), 1)
    np.testing.assert_allclose(apart[:, 0], 1 / 3)  # medians that are all 0


# ---- tables ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> studies.Made:
    return studies.study(tmp_path_factory.mktemp("study"), [{"rank": 3}], solver={"starts": ["8x_random"]})


@pytest.fixture(scope="module")
def found(made) -> consensus.Tables:
    return consensus.tables(made.fits, studies.choice(3), {"1": made.encoding()}, made.labels, DENSITY)


def test_the_consensus_of_starts_that_agree_is_the_fit(made, found):
    with np.load(Path(made.fits["path"][0]) / "parameters.npz") as arrays:
        w = arrays["W"]
    assert list(found.features.columns) == ["feature", "factor_1", "factor_2", "factor_3"]
    medians = found.features.iloc[:, 1:].to_numpy()
    np.testing.assert_allclose(medians.sum(axis=0), 1, rtol=1e-14)
    np.testing.assert_allclose(medians, w / w.sum(axis=0), atol=0.03)  # the valley is flat
    row = found.summary.iloc[0]
    assert row["loss_of_fit"] * (1 - 1e-9) <= row["loss"] <= 1.1 * row["loss_of_fit"]
    assert (row["starts"], row["starts_used"], row["factors"], row["outliers"]) == (8, 8, 24, 0)
    assert (row["density_threshold"], row["neighbours"], row["reason"]) == (DENSITY, 2, "")


def test_exposures_are_those_of_non_negative_least_squares(found):
    values, w = studies.blocks(), found.features.iloc[:, 1:].to_numpy()
    names = [f"factor_{t}" for t in (1, 2, 3)]
    exposures = np.array([nnls(w, column)[0] for column in values.T])
    np.testing.assert_allclose(found.samples[names], exposures, rtol=1e-6, atol=1e-8)
    totals = exposures.sum(axis=0)
    assert (np.diff(totals) <= 0).all()
    shares = found.samples[[f"share_{name}" for name in names]].to_numpy()
    there = np.arange(21) != 5
    expected = exposures[there] / exposures[there].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares[there], expected, rtol=1e-6, atol=1e-9)
    assert np.isnan(shares[5]).all() and found.samples["largest_factor"][5] == ""
    assert pd.isna(found.samples["cluster"][5])
    expected = [names[one] for one in exposures[there].argmax(axis=1)]
    assert found.samples["largest_factor"][there].tolist() == expected
    loss = ((values - w @ exposures.T) ** 2).sum() / 2
    assert found.summary["loss"].item() == pytest.approx(loss, rel=1e-9)


def test_every_factor_of_every_start_has_a_row(made, found):
    table = found.factors
    assert list(table.columns) == list(median_factors.TABLE)
    assert len(table) == 24 and table["start"].nunique() == 8
    with np.load(Path(made.fits["path"][0]) / "starts.npz") as arrays:
        w = dict(zip(arrays["start_names"].tolist(), arrays["W"].astype(float), strict=True))
    medians = found.features.iloc[:, 1:].to_numpy()
    for row in table.itertuples():
        own, middle = w[row.start][:, row.factor - 1], medians[:, row.group - 1]
        expected = own @ middle / np.linalg.norm(own) / np.linalg.norm(middle)
        assert row.cosine == pytest.approx(expected, rel=1e-12)
    assert (table.groupby("start")["group"].nunique() == 3).all()


def test_the_matrix_of_samples_stands_in_the_order_of_the_leaves(found):
    arrays = found.arrays
    assert arrays["consensus"].dtype == np.float32 and arrays["consensus"].shape == (20, 20)
    assert sorted(arrays["samples"]) == sorted(set(found.samples["sample"]) - {"s1_5"})
    clusters = found.samples.set_index("sample")["cluster"]
    assert arrays["clusters"].tolist() == clusters[arrays["samples"]].tolist()
    assert (np.diff(np.flatnonzero(np.diff(arrays["clusters"]))) > 0).all() and len(set(arrays["clusters"])) == 3
    np.testing.assert_array_equal(arrays["consensus"], arrays["consensus"].T)


def test_outliers_are_left_out(made):
    def load(path: str):
        from proxsweep.nmf.results import starts

        found = starts.load(path)
        w = found.w.copy()
        w[7, :, 0] = np.eye(18)[0]  # like no other factor
        return starts.Starts(found.table, w, found.h, found.features, found.samples)

    options = studies.choice(3), {"1": made.encoding()}, made.labels, DENSITY
    found = consensus.tables(made.fits, *options, load=load)
    assert found.summary["outliers"].item() == 1
    row = found.factors[found.factors["outlier"]].iloc[0]
    assert row["local_density"] > 1 and pd.isna(row["group"]) and pd.isna(row["cosine"])


def test_nothing_chosen_and_no_consensus_give_tables_without_rows(made):
    own = {"1": made.encoding()}
    for choice, density, reason in (
        (studies.choice(np.nan, False), DENSITY, None),
        (studies.choice(7), DENSITY, None),
        (
            studies.choice(3),
            1e-9,
            "0 of 24 factors have neighbours nearer than 1e-09: as many as the rank, 3, are needed",
        ),
    ):
        found = consensus.tables(made.fits, choice, own, made.labels, density)
        assert list(found.features.columns) == ["feature"] and found.features.empty
        assert list(found.samples.columns) == ["sample", "kind", "largest_factor", "cluster"] and found.samples.empty
        assert found.arrays["consensus"].shape == (0, 0)
        assert found.summary["reason"].tolist() == ([] if reason is None else [reason])


def test_starts_that_did_not_converge_are_used_only_if_asked_for(tmp_path):
    made = studies.study(tmp_path, [{"rank": 3}], solver={"starts": ["4x_random"], "max_iterations": 3})
    options = studies.choice(3), {"1": made.encoding()}, made.labels, DENSITY
    refused = consensus.tables(made.fits, *options)
    row = refused.summary.iloc[0]
    assert (row["starts_used"], row["not_converged"]) == (0, 4)
    assert row["reason"] == "no starts of 4 converged: two are needed" and refused.features.empty
    asked = consensus.tables(made.fits, *options, unconverged=True)
    assert asked.summary["starts_used"].item() == 4 and len(asked.features) == 18


def test_the_first_replicate_is_that_of_the_natural_order(tmp_path):
    fits = pd.DataFrame({"algorithm": "hals", "rank": 3, "replicate": ["10", "2"], "path": ["a", "b"]})
    assert consensus.chosen_fit(fits, studies.choice(3))["path"] == "b"


def test_penalties_stay_where_columns_of_w_sum_to_one():
    model = {"w_columns": "sum_to_one", "l1_h": 1.0, "l2_h": 2.0}
    assert median_factors.refit_model(model) == model
    assert median_factors.refit_model(model | {"w_columns": "free"}) == {"w_columns": "free", "l1_h": 0, "l2_h": 0}


def test_the_command_writes_all_files(made, found, tmp_path):
    chosen = tmp_path / "chosen.csv"
    studies.choice(3).to_csv(chosen, index=False)
    options = {
        "--fits": made.folder / "fits.csv",
        "--chosen": chosen,
        "--encodings": json.dumps({"1": str(made.encoding())}),
        "--samples": made.folder / "data/samples.csv",
        "--density": DENSITY,
        **{f"--{name}": tmp_path / f"{name}.csv" for name in ("features", "samples-output", "factors", "summary")},
        "--matrix": tmp_path / "samples.npz",
    }
    assert main(["nmf-consensus", *(str(part) for pair in options.items() for part in pair)]) == 0
    assert (tmp_path / "features.csv").read_text() == found.features.to_csv(index=False)
    assert (tmp_path / "samples-output.csv").read_text() == found.samples.to_csv(index=False)
    assert (tmp_path / "factors.csv").read_text() == found.factors.to_csv(index=False)
    assert (tmp_path / "summary.csv").read_text() == found.summary.to_csv(index=False)
    with np.load(tmp_path / "samples.npz") as arrays:
        assert set(arrays) == {"consensus", "samples", "clusters"}
