"""Starts of made fits, compared by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.results.fitted import Fitted
from proxsweep.dms.summaries import starts
from proxsweep.dms.summaries.starts import StartResults
from proxsweep.io.files import write_json, write_npz

ROW = "b-minus-a"
NAMES = ["zeros", "linear", "random-1", "random-2"]


def start(name, objective, status="converged", distance=0.0):
    return {
        "start": name,
        "status": status,
        "objective": objective,
        "relative_residual": 1e-7,
        "iterations": 10,
        "seconds": 0.5,
        "shift_distance": distance,
    }


# the best objective is 2.0: excesses 0, 0.5 (= 1 / 2), 5e-7, which is level, and none
HAND = StartResults(
    "zeros",
    [
        start("zeros", 2.0),
        start("linear", 3.0, "max_iterations", 0.25),
        start("random-1", 2.0 + 1e-6, distance=1e-4),
        start("random-2", None, "diverged", None),
    ],
    {},
)


def fits(rows):
    """Rows of (difference, lasso, replicate, path)."""
    table = pd.DataFrame(rows, columns=["difference", "lasso", "replicate", "path"])
    table = table.assign(study="s", family="dms", fold=np.nan, status="converged")
    return table[["study", "family", "difference", "lasso", "replicate", "fold", "status", "path"]]


ONE = fits([("equivariant", 1e-4, "1", "p")])


def words(figure):
    texts = [text.get_text() for ax in figure.axes for text in ax.texts]
    for legend in figure.legends:
        texts += [text.get_text() for text in legend.get_texts()]
    foot = figure._supxlabel.get_text() if figure._supxlabel else ""
    return " ".join([*texts, foot.replace("\n", " ")])


def test_outcomes_are_those_by_hand():
    table = starts.outcomes(ONE, {"p": HAND}.get)
    assert list(table.columns) == ["study", "difference", "lasso", "replicate", *starts.RESULTS]
    assert list(table["start"]) == NAMES
    np.testing.assert_allclose(table["excess"], [0.0, 0.5, 5e-7, np.nan], rtol=1e-7)
    assert list(table["level"]) == [True, False, True, False]
    assert list(table["kept"]) == [True, False, False, False]
    assert list(table["converged"]) == [True, False, True, False]
    np.testing.assert_array_equal(table["shift_distance"], [0.0, 0.25, 1e-4, np.nan])
    np.testing.assert_array_equal(table["objective"], [2.0, 3.0, 2.0 + 1e-6, np.nan])


def test_a_diverged_start_is_never_the_best():
    tried = StartResults("zeros", [start("zeros", 2.0), start("linear", 1.0, "diverged")], {})
    table = starts.outcomes(ONE, {"p": tried}.get)
    np.testing.assert_array_equal(table["excess"], [0.0, np.nan])


def test_excess_over_nothing_is_absolute():
    tried = StartResults("zeros", [start("zeros", 0.0), start("linear", 1e-3)], {})
    np.testing.assert_array_equal(starts.outcomes(ONE, {"p": tried}.get)["excess"], [0.0, 1e-3])


def test_fits_to_folds_are_left_aside():
    both = pd.concat([ONE, ONE.assign(fold="1")], ignore_index=True)
    assert len(starts.outcomes(both, {"p": HAND}.get)) == len(HAND.starts)


def test_tally_counts_over_all_fits():
    other = StartResults("linear", [start("zeros", 5.0, distance=2.0), start("linear", 4.0)], {})
    table = starts.outcomes(
        fits([("equivariant", 0.0, "1", "p"), ("equivariant", 1e-4, "1", "q")]), {"p": HAND, "q": other}.get
    )
    counted = starts.tally(table).set_index("start")
    assert counted["fits"].to_dict() == {"zeros": 2, "linear": 2, "random-1": 1, "random-2": 1}
    assert counted["kept"].to_dict() == {"zeros": 1, "linear": 1, "random-1": 0, "random-2": 0}
    assert counted["level"].to_dict() == {"zeros": 1, "linear": 1, "random-1": 1, "random-2": 0}
    assert counted["converged"].to_dict() == {"zeros": 2, "linear": 1, "random-1": 1, "random-2": 0}
    assert counted.loc["zeros", "largest_excess"] == 0.25 and counted.loc["zeros", "largest_shift_distance"] == 2.0


# shifts of three mutations seen everywhere and one that replicate 2 never saw in b
SHIFTS = {
    ("1", "zeros"): [1.0, 2.0, 3.0, 9.0],
    ("2", "zeros"): [1.0, 2.0, 3.0, -9.0],
    ("1", "linear"): [1.0, 2.0, 3.0, 0.0],
    ("2", "linear"): [2.0, 1.0, 3.0, 0.0],
    ("1", "random-1"): [0.0, 1.0, 0.0, 0.0],
    ("2", "random-1"): [1.0, 0.0, 0.0, 0.0],
}
# Pearson by hand, deviations from the mean: (-1, 0, 1) against itself; (-1, 0, 1) against (0, -1, 1);
# (-1, 2, -1) / 3 against (2, -1, -1) / 3
PEARSON = {"zeros": 1.0, "linear": 0.5, "random-1": -0.5}


def replicate(label, kept):
    """The starts and the fit of one replicate."""
    names = [name for name in PEARSON]
    statuses = {"random-1": "max_iterations"} if label == "2" else {}
    listed = [start(name, 1.0 + k, statuses.get(name, "converged")) for k, name in enumerate(names)]
    shifts = {name: np.array([SHIFTS[label, name]]) for name in names}
    table = pd.DataFrame(
        {
            "mutation": ["A1C", "A2C", "A3C", "A4C"],
            "mutant": "C",
            "beta_a": 0.0,
            "beta_b": 0.0,
            f"shift_{ROW}": SHIFTS[label, kept],
            "times_seen_a": 2,
            "times_seen_b": [2, 2, 2, 0 if label == "2" else 2],
        }
    )
    return StartResults(kept, listed, shifts), Fitted(["a", "b"], {ROW: ["a", "b"]}, table)


def correlated(kept=("zeros", "linear")):
    made = {f"r{label}": replicate(label, name) for label, name in zip("12", kept, strict=True)}
    table = fits([("equivariant", 1e-4, "1", "r1"), ("equivariant", 1e-4, "2", "r2")])
    tried, fitted = ({path: pair[k] for path, pair in made.items()} for k in (0, 1))
    return table, tried, starts.correlations(table, tried.get, fitted.get)


def test_correlations_of_each_start_are_those_by_hand():
    _, _, table = correlated()
    found = table.set_index("start")["pearson"].to_dict()
    assert found == pytest.approx({**PEARSON, "kept": 0.5}, rel=1e-14)  # kept: zeros and linear, as linear and linear
    assert set(table["mutations"]) == {3} and set(table["row"]) == {ROW}
    assert table.set_index("start")["converged"].to_dict() == {
        "kept": True,
        "zeros": True,
        "linear": True,
        "random-1": False,
    }


def test_spread_is_that_over_the_starts():
    (row,) = starts.correlation_spread(correlated()[2]).to_dict("records")
    assert (row["pearson"], row["lowest"], row["highest"]) == pytest.approx((0.5, -0.5, 1.0), rel=1e-14)
    assert row["spread"] == pytest.approx(1.5, rel=1e-14) and row["starts"] == 3 and row["converged"]


def test_without_shifts_there_are_no_correlations():
    table = starts.correlations(ONE, {"p": HAND}.get, {"p": replicate("1", "zeros")[1]}.get)
    assert table.empty and {"start", "pearson", "lasso"} <= set(table.columns)
    assert starts.correlation_spread(table).empty


def test_files_are_read(tmp_path):
    write_json(tmp_path / "record.json", {"start": "zeros", "starts": HAND.starts})
    write_npz(tmp_path / "parameters.npz", conditions=np.array(["a", "b"]))
    assert starts.load(tmp_path) == HAND
    shifts = np.arange(6.0).reshape(2, 1, 3)
    write_npz(tmp_path / "parameters.npz", start_names=np.array(["zeros", "linear"]), start_shifts=shifts)
    found = starts.load(tmp_path).shifts
    assert list(found) == ["zeros", "linear"]
    np.testing.assert_array_equal(found["linear"], [[3.0, 4.0, 5.0]])


def test_a_record_without_distances_gives_none(tmp_path):
    listed = [{key: value for key, value in one.items() if key != "shift_distance"} for one in HAND.starts]
    (tmp_path / "record.json").write_text(json.dumps({"start": "zeros", "starts": listed}))
    write_npz(tmp_path / "parameters.npz", conditions=np.array(["a", "b"]))
    table = starts.outcomes(ONE.assign(path=str(tmp_path)))
    assert table["shift_distance"].isna().all()
    figure = starts.figure(table, starts.correlations(ONE, {"p": HAND}.get, {"p": None}.get))
    assert len(figure.axes) == 1 and "difference of at most" not in words(figure)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("zeros", "zeros"), ("random-3", "random"), ("random 12", "random"), ("random1", "random"), ("7", "7")],
)
def test_starts_that_differ_by_a_number_are_of_one_kind(name, expected):
    assert starts.kind(name) == expected


def points(ax, face):
    """Coordinates of all points whose face is white (hollow) or not."""
    chosen = [line for line in ax.lines if line.get_marker() not in ("None", None, "") and len(line.get_xdata())]
    chosen = [line for line in chosen if (line.get_markerfacecolor() == "white") == (face == "hollow")]
    return sorted(float(y) for line in chosen for y in line.get_ydata() if line.get_linestyle() == "None")


def test_figure_draws_each_start_and_counts():
    figure = starts.figure(
        starts.outcomes(ONE, {"p": HAND}.get), starts.correlations(ONE, {"p": HAND}.get, {"p": None}.get)
    )
    excess, distance = figure.axes
    assert points(excess, "filled") == pytest.approx([starts.EXCESS_FLOOR, 5e-7], rel=1e-7)
    assert points(excess, "hollow") == [0.5]
    assert points(distance, "filled") == [starts.DISTANCE_FLOOR, 1e-4] and points(distance, "hollow") == [0.25]
    text = words(figure)
    assert "zeros: at the best in 1 of 1 fits, kept in 1" in text
    assert "linear: at the best in 0 of 1 fits, kept in 0" in text
    assert "random, 2 starts: at the best in 1 of 1 fits, kept in 0" in text
    assert "At the best: within 1e-6 of the lowest objective of the fit's starts, relative." in text
    assert "On the dotted line: an excess of at most 1e-10 or a difference of at most 1e-6 (latent units)." in text
    assert "Hollow: 1 of 3 solves not converged. 1 more diverged: no point." in text and "Bars" not in text


def test_the_foot_names_the_limits_that_hold(monkeypatch):
    for name, value in (("LEVEL", 0.6), ("EXCESS_FLOOR", 1e-3), ("DISTANCE_FLOOR", 1e-2)):
        monkeypatch.setattr(starts, name, value)
    monkeypatch.setattr(starts, "_FLOORS", {"excess": starts.EXCESS_FLOOR, "shift_distance": starts.DISTANCE_FLOOR})
    table = starts.outcomes(ONE, {"p": HAND}.get)
    figure = starts.figure(table, starts.correlations(ONE, {"p": HAND}.get, {"p": None}.get))
    assert list(table["level"]) == [True, True, True, False]
    assert [min(points(ax, "filled")) for ax in figure.axes] == [1e-3, 1e-2]
    text = words(figure)
    assert "within 0.6 of" in text and "excess of at most 1e-3 or a difference of at most 1e-2 (latent" in text


def test_figure_has_bars_where_shifts_are_there():
    table, tried, made = correlated()
    figure = starts.figure(starts.outcomes(table, tried.get), made)
    assert len(figure.axes) == 3
    (bars,) = figure.axes[2].collections
    ((low, high),) = [segment[:, 1] for segment in bars.get_segments()]
    assert (low, high) == pytest.approx((-0.5, 1.0), rel=1e-14)
    assert points(figure.axes[2], "filled") == pytest.approx([0.5], rel=1e-14)
    assert "Bars: lowest to highest" in words(figure) and "b \N{MINUS SIGN} a" in words(figure)


def test_matrices_have_a_panel_each_with_their_own_bars():
    _, tried, _ = correlated()
    rows = [(name, 1e-4, label, f"r{label}") for name in ("equivariant", "reference") for label in "12"]
    fitted = {f"r{label}": replicate(label, "zeros")[1] for label in "12"}
    table = fits(rows)
    figure = starts.figure(starts.outcomes(table, tried.get), starts.correlations(table, tried.get, fitted.get))
    assert [ax.get_title() for ax in figure.axes[:2]] == ["equivariant", "reference"]
    assert [len(ax.collections) for ax in figure.axes] == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("tried", "expected"),
    [
        (StartResults("zeros", [start("zeros", 1.0)], {}), "One start per fit"),
        (
            StartResults("zeros", [start("zeros", None, "diverged"), start("linear", None, "diverged")], {}),
            "Every start div",
        ),
    ],
)
def test_figure_says_why_it_is_empty(tried, expected):
    load = {"p": tried}.get
    assert expected in words(starts.figure(starts.outcomes(ONE, load), starts.correlations(ONE, load, {"p": None}.get)))


def test_no_fit_gives_words():
    none = ONE.iloc[:0]
    empty = starts.outcomes(none, {}.get)
    assert "No fit finished" in words(starts.figure(empty, starts.correlations(none, {}.get, {}.get)))
    assert starts.tally(empty).empty
