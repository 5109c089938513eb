"""Files of the working directory that are named like modules: none is imported, by Snakemake, jobs or kernels."""

import sys
from pathlib import Path

import pytest

from projects import PROJECT, Project, plant_modules, simulated, small_study

SNAKEMAKE = Path(sys.executable).with_name("snakemake")
PROXSWEEP = Path(sys.executable).with_name("proxsweep")


def study(project: Project) -> tuple[str, str]:
    sweep = {"difference": ["reference"], "lasso": [1.0e-3]}
    project.config("s.yaml", {"s": small_study(data=simulated(replicates=1), sweep=sweep)})
    return "--configfile", "s.yaml"


def test_neither_snakemake_nor_a_job_imports_a_file_that_lies_there(project):
    config, told = study(project), plant_modules(project.folder)
    done = project.run(SNAKEMAKE, "--cores", 1, "results/s/data/func_scores.csv", *config)
    assert done.returncode == 0 and not told.exists(), done.stdout
    planned = project.run(PROXSWEEP, "plan", "s.yaml")
    assert planned.returncode == 0 and not told.exists(), planned.stdout
    project.run(sys.executable, "-c", "import json")
    assert told.read_text().splitlines()[-1] == "json"  # the files are such as would be imported


@pytest.mark.slow
def test_a_whole_run_is_done_beside_such_files(project):
    config, told = study(project), plant_modules(project.folder)
    made = "fits", "results/s/figures/convergence.svg"
    done = project.run(SNAKEMAKE, "--cores", 1, *made, *config, timeout=900)
    assert done.returncode == 0 and not told.exists(), done.stdout
    done = project.run(SNAKEMAKE, *made, "--report", "report.html", *config)
    assert done.returncode == 0 and not told.exists(), done.stdout


def test_where_the_workflow_is_a_module_files_of_the_other_one_hide_no_package(tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    told = plant_modules(folder, ["json", "numpy", "pandas", "jsonschema"])
    (folder / "proxsweep").symlink_to(PROJECT)
    (folder / "Snakefile").write_text(
        'module proxsweep:\n    snakefile: "proxsweep/Snakefile"\n    config: config\n\n'
        "use rule * from proxsweep as proxsweep_*\nimport of_mine\nrule mine:\n    output: of_mine.NAME\n"
        '    shell: "echo {output}; test -z \\"$PYTHONSAFEPATH\\" && touch {output}"\n'
    )
    (folder / "of_mine.py").write_text('NAME = "mine.txt"\n')
    project = Project(folder, scripts=tmp_path)
    done = project.run(SNAKEMAKE, "--cores", 1, "mine", "--configfile", "proxsweep/config/config.yaml")
    assert done.returncode == 0 and (folder / "mine.txt").exists(), done.stdout
    assert not told.exists()
