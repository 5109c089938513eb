"""Heatmaps of neighbouring ranks: cells as the table has them, frames where factors are matched."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle
from nmf_tables import choice, foot, no_choice, words

from proxsweep.nmf.summaries import heatmaps, neighbouring_ranks

COLUMNS = ["study", "algorithm", "replicate", "rank", "next_rank", "factor", "next_factor", "cosine", "matched"]


def table(ranks, replicates=("1",), converged=True):
    """Cosines 0.95 of factors with one number, 0.1 of others."""
    rows = [
        ("s", "hals", replicate, rank, after, f"factor_{i}", f"factor_{j}", 0.95 if i == j else 0.1, i == j)
        for replicate in replicates
        for rank, after in zip(ranks, ranks[1:], strict=False)
        for i in range(1, rank + 1)
        for j in range(1, after + 1)
    ]
    return pd.DataFrame(rows, columns=COLUMNS).assign(converged=converged)


def maps(figure):
    return [ax for ax in figure.axes if ax.images]


def test_cells_are_those_of_the_table_in_the_order_of_the_numbers():
    figure = neighbouring_ranks.figure(table([10, 11]), choice())
    (ax,) = maps(figure)
    values = np.asarray(ax.images[0].get_array())
    assert values.shape == (10, 11) and np.array_equal(values == 0.95, np.eye(10, 11, dtype=bool))
    assert ax.get_title() == "rank 10 to 11"


def test_matched_pairs_are_framed_and_numbers_printed():
    figure = neighbouring_ranks.figure(table([2, 3]), choice())
    (ax,) = maps(figure)
    frames = [patch for patch in ax.patches if isinstance(patch, Rectangle) and not patch.get_fill()]
    assert sorted(patch.get_xy() for patch in frames) == [(-0.5, -0.5), (0.5, 0.5)]
    assert sorted(text.get_text() for text in ax.texts) == [".10"] * 4 + [".95"] * 2
    assert "2 of 2 matches have a cosine of at least 0.9." in foot(figure)


@pytest.mark.parametrize(
    ("rank", "first", "last"), [(2.0, "rank 2 to 3", "rank 7 to 8"), (9.0, "rank 5 to 6", "rank 10 to 11")]
)
def test_of_many_pairs_those_around_the_chosen_rank_are_drawn(rank, first, last):
    figure = neighbouring_ranks.figure(table(list(range(2, 12))), choice(rank=rank))
    titles = [ax.get_title() for ax in maps(figure)]
    assert titles[0] == first and titles[-1] == last and len(titles) == neighbouring_ranks.MOST_PAIRS
    assert "6 of 9 pairs of ranks are shown" in foot(figure)


def test_unconverged_fits_are_named():
    found = table([2, 3, 4])
    found.loc[found["next_rank"] == 4, "converged"] = False
    figure = neighbouring_ranks.figure(found, choice())
    assert [ax.get_title() for ax in maps(figure)] == ["rank 2 to 3", "rank 3 to 4 (not converged)"]
    assert "In 1 of 2 pairs of ranks a fit did not converge." in foot(figure)


def test_the_first_replicate_is_drawn():
    figure = neighbouring_ranks.figure(table([2, 3], ("10", "2")), choice())
    assert len(maps(figure)) == 1 and "Replicate 2, the first of 2." in foot(figure)


@pytest.mark.parametrize(
    ("found", "chosen", "said"),
    [
        (table([2]), choice(), "nothing to compare"),
        (table([2, 3]).assign(cosine=np.nan), choice(), "nothing to compare"),
        (table([2]), no_choice(), "No fit finished"),
    ],
)
def test_nothing_to_compare_gives_words(found, chosen, said):
    assert said in words(neighbouring_ranks.figure(found, chosen))


@pytest.mark.parametrize(("value", "text"), [(0.0, ".00"), (0.07, ".07"), (0.999, "1"), (1.0, "1")])
def test_numbers_have_no_leading_zero(value, text):
    assert heatmaps._number(value) == text
