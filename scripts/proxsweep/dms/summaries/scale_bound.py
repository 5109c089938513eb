"""What does the bound on the sigmoid's scale do? Objective, zero shares and shifts of a study that sweeps it.

A larger scale shrinks the effects and with them ridge and lasso, so the objective falls as the bound rises while the
scale is at it. Where the scale stays below its bound, the bound does nothing any more.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proxsweep.dms.results import fitted
from proxsweep.dms.results.fits_table import in_order
from proxsweep.dms.summaries import looks
from proxsweep.report import strength_axis, style
from proxsweep.report.wording import short_number, unconverged_note
from proxsweep.sweep.fits import full, ordered, sweep_columns, usable

RESULTS = (
    "bound",
    "scale",
    "at_bound",
    "status",
    "converged",
    "objective",
    "shifts",
    "zero_share",
    "median_shift",
    "largest_shift",
)
_LABELS = {
    "objective": "Objective",
    "zero_share": "Share of zero shifts",
    "median_shift": "Median of nonzero\n|shifts| (latent units)",
    "largest_shift": "Largest |shift|\n(latent units)",
}


def load_scale(path: str | Path) -> dict:
    """``scale``, ``scale_bound`` and ``scale_at_bound`` from the record in a fit's folder; None with g linear."""
    names = ("scale", "scale_bound", "scale_at_bound")
    found = fitted.figures(path, *names)
    return {name: found[name] for name in names}


def bounds(
    fits: pd.DataFrame,
    load: Callable[[str], fitted.Fitted] = fitted.load,
    load_scale: Callable[[str], dict] = load_scale,
    min_times_seen: int = 1,
) -> pd.DataFrame:
    """Describe every fit with a sigmoid at its bound.

    Parameters
    ----------
    fits
        The study's table of fits; fits to a fold and those with g linear are left aside.
    load, load_scale
        Read the shifts, and the scale and its bound, of the fit in a folder (column ``path``).
    min_times_seen
        A mutation counts where at least so many variants carry it, in each condition that a row compares.

    Returns
    -------
    DataFrame
        One row for each fit: the swept parameters, then :data:`RESULTS`. ``bound`` and ``scale`` are in score units;
        ``at_bound`` says that they are equal. ``shifts`` counts those of all rows of the difference matrix,
        ``zero_share`` of which are exactly 0; ``median_shift`` of the others and ``largest_shift`` are of absolute
        values (latent units). NaN where there is no such shift or the fit diverged.
    """
    fits = full(fits)
    load = fitted.blank_diverged(fits, load)
    swept = sweep_columns(fits)
    records = []
    for fit in fits.to_dict("records"):
        found = load_scale(fit["path"])
        if found["scale_bound"] is None:
            continue
        records.append(
            {name: fit[name] for name in ["study", *swept]}
            | {
                "bound": found["scale_bound"],
                "scale": float("nan") if found["scale"] is None or fit["status"] == "diverged" else found["scale"],
                "at_bound": bool(found["scale_at_bound"]),
                "status": fit["status"],
                "converged": fit["status"] == "converged",
                "objective": fit["objective"],
            }
            | _sizes(load(fit["path"]), min_times_seen)
        )
    return in_order(pd.DataFrame(records, columns=["study", *swept, *RESULTS]), swept)


def _sizes(fit: fitted.Fitted, min_times_seen: int) -> dict:
    parts = [
        fit.mutations.loc[fit.seen(conditions, min_times_seen), f"shift_{row}"].to_numpy(float)
        for row, conditions in fit.rows.items()
    ]
    shifts = np.abs(np.concatenate(parts)) if parts else np.zeros(0)
    sizes = dict.fromkeys(("zero_share", "median_shift", "largest_shift"), float("nan"))
    if shifts.size and np.isfinite(shifts).all():
        sizes["zero_share"] = float((shifts == 0).mean())
        sizes["largest_shift"] = float(shifts.max())
        sizes["median_shift"] = float(np.median(shifts[shifts > 0])) if shifts.any() else float("nan")
    return {"shifts": int(shifts.size), **sizes}


def figure(table: pd.DataFrame) -> Figure:
    """Objective, share of zero shifts and sizes of shifts against the bound.

    Parameters
    ----------
    table
        From :func:`bounds`.

    Returns
    -------
    Figure
        A column for each difference matrix, and other settings that vary; a colour for each lasso weight, a marker
        for each replicate, a ring around fits whose scale is at its bound, hollow points for fits that did not
        converge. Measures that no fit has are left out. Where nothing can be drawn the figure says why.
    """
    style.apply()
    drawn = table[usable(table)]
    if drawn.empty:
        return style.placeholder_figure(_why_empty(table))
    by = sweep_columns(table, "bound", without=("lasso", "replicate", "scale_bound"))
    measures = [name for name in _LABELS if drawn[name].notna().any()]
    panels, colours = looks.panels(drawn, by), strength_axis.colours(drawn["lasso"])
    replicates = ordered(drawn["replicate"])
    handles = _handles(colours, replicates)
    fig, grid = style.panel_grid(len(panels), len(measures), height=1.45, entries=len(handles))
    for column, (title, panel) in enumerate(panels):
        grid[0, column].set_title(title)
        for ax, measure in zip(grid[:, column], measures, strict=True):
            _panel(ax, panel[panel[measure].notna()], measure, colours, replicates)
            top = float(drawn[measure].max()) or 1.0
            ax.set_ylim(-0.05 * top, 1.08 * top)
        for ax in grid[:-1, column]:
            ax.tick_params(labelbottom=False)
        grid[-1, column].set_xlabel("Bound of the scale (score units)")
    style.label_rows(grid, [_LABELS[measure] for measure in measures])
    style.legend_above(fig, handles, "Lasso weight")
    style.note(fig, _foot(drawn, table))
    return fig


def _why_empty(table: pd.DataFrame) -> str:
    return "Every fit diverged." if len(table) else "No fit with a sigmoid finished: no bound to show."


def _panel(ax: Axes, panel: pd.DataFrame, measure: str, colours: dict, replicates: list) -> None:
    for lasso, colour in colours.items():
        for k, replicate in enumerate(replicates):
            chosen = (panel["lasso"] == lasso) & (panel["replicate"] == replicate)
            line = panel[chosen].sort_values("bound")
            ax.plot(line["bound"], line[measure], color=colour, linewidth=0.7)
            style.points(ax, line["bound"], line[measure], line["converged"], colour, style.marker(k), size=3.0)
            held = line[line["at_bound"]]
            ax.plot(held["bound"], held[measure], **_ring())
    ax.grid(axis="y")


def _ring() -> dict:
    """Keywords of the mark of a fit whose scale is at its bound."""
    look = {"marker": "o", "markersize": 6, "markerfacecolor": "none"}
    return {**look, "markeredgecolor": "black", "markeredgewidth": 0.5, "linestyle": "none"}


def _handles(colours: dict, replicates: list) -> list[Line2D]:
    handles = [Line2D([], [], color=colour, label=short_number(lasso)) for lasso, colour in colours.items()]
    if len(replicates) > 1:
        handles += [style.marker_handle(k, f"replicate {label}") for k, label in enumerate(replicates)]
    return [*handles, Line2D([], [], label="scale at its bound", **_ring())]


def _foot(drawn: pd.DataFrame, table: pd.DataFrame) -> str:
    held = f"Ringed: the scale is at its bound in {drawn['at_bound'].sum()} of {len(drawn)} fits."
    return f"{held} {unconverged_note(drawn['converged'], diverged=len(table) - len(drawn))}"
