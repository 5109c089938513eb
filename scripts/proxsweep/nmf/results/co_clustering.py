"""Which samples have the same largest factor, over starts: the consensus matrix of Brunet et al.

Entry (i, j) is the share of starts in which samples i and j have their largest exposure to the same factor; the
cophenetic correlation is that between 1 - consensus and the distances in the dendrogram of its average linkage (Brunet,
Tamayo, Golub and Mesirov 2004, Proc. Natl Acad. Sci. USA 101, 4164).
"""

from typing import NamedTuple

import numpy as np
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from proxsweep.nmf.model import matching
from proxsweep.nmf.results.starts import Starts

MOST_SAMPLES = 2000  # whose pairs are looked at; of more, so many are drawn
SEED = 1
DIGITS = 9  # so that sums in another order give the same correlation


class Consensus(NamedTuple):
    """How samples stand together over starts.

    Attributes
    ----------
    drawn : (n,) int
        Places of the samples in the matrix, in the order of the samples.
    shares : (n, n)
        Share of starts in which two of them have the same largest factor.
    leaves : (n,) int
        Order of the rows by the average linkage.
    cophenetic : float
        NaN where it is not defined: for fewer than two samples, and where all pairs have the same share, as with one
        factor.
    clusters : (N,) int
        Of every sample: the linkage cut into at most k groups, numbered by falling size; 0 for a sample without any
        exposure. Beyond those drawn a sample is in the group with which it stands together most often.
    """

    drawn: np.ndarray
    shares: np.ndarray
    leaves: np.ndarray
    cophenetic: float
    clusters: np.ndarray


def of_starts(found: Starts, used: np.ndarray) -> Consensus:
    """Compare the samples over the used starts of a fit (their places)."""
    largest = np.array([matching.largest(found.w[place], found.h[place]) for place in used])
    return consensus(largest, found.rank)


def consensus(largest: np.ndarray, rank: int) -> Consensus:
    """Compare the samples over starts.

    Parameters
    ----------
    largest : (S, N) int
        The factor of the largest exposure of each sample in each start; -1 for none. Samples without any in all starts
        are left aside; in a start where several have none, these stand together.
    rank
        The number of factors k, and of groups.
    """
    there = np.flatnonzero((largest >= 0).any(axis=0))
    drawn = there
    if len(there) > MOST_SAMPLES:
        drawn = np.sort(np.random.default_rng(SEED).choice(there, MOST_SAMPLES, replace=False))
    indicators = _indicators(largest[:, drawn], rank)
    shares = (indicators @ indicators.T) / len(largest)
    clusters = np.zeros(largest.shape[1], dtype=int)
    if len(drawn) < 2:
        clusters[drawn] = 1
        return Consensus(drawn, shares, np.arange(len(drawn)), np.nan, clusters)
    distances = squareform(1 - shares, checks=False)
    tree = hierarchy.linkage(distances, "average")
    clusters[drawn] = by_size(hierarchy.fcluster(tree, rank, "maxclust"))
    rest = np.setdiff1d(there, drawn)
    clusters[rest] = _nearest(_indicators(largest[:, rest], rank), indicators, clusters[drawn])
    return Consensus(drawn, shares, hierarchy.leaves_list(tree), correlation(distances, tree), clusters)


def _indicators(largest: np.ndarray, rank: int) -> np.ndarray:
    """(N, S (k + 1)): 1 where a sample has its largest exposure in a start to a factor, or none."""
    starts, samples = largest.shape
    return (largest.T[:, :, None] == np.arange(-1, rank)).reshape(samples, starts * (rank + 1)).astype(float)


def _nearest(rows: np.ndarray, members: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The group of each row with whose members it has the largest mean share."""
    means = np.array([members[groups == number].mean(axis=0) for number in range(1, groups.max() + 1)])
    return (rows @ means.T).argmax(axis=1) + 1


def by_size(groups: np.ndarray) -> np.ndarray:
    """Number groups from 1 by falling size; of equal ones the one whose first member comes first."""
    found, first, inverse, sizes = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    numbers = np.empty(len(found), dtype=int)
    numbers[np.lexsort((first, -sizes))] = np.arange(1, len(found) + 1)
    return numbers[inverse]


def correlation(distances: np.ndarray, tree: np.ndarray) -> float:
    """The cophenetic correlation of distances, as SciPy condenses them, with those of a linkage; NaN for equal ones."""
    found = hierarchy.cophenet(tree)
    if np.ptp(distances) == 0 or np.ptp(found) == 0:
        return np.nan
    return round(float(np.corrcoef(distances, found)[0, 1]), DIGITS)
