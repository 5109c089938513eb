"""Do replicates give the same factors? Factors of every pair of replicates matched, and their exposures compared.

Factors are matched one to one by the cosines of their columns of W. For the exposures all samples of both replicates
are fitted anew, once to the W of one replicate and once to that of the other, by the objective of the fits
(:func:`proxsweep.nmf.model.given.exposures`), and correlated factor by factor.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from proxsweep.nmf.data.encoding import Encoding, Matrix
from proxsweep.nmf.data.normalise import normalise
from proxsweep.nmf.model import factor_columns, given
from proxsweep.nmf.results import factors, winners
from proxsweep.nmf.results.factors import Factors
from proxsweep.nmf.roles import ROLES
from proxsweep.nmf.summaries import looks
from proxsweep.nmf.summaries.looks import RANK, REPLICATE
from proxsweep.sweep.fits import full, in_order, ordered, sweep_columns

MOST_SAMPLES = 2000  # whose exposures are compared, evenly over both replicates
PAIR = ("replicate_a", "replicate_b")
RESULTS = ("factor", "matched_factor", "cosine", "exposure_correlation", "samples", "converged")
COSINES = (*PAIR, "factor", "other_factor", "cosine", "matched", "converged")
EXPOSURES = (*PAIR, "sample", "replicate", "factor", "exposure_a", "exposure_b")


class Compared(NamedTuple):
    """Two replicates' fits of one setting: cosines (k, k), the match of each factor, exposures (k, n) of all samples
    by the factors of one and the other, in the unit of the matrix as fitted and the order of the first, and the names
    and replicates of these samples."""

    cosines: np.ndarray
    match: np.ndarray
    a: np.ndarray
    b: np.ndarray
    samples: np.ndarray
    replicates: np.ndarray
    converged: bool

    @property
    def correlations(self) -> np.ndarray:
        """Pearson correlation of the exposures of each factor; NaN where one does not vary."""
        return np.array([_pearson(x, y) for x, y in zip(self.a, self.b, strict=True)])


def table(
    fits: pd.DataFrame,
    encodings: Mapping[str, str],
    load: Callable[[str], Factors] = factors.load,
    model: Callable[[str], Mapping[str, Any]] = winners.model,
) -> pd.DataFrame:
    """Every factor of every setting, rank and pair of replicates, with the factor that it is matched to.

    Parameters
    ----------
    fits
        The study's table of fits; those to folds and resamples are left aside.
    encodings
        Paths of the encodings by the label of the replicate.
    load, model
        Read the factors, and the section ``model``, of the fit in a folder (column ``path``).

    Returns
    -------
    DataFrame
        The study, the swept parameters but the replicate, the pair, then :data:`RESULTS`: the ``factor`` of the
        first replicate and the ``matched_factor`` of the second, the ``cosine`` of these, the Pearson
        correlation of their exposures over that many ``samples`` of both replicates, and whether both fits have
        ``converged``. Numbers are NaN, and there is no match, where a fit diverged.
    """
    settings = sweep_columns(full(fits), without=(REPLICATE,))
    loaded = {label: Encoding.load(path) for label, path in encodings.items()}
    rows = []
    for setting, pair, group in _pairs(full(fits), settings):
        found = compared(group, pair, loaded, load, model)
        for t, (match, correlation) in enumerate(zip(found.match, found.correlations, strict=True)):
            other = looks.factor(match + 1) if match >= 0 else ""
            cosine = found.cosines[t, match] if match >= 0 else np.nan
            values = (looks.factor(t + 1), other, cosine, correlation, len(found.samples), found.converged)
            rows.append({**setting, **dict(zip(PAIR, pair, strict=True)), **dict(zip(RESULTS, values, strict=True))})
    return in_order(pd.DataFrame(rows, columns=["study", *settings, *PAIR, *RESULTS]), settings, ROLES)


def at_one_rank(
    fits: pd.DataFrame,
    encodings: Mapping[str, str],
    choice: pd.DataFrame,
    load: Callable[[str], Factors] = factors.load,
    model: Callable[[str], Mapping[str, Any]] = winners.model,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All cosines, and all exposures, of the setting and rank that the study goes on with.

    Returns
    -------
    DataFrame
        :data:`COSINES`: row per pair of replicates and of their factors.
    DataFrame
        :data:`EXPOSURES`: row per pair of replicates, sample and factor (of the first): the exposure by the factors of
        the first and by the matched ones of the second, in the unit of the matrix as fitted; ``replicate`` is that of
        the sample.
    """
    whole = looks.main(full(fits), choice)
    whole = whole[whole[RANK].astype(float) == looks.rank_of(choice)]
    cosines, exposures = [], []
    loaded = {label: Encoding.load(path) for label, path in encodings.items()} if len(whole) else {}
    for _, pair, group in _pairs(whole, sweep_columns(whole, without=(REPLICATE,))):
        found = compared(group, pair, loaded, load, model)
        named = dict(zip(PAIR, pair, strict=True))
        cosines.append(_long_cosines(found).assign(**named))
        exposures.append(_long_exposures(found).assign(**named))
    return _stacked(cosines, COSINES), _stacked(exposures, EXPOSURES)


def _stacked(parts: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True)[list(columns)] if parts else pd.DataFrame(columns=list(columns))


def _pairs(whole: pd.DataFrame, settings: list[str]) -> Iterator[tuple[dict, tuple[str, str], pd.DataFrame]]:
    """Every setting with every pair of its replicates, and the rows of all its replicates by their label."""
    by = ["study", *settings]
    for values, group in whole.groupby(by, sort=False, dropna=False):
        for pair in combinations(ordered(group[REPLICATE]), 2):
            yield dict(zip(by, values, strict=True)), pair, group.set_index(REPLICATE)


def compared(
    group: pd.DataFrame,
    pair: tuple[str, str],
    encodings: Mapping[str, Encoding],
    load: Callable[[str], Factors],
    model: Callable[[str], Mapping[str, Any]],
) -> Compared:
    """Compare the fits of two replicates, whose rows of the table of fits ``group`` has by the replicate's label."""
    paths = [group.loc[label, "path"] for label in pair]
    one, two = (load(path) for path in paths)
    converged = bool((group.loc[list(pair), "status"] == "converged").all())
    cosines = factors.cosines(one, two)
    match = factors.matched(cosines)
    if (match < 0).any():
        nothing = np.full((len(match), 0), np.nan)
        return Compared(cosines, match, nothing, nothing, np.array([], dtype=str), np.array([], dtype=str), converged)
    objective = model(paths[0])
    matrix, features, samples, replicates = side_by_side(encodings, pair, objective["normalise"])
    shapes = [found.of(features) for found in (one, two)]
    a, b = (factor_columns.exposure(w, given.exposures(matrix, w, objective)) for w in shapes)
    return Compared(cosines, match, a, b[match], samples, replicates, converged)


def side_by_side(
    encodings: Mapping[str, Encoding], pair: tuple[str, str], how: str
) -> tuple[Matrix, np.ndarray, np.ndarray, np.ndarray]:
    """The samples of two replicates as one matrix, each normalised as its own fits were.

    Returns
    -------
    matrix : (m, n)
        Features that have entries in both replicates; dense or sparse as the encodings are.
    features : (m,) str, samples : (n,) str, replicates : (n,) str
        At most :data:`MOST_SAMPLES` samples, taken evenly.
    """
    both = [encodings[label] for label in pair]
    features = factors.common(*(one.features[one.kept_features] for one in both))
    parts = []
    for one in both:
        places = {name: k for k, name in enumerate(one.features[one.kept_features].tolist())}
        parts.append(normalise(one.matrix, how)[[places[name] for name in features.tolist()]])
    matrix = sparse.csr_array(sparse.hstack(parts)) if sparse.issparse(parts[0]) else np.hstack(parts)
    names = [one.samples[one.kept_samples] for one in both]
    samples, replicates = np.concatenate(names), np.repeat(pair, [len(part) for part in names])
    kept = _evenly(len(samples))
    return matrix[:, kept], features, samples[kept], replicates[kept]


def _evenly(count: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, MOST_SAMPLES)).round().astype(int))


def _pearson(x: np.ndarray, y: np.ndarray) -> float:
    if len(x) < 2 or x.min() == x.max() or y.min() == y.max():
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


def _long_cosines(found: Compared) -> pd.DataFrame:
    k = len(found.match)
    i, j = np.indices((k, k))
    one, other = ([looks.factor(number + 1) for number in places.ravel()] for places in (i, j))
    values = {"factor": one, "other_factor": other, "cosine": found.cosines.ravel()}
    return pd.DataFrame(values | {"matched": (found.match[i] == j).ravel(), "converged": found.converged})


def _long_exposures(found: Compared) -> pd.DataFrame:
    k, n = found.a.shape
    return pd.DataFrame(
        {
            "sample": np.tile(found.samples, k),
            "replicate": np.tile(found.replicates, k),
            "factor": np.repeat([looks.factor(t + 1) for t in range(k)], n),
            "exposure_a": found.a.ravel(),
            "exposure_b": found.b.ravel(),
        }
    )
