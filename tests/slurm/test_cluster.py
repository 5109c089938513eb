"""Studies through a real SLURM cluster: the same results, more for jobs that need more, an end that leaves nothing."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cluster
import pandas as pd
import psutil

from projects import Project, copy_project, insert_cell, plant_modules, simulated, small_study
from proxsweep.io import digests

MEASURED = ["solve_seconds", "compile_seconds", "job_seconds", "max_rss_mb"]
PLACES = ["log", "kept_notebook"]
TARGETS = ("results/s/figures/sparsity.svg", "results/s/lasso_max.csv")
ALONE = ("--group-components", "fits=1")
FITS = "results/s/fits/difference~reference"

NEEDS_MORE = """
import time
from pathlib import Path
if spec["fit"]["lasso"]:
    held = bytearray(b"1") * 700_000_000
    time.sleep(4)
elif not Path("late").exists():
    Path("late").touch()
    time.sleep(600)
"""
WAITS = """
import time
from pathlib import Path
with open("begun.txt", "a") as stream:
    stream.write(f"{float(spec['fit']['lasso'])}\\n")
while spec["fit"]["lasso"] and not Path("go").exists():
    time.sleep(0.5)
"""

STAYS = """
import os, subprocess, time
from pathlib import Path
if not Path("pids.txt").exists():
    child = subprocess.Popen(["sleep", "600"])
    Path("pids.tmp").write_text(f"{os.getpid()} {child.pid}")
    Path("pids.tmp").rename("pids.txt")
    time.sleep(600)
"""


def study(project: Project, **changes: object) -> tuple[str, str]:
    """Two fits, one without a lasso: a path."""
    sweep = {"difference": ["reference"], "lasso": [0, 1.0e-3]}
    project.config("s.yaml", {"s": small_study(data=simulated(replicates=1), sweep=sweep, **changes)})
    return "--configfile", "s.yaml"


def until(reached: Callable[[], object], what: str, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.3)


def begun(project: Project) -> list[str]:
    path = project.folder / "begun.txt"
    return sorted(path.read_text().split()) if path.exists() else []


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Every table below a study's folder, without what is measured and where logs lie."""
    paths = sorted(path for path in folder.rglob("*.csv") if digests.FOLDER not in path.parts)
    found = {str(path.relative_to(folder)): pd.read_csv(path) for path in paths}
    return {name: table.drop(columns=[*MEASURED, *PLACES, "seconds"], errors="ignore") for name, table in found.items()}


def test_the_same_tables_as_without_a_cluster(project, tmp_path):
    """Beside files that are named like modules: none is imported on a node."""
    config, imported = study(project), plant_modules(project.folder)
    done = project.through_slurm(*TARGETS, *config)
    assert done.returncode == 0 and not imported.exists(), done.stdout
    local = copy_project(tmp_path / "local")
    study(local)
    alone = local.snakemake(*TARGETS, *config)
    assert alone.returncode == 0 and "Group job" not in alone.stdout, alone.stdout
    mine, other = tables(project.folder / "results/s"), tables(local.folder / "results/s")
    assert len(mine) > 15 and mine.keys() == other.keys()
    for name, table in mine.items():
        pd.testing.assert_frame_equal(table, other[name], check_exact=True, obj=name)

    # both fits were one job, what follows them another, and the local rule none
    submitted = re.findall(r"submitted with SLURM jobid \d+ \(log: \S*slurm_logs/(\w+)", done.stdout)
    assert submitted.count("group_fits_fit_s") == 1 and "rule_plan" not in submitted
    assert len([name for name in submitted if name.startswith("group_summaries")]) == 1

    proxsweep = (sys.executable, "-P", "-m", "proxsweep")
    asked = project.run(*proxsweep, "efficiency", "results/s", "--output", "efficiency.csv")
    assert asked.returncode == 0, asked.stdout
    table = pd.read_csv(project.folder / "efficiency.csv").set_index("rule")
    assert table.loc["fit_s", "jobs"] == 1 and table.loc["fit_s", "memory_mb"] >= 800
    assert (table["largest_mb"].dropna() < table["memory_mb"]).all()
    nothing = project.through_slurm(*TARGETS, *config)
    assert "Nothing to be done" in nothing.stdout, nothing.stdout


def test_a_fit_over_its_memory_and_one_over_its_time_get_more(project):
    rules = project.folder / "workflow/rules/fit.smk"
    text = rules.read_text()
    rules.write_text(
        text.replace('minutes(own.minutes[0], own.minutes[1] * len(piece.labels), "encoding")', "scaled(1)")
    )
    assert rules.read_text() != text
    insert_cell(project.folder / "notebooks/dms/fit.ipynb", NEEDS_MORE)
    done = project.through_slurm("fits", *ALONE, *study(project, fits_per_job=1))
    assert done.returncode == 0, done.stdout
    assert "DUE TO TIME LIMIT" in done.stdout and "exceeded memory limit" in done.stdout, done.stdout
    assert "attempt=3" not in done.stdout  # nothing is tried again within what was too little
    resources = [line for line in done.stdout.splitlines() if "attempt=2" in line]
    assert len(resources) == 2, done.stdout
    assert all("mem_mb=1604" in line and "runtime=2" in line for line in resources)
    assert list(pd.read_csv(project.folder / "results/s/fits.csv")["status"]) == ["converged"] * 2


def test_an_interrupt_cancels_jobs(project, tmp_path):
    insert_cell(project.folder / "notebooks/dms/fit.ipynb", WAITS)
    log = tmp_path / "log"
    process = project.begin(log, f"{FITS}/lasso~0.001/replicate~1/record.json", *study(project))
    until(lambda: begun(project), "the fit has begun")
    name = run_id(log)
    assert cluster.jobs("--name", name)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) != 0
    until(lambda: not cluster.jobs("--name", name), "its job is gone", 30)
    assert not (project.folder / FITS / "lasso~0.001/replicate~1/record.json").exists()


def test_a_step_that_is_killed_leaves_no_process(project, tmp_path):
    insert_cell(project.folder / "notebooks/dms/fit.ipynb", STAYS)
    log, pids = tmp_path / "log", project.folder / "pids.txt"
    process = project.begin(log, "fits", *ALONE, *study(project))
    until(pids.exists, "the fit has begun")
    processes = [psutil.Process(int(pid)) for pid in pids.read_text().split()]
    jobs = cluster.jobs("--name", run_id(log))
    subprocess.run(["scancel", "--signal=KILL", "--full", *jobs], check=True)
    gone = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    until(lambda: not any(one.is_running() and one.status() not in gone for one in processes), "none is left", 20)
    assert process.wait(240) == 0 and "attempt=2" in log.read_text()


def test_after_a_kill_the_next_run_takes_over_what_was_done_and_what_went_on(project, tmp_path):
    insert_cell(project.folder / "notebooks/dms/fit.ipynb", WAITS)
    log, config = tmp_path / "log", study(project, fits_per_job=1)
    process = project.begin(log, "fits", *ALONE, *config)
    until(lambda: begun(project) == ["0.0", "0.001"], "both fits have begun")
    until(lambda: "(Rule: fit_s" in log.read_text(), "one has ended")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    name = run_id(log)
    assert cluster.jobs("--name", name), "the other goes on without Snakemake"
    done = json.loads((project.folder / FITS / "lasso~0/replicate~1/record.json").read_text())

    locked = project.through_slurm("fits", *ALONE, *config)
    assert locked.returncode != 0 and "--unlock" in locked.stdout
    (project.folder / "go").touch()
    until(lambda: not cluster.jobs("--name", name), "its jobs are done", 60)
    unlocked = project.through_slurm("--unlock", *config)
    assert unlocked.returncode == 0, unlocked.stdout
    again = project.through_slurm("fits", *ALONE, *config)
    assert again.returncode == 0, again.stdout
    assert begun(project) == ["0.0", "0.001"] and "study s: 2 fits kept, 0 made" in again.stdout
    assert json.loads((project.folder / FITS / "lasso~0/replicate~1/record.json").read_text()) == done
    assert list(pd.read_csv(project.folder / "results/s/fits.csv")["status"]) == ["converged"] * 2


def run_id(log: Path) -> str:
    return re.search(r"SLURM run ID: (\S+)", log.read_text())[1]
