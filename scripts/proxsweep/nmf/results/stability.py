"""How far the starts of each fit agree: stability of factors, consensus of samples, and kinds of starts.

The limits of ``stable`` are those of SigProfilerExtractor (Islam et al. 2022, Cell Genomics 2, 100179): mean
silhouette at least 0.8, least at least 0.2.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from proxsweep.nmf.model import matching
from proxsweep.nmf.results import co_clustering, sample_labels, silhouettes, starts
from proxsweep.nmf.results.starts import Starts
from proxsweep.nmf.roles import ROLES
from proxsweep.optimize.status import Status
from proxsweep.sweep.fits import full, sweep_columns

MEAN, LEAST = 0.8, 0.2  # silhouettes of a stable rank
DIGITS = 9  # so that sums in another order give the same numbers
RANK = ROLES.strength
COUNTS = ("starts", "starts_converged", "starts_used")
OF_FIT = ("at_best", "start_spread")  # as fits.csv has them
KINDS = (*map(str, matching.COUNTED), str(matching.Kind.NOT_CONVERGED))
MEASURES = ("mean_silhouette", "least_silhouette", "cophenetic", "consensus_samples")
RESULTS = ("status", *COUNTS, *OF_FIT, *KINDS, *MEASURES, "stable", "reason")


def tables(
    fits: pd.DataFrame,
    labels: pd.DataFrame,
    unconverged: bool = False,
    load: Callable[[str], Starts] = starts.load,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `stability.csv` and `clusters.csv` of a study.

    Parameters
    ----------
    fits
        The study's table of fits; those to a part of the matrix are left aside.
    labels
        ``data/samples.csv``.
    unconverged
        Whether starts that did not converge count, too (those that diverged never do).
    load
        Reads the starts of the fit in a folder (column ``path``).

    Returns
    -------
    DataFrame
        Row per full fit: ``study``, the swept parameters, then :data:`RESULTS`. ``starts_used`` are those that
        silhouettes and consensus go by; without two of them there are none, and ``reason`` says so. ``cophenetic`` is
        that of ``consensus_samples`` samples, NaN where all pairs stand together equally often. ``stable``: the fit
        converged, and both silhouettes reach their limits. A count whose name is that of a swept parameter is left
        out, as in `fits.csv`.
    DataFrame
        Row per sample and setting of what is swept but the rank: ``study``, these, ``sample``, its labels, and
        ``rank_2``, ...: the number of its cluster in the consensus of that rank (nothing where there is none).

    Raises
    ------
    UserError
        For a fit whose files are missing, damaged, or do not go together.
    """
    fits = full(fits)
    swept = sweep_columns(fits)
    rows, clusters = [], {}
    for fit in fits.to_dict("records"):
        found = load(fit["path"])
        row, groups = _fit(fit, found, unconverged)
        rows.append({**row, "study": fit["study"], **{name: fit[name] for name in swept}})
        setting = tuple(_plain(fit[name]) for name in swept if name != RANK)
        clusters.setdefault((fit["study"], *setting), {})[fit[RANK]] = (found.samples, groups)
    own = [name for name in RESULTS if name not in swept]
    others = [name for name in swept if name != RANK]
    return pd.DataFrame(rows, columns=["study", *swept, *own]), _clusters(
        clusters, others, sorted(set(fits[RANK])), labels
    )


def _plain(value: Any) -> Any:
    return None if pd.isna(value) else value


def _fit(fit: dict[str, Any], found: Starts, unconverged: bool) -> tuple[dict[str, Any], np.ndarray]:
    """The row of a fit, and the cluster of each of its samples (0: none)."""
    used, lacking = found.used(unconverged), found.lacking(unconverged)
    kinds = found.table["kind"].tolist()
    row = {
        "status": fit["status"],
        "starts": len(found.table),
        "starts_converged": int((found.table["status"] == Status.CONVERGED).sum()),
        "starts_used": len(used),
        **{name: fit[name] for name in OF_FIT},
        **{name: kinds.count(name) for name in KINDS},
    }
    if lacking:
        nothing = dict(zip(MEASURES, (np.nan, np.nan, np.nan, 0), strict=True))
        return {**row, **nothing, "stable": False, "reason": lacking}, np.zeros(len(found.samples), dtype=int)
    mean, least = (round(value, DIGITS) for value in silhouettes.stability(found.w[used]))
    together = co_clustering.of_starts(found, used)
    values = mean, least, together.cophenetic, len(together.drawn)
    row |= dict(zip(MEASURES, values, strict=True))
    stable = mean >= MEAN and least >= LEAST and fit["status"] == Status.CONVERGED
    return {**row, "stable": stable, "reason": reason(mean, least, fit["status"])}, together.clusters


def reason(mean: float, least: float, status: str) -> str:
    """Why a rank is stable, or is not, in words."""
    words = f"mean silhouette {_cut(mean)} (limit {MEAN:g}), least {_cut(least)} (limit {LEAST:g})"
    return words if status == Status.CONVERGED else f"the fit did not converge ({status}); {words}"


def _cut(value: float) -> str:
    """Two digits, the rest cut off, so that what is below a limit reads so."""
    return f"{math.floor(value * 100 + 1e-7) / 100:.2f}"


def _clusters(
    found: dict[tuple, dict[int, tuple[np.ndarray, np.ndarray]]],
    swept: list[str],
    ranks: list[int],
    labels: pd.DataFrame,
) -> pd.DataFrame:
    before, names = ["study", *swept, "sample"], [f"rank_{rank}" for rank in ranks]
    own = list(sample_labels.columns(labels, [], before))
    parts = [pd.DataFrame(columns=[*before, *own, *names])]
    for setting, by_rank in found.items():
        samples = next(iter(by_rank.values()))[0]
        part = pd.DataFrame({"sample": samples.astype(object), **sample_labels.columns(labels, samples, before)})
        for rank, name in zip(ranks, names, strict=True):
            numbers = by_rank[rank][1] if rank in by_rank else np.zeros(len(samples), dtype=int)
            part[name] = pd.array(numbers, dtype="Int64")
            part.loc[numbers == 0, name] = pd.NA
        parts.append(part.assign(**dict(zip(before[:-1], setting, strict=True)))[parts[0].columns])
    return pd.concat(parts[1:] or parts, ignore_index=True)
