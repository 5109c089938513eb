"""The factors of the start that won a fit, read from its folder, and those of two fits side by side."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from proxsweep.nmf.model import matching
from proxsweep.sweep import fit_folder

ARRAYS = {"W": ("f", "features rank"), "features": ("U", "features")}


class Factors(NamedTuple):
    """W (M, k), entries at least 0 (NaN where the fit diverged), and the names of the features."""

    w: np.ndarray
    features: np.ndarray

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.w).all())

    def of(self, names: np.ndarray) -> np.ndarray:
        """Rows of W for these features, each of which it has."""
        places = {name: k for k, name in enumerate(self.features.tolist())}
        return self.w[[places[name] for name in names.tolist()]]


def load(path: str | Path) -> Factors:
    """Read W from ``parameters.npz`` in the folder of a fit."""
    found = fit_folder.parameters(path, ARRAYS)
    return Factors(found["W"].astype(float), found["features"])


def common(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Names that both lists have, in the order of the first."""
    return a[np.isin(a, b)]


def cosines(a: Factors, b: Factors) -> np.ndarray:
    """Cosines (k, l) between columns of W of two fits, over the features that both name; NaN where one diverged."""
    if not (a.finite and b.finite):
        return np.full((a.w.shape[1], b.w.shape[1]), np.nan)
    names = common(a.features, b.features)
    return matching.cosines(a.of(names), b.of(names))


def matched(table: np.ndarray) -> np.ndarray:
    """For each row of a table (k, k) of cosines the column that it is matched to; -1 where there are none."""
    if not np.isfinite(table).all():
        return np.full(len(table), -1)
    return matching.assigned(table.T)[0]
