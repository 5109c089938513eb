"""Matrices of AnnData; these tests need anndata, which the environment for development has."""

import sys

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from proxsweep.io.errors import UserError
from proxsweep.nmf.data import read

COUNTS = np.array([[1.0, 0, 2], [0, 3, 0]])  # cells by genes
SCALED = COUNTS - COUNTS.mean(axis=0)


def named(names):
    return pd.DataFrame(index=pd.Index(names, dtype=object))  # as files hold them that any version can read


def data(kind=sparse.csr_matrix):
    cells, genes = named(["AAA-1", "CCC-1"]), named(["HLA-A", "7SK", "X"])
    whole = anndata.AnnData(kind(COUNTS), cells, genes)
    made = anndata.AnnData(
        SCALED[:, :2], cells, genes[:2], layers={"spliced": kind(COUNTS[:, :2]), "other": SCALED[:, :2]}
    )
    made.raw = whole
    return made


@pytest.fixture
def path(tmp_path):
    data().write_h5ad(tmp_path / "v.h5ad")
    return tmp_path / "v.h5ad"


def refusal(path, layer=None):
    with pytest.raises(UserError) as caught:
        read.read(path, None, layer)
    assert str(path) in caught.value.place
    return caught.value


def test_cells_are_the_samples(path):
    found = read.read(path)
    assert found.features.tolist() == ["HLA-A", "7SK"] and found.samples.tolist() == ["AAA-1", "CCC-1"]
    assert isinstance(found.matrix, np.ndarray) and found.matrix.flags.c_contiguous
    np.testing.assert_array_equal(found.matrix, SCALED[:, :2].T)


def test_raw_has_its_own_genes(path):
    found = read.read(path, None, "raw")
    assert found.features.tolist() == ["HLA-A", "7SK", "X"]
    assert isinstance(found.matrix, sparse.csr_array) and found.matrix.indices.dtype == np.int32
    np.testing.assert_array_equal(found.matrix.toarray(), COUNTS.T)


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix, np.asarray])
def test_a_layer_by_its_name(tmp_path, kind):
    data(kind).write_h5ad(tmp_path / "v.h5ad")
    matrix = read.read(tmp_path / "v.h5ad", None, "spliced").matrix
    assert sparse.issparse(matrix) == (kind is not np.asarray)
    np.testing.assert_array_equal(matrix.toarray() if sparse.issparse(matrix) else matrix, COUNTS[:, :2].T)


def test_features_in_rows_where_the_file_says_so(path):
    found = read.read(path, "rows", "raw")
    assert found.features.tolist() == ["AAA-1", "CCC-1"]
    np.testing.assert_array_equal(found.matrix.toarray(), COUNTS)


def test_whole_numbers_become_floats(tmp_path):
    made = anndata.AnnData(COUNTS.astype(np.int32), named(["a", "b"]), named(["x", "y", "z"]))
    made.write_h5ad(tmp_path / "v.h5ad")
    assert read.read(tmp_path / "v.h5ad").matrix.dtype == np.float64


def test_a_layer_that_is_missing(path):
    error = refusal(path, "counts")
    assert error.found == "no layer 'counts'"
    assert all(name in error.expected for name in ("X", "raw", "spliced", "other"))


def test_no_raw_and_no_x(tmp_path):
    cells, genes = named(["a", "b"]), named(["x", "y", "z"])
    anndata.AnnData(None, cells, genes, layers={"counts": COUNTS}).write_h5ad(tmp_path / "v.h5ad")
    for layer, found in ((None, "no X"), ("raw", "no raw")):
        error = refusal(tmp_path / "v.h5ad", layer)
        assert error.found == found and error.expected == "one of counts"


def test_a_file_from_before_anndata_07(tmp_path):
    path = tmp_path / "v.h5ad"
    with h5py.File(path, "w") as file:
        file["X"] = SCALED.astype("f4")
        for name, names in (
            ("obs", [b"AAA-1", b"CCC-1"]),
            ("var", [b"A", b"B", b"C"]),
            ("raw.var", [b"D", b"E", b"F"]),
        ):
            file[name] = np.array([(one,) for one in names], dtype=[("index", "S8")])
        group = file.create_group("raw.X")
        group.attrs["h5sparse_format"], group.attrs["h5sparse_shape"] = "csr", COUNTS.shape
        counts = sparse.csr_matrix(COUNTS)
        group["data"], group["indices"], group["indptr"] = counts.data, counts.indices, counts.indptr
    found = read.read(path, None, "raw")
    assert found.features.tolist() == ["D", "E", "F"] and found.samples.tolist() == ["AAA-1", "CCC-1"]
    np.testing.assert_array_equal(found.matrix.toarray(), COUNTS.T)
    assert refusal(path, "counts").expected == "one of X, raw"


def test_without_anndata(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "anndata", None)
    error = refusal(path)
    assert "no anndata" in error.found and "pip install anndata" in error.expected


def test_damaged_files(path):
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "cannot be read: an unfinished download or a damaged file (" in refusal(path).found
    path.write_bytes(b"no HDF5")
    assert "cannot be read" in refusal(path).found
    path.unlink()
    assert refusal(path).found == "no such file"


def test_names_that_do_not_fit_the_matrix(path):
    with h5py.File(path, "a") as file:
        del file["X"]
        file["X"] = np.ones((5, 2))
        file["X"].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    assert "a matrix of shape (5, 2)" in refusal(path).found


def test_names_as_strings_that_may_be_missing(tmp_path):
    made = data()
    made.obs.index = made.obs.index.astype("string")
    with anndata.settings.override(allow_write_nullable_strings=True):
        made.write_h5ad(tmp_path / "v.h5ad")
    assert read.read(tmp_path / "v.h5ad").samples.tolist() == ["AAA-1", "CCC-1"]
