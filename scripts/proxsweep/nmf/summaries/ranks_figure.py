"""The figure of the ranks: errors at the left, agreement of starts at the right, a panel each against the rank."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from proxsweep.nmf.results import stability
from proxsweep.nmf.summaries import looks
from proxsweep.nmf.summaries.looks import RANK
from proxsweep.report import style
from proxsweep.report.wording import short_number
from proxsweep.sweep import rules

NO_FOLDS = "No cross-validation:\n`cross_validation: {folds: 10}`\nin the config adds it."
LOG_FROM, BEYOND = 10.0, 1000.0  # ratios of held-out errors: their axis is logarithmic from one, and ends at the other
FIRST, SECOND = style.COLOURS[0], style.COLOURS[1]
_ROW = 1.32  # inches


def figure(found: pd.DataFrame, choice: pd.DataFrame) -> Figure:
    """Seven panels (six without labels) over one axis of ranks, of the setting that the study goes on with.

    Parameters
    ----------
    found
        The table of :func:`proxsweep.nmf.summaries.ranks.table`.
    choice
        The study's `chosen.csv`.

    Returns
    -------
    Figure
        The chosen rank is shaded, triangles mark the rank that each rule selects, points are hollow where a fit behind
        them did not converge, and a panel without anything to draw says why. Where no fit finished the figure says so.
    """
    style.apply()
    drawn = looks.main(found, choice)
    if drawn.empty:
        return style.placeholder_figure(looks.NO_FIT)
    left, right = [_relative_error, _share_of_variance, _held_out], [_silhouettes, _cophenetic, _starts]
    left += [_rand_index] if drawn["adjusted_rand_index"].notna().any() else []
    fig = style.new_figure(style.TWO_COLUMNS, _ROW * len(left) + 1.15)
    grid = fig.add_gridspec(len(left), 2)
    for column, panels in enumerate((left, right)):
        axes = [fig.add_subplot(grid[k, column]) for k in range(len(panels) - 1)]
        axes.append(fig.add_subplot(grid[len(panels) - 1 :, column]))
        _column(axes, panels, drawn, looks.selected_rank(choice))
    handles = _handles(drawn, choice)
    style.legend_above(fig, handles)
    style.note(fig, _foot(drawn, choice))
    return fig


Panel = Callable[[Axes, pd.DataFrame], None]


def _column(axes: list[Axes], panels: list[Panel], drawn: pd.DataFrame, rank: float) -> None:
    for ax, panel in zip(axes, panels, strict=True):
        gap = looks.rank_axis(ax, drawn[RANK], named=ax is axes[-1])
        ax.tick_params(labelbottom=ax is axes[-1])
        looks.shade(ax, rank, gap)
        ax.grid(axis="y")
        panel(ax, drawn)


def _line(ax: Axes, drawn: pd.DataFrame, name: str, colour: str, good: pd.Series, **look: str) -> None:
    """A line with a point for each rank, hollow where ``good`` says that a fit behind it did not converge."""
    marker = look.pop("marker", "o")
    ax.plot(drawn[RANK], drawn[name], color=colour, **look)
    style.points(ax, drawn[RANK], drawn[name], good, colour, marker, size=3.0)


def _converged(drawn: pd.DataFrame) -> pd.Series:
    return drawn["unconverged"] == 0


def _agreed(drawn: pd.DataFrame) -> pd.Series:
    """Whether fits converged, and no start counts for the agreement of starts that did not."""
    return _converged(drawn) & (_unconverged_used(drawn) == 0)


def _unconverged_used(drawn: pd.DataFrame) -> pd.Series:
    return (drawn["starts_used"] - (drawn[list(looks.KINDS)].sum(axis=1) - drawn["not_converged"])).clip(lower=0)


def _relative_error(ax: Axes, drawn: pd.DataFrame) -> None:
    ax.set_ylabel("Relative error")
    _line(ax, drawn, "relative_error", FIRST, _converged(drawn))
    ax.set_ylim(0, 1.12 * np.nanmax(drawn["relative_error"], initial=0.0) or 1.0)


def _share_of_variance(ax: Axes, drawn: pd.DataFrame) -> None:
    ax.set_ylabel("Share of variance\nexplained")
    _line(ax, drawn, "share_of_variance", FIRST, _converged(drawn))


def _held_out(ax: Axes, drawn: pd.DataFrame) -> None:
    ax.set_ylabel("Held-out error")
    values = drawn[["validation_loss", "validation_median"]].to_numpy(float)
    if not np.isfinite(values).any():
        ax.grid(False)
        ax.set_yticks([])
        _say(ax, NO_FOLDS)
        return
    good = drawn["validation_unconverged"] == 0
    _line(ax, drawn, "validation_median", SECOND, good, linestyle="--", marker="s", label="median over folds")
    _line(ax, drawn, "validation_loss", FIRST, good, label="mean over folds")
    errors = {"color": FIRST, "linestyle": "none", "linewidth": 0.7, "capsize": 1.5}
    ax.errorbar(drawn[RANK], drawn["validation_loss"], drawn["standard_error"], **errors)
    _limit(ax, values)
    _selected(ax, drawn, rules.HELD_OUT)
    _legend(ax)


def _limit(ax: Axes, values: np.ndarray) -> None:
    """A log axis where held-out errors differ much; it ends at a thousand times the least of them."""
    positive = values[np.isfinite(values) & (values > 0)]
    if positive.size and positive.max() > LOG_FROM * positive.min():
        low, high = 0.7 * positive.min(), min(2 * positive.max(), BEYOND * positive.min())
        ax.set(yscale="log", ylim=(low, high))
        looks.log_ticks(ax.yaxis, low, high, most=5)


def _beyond(drawn: pd.DataFrame) -> str:
    """Which held-out errors the axis leaves out."""
    values = drawn[["validation_loss", "validation_median"]]
    positive = values.to_numpy(float)[(values > 0).to_numpy()]
    limit = BEYOND * positive.min() if positive.size else np.inf
    ranks = drawn.loc[(values > limit).any(axis=1), RANK]
    if ranks.empty:
        return ""
    named, most = ", ".join(f"{rank:g}" for rank in ranks), short_number(float(values.max(axis=None)))
    return f"Beyond the frame: held-out errors at {'ranks' if len(ranks) > 1 else 'rank'} {named}, up to {most}."


def _silhouettes(ax: Axes, drawn: pd.DataFrame) -> None:
    ax.set_ylabel("Silhouette of\nmatched factors")
    good = _agreed(drawn)
    _line(ax, drawn, "mean_silhouette", FIRST, good, label="mean")
    _line(ax, drawn, "least_silhouette", SECOND, good, linestyle="--", marker="s", label="least")
    for limit, colour in ((stability.MEAN, FIRST), (stability.LEAST, SECOND)):
        ax.axhline(limit, color=colour, linewidth=0.7, linestyle=(0, (1, 1.5)), zorder=1)
    values = drawn[["mean_silhouette", "least_silhouette"]].to_numpy(float)
    if not np.isfinite(values).any():
        _say(ax, "Fewer than two starts\nthat can be compared.")
    least = np.nanmin(values, initial=0.0)
    ax.set_ylim(least - 0.05, 1.12)
    ax.set_yticks([tick for tick in (-1, -0.5, 0, stability.LEAST, 0.5, stability.MEAN, 1) if tick >= least - 0.05])
    _selected(ax, drawn, rules.STABILITY)
    _legend(ax)


def _cophenetic(ax: Axes, drawn: pd.DataFrame) -> None:
    ax.set_ylabel("Cophenetic correlation\nof samples")
    _line(ax, drawn, "cophenetic", FIRST, _agreed(drawn))
    values = drawn["cophenetic"].to_numpy(float)
    if not np.isfinite(values).any():
        _say(ax, "Fewer than two starts\nthat can be compared.")
        return
    ax.set_ylim(min(0.8, np.nanmin(values)) - 0.02, 1.02)


def _starts(ax: Axes, drawn: pd.DataFrame) -> None:
    ax.set_ylabel("Starts")
    gap = float(np.diff(np.sort(drawn[RANK])).min()) if len(drawn) > 1 else 1.0
    bottom = np.zeros(len(drawn))
    for name in looks.KINDS:
        heights = drawn[name].to_numpy(float)
        some = heights > 0
        ax.bar(drawn.loc[some, RANK], heights[some], 0.72 * gap, bottom=bottom[some], **looks.bar_look(name))
        bottom += heights
    ax.set_ylim(0, 1.05 * max(bottom.max(), 1))
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))


def _rand_index(ax: Axes, drawn: pd.DataFrame) -> None:
    column = drawn["label_column"].iloc[0]
    ax.set_ylabel(f"Adjusted Rand index\nof {column}")
    _line(ax, drawn, "adjusted_rand_index", FIRST, _agreed(drawn))
    ax.set_ylim(min(0.0, float(drawn["adjusted_rand_index"].min())) - 0.05, 1.05)


def _selected(ax: Axes, drawn: pd.DataFrame, rule: str) -> None:
    """A triangle at the upper edge over the rank that a rule selects."""
    ranks = drawn.loc[drawn[rule].astype(bool), RANK]
    look = {"marker": "v", "markersize": 4, "color": "black", "linestyle": "none", "clip_on": False, "zorder": 5}
    if len(ranks):  # without a point the layout would make room at the figure's corner
        ax.plot(ranks, np.full(len(ranks), 0.99), transform=ax.get_xaxis_transform(), **look)


def _say(ax: Axes, text: str) -> None:
    ax.text(0.5, 0.5, text, ha="center", va="center", fontsize=6, color="#444444", transform=ax.transAxes)


def _legend(ax: Axes) -> None:
    ax.legend(loc="best", handlelength=2.4, borderaxespad=0.2, labelspacing=0.2)


def _handles(drawn: pd.DataFrame, choice: pd.DataFrame) -> list:
    handles = looks.kind_bars([name for name in looks.KINDS if drawn[name].sum() > 0])
    if np.isfinite(looks.selected_rank(choice)):
        handles.append(looks.chosen_handle())
    if drawn[[rules.HELD_OUT, rules.STABILITY]].astype(bool).any(axis=None):
        handles.append(looks.triangle_handle("rank that a rule selects"))
    return handles


def _foot(drawn: pd.DataFrame, choice: pd.DataFrame) -> str:
    replicates = int(drawn["replicates"].max())
    over = f"Errors are means, silhouettes and cophenetic correlations the least over {replicates} replicates."
    limits = f"Dotted: limits of the rule stability, mean {stability.MEAN:g} and least {stability.LEAST:g}."
    bars = "Bars: standard error over folds." if drawn["standard_error"].notna().any() else ""
    return looks.sentences(
        looks.verdict(choice),
        bars,
        _beyond(drawn),
        limits if drawn["mean_silhouette"].notna().any() else "",
        over if replicates > 1 else "",
        _hollow(drawn),
        looks.others(choice),
    )


def _hollow(drawn: pd.DataFrame) -> str:
    fits, folds = int(drawn["unconverged"].sum()), int(drawn["validation_unconverged"].sum())
    said = [f"{fits} of {int(drawn['replicates'].sum())} fits"] if fits else []
    said += [f"{looks.plural(folds, 'fit')} to folds"] if folds else []
    text = f"Hollow: {' and '.join(said)} did not converge." if said else "Every fit converged."
    starts = int(_unconverged_used(drawn).sum())
    counted = (
        f"Hollow: the agreement of starts counts {looks.plural(starts, 'start')} that did not converge, as asked for."
    )
    return f"{text} {counted}" if starts else text
