"""Matrix Market files and the folders of 10x Genomics: what is read, and what is refused."""

import gzip

import numpy as np
import pytest
from scipy import io, sparse

from proxsweep.io.errors import UserError
from proxsweep.nmf.data import market, read

HEAD = "%%MatrixMarket matrix coordinate integer general\n%made for a test\n3 2 4\n"
LINES = ["1 1 5", "3 1 2", "2 2 7", "3 2 1"]
V = [[5, 0], [0, 7], [2, 1]]
GENES = "ENSG1\tABC\tGene Expression\nENSG2\tHLA-A\tGene Expression\nENSG3\tX 5'\tGene Expression\n"


def text(lines=LINES, head=HEAD):
    return head + "".join(f"{line}\n" for line in lines)


def folder(path, names=("matrix.mtx", "barcodes.tsv", "features.tsv"), packed=False, genes=GENES):
    contents = [text(), "AAA-1\nCCC-1\n", genes]
    for name, content in zip(names, contents, strict=True):
        if packed:
            (path / f"{name}.gz").write_bytes(gzip.compress(content.encode()))
        else:
            (path / name).write_text(content)
    return path


def refusal(path, content=None, *arguments):
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError) as caught:
        read.read(path, *arguments)
    return caught.value


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("genes", ["features.tsv", "genes.tsv"])
def test_a_folder_of_10x(tmp_path, packed, genes):
    found = read.read(folder(tmp_path, ("matrix.mtx", "barcodes.tsv", genes), packed))
    assert found.features.tolist() == ["ABC", "HLA-A", "X 5'"] and found.samples.tolist() == ["AAA-1", "CCC-1"]
    assert isinstance(found.matrix, sparse.csr_array) and found.matrix.indices.dtype == np.int32
    np.testing.assert_array_equal(found.matrix.toarray(), V)
    assert "names (second column)" in found.note
    assert len(read.files(tmp_path)) == 3 and all(one.is_file() for one in read.files(tmp_path))


def test_the_file_itself_has_the_names_beside_it(tmp_path):
    prefixed = ("GSM1_matrix.mtx", "GSM1_barcodes.tsv", "GSM1_features.tsv")
    for names in (("matrix.mtx", "barcodes.tsv", "features.tsv"), prefixed):
        path = tmp_path / names[0][:4]
        path.mkdir()
        found = read.read(folder(path, names) / names[0])
        assert found.features.tolist() == ["ABC", "HLA-A", "X 5'"] and found.samples.tolist() == ["AAA-1", "CCC-1"]


def test_ids_where_a_name_stands_twice(tmp_path):
    found = read.read(folder(tmp_path, genes=GENES.replace("HLA-A", "ABC")))
    assert found.features.tolist() == ["ENSG1", "ENSG2", "ENSG3"]
    assert "the second has 1 name more than once, 'ABC' first" in found.note


def test_numbers_for_names_without_files(tmp_path):
    path = tmp_path / "v.mtx"
    path.write_text(text())
    found = read.read(path)
    assert found.features.tolist() == ["feature_1", "feature_2", "feature_3"] and found.samples[1] == "sample_2"
    assert "numbers for names" in found.note and read.files(path) == [path]


def test_features_in_columns(tmp_path):
    (tmp_path / "v.mtx").write_text(text())
    (tmp_path / "barcodes.tsv").write_text("a\nb\nc\n")
    found = read.read(tmp_path / "v.mtx", "columns")
    np.testing.assert_array_equal(found.matrix.toarray(), np.transpose(V))
    assert found.samples.tolist() == ["a", "b", "c"] and found.features[1] == "feature_2"


@pytest.mark.parametrize("field", ["integer", "real", "unsigned-integer", "double"])
def test_fields_of_numbers(tmp_path, field):
    (tmp_path / "v.mtx").write_text(text().replace("integer", field))
    np.testing.assert_array_equal(read.read(tmp_path / "v.mtx").matrix.toarray(), V)


@pytest.mark.parametrize(
    "content",
    [
        text().replace("\n", "\r\n"),
        text().replace(" ", "\t").replace("%%MatrixMarket\tmatrix\tcoordinate\tinteger\tgeneral", HEAD.split("\n")[0]),
        text([f"  {line.replace(' ', '   ')} " for line in LINES]),
        text([*LINES[:2], "", *LINES[2:]]),
        text().replace("%made for a test\n", ""),
        text()[:-1],
        text([*LINES[:3], "3 2 1e0"]),
        text([*LINES, "1 2 0"], HEAD.replace("3 2 4", "3 2 5")),
    ],
)
def test_forms_of_the_same_file(tmp_path, content):
    (tmp_path / "v.mtx").write_bytes(content.encode())
    found = read.read(tmp_path / "v.mtx").matrix
    assert found.nnz == 4
    np.testing.assert_array_equal(found.toarray(), V)


def test_what_scipy_wrote_in_many_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(market, "_CHUNK", 7)
    matrix = sparse.random_array((30, 20), density=0.2, rng=3)
    io.mmwrite(tmp_path / "v.mtx", matrix, precision=17)
    np.testing.assert_array_equal(read.read(tmp_path / "v.mtx").matrix.toarray(), matrix.toarray())


def test_a_file_without_entries_is_a_matrix_of_zeros(tmp_path):
    (tmp_path / "v.mtx").write_text(text([], HEAD.replace("3 2 4", "3 2 0")))
    found = read.read(tmp_path / "v.mtx").matrix
    assert found.shape == (3, 2) and found.nnz == 0


def test_a_dense_file(tmp_path):
    (tmp_path / "v.mtx").write_text("%%MatrixMarket matrix array real general\n2 3\n1\n2\n3\n4\n5\n6\n")
    np.testing.assert_array_equal(read.read(tmp_path / "v.mtx").matrix, [[1, 3, 5], [2, 4, 6]])
    np.testing.assert_array_equal(read.read(tmp_path / "v.mtx", "columns").matrix, [[1, 2], [3, 4], [5, 6]])


@pytest.mark.parametrize(
    ("content", "place", "found", "expected"),
    [
        (text(LINES[:3]), "v.mtx", "3 entries where its header has 4 (an unfinished download", "a whole file"),
        (text(LINES[:1]), "v.mtx", "1 entry where its header has 4", "a whole file"),
        (text([]), "v.mtx", "0 entries where its header has 4", "a whole file"),
        (text([*LINES, "1 2 3"]), "v.mtx", "5 entries where its header has 4", "a whole file"),
        (text([*LINES[:3], "3 2"]), "row 7", "'3 2'", "row, column and value"),
        (text([*LINES[:3], "3 2 1,5"]), "row 7", "'3 2 1,5'", "decimal comma"),
        (text([*LINES[:3], "3 2 1 9"]), "row 7", "'3 2 1 9'", "row, column and value"),
        (text([*LINES[:3], "3 2 x"]), "row 7", "'3 2 x'", "row, column and value"),
        (text([*LINES[:3], "3 2.5 1"]), "row 7", "'3 2.5 1'", "row, column and value"),
        (text([*LINES[:3], "3 2 nan"]), "row 7", "'nan'", "a finite number"),
        (text([*LINES[:2], "2 2 -inf", "3 2 1"]), "row 6", "'-inf'", "a finite number"),
        (text([*LINES[:3], "3 2 1e999"]), "row 7", "'1e999'", "a finite number"),
        ("%%MatrixMarket matrix array real general\n2 2\n1\n2\nNaN\n4\n", "row 5", "'NaN'", "a finite number"),
        (text([*LINES[:3], "4 2 1"]), "row 7", "row 4", "a row from 1 to 3"),
        (text([*LINES[:3], "0 2 1"]), "row 7", "row 0", "a row from 1 to 3"),
        (text([*LINES[:3], "3 9999999999 1"]), "row 7", "column 9999999999", "a column from 1 to 2"),
        (
            text([*LINES[:3], "3 1 2"]),
            "v.mtx",
            "1 entry a second time (the first: feature 'feature_3', sample",
            "once",
        ),
        (text().replace("integer", "pattern"), "row 1", "entries without values (pattern)", "real numbers"),
        (text().replace("integer", "complex"), "row 1", "complex entries", "real numbers"),
        (text().replace("general", "symmetric"), "row 1", "half a matrix (symmetric)", "real numbers"),
        (text().replace("general", "odd"), "row 1", "coordinate integer odd", "real numbers"),
        (text().replace("%%MatrixMarket", "Matrix"), "row 1", "Matrix matrix", "a Matrix Market file"),
        (text(head=HEAD.replace("3 2 4", "3 2")), "row 3", "'3 2'", "the numbers of rows, columns and entries"),
        (text(head=HEAD.replace("3 2 4", "3 2 7")), "row 3", "3 rows, 2 columns and 7 entries", "at most"),
        (text(head=HEAD.replace("3 2 4", "99999 99999 9999999999")), "row 3", "9999999999 entries", "at most"),
        ("", "row 1", "''", "a Matrix Market file"),
        (HEAD.split("\n")[0], "row", "''", "the numbers of rows"),
        (
            "%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n",
            "v.mtx",
            "3 entries where its header has 4",
            "whole",
        ),
        ("%%MatrixMarket matrix array real general\n2 2\n1\n2\n3 4\n5\n", "row 5", "'3 4'", "one value"),
    ],
)
def test_what_is_refused(tmp_path, content, place, found, expected):
    error = refusal(tmp_path / "v.mtx", content)
    assert "v.mtx" in error.place and place in error.place
    assert found in error.found and expected in error.expected


def test_a_duplicate_is_named_by_its_feature_and_sample(tmp_path):
    folder(tmp_path)
    error = refusal(tmp_path / "matrix.mtx", text([*LINES[:3], "2 2 3"]))
    assert "feature 'HLA-A', sample 'CCC-1'" in error.found


def test_an_unfinished_download_is_refused(tmp_path):
    matrix = sparse.random_array((100, 50), density=0.5, rng=3)
    io.mmwrite(tmp_path / "v.mtx", matrix)
    packed = gzip.compress((tmp_path / "v.mtx").read_bytes())
    (tmp_path / "v.mtx.gz").write_bytes(packed[: len(packed) // 2])
    assert "cannot be read" in refusal(tmp_path / "v.mtx.gz").found


@pytest.mark.parametrize(
    ("name", "content", "found", "expected"),
    [
        ("barcodes.tsv", "a\nb\nc\n", "3 names of samples", "features_in: columns"),
        ("barcodes.tsv", "a\n", "1 name of samples", "2, as the matrix has"),
        ("features.tsv", "id\tname\n" + GENES, "4 names of features", "without a header"),
        ("features.tsv", GENES + "\0\0", "2 NUL bytes at the end", "without them"),
        ("features.tsv", "", "an empty file", "a table"),
    ],
)
def test_names_that_do_not_fit(tmp_path, name, content, found, expected):
    folder(tmp_path)
    (tmp_path / name).write_text(content)
    error = refusal(tmp_path)
    assert name in error.place and found in error.found and expected in error.expected


@pytest.mark.parametrize("missing", ["matrix.mtx", "barcodes.tsv", "features.tsv"])
def test_a_folder_that_lacks_a_file(tmp_path, missing):
    folder(tmp_path)
    (tmp_path / missing).unlink()
    error = refusal(tmp_path)
    assert missing in error.found and "a folder with matrix.mtx" in error.expected


def test_no_file(tmp_path):
    assert refusal(tmp_path / "v.mtx").found == "no such file or folder"


def test_a_folder_with_two_matrices(tmp_path):
    folder(tmp_path)
    (tmp_path / "matrix.mtx.gz").write_bytes(gzip.compress(text().encode()))
    error = refusal(tmp_path)
    assert error.found == "a folder with matrix.mtx and matrix.mtx.gz" and error.expected == "one of them"
