"""How many of the shifts that a lasso weight lets through are false? Two estimates, and on simulated data the truth.

Stop codons, one replicate: a stop does the same harm in every condition, so a stop with a shift is a false discovery.
The share of stops with a shift over the share of nonsynonymous mutations with one estimates how many of the latter are
false, if a stop's shift is as noisy as another mutation's. With a sigmoid it is not: stops sit on its flat part, where
scores say little, and their effects are held together by ridge and lasso; the estimate is then far too small.

Signs, pairs of replicates: see :mod:`proxsweep.dms.results.replicate_signs`.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proxsweep.dms.results import fitted, replicate_signs
from proxsweep.dms.results.fits_table import in_order
from proxsweep.dms.results.fitted import kinds
from proxsweep.dms.summaries import looks, simulated_truth
from proxsweep.report import strength_axis, style
from proxsweep.report.wording import count_label, unconverged_note
from proxsweep.sweep import chosen
from proxsweep.sweep.fits import full, ordered, sweep_columns

LINES = {"estimate": style.COLOURS[0], "true_share": "#000000"}
COUNTS = ("stops", "stops_shifted", "mutations", "shifted", "estimate", "false", "true_share", "status", "converged")


def table(
    fits: pd.DataFrame,
    truth: pd.DataFrame | None = None,
    min_times_seen: int = 1,
    load: Callable[[str], simulated_truth.Estimate] = simulated_truth.load,
) -> pd.DataFrame:
    """Shifted stops and nonsynonymous mutations of every fit, all rows of its matrix together.

    Parameters
    ----------
    fits
        The study's table of fits; those to a part of the variants are left aside.
    truth
        The simulation's truth (see :func:`proxsweep.dms.summaries.recovery.recovery`); None for measured data.
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
    load = fitted.blank_diverged(fits, load)
    swept = sweep_columns(fits)
    known = None if truth is None else truth.set_index("mutation")
    records = []
    for fit in fits.to_dict("records"):
        setting = {name: fit[name] for name in ["study", *swept]}
        status = {"status": fit["status"], "converged": fit["status"] == "converged"}
        records.append(setting | _counts(load(fit["path"]), known, min_times_seen, fit["path"]) | status)
    return in_order(pd.DataFrame(records, columns=["study", *swept, *COUNTS]), swept)


def _counts(fit: simulated_truth.Estimate, known: pd.DataFrame | None, min_times_seen: int, place: str) -> dict:
    pairs = _pairs(fit, known, min_times_seen, place)
    stops, others = pairs[pairs["kind"] == "stop"], pairs[pairs["kind"] == "nonsynonymous"]
    shifted = others[others["shifted"]]
    counts = {"stops": len(stops), "stops_shifted": int(stops["shifted"].sum())}
    counts |= {"mutations": len(others), "shifted": len(shifted)}
    estimate = np.nan
    if len(stops) and len(shifted):
        estimate = min(1.0, counts["stops_shifted"] / len(stops) * len(others) / len(shifted))
    false = np.nan if known is None else int(shifted["null"].sum())
    return {
        **counts,
        "estimate": estimate,
        "false": false,
        "true_share": false / len(shifted) if len(shifted) else np.nan,
    }


def _pairs(fit: simulated_truth.Estimate, known: pd.DataFrame | None, min_times_seen: int, place: str) -> pd.DataFrame:
    """Pairs of a mutation and a row: ``kind``, whether ``shifted``, and ``null`` where the true difference is zero.

    Rows that touch an inner node of a tree, whose truth no table holds, and shifts of a fit that diverged, which are
    not numbers, are left out.
    """
    kind = kinds(fit.mutations["mutant"])
    truth = None if known is None else simulated_truth.matched(fit, known, place)
    parts = [pd.DataFrame({"kind": np.array([], object), "shifted": np.array([], bool), "null": np.array([], bool)})]
    for row, terms in fit.coefficients.items():
        if terms is None:
            continue
        shifts = fit.mutations[f"shift_{row}"].to_numpy(float)
        counted = simulated_truth.seen_in(fit.mutations, terms, min_times_seen) & np.isfinite(shifts)
        null = np.zeros(len(shifts), bool) if truth is None else ~simulated_truth.difference(truth, terms)
        parts.append(pd.DataFrame({"kind": kind, "shifted": shifts != 0, "null": null})[counted])
    return pd.concat(parts, ignore_index=True)


def pairs_table(
    fits: pd.DataFrame,
    signs: pd.DataFrame,
    truth: pd.DataFrame | None = None,
    min_times_seen: int = 1,
    load: Callable[[str], fitted.Fitted] = fitted.load,
    load_estimate: Callable[[str], simulated_truth.Estimate] = simulated_truth.load,
) -> pd.DataFrame:
    """The signs of shifts in pairs of replicates, all rows of the matrix together, beside the truth.

    Parameters
    ----------
    fits, truth, min_times_seen
        As in :func:`table`.
    signs
        The table of :func:`proxsweep.dms.results.replicate_signs.table`, made with the same ``min_times_seen``.
    load, load_estimate
        Read the fit in a folder (column ``path``).

    Returns
    -------
    DataFrame
        The rows ``all`` of ``signs``, and with a truth ``false``: of the pairs that ``agree`` those whose true
        difference is zero, and ``true_share``, their share; NaN without a truth, and for a matrix with rows that touch
        an inner node of a tree, whose truth no table holds.
    """
    fits = full(fits)
    load = fitted.blank_diverged(fits, load)
    found = signs[signs["row"] == "all"].drop(columns="row").reset_index(drop=True)
    found["converged"] = found["unconverged"] == 0
    if truth is None or found.empty:
        return found.assign(false=np.nan, true_share=np.nan)
    known, by = truth.set_index("mutation"), [name for name in found.columns if name in ["study", *sweep_columns(fits)]]
    paths = {key: list(part["path"]) for key, part in fits.groupby(by, sort=False, dropna=False)}
    false = []
    for key in found[by].itertuples(index=False, name=None):
        mirrors = replicate_signs.mirrors([load(path) for path in paths[key]], min_times_seen)
        false.append(_false(mirrors[mirrors["mirror"] > 0], load_estimate(paths[key][0]), known))
    return found.assign(false=false, true_share=false / found["agree"].where(found["agree"] > 0))


def _false(agreeing: pd.DataFrame, fit: simulated_truth.Estimate, known: pd.DataFrame) -> float:
    if None in fit.coefficients.values():
        return np.nan
    count = 0
    for row, part in agreeing.groupby("row", sort=False):
        count += int((~simulated_truth.difference(known.reindex(part["mutation"]), fit.coefficients[row])).sum())
    return count


def figure(table: pd.DataFrame, pairs: pd.DataFrame, choice: pd.DataFrame) -> Figure:
    """Estimated, and on simulated data true, share of false shifts against lasso weight.

    A column for each difference matrix. Above one replicate at a time and stop codons, below pairs of replicates and
    signs. Replicates have markers of their own; hollow points are fits that did not converge; the chosen weight is
    shaded.
    """
    style.apply()
    if table[["estimate", "true_share"]].isna().all(axis=None) and pairs["estimate"].isna().all():
        return style.placeholder_figure(_why_empty(table, pairs))
    simulated = bool(table["true_share"].notna().any())
    replicates = ordered(table["replicate"])
    by = sweep_columns(table, "stops", without=("lasso", "replicate"))
    panels = looks.panels(table, by)
    handles = _handles(replicates, simulated, bool(choice["selected"].any()))
    fig, grid = style.panel_grid(len(panels), 2, entries=len(handles))
    for column, (title, panel) in enumerate(panels):
        upper, lower = grid[:, column]
        upper.set_title(title)
        weight = chosen.weight(choice, panel.iloc[0].to_dict())
        parts = [(panel[panel["replicate"] == label], style.marker(k)) for k, label in enumerate(replicates)]
        _draw(upper, panel["lasso"], parts, weight, _nothing_above(panel))
        setting = panel[["study", *by]].iloc[0]
        here = pairs[(pairs[list(setting.index)] == setting).all(axis=1)]
        _draw(lower, panel["lasso"], [(here, style.marker(len(replicates)))], weight, _nothing_below(here))
        upper.set_xlabel("")
    style.label_rows(
        grid, ("False share of\nnonsynonymous shifts", "False share of shifts that\nagree between replicates")
    )
    style.legend_above(fig, handles, "Rows of the matrix together")
    style.note(fig, _foot(table, pairs, ["study", *by, "lasso"]))
    return fig


def _draw(ax: Axes, weights: pd.Series, parts: list[tuple[pd.DataFrame, str]], weight: float, nothing: str) -> None:
    if not any(_has_point(part).any() for part, _ in parts):
        style.words(ax, nothing)
        return
    position = looks.lasso_axis(ax, weights)
    strength_axis.mark(ax, position, weight)
    for part, marker in parts:
        for name, colour in LINES.items():
            line = part[part[name].notna()].sort_values("lasso")
            x = position(line["lasso"])
            ax.plot(x, line[name], color=colour)
            style.points(ax, x, line[name], line["converged"], colour, marker)
    ax.set_ylim(-0.03, 1.03)
    ax.grid(axis="y")


def _handles(replicates: list[str], simulated: bool, marked: bool) -> list[Line2D]:
    names = {"estimate": "estimate", **({"true_share": "true share"} if simulated else {})}
    handles = [Line2D([], [], color=LINES[name], label=text) for name, text in names.items()]
    handles += [style.marker_handle(k, f"replicate {label}") for k, label in enumerate(replicates)]
    handles += [style.marker_handle(len(replicates), "pairs")] if len(replicates) > 1 else []
    return [*handles, looks.chosen_handle()] if marked else handles


def _has_point(rows: pd.DataFrame) -> pd.Series:
    return rows[["estimate", "true_share"]].notna().any(axis=1)


def _foot(table: pd.DataFrame, pairs: pd.DataFrame, setting: list[str]) -> str:
    stops = table.loc[table["estimate"].notna(), "stops"]
    counted = f"Pairs of a stop codon and a row behind an estimate by stops: {count_label(stops)}."
    lower = pairs.loc[_has_point(pairs), setting].assign(below=True)
    below = table[setting].merge(lower, how="left")["below"].notna().to_numpy()
    lost = table["status"] == "diverged"
    ended = unconverged_note(table.loc[(_has_point(table) | below) & ~lost, "converged"], diverged=lost.sum())
    return f"{counted} {ended}" if len(stops) else ended


def _nothing_above(rows: pd.DataFrame) -> str:
    if (rows["status"] == "diverged").all():
        return "Every fit diverged."
    return "No nonsynonymous shift to count." if rows["stops"].any() else "No stop codons to count."


def _nothing_below(pairs: pd.DataFrame) -> str:
    return "No shift agrees between replicates." if pairs["pairs"].any() else "No pairs of replicates."


def _why_empty(table: pd.DataFrame, pairs: pd.DataFrame) -> str:
    if table.empty:
        return "No fit finished: no shifts to count."
    return f"{_nothing_above(table)} {_nothing_below(pairs)}"
