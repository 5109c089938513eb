"""Which fits to believe: residual and objective gap of every fit, and what became of each. For any family."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from proxsweep.report import strength_axis, style
from proxsweep.report.wording import short_number, unconverged_note
from proxsweep.sweep import fit_folder
from proxsweep.sweep.fits import sweep_columns

STATUSES = ("converged", "max_iterations", "max_seconds", "diverged", "failed")
GAP_FLOOR = 1e-12  # a relative gap below this is rounding noise
MANY_POINTS = 50_000  # more are drawn as an image inside the SVG
MANY_FITS = 60  # more are drawn finer
MOST_NAMED = 14  # strengths named in the legend


def load_trace(path: str | Path) -> pd.DataFrame:
    """Read ``trace.csv`` from the folder of a fit."""
    return fit_folder.trace(path, ("start", "iteration", "objective", "relative_residual", "seconds"))


def tolerances(paths: Iterable[str | Path]) -> list[float]:
    """The distinct tolerances (relative residual) in the records of the fits in these folders, ascending."""
    tolerance = {"required": ["tolerance"], "properties": {"tolerance": {"type": "number"}}}
    records = (fit_folder.record(path, tolerance) for path in paths)
    return sorted({float(record["tolerance"]) for record in records})


def gaps(trace: pd.DataFrame, objective: float) -> np.ndarray:
    """Relative gap between each objective of a trace and the best known for that very fit.

    Parameters
    ----------
    trace
        The trace of all starts of a fit, columns ``objective`` and ``start``.
    objective
        The objective at the parameters that were written.

    Returns
    -------
    (rows of ``trace``,) array
        (objective - best) / |best|, with best the lowest finite objective of the trace and of the fit; NaN
        where it is not finite; absolute where best is 0.
    """
    values = trace["objective"].to_numpy(float)
    known = np.append(values, objective)
    known = known[np.isfinite(known)]
    if not known.size:
        return np.full(len(values), np.nan)
    best = known.min()
    gap = (values - best) / (abs(best) or 1.0)
    return np.where(np.isfinite(gap), gap, np.nan)


def curves(fits: pd.DataFrame, load: Callable[[str], pd.DataFrame] = load_trace) -> pd.DataFrame:
    """Traces of all fits in one table.

    Returns
    -------
    DataFrame
        One row for each fit, start and iteration looked at: ``fit`` (position in ``fits``), ``start``,
        ``won`` (whether this start's parameters were kept), ``iteration``, ``seconds``,
        ``relative_residual``, ``gap``, ``objective``.
    """
    parts = []
    for place, fit in enumerate(fits.to_dict("records")):
        trace = load(fit["path"])
        parts.append(
            pd.DataFrame(
                {
                    "fit": place,
                    "start": trace["start"],
                    "won": trace["start"] == fit["start"],
                    "iteration": trace["iteration"],
                    "seconds": trace["seconds"],
                    "relative_residual": trace["relative_residual"],
                    "gap": gaps(trace, fit["objective"]),
                    "objective": trace["objective"],
                }
            )
        )
    columns = ["fit", "start", "won", "iteration", "seconds", "relative_residual", "gap", "objective"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def fits_table(fits: pd.DataFrame, points: pd.DataFrame, jobs: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row per fit: what was swept, how it ended, how far the starts lie apart.

    Parameters
    ----------
    fits
        The study's table of fits.
    points
        Their traces, from :func:`curves`.
    jobs
        The study's table of statuses, which also holds jobs that failed and left no record; they are added.

    Returns
    -------
    DataFrame
        ``study``, swept parameters, ``fold``, ``resample``, ``status``, certificate, objective, ``iterations``,
        ``start``, ``starts`` (how many were tried), ``start_spread`` (largest minus smallest final objective of the
        starts, relative to the smallest: 0 means all reached one value) and times in seconds.
    """
    swept = sweep_columns(fits)
    columns = ["study", *swept, "fold", "resample", "status", "relative_residual", "residual", "objective"]
    columns += ["iterations", "start", "starts", "start_spread", "solve_seconds", "compile_seconds", "path"]
    last = points.groupby(["fit", "start"], sort=False)["gap"].last()
    spread = last.groupby("fit").max() - last.groupby("fit").min()
    table = fits.reset_index(drop=True)
    table["starts"] = last.groupby("fit").size().reindex(table.index).astype("Int64")
    table["start_spread"] = spread.reindex(table.index)
    failed = _failed(jobs, swept)
    table = table.reindex(columns=columns)
    return pd.concat([table, failed.reindex(columns=columns)], ignore_index=True) if len(failed) else table


def _failed(jobs: pd.DataFrame | None, swept: list[str]) -> pd.DataFrame:
    """Jobs without a record: they stand in the table of statuses alone."""
    if jobs is None:
        return pd.DataFrame(columns=["study", *swept, "status"])
    return jobs[jobs["status"] == "failed"]


def status_table(table: pd.DataFrame, replicate: str | None = None) -> pd.DataFrame:
    """Count the statuses of :func:`fits_table`, for each setting of the sweep.

    Parameters
    ----------
    table
        The table of fits.
    replicate
        The swept parameter over which is counted; None: over the folds and resamples of a setting only.

    Returns
    -------
    DataFrame
        ``study``, swept parameters but ``replicate``, ``fits``, one count per status (:data:`STATUSES`),
        ``n_unconverged`` (all but ``converged``) and ``worst_relative_residual``.
    """
    by = ["study", *sweep_columns(table, without=(replicate,))]
    rows = []
    for values, part in table.groupby(by, sort=False, dropna=False):
        counts = {status: int((part["status"] == status).sum()) for status in STATUSES}
        rows.append(
            {
                **dict(zip(by, values, strict=True)),
                "fits": len(part),
                **counts,
                "n_unconverged": len(part) - counts["converged"],
                "worst_relative_residual": part["relative_residual"].max(),
            }
        )
    counted = ["fits", *STATUSES, "n_unconverged", "worst_relative_residual"]
    return pd.DataFrame(rows, columns=[*by, *counted])


def figure(
    fits: pd.DataFrame,
    points: pd.DataFrame,
    goals: Iterable[float] = (),
    failed: int = 0,
    strength: str | None = None,
    label: str = "",
) -> Figure:
    """Relative residual and objective gap of every fit, against iteration and against seconds, on one page.

    Parameters
    ----------
    fits, points
        The study's table of fits and their traces, from :func:`curves`.
    goals
        Tolerances, drawn as horizontal lines into the panels of the residual.
    failed
        Number of jobs that left no record; named in the figure.
    strength
        The swept parameter (numbers of at least 0) that colours the lines; None: all have one colour.
    label
        What the strength is called in the legend.

    Returns
    -------
    Figure
        Lines of converged fits end in a filled point, those of others are dashed and end in a hollow one.
        A start that did not win is drawn thin. Iteration 0 is left out (axes are logarithmic).
    """
    if fits.empty:
        lost = f"{failed} failed" if failed else "none was run"
        return style.placeholder_figure(f"No fit left a record: {lost}.", style.TWO_COLUMNS)
    fig = style.new_figure(style.TWO_COLUMNS, 5.2)
    axes = fig.subplots(2, 2, sharex="col", sharey="row")
    strengths = fits[strength].astype(float).tolist() if strength else []
    colours = strength_axis.colours(strengths)
    shades = [colours[value] for value in strengths] or [style.COLOURS[0]] * len(fits)
    converged = (fits["status"] == "converged").tolist()
    drawn = _drawable(points)
    for row, value in enumerate(("relative_residual", "gap")):
        for column, against in enumerate(("iteration", "seconds")):
            _lines(axes[row, column], drawn, against, value, shades, converged)
            axes[row, column].set(xscale="log", yscale="log")
            axes[row, column].grid(True)
    few_ticks(axes[1, 1])
    for ax in axes[0]:
        for goal in goals:
            ax.axhline(goal, color="black", linewidth=0.7, linestyle=(0, (1, 1.5)), zorder=4)
    axes[0, 0].set_ylabel("Relative residual")
    axes[1, 0].set_ylabel("Objective above the best of the\nsame fit, relative")
    axes[1, 0].set_xlabel("Iteration")
    axes[1, 1].set_xlabel("Seconds of solving")
    handles = _legend(colours, bool(list(goals)), not all(drawn["won"]))
    fig.legend(handles=handles, loc="outside right upper", title=label or None)
    style.note(fig, _foot(converged, failed, len(colours)))
    return fig


def few_ticks(ax: Axes) -> None:
    """Label the logarithmic x axis at decades; below two of them at 1, 2 and 5 or, if short, at a few even steps."""
    low, high = ax.get_xlim()
    if high < 5 * low:
        ax.xaxis.set_major_locator(MaxNLocator(4))
    else:
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,), numticks=7))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())


def _drawable(points: pd.DataFrame) -> pd.DataFrame:
    """Points with a place on logarithmic axes; a start that took no iteration keeps one point, at 1."""
    only = points.groupby(["fit", "start"])["iteration"].transform("max") == 0
    drawn = points[(points["iteration"] > 0) | only].copy()
    drawn["iteration"] = drawn["iteration"].clip(lower=1)
    drawn["seconds"] = drawn["seconds"].clip(lower=1e-3)
    drawn["gap"] = drawn["gap"].where(drawn["gap"] >= GAP_FLOOR)
    return drawn


def _lines(ax: Axes, drawn: pd.DataFrame, x: str, y: str, colours: list, converged: list[bool]) -> None:
    many = len(converged) > MANY_FITS
    thin = 0.5 if many else 0.8
    image = len(drawn) > MANY_POINTS
    for (fit, _), line in drawn.groupby(["fit", "start"], sort=False):
        line = line[np.isfinite(line[y]) & (line[y] > 0)]
        if line.empty:
            continue
        won, good = bool(line["won"].iloc[0]), converged[fit]
        ax.plot(
            line[x],
            line[y],
            color=colours[fit],
            linewidth=thin if won else 0.5 * thin,
            linestyle="-" if good else (0, (3, 1)),
            alpha=0.9 if won else 0.6,
            zorder=2 if good else 2.5,
            rasterized=image,
        )
        if won:
            end = line.iloc[-1]
            style.points(ax, [end[x]], [end[y]], [good], colours[fit], size=2.5 if many else 3.5)


def _legend(colours: dict, goal: bool, losers: bool) -> list[Line2D]:
    named = list(colours)
    if len(named) > MOST_NAMED:
        named = [named[k] for k in sorted(set(np.linspace(0, len(named) - 1, MOST_NAMED).round().astype(int)))]
    handles = [Line2D([], [], color=colours[strength], label=short_number(strength)) for strength in named]
    handles += style.converged_handles()
    if goal:
        handles.append(Line2D([], [], color="black", linewidth=0.7, linestyle=(0, (1, 1.5)), label="tolerance"))
    if losers:
        handles.append(Line2D([], [], color=style.GREY, linewidth=0.4, label="other start"))
    return handles


def _foot(converged: list[bool], failed: int, strengths: int) -> str:
    sentences = [unconverged_note(converged)]
    if not all(converged):
        sentences[0] = sentences[0].replace("Hollow:", "Hollow and dashed:")
    if failed:
        sentences.append(f"{failed} more {'jobs' if failed > 1 else 'job'} failed and left no record.")
    sentences.append(f"A gap's line ends before the fit's best objective, or at {GAP_FLOOR:.0e}.")
    if strengths > MOST_NAMED:
        sentences.append(f"The legend names {MOST_NAMED} of {strengths} colours.")
    return " ".join(sentences)
