"""The table of signs a second time: how shifts of pairs of replicates agree.

Formulas and sources: :mod:`proxsweep.dms.results.replicate_signs`, with which this shares no code.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from proxsweep.dms.check.effects import Effects, Fits
from proxsweep.dms.roles import ROLES
from proxsweep.io import reading
from proxsweep.sweep.collected import Collected
from proxsweep.sweep.fits import full, in_order, sweep_columns

COUNTS = ("pairs", "agree", "disagree", "estimate", "unconverged")


def mirrors(replicates: Sequence[Effects], row: str, least: int = 1) -> np.ndarray:
    """Of every pair of replicates and mutation seen in both: the smaller size, negative where signs differ."""
    parts = [np.zeros(0)]
    for one, other in combinations(replicates, 2):
        there = pd.Index(list(other.places)).get_indexer(list(one.places))
        here = np.flatnonzero(there >= 0)
        there = there[here]
        both = one.seen(row, least)[here] & other.seen(row, least)[there]
        x, y = one.shifts[row][here[both]], other.shifts[row][there[both]]
        parts.append(np.where(np.sign(x) == np.sign(y), 1.0, -1.0) * np.fmin(abs(x), abs(y)) + 0.0 * (x + y))
    return np.concatenate(parts)


def from_config(study: Collected, config: Mapping[str, Any]) -> pd.DataFrame:
    """:func:`table` with the settings of a resolved config.

    Raises
    ------
    UserError
        If that has none for summaries.
    """
    reading.require(
        "config.yaml", config.get("summaries"), {"min_times_seen": int}, "the config that the study ran with"
    )
    return table(Fits(study), config["summaries"]["min_times_seen"])


def table(fits: Fits, least: int) -> pd.DataFrame:
    """What `replicate_signs.csv` has to say; a mutation counts that at least ``least`` variants carry."""
    whole = full(fits.study.fits)
    by = ["study", *sweep_columns(whole, without=("replicate",))]
    rows = []
    for values, part in whole.groupby(by, sort=False, dropna=False):
        replicates = [fits.effects(path) for path in part["path"]]
        found = {row: mirrors(replicates, row, least) for row in replicates[0].shifts}
        setting = dict(zip(by, values, strict=True))
        for row, mirror in {**found, "all": np.concatenate([np.zeros(0), *found.values()])}.items():
            agree, disagree = int((mirror > 0).sum()), int((mirror < 0).sum())
            estimate = min(1.0, disagree / agree) if agree else math.nan
            unconverged = int((part["status"] != "converged").sum())
            counts = math.comb(len(replicates), 2), agree, disagree, estimate, unconverged
            rows.append({**setting, "row": row, **dict(zip(COUNTS, counts, strict=True))})
    return in_order(pd.DataFrame(rows, columns=[*by, "row", *COUNTS]), by[1:], ROLES)
