"""The shrinkage figure: means by hand, words for what is missing, the chosen weight shaded."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.summaries import shrinkage
from proxsweep.report import strength_axis

WEIGHTS = (0.0, 1e-5)


def fits(status="converged"):
    table = pd.DataFrame(
        [
            ("s", "dms", "reference", lasso, replicate, np.nan, np.nan, "converged", loss)
            for lasso, losses in zip(WEIGHTS, ((1.0, 3.0), (4.0, 8.0)), strict=True)
            for replicate, loss in zip("12", losses, strict=True)
        ],
        columns=["study", "family", "difference", "lasso", "replicate", "fold", "resample", "status", "training_loss"],
    )
    table.loc[3, "status"] = status
    fold = table.iloc[:1].assign(fold="1", training_loss=100.0)
    return pd.concat([table, fold], ignore_index=True)


def correlations(pearson=(0.25, 0.5)):
    common = {"study": "s", "difference": "reference", "lasso": WEIGHTS, "row": "b-minus-a", "converged": True}
    shift = pd.DataFrame({**common, "quantity": "shift", "pearson": pearson})
    return pd.concat([shift, shift.assign(quantity="effect", pearson=0.99)])


def validated():
    return pd.DataFrame(
        {
            "study": "s",
            "difference": "reference",
            "lasso": WEIGHTS,
            "fits": 3,
            "unconverged": 0,
            "training_loss": 7.0,
            "validation_loss": [9.0, 6.0],
            "standard_error": [0.5, 0.25],
        }
    )


def shares():
    rows = [
        ("s", "reference", lasso, replicate, "b-minus-a", kind, share, True)
        for lasso, by_kind in zip(WEIGHTS, ((0.0, 0.0), (0.5, 1.0)), strict=True)
        for kind, share in zip(("nonsynonymous", "stop"), by_kind, strict=True)
        for replicate in "12"
    ]
    table = pd.DataFrame(
        rows, columns=["study", "difference", "lasso", "replicate", "row", "kind", "zero_share_everywhere", "converged"]
    )
    table.loc[(table["replicate"] == "2") & (table["zero_share_everywhere"] == 0.5), "zero_share_everywhere"] = 0.75
    table["zero_share"] = 0.9  # of other mutations: not drawn
    return pd.concat([table, table.assign(kind="all", zero_share_everywhere=0.1)])


def choice(lasso):
    return pd.DataFrame(
        {"study": ["s"], "difference": "reference", "lasso": [lasso], "rule": "given", "selected": True, "chosen": True}
    )


def values(table, quantity, kind=None):
    part = table[table["quantity"] == quantity]
    part = part if kind is None else part[part["kind"] == kind]
    return part.sort_values("lasso")["value"].tolist()


def made(**more):
    parts = {"fits": fits(), "correlations": correlations(), "validated": validated(), "shares": shares(), **more}
    return shrinkage.table(**parts)


def foot(figure):
    return figure._supxlabel.get_text().replace("\n", " ")


def text_of(ax):
    return " ".join(text.get_text() for text in ax.texts).replace("\n", " ")


def test_values_are_means_over_replicates_of_full_fits():
    table = made()
    assert values(table, "training_loss") == [2.0, 6.0]
    assert values(table, "correlation") == [0.25, 0.5]
    assert values(table, "validation_loss") == [9.0, 6.0]
    assert values(table, "zero_share_everywhere", "nonsynonymous") == [0.0, 0.625]
    assert values(table, "zero_share_everywhere", "stop") == [0.0, 1.0]
    assert len(table) == 10


def test_the_figure_draws_the_table_in_three_panels():
    table = made()
    axes = shrinkage.figure(table, choice(1e-5)).axes
    assert len(axes) == 3 and axes[0].get_title() == "reference"
    for ax, curves in zip(axes, ([[0.25, 0.5]], [[2.0, 6.0], [9.0, 6.0]], [[0.0, 0.625], [0.0, 1.0]]), strict=True):
        drawn = [list(line.get_ydata()) for line in ax.lines if line.get_linestyle() in ("-", "--")]
        assert all(curve in drawn for curve in curves)


@pytest.mark.parametrize(("lasso", "shaded"), [(1e-5, 3), (np.nan, 0)])
def test_the_chosen_weight_is_shaded_in_every_panel(lasso, shaded):
    figure = shrinkage.figure(made(), choice(lasso))
    grey = mpl.colors.to_rgba(strength_axis.CHOSEN_COLOUR)
    bands = [patch for ax in figure.axes for patch in ax.patches if patch.get_facecolor() == grey]
    assert len(bands) == shaded
    assert ("No weight was chosen" in foot(figure)) == (shaded == 0)


def test_axes_at_the_left_say_what_they_show():
    table = pd.concat([made().assign(difference=name) for name in ("reference", "equivariant", "tree", "pairs")])
    figure = shrinkage.figure(table, choice(1e-5))
    labelled = [ax.get_ylabel().replace("\n", " ") for ax in figure.axes if ax.get_ylabel()]
    assert labelled.count("Share of zero shifts") == 2, "three panels side by side, then one"
    assert len(labelled) == 6


def test_panels_say_what_is_missing():
    table = made(validated=validated().iloc[:0], correlations=correlations((np.nan, np.nan)))
    axes = shrinkage.figure(table, choice(1e-5)).axes
    assert "its own table says why" in text_of(axes[0])
    assert "No held-out loss" in text_of(axes[1])
    assert values(table, "training_loss") == [2.0, 6.0]


SHARES = "Zero shifts: among mutations seen in every condition."


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {},
            "Means over up to 2 replicates. Losses: means over conditions. Held-out ones: over folds, too."
            f" Bars: standard error of the held-out loss. {SHARES}",
        ),
        (
            {"fits": fits()[fits()["replicate"] == "1"], "shares": shares()[shares()["replicate"] == "1"]}
            | {"validated": validated().iloc[:0]},
            f"Losses: means over conditions. {SHARES}",
        ),
        (
            {"correlations": pd.concat([correlations()] * 3), "validated": validated().assign(standard_error=np.nan)}
            | {"shares": shares().iloc[:0]},
            "Means over up to 2 replicates. Correlations: means over up to 3 pairs of replicates."
            " Losses: means over conditions. Held-out ones: over folds, too.",
        ),
        (
            {"validated": validated().assign(validation_loss=np.nan)},
            f"Means over up to 2 replicates. Losses: means over conditions. {SHARES}",
        ),
    ],
)
def test_the_foot_says_over_what_means_are(more, said):
    assert foot(shrinkage.figure(made(**more), choice(1e-5))) == said


def test_the_threshold_is_named():
    figure = shrinkage.figure(made(), choice(1e-5), min_times_seen=3)
    assert "among mutations seen at least 3 times in every condition." in foot(figure)


def test_means_over_an_unconverged_fit_are_hollow():
    table = made(fits=fits("max_iterations"))
    part = table[table["quantity"] == "training_loss"]
    assert part["converged"].tolist() == [True, False]
    figure = shrinkage.figure(table, choice(1e-5))
    hollow = [
        line for line in figure.axes[1].lines if line.get_markerfacecolor() == "white" and line.get_marker() == "o"
    ]
    assert [list(line.get_ydata()) for line in hollow if len(line.get_ydata())] == [[6.0]]
    assert "Hollow: 1 of 10" in foot(figure)


def test_nothing_finished_gives_words():
    empty = shrinkage.table(fits().iloc[:0], correlations().iloc[:0], validated().iloc[:0], shares().iloc[:0])
    assert "No fit finished" in text_of(shrinkage.figure(empty, choice(np.nan)).axes[0])
