"""Factors as columns of tables: their names, shares of features, exposures of samples."""

import numpy as np


def names(rank: int) -> list[str]:
    """Names of the factors, by falling total exposure."""
    return [f"factor_{number}" for number in range(1, rank + 1)]


def columns(form: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """Columns (N, k) by the names of the factors, put into ``form``."""
    return {form.format(name): values[:, t] for t, name in enumerate(names(values.shape[1]))}


def of_features(w: np.ndarray) -> dict[str, np.ndarray]:
    """W (M, k), each column divided by its sum (0 where the factor has vanished)."""
    sums = w.sum(axis=0)
    return columns("{}", w / np.where(sums > 0, sums, 1))


def of_samples(w: np.ndarray, h: np.ndarray) -> dict[str, np.ndarray]:
    """Exposures in the unit of V, shares of a sample's exposures, and its largest factor, from W (M, k) and H (k, N).

    A sample without any exposure has no shares, and no largest factor.
    """
    exposures = exposure(w, h).T
    totals = exposures.sum(axis=1, keepdims=True)
    shares = np.where(totals > 0, exposures / np.where(totals > 0, totals, 1), np.nan)
    largest = np.array(names(len(h)), dtype=object)[exposures.argmax(axis=1)]
    found = columns("{}", exposures) | columns("share_{}", shares)
    return found | {"largest_factor": np.where(totals[:, 0] > 0, largest, "")}


def exposure(w: np.ndarray, h: np.ndarray) -> np.ndarray:
    """H (k, n) in the unit of V: rows times the sums of the columns of W (m, k)."""
    return h * w.sum(axis=0)[:, None]
