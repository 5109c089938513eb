"""Factors of all starts in k groups without regard to the start they are of, outliers left out: as cNMF does it.

Kotliar et al. 2019, eLife 8, e43803, Methods: factors of length 1; the local density of one is its mean Euclidean
distance to its nearest neighbours, 0.3 times as many as there are starts; those at or above a threshold are left out;
k-means; medians. cNMF begins k-means at random, this one at the factors of the best start.
"""

import numpy as np

NEIGHBOURS = 0.3  # of the number of starts
MOST_ROUNDS = 300  # of k-means
BLOCK = 64  # points that are compared with all others at once


def neighbours(starts: int) -> int:
    """How many neighbours a local density is the mean distance to; of few starts one."""
    return max(1, int(NEIGHBOURS * starts))


def local_density(points: np.ndarray, starts: int) -> np.ndarray:
    """The mean Euclidean distance of each point to its nearest neighbours, itself not among them.

    Parameters
    ----------
    points : (P, M)
        Factors of length 1 (or 0); more than :func:`neighbours` of them.
    starts
        How many starts they are of.

    Returns
    -------
    (P,)
        0 for a factor that stands in many starts, up to 2^0.5 for one like no other.
    """
    number, found = neighbours(starts), []
    for begin in range(0, len(points), BLOCK):
        rows = points[begin : begin + BLOCK]
        distances = np.sqrt(np.maximum(_squares(rows, points), 0))
        distances[np.arange(len(rows)), begin + np.arange(len(rows))] = np.inf
        found.append(np.partition(distances, number - 1, axis=1)[:, :number].mean(axis=1))
    return np.concatenate(found)


def groups(points: np.ndarray, begin: np.ndarray) -> np.ndarray:
    """Put points into k groups by k-means (Lloyd 1982, IEEE Trans. Inf. Theory 28, 129), none of them empty.

    Parameters
    ----------
    points : (P, M)
        At least k.
    begin : (k, M)
        The first centres.

    Returns
    -------
    (P,) int
        From 0 to k - 1. A group that would be empty gets the point that is furthest from its own centre.
    """
    centres, found = begin, None
    for _ in range(MOST_ROUNDS):
        distances = _squares(points, centres)
        now = _none_empty(distances.argmin(axis=1), distances, len(begin))
        if found is not None and (now == found).all():
            break
        found = now
        centres = np.array([points[found == number].mean(axis=0) for number in range(len(begin))])
    return found


def _squares(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances (P, k); near 0 they are rounding, and may be below it."""
    return (points**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1) - 2 * points @ centres.T


def _none_empty(found: np.ndarray, distances: np.ndarray, rank: int) -> np.ndarray:
    found = found.copy()
    own = distances[np.arange(len(found)), found]
    for number in range(rank):
        sizes = np.bincount(found, minlength=rank)
        if sizes[number] == 0:
            may_go = np.where(sizes[found] > 1, own, -np.inf)
            furthest = int(may_go.argmax())
            found[furthest], own[furthest] = number, 0.0
    return found


def medians(points: np.ndarray, found: np.ndarray, rank: int) -> np.ndarray:
    """The median of each group, entry by entry, scaled to sum 1: W (M, k).

    A group whose medians are all 0 has its mean instead.
    """
    columns = []
    for number in range(rank):
        members = points[found == number]
        middle = np.median(members, axis=0)
        middle = middle if middle.any() else members.mean(axis=0)
        columns.append(middle / (middle.sum() or 1.0))
    return np.array(columns).T
