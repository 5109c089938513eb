"""Sums over pieces against SciPy's sparse products."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from proxsweep.dms.model import fit  # noqa: F401  (double precision)
from proxsweep.optimize.pieces import segment_entries, sums

SHAPES = {"typical": (40, 15, 0.2), "sparse": (50, 30, 0.01), "heavy": (3, 200, 0.9), "empty": (5, 4, 0.0)}


@pytest.mark.parametrize("shape", SHAPES)
def test_sums_are_the_sparse_products(shape):
    rows, columns, density = SHAPES[shape]
    rng = np.random.default_rng(1)
    dense = (rng.random((rows, columns)) < density).astype(float)
    dense[0] = density > 0  # one heavy row
    matrix, (owner, place) = csr_array(dense), dense.nonzero()
    b, r = rng.normal(size=columns), rng.normal(size=rows)
    np.testing.assert_allclose(sums(segment_entries(owner, place, rows, columns), b, rows), matrix @ b, atol=1e-13)
    np.testing.assert_allclose(sums(segment_entries(place, owner, columns, rows), r, columns), matrix.T @ r, atol=1e-13)
