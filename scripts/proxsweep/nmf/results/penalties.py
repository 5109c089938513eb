"""Sparsity and error of each full fit, to stand against the weights of penalties that are swept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from proxsweep.nmf.results import errors
from proxsweep.nmf.results.winners import Winner

MEASURES = ("share_zero_w", "share_zero_h", "relative_error")


def table(fits: pd.DataFrame, encodings: Mapping[str, str | Path] | None = None) -> pd.DataFrame:
    """Row per full fit: ``study``, the swept parameters, :data:`MEASURES`, ``status``.

    Parameters
    ----------
    fits, encodings
        As for :func:`proxsweep.nmf.results.errors.table`.

    Returns
    -------
    DataFrame
        ``share_zero_w`` and ``share_zero_h``: the share of entries of W and of H that are exactly 0, without features
        and samples that are zero in V; ``relative_error`` as :mod:`proxsweep.nmf.results.errors` defines it. NaN for a
        fit that diverged.

    Raises
    ------
    UserError
        For a fit or an encoding whose files are missing or damaged.
    """
    return errors.rows(fits, encodings, _measures, MEASURES)


def _measures(fit: Mapping[str, Any], found: Winner, matrices: errors.Matrices) -> dict[str, float]:
    encoding = matrices.encoding(fit)
    w, h = found.w[encoding.kept_features], found.h[:, encoding.kept_samples]
    error = errors.of_fit(fit, found, matrices)["relative_error"]
    return dict(zip(MEASURES, (float((w == 0).mean()), float((h == 0).mean()), error), strict=True))
