"""Read a matrix of any format, by the suffix of its file, and the files that are read for it."""

from pathlib import Path

from proxsweep.io import digests
from proxsweep.io.errors import UserError
from proxsweep.nmf.data import arrays, h5ad, market, market_names, tables
from proxsweep.nmf.data.table import Table

FORMATS = "a table (.csv, .tsv), .npy, .npz of SciPy, Matrix Market (.mtx), a folder of 10x Genomics or .h5ad"
_MARKET = ".mtx"


def read(path: str | Path, features_in: str | None = None, layer: str | None = None) -> Table:
    """Read a matrix with its names.

    Parameters
    ----------
    path
        Local file: ``.npy``, ``.npz``, ``.h5ad``, ``.mtx`` (also packed: ``.mtx.gz``), any other is a table of text; or
        a folder with ``matrix.mtx``.
    features_in
        ``rows`` or ``columns``; None for columns in .h5ad and rows elsewhere.
    layer
        Of an .h5ad ``X``, ``raw`` or the name of a layer; None for ``X``.

    Returns
    -------
    Table
        Features by samples. It is sparse if the file is. Its entries and names are not checked
        (:mod:`proxsweep.nmf.data.checks`).

    Raises
    ------
    UserError
        For a file that is missing, damaged, not as a run wrote it or of another format, a cell that is no number, a
        layer that is not there.
    """
    path = Path(path)
    digests.verify(path)
    kind = _format(path)
    features_in = features_in or ("columns" if kind == ".h5ad" else "rows")
    if layer is not None and kind != ".h5ad":
        # message: Other files hold one matrix. | Remove `layer`.
        raise UserError(str(path), f"the layer {layer!r} of a file that has none", "a layer of an .h5ad only")
    if kind == _MARKET:
        return market.read(path, features_in)
    readers = {".npy": arrays.read_npy, ".npz": arrays.read_npz}
    found = h5ad.read(path, layer or "X") if kind == ".h5ad" else readers.get(kind, tables.read)(path)
    return found.transposed() if features_in == "columns" else found


def files(path: str | Path) -> list[Path]:
    """The files that :func:`read` reads: of Matrix Market also those with names.

    Raises
    ------
    UserError
        For a folder without a matrix or without names.
    """
    path = Path(path)
    if _format(path) != _MARKET:
        return [path]
    found = market_names.matrix_in(path)
    return [found, *market_names.beside(found).values()]


def _format(path: Path) -> str:
    """The suffix that tells how a file is read; empty for a table of text."""
    if path.is_dir():
        return _MARKET
    name = path.name.lower()
    if _MARKET in Path(name).suffixes[-2:]:
        return _MARKET
    if path.suffix.lower() in (".npy", ".npz", ".h5ad"):
        return path.suffix.lower()
    _refuse_other(path)
    return ""


def _refuse_other(path: Path) -> None:
    """Refuse what a reader of tables would take for an export of something else."""
    if not path.is_file():
        return
    with open(path, "rb") as stream:
        start = stream.read(32)
    kinds = {
        b"\x89HDF\r\n\x1a\n": "an HDF5 file that is not named .h5ad",
        b"\x93NUMPY": "an array of NumPy that is not named .npy",
        b"%%MatrixMarket": "a Matrix Market file that is not named .mtx",
    }
    for magic, found in kinds.items():
        if start.startswith(magic):
            # message: an HDF5 file that is not named .h5ad / an array of NumPy that is not named .npy / a Matrix Market
            # file that is not named .mtx | a table (.csv, .tsv), .npy, .npz of SciPy, Matrix Market (.mtx), a folder of
            # 10x Genomics or .h5ad | The suffix says how a file is read; of 10x Genomics' HDF5 files (.h5) the folder
            # with matrix.mtx is read. | Rename the file, or take the folder.
            raise UserError(str(path), found, FORMATS)
