"""A study whose fits are cut off, and go on where a larger limit allows it."""

import json
from pathlib import Path

import pytest

from projects import Project, counts, fits, simulated, small_study

ONE = ("results/one/fits.csv", "--configfile", "one.yaml")
UNDISTURBED = ("results/other/fits.csv", "--configfile", "one.yaml")
WEIGHTS = {"difference": ["equivariant"], "lasso": [0, 1.0e-3]}


def limited(project: Project, **solver: object) -> None:
    made = small_study(data=simulated(replicates=1), sweep=WEIGHTS)
    settled = {"tolerance": 1.0e-9}
    project.config("one.yaml", {"one": {**made, "solver": settled | solver}, "other": {**made, "solver": settled}})


def run(project: Project, target: tuple[str, ...] = ONE) -> dict[str, dict]:
    """Run the study to its table of fits; the records, by fit."""
    done = project.snakemake(*target)
    assert done.returncode == 0, done.stdout
    folder = project.folder / Path(target[0]).parent / "fits"
    return {str(path.parent.relative_to(folder)): json.loads(path.read_text()) for path in folder.rglob("record.json")}


def checkpoints(project: Project) -> set[str]:
    folder = project.folder / "results/one/checkpoints"
    return {str(path.relative_to(folder)).removesuffix(".npz") for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_fits_that_were_cut_off_go_on_under_a_larger_limit_and_no_others(project):
    undisturbed = run_after(project, {}, UNDISTURBED)
    first = run_after(project, {"max_seconds": 1.0e-9})
    assert {one["status"] for one in first.values()} == {"max_seconds"}
    assert checkpoints(project) == set(first) == set(undisturbed)
    assert fits(project.jobs(*ONE)) == set()

    # more time, and so few iterations that only some converge
    few = min(one["iterations"] for one in undisturbed.values()) + 2
    second = run_after(project, {"max_seconds": 600, "max_iterations": few})
    cut = {fit for fit, one in second.items() if one["status"] == "max_iterations"}
    assert 0 < len(cut) < len(second) and {one["continued"] for one in second.values()} == {1}
    assert {one["status"] for fit, one in second.items() if fit not in cut} == {"converged"}
    assert checkpoints(project) == cut

    limited(project, max_seconds=1200)
    assert fits(project.jobs(*ONE)) >= cut and project.to_make(*ONE) == {"one": len(cut), "other": 0}
    third = run(project)
    assert {one["status"] for one in third.values()} == {"converged"} and not checkpoints(project)
    for fit, one in third.items():
        assert one["objective"] == pytest.approx(undisturbed[fit]["objective"], rel=1e-8)
        assert one["continued"] == (2 if fit in cut else 1)
        if fit not in cut:
            assert one == second[fit]
            continue
        log = (project.folder / f"logs/one/fits/{fit}.log").read_text()
        assert f"zeros after {few}" in log and one["iterations"] > few
        assert one["iterations"] - few < undisturbed[fit]["iterations"]

    # nothing is done again, whatever the limits become
    assert counts(project.jobs(*ONE)) == {}
    limited(project, max_seconds=30, max_iterations=5)
    assert fits(project.jobs(*ONE)) == set()
    limited(project, tolerance=1.0e-10)
    assert project.to_make(*ONE) == {"one": len(third), "other": 0}


def run_after(project: Project, solver: dict, target: tuple[str, ...] = ONE) -> dict[str, dict]:
    limited(project, **solver)
    return run(project, target)
