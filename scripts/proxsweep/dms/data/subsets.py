"""Which variants a fit is to: all of a replicate, all but one fold of them, or a resample.

Variants that are not fitted keep their place and get the weight 0, so that all fits of a replicate have arrays of one
shape and share compiled code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from proxsweep.dms.data.encoding import Encoding
from proxsweep.io.errors import UserError


@dataclass(frozen=True)
class Subset:
    """An encoding whose weights and times seen are those of the variants fitted, and the fold that is left out.

    ``held_out`` is (N,): the weights of the variants of the fold, 0 for others; None where no fold is left out.
    """

    encoding: Encoding
    held_out: np.ndarray | None = None


def select(encoding: Encoding, subset: Mapping[str, Any] | None) -> Subset:
    """The variants that ``subset`` (the ``rows`` of a :class:`proxsweep.sweep.grid.Fit`) names.

    Raises
    ------
    UserError
        If a condition has too few variants for its share in every fold, or none left to fit.
    """
    if subset is None:
        return Subset(encoding)
    if "fold" in subset:
        held_out = folds(encoding, subset["folds"], subset["seed"], subset["stratify"]) == int(subset["fold"])
        return Subset(_weighted(encoding, 1.0 - held_out), encoding.weights * held_out)
    factors = resample(encoding, int(subset["resample"]), subset["seed"], subset["method"])
    return Subset(_weighted(encoding, factors))


def folds(encoding: Encoding, count: int, seed: int, stratify: str) -> np.ndarray:
    """The fold (1 to ``count``) of every variant: (N,) int.

    With ``stratify`` ``condition``, sizes of the folds differ by at most one variant in every condition; with ``none``
    in total.

    Raises
    ------
    UserError
        If a condition (or all together) has fewer variants than there are folds.
    """
    rng = np.random.default_rng(seed)
    edges = encoding.offsets if stratify == "condition" else encoding.offsets[[0, -1]]
    for name, size in zip(encoding.conditions, np.diff(encoding.offsets), strict=True):
        if size < count:
            found = f"{size} variants of condition {name}"
            # message: Some fold would have none of this condition. | Lower `cross_validation: folds`.
            raise UserError("cross_validation.folds", found, f"at least as many variants as folds ({count})")
    dealt = [rng.permutation(last - first) % count for first, last in zip(edges[:-1], edges[1:], strict=True)]
    return 1 + np.concatenate(dealt)


def resample(encoding: Encoding, number: int, seed: int, method: str) -> np.ndarray:
    """Factors of the variants' weights in a resample: (N,).

    ``bootstrap``: how often each variant is drawn when as many as a condition has are drawn with replacement (Efron
    1979, Ann. Stat. 7, 1). ``bayesian``: independent exponential variables, scaled to mean 1 in every condition (Rubin
    1981, Ann. Stat. 9, 130).
    """
    rng = np.random.default_rng([seed, number])
    drawn = []
    for size in np.diff(encoding.offsets):
        if method == "bootstrap":
            drawn.append(rng.multinomial(size, np.full(size, 1 / size)).astype(float))
        else:
            factors = rng.exponential(size=size)
            drawn.append(factors / factors.mean())
    return np.concatenate(drawn)


def fitted_only(encoding: Encoding) -> Encoding:
    """The encoding without the variants of weight 0."""
    kept = encoding.weights > 0
    lengths = np.diff(encoding.indptr)
    condition = np.repeat(np.arange(len(encoding.conditions)), np.diff(encoding.offsets))
    sizes = np.bincount(condition[kept], minlength=len(encoding.conditions))
    return replace(
        encoding,
        offsets=np.concatenate([[0], np.cumsum(sizes)]),
        indptr=np.concatenate([[0], np.cumsum(lengths[kept])]),
        indices=encoding.indices[np.repeat(kept, lengths)],
        scores=encoding.scores[kept],
        weights=encoding.weights[kept],
    )


def _weighted(encoding: Encoding, factors: np.ndarray) -> Encoding:
    weights = encoding.weights * factors
    condition = np.repeat(np.arange(len(encoding.conditions)), np.diff(encoding.offsets))
    for name, total in zip(encoding.conditions, np.bincount(condition, weights), strict=True):
        if not total > 0:
            # message: All its variants are held out. | Lower `folds`, or set `stratify: condition`.
            raise UserError("cross_validation", f"no variant of condition {name} left to fit", "more variants a fold")
    return replace(encoding, weights=weights, times_seen=_times_seen(encoding, condition, weights > 0))


def _times_seen(encoding: Encoding, condition: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Variants fitted that carry each mutation, by condition: (D, M)."""
    rows = np.repeat(np.arange(len(fitted)), np.diff(encoding.indptr))
    used = fitted[rows]
    places = condition[rows[used]] * len(encoding.mutations) + encoding.indices[used]
    shape = (len(encoding.conditions), len(encoding.mutations))
    return np.bincount(places, minlength=np.prod(shape)).reshape(shape)
