"""Held-out loss of every setting of a sweep, and the strength that each rule selects by it.

The loss of a setting is the mean over its replicates of the mean over their folds. Its standard error is that of the
mean over folds, replicates taken as independent: sqrt(sum_r s_r^2 / k_r) / R with s_r the standard deviation over the
k_r folds of replicate r (Hastie, Tibshirani and Friedman 2009, The Elements of Statistical Learning, section 7.10).
"""

import numpy as np
import pandas as pd

from proxsweep.sweep.fits import folds, in_order, sweep_columns, usable
from proxsweep.sweep.study import Roles

RULES = ("minimum", "one_standard_error")
LOSS = "validation_loss"


def table(fits: pd.DataFrame, roles: Roles) -> pd.DataFrame:
    """One row per setting of the sweep, its replicates together; no rows in a family without a strength.

    Parameters
    ----------
    fits
        The study's table of fits; those without a fold are left aside.
    roles
        The family's.

    Returns
    -------
    DataFrame
        ``study``, the swept parameters but the replicate; ``fits`` (to folds) and how many are ``unconverged``;
        ``training_loss``, ``validation_loss``, ``standard_error``; ``validation_loss_<part>`` and other columns that
        begin with ``validation_`` (numbers of observations of a part of the data, all folds of one replicate, means
        over replicates); ``eligible`` (every fold converged, its loss a
        number); ``minimum`` and ``one_standard_error``: which strength each rule selects, among the eligible ones of
        the same other settings.
    """
    fits = folds(fits)
    by = ["study", *(name for name in sweep_columns(fits) if name != roles.replicate)]
    groups = fits.groupby(by, sort=False, dropna=False)
    rows = [dict(zip(by, values, strict=True)) | _row(part, roles.replicate) for values, part in groups]
    details = [name for name in fits.columns if name.startswith("validation_") and name != LOSS]
    columns = [*by, "fits", "unconverged", "training_loss", LOSS, "standard_error", *details, "eligible"]
    found = in_order(pd.DataFrame(rows, columns=columns), by[1:], roles)
    return _marked(found, [name for name in by if name != roles.strength], roles)


def _row(part: pd.DataFrame, replicate: str | None) -> dict:
    unconverged = int((part["status"] != "converged").sum())
    losses = [name for name in part.columns if name == "training_loss" or name.startswith(LOSS)]
    part = part.assign(**{name: part[name].where(usable(part)) for name in losses})
    each = part.groupby(replicate or "study", sort=False)
    errors = each[LOSS].var() / each[LOSS].size()
    counts = [name for name in part.columns if name.startswith("validation_") and name not in losses]
    row = {name: each[name].mean().mean() for name in losses}
    row |= {name: each[name].sum().mean() for name in counts}
    return {
        **row,
        "fits": len(part),
        "unconverged": unconverged,
        "standard_error": np.sqrt(errors.sum()) / len(errors),
        "eligible": unconverged == 0 and bool(np.isfinite(part[LOSS]).all()),
    }


def _marked(found: pd.DataFrame, by: list[str], roles: Roles) -> pd.DataFrame:
    marks = {rule: np.zeros(len(found), bool) for rule in RULES}
    for places in found.groupby(by, sort=False, dropna=False).indices.values():
        eligible = found.iloc[places][found["eligible"].iloc[places].to_numpy(bool)]
        if eligible.empty:
            continue
        best = eligible[LOSS].idxmin()
        limit = found.loc[best, LOSS] + found.loc[best, "standard_error"]
        near = eligible[eligible[LOSS] <= limit]
        marks["minimum"][best] = True
        strengths = near[roles.strength].astype(float)
        marks["one_standard_error"][strengths.idxmax() if roles.larger_is_simpler else strengths.idxmin()] = True
    return found.assign(**marks)
