"""How many factors? Errors, stability and starts of every rank: numbers of other tables, side by side.

This module computes no statistic of its own but the median of the held-out errors and the adjusted Rand index.
"""

from typing import Any

import numpy as np
import pandas as pd

from proxsweep.nmf.results.errors import MEASURES
from proxsweep.nmf.results.stability import KINDS
from proxsweep.nmf.roles import ROLES
from proxsweep.nmf.summaries import agreement
from proxsweep.sweep import chosen, rules
from proxsweep.sweep.fits import folds, full, in_order, sweep_columns, usable

HELD_OUT = ("validation_loss", "standard_error", "validation_median", "validation_unconverged")
STABILITY = ("mean_silhouette", "least_silhouette", "cophenetic")
STARTS = ("starts", "starts_used", "at_best", *KINDS)
INDEX = ("adjusted_rand_index", "label_column")
MARKS = ("held_out", "stability", "chosen")
RESULTS = ("replicates", "unconverged", *MEASURES, *HELD_OUT, *STABILITY, *STARTS, *INDEX, *MARKS)


def table(
    fits: pd.DataFrame,
    errors: pd.DataFrame,
    validated: pd.DataFrame,
    stability: pd.DataFrame,
    clusters: pd.DataFrame,
    choice: pd.DataFrame,
    label_column: str = "",
) -> pd.DataFrame:
    """One row for each setting and rank, its replicates together.

    Parameters
    ----------
    fits
        The study's table of fits: those to all entries are described, those to folds give the median.
    errors
        Row per full fit (:func:`proxsweep.nmf.results.errors.table`); a fit that diverged has none and does not count.
    validated
        `cross_validation.csv`; without rows where nothing was cross-validated.
    stability, clusters
        `stability.csv` and `clusters.csv` (:func:`proxsweep.nmf.summaries.agreement.read`).
    choice
        The study's `chosen.csv`.
    label_column
        The column of ``clusters`` that is compared with the clusters; empty for none.

    Returns
    -------
    DataFrame
        ``study``, the swept parameters but the replicate, then :data:`RESULTS`: the number of ``replicates`` and of
        their fits that are ``unconverged``; means over replicates of errors, held-out errors (mean, its standard error
        and median over folds, folds that are unconverged) and the adjusted Rand index; the least over replicates of
        silhouettes and cophenetic correlation (NaN where one has none); sums over replicates of the numbers of starts
        (``starts_used``: by silhouettes and consensus);
        whether the rules ``held_out`` and ``stability`` select the rank, and whether it is the ``chosen`` one.
    """
    whole = full(fits)
    by = ["study", *sweep_columns(whole, without=(ROLES.replicate,))]
    rows = []
    for values, part in whole.groupby(by, sort=False, dropna=False):
        setting = dict(zip(by, values, strict=True))
        parts = [chosen.agreeing(one, setting) for one in (errors, validated, folds(fits), stability)]
        found = [_fits(part), {name: _mean(parts[0][name]) for name in MEASURES}]
        found += [_held_out(parts[1], parts[2]), _stability(parts[3])]
        found += [_index(chosen.agreeing(clusters, setting), setting, label_column), _marks(choice, setting)]
        rows.append({name: value for one in found for name, value in one.items()} | setting)
    own = [name for name in RESULTS if name not in by]  # `starts` may be swept
    return in_order(pd.DataFrame(rows, columns=[*by, *own]), by[1:], ROLES)


def _fits(part: pd.DataFrame) -> dict[str, Any]:
    return {"replicates": len(part), "unconverged": int((part["status"] != "converged").sum())}


def _held_out(validated: pd.DataFrame, to_folds: pd.DataFrame) -> dict[str, Any]:
    if validated.empty:
        return dict.fromkeys(HELD_OUT[:3], np.nan) | {"validation_unconverged": 0}
    row, to_folds = validated.iloc[0], to_folds[usable(to_folds)]
    medians = to_folds.groupby(ROLES.replicate)["validation_loss"].median()
    known = {name: float(row[name]) for name in HELD_OUT[:2]}
    return known | {"validation_median": _mean(medians), "validation_unconverged": int(row["unconverged"])}


def _stability(found: pd.DataFrame) -> dict[str, Any]:
    least = {name: float(found[name].astype(float).min(skipna=False)) if len(found) else np.nan for name in STABILITY}
    counts = {name: int(found[name].sum()) for name in STARTS[1:]}
    return least | {"starts": sum(counts[name] for name in KINDS)} | counts


def _index(clusters: pd.DataFrame, setting: dict[str, Any], column: str) -> dict[str, Any]:
    name = f"rank_{int(setting[ROLES.strength])}"
    if not column or name not in clusters:
        return {"adjusted_rand_index": np.nan, "label_column": column}
    each = [
        agreement.adjusted_rand_index(part[column], part[name])
        for _, part in clusters.groupby(ROLES.replicate, sort=False)
    ]
    return {"adjusted_rand_index": _mean(pd.Series(each, dtype=float)), "label_column": column}


def _marks(choice: pd.DataFrame, setting: dict[str, Any]) -> dict[str, bool]:
    """Which rules select this rank; what was not selected but only ranked is not ``chosen``."""
    rank = setting[ROLES.strength]
    others = {name: value for name, value in setting.items() if name != ROLES.strength}
    rows = chosen.agreeing(choice, others)
    row = rows.iloc[0] if len(rows) else {}
    by_rule = {name: bool(row.get(name, np.nan) == rank) for name in (rules.HELD_OUT, rules.STABILITY)}
    selected = bool(row.get("selected", False)) and row[ROLES.strength] == rank
    return by_rule | {"chosen": bool(selected and row["chosen"])}


def _mean(values: pd.Series) -> float:
    return float(values.astype(float).mean()) if values.notna().any() else float("nan")
