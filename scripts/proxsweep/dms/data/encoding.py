"""One replicate's variants as compressed sparse arrays: all that a fit reads."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from proxsweep.dms.data.substitutions import LETTERS
from proxsweep.io import reading
from proxsweep.io.errors import UserError
from proxsweep.io.files import write_npz

EXPECTED = "an encoding (.npz)"
_KINDS = {
    **dict.fromkeys(("conditions", "reference", "mutations", "wildtypes", "sites", "mutants"), "U"),
    **dict.fromkeys(("offsets", "indptr", "indices", "times_seen"), "iu"),
    **dict.fromkeys(("scores", "weights"), "f"),
    "bundle": "b",
}


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
        found = cls(**reading.arrays(path, [field.name for field in fields(cls)], EXPECTED))
        fault = found._fault()
        if fault:
            # message: passed on
            raise UserError(str(path), fault, EXPECTED)
        found._refuse_numbers(path)
        return found

    # message: the array 'indices' of type float64 | an encoding (.npz) | Its parts do not fit together. | Make it
    # again.
    def _fault(self) -> str:
        """What does not hold together; empty where everything does."""
        for name, kinds in _KINDS.items():
            if getattr(self, name).dtype.kind not in kinds:
                return f"the array {name!r} of type {getattr(self, name).dtype}"
        return self._wrong_shape() or self._wrong_names() or self._wrong_entries()

    def _wrong_shape(self) -> str:
        rows, width, count = len(np.ravel(self.scores)), len(np.ravel(self.mutations)), len(np.ravel(self.conditions))
        shapes = {
            **dict.fromkeys(("mutations", "wildtypes", "sites", "mutants"), (width,)),
            **dict.fromkeys(("bundle", "times_seen"), (count, width)),
            **dict.fromkeys(("scores", "weights"), (rows,)),
            **{"conditions": (count,), "reference": (), "offsets": (count + 1,), "indptr": (rows + 1,)},
            "indices": (self.indices.size,),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                # message: the array 'indptr' of shape (3,), not (4,) | an encoding (.npz) | The same. | Make it again.
                return f"the array {name!r} of shape {getattr(self, name).shape}, not {shape}"
        return ""

    # message: the conditions Alpha, Alpha with the reference Beta / mutations that are not their wildtype, site and
    # mutant, or stand twice / the mutation B1C | an encoding (.npz) | The same. | Make it again.
    def _wrong_names(self) -> str:
        names = self.conditions.tolist()
        if len(set(names)) < len(names) or str(self.reference) not in names:
            return f"the conditions {', '.join(names)} with the reference {self.reference}"
        parts = np.char.add(np.char.add(self.wildtypes, self.sites), self.mutants)
        if (parts != self.mutations).any() or len(np.unique(self.mutations)) < len(self.mutations):
            return "mutations that are not their wildtype, site and mutant, or stand twice"
        known = np.isin(self.wildtypes, list(LETTERS)) & np.isin(self.mutants, list(LETTERS))
        return "" if known.all() else f"the mutation {self.mutations[~known][0]}"

    # message: bounds 'indptr' that do not run from 0 to 900 / the mutation number 81 of 80 / a variant whose mutations
    # do not increase / a count below 0 | an encoding (.npz) | The same. | Make it again.
    def _wrong_entries(self) -> str:
        for name, total in (("offsets", len(self.scores)), ("indptr", len(self.indices))):
            bounds = getattr(self, name).astype(np.int64)
            if bounds[0] != 0 or bounds[-1] != total or (np.diff(bounds) < 0).any():
                return f"bounds {name!r} that do not run from 0 to {total}"
        inside = (self.indices >= 0) & (self.indices < len(self.mutations))
        if not inside.all():
            return f"the mutation number {self.indices[~inside][0]} of {len(self.mutations)}"
        within = np.ones(len(self.indices), dtype=bool)
        starts = self.indptr[:-1]
        within[starts[starts < len(within)]] = False
        if (within[1:] & (np.diff(self.indices.astype(np.int64)) <= 0)).any():
            return "a variant whose mutations do not increase"
        return "a count below 0" if (self.times_seen < 0).any() or (self.weights < 0).any() else ""

    def _refuse_numbers(self, path: str | Path) -> None:
        for name, values in (("score", self.scores), ("weight", self.weights)):
            bad = np.flatnonzero(~np.isfinite(values))
            if len(bad):
                # message: the score nan of variant 12 | finite numbers | It was edited, or holds numbers that no step
                # lets through. | Make it again.
                raise UserError(str(path), f"the {name} {values[bad[0]]} of variant {bad[0]}", "finite numbers")


def latent(encoding: Encoding, b: np.ndarray, b0: np.ndarray) -> np.ndarray:
    """Latent phenotype of every variant: (N,).

    In own coordinates of condition d an effect is b_d, with its sign changed on the bundle of mutations that separate
    the condition's wildtype from the reference's, and the wildtype has b0_d plus the effects of the bundle; a variant
    adds the effects of what it carries (docs/model.md).

    Parameters
    ----------
    encoding
        N variants of D conditions, M mutations.
    b : (D, M), b0 : (D,)
        Effects and intercepts in the reference's coordinates.
    """
    bundle = encoding.bundle
    own, wildtype = np.where(bundle, -b, b), b0 + np.where(bundle, b, 0.0).sum(axis=1)
    condition = np.repeat(np.arange(len(b0)), np.diff(encoding.offsets))
    rows = np.repeat(np.arange(len(condition)), np.diff(encoding.indptr))
    return wildtype[condition] + np.bincount(rows, own[condition[rows], encoding.indices], len(condition))
