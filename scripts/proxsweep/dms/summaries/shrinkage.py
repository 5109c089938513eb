"""What the lasso weight does, over one axis: replicate correlation of shifts, losses, and the share of zero shifts.

The numbers are those of other tables, averaged over replicates; this module computes no statistic of its own.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proxsweep.dms.results.fits_table import in_order
from proxsweep.dms.summaries import looks
from proxsweep.report import strength_axis, style
from proxsweep.report.wording import means_note
from proxsweep.sweep import chosen
from proxsweep.sweep.fits import full, sweep_columns, usable

RESULTS = ("quantity", "row", "kind", "value", "standard_error", "averaged", "converged")
ZEROS = "zero_share_everywhere"
DASHES = {"nonsynonymous": "-", "stop": "--"}
LOSSES = {"training_loss": "--", "validation_loss": "-"}
LABELS = ("Correlation of shifts\nbetween replicates", "Huber loss\n(squared score units)", "Share of zero shifts")


def table(
    fits: pd.DataFrame, correlations: pd.DataFrame, validated: pd.DataFrame, shares: pd.DataFrame
) -> pd.DataFrame:
    """All that the figure draws, one row per point.

    Parameters
    ----------
    fits
        The study's table of fits.
    correlations
        `replicate_correlation.csv`; only shifts are used.
    validated
        `cross_validation.csv`; without rows where nothing was cross-validated.
    shares
        `sparsity.csv`; nonsynonymous mutations and stop codons seen in every condition are used.

    Returns
    -------
    DataFrame
        The study and swept parameters but ``replicate``, then :data:`RESULTS`. ``quantity`` is ``correlation``,
        ``training_loss`` (full fits), ``validation_loss`` or ``zero_share_everywhere``; ``value`` is the mean over
        ``averaged`` replicates or pairs of them in which it is defined, for ``validation_loss`` the fits to folds;
        ``standard_error`` is that of the held-out loss; ``converged`` says that all fits behind the value did.
    """
    fits = full(fits)
    by = ["study", *sweep_columns(fits, without=("replicate",))]
    fits = fits.assign(converged=fits["status"] == "converged")
    shifts = correlations[correlations["quantity"] == "shift"].drop(columns="quantity")
    kinds = shares[shares["kind"].isin(list(DASHES))]
    parts = [
        _means(shifts, by, ["row"], "pearson", "correlation"),
        _means(fits[usable(fits)], by, [], "training_loss", "training_loss"),
        _validation(validated, by),
        _means(kinds, by, ["row", "kind"], ZEROS, ZEROS),
    ]
    parts = [part for part in parts if len(part)]
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*by, *RESULTS])
    return in_order(found.reindex(columns=[*by, *RESULTS]), by[1:])


def _means(rows: pd.DataFrame, by: list[str], more: list[str], column: str, quantity: str) -> pd.DataFrame:
    rows = rows[rows[column].notna()]
    if rows.empty:
        return pd.DataFrame()
    groups = rows.groupby([*by, *more], sort=False, dropna=False)
    found = groups.agg(value=(column, "mean"), averaged=(column, "size"), converged=("converged", "all"))
    return found.reset_index().assign(quantity=quantity)


def _validation(validated: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    if validated.empty:
        return pd.DataFrame()
    found = validated[[*by, "standard_error"]].assign(quantity="validation_loss", value=validated["validation_loss"])
    return found.assign(averaged=validated["fits"], converged=validated["unconverged"] == 0)


def figure(found: pd.DataFrame, choice: pd.DataFrame, min_times_seen: int = 1) -> Figure:
    """Three panels above each other over one axis of lasso weights, a column for each difference matrix.

    The chosen weight is shaded, points are hollow where a fit behind them did not converge, and a panel without
    anything to draw says so. ``min_times_seen`` is that of the tables behind ``found``.
    """
    style.apply()
    found = found[found["value"].notna()]
    if found.empty:
        return style.placeholder_figure("No fit finished: nothing to show.")
    by = sweep_columns(found, "quantity", without=("lasso",))
    panels = looks.panels(found, by)
    rows = style.line_styles(found["row"].dropna().unique())
    settings = [panel.iloc[0][["study", *by]].to_dict() for _, panel in panels]
    marked = any(np.isfinite(chosen.weight(choice, setting)) for setting in settings)
    handles = _handles(found, rows, marked)
    fig, grid = style.panel_grid(len(panels), 3, height=1.45, entries=len(handles))
    for column, ((title, panel), setting) in enumerate(zip(panels, settings, strict=True)):
        _column(grid[:, column], panel, rows, chosen.weight(choice, setting))
        grid[0, column].set_title(title)
    style.label_rows(grid, LABELS)
    style.legend_above(fig, handles)
    style.note(fig, _foot(found, marked, min_times_seen))
    return fig


def _column(axes: np.ndarray, panel: pd.DataFrame, rows: dict[str, dict], weight: float) -> None:
    parts = [panel[panel["quantity"].isin(names)] for names in (["correlation"], list(LOSSES), [ZEROS])]
    empty = (
        "No correlation of shifts:\nits own table says why.",
        "No losses in these fits.",
        "No share of zero shifts.",
    )
    for k, (ax, part, words) in enumerate(zip(axes, parts, empty, strict=True)):
        position = looks.lasso_axis(ax, panel["lasso"])
        if len(part):
            strength_axis.mark(ax, position, weight)
            ax.grid(axis="y")
        if k < 2:
            ax.set_xlabel("")
            ax.tick_params(labelbottom=False)
        if part.empty:
            ax.text(0.5, 0.5, words, ha="center", va="center", color="#444444", transform=ax.transAxes)
    for row, line in parts[0].groupby("row", sort=False):
        _line(axes[0], position, line, rows[row]["color"], rows[row]["linestyle"], style.marker(0))
    for k, (quantity, dashes) in enumerate(LOSSES.items()):
        _line(axes[1], position, parts[1][parts[1]["quantity"] == quantity], "black", dashes, style.marker(k))
    if not (parts[1]["quantity"] == "validation_loss").any():
        where = {"x": 0.03, "y": 0.95, "ha": "left", "va": "top", "transform": axes[1].transAxes}
        axes[1].text(**where, s="No held-out loss", fontsize=6, color="#444444")
    for (row, kind), line in parts[2].groupby(["row", "kind"], sort=False):
        marker = style.marker(list(DASHES).index(kind))
        _line(axes[2], position, line, rows[row]["color"], DASHES[kind], marker)
    axes[0].set_ylim(min(0.0, axes[0].get_ylim()[0]) - 0.03, 1.03)
    axes[2].set_ylim(-0.03, 1.03)


def _line(ax: Axes, position: Any, line: pd.DataFrame, colour: str, dashes: str, marker: str) -> None:
    line = line.sort_values("lasso")
    x = position(line["lasso"])
    ax.plot(x, line["value"], color=colour, linestyle=dashes)
    if line["standard_error"].notna().any():
        ax.errorbar(
            x, line["value"], line["standard_error"], color=colour, linestyle="none", linewidth=0.7, capsize=1.5
        )
    style.points(ax, x, line["value"], line["converged"].astype(bool), colour, marker, size=2.8)


def _handles(found: pd.DataFrame, rows: dict[str, dict], marked: bool) -> list:
    handles = [Line2D([], [], label=looks.row_label(row), **look) for row, look in rows.items()]
    names = {"training_loss": "training loss", "validation_loss": "held-out loss"}
    for k, (quantity, dashes) in enumerate(LOSSES.items()):
        if (found["quantity"] == quantity).any():
            look = {"color": "black", "linestyle": dashes, "marker": style.marker(k), "markersize": 2.8}
            handles.append(Line2D([], [], label=names[quantity], **look))
    for k, (kind, dashes) in enumerate(DASHES.items()):
        if (found["kind"] == kind).any():
            look = {"color": style.GREY, "linestyle": dashes, "marker": style.marker(k), "markersize": 2.8}
            handles.append(Line2D([], [], label=f"zero shifts, {kind}", **look))
    return [*handles, looks.chosen_handle()] if marked else handles


def _foot(found: pd.DataFrame, marked: bool, min_times_seen: int) -> str:
    averaged = found.groupby("quantity")["averaged"].max()
    by_fit = averaged.reindex(["training_loss", ZEROS]).max()
    sentences = [means_note(int(by_fit))] if by_fit > 1 else []
    if averaged.get("correlation", 0) > 1:
        sentences.append(f"Correlations: means over up to {int(averaged['correlation'])} pairs of replicates.")
    if averaged.index.isin(list(LOSSES)).any():
        sentences.append("Losses: means over conditions.")
    if "validation_loss" in averaged:
        sentences.append("Held-out ones: over folds, too.")
    if found["standard_error"].notna().any():
        sentences.append("Bars: standard error of the held-out loss.")
    if ZEROS in averaged:
        sentences.append(f"Zero shifts: among mutations {looks.seen(min_times_seen)} in every condition.")
    sentences += [] if marked else ["No weight was chosen, so none is shaded."]
    unconverged = int((~found["converged"].astype(bool)).sum())
    if unconverged:
        sentences.append(f"Hollow: {unconverged} of {len(found)} points rest on fits that did not converge.")
    return " ".join(sentences)
