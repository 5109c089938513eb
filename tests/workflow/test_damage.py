"""Files of a finished study that something damaged: noticed by the plan, listed by a dry run, made again as before."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from projects import Project, copy_project, once, small_study

MEASURED = {"solve_seconds", "compile_seconds", "job_seconds", "max_rss_mb", "seconds"}
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "one byte": lambda whole: (
        whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1 :]
    ),
    "cut by a tenth": lambda whole: whole[: len(whole) * 9 // 10],
}
NOT_NOTED = ("benchmarks", ".digests", "paths", "strict.txt")  # no step reads them
CONFIG = ("--configfile", "study.yaml")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A study with every kind of table. Read only."""

    def make(folder: Path) -> None:
        project = copy_project(folder)
        sweep = {"difference": ["equivariant"], "lasso": [0, 1.0e-3]}
        more = {
            "cross_validation": {"folds": 2, "replicates": [1]},
            "references": {"conditions": ["b"], "lasso": [1.0e-3]},
        }
        project.config("study.yaml", {"s": small_study(sweep=sweep, **more)})
        done = project.snakemake(*CONFIG, cores=2, timeout=1800)
        assert done.returncode == 0, done.stdout

    return Project(once(tmp_path_factory, "damage", make))


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    shutil.copytree(finished.folder, tmp_path / "copy", symlinks=True)
    return Project(tmp_path / "copy")


def kinds(project: Project) -> list[Path]:
    """A file of every kind: of those with one name in one sort of folder, the first."""
    found: dict[tuple, Path] = {}
    for path in sorted((project.folder / "results").rglob("*")):
        parts = path.relative_to(project.folder / "results").parts
        if path.is_file() and not set(parts) & set(NOT_NOTED) and not path.name.startswith("."):
            folders = tuple(part for part in parts[:-1] if "~" not in part)
            name = path.name if "~" not in path.name else path.suffixes[-1]
            found.setdefault((*folders, sum("~" in part for part in parts), name), path)
    return list(found.values())


def content(path: Path) -> object:
    """What a file says, what was measured apart."""
    if path.suffix == ".csv":
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        return table.drop(columns=list(MEASURED), errors="ignore").to_csv()
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return {name: arrays[name].tolist() for name in arrays}
    if path.suffix in (".svg", ".png", ".yaml"):
        return path.read_bytes() if path.stem != "convergence" else None  # its marks show seconds
    if path.name == "record.json":
        return {
            key: value for key, value in json.loads(path.read_text()).items() if key in ("status", "objective", "fit")
        }
    return None  # pages and notebooks show seconds


@pytest.mark.slow
def test_every_kind_of_file_is_noticed(finished):
    """By the reader of no other file: each alone, whatever its dates."""
    from proxsweep import planning, studies
    from proxsweep.io import digests
    from proxsweep.jobs import integrity

    here = os.getcwd()
    os.chdir(finished.folder)
    try:
        (study,) = studies.from_config(studies.load([Path("study.yaml")]), [], {}, Path())
        assert not any(
            planning.unseen(one, planning.to_make(planning.grid.table(one)))
            for one in planning.with_refits([study]).values()
        )
    finally:
        os.chdir(here)
    for path in kinds(finished):
        if "fits" in path.relative_to(finished.folder).parts[:-1] and path.parent.name != "fits":
            known = json.loads((path.parent / "record.json").read_text())
            assert path.name in {*known["file_sha256"], "record.json"}, path
            assert integrity.check_fit(path.parent) is None
        else:
            assert str(path) in digests.noted_below(path.parent), path


@pytest.mark.slow
@pytest.mark.parametrize(("damage", "dates"), [("one byte", "old"), ("cut by a tenth", "new")])
def test_the_next_run_makes_damaged_files_again_as_they_were(project, finished, damage, dates):
    damaged = kinds(project)
    for path in damaged:
        before, whole = path.stat(), path.read_bytes()
        path.write_bytes(DAMAGE[damage](whole))
        if dates == "old":
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    states = {path: path.read_bytes() for path in damaged}
    dry = project.snakemake("--dry-run", "--printshellcmds", *CONFIG)
    assert dry.returncode == 0, dry.stdout
    assert {path: path.read_bytes() for path in damaged} == states  # a dry run changes nothing
    done = project.snakemake("--printshellcmds", *CONFIG, cores=2)
    assert done.returncode == 0, done.stdout
    for path in damaged:
        place = path.relative_to(project.folder)
        named = str(
            place.with_name("record.json") if place.with_name("record.json").name in os.listdir(path.parent) else place
        )
        assert f"{named}: " in done.stdout and f"{named}: " in dry.stdout, place
        assert path.is_file() and content(path) == content(finished.folder / place), place
    planned, ran = (set(re.findall(r"^(?:local)?rule (\w+):", one.stdout, re.MULTILINE)) for one in (dry, done))
    assert planned == ran and {"encode", "fit_s", "choose", "shifts"} < planned
    assert "Nothing to be done" in project.snakemake("--dry-run", *CONFIG).stdout
