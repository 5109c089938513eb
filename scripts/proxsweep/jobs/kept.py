"""Whether a fit on disk is the one that is asked for: what its record says of how it was made decides, never a date."""

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from proxsweep.io.digests import sha256
from proxsweep.jobs import integrity
from proxsweep.optimize.status import Status
from proxsweep.sweep import fit_folder

MADE = "made"  # the key of a record that says how the fit was made
MISSING, FAILED, CHANGED = "missing", "failed before", " changed"
CHANGES = {"spec_sha256": "settings", "inputs_sha256": "data", "code_sha256": "code"}


def how_made(spec: Mapping[str, Any], inputs: Mapping[str, str], code: str) -> dict[str, Any]:
    """What a fit depends on: digests of its spec, of the files that it reads, and of its code.

    Parameters
    ----------
    spec
        See :meth:`proxsweep.sweep.grid.Fit.spec`.
    inputs
        Paths of the files by name.
    code
        Of :func:`digest`.
    """
    text = json.dumps(spec, sort_keys=True)
    return {
        "spec_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "inputs_sha256": {name: file_digest(path) for name, path in sorted(inputs.items())},
        "code_sha256": code,
    }


def digest(files: Iterable[Path], root: Path) -> str:
    """Digest of files: their contents, and their names relative to ``root``."""
    found = hashlib.sha256()
    for file in files:
        found.update(f"{file.relative_to(root).as_posix()} {file_digest(file)}\n".encode())
    return found.hexdigest()


def file_digest(path: str | Path) -> str | None:
    """Digest of a file's contents, None where there is no such file."""
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return _file_digest(str(path), status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=10_000)
def _file_digest(path: str, modified: int, size: int) -> str:
    return sha256(path)


def why_made(folder: str | Path, wanted: Mapping[str, Any]) -> str | None:
    """Why a fit has to be made (again), None where the one on disk is what is wanted (:func:`how_made`)."""
    fault = integrity.check_fit(folder)
    record = None if fault else fit_folder.record_if_any(folder)
    if record is None:
        return fault or MISSING
    if record.get("status") == Status.FAILED:
        return FAILED
    made = record.get(MADE)
    made = made if isinstance(made, dict) else {}
    changed = [word for name, word in CHANGES.items() if made.get(name) != wanted[name]]
    return f"{', '.join(changed)}{CHANGED}" if changed else None


def is_failed(record_path: str | Path) -> bool:
    """Whether a record is that of a fit that failed."""
    return integrity.check_fit(Path(record_path).parent) is None and (
        fit_folder.record(Path(record_path).parent).get("status") == Status.FAILED
    )


def is_damage(reason: str) -> bool:
    """Whether a reason of :func:`why_made` is that a file was damaged since it was written."""
    return reason not in (MISSING, FAILED) and not reason.endswith(CHANGED)
