"""The figure of recovery, drawn from the table of :mod:`proxsweep.dms.summaries.recovery`."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proxsweep.dms.summaries import looks
from proxsweep.dms.summaries.recovery import settings
from proxsweep.report import style
from proxsweep.report.wording import unconverged_note
from proxsweep.sweep.fits import ordered

REFERENCE_COLOUR = "#000000"
PANELS = (
    ("row", "recall", "Recall, rows"),
    ("row", "precision", "Precision, rows"),
    ("row", "average_precision", "Average precision"),
    ("pattern", "recall", "Recall, patterns"),
    ("pattern", "precision", "Precision, patterns"),
)


PREVALENCE = {"linestyle": ":", "linewidth": 0.8}
PATH_NOTE = "path: rows ranked by the largest lasso weight at which they are nonzero."
NO_PATH = "path: no fit converged."
HOLLOW_PATH = "Hollow there: without the fits that did not converge."


def figure(table: pd.DataFrame) -> Figure:
    """Recall, precision and average precision against lasso weight: a column for each matrix, a line for each branch.

    The upper panels count rows, the lower two whole patterns. The reference's own branch is black, all
    branches together are dashed; replicates have markers of their own; hollow points are fits that did not
    converge. A point is absent where nothing was called or nothing was there to find. Beside the average
    precision of the fits, at ``path``, stands that of level ``path``; dotted lines are the prevalence.
    """
    drawn = table[(table["row"] == "all") & (table["mutations"] > 0)]
    if (drawn["branch"] == "all").all():
        return style.placeholder_figure(_why_empty(table))
    lines = _lines(drawn)
    replicates = ordered(drawn["replicate"])
    by = settings(table)
    panels = looks.panels(drawn, by)
    handles = _handles(drawn, lines, replicates)
    fig, grid = style.panel_grid(len(panels), len(PANELS), height=1.4, entries=len(handles))
    for column, (title, panel) in enumerate(panels):
        grid[0, column].set_title(title)
        weights = panel["lasso"].dropna()
        for ax, (level, measure, _) in zip(grid[:, column], PANELS, strict=True):
            position = looks.lasso_axis(ax, weights)
            beside = _room_beside(ax)
            _panel(ax, position, panel[panel["level"] == level], measure, lines, replicates)
            if measure == "average_precision":
                _path_points(ax, beside, panel[panel["level"] == "path"], lines, replicates)
        for ax in grid[:-1, column]:
            ax.set_xlabel("")
            ax.tick_params(labelbottom=False)
    style.label_rows(grid, [label.replace(" ", "\n") for _, _, label in PANELS])  # lower than a label is long
    style.legend_above(fig, handles)
    style.note(fig, _foot(table, drawn))
    return fig


def _foot(table: pd.DataFrame, drawn: pd.DataFrame) -> str:
    one = [*settings(table), "lasso", "replicate"]
    fits = drawn[drawn["level"] == "row"].drop_duplicates(one)
    lost = table[(table["level"] == "row") & (table["status"] == "diverged")].drop_duplicates(one)
    whole = drawn.loc[drawn["level"] == "path", "converged"].astype(bool)
    sentences = [unconverged_note(fits["converged"], diverged=len(lost)), PATH_NOTE if len(whole) else NO_PATH]
    return " ".join(sentences if whole.all() else [*sentences, HOLLOW_PATH])


def _why_empty(table: pd.DataFrame) -> str:
    notes = table.loc[table["level"] != "path", "note"]
    reasons = "; ".join(dict.fromkeys(note for note in notes if note))
    if reasons:
        return f"Nothing to compare with the truth.\n{reasons[0].upper()}{reasons[1:]}."
    if table.empty:
        return "Nothing to compare with the truth: no fit finished."
    simulated = (table["branch"] != "all").any()
    return f"Nothing to compare with the truth: no shifts {'at mutations that count' if simulated else 'simulated'}."


def _lines(drawn: pd.DataFrame) -> dict[str, dict]:
    """Keywords of each branch's line: the reference's own in black."""
    flags = drawn.groupby("branch", sort=True)["reference_branch"].first().drop("all")
    others = style.colours(flags.index[~flags])
    lines = {name: {"color": REFERENCE_COLOUR, "linewidth": 1.4} for name in flags.index[flags]}
    lines |= {name: {"color": colour, "linewidth": 0.9} for name, colour in others.items()}
    return lines | {"all": {"color": style.GREY, "linewidth": 0.9, "linestyle": "--"}}


def _panel(
    ax: Axes, position: Callable, panel: pd.DataFrame, measure: str, lines: dict[str, dict], replicates: list
) -> None:
    ax.set_ylim(-0.03, 1.03)
    ax.grid(axis="y")
    # The reference's own branch is drawn last, on top.
    for branch, look in reversed(lines.items()):
        for k, replicate in enumerate(replicates):
            here = panel[(panel["branch"] == branch) & (panel["replicate"] == replicate)].sort_values("lasso")
            if measure == "average_precision":
                ax.plot(position(here["lasso"]), here["prevalence"], color=look["color"], **PREVALENCE)
            line = here[here[measure].notna()]
            x = position(line["lasso"])
            ax.plot(x, line[measure], **look)
            style.points(ax, x, line[measure], line["converged"], look["color"], style.marker(k))


def _room_beside(ax: Axes) -> float:
    """Make room right of the axis of lasso weights, which ends where it did; returns the middle of the room."""
    low, high = ax.get_xlim()
    room = 0.1 * (high - low)
    ax.set_xlim(low, high + room)
    ax.spines["bottom"].set_bounds(low, high)
    return high + room / 2


def _path_points(ax: Axes, x: float, paths: pd.DataFrame, lines: dict[str, dict], replicates: list) -> None:
    """The average precision of level ``path``."""
    for branch, look in reversed(lines.items()):
        for k, replicate in enumerate(replicates):
            here = paths[(paths["branch"] == branch) & (paths["replicate"] == replicate)]
            places = np.full(len(here), x)
            style.points(ax, places, here["average_precision"], here["converged"], look["color"], style.marker(k))
    ax.text(x, -0.06, "path", ha="center", va="top", fontsize=6)


def _handles(drawn: pd.DataFrame, lines: dict[str, dict], replicates: list) -> list[Line2D]:
    own = set(drawn.loc[drawn["reference_branch"], "branch"])
    labels = {name: f"shifts on {name}" for name in lines}
    labels |= {name: f"shifts on {name}, the reference's own branch" for name in own}
    labels["all"] = "all rows, whatever the branch"
    handles = [Line2D([], [], label=labels[name], **look) for name, look in lines.items()]
    handles.append(Line2D([], [], label="prevalence (a random order)", color=style.GREY, **PREVALENCE))
    if len(replicates) > 1:
        handles += [style.marker_handle(k, f"replicate {label}") for k, label in enumerate(replicates)]
    return handles
