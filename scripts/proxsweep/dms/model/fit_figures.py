"""Figures and tables of one fit, for the fit notebook."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from proxsweep.dms.model.fit import Fit
from proxsweep.dms.model.fit_files import mutations_table, predictions
from proxsweep.dms.model.losses import agreement
from proxsweep.dms.model.model import predict
from proxsweep.dms.results.fitted import Fitted
from proxsweep.io import digests
from proxsweep.optimize.difference import compared
from proxsweep.report import style

# The notebook shows tables and figures through this module alone: what only it imports is no input of a fit.
html, image = style.html, style.image


def headline(done: Fit) -> pd.DataFrame:
    """What a reader wants to know first, one line each."""
    best = done.best
    lines = {
        "status": str(best.status),
        "relative residual": f"{done.relative_residual:.2e}",
        "objective": f"{best.objective:.8g} = {best.smooth:.8g} (smooth) + {best.penalty:.8g} (penalty)",
        "iterations": f"{best.iterations:,}",
        "start": best.start,
        "seconds": f"{sum(one.seconds for one in done.solutions):.2f} solving, {done.compile_seconds:.2f} compiling",
        "variants, mutations": f"{(done.encoding.weights > 0).sum():,}, {len(done.encoding.mutations):,}",
    }
    if done.sigmoid:
        where = "at its bound" if best.scale == done.scale_bound else f"bound {done.scale_bound:.4g}"
        lines["sigmoid"] = f"scale {best.scale:.4g} ({where}), bias {best.bias:.4g}"
    return pd.DataFrame({"value": lines})


def starts_table(done: Fit) -> pd.DataFrame:
    """How every start ended; the first column marks the one that was kept."""
    rows = [
        {
            "kept": "*" if one is done.best else "",
            "start": one.start,
            "status": str(one.status),
            "objective": one.objective,
            "iterations": one.iterations,
            "seconds": round(one.seconds, 2),
        }
        for one in done.solutions
    ]
    return pd.DataFrame(rows)


def data_report(encoding: str | Path) -> pd.DataFrame:
    """What encoding the variants of the fit's replicate kept and dropped, in the order of the steps: its report."""
    path = digests.verified(Path(encoding).with_suffix(".report.csv"))
    table = pd.read_csv(path, dtype={"replicate": str}, keep_default_na=False)
    return table.drop(columns="replicate")


def convergence(done: Fit) -> Figure:
    """Objective above the lowest reached, relative residual, step length and sparsity against iterations."""
    figure, grid = style.fixed_panels((1.36, 1.25), 1, 4, left=0.42, between=0.42, below=0.4)
    axes = grid[0]
    lowest = min(one.trace["objective"].min() for one in done.solutions)
    lines = style.line_styles(one.start for one in done.solutions)
    for one in done.solutions:
        trace = one.trace
        gap = (trace["objective"] - lowest) / max(abs(lowest), np.finfo(float).tiny)
        curves = (gap.clip(lower=1e-14), trace["relative_residual"], trace["step"], trace["zero_share"])
        for ax, curve in zip(axes, curves, strict=True):
            ax.plot(trace["iteration"] + 1, curve, **lines[one.start], label=f"start {one.start}")
    titles = ("Objective above lowest (relative)", "Relative residual", "Step length", "Share of zero shifts")
    for ax, title in zip(axes, titles, strict=True):
        ax.set_title(title, y=1.0)  # a title without a height looks at every tick label for it
        ax.set(xlabel="Iteration + 1", xscale="log")
    for ax in axes[:3]:
        drawn = np.concatenate([np.asarray(line.get_ydata(), float) for line in ax.lines])
        if np.any(np.isfinite(drawn) & (drawn > 0)):  # a diverged fit may have nothing to show
            ax.set_yscale("log")
    axes[3].set_ylim(-0.02, 1.02)
    style.light_ticks(axes, most=4)
    if len(done.solutions) > 1:
        axes[1].legend()
    return figure


def observed_against_predicted(done: Fit) -> Figure:
    """Per condition: observed against predicted scores above, scores against the latent phenotype below.

    All panels share the axis of observed scores, those of one row both axes.
    """
    table = predictions(done)
    table = table[table["weight"] > 0]  # those that were fitted
    conditions = [str(name) for name in done.encoding.conditions]
    limits = {name: _limits(table[name].to_numpy()) for name in ("observed", "predicted", "latent")}
    across = min(len(conditions), 4)
    bands = -(-len(conditions) // across)
    panel = min(2.1, (style.TWO_COLUMNS - 0.6) / across - 0.15), 1.7
    room = {"left": 0.52, "between": 0.15, "below": 0.45}
    figure, grid = style.fixed_panels(panel, 2 * bands, across, **room, sharey=True, sharex="row")
    latent = np.linspace(*limits["latent"], 400)
    fitted_curve = latent, np.asarray(predict(latent, done.best.scale, done.best.bias, done.sigmoid))
    for place in range(across * bands):
        band, column = divmod(place, across)
        upper, lower = grid[2 * band, column], grid[2 * band + 1, column]
        if place >= len(conditions):
            upper.remove()
            lower.remove()
            continue
        part = table[table["condition"] == conditions[place]]
        _density(upper, part, "predicted", limits)
        upper.axline((0, 0), slope=1, color=style.COLOURS[1], linewidth=0.8)
        correlation, error = agreement(part)
        upper.set_title(conditions[place], y=1.0)
        upper.set(xlabel="Predicted score")
        text = f"r = {correlation:.3f}\nRMSE = {error:.3g}\nn = {len(part):,}"
        upper.text(0.04, 0.96, text, transform=upper.transAxes, va="top", fontsize=6)
        _density(lower, part, "latent", limits)
        lower.plot(*fitted_curve, color=style.COLOURS[1], linewidth=1.2)
        lower.set(xlabel="Latent phenotype")
    for ax in grid[:, 0]:
        ax.set_ylabel("Observed score")
    style.light_ticks([ax for ax in grid.ravel() if ax.figure], most=4)
    return figure


def _limits(values: np.ndarray) -> tuple[float, float]:
    """Smallest and largest finite value, a little apart from the frame."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    margin = 0.03 * (high - low) or 0.5
    return low - margin, high + margin


def _density(ax: Axes, part: pd.DataFrame, name: str, limits: dict[str, tuple[float, float]]) -> None:
    """Numbers of variants in cells of observed scores against another column, in grey on a log scale."""
    ranges = limits[name], limits["observed"]
    counts, _, _ = np.histogram2d(part[name], part["observed"], bins=(80, 60), range=ranges)
    shown = np.ma.masked_equal(counts.T, 0)
    # from below 1, so that a cell with one variant is not white
    norm = LogNorm(0.3, max(float(counts.max()), 1.0))
    ax.imshow(shown, origin="lower", extent=(*ranges[0], *ranges[1]), aspect="auto", cmap="Greys", norm=norm)


def largest_shifts(done: Fit, count: int = 15) -> pd.DataFrame:
    """The mutations with the largest absolute shift in any row, largest first.

    A shift counts where every condition that its row compares has seen the mutation; others compare with nothing.
    """
    mutations = mutations_table(done)
    conditions = [str(name) for name in done.encoding.conditions]
    rows = compared(np.asarray(done.difference.matrix), list(done.difference.rows), conditions)
    fitted = Fitted(conditions, rows, mutations)
    largest = pd.Series(0.0, index=mutations.index)
    for row, names in rows.items():
        shift = mutations[f"shift_{row}"].abs()
        largest = np.maximum(largest, shift.where(fitted.seen(names, 1), 0.0))
    order = largest[largest > 0].sort_values(ascending=False, kind="stable").index[:count]
    return mutations.loc[order].drop(columns=["wildtype", "site", "mutant"])


def parameters_text(spec: dict) -> str:
    """The fit's swept parameters on one line, as its folder is called."""
    return ", ".join(f"{name} {text}" for name, text in spec["labels"].items())
