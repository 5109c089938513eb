"""Medians of the factors of all starts of a fit, with exposures fitted anew (:mod:`.factor_groups`)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from proxsweep.nmf.data.encoding import Encoding
from proxsweep.nmf.data.normalise import normalise
from proxsweep.nmf.model import given, matching
from proxsweep.nmf.model.objective import objective
from proxsweep.nmf.results import factor_groups
from proxsweep.nmf.results.starts import Starts

DIGITS = 6  # of local densities, which come from differences of squares
TABLE = ("start", "factor", "status", "local_density", "outlier", "group", "cosine")
PENALTIES = ("l1_h", "l2_h")


class Medians(NamedTuple):
    """Median factors in the order of their total exposure, and what became of each of the P factors of used starts.

    Attributes
    ----------
    w : (M, k), h : (k, N)
        Columns of W sum to 1. Without columns where fewer than k factors are no outliers.
    loss
        Of the fit, without penalties; NaN where there is none.
    points : (P, M)
        The factors, start by start, of length 1.
    density, outlier : (P,)
    group : (P,) int
        The median that it is part of, from 0; -1 for none.
    """

    w: np.ndarray
    h: np.ndarray
    loss: float
    points: np.ndarray
    density: np.ndarray
    outlier: np.ndarray
    group: np.ndarray

    @property
    def is_there(self) -> bool:
        return self.w.shape[1] > 0


def medians(found: Starts, used: np.ndarray, density: float, encoding: Encoding, model: Mapping[str, Any]) -> Medians:
    """Group the factors of starts, leave out outliers, and fit exposures to the medians.

    Parameters
    ----------
    found, used
        The starts of a fit, and the places of those that count, the best first.
    density
        A factor whose local density is not below this is an outlier.
    encoding, model
        The matrix, and the section `model` of the fit's record.
    """
    points = np.concatenate([matching.unit(found.w[place]).T for place in used])
    own = np.round(factor_groups.local_density(points, len(used)), DIGITS)
    near, rank, group = own < density, found.rank, np.full(len(points), -1)
    if near.sum() < rank:
        return Medians(points[:0].T, np.zeros((0, len(found.samples))), np.nan, points, own, ~near, group)
    group[near] = factor_groups.groups(points[near], points[:rank])
    w = factor_groups.medians(points[near], group[near], rank)
    matrix, kept, refit = normalise(encoding.matrix, model["normalise"]), encoding.kept_features, refit_model(model)
    h = given.exposures(matrix, w[kept], refit)
    loss = objective(matrix, w[kept], h, refit)[0]
    order = np.argsort(-w.sum(axis=0) * h.sum(axis=1), kind="stable")
    group[near] = np.argsort(order)[group[near]]
    return Medians(w[:, order], encoding.embed(h[order], 1, "samples"), loss, points, own, ~near, group)


def refit_model(model: Mapping[str, Any]) -> dict[str, Any]:
    """The section `model` under which exposures to medians are fitted.

    Penalties on H are those of the fit where columns of W sum to 1 there, too. Else their weight would depend on a
    scale that medians do not have: there are none.
    """
    return dict(model) if model["w_columns"] == "sum_to_one" else {**model, **dict.fromkeys(PENALTIES, 0.0)}


def table(found: Starts, used: np.ndarray, made: Medians) -> pd.DataFrame:
    """Row per factor of a used start: :data:`TABLE`, what ``made`` says of it, and its cosine to its median."""
    rows, inside = found.table.iloc[np.repeat(used, found.rank)], made.group >= 0
    cosine = np.full(len(made.group), np.nan)
    if inside.any():
        own = matching.unit(made.w).T[made.group[inside]]
        cosine[inside] = np.einsum("pm,pm->p", made.points[inside], own)
    values = {
        "start": rows["start"].to_numpy(),
        "factor": np.tile(np.arange(found.rank) + 1, len(used)),
        "status": rows["status"].to_numpy(),
        "local_density": made.density,
        "outlier": made.outlier,
        "group": or_nothing(made.group + 1),
        "cosine": cosine,
    }
    return pd.DataFrame(values, columns=list(TABLE))


def or_nothing(numbers: np.ndarray) -> pd.Series:
    """Whole numbers as a column, an empty cell for 0."""
    return pd.Series(numbers, dtype="Int64").mask(numbers == 0)
