"""The consensus of all starts of the chosen fit, as tables: what stands in its files, and what figures draw of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxsweep.io import reading
from proxsweep.nmf.summaries import agreement
from proxsweep.sweep import fits

MOST_FEATURES = 20  # of a factor, in the table
TOP = ("factor", "place", "feature", "share")
LABELS = ("label_column", "label", "cluster", "samples")
EXPECTED = "a file of the consensus, as the workflow writes it"
ARRAYS = ("consensus", "samples", "clusters")
_DENSITIES = ("start", "factor", "status", "local_density", "outlier", "group", "cosine")


class Consensus(NamedTuple):
    """What the command `nmf-consensus` wrote (:class:`proxsweep.nmf.results.consensus.Tables`)."""

    features: pd.DataFrame
    samples: pd.DataFrame
    factors: pd.DataFrame
    summary: pd.DataFrame
    arrays: Mapping[str, np.ndarray]

    @property
    def factor_names(self) -> list[str]:
        return [name for name in self.features.columns if name != "feature"]

    @property
    def nothing(self) -> str:
        """Why there is no consensus; empty where there is one."""
        if self.summary.empty:
            return "No rank at which every fit has a result: no consensus."
        reason = self.summary["reason"].iloc[0]
        if pd.notna(reason) and reason:
            return f"No consensus: {reason}."
        return "" if self.factor_names else "No consensus: no factors."


def read(
    features: str | Path, samples: str | Path, factors: str | Path, summary: str | Path, matrix: str | Path
) -> Consensus:
    """Read the files of the folder ``consensus``.

    Raises
    ------
    UserError
        For a file that is missing, damaged, or no such table.
    """
    header = reading.table(samples, (agreement.SAMPLE,), [agreement.SAMPLE], EXPECTED).columns
    return Consensus(
        reading.table(features, ("feature",), ["feature"], EXPECTED),
        agreement.read(samples, label_end(header)),
        reading.table(factors, ("start", "status"), _DENSITIES, EXPECTED),
        reading.table(summary, (*fits.TEXT, "reason"), ["study", "reason"], EXPECTED),
        reading.arrays(matrix, ARRAYS, EXPECTED),
    )


def label_end(columns: pd.Index) -> str:
    """The first column of `consensus/samples.csv` behind the labels."""
    return "factor_1" if "factor_1" in columns else "largest_factor"


def label_column(found: Consensus, wanted: str | None) -> str:
    """The column of labels that clusters are compared with; empty where there is none."""
    return agreement.label_column(found.samples, wanted, label_end(found.samples.columns))


def top_features(found: Consensus) -> pd.DataFrame:
    """The features with the largest shares of each factor.

    Returns
    -------
    DataFrame
        :data:`TOP`: the factor, the ``place`` from 1, the feature and its ``share`` of the factor, up to 20 a factor;
        features without a share are left out.
    """
    parts = []
    for name in found.factor_names:
        shares = found.features.set_index("feature")[name].nlargest(MOST_FEATURES)
        shares = shares[shares > 0]
        values = {"factor": name, "place": np.arange(1, len(shares) + 1), "feature": shares.index, "share": shares}
        parts.append(pd.DataFrame(values).reset_index(drop=True))
    return pd.concat(parts, ignore_index=True)[list(TOP)] if parts else pd.DataFrame(columns=list(TOP))


def label_counts(found: Consensus, column: str) -> pd.DataFrame:
    """Numbers of samples by label and cluster.

    Returns
    -------
    DataFrame
        :data:`LABELS`: row per label and cluster of the consensus, no row for samples that lack either. Without labels
        (an empty ``column``) one row per cluster, its ``label`` empty.
    """
    if not column:
        sizes = found.samples["cluster"].dropna().astype(int).value_counts().sort_index()
        return pd.DataFrame({"label_column": "", "label": "", "cluster": sizes.index, "samples": sizes.to_numpy()})
    counts = contingency(found, column).stack()
    rows = [(column, label, int(cluster), int(samples)) for (label, cluster), samples in counts.items()]
    return pd.DataFrame(rows, columns=list(LABELS))


def contingency(found: Consensus, column: str) -> pd.DataFrame:
    """The same as a table, labels in rows."""
    return agreement.contingency(found.samples[column], found.samples["cluster"])


def exposure_shares(found: Consensus) -> pd.Series:
    """Each factor's share of all exposures."""
    totals = found.samples[found.factor_names].astype(float).sum()
    return totals / (totals.sum() or 1.0)
