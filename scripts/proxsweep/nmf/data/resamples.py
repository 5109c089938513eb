"""Counts drawn again, so that fits show what noise in the data does to factors.

Numbers come from NumPy's PCG64, seeded by the seed and the number of the resample: the same with the same NumPy,
whatever the settings of the fit. Counts are drawn as they stand in the data, and normalised afterwards.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from proxsweep.io.errors import UserError
from proxsweep.nmf.data.encoding import Encoding, Matrix

MOST = 2**53  # counts up to this are whole numbers in double precision


def resampled(encoding: Encoding, rows: Mapping[str, Any] | None) -> Encoding:
    """The encoding with counts drawn again as ``rows`` of a fit say; itself where they name no resample.

    ``poisson``: each entry is a Poisson count whose mean is the entry. ``multinomial``: as many counts as a sample has
    are shared out among its features, by their shares of it. Entries of 0 stay 0. Rows and columns that are zero
    afterwards are left out.

    Raises
    ------
    UserError
        As :func:`refuse`.
    """
    if "resample" not in (rows or {}):
        return encoding
    refuse(encoding.matrix, rows)
    generator = np.random.Generator(np.random.PCG64([rows["seed"], int(rows["resample"])]))
    draw = _multinomial if rows["method"] == "multinomial" else _poisson
    drawn = draw(encoding.matrix, generator)
    if sparse.issparse(drawn):
        drawn.eliminate_zeros()
    return replace(encoding, matrix=drawn).block(*(np.ones(size, bool) for size in drawn.shape))


def refuse(matrix: Matrix, rows: Mapping[str, Any], place: str = "resamples") -> None:
    """Refuse to draw again what are no counts.

    Raises
    ------
    UserError
    """
    if rows.get("method") not in ("poisson", "multinomial") or "seed" not in rows:
        # message: method 'bootstrap' | a seed, and the method poisson or multinomial | A record was edited. | Make the
        # fit again.
        raise UserError(place, f"method {rows.get('method')!r}", "a seed, and the method poisson or multinomial")
    found = matrix.data if sparse.issparse(matrix) else matrix
    odd = found[found != np.rint(found)]
    if len(odd):
        # message: entries that are no whole numbers (the first: 0.25) | counts | Noise is drawn as that of counts. |
        # Give the counts, and let `normalise` do the rest; round estimated counts; or remove `resamples`.
        raise UserError(place, f"entries that are no whole numbers (the first: {odd[0]:g})", "counts")
    if found.max() > MOST:
        # message: an entry of 1e+20 | counts of at most 9007199254740992 | Larger whole numbers are not held exactly. |
        # Remove `resamples`: such counts have no noise to speak of.
        raise UserError(place, f"an entry of {found.max():g}", f"counts of at most {MOST}")


def _poisson(matrix: Matrix, generator: np.random.Generator) -> Matrix:
    """Entries above 0 in the order of rows, so that a dense and a sparse matrix have the same draws."""
    if sparse.issparse(matrix):
        drawn = matrix.copy()
        drawn.data = generator.poisson(matrix.data).astype(float)
        return drawn
    drawn = np.zeros_like(matrix)
    drawn[matrix > 0] = generator.poisson(matrix[matrix > 0])
    return drawn


def _multinomial(matrix: Matrix, generator: np.random.Generator) -> Matrix:
    """Columns one after the other."""
    by_columns = sparse.csc_array(matrix)
    for begin, end in zip(by_columns.indptr[:-1], by_columns.indptr[1:], strict=True):
        counts = by_columns.data[begin:end]
        by_columns.data[begin:end] = generator.multinomial(int(counts.sum()), counts / counts.sum())
    if not sparse.issparse(matrix):
        return by_columns.toarray()
    drawn = by_columns.tocsr()
    kinds = drawn.indices.astype(np.int32), drawn.indptr.astype(np.int32)
    return sparse.csr_array((drawn.data, *kinds), drawn.shape)
