"""The arrays of a fit's ``parameters.npz``: what they are called, their types and their shapes, and reading them back.

``b`` are effects and ``b0`` the latent phenotypes of the reference's wildtype, in the reference's coordinates;
``b_inner`` those of inner nodes of a tree; ``scale`` and ``bias`` are NaN with g linear. A fit
to a fold or a resample has ``times_seen``, too; that of others stands in ``mutations.csv``.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from proxsweep.sweep import fit_folder

ARRAYS: fit_folder.Arrays = {
    "conditions": ("U", "conditions"),
    "mutations": ("U", "mutations"),
    "bundle": ("b", "conditions mutations"),
    "b": ("f", "conditions mutations"),
    "b0": ("f", "conditions"),
    "b_inner": ("f", "inner mutations"),
    "scale": ("f", ""),
    "bias": ("f", ""),
    "difference": ("fiu", "rows nodes"),
    "difference_rows": ("U", "rows"),
    "shifts": ("f", "rows mutations"),
    "times_seen": ("iu", "conditions mutations"),
    "start_names": ("U", "starts"),
    "start_shifts": ("f", "starts rows mutations"),
}
OF_STARTS = ("start_names", "start_shifts")  # where there were several
OPTIONAL = (*OF_STARTS, "times_seen")  # of a fold or a resample


def read(path: str | Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Some of :data:`ARRAYS` from a file, those of :data:`OPTIONAL` where it has them.

    Raises
    ------
    UserError
        As :func:`proxsweep.sweep.fit_folder.arrays`.
    """
    wanted = {name: ARRAYS[name] for name in names}
    return fit_folder.arrays(path, wanted, [name for name in names if name in OPTIONAL])
