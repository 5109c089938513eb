"""One replicate's variants as compressed sparse arrays: all that a fit reads."""

import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from proxsweep.errors import UserError
from proxsweep.files import write_npz


@dataclass(frozen=True)
class Encoding:
    """Variants of D conditions in each condition's own coordinates, rows stacked in condition order.

    The matrix of condition d holds 1 where a variant carries a mutation relative to the *condition's own*
    wildtype, in the numbering of the reference's mutations: on ``bundle[d]`` (mutations that separate the
    wildtype of d from the reference's) an entry is the complement of the entry in reference coordinates.

    Attributes
    ----------
    conditions : (D,) str
    reference : () str, one of ``conditions``
    mutations, wildtypes, sites, mutants : (M,) str
        Mutations relative to the reference's wildtype, e.g. ``G3P``, and their three parts.
    offsets : (D + 1,) int64
        Rows ``offsets[d]:offsets[d + 1]`` belong to condition d; ``offsets[D]`` is N.
    indptr : (N + 1,) int64
        Entries ``indptr[i]:indptr[i + 1]`` belong to row i.
    indices : (nnz,) int32
        Mutation of each entry, increasing within a row.
    bundle : (D, M) bool
    scores : (N,) float64
        Functional scores (log2 enrichment relative to the condition's wildtype, unless the data say otherwise).
    weights : (N,) float64, positive
    times_seen : (D, M) int64
        Collapsed variants of the condition that carry the mutation, in its own coordinates (column sums).
    """

    conditions: np.ndarray
    reference: np.ndarray
    mutations: np.ndarray
    wildtypes: np.ndarray
    sites: np.ndarray
    mutants: np.ndarray
    offsets: np.ndarray
    indptr: np.ndarray
    indices: np.ndarray
    bundle: np.ndarray
    scores: np.ndarray
    weights: np.ndarray
    times_seen: np.ndarray

    def save(self, path: str | Path) -> None:
        """Write as ``.npz`` (typed arrays, no pickles), atomically."""
        write_npz(path, **{field.name: np.asarray(getattr(self, field.name)) for field in fields(self)})

    @classmethod
    def load(cls, path: str | Path) -> "Encoding":
        """Read what :meth:`save` wrote.

        Raises
        ------
        UserError
            If the file is no such encoding.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                found = cls(**{field.name: arrays[field.name] for field in fields(cls)})
        except (ValueError, KeyError, EOFError, OSError, BadZipFile, zlib.error) as error:
            raise UserError(str(path), f"a file that cannot be read ({error})", "an encoding (.npz)") from error
        found._refuse_numbers(path)
        return found

    def _refuse_numbers(self, path: str | Path) -> None:
        for name, values in (("score", self.scores), ("weight", self.weights)):
            bad = np.flatnonzero(~np.isfinite(values))
            if len(bad):
                raise UserError(str(path), f"the {name} {values[bad[0]]} of variant {bad[0]}", "finite numbers")
