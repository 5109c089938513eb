"""A notebook that raises, a kernel that is killed, a fit that does not converge."""

import json

import pandas as pd
import pytest

from projects import assert_refused, counts, insert_cell, simulated, small_study

ONE_FIT = {"difference": ["reference"], "lasso": [1.0e-3]}
RAISES = """
with open("executed.txt", "a") as stream:
    stream.write(f"{spec['fit']['lasso']}\\n")
if spec["fit"]["lasso"] == 0.001:
    raise ArithmeticError("the sum of this cell is wrong")
import os
import signal
from pathlib import Path
if not Path("killed").exists():
    Path("killed").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def small(**changes: object) -> dict:
    return small_study(data=simulated(replicates=1), **changes)


@pytest.mark.slow
def test_a_cell_that_raises_fails_its_fit_and_a_kernel_that_is_killed_is_started_again(project):
    notebook = project.folder / "notebooks/dms/fit.ipynb"
    whole = notebook.read_bytes()
    insert_cell(notebook, RAISES)
    project.config("one.yaml", {"one": small(sweep={"difference": ["reference"], "lasso": [1.0e-3, 1.0e-4, 0]})})
    fit, *others = (f"one/fits/difference~reference/lasso~{lasso}/replicate~1" for lasso in ("0.001", "0.0001", "0"))
    done = project.snakemake("fits", "--configfile", "one.yaml")

    # the run goes on, fails at its end and says why and where
    assert done.returncode != 0
    assert f"results/{fit}: notebooks/dms/fit.ipynb: cell [3] raised ArithmeticError:\n    with open(" in done.stdout
    assert "ArithmeticError: the sum of this cell is wrong" in done.stdout
    assert f"kept notebook: logs/{fit}.ipynb" in done.stdout
    assert "study one: 0 fits kept, 2 made, 1 failed" in done.stdout
    assert "Error in rule collect:" in done.stdout and "rule plan:" not in done.stdout

    # a cell that raises would raise again; a kernel that was killed may have more luck, in another attempt of the job;
    # what the first attempt made stays
    executed = [float(word) for word in (project.folder / "executed.txt").read_text().split()]
    assert executed == [0.001, 0.0001, 0, 0.0001]
    assert (project.folder / "killed").exists() and "the kernel was killed by signal 9" in done.stdout
    assert "left to another attempt: difference~reference/lasso~0.0001/replicate~1" in done.stdout

    # what was executed is kept, with the cell's error; nothing of the fit looks finished
    kept = json.loads((project.folder / f"logs/{fit}.ipynb").read_text())
    errors = [o["ename"] for cell in kept["cells"] for o in cell.get("outputs", []) if o["output_type"] == "error"]
    assert errors == ["ArithmeticError"]
    assert [path.name for path in (project.folder / "results" / fit).iterdir()] == ["record.json"]
    assert json.loads((project.folder / "results" / fit / "record.json").read_text())["status"] == "failed"
    assert not (project.folder / "results/one/fits.csv").exists()

    # the others are finished, and the table says which is which
    made = {other: (project.folder / "results" / other / "record.json").read_bytes() for other in others}
    status = pd.read_csv(project.folder / "results/one/status.csv", keep_default_na=False).set_index("path")
    ended = {f"results/{other}": "converged" for other in others}
    assert status["status"].to_dict() == {f"results/{fit}": "failed", **ended}
    assert status.loc[f"results/{fit}", "kept_notebook"] == f"logs/{fit}.ipynb"
    assert "results/one/status.csv" in done.stdout
    checked = project.proxsweep("check", "results/one")
    assert checked.returncode == 0 and "failed           no record" in checked.stdout, checked.stdout

    # put right, the run goes to its end and what was kept is gone; the notebook is another one, so all are made
    notebook.write_bytes(whole)
    repaired = project.snakemake("fits", "--configfile", "one.yaml", cores=2)
    assert repaired.returncode == 0, repaired.stdout
    status = pd.read_csv(project.folder / "results/one/status.csv", keep_default_na=False)
    assert list(status["status"]) == ["converged"] * 3 and list(status["kept_notebook"]) == [""] * 3
    assert not (project.folder / f"logs/{fit}.ipynb").exists()
    assert all((project.folder / "results" / other / "record.json").read_bytes() != made[other] for other in others)


def test_a_fit_that_does_not_converge_lands_is_marked_and_is_an_error_on_request(project):
    study = small(sweep=ONE_FIT, solver={"max_iterations": 3})
    project.config("one.yaml", {"one": study})
    done = project.snakemake("results/one/figures/sparsity.svg", "--configfile", "one.yaml", cores=2)
    assert done.returncode == 0, done.stdout
    assert "\nstudy one\n" not in done.stdout, "no verdict: tables beside the target may be of an earlier run"
    path = "results/one/fits/difference~reference/lasso~0.001/replicate~1"
    results = project.folder / "results/one"
    record = json.loads((project.folder / path / "record.json").read_text())
    assert (record["status"], record["iterations"]) == ("max_iterations", 3)
    assert record["relative_residual"] > record["tolerance"]

    for name in ("fits.csv", "status.csv"):
        assert list(pd.read_csv(results / name)["status"]) == ["max_iterations"]
    assert not pd.read_csv(results / "tables/sparsity.csv")["converged"].any()
    assert "not converge" in " ".join((results / "figures/sparsity.svg").read_text().split())

    asked = project.snakemake("results/one/strict.txt", "--configfile", "one.yaml")
    assert_refused(asked, "max_iterations", path)
    assert_refused(asked, "results/one/fits.csv", "1 of 1 fits", "strict")
    assert not (results / "strict.txt").exists()
    assert "check_strict" not in counts(project.jobs("--configfile", "one.yaml"))
    project.config("one.yaml", {"one": {**study, "strict": True}})
    assert counts(project.jobs("--configfile", "one.yaml"))["check_strict"] == 1


def test_strict_passes_where_every_fit_converged(edited):
    done = edited.snakemake("strict", "--configfile", "tiny.yaml")
    assert done.returncode == 0, done.stdout
    assert (edited.folder / "results/tiny/strict.txt").read_text() == "all 4 fits converged\n"
