"""Solvers compared on the same problems: gap to the best known objective and residual, one line per start.

Fits that differ only in how they are solved (by which algorithm, from which starts) are fits to one problem. The best
known objective of a problem is the lowest that any start of any of them reached.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from proxsweep.report import style
from proxsweep.report.convergence import GAP_FLOOR, MANY_POINTS, few_ticks
from proxsweep.sweep.fits import full, sweep_columns

PLACES = 120  # along an axis, at which medians are taken
TOLERANCE_LINE = (0, (1, 1.5))


def to_best_known(fits: pd.DataFrame, points: pd.DataFrame, compared: Sequence[str]) -> pd.DataFrame:
    """Traces of full fits, with the gap to the best known objective of their problem.

    Parameters
    ----------
    fits, points
        The study's table of fits and their traces, from :func:`proxsweep.report.convergence.curves`.
    compared
        Swept parameters that say how a problem is solved.

    Returns
    -------
    DataFrame
        The rows of ``points`` of full fits, with ``gap``, the objective above the best known one, relative to it (NaN
        where it is not finite), and ``solver``, the values of ``compared`` in words.
    """
    whole = full(fits.reset_index(drop=True))
    problem = ["study", *sweep_columns(whole, without=tuple(compared))]
    found = points[points["fit"].isin(whole.index)].copy()
    keys = pd.Series(list(map(tuple, whole[problem].astype(str).to_numpy())), index=whole.index)
    known = found["objective"].where(np.isfinite(found["objective"]))
    ends = whole["objective"].where(np.isfinite(whole["objective"].astype(float)))
    lowest = pd.concat([known.groupby(found["fit"].map(keys)).min(), ends.groupby(keys).min()]).groupby(level=0).min()
    best = found["fit"].map(keys).map(lowest)
    found["gap"] = (known - best) / best.abs().where(best != 0, 1.0)
    named = whole[list(compared)].astype(str).agg(", ".join, axis=1)
    found["solver"] = found["fit"].map(named)
    return found


def figure(
    fits: pd.DataFrame, points: pd.DataFrame, compared: Sequence[str], goals: Iterable[float] = (), failed: int = 0
) -> Figure:
    """Residual (above) and gap to the best known objective (below), against iterations and against seconds.

    Parameters
    ----------
    fits, points, compared
        As for :func:`to_best_known`.
    goals
        Tolerances, drawn as horizontal lines into the panels of the residual.
    failed
        Number of jobs that left no record; named in the figure.

    Returns
    -------
    Figure
        One line per start in the colour of its solver; medians bold, the range over starts shaded. A start that has
        ended keeps its last value in both.
    """
    if full(fits).empty:
        lost = f"{failed} failed" if failed else "none was run"
        return style.placeholder_figure(f"No fit left a record: {lost}.", style.TWO_COLUMNS)
    drawn = to_best_known(fits, points, compared)
    solvers = list(dict.fromkeys(drawn["solver"]))
    colours = style.colours(solvers)
    fig = style.new_figure(style.TWO_COLUMNS, 5.2)
    axes = fig.subplots(2, 2, sharex="col", sharey="row")
    drawn = _on_log_axes(drawn)
    for row, value in enumerate(("relative_residual", "gap")):
        for column, against in enumerate(("iteration", "seconds")):
            ax = axes[row, column]
            ax.set(xscale="log", yscale="log")
            ax.grid(True)
            for solver in solvers:
                _solver(ax, drawn[drawn["solver"] == solver], against, value, colours[solver], len(drawn))
            ax.autoscale_view()
    few_ticks(axes[1, 1])
    for ax in axes[0]:
        for goal in goals:
            ax.axhline(goal, color="black", linewidth=0.7, linestyle=TOLERANCE_LINE, zorder=4)
    axes[0, 0].set_ylabel("Relative residual")
    axes[1, 0].set_ylabel("Objective above the best known,\nrelative")
    axes[1, 0].set_xlabel("Iteration")
    axes[1, 1].set_xlabel("Seconds of solving")
    fig.legend(handles=_legend(colours, bool(list(goals))), loc="outside right upper", title=", ".join(compared))
    style.note(fig, _foot(fits, drawn, failed))
    return fig


def _on_log_axes(points: pd.DataFrame) -> pd.DataFrame:
    drawn = points[points["iteration"] > 0].copy()
    drawn["seconds"] = drawn["seconds"].clip(lower=1e-3)
    drawn["gap"] = drawn["gap"].clip(lower=GAP_FLOOR)
    return drawn[np.isfinite(drawn["relative_residual"]) & (drawn["relative_residual"] > 0)]


def _solver(ax: Axes, points: pd.DataFrame, x: str, y: str, colour: str, total: int) -> None:
    lines = [line[[x, y]].to_numpy(float) for _, line in points.groupby(["fit", "start"], sort=False)]
    lines = [line[np.isfinite(line).all(axis=1)] for line in lines]
    lines = [line for line in lines if len(line)]
    if not lines:
        return
    look = {"colors": colour, "linewidths": 0.4, "alpha": 0.35, "rasterized": total > MANY_POINTS}
    ax.add_collection(LineCollection(lines, zorder=2, **look))
    places, values = carried(lines)
    ax.fill_between(places, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.12, linewidth=0, zorder=1)
    ax.plot(places, np.median(values, axis=0), color=colour, linewidth=1.5, zorder=3)


def carried(lines: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Values of lines (points, 2) at common places (p,), (lines, p): the last one up to there, else the first."""
    low, high = min(line[0, 0] for line in lines), max(line[-1, 0] for line in lines)
    places = np.geomspace(low, max(high, low), PLACES)
    places[-1] = max(high, low)  # not below it by rounding
    values = [line[np.clip(np.searchsorted(line[:, 0], places, "right") - 1, 0, None), 1] for line in lines]
    return places, np.array(values)


def _legend(colours: dict[str, str], goal: bool) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [Line2D([], [], color=colour, label=name) for name, colour in colours.items()]
    handles.append(Line2D([], [], color=style.GREY, linewidth=1.5, label="median"))
    handles.append(Line2D([], [], color=style.GREY, linewidth=0.4, label="one start"))
    handles.append(Patch(color=style.GREY, alpha=0.25, linewidth=0, label="range"))
    if goal:
        handles.append(Line2D([], [], color="black", linewidth=0.7, linestyle=TOLERANCE_LINE, label="tolerance"))
    return handles


def _foot(fits: pd.DataFrame, drawn: pd.DataFrame, failed: int) -> str:
    whole = full(fits)
    starts = drawn.groupby(["fit", "start"]).ngroups
    missing = int((whole["status"] != "converged").sum())
    ended = f"{missing} of these did not converge" if missing else "all of these converged"
    sentences = [f"{starts} starts of {len(whole)} fits to the whole data; {ended}."]
    if failed:
        sentences.append(f"{failed} more {'jobs' if failed > 1 else 'job'} failed and left no record.")
    sentences.append(f"Gaps below {GAP_FLOOR:.0e} are drawn there.")
    return " ".join(sentences)
