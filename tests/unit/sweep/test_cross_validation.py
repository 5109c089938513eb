"""Held-out losses of a sweep, and which weights the rules choose."""

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.roles import ROLES
from proxsweep.sweep import chosen, cross_validation

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


def test_means_and_standard_errors():
    found = cross_validation.table(fits(), ROLES).set_index("lasso")
    assert list(found["fits"]) == [6] * 5
    for lasso, replicates in LOSSES.items():
        values = np.array(list(replicates.values()))
        assert found.loc[lasso, "validation_loss"] == pytest.approx(values.mean(), rel=1e-12)
        error = np.sqrt((values.var(axis=1, ddof=1) / 3).sum()) / 2
        assert found.loc[lasso, "standard_error"] == pytest.approx(error, rel=1e-12)
    assert list(found["validation_variants_a"]) == [11 + 12 + 13] * 5


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
    ("changes", "lasso", "rule"),
    [
        ({}, 4e-5, "one_standard_error"),
        ({"rule": "minimum"}, 2e-5, "minimum"),
        # 1e-5 has a small estimate by chance: the next weight has a large one
        ({"rule": "replicate_signs"}, 4e-5, "replicate_signs"),
        ({"rule": "replicate_signs", "false_discovery_rate": 0.05}, 8e-5, "replicate_signs"),
        ({"lasso": 1e-5}, 1e-5, "given"),
        ({"rule": "replicate_signs", "false_discovery_rate": 0.001}, np.nan, "none"),
    ],
)
def test_the_weight_that_is_chosen(changes, lasso, rule):
    table = fits()
    found = chosen.resolve(table, cross_validation.table(table, ROLES), SIGNS, {**WANTED, **changes}, ROLES)
    assert len(found) == 1 and found["chosen"].all()
    row = found.iloc[0]
    assert row["lasso"] == pytest.approx(lasso, nan_ok=True) and row["rule"] == rule
    assert (row["minimum"], row["one_standard_error"]) == (2e-5, 4e-5)
    if np.isfinite(lasso):
        assert row["validation_loss"] == pytest.approx(np.mean(list(LOSSES[lasso].values())))
        assert chosen.main(found)["lasso"] == lasso
    else:
        assert chosen.main(found) is None


def test_without_folds_and_pairs_nothing_is_chosen():
    table = fits()
    table = table[table["fold"].isna()]
    found = chosen.resolve(table, cross_validation.table(table, ROLES), SIGNS.assign(estimate=np.nan), WANTED, ROLES)
    assert found["rule"].tolist() == ["none"] and found["lasso"].isna().all()


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
