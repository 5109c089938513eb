import copy

import pandas as pd
import pytest

from projects import PROJECT, small_study
from proxsweep import cost, studies
from proxsweep.dms import cost as dms_cost
from proxsweep.dms.data.simulate import simulate
from proxsweep.dms.refits import refits
from proxsweep.jobs.efficiency import FIT_SECONDS
from proxsweep.sweep import grid


def study_of(values):
    return studies.from_config({"studies": {"small": copy.deepcopy(values)}}, [], {})[0]


def test_fits_are_counted():
    study = study_of(small_study(cross_validation={"folds": 4, "replicates": ["2"]}, resamples={"count": 3}))
    found = cost.cost(study)
    # two weights, two replicates; folds of one replicate
    assert (found.full, found.folds, found.resamples, found.refits) == (4, 8, 12, 0)
    assert found.fits == len(grid.table(study)) == 24


def test_refits_are_counted_and_cost_more():
    alone, more = (study_of(small_study(**extra)) for extra in ({}, {"references": {"lasso": [1.0e-3]}}))
    found = cost.cost(more)
    assert (found.full, found.refits, found.fits) == (4, 4, 8)  # two other references, one weight, two of each
    assert found.fits == 4 + sum(len(grid.table(study)) for study in refits(more))
    assert (
        found.core_seconds > cost.cost(alone).core_seconds + 4 * cost.JOB_SECONDS
        and found.bytes > cost.cost(alone).bytes
    )


@pytest.mark.parametrize("name", ["config", pytest.param("manuscript", marks=pytest.mark.slow)])
def test_the_size_of_a_simulation_is_foreseen(name):
    path = PROJECT / "config" / f"{name}.yaml"
    (study,) = studies.from_config(studies.load([path]), [path], {})
    table, _ = simulate(study.data["simulate"])
    first = table[table["replicate"].astype(str) == "1"].drop_duplicates(["condition", "aa_substitutions"])
    tokens = first["aa_substitutions"].fillna("").str.split()
    size = dms_cost.data_size(study, PROJECT)
    assert size.conditions == first["condition"].nunique()
    assert size.variants == pytest.approx(len(first), rel=0.1)
    assert size.nonzeros == pytest.approx(tokens.str.len().sum(), rel=0.3)
    assert size.mutations == pytest.approx(tokens.explode().nunique(), rel=0.3)


def test_a_local_table_is_counted(tmp_path):
    rows = [("a", "A1C", 1.0, "1"), ("a", "A1C D2E", 0.5, "2"), ("b", "", 0.0, "1"), ("b", "D2E", 0.1, "2")]
    columns = ["condition", "aa_substitutions", "func_score", "replicate"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "scores.csv", index=False)
    data = {"func_scores": "scores.csv", "replicates": {"column": "replicate"}}
    values = {"studies": {"s": {"data": data, "reference": "a", "sweep": {"lasso": [0]}}}}
    (study,) = studies.from_config(values, [], {}, tmp_path)
    size = dms_cost.data_size(study, tmp_path)
    assert (size.rows, size.variants, size.nonzeros, size.mutations, size.conditions) == (4, 2, 2, 2, 2)


def test_measured_costs_of_an_earlier_run_are_used(tmp_path):
    study = study_of(small_study())
    fits = grid.plan(grid.table(study))
    for fit in fits:
        (tmp_path / fit["path"]).mkdir(parents=True)
        (tmp_path / fit["path"] / "record.json").write_bytes(b"x" * 50_000_000)
    table = pd.DataFrame([{"study": "small", "family": "dms", **fit["labels"], "path": fit["path"]} for fit in fits])
    table.insert(5, "fold", "")
    table.insert(6, "resample", "")
    table.assign(status="converged", start="zeros", job_seconds=1000.0).to_csv(
        tmp_path / "results/small/fits.csv", index=False
    )
    found, guessed = cost.cost(study, tmp_path), cost.cost(study, tmp_path / "nowhere")
    assert guessed.core_seconds < 300 and guessed.bytes < 100e6
    assert 4000 < found.core_seconds < 4300
    assert 200e6 < found.bytes < 250e6


def test_more_starts_and_weights_cost_more():
    base = cost.cost(study_of(small_study()))
    starts = cost.cost(study_of(small_study(solver={"starts": ["zeros", "50x_random"], "seed": 1})))
    weights = cost.cost(study_of(small_study(sweep={"difference": ["equivariant"], "lasso": [0, 1e-3, 2e-3]})))
    assert starts.core_seconds > base.core_seconds and starts.fits == base.fits
    assert weights.fits == 6 and weights.core_seconds > base.core_seconds + 2 * FIT_SECONDS


def test_folds_share_the_compiled_code_of_their_replicate():
    alone = cost.cost(study_of(small_study()))
    validated = cost.cost(study_of(small_study(cross_validation={"folds": 2})))
    each = (validated.core_seconds - alone.core_seconds) / validated.folds
    start = cost.JOB_SECONDS / len(study_of(small_study()).sweep["lasso"])  # a job a path
    assert FIT_SECONDS + start <= each < FIT_SECONDS + start + 0.5


def test_the_plan_says_how_many_paths_make_a_job_of_ten_minutes():
    shown = cost.show({"small": cost.cost(study_of(small_study()))}, 1)
    seconds = cost.JOB_SECONDS + 2 * (FIT_SECONDS + 0.05)
    components = int(shown.rpartition("fits=")[2])
    assert components == pytest.approx(600 / seconds, rel=0.05)


def test_every_summary_takes_its_time():
    one = cost.cost(study_of(small_study()))
    several = cost.cost(study_of(small_study(solver={"starts": ["zeros", "linear"]})))
    # two starts have a summary of their own, and solve twice
    solving = (
        one.full
        * dms_cost.ITERATIONS["sigmoid"]
        * dms_cost.iteration_seconds(dms_cost.data_size(study_of(small_study()), PROJECT))
    )
    assert several.core_seconds - one.core_seconds == pytest.approx(cost.SUMMARY_SECONDS + solving)


def test_lines_of_the_table_of_effects_are_foreseen():
    tree = {"name": "clade", "tree": {"a": "root", "inner": "root", "b": "inner", "c": "inner"}}
    rows = {"name": "own", "rows": {"trend": {"a": -1, "c": 1}}}
    study = study_of(small_study(sweep={"difference": ["reference", "equivariant", tree, rows], "lasso": [0, 1e-3]}))
    size = dms_cost.data_size(study, PROJECT)
    # three conditions; two weights, two replicates
    assert dms_cost.effects_lines(study, size) == pytest.approx(4 * size.mutations * (4 * 3 + 2 + 3 + 4 + 1))
