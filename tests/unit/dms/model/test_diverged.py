"""Every summary leaves fits that diverged out by their status: what they wrote are numbers, but mean nothing."""

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.results import fitted, replicate_signs, shifts
from proxsweep.dms.roles import ROLES
from proxsweep.dms.summaries import (
    false_discovery,
    patterns,
    recovery,
    replicate_correlation,
    replicate_scatter,
    scale_bound,
    shift_paths,
    simulated_truth,
    sparsity,
    starts,
)
from proxsweep.sweep import cross_validation

ROW = "b-minus-a"
MUTATIONS = ["A1C", "A2D", "A3E", "A4*", "A5*", "A6F"]
SHIFT = {"p": [0.0, 1.0, -2.0, 0.0, 0.5, 3.0], "q": [0.5, 1.5, -1.0, 0.25, 0.0, 2.0]}
TRUTH = pd.DataFrame({"mutation": MUTATIONS, "beta_a": 0.0, "beta_b": SHIFT["p"], "branch": ["", *"bb", "", *"bb"]})
CHOICE = pd.DataFrame(
    {"study": "s", "difference": ["reference"], "lasso": 1e-5, "rule": "given", "chosen": True}
).assign(by="given", selected=True, reason="given in the config")


def fits(status: str) -> pd.DataFrame:
    """Two replicates, the second with this status, and a fold and a resample of the same."""
    rows = [("1", "", "", "converged", "p"), ("2", "", "", status, "q"), ("1", "1", "", status, "q")]
    rows += [("1", "", "1", status, "q")]
    table = pd.DataFrame(rows, columns=["replicate", "fold", "resample", "status", "path"])
    table = table.assign(objective=1.0, training_loss=0.5, validation_loss=0.25, start="zeros")
    for place, (name, value) in enumerate(
        {"study": "s", "family": "dms", "difference": "reference", "lasso": 1e-5}.items()
    ):
        table.insert(place, name, value)
    return table


def mutations(path: str) -> pd.DataFrame:
    shift = np.array(SHIFT[path])
    table = pd.DataFrame({"mutation": MUTATIONS, "beta_a": np.arange(6.0), "beta_b": np.arange(6.0) + shift})
    table[f"shift_{ROW}"] = shift
    parts = {"wildtype": "A", "site": [name[1] for name in MUTATIONS], "mutant": [name[2] for name in MUTATIONS]}
    return table.assign(**parts, times_seen_a=2, times_seen_b=2)


def load(path: str) -> fitted.Fitted:
    return fitted.Fitted(["a", "b"], {ROW: ["a", "b"]}, mutations(path))


def estimate(path: str) -> simulated_truth.Estimate:
    return simulated_truth.Estimate("a", {ROW: {"a": -1.0, "b": 1.0}}, mutations(path))


def effects(path: str) -> patterns.Effects:
    table = mutations(path)
    b = table[["beta_a", "beta_b"]].to_numpy().T
    return patterns.Effects(["a", "b"], np.array([[-1.0, 1.0]]), b, table, np.zeros(6, bool))


def tried(path: str) -> starts.StartResults:
    each = [{"start": name, "status": "converged", "objective": 1.0} for name in ("zeros", "linear")]
    return starts.StartResults("zeros", each, {name: np.array([SHIFT[path]]) for name in ("zeros", "linear")})


def scale(path: str) -> dict:
    return {"scale": 3.0, "scale_bound": 5.0, "scale_at_bound": False}


def found(name: str, table: pd.DataFrame) -> np.ndarray:
    """The numbers that a summary makes of the second replicate's fit, or of pairs with it."""
    second = table["replicate"] == "2"
    if name == "sparsity":
        return sparsity.shares(table[second], load)["zero_share"].dropna()
    if name == "scale_bound":
        return scale_bound.bounds(table[second], load, scale)[["scale", "zero_share", "largest_shift"]].stack().dropna()
    if name == "recovery":
        return recovery.recovery(table[second], estimate, TRUTH)["precision"].dropna()
    if name == "false_discovery":
        return false_discovery.table(table[second], load=estimate)[["estimate"]].dropna()
    if name == "patterns":
        return patterns.counts(table[second], CHOICE, effects)["share"].dropna()
    if name == "pattern mutations":
        return patterns.mutations(table[second], patterns.counts(fits("converged")[second], CHOICE, effects), effects)
    if name == "replicate_correlation":
        return replicate_correlation.correlate(table, load, bootstrap=0)["pearson"].dropna()
    if name == "start correlations":
        return starts.correlations(table, tried, load).query("start == 'kept'")["pearson"].dropna()
    if name == "replicate_signs":
        return replicate_signs.table(table, load=load)["estimate"].dropna()
    if name == "replicate_scatter":
        return replicate_scatter.table(table, CHOICE, load)[["shift_a", "shift_b"]].dropna()
    if name == "shift_paths":
        return shift_paths.table(table[second], CHOICE, load)["shift"].dropna()
    if name == "shifts":
        return shifts.table(table, CHOICE, load)["shift_replicate_2"].dropna()
    if name == "selection":
        made = shifts.table(table, CHOICE, load)
        return made.loc[(made["resamples"] > 0) | (made["folds"] > 0), "resamples"]
    return cross_validation.table(table, ROLES)["validation_loss"].dropna()


SUMMARIES = (
    *("sparsity", "scale_bound", "recovery", "false_discovery", "patterns", "pattern mutations", "start correlations"),
    *("replicate_correlation", "replicate_signs", "replicate_scatter", "shift_paths", "shifts", "selection", "loss"),
)


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_summary_has_numbers_of_an_unconverged_fit_and_none_of_a_diverged_one(name):
    assert len(found(name, fits("max_iterations"))) > 0
    assert len(found(name, fits("diverged"))) == 0
