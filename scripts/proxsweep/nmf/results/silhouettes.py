"""Factors of several starts matched one to one in clusters, and how far the clusters stand apart.

As SigProfilerExtractor does it (Islam et al. 2022, Cell Genomics 2, 100179, STAR Methods): every cluster has one factor
of each start. Distances are 1 minus the cosine of two columns of W; the silhouette of a factor is (b - a) / max(a, b)
with a its mean distance to the others of its cluster and b the smallest of its mean distances to another cluster
(Rousseeuw 1987, J. Comput. Appl. Math. 20, 53).
"""

import numpy as np

from proxsweep.nmf.model import matching

MOST_ROUNDS = 100  # of matching all starts to the means of the clusters
APART = 1e-6  # factors nearer to one another than this are not told apart


def clusters(w: np.ndarray) -> np.ndarray:
    """Put one factor of each start into each of k clusters.

    The clusters begin as the factors of the first start. Each start is matched to their means, by the largest sum of
    cosines, until no factor changes its cluster.

    Parameters
    ----------
    w : (S, M, k)
        Columns of W of S starts, of length 1 or zero.

    Returns
    -------
    (S, k) int
        ``[s, t]``: the column of start ``s`` that is in cluster ``t``.
    """
    order, means = None, w[0]
    for _ in range(MOST_ROUNDS):
        found = np.array([matching.match(one, means)[0] for one in w])
        if order is not None and (found == order).all():
            break
        order = found
        means = np.take_along_axis(w, order[:, None, :], axis=2).mean(axis=0)
    return order


def silhouettes(w: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The silhouette of each factor, S of at least 2 starts in k of at least 2 clusters.

    Mean distances come from sums over clusters, so that nothing grows with the square of the number of starts.

    Parameters
    ----------
    w : (S, M, k)
        Columns of length 1, or zero; a column of zeros is at distance 1 from all others.
    order : (S, k) int
        As :func:`clusters` gives it.

    Returns
    -------
    (S, k)
        In the order of the clusters.
    """
    starts, _, rank = w.shape
    placed = np.take_along_axis(w, order[:, None, :], axis=2)
    sums = placed.sum(axis=0)
    distances = starts - np.einsum("smt,mc->stc", placed, sums)  # summed over the members of a cluster
    itself = 1 - (placed**2).sum(axis=1)
    own = (np.einsum("stt->st", distances) - itself) / (starts - 1)
    others = np.where(np.eye(rank, dtype=bool), np.inf, distances / starts).min(axis=2)
    own, others = np.maximum(own, 0), np.maximum(others, 0)
    size = np.maximum(own, others)
    return np.where(size > APART, (others - own) / np.where(size > APART, size, 1), 0.0)


def stability(w: np.ndarray) -> tuple[float, float]:
    """The mean of the clusters' mean silhouettes, and the least of these.

    Parameters
    ----------
    w : (S, M, k)
        Columns of W of at least 2 starts, of any length. With one factor there is nothing to stand apart from: both
        are 1, as SigProfilerExtractor has it.
    """
    if w.shape[2] == 1:
        return 1.0, 1.0
    w = np.array([matching.unit(one) for one in w])
    means = silhouettes(w, clusters(w)).mean(axis=0)
    return float(means.mean()), float(means.min())
