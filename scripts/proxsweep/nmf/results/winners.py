"""The start that won a fit, and the matrix that it was fitted to, read from a study's folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from proxsweep.nmf.roles import ROLES
from proxsweep.sweep import fit_folder

ARRAYS = {"W": ("f", "features rank"), "H": ("f", "rank samples")}
MODEL = {"type": "object", "required": ["loss", "normalise"]}
RECORD = {"required": ["model", "smooth"], "properties": {"model": MODEL}}


class Winner(NamedTuple):
    """W (M, k), H (k, N) of all features and samples, NaN where it diverged; ``model`` and ``smooth`` of its record."""

    w: np.ndarray
    h: np.ndarray
    model: Mapping[str, Any]
    loss: float


def load(folder: str | Path) -> Winner:
    """Read the start that won from the folder of a fit.

    Raises
    ------
    UserError
        For a file that is missing or damaged.
    """
    found, record = fit_folder.parameters(folder, ARRAYS), fit_folder.record(folder, RECORD)
    loss = np.nan if record["smooth"] is None else float(record["smooth"])
    return Winner(found["W"], found["H"], record["model"], loss)


def model(folder: str | Path) -> Mapping[str, Any]:
    """The section ``model`` of the record in the folder of a fit, swept keys filled in."""
    return fit_folder.record(folder, RECORD)["model"]


def encoding_path(fit: Mapping[str, Any], encodings: Mapping[str, str | Path] | None = None) -> str:
    """Path of the encoding of a fit (a row of `fits.csv`): by the label of its replicate, or in its study's folder."""
    label, folder = str(fit[ROLES.replicate]), Path(fit["path"])
    if encodings is not None:
        return str(encodings[label])
    while "~" in folder.name:
        folder = folder.parent
    return str(folder.parent / f"encodings/replicate~{label}.npz")
