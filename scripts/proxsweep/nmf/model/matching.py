"""Factors of two fits matched one to one, and how far a start agrees with the one that won.

Factors are matched by the largest sum of the cosines of their columns of W: an assignment problem (Kuhn 1955, Nav. Res.
Logist. Q. 2, 83). Cosines do not depend on the scale of a factor, nor do the products W H that are compared.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from proxsweep.optimize.status import Status

OTHER_GAP = 1e-6  # relative: an objective further above the best is another optimum, or at a larger tolerance
GAP_BY_TOLERANCE = 10  # further above than so many times the tolerance
OTHER_PRODUCT = 0.01  # and so is a product W H that differs by more, relative
SAME_FACTORS = 0.99  # least cosine of matched factors that are called the same


class Kind(StrEnum):
    """What a start is beside the start that won."""

    SAME = "same"
    OTHER_FACTORS = "same_product_other_factors"
    OTHER_OPTIMUM = "other_optimum"
    NOT_CONVERGED = "not_converged"


COUNTED = (Kind.SAME, Kind.OTHER_FACTORS, Kind.OTHER_OPTIMUM)  # kinds of starts that have converged
COLUMNS = ("product_difference", "least_cosine", "samples_changed", "kind")


class Agreement(NamedTuple):
    """How far a start agrees with the one that won; NaN where it diverged.

    Attributes
    ----------
    product_difference
        |W H - W* H*| / |W* H*|, Frobenius norms; through Gram matrices, so that below 1e-7 it is rounding.
    least_cosine
        The least of the cosines of matched columns of W, and of the same rows of H. Factors that have vanished from
        both agree (1).
    samples_changed
        How many samples have their largest exposure to another factor.
    """

    product_difference: float
    least_cosine: float
    samples_changed: float


NOTHING = Agreement(np.nan, np.nan, np.nan)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosines of columns of ``a`` (M, k) and columns of ``b`` (M, l): (k, l); 0 for a column of zeros."""
    return unit(a).T @ unit(b)


def unit(a: np.ndarray) -> np.ndarray:
    """Columns (M, k) of length 1; a column of zeros stays as it is."""
    a = a / _or_one(a.max(axis=0))  # so that no square of a small number is 0
    return a / _or_one(np.linalg.norm(a, axis=0))


def _or_one(sizes: np.ndarray) -> np.ndarray:
    return np.where(sizes > 0, sizes, 1.0)


def match(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Match columns of ``a`` one to one to columns of ``b`` by the largest sum of cosines.

    Parameters
    ----------
    a, b : (M, k)
        Factors, entries at least 0.

    Returns
    -------
    (k,) int
        The order: column ``order[t]`` of ``a`` belongs to column ``t`` of ``b``, so that ``a[:, order]`` stands as
        ``b`` does.
    (k,) float
        The cosine of each of these pairs; 0 for a column of zeros.
    """
    return assigned(cosines(a, b))


def assigned(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """:func:`match` of a table of cosines (k, k), rows of ``a`` and columns of ``b``."""
    _, order = linear_sum_assignment(table.T, maximize=True)
    return order, table[order, np.arange(len(order))]


def largest(w: np.ndarray, h: np.ndarray) -> np.ndarray:
    """The factor of the largest exposure of each sample, (n,): row of H times the sum of its column of W.

    -1 for a sample without any exposure.
    """
    exposures = h * w.sum(axis=0)[:, None]
    return np.where(exposures.max(axis=0) > 0, exposures.argmax(axis=0), -1)


def agreement(w: np.ndarray, h: np.ndarray, best_w: np.ndarray, best_h: np.ndarray) -> Agreement:
    """Compare a start's W (m, k), H (k, n), entries finite and at least 0, with those of the start that won."""
    order, of_w = match(w, best_w)
    w, h = w[:, order], h[order]
    of_h = np.einsum("tj,tj->t", unit(h.T).T, unit(best_h.T).T)
    gone = (_vanished(w, h) & _vanished(best_w, best_h))[None]
    least = float(np.where(gone, 1.0, np.minimum(1.0, [of_w, of_h])).min())
    changed = int((largest(w, h) != largest(best_w, best_h)).sum())
    return Agreement(_product_difference(w, h, best_w, best_h), least, changed)


def _vanished(w: np.ndarray, h: np.ndarray) -> np.ndarray:
    return (w.max(axis=0) <= 0) | (h.max(axis=1) <= 0)


def _product_difference(w: np.ndarray, h: np.ndarray, best_w: np.ndarray, best_h: np.ndarray) -> float:
    (w, h), (best_w, best_h) = _scaled(w, h), _scaled(best_w, best_h)
    size = best_h.max()
    if not size > 0:
        return 0.0 if not h.max() > 0 else np.inf
    h, best_h = h / size, best_h / size
    own, best = _inner(w, h, w, h), _inner(best_w, best_h, best_w, best_h)
    return float(np.sqrt(max(0.0, own + best - 2 * _inner(w, h, best_w, best_h)) / best))


def _scaled(w: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same product, the largest entry of every column of W 1: so no sum of squares overflows."""
    sizes = _or_one(w.max(axis=0))
    return w / sizes, h * sizes[:, None]


def _inner(w: np.ndarray, h: np.ndarray, other_w: np.ndarray, other_h: np.ndarray) -> float:
    """<W H, W' H'>."""
    return float(((w.T @ other_w) * (h @ other_h.T)).sum())


def kind(found: Agreement, status: str, gap: float, tolerance: float) -> Kind:
    """What a start is: by its status, its objective above the best (relative), its product, and its factors."""
    if status != Status.CONVERGED:
        return Kind.NOT_CONVERGED
    if gap > max(OTHER_GAP, GAP_BY_TOLERANCE * tolerance) or found.product_difference > OTHER_PRODUCT:
        return Kind.OTHER_OPTIMUM
    return Kind.OTHER_FACTORS if found.least_cosine < SAME_FACTORS else Kind.SAME


def counts(kinds: Sequence[str]) -> Mapping[str, int]:
    """How many starts are of each kind in :data:`COUNTED`."""
    return {str(one): list(kinds).count(one) for one in COUNTED}
