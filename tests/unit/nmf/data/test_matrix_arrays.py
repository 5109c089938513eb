"""Matrices of NumPy and SciPy: kinds that are read, and what is refused without being run."""

import pickle

import numpy as np
import pytest
from scipy import sparse

from proxsweep.io.errors import UserError
from proxsweep.nmf.data import arrays, read

V = np.array([[1, 0, 2], [0, 0, 0], [3, 4, 0]])


def saved(path, array):
    np.save(path, array, allow_pickle=True)
    return path


def refusal(path):
    with pytest.raises(UserError) as caught:
        read.read(path)
    assert str(path) in caught.value.place
    return caught.value


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i8", "u2", "?", ">i4", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_any_real_type(tmp_path, dtype, order):
    array = (V > 0 if dtype == "?" else V).astype(dtype, order=order)
    found = read.read(saved(tmp_path / "v.npy", array))
    np.testing.assert_array_equal(found.matrix, array.astype(float))
    assert found.matrix.dtype == np.float64 and found.matrix.flags.c_contiguous and found.matrix.flags.writeable
    assert found.features.tolist() == ["feature_1", "feature_2", "feature_3"] and found.samples[2] == "sample_3"


def test_an_array_with_features_in_columns(tmp_path):
    found = read.read(saved(tmp_path / "v.npy", V[:2]), "columns")
    np.testing.assert_array_equal(found.matrix, V[:2].T)


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.ones(4), "1 dimension,"),
        (np.ones((2, 2, 2)), "3 dimensions"),
        (np.array(3.0), "0 dimensions"),
        (np.ones((2, 2), complex), "complex numbers"),
        (np.array([["a", "b"]]), "text"),
        (np.zeros((2, 2), [("a", "f8")]), "no numbers"),
        (np.zeros((2, 2), "M8[s]"), "no numbers"),
    ],
)
def test_arrays_that_are_no_matrix(tmp_path, array, found):
    assert found in refusal(saved(tmp_path / "v.npy", array)).found


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("it was run",))


def test_objects_are_never_loaded(tmp_path):
    saved(tmp_path / "v.npy", np.array([[Trap()]], dtype=object))
    assert refusal(tmp_path / "v.npy").found == "an array of Python objects, which are never loaded"
    np.savez(tmp_path / "v.npz", format=np.array(Trap(), dtype=object))
    assert refusal(tmp_path / "v.npz").found == "an array of Python objects, which are never loaded"
    (tmp_path / "v.npy").write_bytes(pickle.dumps(Trap()))
    assert "cannot be read" in refusal(tmp_path / "v.npy").found


def test_a_cut_file_is_refused(tmp_path):
    saved(tmp_path / "v.npy", np.ones((50, 50)))
    sparse.save_npz(tmp_path / "v.npz", sparse.random_array((50, 50), density=0.5, rng=1, format="csr"))
    for name in ("v.npy", "v.npz"):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[:-100])
        assert "cannot be read: an unfinished download or a damaged file (" in refusal(path).found
        path.write_bytes(b"")
        assert "cannot be read" in refusal(path).found


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "bsr", "dia"])
def test_sparse_matrices_of_any_format(tmp_path, kind):
    sparse.save_npz(tmp_path / "v.npz", sparse.csr_array(V).asformat(kind))
    found = read.read(tmp_path / "v.npz").matrix
    assert isinstance(found, sparse.csr_array) and found.has_canonical_format
    assert (found.data.dtype, found.indices.dtype, found.indptr.dtype) == (np.float64, np.int32, np.int32)
    assert found.nnz == 4
    np.testing.assert_array_equal(found.toarray(), V)
    turned = read.read(tmp_path / "v.npz", "columns").matrix
    assert isinstance(turned, sparse.csr_array) and turned.indices.dtype == np.int32
    np.testing.assert_array_equal(turned.toarray(), V.T)


@pytest.mark.parametrize("columns", [[1, 0, 1], [1, 1, 1]])
def test_coordinates_that_stand_twice_are_refused(tmp_path, columns):
    entries = np.array([1.0, 2, 3]), (np.array([1, 0, 1]), np.array(columns))
    sparse.save_npz(tmp_path / "v.npz", sparse.coo_array(entries, shape=(2, 2)))
    assert refusal(tmp_path / "v.npz").found == "1 entry a second time (the first: row 2, column 2)"


def test_zeros_are_removed(tmp_path):
    entries = np.array([3.0, 0]), (np.array([0, 1]), np.array([1, 0]))
    sparse.save_npz(tmp_path / "v.npz", sparse.coo_array(entries, shape=(2, 2)))
    found = read.read(tmp_path / "v.npz").matrix
    assert found.nnz == 1 and found.toarray().tolist() == [[0, 3], [0, 0]]


@pytest.mark.parametrize(
    "change",
    [{"indices": [0, 9, 0, 1]}, {"indptr": [0, 3, 2, 4]}, {"shape": [3, 1]}, {"format": b"odd"}, {"data": [1.0]}],
)
def test_parts_that_do_not_fit_are_refused(tmp_path, change):
    path = tmp_path / "v.npz"
    sparse.save_npz(path, sparse.csr_array(V))
    with np.load(path) as file:
        np.savez(path, **{**file, **change})
    assert "cannot be read" in refusal(path).found


def test_files_under_the_wrong_suffix(tmp_path):
    np.save(tmp_path / "v", V)
    (tmp_path / "v.npy").rename(tmp_path / "a.npz")
    assert "single array" in refusal(tmp_path / "a.npz").found
    np.savez(tmp_path / "w.npz", counts=V)
    assert "arrays that are no sparse matrix ('counts')" in refusal(tmp_path / "w.npz").found
    (tmp_path / "w.npz").rename(tmp_path / "w.npy")
    assert "several arrays" in refusal(tmp_path / "w.npy").found
    with pytest.raises(UserError, match="a folder"):
        arrays.read_npy(tmp_path)
    assert "no such file" in refusal(tmp_path / "x.npy").found


def test_complex_sparse_matrices_and_too_many_entries(tmp_path, monkeypatch):
    sparse.save_npz(tmp_path / "v.npz", sparse.csr_array(V * 1j))
    assert "complex" in refusal(tmp_path / "v.npz").found
    monkeypatch.setattr(arrays, "LARGEST", 3)
    sparse.save_npz(tmp_path / "v.npz", sparse.csr_array(V))
    assert "4 entries" in refusal(tmp_path / "v.npz").found
