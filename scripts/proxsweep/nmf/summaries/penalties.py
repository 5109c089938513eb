"""What a penalty does: zeros of W and H, and the error, against its weight."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proxsweep.nmf.pairs import PENALTIES
from proxsweep.nmf.summaries import looks
from proxsweep.nmf.summaries.looks import RANK, REPLICATE
from proxsweep.report import strength_axis, style
from proxsweep.report.wording import means_note, unconverged_note
from proxsweep.sweep import chosen
from proxsweep.sweep.fits import sweep_columns

MEASURES = {
    "share_zero_w": "Share of zeros in W",
    "share_zero_h": "Share of zeros in H",
    "relative_error": "Relative error",
}
MOST_COLUMNS, MOST_RANKS = 3, 6
WORDS = {"l1_h": "Weight l1_h (sum of H)", "l2_h": "Weight l2_h (squares of H)"}
WORDS |= {"l1_w": "Weight l1_w (sum of W)", "l2_w": "Weight l2_w (squares of W)"}


def swept(found: pd.DataFrame) -> list[str]:
    """The penalties that have several weights."""
    return [name for name in PENALTIES if name in found and found[name].nunique() > 1]


def figure(found: pd.DataFrame, choice: pd.DataFrame) -> Figure:
    """Three panels below each other for each penalty that is swept, a line for each rank.

    Parameters
    ----------
    found
        The table of :func:`proxsweep.nmf.results.penalties.table`.
    choice
        The study's `chosen.csv`: settings other than the penalty of a column, and than the rank, are those of it.

    Returns
    -------
    Figure
        Values are means over replicates, hollow where a fit behind one did not converge. Of many ranks six are drawn,
        the chosen one among them. Where no fit finished the figure says so.
    """
    style.apply()
    penalties = swept(found)
    setting = chosen.setting(choice)
    if setting is None or not penalties:
        return style.placeholder_figure(looks.NO_FIT if setting is None else "No penalty has several weights.")
    ranks = some_ranks(found[RANK], looks.rank_of(choice))
    colours = strength_axis.colours(ranks)
    shown = penalties[:MOST_COLUMNS]
    fig, grid = style.panel_grid(len(shown), len(MEASURES), height=1.45, entries=len(ranks) + 3)
    drawn = []
    for column, penalty in enumerate(shown):
        part = _means(_agreeing(found, setting, penalty), penalty)
        part = part[part[RANK].isin(ranks)]
        drawn.append(part)
        _column(grid[:, column], part, penalty, colours, setting.get(penalty, np.nan))
    style.label_rows(grid, MEASURES.values())
    handles = [Line2D([], [], color=colours[rank], marker="o", label=f"rank {rank:g}") for rank in ranks]
    style.legend_above(fig, [*handles, strength_axis.chosen_handle("weight that the study goes on with")])
    style.note(fig, _foot(pd.concat(drawn), found, ranks, setting, shown))
    return fig


def some_ranks(ranks: pd.Series, rank: float) -> list[float]:
    """At most six of the ranks, evenly among them, with the first, the last and ``rank`` (NaN: none)."""
    every = np.unique(ranks.to_numpy(float))
    places = set(np.linspace(0, len(every) - 1, min(MOST_RANKS, len(every))).round().astype(int).tolist())
    wanted = set(np.flatnonzero(every == rank).tolist())
    if not wanted <= places and len(places) == MOST_RANKS:
        inner = sorted(places - {0, len(every) - 1})
        places.remove(min(inner, key=lambda k: min(abs(k - one) for one in wanted)))
    return [float(every[k]) for k in sorted(places | wanted)]


def _agreeing(found: pd.DataFrame, setting: dict[str, object], penalty: str) -> pd.DataFrame:
    return chosen.agreeing(found, {name: value for name, value in setting.items() if name != penalty})


def _means(part: pd.DataFrame, penalty: str) -> pd.DataFrame:
    """Means over replicates by weight and rank, of fits that did not diverge; ``converged`` says that all fits did."""
    good = part[part["status"] != "diverged"].assign(converged=part["status"] == "converged")
    groups = good.groupby([penalty, RANK], sort=True)
    means = groups[list(MEASURES)].mean()
    return means.assign(converged=groups["converged"].all(), averaged=groups.size()).reset_index()


def _column(axes: np.ndarray, part: pd.DataFrame, penalty: str, colours: dict, weight: float) -> None:
    for ax, name in zip(axes, MEASURES, strict=True):
        last = ax is axes[-1]
        position = strength_axis.strength_axis(ax, part[penalty], WORDS[penalty] if last else "")
        ax.tick_params(labelbottom=last)
        strength_axis.mark(ax, position, weight)
        ax.grid(axis="y")
        for rank, line in part.groupby(RANK):
            x = position(line[penalty])
            ax.plot(x, line[name], color=colours[rank])
            style.points(ax, x, line[name], line["converged"], colours[rank], size=2.8)
        ax.set_ylim(*((-0.03, 1.03) if name != "relative_error" else (0, None)))


def _foot(
    drawn: pd.DataFrame, found: pd.DataFrame, ranks: list[float], setting: dict[str, object], shown: Sequence[str]
) -> str:
    every = found[RANK].nunique()
    names = [name for name in sweep_columns(found, "share_zero_w", without=(RANK, REPLICATE)) if name != "study"]
    others = [name for name in names if found[name].nunique(dropna=False) > 1 and (len(shown) > 1 or name not in shown)]
    fixed = ", ".join(f"{name} {looks.value(setting[name])}" for name in others if name in setting)
    return looks.sentences(
        f"Other settings, where they do not vary along an axis: {fixed}." if fixed else "",
        means_note(int(drawn["averaged"].max())) if len(drawn) else "",
        f"{len(ranks)} of {every} ranks are shown." if every > len(ranks) else "",
        unconverged_note(drawn["converged"], "points"),
    )
