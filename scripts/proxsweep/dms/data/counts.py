"""Scores from counts before and after selection: which rows have enough reads, their scores and variances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from proxsweep.io.errors import UserError

if TYPE_CHECKING:
    from proxsweep.dms.data.preprocess import Rows

LEAST_COUNT = 10
"""Reads before selection that a row scored from counts needs unless the study says otherwise (config/README.md)."""


def filter_rows(rows: Rows) -> None:
    """Drop rows with few reads before selection; where scores come from counts, always those without any."""
    least = rows.data["min_pre_count"]
    if rows.from_counts.any():
        rows.keep &= ~rows.from_counts | (rows.frame["pre_count"].to_numpy(float) > 0)
        rows.ledger.note("no_reads", rows.keep, "no read before selection")
        rows.refuse_nothing()
    floor = np.where(rows.from_counts, LEAST_COUNT, 0) if least is None else np.full(len(rows.keep), least)
    if not floor.any():
        return
    rows.keep &= rows.frame["pre_count"].fillna(np.inf).to_numpy(float) >= floor
    rows.ledger.note("count_filter", rows.keep, f"pre-selection count below {floor.max():g}")
    rows.refuse_nothing()


def score(rows: Rows) -> None:
    """Score rows with counts: log2 enrichment relative to the pooled wildtype of the condition and replicate.

    score = log2[((post + c) / (pre + c)) / ((post_wt + c) / (pre_wt + c))] with pseudocount c and the
    wildtype's counts summed over its rows.
    """
    counted = rows.keep & rows.from_counts
    if not counted.any():
        return
    group, size, c = rows.ledger.group, rows.ledger.size, rows.data["pseudocount"]
    wild = counted & rows.wild
    enrichment, pooled = np.zeros(len(group)), np.zeros(size)
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, sign in (("post_count", 1), ("pre_count", -1)):
            counts = rows.frame[name].to_numpy(float)
            total = np.bincount(group[wild], counts[wild], minlength=size)
            bare = np.flatnonzero((total <= 0) & (rows.ledger.count(counted) > 0))
            if len(bare):
                found = f"no wildtype counts in {rows.data['columns'][name]!r}"
                # message: A condition and replicate without counted rows that have no substitution, or all of these
                # have fewer reads than `min_pre_count` (10 where it is not set). | Add them, lower it, or use scores in
                # place of counts.
                raise UserError(rows.place(bare[0]), found, "rows of the wildtype, to which scores are relative")
            enrichment += sign * np.log2(counts + c)
            pooled += sign * np.log2(total + c)
        scores = enrichment - pooled[group]
    rows.scores[counted] = scores[counted]
    _fill_variances(rows, counted)
    infinite = np.flatnonzero(counted & ~np.isfinite(rows.scores))
    if len(infinite):
        row = rows.frame.iloc[infinite[0]]
        place = f"{rows.files[row['table']]}, row {row['line']}"
        # message: The logarithm of 0 is no number. | Set `pseudocount: 0.5`, or raise `min_pre_count`.
        raise UserError(place, "a count of 0 without a pseudocount", "`pseudocount` above 0 in the study's data")
    rows.ledger.note("score", rows.keep)


def _fill_variances(rows: Rows, counted: np.ndarray) -> None:
    """The variance of a score from counts, where the table has none: (1 / (pre + c) + 1 / (post + c)) / ln(2)^2.

    That of Poisson counts to first order (Rubin et al. 2017, Genome Biol. 18, 150, Methods); the wildtype's share, the
    same in all rows of a condition and replicate, is left out.
    """
    if "variance" not in rows.frame:
        return
    c = rows.data["pseudocount"]
    reads = [rows.frame[name].to_numpy(float) + c for name in ("pre_count", "post_count")]
    with np.errstate(divide="ignore"):
        variance = (1 / reads[0] + 1 / reads[1]) / np.log(2) ** 2
    missing = counted & rows.frame["variance"].isna().to_numpy()
    rows.frame["variance"] = np.where(missing, variance, rows.frame["variance"])
