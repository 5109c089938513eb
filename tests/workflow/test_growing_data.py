"""Rows of a new library are appended to the table of a finished study: its fits are made, and no others."""

import random
import shutil

import pytest
import yaml

from projects import Project, assert_refused, copy_project, counts, fits

STUDY = {
    "data": {"func_scores": "t.csv", "replicates": {"column": "library"}, "conditions": ["a", "b"]},
    "reference": "a",
    "model": {"ridge": 1.0e-3},
    "sweep": {"lasso": [1.0e-3]},
}
CONFIG = ("--configfile", "growing.yaml")
NEW = "difference~reference/lasso~0.001/replicate~3"


def rows(library: int) -> str:
    draw = random.Random(library)
    mutants = [
        "",
        "",
        *(f"{wildtype}{site}{letter}" for wildtype, site in (("M", 1), ("K", 2), ("L", 3)) for letter in "ACD"),
    ]
    lines = [f"{library},{condition},{mutant},{draw.gauss(0, 1):.3f}" for condition in "ab" for mutant in mutants]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A study of two libraries, fitted; then the rows of a third were appended."""
    project = copy_project(tmp_path_factory.mktemp("growing"))
    table = project.folder / "t.csv"
    table.write_text("library,condition,aa_substitutions,func_score\n" + rows(1) + rows(2))
    (project.folder / "growing.yaml").write_text(yaml.safe_dump({"studies": {"mine": STUDY}}))
    done = project.snakemake("fits", *CONFIG, cores=2)
    assert done.returncode == 0, done.stdout
    with table.open("a") as stream:
        stream.write(rows(3))
    return project


def records(project: Project) -> dict[str, bytes]:
    folder = project.folder / "results/mine/fits"
    return {str(path.parent.relative_to(folder)): path.read_bytes() for path in folder.rglob("record.json")}


@pytest.mark.slow
def test_the_new_library_s_fits_are_made_alone(grown, tmp_path):
    """All are encoded again, and each job of fits finds out whether its encoding is another one."""
    project = Project(shutil.copytree(grown.folder, tmp_path / "copy", symlinks=True))
    before = records(project)
    assert len(before) == 2
    planned = project.jobs("fits", *CONFIG)
    assert len(fits(planned)) == counts(planned)["encode"] == 3 and project.to_make("fits", *CONFIG) == {"mine": 1}
    done = project.snakemake("fits", *CONFIG, cores=2)
    assert done.returncode == 0, done.stdout
    assert "study mine: 2 fits kept, 1 made" in done.stdout
    after = records(project)
    assert {*after} - {*before} == {NEW} and {fit: after[fit] for fit in before} == before
    assert project.jobs("fits", *CONFIG) == []
    table = project.folder / "t.csv"
    table.touch()
    assert project.jobs("fits", *CONFIG) == []
    table.write_text(table.read_text() + "3,a,M1,0.5\n")
    assert_refused(project.snakemake("fits", *CONFIG), "t.csv", "'M1'")
    assert records(project) == after
