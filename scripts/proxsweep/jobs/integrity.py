"""Files of a finished fit that something cut short or overwrote: found before a run is planned, which makes it again.

A job writes its files whole or not at all (:mod:`proxsweep.io.files`); this is about what happens to them later, on a
disk that was full, in a copy that was cut off, by an editor. The digests in the fit's record decide; other files have
theirs by :mod:`proxsweep.io.digests`. ``proxsweep check`` looks into every number.
"""

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
