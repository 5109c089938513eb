"""Copies of the project in which tests run small studies, and what a run says."""

import atexit
import fcntl
import importlib.metadata
import multiprocessing
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

PROJECT = Path(__file__).parents[1]
PARTS = ("Snakefile", "workflow", "profiles", "notebooks", "scripts", "config", "envs")
TARGETS = ("all", "fits", "strict")
# importing Snakemake takes longer than planning a small study: it is imported once, and every run is forked from there
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["projects", "imported", "jsonschema", "pandas"])


OF_FITS = re.compile(r"^((?:ridge_)?fit)_\w+$")
RECORD = re.compile(r"/fits/(.+)/record\.json")


class Job(NamedTuple):
    """A job that a dry run would do."""

    rule: str
    wildcards: dict[str, str]
    outputs: tuple[str, ...]


@dataclass
class Project:
    """A folder in which studies are run: a copy of the project, unless ``scripts`` says where that is."""

    folder: Path
    scripts: Path | None = None

    def config(self, name: str, studies: dict) -> Path:
        """Write a config with these studies; its path, relative to the copy."""
        (self.folder / name).write_text(yaml.safe_dump({"studies": studies}, sort_keys=False))
        return Path(name)

    def snakemake(self, *arguments: object, cores: int = 1, timeout: int = 900) -> subprocess.CompletedProcess:
        """Run ``python -m snakemake``; stdout and stderr together in ``stdout``."""
        command = ["snakemake", "--cores", *map(str, (cores, *arguments))]
        with tempfile.NamedTemporaryFile("r") as said:
            process = FORKS.Process(target=_be_snakemake, args=(command, self.folder, self.environment(), said.name))
            process.start()
            process.join(timeout)
            if process.exitcode is None:
                process.kill()
                raise subprocess.TimeoutExpired(command, timeout, said.read())
            return subprocess.CompletedProcess(command, process.exitcode, said.read())

    def proxsweep(self, *arguments: object) -> subprocess.CompletedProcess:
        """Run one command of the project's command line."""
        return self.run(sys.executable, "-m", "proxsweep", *arguments)

    def environment(self) -> dict[str, str]:
        """Variables of what runs in the folder."""
        found = {name: value for name, value in os.environ.items() if not name.startswith("SNAKEMAKE")}
        return found | {"PYTHONPATH": str(self.scripts or self.folder / "scripts")}

    def run(self, *command: object, timeout: int = 300) -> subprocess.CompletedProcess:
        """Run a command in the folder."""
        return subprocess.run(
            list(map(str, command)),
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )

    def to_make(self, *arguments: object) -> dict[str, int]:
        """How many fits of every study a run would make, as a dry run says."""
        done = self.snakemake("--dry-run", *arguments)
        assert done.returncode == 0, done.stdout
        found = re.findall(
            r"^proxsweep: study (\S+): \d+ of \d+ fits are there, (\d+) to make", done.stdout, re.MULTILINE
        )
        return {study: int(number) for study, number in found}

    def jobs(self, *arguments: object) -> list[Job]:
        """Jobs that Snakemake plans, target rules aside."""
        done = self.snakemake("--dry-run", "--printshellcmds", *arguments)
        assert done.returncode == 0, done.stdout
        return planned_jobs(done.stdout)


def _be_snakemake(command: list[str], folder: Path, environment: dict[str, str], said: str) -> None:
    """Make this process, which was forked where Snakemake is imported, one that was started in the folder."""
    with open(os.devnull) as nothing, open(said, "w") as stream:
        for descriptor, place in ((nothing.fileno(), 0), (stream.fileno(), 1), (stream.fileno(), 2)):
            os.dup2(descriptor, place)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for name in [name for name in sys.modules if name.partition(".")[0] == "proxsweep"]:
        del sys.modules[name]  # those of another folder
    ours = {str(PROJECT / "scripts"), str(PROJECT / "tests")}
    sys.path[:] = [str(folder), environment["PYTHONPATH"], *(path for path in sys.path if path not in ours)]
    sys.argv = command
    try:
        runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # a process that is forked ends without


def planned_jobs(text: str) -> list[Job]:
    """Jobs as a dry run lists them: a line ``rule NAME:``, with lines below that are indented.

    Names are given without the prefix that the README's example of a module puts before them; those of rules of fits
    without the study.
    """
    found = []
    for block in re.split(r"^(?=(?:local)?rule )", text, flags=re.MULTILINE)[1:]:
        rule = re.match(r"(?:local)?rule (\w+):", block)[1].removeprefix("proxsweep_")
        wildcards, outputs = (_listed(block, name) for name in ("wildcards", "output"))
        found.append(Job(OF_FITS.sub(r"\1", rule), dict(pair.split("=", 1) for pair in wildcards), outputs))
    counted = re.search(r"^total +(\d+)$", text, flags=re.MULTILINE)
    assert len(found) == (int(counted[1]) if counted else 0), text
    return [job for job in found if job.rule not in TARGETS]


def _listed(block: str, name: str) -> tuple[str, ...]:
    line = re.search(rf"^    {name}: (.*)$", block, flags=re.MULTILINE)
    return tuple(line[1].split(", ")) if line else ()


def counts(jobs: Iterable[Job]) -> dict[str, int]:
    """Number of jobs by rule."""
    return dict(Counter(job.rule for job in jobs))


def fits(jobs: Iterable[Job]) -> set[str]:
    """Fits of the paths that are among jobs, by their part of a path."""
    return {RECORD.search(path)[1] for job in jobs if job.rule == "fit" for path in job.outputs}


def copy_project(folder: Path) -> Project:
    """Copy what a run needs, with the times of change that Snakemake looks at."""
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info", ".ipynb_checkpoints")
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = PROJECT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=ignore)
        else:
            shutil.copy2(source, folder / part)
    return Project(folder)


def simulated(**changes: object) -> dict:
    """The ``data`` section of a small simulation; ``changes`` replace keys of ``simulate``."""
    simulation = {
        "seed": 3,
        "tree": {"a": "root", "b": "root", "c": "root"},
        "sites": 12,
        "differences": 1,
        "shifts": 0.1,
        "variants": 300,
        "replicates": 2,
    }
    return {"simulate": {**simulation, **changes}}


def small_study(**changes: object) -> dict:
    """A simulated study whose fits take a fraction of a second; ``changes`` replace whole sections."""
    study = {
        "family": "dms",
        "data": simulated(),
        "reference": "a",
        "model": {"ridge": 1.0e-4},
        "sweep": {"difference": ["equivariant"], "lasso": [0, 1.0e-3]},
        "chosen": {"lasso": 1.0e-3},
        "summaries": {"bootstrap": 50},
        "figures": {"dpi": 100},
    }
    return {**study, **changes}


def insert_cell(notebook: Path, source: str, last: bool = False) -> None:
    """Put a cell behind the parameters of a notebook, or at its end."""
    import nbformat

    nodes = nbformat.read(notebook, as_version=4)
    place = next(k for k, cell in enumerate(nodes.cells) if "parameters" in cell.metadata.get("tags", []))
    nodes.cells.insert(len(nodes.cells) if last else place + 1, nbformat.v4.new_code_cell(source.strip()))
    nbformat.write(nodes, notebook)


def plant_modules(folder: Path, names: Iterable[str] = ()) -> Path:
    """Write files named like these modules, or all; returns the one that names those that were imported."""
    told = folder / "imported.txt"
    text = f"import builtins\nwith builtins.open({str(told)!r}, 'a') as stream:\n    stream.write(__name__ + '\\n')\n"
    every = {*sys.stdlib_module_names, *importlib.metadata.packages_distributions(), "proxsweep"}
    for name in filter(str.isidentifier, names or every):
        (folder / f"{name}.py").write_text(text)
    return told


def hear_interrupts() -> None:
    """In a child: heed Ctrl-C also where the tests are a shell's background job, which hands on that it does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def assert_refused(done: subprocess.CompletedProcess, *parts: str) -> None:
    """A run ended with one message that has all parts, and with no traceback."""
    assert done.returncode != 0, done.stdout
    assert "Traceback (most recent call last)" not in done.stdout, done.stdout
    lines = [line for line in done.stdout.splitlines() if all(part in line for part in parts)]
    assert lines, f"no line with {parts} in:\n{done.stdout}"


def shared(factory: pytest.TempPathFactory) -> Path:
    """The folder that all processes of a test run share."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that ``make`` fills, made by whichever process of the test run is first to ask for it."""
    base = shared(factory)
    folder, finished = base / name, base / f"{name}.finished"
    with open(base / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            finished.touch()
    return folder
