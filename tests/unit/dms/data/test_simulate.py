"""The simulation against plain recomputation: wildtypes, phenotypes in both coordinates, shifts, counts."""

import math
import re

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.data.simulate import simulate
from proxsweep.dms.data.simulation import complete, defaults
from proxsweep.io.errors import UserError

# ((a, b), c), d: a and b are sisters below `inner`.
TREE = {"a": "inner", "b": "inner", "inner": "stem", "c": "stem", "stem": "root", "d": "root"}
SMALL = {
    "tree": TREE,
    "conditions": ["d", "a", "b", "c"],
    "reference": "a",
    "sites": 40,
    "variants": 300,
    "library_share": 0.9,
    "noise": 0.0,
    "shifts": 12,
    "differences": 3,
}


def below(branch: str) -> set[str]:
    children = {child for child, parent in TREE.items() if parent == branch}
    return {branch} | {leaf for child in children for leaf in below(child)}


def parse(text: str) -> list[tuple[str, int, str]]:
    return [(m[1], int(m[2]), m[3]) for m in re.finditer(r"(\S)(\d+)(\S)", text)]


def wildtypes(table: pd.DataFrame) -> dict[str, dict[int, str]]:
    """Wildtype letters by condition and site, from the table alone; contradictions fail."""
    letters: dict[str, dict[int, str]] = {}
    for condition, text in zip(table["condition"], table["aa_substitutions"], strict=True):
        for own, site, _ in parse(text):
            assert letters.setdefault(condition, {}).setdefault(site, own) == own
    return letters


def sigmoid(phenotype: float, scale: float = 5.0, bias: float = -4.0) -> float:
    return scale / (1 + math.exp(-phenotype)) + bias


@pytest.fixture(scope="module")
def small() -> tuple[pd.DataFrame, pd.DataFrame]:
    return simulate(SMALL)


def test_same_seed_same_bytes_and_another_seed_another_table(small):
    again = simulate(SMALL)
    for first, second in zip(small, again, strict=True):
        assert first.to_csv() == second.to_csv()
    table, truth = simulate({**SMALL, "seed": 2})
    assert not truth.equals(small[1])
    assert set(table["aa_substitutions"]) != set(small[0]["aa_substitutions"])


def test_columns_conditions_and_sizes(small):
    table, truth = small
    assert list(table) == ["condition", "replicate", "aa_substitutions", "func_score"]
    betas = ["beta_d", "beta_a", "beta_b", "beta_c"]
    assert list(truth) == ["mutation", "wildtype", "site", "mutant", *betas, "branch", "shift_size"]
    assert not table.isna().any(axis=None) and not truth.isna().any(axis=None)
    groups = table.groupby(["condition", "replicate"])["aa_substitutions"]
    assert len(groups) == 8
    assert (groups.nunique() == 300).all()
    assert (groups.apply(lambda texts: (texts == "").sum()) == defaults()["wildtype_barcodes"]).all()
    assert truth["mutation"].is_unique


def test_variants_carry_one_substitution_a_site_from_their_own_wildtype(small):
    table, truth = small
    wildtypes(table)
    for text in table["aa_substitutions"].unique():
        sites = [site for _, site, _ in parse(text)]
        assert sites == sorted(set(sites))
        assert all(own != mutant for own, _, mutant in parse(text))
    assert {f"{w}{s}{m}" for w, s, m in zip(truth.wildtype, truth.site, truth.mutant, strict=True)} == set(
        truth["mutation"]
    )


def test_scores_follow_from_the_truth_in_both_coordinate_systems(small):
    table, truth = small
    letters = wildtypes(table)
    reference = letters["a"]
    beta = {c: dict(zip(truth.mutation, truth[f"beta_{c}"], strict=True)) for c in "abcd"}
    wildtype_phenotype = math.log(4.0 / 1.0)  # where 5 / (1 + exp(-phi)) - 4 is zero
    touched = {"reversion": 0, "other letter at a differing site": 0, "untouched differing site": 0}
    sample = table.groupby("condition").sample(150, random_state=1)
    for condition, text, score in zip(
        sample["condition"], sample["aa_substitutions"], sample["func_score"], strict=True
    ):
        own, effects = letters[condition], beta[condition]
        bundle = {site: f"{reference[site]}{site}{own[site]}" for site in own if own[site] != reference[site]}
        # Reference coordinates: rewrite the whole sequence, then subtract from the intercept.
        sequence = {**own, **{site: mutant for _, site, mutant in parse(text)}}
        carried = [f"{reference[s]}{s}{x}" for s, x in sequence.items() if x != reference[s]]
        intercept = wildtype_phenotype - sum(effects[mutation] for mutation in bundle.values())
        in_reference = intercept + sum(effects[mutation] for mutation in carried)
        # Own coordinates: a bundle member has the opposite sign, and touching its site takes it away.
        in_own = wildtype_phenotype
        for _, site, mutant in parse(text):
            if site in bundle:
                in_own -= effects[bundle[site]]
                touched["reversion" if mutant == reference[site] else "other letter at a differing site"] += 1
            if mutant != reference[site]:
                in_own += effects[f"{reference[site]}{site}{mutant}"]
        touched["untouched differing site"] += len(set(bundle) - {site for _, site, _ in parse(text)})
        assert in_reference == pytest.approx(in_own, abs=1e-12)
        assert score == pytest.approx(sigmoid(in_reference), abs=1e-12)
    assert min(touched.values()) > 0


def test_wildtypes_differ_where_the_tree_says(small):
    letters = wildtypes(small[0])
    assert all(len(letters[condition]) == 40 for condition in "abcd")

    def differing(x: str, y: str) -> int:
        return sum(letters[x][site] != letters[y][site] for site in letters[x])

    # Three a branch; branches between: a-b 2, a-c 3 (a, inner, c), a-d 4 (a, inner, stem, d), c-d 3.
    assert [differing("a", y) for y in "bcd"] == [6, 9, 12]
    assert differing("c", "d") == 9


def test_shifts_separate_the_leaves_below_their_branch_from_the_others(small):
    truth = small[1]
    assert truth["branch"].value_counts().to_dict() == dict.fromkeys(TREE, 12) | {"": len(truth) - 12 * len(TREE)}
    for row in truth.itertuples():
        moved = below(row.branch) if row.branch else set()
        for x in "abcd":
            for y in "abcd":
                expected = row.shift_size * ((x in moved) - (y in moved))
                assert getattr(row, f"beta_{x}") - getattr(row, f"beta_{y}") == pytest.approx(expected, abs=1e-9)
    assert (truth.loc[truth.branch != "", "mutant"] != "*").all()


def test_a_shift_on_the_references_branch_moves_all_others_together(small):
    truth = small[1].query("branch == 'a'")
    away = [truth[f"beta_{c}"] - truth["beta_a"] for c in "bcd"]
    for difference in away:
        np.testing.assert_allclose(difference, -truth["shift_size"], atol=1e-9)
    assert (truth["shift_size"].abs() >= defaults()["shift_minimum"]).all()


def test_the_reference_changes_the_coordinates_of_the_truth_and_nothing_else(small):
    table, truth = simulate({**SMALL, "reference": "d"})
    pd.testing.assert_frame_equal(table, small[0])
    keys = ["site", "mutant"]
    both = truth.merge(small[1], on=keys, suffixes=("", "_other"))
    assert len(both) > 0.9 * len(truth)
    assert (both["branch"] == both["branch_other"]).all()
    for x, y in ("ab", "cd", "ad"):
        difference = both[f"beta_{x}"] - both[f"beta_{y}"]
        np.testing.assert_allclose(difference, both[f"beta_{x}_other"] - both[f"beta_{y}_other"], atol=1e-9)
    moved = both["wildtype"] != both["wildtype_other"]
    assert 0 < moved.sum() < len(both)
    np.testing.assert_allclose(both.loc[~moved, "beta_b"], both.loc[~moved, "beta_b_other"], atol=1e-12)


def test_wildtype_scores_zero_and_noise_has_the_stated_size():
    spec = {**SMALL, "noise": {1: 0.1, 2: 0.7}, "wildtype_barcodes": 4000, "variants": 2}
    table, _ = simulate(spec)
    scores = table.query("aa_substitutions == ''").groupby(["condition", "replicate"])["func_score"]
    sd = scores.std().unstack()
    np.testing.assert_allclose(sd[1], 0.1, rtol=0.08)
    np.testing.assert_allclose(sd[2], 0.7, rtol=0.08)
    np.testing.assert_allclose(scores.mean().unstack()[2], 0.0, atol=0.06)


def test_linear_scores_are_the_phenotype():
    table, truth = simulate({**SMALL, "global_epistasis": "linear", "differences": 0})
    singles = table[table["aa_substitutions"].isin(truth["mutation"])]
    for condition, group in singles.groupby("condition"):
        effects = truth.set_index("mutation")[f"beta_{condition}"]
        np.testing.assert_allclose(group["func_score"], effects[group["aa_substitutions"]], atol=1e-12)


def test_replicates_have_libraries_of_their_own_or_share_one():
    def sets(spec):
        table, _ = simulate(spec)
        groups = table[table["condition"] == "b"].groupby("replicate")["aa_substitutions"]
        return [set(texts) for _, texts in groups]

    own, shared = sets(SMALL), sets({**SMALL, "replicate_variants": "shared"})
    assert shared[0] == shared[1] == own[0]
    assert own[0] != own[1]


def test_one_more_replicate_leaves_the_others_as_they_are(small):
    table, truth = simulate({**SMALL, "replicates": 3})
    pd.testing.assert_frame_equal(table.query("replicate < 3"), small[0])
    pd.testing.assert_frame_equal(truth, small[1])


def test_counts_give_back_the_scores_as_depth_grows(small):
    errors = []
    for depth in (30.0, 3e3, 3e5):
        table, _ = simulate({**SMALL, "output": "counts", "pre_count": depth, "post_count": depth})
        assert list(table) == ["condition", "replicate", "aa_substitutions", "pre_count", "post_count"]
        table = table.assign(score=small[0]["func_score"])
        residuals = []
        for _, group in table.groupby(["condition", "replicate"]):
            wildtype = group[group["aa_substitutions"] == ""]
            base = math.log2((wildtype.post_count.sum() + 0.5) / (wildtype.pre_count.sum() + 0.5))
            enrichment = np.log2((group.post_count + 0.5) / (group.pre_count + 0.5)) - base
            residuals.append(enrichment - group.score)
        errors.append(pd.concat(residuals).abs().median())
    assert errors[1] < errors[0] / 5 and errors[2] < errors[1] / 5
    assert errors[2] < 0.01
    assert table["pre_count"].mean() == pytest.approx(3e5, rel=1e-3)
    assert table["post_count"].mean() == pytest.approx(3e5, rel=1e-3)


def test_frequencies_stops_and_barcodes():
    spec = {
        **SMALL,
        "sites": 400,
        "variants": 20000,
        "replicates": 1,
        "frequency_sigma": 1.5,
        "stop_share": 0.1,
        "library_share": 0.5,
        "barcodes": 3.0,
        "substitutions": 3.0,
    }
    table, truth = simulate(spec)
    mutants = table[(table["condition"] == "a") & (table["aa_substitutions"] != "")]
    assert len(mutants) / 19999 == pytest.approx(3.0, rel=0.03)
    distinct = mutants["aa_substitutions"].drop_duplicates().str.split(" ")
    # The mean of a Poisson number that is not zero is mean / (1 - exp(-mean)) = 3.16; small sets repeat most.
    assert 3.16 < distinct.str.len().mean() < 1.1 * 3.16
    seen = distinct.explode()
    assert seen.str.endswith("*").mean() == pytest.approx(0.1, abs=0.01)
    times = seen.value_counts()
    assert times.max() > 20 * times.median() and times.min() <= 2
    assert len(truth) / (400 * 20) == pytest.approx(0.5, abs=0.03)
    stops = truth.loc[truth["mutant"] == "*", "beta_a"]
    assert stops.mean() == pytest.approx(defaults()["stop_effect"], abs=0.4)
    assert (truth.loc[truth["mutant"] != "*", "beta_a"] < 0).mean() > 0.7


@pytest.mark.parametrize(
    "tree, order", [({"x": "r"}, ["x"]), ({"x": "r", "y": "r"}, ["x", "y"]), (TREE, ["a", "b", "c", "d"])]
)
def test_any_number_of_conditions(tree, order):
    table, truth = simulate({"tree": tree, "sites": 30, "variants": 50})
    assert list(table["condition"].unique()) == order
    assert [name for name in truth if name.startswith("beta_")] == [f"beta_{name}" for name in order]


def test_completing_twice_changes_nothing_and_mappings_leave_branches_out():
    once = complete({**SMALL, "shifts": {"inner": 0.25}, "noise": {"1": 0.1, "2": 0.2}})
    assert complete(once) == once
    assert once["shifts"] == {"a": 0, "b": 0, "inner": 0.25, "c": 0, "stem": 0, "d": 0}
    assert once["noise"] == {1: 0.1, 2: 0.2}
    assert set(once) == set(defaults())


@pytest.mark.parametrize(
    "change, place",
    [
        ({"sede": 1}, "sede"),
        ({"seed": -1}, "seed"),
        ({"seed": True}, "seed"),
        ({"tree": None}, "tree"),
        ({"tree": {"a": "r", "b": "s"}}, "tree"),
        ({"tree": {"a": "b", "b": "a", "c": "r"}}, "tree"),
        ({"conditions": ["a", "b"]}, "conditions"),
        ({"reference": "inner"}, "reference"),
        ({"differences": {"z": 1}}, "differences"),
        ({"differences": 10}, "differences"),
        ({"shifts": 1.5}, "shifts: a"),
        ({"shifts": 0.3}, "shifts: c"),
        ({"variants": {"a": 10}}, "variants"),
        ({"variants": 5000, "substitutions": 0.01}, "variants: d"),
        ({"noise": -0.1}, "noise: 1"),
        ({"bias": 0.5}, "bias"),
        ({"bias": -5.0}, "bias"),
        ({"output": "reads"}, "output"),
        ({"scale": "5"}, "scale"),
        ({"library_share": 1.2}, "library_share"),
        ({"library_share": 0.0, "differences": 0}, "library_share"),
        ({"shift_mean": 0.1}, "shift_mean"),
        ({"barcodes": 0.5}, "barcodes"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(change, place):
    with pytest.raises(UserError) as refused:
        simulate({**SMALL, **change})
    assert refused.value.place == f"simulate: {place}"
