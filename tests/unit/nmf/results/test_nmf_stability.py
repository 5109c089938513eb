"""Stability of factors and consensus of samples, against scikit-learn, SciPy and definitions."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import squareform
from sklearn.metrics import silhouette_samples

import factorised_studies as studies
from proxsweep.__main__ import main
from proxsweep.io.errors import UserError
from proxsweep.nmf.model import matching
from proxsweep.nmf.results import co_clustering, sample_labels, silhouettes, stability, starts


def noisy(seed: int, noise: float, count: int = 7, features: int = 12, rank: int = 4) -> np.ndarray:
    """W of starts (S, M, k) whose factors are alike but for noise, each start in another order."""
    rng = np.random.default_rng(seed)
    base = rng.gamma(0.5, 1, (features, rank))
    found = base + noise * rng.gamma(0.5, 1, (count, features, rank))
    return np.array([one[:, rng.permutation(rank)] for one in found])


def units(w: np.ndarray) -> np.ndarray:
    return np.array([matching.unit(one) for one in w])


# ---- silhouettes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("noise", "rank"), [(0.01, 4), (0.3, 4), (3.0, 4), (0.3, 2), (100.0, 3)])
def test_silhouettes_are_those_of_scikit_learn(noise, rank):
    w = units(noisy(1, noise, rank=rank))
    order = silhouettes.clusters(w)
    found = silhouettes.silhouettes(w, order)
    points = np.concatenate([one[:, way].T for one, way in zip(w, order, strict=True)])
    labels = np.tile(np.arange(rank), len(w))
    expected = silhouette_samples(points, labels, metric="cosine")
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-10)


def test_a_factor_that_has_vanished_is_at_distance_one():
    w = noisy(2, 0.1)
    w[0, :, 1], w[3, :, 2] = 0, 0
    w = units(w)
    order = silhouettes.clusters(w)
    points = np.concatenate([one[:, way].T for one, way in zip(w, order, strict=True)])
    expected = silhouette_samples(points, np.tile(np.arange(4), len(w)), metric="cosine")
    np.testing.assert_allclose(silhouettes.silhouettes(w, order).ravel(), expected, atol=1e-10)


def test_clusters_have_one_factor_of_each_start_and_stay():
    w = units(noisy(3, 0.5))
    order = silhouettes.clusters(w)
    assert (np.sort(order, axis=1) == np.arange(4)).all()
    means = np.mean([one[:, way] for one, way in zip(w, order, strict=True)], axis=0)
    for one, way in zip(w, order, strict=True):
        np.testing.assert_array_equal(matching.match(one, means)[0], way)


def test_little_noise_leaves_the_true_clusters():
    rng = np.random.default_rng(4)
    base, ways = rng.gamma(0.5, 1, (12, 4)), [rng.permutation(4) for _ in range(9)]
    w = np.array([base[:, way] for way in ways])
    order = silhouettes.clusters(units(w))
    truth = np.array([way[own] for way, own in zip(ways, order, strict=True)])
    assert (truth == truth[0]).all()
    assert silhouettes.stability(w) == pytest.approx((1, 1), abs=1e-9)


def test_factors_that_are_all_alike_have_no_silhouette():
    w = np.ones((5, 6, 3))
    assert silhouettes.stability(w) == (0.0, 0.0)
    assert silhouettes.stability(w[:, :, :1]) == (1.0, 1.0)


# ---- consensus -------------------------------------------------------------------------------------------------


def together(largest: np.ndarray) -> np.ndarray:
    """The consensus, pair by pair."""
    size = largest.shape[1]
    found = np.zeros((size, size))
    for i, j in product(range(size), repeat=2):
        found[i, j] = np.mean([one[i] == one[j] for one in largest])
    return found


def cophenetic(shares: np.ndarray) -> float:
    """The cophenetic correlation by average linkage, groups joined one by one; no two heights are equal."""
    distance = 1 - shares
    groups, joined = [[i] for i in range(len(shares))], np.zeros_like(shares)
    while len(groups) > 1:
        pairs = [(a, b) for a in range(len(groups)) for b in range(a)]
        heights = [distance[np.ix_(groups[a], groups[b])].mean() for a, b in pairs]
        a, b = pairs[int(np.argmin(heights))]
        joined[np.ix_(groups[a], groups[b])] = joined[np.ix_(groups[b], groups[a])] = min(heights)
        groups = [one for place, one in enumerate(groups) if place not in (a, b)] + [groups[a] + groups[b]]
    upper = np.triu_indices(len(shares), 1)
    return np.corrcoef(distance[upper], joined[upper])[0, 1]


def test_the_consensus_is_the_share_of_starts_and_its_correlation_that_of_the_dendrogram():
    rng = np.random.default_rng(3)
    largest = rng.integers(0, 3, (4001, 6))
    found = co_clustering.consensus(largest, 3)
    np.testing.assert_allclose(found.shares, together(largest), rtol=1e-14)
    assert len(np.unique(found.shares)) == 6 * 5 / 2 + 1  # no ties
    assert found.cophenetic == pytest.approx(cophenetic(found.shares), abs=1e-9)
    assert sorted(found.leaves) == list(range(6))


def test_starts_that_agree_have_a_cophenetic_correlation_of_one_and_their_own_clusters():
    largest = np.array([[0, 1, 1, 1, 2, 2], [2, 0, 0, 0, 1, 1]])
    found = co_clustering.consensus(largest, 3)
    assert found.cophenetic == 1
    np.testing.assert_array_equal(found.clusters, [3, 1, 1, 1, 2, 2])


def test_one_cluster_has_no_cophenetic_correlation():
    found = co_clustering.consensus(np.zeros((4, 5), dtype=int), 1)
    assert np.isnan(found.cophenetic)
    np.testing.assert_array_equal(found.clusters, 1)
    alone = co_clustering.consensus(np.zeros((4, 1), dtype=int), 2)
    assert np.isnan(alone.cophenetic) and alone.clusters.tolist() == [1]


def test_samples_without_exposure_are_left_aside():
    largest = np.array([[0, -1, 1, -1], [1, -1, 0, 0]])
    found = co_clustering.consensus(largest, 2)
    np.testing.assert_array_equal(found.drawn, [0, 2, 3])
    np.testing.assert_allclose(found.shares, together(largest[:, [0, 2, 3]]))
    assert found.clusters[1] == 0 and (found.clusters[[0, 2, 3]] > 0).all()


def test_of_many_samples_some_are_drawn_and_the_rest_follow(monkeypatch):
    rng = np.random.default_rng(6)
    truth = rng.integers(0, 3, 300)
    largest = np.array([rng.permutation(3)[truth] for _ in range(5)])
    whole = co_clustering.consensus(largest, 3)
    monkeypatch.setattr(co_clustering, "MOST_SAMPLES", 40)
    found, again = co_clustering.consensus(largest, 3), co_clustering.consensus(largest, 3)
    assert len(found.drawn) == 40 and (found.drawn == again.drawn).all()
    assert squareform(found.shares, checks=False).shape == (780,)
    pairs = set(zip(found.clusters.tolist(), whole.clusters.tolist(), strict=True))
    assert len(pairs) == 3  # the same groups, whatever their numbers


# ---- tables ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> studies.Made:
    return studies.study(tmp_path_factory.mktemp("study"), [{"rank": 2}, {"rank": 3}])


@pytest.fixture(scope="module")
def tables(made) -> tuple[pd.DataFrame, pd.DataFrame]:
    return stability.tables(made.fits, made.labels)


def test_every_full_fit_has_a_row(made, tables):
    table, _ = tables
    assert list(table.columns) == ["study", "algorithm", "rank", "replicate", *stability.RESULTS]
    assert table["rank"].tolist() == [2, 3]
    for name in ("status", "at_best", "start_spread", "same", "same_product_other_factors", "other_optimum"):
        assert table[name].tolist() == made.fits[name].tolist()
    assert (table["starts"] - table["starts_converged"] == table["not_converged"]).all()
    true = table[table["rank"] == 3].iloc[0]
    assert true["stable"] and true["mean_silhouette"] > 0.99
    assert true["reason"] == "mean silhouette 0.99 (limit 0.8), least 0.99 (limit 0.2)"
    assert true["consensus_samples"] == 20  # one is zero


def test_the_measures_are_those_of_the_files(made, tables):
    for fit, row in zip(made.fits.itertuples(), tables[0].itertuples(), strict=True):
        written = pd.read_csv(Path(fit.path) / "starts.csv")
        with np.load(Path(fit.path) / "starts.npz") as arrays:
            kept = (written["status"] == "converged").to_numpy()
            w, h = arrays["W"][kept].astype(float), arrays["H"][kept].astype(float)
        assert row.starts_used == len(w)
        largest = (w.sum(axis=1)[:, :, None] * h).argmax(axis=1)
        shares = together(np.delete(largest, 5, axis=1))
        found = co_clustering.consensus(np.delete(largest, 5, axis=1), int(fit.rank))
        np.testing.assert_allclose(found.shares, shares, rtol=1e-14)
        expected = found.cophenetic
        assert (np.isnan(row.cophenetic) and np.isnan(expected)) or row.cophenetic == pytest.approx(expected, abs=1e-9)


def test_clusters_of_samples_stand_beside_their_labels(made, tables):
    table = tables[1]
    assert list(table.columns) == ["study", "algorithm", "replicate", "sample", "kind", "rank_2", "rank_3"]
    assert table["sample"].tolist() == made.labels["sample"].tolist()
    assert table["rank_3"].isna().tolist() == [j == 5 for j in range(21)]
    kinds = table.dropna().groupby("kind")["rank_3"].agg(set)
    assert sorted(map(tuple, kinds)) == [(1,), (2,), (3,)]


def test_a_fit_whose_starts_did_not_converge_says_so(tmp_path):
    made = studies.study(tmp_path, [{"rank": 3}], solver={"starts": ["3x_random"], "max_iterations": 2})
    table, clusters = stability.tables(made.fits, made.labels)
    row = table.iloc[0]
    assert (row["starts_used"], row["not_converged"], row["consensus_samples"], row["stable"]) == (0, 3, 0, False)
    assert np.isnan([row["mean_silhouette"], row["least_silhouette"], row["cophenetic"]]).all()
    assert row["reason"] == "no starts of 3 converged: two are needed"
    assert clusters["rank_3"].isna().all()
    asked, clusters = stability.tables(made.fits, made.labels, unconverged=True)
    assert asked["starts_used"].item() == 3 and not asked["stable"].item()
    assert np.isfinite(asked["mean_silhouette"].item()) and clusters["rank_3"].notna().sum() == 20
    assert asked["reason"].item().startswith("the fit did not converge (max_iterations); mean silhouette ")


def test_swept_starts_are_a_setting_and_no_count(tmp_path):
    swept = [{"rank": 2, "starts": ["2x_random"]}, {"rank": 2, "starts": ["3x_random"]}]
    made = studies.study(tmp_path, swept)
    table, clusters = stability.tables(made.fits, made.labels)
    assert list(table.columns).count("starts") == 1
    assert table["starts"].tolist() == made.fits["starts"].tolist()
    assert len(clusters) == 2 * 21


def test_the_command_writes_both_tables(made, tables, tmp_path, capsys):
    files = {"--output": tmp_path / "stability.csv", "--clusters": tmp_path / "clusters.csv"}
    sources = ["--fits", made.folder / "fits.csv", "--samples", made.folder / "data/samples.csv"]
    arguments = [*sources, *(part for pair in files.items() for part in pair)]
    assert main(["nmf-stability", *map(str, arguments)]) == 0
    for found, path in zip(tables, files.values(), strict=True):
        assert path.read_text() == found.to_csv(index=False)


def test_the_winner_comes_first_and_files_of_two_fits_are_refused(made, tmp_path):
    path = Path(made.fits["path"].iloc[0])
    found = starts.load(path)
    assert found.table["won"].iloc[found.used(False)[0]]
    for name in ("starts.csv", "starts.npz", "parameters.npz"):
        (tmp_path / name).write_bytes((path / name).read_bytes())
    (tmp_path / "starts.csv").write_text((path / "starts.csv").read_text().replace("random-1", "random-9"))
    with pytest.raises(UserError, match="those of starts.csv"):
        starts.load(tmp_path)
    (tmp_path / "starts.csv").write_bytes((path / "starts.csv").read_bytes())
    np.savez(tmp_path / "parameters.npz", features=found.features[1:], samples=found.samples)
    with pytest.raises(UserError, match="17 features and 21 samples"):
        starts.load(tmp_path)


# ---- labels ----------------------------------------------------------------------------------------------------


def test_labels_with_the_names_of_other_columns_get_other_names():
    table = pd.DataFrame({"sample": ["a", "b"], "study": ["x", "y"], "rank_2": ["1", "2"], "label_study": ["p", "q"]})
    found = sample_labels.columns(table, ["b"], ["study", "rank"])
    assert found == {"label_label_study": ["y"], "label_rank_2": ["2"], "label_study": ["q"]}
    with pytest.raises(UserError, match="no row for the sample 'c'"):
        sample_labels.columns(table, ["c"], [])
