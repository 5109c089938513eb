"""A matrix with the names of its rows and columns, as one reader hands it to the next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import sparse

from proxsweep.nmf.data.encoding import Matrix

Places = tuple[str, Sequence[int]]


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
    feature_places, sample_places
        Of a table of text, where names stand: ``row`` or ``column``, and M or N numbers as in the file.
    """

    path: Path
    matrix: Matrix
    features: np.ndarray
    samples: np.ndarray
    note: str = ""
    feature_places: Places | None = None
    sample_places: Places | None = None

    def transposed(self) -> "Table":
        """The same with rows and columns exchanged."""
        turned = (
            sparse.csr_array(self.matrix.T) if sparse.issparse(self.matrix) else np.ascontiguousarray(self.matrix.T)
        )
        return replace(
            self,
            matrix=turned,
            features=self.samples,
            samples=self.features,
            feature_places=self.sample_places,
            sample_places=self.feature_places,
        )


def numbered(noun: str, count: int) -> np.ndarray:
    """Names for what has none: ``feature_1``, ``feature_2`` and so on."""
    return np.array([f"{noun}_{k}" for k in range(1, count + 1)])


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 entry``, ``2 entries``."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"
