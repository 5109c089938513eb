"""The starts of a fit: what its record, ``starts.csv``, ``trace.csv`` and ``starts.npz`` say, and which is the best."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from proxsweep.nmf.check import matching, recompute
from proxsweep.nmf.check.recompute import Found, Problem
from proxsweep.nmf.data.encoding import Encoding
from proxsweep.optimize.status import Status
from proxsweep.sweep import cells, fit_folder
from proxsweep.sweep.cells import Expected
from proxsweep.sweep.discrepancies import Discrepancies

RECORD, TRACE = fit_folder.RECORD, fit_folder.TRACE
TABLE, ARRAYS = "starts.csv", "starts.npz"
KEYS = ("status", "objective", "residual", "relative_residual", "iterations")
OF_RECORD = {"status": str, "objective": float, "relative_residual": float, "iterations": int, "seconds": float}
OWN = ("loss", "penalty", "gap", "zeros", "dead_factors", "reseeded", "won")
TRACE_COLUMNS = ("start", "iteration", "seconds", "objective", "relative_residual", "zeros")
SAME = 1e-8  # relative: of starts whose objectives differ by no more a converged one is the best
AT_BEST = 1e-6  # relative: a start within it has reached the best objective
SINGLE = 2.0**-24  # how far single precision may be off, relative
NO_SINGLE = (1e-30, 1e30)  # a matrix with a largest entry beyond has factors that single precision cannot hold
FACTORS = {
    "start_names": ("U", "starts"),
    "W": ("f", "starts features rank"),
    "H": ("f", "starts rank samples"),
}


def disagreement(found: Found, status: str, tolerance: float, slack: float, rounding: float) -> str:
    """What a status should be if it is not what the residual and vanished factors say; a diverged one claims nothing.

    ``slack`` is that of the residual, ``rounding`` is relative to the entries of the matrix.
    """
    if status == Status.DIVERGED:
        return ""
    unsure = 10 * rounding * found.gain_size
    could_fall = found.vanished > 0 and found.gain > unsure
    may_fall = found.vanished > 0 and found.gain > -unsure
    residual = f"residual {found.residual:.3g}, tolerance {tolerance:g}"
    if status == Status.CONVERGED:
        if could_fall:
            return f"not converged: {found.vanished} vanished factors by which the objective could fall"
        return "" if found.residual <= tolerance + slack else f"not converged: {residual}"
    return "" if found.residual > tolerance - slack or may_fall else f"converged: {residual}"


# ---- the record ------------------------------------------------------------------------------------------------


def compare_record(record: Mapping[str, Any], discrepancies: Discrepancies) -> None:
    """The best start, and counts over starts, from what the record says of each."""
    starts, figures = {one["start"]: one for one in record["starts"]}, record["nmf"]
    for one in record["starts"]:
        quantity = f"residual of start {one['start']}, the relative one"
        discrepancies.equal(RECORD, quantity, one["residual"], one["relative_residual"])
    discrepancies.equal(RECORD, "nmf.starts", figures["starts"], len(record["starts"]))
    converged = [one for one in record["starts"] if one["status"] == Status.CONVERGED]
    discrepancies.equal(RECORD, "nmf.starts_converged", figures["starts_converged"], len(converged))
    if record["start"] not in starts:
        discrepancies.add(RECORD, "start", record["start"], f"one of {', '.join(starts)}")
        return
    for key in KEYS:
        written = starts[record["start"]][key]
        discrepancies.equal(RECORD, f"{key} of start {record['start']}", written, record[key])
    best = _best(record["starts"])
    if best is not None:
        discrepancies.equal(RECORD, "start", record["start"], best)
    lowest = _number(record["objective"])
    at_best = sum(_number(one["objective"]) <= lowest + AT_BEST * abs(lowest) for one in converged)
    discrepancies.equal(RECORD, "nmf.at_best", figures["at_best"], at_best)
    spread = _spread(record["starts"])
    discrepancies.close(RECORD, "nmf.start_spread", figures["start_spread"], spread, 1e-12 * abs(spread))


def _number(value: Any) -> float:
    """A number of the record, NaN for what is none."""
    return float(value) if isinstance(value, int | float) else math.nan


def _objectives(starts: list[Mapping[str, Any]]) -> dict[str, float]:
    """Objectives of the starts that did not diverge; what is no number is above all others."""
    usable = [one for one in starts if one["status"] != Status.DIVERGED]
    return {one["start"]: math.inf if one["objective"] is None else float(one["objective"]) for one in usable}


def _best(starts: list[Mapping[str, Any]]) -> str | None:
    """The start with the lowest objective, of several that differ by rounding a converged one; None if all diverged."""
    objectives = _objectives(starts)
    if not objectives:
        return None
    lowest = min(objectives.values())
    near = [name for name, value in objectives.items() if value <= lowest + SAME * abs(lowest)]
    converged = [one["start"] for one in starts if one["start"] in near and one["status"] == Status.CONVERGED]
    return min(converged or near, key=objectives.__getitem__)


def _spread(starts: list[Mapping[str, Any]]) -> float:
    values = list(_objectives(starts).values())
    if not values or min(values) == 0:
        return 0.0
    return (max(values) - min(values)) / abs(min(values))


# ---- the tables ------------------------------------------------------------------------------------------------


def compare_table(folder: Path, record: Mapping[str, Any], discrepancies: Discrepancies) -> None:
    """Every row of ``starts.csv`` against the record.

    Raises
    ------
    UserError
        If the table cannot be read.
    """
    written = cells.read(folder / TABLE)
    written = written._replace(columns={name: _finite(values) for name, values in written.columns.items()})
    rows, best = record["starts"], _number(record["objective"])
    expected: dict[str, list[Any]] = {"start": [one["start"] for one in rows]}
    for name, kind in OF_RECORD.items():
        values = [one.get(name) for one in rows]
        expected[name] = [_number(value) for value in values] if kind is float else values
    expected["gap"] = [(_number(one["objective"]) - best) / (abs(best) or 1.0) for one in rows]
    expected["won"] = [str(one["start"] == record["start"]) for one in rows]
    whole = ["start", "status", "objective", "loss", "penalty", "relative_residual", "gap", "iterations", "seconds"]
    whole += ["zeros", "dead_factors", "reseeded", *matching.COLUMNS, "won"]
    cells.header(TABLE, written.header, whole, discrepancies)
    matching.compare_counts(record, written.columns.get("kind", []), discrepancies)
    cells.compare_rows(TABLE, written, Expected(pd.DataFrame(expected), ("start",), cells.ROUNDING), discrepancies)


def _finite(values: list[str]) -> list[str]:
    """Cells of numbers as a record has them, which knows neither infinity nor NaN."""
    return ["" if value in ("inf", "-inf", "nan") else value for value in values]


def compare_trace(folder: Path, record: Mapping[str, Any], discrepancies: Discrepancies) -> None:
    """Every start has its rows, the last of them of its last iteration.

    Raises
    ------
    UserError
        If the trace cannot be read.
    """
    trace = fit_folder.trace(folder, TRACE_COLUMNS)
    last = trace.groupby("start", sort=False)["iteration"].last()
    names = [one["start"] for one in record["starts"]]
    discrepancies.equal(TRACE, "starts", [str(name) for name in last.index], names)
    for one in record["starts"]:
        if one["start"] in last.index:
            quantity = f"last iteration of start {one['start']}"
            discrepancies.equal(TRACE, quantity, float(last[one["start"]]), float(one["iterations"]))


# ---- the factors -----------------------------------------------------------------------------------------------


def compare_arrays(
    folder: Path,
    record: Mapping[str, Any],
    encoding: Encoding,
    problem: Problem,
    best: tuple[np.ndarray, np.ndarray],
    discrepancies: Discrepancies,
) -> None:
    """Objective, residual, status and zeros of every start at its factors, to single precision.

    ``best`` are W (M, k) and H (k, N) of the best start, in double precision.

    Raises
    ------
    UserError
        If ``starts.npz`` or ``starts.csv`` cannot be read.
    """
    arrays, written = fit_folder.arrays(folder / ARRAYS, FACTORS), cells.read(folder / TABLE)
    names = [one["start"] for one in record["starts"]]
    shapes = {"W": (len(names), *best[0].shape), "H": (len(names), *best[1].shape)}
    if arrays["start_names"].tolist() != names:
        discrepancies.add(ARRAYS, "start_names", arrays["start_names"].tolist(), names)
        return
    for name, shape in shapes.items():
        if (str(arrays[name].dtype), arrays[name].shape) != ("float32", shape):
            found = f"{arrays[name].dtype} {arrays[name].shape}"
            discrepancies.add(ARRAYS, f"type and shape of {name}", found, f"float32 {shape}")
            return
    rows = {row.get("start"): row for row in written.rows()}
    in_range = NO_SINGLE[0] < problem.largest < NO_SINGLE[1]
    for place, one in enumerate(record["starts"]):
        w, h = arrays["W"][place], arrays["H"][place]
        if one["start"] == record["start"]:
            _same_as_best(one["start"], (w, h), best, discrepancies)
        if in_range and one["status"] != Status.DIVERGED:
            row = rows.get(one["start"], {})
            kept = w[encoding.kept_features].astype(float), h[:, encoding.kept_samples].astype(float)
            if _start(one, row, record, problem, kept, discrepancies) and record["status"] != Status.DIVERGED:
                own = best[0][encoding.kept_features], best[1][:, encoding.kept_samples]
                matching.compare(one, row, record, kept, own, discrepancies)


def _same_as_best(name: str, single: tuple, double: tuple, discrepancies: Discrepancies) -> None:
    for factor, values, exact in zip("WH", single, double, strict=True):
        if not np.array_equal(values, exact.astype(np.float32), equal_nan=True):
            discrepancies.add(ARRAYS, f"{factor} of start {name}", "other numbers", "those of parameters.npz")


def _start(
    one: Mapping[str, Any],
    row: Mapping[str, str],
    record: Mapping[str, Any],
    problem: Problem,
    factors: tuple[np.ndarray, np.ndarray],
    discrepancies: Discrepancies,
) -> bool:
    """One start: its entry of the record, and its row of ``starts.csv``; whether its factors are factors."""
    name = f"of start {one['start']}"
    if not all(np.isfinite(values).all() and (values >= 0).all() for values in factors):
        discrepancies.add(ARRAYS, f"W and H {name}", "an entry that is none", "numbers of at least 0")
        return False
    found = recompute.evaluate(problem, *factors)
    _penalty(one, row, found, discrepancies)
    slack = found.loss_rounding + SINGLE * found.objective_rounding + SINGLE**2 * found.curvature
    discrepancies.close(RECORD, f"objective {name}", one["objective"], found.objective, slack)
    counts = [cells.number(row.get(key, "")) for key in ("zeros", "dead_factors")]
    if record["fit"]["algorithm"] == "mu" and counts[0] is not None and counts[0] < found.zeros:
        return True  # without a floor entries may be 0 in single precision only, and move the projected gradient
    for key, written, count in zip(("zeros", "dead_factors"), counts, (found.zeros, found.vanished), strict=True):
        if written != count:
            discrepancies.add(TABLE, f"{key} {name}", row.get(key, ""), count)
    own = 2 * SINGLE * found.residual_rounding
    discrepancies.close(RECORD, f"residual {name}", one["residual"], found.residual, own)
    said = disagreement(found, one["status"], record["tolerance"], own, SINGLE)
    if said:
        discrepancies.add(RECORD, f"status {name}", one["status"], said, own)
    return True


def _penalty(one: Mapping[str, Any], row: Mapping[str, str], found: Found, discrepancies: Discrepancies) -> None:
    """The two parts of the objective in a row of ``starts.csv``."""
    name = f"of start {one['start']}"
    loss, penalty = (cells.number(row.get(key, "")) for key in ("loss", "penalty"))
    discrepancies.close(TABLE, f"penalty {name}", penalty, found.penalty, 4 * SINGLE * found.penalty)
    total = math.nan if loss is None or penalty is None else loss + penalty
    discrepancies.close(TABLE, f"loss and penalty {name}", total, _number(one["objective"]), 1e-12 * abs(total))
