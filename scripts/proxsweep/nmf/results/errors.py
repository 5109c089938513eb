"""How well each full fit describes its matrix V, as it was normalised: numbers that compare ranks and algorithms.

======== =================================== =======================================================================
loss     ``relative_error``                  ``share_of_variance``
======== =================================== =======================================================================
squared  |V - W H| / |V| (Frobenius norms)   1 - |V - W H|^2 / |V|^2: the share of the sum of squares, about 0, not
                                             about a mean
poisson  loss / sum(V)                       1 - loss / loss of independence: of the fit of one factor, row sums times
                                             column sums by the total (the share of the deviance)
======== =================================== =======================================================================

The loss is without penalties. Errors under different losses, or of matrices normalised differently, do not compare.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import xlogy

from proxsweep.nmf.data.encoding import Encoding, Matrix
from proxsweep.nmf.data.normalise import normalise
from proxsweep.nmf.results import winners
from proxsweep.nmf.results.winners import Winner
from proxsweep.optimize.status import Status
from proxsweep.sweep.fits import full, sweep_columns

MEASURES = ("relative_error", "share_of_variance")


class Sizes(NamedTuple):
    """Of a matrix: |V|^2, sum(V), and the Poisson loss of independence."""

    squares: float
    total: float
    independence: float


class Matrices:
    """The encodings of a study's fits, and the sizes of their matrices, each read or computed once."""

    def __init__(self, encodings: Mapping[str, str | Path] | None) -> None:
        self._paths, self._encodings, self._sizes = encodings, {}, {}

    def encoding(self, fit: Mapping[str, Any]) -> Encoding:
        """What a fit (a row of `fits.csv`) was fitted to."""
        path = winners.encoding_path(fit, self._paths)
        if path not in self._encodings:
            self._encodings[path] = Encoding.load(path)
        return self._encodings[path]

    def sizes(self, fit: Mapping[str, Any], how: str) -> Sizes:
        """Sizes of the matrix of a fit, normalised as ``how`` says."""
        key = winners.encoding_path(fit, self._paths), how
        if key not in self._sizes:
            self._sizes[key] = sizes(normalise(self.encoding(fit).matrix, how))
        return self._sizes[key]


Measure = Callable[[Mapping[str, Any], Winner, Matrices], dict[str, float]]


def table(fits: pd.DataFrame, encodings: Mapping[str, str | Path] | None = None) -> pd.DataFrame:
    """Row per full fit: ``study``, the swept parameters, ``relative_error``, ``share_of_variance``, ``status``.

    Parameters
    ----------
    fits
        The study's table of fits; those to a part of the matrix are left aside.
    encodings
        Paths by the label of the replicate; by default those in the folder of the study.

    Returns
    -------
    DataFrame
        Numbers are NaN for a fit that diverged, and the share where the loss that it is relative to is 0.

    Raises
    ------
    UserError
        For a fit or an encoding whose files are missing or damaged.
    """
    return rows(fits, encodings, of_fit, MEASURES)


def rows(
    fits: pd.DataFrame, encodings: Mapping[str, str | Path] | None, measure: Measure, names: Sequence[str]
) -> pd.DataFrame:
    """Row per full fit: its setting, what ``measure`` gives by ``names`` (NaN where the fit diverged), its status."""
    fits = full(fits)
    swept, matrices, made = sweep_columns(fits), Matrices(encodings), []
    for fit in fits.to_dict("records"):
        diverged = fit["status"] == Status.DIVERGED
        values = dict.fromkeys(names, np.nan) if diverged else measure(fit, winners.load(fit["path"]), matrices)
        made.append({"study": fit["study"], **{name: fit[name] for name in swept}, **values, "status": fit["status"]})
    return pd.DataFrame(made, columns=["study", *swept, *names, "status"])


def of_fit(fit: Mapping[str, Any], found: Winner, matrices: Matrices) -> dict[str, float]:
    """The two measures of a fit that did not diverge."""
    squares, total, independence = matrices.sizes(fit, found.model["normalise"])
    if found.model["loss"] == "poisson":
        share = 1 - found.loss / independence if independence > 0 else np.nan
        return dict(zip(MEASURES, (found.loss / total, share), strict=True))
    share = 2 * found.loss / squares
    return dict(zip(MEASURES, (np.sqrt(share), 1 - share), strict=True))


def sizes(matrix: Matrix) -> Sizes:
    """What errors are relative to; of a sparse matrix its entries are looked at, nothing is made dense."""
    by_rows, by_columns = (np.asarray(matrix.sum(axis=axis), dtype=float) for axis in (1, 0))
    there = sparse.coo_array(matrix)
    values, total = there.data, float(by_rows.sum())
    rows_of, columns_of = there.coords
    expected = by_rows[rows_of] * (by_columns[columns_of] / total)
    # sums of V and of what is expected are equal, so only the logarithms are left
    return Sizes(float((values**2).sum()), total, max(0.0, float(xlogy(values, values / expected).sum())))
