"""How well a fit describes the variants it was fitted to, and those of the fold that was left out."""

from typing import Any

import numpy as np
import pandas as pd

from proxsweep.dms.data.encoding import Encoding


def huber(error: np.ndarray, delta: float) -> np.ndarray:
    """Huber loss of predicted minus observed scores, same shape (Huber 1964, Ann. Math. Stat. 35, 73)."""
    size = np.abs(error)
    return np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))


def mean_losses(encoding: Encoding, losses: np.ndarray, weights: np.ndarray) -> tuple[float, dict[str, float]]:
    """Weighted mean of (N,) losses in every condition, and the mean of these; NaN where a condition has no weight."""
    condition = _condition(encoding)
    count = len(encoding.conditions)
    total = np.bincount(condition, weights, count)
    with np.errstate(invalid="ignore"):
        means = np.bincount(condition, weights / total[condition] * losses, count)
    means[total == 0] = np.nan
    return float(means.mean()), dict(zip(map(str, encoding.conditions), means.tolist(), strict=True))


def left_out(fitted: Encoding, held_out: np.ndarray) -> np.ndarray:
    """Held-out variants that carry a substitution no fitted variant of any condition carries: (N,) bool.

    Nothing is known of such a substitution: its effect is the ridge's, whatever the lasso weight.
    """
    unseen = fitted.times_seen.sum(axis=0) == 0
    rows = np.repeat(np.arange(len(held_out)), np.diff(fitted.indptr))
    carriers = np.bincount(rows, unseen[fitted.indices], len(held_out)) > 0
    return (held_out > 0) & carriers


def summary(fitted: Encoding, held_out: np.ndarray | None, losses: np.ndarray) -> dict[str, Any]:
    """The record's losses of a fit.

    Parameters
    ----------
    fitted
        The encoding with the weights fitted, 0 on variants that were not.
    held_out : (N,) or None
        Weights of the variants of the fold that was left out, 0 for others.
    losses : (N,)
        Huber losses at the fit's parameters.

    Returns
    -------
    dict
        ``training_loss``, and with a fold ``validation_loss``: means over the conditions of the weighted mean loss of
        a condition's variants; by condition under the same names with ``_rows``, ``validation_variants_rows`` and
        ``validation_left_out_rows`` (see :func:`left_out`).
    """
    total, rows = mean_losses(fitted, losses, fitted.weights)
    found = {"training_loss": total, "training_loss_rows": rows}
    if held_out is None:
        return found
    out = left_out(fitted, held_out)
    counted = np.where(out, 0.0, held_out)
    total, rows = mean_losses(fitted, losses, counted)
    return {
        **found,
        "validation_loss": total,
        "validation_loss_rows": rows,
        "validation_variants_rows": _counts(fitted, counted > 0),
        "validation_left_out_rows": _counts(fitted, out),
    }


def _counts(encoding: Encoding, flags: np.ndarray) -> dict[str, int]:
    counts = np.bincount(_condition(encoding), flags, len(encoding.conditions)).astype(int)
    return dict(zip(map(str, encoding.conditions), counts.tolist(), strict=True))


def _condition(encoding: Encoding) -> np.ndarray:
    return np.repeat(np.arange(len(encoding.conditions)), np.diff(encoding.offsets))


def agreement(table: pd.DataFrame) -> tuple[float, float]:
    """Pearson correlation and root mean squared error of ``observed`` and ``predicted`` scores, weighted by ``weight``.

    The correlation is NaN where either does not vary, and both are without variants.
    """
    if table.empty:
        return np.nan, np.nan
    weight = table["weight"] / table["weight"].sum()
    observed, predicted = (table[name] - (weight * table[name]).sum() for name in ("observed", "predicted"))
    spread = (weight * observed**2).sum() * (weight * predicted**2).sum()
    error = np.sqrt((weight * (table["observed"] - table["predicted"]) ** 2).sum())
    correlation = (weight * observed * predicted).sum() / np.sqrt(spread) if spread > 0 else np.nan
    return float(correlation), float(error)
