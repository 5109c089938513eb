"""Figures and tables of one fit, for the fit notebook."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proxsweep.nmf.model import factor_columns, fit_files
from proxsweep.nmf.model.fit import Fit
from proxsweep.optimize.status import Status
from proxsweep.report import style

# The notebook shows tables and figures through this module alone: what only it imports is no input of a fit.
html, image = style.html, style.image

MOST_BARS = 200  # features that are drawn in the order of the file; of more, the largest of each factor
LARGEST = 12  # features of a factor that are named
MOST_STARTS = 15  # rows of the table of starts


def parameters_text(spec: Mapping[str, Any]) -> str:
    """What was swept, in words."""
    return ", ".join(f"{name} {label}" for name, label in spec["labels"].items())


def headline(done: Fit) -> pd.DataFrame:
    """What a reader wants to know first, one line each."""
    best = done.best
    converged = sum(one.status == Status.CONVERGED for one in done.starts)
    lines = {
        "status": str(best.status),
        "residual": f"{best.residual:.2e}",
        "objective": f"{best.objective:.8g} = {best.loss:.8g} (loss) + {best.penalty:.8g} (penalty)",
        "start that won": best.name,
        "starts": f"{len(done.starts)}, {converged} converged, {done.at_best} of these at the best objective (1e-6)",
        "spread of the starts": f"{done.start_spread:.2e} (largest minus smallest objective, relative)",
        "vanished factors": f"{best.dead}",
        "features, samples": f"{done.matrix.shape[0]:,}, {done.matrix.shape[1]:,} (without rows and columns of zeros)",
        "seconds": f"{done.solve_seconds:.2f} solving, {done.compile_seconds:.2f} compiling and the rest",
    }
    return pd.DataFrame({"value": lines})


def starts_table(done: Fit) -> pd.DataFrame:
    """The starts by objective, the lowest first; all are in ``starts.csv``."""
    table = fit_files.starts_table(done).sort_values("objective", kind="stable")
    shown = ["start", "status", "objective", "gap", "relative_residual", "iterations", "zeros", "dead_factors"]
    return table[shown].head(MOST_STARTS).reset_index(drop=True)


def top_features(done: Fit) -> pd.DataFrame:
    """The features with the largest share of each factor, a column a factor."""
    table = fit_files.features_table(done).set_index("feature")
    named = {
        name: [f"{feature} ({share:.3f})" for feature, share in column.nlargest(LARGEST).items()]
        for name, column in table.items()
    }
    return pd.DataFrame(named)


def convergence(done: Fit) -> Figure:
    """Objective above the lowest of all starts, and residual, against iterations: a line a start."""
    figure = style.new_figure(style.TWO_COLUMNS, 2.4)
    axes = figure.subplots(1, 2)
    lowest = min([done.best.objective, *(row["objective"] for one in done.starts for row in one.end.rows)])
    for one in done.starts:
        rows = pd.DataFrame(one.end.rows)
        kept = one is done.best
        look = {"color": style.COLOURS[1 if kept else 0], "linewidth": 1.2 if kept else 0.5, "zorder": 3 if kept else 2}
        look["linestyle"] = "-" if one.status == Status.CONVERGED else (0, (3, 1.5))
        gap = (rows["objective"] - lowest).clip(lower=0) / (abs(lowest) or 1.0)
        drawn = rows["iteration"] + 1
        axes[0].plot(drawn, gap.where(gap > 0), **look)
        axes[1].plot(drawn, rows["relative_residual"].where(rows["relative_residual"] > 0), **look)
    for ax, title in zip(axes, ("Objective above the lowest (relative)", "Residual"), strict=True):
        ax.set_title(title)
        ax.set(xlabel="Iteration + 1", xscale="log")
        if any(np.isfinite(np.asarray(line.get_ydata(), float)).any() for line in ax.lines):
            ax.set_yscale("log")
    style.light_ticks(axes, most=5)
    missing = sum(one.status != Status.CONVERGED for one in done.starts)
    ended = f"Dashed: {missing} of {len(done.starts)} starts not converged." if missing else "All starts converged."
    style.note(figure, f"{ended} Bold: the start that won.")
    return figure


def factors(done: Fit) -> Figure:
    """Share of each feature in every factor, in the order of the file; of many features the largest of each factor."""
    table = fit_files.features_table(done).set_index("feature")
    figure = style.new_figure(style.TWO_COLUMNS, 0.25 + 0.9 * len(table.columns))
    grid = figure.subplots(len(table.columns), 1, squeeze=False)
    for ax, (name, shares) in zip(grid[:, 0], table.items(), strict=True):
        drawn = shares if len(shares) <= MOST_BARS else shares.nlargest(MOST_BARS)
        ax.stairs(drawn, np.arange(len(drawn) + 1) - 0.5, fill=True, color=style.COLOURS[0], linewidth=0)
        ordered = "in the order of the file" if len(shares) <= MOST_BARS else f"the {MOST_BARS} largest"
        ax.set_title(f"{name.replace('_', ' ')}: share of each feature, {ordered}")
        ax.set(xlim=(-1, len(drawn)), xticks=[])
    return figure


def exposures(done: Fit) -> Figure:
    """Share of every factor in each sample, samples ordered by their largest factor and its share."""
    table = fit_files.samples_table(done)
    names = factor_columns.names(done.best.h.shape[0])
    shares = table[[f"share_{name}" for name in names]].to_numpy(float)
    shares = shares[np.isfinite(shares).all(axis=1)]
    order = np.lexsort((-shares.max(axis=1), shares.argmax(axis=1)))
    figure = style.new_figure(style.TWO_COLUMNS, 2.2)
    ax, bottom, edges = figure.subplots(), np.zeros(len(order)), np.arange(len(order) + 1) - 0.5
    colours = style.colours(names)
    for t, name in enumerate(names):
        top = bottom + shares[order, t]
        ax.stairs(top, edges, baseline=bottom, fill=True, linewidth=0, color=colours[name])
        bottom = top
    ax.set(xlim=(-0.5, len(order) - 0.5), ylim=(0, 1), xticks=[], ylabel="Share of exposure")
    ax.set_xlabel(f"{len(order)} samples, by their largest factor")
    handles = [Line2D([], [], color=colours[name], linewidth=4, label=name.replace("_", " ")) for name in names]
    style.legend_above(figure, handles)
    return figure
