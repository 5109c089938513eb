"""Sizes that problems of about the same size share, and with them compiled code.

JAX compiles for every size of an array anew. Replicates and studies differ little in their numbers of variants and
mutations, so arrays are filled up to the next of a few sizes, with entries that count for nothing.
"""

import numpy as np

SMALLEST = 256
DOUBLING = 2048
"""Up to here sizes are powers of two: a step of the solver takes longer to start than to compute."""


def shared_size(count: int) -> int:
    """The least of the shared sizes that holds ``count``; large ones have seven others to the next power of two."""
    doubled = 1 << (max(count, SMALLEST) - 1).bit_length()
    if doubled <= DOUBLING:
        return doubled
    step = doubled // 16
    return -(-count // step) * step


def padded(values: np.ndarray, size: int, fill: float = 0) -> np.ndarray:
    """``values`` with the last axis filled up to ``size``."""
    missing = size - values.shape[-1]
    return np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, missing)], constant_values=fill)
