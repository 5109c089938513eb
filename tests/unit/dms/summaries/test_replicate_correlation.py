"""Correlation of shifts between replicates: against SciPy, by hand, and against a plain bootstrap loop."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from proxsweep.dms.results.fitted import Fitted, load
from proxsweep.dms.summaries import replicate_correlation

MUTATIONS = [f"A{site}C" for site in range(1, 9)]


def fitted(shift, seen_a=None, seen_b=None, mutations=MUTATIONS, beta=None):
    count = len(mutations)
    table = pd.DataFrame(
        {
            "mutation": mutations,
            "mutant": "C",
            "beta_a": np.arange(count) if beta is None else beta,
            "beta_b": np.arange(count) + np.asarray(shift, dtype=float),
            "shift_b-minus-a": np.asarray(shift, dtype=float),
            "times_seen_a": [5] * count if seen_a is None else seen_a,
            "times_seen_b": [5] * count if seen_b is None else seen_b,
        }
    )
    return Fitted(["a", "b"], {"b-minus-a": ["a", "b"]}, table)


def fits(rows, **more):
    """Rows of (difference, lasso, replicate, path[, status])."""
    table = pd.DataFrame(
        [
            {
                "study": "s",
                "family": "dms",
                "difference": row[0],
                "lasso": row[1],
                "replicate": row[2],
                **more,
                "fold": np.nan,
                "status": row[4] if len(row) > 4 else "converged",
                "path": row[3],
            }
            for row in rows
        ],
        columns=["study", "family", "difference", "lasso", "replicate", *more, "fold", "status", "path"],
    )
    return table


X = [0.0, 0.5, -1.2, 0.0, 2.0, 0.3, 0.0, -0.4]
Y = [0.0, 0.7, -0.9, 0.1, 1.5, 0.0, 0.0, -0.1]


def two(a, b, **options):
    folders = {"p": a, "q": b}
    table = replicate_correlation.correlate(
        fits([("reference", 1e-5, "1", "p"), ("reference", 1e-5, "2", "q")]), folders.get, **options
    )
    return table[table["quantity"] == "shift"].iloc[0]


def test_correlation_is_that_of_scipy():
    row = two(fitted(X), fitted(Y))
    assert row["pearson"] == pytest.approx(scipy.stats.pearsonr(X, Y).statistic, abs=1e-14)
    assert row["mutations"] == 8
    assert row["both_zero_share"] == 2 / 8
    assert (row["replicate_a"], row["replicate_b"], row["row"]) == ("1", "2", "b-minus-a")
    assert row["converged"] and row["note"] == ""


def test_only_mutations_seen_in_both_replicates_and_conditions_count():
    a = fitted(X, seen_a=[1, 1, 1, 1, 1, 1, 1, 0])
    b = fitted(Y, seen_b=[0, 1, 1, 1, 1, 1, 1, 1])
    row = two(a, b)
    assert row["mutations"] == 6
    assert row["pearson"] == pytest.approx(np.corrcoef(X[1:7], Y[1:7])[0, 1], abs=1e-14)


def test_mutations_are_matched_by_name_not_by_place():
    order = [3, 1, 7, 0, 6, 2]  # another order, and two mutations never seen in this replicate
    b = fitted([Y[k] for k in order], mutations=[MUTATIONS[k] for k in order])
    row = two(fitted(X), b)
    assert row["mutations"] == 6
    assert row["pearson"] == pytest.approx(np.corrcoef([X[k] for k in order], [Y[k] for k in order])[0, 1], abs=1e-14)


def test_min_times_seen_holds_in_each_replicate():
    row = two(fitted(X, seen_a=[1, 2, 2, 2, 3, 3, 3, 3]), fitted(Y), min_times_seen=2)
    assert row["mutations"] == 7
    row = two(fitted(X, seen_a=[0, 2, 2, 2, 3, 3, 3, 3]), fitted(Y), min_times_seen=0)
    assert row["mutations"] == 7, "a mutation that was never seen has no shift, whatever the threshold"


def test_interval_is_that_of_a_plain_loop():
    rng = np.random.default_rng(11)
    x = rng.normal(size=150)
    y = 0.6 * x + rng.normal(size=150)
    generator = np.random.default_rng(5)
    drawn = []
    for _ in range(230):  # not a multiple of the block of resamples
        chosen = generator.integers(150, size=150)
        drawn.append(scipy.stats.pearsonr(x[chosen], y[chosen]).statistic)
    expected = np.percentile(drawn, [2.5, 97.5])
    lower, upper, defined = replicate_correlation.interval(x + 1000, 3 * y, bootstrap=230, seed=5)
    assert (lower, upper) == pytest.approx(tuple(expected), abs=1e-9)
    assert defined == 230


def test_interval_covers_what_theory_says():
    rng = np.random.default_rng(3)
    x = rng.normal(size=2000)
    y = 0.5 * x + np.sqrt(0.75) * rng.normal(size=2000)
    lower, upper, _ = replicate_correlation.interval(x, y, bootstrap=500, seed=1)
    r = np.corrcoef(x, y)[0, 1]
    fisher = np.tanh(np.arctanh(r) + np.array([-1.96, 1.96]) / np.sqrt(1997))
    assert (lower, upper) == pytest.approx(tuple(fisher), abs=0.012)


@pytest.mark.parametrize("bootstrap", [0, 400])
def test_one_or_two_shifts_left_have_no_interval(bootstrap):
    one = [0.0] * 7 + [1.0]
    row = two(fitted(one), fitted(one), bootstrap=bootstrap)
    assert row["pearson"] == pytest.approx(1) and row["nonzero"] == 1
    assert np.isnan(row["lower"]) and np.isnan(row["upper"])
    assert row["note"] == "interval undefined: 1 mutation with a shift"
    row = two(fitted(one), fitted([0.0] * 6 + [0.5, 1.0]), bootstrap=bootstrap)
    assert row["nonzero"] == 2, "nonzero in either replicate"
    assert np.isnan(row["lower"]) and row["note"] == "interval undefined: 2 mutations with a shift"


def test_an_undefined_resample_leaves_no_interval():
    x, y = [0.0] * 7 + [1.0], [0.0] * 5 + [0.2, 0.5, 1.0]
    generator = np.random.default_rng(1)
    undefined = 0
    for _ in range(400):
        chosen = generator.integers(8, size=8)
        undefined += np.ptp(np.array(x)[chosen]) == 0 or np.ptp(np.array(y)[chosen]) == 0
    row = two(fitted(x), fitted(y), bootstrap=400, seed=1)
    assert 0 < undefined < 400 and row["nonzero"] == 3
    assert np.isnan(row["lower"]) and np.isnan(row["upper"])
    assert row["note"] == f"interval undefined: in {undefined} of 400 resamples a replicate does not vary"


def test_no_interval_without_bootstrap():
    row = two(fitted(X), fitted(Y), bootstrap=0)
    assert np.isnan(row["lower"]) and np.isnan(row["upper"]) and not np.isnan(row["pearson"])


def test_order_and_number_of_fits_do_not_matter():
    rng = np.random.default_rng(0)
    folders, rows = {}, []
    for difference in ("reference", "equivariant"):
        for lasso in (0.0, 1e-5, 1e-4):
            for replicate in ("1", "2", "10"):
                path = f"{difference}/{lasso}/{replicate}"
                folders[path] = fitted(rng.normal(size=8))
                rows.append((difference, lasso, replicate, path))
    table = fits(rows)
    keys = ["difference", "lasso", "quantity", "row", "replicate_a", "replicate_b"]
    whole = replicate_correlation.correlate(table, folders.get, bootstrap=50).sort_values(keys, ignore_index=True)
    shuffled = replicate_correlation.correlate(table.sample(frac=1, random_state=4), folders.get, bootstrap=50)
    pd.testing.assert_frame_equal(whole, shuffled.sort_values(keys, ignore_index=True))
    assert set(zip(whole["replicate_a"], whole["replicate_b"], strict=True)) == {
        ("1", "2"),
        ("1", "10"),
        ("2", "10"),
    }
    one = replicate_correlation.correlate(table[table["lasso"] == 1e-5], folders.get, bootstrap=50)
    part = whole[whole["lasso"] == 1e-5].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, one.sort_values(keys, ignore_index=True))


def test_rows_are_sorted_by_weight_within_a_matrix():
    folders = {name: fitted(X) for name in "abcd"}
    rows = [
        ("reference", 1e-4, "1", "a"),
        ("reference", 1e-4, "2", "b"),
        ("reference", 0.0, "1", "c"),
        ("reference", 0.0, "2", "d"),
    ]
    table = replicate_correlation.correlate(fits(rows), folders.get, bootstrap=0)
    assert table["lasso"].tolist() == [0.0] * 3 + [1e-4] * 3
    assert table["quantity"].tolist() == ["shift", "effect", "effect"] * 2


@pytest.mark.parametrize(
    "x, y, reason",
    [
        ([0.0] * 8, Y, "all shifts are equal in replicate 1"),
        ([0.0] * 8, [0.0] * 8, "all shifts are equal in replicate 1 and replicate 2"),
        ([np.nan] * 8, Y, "diverged"),
        ([np.inf, *X[1:]], Y, "diverged"),
    ],
)
def test_undefined_correlations_say_why(x, y, reason):
    row = two(fitted(x), fitted(y))
    assert np.isnan(row[["pearson", "lower", "upper"]].astype(float)).all()
    assert reason in row["note"]


def test_two_mutations_are_too_few():
    a = fitted(X, seen_a=[1, 1, 0, 0, 0, 0, 0, 0])
    row = two(a, fitted(Y))
    assert np.isnan(row["pearson"]) and row["mutations"] == 2 and "fewer than 3" in row["note"]


def test_unconverged_fits_are_marked():
    folders = {"p": fitted(X), "q": fitted(Y)}
    table = replicate_correlation.correlate(
        fits([("reference", 0.0, "1", "p"), ("reference", 0.0, "2", "q", "max_iterations")]),
        folders.get,
        bootstrap=0,
    )
    assert not table["converged"].any()
    assert set(table["status_a"]) == {"converged"} and set(table["status_b"]) == {"max_iterations"}


def test_a_missing_fit_is_named():
    folders = {"p": fitted(X), "q": fitted(Y), "r": fitted(X)}
    table = replicate_correlation.correlate(
        fits([("reference", 0.0, "1", "p"), ("reference", 0.0, "2", "q"), ("reference", 1e-5, "1", "r")]),
        folders.get,
        bootstrap=0,
    )
    lost = table[table["lasso"] == 1e-5]
    assert lost["pearson"].isna().all() and not lost["converged"].any()
    assert set(lost["note"]) == {"no fit of replicate 2 at these parameters"}
    assert set(lost["status_b"]) == {"failed"}


def test_effects_are_correlated_by_condition():
    a = fitted(X, beta=[1.0, 2.0, 0.0, 1.0, 4.0, 1.0, 0.5, 3.0])
    b = fitted(Y, beta=[2.0, 1.0, 0.0, 1.0, 3.0, 2.0, 0.0, 2.0], seen_a=[1] * 7 + [0])
    table = replicate_correlation.correlate(
        fits([("reference", 0.0, "1", "p"), ("reference", 0.0, "2", "q")]), {"p": a, "q": b}.get, bootstrap=0
    ).set_index(["quantity", "row"])
    first, second = a.mutations, b.mutations
    for name, count in (("a", 7), ("b", 8)):
        row = table.loc[("effect", name)]
        expected = np.corrcoef(first[f"beta_{name}"][:count], second[f"beta_{name}"][:count])[0, 1]
        assert row["mutations"] == count
        assert row["pearson"] == pytest.approx(expected, abs=1e-14)


def test_one_replicate_is_said_in_table_and_figure():
    table = replicate_correlation.correlate(fits([("reference", 0.0, "1", "p")]), {"p": fitted(X)}.get)
    assert set(table["note"]) == {"one replicate only: nothing to correlate"}
    assert "One replicate only" in words(replicate_correlation.figure(table))


def test_one_condition_has_effects_but_no_shifts():
    plain = pd.DataFrame({"mutation": MUTATIONS, "mutant": "C", "beta_a": X, "times_seen_a": 3})
    folders = {"p": Fitted(["a"], {}, plain), "q": Fitted(["a"], {}, plain.assign(beta_a=Y))}
    table = replicate_correlation.correlate(
        fits([("reference", 0.0, "1", "p"), ("reference", 0.0, "2", "q")]), folders.get, bootstrap=0
    )
    assert table["quantity"].tolist() == ["effect"]
    assert "One condition" in words(replicate_correlation.figure(table))


def test_no_fit_gives_a_table_with_a_header_and_a_figure_in_words():
    table = replicate_correlation.correlate(fits([]), {}.get)
    assert table.empty
    assert list(table.columns) == ["study", "difference", "lasso", *replicate_correlation.RESULTS]
    assert "No fit finished" in words(replicate_correlation.figure(table))


def words(figure):
    texts = [text.get_text() for ax in figure.axes for text in ax.texts]
    texts += [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    foot = figure._supxlabel.get_text() if figure._supxlabel else ""
    return " ".join([*texts, foot.replace("\n", " ")])


def study(statuses=("converged", "converged"), extra=()):
    rng = np.random.default_rng(8)
    folders, rows = {}, []
    for difference in ("reference", "equivariant"):
        for lasso in (0.0, 1e-5, 4e-5):
            for replicate, status in zip(("1", "2", *extra), (*statuses, *("converged",) * len(extra)), strict=True):
                path = f"{difference}/{lasso}/{replicate}"
                folders[path] = fitted(rng.normal(size=8))
                rows.append((difference, lasso, replicate, path, status))
    return replicate_correlation.correlate(fits(rows), folders.get, bootstrap=20)


def test_figure_shows_a_panel_a_matrix_and_a_band_a_row():
    table = study()
    figure = replicate_correlation.figure(table)
    assert [ax.get_title() for ax in figure.axes] == ["reference", "equivariant"]
    assert figure.axes[0].get_ylabel().replace("\n", " ") == "Pearson correlation of shifts between replicates"
    assert "b \N{MINUS SIGN} a (n = 8)" in words(figure)
    assert "All 6 pairs of fits converged" in words(figure)
    shifts = table[table["quantity"] == "shift"].set_index(["difference", "lasso"])["pearson"]
    for ax in figure.axes:
        assert len(ax.collections) == 1
        curves = [line for line in ax.lines if len(line.get_xdata()) == 3 and line.get_linestyle() == "-"]
        assert len(curves) == 1
        assert curves[0].get_ydata() == pytest.approx(shifts[ax.get_title()].to_numpy())


def test_figure_names_unconverged_pairs_once_and_draws_them_hollow():
    figure = replicate_correlation.figure(study(("converged", "max_iterations")))
    assert "Hollow: 6 of 6 pairs of fits not converged" in words(figure)
    for ax in figure.axes:
        hollow = [line for line in ax.lines if line.get_marker() == "o" and line.get_markerfacecolor() == "white"]
        assert sum(len(line.get_xdata()) for line in hollow) == 3


def test_figure_crosses_correlations_of_few_shifts():
    many = np.arange(1.0, 9.0)
    folders = {"p": fitted(many), "q": fitted(many**2), "r": fitted([0.0] * 7 + [1.0])}
    rows = [("reference", 0.0, "1", "p"), ("reference", 0.0, "2", "q")]
    rows += [("reference", 1e-5, "1", "r"), ("reference", 1e-5, "2", "r")]
    rows += [("reference", 1e-4, "1", "r", "max_iterations"), ("reference", 1e-4, "2", "r")]
    figure = replicate_correlation.figure(replicate_correlation.correlate(fits(rows), folders.get, bootstrap=20))
    found = {
        (marker, face): sum(
            len(line.get_xdata())
            for line in figure.axes[0].lines
            if line.get_marker() == marker and (line.get_markerfacecolor() == "white") == face
        )
        for marker, face in (("x", False), ("o", False), ("o", True))
    }
    assert found == {("x", False): 2, ("o", False): 1, ("o", True): 1}
    assert "Crosses: too few mutations with a shift" in words(figure)
    assert "Crosses" not in words(replicate_correlation.figure(study()))


def test_the_foot_says_what_is_drawn(monkeypatch):
    text = words(replicate_correlation.figure(study()))
    assert "Bands: 95 % bootstrap intervals over mutations. n: mutations seen in both replicates and in all" in text
    assert "undefined" not in text
    monkeypatch.setattr(replicate_correlation, "LEVEL", (5, 95))
    assert "Bands: 90 %" in words(replicate_correlation.figure(study()))
    rows = [("reference", 0.0, "1", "p"), ("reference", 0.0, "2", "q"), ("reference", 1e-5, "1", "p")]
    made = replicate_correlation.correlate(fits(rows), {"p": fitted(X), "q": fitted(Y)}.get, bootstrap=0)
    text = words(replicate_correlation.figure(made, min_times_seen=3))
    assert "Bands" not in text and "n: mutations seen at least 3 times in both replicates" in text
    assert "a (n = 8)" in text, "no mutation is compared at 1e-5, where there is no point"
    assert text.endswith("where the correlation is undefined (see the table's notes). The pair of fits converged.")


def test_three_replicates_have_three_markers():
    figure = replicate_correlation.figure(study(extra=("3",)))
    for pair in ("1, 2", "1, 3", "2, 3"):
        assert f"replicates {pair}" in words(figure)


def test_other_swept_parameters_get_panels_of_their_own():
    folders = {name: fitted(X if name in "ac" else Y) for name in "abcd"}
    table = fits(
        [("reference", 1e-5, r, p) for r, p in (("1", "a"), ("2", "b"), ("1", "c"), ("2", "d"))],
        scale_bound=0,
    )
    table["scale_bound"] = [5, 5, 10, 10]
    found = replicate_correlation.correlate(table, folders.get, bootstrap=0)
    assert found.loc[found["quantity"] == "shift", "scale_bound"].tolist() == [5, 10]
    titles = [ax.get_title() for ax in replicate_correlation.figure(found).axes]
    assert titles == ["reference, scale bound 5", "reference, scale bound 10"]


def test_fits_to_a_fold_are_left_aside():
    table = fits([("reference", 1e-5, "1", "p"), ("reference", 1e-5, "2", "q"), ("reference", 1e-5, "2", "held")])
    table["fold"] = [np.nan, np.nan, 1.0]
    found = replicate_correlation.correlate(table, {"p": fitted(X), "q": fitted(Y)}.__getitem__, bootstrap=0)
    assert len(found) == 3


def test_a_fit_is_read_from_its_folder(tmp_path):
    np.savez(
        tmp_path / "parameters.npz",
        conditions=np.array(["a", "b"]),
        difference=np.array([[-1.0, 1.0]]),
        difference_rows=np.array(["b-minus-a"]),
    )
    value = 0.1 + 0.2  # needs 17 digits
    (tmp_path / "mutations.csv").write_text(
        "mutation,wildtype,site,mutant,beta_a,beta_b,shift_b-minus-a,times_seen_a,times_seen_b\n"
        f"N1A,N,1,A,1.0,1.0,0.0,3,0\nN214a*,N,214a,*,0.5,{0.5 + value!r},{value!r},2,2\n"
    )
    fit = load(tmp_path)
    assert fit.conditions == ["a", "b"] and fit.rows == {"b-minus-a": ["a", "b"]}
    assert fit.mutations["site"].tolist() == ["1", "214a"]
    assert fit.mutations["shift_b-minus-a"].tolist() == [0.0, value]
    assert fit.seen(["a", "b"], 1).tolist() == [False, True]
    assert fit.seen(["a"], 3).tolist() == [True, False]


def test_a_fit_without_rows_is_read(tmp_path):
    np.savez(
        tmp_path / "parameters.npz",
        conditions=np.array(["a"]),
        difference=np.zeros((0, 1)),
        difference_rows=np.array([], dtype=str),
    )
    (tmp_path / "mutations.csv").write_text("mutation,wildtype,site,mutant,beta_a,times_seen_a\nN1A,N,1,A,1.0,3\n")
    assert load(tmp_path).rows == {}
