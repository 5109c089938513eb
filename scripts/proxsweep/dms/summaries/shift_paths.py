"""Paths of shifts against the lasso weight: which shifts hold out, and how much the penalty shrinks them."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proxsweep.dms.results import fitted
from proxsweep.dms.summaries import looks
from proxsweep.report import strength_axis, style
from proxsweep.report.wording import count_label, means_note, short_number
from proxsweep.sweep import chosen
from proxsweep.sweep.fits import full

COLUMNS = ("row", "mutation", "rank", "lasso", "shift", "replicates", "converged")
MOST_PATHS = 200
LABELLED = 7


def table(
    fits: pd.DataFrame,
    choice: pd.DataFrame,
    load: Callable[[str], fitted.Fitted] = fitted.load,
    min_times_seen: int = 1,
) -> pd.DataFrame:
    """Shifts at every weight of the largest mutations of each row, under the selected matrix.

    Parameters
    ----------
    fits
        The study's table of fits.
    choice
        The study's `chosen.csv`, which names the matrix and other settings.
    load
        Reads the fit in a folder (column ``path``).
    min_times_seen
        A mutation counts where at least so many variants carry it, in each compared condition.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`: ``shift`` (latent units) is the mean over the ``replicates`` that saw the mutation in all
        compared conditions; ``converged`` says that all replicates' fits at the weight did. The at most
        :data:`MOST_PATHS` mutations of a row with a shift, by ``rank``: size at the chosen weight, without one the
        mean size over the positive weights.
    """
    setting = chosen.setting(choice)
    here = full(fits).iloc[:0] if setting is None else chosen.agreeing(full(fits), setting)
    load = fitted.blank_diverged(here, load)
    parts = []
    for fit in here.to_dict("records"):
        found = load(fit["path"])
        for row, conditions in found.rows.items():
            seen = found.mutations[found.seen(conditions, min_times_seen)]
            values = {"mutation": seen["mutation"], "shift": seen[f"shift_{row}"].astype(float)}
            parts.append(pd.DataFrame({"row": row, "lasso": fit["lasso"], **values}))
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    every = pd.concat(parts).groupby(["row", "mutation", "lasso"], sort=False)
    means = every.agg(shift=("shift", "mean"), replicates=("shift", "size")).reset_index()
    converged = (here["status"] == "converged").groupby(here["lasso"]).all()
    return _ranked(means.assign(converged=means["lasso"].map(converged)), chosen.weight(choice, setting))


def _ranked(means: pd.DataFrame, weight: float) -> pd.DataFrame:
    positive = means["lasso"] > 0
    basis = means["lasso"] == weight if np.isfinite(weight) else positive if positive.any() else ~positive
    size = means[basis].assign(size=means["shift"].abs()).groupby(["row", "mutation"], sort=False)["size"].mean()
    size = size[size > 0]
    rank = size.groupby(level="row").rank(ascending=False, method="first").astype(int).rename("rank")
    kept = means.join(rank[rank <= MOST_PATHS], on=["row", "mutation"], how="inner")
    order = {row: k for k, row in enumerate(dict.fromkeys(means["row"]))}
    kept = kept.sort_values(["row", "rank", "lasso"], key=lambda c: c.map(order) if c.name == "row" else c)
    return kept[list(COLUMNS)].reset_index(drop=True)


def figure(paths: pd.DataFrame, choice: pd.DataFrame) -> Figure:
    """A panel for each row; the largest shifts in colour and named at the right, in the order of their values."""
    style.apply()
    setting = chosen.setting(choice)
    if setting is None:
        return style.placeholder_figure("No fit finished: no shifts to follow.")
    weight = chosen.weight(choice, setting)
    if paths.empty:
        return style.placeholder_figure(f"No shifts to follow: {looks.no_shift(weight)}")
    rows = list(dict.fromkeys(paths["row"]))
    across = min(len(rows), 3)
    bands = -(-len(rows) // across)
    fig = style.new_figure(style.ONE_COLUMN if across == 1 else style.TWO_COLUMNS, 2.1 * bands + 0.5)
    grid = fig.subplots(bands, across, squeeze=False)
    for ax, row in zip(grid.ravel(), rows, strict=False):
        _panel(ax, paths[paths["row"] == row], weight)
        ax.set_title(looks.row_label(row))
    for ax in grid.ravel()[len(rows) :]:
        ax.remove()
    for ax in grid[:, 0]:
        ax.set_ylabel(looks.SHIFT_LABEL)
    if np.isfinite(weight):
        style.legend_above(fig, [looks.chosen_handle()])
    unchosen = "" if np.isfinite(weight) else f"No weight is chosen ({chosen.reason(choice)})."
    style.note(fig, _foot(paths, weight, str(setting["difference"]), unchosen))
    return fig


def _panel(ax: Axes, paths: pd.DataFrame, weight: float) -> None:
    position = looks.lasso_axis(ax, paths["lasso"])
    strength_axis.mark(ax, position, weight)
    ax.axhline(0, color="#BBBBBB", linewidth=0.5, zorder=0.5)
    for _, path in paths[paths["rank"] > LABELLED].groupby("rank"):
        ax.plot(position(path["lasso"]), path["shift"], color="#AAAAAA", linewidth=0.3, rasterized=True)
    best = paths[paths["rank"] <= LABELLED]
    for (rank, _), path in best.groupby(["rank", "mutation"]):
        colour = style.COLOURS[rank - 1]
        ax.plot(position(path["lasso"]), path["shift"], color=colour, zorder=2.5)
        style.points(ax, position(path["lasso"]), path["shift"], path["converged"].astype(bool), colour, size=2)
    _name(ax, best, weight)
    ax.set_ylim(_frame(paths))


def _frame(paths: pd.DataFrame) -> tuple[float, float]:
    """Limits of a row's panel: all shifts at positive weights, if there are such."""
    shown = paths[(paths["lasso"] > 0) | (paths["lasso"].max() == 0)]["shift"]
    low, high = min(shown.min(), 0.0), max(shown.max(), 0.0)
    return low - 0.06 * (high - low), high + 0.06 * (high - low)


def _name(ax: Axes, best: pd.DataFrame, weight: float) -> None:
    at = best[best["lasso"] == weight] if np.isfinite(weight) else best.loc[best.groupby("rank")["lasso"].idxmin()]
    at = at.sort_values("shift", ascending=False)
    places = 0.5 + 0.085 * ((len(at) - 1) / 2 - np.arange(len(at)))
    for place, rank, name in zip(places, at["rank"], at["mutation"], strict=True):
        ax.text(1.02, place, name, color=style.COLOURS[rank - 1], transform=ax.transAxes, va="center", fontsize=6)


def _foot(paths: pd.DataFrame, weight: float, difference: str, unchosen: str) -> str:
    some = "the positive weights" if (paths["lasso"] > 0).any() else "weight 0"
    by = f"size at the chosen weight, {short_number(weight)}" if np.isfinite(weight) else f"mean size over {some}"
    drawn = paths[["row", "mutation"]].drop_duplicates().groupby("row").size()
    others = f"grey: the next, at most {MOST_PATHS} a row in all (here {count_label(drawn).removeprefix('n = ')})"
    named = f"Named: the largest by {by}{f'; {others}' if (drawn > LABELLED).any() else ''}."
    frames = [(part["shift"], _frame(part)) for _, part in paths.groupby("row")]
    outside = any((shifts < low).any() or (shifts > high).any() for shifts, (low, high) in frames)
    frame = "At weight 0 paths leave the frame." if outside else ""
    good = paths.loc[paths["rank"] <= LABELLED, "converged"].astype(bool).all()
    bad = "" if good else "Hollow: a replicate's fit did not converge."
    means = means_note(int(paths["replicates"].max()))
    sentences = (f"Difference matrix {difference}.", means, named, frame, bad, unchosen)
    return " ".join(filter(None, sentences))
