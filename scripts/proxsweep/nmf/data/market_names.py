"""Names beside a Matrix Market file: ``barcodes.tsv`` and ``features.tsv`` (or ``genes.tsv``), perhaps packed.

Files of one export share what stands before ``matrix.mtx`` (``GSM1_matrix.mtx.gz``, ``GSM1_barcodes.tsv.gz``).
"""

import io
from collections import Counter
from pathlib import Path

import numpy as np

from proxsweep.io import opening
from proxsweep.io.errors import UserError
from proxsweep.nmf.data.table import counted, numbered
from proxsweep.nmf.data.tables import refuse_nul

_PACKINGS = ("", ".gz", ".xz", ".bz2", ".zip")
_NAMES = {"samples": ("barcodes",), "features": ("features", "genes")}
_FOLDER = "a folder with matrix.mtx, barcodes.tsv and features.tsv (or genes.tsv), each perhaps packed (.gz)"


def matrix_in(path: str | Path) -> Path:
    """The Matrix Market file of a folder; of a file itself.

    Raises
    ------
    UserError
        For what is neither, and for a folder without the matrix or the names, or with several matrices.
    """
    path = Path(path)
    if path.is_file():
        return path
    if not path.is_dir():
        # message: There is none at this path, which starts where you run. | Correct it.
        raise UserError(str(path), "no such file or folder", f"a Matrix Market file (.mtx), or {_FOLDER}")
    found = _first(path, "", ("matrix",), ".mtx")
    several = [one for one in (f"matrix.mtx{packing}" for packing in _PACKINGS) if (path / one).is_file()]
    if len(several) > 1:
        # message: Nobody can tell which of them is meant, and they may differ. | Remove one, or name the file itself
        # (`matrix: folder/matrix.mtx`).
        raise UserError(str(path), f"a folder with {' and '.join(several)}", "one of them")
    if found is None:
        # message: The folder holds no matrix that is read. | Name the file itself (`matrix: counts/counts.csv`).
        raise UserError(str(path), "a folder without matrix.mtx", f"{_FOLDER}, or a file in it")
    for noun, names in _NAMES.items():
        if _first(path, "", names, ".tsv") is None:
            # message: Names of features or samples are missing beside the matrix: an unfinished download. | Copy the
            # file, or name the matrix itself (`matrix: folder/matrix.mtx`), which then gets numbered names.
            raise UserError(str(path), f"no {' or '.join(f'{name}.tsv' for name in names)} ({noun})", _FOLDER)
    return found


def beside(path: Path) -> dict[str, Path]:
    """Files with the names of ``samples`` and ``features`` that belong to a Matrix Market file, those that exist."""
    stem, _, ending = path.name.partition("matrix.mtx")
    prefix = stem if ending in _PACKINGS and path.name != stem else ""
    found = {noun: _first(path.parent, prefix, names, ".tsv") for noun, names in _NAMES.items()}
    return {noun: one for noun, one in found.items() if one is not None}


def read(path: Path, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, str]:
    """Names of features and of samples, and a note on where they are from.

    Of ``features.tsv`` the second column (names of genes) where no name stands twice, else the first (their ids).

    Parameters
    ----------
    path
        The Matrix Market file.
    shape
        Numbers of features and samples.

    Raises
    ------
    UserError
        For files of names that are no text, or have more or fewer rows than the matrix has features or samples.
    """
    files = beside(path)
    notes, names = [], {}
    for noun, count, other in (("features", *shape), ("samples", *shape[::-1])):
        if noun not in files:
            names[noun] = numbered(noun[:-1], count)
            notes.append(
                f"{noun} have numbers for names, as no {' or '.join(_NAMES[noun])}.tsv stands beside the matrix"
            )
            continue
        rows = _rows(files[noun])
        if len(rows) != count:
            _refuse_count(files[noun], len(rows), noun, count, other)
        column, note = _column(rows) if noun == "features" else (0, "first column")
        names[noun] = np.array([row[column].strip() for row in rows])
        notes.append(f"{noun}: {note} of {files[noun].name}")
    return names["features"], names["samples"], "; ".join(notes)


def _refuse_count(path: Path, found: int, noun: str, count: int, other: int) -> None:
    hint = ""
    if found == other:
        hint = ": as many as there are in the other direction (`features_in: columns`, where features stand in columns)"
    elif found == count + 1:
        hint = ": one row for each, without a header"
    # message: 739 names of samples | 738, as the matrix has | The names are those of another matrix, have a header, or
    # features stand in the columns. | Copy the files of one export; `features_in: columns` exchanges rows and columns.
    raise UserError(str(path), f"{counted(found, 'name')} of {noun}", f"{count}, as the matrix has{hint}")


def _column(rows: list[list[str]]) -> tuple[int, str]:
    """Which column holds the names of features, and why."""
    if min(map(len, rows)) < 2:
        return 0, "first column"
    counts = Counter(row[1].strip() for row in rows)
    twice = [name for name, count in counts.items() if count > 1]
    if not twice and "" not in counts:
        return 1, "names (second column)"
    return (
        0,
        f"ids (first column, since the second has {counted(len(twice), 'name')} more than once, {twice[0]!r} first)"
        if twice
        else "ids",
    )


def _rows(path: Path) -> list[list[str]]:
    refuse_nul(path)
    with opening.open_table(path).stream as stream:
        try:
            text = io.TextIOWrapper(stream, "utf-8-sig").read()
        except UnicodeDecodeError as error:
            # message: Another encoding (UTF-16, Latin-1). | Save it as text in UTF-8.
            raise UserError(str(path), f"bytes that are not UTF-8 text ({error.reason})", "text in UTF-8") from error
        except OSError as error:
            # message: passed on
            raise opening.unreadable(path, error) from error
    return [line.split("\t") for line in text.split("\n") if line.strip()]


def _first(folder: Path, prefix: str, names: tuple[str, ...], suffix: str) -> Path | None:
    files = (folder / f"{prefix}{name}{suffix}{packing}" for name in names for packing in _PACKINGS)
    return next((one for one in files if one.is_file()), None)
