"""The job of a piece of a path: makes those of its fits that are not there yet, one after the other in one kernel.

A fit's files are made in a folder beside them and put in place when its notebook has passed, the record last. A fit
whose cell raises is recorded as failed, its notebook is kept, and the job goes on. One whose kernel was killed is left
to the job's next attempt, which gets more memory.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxsweep import planning
from proxsweep.io.errors import UserError
from proxsweep.io.files import write_json
from proxsweep.jobs import kept, leftovers, set_aside
from proxsweep.optimize.status import Status
from proxsweep.sweep import fit_folder, pieces
from proxsweep.sweep.grid import Fit
from proxsweep.sweep.record import SCHEMA_VERSION

if TYPE_CHECKING:
    from proxsweep.jobs.kernels import Kernel

ATTEMPTS = 3
"""After so many attempts of the job, a fit whose kernel was killed is recorded as failed, too."""

FULL = "full"
"""Tag of cells of a fit notebook that a fold or a resample does without."""


class FitError(Exception):
    """A fit without a result; ``lasting`` says that another attempt would end so, too."""

    def __init__(self, message: str, lasting: bool):
        super().__init__(message)
        self.lasting = lasting


def run(fits: list[Fit], threads: int = 1, attempt: int = 1) -> None:
    """Make the fits that are missing, damaged or failed, or were made of other settings, data or code than asked for.

    Raises
    ------
    FitError
        If a kernel was killed and another attempt of the job may help.
    """
    for fit in fits:
        set_aside.bring_back(planning.folder(fit))
    reasons = planning.to_make(fits)
    for fit in [fit for fit in fits if reasons.get(fit.parts) == kept.FAILED]:
        if attempt == 1:  # of an earlier run: whatever becomes of this attempt, the next one makes it
            Path(planning.folder(fit), fit_folder.RECORD).unlink()
        else:  # of this run: its cell would raise again
            del reasons[fit.parts]
    print(f"{len(fits)} fits: {len(fits) - len(reasons)} kept, {len(reasons)} to make", flush=True)
    left = _make_all([fit for fit in fits if fit.parts in reasons], reasons, threads, attempt)
    if left:
        raise FitError(f"left to another attempt: {', '.join(fit.parts for fit in left)}", lasting=False)
    for fit in fits:
        set_aside.remove_copy(planning.folder(fit))


def _make_all(fits: list[Fit], reasons: dict[str, str], threads: int, attempt: int) -> list[Fit]:
    """Make fits; returns those that are left to another attempt."""
    if not fits:
        return []
    from proxsweep.jobs.kernels import Kernel  # slow to import

    left = []
    with Kernel(threads) as kernel:
        for fit in fits:
            print(f"{fit.parts}: {reasons[fit.parts]}", flush=True)
            try:
                record = _make(fit, kernel)
            except FitError as error:
                print(f"{fit.parts}: {error}", file=sys.stderr, flush=True)
                if not error.lasting and attempt < ATTEMPTS:
                    left.append(fit)
                    continue
                record = _failed(fit, str(error))
            _put_record(Path(planning.folder(fit)), record)
            print(f"{fit.parts}: {record['status']}", flush=True)
        for fit in {pieces.key(fit): fit for fit in fits if fit.rows}.values():
            _show_path(fit, kernel)
    return left


def _make(fit: Fit, kernel: Kernel) -> dict[str, Any]:
    """Execute the notebook of a fit, put its files in place and return its record."""
    from proxsweep.jobs import notebook
    from proxsweep.jobs.kernels import NotStarted

    folder, executed = Path(planning.folder(fit)), planning.kept_notebook(fit)
    neighbour = planning.solved_neighbour(fit)
    parameters = planning.fit_parameters(fit, neighbour)
    made = planning.how_made(fit) | {"neighbour": neighbour and neighbour.parts}
    _remove_unfinished(folder)
    folder.mkdir(parents=True, exist_ok=True)
    making = leftovers.making(folder)
    try:
        with _log(fit) as log:
            entry, without = planning.notebook(fit), FULL if fit.rows else ""
            notebook.execute(kernel, entry, executed, {**parameters, "folder": str(making)}, without, log)
        record = _record(making) | {kept.MADE: made | kernel.usage()}
    except notebook.NotebookError as error:
        raise FitError(str(error), error.lasting) from None
    except NotStarted as error:  # the kernel died when the notebook had passed
        raise FitError(str(error), lasting=False) from None
    except UserError as error:
        raise FitError(str(error), lasting=True) from None
    _clear(folder)
    for file in making.iterdir():
        os.replace(file, folder / file.name)
    if fit.rows:
        Path(executed).unlink()
    else:
        notebook.move(executed, folder / fit_folder.NOTEBOOK)
    making.rmdir()
    return record | {fit_folder.DIGESTS: fit_folder.file_digests(folder)}


def _record(making: Path) -> dict[str, Any]:
    """The record that a notebook wrote, out of the way of the fit's other files."""
    record = fit_folder.record(making)
    (making / fit_folder.RECORD).unlink()
    return record


def _failed(fit: Fit, reason: str) -> dict[str, Any]:
    """The record of a fit without a result; files of an earlier one are removed, since they are of something else."""
    folder = Path(planning.folder(fit))
    _clear(folder)
    _remove_unfinished(folder)
    spec = fit.spec()
    rows = spec["rows"] or {}
    return {
        "schema_version": SCHEMA_VERSION,
        **{name: spec[name] for name in ("study", "family", "fit", "labels", "rows")},
        **{name: rows.get(name) for name in ("fold", "resample")},
        "status": Status.FAILED.value,
        "reason": reason,
        "kept_notebook": planning.kept_notebook(fit),
        fit_folder.DIGESTS: {},
    }


def _clear(folder: Path) -> None:
    """Remove the files of a fit, the record first; folders below are those of its folds and resamples."""
    (folder / fit_folder.RECORD).unlink(missing_ok=True)
    for file in [file for file in folder.iterdir() if file.is_file()]:
        file.unlink()


def _remove_unfinished(folder: Path) -> None:
    for making in folder.glob(f"{leftovers.MAKING}*"):
        shutil.rmtree(making, ignore_errors=True)


def _put_record(folder: Path, record: dict[str, Any]) -> None:
    write_json(folder / fit_folder.RECORD, {**record, fit_folder.DIGEST: fit_folder.digest(record)})
    set_aside.copy(folder)


def _log(fit: Fit) -> Any:
    path = Path(planning.log(fit))
    path.parent.mkdir(parents=True, exist_ok=True)
    return open(path, "w", encoding="utf-8")


def _show_path(fit: Fit, kernel: Kernel) -> None:
    """The notebook that says how the folds or resamples of a path went, in place of one for each."""
    from proxsweep.jobs import notebook

    output, executed = planning.path_notebook(fit)
    folders = [planning.folder(other) for other in planning.path_of(fit)]
    try:
        notebook.execute(kernel, planning.PATH_NOTEBOOK, executed, {"folders": folders})
        notebook.move(executed, output)
    except notebook.NotebookError as error:
        print(error, file=sys.stderr, flush=True)
