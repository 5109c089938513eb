"""Effects and shifts of a fit as its arrays have them, and the same under another reference.

Shares no code with what makes the tables of shifts (:mod:`proxsweep.dms.results`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.data.substitutions import LETTERS
from proxsweep.io import reading
from proxsweep.sweep import fit_folder
from proxsweep.sweep.collected import Collected
from proxsweep.sweep.fits import usable

ARRAYS = ("b", "shifts", "difference", "difference_rows")


@dataclass(frozen=True)
class Effects:
    """M mutations in D conditions, and R differences between these.

    Attributes
    ----------
    conditions : list of D names
    mutations : list of M tuples
        Mutation, wildtype, site, mutant; the reference's wildtype.
    b, times_seen : (D, M)
        Effects (latent units) and variants; times seen count in a condition's own coordinates.
    shifts : dict of (M,)
        By row of the difference matrix, latent units.
    compared : dict of (D,) bool
        By row: the conditions in which a mutation has to be seen for its shift to say anything.
    """

    conditions: list[str]
    mutations: list[tuple[str, str, str, str]]
    b: np.ndarray
    times_seen: np.ndarray
    shifts: Mapping[str, np.ndarray]
    compared: Mapping[str, np.ndarray]

    @cached_property
    def places(self) -> dict[str, int]:
        """Number of each mutation, by its name."""
        return {names[0]: k for k, names in enumerate(self.mutations)}

    def seen(self, row: str, least: int = 1) -> np.ndarray:
        """Mutations that at least so many variants carry in each condition that a row compares: (M,) bool."""
        return (self.times_seen[self.compared[row]] >= max(least, 1)).all(axis=0)


class Fits:
    """The effects of the fits of a study, read when they are asked for."""

    def __init__(self, study: Collected) -> None:
        self.study, self._encodings = study, {}
        self._gone = set(study.fits.loc[~usable(study.fits), "path"])

    def encoding(self, path: str) -> Encoding:
        """The encoding that the fit read."""
        file = self.study.encodings[path]
        if file not in self._encodings:
            self._encodings[file] = Encoding.load(file)
        return self._encodings[file]

    def effects(self, path: str) -> Effects:
        """The fit with this path; of one that diverged effects and shifts are NaN.

        Raises
        ------
        UserError
            If a file cannot be read.
        """
        found = load(self.study.folders[path], self.encoding(path))
        if path not in self._gone:
            return found
        nothing = np.full(found.b.shape, np.nan)
        return replace(found, b=nothing, shifts={row: nothing[0] for row in found.shifts})


def load(folder: Path, encoding: Encoding) -> Effects:
    """Read ``parameters.npz`` in the folder of a fit; its names are those of the encoding."""
    expected = fit_folder.THE_PARAMETERS
    found = reading.arrays(folder / fit_folder.PARAMETERS, ARRAYS, expected, ["times_seen"])
    count = len(encoding.conditions)
    used = found["difference"] != 0 if len(found["difference_rows"]) else np.zeros((0, count), bool)
    # an inner node of a tree is known only through all conditions
    compared = used[:, :count] | used[:, count:].any(axis=1)[:, None]
    rows = found["difference_rows"].tolist()
    names = (encoding.mutations, encoding.wildtypes, encoding.sites, encoding.mutants)
    return Effects(
        encoding.conditions.tolist(),
        list(zip(*(one.tolist() for one in names), strict=True)),
        found["b"],
        found.get("times_seen", encoding.times_seen),
        dict(zip(rows, found["shifts"], strict=True)),
        dict(zip(rows, compared, strict=True)),
    )


def under(effects: Effects, bundle: np.ndarray, reference: str) -> Effects:
    """The same fit with another condition as the reference: rows are every other condition minus this one.

    Where the wildtypes differ an effect from the new letter P to x is that from the old one to x minus that from the
    old one to P (docs/model.md); elsewhere nothing changes.

    Parameters
    ----------
    effects
        Of a fit to all variants.
    bundle : (D, M) bool
        Mutations that separate each condition's wildtype from that of the fit's reference.
    reference
        The new reference.
    """
    own = [{effects.mutations[k][2]: effects.mutations[k][3] for k in np.flatnonzero(flags)} for flags in bundle]
    new = effects.conditions.index(reference)
    sites: dict[str, list[int]] = {}
    for k, (_, _, site, _) in enumerate(effects.mutations):
        sites.setdefault(site, []).append(k)
    mutations, b, seen = [], [], []
    for site, members in sites.items():
        if site in own[new]:
            parts = _site(effects, members, [letters.get(site) for letters in own], own[new][site])
        else:
            parts = [effects.mutations[k] for k in members], effects.b[:, members], effects.times_seen[:, members]
        for whole, part in zip((mutations, b, seen), parts, strict=True):
            whole.append(part)
    effect = np.concatenate(b, axis=1)
    others = [d for d in range(len(effects.conditions)) if d != new]
    rows = [f"{effects.conditions[d]}-minus-{reference}" for d in others]
    compared = [np.isin(np.arange(len(effects.conditions)), [d, new]) for d in others]
    return Effects(
        effects.conditions,
        [names for part in mutations for names in part],
        effect,
        np.concatenate(seen, axis=1),
        dict(zip(rows, (effect[d] - effect[new] for d in others), strict=True)),
        dict(zip(rows, compared, strict=True)),
    )


def _site(
    effects: Effects, members: list[int], own: list[str | None], wildtype: str
) -> tuple[list[tuple[str, str, str, str]], np.ndarray, np.ndarray]:
    """Mutations of a site from its new ``wildtype``, with effects and times seen: (D, letters).

    ``own`` has the letter of each condition, None for that of the fit's reference.
    """
    _, old, site, _ = effects.mutations[members[0]]
    at = {effects.mutations[k][3]: k for k in members}
    letters = sorted({old, *at} - {wildtype}, key=LETTERS.index)
    effect = np.stack([effects.b[:, at[x]] if x != old else np.zeros(len(own)) for x in letters], axis=1)
    seen = np.zeros((len(own), len(letters)), int)
    for d, letter in enumerate(own):
        carried = {x: int(effects.times_seen[d, k]) for x, k in at.items() if x != letter}
        # under a condition's own letter stands how many of its variants have any other
        mutated = sum(carried.values()) if letter is None else int(effects.times_seen[d, at[letter]])
        if letter is not None:
            carried[old] = mutated - sum(carried.values())
        carried[letter or old] = mutated
        seen[d] = [carried[x] for x in letters]
    names = [(f"{wildtype}{site}{x}", wildtype, site, x) for x in letters]
    return names, effect - effects.b[:, [at[wildtype]]], seen
