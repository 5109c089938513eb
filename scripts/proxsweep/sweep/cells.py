"""Tables as they are written, compared cell by cell with what has to stand there.

Cells are compared as text: a number has to read back to the same number, nothing (NaN) is an empty cell, anything else
stands as it is printed.
"""

import csv
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from proxsweep.io.errors import UserError
from proxsweep.sweep.discrepancies import Discrepancies

ABSENT = "absent"
ROUNDING = 1e-12  # relative: sums in another order


class Written(NamedTuple):
    """A CSV table, or a part of it: its header, the texts of every column by name, the line of the first row."""

    header: list[str]
    columns: dict[str, list[str]]
    first: int = 2

    def rows(self) -> list[dict[str, str]]:
        """Every row by the names of the columns."""
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*self.columns.values(), strict=True)]


@dataclass(frozen=True)
class Expected:
    """What a table has to say.

    Attributes
    ----------
    table
        Its columns and rows, in their order.
    key
        Columns that tell rows apart.
    relative
        How closely numbers have to agree; 0: exactly.
    sizes
        By column what that is relative to, (rows,); else it is relative to the number.
    """

    table: pd.DataFrame
    key: tuple[str, ...]
    relative: float = 0.0
    sizes: Mapping[str, np.ndarray] = field(default_factory=dict)


def read(path: str | Path) -> Written:
    """A table as it is written.

    Raises
    ------
    UserError
        For a file that is missing or no table, or has a column twice.
    """
    expected = "a table as it was written (.csv)"
    try:
        with open(path, newline="", encoding="utf-8") as stream:
            rows = list(csv.reader(stream, strict=True))
    except (OSError, ValueError, csv.Error) as error:
        # message: It is missing, was cut off, or is no CSV. | Make it again.
        raise UserError(str(path), f"a file that cannot be read ({error})", expected) from error
    header = rows[0] if rows else []
    twice = [name for name, count in Counter(header).items() if count > 1]
    if not header or twice:
        # message: no header / the column 'lasso' twice | a table as it was written (.csv) | The table was edited. |
        # Make it again.
        raise UserError(str(path), f"the column {twice[0]!r} twice" if twice else "no header", expected)
    other = next((k for k, row in enumerate(rows) if len(row) != len(header)), None)
    if other is not None:
        # message: A row was cut off or edited. | Make the table again.
        raise UserError(str(path), f"{len(rows[other])} cells in row {other + 1}", f"{len(header)}, as in its header")
    return Written(header, {name: [row[k] for row in rows[1:]] for k, name in enumerate(header)})


def text(value: Any) -> str:
    """A value as a cell: '' for nothing."""
    return "" if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)) else str(value)


def agrees(cell: str, value: Any) -> bool:
    """Whether a cell is a value; numbers exactly."""
    if isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_) and text(value):
        return number(cell) == float(value)
    return cell == text(value)


def number(cell: str) -> float | None:
    """A cell as a number: NaN for an empty one, None for one that is no number."""
    if not cell:
        return math.nan
    try:
        found = float(cell)
    except ValueError:
        return None
    return None if math.isnan(found) else found


def numbers(cells: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Cells as numbers, NaN for an empty one, and which are no number."""
    try:
        found = np.array([float(cell or "nan") for cell in cells])
        is_none = np.isnan(found) & (np.array(cells, object) != "")
    except ValueError:
        parsed = [number(cell) for cell in cells]
        found = np.array([math.nan if value is None else value for value in parsed])
        is_none = np.array([value is None for value in parsed])
    return found, is_none


def compare(file: str, written: Written, expected: Expected, discrepancies: Discrepancies) -> None:
    """Columns, rows and their order, then every cell; of a column that differs the first row is told."""
    header(file, written.header, list(expected.table), discrepancies)
    compare_rows(file, written, expected, discrepancies)


def compare_rows(file: str, written: Written, expected: Expected, discrepancies: Discrepancies) -> None:
    """:func:`compare` but for the header."""
    table = expected.table
    here, there = aligned(file, written, expected, discrepancies)
    for name in [name for name in table if name in written.columns]:
        cells, values = [written.columns[name][k] for k in here], table[name].iloc[there]
        size = expected.sizes[name][there] if name in expected.sizes else None
        wrong = np.flatnonzero(_differ(cells, values, expected.relative, size))
        if len(wrong):
            first = wrong[0]
            label = _label(table[list(expected.key)].iloc[there[first]])
            where = f"{name}, row {here[first] + written.first} ({label}){_others(len(wrong))}"
            relative = expected.relative if values.dtype.kind == "f" else 0.0
            discrepancies.add(file, where, cells[first], text(values.iloc[first]), relative)


def header(
    file: str, written: Sequence[str], expected: Sequence[str], discrepancies: Discrepancies, whole: bool = True
) -> None:
    """Columns that are missing and, where all are known (``whole``), one too many or in another order."""
    missing = [name for name in expected if name not in written]
    more = [name for name in written if name not in expected]
    for name in missing:
        discrepancies.add(file, f"column {name}", ABSENT, "a column of this table")
    if not whole:
        return
    for name in more:
        discrepancies.add(file, f"column {name}", "there", "no column of this table")
    moved = [] if missing or more else [(k, *pair) for k, pair in enumerate(zip(written, expected, strict=True))]
    for k, one, other in [place for place in moved if place[1] != place[2]][:1]:
        discrepancies.add(file, f"order of the columns, column {k + 1}", one, other)


def aligned(
    file: str, written: Written, expected: Expected, discrepancies: Discrepancies
) -> tuple[list[int], list[int]]:
    """Numbers of the rows to compare, in the table and among the expected ones; rows that have no other are told.

    Of two tables of one length every row is compared with that in its place, unless the same rows stand in another
    order: so an edited cell of the key is told as such.
    """
    table, length = expected.table, len(written.columns[written.header[0]])
    key = [name for name in expected.key if name in written.columns]
    if key and all(list(written.columns[name]) == table[name].tolist() for name in key):  # texts, most often
        return list(range(length)), list(range(length))
    wanted = _keys([table[name].tolist() for name in key])
    found = _keys([_parsed(written.columns[name], table[name]) for name in key])
    if key and found == wanted:
        return list(range(length)), list(range(length))
    missing, more = Counter(wanted) - Counter(found), Counter(found) - Counter(wanted)
    if not key and length != len(table):
        discrepancies.add(file, "number of rows", length, len(table))
    if not key or (length == len(table) and missing):
        common = list(range(min(length, len(table))))
        return common, common
    for rows, is_there, should in ((missing, ABSENT, "a row of this table"), (more, "there", "no row of this table")):
        if rows:
            discrepancies.add(file, f"row ({_label(next(iter(rows)))}){_others(rows.total())}", is_there, should)
    places = {row: k for k, row in reversed(list(enumerate(found)))}
    there = [k for k, row in enumerate(wanted) if row in places]
    here = [places[wanted[k]] for k in there]
    moved = [(one, other) for one, other in zip(here, sorted(here), strict=True) if one != other]
    if moved:
        one, other = moved[0]
        discrepancies.add(
            file, f"order of the rows, row {other + written.first}", _label(found[other]), _label(found[one])
        )
    return here, there


def _keys(columns: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """What tells rows apart: numbers as such, anything else as text."""
    return list(zip(*([_plain(value) for value in values] for values in columns), strict=True))


def _plain(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and text(value)
    return float(value) if is_number else text(value)


def _parsed(cells: Sequence[str], values: pd.Series) -> Sequence[Any]:
    """Cells as numbers, where a column has these."""
    if values.dtype.kind not in "iuf":
        return cells
    return [cell if value is None else value for cell, value in zip(cells, map(number, cells), strict=True)]


def _label(row: Sequence[Any]) -> str:
    return ", ".join(text(part) for part in row if text(part))


def _others(count: int) -> str:
    return f" and {count - 1} other{'s' if count > 2 else ''}" if count > 1 else ""


def _differ(cells: Sequence[str], values: pd.Series, relative: float, size: np.ndarray | None) -> np.ndarray:
    """Which cells are not their values: (rows,) bool."""
    if values.dtype.kind not in "iuf":
        known = values.tolist()
        if list(cells) == known:
            return np.zeros(len(known), bool)
        return np.array([not agrees(cell, value) for cell, value in zip(cells, known, strict=True)], bool)
    (found, is_none), wanted = numbers(cells), values.to_numpy(float)
    with np.errstate(invalid="ignore"):
        close = abs(found - wanted) <= relative * abs(wanted if size is None else size)
    return is_none | ~(close | (found == wanted) | (np.isnan(found) & np.isnan(wanted)))
