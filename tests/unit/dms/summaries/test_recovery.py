"""Precision and recall of shifts, counted by hand and by plain loops."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.summaries import recovery, recovery_figure, simulated_truth
from proxsweep.dms.summaries.simulated_truth import Estimate
from proxsweep.io.errors import UserError
from proxsweep.io.files import write_csv, write_json, write_npz
from proxsweep.report import style

REFERENCE_ROWS = {"b-minus-a": {"b": 1.0, "a": -1.0}, "c-minus-a": {"c": 1.0, "a": -1.0}}
EQUIVARIANT_ROWS = {**REFERENCE_ROWS, "c-minus-b": {"c": 1.0, "b": -1.0}}

# Reference a. Two mutations shifted on every branch, two on none.
TRUTH = pd.DataFrame(
    [
        # mutation, a, b, c, branch
        ("A1C", 1.0, 0.0, 0.0, "a"),
        ("A1D", -1.0, 0.5, 0.5, "a"),
        ("A2C", 0.1, 0.8, 0.1, "b"),
        ("A2D", 0.1, -0.8, 0.1, "b"),
        ("A3C", 0.0, 0.0, 2.0, "c"),
        ("A3D", 0.0, 0.0, -2.0, "c"),
        ("A4C", 0.3, 0.3, 0.3, ""),
        ("A4D", 0.1 + 0.2, 0.3, 0.3, ""),  # equal but for rounding
    ],
    columns=["mutation", "beta_a", "beta_b", "beta_c", "branch"],
)
# Nonzero rows (b - a, c - a, c - b) of a made-up fit, and times seen in a, b, c.
CALLS = [
    ("A1C", (1, 1, 0), (5, 5, 5)),  # right
    ("A1D", (1, 0, 1), (5, 5, 5)),  # called for b
    ("A2C", (1, 0, 1), (5, 5, 5)),  # right
    ("A2D", (1, 1, 1), (5, 5, 0)),  # not seen in c: only b - a counts, and is right
    ("A3C", (0, 0, 0), (5, 5, 5)),  # missed
    ("A3D", (0, 1, 1), (5, 5, 1)),  # right
    ("A4C", (1, 0, 1), (5, 5, 5)),  # false, called for b
    ("A4D", (0, 0, 0), (5, 5, 5)),  # right
]


def estimate(rows=EQUIVARIANT_ROWS, calls=CALLS) -> Estimate:
    table = pd.DataFrame(
        {
            "mutation": [name for name, _, _ in calls],
            **{f"shift_{row}": [0.7 * flags[k] for _, flags, _ in calls] for k, row in enumerate(rows)},
            **{f"times_seen_{c}": [seen[k] for _, _, seen in calls] for k, c in enumerate("abc")},
        }
    )
    return Estimate("a", rows, table)


def fits(**columns) -> pd.DataFrame:
    base = {
        "study": "demo",
        "family": "dms",
        "difference": "equivariant",
        "lasso": 1e-5,
        "replicate": "1",
        "fold": np.nan,
        "status": "converged",
        "path": "here",
    }
    return pd.DataFrame({**{name: [value] for name, value in base.items()}, **columns})


def table_of(fit: Estimate, truth=TRUTH, **more) -> pd.DataFrame:
    return recovery.recovery(fits(), lambda path: fit, truth, **more)


def counts(table: pd.DataFrame, level: str, branch: str, row: str = "all") -> tuple[int, int, int, int]:
    chosen = table[(table["level"] == level) & (table["branch"] == branch) & (table["row"] == row)]
    assert len(chosen) == 1
    return tuple(int(chosen[name].iloc[0]) for name in ("mutations", "true", "called", "both"))


def test_rows_counted_by_hand():
    table = table_of(estimate())
    # b - a: all 8 seen; truly nonzero A1C A1D A2C A2D; called those and A4C.
    assert counts(table, "row", "all", "b-minus-a") == (8, 4, 5, 4)
    # c - a: A2D not seen in c; truly nonzero A1C A1D A3C A3D; called A1C A3D.
    assert counts(table, "row", "all", "c-minus-a") == (7, 4, 2, 2)
    # c - b: truly nonzero A2C A3C A3D; called A1D A2C A3D A4C.
    assert counts(table, "row", "all", "c-minus-b") == (7, 3, 4, 2)
    assert counts(table, "row", "all") == (22, 11, 11, 8)


def test_branches_counted_by_hand():
    table = table_of(estimate())
    # Branch a moves b - a and c - a. True: A1C and A1D twice. Of the others b - a has A3C A3D A4C A4D (A4C is
    # called), c - a has A2C A4C A4D (A2D is not seen; none is called).
    assert counts(table, "row", "a") == (4 + 4 + 3, 4, 3 + 1, 3)
    # Branch b moves b - a and c - b. b - a: A2C A2D, and A3C A3D A4C A4D; c - b: A2C, and A1C A1D A4C A4D.
    assert counts(table, "row", "b") == (2 + 4 + 1 + 4, 3, 3 + 1 + 2, 3)
    # Branch c moves c - a and c - b. c - a: A3C A3D, and A2C A4C A4D; c - b: A3C A3D, and A1C A1D A4C A4D.
    assert counts(table, "row", "c") == (2 + 3 + 2 + 4, 4, 2 + 2, 2)


def test_patterns_counted_by_hand():
    table = table_of(estimate())
    assert counts(table, "pattern", "a") == (7, 2, 1, 1)
    assert counts(table, "pattern", "b") == (7, 1, 3, 1)
    assert counts(table, "pattern", "c") == (7, 2, 1, 1)


def test_ratios_and_flags():
    table = table_of(estimate())
    assert (table["reference_branch"] == (table["branch"] == "a")).all()
    some = table[table["called"] > 0]
    np.testing.assert_allclose(some["precision"], some["both"] / some["called"])
    silent = [(name, (0, 0, 0), seen) for name, _, seen in CALLS]
    nothing = table_of(estimate(calls=silent))
    assert nothing["precision"].isna().all() and (nothing["recall"] == 0).all()
    np.testing.assert_allclose(table["prevalence"], table["true"] / table["mutations"])
    ranked = nothing[nothing["level"] != "pattern"]
    np.testing.assert_allclose(ranked["average_precision"], ranked["prevalence"])


def test_reference_matrix_judges_its_own_two_rows():
    table = table_of(estimate(REFERENCE_ROWS))
    assert set(table["row"]) == {"b-minus-a", "c-minus-a", "all"}
    # Patterns in these rows: A1C called a; A1D, A2C, A4C called b; A3D called c.
    assert counts(table, "pattern", "a") == (7, 2, 1, 1)
    assert counts(table, "pattern", "b") == (7, 1, 3, 1)
    assert counts(table, "pattern", "c") == (7, 2, 1, 1)
    # The truth itself is expressed by both matrices.
    for rows in (REFERENCE_ROWS, EQUIVARIANT_ROWS):
        right = [(t.mutation, truth_flags(t), (1, 1, 1)) for t in TRUTH.itertuples()]
        perfect = table_of(estimate(rows, right))
        assert (perfect["precision"] == 1).all() and (perfect["recall"] == 1).all()


def truth_flags(row) -> tuple[bool, bool, bool]:
    pairs = ((row.beta_b, row.beta_a), (row.beta_c, row.beta_a), (row.beta_c, row.beta_b))
    return tuple(not math.isclose(x, y) for x, y in pairs)


def area_by_definition(score, true) -> float:
    """Every distinct score as a threshold, from the largest down: sum of (R_k - R_(k-1)) P_k."""
    area, before = 0.0, 0.0
    for threshold in sorted(set(score), reverse=True):
        called = [hit for value, hit in zip(score, true, strict=True) if value >= threshold]
        recall = sum(called) / sum(true)
        area += (recall - before) * sum(called) / len(called)
        before = recall
    return area


def test_average_precision_by_hand_and_by_definition():
    def area(score, true):
        return recovery.average_precision(np.array(score, float), np.array(true, bool))

    assert area([3, 2, 1, 0], [1, 0, 1, 0]) == pytest.approx((1 + 2 / 3) / 2)
    assert area([1, 1, 1, -math.inf], [1, 0, 1, 0]) == pytest.approx(2 / 3)
    assert area([0, 0, 0, 0], [1, 0, 0, 0]) == pytest.approx(1 / 4)
    assert area([2, 0, 0, 0], [1, 1, 1, 1]) == 1
    assert math.isnan(area([2, 1], [0, 0])) and math.isnan(area([], []))
    rng = np.random.default_rng(5)
    for size in (1, 2, 5, 40, 40, 200):
        continuous = rng.normal(size=size) ** 2
        for score in (continuous, rng.integers(0, 4, size), np.where(rng.random(size) < 0.6, 0, continuous)):
            for true in (rng.random(size) < 0.3, np.ones(size, bool)):
                true[rng.integers(size)] = True
                expected = area_by_definition(score.tolist(), true.tolist())
                assert area(score, true) == pytest.approx(expected)
                shuffled = rng.permutation(size)
                assert area(score[shuffled], true[shuffled]) == pytest.approx(expected)
                lowest = np.where(score == 0, -np.inf, score)
                for monotone in (3 * score - 7, np.sqrt(score), np.exp(score), lowest):
                    assert area(monotone, true) == pytest.approx(expected)


def random_path(seed: int, weights: list[float]) -> tuple[pd.DataFrame, dict[str, Estimate]]:
    """A truth of 60 mutations, and fits whose shifts are noise around it with zeros, some of them again nonzero."""
    rng = np.random.default_rng(seed)
    branch = rng.choice(["", "", "a", "b", "c"], size=60)
    truth = pd.DataFrame({"mutation": [f"A{k}C" for k in range(60)], "branch": branch})
    truth = truth.assign(**{f"beta_{c}": np.where(branch == c, 1.5, 0.0) for c in "abc"})
    seen = {f"times_seen_{c}": rng.integers(0, 4, 60) for c in "abc"}
    estimates = {}
    for k, weight in enumerate(weights):
        shifts = {}
        for row, terms in EQUIVARIANT_ROWS.items():
            value = sum(factor * truth[f"beta_{c}"] for c, factor in terms.items()) + rng.normal(size=60)
            shifts[f"shift_{row}"] = np.where(np.abs(value) > 0.7 * k, value.round(1), 0.0)
        estimates[format(weight)] = Estimate("a", EQUIVARIANT_ROWS, truth[["mutation"]].assign(**shifts, **seen))
    return truth, estimates


def pairs_of(fit: Estimate, truth: pd.DataFrame, branch: str) -> list[tuple[int, str, bool]]:
    """Mutation, row and whether truly shifted, of those that count for the branch ("" for all)."""
    pairs = []
    for m, known in enumerate(truth.to_dict("records")):
        for row, (y, x) in zip(EQUIVARIANT_ROWS, ("ba", "ca", "cb"), strict=True):
            times = [fit.mutations[f"times_seen_{c}"].iloc[m] for c in (x, y)]
            true = known["branch"] in (x, y)
            stays_out = branch and (branch not in (x, y) or (true and known["branch"] != branch))
            if min(times) >= 1 and not stays_out:
                pairs.append((m, row, true))
    return pairs


def area_in(table: pd.DataFrame, level: str, branch: str) -> pd.Series:
    chosen = table[(table["level"] == level) & (table["row"] == "all") & (table["branch"] == (branch or "all"))]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_areas_of_fits_and_of_the_path_agree_with_plain_loops():
    weights = [0.0, 1e-5, 1e-4, 1e-3]
    truth, estimates = random_path(4, weights)
    statuses = ["converged", "converged", "max_iterations", "converged"]
    many = pd.concat([fits(lasso=[w], path=[format(w)], status=[s]) for w, s in zip(weights, statuses, strict=True)])
    table = recovery.recovery(many.sample(frac=1.0, random_state=2), estimates.__getitem__, truth)
    shift = {
        weight: {row: estimates[format(weight)].mutations[f"shift_{row}"].to_numpy() for row in EQUIVARIANT_ROWS}
        for weight in weights
    }
    for branch in ("", "a", "b", "c"):
        pairs = pairs_of(estimates["0.0"], truth, branch)
        true = [flag for _, _, flag in pairs]
        for weight in weights:
            size = [abs(shift[weight][row][m]) for m, row, _ in pairs]
            found = area_in(table[table["lasso"] == weight], "row", branch)
            assert found["average_precision"] == pytest.approx(area_by_definition(size, true))
            assert found["prevalence"] == pytest.approx(sum(true) / len(true))
        last = [max((w for w in weights if w != 1e-4 and shift[w][row][m] != 0), default=-1.0) for m, row, _ in pairs]
        path = area_in(table, "path", branch)
        assert path["average_precision"] == pytest.approx(area_by_definition(last, true))
        assert path["prevalence"] == pytest.approx(sum(true) / len(true))
        assert (path["called"], path["mutations"]) == (sum(w >= 0 for w in last), len(last))
    paths = table[table["level"] == "path"]
    assert paths["lasso"].isna().all() and not paths["converged"].any()
    assert set(paths["note"]) == {"left out, not converged: lasso weight 1e-4"}
    assert set(paths["status"]) == {"max_iterations"}
    assert table.loc[table["level"] == "pattern", "average_precision"].isna().all()
    assert (table["level"].iloc[-len(paths) :] == "path").all()
    assert table["lasso"].iloc[: -len(paths)].is_monotonic_increasing


def test_every_matrix_and_replicate_has_a_path_of_its_own():
    truth, estimates = random_path(6, [0.0, 1e-4])
    settings = [(d, w, r) for d in ("reference", "equivariant") for w in (0.0, 1e-4) for r in ("1", "2")]
    many = [fits(difference=[d], lasso=[w], replicate=[r], path=[format(w)]) for d, w, r in settings]
    table = recovery.recovery(pd.concat(many), estimates.__getitem__, truth)
    paths = table[(table["level"] == "path") & (table["branch"] == "a")]
    assert paths[["difference", "replicate"]].to_numpy().tolist() == [
        ["reference", "1"],
        ["reference", "2"],
        ["equivariant", "1"],
        ["equivariant", "2"],
    ]
    assert paths["average_precision"].nunique() == 1 and paths["converged"].all() and set(paths["note"]) == {""}
    best = recovery.best(table)
    own = best.set_index("branches").loc["own", "path_average_precision"]
    assert own.tolist() == pytest.approx([paths["average_precision"].iloc[0]] * 2)
    assert f"along the path {own.iloc[0]:.2f}" in recovery.reading(table)


def test_random_fits_agree_with_plain_loops():
    rng = np.random.default_rng(3)
    names = "abcd"
    rows = {f"{y}-minus-{x}": {y: 1.0, x: -1.0} for i, x in enumerate(names) for y in names[i + 1 :]}
    below = {"a": "a", "b": "b", "c": "c", "d": "d", "cd": "cd"}
    branch = rng.choice(["", *below], size=200)
    betas = {c: rng.normal(size=200) * 0 + np.array([2.0 * (c in below.get(x, "")) for x in branch]) for c in names}
    truth = pd.DataFrame({"mutation": [f"A{k}C" for k in range(200)], "branch": branch})
    truth = truth.assign(**{f"beta_{c}": betas[c] for c in names})
    called = rng.random((len(rows), 200)) < 0.4
    times = rng.integers(0, 4, size=(4, 200))
    mutations = truth[["mutation"]].assign(
        **{f"shift_{row}": called[k] * 1.5 for k, row in enumerate(rows)},
        **{f"times_seen_{c}": times[k] for k, c in enumerate(names)},
    )
    shuffled = truth.sample(frac=1.0, random_state=1)
    fit = Estimate("b", rows, mutations)
    table = recovery.recovery(fits(), lambda path: fit, shuffled, min_times_seen=2)
    for name, leaves in below.items():
        expected = [0, 0, 0, 0]
        pattern = [0, 0, 0, 0]
        for m in range(200):
            flags = []
            for k, terms in enumerate(rows.values()):
                y, x = terms
                moves = (y in leaves) != (x in leaves)
                flags.append(called[k, m] == moves)
                if min(times[names.index(y), m], times[names.index(x), m]) < 2 or not moves:
                    continue
                true = betas[y][m] != betas[x][m]
                if true and branch[m] != name:
                    continue
                expected = np.add(expected, [1, true, called[k, m], true and called[k, m]])
            if times[:, m].min() >= 2:
                here = branch[m] == name
                pattern = np.add(pattern, [1, here, all(flags), here and all(flags)])
        assert counts(table, "row", name) == tuple(expected)
        assert counts(table, "pattern", name) == tuple(pattern)
    assert set(table.loc[table["reference_branch"], "branch"]) == {"b"}


def test_branches_that_separate_the_same_conditions_are_one():
    # a below the root on one side, the stem of b and c on the other.
    truth = TRUTH.assign(branch=TRUTH["branch"].where(TRUTH["mutation"] != "A1D", "stem"))
    table = table_of(estimate(), truth)
    assert set(table["branch"]) == {"all", "a + stem", "b", "c"}
    assert counts(table, "row", "a + stem") == counts(table_of(estimate()), "row", "a")
    assert table.loc[table["branch"] == "a + stem", "reference_branch"].all()


def test_rows_given_in_the_config_and_inner_nodes():
    mean = {"a": -1.0, "b": 0.5, "c": 0.5}
    rows = {"mean of others": mean, "inner-minus-a": None, "b-minus-c": {"b": 1.0, "c": -1.0}}
    calls = [(name, (flags[0] or flags[1], 1, flags[2]), seen) for name, flags, seen in CALLS]
    table = table_of(estimate(rows, calls))
    # The mean of b and c differs from a wherever anything shifted.
    assert counts(table, "row", "all", "mean of others") == (7, 5, 5, 4)
    notes = table[table["row"] == "inner-minus-a"].set_index("level")["note"]
    assert sorted(notes.index) == ["path", "row"] and notes.str.contains("inner node").all()
    blank = table_of(estimate({"inner-minus-a": None}))
    assert blank["level"].tolist() == ["row", "path"] and blank["note"].str.contains("inner node").all()
    assert blank["average_precision"].isna().all()
    assert "nner node" in recovery_figure.figure(blank).axes[0].texts[0].get_text()
    only = table_of(estimate({"b-minus-a": REFERENCE_ROWS["b-minus-a"]}))
    blind = only[(only["branch"] == "c") & (only["level"] == "row")].iloc[0]
    assert blind["mutations"] == 0 and "no row" in blind["note"]


def test_unconverged_and_diverged_fits_are_marked_and_folds_left_aside():
    broken = estimate()
    broken.mutations.loc[0, "shift_b-minus-a"] = np.nan
    by_path = {"good": estimate(), "bad": broken}
    many = pd.concat(
        [
            fits(path=["good"], status=["max_iterations"]),
            fits(path=["bad"], status=["diverged"], replicate=["2"]),
            fits(path=["absent"], fold=["1"]),
        ]
    )
    table = recovery.recovery(many, by_path.__getitem__, TRUTH)
    assert not table["converged"].any()
    assert set(table.loc[table["replicate"] == "1", "status"]) == {"max_iterations"}
    paths = table[table["level"] == "path"]
    assert set(paths["note"]) == {"left out, not converged: lasso weight 1e-5"} and set(paths["mutations"]) == {0}
    diverged = table[(table["replicate"] == "2") & (table["level"] == "row")]
    assert set(diverged["note"]) == {"the fit diverged"} and diverged["recall"].isna().all()
    foot = recovery_figure.figure(table)._supxlabel.get_text().replace("\n", " ")
    said = "Hollow: 1 of 1 fits not converged. 1 more diverged: no point."
    assert foot == f"{said} path: no fit converged."
    more = pd.concat([many, fits(path=["good"], lasso=[1e-4])])
    foot = recovery_figure.figure(recovery.recovery(more, by_path.__getitem__, TRUTH))._supxlabel.get_text()
    path = f"{recovery_figure.PATH_NOTE} {recovery_figure.HOLLOW_PATH}"
    assert foot.replace("\n", " ") == f"{said.replace('1 of 1', '1 of 2')} {path}"


def test_a_truth_of_other_data_is_refused():
    with pytest.raises(UserError, match="A4D"):
        table_of(estimate(), TRUTH.iloc[:-1])
    with pytest.raises(UserError, match="beta_c"):
        table_of(estimate(), TRUTH.drop(columns="beta_c"))


def write_fit(folder: Path, fit: Estimate, rows: list[str], matrix: list[list[float]]) -> None:
    """The files of a fit as far as they are read here; columns of ``matrix``: a, b, c, then inner nodes."""
    effects = dict.fromkeys(("beta_a", "beta_b", "beta_c"), 0.0)
    mutations = fit.mutations.assign(wildtype="A", site="1", mutant="C", **effects)
    write_csv(folder / "mutations.csv", mutations)
    names = {"conditions": np.array(["a", "b", "c"]), "difference_rows": np.array(rows)}
    write_npz(folder / "parameters.npz", difference=np.array(matrix), **names)
    write_json(folder / "record.json", {"dms": {"reference": fit.reference}})


def test_load_reads_the_files_of_a_fit(tmp_path):
    rows = ["b-minus-a", "c-minus-a"]
    matrix = [[-1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]]
    write_fit(tmp_path, estimate(REFERENCE_ROWS), rows, matrix)
    loaded = simulated_truth.load(tmp_path)
    assert loaded.reference == "a"
    assert loaded.coefficients == {"b-minus-a": {"a": -1.0, "b": 1.0}, "c-minus-a": None}
    assert loaded.mutations["times_seen_c"].tolist() == [seen[2] for _, _, seen in CALLS]


def two_weights() -> pd.DataFrame:
    """At the smaller weight everything is called, at the larger one the calls of :data:`CALLS`."""
    everything = estimate(calls=[(name, (1, 1, 1), seen) for name, _, seen in CALLS])
    by_path = {"small": everything, "large": estimate()}
    both = pd.concat([fits(path=["small"], lasso=[0.0]), fits(path=["large"], lasso=[1e-4])])
    return recovery.recovery(both, by_path.__getitem__, TRUTH)


def test_the_best_weight_and_its_reading():
    # F1 over rows: 2 * 11 / (11 + 22) = 0.67 against 2 * 8 / (11 + 11) = 0.73.
    best = recovery.best(two_weights()).set_index("branches")
    assert set(best["lasso"]) == {1e-4}
    assert best["f1"].tolist() == pytest.approx([16 / 22] * 2)
    assert best.loc["own", "recall"] == pytest.approx(3 / 4)
    assert best.loc["other", "recall"] == pytest.approx((3 / 3 + 2 / 4) / 2)
    assert best.loc["other", "pattern_precision"] == pytest.approx((1 / 3 + 1) / 2)
    text = recovery.reading(two_weights())
    assert "lasso weight 1e-4" in text and "75%" in text


def test_the_figure_has_a_line_for_each_branch_and_says_when_it_is_empty():
    fig = recovery_figure.figure(two_weights())
    assert len(fig.axes) == len(recovery_figure.PANELS)
    drawn = [line for line in fig.axes[0].get_lines() if line.get_linestyle() != "None"]
    lines = {line.get_color() for line in drawn if len(line.get_xdata()) == 2}
    assert recovery_figure.REFERENCE_COLOUR in lines and len(lines) == 4
    empty = recovery.recovery(fits().iloc[:0], lambda path: estimate(), TRUTH)
    assert recovery.best(empty).empty and "Nothing" in recovery.reading(empty)
    words = [text.get_text() for text in recovery_figure.figure(empty).axes[0].texts]
    assert words == ["Nothing to compare with the truth: no fit finished."]
    assert fig._supxlabel.get_text().replace("\n", " ") == f"All 2 fits converged. {recovery_figure.PATH_NOTE}"


@pytest.mark.parametrize(
    ("truth", "least", "said"),
    [(TRUTH.assign(branch="", beta_a=0, beta_b=0, beta_c=0), 1, "simulated"), (TRUTH, 6, "at mutations that count")],
)
def test_the_figure_says_why_there_is_nothing_to_find(truth, least, said):
    figure = recovery_figure.figure(table_of(estimate(), truth, min_times_seen=least))
    assert figure.axes[0].texts[0].get_text().replace("\n", " ").endswith(f"truth: no shifts {said}.")


def test_average_precision_in_the_figure_is_that_of_the_table():
    table = two_weights()
    ax = recovery_figure.figure(table).axes[
        [label for _, _, label in recovery_figure.PANELS].index("Average precision")
    ]
    assert [text.get_text() for text in ax.texts] == ["path"]
    beside = ax.texts[0].get_position()[0]
    drawn = table[table["row"] == "all"]
    for branch, colour in (("a", recovery_figure.REFERENCE_COLOUR), ("all", style.GREY)):
        here = drawn[drawn["branch"] == branch]
        of_fits = here[here["level"] == "row"]
        lines = [line for line in ax.get_lines() if line.get_color() == colour and len(line.get_xdata()) == 2]
        dotted = {line.get_linestyle() == ":": line.get_ydata().tolist() for line in lines}
        assert dotted == {True: of_fits["prevalence"].tolist(), False: of_fits["average_precision"].tolist()}
        points = [line for line in ax.get_lines() if line.get_markeredgecolor() == colour and len(line.get_xdata())]
        path = [line.get_ydata().tolist() for line in points if line.get_xdata()[0] == pytest.approx(beside)]
        assert path == [here.loc[here["level"] == "path", "average_precision"].tolist()]
    assert beside > max(line.get_xdata().max() for line in ax.get_lines() if len(line.get_xdata()) == 2)


def test_the_notebook_is_stored_empty_and_runs_on_the_files_of_a_study(tmp_path):
    path = Path(__file__).parents[4] / "notebooks/dms/recovery.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code[0]["metadata"]["tags"] == ["parameters"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)

    matrix = [[-1.0, 1.0, 0.0], [-1.0, 0.0, 1.0]]
    write_fit(tmp_path / "fit", estimate(REFERENCE_ROWS), list(REFERENCE_ROWS), matrix)
    write_csv(tmp_path / "truth.csv", TRUTH)
    write_csv(tmp_path / "fits.csv", fits(path=[str(tmp_path / "fit")], difference=["reference"]))
    variables: dict = {}
    exec("".join(code[0]["source"]), variables)
    variables |= {"study": "demo", "fits_csv": tmp_path / "fits.csv", "truth": tmp_path / "truth.csv"}
    variables |= {"table": tmp_path / "recovery.csv", "figure": tmp_path / "recovery"}
    variables["figures"] = {"dpi": 40}
    for cell in code[1:]:
        exec("".join(cell["source"]), variables)
    written = pd.read_csv(tmp_path / "recovery.csv")
    assert counts(written, "row", "a") == counts(table_of(estimate(REFERENCE_ROWS)), "row", "a")
    assert (tmp_path / "recovery.svg").stat().st_size and (tmp_path / "recovery.png").stat().st_size
