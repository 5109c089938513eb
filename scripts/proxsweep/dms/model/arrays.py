"""The numbers of a problem as device arrays: weights of losses, ridge, entries of the design, bounds.

The variants of each condition and the mutations are filled up to shared sizes (:mod:`proxsweep.optimize.padding`): a
variant beyond the encoding's has weight 0 and no mutation, a mutation beyond them stands in no variant.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from proxsweep.dms.data.encoding import Encoding
from proxsweep.io.errors import UserError
from proxsweep.optimize.padding import padded, shared_size
from proxsweep.optimize.pieces import segment_entries

NORMALIZATIONS = (
    "condition_mean",
    "condition_mean_scaled_ridge",
    "condition_mean_total_ridge",
    "sample_mean",
)


def normalize(normalization: str, condition_weights: np.ndarray, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    """Factors of the losses H_d and of the squared norms \\|b_d\\|^2 in the smooth part.

    Parameters
    ----------
    normalization
        One of :data:`NORMALIZATIONS`.
    condition_weights : (D,)
        W_d, sums of the variants' weights.
    ridge

    Returns
    -------
    tuple of two (D,) arrays
    """
    count, total = len(condition_weights), condition_weights.sum()
    mean, ones = 1 / (count * condition_weights), np.ones(count)
    table = {
        "condition_mean": (mean, ridge * ones),
        "condition_mean_scaled_ridge": (mean, ridge * mean),
        "condition_mean_total_ridge": (mean, ridge / total * ones),
        "sample_mean": (ones / total, ridge / total * ones),
    }
    return table[normalization]


def _refuse_extremes(encoding: Encoding, condition_weights: np.ndarray, numbers: np.ndarray) -> None:
    """Sums of weights, ``numbers`` made of them, and the range of the scores have to be numbers, the former above 0."""
    if not (np.isfinite(numbers).all() and (numbers > 0).all()):
        found = (
            f"weights that sum to {condition_weights.min():g} in a condition, {condition_weights.max():g} in another"
        )
        # message: Weights or `ridge` are extreme. | Look into the column of weights or variances, or set
        # `variant_weights: equal`.
        raise UserError("encoding", found, "weights, and a ridge, whose sums and ratios are finite numbers")
    lowest, highest = float(encoding.scores.min()), float(encoding.scores.max())
    if not math.isfinite(highest - lowest):
        # message: Some scores are absurd. | Look for them, or limit scores with `clip`.
        raise UserError("encoding", f"scores from {lowest:g} to {highest:g}", "scores with a range that is a number")


def row_offsets(encoding: Encoding) -> tuple[int, ...]:
    """Where the rows of each condition begin in the arrays, and the number of all rows."""
    sizes = [shared_size(int(size)) for size in np.diff(encoding.offsets)]
    return tuple(np.cumsum([0, *sizes]).tolist())


def arrays(
    encoding: Encoding, lasso: float, model: dict, scale_bound: float, sigmoid_free: bool = True
) -> dict[str, Any]:
    """The numbers of a problem as device arrays, for :class:`proxsweep.dms.model.model.Model`.

    Parameters
    ----------
    encoding
        Variants of D conditions, M mutations, N rows.
    lasso
        Weight of the fusion penalty.
    model
        Keys ``ridge``, ``huber_delta``, ``normalization``, ``effect_bounds`` and ``fix_reference_intercept`` as in
        the config.
    scale_bound
        Upper bound of the sigmoid's scale (units of the score).
    sigmoid_free
        False locks scale and bias.

    Raises
    ------
    UserError
        For a condition without variants, and for weights or scores too large or too small for sums of them.
    """
    count = len(encoding.conditions)
    sizes = np.diff(encoding.offsets)
    if not sizes.all():
        empty = encoding.conditions[np.argmin(sizes)]
        # message: The encoding lacks a condition. | Remove it and run again.
        raise UserError("encoding", f"no variant of condition {empty}", "variants of every condition")
    condition = np.repeat(np.arange(count), sizes)
    height = row_offsets(encoding)[-1]
    loss_weights, ridge = _loss_weights(encoding, condition, model)
    rows, width = _rows(encoding, condition), shared_size(encoding.bundle.shape[1])
    free = np.ones(count)
    if model["fix_reference_intercept"]:
        free[list(encoding.conditions).index(str(encoding.reference))] = 0.0
    values = {
        "scores": _placed(encoding.scores, rows, height),
        "loss_weights": _placed(loss_weights, rows, height),
        "sign": padded(np.where(encoding.bundle, -1.0, 1.0), width, 1),
        "seen": padded((encoding.times_seen > 0).all(axis=0), width),
        **_entries(encoding, condition, loss_weights, rows, height, width),
        "ridge": ridge,
        "lasso": np.float64(lasso),
        "huber_delta": np.float64(model["huber_delta"]),
        "scale_bound": np.float64(scale_bound),
        "effect_bounds": np.asarray(model["effect_bounds"] or (-np.inf, np.inf), np.float64),
        "intercept_free": free,
        "sigmoid_free": np.float64(sigmoid_free),
    }
    return jax.tree.map(jnp.asarray, values)


def _loss_weights(encoding: Encoding, condition: np.ndarray, model: dict) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the variants' losses (N,), and the ridge of every condition (D,)."""
    count = len(encoding.conditions)
    condition_weights = np.bincount(condition, encoding.weights, count)
    with np.errstate(all="ignore"):
        loss_factor, ridge = normalize(model["normalization"], condition_weights, model["ridge"])
        loss_weights = loss_factor[condition] * encoding.weights
    _refuse_extremes(encoding, condition_weights, np.append(np.bincount(condition, loss_weights, count), 1 + ridge))
    return loss_weights, ridge


def _rows(encoding: Encoding, condition: np.ndarray) -> np.ndarray:
    """The place of each variant (N,) among the rows of the arrays."""
    before = np.array(row_offsets(encoding)) - encoding.offsets
    return np.arange(len(condition)) + before[condition]


def _placed(values: np.ndarray, rows: np.ndarray, height: int) -> np.ndarray:
    found = np.zeros(height)
    found[rows] = values
    return found


def _entries(
    encoding: Encoding, condition: np.ndarray, loss_weights: np.ndarray, places: np.ndarray, height: int, width: int
) -> dict[str, Any]:
    """The entries of the design (``height`` rows) by row and by column, and the sums that the metric needs."""
    count = len(encoding.conditions)
    entries = np.diff(encoding.indptr)
    rows = np.repeat(np.arange(len(entries)), entries)
    columns = condition[rows] * width + encoding.indices
    row_sum = loss_weights * (1 + entries)

    def per_column(values: np.ndarray) -> np.ndarray:
        return np.bincount(columns, values[rows], count * width).reshape(count, width)

    return {
        "by_row": segment_entries(places[rows], columns, height, count * width),
        "by_column": segment_entries(columns, places[rows], count * width, height),
        "row_sums": per_column(row_sum),
        "row_counts": per_column(loss_weights),
        "intercept_sums": np.bincount(condition, row_sum, count),
        "intercept_counts": np.bincount(condition, loss_weights, count),
    }
