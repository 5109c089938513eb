"""Reading tables: what is read, and what is refused with file, place, found and expected."""

import gzip
import hashlib

import numpy as np
import pytest

from proxsweep.dms.data import read
from proxsweep.io.errors import UserError

TABLE = "condition,aa_substitutions,func_score\na,M1E,2\na,,0.5\nb,G3R G4A,\n"


def save(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", TABLE.encode()),
        ("t.tsv", TABLE.replace(",", "\t").encode()),
        ("t.csv.gz", gzip.compress(TABLE.encode(), mtime=0)),
        ("t.tsv.gz", gzip.compress(TABLE.replace(",", "\t").encode(), mtime=0)),
        ("zipped_without_saying.csv", gzip.compress(TABLE.encode(), mtime=0)),
        ("tabs_without_saying", TABLE.replace(",", "\t").encode()),
        ("marked.csv", b"\xef\xbb\xbf" + TABLE.encode()),
        ("windows.csv", TABLE.replace("\n", "\r\n").encode()),
        ("quoted.csv", TABLE.replace("G3R G4A", '"G3R G4A"').encode()),
    ],
)
def test_every_kind_of_table_reads_alike(tmp_path, name, content):
    table = read.read_table(save(tmp_path, name, content), ["aa_substitutions", "condition"], ["func_score"])
    assert table["aa_substitutions"].tolist() == ["M1E", "", "G3R G4A"]
    assert table["condition"].tolist() == ["a", "a", "b"]
    np.testing.assert_array_equal(table["func_score"], [2, 0.5, np.nan])


@pytest.mark.parametrize(
    "comments", ["# one\n", '# a, "b\n\n#c\n', "#\n#\n", "# 1,2,3\n# 4,5,6\n", "\ufeff# bytes\r\n"]
)
@pytest.mark.parametrize(("name", "separator"), [("t.csv", ","), ("t.tsv", "\t"), ("t", "\t"), ("t.txt", ",")])
def test_comments_before_the_header_are_skipped_and_counted_as_rows(tmp_path, comments, name, separator):
    path = save(tmp_path, name, comments + TABLE.replace(",", separator))
    assert read.header(path) == ["condition", "aa_substitutions", "func_score"]
    table = read.read_table(path, ["condition"], ["func_score"])
    assert table["condition"].tolist() == ["a", "a", "b"]
    assert table.index.tolist() == [comments.count("\n") + i for i in (2, 3, 4)]


def test_a_header_may_begin_with_a_number_sign(tmp_path):
    assert read.header(save(tmp_path, "t.csv", "#" + TABLE)) == ["#condition", "aa_substitutions", "func_score"]
    path = save(tmp_path, "t.csv", TABLE.replace("\na", "\n#a"))
    assert read.read_table(path, ["condition"])["condition"].tolist() == ["#a", "#a", "b"]


@pytest.mark.parametrize("text", ["NA", "nan", "None", "null", "N/A", "-", "1"])
def test_text_columns_hold_no_missing_values(tmp_path, text):
    path = save(tmp_path, "t.csv", f"aa_substitutions,func_score\n{text},1\n,2\n")
    assert read.read_table(path, ["aa_substitutions"])["aa_substitutions"].tolist() == [text, ""]


def test_numbers_are_the_nearest_floats_and_missing_ones_nan(tmp_path):
    path = save(tmp_path, "t.csv", "x,y\n0.1,0\n1e-300,0\n-2.5E3,0\nNA,0\n,0\n 7 ,0\n")
    values = read.read_table(path, [], ["x"])["x"]
    np.testing.assert_array_equal(values, [0.1, 1e-300, -2500.0, np.nan, np.nan, 7.0])


def test_a_matching_digest_is_accepted_in_either_case(tmp_path):
    path = save(tmp_path, "t.csv", TABLE)
    digest = hashlib.sha256(TABLE.encode()).hexdigest()
    for text in (digest, digest.upper()):
        assert len(read.read_table(path, ["condition"], sha256=text)) == 3
        read.check_table(path, text)


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
NOT_TABLES = [
    ("pointer.csv", POINTER.encode(), "Git LFS pointer", "media address"),
    ("page.csv", b"\n<!DOCTYPE html>\n<html><body>404</body></html>", "HTML page", "raw file"),
    ("page.csv.gz", gzip.compress(b"<html lang='en'>", mtime=0), "HTML page", "raw file"),
    ("empty.csv", b"", "an empty file", "header"),
    ("blank.csv", b"\n  \n", "an empty file", "header"),
    ("empty.csv.gz", gzip.compress(b"", mtime=0), "an empty file", "header"),
    ("binary.csv", b"condition,aa\xff\xfe\x00\n", "not UTF-8", "UTF-8"),
    ("utf16.csv", TABLE.encode("utf-16"), "not UTF-8", "UTF-8"),
    ("cut.csv.gz", gzip.compress(TABLE.encode() * 9, mtime=0)[:40], "cannot be read", "whole table"),
    ("semicolons.csv", b"condition;x;y\n", "one column whose name holds ';'", "commas between columns"),
    ("semicolons", b"condition;x;y\n", "one column whose name holds ';'", "commas between columns"),
    ("tabs.csv.gz", b"condition\tx\n", "one column whose name holds a tab", "commas between columns"),
    ("commas.tsv", b"condition,x\n", "one column whose name holds ','", "tabs between columns"),
    ("two_lines.csv", b"condition,c1,c1\nvalue,SE,score\n_wt,0.1,0\n", "a header of several lines", "one line"),
    ("numbers.csv", b"a,c1,c1\nvalue,1,score\n", "'c1' twice", "each column once"),
    ("twice.csv", b"condition,aa_substitutions,func_score,condition\n", "'condition' twice", "once"),
]


@pytest.mark.parametrize(("name", "content", "found", "expected"), NOT_TABLES, ids=[case[0] for case in NOT_TABLES])
@pytest.mark.parametrize("ask", [read.check_table, read.header, lambda p: read.read_table(p, ["condition"])])
def test_what_is_no_table_is_refused_by_name(tmp_path, name, content, found, expected, ask):
    path = save(tmp_path, name, content)
    with pytest.raises(UserError) as caught:
        ask(path)
    error = caught.value
    assert str(path) in error.place
    assert found in error.found
    assert expected in error.expected


FAULTS = [
    ("header only", "condition,aa_substitutions,func_score\n", "", "a header without rows", "a row"),
    (
        "no column",
        "condition,aa_substitution,func_score\na,,1\n",
        "header",
        "no column 'aa_sub",
        "nearest: 'aa_",
    ),
    ("short row", TABLE + "b,G3R\n", "row 5", "2 fields", "3, as in the header"),
    ("long row", TABLE + "b,G3R,1,2\n", "row 5", "4 fields", "3, as in the header"),
    ("open quote", TABLE + 'b,"G3R,1\n', "row 5", "unexpected end of data", "a whole row"),
    ("text", TABLE + "b,G3R,low\n", "row 5, column 'func_score'", "'low'", "finite number"),
    ("word", TABLE + "b,G3R,missing\n", "row 5, column 'func_score'", "'missing'", "empty field"),
    ("infinity and more", TABLE + "b,G3R,infinite\n", "row 5, column 'func_score'", "'infinite'", "finite number"),
    ("overflow", TABLE + "b,G3R,1e999\n", "row 5, column 'func_score'", "'1e999'", "finite number"),
    ("underscore", TABLE + "b,G3R,1_0\n", "row 5, column 'func_score'", "'1_0'", "finite number"),
    ("after blank line", TABLE + "\n\nb,G3R,low\n", "row 7, column 'func_score'", "'low'", "finite number"),
    ("decimal comma", TABLE + 'b,G3R,"1,5"\n', "row 5, column 'func_score'", "'1,5'", "decimal points"),
    ("no decimal comma", TABLE + 'b,G3R,"1,5 x"\n', "row 5, column 'func_score'", "'1,5 x'", "where it is missing)"),
    ("late bytes", TABLE.encode() * 200 + b"b,\xff\xfe,1\n", "row 801", "not UTF-8", "UTF-8"),
]


@pytest.mark.parametrize(
    ("content", "place", "found", "expected"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS]
)
def test_faults_name_file_place_found_and_expected(tmp_path, content, place, found, expected):
    path = save(tmp_path, "t.csv", content)
    with pytest.raises(UserError) as caught:
        read.read_table(path, ["condition", "aa_substitutions"], ["func_score"])
    error = caught.value
    assert str(path) in error.place
    assert place in error.place
    assert found in error.found
    assert expected in error.expected


def test_a_folder_is_no_table(tmp_path):
    with pytest.raises(UserError, match="found a folder; expected a table in it"):
        read.header(tmp_path)


def test_a_missing_file_and_another_digest_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"absent\.csv: found no such file"):
        read.read_table(tmp_path / "absent.csv", ["condition"])
    path = save(tmp_path, "t.csv", TABLE)
    digest = hashlib.sha256(TABLE.encode()).hexdigest()
    with pytest.raises(UserError, match=f"t.csv: found a file with sha256 {digest}; expected sha256 0000"):
        read.read_table(path, ["condition"], sha256="0" * 64)


def test_site_map_orders_reference_sites_by_sequential_site(tmp_path):
    path = save(tmp_path, "m.csv", "sequential_site,reference_site,region\n10,9,x\n2,214a,x\n1,214,x\n")
    assert read.read_site_map(path) == ["214", "214a", "9"]
    for rows, message in (
        ("1,5\n2,5\n", "row 3, column 'reference_site': found 5 a second time"),
        ("1,5\n1,6\n", "row 3, column 'sequential_site': found 1.0 a second time"),
        ("1,\n", "row 2, column 'reference_site': found no site"),
        (",5\n", "row 2, column 'sequential_site': found no number"),
    ):
        path = save(tmp_path, "n.csv", "sequential_site,reference_site\n" + rows)
        with pytest.raises(UserError, match=message):
            read.read_site_map(path)
