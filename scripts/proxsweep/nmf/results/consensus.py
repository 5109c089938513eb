"""The chosen fit from all its starts: median factors, exposures fitted anew, consensus of samples.

Of the setting and rank that the study goes on with (`chosen.csv`), first replicate. Which starts are used is said in
:mod:`proxsweep.nmf.results.starts`, factors are grouped by :mod:`proxsweep.nmf.results.factor_groups`, samples by
:mod:`proxsweep.nmf.results.co_clustering`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from proxsweep.nmf.data.encoding import Encoding
from proxsweep.nmf.model import factor_columns
from proxsweep.nmf.results import co_clustering, factor_groups, median_factors, sample_labels, starts
from proxsweep.nmf.results.co_clustering import Consensus
from proxsweep.nmf.results.median_factors import Medians
from proxsweep.nmf.results.starts import Starts
from proxsweep.nmf.roles import ROLES
from proxsweep.optimize.status import Status
from proxsweep.sweep import chosen, fit_folder
from proxsweep.sweep.fits import full, ordered, sweep_columns

LAST = ("largest_factor", "cluster")
COUNTS = ("starts", "starts_used", "not_converged", "diverged")
MEASURES = ("density_threshold", "neighbours", "factors", "outliers", "loss", "loss_of_fit")
SUMMARY = ("status", *COUNTS, *MEASURES, "cophenetic", "consensus_samples", "reason")
RECORD = {"required": ["model", "smooth"], "properties": {"model": {"type": "object"}}}


class Tables(NamedTuple):
    """What is written. Without a consensus there are no rows but those of ``summary``, which says why in ``reason``.

    Where too few factors have neighbours, ``factors`` shows it.

    Attributes
    ----------
    features
        ``feature``, and a column for each factor, which sums to 1.
    samples
        ``sample``, its labels, exposures ``factor_1``, ... in the unit of the matrix as fitted, shares
        ``share_factor_1``, ..., ``largest_factor``, and ``cluster``, the number of its cluster in the consensus of
        samples (nothing for a sample of zeros).
    factors
        Row per factor of a used start: ``start``, ``factor`` (its number there), ``status`` of the start,
        ``local_density`` (mean distance to its nearest neighbours), ``outlier``, ``group`` (the number of the factor
        it is part of; nothing for an outlier) and ``cosine`` to that.
    summary
        One row: the setting, then :data:`SUMMARY`: ``loss`` is that of the medians with their exposures,
        ``loss_of_fit`` that of the start that won, both without penalties. Without a setting it has no row.
    arrays
        ``consensus`` (n, n) float32, rows and columns in the order of the leaves of the average linkage; ``samples``
        (n,), their names; ``clusters`` (n,).
    """

    features: pd.DataFrame
    samples: pd.DataFrame
    factors: pd.DataFrame
    summary: pd.DataFrame
    arrays: dict[str, np.ndarray]


def tables(
    fits: pd.DataFrame,
    choice: pd.DataFrame,
    encodings: Mapping[str, str | Path],
    labels: pd.DataFrame,
    density: float,
    unconverged: bool = False,
    load: Callable[[str], Starts] = starts.load,
) -> Tables:
    """Make the consensus of the chosen fit.

    Parameters
    ----------
    fits, choice
        The study's table of fits, and its `chosen.csv`.
    encodings
        Paths by the label of the replicate.
    labels
        ``data/samples.csv``.
    density
        A factor whose local density is not below this is left out.
    unconverged
        Whether starts that did not converge count, too (those that diverged never do).
    load
        Reads the starts of the fit in a folder (column ``path``).

    Raises
    ------
    UserError
        For a fit whose files are missing, damaged, or do not go together.
    """
    whole = full(fits)
    swept = sweep_columns(whole)
    columns = ["study", *swept, *(name for name in SUMMARY if name not in swept)]
    fit = chosen_fit(whole, choice)
    if fit is None:
        return _nothing(labels, pd.DataFrame(columns=columns))
    found = load(fit["path"])
    used, reason = found.used(unconverged), found.lacking(unconverged)
    summary = _counts(found, used) | {"density_threshold": density, "reason": reason}
    summary |= {name: fit[name] for name in ("study", *swept, "status")}
    if reason:
        return _nothing(labels, pd.DataFrame([summary], columns=columns))
    record = fit_folder.record(fit["path"], RECORD)
    encoding = Encoding.load(encodings[str(fit[ROLES.replicate])])
    made = median_factors.medians(found, used, density, encoding, record["model"])
    together = co_clustering.of_starts(found, used)
    summary |= _measures(made, together, len(used)) | {"loss_of_fit": record["smooth"]}
    factors = median_factors.table(found, used, made)
    if not made.is_there:
        summary["reason"] = _too_few(made, density, found.rank)
        return _nothing(labels, pd.DataFrame([summary], columns=columns))._replace(factors=factors)
    return Tables(
        pd.DataFrame({"feature": found.features, **factor_columns.of_features(made.w)}),
        _samples(found, made, together, labels),
        factors,
        pd.DataFrame([summary], columns=columns),
        _arrays(found, together),
    )


def chosen_fit(fits: pd.DataFrame, choice: pd.DataFrame) -> dict[str, Any] | None:
    """The row of the chosen setting's fit, of several replicates the first in natural order; None for no such fit."""
    main = chosen.main(choice)
    rows = fits.iloc[:0] if main is None else chosen.agreeing(fits, main)
    if rows.empty:
        return None
    first = ordered(rows[ROLES.replicate])[0]
    return rows[rows[ROLES.replicate] == first].iloc[0].to_dict()


def _counts(found: Starts, used: np.ndarray) -> dict[str, int]:
    status = found.table["status"]
    diverged, converged = (int((status == one).sum()) for one in (Status.DIVERGED, Status.CONVERGED))
    numbers = len(status), len(used), len(status) - converged - diverged, diverged
    return dict(zip(COUNTS, numbers, strict=True))


def _measures(made: Medians, together: Consensus, used: int) -> dict[str, float]:
    return {
        "neighbours": factor_groups.neighbours(used),
        "factors": len(made.outlier),
        "outliers": int(made.outlier.sum()),
        "loss": made.loss,
        "cophenetic": together.cophenetic,
        "consensus_samples": len(together.drawn),
    }


def _too_few(made: Medians, density: float, rank: int) -> str:
    left = f"{int((~made.outlier).sum())} of {len(made.outlier)} factors have neighbours nearer than {density:g}"
    return f"{left}: as many as the rank, {rank}, are needed"


def _samples(found: Starts, made: Medians, together: Consensus, labels: pd.DataFrame) -> pd.DataFrame:
    own = sample_labels.columns(labels, found.samples, LAST)
    table = {"sample": found.samples, **own, **factor_columns.of_samples(made.w, made.h)}
    return pd.DataFrame(table | {"cluster": median_factors.or_nothing(together.clusters)})


def _arrays(found: Starts, together: Consensus) -> dict[str, np.ndarray]:
    leaves = together.leaves
    return {
        "consensus": together.shares[np.ix_(leaves, leaves)].astype(np.float32),
        "samples": found.samples[together.drawn[leaves]],
        "clusters": together.clusters[together.drawn[leaves]].astype(np.int32),
    }


def _nothing(labels: pd.DataFrame, summary: pd.DataFrame) -> Tables:
    own = sample_labels.columns(labels, [], LAST)
    arrays = {
        "consensus": np.zeros((0, 0), dtype=np.float32),
        "samples": np.zeros(0, dtype="U1"),
        "clusters": np.zeros(0, dtype=np.int32),
    }
    return Tables(
        pd.DataFrame(columns=["feature"]),
        pd.DataFrame(columns=["sample", *own, *LAST]),
        pd.DataFrame(columns=list(median_factors.TABLE)),
        summary,
        arrays,
    )
