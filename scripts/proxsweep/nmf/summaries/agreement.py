"""Clusters of samples against their known labels: adjusted Rand index, contingency table, which label is compared."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from proxsweep.io import reading
from proxsweep.io.errors import UserError
from proxsweep.sweep import fits

SAMPLE = "sample"
FEWEST, MOST = 2, 30  # distinct values of a column that is taken where the config names none
CLUSTER = re.compile(r"rank_[1-9][0-9]*")  # a column of `clusters.csv`
EXPECTED = "a table of the samples, as the workflow writes it"


def read(path: str | Path, end: str = "") -> pd.DataFrame:
    """Read a table of samples (`clusters.csv`, `consensus/samples.csv`, `data/samples.csv`) with its labels as text.

    Parameters
    ----------
    path
    end
        The first column behind the labels; empty where there is none, or the numbered ranks of `clusters.csv` follow.

    Raises
    ------
    UserError
        As :func:`proxsweep.io.reading.table`.
    """
    columns = list(reading.table(path, (SAMPLE,), [SAMPLE], EXPECTED).columns)
    text = [*fits.TEXT, SAMPLE, *label_columns(columns, end)]
    return reading.table(path, text, [SAMPLE], EXPECTED)


def label_columns(columns: list[str], end: str = "") -> list[str]:
    """Names of the label columns: those between ``sample`` and ``end``, or the numbered ranks at the table's end."""
    if SAMPLE not in columns:
        return []
    after = columns[columns.index(SAMPLE) + 1 :]
    if end:
        return after[: after.index(end)] if end in after else after
    while after and CLUSTER.fullmatch(after[-1]):
        after.pop()
    return after


def label_column(table: pd.DataFrame, wanted: str | None, end: str = "") -> str:
    """The column of labels that figures compare with clusters; empty where there is none.

    The one that is ``wanted`` (the config's ``summaries: labels``), else the first with 2 to 30 distinct values. A
    column that had to be renamed in the table has ``label_`` in front (:mod:`proxsweep.nmf.results.sample_labels`).

    Raises
    ------
    UserError
        If the table does not have the column that is wanted.
    """
    known = label_columns(list(table.columns), end)
    if wanted not in known and f"label_{wanted}" in known:
        return f"label_{wanted}"
    if wanted and wanted not in known:
        listed = ", ".join(map(repr, known)) or "no column of labels"
        # message: no column 'kind' | one of 'donor', 'tissue' / no column of labels | The table of the samples has no
        # such column. | Correct `summaries: labels`, or add the column to the table that `data: samples` names.
        raise UserError("summaries, labels", f"no column {wanted!r}", f"one of {listed}" if known else listed)
    if wanted:
        return wanted
    counts = {name: table.loc[table[name].notna() & (table[name] != ""), name].nunique() for name in known}
    return next((name for name, count in counts.items() if FEWEST <= count <= MOST), "")


def contingency(labels: pd.Series, clusters: pd.Series) -> pd.DataFrame:
    """Numbers of samples by label (rows) and cluster (columns); samples that lack either are left out."""
    both = _both(labels, clusters)
    return pd.crosstab(both["label"], both["cluster"]).rename_axis(index=labels.name, columns="cluster")


def adjusted_rand_index(labels: pd.Series, clusters: pd.Series) -> float:
    """How well two partitions of the samples agree: 1 for the same one, 0 in the mean over random ones.

    Hubert and Arabie (1985), J. Classif. 2, 193, equation 5: with n_ij samples in group i of one and j of the other,
    a_i and b_j their sums, it is (sum C(n_ij, 2) - e) / ((sum C(a_i, 2) + sum C(b_j, 2)) / 2 - e) with
    e = sum C(a_i, 2) sum C(b_j, 2) / C(n, 2). Samples that lack a label or a cluster are left out; NaN where none is
    left. Where both have one group, or both a group per sample, it is 1.
    """
    counts = contingency(labels, clusters).to_numpy(float)
    if counts.size == 0:
        return float("nan")
    both, a, b, all_pairs = (_pairs(n) for n in (counts, counts.sum(axis=1), counts.sum(axis=0), counts.sum()))
    if a == b == both:
        return 1.0
    expected = a * b / all_pairs
    return float((both - expected) / ((a + b) / 2 - expected))


def _pairs(numbers: np.ndarray) -> float:
    return float(np.sum(numbers * (numbers - 1) / 2))


def _both(labels: pd.Series, clusters: pd.Series) -> pd.DataFrame:
    pairs = pd.DataFrame({"label": labels.to_numpy(), "cluster": clusters.to_numpy()})
    there = pairs.notna().all(axis=1) & (pairs["label"] != "") & (pairs["cluster"].astype(str) != "")
    return pairs[there]
