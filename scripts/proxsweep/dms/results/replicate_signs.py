"""How many of the shifts found in two replicates are false? What their signs say.

A false shift that two independent replicates both find has the same sign in both as often as not; a true one nearly
always. So as many of the shifts that agree in sign are false as there are shifts that disagree. The mirror statistic of
a pair of shifts x and y is sign(x y) min(|x|, |y|); the share of false shifts among those of at least t is estimated by
the number at most -t over the number at least t (Dai, Lin, Xing and Liu 2023, J. Am. Stat. Assoc. 118, 2503, section
2.1). It counts only errors that replicates do not share: what a model misses in both alike stays unseen.
"""

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from proxsweep.dms.results import fitted
from proxsweep.dms.results.fits_table import in_order
from proxsweep.sweep.fits import full, sweep_columns

RESULTS = ("row", "pairs", "agree", "disagree", "estimate", "unconverged")


def mirrors(fits: list[fitted.Fitted], min_times_seen: int = 1) -> pd.DataFrame:
    """Mirror statistics of every pair of replicates: columns ``row``, ``mutation`` and ``mirror`` (latent units).

    Of mutations seen at least ``min_times_seen`` times in all conditions that the row compares, in both replicates.
    """
    parts = [pd.DataFrame(columns=["row", "mutation", "mirror"])]
    for one, other in combinations(fits, 2):
        for row, conditions in one.rows.items():
            both = fitted.paired(one, other, f"shift_{row}", conditions, min_times_seen)
            size = np.minimum(both["a"].abs(), both["b"].abs()) * np.sign(both["a"]) * np.sign(both["b"])
            parts.append(pd.DataFrame({"row": row, "mutation": both.index, "mirror": size.to_numpy()}))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def table(
    fits: pd.DataFrame, min_times_seen: int = 1, load: Callable[[str], fitted.Fitted] = fitted.load
) -> pd.DataFrame:
    """One row for each setting of the sweep, replicates together, and row of its matrix; ``all`` has all rows together.

    Parameters
    ----------
    fits
        The study's table of fits; those to a part of the variants are left aside.
    min_times_seen
        A mutation counts where at least so many variants carry it, in each compared condition.
    load
        Reads the fit in a folder (column ``path``).

    Returns
    -------
    DataFrame
        ``study``, the swept parameters but ``replicate``, then :data:`RESULTS`: ``pairs`` of replicates; shifts that
        are nonzero in both of a pair and ``agree`` or ``disagree`` in sign, summed over pairs; ``estimate`` = disagree
        / agree, at most 1, the share of false shifts among those that agree (NaN where none does); fits that did not
        converge.
    """
    fits = full(fits)
    load = fitted.blank_diverged(fits, load)
    by = ["study", *sweep_columns(fits, without=("replicate",))]
    records = []
    for values, part in fits.groupby(by, sort=False, dropna=False):
        setting = dict(zip(by, values, strict=True))
        setting["unconverged"] = int((part["status"] != "converged").sum())
        records += [setting | counts for counts in _counts([load(path) for path in part["path"]], min_times_seen)]
    return in_order(pd.DataFrame(records, columns=[*by, *RESULTS]), by[1:])


def _counts(fits: list[fitted.Fitted], min_times_seen: int) -> Iterator[dict]:
    found, pairs = mirrors(fits, min_times_seen), len(fits) * (len(fits) - 1) // 2
    for row in (*fits[0].rows, "all"):
        values = (found if row == "all" else found[found["row"] == row])["mirror"].to_numpy(float)
        agree, disagree = int((values > 0).sum()), int((values < 0).sum())
        estimate = min(1.0, disagree / agree) if agree else np.nan
        yield {"row": row, "pairs": pairs, "agree": agree, "disagree": disagree, "estimate": estimate}


def false_discovery_rates(sizes: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """The estimate at each of ``sizes``, made to fall with the size: the smallest over all smaller thresholds.

    Parameters
    ----------
    sizes : (K,)
        Sizes of shifts that agree; NaN stays NaN.
    mirror : (P,)
        All mirror statistics of the same row.
    """
    rates = np.full(len(sizes), np.nan)
    known = np.isfinite(sizes) & (sizes > 0)
    agree, disagree = np.sort(mirror[mirror > 0]), np.sort(-mirror[mirror < 0])
    thresholds = np.unique(np.concatenate([agree, sizes[known]]))
    if not known.any() or not len(agree):
        return rates
    above = len(agree) - np.searchsorted(agree, thresholds)
    against = len(disagree) - np.searchsorted(disagree, thresholds)
    estimate = np.divide(against, above, out=np.ones(len(thresholds)), where=above > 0)
    falling = np.minimum.accumulate(np.minimum(estimate, 1.0))
    rates[known] = falling[np.searchsorted(thresholds, sizes[known])]
    return rates
