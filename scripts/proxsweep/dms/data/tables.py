"""The tables of a study as one list of rows, with the columns and labels that its data section names."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxsweep.dms.data import columns, notations, read, rows_kept
from proxsweep.dms.data.columns import PARTS, Used, used_columns
from proxsweep.dms.data.notations import Notation
from proxsweep.dms.data.numbers import to_numbers
from proxsweep.io.errors import UserError
from proxsweep.io.names import RULE, is_name

LIMITS = {
    "func_score": (0.0, 1e6),
    "pre_count": (0.0, 1e12),
    "post_count": (0.0, 1e12),
    "n_barcodes": (0.0, 1e12),
    "weight": (1e-20, 1e20),
    "variance": (1e-20, 1e20),
    "standard_error": (1e-10, 1e10),
}
"""Least and largest size of the numbers of a table (config/README.md): far beyond what is measured."""


class LeftOut(NamedTuple):
    """Rows of a condition that a table's entry keeps out of the study, and why."""

    condition: str
    rows: int
    reason: str


def read_rows(data: dict, tables: Sequence[Path]) -> tuple[pd.DataFrame, list[LeftOut]]:
    """Read all tables of a study, one row a measurement, and count the rows that their entries leave out.

    Parameters
    ----------
    data
        Data section, see :func:`proxsweep.dms.data.columns.complete`.
    tables
        Local files, in the order of the config.

    Returns
    -------
    DataFrame
        ``table`` (index into ``tables``), ``line`` (row in the file, header = 1), ``replicate`` (empty where
        random halves are still to be drawn), ``condition``, ``aa_substitutions`` as written (of three columns: joined),
        ``func_score`` (NaN where missing or still to be computed), ``infinite`` (bool; such scores count as missing),
        ``from_counts`` (bool), ``barcodes_unknown`` (bool; their ``n_barcodes`` is 1), ``barcodes_absent`` (bool; their
        table has no such column), and where used ``pre_count``, ``post_count``, ``n_barcodes``, ``weight``,
        ``variance`` with ``variance_missing`` (bool; to be dropped). Several score columns give a row each.
    list of LeftOut

    Raises
    ------
    UserError
        As :func:`proxsweep.dms.data.read.read_table`, and for an empty condition or replicate, a replicate's label
        that cannot stand in a path, values of an entry that are in no row, and numbers out of their range.
    """
    items = entries(data, len(tables))
    read_all = [_read_one(data, item, path) for item, path in zip(items, tables, strict=True)]
    for number, (rows, _) in enumerate(read_all):
        rows.insert(0, "table", number)
    left_out = [one for _, some in read_all for one in some]
    return pd.concat([rows for rows, _ in read_all], ignore_index=True), left_out


def check_header(data: dict, item: dict, path: Path) -> None:
    """Refuse a table without the columns that :func:`read_rows` would read, from its header alone.

    Parameters
    ----------
    data
        Data section, see :func:`proxsweep.dms.data.columns.complete`.
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
    read.check_columns(path, names, columns.used(data, item, names, path).columns())


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


def entries(data: dict, count: int) -> list[dict]:
    """What the config says of each of ``count`` tables by itself."""
    listed = data.get("func_scores")
    if not isinstance(listed, list):
        return [{"sha256": data.get("sha256")}] * count
    return [item if isinstance(item, dict) else {"func_scores": item} for item in listed]


def _read_one(data: dict, item: dict, path: Path) -> tuple[pd.DataFrame, list[LeftOut]]:
    used = columns.used(data, item, read.header(path), path)
    whole = read.read_table(path, used.columns(), sha256=item.get("sha256"))
    keep, left_out = _chosen(whole, used, item, path)
    whole = whole if keep.all() else whole[keep]
    numbers, scores = (
        {name: to_numbers(path, whole[column]) for name, column in part.items()} for part in (used.numbers, used.scores)
    )
    lines, whole = whole.index, whole.reset_index(drop=True)
    rows = pd.DataFrame({**{name: whole[column] for name, column in used.text.items()}, **numbers})
    rows.insert(0, "line", lines)
    rows["from_counts"] = not used.scores
    _label(rows, item, used, path)
    _join_parts(rows, data, used, path)
    _fill_barcodes(rows, data, used.numbers)
    if "variance" in used_columns(data) and not {"variance", "standard_error"} & set(used.numbers):
        rows["variance"] = np.nan
    rows = _with_scores(rows, scores, used.replicates)
    _mark_missing_variance(rows, data, used.numbers)
    _check_ranges(rows, used.numbers, path)
    _refuse_absurd(rows, used, path)
    if "standard_error" in rows:
        rows["variance"] = rows.pop("standard_error") ** 2
    return rows, left_out


def _chosen(whole: pd.DataFrame, used: Used, item: dict, path: Path) -> tuple[np.ndarray, list[LeftOut]]:
    """Which rows the table's entry keeps, and what it leaves out by condition."""
    rows_kept.refuse_absent(whole, used, path)
    passing = rows_kept.passing(whole, used.where)
    named = rows_kept.named(whole, used)
    reasons = {
        f"left out by `where` of {item.get('func_scores')}": ~passing,
        f"replicate that `replicates` of {item.get('func_scores')} does not name": passing & ~named,
    }
    left_out = []
    for reason, rows in reasons.items():
        if rows.any():
            condition = item.get("condition")
            of = whole[used.text["condition"]][rows] if condition is None else pd.Series([str(condition)] * rows.sum())
            left_out += [LeftOut(name, int(number), reason) for name, number in of.value_counts().sort_index().items()]
    return passing & named, left_out


def _label(rows: pd.DataFrame, item: dict, used: Used, path: Path) -> None:
    """Fill in what the table itself does not say, and check the labels it does."""
    if item.get("condition") is not None:
        rows["condition"] = str(item["condition"])
    else:
        _refuse_empty(rows, "condition", used.text["condition"], path)
    if "column" not in used.replicates:
        rows["replicate"] = used.replicates.get("label", "")
        return
    column = used.replicates["column"]
    if used.labels:
        rows["replicate"] = rows["replicate"].map(used.labels).astype(object)
        return
    _refuse_empty(rows, "replicate", column, path)
    first = rows.drop_duplicates("replicate")
    rows_kept.check_labels(dict(zip(first["replicate"], first["line"], strict=True)), column, path)


def _refuse_empty(rows: pd.DataFrame, name: str, column: str, path: Path) -> None:
    empty = rows[name] == ""
    if empty.any():
        rows_kept.refuse_empty(path, rows["line"][empty.idxmax()], column, name)


def _join_parts(rows: pd.DataFrame, data: dict, used: Used, path: Path) -> None:
    """One column of substitutions from wildtype, site and mutant."""
    if "site" not in used.text:
        return

    def where(row: int, part: str) -> str:
        return f"{path}, row {rows['line'].iat[row]}, column {used.text[part]!r}"

    parts = [rows.pop(part).to_numpy(object) for part in PARTS]
    may_fail = "not_substitutions" in (data["drop"] or [])
    rows["aa_substitutions"] = pd.Series(notations.joined(*parts, Notation.of(data), where, may_fail), dtype=object)


def _fill_barcodes(rows: pd.DataFrame, data: dict, numbers: dict[str, str]) -> None:
    """A row stands for at least one barcode; mark the rows of which that is all that is known."""
    wanted = "n_barcodes" in used_columns(data)
    rows["barcodes_absent"] = wanted and "n_barcodes" not in numbers
    if wanted and "n_barcodes" not in numbers:
        rows["n_barcodes"] = np.nan
    rows["barcodes_unknown"] = rows["n_barcodes"].isna() if wanted else False
    if wanted:
        rows["n_barcodes"] = rows["n_barcodes"].fillna(1.0)


def _with_scores(rows: pd.DataFrame, scores: dict[str, np.ndarray], replicates: dict) -> pd.DataFrame:
    if not scores:
        return rows.assign(func_score=np.nan, infinite=False)
    if "score_columns" not in replicates:
        return rows.assign(**_finite(scores[""]))
    several = [rows.assign(replicate=label, **_finite(values)) for label, values in scores.items()]
    return pd.concat(several, ignore_index=True)


def _finite(scores: np.ndarray) -> dict[str, np.ndarray]:
    infinite = np.isinf(scores)
    return {"func_score": np.where(infinite, np.nan, scores), "infinite": infinite}


def _mark_missing_variance(rows: pd.DataFrame, data: dict, numbers: dict[str, str]) -> None:
    """Mark rows whose variance or standard error is missing, infinite or 0, where these are to be dropped."""
    rows["variance_missing"] = False
    for name in ("variance", "standard_error"):
        if name in numbers and data["missing_variance"] == "drop":
            rows["variance_missing"] = ~np.isfinite(rows[name]) | (rows[name] == 0)


def _check_ranges(rows: pd.DataFrame, numbers: dict[str, str], path: Path) -> None:
    """Counts from 0, the rest above it, wherever a row is used at all."""
    scored = rows["func_score"].notna() | rows["from_counts"]
    for name, column in numbers.items():
        counts, error = name.endswith("_count"), name in ("variance", "standard_error")
        good = rows[name] >= 0 if counts else rows[name] > 0
        wrong = scored & ~good & ~(rows["variance_missing"] if error else False)
        if not wrong.any():
            continue
        value = rows[name][wrong.idxmax()]
        place = f"{path}, row {rows['line'][wrong.idxmax()]}, column {column!r}"
        found = "no value" if np.isnan(value) else f"{value:g}"
        expected = "a count of at least 0" if counts else "a number above 0"
        hint = "; `missing_variance: drop` leaves out rows without one" if error and not value < 0 else ""
        # message: no value / -3 | a count of at least 0 / a number above 0 | A count, weight, variance, standard error
        # or number of barcodes of this row is missing or out of range. | Correct it, or remove the row; of a variance
        # or standard error see `missing_variance`.
        raise UserError(place, found, expected + hint)


def _refuse_absurd(rows: pd.DataFrame, used: Used, path: Path) -> None:
    """Numbers that no measurement gives, in rows that are used: a sum with one of them has lost all others."""
    scored = rows["func_score"].notna() | rows["from_counts"]
    limits = {name: LIMITS[name] for name in ("func_score", *used.numbers)}
    for name, (least, most) in limits.items():
        wrong = scored & ((rows[name].abs() > most) | (rows[name].abs() < least))
        if name in ("variance", "standard_error"):
            wrong &= ~rows["variance_missing"]
        if not wrong.any():
            continue
        row = rows.loc[wrong.idxmax()]
        column = used.numbers[name] if name in used.numbers else used.scores.get(row["replicate"], used.scores.get(""))
        size = f"{least:g} to {most:g}" if least else f"at most {most:g}"
        # message: 1e+300 | a number of a size of at most 1e+06 | No measurement gives such a score, count, weight or
        # variance. Mostly it stands for a missing value, or the unit is an odd one. | Leave the cell of a missing score
        # empty; take another unit.
        raise UserError(
            f"{path}, row {row['line']}, column {column!r}", f"{row[name]:g}", f"a number of a size of {size}"
        )
