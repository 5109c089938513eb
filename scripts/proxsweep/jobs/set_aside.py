"""Records of fits put aside, where Snakemake does not see them, until the job of the fit brings them back.

A record is put aside before a run is planned if its fit has to be made again for a reason that Snakemake cannot see: so
it plans the job. A copy is put aside when a fit is made, since Snakemake deletes the records that a job made when the
job ends badly. Either way the job looks at the record as it was, and decides (:mod:`proxsweep.jobs.kept`).

A dry run hides such files for as long as it lasts, so that it plans what a run would do.
"""

import atexit
import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from proxsweep.io import marks
from proxsweep.sweep.fit_folder import RECORD

ASIDE = ".record.json"


def put(folder: str | Path) -> None:
    """Put the record of a fit aside."""
    with contextlib.suppress(FileNotFoundError):
        os.replace(Path(folder, RECORD), Path(folder, ASIDE))


def copy(folder: str | Path) -> None:
    """Put a copy of the record aside."""
    shutil.copyfile(Path(folder, RECORD), Path(folder, ASIDE))


def bring_back(folder: str | Path) -> None:
    """Put the record that is aside, if there is one, in the place of any other."""
    with contextlib.suppress(FileNotFoundError):
        os.replace(Path(folder, ASIDE), Path(folder, RECORD))


def remove_copy(folder: str | Path) -> None:
    """Remove what is aside."""
    Path(folder, ASIDE).unlink(missing_ok=True)


def hide(paths: Iterable[str | Path]) -> None:
    """Rename files and folders until this process ends; one that was made meanwhile stays."""
    for path in map(Path, paths):
        hidden = path.with_name(f".{path.name}.{marks.mark()}.dry_run_")  # of such names jobs.leftovers knows
        with contextlib.suppress(FileNotFoundError):
            os.replace(path, hidden)
            atexit.register(_show, hidden, path)


def _show(hidden: Path, path: Path) -> None:
    if not path.exists():
        os.replace(hidden, path)
    elif hidden.is_dir():
        shutil.rmtree(hidden)
    else:
        hidden.unlink()
