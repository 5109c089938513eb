"""Which factors stay as the rank grows: cosines between factors of each rank and of the next one in the sweep."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from proxsweep.nmf.results import factors
from proxsweep.nmf.results.factors import Factors
from proxsweep.nmf.roles import ROLES
from proxsweep.optimize.status import Status
from proxsweep.sweep.fits import full, sweep_columns

RANK = ROLES.strength
PAIR = ("rank", "next_rank", "factor", "next_factor", "cosine", "matched", "converged")


def table(fits: pd.DataFrame, load: Callable[[str], Factors] = factors.load) -> pd.DataFrame:
    """Row per pair of factors (columns of W) of the fits that won at neighbouring ranks, other settings the same.

    Parameters
    ----------
    fits
        The study's table of fits; those to a part of the matrix are left aside.
    load
        Reads the factors of the fit in a folder (column ``path``).

    Returns
    -------
    DataFrame
        ``study``, the swept parameters but the rank, then :data:`PAIR`: ``factor`` and ``next_factor`` (``factor_1``,
        ...), their ``cosine`` (NaN where a fit diverged), whether they are ``matched`` one to one by the largest sum of
        cosines (all factors of the smaller rank are), and whether both fits ``converged``.

    Raises
    ------
    UserError
        For a fit whose files are missing or damaged.
    """
    fits = full(fits)
    by = ["study", *sweep_columns(fits, without=(RANK,))]
    rows = []
    for values, part in fits.groupby(by, sort=False, dropna=False):
        ranked = part.sort_values(RANK, kind="stable").to_dict("records")
        setting = dict(zip(by, values, strict=True))
        for one, other in zip(ranked, ranked[1:], strict=False):
            rows += [setting | pair for pair in _pairs(one, other, load)]
    return pd.DataFrame(rows, columns=[*by, *PAIR])


def _pairs(one: dict[str, Any], other: dict[str, Any], load: Callable) -> Iterator[dict[str, Any]]:
    cosines = factors.cosines(load(one["path"]), load(other["path"]))
    if Status.DIVERGED in (one["status"], other["status"]):
        cosines = np.full(cosines.shape, np.nan)
    matched = np.zeros(cosines.shape, dtype=bool)
    if np.isfinite(cosines).all():
        matched[linear_sum_assignment(cosines, maximize=True)] = True
    converged = one["status"] == other["status"] == Status.CONVERGED
    for (s, t), cosine in np.ndenumerate(cosines):
        values = one[RANK], other[RANK], f"factor_{s + 1}", f"factor_{t + 1}", cosine, bool(matched[s, t]), converged
        yield dict(zip(PAIR, values, strict=True))
