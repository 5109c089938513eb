"""Which limits a fit runs under: a larger one in the config concerns those fits alone that the old one cut off."""

import json
import math
from pathlib import Path
from typing import Any

from proxsweep.io import reading
from proxsweep.io.errors import UserError
from proxsweep.sweep import fit_folder
from proxsweep.sweep.study import LIMITS

SAME = ("fit", "rows", "model", "labels")


def solver(record_path: str | Path, spec: dict[str, Any]) -> dict[str, Any]:
    """The solver settings of a fit: those of the config, or with the limits under which the fit on disk ended.

    The latter where it ended otherwise than by a limit that is larger now, and nothing but limits has changed since.

    Parameters
    ----------
    record_path
        The fit's record; it may be missing, or not be one.
    spec
        What is to be fitted (:meth:`proxsweep.sweep.grid.Fit.spec`).
    """
    record = _record(Path(record_path))
    asked = spec["solver"]
    if record is None or not _alike(record, spec) or _is_raised(record, asked):
        return asked
    return {**asked, **{name: record["solver"][name] for name in LIMITS}}


def _record(path: Path) -> dict[str, Any] | None:
    try:
        found = fit_folder.record(path.parent)
        reading.require(path, found, {"solver": dict, "status": str}, "how a fit ended")
        reading.require(path, found["solver"], dict.fromkeys(LIMITS, (int, float, type(None))), "limits as numbers")
    except UserError:
        return None
    return found


def _alike(record: dict[str, Any], spec: dict[str, Any]) -> bool:
    """Whether record and spec say the same, limits aside."""
    solvers = ({key: value for key, value in one["solver"].items() if key not in LIMITS} for one in (record, spec))
    first, second = map(json.dumps, solvers)
    return first == second and all(json.dumps(record.get(name)) == json.dumps(spec.get(name)) for name in SAME)


def _is_raised(record: dict[str, Any], asked: dict[str, Any]) -> bool:
    """Whether the fit was cut off by a limit that is larger now."""
    status = record["status"]
    return status in LIMITS and size(asked[status]) > size(record["solver"][status])


def size(limit: float | None) -> float:
    """A limit as a number: none is infinite."""
    return math.inf if limit is None else limit
