"""How many of the shifts that a lasso weight lets through are false? What stop codons say, and on simulated data the truth.

A stop codon does the same harm in every condition, so a stop with a shift is a false discovery. The share of stops with
a shift estimates the share of null nonsynonymous mutations that get one; divided by the share of nonsynonymous
mutations with a shift it estimates how many of these are false, as if all could be (an upper estimate for few true
shifts). It holds as far as a stop's shift is as noisy as another mutation's: stops sit on the flat part of a sigmoid.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proxsweep import chosen, style
from proxsweep.dms import recovery
from proxsweep.dms.kinds import kinds
from proxsweep.fits import full, in_order, ordered, sweep_columns

COUNTS = ("stops", "stops_shifted", "mutations", "shifted", "estimate", "false", "true_share", "status", "converged")


def table(
    fits: pd.DataFrame,
    truth: pd.DataFrame | None = None,
    min_times_seen: int = 1,
    load: Callable[[str], recovery.Estimate] = recovery.load,
) -> pd.DataFrame:
    """Shifted stops and nonsynonymous mutations of every fit, all rows of its matrix together.

    Parameters
    ----------
    fits
        The study's table of fits; those to a part of the variants are left aside.
    truth
        The simulation's truth (see :func:`proxsweep.dms.recovery.recovery`); None for measured data.
    min_times_seen
        A mutation counts where at least so many variants carry it, in each compared condition.
    load
        Reads the fit in a folder (column ``path``).

    Returns
    -------
    DataFrame
        The study and swept parameters, then :data:`COUNTS`. Counts are of pairs of a mutation and a row. ``estimate`` =
        (stops_shifted / stops) / (shifted / mutations), at most 1, NaN without stops or without a shift; ``false`` of
        the ``shifted`` have a true difference of zero, and ``true_share`` is their share (NaN where the truth is not
        known).
    """
    fits = full(fits)
    swept = sweep_columns(fits)
    known = None if truth is None else truth.set_index("mutation")
    records = []
    for fit in fits.to_dict("records"):
        setting = {name: fit[name] for name in ["study", *swept]}
        status = {"status": fit["status"], "converged": fit["status"] == "converged"}
        records.append(setting | _counts(load(fit["path"]), known, min_times_seen) | status)
    return in_order(pd.DataFrame(records, columns=["study", *swept, *COUNTS]), swept)


def _counts(fit: recovery.Estimate, known: pd.DataFrame | None, min_times_seen: int) -> dict:
    kind, parts = kinds(fit.mutations["mutant"]), []
    for row, terms in fit.coefficients.items():
        if terms is None:
            continue
        seen = recovery.seen_in(fit.mutations, terms, min_times_seen)
        null = np.full(len(seen), np.nan) if known is None else ~recovery.difference(_matched(fit, known), terms)
        shifted = fit.mutations[f"shift_{row}"].to_numpy(float) != 0
        parts.append(pd.DataFrame({"kind": kind, "shifted": shifted, "null": null})[seen])
    pairs = pd.concat(parts) if parts else pd.DataFrame(columns=["kind", "shifted", "null"])
    stops, others = pairs[pairs["kind"] == "stop"], pairs[pairs["kind"] == "nonsynonymous"]
    shifted = others[others["shifted"].astype(bool)]
    false = np.nan if known is None else int(shifted["null"].sum())
    found = {
        "stops": len(stops),
        "stops_shifted": int(stops["shifted"].sum()),
        "mutations": len(others),
        "shifted": len(shifted),
    }
    found["estimate"] = np.nan
    if len(stops) and len(shifted):
        found["estimate"] = min(1.0, found["stops_shifted"] / len(stops) * len(others) / len(shifted))
    return {**found, "false": false, "true_share": false / len(shifted) if len(shifted) else np.nan}


def _matched(fit: recovery.Estimate, known: pd.DataFrame) -> pd.DataFrame:
    return known.reindex(fit.mutations["mutation"])


def figure(table: pd.DataFrame, choice: pd.DataFrame) -> Figure:
    """Estimated, and on simulated data true, share of false shifts against lasso weight; a column a difference matrix.

    Replicates have markers of their own; hollow points are fits that did not converge; the chosen weight is shaded.
    """
    style.apply()
    shown = table[table["estimate"].notna() | table["true_share"].notna()]
    if shown.empty:
        return style.words_figure(_why_empty(table))
    names = {"estimate": "estimated from stop codons"}
    names |= {"true_share": "true share"} if table["true_share"].notna().any() else {}
    lines = dict(zip(names, (style.COLOURS[0], "#000000"), strict=False))
    replicates = ordered(table["replicate"])
    columns = list(table.columns)
    by = [name for name in columns[1 : columns.index("stops")] if name not in ("lasso", "replicate")]
    panels = style.panels(table, by)
    handles = [Line2D([], [], color=lines[name], label=text) for name, text in names.items()]
    handles += [style.marker_handle(k, f"replicate {label}") for k, label in enumerate(replicates)]
    handles += [style.chosen_handle()] if choice["lasso"].notna().any() else []
    fig, grid = style.panel_grid(len(panels), entries=len(handles))
    for ax, (title, panel) in zip(grid[0], panels, strict=True):
        ax.set_title(title)
        position = style.lasso_axis(ax, panel["lasso"])
        for name, colour in lines.items():
            for k, replicate in enumerate(replicates):
                part = panel[(panel["replicate"] == replicate) & panel[name].notna()].sort_values("lasso")
                x = position(part["lasso"])
                ax.plot(x, part[name], color=colour)
                style.points(ax, x, part[name], part["converged"], colour, style.marker(k))
        style.mark_weight(ax, position, chosen.weight(choice, panel.iloc[0].to_dict()))
        ax.set_ylim(-0.03, 1.03)
        ax.grid(axis="y")
    grid[0, 0].set_ylabel("Share of false shifts among\nnonsynonymous shifts")
    style.legend_above(fig, handles, "Rows of the matrix together")
    style.note(fig, " ".join([*_foot(table), style.unconverged_note(table["converged"])]).strip())
    return fig


def _foot(table: pd.DataFrame) -> list[str]:
    stops = table["stops"]
    return [f"Pairs of a stop codon and a row behind an estimate: {style.count_label(stops)}."]


def _why_empty(table: pd.DataFrame) -> str:
    if table.empty:
        return "No fit finished: no shifts to count."
    if not table["stops"].any():
        return "No stop codons in these data: the control does not apply."
    return "No fit has a shift."
