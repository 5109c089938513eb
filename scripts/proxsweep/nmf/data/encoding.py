"""One replicate's matrix with the names of its features and samples: all that a fit reads."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from proxsweep.io import reading
from proxsweep.io.errors import UserError
from proxsweep.io.files import write_npz

EXPECTED = "an encoding (.npz)"
Matrix = np.ndarray | sparse.csr_array
_KINDS = {"features": "U", "samples": "U", "kept_features": "b", "kept_samples": "b"}
_SPARSE = ("data", "indices", "indptr")
_TYPES = {"matrix": np.float64, "data": np.float64, "indices": np.int32, "indptr": np.int32}


@dataclass(frozen=True)
class Encoding:
    """A matrix V without its rows and columns of zeros, and the names of all.

    Attributes
    ----------
    features : (M,) str
        Names of all features, those whose rows are zero included.
    samples : (N,) str
        Names of all samples.
    kept_features : (M,) bool
        Features that have a row of ``matrix``, m of them.
    kept_samples : (N,) bool
        Samples that have a column of ``matrix``, n of them.
    matrix : (m, n) float64, dense or csr_array
        Entries in the data's unit, at least 0; no row and no column is zero. A sparse one has int32 indices, increasing
        within a row, and no zeros among its entries.
    """

    features: np.ndarray
    samples: np.ndarray
    kept_features: np.ndarray
    kept_samples: np.ndarray
    matrix: Matrix

    @classmethod
    def of(cls, features: np.ndarray, samples: np.ndarray, matrix: Matrix) -> "Encoding":
        """The encoding of a matrix (M, N) whose rows and columns may be zero."""
        rows, columns = nonzero(matrix, 1), nonzero(matrix, 0)
        part = matrix if rows.all() else matrix[rows]
        part = part if columns.all() else part[:, columns]
        part = part if sparse.issparse(part) else np.ascontiguousarray(part)
        return cls(features, samples, rows, columns, part)

    def among(self, members: np.ndarray) -> "Encoding":
        """The encoding of some samples, (N,) bool: it has no other ones, and rows that are zero in it are left out."""
        part = self.matrix[:, members[self.kept_samples]]
        rows = nonzero(part, 1)
        part = part if rows.all() else part[rows]
        part = part if sparse.issparse(part) else np.ascontiguousarray(part)
        kept = self.kept_features.copy()
        kept[kept] = rows
        return Encoding(self.features, self.samples[members], kept, self.kept_samples[members], part)

    def block(self, rows: np.ndarray, columns: np.ndarray) -> "Encoding":
        """The encoding of some rows (m,) bool and columns (n,) bool of ``matrix``, with the names of all.

        Those that are zero in the block are left out, too.
        """
        part = self.matrix[rows][:, columns]
        of_rows, of_columns = nonzero(part, 1), nonzero(part, 0)
        part = part[of_rows][:, of_columns]
        features = _among(_among(self.kept_features, rows), of_rows)
        samples = _among(_among(self.kept_samples, columns), of_columns)
        part = part if sparse.issparse(part) else np.ascontiguousarray(part)
        return Encoding(self.features, self.samples, features, samples, part)

    def embed(self, values: np.ndarray, axis: int, of: str) -> np.ndarray:
        """Put zeros where features (or samples, as ``of`` says) have been left out.

        Parameters
        ----------
        values
            Its length along ``axis`` is m for ``features``, n for ``samples``.
        of
            ``features`` or ``samples``.

        Returns
        -------
        ndarray
            As ``values``, with a length of M or N along ``axis``.
        """
        kept = {"features": self.kept_features, "samples": self.kept_samples}[of]
        shape = list(values.shape)
        shape[axis] = len(kept)
        whole = np.zeros(shape, dtype=values.dtype)
        np.moveaxis(whole, axis, 0)[kept] = np.moveaxis(values, axis, 0)
        return whole

    def save(self, path: str | Path) -> None:
        """Write as ``.npz`` (typed arrays, no pickles), atomically."""
        found = self.matrix
        entries = {name: getattr(found, name) for name in _SPARSE} if sparse.issparse(found) else {"matrix": found}
        write_npz(path, **{name: getattr(self, name) for name in _KINDS}, **entries)

    @classmethod
    def load(cls, path: str | Path) -> "Encoding":
        """Read what :meth:`save` wrote.

        Raises
        ------
        UserError
            If the file is no such encoding.
        """
        found = reading.arrays(path, list(_KINDS), EXPECTED, ["matrix", *_SPARSE])
        fault = _wrong_types(found) or _wrong_shapes(found) or _wrong_names(found)
        fault = fault or (_wrong_dense(found["matrix"]) if "matrix" in found else _wrong_sparse(found))
        if fault:
            # message: passed on
            raise UserError(str(path), fault, EXPECTED)
        shape = int(found["kept_features"].sum()), int(found["kept_samples"].sum())
        matrix = found.get("matrix")
        if matrix is None:
            matrix = sparse.csr_array(tuple(found[name] for name in _SPARSE), shape=shape)
            matrix.has_canonical_format = True
        else:
            matrix = np.ascontiguousarray(matrix)
        return cls(*(found[name] for name in _KINDS), matrix)


def _among(kept: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Of the places that are true those that are chosen among them."""
    found = kept.copy()
    found[kept] = chosen
    return found


def nonzero(matrix: Matrix, axis: int) -> np.ndarray:
    """Whether rows (``axis`` 1) or columns (0) of a matrix with nothing below 0 have an entry above 0."""
    if sparse.issparse(matrix):
        counts = np.diff(matrix.indptr) if axis else np.bincount(matrix.indices, minlength=matrix.shape[1])
        return counts > 0
    return matrix.any(axis=axis)


# message: the array 'data' of type int64 / no matrix | an encoding (.npz) | It was edited, or another version wrote it.
# | Make it again.
def _wrong_types(found: dict[str, np.ndarray]) -> str:
    """What is wrong with the arrays' types; empty where nothing is."""
    if "matrix" not in found and not all(name in found for name in _SPARSE):
        return "no matrix"
    for name, array in found.items():
        if array.dtype.kind != _KINDS[name] if name in _KINDS else array.dtype != _TYPES[name]:
            return f"the array {name!r} of type {array.dtype}"
    return ""


def _wrong_shapes(found: dict[str, np.ndarray]) -> str:
    m, n = int(found["kept_features"].sum()), int(found["kept_samples"].sum())
    shapes = {
        **dict.fromkeys(("features", "kept_features"), (found["features"].size,)),
        **dict.fromkeys(("samples", "kept_samples"), (found["samples"].size,)),
        "matrix": (m, n),
        "indptr": (m + 1,),
    }
    if "data" in found:
        shapes |= dict.fromkeys(("data", "indices"), (found["data"].size,))
    for name, array in found.items():
        if array.shape != shapes[name]:
            # message: the array 'indptr' of shape (3,), not (4,) | an encoding (.npz) | The same. | Make it again.
            return f"the array {name!r} of shape {array.shape}, not {shapes[name]}"
    return ""


# message: the feature 'A' twice / a sample without a name / no entry at all | an encoding (.npz) | The same. | Make it
# again.
def _wrong_names(found: dict[str, np.ndarray]) -> str:
    for noun, names in (("feature", found["features"]), ("sample", found["samples"])):
        distinct, counts = np.unique(names, return_counts=True)
        if (counts > 1).any():
            return f"the {noun} {str(distinct[counts > 1][0])!r} twice"
        if (names == "").any():
            return f"a {noun} without a name"
    return "" if found["kept_features"].any() and found["kept_samples"].any() else "no entry at all"


# message: an entry that is negative or not finite / a row or a column of zeros | an encoding (.npz) | The same. | Make
# it again.
def _wrong_dense(matrix: np.ndarray) -> str:
    if not (matrix.min() >= 0 and np.isfinite(matrix.max())):
        return "an entry that is negative or not finite"
    return "" if nonzero(matrix, 0).all() and nonzero(matrix, 1).all() else "a row or a column of zeros"


# message: bounds 'indptr' that do not run from 0 to 900 / a column number out of 0 to 37 / columns of a row that do not
# increase / an entry that is not above 0 and finite / a row or a column of zeros | an encoding (.npz) | The same. |
# Make it again.
def _wrong_sparse(found: dict[str, np.ndarray]) -> str:
    data, indices, indptr = (found[name] for name in _SPARSE)
    columns = int(found["kept_samples"].sum())
    if indptr[0] != 0 or indptr[-1] != len(data) or (np.diff(indptr) < 0).any():
        return f"bounds 'indptr' that do not run from 0 to {len(data)}"
    if len(data) == 0 or (np.diff(indptr) == 0).any():
        return "a row or a column of zeros"
    if indices.min() < 0 or indices.max() >= columns:
        return f"a column number out of 0 to {columns - 1}"
    increasing = np.diff(indices) > 0
    increasing[indptr[1:-1] - 1] = True  # from one row to the next
    if not increasing.all():
        return "columns of a row that do not increase"
    if not (data.min() > 0 and np.isfinite(data.max())):
        return "an entry that is not above 0 and finite"
    return "" if np.bincount(indices, minlength=columns).all() else "a row or a column of zeros"
