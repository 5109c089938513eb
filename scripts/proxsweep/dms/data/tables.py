"""The tables of a study as one list of rows, with the columns and labels that its data section names."""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from proxsweep.config import schema
from proxsweep.dms.data import read
from proxsweep.io.errors import UserError
from proxsweep.io.names import RULE, is_name

LIMITS = {
    "func_score": (0.0, 1e6),
    "pre_count": (0.0, 1e12),
    "post_count": (0.0, 1e12),
    "n_barcodes": (0.0, 1e12),
    "weight": (1e-20, 1e20),
    "variance": (1e-20, 1e20),
}
"""Least and largest size of the numbers of a table (config/README.md): far beyond what is measured."""

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


def complete(data: dict) -> dict:
    """A study's data section with the schema's defaults for absent keys."""
    columns = {key: value for key, value in (data.get("columns") or {}).items() if value is not None}
    return {**_defaults(), **data, "columns": {**_defaults()["columns"], **columns}}


@functools.cache
def _defaults() -> dict[str, Any]:
    return schema.fill_section("dms", "data", {})


def used_columns(data: dict) -> list[str]:
    """Which of ``n_barcodes``, ``weight`` and ``variance`` the settings use."""
    used = {
        "n_barcodes": data["collapse"] == "barcode_mean" or data["variant_weights"] == "barcodes",
        "weight": data["variant_weights"] == "column",
        "variance": data["variant_weights"] == "inverse_variance",
    }
    return [name for name, wanted in used.items() if wanted]


def read_rows(data: dict, tables: Sequence[Path]) -> pd.DataFrame:
    """Read all tables of a study, one row a measurement.

    Parameters
    ----------
    data
        Data section, see :func:`complete`.
    tables
        Local files, in the order of the config.

    Returns
    -------
    DataFrame
        ``table`` (index into ``tables``), ``line`` (row in the file, header = 1), ``replicate`` (empty where
        random halves are still to be drawn), ``condition``, ``aa_substitutions`` as written, ``func_score``
        (NaN where missing or still to be computed), ``from_counts`` (bool), ``barcodes_unknown`` (bool; their
        ``n_barcodes`` is 1), ``barcodes_absent`` (bool; their table has no such column), and where used
        ``pre_count``, ``post_count``, ``n_barcodes``, ``weight``, ``variance``. Several score columns give a row
        each.

    Raises
    ------
    UserError
        As :func:`proxsweep.dms.data.read.read_table`, and for an empty condition or replicate, a replicate's label
        that cannot stand in a path, and values out of their range.
    """
    items = _items(data, tables)
    read_all = [_read_one(data, item, path) for item, path in zip(items, tables, strict=True)]
    for number, rows in enumerate(read_all):
        rows.insert(0, "table", number)
    return pd.concat(read_all, ignore_index=True)


def check_header(data: dict, item: dict, path: Path) -> None:
    """Refuse a table without the columns that :func:`read_rows` would read, from its header alone.

    Parameters
    ----------
    data
        Data section, see :func:`complete`.
    item
        The table's entry in a list of tables; empty for a single one.
    path
        Local file.

    Raises
    ------
    UserError
        As :func:`read_rows` does for the header.
    """
    names = read.header(path)
    used = _used(data, item, names, path)
    read.check_columns(path, names, [*used.text.values(), *used.scores.values(), *used.numbers.values()])


def conditions(data: dict, reference: str, rows: pd.DataFrame, study: str) -> list[str]:
    """Conditions to use, in order.

    The configured ones; else, for simulated data and tables with a condition each, in order of appearance;
    else the reference first and the others by name.

    Raises
    ------
    UserError
        If a configured condition or the reference is in no table, or a condition is called ``site``.
    """
    reference = str(reference)
    present = list(rows["condition"].unique())
    names = [str(name) for name in data["conditions"] or []]
    for name in names:
        if name not in present:
            expected = f"conditions of the tables: {read.nearest(name, present)}"
            # message: The tables have no such condition. | Correct `data: conditions`, as the tables write it.
            raise UserError(f"{study}, data.conditions", f"{name!r}, which is in no table", expected)
    if not names and (data.get("simulate") or _named_by_tables(data)):
        names = present
    if not names:
        names = [reference] * (reference in present) + sorted(set(present) - {reference})
    if reference not in names:
        expected = f"one of {read.nearest(reference, names)}"
        # message: The tables have no such condition. | Correct `reference`.
        raise UserError(f"{study}, reference", f"{reference!r}, which is no condition of the tables", expected)
    for name in names:
        if not is_name(name):
            # message: A spreadsheet could run such a name, or it cannot be printed. | Rename the condition in the
            # tables.
            raise UserError(f"{study}, conditions", f"the condition {name!r}", RULE)
    if "site" in names:
        # message: That column has its own meaning. | Rename the condition in the tables.
        raise UserError(f"{study}, conditions", "a condition called 'site'", "another name for it")
    return names


def _named_by_tables(data: dict) -> bool:
    listed = data.get("func_scores")
    named = [isinstance(item, dict) and item.get("condition") is not None for item in listed or []]
    return isinstance(listed, list) and all(named)


def _items(data: dict, tables: Sequence[Path]) -> list[dict]:
    listed = data.get("func_scores")
    if not isinstance(listed, list):
        return [{"sha256": data.get("sha256")}] * len(tables)
    return [item if isinstance(item, dict) else {"func_scores": item} for item in listed]


@dataclass(frozen=True)
class _Used:
    """How a table says its replicates, and its columns to read: text and numbers by name, scores by label."""

    replicates: dict
    text: dict[str, str]
    scores: dict[str, str]
    numbers: dict[str, str]


def _used(data: dict, item: dict, names: list[str], path: Path) -> _Used:
    columns, replicates = data["columns"], _replicates(data, item, names)
    scores = _score_columns(columns, replicates, names, path)
    text = {"aa_substitutions": columns["substitutions"]}
    if item.get("condition") is None:
        text["condition"] = columns["condition"]
    if "column" in replicates:
        text["replicate"] = replicates["column"]
    return _Used(replicates, text, scores, _number_columns(data, names, counts=not scores))


def _read_one(data: dict, item: dict, path: Path) -> pd.DataFrame:
    used = _used(data, item, read.header(path), path)
    replicates, text, scores, numbers = used.replicates, used.text, used.scores, used.numbers
    wanted = [*scores.values(), *numbers.values()]
    raw = read.read_table(path, list(text.values()), wanted, item.get("sha256"))
    lines, raw = raw.index, raw.reset_index(drop=True)
    rows = pd.DataFrame({name: raw[column] for name, column in {**text, **numbers}.items()})
    rows.insert(0, "line", lines)
    rows["from_counts"] = not scores
    _label(rows, data, item, replicates, path)
    _fill_barcodes(rows, data, numbers)
    if "variance" in used_columns(data) and "variance" not in numbers:
        rows["variance"] = np.nan
    rows = _with_scores(rows, raw, scores, replicates)
    _check_ranges(rows, numbers, path)
    _refuse_absurd(rows, scores, numbers, path)
    return rows


def _replicates(data: dict, item: dict, names: list[str]) -> dict:
    """How the rows of a table get their replicate: by the table, else as configured, else one replicate."""
    if item.get("replicate") is not None:
        return {"label": str(item["replicate"])}
    if data["replicates"]:
        return data["replicates"]
    if data.get("simulate") and "replicate" in names:
        return {"column": "replicate"}
    return {"label": "1"}


def _score_columns(columns: dict, replicates: dict, names: list[str], path: Path) -> dict[str, str]:
    """Score columns by replicate label ('' for the one column); none where scores come from counts."""
    if "score_columns" in replicates:
        return {str(label): column for label, column in replicates["score_columns"].items()}
    if columns["score"] in names:
        return {"": columns["score"]}
    counts = [columns["pre_count"], columns["post_count"]]
    # a name given by the user and not found is a mistake, not a wish for counts
    if columns["score"] == _defaults()["columns"]["score"] and all(count in names for count in counts):
        return {}
    found = f"no column {columns['score']!r}"
    expected = f"scores in one of {read.nearest(columns['score'], names)}, or counts in {' and '.join(counts)}"
    # message: The table has neither. | Name your score column (`columns: {score: ...}`), or those of counts.
    raise UserError(f"{path}, header", found, expected)


def _number_columns(data: dict, names: list[str], counts: bool) -> dict[str, str]:
    columns = data["columns"]
    wanted = {}
    if counts or data["min_pre_count"]:
        wanted["pre_count"] = columns["pre_count"]
    if counts:
        wanted["post_count"] = columns["post_count"]
    for name, key in (("n_barcodes", "barcodes"), ("weight", "weight"), ("variance", "variance")):
        if name in used_columns(data):
            wanted[name] = columns[key]
    one_a_row = data["collapse"] != "barcode_mean" and columns["barcodes"] == _defaults()["columns"]["barcodes"]
    if "n_barcodes" in wanted and wanted["n_barcodes"] not in names and one_a_row:
        del wanted["n_barcodes"]
    unnamed = columns["variance"] == _defaults()["columns"]["variance"]
    if counts and unnamed and columns["variance"] not in names:
        wanted.pop("variance", None)  # it follows from the counts
    return wanted


def _label(rows: pd.DataFrame, data: dict, item: dict, replicates: dict, path: Path) -> None:
    """Fill in what the table itself does not say, and check the labels it does."""
    if item.get("condition") is not None:
        rows["condition"] = str(item["condition"])
    else:
        _refuse_empty(rows, "condition", data["columns"]["condition"], path)
    if "column" not in replicates:
        rows["replicate"] = replicates.get("label", "")
        return
    _refuse_empty(rows, "replicate", replicates["column"], path)
    for label in rows["replicate"].unique():
        if not _LABEL.fullmatch(label):
            row = rows["line"][(rows["replicate"] == label).idxmax()]
            # message: Labels of replicates name folders. | Rename it in the table.
            raise UserError(
                f"{path}, row {row}, column {replicates['column']!r}",
                f"the label {label!r}",
                "a letter or digit, then letters, digits and any of . _ + -",
            )


def _refuse_empty(rows: pd.DataFrame, name: str, column: str, path: Path) -> None:
    empty = rows[name] == ""
    if empty.any():
        place = f"{path}, row {rows['line'][empty.idxmax()]}, column {column!r}"
        # message: The cell is empty. | Fill it, or remove the row.
        raise UserError(place, f"no {name}", f"the {name} of every row")


def _fill_barcodes(rows: pd.DataFrame, data: dict, numbers: dict[str, str]) -> None:
    """A row stands for at least one barcode; mark the rows of which that is all that is known."""
    wanted = "n_barcodes" in used_columns(data)
    rows["barcodes_absent"] = wanted and "n_barcodes" not in numbers
    if wanted and "n_barcodes" not in numbers:
        rows["n_barcodes"] = np.nan
    rows["barcodes_unknown"] = rows["n_barcodes"].isna() if wanted else False
    if wanted:
        rows["n_barcodes"] = rows["n_barcodes"].fillna(1.0)


def _with_scores(rows: pd.DataFrame, raw: pd.DataFrame, scores: dict, replicates: dict) -> pd.DataFrame:
    if not scores:
        return rows.assign(func_score=np.nan)
    if "score_columns" not in replicates:
        return rows.assign(func_score=raw[scores[""]])
    several = [rows.assign(replicate=label, func_score=raw[column]) for label, column in scores.items()]
    return pd.concat(several, ignore_index=True)


def _check_ranges(rows: pd.DataFrame, numbers: dict[str, str], path: Path) -> None:
    """Counts from 0, the rest above it, wherever a row is used at all."""
    used = rows["func_score"].notna() | rows["from_counts"]
    for name, column in numbers.items():
        counts = name.endswith("_count")
        good = rows[name] >= 0 if counts else rows[name] > 0
        wrong = used & ~good
        if not wrong.any():
            continue
        value = rows[name][wrong.idxmax()]
        place = f"{path}, row {rows['line'][wrong.idxmax()]}, column {column!r}"
        found = "no value" if np.isnan(value) else f"{value:g}"
        # message: no value / -3 | a count of at least 0 / a number above 0 | A count, weight, variance or number of
        # barcodes of this row is missing or out of range. | Correct it, or remove the row.
        raise UserError(place, found, "a count of at least 0" if counts else "a number above 0")


def _refuse_absurd(rows: pd.DataFrame, scores: dict[str, str], numbers: dict[str, str], path: Path) -> None:
    """Numbers that no measurement gives, in rows that are used: a sum with one of them has lost all others."""
    used = rows["func_score"].notna() | rows["from_counts"]
    limits = {name: LIMITS[name] for name in ("func_score", *numbers)}
    for name, (least, most) in limits.items():
        wrong = used & ((rows[name].abs() > most) | (rows[name].abs() < least))
        if not wrong.any():
            continue
        row = rows.loc[wrong.idxmax()]
        column = numbers[name] if name in numbers else scores.get(row["replicate"], scores.get(""))
        size = f"{least:g} to {most:g}" if least else f"at most {most:g}"
        # message: 1e+300 | a number of a size of at most 1e+06 | No measurement gives such a score, count, weight or
        # variance. Mostly it stands for a missing value, or the unit is an odd one. | Leave the cell of a missing score
        # empty; take another unit.
        raise UserError(
            f"{path}, row {row['line']}, column {column!r}", f"{row[name]:g}", f"a number of a size of {size}"
        )
