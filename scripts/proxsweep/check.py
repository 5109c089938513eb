"""Checking a study: what every fit claims against what its files say, as a table and a list of disagreements."""

import math
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pandas as pd

from proxsweep.dms.check import check as dms
from proxsweep.io import reading
from proxsweep.io.errors import UserError
from proxsweep.optimize.status import Status
from proxsweep.sweep import fit_folder, record_schema
from proxsweep.sweep import fits as fits_table
from proxsweep.sweep.discrepancies import Disagreement, Discrepancies

FAMILIES: dict[str, ModuleType] = {"dms": dms}
NUMBERS = ("objective", "smooth", "penalty", "residual", "relative_residual")
SAME = ("status", "start", "iterations")
CSV = 1e-13  # relative: how exactly fits.csv reads back
NEEDED = (
    *("schema_version", "family", "fit", "labels", "status", "start", "starts", "iterations", "tolerance"),
    *("absolute_floor", "yardstick", "prox", "model", "encoding_sha256", *NUMBERS),
)


class Report(NamedTuple):
    """One row a fit, and the disagreements of all fits with the folder of each."""

    table: pd.DataFrame
    disagreements: list[tuple[str, Disagreement]]


def check(folder: Path, encoding: Path | None = None) -> Report:
    """Check all planned fits of a study and of its refits under other references, or one fit.

    Parameters
    ----------
    folder
        ``results/{study}``, or the folder of a fit (with ``record.json``).
    encoding
        The encoding of a single fit; a study knows its own.

    Returns
    -------
    Report
        Columns of the table: the swept parameters' labels, reference (of refits, where there are some), status,
        confirmed (yes, no; '' without a record), objective_difference (relative), relative_residual and
        relative_residual_recomputed, fusion_gap, duality_gap (recomputed; NaN where there is none), verdict.

    Raises
    ------
    UserError
        For a folder with neither a plan nor a record, a study without any record, or a record of another family or
        schema version.
    """
    single = (folder / "record.json").exists()
    if single and encoding is None:
        raise UserError("--encoding", "nothing", f"the encoding of the fit in {folder}")
    if single:
        return _report([_fit(folder, encoding, None, None)])
    done = _study(folder)
    refits = {path.parent: _study(path.parent) for path in sorted(folder.glob("references/*/plan.json"))}
    for refit, fits in refits.items():
        done += [(path, {**row, "reference": refit.name}, findings) for path, row, findings in fits]
    if all(row["status"] == Status.FAILED for _, row, _ in done):
        raise UserError(str(folder), "no record of any planned fit", "fits that have run")
    return _report(done)


def _study(folder: Path) -> list[tuple[Path, dict[str, Any], Discrepancies]]:
    """All planned fits of one study or refit: folder, row of the table, what did not agree."""
    plan = _plan(folder / "plan.json")
    rows = _collected(folder / "fits.csv")
    done = []
    for planned in plan["fits"]:
        path = _inside(folder, planned["path"], plan["study"])
        replicate = planned["labels"]["replicate"]
        row = None if rows is None else rows.get(planned["path"], {})
        done.append(_fit(path, folder / "encodings" / f"replicate~{replicate}.npz", planned["labels"], row))
    return done


def _report(done: list[tuple[Path, dict[str, Any], Discrepancies]]) -> Report:
    listed = [(str(path), item) for path, _, findings in done for item in findings.disagreements]
    table = pd.DataFrame([row for _, row, _ in done])
    if "reference" in table:
        reference = table.pop("reference").fillna("")
        table.insert(list(table.columns).index("status"), "reference", reference)
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
        if not inside or "replicate" not in fit["labels"]:
            raise UserError(str(path), f"the fit {fit['path']}", expected)
    return plan


def _collected(path: Path) -> dict[str, dict[str, Any]] | None:
    """Rows of fits.csv by path; None where it is not there yet."""
    if not path.exists():
        return None
    table = fits_table.read(path, ["path", *SAME, *NUMBERS])
    return {row["path"]: row for row in table.to_dict("records")}


def read_record(path: Path) -> dict[str, Any] | None:
    """A fit's record; None where there is none.

    Raises
    ------
    UserError
        For a file that is no record, or one of another family or schema version.
    """
    record = fit_folder.record_if_any(path.parent, {"required": [*NEEDED]})
    if record is None:
        return None
    if record["family"] not in FAMILIES:
        raise UserError(str(path), f"family {record['family']!r}", f"one of {', '.join(FAMILIES)}")
    return fit_folder.record(path.parent, {"required": [record["family"]]}, record_schema.RECORD)


def _fit(
    folder: Path, encoding: Path, labels: Mapping[str, str] | None, row: Mapping[str, Any] | None
) -> tuple[Path, dict[str, Any], Discrepancies]:
    """One fit: its folder, its row of the table, and what did not agree.

    ``labels`` are those of the plan, ``row`` that of fits.csv (empty: absent); None where there is none to compare.
    """
    record = read_record(folder / "record.json")
    if record is None:
        findings = Discrepancies()
        if row:
            findings.add("fits.csv", "status", row["status"], "no record of this fit")
        blank = {**(labels or {}), "status": Status.FAILED.value, "confirmed": "", "verdict": "no record"}
        return folder, blank, findings
    checked = FAMILIES[record["family"]].check(folder, record, encoding)
    findings = checked.discrepancies
    if labels is not None:
        findings.equal("record.json", "labels", record["labels"], dict(labels))
    if row is not None:
        _compare_row(record, row, findings)
    wrong = len(findings.disagreements)
    shown = {
        **(labels or record["labels"]),
        "status": record["status"],
        "confirmed": "yes" if checked.confirmed else "no",
        "objective_difference": checked.objective_difference,
        "relative_residual": math.nan if record["relative_residual"] is None else record["relative_residual"],
        "relative_residual_recomputed": checked.relative_residual,
        "fusion_gap": checked.fusion_gap,
        "duality_gap": checked.duality_gap,
        "verdict": "agrees" if not wrong else f"{wrong} disagreement{'s' if wrong > 1 else ''}",
    }
    return folder, shown, findings


def _compare_row(record: Mapping[str, Any], row: Mapping[str, Any], findings: Discrepancies) -> None:
    if not row:
        findings.add("fits.csv", "row", "absent", "a row of this fit")
        return
    for name in SAME:
        findings.equal("fits.csv", name, row[name], record[name])
    for name in NUMBERS:
        known = math.nan if record[name] is None else record[name]
        findings.close("fits.csv", name, row[name], known, CSV * abs(known))


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
