"""The table and the figure of starts: rows as the fits wrote them, kinds told apart, gaps on a floor."""

import numpy as np
import pandas as pd
import pytest
from nmf_tables import KINDS, choice, fits, foot, hollow, no_choice, start_rows, starts, words

from proxsweep.io.files import write_csv
from proxsweep.nmf.summaries import starts as summary

TOLERANCE = 1e-6


def made(replicates=("1",), algorithms=("hals",), kinds=KINDS):
    table = fits(replicates, algorithms, folds=2)
    return summary.table(table, starts(table, kinds).__getitem__)


def test_every_start_of_every_full_fit_has_a_row():
    table = made(("1", "2"))
    assert list(table.columns) == ["study", "algorithm", "rank", "replicate", *summary.RESULTS]
    assert len(table) == 3 * 2 * 4 and table["kind"].tolist()[:4] == list(KINDS)
    assert table["rank"].tolist() == sorted(table["rank"])
    assert table.loc[table["won"], "gap"].eq(0).all()


def test_the_files_of_a_fit_are_read(tmp_path):
    write_csv(tmp_path / "starts.csv", start_rows().rename(columns={"smooth": "loss"}))
    found = summary.load(tmp_path)
    assert found["smooth"].tolist() == [1.0] * 4 and found["kind"].tolist() == list(KINDS)
    assert found["won"].tolist() == [True, False, False, False]


def test_a_tally_counts_kinds_and_the_spread_of_converged_starts():
    counted = summary.tally(made(kinds=(*KINDS, "same")))
    assert len(counted) == 3 and set(counted["starts"]) == {5}
    assert counted.iloc[0][list(KINDS)].tolist() == [2, 1, 1, 1]
    # the fourth start, which did not converge, is at 1e-2, the fifth at 1
    np.testing.assert_allclose(counted["spread"], 1.0)


def test_points_are_as_many_as_starts_and_gaps_end_at_the_floor():
    figure = summary.figure(made(), choice(), TOLERANCE)
    (ax,) = figure.axes
    heights = np.concatenate([line.get_ydata() for line in ax.lines if line.get_linestyle() == "None"])
    assert len(heights) == 12 and heights.min() == summary.FLOOR
    assert np.isclose(heights.max(), 1e-2)
    assert len(hollow(ax)) == 3, "one start of each rank did not converge"
    assert ax.get_yscale() == "log"


def test_the_foot_counts_kinds_and_says_what_other_factors_mean():
    figure = summary.figure(made(), choice(), TOLERANCE)
    said = foot(figure)
    assert "Of 12 starts: same factors: 3; same product, other factors: 3; other optimum: 3; not converged: 3." in said
    assert "down to a cosine of 0.95; up to 1 sample change" in said and "the factors are not" in said
    assert "above the dashed line (1e-5) has another optimum" in said
    assert "the factors are not" not in foot(summary.figure(made(kinds=("same", "same")), choice(), TOLERANCE))


def test_the_limit_follows_the_tolerance():
    assert "(1e-6)" in foot(summary.figure(made(), choice(), 1e-9))
    swept = made(algorithms=("hals", "mu"))
    swept.insert(2, "tolerance", swept["algorithm"].map({"hals": 1e-9, "mu": 1e-5}))
    assert "(1e-6 or 1e-4)" in foot(summary.figure(swept, choice(algorithms=("hals", "mu")), TOLERANCE))


def test_the_setting_of_the_study_comes_first():
    both = ("hals", "mu")
    chosen = choice(algorithms=both).assign(chosen=[False, True])
    figure = summary.figure(made(algorithms=both), chosen, TOLERANCE)
    assert [ax.get_title() for ax in figure.axes] == ["mu", "hals"]


def test_of_many_settings_six_are_drawn():
    names = tuple(f"a{k}" for k in range(8))
    figure = summary.figure(made(algorithms=names), choice(algorithms=names), TOLERANCE)
    assert len(figure.axes) == 6 and "6 of 8 settings are shown" in foot(figure)


def test_diverged_starts_have_no_point_and_are_counted():
    table = made()
    table.loc[3, ["status", "gap", "kind"]] = ["diverged", np.nan, "not_converged"]
    figure = summary.figure(table, choice(), TOLERANCE)
    assert "1 diverged: no point." in foot(figure) and "Of 12 starts" in foot(figure)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (made(kinds=("same",)), "One start per fit"),
        (made().assign(gap=np.nan), "Every start diverged"),
        (summary.table(fits().iloc[:0], None), "No fit finished"),
    ],
)
def test_nothing_to_compare_gives_words(table, said):
    assert said in words(summary.figure(table, no_choice() if table.empty else choice(), TOLERANCE))


def test_starts_of_one_kind_do_not_lie_on_each_other():
    figure = summary.figure(made(kinds=("same",) * 5), choice(), TOLERANCE)
    (line,) = [line for line in figure.axes[0].lines if line.get_linestyle() == "None" and len(line.get_xdata())]
    assert pd.Series(line.get_xdata()).nunique() == 15
