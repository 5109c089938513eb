"""The tables of how starts agree, a second time, from the arrays of the fits.

Formulas and sources: :mod:`proxsweep.nmf.results.stability` and the modules that it uses, with which this shares no
code. Silhouettes come from all pairs of factors, the consensus is counted start by start; its dendrogram is SciPy's,
whose heights depend on how it treats equal distances.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.cluster.hierarchy import cophenet, fcluster, leaves_list, linkage

from proxsweep.nmf.check import matching
from proxsweep.optimize.status import Status
from proxsweep.sweep import cells, fit_folder

TABLE, ARRAYS = "starts.csv", "starts.npz"
FACTORS = {"W": ("f", "starts features rank"), "H": ("f", "starts rank samples")}
NAMES = {"features": ("U", "features"), "samples": ("U", "samples")}
KINDS = (*matching.COUNTED, matching.NOT_CONVERGED)
MEAN, LEAST = 0.8, 0.2
MOST_ROUNDS, MOST_SAMPLES, SEED = 100, 2000, 1
APART, DIGITS = 1e-6, 9
BLOCK = 256


class Starts(NamedTuple):
    """The starts of a fit: rows of ``starts.csv``, W (S, M, k), H (S, k, N), names of features and samples."""

    rows: list[dict[str, str]]
    w: np.ndarray
    h: np.ndarray
    features: np.ndarray
    samples: np.ndarray


class Consensus(NamedTuple):
    """Places of the samples that were compared, order of the leaves, correlation, the cluster of each sample."""

    drawn: np.ndarray
    leaves: np.ndarray
    cophenetic: float
    clusters: np.ndarray


def load(folder: Path) -> Starts:
    """The starts of the fit in a folder.

    Raises
    ------
    UserError
        For a file that is missing or damaged.
    """
    found, names = fit_folder.arrays(folder / ARRAYS, FACTORS), fit_folder.parameters(folder, NAMES)
    rows = cells.read(folder / TABLE).rows()
    return Starts(rows, found["W"].astype(float), found["H"].astype(float), **names)


def used(starts: Starts, unconverged: bool) -> list[int]:
    """Places of the starts that count: the one that won first, then by the objective."""
    usable = []
    for place, row in enumerate(starts.rows[: len(starts.w)]):
        counts = row.get("status") != Status.DIVERGED if unconverged else row.get("status") == Status.CONVERGED
        if counts and np.isfinite(starts.w[place]).all() and np.isfinite(starts.h[place]).all():
            usable.append((row.get("won") != "True", cells.number(row.get("objective", "")) or 0.0, place))
    return [place for _, _, place in sorted(usable)]


def lacking(count: int, starts: Starts, unconverged: bool) -> str:
    """Why starts cannot be compared; empty where they can."""
    if count >= 2:
        return ""
    words = "did not diverge" if unconverged else "converged"
    noun = "1 start" if count == 1 else "no starts"
    return f"{noun} of {len(starts.rows)} {words}: two are needed"


def row(fit: Mapping[str, Any], starts: Starts, unconverged: bool) -> dict[str, Any]:
    """What `stability.csv` has to say of a fit."""
    places = used(starts, unconverged)
    said = [one.get("kind", "") for one in starts.rows]
    found = {
        "status": fit["status"],
        "starts": len(starts.rows),
        "starts_converged": sum(one.get("status") == Status.CONVERGED for one in starts.rows),
        "starts_used": len(places),
        "at_best": fit["at_best"],
        "start_spread": fit["start_spread"],
        **{name: said.count(name) for name in KINDS},
    }
    reason = lacking(len(places), starts, unconverged)
    if reason:
        nothing = {"mean_silhouette": math.nan, "least_silhouette": math.nan, "cophenetic": math.nan}
        return found | nothing | {"consensus_samples": 0, "stable": False, "reason": reason}
    means = cluster_means(starts.w[places])
    mean, least = round(float(np.mean(means)), DIGITS), round(float(min(means)), DIGITS)
    together, converged = consensus(starts, places), fit["status"] == Status.CONVERGED
    cut = [f"{math.floor(100 * value + 1e-7) / 100:.2f}" for value in (mean, least)]
    words = f"mean silhouette {cut[0]} (limit 0.8), least {cut[1]} (limit 0.2)"
    return found | {
        "mean_silhouette": mean,
        "least_silhouette": least,
        "cophenetic": together.cophenetic,
        "consensus_samples": len(together.drawn),
        "stable": bool(converged and mean >= MEAN and least >= LEAST),
        "reason": words if converged else f"the fit did not converge ({fit['status']}); {words}",
    }


def groups(starts: Starts, unconverged: bool) -> list[int]:
    """The cluster of each sample; 0 for none, as where starts cannot be compared."""
    places = used(starts, unconverged)
    return consensus(starts, places).clusters.tolist() if len(places) > 1 else [0] * len(starts.samples)


def unit(w: np.ndarray) -> np.ndarray:
    """Columns of length 1 or 0, the features along the second axis from the end."""
    sizes = np.sqrt((w**2).sum(axis=-2, keepdims=True))
    return np.divide(w, sizes, out=np.zeros_like(w), where=sizes > 0)


def cluster_means(w: np.ndarray) -> list[float]:
    """The mean silhouette of each cluster of the factors of starts, W (S, M, k)."""
    starts, _, rank = w.shape
    if rank == 1:
        return [1.0]
    points = unit(w)
    order = _clusters(points)
    placed = np.concatenate([one[:, way].T for one, way in zip(points, order, strict=True)])
    of = np.tile(np.arange(rank), starts)
    values = []
    for begin in range(0, len(placed), BLOCK):
        distances = 1 - placed[begin : begin + BLOCK] @ placed.T
        for line, own in enumerate(of[begin : begin + BLOCK]):
            distances[line, begin + line] = 0
            sums = np.array([distances[line, of == other].sum() for other in range(rank)])
            a = max(sums[own] / (starts - 1), 0.0)
            b = max(min(sums[other] / starts for other in range(rank) if other != own), 0.0)
            values.append((b - a) / max(a, b) if max(a, b) > APART else 0.0)
    return [float(np.mean(np.array(values)[of == cluster])) for cluster in range(rank)]


def _clusters(points: np.ndarray) -> list[np.ndarray]:
    """Of each start the factor that is in each cluster, matched to the means until none moves."""
    means, before = points[0], None
    for _ in range(MOST_ROUNDS):
        order = [matching.orders(_cosines(one, means))[0] for one in points]
        if before is not None and all((a == b).all() for a, b in zip(order, before, strict=True)):
            break
        before = order
        means = sum(one[:, way] for one, way in zip(points, order, strict=True)) / len(points)
    return order


def _cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return unit(a).T @ unit(b)


def consensus(starts: Starts, places: list[int]) -> Consensus:
    """How samples stand together over the starts at these places."""
    rank = starts.w.shape[2]
    labels = np.array([_largest(starts.w[place], starts.h[place]) for place in places])
    there = np.flatnonzero((labels >= 0).any(axis=0))
    drawn = there
    if len(there) > MOST_SAMPLES:
        drawn = np.sort(np.random.default_rng(SEED).choice(there, MOST_SAMPLES, replace=False))
    clusters = np.zeros(labels.shape[1], int)
    if len(drawn) < 2:
        clusters[drawn] = 1
        return Consensus(drawn, np.arange(len(drawn)), math.nan, clusters)
    counts = np.zeros((len(drawn), len(drawn)), int)
    for one in labels[:, drawn]:
        counts += one[:, None] == one[None, :]
    pairs = np.triu_indices(len(drawn), 1)
    distances = 1 - counts[pairs] / len(labels)
    tree = linkage(distances, "average")
    groups = _numbered(fcluster(tree, rank, "maxclust"))
    clusters[drawn] = groups
    for place in np.setdiff1d(there, drawn):
        same = (labels[:, [place]] == labels[:, drawn]).sum(axis=0)
        clusters[place] = 1 + int(np.argmax([same[groups == g].mean() for g in range(1, groups.max() + 1)]))
    return Consensus(drawn, leaves_list(tree), _correlation(distances, cophenet(tree)), clusters)


def _largest(w: np.ndarray, h: np.ndarray) -> np.ndarray:
    exposures = w.sum(axis=0)[:, None] * h
    return np.where(exposures.any(axis=0), exposures.argmax(axis=0), -1)


def _numbered(groups: np.ndarray) -> np.ndarray:
    """Groups numbered by falling size, of equal ones by their first member."""
    known = sorted(set(groups.tolist()), key=lambda one: (-(groups == one).sum(), groups.tolist().index(one)))
    return np.array([known.index(one) + 1 for one in groups.tolist()])


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    if (a == a[0]).all() or (b == b[0]).all():
        return math.nan
    a, b = a - a.mean(), b - b.mean()
    return round(float((a * b).sum() / math.sqrt((a**2).sum() * (b**2).sum())), DIGITS)
