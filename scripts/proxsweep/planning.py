"""What the workflow plans for checked studies: inputs and parameters of fits, files to make, files to mend first.

Paths are relative to the working directory. No Snakemake here: rules ask these functions.
"""

import functools
import itertools
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from proxsweep.config import resolved as resolved_config
from proxsweep.families import family
from proxsweep.io import digests
from proxsweep.io.errors import UserError
from proxsweep.jobs import closure, kept, set_aside, timestamps
from proxsweep.optimize.status import Status
from proxsweep.sweep import fit_folder, grid, limits, pieces, rules
from proxsweep.sweep.grid import Fit
from proxsweep.sweep.pieces import Piece
from proxsweep.sweep.study import LIMITS, Study, outline

SCRIPTS = Path(__file__).resolve().parents[1]
NOTEBOOKS = SCRIPTS.parent / "notebooks"
PATH_NOTEBOOK = NOTEBOOKS / "path.ipynb"


def with_refits(studies: Iterable[Study]) -> dict[str, Study]:
    """Studies by name, each followed by its refits, whose names are paths below its own."""
    return {one.name: one for study in studies for one in (study, *family(study.family).refits(study))}


def folder(fit: Fit) -> str:
    """Where the files of a fit lie."""
    return f"results/{fit.study.name}/fits/{fit.parts}"


def encoding(fit: Fit) -> str:
    """The file of data that a fit reads."""
    return f"results/{fit.study.name}/{family(fit.study.family).encoding(fit.labels)}"


def encodings(study: Study) -> list[str]:
    """The files of data that the fits of a study read, each once."""
    return list(dict.fromkeys(encoding(fit) for fit in grid.full(study)))


def log(fit: Fit) -> str:
    """What the cells of a fit's notebook print."""
    return f"logs/{fit.study.name}/fits/{fit.parts}.log"


def kept_notebook(fit: Fit) -> str:
    """The notebook of a fit while it is executed, and after it failed."""
    return f"logs/{fit.study.name}/fits/{fit.parts}.ipynb"


def notebook(fit: Fit) -> Path:
    """The notebook that makes a fit; relative to the working directory, if it lies there."""
    path = NOTEBOOKS / fit.study.family / "fit.ipynb"
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def neighbour(fit: Fit) -> Fit | None:
    """The fit whose solution this one starts from, where it does."""
    return grid.neighbour(fit) if family(fit.study.family).uses_neighbour(fit.spec()) else None


def solved_neighbour(fit: Fit) -> Fit | None:
    """The nearest fit on the path, in the direction of the neighbour, that has a solution to start from."""
    other = neighbour(fit)
    while other is not None and not _is_solved(other):
        other = neighbour(other)
    return other


def _is_solved(fit: Fit) -> bool:
    try:
        record = fit_folder.record_if_any(folder(fit))
    except UserError:
        return False
    usable = record is not None and record.get("status") not in (Status.FAILED, Status.DIVERGED)
    return usable and Path(folder(fit), fit_folder.PARAMETERS).exists()


def data_files(fit: Fit) -> dict[str, str]:
    """Files that the numbers of a fit depend on, by the name of the notebook's parameter."""
    own = family(fit.study.family).fit_inputs(fit)
    return {"encoding": encoding(fit), **{name: f"results/{fit.study.name}/{path}" for name, path in own.items()}}


def spec(fit: Fit) -> dict[str, Any]:
    """What a fit is to be made of: as the config has it, but for limits that the fit on disk did not need."""
    found = fit.spec()
    found["solver"] = limits.solver(f"{folder(fit)}/record.json", found)
    return found


def fit_parameters(fit: Fit, start: Fit | None) -> dict[str, Any]:
    """Parameters of the notebook of a fit that may start from the solution of another."""
    return {
        "spec": spec(fit),
        "folder": folder(fit),
        "checkpoint": f"results/{fit.study.name}/checkpoints/{fit.parts}.npz",
        **data_files(fit),
        **({"neighbour": f"{folder(start)}/{fit_folder.PARAMETERS}"} if start else {}),
    }


# ---- what has to be made ---------------------------------------------------------------------------------


@functools.cache
def code_digest(name: str) -> str:
    """Digest of the code that the numbers of a family's fits depend on: the notebook and what it imports."""
    entry = NOTEBOOKS / name / "fit.ipynb"
    return kept.digest([entry, *closure.closure(entry, SCRIPTS, family(name).drawing)], SCRIPTS.parent)


def how_made(fit: Fit) -> dict[str, Any]:
    """What a fit that is made now is made of: digests of its spec, of its data and of the code."""
    return kept.how_made(spec(fit), data_files(fit), code_digest(fit.study.family))


def to_make(fits: Iterable[Fit]) -> dict[str, str]:
    """Why a fit has to be made, by its part of a path; those that are kept are not there."""
    reasons = {fit.parts: kept.why_made(folder(fit), how_made(fit)) for fit in fits}
    return {parts: reason for parts, reason in reasons.items() if reason}


def unseen(study: Study, reasons: dict[str, str]) -> dict[str, str]:
    """Files that have to be made again for what Snakemake cannot see, and why: damage, and fits that failed.

    ``reasons`` are those of :func:`to_make`.
    """
    # refits lie below their study
    noted = [] if study.refit_of else digests.noted_below(f"results/{study.name}")
    found = {path: fault for path in noted if (fault := digests.fault(path))}
    for parts, reason in reasons.items():
        if reason == kept.FAILED or kept.is_damage(reason):
            found[f"results/{study.name}/fits/{parts}/{fit_folder.RECORD}"] = reason
    return found


def put_aside(study: Study, places: list[str], dry_run: bool) -> None:
    """Take files and folders away before anything is planned, so that their jobs run; a record is there for its job.

    The table of fits goes with them: Snakemake makes what is missing only for something else that is missing.
    """
    gone = [*places, f"results/{study.name}/fits.csv"] if places else []
    if dry_run:
        set_aside.hide(gone)
        return
    for path in map(Path, gone):
        if path.name == fit_folder.RECORD:
            set_aside.put(path.parent)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


# ---- paths -----------------------------------------------------------------------------------------------


def job_pieces(studies: Iterable[Study], cores: int) -> dict[str, Piece]:
    """What each rule of fits makes, by its name: whole paths, or pieces if the config says so or cores would idle."""
    studies, found = list(studies), {}
    paths = pieces.count(studies)
    for study in studies:
        for piece in pieces.pieces(study, _size(study, paths, cores)):
            stem = "_".join(filter(None, ["fit", re.sub(r"\W", "_", study.name), piece.kind]))
            names = (f"{stem}_{number}" if number > 1 else stem for number in itertools.count(1))
            found[next(name for name in names if name not in found)] = piece
    return found


def _size(study: Study, paths: int, cores: int) -> int | None:
    if study.fits_per_job != "auto":
        return study.fits_per_job
    # fits that start from their neighbours can only be made one after the other
    chained = any(neighbour(fit) for fit in grid.full(study))
    return None if chained else pieces.size(study, paths, cores)


def job(fits: list[Fit]) -> dict[str, Any]:
    """What the job of these fits of one study has to know."""
    return {"study": outline(fits[0].study, sections=("model", "solver")), "fits": [fit.parts for fit in fits]}


def job_spec(fit: Fit) -> dict[str, Any]:
    """What all fits of a fit's path have in common, limits left out: if it changes, their job has to look at them."""
    found, path = fit.spec(), fit.study.roles.path
    for section in ("fit", "labels", "model", "solver"):
        found[section].pop(path, None)
    found["solver"] = {name: value for name, value in found["solver"].items() if name not in LIMITS}
    return found


def job_limits(fits: list[Fit]) -> list[float | None]:
    """The largest limits of a job's fits: larger ones in the config count only where a fit was cut off."""
    solvers = [spec(fit)["solver"] for fit in fits]
    return [max((solver[name] for solver in solvers), key=limits.size) for name in LIMITS]


def job_inputs(fits: list[Fit]) -> dict[str, list[str]]:
    """Files that the numbers of a job's fits depend on, by the name of the notebook's parameter."""
    found = [data_files(fit) for fit in fits]
    return {name: list(dict.fromkeys(files[name] for files in found)) for name in found[0]}


def job_before(fits: list[Fit]) -> list[str]:
    """Record of the fit that has to be made before these: the one whose solution the first of them starts from."""
    other = neighbour(fits[0])
    return [] if other is None else [f"{folder(other)}/{fit_folder.RECORD}"]


def path_of(fit: Fit) -> list[Fit]:
    """All fits of a fit's path."""
    return [other for other in grid.table(fit.study) if pieces.key(other) == pieces.key(fit)]


def path_notebook(fit: Fit) -> tuple[Path, Path]:
    """The notebook of a path of folds or resamples, and where it is while it is executed."""
    name = f"{pieces.key(fit)}/path.ipynb"
    return Path(f"results/{fit.study.name}/paths/{name}"), Path(f"logs/{fit.study.name}/paths/{name}")


def announced(study: Study) -> str:
    """What a study will go on with, and how that is chosen, before it runs; empty in a family without a strength."""
    roles, wanted = study.roles, study.chosen
    if roles.strength is None or not wanted:
        return ""
    if wanted[roles.strength] is not None:
        return f"the {roles.strength_noun} is given: {roles.strength} {grid.label(wanted[roles.strength])}"
    own, folds = family(study.family), bool(study.cross_validation)
    has = own.has_evidence(study.sweep, study.solver)
    level = wanted.get("false_discovery_rate")
    return rules.announced(wanted["rule"], own.rules, has, folds, level, study.sweep[roles.strength], roles)


def foreseen(studies: Iterable[Study]) -> Iterator[str]:
    """What users should know of their studies beforehand; raises UserError for data that a run would refuse."""
    for study in studies:
        for warning in family(study.family).foreseen(study, Path()):
            yield f"study {study.name}: warning: {warning}"


def evidence(study: Study) -> list[str]:
    """The table that a rule of the family's own chooses by, where the family has one."""
    path = family(study.family).evidence
    return [] if path is None else [f"results/{study.name}/{path}"]


def records(study: Study) -> list[str]:
    """Records of all fits of a study."""
    return [f"{folder(fit)}/record.json" for fit in grid.table(study)]


def targets(study: Study) -> list[str]:
    """Files that a run of a study makes."""
    own = family(study.family)
    wanted = ["fits.csv", "status.csv", "notebooks/html", *own.targets(study)]
    wanted += ["strict.txt"] if study.strict else []
    if not study.refit_of:
        wanted += ["config.yaml", "reproducibility.html", *(f"pages/{name}.html" for name in tables(study))]
        wanted += [f"figures/{summary.name}.svg" for summary in own.summaries if summary.wanted(study)]
    return [f"results/{study.name}/{path}" for path in wanted]


def resolved(study: Study) -> dict[str, Any]:
    """The config of a study as it runs, every default filled in."""
    return resolved_config.values(study, family(study.family).as_written)


def tables(study: Study) -> dict[str, tuple[str, str]]:
    """Tables that the report shows as pages: category and label by the table's path without its suffix."""
    common = {
        "fits": ("Convergence", "every fit, sortable"),
        "status": ("Convergence", "how every job ended, sortable"),
    }
    return {**common, **family(study.family).tables}


def clamp_dates(study: Study) -> Iterator[str]:
    """Date what is dated in the future as of now, before anything is planned."""
    if number := timestamps.clamp_future_mtimes(f"results/{study.name}"):
        # message: The clock of the machine that made them was ahead, and has been put right. | Nothing, unless you
        # changed a table since then: the change may not be noticed. Then run once with `--forcerun preprocess`.
        yield (
            f"results/{study.name}: {number} files are dated in the future, by a clock that was wrong; now"
            " they are dated as of now. What was changed since then is not noticed: see docs/troubleshooting.md"
        )


def write_status_tables(studies: Iterable[Study]) -> Iterator[str]:
    """After a failed run: the status table of every study that has begun, with what failed and where it is kept."""
    from proxsweep.io import files
    from proxsweep.sweep import collect

    for study in studies:
        if not os.path.isdir(f"results/{study.name}"):
            continue
        path = f"results/{study.name}/status.csv"
        try:
            files.write_csv(path, collect.status_table(grid.plan(grid.table(study))))
        except (OSError, UserError) as error:  # the disk that ended the run is full still
            # message: The disk that ended the run is full still. | Make room, then run again.
            yield f"no table of how every fit of study {study.name} ended: {error}"
            continue
        # message: Not an error: said after any run that failed. | Open the table. Fits without a record are `failed`,
        # also those that had not begun.
        yield f"How every fit of study {study.name} ended: {path}"
