"""What jobs of the finished study ``tiny`` depend on, as Snakemake wrote it down: files they name, code they run."""

import base64
import json
import re
from pathlib import Path

import pytest

from projects import OF_FITS, Project
from proxsweep.jobs.closure import closure

# the module that does the work of a rule without a notebook, and of a fit: which of its notebook's imports count is
# for the rule to say
DOES = {
    "simulate": "dms/data/simulate.py",
    "preprocess": "dms/data/preprocess.py",
    "encode": "dms/data/encode.py",
    "lasso_max": "dms/model/lasso_max.py",
    "collect": "sweep/collect.py",
    "choose": "sweep/chosen.py",
    "replicate_signs": "dms/results/replicate_signs.py",
    "shifts": "dms/results/shifts.py",
    "shifts_by_reference": "dms/results/reread.py",
    "effects": "dms/results/effects.py",
    "page": "dms/page/page.py",
    "table_page": "report/table_page.py",
    "reproducibility": "report/reproducibility.py",
    "write_config": "config/resolved.py",
    "notebook_index": "report/notebook_index.py",
    "fit": "dms/model/model.py",
}


@pytest.fixture(scope="module")
def jobs(finished: Project) -> list[dict]:
    """Every job with its ``rule``, ``shellcmd``, ``input`` and, added, ``output``."""
    folder, found = finished.folder / ".snakemake/metadata", {}
    for path in (path for path in sorted(folder.rglob("*")) if path.is_file()):
        encoded = "".join(part.removeprefix("@") for part in path.relative_to(folder).parts)
        record = json.loads(path.read_text())
        record["rule"] = OF_FITS.sub(r"\1", record["rule"])
        job = found.setdefault((record["rule"], *record["log"]), {**record, "output": []})
        job["output"].append(base64.urlsafe_b64decode(encoded).decode())
    assert len(found) > 30
    return list(found.values())


def test_files_that_a_job_names_are_its_inputs_or_outputs(jobs):
    for job in jobs:
        declared = [*job["input"], *job["output"], *job["log"]]
        named = set(re.findall(r"(?:results|notebooks|config)/[\w~./+-]+", job["shellcmd"] or ""))
        # a name may lack its end (of a figure), or be a folder of files
        unknown = {name for name in named if not any(re.match(rf"{re.escape(name)}($|[./])", one) for one in declared)}
        assert not unknown, f"{job['rule']}: neither inputs nor outputs: {unknown}"


def test_jobs_depend_on_the_code_that_they_run(finished, jobs):
    for rule in sorted({job["rule"] for job in jobs}):
        job = next(job for job in jobs if job["rule"] == rule)
        notebook = next((name for name in job["input"] if name.startswith("notebooks/")), None)
        assert notebook or "proxsweep notebook " not in (job["shellcmd"] or ""), f"{rule}: its notebook is no input"
        if notebook and rule not in DOES:
            files = closure(finished.folder / notebook, finished.folder / "scripts")
            wanted = {str(file.relative_to(finished.folder)) for file in files}
        else:
            wanted = {f"scripts/proxsweep/{DOES[rule]}"} if rule in DOES else set()
        assert wanted <= {str(Path(name)) for name in job["input"]}, rule


def test_every_rule_that_ran_is_looked_at(jobs):
    rules = {job["rule"] for job in jobs}
    assert set(DOES) <= rules
    others = {job["rule"] for job in jobs if not any(name.startswith("notebooks/") for name in job["input"])}
    assert others - set(DOES) == {"plan", "data_report"}  # these only write down what they are given
