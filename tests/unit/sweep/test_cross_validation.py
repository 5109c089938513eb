"""Held-out losses of a sweep, and which weights the rules choose."""

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.roles import ROLES
from proxsweep.sweep import chosen, cross_validation, rules
from proxsweep.sweep.study import Roles

LOSSES = {  # lasso: replicate: folds
    0.0: {"1": [0.5, 0.6, 0.7], "2": [0.5, 0.6, 0.4]},
    1e-5: {"1": [0.30, 0.32, 0.34], "2": [0.20, 0.24, 0.22]},
    2e-5: {"1": [0.29, 0.30, 0.31], "2": [0.21, 0.22, 0.23]},
    4e-5: {"1": [0.295, 0.305, 0.311], "2": [0.213, 0.222, 0.231]},
    8e-5: {"1": [0.4, 0.4, 0.4], "2": [0.4, 0.4, 0.4]},
}


def fits(changed: dict | None = None) -> pd.DataFrame:
    rows = []
    for lasso, replicates in LOSSES.items():
        for replicate, values in replicates.items():
            rows.append((lasso, replicate, np.nan, "converged", np.nan, np.nan))
            for fold, value in enumerate(values, 1):
                status = (changed or {}).get((lasso, replicate, fold), "converged")
                rows.append((lasso, replicate, str(fold), status, value, 10 + fold))
    columns = ["lasso", "replicate", "fold", "status", "validation_loss", "validation_variants_a"]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(0, "study", "s")
    table.insert(1, "family", "dms")
    table.insert(2, "difference", "reference")
    return table.assign(resample=np.nan, training_loss=0.1)


SIGNS = pd.DataFrame(
    {
        "study": "s",
        "difference": "reference",
        "lasso": list(LOSSES),
        "row": "all",
        "estimate": [0.9, 0.04, 0.3, 0.08, 0.02],
        "unconverged": 0,
    }
)
WANTED = {"lasso": None, "rule": "one_standard_error", "false_discovery_rate": 0.1, "difference": "reference"}


def resolved(table: pd.DataFrame | None = None, signs: pd.DataFrame = SIGNS, changes: dict | None = None) -> pd.Series:
    """The one row of what is chosen; the table of all fits unless another is given."""
    table = fits() if table is None else table
    validated = cross_validation.table(table, ROLES)
    found = chosen.resolve(table, validated, signs, {**WANTED, **(changes or {})}, ROLES)
    assert len(found) == 1
    return found.iloc[0]


def test_means_and_standard_errors():
    table = fits().assign(validation_entries=7)
    found = cross_validation.table(table, ROLES).set_index("lasso")
    assert list(found["fits"]) == [6] * 5
    for lasso, replicates in LOSSES.items():
        values = np.array(list(replicates.values()))
        assert found.loc[lasso, "validation_loss"] == pytest.approx(values.mean(), rel=1e-12)
        error = np.sqrt((values.var(axis=1, ddof=1) / 3).sum()) / 2
        assert found.loc[lasso, "standard_error"] == pytest.approx(error, rel=1e-12)
    assert list(found["validation_variants_a"]) == [11 + 12 + 13] * 5
    assert list(found["validation_entries"]) == [3 * 7] * 5


def test_the_two_rules():
    found = cross_validation.table(fits(), ROLES).set_index("lasso")
    assert list(found.index[found["minimum"]]) == [2e-5]
    limit = found.loc[2e-5, "validation_loss"] + found.loc[2e-5, "standard_error"]
    assert found.loc[4e-5, "validation_loss"] < limit < found.loc[8e-5, "validation_loss"]
    assert list(found.index[found["one_standard_error"]]) == [4e-5]


def test_a_weight_with_a_fold_that_did_not_converge_is_not_eligible():
    found = cross_validation.table(fits({(4e-5, "2", 3): "max_iterations"}), ROLES).set_index("lasso")
    assert found.loc[4e-5, "unconverged"] == 1 and not found.loc[4e-5, "eligible"]
    assert list(found.index[found["one_standard_error"]]) == [2e-5]


def test_a_weight_with_a_fold_without_a_loss_is_not_eligible():
    table = fits()
    table.loc[(table["lasso"] == 2e-5) & (table["fold"] == "1") & (table["replicate"] == "1"), "validation_loss"] = (
        np.nan
    )
    found = cross_validation.table(table, ROLES).set_index("lasso")
    assert not found.loc[2e-5, "eligible"] and list(found.index[found["minimum"]]) == [4e-5]


@pytest.mark.parametrize(
    ("changes", "lasso", "by", "reason"),
    [
        ({}, 4e-5, "one_standard_error", "held-out loss within one standard error of the smallest"),
        ({"rule": "minimum"}, 2e-5, "minimum", "smallest held-out loss"),
        # 1e-5 has a small estimate by chance: the next weight has a large one
        ({"rule": "replicate_signs"}, 4e-5, "replicate_signs", "estimated 8 % false, limit 10 %"),
        ({"rule": "auto"}, 4e-5, "replicate_signs", "estimated 8 % false, limit 10 %"),
        ({"rule": "auto", "false_discovery_rate": 0.05}, 8e-5, "replicate_signs", "estimated 2 % false, limit 5 %"),
        ({"lasso": 1e-5}, 1e-5, "given", "given in the config"),
        ({"lasso": 0.0}, 0.0, "given", "given in the config"),
    ],
)
def test_the_weight_that_is_chosen(changes, lasso, by, reason):
    row = resolved(changes=changes)
    assert (row["lasso"], row["by"], row["reason"]) == (lasso, by, reason) and row["selected"] and row["chosen"]
    assert row["rule"] == ("given" if by == "given" else changes.get("rule", "one_standard_error"))
    assert (row["minimum"], row["one_standard_error"]) == (2e-5, 4e-5)
    assert row["validation_loss"] == pytest.approx(np.mean(list(LOSSES[lasso].values())), nan_ok=True)
    table = pd.DataFrame([row])
    assert chosen.main(table)["lasso"] == lasso == chosen.weight(table, {"difference": "reference"})


NO_FOLDS = fits()[fits()["fold"].isna()]
ONE_REPLICATE = NO_FOLDS[NO_FOLDS["replicate"] == "1"]
FOLD_FAILED = fits({(lasso, "1", 1): "max_iterations" for lasso in LOSSES})


@pytest.mark.parametrize(
    ("table", "signs", "changes", "reason"),
    [
        (NO_FOLDS, {"estimate": np.nan}, {}, "no weight: no finding agrees between replicates"),
        (
            NO_FOLDS,
            {"estimate": [0.99, 0.95, 0.913, 0.94, 1]},
            {},
            "no weight: estimated 91.3 % false at best, limit 10 %",
        ),
        (NO_FOLDS, {}, {"false_discovery_rate": 0.01}, "no weight: estimated 2 % false at best, limit 1 %"),
        (
            NO_FOLDS,
            {"unconverged": 1},
            {},
            "no weight: where the estimate is within the limit, 10 % false, a fit did not converge",
        ),
        (
            NO_FOLDS,
            {"estimate": [0.9, 0.04, 0.3, 0.08, 0.2]},
            {},
            "no weight: above the limit again at lasso 8e-05, estimated 20 % false, limit 10 %",
        ),
        (fits(), {"estimate": 0.5}, {}, "no weight: estimated 50 % false at best, limit 10 %"),
        (
            ONE_REPLICATE,
            {"estimate": np.nan},
            {},
            "no weight: neither two replicates nor cross-validation to choose by",
        ),
        (NO_FOLDS, {}, {"rule": "minimum"}, "no weight: no cross-validation"),
        (FOLD_FAILED, {}, {"rule": "minimum"}, "no weight: at each, a fold did not converge or has no held-out loss"),
    ],
)
def test_where_no_weight_is_found_findings_are_ranked_at_the_smallest_above_zero(table, signs, changes, reason):
    row = resolved(table, SIGNS.assign(**signs), {"rule": "auto", **changes})
    assert (row["lasso"], row["by"], row["reason"]) == (1e-5, "ranking", reason)
    assert not row["selected"] and row["chosen"]
    ranking = pd.DataFrame([row])
    assert chosen.main(ranking)["lasso"] == 1e-5 and chosen.reason(ranking) == reason
    assert np.isnan(chosen.weight(ranking, {"difference": "reference"})) and not chosen.is_selected(ranking)


def test_one_replicate_with_folds_is_chosen_by_its_held_out_loss():
    table = fits()[fits()["replicate"] == "1"]
    row = resolved(table, SIGNS.assign(estimate=np.nan), {"rule": "auto"})
    assert (row["lasso"], row["rule"], row["by"]) == (4e-5, "auto", "one_standard_error")


@pytest.mark.parametrize(
    ("diverged", "weight"), [([1e-5], 2e-5), ([1e-5, 2e-5, 4e-5, 8e-5], 0.0), (list(LOSSES), np.nan)]
)
def test_a_ranking_uses_no_fit_that_diverged(diverged, weight):
    table = ONE_REPLICATE.assign(status=np.where(ONE_REPLICATE["lasso"].isin(diverged), "diverged", "converged"))
    row = resolved(table, SIGNS.iloc[:0], {"rule": "auto"})
    assert row["lasso"] == pytest.approx(weight, nan_ok=True) and row["by"] == "ranking"
    assert (chosen.main(pd.DataFrame([row])) is None) == np.isnan(weight)


def test_where_smaller_is_simpler_a_ranking_takes_the_largest():
    roles = Roles(order=("rank",), strength="rank", strength_label="Number of factors", larger_is_simpler=False)
    assert rules.least_simple([0, 2, 5, 3], roles) == 5
    signs = pd.DataFrame({"rank": [2, 3, 5], "estimate": [0.02, 0.05, 0.5], "unconverged": 0})
    assert rules.by_signs(signs, 0.1, roles).strength == 3
    assert rules.by_signs(signs.assign(estimate=0.5), 0.1, roles).reason.startswith("no factors: estimated 50 % false")


def test_stability_takes_the_least_simple_strength_at_which_starts_agree_in_all_replicates():
    roles = Roles(order=("rank",), strength="rank", strength_label="Rank", larger_is_simpler=False)
    table = pd.DataFrame({"rank": [2, 2, 3, 3, 4, 4], "stable": [True, True, True, True, True, False]})
    table["reason"] = [f"mean {k}" for k in range(6)]
    assert rules.by_stability(table, roles) == (3.0, "mean 2; mean 3")
    assert rules.by_stability(table.assign(stable=False), roles).reason == "no rank: starts agree at none"
    alone = table.assign(stable=False, reason="1 start of 1 converged: two are needed")
    assert rules.by_stability(alone, roles).reason == "no rank: 1 start of 1 converged: two are needed"
    assert np.isnan(rules.by_stability(table.iloc[:0], roles).strength)


def test_a_family_s_rules_are_the_columns_of_the_choice():
    evidence = pd.DataFrame({"lasso": [1e-5, 2e-5], "stable": [True, False], "reason": ["a", "b"]})
    table = fits()
    offered = (rules.HELD_OUT, rules.STABILITY)
    validated = cross_validation.table(table, ROLES)
    wanted = {"lasso": None, "rule": "auto"}
    row = chosen.resolve(table, validated, evidence, wanted, ROLES, offered).iloc[0]
    nearest = validated.loc[validated["one_standard_error"], "lasso"].iloc[0]
    assert (row["by"], row["held_out"], row["stability"], row["lasso"]) == ("held_out", nearest, 1e-5, nearest)
    assert not {"minimum", "replicate_signs", "false_discovery_rate"} & set(row.index)
    unfolded = chosen.resolve(table, validated.iloc[:0], evidence, wanted, ROLES, offered).iloc[0]
    assert (unfolded["by"], unfolded["lasso"]) == ("stability", 1e-5)


@pytest.mark.parametrize(
    ("rule", "pairs", "folds", "what", "lacking"),
    [
        ("auto", True, True, "replicate signs: at most 10 % estimated to be false", ""),
        ("auto", False, True, "within one standard error", ""),
        ("auto", False, False, "no weight can be chosen, with neither two replicates nor cross-validation", ""),
        ("minimum", True, True, "chosen by smallest held-out loss", ""),
        ("minimum", True, False, "", "cross-validation"),
        ("one_standard_error", True, False, "", "cross-validation"),
        ("replicate_signs", False, True, "", "two replicates"),
    ],
)
def test_what_will_be_chosen_is_said_before_and_a_rule_that_cannot_work_is_known(rule, pairs, folds, what, lacking):
    assert rules.lacking(rule, pairs, folds).startswith(lacking)
    if lacking:
        return
    assert not rules.lacking(rule, pairs, folds)
    said = rules.announced(rule, rules.RULES, pairs, folds, 0.1, [0.0, 4e-5, 1e-5], ROLES)
    assert what in said and said.endswith("findings are ranked by size at lasso 1e-05, none selected")


def test_every_matrix_has_its_own_weight_and_one_is_the_study_s():
    both = pd.concat([fits(), fits().assign(difference="equivariant")], ignore_index=True)
    higher = (both["difference"] == "equivariant") & (both["lasso"] == 2e-5)
    both.loc[higher, "validation_loss"] += 0.5
    signs = pd.concat([SIGNS, SIGNS.assign(difference="equivariant")])
    wanted = {**WANTED, "rule": "minimum", "difference": "equivariant"}
    found = chosen.resolve(both, cross_validation.table(both, ROLES), signs, wanted, ROLES).set_index("difference")
    assert found["lasso"].to_dict() == {"reference": 2e-5, "equivariant": 4e-5}
    assert found["chosen"].to_dict() == {"reference": False, "equivariant": True}
    assert chosen.weight(found.reset_index(), {"difference": "equivariant", "lasso": 1}) == 4e-5


def test_a_ranking_needs_every_replicate_s_fit():
    one = (NO_FOLDS["lasso"] == 1e-5) & (NO_FOLDS["replicate"] == "2")
    table = NO_FOLDS.assign(status=np.where(one, "diverged", "converged"))
    row = resolved(table, SIGNS.assign(estimate=np.nan), {"rule": "auto"})
    assert (row["lasso"], row["by"]) == (2e-5, "ranking")
