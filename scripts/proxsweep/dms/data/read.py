"""Read tables of functional scores, and refuse what is no such table by naming what is wrong and where.

Everything is read as text first: an empty substitution string is a wildtype and ``NA`` is a residue pair, so
the usual guesses at missing values must not touch them. Rows are counted as an editor counts lines: the
header is row 1.
"""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd

from proxsweep.dms.data.numbers import to_numbers
from proxsweep.dms.data.substitutions import LETTERS
from proxsweep.io import digests, records
from proxsweep.io.errors import UserError

SHOWN = 20  # names that a message lists
_SITE = re.compile(r"-?[A-Za-z0-9_(][A-Za-z0-9._()-]{0,31}")


def nearest(name: str, known: Sequence[str]) -> str:
    """Name those of ``known`` that ``name`` may have meant, for the end of a message."""
    close = get_close_matches(name[:100], known[:1000], n=1, cutoff=0.6)
    listed = ", ".join(map(repr, known[:SHOWN])) + (f" and {len(known) - SHOWN} more" if len(known) > SHOWN else "")
    return f"{listed} (nearest: {close[0]!r})" if close else listed


def header(path: str | Path) -> list[str]:
    """Column names of a table; that of a column without a name is empty.

    Raises
    ------
    UserError
        If the file is missing, empty, a Git LFS pointer, an HTML page or not text, or of a kind that is not read, if
        its columns are separated by another character, or if it names a column twice.
    """
    delimiter = records.delimiter(path)
    rows = records.records(path, delimiter)
    names = [name.strip() for name in next(rows)[1]]
    records.refuse_other_delimiter(path, names, delimiter)
    counts = Counter(names)
    repeated = sorted(name for name, count in counts.items() if name and count > 1)
    if repeated:
        _refuse_several_lines(path, repeated[0], next(rows, None))
        # message: Nobody can tell which is meant. | Rename or remove one in the header.
        raise UserError(f"{path}, header", f"column {repeated[0]!r} twice", "each column once")
    return names


def _refuse_several_lines(path: str | Path, repeated: str, second: tuple[int, list[str]] | None) -> None:
    """Where a name stands twice and no number is in the next row, the header goes on there."""
    if second is None or any(_is_number(cell) for cell in second[1]):
        return
    found = f"column {repeated!r} twice, and no number in row {second[0]}: a header of several lines"
    # message: column 'c1' twice, and no number in row 2: a header of several lines | one line, with a name of its own
    # for each column, such as c1_score | Enrich2 and pandas write the name of a column on two or three lines. | Keep
    # one line, with such names.
    raise UserError(f"{path}, header", found, "one line, with a name of its own for each column, such as c1_score")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def check_columns(path: str | Path, names: Sequence[str], wanted: Sequence[str]) -> None:
    """Refuse a table whose columns, ``names``, lack one of those ``wanted``, or have several without a name."""
    for column in wanted:
        if column not in names:
            # message: The column named in the config is not in this header. | Correct `columns` or `replicates`; in a
            # list of selections `where` and `table`.
            raise UserError(f"{path}, header", f"no column {column!r}", f"one of {nearest(column, names)}")
    if "" in wanted and list(names).count("") > 1:
        # message: `""` names the column without a name, and here are several. | Give them names in the header.
        raise UserError(f"{path}, header", "several columns without a name", 'one of them, which `""` names')


def read_table(
    path: str | Path, text: Sequence[str], numbers: Sequence[str] = (), sha256: str | None = None
) -> pd.DataFrame:
    """Read columns of a table.

    Parameters
    ----------
    path
        Local file. Packing and Parquet are recognised by content, the delimiter by the suffix, else by the header.
    text
        Columns to read as they are written, stripped of surrounding blanks; nothing in them is ever missing.
    numbers
        Columns to read as float64, none of them in ``text``; a missing number
        (:data:`proxsweep.dms.data.numbers.MISSING`) is NaN, an infinite one infinite.
    sha256
        Expected hexadecimal digest of the file as stored.

    Returns
    -------
    DataFrame
        One row a row of the file, in its order, with the columns asked for; the index holds line numbers.

    Raises
    ------
    UserError
        For a file that is no table (see :func:`header`), another digest, a missing column, a row with too few
        or too many fields, no rows, or a value that is no number.
    """
    digests.verify(path)
    names = header(path)
    if sha256:
        _check_digest(path, sha256)
    wanted = list(dict.fromkeys([*text, *numbers]))
    check_columns(path, names, wanted)
    table = _read_text(path, names, wanted)
    if table.empty:
        # message: Only the header is there. | Export the table again.
        raise UserError(str(path), "a header without rows", "a row for each variant measured")
    for column in numbers:
        table[column] = to_numbers(path, table[column])
    return table


def check_table(path: str | Path, sha256: str | None = None) -> None:
    """Refuse a file that is no table, without reading it all.

    Parameters
    ----------
    path
        Local file, perhaps a download.
    sha256
        Expected hexadecimal digest.

    Raises
    ------
    UserError
        As :func:`header`, and for another digest.
    """
    header(path)
    if sha256:
        _check_digest(path, sha256)


def read_site_map(path: str | Path) -> list[str]:
    """Sites in order: ``reference_site`` sorted by ``sequential_site``.

    Raises
    ------
    UserError
        As :func:`read_table`, and for a number or a site that is missing or stands twice.
    """
    table = read_table(path, ["reference_site"], ["sequential_site"])
    empty = {"site": table["reference_site"] == "", "number": ~np.isfinite(table["sequential_site"])}
    for column, (noun, absent) in zip(["reference_site", "sequential_site"], empty.items(), strict=True):
        wrong = np.flatnonzero(absent | table[column].duplicated())
        if len(wrong):
            found = f"no {noun}" if absent.iat[wrong[0]] else f"{table[column].iat[wrong[0]]} a second time"
            place = f"{path}, row {table.index[wrong[0]]}, column {column!r}"
            # message: In the site map every row has a `reference_site` and a `sequential_site` of its own. | Correct
            # the row.
            raise UserError(place, found, "each site once, with its place in the order")
    for row, site in table["reference_site"].items():
        if not _SITE.fullmatch(site):
            place = f"{path}, row {row}, column 'reference_site'"
            # message: The name of the site has other characters, or is too long. | Rename it in the site map and in the
            # substitutions.
            raise UserError(place, f"the site {site!r}", "letters, digits and . _ - ( ), at most 32")
    return list(table.sort_values("sequential_site")["reference_site"])


def read_variants(path: str | Path) -> pd.DataFrame:
    """Read the ``variants.csv`` that preprocessing wrote."""
    names = header(path)
    text = ["replicate", "condition", "aa_substitutions"]
    numbers = ["func_score", *(name for name in ("weight", "n_barcodes", "variance") if name in names)]
    table = read_table(path, text, numbers)
    for name in numbers:
        wrong = ~np.isfinite(table[name]) | (table[name] <= 0 if name != "func_score" else False)
        if wrong.any():
            place = f"{path}, row {wrong.idxmax()}, column {name!r}"
            # message: 0.0 | a number as preprocessing wrote it | `results/{study}/data/variants.csv` was edited. |
            # Remove it and the study's `encodings` folder, and run again.
            raise UserError(place, f"{table[name][wrong.idxmax()]}", "a number as preprocessing wrote it")
    return table


def read_wildtypes(path: str | Path) -> pd.DataFrame:
    """Read the ``wildtypes.csv`` that preprocessing wrote; an unknown letter is an empty string."""
    names = header(path)
    check_columns(path, names, ["site"])
    table = read_table(path, names)
    for name in names:
        column = table[name]
        wrong = (column == "") | column.duplicated() if name == "site" else ~column.isin(["", *LETTERS])
        if wrong.any() or not name:
            place = f"{path}, row {wrong.idxmax()}, column {name!r}"
            # message: 'Z' | each site once, with a letter of each condition | `results/{study}/data/wildtypes.csv` was
            # edited. | Remove it and the `encodings` folder, and run again.
            raise UserError(place, repr(column[wrong.idxmax()]), "each site once, with a letter of each condition")
    return table


def _check_digest(path: str | Path, expected: str) -> None:
    found = digests.sha256(path)
    if found != expected.lower():
        # message: It is not the file that the config means. | If the new one is right, put its digest into the config;
        # otherwise get the old one.
        raise UserError(str(path), f"a file with sha256 {found}", f"sha256 {expected.lower()}")


def _read_text(path: str | Path, names: list[str], wanted: list[str]) -> pd.DataFrame:
    """Columns as stripped text, indexed by the line in the file where each row ends."""
    chosen = [names.index(column) for column in wanted]
    lines, fields = [], []
    rows = records.records(path, records.delimiter(path))
    next(rows)
    for line, row in rows:
        if len(row) != len(names):
            # message: A row has too few or too many fields. | Look for a comma inside of a text without quotes.
            raise UserError(f"{path}, row {line}", f"{len(row)} fields", f"{len(names)}, as in the header")
        lines.append(line)
        fields.append([row[i].strip() for i in chosen])
    return pd.DataFrame(fields, columns=wanted, index=pd.Index(lines, name="row"), dtype=object)
