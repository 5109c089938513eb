"""How starts agree with the one that won, a second time: what `starts.csv` and the record say of it.

Definitions: :mod:`proxsweep.nmf.model.matching`, with which this shares no code. Up to rank 6 every order of the
factors is tried, and of orders with the same sum of cosines, to rounding, each is right. Factors of `starts.npz` are in
single precision: numbers may be off by what that changes, and near a threshold the kinds on both sides are right.
"""

from collections.abc import Mapping
from functools import cache
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from proxsweep.optimize.status import Status
from proxsweep.sweep import cells, fit_folder
from proxsweep.sweep.discrepancies import Discrepancies

RECORD, TABLE = fit_folder.RECORD, "starts.csv"
COLUMNS = ("product_difference", "least_cosine", "samples_changed", "kind")
COUNTED = ("same", "same_product_other_factors", "other_optimum")
NOT_CONVERGED = "not_converged"
OTHER_GAP, GAP_BY_TOLERANCE, OTHER_PRODUCT, SAME_FACTORS = 1e-6, 10, 0.01, 0.99
ALL_ORDERS = 6  # the largest rank at which every order is tried
SINGLE = 2.0**-24  # how far single precision may be off, relative
ROUNDED = 16 * SINGLE  # and what sums of cosines, cosines and exposures may then be off by
BY_GRAM = 1e-7  # what a small difference of products is off by, where it comes from squares

Pair = tuple[np.ndarray, np.ndarray]  # W (m, k) and H (k, n)


class Found(NamedTuple):
    """What a start is worth: the difference of the products and what it may be off by; of each order that may be that
    of the factors the least cosine, and the fewest and most samples that may have changed."""

    product: float
    product_slack: float
    least_cosines: list[float]
    changed: list[tuple[int, int]]


def compare_counts(record: Mapping[str, Any], kinds: list[str], discrepancies: Discrepancies) -> None:
    """Counts of kinds in the record, and kinds of starts that did not converge, by the table's column ``kind``."""
    for name in COUNTED:
        discrepancies.equal(RECORD, f"nmf.{name}", record["nmf"][name], kinds.count(name))
    for one, kind in zip(record["starts"], kinds, strict=False):
        if (one["status"] != Status.CONVERGED) != (kind == NOT_CONVERGED):
            expected = "another kind" if kind == NOT_CONVERGED else NOT_CONVERGED
            discrepancies.add(TABLE, f"kind of start {one['start']}", kind, expected)


def compare(
    one: Mapping[str, Any],
    row: Mapping[str, str],
    record: Mapping[str, Any],
    factors: Pair,
    best: Pair,
    discrepancies: Discrepancies,
) -> None:
    """One start that did not diverge, ``one`` of the record's, against its ``row`` of the table.

    ``factors`` are W (m, k), H (k, n) of the start, single precision as numbers of double, ``best`` those of the start
    that won; entries finite and at least 0.
    """
    name, found = f"of start {one['start']}", evaluate(factors, best)
    product, least, changed = (cells.number(row.get(key, "")) for key in COLUMNS[:3])
    discrepancies.close(TABLE, f"product_difference {name}", product, found.product, found.product_slack)
    near = min(found.least_cosines, key=lambda value: abs(value - (0.0 if least is None else least)))
    discrepancies.close(TABLE, f"least_cosine {name}", least, near, ROUNDED)
    if changed is None or not any(few <= changed <= most for few, most in found.changed):
        few, most = found.changed[0]
        expected = str(few) if few == most else f"{few} to {most}"
        discrepancies.add(TABLE, f"samples_changed {name}", row.get("samples_changed", ""), expected)
    right = kinds(found, one, record)
    if row.get("kind", "") not in right:
        discrepancies.add(TABLE, f"kind {name}", row.get("kind", ""), " or ".join(right))


def evaluate(factors: Pair, best: Pair) -> Found:
    """Compare the factors of a start with those of the start that won."""
    product, slack = _product_difference(factors, best)
    of_w, of_h = _cosines(factors[0], best[0]), _cosines(factors[1].T, best[1].T)
    gone = np.logical_and.outer(_vanished(*factors), _vanished(*best))
    least, changed, at = [], [], np.arange(len(of_w))
    for order in orders(of_w):
        both = np.where(gone, 1.0, np.minimum(of_w, of_h))[order, at]
        least.append(float(min(1.0, both.min())))
        changed.append(_changed(factors[0][:, order], factors[1][order], *best))
    return Found(product, slack, least, changed)


def kinds(found: Found, one: Mapping[str, Any], record: Mapping[str, Any]) -> list[str]:
    """The kinds that a start may be called."""
    if one["status"] != Status.CONVERGED:
        return [NOT_CONVERGED]
    lowest = record["objective"]
    gap = (one["objective"] - lowest) / (abs(lowest) or 1.0)
    if gap > max(OTHER_GAP, GAP_BY_TOLERANCE * record["tolerance"]):
        return ["other_optimum"]
    right = ["other_optimum"] if found.product > OTHER_PRODUCT - found.product_slack else []
    if found.product > OTHER_PRODUCT + found.product_slack:
        return right
    right += ["same_product_other_factors"] if min(found.least_cosines) < SAME_FACTORS + ROUNDED else []
    return right + (["same"] if max(found.least_cosines) >= SAME_FACTORS - ROUNDED else [])


def _product_difference(factors: Pair, best: Pair) -> tuple[float, float]:
    """|W H - W* H*| / |W* H*| by orthogonal factors of [W, W*] and [H', H*'], and what it may be off by."""
    rank = factors[0].shape[1]
    left = np.linalg.qr(np.hstack([factors[0], best[0]]), mode="r")
    right = np.linalg.qr(np.hstack([factors[1].T, best[1].T]), mode="r")
    own, other = left[:, :rank] @ right[:, :rank].T, left[:, rank:] @ right[:, rank:].T
    size = np.linalg.norm(other)
    if size == 0:
        return (0.0 if np.linalg.norm(own) == 0 else np.inf), 0.0
    found = np.linalg.norm(own - other) / size
    return float(found), float(BY_GRAM + 3 * SINGLE * np.linalg.norm(own) / size)


def _cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosines of columns (k, k), 0 of a column of zeros."""
    norms = np.outer(np.sqrt((a**2).sum(axis=0)), np.sqrt((b**2).sum(axis=0)))
    return np.divide(a.T @ b, norms, out=np.zeros_like(norms), where=norms > 0)


def _vanished(w: np.ndarray, h: np.ndarray) -> np.ndarray:
    return ~(w.any(axis=0) & h.any(axis=1))


def orders(cosines: np.ndarray) -> np.ndarray:
    """Orders of the rows with the largest sum of cosines, to rounding: (orders, k)."""
    rank = len(cosines)
    if rank > ALL_ORDERS:
        # costs above 0, since an entry of 0 is no entry of a sparse matrix
        columns, rows = min_weight_full_bipartite_matching(sparse.csr_array(2 - cosines.T))
        return rows[np.argsort(columns)][None]
    orders = _all_orders(rank)
    totals = cosines[orders, np.arange(rank)].sum(axis=1)
    near = np.flatnonzero(totals >= totals.max() - ROUNDED)
    return orders[near[np.argsort(-totals[near], kind="stable")]]


@cache
def _all_orders(rank: int) -> np.ndarray:
    return np.array(list(permutations(range(rank))))


def _changed(w: np.ndarray, h: np.ndarray, best_w: np.ndarray, best_h: np.ndarray) -> tuple[int, int]:
    """The fewest and the most samples that may have their largest exposure to another factor."""
    one, sure = _largest(w, h)
    other, also_sure = _largest(best_w, best_h)
    differ, known = one != other, sure & also_sure
    return int((differ & known).sum()), int((differ | ~known).sum())


def _largest(w: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The factor of the largest exposure of each sample (-1: none), and whether that is beyond rounding."""
    exposures = np.array([w[:, t].sum() * h[t] for t in range(len(h))])
    sizes = np.sort(exposures, axis=0)
    second = sizes[-2] if len(sizes) > 1 else np.zeros(exposures.shape[1])
    none = sizes[-1] == 0
    return np.where(none, -1, exposures.argmax(axis=0)), none | (second < (1 - ROUNDED) * sizes[-1])
