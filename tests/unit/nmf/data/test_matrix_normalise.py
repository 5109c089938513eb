"""What is done to a matrix before a fit, against plain formulas on the dense matrix."""

import numpy as np
import pytest
from scipy import sparse

from proxsweep.nmf.data.normalise import WAYS, constant, normalise, variances

V = np.random.default_rng(1).poisson(0.8, (40, 25)).astype(float)
V[:, V.sum(axis=0) == 0] = 1.0
V[V.sum(axis=1) == 0] = 1.0
V[0] = np.arange(25)
V = V[V.max(axis=1) > V.min(axis=1)]
PLAIN = {
    "none": V,
    "column_sums": V / V.sum(axis=0),
    "square_root": np.sqrt(V),
    "log1p": np.log(1.0 + V),
    "feature_sd": V / V.std(axis=1, ddof=1)[:, None],
}


@pytest.mark.parametrize("how", WAYS)
def test_dense_and_sparse_follow_the_formula(how):
    given = sparse.csr_array(V)
    found = normalise(given, how)
    assert isinstance(found, sparse.csr_array) and found.nnz == (V > 0).sum()
    np.testing.assert_allclose(found.toarray(), PLAIN[how], rtol=1e-13)
    np.testing.assert_allclose(normalise(V, how), PLAIN[how], rtol=1e-13)
    np.testing.assert_array_equal(given.toarray(), V)


def test_a_variance_beside_a_large_mean_keeps_its_digits():
    rows = np.array([[1e9, 1e9 + 1, 1e9 + 2], [0.0, 0, 3]])
    np.testing.assert_allclose(variances(rows), [1, 3], rtol=1e-12)
    np.testing.assert_allclose(variances(sparse.csr_array(rows)), [1, 3], rtol=1e-12)


def test_long_rows_in_several_blocks(monkeypatch):
    monkeypatch.setattr("proxsweep.nmf.data.normalise._BLOCK", 60)
    np.testing.assert_allclose(variances(V), V.var(axis=1, ddof=1), rtol=1e-13)


def test_rows_whose_entries_are_all_equal():
    rows = np.array([[2.0, 2, 2], [0, 2, 2], [2, 2, 3], [0, 0, 0], [5, 5, 5]])
    expected = [True, False, False, True, True]
    assert constant(rows).tolist() == expected and constant(sparse.csr_array(rows)).tolist() == expected


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_such_a_row_has_no_standard_deviation(kind):
    with pytest.raises(ValueError, match="all equal"):
        normalise(kind(np.array([[2.0, 2, 2], [1, 2, 3]])), "feature_sd")


def test_another_word_is_none():
    with pytest.raises(ValueError, match="'zscore', not one of none"):
        normalise(V, "zscore")
