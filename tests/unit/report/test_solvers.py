"""Solvers compared: gaps by hand, values carried on, and what the page shows."""

import numpy as np
import pandas as pd
import pytest

from proxsweep.report import convergence, solvers


def trace(objectives: list[float], start: str) -> pd.DataFrame:
    count = len(objectives)
    values = {"start": start, "iteration": range(count), "objective": objectives, "seconds": np.arange(count) / 10}
    return pd.DataFrame({**values, "relative_residual": [10.0**-k for k in range(count)]})


TRACES = {
    "a2": pd.concat([trace([9.0, 5.0, 4.0], "x"), trace([9.0, 6.0], "y")]),
    "b2": trace([8.0, 4.5, 2.0], "x"),
    "a3": trace([7.0, 1.0], "x"),
    "b3": trace([7.0, np.nan, 3.0], "x"),
    "fold": trace([7.0, 0.1], "x"),
}


@pytest.fixture
def fits() -> pd.DataFrame:
    rows = [("a", 2, "a2", 4.0), ("b", 2, "b2", 1.6), ("a", 3, "a3", 1.0), ("b", 3, "b3", 3.0), ("a", 2, "fold", 0.1)]
    table = pd.DataFrame(rows, columns=["algorithm", "rank", "path", "objective"])
    status = ["converged", "max_iterations", "converged", "converged", "converged"]
    fixed = {"study": "s", "family": "any", "status": status, "start": "x", "resample": ""}
    table = table.assign(**fixed, fold=["", "", "", "", "1"])
    return table[["study", "family", "algorithm", "rank", "fold", "resample", "status", "objective", "start", "path"]]


def test_the_gap_is_to_the_best_of_all_solvers_on_the_same_problem(fits):
    found = solvers.to_best_known(fits, convergence.curves(fits, TRACES.get), ["algorithm"])
    assert set(found["fit"]) == {0, 1, 2, 3}  # a fold is another problem
    gaps = {place: part["gap"].tolist() for place, part in found.groupby("fit")}
    # what was written may be below all looks: 1.6 at rank 2
    np.testing.assert_allclose(gaps[0], [4.625, 2.125, 1.5, 4.625, 2.75], rtol=1e-12)
    np.testing.assert_allclose(gaps[1], [4.0, 1.8125, 0.25], rtol=1e-12)
    assert gaps[2] == [6.0, 0.0] and gaps[3][::2] == [6.0, 2.0] and np.isnan(gaps[3][1])
    assert found.groupby("fit")["solver"].first().tolist() == ["a", "b", "a", "b"]


def test_a_start_that_has_ended_keeps_its_last_value():
    lines = [np.array([[1.0, 5.0], [2.0, 3.0]]), np.array([[2.0, 8.0], [8.0, 1.0]])]
    places, values = solvers.carried(lines)
    assert places[0] == 1.0 and places[-1] == 8.0
    assert values[0, 0] == 5.0 and (values[0, places >= 2.0] == 3.0).all()
    assert (values[1, places < 8.0] == 8.0).all() and values[1, -1] == 1.0


def test_a_colour_for_each_solver_and_what_did_not_converge_is_told(fits):
    figure = solvers.figure(fits, convergence.curves(fits, TRACES.get), ["algorithm"], [1e-6], failed=1)
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["a", "b", "median", "one start", "range", "tolerance"]
    assert figure.legends[0].get_title().get_text() == "algorithm"
    foot = figure._supxlabel.get_text().replace("\n", " ")
    assert "5 starts of 4 fits" in foot and "1 of these did not converge" in foot and "1 more job failed" in foot


def test_without_a_fit_the_figure_says_so(fits):
    empty = fits.iloc[:0]
    figure = solvers.figure(empty, convergence.curves(empty, TRACES.get), ["algorithm"], failed=2)
    assert "2 failed" in " ".join(text.get_text() for ax in figure.axes for text in ax.texts)
