"""Fits from their neighbour against a start from zeros, where both optima are known by solving."""

import json

import numpy as np
import pandas as pd
import pytest

import toys
from proxsweep.dms.model import cold_starts, fit_files

SPEC = {"study": "s", "family": "dms", "model": toys.MODEL, "rows": None}
SOLVER = {**toys.SOLVER, "starts": ["neighbour"], "check_starts": "chosen"}


@pytest.fixture
def study(tmp_path):
    """Two fits, the second from the first, as a study's tables have them."""
    toys.toy(3).save(tmp_path / "1.npz")
    rows, neighbour = [], None
    for lasso in (2e-3, 1e-3):
        folder = tmp_path / str(lasso)
        values = {"difference": "equivariant", "lasso": lasso, "replicate": "1"}
        spec = {**SPEC, "fit": values, "labels": {name: str(value) for name, value in values.items()}, "solver": SOLVER}
        done = fit_files.run(spec, tmp_path / "1.npz", folder, lambda line: None, neighbour)
        rows.append({**values, "fold": "", "resample": "", "path": str(folder), "start": done.best.start})
        neighbour = folder / "parameters.npz"
    choice = pd.DataFrame(
        {"study": ["s"], "difference": ["equivariant"], "lasso": [1e-3], "rule": "given", "selected": True}
    )
    return pd.DataFrame(rows).assign(study="s"), choice.assign(chosen=True), {"1": str(tmp_path / "1.npz")}


def test_the_fit_at_the_chosen_weight_is_compared(study):
    fits, choice, encodings = study
    assert list(fits["start"]) == ["zeros", "neighbour"]
    (row,) = cold_starts.table(fits, choice, encodings).to_dict("records")
    assert row["path"] == fits["path"].iloc[1] and row["status_from_zeros"] == "converged"
    assert abs(row["excess"]) < 1e-6 and not row["worse"]
    expected = (row["objective"] - row["objective_from_zeros"]) / row["objective_from_zeros"]
    assert row["excess"] == pytest.approx(expected)


def test_a_worse_optimum_is_told(study):
    fits, choice, encodings = study
    path = f"{fits['path'].iloc[1]}/record.json"
    with open(path) as stream:
        record = json.load(stream)
    record["objective"] *= 1 + 1e-4
    with open(path, "w") as stream:
        json.dump(record, stream)
    (row,) = cold_starts.table(fits, choice, encodings).to_dict("records")
    assert row["worse"] and row["excess"] == pytest.approx(1e-4, rel=0.1)


def test_nothing_is_compared_where_nothing_was_chosen_or_no_fit_started_from_a_neighbour(study):
    fits, choice, encodings = study
    assert cold_starts.table(fits, choice.assign(lasso=np.nan), encodings).empty
    assert cold_starts.table(fits, choice.assign(lasso=2e-3), encodings).empty


def test_where_all_starts_are_checked_the_better_one_is_kept(tmp_path, study):
    fits, _, encodings = study
    values = {"difference": "equivariant", "lasso": 1e-3, "replicate": "1"}
    spec = {**SPEC, "fit": values, "labels": {}, "solver": {**SOLVER, "check_starts": "all"}}
    first = f"{fits['path'].iloc[0]}/parameters.npz"
    done = fit_files.run(spec, encodings["1"], tmp_path / "both", lambda line: None, first)
    record = json.loads((tmp_path / "both/record.json").read_text())
    assert [one["start"] for one in record["starts"]] == ["neighbour", "zeros"]
    warm, cold = (one["objective"] for one in record["starts"])
    assert record["dms"]["excess_over_zeros"] == pytest.approx((warm - cold) / cold, abs=1e-15)
    assert done.best.objective <= min(warm, cold) * (1 + 1e-8)
