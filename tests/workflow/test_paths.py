"""The fits of a path in one job: each is kept or made by what its record says, and is the same as one made alone."""

import json
import shutil
import sys

import pytest

from projects import Project, insert_cell, small_study

TINY = ("--configfile", "tiny.yaml")
DISTURBS = """
import builtins, os, sys, threading, time, warnings
import jax, matplotlib, numpy as np
if spec["fit"]["lasso"]:  # the first of the path
    os.chdir("/"); os.environ["NPROC"] = "7"; warnings.simplefilter("error"); np.random.seed(1)
    jax.config.update("jax_enable_x64", False); jax.config.update("jax_default_matmul_precision", "bfloat16")
    matplotlib.rcParams["lines.linewidth"] = 7
    builtins.held = [open("/dev/null") for _ in range(20)], np.ones(90_000_000)
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
"""


def contents(project: Project, *names: str, study: str = "tiny") -> dict[str, bytes]:
    """Files of these names of all fits of a study."""
    folder = project.folder / "results" / study / "fits"
    return {str(path.relative_to(folder)): path.read_bytes() for name in names for path in folder.rglob(name)}


def run(project: Project, *arguments: str) -> str:
    done = project.snakemake("fits", *TINY, *arguments)
    assert done.returncode == 0, done.stdout
    return done.stdout


def lasso(*weights: float, **changes: object) -> dict:
    return {"tiny": small_study(sweep={"difference": ["equivariant"], "lasso": list(weights)}, **changes)}


@pytest.mark.slow
def test_only_what_is_missing_damaged_or_of_other_settings_is_made(edited):
    before = contents(edited, "record.json", "parameters.npz", "mutations.csv", "trace.csv", "fit.ipynb")
    assert len(before) == 20
    edited.config("tiny.yaml", lasso(0, 5.0e-4, 1.0e-3))
    assert "study tiny: 4 of 6 fits are there, 2 to make" in (said := run(edited)), said
    assert "study tiny: 4 fits kept, 2 made" in said
    after = contents(edited, *{path.rpartition("/")[2] for path in before})
    assert len(after) == 30 and {path: after[path] for path in before} == before

    # cut otherwise, or with fewer weights: nothing is to be done
    edited.config("tiny.yaml", lasso(0, 5.0e-4, 1.0e-3, fits_per_job=1))
    assert "Nothing to be done" in run(edited) and len(edited.jobs("fits", *TINY, "--forcerun", "collect")) == 1
    edited.config("tiny.yaml", lasso(1.0e-3))
    assert {job.rule for job in edited.jobs("fits", *TINY)} == {"collect", "plan"}

    # one file less, one fit; a setting of all, all
    edited.config("tiny.yaml", lasso(0, 5.0e-4, 1.0e-3))
    lost = "difference~equivariant/lasso~0.0005/replicate~2/trace.csv"
    (edited.folder / "results/tiny/fits" / lost).unlink()
    assert "trace.csv is missing; it is made again" in (said := run(edited)) and "5 fits kept, 1 made" in said
    again = contents(edited, "record.json", "parameters.npz", "mutations.csv")
    assert {path for path in again if again[path] != after[path]} == {lost.replace("trace.csv", "record.json")}
    edited.config("tiny.yaml", lasso(0, 5.0e-4, 1.0e-3, solver={"tolerance": 1.0e-7}))
    assert "0 fits kept, 6 made" in run(edited)


@pytest.mark.slow
@pytest.mark.parametrize(("per_job", "cell"), [(1, ""), (2, DISTURBS)], ids=["alone", "after a notebook that disturbs"])
def test_a_fit_is_the_same_however_it_is_made(finished, edited, per_job, cell):
    """Alone in a process, or in a kernel in which a notebook changed all that it could."""
    numbers = ("parameters.npz", "mutations.csv")
    expected = contents(finished, *numbers)
    insert_cell(edited.folder / "notebooks/dms/fit.ipynb", cell or "pass", last=True)
    edited.config("tiny.yaml", lasso(0, 1.0e-3, fits_per_job=per_job))
    shutil.rmtree(edited.folder / "results/tiny/fits")
    assert "0 fits kept, 4 made" in run(edited)
    assert len(expected) == 8 and contents(edited, *numbers) == expected


@pytest.mark.parametrize("what", ["--unlock", "--summary"])
def test_what_runs_no_job_needs_no_cores(finished, what):
    done = finished.run(sys.executable, "-m", "snakemake", what, *TINY)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_folds_keep_one_notebook_a_path(edited):
    edited.config("tiny.yaml", lasso(0, 1.0e-3, cross_validation={"folds": 2, "seed": 1, "replicates": [1]}))
    assert "4 fits kept, 4 made" in run(edited)
    parts = {path for path in contents(edited, "*.npz", "*.json", "*.csv", "*.ipynb") if "fold~" in path}
    assert len(parts) == 4 * 3 and not any(path.endswith((".ipynb", "mutations.csv")) for path in parts)
    (notebook, *_) = sorted((edited.folder / "results/tiny/paths").rglob("path.ipynb"))
    shown = json.dumps(json.loads(notebook.read_text())["cells"][-1]["outputs"])
    assert shown.count("converged") == 2 and "lasso~0.001" in shown
    done = edited.snakemake("results/tiny/notebooks/html", *TINY)
    assert done.returncode == 0, done.stdout
    index = (edited.folder / "results/tiny/notebooks/html/index.html").read_text()
    assert index.count("/path.html") == 2 and index.count("/fit.html") == 4


@pytest.mark.slow
def test_a_fit_starts_from_its_neighbour_and_a_new_weight_refits_no_other(edited):
    settings = {"solver": {"starts": ["neighbour"]}, "model": {"global_epistasis": "linear", "ridge": 1.0e-3}}
    edited.config("tiny.yaml", lasso(0, 1.0e-3, **settings))
    assert "0 fits kept, 4 made" in run(edited)
    assert starts(edited) == {"0.001": ("zeros", None), "0": ("neighbour", "0.001")}
    before = contents(edited, "record.json")
    edited.config("tiny.yaml", lasso(0, 5.0e-4, 1.0e-3, **settings))
    assert "4 fits kept, 2 made" in run(edited)
    assert starts(edited) == {"0.001": ("zeros", None), "0.0005": ("neighbour", "0.001"), "0": ("neighbour", "0.001")}
    after = contents(edited, "record.json")
    assert {path: after[path] for path in before} == before


def starts(project: Project) -> dict[str, tuple[str, str | None]]:
    """By lasso weight of the second replicate: the start of the fit, and the weight of the fit that it started from."""
    records = [json.loads(text) for path, text in contents(project, "record.json").items() if "replicate~2" in path]
    found = {}
    for record in records:
        neighbour = record["made"]["neighbour"]
        weight = neighbour and neighbour.partition("lasso~")[2].partition("/")[0]
        found[record["labels"]["lasso"]] = record["start"], weight
    return found
