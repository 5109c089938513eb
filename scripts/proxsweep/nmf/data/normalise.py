"""What may be done to a matrix before it is fitted, and the means and variances of its rows."""

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from proxsweep.nmf.data.encoding import Matrix

WAYS = ("none", "column_sums", "square_root", "log1p", "feature_sd")
_BLOCK = 2**22  # entries of a dense matrix that are worked on at once


def normalise(matrix: Matrix, how: str) -> Matrix:
    """Another matrix of the same kind; a sparse one stays sparse, the given one stays as it is.

    Parameters
    ----------
    matrix : (m, n)
        Nothing below 0, no row and no column of zeros.
    how
        ``none``; ``column_sums``: each column divided by its sum; ``square_root``; ``log1p``: log(1 + x);
        ``feature_sd``: each row divided by its standard deviation over the samples (of n - 1 degrees of freedom).

    Raises
    ------
    ValueError
        For another word, and under ``feature_sd`` for a row whose entries are all equal (:func:`constant`).
    """
    if how == "none":
        return matrix
    if how == "column_sums":
        return _divided(matrix, np.asarray(matrix.sum(axis=0)), 0)
    if how == "feature_sd":
        if constant(matrix).any():
            raise ValueError("a row whose entries are all equal has no standard deviation to be divided by")
        return _divided(matrix, np.sqrt(variances(matrix)), 1)
    if how not in WAYS:
        raise ValueError(f"{how!r}, not one of {', '.join(WAYS)}")
    apply = {"square_root": np.sqrt, "log1p": np.log1p}[how]
    return _with_entries(matrix, apply(matrix.data)) if sparse.issparse(matrix) else apply(matrix)


def constant(matrix: Matrix) -> np.ndarray:
    """Whether all entries of a row are equal: (m,)."""
    if not sparse.issparse(matrix):
        return matrix.max(axis=1) == matrix.min(axis=1)
    empty = np.diff(matrix.indptr) == 0
    full = np.diff(matrix.indptr) == matrix.shape[1]
    starts = matrix.indptr[:-1][full]
    level = np.zeros(matrix.shape[0])
    level[full] = matrix.data[starts]
    differs = matrix.data != np.repeat(level, np.diff(matrix.indptr))
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(matrix.indptr))
    return empty | (full & (np.bincount(rows[differs], minlength=matrix.shape[0]) == 0))


def variances(matrix: Matrix) -> np.ndarray:
    """Variance of each row over the samples, of n - 1 degrees of freedom: (m,).

    From the deviations from the mean, so that a large mean costs no digits.
    """
    columns = matrix.shape[1]
    if not sparse.issparse(matrix):
        return np.concatenate([part.var(axis=1, ddof=1) for part in _blocks(matrix)])
    counts = np.diff(matrix.indptr)
    means = np.asarray(matrix.sum(axis=1)) / columns
    deviations = matrix.data - np.repeat(means, counts)
    deviations *= deviations
    squares = np.asarray(_with_entries(matrix, deviations).sum(axis=1))
    return (squares + (columns - counts) * means**2) / (columns - 1)


def _blocks(matrix: np.ndarray) -> Iterator[np.ndarray]:
    """Rows of a dense matrix, some at a time."""
    step = max(1, _BLOCK // matrix.shape[1])
    for first in range(0, len(matrix), step):
        yield matrix[first : first + step]


def _divided(matrix: Matrix, by: np.ndarray, axis: int) -> Matrix:
    """Columns (``axis`` 0) or rows (1) divided by numbers."""
    if not sparse.issparse(matrix):
        return matrix / np.expand_dims(by, axis)
    each = np.repeat(by, np.diff(matrix.indptr)) if axis else by[matrix.indices]
    return _with_entries(matrix, np.divide(matrix.data, each, out=each))


def _with_entries(matrix: sparse.csr_array, data: np.ndarray) -> sparse.csr_array:
    """A matrix with other entries at the same places, whose index arrays it shares."""
    made = sparse.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)
    made.has_canonical_format = True
    return made
