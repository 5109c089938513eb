"""Factors of resamples against those of the fit: cosines by hand, what is left out counted."""

import numpy as np
import pandas as pd
import pytest
from nmf_tables import choice, fits, foot, hollow, no_choice, words

from proxsweep.nmf.results.factors import Factors
from proxsweep.nmf.summaries import resamples

NAMES = np.array(["a", "b", "c"])


def turned(angle, order=(0, 1)):
    """Two orthogonal factors, the first turned towards a third direction."""
    w = np.array([[np.cos(angle), 0.0], [0.0, 2.0], [np.sin(angle), 0.0]])
    return Factors(w[:, list(order)], NAMES)


def with_resamples(statuses=("converged", "converged", "converged"), ranks=(2,)):
    whole = fits(ranks=ranks)
    parts = [whole.assign(resample=str(k + 1), status=status, path=f"r{k}") for k, status in enumerate(statuses)]
    return pd.concat([whole, *parts], ignore_index=True)


COSINES = (0.9, 0.6, 0.8)
LOADED = {"hals/2/1/": turned(0.0)} | {f"r{k}": turned(np.arccos(c), (1, 0)) for k, c in enumerate(COSINES)}


def made(*statuses):
    return resamples.table(with_resamples(*([statuses] if statuses else [])), LOADED.get)


def test_cosines_are_those_of_matched_factors():
    table = made()
    assert table["factor"].tolist() == ["factor_1", "factor_2"] and set(table["resamples"]) == {3}
    np.testing.assert_allclose(table["median_cosine"], [0.8, 1.0], rtol=1e-12)
    np.testing.assert_allclose(table["least_cosine"], [0.6, 1.0], rtol=1e-12)
    # the 5 % quantile of three values is a tenth of the way from the least to the middle one
    np.testing.assert_allclose(table["lower_cosine"], [0.62, 1.0], rtol=1e-12)
    assert list(table.columns) == ["study", "algorithm", "rank", "replicate", *resamples.RESULTS]


def test_diverged_resamples_are_left_out_and_unconverged_ones_counted():
    table = made("diverged", "max_iterations", "converged")
    assert set(table["diverged"]) == {1} and set(table["unconverged"]) == {1} and set(table["resamples"]) == {3}
    np.testing.assert_allclose(table["median_cosine"], [0.7, 1.0], rtol=1e-12)
    figure = resamples.figure(table, choice(rank=2.0))
    assert len(hollow(figure.axes[0])) == 2
    assert "Hollow: 1 of 3 fits to resamples did not converge." in foot(figure)
    assert "Left out: 1 of 3 fits to resamples, which diverged." in foot(figure)


def test_without_a_usable_resample_there_are_no_numbers():
    table = made("diverged", "diverged", "diverged")
    assert table["median_cosine"].isna().all()
    assert "No fit to a resample has a result" in words(resamples.figure(table, choice(rank=2.0)))


def test_fits_without_resamples_have_no_rows():
    assert resamples.table(fits(), LOADED.get).empty
    assert "No fit finished" in words(resamples.figure(resamples.table(fits().iloc[:0], LOADED.get), no_choice()))


def test_the_figure_draws_a_point_per_factor():
    figure = resamples.figure(made(), choice(rank=2.0))
    heights = [line.get_ydata() for line in figure.axes[0].lines if line.get_marker() == "o" and len(line.get_ydata())]
    assert sorted(np.concatenate(heights).tolist()) == pytest.approx([0.8, 1.0])
    assert "3 resamples per rank" in foot(figure) and "chosen rank" in words(figure)
