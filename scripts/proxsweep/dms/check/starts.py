"""The starts of a fit as its record tells them, against its trace and against each other."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from proxsweep.io import reading
from proxsweep.optimize.status import Status
from proxsweep.sweep import fit_folder
from proxsweep.sweep.discrepancies import Discrepancies

TRACE = 1e-9  # relative
RESIDUAL, SUMS = 1e-6, 1e-13  # relative: to the residual; to the initial one and the largest parameter
STARTS = 1e-8  # relative: starts that ended at one optimum
COUNTS = {"newton_steps": "newton_steps", "products": "hessian_products"}  # of the trace, and of the record
NUMBERS = ("objective", "smooth", "penalty", "residual", "relative_residual")


def compare(record: Mapping[str, Any], folder: Path, largest: float, discrepancies: Discrepancies) -> None:
    """Every start's last line of the trace and that of its written parameters, and the choice of the best.

    ``largest`` is the largest size of a parameter, to which rounding is relative.

    Raises
    ------
    UserError
        If the trace cannot be read.
    """
    starts = {one["start"]: one for one in record["starts"]}
    # a trace that is not as it was written is told by its digest
    needed = ["start", "iteration", *COUNTS, *NUMBERS]
    trace = reading.table(folder / fit_folder.TRACE, fit_folder.TRACE_TEXT, needed, "a table of the fit (.csv)")
    for name, one in starts.items():
        rows = trace[trace["start"] == name]
        if rows.empty:
            discrepancies.add(fit_folder.TRACE, f"start {name}", "absent", "a start of the record")
            continue
        if rows["iteration"].iloc[-1] != one["iterations"]:
            last = int(rows["iteration"].iloc[-1])
            discrepancies.add(fit_folder.TRACE, f"last iteration of start {name}", last, one["iterations"])
            continue
        _written(rows, one, record, largest, discrepancies)
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


def _written(
    rows: pd.DataFrame, one: Mapping[str, Any], record: Mapping[str, Any], largest: float, discrepancies: Discrepancies
) -> None:
    """A start's lines of the trace: the one at which its parameters were written, and the counts of the last."""
    is_best, known = one["start"] == record["start"], {**one}
    if is_best:
        known |= {name: record[name] for name in ("smooth", "penalty")}
        for name, key in COUNTS.items():
            if key in record:
                discrepancies.equal(
                    fit_folder.TRACE, f"{name} of start {one['start']}", float(rows[name].iloc[-1]), record[key]
                )
    written = rows[rows["iteration"] == one.get("written_iteration", one["iterations"])]
    objective = math.nan if one["objective"] is None else one["objective"]
    slack = dict.fromkeys(("objective", "smooth", "penalty"), TRACE * abs(objective))
    initial = record["yardstick"] or math.nan
    residual = math.nan if one["residual"] is None else one["residual"]
    slack["residual"] = RESIDUAL * residual + SUMS * (initial + largest)
    slack["relative_residual"] = slack["residual"] / initial
    for name in NUMBERS:
        traced = float(written[name].iloc[-1]) if len(written) else math.nan
        # neither of a line with scale and bias held, nor of an iterated prox
        of_another = name.endswith("residual") and (math.isnan(traced) or record["prox"] is not None)
        if name in known and not of_another and one["status"] != Status.DIVERGED or name == "objective":
            value = math.nan if known[name] is None else float(known[name])
            discrepancies.close(fit_folder.TRACE, f"{name} of start {one['start']}", traced, value, slack[name])
