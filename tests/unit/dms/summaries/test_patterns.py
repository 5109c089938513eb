"""Fusion patterns: reading them off, naming them, what they cost, counting them, drawing the counts."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.summaries import pattern_figures, patterns
from proxsweep.dms.summaries.patterns import ALL_DIFFERENT, ALL_EQUAL, Effects
from proxsweep.optimize import difference
from proxsweep.report.wording import short_number

NAMES = ["W", "A", "B", "D"]
PAIRS = np.array([[(k == i) - (k == j) for k in range(4)] for i, j in combinations(range(4), 2)], float)
REFERENCE = np.array([[-1.0, 1, 0, 0], [-1, 0, 1, 0], [-1, 0, 0, 1]])


def effects(b, matrix=PAIRS, seen=None, mutants="C", names=NAMES) -> Effects:
    b = np.asarray(b, float)
    count = b.shape[1]
    table = pd.DataFrame({"mutation": [f"A{k}{m}" for k, m in zip(range(count), mutants * count, strict=False)]})
    table = table.assign(wildtype="A", site=[str(k) for k in range(count)], mutant=table["mutation"].str[-1])
    for d, condition in enumerate(names):
        table[f"times_seen_{condition}"] = 3 if seen is None else np.asarray(seen)[d]
    return Effects(names, matrix, b, table, np.arange(count) == 1)


def fits(*rows: tuple) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["difference", "lasso", "replicate", "status", "path"])
    table.insert(0, "study", "s")
    table.insert(1, "family", "dms")
    table.insert(5, "fold", np.nan)
    table.insert(6, "resample", np.nan)
    return table


def choice(**weights) -> pd.DataFrame:
    rows = {"study": "s", "difference": list(weights), "lasso": list(weights.values())}
    selected = [bool(np.isfinite(weight)) for weight in weights.values()]
    return pd.DataFrame(rows).assign(rule="given", selected=selected, chosen=[k == 0 for k in range(len(weights))])


def foot(figure) -> str:
    return figure._supxlabel.get_text().replace("\n", " ")


def partly(equal: int) -> Effects:
    """Of 100 mutations so many all equal, the others ``{W} | rest``."""
    return effects(np.where(np.arange(400).reshape(4, 100) < 100 - equal, 2, 1))


def study(equal: dict, chosen: dict, statuses=("converged", "converged")) -> tuple[pd.DataFrame, ...]:
    """Counts, mutations and choice of fits by (matrix, weight, replicate) with so many mutations all equal."""
    folders = {str(key): partly(count) for key, count in equal.items()}
    status = dict(zip("12", statuses, strict=True))
    table = fits(*((matrix, w, k, status[k], str((matrix, w, k))) for matrix, w, k in equal))
    marks = choice(**chosen)
    counted = patterns.counts(table, marks, folders.get)
    return counted, patterns.mutations(table, counted, folders.get), marks


def test_groups_are_exactly_equal_values():
    rng = np.random.default_rng(0)
    b = rng.choice([0.1, 0.1 + 1e-16, 0.1 + 2e-16, 0.3], size=(4, 300))
    for column, groups in zip(b.T, patterns.fusion_groups(b), strict=True):
        assert sorted(place for group in groups for place in group) == [0, 1, 2, 3]
        for i, j in combinations(range(4), 2):
            together = any(i in group and j in group for group in groups)
            assert together == (column[i] == column[j])


def test_every_pattern_has_one_name_that_reads_back():
    every = set(patterns.fusion_groups(np.array(list(product(range(4), repeat=4)), float).T))
    assert len(every) == 15  # Bell number of 4
    names = {patterns.name(groups, NAMES) for groups in every}
    assert len(names) == 15
    assert {ALL_EQUAL, ALL_DIFFERENT, "{A, B} | rest", "{W} | rest", "{W} | {A} | rest"} < names
    for groups in every:
        back = patterns.members(patterns.name(groups, NAMES), NAMES)
        assert {frozenset(group) for group in back} == {frozenset(group) for group in groups}


def test_prices():
    assert patterns.pattern_penalty(PAIRS, ((0, 1, 2, 3),)) == 0
    assert patterns.pattern_penalty(PAIRS, ((0, 3), (1, 2))) == 4
    assert patterns.pattern_penalty(PAIRS, ((0,), (1, 2, 3))) == 3
    assert patterns.pattern_penalty(REFERENCE, ((0, 3), (1, 2))) == 2
    assert patterns.pattern_penalty(REFERENCE, ((0,), (1, 2, 3))) == 3
    assert np.isnan(patterns.pattern_penalty(PAIRS, ((0,), (1,), (2, 3))))
    tree = difference.tree("t", NAMES, {"A": "x", "B": "x", "x": "root", "W": "root", "D": "root"})
    matrix = np.asarray(tree.matrix)
    assert patterns.pattern_penalty(matrix, ((0, 3), (1, 2))) == pytest.approx(1)  # one edge, to A and B
    assert patterns.pattern_penalty(matrix, ((0, 1), (2, 3))) == pytest.approx(2)
    grid = np.linspace(-0.5, 1.5, 21)
    for one in (((0,), (1, 2, 3)), ((0, 1), (2, 3)), ((1, 3), (0, 2))):
        leaves = np.isin(range(4), one[0]).astype(float)
        least = min(np.abs(matrix @ np.array([*leaves, *inner])).sum() for inner in product(grid, repeat=2))
        assert patterns.pattern_penalty(matrix, one) == pytest.approx(least)


B = [  # W, A, B, D: all equal, {A, B} | rest, {A, B} | rest, all different, {W} | rest
    [1, 0, 0, 1, 5],
    [1, 2, -1, 2, 0],
    [1, 2, -1, 3, 0],
    [1, 0, 0, 4, 0],
]
SEEN = np.array([[3] * 5, [3] * 5, [3, 3, 1, 3, 3], [3] * 5])


def test_counts():
    folders = {"p": effects(B, seen=SEEN, mutants="C*C"), "q": effects(np.full((4, 5), np.nan))}
    table = fits(("equivariant", 1e-5, "1", "converged", "p"), ("equivariant", 2e-5, "1", "diverged", "q"))
    found = patterns.counts(table, choice(equivariant=1e-5), folders.get)
    here = found[found["lasso"] == 1e-5].set_index("pattern")
    named = "{A, B} | rest"
    assert here["mutations"].to_dict() == {ALL_EQUAL: 1, named: 2, ALL_DIFFERENT: 1, "{W} | rest": 1}
    assert (here["of"] == 5).all() and here["share"].sum() == 1
    assert here.loc[named, ["stops", "at_differing_sites", "price"]].tolist() == [1, 1, 4]
    assert (here["shown"] == "chosen").all()
    assert found[found["lasso"] == 2e-5]["note"].tolist() == ["the fit diverged"]
    fewer = patterns.counts(table, choice(equivariant=1e-5), folders.get, 2).set_index("pattern")
    assert fewer.loc[named, "mutations"] == 1 and fewer.loc[ALL_EQUAL, "of"] == 4


@pytest.mark.parametrize(
    ("equal", "chosen", "shown", "said"),
    [
        ((10, 95, 99), np.nan, (1e-5, "95 % equal"), "smallest weight with at least 95 % of mutations all equal"),
        ((10, 63, 80), np.nan, (2e-5, "largest"), "largest weight, none having 95 % of mutations all equal"),
        ((10, 63, 98), 1e-5, (1e-5, "chosen"), "chosen weight"),
    ],
)
def test_figures_say_by_which_rule_a_weight_is_shown_and_what_is_drawn(equal, chosen, shown, said):
    weights = (0.0, 1e-5, 2e-5)
    made = {("equivariant", w, "1"): count for w, count in zip(weights, equal, strict=True)}
    counted, listed, marks = study(made, {"equivariant": chosen})
    looked = counted[counted["shown"] != ""]
    assert set(zip(looked["lasso"], looked["shown"], strict=True)) == {shown}
    said = f"the {said} (all equal: {equal[weights.index(shown[0])]} %)."
    assert f"Shaded: {said} All 3 fits" in foot(pattern_figures.figure(counted, NAMES))
    assert f"At {said} The fit" in foot(pattern_figures.ranked_figure(counted, NAMES))
    sites = foot(pattern_figures.sites_figure(counted, listed, NAMES, marks))
    assert f"equivariant, lasso weight {short_number(shown[0])}: {said} The fit" in sites


def test_figures_say_what_each_matrix_draws():
    made = {("reference", 1e-5, "1"): 63, ("reference", 1e-5, "2"): 64, ("equivariant", 1e-5, "1"): 80}
    counted, _, _ = study(made, {"reference": np.nan, "equivariant": np.nan})
    said = "the largest weight, none having 95 % of mutations all equal (all equal: 63 % and 80 %)"
    for figure in (pattern_figures.figure(counted, NAMES), pattern_figures.ranked_figure(counted, NAMES)):
        assert said in foot(figure)
    counted, _, _ = study(made, {"reference": 1e-5, "equivariant": np.nan})
    said = "At the chosen weight (all equal: 63 %) or the largest weight, none having 95 % of mutations all equal (all"
    assert f"{said} equal: 80 %). Means over up to 2 replicates." in foot(pattern_figures.ranked_figure(counted, NAMES))


@pytest.mark.parametrize(
    ("shares", "text"),
    [((0.9499,), "94 %"), ((0.95, 0.29), "95 % and 29 %"), ((0.1, 0.4, 0.3, 0.2), "10 % to 40 %")],
)
def test_shares_are_not_rounded_up(shares, text):
    assert pattern_figures._listed(shares) == text


def test_a_weight_without_a_fit_is_not_shown():
    counted, listed, marks = study({("equivariant", 1e-5, "1"): 50}, {"equivariant": 2e-5})
    for figure in (
        pattern_figures.ranked_figure(counted, NAMES),
        pattern_figures.sites_figure(counted, listed, NAMES, marks),
    ):
        assert "no fit at the chosen weight" in figure.axes[0].texts[0].get_text().replace("\n", " ")
    assert "Shaded" not in foot(pattern_figures.figure(counted, NAMES))


def test_replicates_without_a_pattern_and_fits_that_diverged_are_counted():
    made = {("equivariant", 1e-5, "1"): 90, ("equivariant", 1e-5, "2"): 100}
    counted, listed, marks = study(made, {"equivariant": 1e-5})
    figure = pattern_figures.sites_figure(counted, listed, NAMES, marks)
    assert figure.axes[0].get_title(loc="left") == "{W} | rest: 5"
    assert "(all equal: 95 %). Means over up to 2 replicates. All 2 fits converged." in foot(figure)
    counted, listed, marks = study(made, {"equivariant": 1e-5}, ("max_iterations", "diverged"))
    figures = [pattern_figures.figure(counted, NAMES), pattern_figures.ranked_figure(counted, NAMES)]
    for figure in [*figures, pattern_figures.sites_figure(counted, listed, NAMES, marks)]:
        assert foot(figure).endswith("(all equal: 90 %). Hollow: 1 of 1 fits not converged. 1 more diverged: no point.")


def test_patterns_that_are_not_drawn_are_counted(monkeypatch):
    table = fits(("equivariant", 1e-5, "1", "converged", "p"))
    marks = choice(equivariant=1e-5)
    counted = patterns.counts(table, marks, {"p": effects(B)}.get)
    listed = patterns.mutations(table, counted, {"p": effects(B)}.get)
    for name in ("LINES", "RANKED", "ROWS"):
        monkeypatch.setattr(pattern_figures, name, 1)
    assert "1 other pattern is in the table." in foot(pattern_figures.figure(counted, NAMES))
    assert "2 rarer patterns are in the table." in foot(pattern_figures.ranked_figure(counted, NAMES))
    assert "2 rarer patterns are in the table." in foot(pattern_figures.sites_figure(counted, listed, NAMES, marks))


@pytest.mark.parametrize(("least", "seen"), [(1, "seen"), (3, "seen at least 3 times")])
def test_the_legend_says_which_mutations_count(least, seen):
    counted, _, _ = study({("equivariant", 1e-5, "1"): 90}, {"equivariant": 1e-5})
    (legend,) = pattern_figures.figure(counted, NAMES, least).legends
    assert legend.get_title().get_text() == f"Mutations {seen} in all 4 conditions"


def test_mutations_and_disagreements():
    other = np.array(B, float)
    other[:, 1] = 0  # all equal under reference
    folders = {"p": effects(B), "q": effects(other, REFERENCE)}
    table = fits(("reference", 2e-5, "1", "converged", "q"), ("equivariant", 1e-5, "1", "max_iterations", "p"))
    marks = choice(equivariant=1e-5, reference=2e-5)
    counted = patterns.counts(table, marks, folders.get)
    listed = patterns.mutations(table, counted, folders.get)
    assert sorted(listed[listed["difference"] == "equivariant"]["mutation"]) == ["A1C", "A2C", "A3C", "A4C"]
    assert sorted(listed[listed["difference"] == "reference"]["mutation"]) == ["A2C", "A3C", "A4C"]
    row = listed[(listed["mutation"] == "A2C") & (listed["difference"] == "equivariant")].iloc[0]
    assert [row[f"beta_{name}"] for name in NAMES] == [0, -1, -1, 0] and not row["converged"]
    found = patterns.disagreements(table, counted, folders.get)
    assert found["mutation"].tolist() == ["A1C"]
    row = found.iloc[0]
    assert (row["lasso_reference"], row["pattern_reference"], row["lasso_equivariant"]) == (2e-5, ALL_EQUAL, 1e-5)
    prices = [row[f"price_{a}_of_{b}"] for a in ("reference", "equivariant") for b in ("reference", "equivariant")]
    assert prices == [0, 2, 0, 4] and not row["converged"]


def test_figures_show_the_numbers_of_the_table():
    two = np.array(B, float)
    two[:, 3] = 1
    folders = {"p": effects(B), "q": effects(two)}
    table = fits(("equivariant", 1e-5, "1", "converged", "p"), ("equivariant", 1e-5, "2", "converged", "q"))
    marks = choice(equivariant=1e-5)
    counted = patterns.counts(table, marks, folders.get)
    means = counted[counted["pattern"] != ALL_EQUAL].groupby("pattern")["mutations"].sum() / 2
    ranked = pattern_figures.ranked_figure(counted, NAMES)
    bars = sorted(bar.get_height() for bar in ranked.axes[0].patches)
    assert bars == sorted(means)
    texts = sorted(float(text.get_text()) for text in ranked.axes[0].texts)
    assert texts == sorted(means)
    drawn = pattern_figures.figure(counted, NAMES)
    heights = {float(y) for line in drawn.axes[0].lines for y in np.atleast_1d(line.get_ydata())}
    assert set(counted["mutations"].astype(float)) <= heights
    listed = patterns.mutations(table, counted, folders.get)
    sites = pattern_figures.site_counts(listed, 2)
    assert sites.sum(axis=1).to_dict() == pytest.approx(means.to_dict())
    titles = [ax.get_title(loc="left") for ax in pattern_figures.sites_figure(counted, listed, NAMES, marks).axes]
    assert titles == [f"{pattern}: {row.sum():,.4g}" for pattern, row in sites.iterrows()]


def test_nothing_to_count_is_said_in_words():
    empty = fits()
    counted = patterns.counts(empty, choice(equivariant=np.nan), {}.get)
    assert counted.empty
    figure = pattern_figures.figure(counted, [])
    assert "No fit finished" in figure.axes[0].texts[0].get_text() if figure.axes else figure.texts
