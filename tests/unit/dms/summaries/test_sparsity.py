"""Shares of zero shifts, counted by hand."""

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.results.fitted import Fitted
from proxsweep.dms.summaries import sparsity

# mutation, shift, seen in a, seen in b
HAND = [
    ("A1C", 0.0, 3, 1),
    ("A1D", 0.4, 1, 2),
    ("A1*", 0.0, 1, 1),
    ("A2*", 0.0, 2, 1),
    ("A3*", -0.1, 1, 1),
    ("A3-", 0.0, 1, 1),
    ("A4C", -0.0, 2, 5),
    ("A5C", 0.0, 0, 4),  # seen in b only
    ("A6*", 0.0, 7, 0),  # seen in a only
    ("A7C", 1e-300, 1, 1),  # small is not zero
]


def fitted(rows=HAND, shifts=None):
    mutations, values, first, second = (list(column) for column in zip(*rows, strict=True))
    table = pd.DataFrame(
        {
            "mutation": mutations,
            "mutant": [name[-1] for name in mutations],
            "shift_b-minus-a": values if shifts is None else shifts,
            "times_seen_a": first,
            "times_seen_b": second,
        }
    )
    return Fitted(["a", "b"], {"b-minus-a": ["a", "b"]}, table)


def fits(rows):
    """Rows of (difference, lasso, replicate, path, status)."""
    names = ["difference", "lasso", "replicate", "path", "status"]
    table = pd.DataFrame(rows, columns=names).assign(study="s", family="dms", fold=np.nan)
    return table[["study", "family", "difference", "lasso", "replicate", "fold", "status", "path"]]


def counted(fit, **options):
    table = sparsity.shares(fits([("reference", 1e-5, "1", "p", "converged")]), {"p": fit}.get, **options)
    return table.set_index("kind")


def words(figure):
    texts = [text.get_text() for ax in figure.axes for text in ax.texts]
    for legend in figure.legends:
        texts += [legend.get_title().get_text(), *(text.get_text() for text in legend.get_texts())]
    foot = figure._supxlabel.get_text() if figure._supxlabel else ""
    return " ".join([*texts, foot.replace("\n", " ")])


def test_shares_are_those_counted_by_hand():
    table = counted(fitted())
    assert table["mutations"].to_dict() == {"all": 8, "nonsynonymous": 4, "stop": 3, "deletion": 1}
    assert table["zero"].to_dict() == {"all": 5, "nonsynonymous": 2, "stop": 2, "deletion": 1}
    assert table["zero_share"].to_dict() == pytest.approx(
        {"all": 5 / 8, "nonsynonymous": 2 / 4, "stop": 2 / 3, "deletion": 1.0}
    )
    assert set(table["note"]) == {""} and table["converged"].all()


# mutation, shifts of b and of c, seen in a, b and c
THREE = [
    ("A1C", 0.0, 0.5, 1, 1, 1),
    ("A1D", 0.3, 0.0, 2, 1, 3),
    ("A2*", 0.0, 0.0, 1, 1, 2),
    ("A3C", 0.0, 0.0, 1, 1, 0),  # not in c
    ("A4C", 0.0, 0.0, 1, 4, 0),  # not in c
    ("A5C", 0.2, 0.0, 1, 0, 1),  # not in b
    ("A6*", -0.1, 0.0, 0, 1, 1),  # not in a
]


def three_conditions():
    names = ["mutation", "shift_b-minus-a", "shift_c-minus-a", *(f"times_seen_{name}" for name in "abc")]
    table = pd.DataFrame(THREE, columns=names)
    rows = {"b-minus-a": ["a", "b"], "c-minus-a": ["a", "c"]}
    return Fitted(list("abc"), rows, table.assign(mutant=table["mutation"].str[-1]))


@pytest.mark.parametrize(
    ("row", "compared", "everywhere"),
    [
        ("b-minus-a", {"all": (4, 5), "nonsynonymous": (3, 4), "stop": (1, 1)}, {"nonsynonymous": (1, 2)}),
        ("c-minus-a", {"all": (3, 4), "nonsynonymous": (2, 3), "stop": (1, 1)}, {"nonsynonymous": (1, 2)}),
    ],
)
def test_mutations_seen_in_every_condition_are_counted_beside_those_a_row_compares(row, compared, everywhere):
    table = sparsity.shares(fits([("reference", 1e-5, "1", "p", "converged")]), {"p": three_conditions()}.get)
    table = table[table["row"] == row].set_index("kind")
    for kind, (zero, mutations) in compared.items():
        assert table.loc[kind, ["zero", "mutations", "zero_share"]].tolist() == [zero, mutations, zero / mutations]
    for kind, (zero, mutations) in ({"all": (2, 3), "stop": (1, 1)} | everywhere).items():
        assert table.loc[kind, list(sparsity.EVERYWHERE)].tolist() == [mutations, zero, zero / mutations]
    assert table.loc["deletion", "mutations_everywhere"] == 0
    assert np.isnan(table.loc["deletion", "zero_share_everywhere"])


def test_min_times_seen_counts_in_every_condition_too():
    found = fits([("reference", 1e-5, "1", "p", "converged")])
    table = sparsity.shares(found, {"p": three_conditions()}.get, min_times_seen=2)
    assert set(table["mutations_everywhere"]) == {0} and table["zero_share_everywhere"].isna().all()
    assert table.set_index(["row", "kind"]).loc[("c-minus-a", "all"), "mutations"] == 1


def test_min_times_seen_drops_rare_mutations():
    table = counted(fitted(), min_times_seen=2)
    assert table["mutations"].to_dict() == {"all": 1, "nonsynonymous": 1, "stop": 0, "deletion": 0}
    assert table.loc["nonsynonymous", "zero_share"] == 1.0, "minus zero is zero"
    assert table.loc["stop", "note"] == "no stop codons to count" and np.isnan(table.loc["stop", "zero_share"])


def test_kinds_of_mutants():
    assert sparsity.kinds(pd.Series(["A", "*", "-", "Y"])).tolist() == [
        "nonsynonymous",
        "stop",
        "deletion",
        "nonsynonymous",
    ]


def test_a_diverged_fit_has_no_share():
    table = counted(fitted(shifts=[np.nan] * len(HAND)))
    assert table["zero_share"].isna().all()
    assert set(table["note"]) == {"the fit diverged"}


def test_statuses_stand_in_every_row():
    rows = [("reference", 0.0, "1", "p", "max_seconds"), ("reference", 0.0, "2", "p", "converged")]
    table = sparsity.shares(fits(rows), {"p": fitted()}.get)
    assert table.groupby("replicate")["status"].unique().map(list).to_dict() == {
        "1": ["max_seconds"],
        "2": ["converged"],
    }
    assert table.groupby("replicate")["converged"].all().to_dict() == {"1": False, "2": True}


def study(fit, statuses=("converged", "converged")):
    rows = [
        (difference, lasso, replicate, "p", status)
        for difference in ("reference", "equivariant")
        for lasso in (1e-4, 0.0, 1e-5)
        for replicate, status in zip(("1", "2"), statuses, strict=True)
    ]
    return sparsity.shares(fits(rows), {"p": fit}.get)


def test_rows_are_sorted_by_matrix_weight_and_replicate():
    table = study(fitted())
    found = table.loc[table["kind"] == "all", ["difference", "lasso", "replicate"]].to_numpy().tolist()
    assert found == [[d, w, r] for d in ("reference", "equivariant") for w in (0.0, 1e-5, 1e-4) for r in ("1", "2")]


def test_figure_shows_stops_below_other_mutations():
    figure = sparsity.figure(study(fitted()))
    assert len(figure.axes) == 4
    assert [ax.get_title() for ax in figure.axes] == ["reference", "equivariant", "", ""]
    labels = [ax.get_ylabel().replace("\n", " ") for ax in figure.axes]
    assert labels[0] == "Share of zero shifts, nonsynonymous mutations"
    assert labels[2] == "Share of zero shifts, stop codons"
    for ax, share in zip(figure.axes, (0.5, 0.5, 2 / 3, 2 / 3), strict=True):
        curves = [line for line in ax.lines if len(line.get_xdata()) == 3 and line.get_linestyle() == "-"]
        assert len(curves) == 2, "a line for each replicate"
        assert all(line.get_ydata() == pytest.approx([share] * 3) for line in curves)
    text = words(figure)
    assert "Among mutations seen in all conditions that a row compares" in text
    assert "b \N{MINUS SIGN} a (n = 4; stops 3)" in text
    assert "All 12 fits converged" in text and "Deletions are counted apart" in text


def test_figure_marks_unconverged_fits():
    figure = sparsity.figure(study(fitted(), ("converged", "max_iterations")))
    assert "Hollow: 6 of 12 fits not converged" in words(figure)
    hollow = [
        line
        for line in figure.axes[0].lines
        if line.get_marker() == "s" and line.get_markerfacecolor() == "white" != line.get_markeredgecolor()
    ]
    assert sum(len(line.get_xdata()) for line in hollow) == 3


def test_figure_without_stops_says_so():
    unseen = [row for row in HAND if "*" not in row[0]] + [("A6*", 0.0, 7, 0)]
    figure = sparsity.figure(study(fitted(unseen)))
    assert len(figure.axes) == 2
    assert "No stop codons to count: the control does not apply." in words(figure)
    assert "No stop codons" not in words(sparsity.figure(study(fitted())))
    assert "Deletions" not in words(sparsity.figure(study(fitted([row for row in HAND if "-" not in row[0]]))))


def test_a_panel_says_why_it_is_empty_and_what_diverged_is_counted_apart():
    rows = [("reference", 0.0, "1", "p", "converged"), ("equivariant", 0.0, "1", "q", "diverged")]
    other = fitted(shifts=[np.nan] * len(HAND))
    lost = Fitted(other.conditions, {"b-or-a": ["a", "b"]}, other.mutations.assign(**{"shift_b-or-a": np.nan}))
    figure = sparsity.figure(sparsity.shares(fits(rows), {"p": fitted(), "q": lost}.get))
    assert [ax.texts[0].get_text() for ax in figure.axes if ax.texts] == ["The fit diverged."] * 2
    assert "The fit converged. 1 more diverged: no point." in words(figure)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["b \N{MINUS SIGN} a (n = 4; stops 3)"]


def test_headline_names_the_threshold():
    assert "seen at least 3 times in all conditions" in words(sparsity.figure(study(fitted()), min_times_seen=3))


def test_one_condition_gives_a_header_and_words():
    plain = pd.DataFrame({"mutation": ["A1C"], "mutant": ["C"], "times_seen_a": [1]})
    table = sparsity.shares(fits([("reference", 0.0, "1", "p", "converged")]), {"p": Fitted(["a"], {}, plain)}.get)
    assert table.empty
    assert list(table.columns) == ["study", "difference", "lasso", "replicate", *sparsity.RESULTS]
    assert "One condition" in words(sparsity.figure(table))


def test_no_fit_gives_other_words():
    table = sparsity.shares(fits([]), {}.get)
    text = words(sparsity.figure(table, finished=False))
    assert "No fit finished" in text and "condition" not in text


def test_mutations_shared_by_nothing_give_words():
    fit = fitted([("A5C", 0.0, 0, 4), ("A6C", 0.0, 7, 0)])
    assert "No mutations to count. " in words(sparsity.figure(study(fit)))


def test_one_weight_is_drawn():
    table = sparsity.shares(fits([("reference", 4e-5, "1", "p", "converged")]), {"p": fitted()}.get)
    figure = sparsity.figure(table)
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["4e-5"]


def test_without_a_penalty_rows_of_inner_nodes_are_not_counted():
    plain = fitted()
    tree = Fitted(plain.conditions, plain.rows, plain.mutations, frozenset({"b-minus-a"}))
    table = sparsity.shares(fits([("tree", lasso, "1", "p", "converged") for lasso in (0.0, 1e-5)]), {"p": tree}.get)
    free, held = (table[table["lasso"] == lasso].set_index("kind").loc["all"] for lasso in (0.0, 1e-5))
    assert np.isnan(free["zero_share"]) and np.isnan(free["zero_share_everywhere"]) and "inner node" in free["note"]
    assert held["zero_share"] > 0 and held["note"] == ""
