"""A small study that is run, disturbed, and run again; and what must be true of it then."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from projects import Project, copy_project, hear_interrupts, simulated, small_study
from proxsweep.dms.data.simulate import simulate
from proxsweep.io import digests

STUDY = Path("results/s")
TARGETS = ("results/s/encodings/replicate~1.npz", "results/s/fits.csv", "results/s/shifts.csv")
MEASURED = ["solve_seconds", "compile_seconds", "job_seconds", "max_rss_mb", "seconds"]
HOOK = Path(__file__).parent / "hook.py"


def prepare(folder: Path) -> Project:
    """A copy of the project with the hook, its data and config; nothing has run."""
    project = copy_project(folder)
    package = folder / "scripts/proxsweep"
    shutil.copy(HOOK, package / "fault_hook.py")
    with open(package / "__init__.py", "a") as stream:
        stream.write("\nimport proxsweep.fault_hook\n")
    table, _ = simulate({**simulated(replicates=1, sites=8, variants=150)["simulate"], "reference": "a"})
    table.to_csv(folder / "scores.csv", index=False)
    sweep = {"difference": ["equivariant"], "lasso": [0, 5.0e-4, 1.0e-3, 2.0e-3]}
    study = small_study(data={"func_scores": "scores.csv"}, sweep=sweep)
    project.config("study.yaml", {"s": study})
    return project


def change_data(project: Project) -> None:
    """Another score for one variant."""
    path = project.folder / "scores.csv"
    table = pd.read_csv(path, keep_default_na=False)
    table.loc[5, "func_score"] += 0.5
    table.to_csv(path, index=False)


def copy(base: Project, folder: Path) -> Project:
    """A copy of a project as it stands, with its times of change and what Snakemake knows of it."""
    shutil.copytree(base.folder, folder, symlinks=True, ignore=shutil.ignore_patterns("locks", "*.pyc.*"))
    return Project(folder)


class Run:
    """Snakemake on the study, in a process group of its own, that can be disturbed while it runs."""

    def __init__(
        self, project: Project, fault: str = "", options: tuple[str, ...] = (), more: Mapping[str, str] | None = None
    ):
        self.project, self.number = project, len(list(project.folder.glob("run-*.txt")))
        self.path = project.folder / f"run-{self.number}.txt"
        variables = {name: value for name, value in os.environ.items() if not name.startswith("SNAKEMAKE")}
        variables |= {"PYTHONPATH": str(project.folder / "scripts"), "PROXSWEEP_FAULT": fault}
        variables |= {"JAX_COMPILATION_CACHE_DIR": str(project.folder / "cache")}
        # XLA's own caches would make the place of the cache a part of its keys, and a copy of it worth nothing
        variables |= {"JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES": "none"}
        variables |= more or {}
        # faults strike when a job begins, which only Snakemake's whole account of its jobs says
        command = [sys.executable, "-m", "snakemake", "--cores", "2", "--printshellcmds", *options, *TARGETS]
        with open(self.path, "w") as stream:
            self.process = subprocess.Popen(
                [*command, "--configfile", "study.yaml"],
                cwd=project.folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=hear_interrupts,
            )

    @property
    def code(self) -> int:
        return self.process.returncode

    @property
    def text(self) -> str:
        return self.path.read_text()

    def wait(self, seconds: float = 300) -> int:
        return self.process.wait(seconds)

    def until(self, words: str, seconds: float = 120) -> None:
        """Wait until it has printed ``words``, or ended."""
        end = time.monotonic() + seconds
        while words not in self.text and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)

    def send(self, number: int) -> None:
        """A signal to Snakemake; a Ctrl-C, and a terminal's end, go to all processes of the terminal."""
        if self.process.poll() is not None:
            return
        if number in (signal.SIGINT, signal.SIGHUP):
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)


class Past(Run):
    """The run that finished the project of which this one is a copy."""

    code = 0

    def __init__(self, project: Project):
        self.project, self.path = project, project.folder / "run-0.txt"


def run(project: Project, **options: object) -> Run:
    """Run to the end."""
    started = Run(project, **options)
    started.wait()
    return started


def records(project: Project) -> dict[str, bytes]:
    """Records of the fits that are finished, by fit; one that is put aside is one."""
    folder = project.folder / STUDY / "fits"
    found: dict[str, bytes] = {}
    for name in ("record.json", ".record.json"):
        found |= {str(path.parent.relative_to(folder)): path.read_bytes() for path in folder.rglob(name)}
    return found


def tables(project: Project) -> dict[str, object]:
    """All tables and parameters of the study, measured times and memory left out."""
    folder = project.folder / STUDY
    found: dict[str, object] = {}
    for path in sorted(path for path in folder.rglob("*.csv") if digests.FOLDER not in path.parts):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        found[str(path.relative_to(folder))] = table.drop(columns=MEASURED, errors="ignore").to_csv(index=False)
    for path in sorted(folder.rglob("*.npz")):
        if "checkpoints" not in path.parts:
            found[str(path.relative_to(folder))] = path.read_bytes()
    for path in sorted(folder.rglob("record.json")):
        record = json.loads(path.read_text())
        found[str(path.relative_to(folder))] = [
            record[key] for key in ("status", "objective", "fit", "encoding_sha256")
        ]
    return found


def compare(project: Project, undisturbed: Project) -> list[str]:
    """Names of what is not as in the undisturbed run."""
    ours, theirs = tables(project), tables(undisturbed)
    return [name for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name)]


@contextmanager
def mounted(folder: Path, *arguments: str) -> Iterator[None]:
    """Something mounted at ``folder``, which is as it was afterwards."""
    subprocess.run(["mount", *arguments, str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def moment(rng: random.Random, seconds: float) -> float:
    """A random moment of a run that takes so long."""
    return rng.uniform(0.5, seconds)


Fault = Callable[[Project, random.Random], tuple[Run, bool]]
