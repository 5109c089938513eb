"""What a fit to a fold is to: all of the matrix but some entries, or all but a part of the rows and of the columns.

``rows`` of a fit (:class:`proxsweep.sweep.grid.Fit`) name the fold. Its numbers come from NumPy's PCG64, seeded by
``seed``: the same with the same NumPy, whatever the rank and the other settings of the fit. Folds are of the matrix as
it is fitted, after it was normalised as a whole. :mod:`proxsweep.nmf.data.resamples` has the other parts.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from proxsweep.io.errors import UserError
from proxsweep.nmf.data.encoding import Encoding, Matrix

PLACE = "cross_validation"
MOST_DENSE = 4000000  # entries of a sparse matrix that is made dense


@dataclass(frozen=True)
class Part:
    """A part of a matrix.

    Attributes
    ----------
    whole
        The matrix V (m, n) that it is of.
    encoding
        What is fitted: for a fold of entries V with 0 in place of those held out, for one of blocks the kept rows and
        columns without those that are zero there, else V.
    seen : (m, n) bool
        The entries that are fitted; None where all of ``encoding`` are.
    given_back
        Entries of the fold that are fitted all the same, so that every row and column keeps enough.
    rows : (m,) bool
    columns : (n,) bool
        Of a fold of blocks the kept rows and columns of ``whole``; else None.
    """

    whole: Encoding
    encoding: Encoding
    seen: np.ndarray | None = None
    given_back: int = 0
    rows: np.ndarray | None = None
    columns: np.ndarray | None = None

    @property
    def is_fold(self) -> bool:
        return self.seen is not None or self.rows is not None


def is_fold(rows: Mapping[str, Any] | None) -> bool:
    """Whether ``rows`` of a fit name a fold."""
    return "fold" in (rows or {})


def fold(encoding: Encoding, rank: int, rows: Mapping[str, Any] | None) -> Part:
    """The part that a fit of a rank is to, of an encoding whose matrix is as it is fitted (normalised).

    The whole, unless ``rows`` name a fold.

    Raises
    ------
    UserError
        As :func:`refuse`.
    """
    if not is_fold(rows):
        return Part(encoding, encoding)
    refuse(encoding.matrix, rank, rows)
    if rows["hold_out"] == "blocks":
        kept = blocks(encoding.matrix.shape, rows)
        return Part(encoding, encoding.block(*kept), rows=kept[0], columns=kept[1])
    seen, given_back = entries(encoding.matrix.shape, rank, rows)
    matrix = encoding.matrix.toarray() if sparse.issparse(encoding.matrix) else encoding.matrix
    return Part(encoding, replace(encoding, matrix=np.where(seen, matrix, 0.0)), seen, given_back)


def entries(shape: tuple[int, int], rank: int, rows: Mapping[str, Any]) -> tuple[np.ndarray, int]:
    """Which entries (m, n) a fold leaves to be fitted, and how many of its own were given back to that.

    All entries, zeros among them, are shared out at random, whatever the rank. A row or a column that would keep fewer
    than rank + 1 gets entries of the fold back, in the order in which they were drawn: first rows, then columns.
    """
    order = _generator(rows["seed"]).permutation(math.prod(shape)).reshape(shape)
    mine = order % rows["folds"] == int(rows["fold"]) - 1
    seen = ~mine
    _give_back(seen, order, rank + 1)
    _give_back(seen.T, order.T, rank + 1)
    return seen, int((seen & mine).sum())


def _give_back(seen: np.ndarray, order: np.ndarray, least: int) -> None:
    """Mark hidden entries of rows with fewer than ``least`` seen ones as seen, in place."""
    short = np.flatnonzero(seen.sum(axis=1) < least)
    hidden_first = np.argsort(np.where(seen[short], seen.size, order[short]), axis=1)
    back = np.arange(seen.shape[1]) < (least - seen[short].sum(axis=1))[:, None]
    again, places = np.nonzero(back)
    seen[short[again], hidden_first[again, places]] = True


def blocks(shape: tuple[int, int], rows: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Which rows (m,) and which columns (n,) a fold keeps.

    Both are shared out at random; fold f holds out part f of the rows and part f of the columns (Owen and Perry 2009,
    Ann. Appl. Stat. 3, 564).
    """
    generator, number = _generator(rows["seed"]), int(rows["fold"]) - 1
    of_rows, of_columns = (generator.permutation(size) % rows["folds"] != number for size in shape)
    return of_rows, of_columns


def refuse(matrix: Matrix, rank: int, rows: Mapping[str, Any], place: str = PLACE) -> None:
    """Refuse folds that a matrix is too small or too large for.

    Parameters
    ----------
    matrix : (m, n)
        Without rows and columns of zeros.
    rank
        The largest that is fitted.
    rows
        ``folds``, ``seed`` and ``hold_out``: ``rows`` of a fit, or the section `cross_validation`. All folds are looked
        at.
    place
        What the message names.

    Raises
    ------
    UserError
    """
    _refuse_unknown(rows, place)
    if rows["hold_out"] == "entries":
        _refuse_entries(matrix, rank, place)
    else:
        _refuse_blocks(matrix, rank, rows, place)


def _refuse_unknown(rows: Mapping[str, Any], place: str) -> None:
    missing = [name for name in ("folds", "seed", "hold_out") if name not in rows]
    if missing or rows["hold_out"] not in ("entries", "blocks"):
        found = f"no {', '.join(missing)}" if missing else f"hold_out {rows['hold_out']!r}"
        # message: no hold_out / hold_out 'x' | folds, seed, and `hold_out` entries or blocks | A record was edited. |
        # Make the fit again.
        raise UserError(place, found, "folds, seed, and `hold_out` entries or blocks")
    if not 1 <= int(rows.get("fold", 1)) <= rows["folds"]:
        # message: fold 11 | a fold from 1 to 10 | A record was edited. | Make the fit again.
        raise UserError(place, f"fold {rows['fold']}", f"a fold from 1 to {rows['folds']}")


def _refuse_entries(matrix: Matrix, rank: int, place: str) -> None:
    size, shape = math.prod(matrix.shape), f"{matrix.shape[0]} features x {matrix.shape[1]} samples"
    if sparse.issparse(matrix) and size > MOST_DENSE:
        # message: `hold_out: entries` of a sparse matrix of 20000 features x 30000 samples | `hold_out: blocks`, or at
        # most 4000000 entries | Which entries are held out is a matrix without zeros. | Hold out blocks, or select
        # features.
        raise UserError(
            place,
            f"`hold_out: entries` of a sparse matrix of {shape}",
            f"`hold_out: blocks`, or at most {MOST_DENSE} entries",
        )
    if min(matrix.shape) < rank + 2:
        # message: rank 8 with `hold_out: entries` of 96 features x 9 samples | ranks of at most 7, as a row and a
        # column keep one entry more than the rank | Fewer entries do not determine its factors. | Leave out these
        # ranks, or hold out blocks.
        raise UserError(
            place,
            f"rank {rank} with `hold_out: entries` of {shape}",
            f"ranks of at most {min(matrix.shape) - 2}, as a row and a column keep one entry more than the rank",
        )


def _refuse_blocks(matrix: Matrix, rank: int, rows: Mapping[str, Any], place: str) -> None:
    folds, shape = rows["folds"], f"{matrix.shape[0]} features x {matrix.shape[1]} samples"
    if folds > min(matrix.shape):
        # message: 30 folds with `hold_out: blocks` of 96 features x 21 samples | at most 21 folds | A fold would hold
        # out no sample. | Lower `folds`.
        raise UserError(
            place, f"{folds} folds with `hold_out: blocks` of {shape}", f"at most {min(matrix.shape)} folds"
        )
    for number, sides in enumerate(_sides(matrix, rows), 1):
        if min(sides) < rank:
            # message: rank 19 in fold 3 with `hold_out: blocks`, which keeps 86 features x 18 samples that are not all
            # zero | ranks of at most 18 | A fold holds out a part of the rows and of the columns. | Leave out these
            # ranks, or raise `folds`.
            raise UserError(
                place,
                f"rank {rank} in fold {number} with `hold_out: blocks`, which keeps {sides[0]} features x {sides[1]} "
                "samples that are not all zero",
                f"ranks of at most {min(sides)}",
            )


def _sides(matrix: Matrix, rows: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Rows and columns of every fold's block that are not all zero in it."""
    kept = [blocks(matrix.shape, {**rows, "fold": number}) for number in range(1, rows["folds"] + 1)]
    there = matrix.astype(bool)
    found = []
    for of_rows, of_columns in kept:
        of_row, of_column = (there @ of_columns.astype(float))[of_rows], (of_rows.astype(float) @ there)[of_columns]
        found.append((int((of_row > 0).sum()), int((of_column > 0).sum())))
    return found


def _generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))
