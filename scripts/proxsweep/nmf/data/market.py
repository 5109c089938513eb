"""Matrix Market files (.mtx), with the names that 10x Genomics' programs write beside them.

pandas reads the entries. Where it cannot, :func:`_refuse_line` finds the line at fault.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
import pandas as pd
from scipy import sparse

from proxsweep.io import opening
from proxsweep.io.errors import UserError
from proxsweep.nmf.data import market_names
from proxsweep.nmf.data.arrays import LARGEST, to_csr
from proxsweep.nmf.data.encoding import Matrix
from proxsweep.nmf.data.table import Table, counted

_CHUNK = 2**20  # lines that are read at once
_EXPECTED = "a Matrix Market file of real numbers: `%%MatrixMarket matrix coordinate real general`, sizes, entries"
_WORDS = {"format": ("coordinate", "array"), "field": ("real", "integer", "unsigned-integer", "double")}
_WHY = {
    "pattern": "entries without values (pattern)",
    "complex": "complex entries",
    "symmetric": "half a matrix (symmetric)",
    "skew-symmetric": "half a matrix (skew-symmetric)",
    "hermitian": "half a matrix (hermitian)",
}


class Head(NamedTuple):
    """What a file says of itself: its kind, its size, and how many entries follow the first ``skip`` lines."""

    coordinate: bool
    rows: int
    columns: int
    entries: int
    skip: int


def read(path: str | Path, features_in: str) -> Table:
    """Read a Matrix Market file, or the one in a folder as 10x Genomics' programs write it.

    Parameters
    ----------
    path
        The file, plain or packed, or the folder.
    features_in
        ``rows`` or ``columns``.

    Returns
    -------
    Table
        Features by samples, sparse for the format ``coordinate``. Names from the files beside it
        (:mod:`proxsweep.nmf.data.market_names`), else numbered.

    Raises
    ------
    UserError
        For a file that is none or is cut off, entries without values, complex ones, half a matrix, an entry that is out
        of the matrix, no number or stands twice, and names that are not as many as the rows or columns.
    """
    path = market_names.matrix_in(path)
    head = _head(path)
    rows, columns, matrix = _matrix(path, head)
    turned = features_in == "columns"
    shape = (head.columns, head.rows) if turned else (head.rows, head.columns)
    features, samples, note = market_names.read(path, shape)
    if not head.coordinate:
        matrix = np.ascontiguousarray(matrix.T) if turned else matrix
        return Table(path, matrix, features, samples, note)
    places = (columns, rows) if turned else (rows, columns)
    found = sparse.csr_array(sparse.coo_array((matrix, places), shape=shape))
    if found.nnz < head.entries:
        _refuse_twice(path, *places, features, samples)
    return Table(path, to_csr(path, found), features, samples, note)


def _head(path: Path) -> Head:
    """The header and the line of sizes, behind comments."""
    lines: list[str] = []
    with opening.open_table(path).stream as stream:
        while len(lines) < 1000:
            lines.append(stream.readline(2**16).decode("utf-8", "replace").removeprefix("\ufeff"))
            if not lines[-1] or (len(lines) > 1 and lines[-1].strip() and not lines[-1].startswith("%")):
                break
    words = lines[0].lower().split()
    if len(words) != 5 or words[:2] != ["%%matrixmarket", "matrix"]:
        # message: The first line has to say what the file holds. | Export the matrix again (in Python
        # `scipy.io.mmwrite`, in R `Matrix::writeMM`).
        raise UserError(f"{path}, row 1", repr(lines[0].strip()[:80]), _EXPECTED)
    _refuse_kind(path, words[2:])
    sizes = lines[-1].split()
    coordinate = words[2] == "coordinate"
    if len(sizes) != (3 if coordinate else 2) or not all(re.fullmatch("[0-9]{1,18}", one) for one in sizes):
        # message: Below the header and its comments stand the numbers of rows, columns and entries. | Copy or export
        # the file again.
        raise UserError(
            f"{path}, row {len(lines)}", repr(lines[-1].strip()[:80]), "the numbers of rows, columns and entries"
        )
    rows, columns, entries = map(int, sizes if coordinate else [*sizes, str(int(sizes[0]) * int(sizes[1]))])
    if entries > rows * columns or max(rows, columns, entries) > LARGEST:
        # message: The sizes do not fit together, or are too large. | Copy or export the file again.
        raise UserError(
            f"{path}, row {len(lines)}",
            f"{counted(rows, 'row')}, {counted(columns, 'column')} and {counted(entries, 'entry')}",
            f"at most as many entries as places, and at most {LARGEST}",
        )
    return Head(coordinate, rows, columns, entries, len(lines))


def _refuse_kind(path: Path, words: Sequence[str]) -> None:
    form, field, symmetry = words
    odd = [word for word in (field, symmetry) if word in _WHY]
    if odd:
        # message: entries without values (pattern) / complex entries / half a matrix (symmetric) | a Matrix Market file
        # of real numbers: `%%MatrixMarket matrix coordinate real general`, sizes, entries | A table of features by
        # samples has a value at each entry, and is not symmetric. | Export the values, and all entries.
        raise UserError(f"{path}, row 1", _WHY[odd[0]], _EXPECTED)
    if form not in _WORDS["format"] or field not in _WORDS["field"] or symmetry != "general":
        # message: A word of the first line is unknown. | Export the matrix again.
        raise UserError(f"{path}, row 1", " ".join(words), _EXPECTED)


def _matrix(path: Path, head: Head) -> tuple[np.ndarray, np.ndarray, Matrix]:
    """Rows and columns of the entries (from 0) with their values, or nothing and the dense matrix."""
    width = 3 if head.coordinate else 1
    try:
        places = [np.empty(head.entries, dtype=np.int32) for _ in range(width - 1)]
        values = np.empty(head.entries)
        count = _fill(path, head, places, values)
    except pd.errors.EmptyDataError:
        count = 0
    except (ValueError, OverflowError, MemoryError) as error:
        _refuse_line(path, head, error)
    if count != head.entries:
        _refuse_count(path, head, count)
    if not np.isfinite(values).all():
        _refuse_line(path, head, None)
    if not head.coordinate:
        return np.empty(0), np.empty(0), np.ascontiguousarray(values.reshape(head.columns, head.rows).T)
    for one, size in zip(places, (head.rows, head.columns), strict=True):
        one -= 1
        if count and not (one.min() >= 0 and one.max() < size):
            _refuse_line(path, head, None)
    return *places, values


def _fill(path: Path, head: Head, places: list[np.ndarray], values: np.ndarray) -> int:
    """Read the entries into arrays; how many there are, those left out that are more than have room."""
    last = len(places)
    types = {**dict.fromkeys(range(last), "int32"), last: "float64"}
    count = 0
    with opening.open_table(path).stream as stream:
        for _ in range(head.skip):
            stream.readline()
        options = {"sep": r"\s+", "header": None, "na_filter": False, "low_memory": False}
        for chunk in pd.read_csv(stream, dtype=types, chunksize=_CHUNK, encoding="utf-8", **options):
            if chunk.shape[1] != last + 1:
                raise ValueError(f"{counted(chunk.shape[1], 'number')} in a line")
            to = slice(count, count + len(chunk))
            for k, array in enumerate([*places, values]):
                part = array[to]
                part[:] = chunk[k].to_numpy()[: len(part)]
            count += len(chunk)
    return count


def _refuse_count(path: Path, head: Head, count: int) -> NoReturn:
    what = "an unfinished download or export" if count < head.entries else "another file joined to it, perhaps"
    # message: The first lines say how many entries follow. With fewer the file was cut off. | Copy or download it
    # again.
    raise UserError(
        str(path), f"{counted(count, 'entry')} where its header has {head.entries} ({what})", "a whole file"
    )


def _refuse_line(path: Path, head: Head, error: Exception | None) -> NoReturn:
    """Raise UserError for the first line of entries that is none."""
    limits = (head.rows, head.columns) if head.coordinate else ()
    count = 0
    with opening.open_table(path).stream as stream:
        for number, line in enumerate(stream, 1):
            text = line.decode("utf-8", "replace").strip()
            if number <= head.skip or not text:
                continue
            count += 1
            if count <= head.entries:
                _check_line(f"{path}, row {number}", text, limits)
    if count != head.entries:
        _refuse_count(path, head, count)
    # message: passed on
    raise opening.unreadable(path, error or ValueError("entries that are none"))


def _check_line(place: str, text: str, limits: Sequence[int]) -> None:
    words = text.split()
    shown = repr(text[:80])
    wanted = "row, column and value, apart by blanks" if limits else "one value"
    whole = [re.fullmatch("[0-9]{1,18}", word) for word in words[: len(limits)]]
    if len(words) != len(limits) + 1 or not all(whole) or not _is_number(words[-1]):
        expected = wanted + ("; it looks like a decimal comma: write decimal points" if "," in text else "")
        # message: '5 7' / '5 7 1,5' | row, column and value, apart by blanks / one value | A line is no entry; the last
        # one was cut off. | Copy or download the file again; write decimal points.
        raise UserError(place, shown, expected)
    for word, size, noun in zip(words, limits, ("row", "column"), strict=False):
        if not 1 <= int(word) <= size:
            # message: Rows and columns are counted from 1 to the sizes in the file's header. | Export the matrix again.
            raise UserError(place, f"{noun} {word}", f"a {noun} from 1 to {size}")
    if not np.isfinite(float(words[-1])):
        # message: 'nan' / 'inf' | a finite number | Missing and infinite entries are not fitted. | Leave out their rows
        # or columns, or fill them with what you hold right.
        raise UserError(place, repr(words[-1]), "a finite number")


def _refuse_twice(
    path: Path, rows: np.ndarray, columns: np.ndarray, features: np.ndarray, samples: np.ndarray
) -> NoReturn:
    order = np.lexsort((columns, rows))
    same = (np.diff(rows[order]) == 0) & (np.diff(columns[order]) == 0)
    first = order[1:][same].min()
    # message: An entry stands twice, and nobody can tell whether the second is to be added or put in its place. |
    # Export the matrix again, with each entry once.
    raise UserError(
        str(path),
        f"{counted(same.sum(), 'entry')} a second time (the first: feature {str(features[rows[first]])!r}, sample "
        f"{str(samples[columns[first]])!r})",
        "each entry once",
    )


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf(inity)?)", text, re.I | re.A) is not None
