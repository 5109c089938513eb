"""One round of a fault: disturb, run again, and say what was wrong, lost or redone."""

import random
import shutil
from pathlib import Path
from typing import NamedTuple

from faults.faults import DAMAGED, FAULTS, FINISHED, TIMED
from faults.harness import TARGETS, Run, change_data, compare, copy, prepare, records, run
from projects import Project


class Outcome(NamedTuple):
    """What came of one round."""

    fault: str
    number: int
    happened: bool
    disturbed_code: int
    finished_before: int
    done_again: int
    faults: list[str]


def bases(folder: Path) -> None:
    """In ``folder``: ``ready`` (encoded, no fit), ``whole`` (undisturbed) and ``changed`` (undisturbed, other data).

    What fits compile is at hand in all of them, so that a round takes less time.
    """
    ready = prepare(folder / "ready")
    done = ready.snakemake(
        "results/s/encodings/replicate~1.npz", "results/s/data/report.csv", "--configfile", "study.yaml"
    )
    assert done.returncode == 0, done.stdout
    for name in ("whole", "changed"):
        project = copy(ready, folder / name)
        if name == "changed":
            change_data(project)
        finished = run(project)
        shutil.copytree(project.folder / "cache", ready.folder / "cache", dirs_exist_ok=True)
        assert finished.code == 0, finished.text


def one_round(fault: str, number: int, base: Path, folder: Path, seed: int = 1) -> Outcome:
    """Disturb a copy of a project of ``bases`` in ``folder``, run it again, and compare with the undisturbed run."""
    project = copy(Project(base / ("whole" if fault in FINISHED else "ready")), folder)
    disturbed, happened = FAULTS[fault](project, random.Random(f"{seed} {fault} {number}"))
    before = records(project)
    if fault == "SIGKILL" and happened:
        assert Run(project, options=("--unlock",)).wait() == 0
    again = run(project)
    after = records(project)
    redone = {fit for fit in before if after.get(fit) != before[fit]}
    faults = [] if again.code == 0 else [f"the run after it failed:\n{again.text[-3000:]}"]
    whole = "changed" if fault == "data changed during the run" else "whole"
    faults += [f"{name} differs" for name in compare(project, Project(base / whole))]
    if "Traceback (most recent call last)" in again.text:
        faults.append("a traceback in the run after it")
    faults += _redone(fault, redone)
    faults += [] if happened or fault in TIMED else ["the fault did not happen"]
    rest = project.snakemake("--dry-run", *TARGETS, "--configfile", "study.yaml")
    if "Nothing to be done" not in rest.stdout:
        faults.append(f"a third run still finds something to do:\n{rest.stdout[-2000:]}")
    return Outcome(fault, number, happened, disturbed.code, len(before), len(redone), faults)


def _redone(fault: str, redone: set[str]) -> list[str]:
    """What was made again although it had been finished, or not although it had to be."""
    if fault == "data changed during the run":  # to which data a fit was made, its tables tell
        return []
    if fault in DAMAGED:
        return [] if len(redone) == 1 else [f"{len(redone)} fits were made again, not the damaged one alone"]
    return [f"{name} was finished and made again" for name in sorted(redone)]
