"""Files by their first bytes: what is unpacked or turned into text, and what is refused by name with what to do."""

import bz2
import gzip
import io
import lzma
import pickle
import sys
import tarfile
import types
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.data import read
from proxsweep.io import opening
from proxsweep.io.errors import UserError

try:
    import pyarrow
except ImportError:
    pyarrow = None

TABLE = "condition,aa_substitutions,func_score\na,P9A,-0.5\nb,,0\n"
TABS = TABLE.replace(",", "\t")
ZIPPED = {"scores.csv": TABLE}


def zipped(members: dict[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(name: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    return stream.getvalue()


def saved(array: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def locked() -> bytes:
    """A zip file whose member says that it has a password."""
    content = bytearray(zipped(ZIPPED))
    content[6] |= 1  # flags of the member
    content[content.index(b"PK\1\2") + 8] |= 1  # and in the directory
    return bytes(content)


def refusal(path: Path, content: bytes, ask=read.header) -> UserError:
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        ask(path)
    assert str(path) in caught.value.place
    return caught.value


PACKED = {
    "scores.csv.gz": gzip.compress(TABLE.encode()),
    "scores.csv.xz": lzma.compress(TABLE.encode()),
    "scores.csv.bz2": bz2.compress(TABLE.encode()),
    "scores.csv.zip": zipped(ZIPPED),
    "scores.tsv.xz": lzma.compress(TABS.encode()),
    "scores.tab.bz2": bz2.compress(TABS.encode()),
    "tabs.zip": zipped({"inside/scores.tsv": TABS}),
    "a_name_that_says_csv.csv": lzma.compress(TABLE.encode()),
    "no_suffix": bz2.compress(TABS.encode()),
    "two_streams.csv.xz": lzma.compress(TABLE[:60].encode()) + lzma.compress(TABLE[60:].encode()),
    "from_a_mac.zip": zipped({"f/": "", "f/scores.csv": TABLE, "__MACOSX/f/._scores.csv": "x", "f/.DS_Store": "x"}),
    "with_a_licence.zip": zipped({"LICENSE.txt": "free", "scores.csv": TABLE, "about.json": "{}"}),
    "one_file_of_another_suffix.zip": zipped({"scores.txt": TABLE}),
}


@pytest.mark.parametrize("name", PACKED)
def test_packed_tables_are_read_whatever_their_names(tmp_path, name):
    (tmp_path / name).write_bytes(PACKED[name])
    table = read.read_table(tmp_path / name, ["condition", "aa_substitutions"], ["func_score"])
    assert table.to_numpy().tolist() == [["a", "P9A", -0.5], ["b", "", 0.0]]
    assert table.index.tolist() == [2, 3]


KINDS = {
    "t.csv.zst": (b"\x28\xb5\x2f\xfd\x04\x00", "Zstandard (.zst)", "zstd -d"),
    "t.7z": (b"7z\xbc\xaf\x27\x1c\0\4", "7-Zip", "unpacked"),
    "t.tar": (tarred("scores.csv"), "a tar archive", "tar -xf"),
    "t.tar.gz": (gzip.compress(tarred("scores.csv")), "a tar archive", "tar -xf"),
    "t.xlsx": (zipped({"[Content_Types].xml": "x", "xl/workbook.xml": "x"}), "an Excel file (.xlsx)", "saved as CSV"),
    "excel_called.csv": (zipped({"_rels/.rels": "x", "xl/workbook.xml": "x"}), "an Excel file (.xlsx)", "saved as CSV"),
    "t.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "an Excel file (.xls)", "saved as CSV"),
    "t.ods": (
        zipped({"mimetype": "application/vnd.oasis", "content.xml": "x"}),
        "an OpenDocument file",
        "saved as CSV",
    ),
    "t.docx": (zipped({"word/document.xml": "x"}), "a Word file", "as text"),
    "t.pkl": (pickle.dumps(pd.DataFrame({"x": [1]})), "a pickle", "to_csv"),
    "t.pkl.gz": (gzip.compress(pickle.dumps([1])), "a pickle", "to_csv"),
    "t.h5": (b"\x89HDF\r\n\x1a\n\0\0", "an HDF5 file", "to_csv"),
    "t.feather": (b"ARROW1\0\0\xff\xff", "a Feather or Arrow file", "to_csv"),
    "old.feather": (b"FEA1\0\0\0\0", "a Feather or Arrow file", "to_csv"),
    "t.npy": (saved(np.arange(3)), "a NumPy array", "to_csv"),
    "t.rds": (gzip.compress(b"X\n\0\0\0\3\0\4\2\1"), "an object of R (.rds)", "write.csv"),
    "t.RData": (lzma.compress(b"RDX3\nX\n\0\0\0\3"), "a workspace of R (.RData)", "write.csv"),
    "t.db": (b"SQLite format 3\0\x10", "an SQLite database", "to_csv"),
    "t.pdf": (b"%PDF-1.7\n", "a PDF", "as text"),
    "two.zip": (zipped({"a.csv": TABLE, "b.csv": TABLE}), "with 2 tables: a.csv, b.csv", "one table"),
    "texts.zip": (zipped({"a.txt": TABLE, "b.txt": TABLE}), "without a table: a.txt, b.txt", "one table"),
    "none.zip": (zipped({"f/": ""}), "a zip file without a table", "one table"),
    "locked.zip": (locked(), "a zip file with a password", "without one"),
    "twice.csv.gz": (
        gzip.compress(lzma.compress(TABLE.encode())),
        "a file (gzip) that holds a packed one",
        "packed once",
    ),
    "inner.zip": (
        zipped({"a.csv.gz": gzip.compress(TABLE.encode())}),
        "a file (zip) that holds a packed",
        "packed once",
    ),
}


@pytest.mark.parametrize("ask", [read.header, read.check_table, lambda path: read.read_table(path, ["condition"])])
@pytest.mark.parametrize("name", KINDS)
def test_other_files_are_refused_by_name_with_what_to_do(tmp_path, name, ask):
    content, found, expected = KINDS[name]
    error = refusal(tmp_path / name, content, ask)
    assert found in error.found and expected in error.expected


@pytest.mark.parametrize(
    "text", ["PAR1,PAR2\n1,2\n", "FEA1,x\n1,2\n", "BZh91,x\n1,2\n", "RDX3\nX\n", "X\n0\n", "PK,x\n1,2\n"]
)
def test_text_that_begins_like_a_file_of_another_kind_is_text(tmp_path, text):
    (tmp_path / "t.csv").write_text(text)
    assert read.header(tmp_path / "t.csv") == text.partition("\n")[0].split(",")


@pytest.mark.parametrize("name", ["scores.csv.gz", "scores.csv.xz", "scores.csv.bz2", "scores.csv.zip"])
def test_files_that_were_cut_off_are_refused(tmp_path, name):
    for size in (12, 40, len(PACKED[name]) - 4):
        error = refusal(tmp_path / name, PACKED[name][:size], lambda path: read.read_table(path, ["condition"]))
        assert "cannot be read" in error.found and "whole table" in error.expected


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress, lambda text: zipped({"t.csv": text})])
def test_a_packed_table_may_unpack_to_so_much(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(opening, "LARGEST", 2**17)
    path = tmp_path / "t.csv"
    path.write_bytes(pack(b"x,y\n" + b"1,2\n" * 2**14))
    assert len(read.read_table(path, ["x"])) == 2**14
    error = refusal(path, pack(b"x,y\n" + b"1,2\n" * 2**16), lambda path: read.read_table(path, ["x"]))
    assert "unpacks to more than 0.125 MiB" in error.found


ROWS = pd.DataFrame({"condition": ["a", "b"], "n": pd.array([3, None], dtype="Int64"), "y": [0.1, np.nan]})


def arrow() -> types.ModuleType:
    """What is used of pyarrow, made of pandas: the rows above in two batches, with an index that has no name."""

    class Batch(pd.DataFrame):
        def to_pandas(self, **options):
            assert options == {"integer_object_nulls": True, "ignore_metadata": True}
            return pd.DataFrame(self).assign(n=self["n"].astype(object).where(self["n"].notna(), None))

    class ParquetFile:
        schema_arrow = types.SimpleNamespace(names=["condition", "n", "y", "__index_level_0__"])

        def __init__(self, path):
            rows = ROWS.assign(index=["P9A", "K5D, P9A"])
            self.batches = [Batch(rows[:1]), Batch(rows[1:])]

        def iter_batches(self, size):
            return iter(self.batches)

    module = types.ModuleType("pyarrow")
    module.ArrowException, module.parquet = OSError, types.SimpleNamespace(ParquetFile=ParquetFile)
    return module


def test_parquet_is_read_as_the_csv_that_pandas_would_write(tmp_path, monkeypatch):
    """With pyarrow, where it is installed; else with a stand-in, as it is no requirement."""
    path = tmp_path / "scores.parquet"
    if pyarrow is None:
        monkeypatch.setitem(sys.modules, "pyarrow", arrow())
        path.write_bytes(b"PAR1\x15\4")
    else:
        ROWS.set_index(pd.Index(["P9A", "K5D, P9A"])).to_parquet(path)
    assert sorted(read.header(path)) == ["", "condition", "n", "y"]
    table = read.read_table(path, ["condition", "", "n"], ["y"])
    assert table[["condition", "", "n"]].to_numpy().tolist() == [["a", "P9A", "3"], ["b", "K5D, P9A", ""]]
    np.testing.assert_array_equal(table["y"], [0.1, np.nan])
    assert table.index.tolist() == [2, 3]


def test_parquet_without_pyarrow_is_refused_with_both_ways_out(tmp_path, monkeypatch):
    if pyarrow is not None:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
    error = refusal(tmp_path / "scores.csv", b"PAR1\x15\4\x15\x10")
    assert error.found == "a Parquet file, and no pyarrow to read it"
    assert "pip install pyarrow" in error.expected and "to_csv" in error.expected


@pytest.mark.parametrize("pack", [lzma.compress, bz2.compress])
@pytest.mark.parametrize("between", [b"", b"\0" * 8])
def test_streams_behind_each_other_are_all_read_and_a_damaged_one_is_no_end(tmp_path, pack, between):
    path = tmp_path / "t.csv"
    parts = [b"a,b\n" + b"1,2\n" * 40_000, b"3,4\n" * 40_000]
    path.write_bytes(between.join(map(pack, parts)) + between)
    with opening.open_table(path).stream as stream:
        assert stream.read() == b"".join(parts)
    damaged = bytearray(pack(parts[1]))
    damaged[2] ^= 0xFF
    for rest in (bytes(damaged), b"no stream", pack(parts[1])[:-9]):
        path.write_bytes(pack(parts[0]) + rest)
        with opening.open_table(path).stream as stream, pytest.raises(UserError, match="cannot be read"):
            stream.read()
