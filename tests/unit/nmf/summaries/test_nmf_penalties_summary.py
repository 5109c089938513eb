"""The figure of penalties: means over replicates by hand, a column for each penalty, some of many ranks."""

import numpy as np
import pandas as pd
from nmf_tables import choice, foot, hollow, no_choice, words

from proxsweep.nmf.summaries import penalties

WEIGHTS = (0.0, 0.1, 1.0)


def table(l1_h=WEIGHTS, l1_w=(0.1,), ranks=(2, 3), replicates=("1", "2"), status="converged"):
    """Zeros of W: the weight of W; of H: that of H by ten; the error 1 / rank, twice that in the second replicate."""
    rows = [
        ("s", "hals", rank, replicate, a, b, b / 10, a / 10, int(replicate) / rank, status)
        for rank in ranks
        for replicate in replicates
        for a in l1_h
        for b in l1_w
    ]
    names = [
        "study",
        "algorithm",
        "rank",
        "replicate",
        "l1_h",
        "l1_w",
        "share_zero_w",
        "share_zero_h",
        "relative_error",
    ]
    return pd.DataFrame(rows, columns=[*names, "status"])


def chosen(l1_h=0.1, l1_w=0.1):
    found = choice(rank=3.0)
    found.insert(2, "l1_h", l1_h)
    found.insert(3, "l1_w", l1_w)
    return found


def curves(ax):
    return [np.asarray(line.get_ydata(), float).tolist() for line in ax.lines if line.get_linestyle() == "-"]


def test_values_are_means_over_replicates_for_every_rank():
    figure = penalties.figure(table(), chosen())
    w, h, error = figure.axes
    assert curves(h) == [[0.0, 0.01, 0.1]] * 2 and curves(w) == [[0.01] * 3] * 2
    assert curves(error) == [[0.75] * 3, [0.5] * 3]
    assert "Means over up to 2 replicates." in foot(figure) and "All 6 points converged." in foot(figure)


def test_every_penalty_that_is_swept_has_a_column_with_the_others_as_chosen():
    figure = penalties.figure(table(l1_w=(0.1, 1.0)), chosen(l1_h=1.0, l1_w=1.0))
    assert len(figure.axes) == 6 and penalties.swept(table(l1_w=(0.1, 1.0))) == ["l1_h", "l1_w"]
    columns = {ax.get_xlabel(): ax for ax in figure.axes if ax.get_xlabel()}
    assert set(columns) == {"Weight l1_h (sum of H)", "Weight l1_w (sum of W)"}
    assert [0.01, 0.1] in curves(figure.axes[1]), "zeros of W against l1_w"
    assert "l1_h 1, l1_w 1" in foot(figure)


def test_means_over_an_unconverged_fit_are_hollow_and_diverged_ones_do_not_count():
    found = table()
    at = (found["l1_h"] == 1.0) & (found["rank"] == 2) & (found["replicate"] == "2")
    found.loc[at, "status"] = "max_iterations"
    figure = penalties.figure(found, chosen())
    assert len(hollow(figure.axes[2])) == 1 and "Hollow: 1 of 6 points not converged." in foot(figure)
    found.loc[at, ["status", "relative_error"]] = ["diverged", np.nan]
    assert curves(penalties.figure(found, chosen()).axes[2])[0] == [0.75, 0.75, 0.5]


def test_of_many_ranks_six_are_drawn_with_the_chosen_one():
    assert penalties.some_ranks(pd.Series(range(2, 12)), 5.0) == [2.0, 5.0, 6.0, 7.0, 9.0, 11.0]
    assert penalties.some_ranks(pd.Series([2, 3, 4]), np.nan) == [2.0, 3.0, 4.0]
    figure = penalties.figure(table(ranks=range(2, 12)), choice(rank=5.0).assign(l1_h=0.1))
    assert "6 of 10 ranks are shown." in foot(figure) and "rank 5" in words(figure)


def test_nothing_to_draw_gives_words():
    assert "No fit finished" in words(penalties.figure(table(), no_choice()))
    assert "No penalty has several weights." in words(penalties.figure(table(l1_h=(0.1,)), chosen()))
