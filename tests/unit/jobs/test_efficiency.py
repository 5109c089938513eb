"""What jobs asked for and used, from benchmark files."""

import math

import pandas as pd
import pytest

from proxsweep.__main__ import main
from proxsweep.io.errors import UserError
from proxsweep.jobs import efficiency

SHORT = "s\tmax_rss\n"
LONG = "s\tmax_rss\trule_name\tparams\tresources\n"


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study/benchmarks"
    (folder / "lasso~0").mkdir(parents=True)
    asked = "{'tmpdir': '/tmp', 'mem_mb': %d, 'runtime': %d}"
    params = "{'parameters': '%s'}" % ("x" * 200_000)  # longer than a reader of csv takes
    (folder / "lasso~0/a.tsv").write_text(LONG + f"30.00\t400.00\tfit\t{params}\t{asked % (800, 10)}\n")
    (folder / "lasso~0/b.tsv").write_text(LONG + f"60.00\t1200.00\tfit\t{params}\t{asked % (1600, 20)}\n")
    (folder / "plan.tsv").write_text(LONG + f"0.10\tNA\tplan\t{{}}\t{asked % (500, 5)}\n")
    (folder / "cut.tsv").touch()
    (folder / "old.tsv").write_text(SHORT + "1.00\t99.00\n")
    return folder.parent


def test_by_rule(study):
    found = efficiency.table(study)
    assert list(found.columns) == list(efficiency.COLUMNS) and list(found["rule"]) == ["fit", "plan"]
    fit, plan = found.to_dict("records")
    expected = {"jobs": 2, "memory_mb": 1600, "largest_mb": 1200, "memory_share": 0.75}
    expected |= {"minutes": 20, "longest_minutes": 1, "time_share": 0.05}
    assert {name: fit[name] for name in expected} == pytest.approx(expected)
    assert plan["jobs"] == 1 and math.isnan(plan["largest_mb"]) and math.isnan(plan["memory_share"])


def test_the_command_prints_and_writes(study, tmp_path, capsys):
    assert main(["efficiency", str(study), "--output", str(tmp_path / "table.csv")]) == 0
    assert "memory_share" in capsys.readouterr().out
    assert list(pd.read_csv(tmp_path / "table.csv")["jobs"]) == [2, 1]


def test_without_resources_it_says_what_is_missing(study):
    for path in [*(study / "benchmarks/lasso~0").iterdir(), study / "benchmarks/plan.tsv"]:
        path.unlink()
    with pytest.raises(UserError, match="benchmark-extended"):
        efficiency.table(study)
