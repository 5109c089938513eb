"""Finished files that something cut short or overwrote: found before a run is planned, so that it makes them again.

A job writes its files whole or not at all (:mod:`proxsweep.io.files`); this is about what happens to them later, on a
disk that was full or a copy that was cut off. Only what costs little is looked at: records and sizes of a fit's files,
checksums inside encodings. ``proxsweep check`` looks into every number.
"""

import zipfile
import zlib
from pathlib import Path

from proxsweep.io import reading
from proxsweep.io.errors import UserError
from proxsweep.sweep import fit_folder


def check_fit(folder: str | Path) -> str | None:
    """What is wrong with the files of a fit that has a record; None where there is nothing, or no record."""
    folder = Path(folder)
    try:
        record = fit_folder.record_if_any(folder)
        if record is None:
            return None
        reading.require(folder / fit_folder.RECORD, record, {"file_bytes": dict}, "bytes by file")
    except UserError as error:
        # message: The record of a finished fit was cut off or overwritten. | As above.
        return f"record.json cannot be read ({error.found})"
    sizes = record["file_bytes"]
    found = {name: _size(folder / name) for name in sizes}
    wrong = next((name for name in sizes if found[name] != sizes[name]), None)
    if wrong is None:
        return None
    if found[wrong] is None:
        # message: The same: another file of the fit was removed. | As above.
        return f"{wrong} is missing"
    # message: The same, of another file of the fit. | As above.
    return f"{wrong} has {found[wrong]} bytes instead of {sizes[wrong]}"


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


def _size(path: Path) -> int | None:
    """Bytes of a file; None where there is no file."""
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return None
