"""Convergence of every fit: gaps and counts by hand, and what the page shows."""

import json

import numpy as np
import pandas as pd
import pytest

from proxsweep.report import convergence


def trace(objectives, start="zeros", seconds=0.5):
    count = len(objectives)
    return pd.DataFrame(
        {
            "start": start,
            "iteration": range(count),
            "objective": objectives,
            "relative_residual": [10.0**-k for k in range(count)],
            "seconds": [seconds * k for k in range(count)],
        }
    )


def fits(rows, parameter="ridge"):
    """Rows of (weight, replicate, status, objective, path[, start])."""
    return pd.DataFrame(
        [
            {
                "study": "s",
                "family": "any",
                parameter: row[0],
                "replicate": row[1],
                "fold": np.nan,
                "status": row[2],
                "relative_residual": 1e-7 if row[2] == "converged" else 1e-3,
                "residual": 1e-9,
                "objective": row[3],
                "iterations": 3,
                "start": row[5] if len(row) > 5 else "zeros",
                "solve_seconds": 1.5,
                "compile_seconds": 0.5,
                "path": row[4],
            }
            for row in rows
        ]
    )


TWO = fits([(0.0, "1", "converged", 1.0, "p"), (1e-5, "1", "max_iterations", 2.0, "q")])
TRACES = {"p": trace([5.0, 2.0, 1.5, 1.0]), "q": trace([5.0, 4.0, 3.0, 2.0])}


def words(figure):
    texts = [text.get_text() for ax in figure.axes for text in ax.texts]
    for legend in figure.legends:
        texts += [legend.get_title().get_text(), *(text.get_text() for text in legend.get_texts())]
    foot = figure._supxlabel.get_text() if figure._supxlabel else ""
    return " ".join([*texts, foot.replace("\n", " ")])


def test_gaps_are_relative_to_the_best_of_the_fit():
    found = convergence.gaps(trace([5.0, 2.0, 1.5, 1.6]), objective=1.6)
    assert found == pytest.approx([3.5 / 1.5, 0.5 / 1.5, 0.0, 0.1 / 1.5])
    assert convergence.gaps(trace([5.0, 2.0]), objective=1.0) == pytest.approx([4.0, 1.0])
    assert convergence.gaps(trace([-1.0, -2.0]), objective=-2.0) == pytest.approx([0.5, 0.0])
    assert convergence.gaps(trace([3.0, 0.0]), objective=0.0) == pytest.approx([3.0, 0.0])


def test_gaps_of_a_diverged_fit_are_missing():
    found = convergence.gaps(trace([5.0, np.inf, np.nan]), objective=np.nan)
    assert found[0] == 0 and np.isnan(found[1:]).all()
    assert np.isnan(convergence.gaps(trace([np.nan]), objective=np.nan)).all()


def test_curves_hold_every_start_and_mark_the_winner():
    table = fits([(0.0, "1", "converged", 1.0, "p", "linear")])
    both = pd.concat([trace([5.0, 1.2]), trace([4.0, 1.0], "linear")])
    points = convergence.curves(table, {"p": both}.get)
    assert points.groupby("start")["won"].all().to_dict() == {"linear": True, "zeros": False}
    assert points["gap"].tolist() == pytest.approx([4.0, 0.2, 3.0, 0.0])


def test_tables_show_how_far_apart_the_starts_ended():
    table = fits([(0.0, "1", "converged", 1.0, "p", "linear"), (0.1, "1", "converged", 3.0, "q")])
    folders = {"p": pd.concat([trace([5.0, 1.2]), trace([4.0, 1.0], "linear")]), "q": trace([4.0, 3.0])}
    found = convergence.fits_table(table, convergence.curves(table, folders.get))
    assert found["starts"].tolist() == [2, 1]
    assert found["start_spread"].tolist() == pytest.approx([0.2, 0.0])
    assert found["status"].tolist() == ["converged", "converged"]
    assert list(found.columns[:6]) == ["study", "ridge", "replicate", "fold", "resample", "status"]


def test_statuses_are_counted_over_replicates():
    rows = [
        (0.0, "1", "converged", 1.0, "p"),
        (0.0, "2", "max_seconds", 1.0, "p"),
        (0.1, "1", "diverged", 1.0, "p"),
    ]
    table = fits(rows)
    jobs = pd.DataFrame(
        {
            "study": "s",
            "ridge": [0.0, 0.0, 0.1, 0.1],
            "replicate": ["1", "2", "1", "2"],
            "status": ["converged", "max_seconds", "diverged", "failed"],
            "path": list("pppx"),
        }
    )
    every = convergence.fits_table(table, convergence.curves(table, TRACES.get), jobs)
    assert len(every) == 4 and every["path"].tolist() == ["p", "p", "p", "x"]
    counts = convergence.status_table(every, "replicate").set_index("ridge")
    assert counts["fits"].to_dict() == {0.0: 2, 0.1: 2}
    assert counts.loc[0.0, list(convergence.STATUSES)].tolist() == [1, 0, 1, 0, 0]
    assert counts.loc[0.1, list(convergence.STATUSES)].tolist() == [0, 0, 0, 1, 1]
    assert counts["n_unconverged"].to_dict() == {0.0: 1, 0.1: 2}
    assert counts.loc[0.0, "worst_relative_residual"] == 1e-3


def test_the_page_shows_every_fit_in_four_panels():
    figure = convergence.figure(
        TWO, convergence.curves(TWO, TRACES.get), [1e-6], strength="ridge", label="Ridge weight"
    )
    assert len(figure.axes) == 4
    labels = [(ax.get_xlabel(), ax.get_ylabel().replace("\n", " ")) for ax in figure.axes]
    assert labels[0][1] == "Relative residual" and labels[2][1].startswith("Objective above the best")
    assert labels[2][0] == "Iteration" and labels[3][0] == "Seconds of solving"
    assert all(ax.get_xscale() == ax.get_yscale() == "log" for ax in figure.axes)
    curves = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 3]
    assert [line.get_ydata().tolist() for line in curves] == [[0.1, 0.01, 0.001]] * 2
    assert curves[0].get_color() != curves[1].get_color()
    seconds = [line for line in figure.axes[3].lines if len(line.get_xdata()) == 2]
    assert [line.get_xdata().tolist() for line in seconds] == [[0.5, 1.0]] * 2, "the gap is 0 at the last point"
    text = words(figure)
    assert "Ridge weight" in text and "1e-5" in text and "tolerance" in text


def test_unconverged_fits_are_dashed_hollow_and_named():
    figure = convergence.figure(TWO, convergence.curves(TWO, TRACES.get))
    assert "Hollow and dashed: 1 of 2 fits not converged" in words(figure)
    good, bad = (line for line in figure.axes[0].lines if len(line.get_xdata()) == 3)
    assert (good.get_linestyle(), bad.get_linestyle()) == ("-", "--")
    ends = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 1]
    assert sorted(line.get_markerfacecolor() == "white" for line in ends) == [False, True]


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "ratio"), [(0.1, 1.3), (0.013, 4), (0.7, 30), (40.0, 1e5), (0.013, 1.3)])
def test_labels_of_seconds_do_not_overlap(seconds, ratio):
    times = seconds * np.array([0.5, 1.0, ratio**0.5, ratio])
    points = convergence.curves(TWO, {name: trace.assign(seconds=times) for name, trace in TRACES.items()}.get)
    figure = convergence.figure(TWO, points)
    figure.draw_without_rendering()
    axis = figure.axes[3].xaxis
    low, high = figure.axes[3].get_xlim()
    labels = [t.label1 for t in axis.get_major_ticks() if low <= t.get_loc() <= high]
    boxes = sorted((label.get_window_extent() for label in labels), key=lambda box: box.x0)
    assert len(boxes) >= 2
    assert all(left.x1 < right.x0 for left, right in zip(boxes, boxes[1:], strict=False))
    assert not any(label.get_text() for label in axis.get_minorticklabels())


def test_failed_jobs_are_named():
    text = words(convergence.figure(TWO, convergence.curves(TWO, TRACES.get), failed=2))
    assert "2 more jobs failed" in text


def test_no_fit_gives_words():
    empty = TWO.iloc[:0]
    points = convergence.curves(empty, TRACES.get)
    assert "No fit left a record: 3 failed." in words(convergence.figure(empty, points, failed=3))
    assert convergence.fits_table(empty, points).empty
    assert convergence.status_table(convergence.fits_table(empty, points)).empty


def test_a_sweep_without_a_strength_is_drawn():
    table = fits([(2, "1", "converged", 1.0, "p"), (3, "1", "converged", 2.0, "q")], parameter="rank")
    figure = convergence.figure(table, convergence.curves(table, TRACES.get))
    assert len([line for line in figure.axes[0].lines if len(line.get_xdata()) == 3]) == 2
    assert "All 2 fits converged" in words(figure) and "weight" not in words(figure)
    counts = convergence.status_table(convergence.fits_table(table, convergence.curves(table, TRACES.get)))
    assert counts["rank"].tolist() == [2, 3]


def test_a_fit_that_started_at_its_optimum_is_drawn():
    table = fits([(0.0, "1", "converged", 1.0, "p")])
    figure = convergence.figure(table, convergence.curves(table, {"p": trace([1.0])}.get))
    assert [line.get_xdata().tolist() for line in figure.axes[0].lines if len(line.get_xdata())] == [
        [1.0],
        [1.0],
    ]


@pytest.mark.slow
def test_hundreds_of_fits_fit_on_the_page():
    rows = [(k * 1e-6, str(r), "converged", 1.0, "p") for k in range(100) for r in (1, 2)]
    figure = convergence.figure(fits(rows), convergence.curves(fits(rows), TRACES.get), strength="ridge")
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(named) <= 20 and named[0] == "0" and "9.9e-5" in named


def test_the_foot_says_where_lines_end_and_how_many_colours_are_named(monkeypatch):
    every = fits([(k * 1e-6, "1", "converged", 1.0, "p") for k in range(3)])
    points = convergence.curves(every, TRACES.get)
    assert words(convergence.figure(every, points, strength="ridge")).endswith("best objective, or at 1e-12.")
    monkeypatch.setattr(convergence, "MOST_NAMED", 2)
    monkeypatch.setattr(convergence, "GAP_FLOOR", 0.6)
    figure = convergence.figure(every, points, strength="ridge")
    assert [text.get_text() for text in figure.legends[0].get_texts()][:3] == ["0", "2e-6", "converged"]
    assert words(figure).endswith("or at 6e-01. The legend names 2 of 3 colours.")
    gaps = [line.get_ydata().tolist() for line in figure.axes[2].lines if len(line.get_xdata())]
    assert gaps == [[1.0]] * len(gaps) and gaps, "0.5 and 0 are below the floor"


def test_tolerances_come_from_the_records(tmp_path):
    for name, tolerance in (("a", 1e-6), ("b", 1e-4), ("c", 1e-6)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "record.json").write_text(json.dumps({"tolerance": tolerance}))
    assert convergence.tolerances(tmp_path / name for name in "abc") == [1e-6, 1e-4]


TRACE = "start,iteration,objective,relative_residual,seconds\nzeros,0,0.30000000000000004,1.0,0.1\n"


def test_traces_are_read_with_empty_starts_as_text(tmp_path):
    (tmp_path / "trace.csv").write_text(TRACE)
    assert convergence.load_trace(tmp_path)["objective"].tolist() == [0.1 + 0.2]
