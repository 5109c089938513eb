"""The tables of a fit, its factors over features and over samples, against its parameters."""

from pathlib import Path

import numpy as np
import pandas as pd

from proxsweep.nmf.data.encoding import Encoding
from proxsweep.sweep import cells
from proxsweep.sweep.cells import Expected
from proxsweep.sweep.discrepancies import Discrepancies

FEATURES, SAMPLES = "features.csv", "samples.csv"
NO_DIFFERENCE = 1e-12  # relative: of two exposures, either may be called the largest


def factor_names(rank: int) -> list[str]:
    """Names of the factors in their order."""
    return [f"factor_{t + 1}" for t in range(rank)]


def compare_features(
    folder: Path, encoding: Encoding, w: np.ndarray, h: np.ndarray, discrepancies: Discrepancies
) -> None:
    """The table of features: columns of W (M, k) as shares.

    Raises
    ------
    UserError
        If the table cannot be read, as :func:`compare_samples`.
    """
    expected = {"feature": encoding.features.tolist()}
    for t, name in enumerate(factor_names(w.shape[1])):
        total = w[:, t].sum()
        expected[name] = w[:, t] / total if total > 0 else np.zeros(len(w))
    _compare(folder / FEATURES, expected, discrepancies)


def compare_samples(
    folder: Path, encoding: Encoding, w: np.ndarray, h: np.ndarray, discrepancies: Discrepancies
) -> None:
    """The table of samples: exposures in the matrix's unit, from W (M, k) and H (k, N), shares, largest factors."""
    names = factor_names(len(h))
    exposures = np.array([w[:, t].sum() * h[t] for t in range(len(h))])
    totals = exposures.sum(axis=0)
    expected = {"sample": encoding.samples.tolist(), **dict(zip(names, exposures, strict=True))}
    for name, row in zip(names, exposures, strict=True):
        expected[f"share_{name}"] = np.divide(row, totals, out=np.full(len(totals), np.nan), where=totals > 0)
    written = cells.read(folder / SAMPLES)
    said = written.columns.get("largest_factor", [])
    said = said if len(said) == len(totals) else [""] * len(totals)
    expected["largest_factor"] = [_largest(column, names, one) for column, one in zip(exposures.T, said, strict=True)]
    cells.compare(SAMPLES, written, _expected(expected), discrepancies)


def _largest(exposures: np.ndarray, names: list[str], said: str) -> str:
    """The factor of the largest exposure; the one that is said to be, where no other is larger."""
    largest = exposures.max()
    if not largest > 0:
        return ""
    nearly = [name for name, one in zip(names, exposures, strict=True) if one >= (1 - NO_DIFFERENCE) * largest]
    return said if said in nearly else nearly[0]


def _compare(path: Path, expected: dict, discrepancies: Discrepancies) -> None:
    cells.compare(path.name, cells.read(path), _expected(expected), discrepancies)


def _expected(columns: dict) -> Expected:
    return Expected(pd.DataFrame(columns), (next(iter(columns)),), cells.ROUNDING)
