"""Encodings: what was saved comes back, zeros are put back, and a file that was edited is refused."""

import numpy as np
import pytest
from scipy import sparse

from proxsweep.io.errors import UserError
from proxsweep.io.files import write_npz
from proxsweep.nmf.data.encoding import Encoding

DENSE = np.array([[1.0, 0, 2, 0], [0, 0, 0, 0], [0, 0, 3, 4.5]])
FEATURES, SAMPLES = np.array(["A", "B", "C"]), np.array(["s1", "s2", "s3", "s4"])
KINDS = {"dense": DENSE, "sparse": sparse.csr_array(DENSE)}


@pytest.fixture(params=KINDS)
def encoding(request):
    return Encoding.of(FEATURES, SAMPLES, KINDS[request.param])


def dense(matrix):
    return matrix.toarray() if sparse.issparse(matrix) else matrix


def stored(path):
    with np.load(path) as file:
        return dict(file)


def refused(path, match):
    with pytest.raises(UserError, match=match) as caught:
        Encoding.load(path)
    assert str(path) in caught.value.place and "an encoding (.npz)" in caught.value.expected


def test_rows_and_columns_of_zeros_are_left_out_and_come_back(encoding):
    assert encoding.kept_features.tolist() == [True, False, True]
    assert encoding.kept_samples.tolist() == [True, False, True, True]
    np.testing.assert_array_equal(dense(encoding.matrix), [[1, 2, 0], [0, 3, 4.5]])
    whole = encoding.embed(encoding.embed(dense(encoding.matrix), 0, "features"), 1, "samples")
    np.testing.assert_array_equal(whole, DENSE)


def test_some_samples_lose_the_features_that_only_others_have(encoding):
    part = encoding.among(np.array([True, True, False, False]))
    assert part.features.tolist() == ["A", "B", "C"] and part.kept_features.tolist() == [True, False, False]
    assert part.samples.tolist() == ["s1", "s2"] and part.kept_samples.tolist() == [True, False]
    np.testing.assert_array_equal(dense(part.matrix), [[1]])


def test_what_was_saved_comes_back(encoding, tmp_path):
    encoding.save(tmp_path / "e.npz")
    found = Encoding.load(tmp_path / "e.npz")
    assert type(found.matrix) is type(encoding.matrix)
    np.testing.assert_array_equal(dense(found.matrix), dense(encoding.matrix))
    for name in ("features", "samples", "kept_features", "kept_samples"):
        np.testing.assert_array_equal(getattr(found, name), getattr(encoding, name))


def test_a_sparse_matrix_has_the_promised_types(tmp_path):
    Encoding.of(FEATURES, SAMPLES, KINDS["sparse"]).save(tmp_path / "e.npz")
    found = Encoding.load(tmp_path / "e.npz").matrix
    types = found.data.dtype, found.indices.dtype, found.indptr.dtype
    assert isinstance(found, sparse.csr_array) and types == (np.float64, np.int32, np.int32)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"features": np.array(["A", "A", "C"])}, "feature 'A' twice"),
        ({"samples": np.array(["s1", "", "s3", "s4"])}, "a sample without a name"),
        ({"features": np.array([1, 2, 3])}, "'features' of type int64"),
        ({"kept_features": np.array([True, True, True])}, "shape"),
        ({"kept_samples": np.array([True, False, True])}, "shape"),
        ({"kept_features": np.zeros(3, bool), "matrix": np.zeros((0, 3))}, "no entry at all"),
        ({"matrix": np.array([[1.0, 2, 0], [0, -3, 4]])}, "negative or not finite"),
        ({"matrix": np.array([[1.0, 2, 0], [0, np.nan, 4]])}, "negative or not finite"),
        ({"matrix": np.array([[1.0, 2, 0], [0, np.inf, 4]])}, "negative or not finite"),
        ({"matrix": np.array([[1.0, 2, 0], [0, 0, 0]])}, "a row or a column of zeros"),
        ({"matrix": np.array([[1.0, 2, 0], [1, 0, 0]])}, "a row or a column of zeros"),
        ({"matrix": np.ones((2, 3), dtype=np.float32)}, "'matrix' of type float32"),
        ({"matrix": np.ones(6)}, "shape"),
        ({"features": np.array([["A", "B", "C"]])}, "shape"),
    ],
)
def test_an_edited_dense_encoding_is_refused(tmp_path, change, match):
    path = tmp_path / "e.npz"
    Encoding.of(FEATURES, SAMPLES, DENSE).save(path)
    write_npz(path, **{**stored(path), **change})
    refused(path, match)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"indptr": np.array([0, 3, 2], dtype=np.int32)}, "bounds"),
        ({"indptr": np.array([1, 2, 4], dtype=np.int32)}, "bounds"),
        ({"indptr": np.array([0, 4, 4], dtype=np.int32)}, "a row or a column of zeros"),
        ({"indptr": np.array([0, 2, 4], dtype=np.int64)}, "type int64"),
        ({"indices": np.array([0, 1, 1, 3], dtype=np.int32)}, "a column number out of 0 to 2"),
        ({"indices": np.array([0, 1, -1, 2], dtype=np.int32)}, "a column number out of 0 to 2"),
        ({"indices": np.array([0, 1, 2, 1], dtype=np.int32)}, "do not increase"),
        ({"indices": np.array([0, 1, 1, 1], dtype=np.int32)}, "do not increase"),
        ({"indices": np.array([0, 1, 0, 1], dtype=np.int32)}, "a row or a column of zeros"),
        ({"data": np.array([1.0, 2, 0, 4])}, "not above 0 and finite"),
        ({"data": np.array([1.0, 2, np.nan, 4])}, "not above 0 and finite"),
        ({"data": np.array([1.0, 2, 3])}, "shape"),
    ],
)
def test_an_edited_sparse_encoding_is_refused(tmp_path, change, match):
    path = tmp_path / "e.npz"
    Encoding.of(FEATURES, SAMPLES, KINDS["sparse"]).save(path)
    write_npz(path, **{**stored(path), **change})
    refused(path, match)


def test_a_damaged_encoding_is_refused(tmp_path):
    path = tmp_path / "e.npz"
    encoding = Encoding.of(FEATURES, SAMPLES, DENSE)
    encoding.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused(path, "cannot be read")
    encoding.save(path)
    write_npz(path, **{name: array for name, array in stored(path).items() if name != "matrix"})
    refused(path, "no matrix")
    path.unlink()
    refused(path, "no such file")
