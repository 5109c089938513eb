"""A matrix with the names of its rows and columns, as one reader hands it to the next."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import sparse

from proxsweep.nmf.data.encoding import Matrix


@dataclass(frozen=True)
class Table:
    """What a file holds.

    Attributes
    ----------
    path
        The file.
    matrix : (M, N) float64
        Features by samples, dense or csr_array.
    features : (M,) str
    samples : (N,) str
    note
        What to know of how it was read, for the data report; or nothing.
    """

    path: Path
    matrix: Matrix
    features: np.ndarray
    samples: np.ndarray
    note: str = ""

    def transposed(self) -> "Table":
        """The same with rows and columns exchanged."""
        turned = (
            sparse.csr_array(self.matrix.T) if sparse.issparse(self.matrix) else np.ascontiguousarray(self.matrix.T)
        )
        return replace(self, matrix=turned, features=self.samples, samples=self.features)


def numbered(noun: str, count: int) -> np.ndarray:
    """Names for what has none: ``feature_1``, ``feature_2`` and so on."""
    return np.array([f"{noun}_{k}" for k in range(1, count + 1)])
