"""Where the project, the working directory and the home may lie."""

import shutil

import pytest

from projects import Project, assert_refused, copy_project, simulated, small_study


def study(project: Project) -> tuple[str, str]:
    sweep = {"difference": ["reference"], "lasso": [1.0e-3]}
    project.config("s.yaml", {"s": small_study(data=simulated(replicates=1), sweep=sweep)})
    return "--configfile", "s.yaml"


@pytest.mark.parametrize(
    "target", ["data/func_scores.csv", pytest.param("figures/convergence.svg", marks=pytest.mark.slow)]
)
def test_no_home_is_needed(project, monkeypatch, target):
    (project.folder / "file").touch()
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(project.folder / "file"))  # no folder can be made in it, by root either
    done = project.snakemake(f"results/s/{target}", *study(project))
    assert done.returncode == 0, done.stdout


def test_a_project_in_a_path_with_braces_is_refused(tmp_path):
    project = copy_project(tmp_path / "a{b}")
    done = project.snakemake(*study(project))
    assert_refused(done, "proxsweep: the folder of the project: found ", "a{b}", "without braces")
    assert not (project.folder / "results").exists()


@pytest.mark.slow
def test_a_working_directory_with_braces_is_none_of_it(tmp_path):
    scripts = copy_project(tmp_path / "project").folder / "scripts"
    (tmp_path / "a{b}").mkdir()
    project = Project(tmp_path / "a{b}", scripts)
    snakefile = ("--snakefile", tmp_path / "project/Snakefile")
    done = project.snakemake("results/s/figures/convergence.svg", *study(project), *snakefile)
    assert done.returncode == 0, done.stdout


def test_a_table_with_braces_is_refused_by_name(project):
    shutil.copy(project.folder / "Snakefile", project.folder / "scores{x}.csv")
    project.config("s.yaml", {"s": small_study(data={"func_scores": "scores{x}.csv"})})
    done = project.snakemake("--dry-run", "--configfile", "s.yaml")
    assert_refused(done, "s.yaml:5: studies.s.data.func_scores", "found braces in scores{x}.csv", "without { and }")
