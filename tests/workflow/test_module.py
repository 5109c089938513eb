"""The workflow as a module of another one, from a working directory of its own."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from projects import PROJECT, Project, counts, fits, planned_jobs, small_study

MEASURED = ["solve_seconds", "compile_seconds", "job_seconds", "max_rss_mb", "seconds"]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Project:
    (tmp_path / "elsewhere").mkdir()
    return Project(tmp_path / "elsewhere", scripts=tmp_path)


def snakefile() -> str:
    """The README's example."""
    return re.search(r"^```python\n(module .*?)^```", (PROJECT / "README.md").read_text(), re.DOTALL | re.MULTILINE)[1]


def deploy(project: Project, clone: Path, text: str) -> None:
    """Make the clone stand beside a Snakefile."""
    (project.folder / "proxsweep").symlink_to(clone)
    (project.folder / "Snakefile").write_text(text)


@pytest.mark.parametrize("prefix", [" as proxsweep_*", pytest.param("", marks=pytest.mark.slow)])
def test_module_plans_the_demo(elsewhere, prefix):
    assert " as proxsweep_*" in snakefile()
    deploy(elsewhere, PROJECT, snakefile().replace(" as proxsweep_*", prefix))
    done = elsewhere.snakemake("--dry-run", "--configfile", "proxsweep/config/config.yaml")
    assert done.returncode == 0, done.stdout
    assert "localrules" not in done.stdout  # a warning that they have other names here
    planned = planned_jobs(done.stdout)
    assert counts(planned)["fit"] == 18
    own = [job for job in planned if job.wildcards["study"] == "demo"]
    assert len(fits(own)) == 80 and counts(own)["fit"] == 10


def unmeasured(path: Path) -> pd.DataFrame:
    """A table without what differs between runs; of recovery without what hangs on all the weights that are swept."""
    found = pd.read_csv(path).drop(columns=MEASURED, errors="ignore")
    return found[found["level"] != "path"] if "level" in found else found


@pytest.mark.slow
def test_module_runs_to_its_end_with_the_same_results(finished, elsewhere):
    """The same seed gives the same bytes, measured times and memory apart."""
    sweep = {"difference": ["equivariant"], "lasso": [1.0e-3], "replicate": [2]}
    options = "--configfile", elsewhere.config("part.yaml", {"tiny": small_study(sweep=sweep)})
    deploy(elsewhere, finished.folder, snakefile())
    wanted = [f"results/tiny/{name}" for name in ("data/report.csv", "figures/sparsity.svg", "tables/convergence.csv")]
    wanted += ["results/tiny/tables/recovery.csv", "results/tiny/config.yaml"]
    done = elsewhere.snakemake(*wanted, *options, cores=2)
    assert done.returncode == 0, done.stdout

    here, there = elsewhere.folder / "results/tiny", finished.folder / "results/tiny"
    fit = "fits/difference~equivariant/lasso~0.001/replicate~2"
    data = ("func_scores", "truth", "variants", "wildtypes", "preprocess.report")
    same = [*(f"data/{name}.csv" for name in data), "encodings/replicate~2.npz", "encodings/replicate~2.report.csv"]
    for name in (*same, f"{fit}/mutations.csv", f"{fit}/parameters.npz"):
        assert (here / name).read_bytes() == (there / name).read_bytes(), name
    pd.testing.assert_frame_equal(
        unmeasured(here / fit / "trace.csv"), unmeasured(there / fit / "trace.csv"), check_exact=True
    )
    records = [json.loads((folder / fit / "record.json").read_text()) for folder in (here, there)]
    for name in ("objective", "residual", "iterations", "model", "solver", "encoding_sha256"):
        assert records[0][name] == records[1][name]

    keys = ["difference", "lasso", "replicate"]
    for name in ("fits.csv", "tables/convergence.csv", "tables/sparsity.csv", "tables/recovery.csv"):
        ours, whole = unmeasured(here / name), unmeasured(there / name)
        assert len(ours) > 0
        theirs = whole.merge(ours[keys].drop_duplicates(), on=keys)[ours.columns]
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True, check_dtype=False)
    for name in ("figures/sparsity.svg", f"{fit}/fit.ipynb"):
        assert (here / name).is_file()

    left = {"Snakefile", "part.yaml", "proxsweep", "results", "logs", ".snakemake"}
    assert {path.name for path in elsewhere.folder.iterdir()} == left
    assert "Nothing to be done" in elsewhere.snakemake(*wanted, *options).stdout
