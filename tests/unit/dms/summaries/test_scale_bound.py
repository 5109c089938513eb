"""Bounds of made fits, described by hand."""

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.results.fitted import Fitted
from proxsweep.dms.summaries import scale_bound
from proxsweep.io.files import write_json

# in row c-minus-a the last mutation was never seen in c
MUTATIONS = pd.DataFrame(
    {
        "mutation": ["A1C", "A2C", "A3C"],
        "shift_b-minus-a": [0.0, 1.0, -4.0],
        "shift_c-minus-a": [0.0, 2.0, 9.0],
        "times_seen_a": 3,
        "times_seen_b": [3, 3, 1],
        "times_seen_c": [3, 3, 0],
    }
)
HAND = Fitted(["a", "b", "c"], {"b-minus-a": ["a", "b"], "c-minus-a": ["a", "c"]}, MUTATIONS)
HELD = {"scale": 5.0, "scale_bound": 5.0, "scale_at_bound": True}
FREE = {"scale": 8.0, "scale_bound": 20.0, "scale_at_bound": False}
LINEAR = {"scale": None, "scale_bound": None, "scale_at_bound": None}


def fits(rows):
    """Rows of (difference, bound as swept, status, objective, path)."""
    table = pd.DataFrame(rows, columns=["difference", "scale_bound", "status", "objective", "path"])
    table = table.assign(study="s", family="dms", lasso=1e-4, replicate="1", fold=np.nan)
    swept = ["difference", "lasso", "replicate", "scale_bound"]
    return table[["study", "family", *swept, "fold", "status", "objective", "path"]]


TWO = fits(
    [("reference", "2x_score_range", "max_iterations", 1.0, "free"), ("reference", "5", "converged", 3.0, "held")]
)


def described(table, scales, fit=HAND, **options):
    return scale_bound.bounds(table, lambda path: fit, scales.get, **options)


def both(**options):
    return described(TWO, {"held": HELD, "free": FREE}, **options)


def words(figure):
    texts = [text.get_text() for ax in figure.axes for text in ax.texts]
    for legend in figure.legends:
        texts += [text.get_text() for text in legend.get_texts()]
    foot = figure._supxlabel.get_text() if figure._supxlabel else ""
    return " ".join([*texts, foot.replace("\n", " ")])


def test_sizes_are_those_by_hand():
    table = both()
    assert list(table.columns) == ["study", "difference", "lasso", "replicate", "scale_bound", *scale_bound.RESULTS]
    rows = table.set_index("bound")
    assert rows["at_bound"].to_dict() == {5.0: True, 20.0: False} and rows["scale"].to_dict() == {5.0: 5.0, 20.0: 8.0}
    # absolute shifts 0, 1, 4 and 0, 2
    assert set(table["shifts"]) == {5} and set(table["zero_share"]) == {0.4}
    assert set(table["median_shift"]) == {2.0} and set(table["largest_shift"]) == {4.0}
    assert list(rows["converged"][[5.0, 20.0]]) == [True, False] and list(rows["objective"][[5.0, 20.0]]) == [3.0, 1.0]


def test_rare_mutations_can_be_left_aside():
    table = both(min_times_seen=2)  # 0, 1 and 0, 2
    assert set(table["shifts"]) == {4} and set(table["zero_share"]) == {0.5} and set(table["median_shift"]) == {1.5}


def test_without_a_shift_there_is_no_median():
    none = MUTATIONS.assign(**{"shift_b-minus-a": 0.0, "shift_c-minus-a": 0.0})
    table = described(TWO, {"held": HELD, "free": FREE}, Fitted(HAND.conditions, HAND.rows, none))
    assert set(table["zero_share"]) == {1.0} and set(table["largest_shift"]) == {0.0}
    assert table["median_shift"].isna().all()
    assert len(scale_bound.figure(table).axes) == 3


def test_a_diverged_fit_has_no_sizes_and_no_point():
    table = fits([("reference", "5", "diverged", np.nan, "lost"), ("reference", "5", "converged", 3.0, "held")])
    bad = Fitted(HAND.conditions, HAND.rows, MUTATIONS.assign(**{"shift_b-minus-a": np.nan}))
    pick = {"lost": bad, "held": HAND}.get
    scales = {"lost": {**HELD, "scale": None, "scale_at_bound": False}, "held": HELD}.get
    found = scale_bound.bounds(table, pick, scales).set_index("status")
    assert found.loc["diverged", ["scale", "zero_share", "median_shift", "largest_shift"]].isna().all()
    assert "1 of 1 fits. The fit converged. 1 more diverged" in words(scale_bound.figure(found.reset_index()))


def test_folds_and_linear_fits_are_left_aside():
    table = pd.concat([TWO, TWO.assign(fold="1")], ignore_index=True)
    assert list(described(table, {"held": HELD, "free": LINEAR})["bound"]) == [5.0]


def test_one_condition_has_an_objective_alone():
    table = described(TWO, {"held": HELD, "free": FREE}, Fitted(["a"], {}, MUTATIONS))
    assert set(table["shifts"]) == {0} and table["zero_share"].isna().all()
    (ax,) = scale_bound.figure(table).axes
    assert ax.get_ylabel() == "Objective"


def test_figure_rings_what_is_at_its_bound():
    figure = scale_bound.figure(both())
    assert len(figure.axes) == 4
    for ax, height in zip(figure.axes, (3.0, 0.4, 2.0, 4.0), strict=True):
        (ring,) = [line for line in ax.lines if line.get_markerfacecolor() == "none" and line.get_marker() == "o"]
        assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([5.0], [height])
        (hollow,) = [line for line in ax.lines if line.get_markerfacecolor() == "white" and line.get_marker() == "o"]
        assert list(hollow.get_xdata()) == [20.0]
    text = words(figure)
    assert "Ringed: the scale is at its bound in 1 of 2 fits. Hollow: 1 of 2 fits" in text and "1e-4" in text


def test_matrices_have_a_panel_each_and_every_point_lies_in_it():
    rows = [("equivariant", "5", "converged", 9.0, "held"), ("reference", "5", "converged", 3.0, "held")]
    figure = scale_bound.figure(described(fits(rows), {"held": HELD}))
    assert [ax.get_title() for ax in figure.axes[:2]] == ["equivariant", "reference"]
    for ax in figure.axes:
        low, high = ax.get_ylim()
        assert all(low < y < high for line in ax.lines for y in line.get_ydata())
    assert figure.axes[1].get_ylim()[1] > 9.0  # one axis for both


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (TWO.iloc[:0], "No fit with a sigmoid finished"),
        (TWO.assign(objective=np.nan, status="diverged"), "Every fit diverged"),
    ],
)
def test_figure_says_why_it_is_empty(table, expected):
    assert expected in words(scale_bound.figure(described(table, {"held": HELD, "free": FREE})))


def test_the_record_is_read(tmp_path):
    write_json(tmp_path / "record.json", {"dms": {**HELD, "variants": 7}})
    assert scale_bound.load_scale(tmp_path) == HELD
