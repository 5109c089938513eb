"""What the verdict at the end of a run says of a study."""

import pandas as pd
import pytest

from proxsweep import studies, verdict
from proxsweep.nmf import outcome
from proxsweep.nmf.data.report import COLUMNS


def study(**swept: list):
    data = {"simulate": {"features": 20, "samples": 30}, "replicates": {"split": 2}}
    values = {"family": "nmf", "data": data, "sweep": {"rank": [2, 3], **swept}}
    return studies.from_config({"studies": {"s": values}}, [], {})[0]


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results/s"
    folder.mkdir(parents=True)
    rows = [
        ("hals", 2, 1, "converged", 7.5),
        ("mu", 2, 1, "converged", 7.25),
        ("hals", 2, 2, "converged", 1.0),
        ("hals", 3, 1, "converged", 4.0),
        ("mu", 3, 1, "max_iterations", 3.0),
    ]
    columns = ["algorithm", "rank", "replicate", "status", "objective"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "fits.csv", index=False)
    return folder


def test_the_lowest_objective_of_every_rank_is_that_of_converged_fits_to_one_replicate(results):
    found = outcome.findings(study(algorithm=["hals", "mu"]))
    assert found == ["lowest objective by rank (replicate 1): 7.25 at 2, 4 at 3"]


def test_other_objectives_are_not_compared(results):
    assert outcome.findings(study(normalise=["none", "log1p"])) == []
    assert outcome.findings(study(loss=["squared", "poisson"])) == []


def test_nothing_is_said_without_the_table(results):
    (results / "fits.csv").unlink()
    assert outcome.findings(study()) == []


def test_the_verdict_says_nothing_of_conditions_that_a_report_does_not_have(results):
    (results / "data").mkdir()
    row = ["1", "zeros", 10, 15, 99, 10, 0, "no entry above 0"]
    pd.DataFrame([row], columns=COLUMNS).to_csv(results / "data/report.csv", index=False)
    said = "\n".join(verdict.lines(study()))
    assert "variants" not in said and "lowest objective by rank" in said


def chosen_table(folder, held_out: float, stability: float) -> None:
    row = {"study": "s", "algorithm": "hals", "rank": 3, "rule": "auto", "by": "held_out", "selected": True}
    row |= {"reason": "r", "held_out": held_out, "stability": stability, "validation_loss": 0.1, "standard_error": 0.01}
    pd.DataFrame([row | {"chosen": True}]).to_csv(folder / "chosen.csv", index=False)


def stability_table(folder, **kinds: int) -> None:
    counts = {"not_converged": 0, "other_optimum": 0, "same_product_other_factors": 0, **kinds}
    rows = [{"algorithm": "hals", "rank": rank, "replicate": 1, "starts": 20, **counts} for rank in (2, 3)]
    (folder / "tables").mkdir()
    pd.DataFrame(rows).to_csv(folder / "tables/stability.csv", index=False)


def test_rules_that_disagree_and_starts_that_differ_are_warned_of(results):
    chosen_table(results, 3, 2)
    stability_table(results, not_converged=4, other_optimum=1)
    assert outcome.warnings(study()) == [
        "held-out error selects rank 3, stability selects rank 2",
        "rank 3, replicate 1: 4 of 20 starts did not converge, 1 of 20 starts ended in another optimum",
    ]


@pytest.mark.parametrize(("held_out", "stability"), [(3, 3), (3, float("nan")), (float("nan"), float("nan"))])
def test_without_a_disagreement_nothing_is_warned_of(results, held_out, stability):
    assert outcome.warnings(study()) == []
    chosen_table(results, held_out, stability)
    stability_table(results)
    assert outcome.warnings(study()) == []
