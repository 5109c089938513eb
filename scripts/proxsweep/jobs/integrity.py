"""Finished files that something cut short or overwrote: found before a run is planned, so that it makes them again.

A job writes its files whole or not at all (:mod:`proxsweep.io.files`); this is about what happens to them later, on a
disk that was full, a copy that was cut off, an editor. Digests decide: those that records have of a fit's files, and
those that were noted of others (:mod:`proxsweep.io.digests`). ``proxsweep check`` looks into every number.
"""

import zipfile
import zlib
from pathlib import Path

from proxsweep.io import digests, reading
from proxsweep.io.errors import UserError
from proxsweep.sweep import fit_folder


def check_fit(folder: str | Path) -> str | None:
    """What is wrong with the files of a fit that has a record; None where there is nothing, or no record."""
    folder = Path(folder)
    try:
        record = fit_folder.record_if_any(folder)
        if record is None:
            return None
        record.setdefault(fit_folder.DIGESTS, {})  # an earlier version wrote none
        reading.require(folder / fit_folder.RECORD, record, {fit_folder.DIGESTS: dict}, "digests by file")
    except UserError as error:
        # message: The record of a finished fit was cut off or overwritten. | As above.
        return f"record.json cannot be read ({error.found})"
    for name, digest in record[fit_folder.DIGESTS].items():
        found = _digest(folder / name)
        if found is None:
            # message: The same: another file of the fit was removed. | As above.
            return f"{name} is missing"
        if found != digest:
            # message: The same, of another file of the fit. | As above.
            return f"{name} does not hold what was written"
    return None


def _digest(path: Path) -> str | None:
    try:
        return digests.sha256(path)
    except (OSError, ValueError):  # a name that no file can have, too
        return None


def check_archive(path: str | Path) -> str | None:
    """What is wrong with an ``.npz`` (a zip of arrays); None where there is nothing, or no file."""
    path = Path(path)
    if not path.exists():
        return None
    try:
        with zipfile.ZipFile(path) as arrays:
            broken = arrays.testzip()
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        # message: The same, of an encoding. | As above.
        return f"{path.name} cannot be read ({error})"
    # message: The same. | As above.
    return f"{broken} in {path.name} does not have its checksum" if broken else None
