"""A fit beside the truth of a simulation: where rows of its difference matrix truly differ from zero."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from proxsweep.dms.results import fitted
from proxsweep.io.errors import UserError

# True effects are sums of a few floats: differences below this (latent units) are rounding.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Estimate:
    """One fit as it is compared with the truth.

    Attributes
    ----------
    reference
        Condition in whose coordinates the mutations are written.
    coefficients
        For each row of the difference matrix its nonzero coefficients by condition. Rows that touch an inner
        node of a tree, whose true effect no table holds, have None.
    mutations
        One row per mutation: ``mutation``, ``shift_<row>`` (latent units), ``times_seen_<condition>``
        (variants).
    """

    reference: str
    coefficients: Mapping[str, Mapping[str, float] | None]
    mutations: pd.DataFrame


def load(path: str | Path) -> Estimate:
    """Read ``record.json``, ``parameters.npz`` and ``mutations.csv`` from the folder of a fit."""
    fit, (_, _, matrix) = fitted.load(path), fitted.difference(path)
    coefficients = {row: _coefficients(values, fit.conditions) for row, values in zip(fit.rows, matrix, strict=True)}
    return Estimate(fitted.figures(path, "reference")["reference"], coefficients, fit.mutations)


def _coefficients(values: np.ndarray, conditions: list[str]) -> dict[str, float] | None:
    if np.any(values[len(conditions) :] != 0):
        return None
    return {name: float(value) for name, value in zip(conditions, values, strict=False) if value != 0}


def matched(fit: Estimate, known: pd.DataFrame, place: str) -> pd.DataFrame:
    """The truth in the order of the fit's mutations.

    Raises
    ------
    UserError
        If the truth, indexed by mutation, lacks a mutation or condition of the fit in ``place``.
    """
    conditions = {name for terms in fit.coefficients.values() if terms for name in terms} | {fit.reference}
    for name in sorted(conditions):
        if f"beta_{name}" not in known.columns:
            # message: `data/truth.csv` is of another simulation. | Make it again.
            raise UserError("truth.csv", f"no column beta_{name}", f"the conditions of the fit in {place}")
    absent = fit.mutations.loc[~fit.mutations["mutation"].isin(known.index), "mutation"]
    if len(absent):
        found = f"no mutation {absent.iloc[0]} ({len(absent)} absent)"
        # message: `data/truth.csv` is of another simulation. | Make it again.
        raise UserError("truth.csv", found, f"all mutations of the fit in {place}, in the same coordinates")
    return known.loc[fit.mutations["mutation"]]


def difference(truth: pd.DataFrame, terms: Mapping[str, float]) -> np.ndarray:
    """Where the true value of a row is not zero."""
    value = sum(weight * truth[f"beta_{name}"].to_numpy(float) for name, weight in terms.items())
    return np.abs(value) > ROUNDING


def seen_in(mutations: pd.DataFrame, terms: Mapping[str, float], min_times_seen: int) -> np.ndarray:
    columns = [f"times_seen_{name}" for name in terms]
    return (mutations[columns] >= max(min_times_seen, 1)).all(axis=1).to_numpy()
