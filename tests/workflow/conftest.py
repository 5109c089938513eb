"""Real runs of small studies in a copy of the project."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
PARTS = ("Snakefile", "workflow", "profiles", "notebooks", "scripts", "config", "envs")


@dataclass
class Project:
    """A copy of the project's files in which studies are run."""

    folder: Path

    def config(self, name: str, studies: dict) -> Path:
        """Write a config with these studies; its path, relative to the copy."""
        (self.folder / name).write_text(yaml.safe_dump({"studies": studies}, sort_keys=False))
        return Path(name)

    def snakemake(self, *arguments: str, cores: int = 1, timeout: int = 900) -> subprocess.CompletedProcess:
        """Run Snakemake; stdout and stderr together in ``stdout``."""
        command = [sys.executable, "-m", "snakemake", "--cores", str(cores), *map(str, arguments)]
        return self.run(*command, timeout=timeout)

    def run(self, *command: str, timeout: int = 300) -> subprocess.CompletedProcess:
        """Run a command in the copy."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SNAKEMAKE")}
        environment["PYTHONPATH"] = str(self.folder / "scripts")
        return subprocess.run(
            list(map(str, command)),
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )

    def jobs(self, *arguments: str) -> dict[str, int]:
        """Jobs that a dry run would do, by rule."""
        done = self.snakemake("--dry-run", "--quiet", "progress", *arguments)
        assert done.returncode == 0, done.stdout
        return _job_counts(done.stdout)


def _job_counts(text: str) -> dict[str, int]:
    lines = text.splitlines()
    begin = [k for k, line in enumerate(lines) if line.startswith("job ") and "count" in line]
    counts = {}
    for line in lines[begin[0] + 2 :] if begin else []:
        words = line.split()
        if len(words) != 2 or not words[1].isdigit():
            break
        counts[words[0]] = int(words[1])
    return {rule: count for rule, count in counts.items() if rule not in ("total", "all")}


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


def small_study(**changes: object) -> dict:
    """A simulated study whose fits take a fraction of a second; ``changes`` replace whole sections."""
    study = {
        "family": "dms",
        "data": {
            "simulate": {
                "seed": 3,
                "tree": {"a": "root", "b": "root", "c": "root"},
                "sites": 12,
                "differences": 1,
                "shifts": 0.1,
                "variants": 300,
                "replicates": 2,
            }
        },
        "reference": "a",
        "model": {"ridge": 1.0e-4},
        "sweep": {"difference": ["reference", "equivariant"], "lasso": [0, 1.0e-3]},
        "summaries": {"bootstrap": 50},
    }
    return {**study, **changes}


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One compilation cache for all runs of this process, gone afterwards."""
    patch = pytest.MonkeyPatch()
    patch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path_factory.mktemp("jax")))
    yield
    patch.undo()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh copy of the project."""
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy in which the small study ``tiny`` (config ``tiny.yaml``) has run to its end. Read only."""
    made = copy_project(tmp_path_factory.mktemp("finished") / "a folder")
    made.config("tiny.yaml", {"tiny": small_study()})
    done = made.snakemake("--configfile", "tiny.yaml", cores=2)
    assert done.returncode == 0, done.stdout
    (made.folder / "run.log").write_text(done.stdout)
    return made


@pytest.fixture
def edited(finished: Project, tmp_path: Path) -> Callable[[], Project]:
    """Makes copies of the finished project, for tests that change something in it."""

    def copy() -> Project:
        target = tmp_path / "copy"
        shutil.copytree(finished.folder, target, symlinks=True)
        return Project(target)

    return copy
