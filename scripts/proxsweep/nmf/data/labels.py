"""The table of a study's samples: a column ``sample``, and labels for colours and replicates."""

from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd

from proxsweep.io import digests, records
from proxsweep.io.errors import UserError
from proxsweep.io.names import FORMULA, RULE, is_name
from proxsweep.nmf.data.table import counted
from proxsweep.nmf.data.tables import refuse_nul

SAMPLE = "sample"
LABEL_RULE = "printable text that begins with none of = + - @, unless it is a number, + or -"


def read_labels(path: str | Path, samples: np.ndarray) -> tuple[pd.DataFrame, int]:
    """Read the labels of a matrix's samples.

    Parameters
    ----------
    path
        Table of text (.csv, .tsv, perhaps packed).
    samples : (N,) str
        The matrix's samples.

    Returns
    -------
    DataFrame
        Column ``sample`` and all others as text, in the order of ``samples``; columns without a name are left out.
    int
        Rows of samples that the matrix does not have.

    Raises
    ------
    UserError
        For what is no table, NUL bytes, no column ``sample``, a column or a sample that stands twice, samples that are
        missing, and labels that cannot be printed or that a spreadsheet would run.
    """
    names, lines, rows = _read(path)
    table = pd.DataFrame(rows, columns=names, dtype=object)
    table = table.loc[:, [name for name in names if name]]
    places = _places(path, table[SAMPLE].tolist(), lines)
    missing = [name for name in samples.tolist() if name not in places]
    if missing:
        near = get_close_matches(missing[0], list(places)[:5000], n=1, cutoff=0.6) or list(places)[:1]
        # message: Every sample of the matrix needs a row, its name written as there. | Add the rows, or correct the
        # names.
        raise UserError(
            f"{path}, column '{SAMPLE}'",
            f"no row for {len(missing)} of {len(samples)} samples of the matrix (the first: {missing[0]!r})",
            f"every sample of the matrix (this table has {near[0]!r})",
        )
    chosen = table.iloc[[places[name] for name in samples.tolist()]].reset_index(drop=True)
    for name in chosen.columns[chosen.columns != SAMPLE]:
        _check_labels(path, name, chosen[name].tolist(), [lines[places[sample]] for sample in samples.tolist()])
    return chosen, len(table) - len(chosen)


def only_samples(samples: np.ndarray) -> pd.DataFrame:
    """The same table for samples without labels."""
    return pd.DataFrame({SAMPLE: samples.astype(object)})


def columns(path: str | Path) -> list[str]:
    """Names of the columns of labels, before any row is read.

    Raises
    ------
    UserError
        As :func:`read_labels` for the header.
    """
    return [name for name in _header(path)[1] if name not in ("", SAMPLE)]


def values(path: str | Path, column: str) -> list[str]:
    """The distinct labels of a column, in the order of the rows; an empty cell is none.

    Raises
    ------
    UserError
        For what is no table, and for a column that it does not have.
    """
    known = columns(path)
    if column not in known:
        near = get_close_matches(column, known, n=1, cutoff=0.5)
        # message: The table of the samples has no such column. | Correct `data: replicates: column`, or the header.
        raise UserError(
            f"{path}, header",
            f"no column {column!r}",
            f"the column {near[0]!r}" if near else f"one of {', '.join(map(repr, known))}",
        )
    names, _, rows = _read(path)
    place = names.index(column)
    return [label for label in dict.fromkeys(row[place] for row in rows) if label]


def load(path: str | Path) -> pd.DataFrame:
    """Read back the labels that :func:`read_labels` gave and a run wrote, all as text.

    Raises
    ------
    UserError
        If the file is no such table.
    """
    digests.verify(path)
    names, _, rows = _read(path)
    return pd.DataFrame(rows, columns=names, dtype=object)


def _header(path: str | Path) -> tuple[int, list[str], str]:
    """The line of the header, the names of the columns, the delimiter."""
    refuse_nul(path)
    delimiter = records.delimiter(path)
    line, row = next(records.records(path, delimiter))
    names = [name.strip() for name in row]
    if SAMPLE not in names:
        records.refuse_other_delimiter(path, names, delimiter)
        listed = ", ".join(map(repr, names[:10]))
        # message: The column with the names of the samples has this name, in small letters. | Rename it, or add a
        # header.
        raise UserError(f"{path}, header", f"no column '{SAMPLE}' ({listed})", f"a column '{SAMPLE}', with their names")
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    if twice:
        # message: Nobody can tell which is meant. | Rename or remove one in the header.
        raise UserError(f"{path}, header", f"column {twice[0]!r} twice", "each column once")
    for name in names:
        if name and not is_name(name):
            # message: Names of columns stand in tables, which spreadsheets open. | Rename the column.
            raise UserError(f"{path}, header", f"the column {name!r}", RULE)
    return line, names, delimiter


def _read(path: str | Path) -> tuple[list[str], list[int], list[list[str]]]:
    """Names of columns, the line of each row, and its cells."""
    _, names, delimiter = _header(path)
    found = records.records(path, delimiter)
    next(found)
    lines, rows = [], []
    for line, row in found:
        if len(row) != len(names):
            # message: 3 fields | 4, as in the header | A row has too few or too many fields. | Look for a delimiter
            # inside of a text without quotes.
            raise UserError(f"{path}, row {line}", counted(len(row), "field"), f"{len(names)}, as in the header")
        lines.append(line)
        rows.append([cell.strip() for cell in row])
    if not rows:
        # message: Only the header is there. | Export the table again.
        raise UserError(str(path), "a header without rows", "a row for each sample")
    return names, lines, rows


def _places(path: str | Path, names: Sequence[str], lines: Sequence[int]) -> dict[str, int]:
    places: dict[str, int] = {}
    for k, name in enumerate(names):
        if name in places or not name:
            found = f"the sample {name!r} a second time (first in row {lines[places[name]]})" if name else "no name"
            # message: the sample 'S1' a second time (first in row 2) / no name | one row for each sample, with its name
            # | Nobody can tell which of two rows holds. | Remove one of them.
            raise UserError(
                f"{path}, row {lines[k]}, column '{SAMPLE}'", found, "one row for each sample, with its name"
            )
        places[name] = k
    return places


def _check_labels(path: str | Path, column: str, labels: Sequence[str], lines: Sequence[int]) -> None:
    for line, label in zip(lines, labels, strict=True):
        if not _is_label(label):
            # message: Labels stand in tables, which spreadsheets open, and in figures. | Rename the label.
            raise UserError(f"{path}, row {line}, column {column!r}", f"the label {label!r}", LABEL_RULE)


def _is_label(text: str) -> bool:
    if not text.isprintable():
        return False
    return not text.startswith(FORMULA) or text in "+-" or _is_number(text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
