"""The checks of reproducibility that need no run: of a study without fits, in a project of three files."""

import json
import subprocess
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
import yaml

from proxsweep.families import family
from proxsweep.io.errors import UserError
from proxsweep.io.files import write_text
from proxsweep.report import reproducibility

NOTEBOOK = {"cells": [{"cell_type": "code", "source": "from proxsweep import a", "metadata": {}, "outputs": []}]}
DATA = {"func_scores": "scores.csv", "sha256": None, "replicates": {"column": "replicate"}, "site_map": None}


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one commit, in which the study ``s`` has run without fits."""
    for name, text in {
        "notebooks/dms/fit.ipynb": json.dumps(NOTEBOOK | {"metadata": {}, "nbformat": 4, "nbformat_minor": 5}),
        "scripts/proxsweep/__init__.py": "",
        "scripts/proxsweep/a.py": "x = 1\n",
        "scripts/proxsweep/b.py": "x = 1\n",
        "envs/requirements.lock": "",
    }.items():
        write_text(tmp_path / name, text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reproducibility, "TREE", tmp_path)
    monkeypatch.setattr(reproducibility, "LOCK", tmp_path / "envs/requirements.lock")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    return tmp_path


def checks(tree: Path, data: dict | None = None, **changes: object) -> pd.DataFrame:
    study = {"family": "dms", "data": {**DATA, **(data or {})}, "sweep": {}, "solver": {"starts": ["zeros"]}}
    study |= {"summaries": {"seed": 1}, **changes}
    write_text(tree / "results/s/config.yaml", yaml.safe_dump({"studies": {"s": study}}))
    write_text(tree / "results/s/plan.json", json.dumps({"fits": []}))
    return reproducibility.check("results/s", family("dms")).set_index("check")


def told(table: pd.DataFrame, name: str) -> tuple[str, str]:
    return table.loc[name, "passed"], table.loc[name, "found"]


def test_what_is_not_committed_is_named(tree):
    name = "notebooks and code are committed"
    assert told(checks(tree), name)[0] == "yes"
    write_text(tree / "scripts/proxsweep/b.py", "x = 2\n")
    write_text(tree / "scripts/proxsweep/c.py", "")
    passed, found = told(checks(tree), name)
    assert passed == "no" and "scripts/proxsweep/b.py is not" in found and "scripts/proxsweep/c.py is not" in found


def test_code_that_changed_since_the_fits_is_named_and_other_code_is_not(tree):
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tree, check=True, capture_output=True, text=True)
    first = done.stdout.strip()
    write_text(tree / "scripts/proxsweep/b.py", "x = 2\n")
    assert list(reproducibility._changed(family("dms"), [first])) == []
    write_text(tree / "scripts/proxsweep/a.py", "x = 2\n")
    assert list(reproducibility._changed(family("dms"), [first])) == [
        f"scripts/proxsweep/a.py changed since revision {first[:12]}"
    ]
    assert "is not in the repository" in next(iter(reproducibility._changed(family("dms"), [None])))


def test_packages_of_other_versions_and_missing_ones_are_named(tree):
    name, numpy = "the environment is that of the lock", version("numpy")
    lock = f"numpy=={numpy} \\\n    --hash=sha256:00\npandas==0.0.1 \\\nno-such-package==1.0 \\\n"
    lock += "also-none==1.0 ; sys_platform == 'nowhere' \\\n"
    write_text(tree / "envs/requirements.lock", lock)
    passed, found = told(checks(tree), name)
    assert passed == "no" and f"pandas {version('pandas')} instead of ==0.0.1" in found
    assert "no-such-package==1.0 is not installed" in found and "also-none" not in found and "numpy" not in found
    write_text(tree / "envs/requirements.lock", f"numpy=={numpy} \\\n")
    assert told(checks(tree), name)[0] == "yes"


@pytest.mark.parametrize(
    ("changes", "section"),
    [
        ({"data": {"replicates": {"split": 2, "seed": None}}}, "data.replicates"),
        ({"data": {"simulate": {"seed": None}}}, "data.simulate"),
        ({"cross_validation": {"folds": 3, "seed": None}}, "cross_validation"),
        ({"resamples": {"count": 3, "seed": None}}, "resamples"),
        ({"summaries": {"seed": None}}, "summaries"),
        ({"solver": {"starts": ["zeros", "2x_random"], "seed": None}}, "solver"),
        ({"solver": {"seed": None}, "sweep": {"starts": [["zeros"], ["1x_random"]]}}, "solver"),
    ],
)
def test_what_is_random_needs_a_seed(tree, changes, section):
    name = "all that is random has a seed"
    assert told(checks(tree), name)[0] == "yes"
    assert told(checks(tree, **changes), name) == ("no", f"no seed in {section}")


def test_downloads_need_checksums_and_paths_are_relative(tree):
    address, digest = "https://example.org/scores.csv", "0" * 64
    pinned, relative = "downloads are pinned by a checksum", "paths are relative"
    table = checks(tree, {"func_scores": address})
    assert told(table, pinned) == ("no", f"{address} has no sha256") and told(table, relative)[0] == "yes"
    assert told(checks(tree, {"func_scores": address, "sha256": digest}), pinned) == ("yes", "1 downloads")
    several = [{"func_scores": address, "sha256": digest}, {"func_scores": "/abs.csv", "sha256": None}]
    table = checks(tree, {"func_scores": several, "site_map": "/map.csv"})
    assert told(table, pinned)[0] == "yes"
    assert told(table, relative) == ("no", "the config names /abs.csv; the config names /map.csv")


def test_a_folder_that_is_no_study_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"plan\.json.*a study that has run"):
        reproducibility.check(tmp_path, family("dms"))
