"""Replicates compared: matches and correlations by hand, exposures against SciPy's non-negative least squares."""

import numpy as np
import pandas as pd
import pytest
from nmf_tables import choice, fits, foot, hollow, no_choice, words
from scipy import sparse
from scipy.optimize import nnls

from factorisations import MODEL, encoding
from proxsweep.nmf.data.encoding import Encoding
from proxsweep.nmf.results import factors, winners
from proxsweep.nmf.results.factors import Factors
from proxsweep.nmf.summaries import replicates, replicates_figure

RNG = np.random.default_rng(5)
FEATURES = np.array([f"g{k}" for k in range(8)])
TRUE = RNG.gamma(0.5, 1.0, (8, 2))
VALUES = {label: TRUE @ RNG.gamma(1.0, 1.0, (2, n)) + 0.05 * RNG.random((8, n)) for label, n in (("1", 6), ("2", 7))}
FACTORS = {"1": TRUE + 0.02 * RNG.random((8, 2)), "2": 3 * TRUE[:, ::-1] + 0.02 * RNG.random((8, 2))}
LOADED = {f"hals/2/{label}/": Factors(w, FEATURES) for label, w in FACTORS.items()}
WHOLE = fits(("1", "2"), ranks=(2,))


def saved(folder, values=VALUES, is_sparse=False):
    paths = {}
    for label, one in values.items():
        paths[label] = str(folder / f"{label}.npz")
        names = np.array([f"{label}-{k}" for k in range(one.shape[1])])
        Encoding.of(FEATURES, names, sparse.csr_array(one) if is_sparse else one).save(paths[label])
    return paths


def model(path):
    return MODEL


@pytest.fixture
def paths(tmp_path):
    return saved(tmp_path)


def test_factors_are_matched_and_their_exposures_correlated(paths):
    table = replicates.table(WHOLE, paths, LOADED.get, model)
    assert list(table.columns) == ["study", "algorithm", "rank", *replicates.PAIR, *replicates.RESULTS]
    assert table["matched_factor"].tolist() == ["factor_2", "factor_1"]
    one, two = FACTORS["1"], FACTORS["2"][:, ::-1]
    cosines = (one * two).sum(axis=0) / np.linalg.norm(one, axis=0) / np.linalg.norm(two, axis=0)
    np.testing.assert_allclose(table["cosine"], cosines, rtol=1e-12)
    both = np.hstack([VALUES["1"], VALUES["2"]])
    h, other = (np.array([nnls(w, column)[0] for column in both.T]).T for w in (one, two))
    expected = [np.corrcoef(x, y)[0, 1] for x, y in zip(h, other, strict=True)]
    np.testing.assert_allclose(table["exposure_correlation"], expected, rtol=1e-6)
    assert set(table["samples"]) == {13} and table["converged"].all()


def test_exposures_stand_in_the_unit_of_the_matrix(paths):
    cosines, exposures = replicates.at_one_rank(WHOLE, paths, choice(rank=2.0), LOADED.get, model)
    assert list(cosines.columns) == list(replicates.COSINES) and list(exposures.columns) == list(replicates.EXPOSURES)
    assert len(cosines) == 4 and cosines.loc[cosines["matched"], "other_factor"].tolist() == ["factor_2", "factor_1"]
    first = exposures[(exposures["sample"] == "2-0") & (exposures["factor"] == "factor_1")].iloc[0]
    expected = nnls(FACTORS["1"], VALUES["2"][:, 0])[0][0] * FACTORS["1"][:, 0].sum()
    assert first["replicate"] == "2" and first["exposure_a"] == pytest.approx(expected, rel=1e-6)
    other = nnls(FACTORS["2"], VALUES["2"][:, 0])[0][1] * FACTORS["2"][:, 1].sum()
    assert first["exposure_b"] == pytest.approx(other, rel=1e-6)


def test_sparse_matrices_give_the_same(tmp_path, paths):
    (tmp_path / "sparse").mkdir()
    dense = replicates.table(WHOLE, paths, LOADED.get, model)
    thin = replicates.table(WHOLE, saved(tmp_path / "sparse", is_sparse=True), LOADED.get, model)
    pd.testing.assert_frame_equal(dense, thin, rtol=1e-7)


def test_a_feature_that_one_replicate_lacks_is_left_out_of_the_exposures(tmp_path):
    values = {label: one.copy() for label, one in VALUES.items()}
    values["2"][3] = 0
    loaded = {label: Encoding.load(path) for label, path in saved(tmp_path, values).items()}
    matrix, features, samples, of = replicates.side_by_side(loaded, ("1", "2"), "none")
    assert "g3" not in features and matrix.shape == (7, 13)
    assert of.tolist() == ["1"] * 6 + ["2"] * 7 and samples[6] == "2-0"


def test_each_replicate_is_normalised_as_its_own_fits(paths):
    loaded = {label: Encoding.load(path) for label, path in paths.items()}
    matrix, *_ = replicates.side_by_side(loaded, ("1", "2"), "feature_sd")
    np.testing.assert_allclose(matrix[:, :6].std(axis=1, ddof=1), 1, rtol=1e-12)
    np.testing.assert_allclose(matrix[:, 6:].std(axis=1, ddof=1), 1, rtol=1e-12)


def test_of_very_many_samples_some_are_compared(tmp_path, monkeypatch):
    monkeypatch.setattr(replicates, "MOST_SAMPLES", 5)
    loaded = {label: Encoding.load(path) for label, path in saved(tmp_path).items()}
    matrix, _, samples, of = replicates.side_by_side(loaded, ("1", "2"), "none")
    assert matrix.shape == (8, 5) and samples.tolist() == ["1-0", "1-3", "2-0", "2-3", "2-6"] and set(of) == {"1", "2"}


def test_a_diverged_fit_has_no_match(paths):
    loaded = {**LOADED, "hals/2/2/": Factors(np.full((8, 2), np.nan), FEATURES)}
    table = replicates.table(WHOLE.assign(status=["converged", "diverged"]), paths, loaded.get, model)
    assert table["cosine"].isna().all() and set(table["matched_factor"]) == {""} and not table["converged"].any()
    assert "nothing to compare" in words(replicates_figure.figure(table, choice(rank=2.0)))


def test_features_are_aligned_by_name():
    a, b = Factors(np.eye(3)[:, :2], np.array(["x", "y", "z"])), Factors(np.eye(3)[:, :2], np.array(["y", "x", "q"]))
    np.testing.assert_array_equal(factors.cosines(a, b), [[0, 1], [1, 0]])
    assert factors.matched(factors.cosines(a, b)).tolist() == [1, 0]


def test_the_figure_draws_cosines_and_correlations(paths):
    table = replicates.table(WHOLE, paths, LOADED.get, model)
    figure = replicates_figure.figure(table, choice(rank=2.0))
    for ax, name in zip(figure.axes, ("cosine", "exposure_correlation"), strict=True):
        points = np.concatenate([line.get_ydata() for line in ax.lines if line.get_marker() == "o"])
        assert sorted(points) == sorted(table[name])
    assert "Replicates 1 and 2." in foot(figure) and "All fits converged." in foot(figure)
    bad = replicates_figure.figure(table.assign(converged=False), choice(rank=2.0))
    assert len(hollow(bad.axes[0])) == 2 and "Hollow: in 1 of 1 pair of fits one did not converge." in foot(bad)


def test_the_near_figure_draws_a_heatmap_and_a_scatter_for_each_factor(paths):
    chosen = choice(rank=2.0)
    table = replicates.table(WHOLE, paths, LOADED.get, model)
    figure = replicates_figure.near_figure(
        *replicates.at_one_rank(WHOLE, paths, chosen, LOADED.get, model), table, chosen
    )
    heatmap, *scatters = figure.axes
    np.testing.assert_allclose(np.diag(np.asarray(heatmap.images[0].get_array())[:, ::-1]), table["cosine"])
    assert [ax.get_xlabel() for ax in scatters] == [f"by factor {k} of replicate 1" for k in (1, 2)]
    assert [ax.get_ylabel() for ax in scatters] == [f"by factor {k} of replicate 2" for k in (2, 1)]
    assert f"r = {table['exposure_correlation'].iloc[0]:.3f}" in words(figure)
    assert "Rank 2, the chosen one." in foot(figure) and "13 samples" in foot(figure)


def test_without_a_choice_figures_give_words(paths):
    nothing = replicates.at_one_rank(WHOLE, paths, no_choice(), LOADED.get, model)
    table = replicates.table(WHOLE, paths, LOADED.get, model)
    assert all(part.empty for part in nothing)
    assert "No fit finished" in words(replicates_figure.near_figure(*nothing, table, no_choice()))
    assert "No fit finished" in words(replicates_figure.figure(table, no_choice()))


def test_a_fit_is_read_from_its_folder(tmp_path):
    from factorisations import counts, fitted

    folder = fitted(tmp_path / "fit", encoding(counts()), rank=2)
    found = factors.load(folder)
    assert found.w.shape == (12, 2) and found.features[0] == "g0" and found.finite
    assert winners.model(folder)["loss"] == "squared"
