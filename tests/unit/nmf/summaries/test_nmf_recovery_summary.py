"""True factors and those of fits: matches by hand, and what the figure says."""

import numpy as np
import pandas as pd
import pytest
from nmf_tables import choice, fits, foot, hollow, words

from proxsweep.io.errors import UserError
from proxsweep.nmf.results.factors import Factors
from proxsweep.nmf.summaries import recovery

NAMES = np.array(["a", "b", "c", "d"])
TRUTH = Factors(np.eye(4)[:, :3], NAMES)


def turned(angle: float) -> np.ndarray:
    """The third true factor, turned towards a direction that is in none."""
    return np.array([0.0, 0.0, np.cos(angle), np.sin(angle)])


LOADED = {
    "hals/2/1/": Factors(np.stack([2 * np.eye(4)[1], turned(0.0)], axis=1), NAMES),
    "hals/3/1/": Factors(np.stack([turned(np.arccos(0.8)), np.eye(4)[0], np.eye(4)[1]], axis=1), NAMES),
    "hals/4/1/": Factors(np.full((4, 4), np.nan), NAMES),
}


def made() -> pd.DataFrame:
    table = fits()
    table.loc[table["rank"] == 4, "status"] = "diverged"
    table.loc[table["rank"] == 2, "status"] = "max_iterations"
    return recovery.table(table, TRUTH, LOADED.get)


def test_each_true_factor_is_matched_to_one_of_the_fit():
    table = made().set_index(["rank", "true_factor"])
    assert table.loc[2, "factor"].tolist() == ["", "factor_1", "factor_2"]
    np.testing.assert_allclose(table.loc[2, "cosine"], [0, 1, 1], atol=1e-12)
    assert table.loc[3, "factor"].tolist() == ["factor_2", "factor_3", "factor_1"]
    np.testing.assert_allclose(table.loc[3, "cosine"], [1, 1, 0.8], rtol=1e-12)
    assert table.loc[4, "cosine"].isna().all() and set(table.loc[4, "factor"]) == {""}
    assert list(made().columns) == ["study", "algorithm", "rank", "replicate", *recovery.RESULTS]


def test_the_figure_counts_what_was_found():
    figure = recovery.figure(made(), choice(rank=3.0))
    said = foot(figure)
    assert "Of 3 true factors found (cosine of at least 0.9, dotted): 2 at rank 2, 2 at rank 3." in said
    assert "without a match has a cosine of 0" in said and "Hollow: 1 of 2 fits did not converge." in said
    assert len(hollow(figure.axes[0])) == 3


def test_without_a_fit_the_figure_says_so():
    nothing = recovery.table(fits().iloc[:0], TRUTH, LOADED.get)
    assert "No fit finished" in words(recovery.figure(nothing, choice().iloc[:0]))


@pytest.mark.parametrize("arrays", [{}, {"signatures": np.ones((2, 2))}])
def test_a_file_without_the_truth_is_refused(tmp_path, arrays):
    np.savez(tmp_path / "truth.npz", **arrays)
    with pytest.raises(UserError, match="simulated from"):
        recovery.load(tmp_path / "truth.npz")
