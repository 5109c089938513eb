"""Libraries of a simulated study: distinct variants, and how they are written."""

import numpy as np

from proxsweep.dms.data.landscape import LETTERS
from proxsweep.io.errors import UserError


def draw_variants(
    rng: np.random.Generator, weights: np.ndarray, number: int, mean: float, condition: str
) -> tuple[np.ndarray, np.ndarray]:
    """Distinct nonempty sets of substitutions, at most one a site.

    Returns
    -------
    indptr : (number + 1,) int64
    entries : int64, increasing within a variant; entry = site * 21 + letter
    """
    letters = weights.shape[1]
    cumulative = np.cumsum(weights.ravel())
    cumulative /= cumulative[-1]
    # A sum of random 64-bit keys tells sets apart: two of 100,000 agree by chance once in 10^9 libraries.
    keys = rng.integers(np.iinfo(np.uint64).max, size=weights.size, dtype=np.uint64)
    variant, entries = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    found, missing = 0, number
    before = -1
    # A round draws at least 1,000: one that finds nothing new has met the end of the library.
    while missing and found > before:
        before = found
        sizes = rng.poisson(mean, max(2 * missing, 1000))
        # Kept variants come first, so that a set drawn again is the later, discarded copy.
        new_variant = found + np.repeat(np.arange(len(sizes)), sizes)
        new_entries = np.searchsorted(cumulative, rng.random(len(new_variant)), side="right")
        variant, entries = np.append(variant, new_variant), np.append(entries, new_entries)
        variant, entries = _one_per_site(variant, entries, letters)
        variant, entries = _first_of_each_set(variant, entries, keys)
        kept = variant < number
        variant, entries = variant[kept], entries[kept]
        found = int(variant[-1]) + 1 if len(variant) else 0
        missing = number - found
    if missing:
        limit = f"at most about {found + 1}, all that the library gives"
        # message: 100000 (`variants`) | at most about 5301, all that the library gives | There are not so many
        # different variants. | Lower `variants`, or raise `sites`, `library_share` or `substitutions`.
        raise UserError(f"simulate: variants: {condition}", f"{number + 1}", limit)
    indptr = np.append(0, np.cumsum(np.bincount(variant, minlength=number)))
    return indptr, entries


def _one_per_site(variant: np.ndarray, entries: np.ndarray, letters: int) -> tuple[np.ndarray, np.ndarray]:
    """Sort by variant and site; of several draws at one site the first stays."""
    # Stable: among equals the order of drawing decides, not the letter.
    order = np.lexsort((entries // letters, variant))
    variant, entries = variant[order], entries[order]
    sites = entries // letters
    repeated = np.append(False, (variant[1:] == variant[:-1]) & (sites[1:] == sites[:-1]))
    return variant[~repeated], entries[~repeated]


def _first_of_each_set(variant: np.ndarray, entries: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop variants whose set came before, and number the others 0, 1, ... in order."""
    starts = np.flatnonzero(np.append(True, variant[1:] != variant[:-1])) if len(variant) else variant
    if not len(starts):
        return variant, entries
    lengths = np.diff(np.append(starts, len(variant)))
    sums = np.add.reduceat(keys[entries], starts)
    first = np.zeros(len(starts), dtype=bool)
    first[np.unique(sums, return_index=True)[1]] = True
    kept = np.repeat(first, lengths)
    numbers = np.repeat(np.cumsum(first) - 1, lengths)
    return numbers[kept], entries[kept]


def texts(own: np.ndarray, indptr: np.ndarray, entries: np.ndarray) -> np.ndarray:
    """Space-separated substitutions of each variant, e.g. ``G3P N7*``."""
    sites = np.repeat(np.arange(len(own)), len(LETTERS))
    names = [
        f"{LETTERS[own[site]]}{site + 1}{letter}"
        for site, letter in zip(sites, np.tile(LETTERS, len(own)), strict=True)
    ]
    written = [names[entry] for entry in entries]
    bounds = indptr.tolist()
    texts = np.empty(len(bounds) - 1, dtype=object)
    texts[:] = [" ".join(written[a:b]) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]
    return texts
