"""Matrices as tables of text (CSV, TSV, also packed): the first row names the columns, the first column the rows."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np

from proxsweep.io import opening, records
from proxsweep.io.errors import UserError
from proxsweep.nmf.data.table import Table, counted

MISSING = frozenset(["", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", ".", "-"])
"""Cells that say that a number is missing, in small letters."""
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
_FIRST_COLUMN = "a number (names stand in the first row and the first column only)"


class Head(NamedTuple):
    """How a table begins: its delimiter, the names in its header, the fields of a row."""

    delimiter: str
    names: list[str]
    width: int


def read(path: str | Path) -> Table:
    """Read a table as it stands, whose rows may be features or samples.

    Parameters
    ----------
    path
        Local file, plain, packed or Parquet (:func:`proxsweep.io.opening.open_table`). A header may lack the name of
        the first column, as R writes it.

    Returns
    -------
    Table
        Rows as features.

    Raises
    ------
    UserError
        For what is no table (:func:`proxsweep.io.records.records`), NUL bytes, a header of numbers, a row with
        too few or too many fields, and a cell that is no number, with the names of its row and column.
    """
    refuse_nul(path)
    head = _head(path)
    names, lines, matrix = _cells(path, head)
    _refuse_unnamed(path, names)
    places = {"feature_places": ("row", lines), "sample_places": ("column", range(2, head.width + 1))}
    return Table(Path(path), matrix, np.array(names, dtype=str), np.array(head.names, dtype=str), **places)


def refuse_nul(path: str | Path) -> None:
    """Refuse a table of text with NUL bytes, which stand there by accident only.

    Raises
    ------
    UserError
        That says how many there are at the end of the file, if it ends so.
    """
    delimiter, ending = records.delimiter(path), 0
    with opening.open_table(path).stream as stream:
        while chunk := stream.read(2**20):
            kept = chunk.rstrip(b"\0")
            if b"\0" in kept or (kept and ending):
                for _ in records.records(path, delimiter):  # which says in what row
                    pass
            ending = len(chunk) - len(kept) + (0 if kept else ending)
    if ending:
        # message: The end of the file is a block of zeros: an old program padded it, or a download or a disk left it
        # unfinished. | Compare it with its source; if nothing is lacking, `tr -d '\000' < old > new` removes them.
        raise UserError(
            str(path),
            f"{counted(ending, 'NUL byte')} at the end of the file",
            "a table of text without them (`tr -d '\\000' < old > new` removes them)",
        )


def _head(path: str | Path) -> Head:
    delimiter = records.delimiter(path)
    rows = records.records(path, delimiter)
    _, first = next(rows)
    records.refuse_other_delimiter(path, first, delimiter)
    second = next(rows, None)
    if second is None:
        # message: Only the header is there. | Export the table again.
        raise UserError(str(path), "a header without rows", "a header with names, and rows of numbers")
    first, width = [name.strip() for name in first], len(second[1])
    if len(first) == width == 1:
        # message: The file has one column: blanks or other characters stand between what are to be columns. | Export
        # it with commas (.csv) or tabs (.tsv).
        raise UserError(
            f"{path}, header",
            f"no commas or tabs between the columns ({first[0][:40]!r})",
            "a table with commas between its columns (.csv), or tabs (.tsv)",
        )
    if len(first) not in (width, width - 1):
        # message: The header has names for more or fewer columns than the rows have. | Look for a delimiter in a name
        # without quotes, or one at the ends of lines.
        raise UserError(
            f"{path}, row {second[0]}",
            f"{counted(width, 'field')} under a header of {len(first)}",
            "as many as in the header",
        )
    head = Head(delimiter, first[len(first) + 1 - width :], width)
    if len(first) == width:
        _refuse_numbers(path, first)
    return head


def _refuse_numbers(path: str | Path, header: Sequence[str]) -> None:
    """Refuse a first row that is one of data: of numbers alone, unless these count from 0 or 1."""
    corner, names = header[0], header[1:]
    counted = [str(k) for k in range(len(names) + 1)]
    if corner == "" or names in (counted[:-1], counted[1:]) or not names or not all(map(_is_number, names)):
        return
    shown = ", ".join(header[:4]) + (", ..." if len(header) > 4 else "")
    # message: The first row has to hold names, and seems to be one of data. | Add a row with the names of the columns.
    # If these are names, leave the first cell empty, or put a letter before each.
    raise UserError(
        f"{path}, header",
        f"numbers in the place of names ({shown})",
        "the names of the columns in the first row, those of the rows in the first column; where these are numbers, "
        "an empty first cell, or a letter before each",
    )


def _refuse_unnamed(path: str | Path, names: Sequence[str]) -> None:
    """Refuse a first column of data: of numbers that are not all whole."""
    if all(map(_is_number, names)) and not all(float(name).is_integer() for name in names):
        wrong = next(k for k, name in enumerate(names) if not float(name).is_integer())
        # message: The first column has to hold names, and seems to be one of data. | Add a column with a name for each
        # row.
        raise UserError(
            f"{path}, column 1", f"numbers in the place of names ({names[wrong]})", "a name for each row in column 1"
        )


def _cells(path: str | Path, head: Head) -> tuple[list[str], list[int], np.ndarray]:
    """Names of rows, the lines on which they stand, and the matrix."""
    names, lines, rows = [], [], []
    found = records.records(path, head.delimiter)
    next(found)
    for line, row in found:
        if len(row) != head.width:
            # message: 3 fields | 4, as in the rows above it: a whole table | A row has too few or too many fields:
            # often the file was cut off here, or a name holds a delimiter. | Copy or export it again, or put the name
            # in quotes.
            raise UserError(
                f"{path}, row {line}",
                counted(len(row), "field"),
                f"{head.width}, as in the rows above it: a whole table",
            )
        cells, text = row[1:], "".join(row[1:])
        try:
            numbers = np.fromiter(map(float, cells), dtype=float, count=len(cells))
        except ValueError:
            _refuse_row(path, head, line, row)
        if not np.isfinite(numbers).all() or _is_odd(text):
            _refuse_row(path, head, line, row)
        names.append(row[0].strip())
        lines.append(line)
        rows.append(numbers)
    return names, lines, np.array(rows)


def _refuse_row(path: str | Path, head: Head, line: int, row: Sequence[str]) -> NoReturn:
    """Raise UserError for the first cell of a row that is no finite number."""
    name, *cells = (cell.strip() for cell in row)
    wrong = [k for k, cell in enumerate(cells) if not _is_finite(cell)]
    if len(cells) > 1 and len(wrong) == len(cells) and not any(_is_missing(cell) or _commas(cell) for cell in cells):
        shown = ", ".join([name, *cells][:4]) + (", ..." if len(cells) > 3 else "")
        # message: Among the rows of numbers stands one of text: a second line of a header, or the header of another
        # table that was joined to this one. | Remove it.
        raise UserError(f"{path}, row {line}", f"a row without numbers ({shown})", "one header, then rows of numbers")
    cell = cells[wrong[0]]
    place = f"{path}, row {line} ({name}), column {head.names[wrong[0]]!r}"
    if _is_missing(cell):
        found = f"{cell!r}, a missing value" if cell else "an empty cell"
        # message: an empty cell / 'NA', a missing value | a finite number; a count that is 0 is written 0, rows or
        # columns with missing values are left out before | Missing entries are not fitted. | Write 0 where that is
        # meant; else leave the row or the column out, or fill it with what you hold right.
        raise UserError(
            place,
            found,
            "a finite number; a count that is 0 is written 0, rows or columns with missing values are left out before",
        )
    if _is_number(cell) and not _is_odd(cell):
        # message: The table has an infinite number, or one too large to be held. | Correct it at its source.
        raise UserError(place, f"{cell}, which is not finite", "a finite number")
    # message: 'n.d.' / '1,5' / '1,008' | a number (names stand in the first row and the first column only) / a number
    # with a decimal point; it looks like a decimal comma / a number without thousands commas and with a decimal point;
    # it looks like a thousands comma, or a decimal comma | A cell, or a whole column, holds text. | Correct the cell,
    # write decimal points and no thousands commas, or remove the column: a second column of names, as a description of
    # genes, is none of the matrix.
    raise UserError(place, repr(cell), _commas(cell) or _FIRST_COLUMN)


def _commas(cell: str) -> str:
    """What is expected in the place of a number with commas; empty where it is none."""
    thousands, decimal = _THOUSANDS.fullmatch(cell), _DECIMAL_COMMA.fullmatch(cell)
    if thousands and decimal:
        wanted, likeness = "a number without thousands commas and with a decimal point", "thousands comma, or a decimal"
    elif thousands:
        wanted, likeness = "a number without thousands commas", "thousands"
    else:
        wanted, likeness = "a number with a decimal point", "decimal"
    return f"{wanted}; it looks like a {likeness} comma" if thousands or decimal else ""


def _is_missing(cell: str) -> bool:
    return cell.lower() in MISSING


def _is_finite(cell: str) -> bool:
    return _is_number(cell) and not _is_odd(cell) and bool(np.isfinite(float(cell)))


def _is_odd(text: str) -> bool:
    """Whether a text holds what Python takes in a number and no other program does."""
    return "_" in text or not text.isascii()


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
