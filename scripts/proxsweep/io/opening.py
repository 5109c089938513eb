"""Files by their first bytes, whatever their names: tables that are unpacked or turned into text, and what is refused.

gzip, xz, bzip2 and zip are unpacked up to :data:`LARGEST` bytes; Parquet becomes the CSV that pandas would write, where
pyarrow is installed. Nothing is opened that could run code.
"""

import bz2
import contextlib
import csv
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Generator
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from proxsweep.io.errors import UserError

LARGEST = 2**30  # bytes that a table may unpack to
TABLES = (".csv", ".tsv", ".tab")  # suffixes of tables
_START = 512  # bytes by which a file is known
_CHUNK = 2**16  # packed bytes that are read at once
_BATCH = 10_000  # rows of a Parquet file that are turned into text at once
_PACKED = {
    re.compile(rb"\x1f\x8b"): ("gzip", gzip.GzipFile),
    re.compile(rb"\xfd7zXZ\0"): ("xz", lambda path: _Streams(path, lzma.LZMADecompressor)),
    re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"): ("bzip2", lambda path: _Streams(path, bz2.BZ2Decompressor)),
}
_ZIP = re.compile(rb"PK(\x03\x04|\x05\x06)")
_ZSTANDARD = re.compile(rb"\x28\xb5\x2f\xfd")
_PARQUET = re.compile(rb"PAR1\x15")
_PANDAS = 'the table as text: in pandas `table.to_csv("scores.csv", index=False)`'
_R = 'the table as text: in R `write.csv(table, "scores.csv", row.names = FALSE)`'
_SHEET = "one sheet of it, saved as CSV in UTF-8"
_UNPACKED = "the table unpacked, or packed by gzip, xz, bzip2 or zip"
_REFUSED = {
    _ZSTANDARD: ("a file packed by Zstandard (.zst)", f"{_UNPACKED} (`zstd -d` unpacks it)"),
    re.compile(rb"7z\xbc\xaf\x27\x1c"): ("a 7-Zip archive (.7z)", _UNPACKED),
    re.compile(rb"(?s).{257}ustar"): ("a tar archive (.tar)", f"{_UNPACKED} (`tar -xf` unpacks it)"),
    re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"): ("an Excel file (.xls)", _SHEET),
    re.compile(rb"\x80[\2-\5]"): ("a pickle of Python, which is never opened since it can run code", _PANDAS),
    re.compile(rb"\x89HDF\r\n\x1a\n"): ("an HDF5 file (.h5)", _PANDAS),
    re.compile(rb"ARROW1\0\0|FEA1[^\n]{0,4}\0"): ("a Feather or Arrow file", _PANDAS),
    re.compile(rb"\x93NUMPY"): ("a NumPy array (.npy)", _PANDAS),
    re.compile(rb"RD[XB][23]\n[XB]\n\0\0\0|RDA[23]\nA\n"): ("a workspace of R (.RData)", _R),
    re.compile(rb"[XB]\n\0\0\0"): ("an object of R (.rds)", _R),
    re.compile(rb"SQLite format 3\0"): ("an SQLite database", _PANDAS),
    re.compile(rb"%PDF-"): ("a PDF", "the table as text (.csv or .tsv)"),
}
_OFFICE = {  # of a zip file, what its members begin with
    "xl/": ("an Excel file (.xlsx)", _SHEET),
    "mimetype": ("an OpenDocument file (.ods)", _SHEET),
    "word/": ("a Word file (.docx)", "the table as text (.csv or .tsv)"),
}
_DAMAGE = (OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


class Opened(NamedTuple):
    """Bytes of a table, and the name whose suffix says what stands between its columns."""

    stream: IO[bytes]
    name: str


def open_table(path: str | Path) -> Opened:
    """Open a file as the bytes of a table of text.

    Parameters
    ----------
    path
        Local file, plain, packed (gzip, xz, bzip2, a zip file with one table) or Parquet.

    Raises
    ------
    UserError
        For a file that is known by its first bytes to be something else, a zip file with several tables, Parquet
        without pyarrow, and, while it is read, for what is damaged or unpacks to more than :data:`LARGEST` bytes.
    OSError
        If a file cannot be opened.
    """
    with open(path, "rb") as stream:
        start = stream.read(_START)
    if _ZIP.match(start):
        return _open_zip(path)
    if _PARQUET.match(start):
        return Opened(io.BufferedReader(_Unpacked(path, _Text(_csv_of_parquet(path)), "Parquet")), "table.csv")
    for magic, (noun, packed) in _PACKED.items():
        if magic.match(start):
            return Opened(_unpacked(path, packed(path), noun), Path(path).name)
    _refuse_kind(path, start)
    return Opened(open(path, "rb"), Path(path).name)


def is_packed(start: bytes) -> bool:
    """Whether a file that begins so is packed."""
    return any(magic.match(start) for magic in (*_PACKED, _ZIP, _ZSTANDARD))


def unreadable(path: str | Path, error: Exception) -> UserError:
    """The refusal of a file that cannot be read or unpacked."""
    # message: Mostly a packed file that was cut off. | Copy or download it again.
    return UserError(str(path), f"a file that cannot be read ({error})", "a whole table")


class _Unpacked(io.RawIOBase):
    """What a packed file unpacks to, up to :data:`LARGEST` bytes."""

    def __init__(self, path: str | Path, stream: Any, noun: str, archive: zipfile.ZipFile | None = None):
        self.path, self.stream, self.noun, self.archive, self.size = path, stream, noun, archive, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            count = self.stream.readinto(buffer)
        except _DAMAGE as error:
            raise unreadable(self.path, error) from error
        self.size += count
        if self.size > LARGEST:
            found = f"a file ({self.noun}) that unpacks to more than {LARGEST / 2**20:g} MiB"
            # message: A packed table may unpack to so much at most. | Unpack it, and name the result in the config.
            raise UserError(str(self.path), found, "a smaller table, or this one unpacked if it is what it should be")
        return count

    def close(self) -> None:
        self.stream.close()
        if self.archive is not None:
            self.archive.close()
        super().close()


class _Streams(io.RawIOBase):
    """What the streams of an xz or bzip2 file unpack to: whatever follows one has to be another, and be whole.

    Python's own readers take a damaged stream behind a whole one for the end.
    """

    def __init__(self, path: str | Path, new: Callable[[], Any]):
        self.file, self.new, self.unpacker, self.rest = open(path, "rb"), new, new(), b""  # noqa: SIM115

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.unpacker.eof or self._next():
            packed = (self.rest or self.file.read(_CHUNK)) if self.unpacker.needs_input else b""
            if self.unpacker.needs_input and not packed:
                raise EOFError("it ends within its packed bytes")
            self.rest = b""
            if data := self.unpacker.decompress(packed, len(buffer)):
                buffer[: len(data)] = data
                return len(data)
        return 0

    def _next(self) -> bool:
        """Begin the stream behind one that has ended, zeros between them left out; False at the end of the file."""
        self.rest = self.unpacker.unused_data.lstrip(b"\0")
        while not self.rest:
            chunk = self.file.read(_CHUNK)
            if not chunk:
                return False
            self.rest = chunk.lstrip(b"\0")
        self.unpacker = self.new()
        return True

    def close(self) -> None:
        self.file.close()
        super().close()


class _Text(io.RawIOBase):
    """A stream of the bytes of pieces."""

    def __init__(self, pieces: Generator[bytes, None, None]):
        self.pieces, self.rest = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.rest:
            piece = next(self.pieces, None)
            if piece is None:
                return 0
            self.rest = piece
        count = min(len(buffer), len(self.rest))
        buffer[:count], self.rest = self.rest[:count], self.rest[count:]
        return count

    def close(self) -> None:
        self.pieces.close()
        super().close()


def _unpacked(path: str | Path, stream: Any, noun: str, archive: zipfile.ZipFile | None = None) -> IO[bytes]:
    """The unpacked bytes, after a look at the first of them."""
    opened = io.BufferedReader(_Unpacked(path, stream, noun, archive), 2**16)
    start = opened.peek(_START)[:_START]
    try:
        if _ZIP.match(start) or _PARQUET.match(start) or any(magic.match(start) for magic in _PACKED):
            # message: One packing lies within another. | Unpack the outer one.
            raise UserError(str(path), f"a file ({noun}) that holds a packed one", "a table packed once")
        _refuse_kind(path, start)
    except UserError:
        opened.close()
        raise
    return opened


def _refuse_kind(path: str | Path, start: bytes) -> None:
    for magic, (found, expected) in _REFUSED.items():
        if magic.match(start):
            # message: an Excel file (.xls) | one sheet of it, saved as CSV in UTF-8 | The first bytes say what the file
            # is, whatever its name. | Export the table as text.
            # message: a file packed by Zstandard (.zst) / a tar archive (.tar) / a 7-Zip archive (.7z) | the table
            # unpacked, or packed by gzip, xz, bzip2 or zip | Only these packings are read. | Unpack it.
            # message: a pickle of Python / an HDF5 file (.h5) / a Feather or Arrow file / a NumPy array (.npy) / an
            # SQLite database | the table as text: in pandas `table.to_csv("scores.csv", index=False)` | Only text and
            # Parquet are read. | Export the table so.
            # message: an object of R (.rds) / a workspace of R (.RData) | the table as text: in R `write.csv(table,
            # "scores.csv", row.names = FALSE)` | Only text and Parquet are read. | Export the table so.
            raise UserError(str(path), found, expected)


def _open_zip(path: str | Path) -> Opened:
    try:
        with contextlib.ExitStack() as stack:
            archive = stack.enter_context(zipfile.ZipFile(path))
            chosen = _member(path, archive)
            opened = _unpacked(path, archive.open(chosen), "zip", archive)
            stack.pop_all()
    except _DAMAGE as error:
        raise unreadable(path, error) from error
    return Opened(opened, chosen.filename)


def _member(path: str | Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The table of a zip file: its one file, or of several the one with a suffix of tables."""
    members = [one for one in archive.infolist() if not one.is_dir() and not _is_hidden(one.filename)]
    for start, (found, expected) in _OFFICE.items():
        if any(one.filename.startswith(start) for one in members):
            # message: an Excel file (.xlsx) / an OpenDocument file (.ods) | one sheet of it, saved as CSV in UTF-8 | A
            # spreadsheet has several sheets, and is no text. | Save the sheet as CSV.
            raise UserError(str(path), found, expected)
    tables = [one for one in members if PurePosixPath(one.filename).suffix.lower() in TABLES]
    chosen = members if len(members) == 1 else tables
    if len(chosen) != 1:
        listed = ", ".join(one.filename for one in (tables or members)[:20])
        # message: a zip file with 2 tables: a.csv, b.csv / a zip file without a table: readme.txt | one table (.csv or
        # .tsv) in a zip file; several are unpacked and named one by one | The tables are not told apart; beside one
        # table there may be files of other suffixes. | Unpack it, and name the tables in the config.
        raise UserError(
            str(path),
            f"a zip file with {len(tables)} tables: {listed}" if tables else f"a zip file without a table: {listed}",
            "one table (.csv or .tsv) in a zip file; several are unpacked and named one by one",
        )
    if chosen[0].flag_bits & 1:
        # message: Nobody is asked for it. | Unpack the file.
        raise UserError(str(path), "a zip file with a password", "the table unpacked, or zipped without one")
    return chosen[0]


def _is_hidden(name: str) -> bool:
    """Whether a member is none of the user's: a Mac puts some beside each file."""
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def _csv_of_parquet(path: str | Path) -> Generator[bytes, None, None]:
    """The rows as CSV: numbers as pandas writes them, whole ones also where some are missing, nulls as nothing.

    What pandas kept as an index without a name comes as a column without one.
    """
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        # message: pyarrow reads such files, and is not among what the workflow needs. | Install it into the
        # environment, or write the table as CSV.
        raise UserError(
            str(path),
            "a Parquet file, and no pyarrow to read it",
            "pyarrow in the environment (`.venv/bin/pip install pyarrow`), or " + _PANDAS,
        ) from error
    try:
        file = parquet.ParquetFile(path)
        names = [re.sub(r"__index_level_\d+__", "", name) for name in file.schema_arrow.names]
        header = io.StringIO()
        csv.writer(header, lineterminator="\n").writerow(names)
        yield header.getvalue().encode()
        for batch in file.iter_batches(_BATCH):
            rows = batch.to_pandas(integer_object_nulls=True, ignore_metadata=True)
            yield rows.to_csv(header=False, index=False, lineterminator="\n").encode()
    except ArrowException as error:
        # message: passed on
        raise unreadable(path, error) from error
