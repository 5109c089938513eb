"""Read tables of functional scores, and refuse what is no such table by naming what is wrong and where.

Everything is read as text first: an empty substitution string is a wildtype and ``NA`` is a residue pair, so
the usual guesses at missing values must not touch them. Rows are counted as an editor counts lines: the
header is row 1.
"""

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd

from proxsweep.dms.data.substitutions import LETTERS
from proxsweep.io import digests
from proxsweep.io.errors import UserError
from proxsweep.io.names import natural

MISSING = ("", "NA")  # NA: how R writes a missing number
LARGEST = 2**30  # bytes that a gzipped table may unpack to
SHOWN = 20  # names that a message lists
_GZIP = b"\x1f\x8b"
_SITE = re.compile(r"-?[A-Za-z0-9_(][A-Za-z0-9._()-]{0,31}")
_FIRST = 2**20  # bytes in which a first line is looked for
_LFS = b"version https://git-lfs.github.com/spec/"
_MARKUP = (b"<!doctype", b"<html", b"<head", b"<body", b"<?xml")
_DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_SEPARATORS = {",": "commas", "\t": "tabs"}


def nearest(name: str, known: Sequence[str]) -> str:
    """Name those of ``known`` that ``name`` may have meant, for the end of a message."""
    close = get_close_matches(name[:100], known[:1000], n=1, cutoff=0.6)
    listed = ", ".join(map(repr, known[:SHOWN])) + (f" and {len(known) - SHOWN} more" if len(known) > SHOWN else "")
    return f"{listed} (nearest: {close[0]!r})" if close else listed


def header(path: str | Path) -> list[str]:
    """Column names of a table.

    Raises
    ------
    UserError
        If the file is missing, empty, a Git LFS pointer, an HTML page or not text, if its columns are
        separated by another character, or if it names a column twice.
    """
    delimiter = _delimiter(path)
    names = [name.strip() for name in next(_records(path, delimiter))[1]]
    _refuse_other_delimiter(path, names, delimiter)
    counts = Counter(names)
    repeated = sorted(name for name, count in counts.items() if name and count > 1)
    if repeated:
        # message: Nobody can tell which is meant. | Rename or remove one in the header.
        raise UserError(f"{path}, header", f"column {repeated[0]!r} twice", "each column once")
    return names


def check_columns(path: str | Path, names: Sequence[str], wanted: Sequence[str]) -> None:
    """Refuse a table whose columns, ``names``, lack one of those ``wanted``."""
    for column in wanted:
        if column not in names:
            # message: The column named in the config is not in this header. | Correct `columns` or `replicates`; in a
            # list of selections `where` and `table`.
            raise UserError(f"{path}, header", f"no column {column!r}", f"one of {nearest(column, names)}")


def read_table(
    path: str | Path, text: Sequence[str], numbers: Sequence[str] = (), sha256: str | None = None
) -> pd.DataFrame:
    """Read columns of a ``.csv``, ``.tsv`` or gzipped table.

    Parameters
    ----------
    path
        Local file. Compression is recognised by content, the delimiter by the suffix, else by the header.
    text
        Columns to read as they are written, stripped of surrounding blanks; nothing in them is ever missing.
    numbers
        Columns to read as float64; an empty field or ``NA`` is NaN.
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
        or too many fields, no rows, or a value that is not a finite number.
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
        table[column] = _to_numbers(path, table[column])
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


def labels(path: str | Path, column: str, noun: str) -> list[str]:
    """Distinct labels in a column, sorted naturally; reads that column only. A label is of a ``noun``.

    Raises
    ------
    UserError
        As :func:`read_table`, and for an empty label.
    """
    values = read_table(path, [column])[column]
    empty = np.flatnonzero(values == "")
    if len(empty):
        place = f"{path}, row {values.index[empty[0]]}, column {column!r}"
        # message: The cell is empty. | Fill it, or remove the row.
        raise UserError(place, f"no {noun}", f"the {noun} of every row")
    return sorted(values.unique(), key=natural)


def read_site_map(path: str | Path) -> list[str]:
    """Sites in order: ``reference_site`` sorted by ``sequential_site``.

    Raises
    ------
    UserError
        As :func:`read_table`, and for a number or a site that is missing or stands twice.
    """
    table = read_table(path, ["reference_site"], ["sequential_site"])
    for column, noun in {"reference_site": "site", "sequential_site": "number"}.items():
        absent = table[column].isna() | (table[column].astype(str) == "")
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
        wrong = table[name].isna() | (table[name] <= 0 if name != "func_score" else False)
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


class _Unpacked(io.RawIOBase):
    """What a gzipped file unpacks to, up to :data:`LARGEST` bytes."""

    def __init__(self, path: str | Path):
        self.path, self.stream, self.size = path, gzip.GzipFile(path, "rb"), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        count = self.stream.readinto(buffer)
        self.size += count
        if self.size > LARGEST:
            found = f"a gzipped file that unpacks to more than {LARGEST / 2**20:g} MiB"
            # message: A gzipped table may unpack to so much at most. | Unpack it with `gunzip`, and name the result in
            # the config.
            raise UserError(str(self.path), found, "a smaller table, or this one unpacked if it is what it should be")
        return count

    def close(self) -> None:
        self.stream.close()
        super().close()


def _open(path: str | Path) -> io.BufferedIOBase:
    with open(path, "rb") as stream:
        zipped = stream.read(2) == _GZIP
    return io.BufferedReader(_Unpacked(path), 2**16) if zipped else open(path, "rb")


def _first_line(path: str | Path) -> bytes:
    """First line of a file that is not blank, after refusing what is known to be no table."""
    try:
        if not Path(path).is_file():
            # message: There is none at this path, which starts where you run. | Correct it.
            raise UserError(str(path), "no such file", "a table (.csv, .tsv, or either with .gz)")
        with _open(path) as stream:
            start = stream.read(512).lstrip()
            rest = b"" if b"\n" in start else stream.readline(_FIRST)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise _unreadable(path, error) from error
    if not start.removeprefix(b"\xef\xbb\xbf").strip() and not rest.strip():
        # message: The file has no content. | Copy or export it again.
        raise UserError(str(path), "an empty file", "a table with a header")
    if start.startswith(_LFS):
        # message: A clone without its large files. | Run `git lfs pull`, or download the file by itself.
        raise UserError(
            str(path),
            "a Git LFS pointer, not the table it stands for",
            "the table itself (from the repository's media address, or `git lfs pull`)",
        )
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_MARKUP):
        # message: The page around the file was fetched. | On a site such as GitHub take the address behind "Raw" or
        # "Download".
        raise UserError(str(path), "an HTML page", "a table (the address of the raw file, not of its page)")
    return re.split(rb"[\r\n]", start + rest, maxsplit=1)[0]


def _unreadable(path: str | Path, error: Exception) -> UserError:
    # message: Mostly a gzipped file that was cut off. | Copy or download it again.
    return UserError(str(path), f"a file that cannot be read ({error})", "a whole table")


def _not_text(path: str | Path, error: UnicodeDecodeError) -> UserError:
    # message: Another encoding, or a spreadsheet file (.xlsx) under another name. | Export it as CSV in UTF-8.
    return UserError(str(path), f"bytes that are not UTF-8 text ({error.reason})", "a table in UTF-8")


def _delimiter(path: str | Path) -> str:
    line = _first_line(path)
    suffixes = [suffix for suffix in Path(path).suffixes if suffix in _DELIMITERS]
    if suffixes:
        return _DELIMITERS[suffixes[-1]]
    return "\t" if line.count(b"\t") > line.count(b",") else ","


def _refuse_other_delimiter(path: str | Path, names: list[str], delimiter: str) -> None:
    """A single column whose name holds what others put between columns is no column."""
    others = {";": "';'", ",": "','", "\t": "a tab"}
    for character, shown in others.items():
        if len(names) == 1 and character != delimiter and character in names[0]:
            found, expected = f"one column whose name holds {shown}", f"{_SEPARATORS[delimiter]} between columns"
            # message: Other characters stand between columns, or the suffix is wrong (.csv: commas; .tsv: tabs). |
            # Export it with commas.
            raise UserError(f"{path}, header", found, expected)


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
    records = _records(path, _delimiter(path))
    next(records)
    for line, row in records:
        if len(row) != len(names):
            # message: A row has too few or too many fields. | Look for a comma inside of a text without quotes.
            raise UserError(f"{path}, row {line}", f"{len(row)} fields", f"{len(names)}, as in the header")
        lines.append(line)
        fields.append([row[i].strip() for i in chosen])
    return pd.DataFrame(fields, columns=wanted, index=pd.Index(lines, name="row"), dtype=object)


def _records(path: str | Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The line on which each row ends, and its fields. The first is the header: blank lines before it do not count."""
    place = str(path)
    try:
        with _open(path) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
            reader = csv.reader(_lines(path, text), delimiter=delimiter, strict=True)
            place, begun = f"{path}, row 1", False
            for row in reader:
                place = f"{path}, row {reader.line_num + 1}"
                if row and (begun or len(row) > 1 or row[0].strip()):
                    begun = True
                    yield reader.line_num, row
    except UnicodeDecodeError as error:
        raise _not_text(path, error) from error
    except csv.Error as error:
        # message: A quote is open or stands inside of a field. | Put the row's quotes right.
        raise UserError(place, f"a row that is none ({error})", "a whole row") from error
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from error
    if not begun:
        # message: The file has blank lines only. | Copy or export it again.
        raise UserError(str(path), "an empty file", "a table with a header")


def _lines(path: str | Path, text: io.TextIOWrapper) -> Iterator[str]:
    for number, line in enumerate(text, start=1):
        if "\0" in line:
            # message: The file is damaged, or UTF-16. | Export it again as UTF-8.
            raise UserError(f"{path}, row {number}", "a NUL character", "a table of text")
        yield line


def _to_numbers(path: str | Path, texts: pd.Series) -> np.ndarray:
    values = texts.to_numpy(object)
    present = np.array([value not in MISSING for value in values], dtype=bool)
    numbers = np.full(len(values), np.nan)
    try:
        numbers[present] = values[present].astype(float)
    except ValueError:
        numbers[present] = [_to_number(value) for value in values[present]]
    # Python takes 1_000 and the digits of other scripts for numbers, a table's reader had better not
    odd = np.array(["_" in value or not value.isascii() for value in values], dtype=bool)
    wrong = present & (~np.isfinite(numbers) | odd)
    if wrong.any():
        index = np.argmax(wrong)
        place = f"{path}, row {texts.index[index]}, column {texts.name!r}"
        expected = "a finite number (or an empty field where it is missing)"
        # message: '1,5' | a finite number (or an empty field where it is missing) | Decimals have a dot, and nothing
        # stands beside the number. | Correct the cell; leave it empty where the number is missing.
        raise UserError(place, repr(values[index]), expected)
    return numbers


def _to_number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return np.nan
