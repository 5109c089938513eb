"""Tables of text as matrices: what is read, and what is refused with row, column and text."""

import bz2
import gzip
import io
import lzma
import zipfile

import numpy as np
import pytest

from proxsweep.io.errors import UserError
from proxsweep.nmf.data import read

TABLE = "gene,s1,s2,s3\nHLA-A,1,0,2.5\n7SK,3,4e2,0\nA[C>A]A,0,.5,+7\n"
V = [[1, 0, 2.5], [3, 400, 0], [0, 0.5, 7]]


def save(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def zipped(name, content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def refusal(path, *arguments):
    with pytest.raises(UserError) as caught:
        read.read(path, *arguments)
    return caught.value


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("v.csv", TABLE),
        ("v.tsv", TABLE.replace(",", "\t")),
        ("v.txt", TABLE.replace(",", "\t")),
        ("v.csv.gz", gzip.compress(TABLE.encode(), mtime=0)),
        ("v.csv.xz", lzma.compress(TABLE.encode())),
        ("v.csv.bz2", bz2.compress(TABLE.encode())),
        ("v.zip", zipped("inside.csv", TABLE)),
        ("marked.csv", b"\xef\xbb\xbf" + TABLE.encode()),
        ("windows.csv", TABLE.replace("\n", "\r\n")),
        ("mac.csv", TABLE.replace("\n", "\r")),
        ("r.csv", TABLE.replace("gene,", "")),
        ("pandas.csv", TABLE.replace("gene,", ",")),
        ("quoted.csv", TABLE.replace("HLA-A", '"HLA-A"').replace("s1", '"s1"')),
        ("blanks.csv", TABLE.replace(",", " , ")),
        ("comment.csv", "# made by a program\n" + TABLE),
        ("quote_in_comment.csv", '# made by "a program\n' + TABLE + "\n"),
        ("blank_lines.csv", "\n\n" + TABLE + "\n\n"),
        ("no_end.csv", TABLE[:-1]),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
def test_every_kind_of_table_reads_alike(tmp_path, name, content):
    found = read.read(save(tmp_path, name, content))
    assert found.features.tolist() == ["HLA-A", "7SK", "A[C>A]A"] and found.samples.tolist() == ["s1", "s2", "s3"]
    np.testing.assert_array_equal(found.matrix, V)
    assert found.matrix.dtype == np.float64 and found.matrix.flags.c_contiguous


def test_features_in_columns(tmp_path):
    found = read.read(save(tmp_path, "v.csv", TABLE), "columns")
    assert found.features.tolist() == ["s1", "s2", "s3"] and found.samples[0] == "HLA-A"
    np.testing.assert_array_equal(found.matrix, np.transpose(V))
    assert found.matrix.flags.c_contiguous


def test_numbers_are_read_to_the_last_digit(tmp_path):
    rows = np.random.default_rng(0).random((11, 3)) * 10.0 ** np.arange(-300, 30, 10).reshape(11, 3)
    lines = [f"g{i}," + ",".join(map(repr, row.tolist())) for i, row in enumerate(rows)]
    found = read.read(save(tmp_path, "v.csv", "\n".join(["gene,a,b,c", *lines])))
    np.testing.assert_array_equal(found.matrix, rows)
    assert found.features.tolist() == [f"g{i}" for i in range(11)]


@pytest.mark.parametrize("corner", ["", "gene"])
@pytest.mark.parametrize("first", [0, 1])
def test_columns_that_are_counted_are_names(tmp_path, corner, first):
    header = ",".join([corner, *(str(k + first) for k in range(3))])
    assert read.read(save(tmp_path, "v.csv", TABLE.replace("gene,s1,s2,s3", header))).samples[2] == str(2 + first)


def test_numbers_under_an_empty_corner_are_names(tmp_path):
    path = save(tmp_path, "v.csv", TABLE.replace("gene,s1,s2,s3", ",1001,1007,1003"))
    assert read.read(path).samples.tolist() == ["1001", "1007", "1003"]


def test_rows_may_have_whole_numbers_for_names(tmp_path):
    assert read.read(save(tmp_path, "v.csv", "entrez,a,b\n7157,1,2\n672,3,4\n")).features.tolist() == ["7157", "672"]


@pytest.mark.parametrize(
    ("content", "place", "found", "expected"),
    [
        ("1,2,3\n4,5,6\n", "header", "numbers in the place of names (1, 2, 3)", "names of the columns"),
        ("A[C>A]A,58,74\nA[C>A]C,36,66\n", "header", "numbers in the place of names", "names of the columns"),
        ("a,b,c\n0.5,1,2\n3.5,3,4\n", "column 1", "numbers in the place of names (0.5)", "a name for each row"),
        (TABLE.replace("HLA-A", "gene,s1,s2,s3\nHLA-A"), "row 2", "a row without numbers", "one header"),
        (TABLE + "gene,s1,s2,s3\n", "row 5", "a row without numbers (gene, s1, s2, s3)", "one header"),
        (TABLE.replace("4e2", ""), "row 3 (7SK), column 's2'", "an empty cell", "is written 0"),
        (TABLE.replace("4e2", "NA"), "row 3 (7SK), column 's2'", "'NA', a missing value", "is written 0"),
        (TABLE.replace("4e2", "nan"), "row 3 (7SK), column 's2'", "'nan', a missing value", "is written 0"),
        (TABLE.replace("4e2", "inf"), "row 3 (7SK), column 's2'", "inf, which is not finite", "a finite number"),
        (TABLE.replace("4e2", "1e999"), "row 3 (7SK), column 's2'", "1e999, which is not finite", "a finite number"),
        (TABLE.replace("4e2", "4x"), "row 3 (7SK), column 's2'", "'4x'", "a number"),
        (TABLE.replace("4e2", "1_0"), "row 3 (7SK), column 's2'", "'1_0'", "a number"),
        (TABLE.replace("4e2", "٣"), "row 3 (7SK), column 's2'", "'٣'", "a number"),
        (TABLE.replace("4e2", '"1,5"'), "row 3 (7SK), column 's2'", "'1,5'", "decimal comma"),
        (TABLE.replace("7SK,3,4e2,0", "7SK,3,4e2"), "row 3", "3 fields", "4, as in the rows above"),
        (TABLE.replace("7SK,3,4e2,0", "7SK,3,4e2,0,5"), "row 3", "5 fields", "4, as in the rows above"),
        (TABLE[: TABLE.index("+7") - 1], "row 4", "3 fields", "a whole table"),
        (TABLE + "x\n", "row 5", "1 field", "a whole table"),
        ("gene,s1,s2,s3,s4\n" + TABLE.split("\n", 1)[1], "row 2", "4 fields under a header of 5", "as many as"),
        ("g s1 s2\nx 1 2\ny 3 4\n", "header", "no commas or tabs between the columns ('g s1 s2')", "tabs (.tsv)"),
        ("gene,s1,s2,s3\n", "v.csv", "a header without rows", "rows of numbers"),
        ("", "v.csv", "an empty file", "a table"),
        (TABLE + "\0", "v.csv", "1 NUL byte at the end of the file", "without them"),
        (TABLE + "\0" * 3004, "v.csv", "3004 NUL bytes at the end of the file", "without them"),
        (TABLE.replace("4e2", "4\0"), "row 3", "a NUL character", "a table of text"),
        (TABLE.replace("7SK", "7\0SK"), "row 3", "a NUL character", "a table of text"),
        (TABLE.encode("utf-16"), "row", "bytes that are not UTF-8", "UTF-8"),
        (TABLE.replace("7SK", "7é").encode("latin-1"), "row 3", "bytes that are not UTF-8", "UTF-8"),
        (TABLE.replace(",", ";").replace(".", ","), "header", "one column whose name holds ';'", "commas"),
        ('gene,s1,s2\na,"1,2\n', "row 2", "a row that is none", "a whole row"),
        ("<!DOCTYPE html><html></html>", "v.csv", "an HTML page", "raw file"),
        ("version https://git-lfs.github.com/spec/v1\n", "v.csv", "a Git LFS pointer", "the table itself"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() and value.isprintable() else "",
)
def test_what_is_refused(tmp_path, content, place, found, expected):
    error = refusal(save(tmp_path, "v.csv", content))
    assert "v.csv" in error.place and place in error.place
    assert found in error.found and expected in error.expected


@pytest.mark.parametrize(
    ("cells", "column", "found", "expected"),
    [
        ("1,5\t2", "a", "'1,5'", "a number with a decimal point; it looks like a decimal comma"),
        ("8,0\t1,5", "a", "'8,0'", "it looks like a decimal comma"),
        ("1,008\t2,004", "a", "'1,008'", "it looks like a thousands comma, or a decimal comma"),
        ("3\t1,008,112.5", "b", "'1,008,112.5'", "a number without thousands commas; it looks like a thousands comma"),
    ],
)
def test_commas_between_tabs(tmp_path, cells, column, found, expected):
    error = refusal(save(tmp_path, "v.tsv", f"gene\ta\tb\nx\t{cells}\n"))
    assert f"row 2 (x), column '{column}'" in error.place and error.found == found and expected in error.expected


def test_the_corner_of_r_shifts_no_column(tmp_path):
    error = refusal(save(tmp_path, "v.csv", "s1,s2\nx,1,2\ny,3,oops\n"))
    assert "row 3 (y), column 's2'" in error.place


@pytest.mark.parametrize("packed", [gzip.compress, lzma.compress, bz2.compress])
def test_an_unfinished_download_is_refused(tmp_path, packed):
    rows = np.random.default_rng(0).random((2000, 3))
    text = "gene,a,b,c\n" + "".join(f"g{i},{a},{b},{c}\n" for i, (a, b, c) in enumerate(rows))
    whole = packed(text.encode())
    assert "cannot be read" in refusal(save(tmp_path, "v.csv.gz", whole[: len(whole) * 2 // 3])).found


@pytest.mark.parametrize(
    ("start", "found"),
    [(b"\x89HDF\r\n\x1a\n", "HDF5"), (b"\x93NUMPY\1\0", "array of NumPy"), (b"%%MatrixMarket matrix", "Matrix Market")],
)
def test_other_formats_need_their_suffix(tmp_path, start, found):
    error = refusal(save(tmp_path, "v.dat", start + b" " * 40))
    assert found in error.found and ".h5ad" in error.expected


def test_a_layer_of_a_table_is_refused(tmp_path):
    assert "the layer 'raw'" in refusal(save(tmp_path, "v.csv", TABLE), None, "raw").found


def test_a_missing_file_is_refused(tmp_path):
    assert refusal(tmp_path / "v.csv").found == "no such file"
    assert read.files(tmp_path / "v.csv") == [tmp_path / "v.csv"]
