"""Which factors stay as the rank grows: cosines between the factors of each rank and those of the next one."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proxsweep.nmf.summaries import heatmaps, looks
from proxsweep.report import style

MOST_PAIRS = 6
SAME = 0.9  # a cosine from which on the foot counts a match
_ACROSS = 3


def figure(found: pd.DataFrame, choice: pd.DataFrame) -> Figure:
    """A heatmap for each pair of neighbouring ranks, of the setting that the study goes on with.

    Parameters
    ----------
    found
        The table of :func:`proxsweep.nmf.results.neighbours.table`.
    choice
        The study's `chosen.csv`.

    Returns
    -------
    Figure
        Rows are the factors of a rank, columns those of the next, pairs matched one to one are framed; of many pairs of
        ranks the six around the chosen one. With fewer than two ranks the figure says so.
    """
    style.apply()
    rows, replicate = looks.first_replicate(looks.main(found, choice))
    rows = rows[rows["cosine"].notna()]
    if rows.empty:
        nothing = looks.NO_FIT if choice.empty else "One rank, or fits that diverged: nothing to compare."
        return style.placeholder_figure(nothing)
    pairs = _pairs(rows, looks.rank_of(choice))
    across = min(len(pairs), _ACROSS)
    bands = -(-len(pairs) // across)
    fig = style.new_figure(style.TWO_COLUMNS, 2.1 * bands + 0.6)
    grid = fig.subplots(bands, across, squeeze=False)
    axes = grid.ravel()
    for ax, (ranks, part) in zip(axes, pairs, strict=False):
        _heatmap(ax, ranks, part)
    for ax in axes[len(pairs) :]:
        ax.remove()
    heatmaps.colour_bar(fig, list(axes[: len(pairs)]), "Cosine of factors")
    style.note(fig, _foot(rows, pairs, replicate, choice))
    return fig


Pair = tuple[tuple[int, int], pd.DataFrame]


def _pairs(rows: pd.DataFrame, rank: float) -> list[Pair]:
    """At most six pairs of ranks with their rows, in order; of more those nearest to the rank (NaN: the first)."""
    groups = [(tuple(map(int, key)), part) for key, part in rows.groupby(["rank", "next_rank"])]
    if len(groups) <= MOST_PAIRS:
        return groups
    at = sum(ranks[1] <= rank for ranks, _ in groups) if np.isfinite(rank) else 0
    first = min(max(0, at - MOST_PAIRS // 2), len(groups) - MOST_PAIRS)
    return groups[first : first + MOST_PAIRS]


def _heatmap(ax: Axes, ranks: tuple[int, int], part: pd.DataFrame) -> None:
    values = part.pivot(index="factor", columns="next_factor", values="cosine")
    matched = part.pivot(index="factor", columns="next_factor", values="matched")
    order = [sorted(names, key=looks.number) for names in (values.index, values.columns)]
    values, matched = (table.loc[order[0], order[1]] for table in (values, matched))
    rows, columns = ([str(looks.number(name)) for name in names] for names in order)
    heatmaps.cosines(ax, values.to_numpy(float), matched.to_numpy(bool), rows, columns)
    converged = part["converged"].astype(bool).all()
    ax.set_title(f"rank {ranks[0]} to {ranks[1]}{'' if converged else ' (not converged)'}")
    ax.set(xlabel=f"Factor at rank {ranks[1]}", ylabel=f"Factor at rank {ranks[0]}")


def _foot(rows: pd.DataFrame, pairs: list[Pair], replicate: str, choice: pd.DataFrame) -> str:
    matched = rows[rows["matched"].astype(bool)]
    kept = int((matched["cosine"] >= SAME).sum())
    number = rows[["rank", "next_rank"]].drop_duplicates().shape[0]
    converged = rows.groupby(["rank", "next_rank"])["converged"].all()
    bad = int((~converged.astype(bool)).sum())
    return looks.sentences(
        "Framed: factors matched one to one; a column without a frame is a factor that the larger rank adds.",
        f"{kept} of {len(matched)} matches have a cosine of at least {SAME:g}.",
        f"In {bad} of {looks.plural(number, 'pair')} of ranks a fit did not converge." if bad else "",
        f"{len(pairs)} of {number} pairs of ranks are shown, the table has all." if number > len(pairs) else "",
        replicate,
        looks.others(choice),
    )
