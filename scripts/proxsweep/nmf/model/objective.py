"""The objective of factors that are written, from the residual matrix itself, a block of rows at a time."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from scipy import sparse

from proxsweep.nmf.data.encoding import Matrix

BLOCK = 2**19  # entries of a block that is made dense


def objective(
    matrix: Matrix, w: np.ndarray, h: np.ndarray, model: Mapping[str, Any], seen: np.ndarray | None = None
) -> tuple[float, float]:
    """Loss and penalty of W (m, k) and H (k, n); see :mod:`proxsweep.nmf.model.problem`.

    ``seen`` (m, n) bool are the entries that count, where not all do; the matrix is 0 elsewhere.
    """
    terms = _poisson if model["loss"] == "poisson" else _squared
    loss = float(sum(terms(values, fitted) for values, fitted in blocks(matrix, w, h, seen)))
    penalty = model["l1_h"] * h.sum() + model["l1_w"] * w.sum()
    penalty += model["l2_h"] / 2 * (h**2).sum() + model["l2_w"] / 2 * (w**2).sum()
    return loss, float(penalty)


def blocks(
    matrix: Matrix, w: np.ndarray, h: np.ndarray, seen: np.ndarray | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of rows of V and of W H, dense; W H is 0 where an entry is not seen."""
    step = max(1, BLOCK // matrix.shape[1])
    for begin in range(0, matrix.shape[0], step):
        rows, fitted = matrix[begin : begin + step], w[begin : begin + step] @ h
        fitted = fitted if seen is None else np.where(seen[begin : begin + step], fitted, 0.0)
        yield rows.toarray() if sparse.issparse(rows) else rows, fitted


def _squared(values: np.ndarray, fitted: np.ndarray) -> float:
    return ((values - fitted) ** 2).sum() / 2


def _poisson(values: np.ndarray, fitted: np.ndarray) -> float:
    there = values > 0
    with np.errstate(divide="ignore", over="ignore"):
        logs = values[there] * np.log(values[there] / fitted[there])
    return (fitted - values).sum() + logs.sum()
