"""Checking a study: what every fit claims against what its files say, as a table and a list of disagreements."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from proxsweep import check_tables
from proxsweep.families import FAMILIES, family
from proxsweep.io import digests, reading
from proxsweep.io.errors import UserError
from proxsweep.optimize.status import Status
from proxsweep.sweep import collected, fit_folder, record_schema
from proxsweep.sweep.collected import Planned
from proxsweep.sweep.discrepancies import Disagreement, Discrepancies
from proxsweep.sweep.grid import PARTIAL
from proxsweep.sweep.study import refit_folders

NUMBERS = ("objective", "smooth", "penalty", "residual", "relative_residual")
NEEDED = ("schema_version", "family", "fit", "labels", "status", "start", "iterations", "encoding_sha256", *NUMBERS)
FAILED = {"required": ["fit"], "properties": {"fit": {"type": "object"}}}

Checked = tuple[Path, dict[str, Any], Discrepancies]  # a fit: its folder, its row of the table, what did not agree


class Report(NamedTuple):
    """One row a fit, the disagreements, and how many fits and tables of whole studies they are in.

    Disagreements come with the folder of the fit or, those of a table as a whole, of the study.
    """

    table: pd.DataFrame
    disagreements: list[tuple[str, Disagreement]]
    wrong_fits: int
    wrong_tables: int


def check(folder: Path, encoding: Path | None = None) -> Report:
    """Check all planned fits of a study and of its refits with the tables made from them, or one fit.

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
        return _report([_fit(folder, read_record(folder / "record.json"), encoding, None, Discrepancies())], [])
    done, tables = _study(folder)
    kinds = []
    for kind, refit in refit_folders(folder):
        fits, of_refit = _study(refit)
        done += [(path, {**row, kind: refit.name}, discrepancies) for path, row, discrepancies in fits]
        tables += of_refit
        kinds.append(kind)
    if all(row["status"] == Status.FAILED for _, row, _ in done):
        # message: Nothing has run yet. | Run the study first.
        raise UserError(str(folder), "no record of any planned fit", "fits that have run")
    return _report(done, tables, kinds)


def _study(folder: Path) -> tuple[list[Checked], list[tuple[str, Disagreement]]]:
    """All planned fits of one study or refit, and what did not agree in its tables as a whole."""
    plan, told = _plan(folder / "plan.json"), Discrepancies()
    check_tables.noted(folder, told)
    planned = [_planned(folder, fit, plan["study"]) for fit in plan["fits"]]
    rows = check_tables.fit_rows(folder, planned, _base(folder, plan["study"]), told)
    done = []
    for fit in planned:
        encoding = folder / family(fit.plan["family"]).encoding(fit.plan["labels"])
        record = fit.record if fit.finished else None
        done.append(_fit(fit.folder, record, encoding, fit.plan["labels"], rows[fit.plan["path"]]))
    wrong = {item.file for _, _, discrepancies in done for item in discrepancies.disagreements}
    if planned and all(fit.finished for fit in planned) and not wrong & {fit_folder.RECORD, fit_folder.PARAMETERS}:
        check_tables.derived(folder, plan["study"], planned, told)
    return done, [(str(folder), item) for item in told.disagreements]


def _planned(folder: Path, fit: dict[str, Any], study: str) -> Planned:
    path = _inside(folder, fit["path"], study)
    record = read_record(path / fit_folder.RECORD)
    return Planned(fit, path, fit_folder.record_if_any(path, FAILED) if record is None else record)


def _base(folder: Path, study: str) -> Path | None:
    """Where the workflow ran, if the study still lies below it."""
    own = Path("results", study).parts
    parts = folder.absolute().parts
    return Path(*parts[: -len(own)]) if parts[-len(own) :] == own else None


def _report(done: list[Checked], tables: list[tuple[str, Disagreement]], kinds: Iterable[str] = ()) -> Report:
    listed = [(str(path), item) for path, _, discrepancies in done for item in discrepancies.disagreements]
    table = pd.DataFrame([row for _, row, _ in done])
    for kind in dict.fromkeys(kinds):
        table.insert(list(table.columns).index("status"), kind, table.pop(kind).fillna(""))
    return Report(
        table, listed + tables, len({path for path, _ in listed}), len({(place, item.file) for place, item in tables})
    )


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
        known = fit.get("family") in list(FAMILIES)
        replicate = family(fit["family"]).roles.replicate if known else None
        if not inside or not known or (replicate is not None and replicate not in fit["labels"]):
            # message: The plan names a fit outside of its study: it was edited, or copied from another. | Make it
            # again.
            raise UserError(str(path), f"the fit {fit['path']}", expected)
    return plan


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
    folder: Path,
    record: dict[str, Any] | None,
    encoding: Path,
    labels: Mapping[str, str] | None,
    before: Discrepancies,
) -> Checked:
    """One fit; ``labels`` are those of the plan, None where there is none; ``before`` is what tables say wrongly."""
    if record is None:
        blank = {**(labels or {}), "status": Status.FAILED.value, "confirmed": "", "verdict": "no record"}
        return folder, blank, before
    checked = family(record["family"]).check(folder, record, encoding)
    discrepancies = checked.discrepancies
    _digests(folder, record, discrepancies)
    if labels is not None:
        discrepancies.equal("record.json", "labels", record["labels"], dict(labels))
        for name, label in collected.labels(record).items():
            discrepancies.equal("record.json", f"label of fit.{name}", label, labels.get(name, label))
        for name in PARTIAL:
            discrepancies.equal("record.json", name, record.get(name), labels.get(name))
    discrepancies.disagreements += before.disagreements
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


def _digests(folder: Path, record: Mapping[str, Any], discrepancies: Discrepancies) -> None:
    """The files of a fit against their digests, where the record has these."""
    told = {item.file for item in discrepancies.disagreements if item.quantity == "the file"}
    for name, digest in record.get(fit_folder.DIGESTS, {}).items():
        if name in told or Path(name).name != name:
            continue
        try:
            found = digests.sha256(folder / name)
        except OSError as error:
            found = f"a file that cannot be read ({error})"
        discrepancies.equal(name, "digest (SHA-256)", found, digest)


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
