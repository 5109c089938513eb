"""The records of a delimited file with the lines on which they end, after refusing what is known to be no table."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from proxsweep.io import opening
from proxsweep.io.errors import UserError

_FIRST = 2**20  # bytes in which a first line is looked for
_LFS = b"version https://git-lfs.github.com/spec/"
_MARKUP = (b"<!doctype", b"<html", b"<head", b"<body", b"<?xml")
_MARK = b"\xef\xbb\xbf"
_DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_SEPARATORS = {",": "commas", "\t": "tabs"}


def delimiter(path: str | Path) -> str:
    """What stands between the columns of a file: by its suffix, else by its first line.

    Raises
    ------
    UserError
        If the file is missing, empty, a Git LFS pointer, an HTML page, or of a kind that is not read (see
        :func:`proxsweep.io.opening.open_table`).
    """
    line, name = _first_line(path)
    suffixes = [suffix for suffix in Path(name).suffixes if suffix in _DELIMITERS]
    if suffixes:
        return _DELIMITERS[suffixes[-1]]
    return "\t" if line.count(b"\t") > line.count(b",") else ","


def records(path: str | Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The line on which each row ends, and its fields. The first is the header.

    Before it blank lines do not count, and lines that begin with ``#`` neither, unless it is the header that does: the
    only such line, with as many fields as the next one.

    Raises
    ------
    UserError
        For what is no text, a row that is none, and a file that is damaged.
    """
    place = str(path)
    try:
        with opening.open_table(path).stream as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
            reader = csv.reader(_blanked(_lines(path, text), delimiter), delimiter=delimiter, strict=True)
            place, begun = f"{path}, row 1", False
            for row in reader:
                place = f"{path}, row {reader.line_num + 1}"
                if row and (begun or len(row) > 1 or row[0].strip()):
                    begun = True
                    yield reader.line_num, row
    except UnicodeDecodeError as error:
        found = f"bytes that are not UTF-8 text ({error.reason})"
        # message: Another encoding (UTF-16, Latin-1). | Save it as CSV UTF-8, as spreadsheets call it.
        raise UserError(f"{path}, row {_first_odd(path)}", found, "a table in UTF-8: save it as CSV UTF-8") from error
    except csv.Error as error:
        # message: A quote is open or stands inside of a field. | Put the row's quotes right.
        raise UserError(place, f"a row that is none ({error})", "a whole row") from error
    except OSError as error:
        # message: passed on
        raise opening.unreadable(path, error) from error
    if not begun:
        # message: The file has blank lines only. | Copy or export it again.
        raise UserError(str(path), "an empty file", "a table with a header")


def refuse_other_delimiter(path: str | Path, names: list[str], delimiter: str) -> None:
    """A single column whose name holds what others put between columns is no column."""
    others = {";": "';'", ",": "','", "\t": "a tab"}
    for character, shown in others.items():
        if len(names) == 1 and character != delimiter and character in names[0]:
            found, expected = f"one column whose name holds {shown}", f"{_SEPARATORS[delimiter]} between columns"
            if character == ";":
                expected += " (.csv: commas, .tsv: tabs), and decimal points in the numbers"
            # message: Other characters stand between columns, or the suffix is wrong (.csv: commas; .tsv: tabs). |
            # Export it with commas or tabs; where spreadsheets write ; they often write decimal commas too.
            raise UserError(f"{path}, header", found, expected)


def _first_line(path: str | Path) -> tuple[bytes, str]:
    """First line of a file that is not blank, and the name whose suffix counts."""
    try:
        if Path(path).is_dir():
            # message: A table is one file. | Name the file in it; of several each.
            raise UserError(str(path), "a folder", "a table in it (.csv or .tsv, perhaps packed, or Parquet)")
        if not Path(path).is_file():
            # message: There is none at this path, which starts where you run. | Correct it.
            raise UserError(str(path), "no such file", "a table (.csv or .tsv, perhaps packed, or Parquet)")
        opened = opening.open_table(path)
        with opened.stream as stream:
            start = stream.read(512).lstrip()
            marked = start.removeprefix(_MARK).startswith(b"#")
            rest = stream.read(_FIRST) if marked else b"" if b"\n" in start else stream.readline(_FIRST)
    except (OSError, ValueError) as error:
        # message: passed on
        raise opening.unreadable(path, error) from error
    if not start.removeprefix(_MARK).strip() and not rest.strip():
        # message: The file has no content. | Copy or export it again.
        raise UserError(str(path), "an empty file", "a table with a header")
    if start.startswith(_LFS):
        # message: A clone without its large files. | Run `git lfs pull`, or download the file by itself.
        raise UserError(
            str(path),
            "a Git LFS pointer, not the table it stands for",
            "the table itself (from the repository's media address, or `git lfs pull`)",
        )
    if start.removeprefix(_MARK).lstrip().lower().startswith(_MARKUP):
        # message: The page around the file was fetched. | On a site such as GitHub take the address behind "Raw" or
        # "Download".
        raise UserError(str(path), "an HTML page", "a table (the address of the raw file, not of its page)")
    if marked:
        return _behind_comments((start + rest).removeprefix(_MARK)), opened.name
    return re.split(rb"[\r\n]", start + rest, maxsplit=1)[0], opened.name


def _behind_comments(start: bytes) -> bytes:
    """The first line that does not begin with ``#``; the very first where there is no other."""
    lines = [line for line in re.split(rb"[\r\n]+", start) if line.strip()]
    return next((line for line in lines if not line.startswith(b"#")), lines[0])


def _blanked(lines: Iterator[str], delimiter: str) -> Iterator[str]:
    """The lines, with blank ones in place of the comments before the header, so that rows keep their numbers."""
    first: list[str] = []
    for line in lines:
        first.append(line)
        if line.strip() and not line.startswith("#"):
            break
    marked = [line for line in first if line.startswith("#")]
    is_header = len(marked) == 1 and _alike(marked[0], first[-1], delimiter)
    if marked and not is_header and not first[-1].startswith("#"):
        first = ["\n" if line.startswith("#") else line for line in first]
    yield from first
    yield from lines


def _alike(line: str, other: str, delimiter: str) -> bool:
    """Whether two lines have as many fields, at least two."""
    fields, others = (len(next(csv.reader([one], delimiter=delimiter), [])) for one in (line, other))
    return fields == others > 1


def _first_odd(path: str | Path) -> int:
    """The first line that is not UTF-8."""
    with opening.open_table(path).stream as stream:
        text = io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="")
        return next((i for i, line in enumerate(text, 1) if any("\udc80" <= c <= "\udcff" for c in line)), 1)


def _lines(path: str | Path, text: io.TextIOWrapper) -> Iterator[str]:
    for number, line in enumerate(text, start=1):
        if "\0" in line:
            # message: The file is damaged, or UTF-16. | Export it again as UTF-8.
            raise UserError(f"{path}, row {number}", "a NUL character", "a table of text")
        yield line
