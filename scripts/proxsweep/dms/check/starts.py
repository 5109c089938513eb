"""The starts of a fit as its record tells them, against its trace and against each other."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proxsweep.optimize.status import Status
from proxsweep.sweep import fit_folder
from proxsweep.sweep.discrepancies import Discrepancies

TRACE = 1e-9  # relative
STARTS = 1e-8  # relative: starts that ended at one optimum


def compare(record: Mapping[str, Any], folder: Path, discrepancies: Discrepancies) -> None:
    """Every start's last line of the trace, and the choice of the best.

    Raises
    ------
    UserError
        If the trace cannot be read.
    """
    starts = {one["start"]: one for one in record["starts"]}
    trace = fit_folder.trace(folder)
    for name, one in starts.items():
        rows = trace[trace["start"] == name]
        if rows.empty:
            discrepancies.add(fit_folder.TRACE, f"start {name}", "absent", "a start of the record")
            continue
        if rows["iteration"].iloc[-1] != one["iterations"]:
            last = int(rows["iteration"].iloc[-1])
            discrepancies.add(fit_folder.TRACE, f"last iteration of start {name}", last, one["iterations"])
            continue
        written = rows["iteration"] == one.get("written_iteration", one["iterations"])
        traced = float(rows.loc[written, "objective"].iloc[-1]) if written.any() else math.nan
        known = math.nan if one["objective"] is None else one["objective"]
        discrepancies.close(fit_folder.TRACE, f"objective of start {name}", traced, known, TRACE * abs(known))
    if record["start"] not in starts:
        discrepancies.add("record.json", "start", record["start"], f"one of {', '.join(starts)}")
        return
    for key in ("status", "objective", "residual", "relative_residual", "iterations", "written_iteration"):
        discrepancies.equal(
            "record.json", f"{key} of start {record['start']}", starts[record["start"]].get(key), record.get(key)
        )
    usable = [one["objective"] for one in starts.values() if one["status"] != Status.DIVERGED]
    if usable and record["objective"] is not None:
        lowest = min(usable)
        if record["objective"] > lowest + STARTS * abs(lowest):
            discrepancies.add(
                "record.json", "objective of the best start", record["objective"], lowest, STARTS * abs(lowest)
            )
