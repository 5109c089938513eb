"""Fits and refits under other references: agreement counted by hand, and the figure against its table."""

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.results.fitted import Fitted
from proxsweep.dms.results.reread import Reading
from proxsweep.dms.summaries import references

MUTATIONS = ["A1C", "A1D", "A2D", "G3P", "G3R"]


def reading(beta_a, beta_b, seen_b=(1, 1, 1, 1, 1)) -> Reading:
    a, b = np.asarray(beta_a, float), np.asarray(beta_b, float)
    table = pd.DataFrame(
        {
            "mutation": MUTATIONS,
            "site": [name[1] for name in MUTATIONS],
            "beta_a": a,
            "beta_b": b,
            "shift_b-minus-a": b - a,
            "times_seen_a": 1,
            "times_seen_b": seen_b,
        }
    )
    return Reading("a", {"a": 0.0, "b": 0.0}, {"3"}, Fitted(["a", "b"], {"b-minus-a": ["a", "b"]}, table))


READINGS = {
    "own": reading([1, 2, 3, 4, 5], [1, 2.5, 3, 6, 5]),
    "other": reading([1, 2, 3, 4, 6], [1.5, 2.25, 3, 5, 6], seen_b=(1, 1, 1, 1, 0)),
    "same": reading([1, 2, 3, 4, 5], [1, 2.5, 3, 6, 5]),
}


def load(path: str, reference: str) -> Reading:
    assert reference == "a"
    return READINGS[path]


def fits(paths: dict[float, str], status: str = "converged") -> pd.DataFrame:
    rows = {"study": "s", "family": "dms", "difference": "equivariant", "lasso": list(paths), "replicate": "1"}
    return pd.DataFrame({**rows, "fold": np.nan, "resample": np.nan, "status": status, "path": list(paths.values())})


OWN = fits({0.0: "own", 1e-5: "own"})


def row(found, quantity, name, sites, lasso=1e-5):
    rows = found[(found["quantity"] == quantity) & (found["row"] == name) & (found["sites"] == sites)]
    rows = rows[rows["lasso"] == lasso]
    assert len(rows) == 1
    return rows.iloc[0]


def test_agreement_is_counted_over_mutations_that_both_fits_saw():
    found = references.table(OWN, {"b": fits({1e-5: "other"})}, "a", load=load)
    assert set(found["lasso"]) == {1e-5} and set(found["reference"]) == {"b"}
    effects = row(found, "effect", "b", "all")
    assert effects["mutations"] == 4
    assert effects["pearson"] == pytest.approx(np.corrcoef([1, 2.5, 3, 6], [1.5, 2.25, 3, 5])[0, 1], rel=1e-12)
    assert effects["root_mean_square"] == pytest.approx(np.sqrt((0.25 + 0.0625 + 0 + 1) / 4), rel=1e-12)
    assert effects["largest"] == 1
    # shifts: own 0, 0.5, 0, 2, 0; refit 0.5, 0.25, 0, 1, -: the last mutation is not seen in b
    shifts = row(found, "shift", "b-minus-a", "all")
    assert [shifts[f"nonzero_{name}"] for name in ("own", "other", "both")] == [2, 3, 2]
    assert shifts["jaccard"] == pytest.approx(2 / 3)
    assert row(found, "shift", "b-minus-a", "shared")["jaccard"] == 0.5
    assert row(found, "shift", "b-minus-a", "differing")["mutations"] == 1
    assert row(found, "effect", "all", "all")["mutations"] == 5 + 4


def test_nothing_is_said_where_it_means_nothing():
    found = references.table(OWN, {"b": fits({1e-5: "other"})}, "a", load=load)
    one = row(found, "shift", "all", "differing")
    assert np.isnan(one["pearson"]) and "fewer than 3" in one["note"] and one["largest"] == 1
    diverged = references.table(OWN, {"b": fits({1e-5: "other"}, "diverged")}, "a", load=load)
    assert list(diverged["note"]) == ["a fit diverged"] and not diverged["converged"].any()


def test_the_same_fit_agrees_with_itself():
    found = references.table(OWN, {"b": fits({0.0: "same", 1e-5: "same"})}, "a", load=load)
    assert (found["largest"] == 0).all() and np.allclose(found["pearson"].dropna(), 1, rtol=1e-12)
    assert (found["jaccard"].dropna() == 1).all() and set(found["lasso"]) == {0.0, 1e-5}


def test_unconverged_fits_are_hollow_and_counted():
    found = references.table(OWN, {"b": fits({0.0: "same", 1e-5: "other"}, "max_iterations")}, "a", load=load)
    figure = references.figure(found)
    assert "Hollow: 2 of 2 pairs" in figure._supxlabel.get_text()
    faces = {
        line.get_markerfacecolor()
        for ax in figure.axes
        for line in ax.lines
        if line.get_marker() in references.MARKERS.values() and len(line.get_xdata())
    }
    assert faces == {"white"}


def test_pairs_without_a_point_are_counted_apart_or_say_why_there_is_none():
    refits = fits({0.0: "same", 1e-5: "other"}, ["converged", "diverged"])
    figure = references.figure(references.table(OWN, {"b": refits}, "a", load=load))
    foot = figure._supxlabel.get_text().replace("\n", " ")
    assert foot == "The pair of a fit and its refit converged. 1 more diverged: no point."
    labels = {text.get_text() for text in figure.legends[0].get_texts()}
    assert labels == {"b as reference", "sites with one wildtype", "sites where wildtypes differ"}
    gone = references.table(OWN, {"b": fits({1e-5: "other"}, "diverged")}, "a", load=load)
    text = references.figure(gone).axes[0].texts[0].get_text()
    assert text == "No fit and refit to compare: a fit diverged."


def test_the_figure_shows_the_numbers_of_the_table():
    found = references.table(OWN, {"b": fits({0.0: "same", 1e-5: "other"})}, "a", load=load)
    figure = references.figure(found)
    for ax, (quantity, measure, _) in zip(figure.axes, references.PANELS, strict=True):
        rows = found[(found["row"] == "all") & (found["quantity"] == quantity) & (found["sites"] != "all")]
        expected = sorted(rows[measure].dropna())
        lines = [
            line
            for line in ax.lines
            if line.get_marker() in references.MARKERS.values() and line.get_transform() == ax.transData
        ]
        assert sorted(y for line in lines for y in line.get_ydata()) == expected
        assert expected


def test_without_a_refit_it_says_so():
    figure = references.figure(references.table(OWN, {"b": fits({2e-5: "other"})}, "a", load=load))
    assert figure.axes[0].texts[0].get_text() == "No fit and refit to compare."
