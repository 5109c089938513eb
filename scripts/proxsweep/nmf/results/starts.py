"""The factors of all starts of a fit, read from its folder, and which of them tables go by."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from proxsweep.io.errors import UserError
from proxsweep.nmf.model import matching
from proxsweep.optimize.status import Status
from proxsweep.sweep import fit_folder

TABLE, ARRAYS = "starts.csv", "starts.npz"
NEEDED = ("start", "status", "objective", *matching.COLUMNS, "won")
TEXT = ("start", "status", "kind")
FACTORS = {
    "start_names": ("U", "starts"),
    "W": ("f", "starts features rank"),
    "H": ("f", "starts rank samples"),
}
NAMES = {"features": ("U", "features"), "samples": ("U", "samples")}


@dataclass(frozen=True)
class Starts:
    """All starts of a fit.

    Attributes
    ----------
    table
        ``starts.csv``, S rows.
    w : (S, M, k), h : (S, k, N)
        Their factors over all features and samples.
    features : (M,) str, samples : (N,) str
    """

    table: pd.DataFrame
    w: np.ndarray
    h: np.ndarray
    features: np.ndarray
    samples: np.ndarray

    @property
    def rank(self) -> int:
        return self.w.shape[2]

    def used(self, unconverged: bool) -> np.ndarray:
        """Places of the starts that tables go by, the lowest objective first.

        Those that have converged; with ``unconverged`` all that did not diverge.
        """
        status = self.table["status"]
        usable = status != Status.DIVERGED if unconverged else status == Status.CONVERGED
        usable &= np.isfinite(self.w).all(axis=(1, 2)) & np.isfinite(self.h).all(axis=(1, 2))
        order = self.table.assign(lost=~self.table["won"].astype(bool)).sort_values(
            ["lost", "objective"], kind="stable"
        )
        return np.array([place for place in order.index if usable[place]], dtype=int)

    def lacking(self, unconverged: bool) -> str:
        """Why nothing can be said of the agreement of starts; empty where two or more can be compared."""
        count = len(self.used(unconverged))
        if count > 1:
            return ""
        starts = f"{count or 'no'} start{'' if count == 1 else 's'} of {len(self.table)}"
        return f"{starts} {'did not diverge' if unconverged else 'converged'}: two are needed"


def load(folder: str | Path) -> Starts:
    """Read the starts of the fit in a folder.

    Raises
    ------
    UserError
        For a file that is missing, damaged, or not that of the others.
    """
    folder = Path(folder)
    table = fit_folder.table(folder, TABLE, TEXT, NEEDED)
    names = fit_folder.parameters(folder, NAMES)
    found = fit_folder.arrays(folder / ARRAYS, FACTORS)
    shape = len(found["W"]), len(names["features"]), len(names["samples"])
    if found["start_names"].tolist() != table["start"].tolist():
        # message: starts 'random-1', ... | those of starts.csv, in their order | The files are not of one fit. | Make
        # the fit again.
        raise UserError(str(folder / ARRAYS), _listed(found["start_names"]), f"those of {TABLE}, in their order")
    if (*found["W"].shape[:2], found["H"].shape[2]) != shape:
        # message: factors over 96 features and 21 samples | 96 features and 20 samples, as in parameters.npz | The
        # files are not of one fit. | Make the fit again.
        raise UserError(
            str(folder / ARRAYS),
            f"factors over {found['W'].shape[1]} features and {found['H'].shape[2]} samples",
            f"{shape[1]} features and {shape[2]} samples, as in {fit_folder.PARAMETERS}",
        )
    return Starts(table, found["W"].astype(float), found["H"].astype(float), **names)


def _listed(names: np.ndarray) -> str:
    return f"the starts {', '.join(map(repr, names[:3].tolist()))}{', ...' if len(names) > 3 else ''}"
