"""Matrices without names: an array of NumPy (.npy), a sparse matrix of SciPy (.npz). Nothing is ever unpickled."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from proxsweep.io.errors import UserError
from proxsweep.nmf.data.table import Table, counted, numbered

_DAMAGED = (OSError, EOFError, ValueError, KeyError, RuntimeError, TypeError, AttributeError, SyntaxError)
_DAMAGED += (OverflowError, MemoryError, zipfile.BadZipFile, zlib.error)
_NPY = "a matrix of numbers as `numpy.save` writes it (.npy)"
_NPZ = "a sparse matrix as `scipy.sparse.save_npz` writes it (.npz)"
LARGEST = 2**31 - 1  # entries of a sparse matrix: what 32 bits count


def read_npy(path: str | Path) -> Table:
    """A dense array, rows as features, numbered names.

    Raises
    ------
    UserError
        For a file that is missing, damaged or holds Python objects, an array that is not 2-D or holds no real numbers.
    """
    array = _load(path, _NPY)
    if not isinstance(array, np.ndarray):
        array.close()
        # message: The suffix of the file is not that of its content. | Rename it to .npz.
        raise UserError(str(path), "several arrays (.npz) under the suffix .npy", _NPY)
    if array.ndim != 2:
        # message: A matrix has rows and columns. | Save it as an array of two dimensions.
        raise UserError(str(path), f"an array of {counted(array.ndim, 'dimension')}, shape {array.shape}", _NPY)
    refuse_type(path, array.dtype)
    return _named(path, np.array(array, dtype=np.float64, order="C"))


def read_npz(path: str | Path) -> Table:
    """A sparse matrix of any of SciPy's formats, rows as features, numbered names.

    Raises
    ------
    UserError
        As :func:`read_npy`, and for an ``.npz`` that is no sparse matrix, one whose parts do not fit together, or one
        of coordinates (COO) with an entry twice.
    """
    file = _load(path, _NPZ)
    if isinstance(file, np.ndarray):
        # message: The suffix of the file is not that of its content. | Rename it to .npy.
        raise UserError(str(path), "a single array (.npy) under the suffix .npz", _NPZ)
    with file:
        if "format" not in file.files:
            listed = ", ".join(map(repr, file.files[:10])) or "none"
            # message: Such a file may hold anything, and only SciPy's sparse matrices say what it is. | Save the one
            # matrix by `scipy.sparse.save_npz`, or a dense one by `numpy.save` as .npy.
            raise UserError(str(path), f"arrays that are no sparse matrix ({listed})", f"{_NPZ}, or one array (.npy)")
    try:
        matrix = sparse.load_npz(path)
        if matrix.ndim == 2 and matrix.format in ("csr", "csc", "bsr"):
            matrix.check_format(full_check=True)
    except _DAMAGED as error:
        raise _unreadable(path, error, _NPZ) from error
    if matrix.ndim != 2:
        # message: A matrix has rows and columns. | Save it as a matrix of two dimensions.
        raise UserError(str(path), f"a sparse array of {matrix.ndim} dimension", _NPZ)
    if matrix.format == "coo":
        _refuse_twice(path, matrix)
    return _named(path, to_csr(path, matrix))


def refuse_type(path: str | Path, dtype: np.dtype) -> None:
    """Refuse a type of numbers that is not real.

    Raises
    ------
    UserError
    """
    if dtype.kind not in "biuf":
        noun = {"c": "complex numbers", "O": "Python objects", "U": "text", "S": "text"}.get(dtype.kind, "no numbers")
        # message: text (type <U5) / complex numbers (type complex128) | real numbers | The array holds no real numbers.
        # | Convert it before it is saved (`array.astype(float)`).
        raise UserError(str(path), f"{noun} (type {dtype})", "real numbers")


def to_csr(path: str | Path, matrix: Any) -> sparse.csr_array:
    """A sparse matrix as an encoding holds it: float64, rows sorted, entries at one place summed, no zeros.

    Raises
    ------
    UserError
        For no real numbers, and for more than :data:`LARGEST` entries.
    """
    refuse_type(path, matrix.dtype)
    if matrix.nnz > LARGEST:
        # message: So many entries are not counted by 32 bits, nor fitted in the memory of most machines. | Select
        # features or samples before.
        raise UserError(str(path), f"{matrix.nnz} entries", f"at most {LARGEST}")
    found = sparse.csr_array(matrix)
    found.sum_duplicates()
    found = found.astype(np.float64, copy=False)
    found.eliminate_zeros()
    found.indices, found.indptr = (array.astype(np.int32, copy=False) for array in (found.indices, found.indptr))
    return found


def _refuse_twice(path: str | Path, matrix: Any) -> None:
    """Refuse coordinates that stand twice."""
    rows, columns = matrix.row, matrix.col
    order = np.lexsort((columns, rows))
    same = (np.diff(rows[order]) == 0) & (np.diff(columns[order]) == 0)
    if same.any():
        first = order[1:][same].min()
        # message: 1 entry a second time (the first: row 3, column 2) | each entry once | An entry stands twice, and
        # nobody can tell whether the second is to be added or put in its place. | Save it with each entry once; in
        # SciPy `matrix.sum_duplicates()` adds them up.
        raise UserError(
            str(path),
            f"{counted(same.sum(), 'entry')} a second time (the first: row {rows[first] + 1}, column "
            f"{columns[first] + 1})",
            "each entry once",
        )


def _named(path: str | Path, matrix: np.ndarray | sparse.csr_array) -> Table:
    rows, columns = matrix.shape
    return Table(Path(path), matrix, numbered("feature", rows), numbered("sample", columns), "names are numbers")


def _load(path: str | Path, expected: str) -> Any:
    if Path(path).is_dir():
        # message: A matrix is one file. | Name the file in it.
        raise UserError(str(path), "a folder", expected)
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        # message: There is none at this path, which starts where you run. | Correct it.
        raise UserError(str(path), "no such file", expected) from None
    except _DAMAGED as error:
        raise _unreadable(path, error, expected) from error


def _unreadable(path: str | Path, error: BaseException, expected: str) -> UserError:
    if any(words in str(error) for words in ("Python objects in dtype", "Object arrays cannot")):
        # message: an array of Python objects, which are never loaded | a matrix of numbers as `numpy.save` writes it
        # (.npy) / a sparse matrix as `scipy.sparse.save_npz` writes it (.npz) | Such objects can run code. | Convert
        # the array to numbers before it is saved (`array.astype(float)`).
        return UserError(str(path), "an array of Python objects, which are never loaded", expected)
    # message: a file that cannot be read: an unfinished download or a damaged file (...) | a matrix of numbers as
    # `numpy.save` writes it (.npy) / a sparse matrix as `scipy.sparse.save_npz` writes it (.npz) | It was cut off, or
    # is of another kind than its suffix says. | Copy or download it again.
    return UserError(
        str(path), f"a file that cannot be read: an unfinished download or a damaged file ({error})", expected
    )
