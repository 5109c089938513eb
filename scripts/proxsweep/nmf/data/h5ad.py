"""Matrices in .h5ad files of AnnData: cells in rows. Of a file only the wanted matrix and the names are read."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from proxsweep.io.errors import UserError
from proxsweep.nmf.data.arrays import refuse_type, to_csr
from proxsweep.nmf.data.table import Table

_EXPECTED = "a file of AnnData (.h5ad)"
_DAMAGED = "a file that cannot be read: an unfinished download or a damaged file"
_SUFFIXES = {"X": "X", "raw": "raw/X"}


def read(path: str | Path, layer: str) -> Table:
    """Read one matrix of a file.

    Parameters
    ----------
    path
        Local file.
    layer
        ``X``, ``raw`` (its matrix and its genes) or the name of a layer.

    Returns
    -------
    Table
        As it is stored: rows are cells, which are the table's features until it is transposed.

    Raises
    ------
    UserError
        Without anndata, for a file that is missing or damaged, and where the layer is missing: with those there are.
    """
    _refuse_without_anndata(path)
    if not Path(path).is_file():
        # message: There is none at this path, which starts where you run. | Correct it.
        raise UserError(str(path), "no such file", _EXPECTED)
    with _refusing_damage(path):
        matrix, cells, genes = _parts(path, layer)
    if len(matrix.shape) != 2 or matrix.shape != (len(cells), len(genes)):
        # message: The parts of the file do not fit together. | Write it again with AnnData.
        raise UserError(
            f"{path}, {layer}", f"a matrix of shape {matrix.shape}", f"{len(cells)} cells by {len(genes)} genes"
        )
    refuse_type(path, matrix.dtype)
    found = to_csr(path, matrix) if sparse.issparse(matrix) else np.array(matrix, dtype=np.float64, order="C")
    return Table(Path(path), found, cells, genes, f"layer {layer}")


def _refuse_without_anndata(path: str | Path) -> None:
    try:
        import anndata  # noqa: F401
    except ImportError as error:
        # message: anndata reads such files, and is not among what the workflow needs. | Install it into the
        # environment, or write the matrix as Matrix Market or CSV.
        raise UserError(
            str(path),
            "an .h5ad file, and no anndata to read it",
            "anndata in the environment (`.venv/bin/pip install anndata`), or the matrix in another format",
        ) from error


@contextmanager
def _refusing_damage(path: str | Path) -> Iterator[None]:
    """Make a UserError of whatever the readers of HDF5 and AnnData raise: of a damaged file that may be anything."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old files AnnData says that they are
            yield
    except UserError:
        raise
    except Exception as error:
        # message: The file was cut off (an unfinished download), or is no .h5ad. | Copy or download it again, or write
        # it with AnnData.
        raise UserError(str(path), f"{_DAMAGED} ({error})", _EXPECTED) from error


def _parts(path: str | Path, layer: str) -> tuple[Any, np.ndarray, np.ndarray]:
    """The matrix, the names of cells and those of genes."""
    import h5py

    with h5py.File(path, "r") as file:
        if "encoding-type" not in file.get("obs", file).attrs:
            return _old(path, layer)
        from anndata.io import read_elem

        layers = list(file.get("layers", ()))
        _refuse_absent(path, layer, layers, "X" in file, "raw" in file)
        genes = file["raw/var"] if layer == "raw" else file["var"]
        matrix = read_elem(file[_SUFFIXES.get(layer, f"layers/{layer}")])
        return matrix, _names(read_elem, file["obs"]), _names(read_elem, genes)


def _names(read_elem: Any, frame: Any) -> np.ndarray:
    """The index of a table of cells or genes, the rest of which is not read."""
    return np.array(read_elem(frame[frame.attrs["_index"]]), dtype=str)


def _old(path: str | Path, layer: str) -> tuple[Any, np.ndarray, np.ndarray]:
    """The same of a file from before AnnData 0.7, which has no such parts; it is read whole."""
    import anndata

    data = anndata.read_h5ad(path)
    _refuse_absent(path, layer, list(data.layers), data.X is not None, data.raw is not None)
    matrix = data.raw.X if layer == "raw" else data.X if layer == "X" else data.layers[layer]
    genes = data.raw.var_names if layer == "raw" else data.var_names
    return matrix, np.array(data.obs_names, dtype=str), np.array(genes, dtype=str)


def _refuse_absent(path: str | Path, layer: str, layers: list[str], has_x: bool, has_raw: bool) -> None:
    known = [name for name, is_there in (("X", has_x), ("raw", has_raw)) if is_there] + layers
    if layer not in known:
        # message: no raw / no layer 'counts' | one of X, spliced, unspliced | The file holds other matrices than the
        # one that `layer` names. | Correct `data: layer`, or write the file with that layer.
        raise UserError(
            f"{path}, layer",
            f"no {layer}" if layer in _SUFFIXES else f"no layer {layer!r}",
            f"one of {', '.join(known)}",
        )
