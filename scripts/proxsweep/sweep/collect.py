"""All fits of a study as one tidy table, how each planned fit ended, and which fits are no longer planned.

A planned fit is given as a dictionary:

=============  ==========================================================================================
``path``       the fit's folder, which holds ``record.json`` once the fit has run
``study``      name of the study (optional; only a fit without a record needs it)
``values``     swept parameters and their values (optional; else those of the record or of the folder's name)
``log``        the job's log (optional)
``kept``       where the job keeps its notebook when it fails (optional)
=============  ==========================================================================================
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from proxsweep.io import reading
from proxsweep.io.errors import UserError
from proxsweep.optimize.status import Status
from proxsweep.sweep import fit_folder
from proxsweep.sweep.grid import PARTIAL, label

NUMBERS = ("relative_residual", "residual", "objective", "smooth", "penalty")
NUMBER = {"type": ["number", "null"]}
RECORD = {
    "required": ["schema_version", "study", "family", "fit", "status", "iterations", "start", "seconds", *NUMBERS],
    "properties": {
        **dict.fromkeys(("family", "start"), {"type": "string"}),
        **dict.fromkeys(("fit", "certificate"), {"type": "object"}),
        **dict.fromkeys(NUMBERS, NUMBER),
        "status": {"enum": [status.value for status in Status]},
        "iterations": {"type": "integer"},
        "study": {"type": ["string", "null"]},
        "seconds": {"type": "object", "properties": dict.fromkeys(("solve", "compile"), NUMBER)},
        "made": {"type": "object", "properties": dict.fromkeys(("seconds", "max_rss_mb"), NUMBER)},
    },
}
FAILED = {
    "required": ["study", "fit", "status", "reason"],
    "properties": {"fit": {"type": "object"}, "reason": {"type": "string"}},
}
MEASURED = ("solve_seconds", "compile_seconds", "job_seconds", "max_rss_mb")


def collect(fits: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a fit that has a record, in the order given.

    Returns
    -------
    DataFrame
        study, family, the swept parameters in the order of a fit's path, fold and resample ('' for a full fit), status,
        relative_residual, residual, objective, smooth, penalty, iterations, start, solve_seconds,
        compile_seconds, job_seconds (s, of the fit's notebook) and max_rss_mb (MB, while it was executed),
        path, the certificate (fusion_gap, duality_gap; see docs/certificate.md), then the family's own figures. A
        value that is a mapping or a list stands as its label, any other as itself.

    Raises
    ------
    UserError
        If a record cannot be read, or is that of a fit that failed.
    """
    pairs = [(fit, _record(fit["path"])) for fit in fits]
    pairs = [(fit, record) for fit, record in pairs if record is not None]
    _refuse_failed(pairs)
    rows = [_row(fit, record) for fit, record in pairs]
    extra = [_certificate(record) | _family_columns(record) for _, record in pairs]
    parameters = _union(_shown(record["fit"]) for _, record in pairs)
    common = [
        "study",
        "family",
        *parameters,
        *PARTIAL,
        "status",
        *NUMBERS,
        "iterations",
        "start",
        *MEASURED,
        "path",
    ]
    own = _union(columns for columns in extra)
    own = [name for name in own if name not in common]
    table = pd.DataFrame([{**more, **row} for row, more in zip(rows, extra, strict=True)], columns=common + own)
    for name in (*NUMBERS, *MEASURED):
        table[name] = pd.to_numeric(table[name]).astype(float)
    return table


def _refuse_failed(pairs: Sequence[tuple[Mapping[str, Any], dict[str, Any]]]) -> None:
    failed = [str(fit["path"]) for fit, record in pairs if record["status"] == Status.FAILED]
    if failed:
        # message: 1 fit that failed (its path) | a result of each of the 36 fits | A cell of the fit's notebook raised,
        # or its kernel was killed three times; the lines above say which and why. | Look into the kept notebook. The
        # next run makes these fits again, and no others.
        raise UserError("fits", f"{len(failed)} that failed ({', '.join(failed)})", f"a result of each of {len(pairs)}")


def failures(fits: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Why fits failed, by their folder."""
    records = {str(fit["path"]): _record(fit["path"]) for fit in fits}
    return {path: record["reason"] for path, record in records.items() if record and record["status"] == Status.FAILED}


def status_table(fits: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row for every planned fit, whether or not it has run to its end, in the order given.

    Returns
    -------
    DataFrame
        study, the swept parameters, fold and resample, status (``failed`` without a record), relative_residual,
        tolerance, iterations, path, and log and kept_notebook where such files are on disk ('' where not).

    Raises
    ------
    UserError
        If a record cannot be read.
    """
    rows = [_status_row(fit, _record(fit["path"])) for fit in fits]
    parameters = [name for name in _union(row["parameters"] for row in rows) if name not in PARTIAL]
    names = ["study", *parameters, *PARTIAL, "status", "relative_residual", "tolerance", "iterations", "path", "log"]
    whole = dict.fromkeys(PARTIAL, "")
    table = pd.DataFrame([whole | row["parameters"] | row for row in rows], columns=[*names, "kept_notebook"])
    table["relative_residual"] = pd.to_numeric(table["relative_residual"]).astype(float)
    table["tolerance"] = pd.to_numeric(table["tolerance"]).astype(float)
    table["iterations"] = table["iterations"].astype("Int64")
    return table


def orphaned_fits(study_folder: str | Path, planned: Iterable[str | Path]) -> list[str]:
    """Fit folders and checkpoints on disk that are not of the planned fits, sorted; nothing is removed.

    Parameters
    ----------
    study_folder
        ``results/{study}``, whose folders ``fits`` and ``checkpoints`` are searched.
    planned
        Fit folders of the config.
    """
    kept = {Path(path).resolve() for path in planned}
    fits, checkpoints = (Path(study_folder) / name for name in ("fits", "checkpoints"))
    found = {file.parent: file.parent for name in ("record.json", "fit.ipynb") for file in fits.rglob(name)}
    found |= {file: fits / file.relative_to(checkpoints).with_suffix("") for file in checkpoints.rglob("[!.]*.npz")}
    return sorted(str(path) for path, folder in found.items() if folder.resolve() not in kept)


def _record(folder: str | Path) -> dict[str, Any] | None:
    """The record in a fit's folder, None where there is none."""
    record = fit_folder.record_if_any(folder)
    if record is None or record.get("status") == Status.FAILED:
        return None if record is None else fit_folder.record(folder, FAILED)
    record = fit_folder.record(folder, RECORD)
    path, expected = Path(folder) / fit_folder.RECORD, "a fit's record as it was written"
    try:
        _shown(record["fit"])
        for value in (record[name] for name in (*NUMBERS, "iterations")):
            float(value or 0)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        # message: A number of the record is none: it was edited. | Make the fit again.
        raise UserError(str(path), f"a value that is none ({error})", expected) from error
    own = record["family"]
    reading.require(path, record, {own: dict} if own in record else {}, expected)
    return record


def _row(fit: Mapping[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    names = ("study", "family", "status", *NUMBERS, "iterations", "start")
    return {
        **_shown(record["fit"]),
        **{name: record.get(name) or "" for name in PARTIAL},
        **{name: record[name] for name in names},
        "solve_seconds": record["seconds"].get("solve"),
        "compile_seconds": record["seconds"].get("compile"),
        "job_seconds": record.get("made", {}).get("seconds"),
        "max_rss_mb": record.get("made", {}).get("max_rss_mb"),
        "path": str(fit["path"]),
    }


def _status_row(fit: Mapping[str, Any], record: dict[str, Any] | None) -> dict[str, Any]:
    if record is None:
        values = fit.get("values") or _from_path(fit["path"])
        outcome = {"study": fit.get("study", ""), "status": Status.FAILED.value}
    else:
        values = record["fit"] | {name: record[name] for name in PARTIAL if record.get(name)}
        names = ("study", "status", "relative_residual", "tolerance", "iterations")
        outcome = {name: record.get(name) for name in names}
    files = {"log": _if_there(fit.get("log")), "kept_notebook": _if_there(fit.get("kept"))}
    return {"parameters": _shown(values), **outcome, "path": str(fit["path"]), **files}


def _if_there(path: str | Path | None) -> str:
    return str(path) if path and Path(path).exists() else ""


def _shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Swept values as a table shows them: a mapping or a list by its label, anything else as it is."""
    return {name: label(value) if isinstance(value, dict | list) else value for name, value in values.items()}


def _from_path(path: str | Path) -> dict[str, str]:
    return dict(part.split("~", 1) for part in Path(path).parts if "~" in part)


def _union(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Keys of all mappings in order of first appearance."""
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))


def _certificate(record: dict[str, Any]) -> dict[str, Any]:
    return {name: _number(value) for name, value in record.get("certificate", {}).items()}


def _family_columns(record: dict[str, Any]) -> dict[str, Any]:
    """The family's figures, flat: ``zero_shift_share_rows: {a: x}`` is the column ``zero_shift_share_a``."""
    columns: dict[str, Any] = {}
    for name, value in record.get(record["family"], {}).items():
        if isinstance(value, dict):
            stem = name.removesuffix("_rows")
            columns |= {f"{stem}_{row}": _number(item) for row, item in value.items()}
        elif not isinstance(value, list):
            columns[name] = _number(value)
    return columns


def _number(value: Any) -> Any:
    """JSON has no NaN; a record says null."""
    return float("nan") if value is None else value
