"""What the tables of fits of a study have to say, by the records on disk: for checking what `collect` wrote."""

import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from proxsweep.optimize.status import Status
from proxsweep.sweep import fits
from proxsweep.sweep.discrepancies import Discrepancies
from proxsweep.sweep.grid import PARTIAL, label

NUMBERS = ("relative_residual", "residual", "objective", "smooth", "penalty")
MEASURED = {
    "solve_seconds": ("seconds", "solve"),
    "compile_seconds": ("seconds", "compile"),
    "job_seconds": ("made", "seconds"),
    "max_rss_mb": ("made", "max_rss_mb"),
}
FILES = {"log": "log", "kept_notebook": "kept"}  # columns of status.csv by the key of the plan


class Planned(NamedTuple):
    """A fit of a plan, its folder, and what its record says; None where there is none."""

    plan: Mapping[str, Any]
    folder: Path
    record: Mapping[str, Any] | None

    @property
    def finished(self) -> bool:
        """Whether the fit has a result."""
        return self.record is not None and self.record["status"] != Status.FAILED


@dataclass(frozen=True)
class Collected:
    """The fits of a study that has run.

    Attributes
    ----------
    fits
        What `fits.csv` has to say, read back.
    folders, encodings
        By ``path``: the fit's folder, and the file of data that it read.
    """

    fits: pd.DataFrame
    folders: Mapping[str, Path]
    encodings: Mapping[str, Path]


def fits_table(planned: Sequence[Planned]) -> pd.DataFrame:
    """What `fits.csv` has to say: a row for each fit with a result, values as the records have them."""
    done = [fit for fit in planned if fit.finished]
    rows = [{**_own(fit.record), **_fits_row(fit)} for fit in done]
    common = ["study", "family", *_swept(fit.record["fit"] for fit in done), *PARTIAL, "status", *NUMBERS]
    common += ["iterations", "start", *MEASURED, "path"]
    columns = dict.fromkeys([*common, *(name for fit in done for name in _own(fit.record))])
    return pd.DataFrame([[row.get(name) for name in columns] for row in rows], columns=list(columns), dtype=object)


def _fits_row(fit: Planned) -> dict[str, Any]:
    record = fit.record
    same = ("study", "family", "status", *NUMBERS, "iterations", "start")
    return {
        **_shown(record["fit"]),
        **{name: record.get(name) for name in (*same, *PARTIAL)},
        **{name: _inside(record.get(section), key) for name, (section, key) in MEASURED.items()},
        "path": fit.plan["path"],
    }


def _inside(section: Any, key: str) -> Any:
    return section.get(key) if isinstance(section, Mapping) else None


def _own(record: Mapping[str, Any]) -> dict[str, Any]:
    """Certificate and the family's figures; those of parts stand in a mapping called after the whole."""
    found = dict(record.get("certificate", {}))
    figures = record.get(record["family"])
    for name, value in figures.items() if isinstance(figures, Mapping) else ():
        parts = value if isinstance(value, Mapping) else {}
        found |= {f"{name.removesuffix('_rows')}_{part}": one for part, one in parts.items()}
        found |= {} if isinstance(value, Mapping | list) else {name: value}
    return found


def status_table(planned: Sequence[Planned]) -> pd.DataFrame:
    """What `status.csv` has to say but for files of a fit (see :func:`check_files`): a row for each planned fit."""
    rows = [_status_row(fit) for fit in planned]
    swept = [name for name in dict.fromkeys(name for row in rows for name in row["swept"]) if name not in PARTIAL]
    columns = ["study", *swept, *PARTIAL, "status", "relative_residual", "tolerance", "iterations", "path", *FILES]
    rows = [{**row["swept"], **row} for row in rows]
    return pd.DataFrame([[row.get(name) for name in columns] for row in rows], columns=columns, dtype=object)


def _status_row(fit: Planned) -> dict[str, Any]:
    path = fit.plan["path"]
    if fit.record is None:
        swept = dict(part.split("~", 1) for part in Path(path).parts if "~" in part)
        return {"study": fit.plan.get("study"), "status": str(Status.FAILED), "path": path, "swept": swept}
    parts = {name: fit.record.get(name) for name in PARTIAL if fit.record.get(name)}
    known = {name: fit.record.get(name) for name in ("study", "status", "relative_residual", "tolerance", "iterations")}
    return {**known, "path": path, "swept": {**_shown(fit.record["fit"]), **parts}}


def check_files(fit: Planned, row: Mapping[str, str], base: Path | None, discrepancies: Discrepancies) -> None:
    """The files that a row of `status.csv` names: those of the plan, or none.

    None is right for a file that is not there, and of a fit with a result for a kept notebook.

    Parameters
    ----------
    fit, row
        A fit and its row.
    base
        Where the workflow ran; None where that is not known.
    """
    for name, key in FILES.items():
        path = fit.plan.get(key) if isinstance(fit.plan.get(key), str) else ""
        there = bool(base and path) and os.path.exists(base / path)
        may_be_none = not there or (name == "kept_notebook" and fit.finished)
        may_be_there = there or not (name == "kept_notebook" and fit.finished)
        allowed = {*([""] if may_be_none else []), *([path] if may_be_there else [])}
        if name in row and row[name] not in allowed:
            discrepancies.add("status.csv", name, row[name], path if may_be_there else "")


def labels(record: Mapping[str, Any]) -> dict[str, str]:
    """Labels of the values that were fitted."""
    return {name: _labelled(value) for name, value in record["fit"].items()}


def read_back(table: pd.DataFrame) -> pd.DataFrame:
    """A table of fits as it is once it was written and read."""
    written = io.StringIO(table.to_csv(index=False))
    return pd.read_csv(written, dtype=dict.fromkeys(fits.TEXT, "str"), keep_default_na=False, na_values=[""])


def _swept(values: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for one in values for name in one))


def _shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Swept values: a mapping or a list by its label."""
    return {name: _labelled(value) if isinstance(value, dict | list) else value for name, value in values.items()}


def _labelled(value: Any) -> str:
    try:
        return label(value)
    except (ValueError, KeyError, TypeError):  # of a record that was edited
        return str(value)
