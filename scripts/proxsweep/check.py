"""Checking a study: what every fit claims against what its files say, as a table and a list of disagreements."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from proxsweep.families import FAMILIES, family
from proxsweep.io import reading
from proxsweep.io.errors import UserError
from proxsweep.optimize.status import Status
from proxsweep.sweep import fit_folder, record_schema
from proxsweep.sweep import fits as fits_table
from proxsweep.sweep.discrepancies import Disagreement, Discrepancies
from proxsweep.sweep.study import refit_folders

NUMBERS = ("objective", "smooth", "penalty", "residual", "relative_residual")
SAME = ("status", "start", "iterations")
CSV = 1e-13  # relative: how exactly fits.csv reads back
NEEDED = ("schema_version", "family", "fit", "labels", "status", "start", "iterations", "encoding_sha256", *NUMBERS)


class Report(NamedTuple):
    """One row a fit, and the disagreements of all fits with the folder of each."""

    table: pd.DataFrame
    disagreements: list[tuple[str, Disagreement]]


def check(folder: Path, encoding: Path | None = None) -> Report:
    """Check all planned fits of a study and of its refits, or one fit.

    Parameters
    ----------
    folder
        ``results/{study}``, or the folder of a fit (with ``record.json``).
    encoding
        The encoding of a single fit; a study knows its own.

    Returns
    -------
    Report
        Columns of the table: the swept parameters' labels, what tells refits apart (such as reference), status,
        confirmed (yes, no; '' without a record), objective_difference (relative), relative_residual and
        relative_residual_recomputed, the gaps of the certificate (recomputed; NaN where there is none), verdict.

    Raises
    ------
    UserError
        For a folder with neither a plan nor a record, a study without any record, or a record of another family or
        schema version.
    """
    single = (folder / "record.json").exists()
    if single and encoding is None:
        # message: `proxsweep check` of one fit needs it (place: `--encoding`). | Add it; it lies in the study's folder
        # `encodings`, and is named by the fit's replicate.
        raise UserError("--encoding", "nothing", f"the encoding of the fit in {folder}")
    if single:
        return _report([_fit(folder, encoding, None, None)])
    done = _study(folder)
    kinds = []
    for kind, refit in refit_folders(folder):
        done += [(path, {**row, kind: refit.name}, discrepancies) for path, row, discrepancies in _study(refit)]
        kinds.append(kind)
    if all(row["status"] == Status.FAILED for _, row, _ in done):
        # message: Nothing has run yet. | Run the study first.
        raise UserError(str(folder), "no record of any planned fit", "fits that have run")
    return _report(done, kinds)


def _study(folder: Path) -> list[tuple[Path, dict[str, Any], Discrepancies]]:
    """All planned fits of one study or refit: folder, row of the table, what did not agree."""
    plan = _plan(folder / "plan.json")
    rows = _collected(folder / "fits.csv")
    done = []
    for planned in plan["fits"]:
        path = _inside(folder, planned["path"], plan["study"])
        encoding = folder / family(planned["family"]).encoding(planned["labels"])
        row = None if rows is None else rows.get(planned["path"], {})
        done.append(_fit(path, encoding, planned["labels"], row))
    return done


def _report(done: list[tuple[Path, dict[str, Any], Discrepancies]], kinds: Iterable[str] = ()) -> Report:
    listed = [(str(path), item) for path, _, discrepancies in done for item in discrepancies.disagreements]
    table = pd.DataFrame([row for _, row, _ in done])
    for kind in dict.fromkeys(kinds):
        table.insert(list(table.columns).index("status"), kind, table.pop(kind).fillna(""))
    return Report(table, listed)


def _inside(folder: Path, path: str, study: str) -> Path:
    """A planned path, which starts at the working directory of the workflow, below this folder of the study."""
    return folder / Path(path).relative_to(Path("results") / study)


def _plan(path: Path) -> dict[str, Any]:
    expected = "the folder of a study with its plan, or of a fit with its record"
    plan = reading.plan(path)
    for fit in plan["fits"]:
        inside = (
            Path(fit["path"]).is_relative_to(Path("results") / plan["study"]) and ".." not in Path(fit["path"]).parts
        )
        known = fit.get("family") in FAMILIES
        replicate = family(fit["family"]).roles.replicate if known else None
        if not inside or not known or (replicate is not None and replicate not in fit["labels"]):
            # message: The plan names a fit outside of its study: it was edited, or copied from another. | Make it
            # again.
            raise UserError(str(path), f"the fit {fit['path']}", expected)
    return plan


def _collected(path: Path) -> dict[str, dict[str, Any]] | None:
    """Rows of fits.csv by path; None where it is not there yet."""
    if not path.exists():
        return None
    table = fits_table.read(path, ["path", *SAME, *NUMBERS])
    return {row["path"]: row for row in table.to_dict("records")}


def read_record(path: Path) -> dict[str, Any] | None:
    """A fit's record; None where there is none, or that of a fit that failed.

    Raises
    ------
    UserError
        For a file that is no record, or one of another family or schema version.
    """
    record = fit_folder.record_if_any(path.parent)
    if record is None or record.get("status") == Status.FAILED:
        return None
    fit_folder.record(path.parent, {"required": [*NEEDED]})
    if record["family"] not in FAMILIES:
        # message: Another version wrote the record, or it was edited. | Make the fit again.
        raise UserError(str(path), f"family {record['family']!r}", f"one of {', '.join(FAMILIES)}")
    return fit_folder.record(path.parent, record_schema.RECORD, family(record["family"]).record_schema)


def _fit(
    folder: Path, encoding: Path, labels: Mapping[str, str] | None, row: Mapping[str, Any] | None
) -> tuple[Path, dict[str, Any], Discrepancies]:
    """One fit: its folder, its row of the table, and what did not agree.

    ``labels`` are those of the plan, ``row`` that of fits.csv (empty: absent); None where there is none to compare.
    """
    record = read_record(folder / "record.json")
    if record is None:
        discrepancies = Discrepancies()
        if row:
            discrepancies.add("fits.csv", "status", row["status"], "no record of this fit")
        blank = {**(labels or {}), "status": Status.FAILED.value, "confirmed": "", "verdict": "no record"}
        return folder, blank, discrepancies
    checked = family(record["family"]).check(folder, record, encoding)
    discrepancies = checked.discrepancies
    if labels is not None:
        discrepancies.equal("record.json", "labels", record["labels"], dict(labels))
    if row is not None:
        _compare_row(record, row, discrepancies)
    wrong = len(discrepancies.disagreements)
    shown = {
        **(labels or record["labels"]),
        "status": record["status"],
        "confirmed": "yes" if checked.confirmed else "no",
        "objective_difference": checked.objective_difference,
        "relative_residual": math.nan if record["relative_residual"] is None else record["relative_residual"],
        "relative_residual_recomputed": checked.relative_residual,
        **checked.gaps,
        "verdict": "agrees" if not wrong else f"{wrong} disagreement{'s' if wrong > 1 else ''}",
    }
    return folder, shown, discrepancies


def _compare_row(record: Mapping[str, Any], row: Mapping[str, Any], discrepancies: Discrepancies) -> None:
    if not row:
        discrepancies.add("fits.csv", "row", "absent", "a row of this fit")
        return
    for name in SAME:
        discrepancies.equal("fits.csv", name, row[name], record[name])
    for name in NUMBERS:
        known = math.nan if record[name] is None else record[name]
        discrepancies.close("fits.csv", name, row[name], known, CSV * abs(known))


def show(report: Report) -> str:
    """The report as text: the table, then a line for every disagreement below its fit's folder."""
    numbers = report.table.select_dtypes("number").columns
    lines = [report.table.to_string(index=False, na_rep="", formatters=dict.fromkeys(numbers, _short))]
    previous = None
    for path, item in report.disagreements:
        lines += [] if path == previous else [f"\n{path}"]
        lines.append(f"  {item}")
        previous = path
    return "\n".join(lines)


def _short(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2e}"
