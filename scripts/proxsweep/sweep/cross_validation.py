"""Held-out loss of every setting of a sweep, and the lasso weight that it speaks for.

The loss of a setting is the mean over its replicates of the mean over their folds. Its standard error is that of the
mean over folds, replicates taken as independent: sqrt(sum_r s_r^2 / k_r) / R with s_r the standard deviation over the
k_r folds of replicate r (Hastie, Tibshirani and Friedman 2009, The Elements of Statistical Learning, section 7.10).
"""

import numpy as np
import pandas as pd

from proxsweep.sweep.fits import folds, in_order, sweep_columns, usable

RULES = ("minimum", "one_standard_error")
LOSS = "validation_loss"


def table(fits: pd.DataFrame) -> pd.DataFrame:
    """One row a setting of the sweep, its replicates together.

    Parameters
    ----------
    fits
        The study's table of fits; those without a fold are left aside.

    Returns
    -------
    DataFrame
        ``study``, the swept parameters but ``replicate``; ``fits`` (to folds) and how many are ``unconverged``;
        ``training_loss``, ``validation_loss``, ``standard_error``; ``validation_loss_<condition>``,
        ``validation_variants_<condition>`` and ``validation_left_out_<condition>`` (numbers of variants, all folds of
        one replicate, means over replicates); ``eligible`` (every fold converged, its loss a number); ``minimum`` and
        ``one_standard_error``: which lasso weight each rule chooses, among the eligible ones of the same other
        settings.
    """
    fits = folds(fits)
    by = ["study", *(name for name in sweep_columns(fits) if name != "replicate")]
    rows = [
        dict(zip(by, values, strict=True)) | _row(part) for values, part in fits.groupby(by, sort=False, dropna=False)
    ]
    details = [name for name in fits.columns if name.startswith("validation_") and name != LOSS]
    columns = [*by, "fits", "unconverged", "training_loss", LOSS, "standard_error", *details, "eligible"]
    found = in_order(pd.DataFrame(rows, columns=columns), by[1:])
    return _marked(found, [name for name in by if name != "lasso"])


def _row(part: pd.DataFrame) -> dict:
    unconverged = int((part["status"] != "converged").sum())
    losses = [name for name in part.columns if name == "training_loss" or name.startswith(LOSS)]
    part = part.assign(**{name: part[name].where(usable(part)) for name in losses})
    each = part.groupby("replicate", sort=False)
    errors = each[LOSS].var() / each[LOSS].size()
    counts = [name for name in part.columns if name.startswith(("validation_variants_", "validation_left_out_"))]
    row = {name: each[name].mean().mean() for name in losses}
    row |= {name: each[name].sum().mean() for name in counts}
    return {
        **row,
        "fits": len(part),
        "unconverged": unconverged,
        "standard_error": np.sqrt(errors.sum()) / len(errors),
        "eligible": unconverged == 0 and bool(np.isfinite(part[LOSS]).all()),
    }


def _marked(found: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    marks = {rule: np.zeros(len(found), bool) for rule in RULES}
    for places in found.groupby(by, sort=False, dropna=False).indices.values():
        eligible = found.iloc[places][found["eligible"].iloc[places].to_numpy(bool)]
        if eligible.empty:
            continue
        best = eligible[LOSS].idxmin()
        limit = found.loc[best, LOSS] + found.loc[best, "standard_error"]
        near = eligible[eligible[LOSS] <= limit]
        marks["minimum"][best] = True
        marks["one_standard_error"][near["lasso"].astype(float).idxmax()] = True
    return found.assign(**marks)
