"""Does the start matter? Objective, distance of shifts and replicate correlation of every start of every fit.

The sigmoid makes the problem non-convex: starts may end at different optima, and the one with the lowest objective
is kept. Where all starts of a fit end level (:data:`LEVEL`) rounding decides which is kept, so being level with the
best says more about a start than being kept.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proxsweep.dms.model.parameters import OF_STARTS
from proxsweep.dms.results import fitted
from proxsweep.dms.results.fits_table import in_order
from proxsweep.dms.summaries import looks
from proxsweep.dms.summaries.replicate_correlation import RESULTS as CORRELATED
from proxsweep.dms.summaries.replicate_correlation import correlate
from proxsweep.report import style
from proxsweep.report.wording import short_number, unconverged_note
from proxsweep.sweep.fits import full, ordered, sweep_columns

LEVEL = 1e-6  # relative excess of the objective that tells no optima apart: tolerance 1e-6 leaves some 1e-8 to go
EXCESS_FLOOR = 1e-10  # smaller ones are rounding noise and drawn here
DISTANCE_FLOOR = 1e-6  # latent units; smaller ones are drawn here
KEPT = "kept"  # in place of a start: whichever each fit kept
RESULTS = (
    "start",
    "status",
    "converged",
    "kept",
    "objective",
    "excess",
    "level",
    "shift_distance",
    "relative_residual",
    "iterations",
    "seconds",
)
_SPREAD = ("row", "replicate_a", "replicate_b", "pearson", "lowest", "highest", "spread", "starts", "converged")


@dataclass(frozen=True)
class StartResults:
    """The starts of one fit.

    Attributes
    ----------
    kept
        Name of the start whose solution was kept.
    starts
        One mapping per start: ``start``, ``status``, ``objective``, ``relative_residual``, ``iterations``, ``seconds``,
        ``shift_distance`` (largest difference of a shift from the kept solution [latent units]); None for what is
        not finite.
    shifts
        Shifts (rows, M) by start; empty where the fit did not write them.
    """

    kept: str
    starts: list[dict]
    shifts: dict[str, np.ndarray]


def load(path: str | Path) -> StartResults:
    """Read ``record.json`` and, where they hold them, the starts' shifts from ``parameters.npz`` of a fit's folder."""
    record = fitted.starts(path)
    found = fitted.arrays(path, *OF_STARTS) if len(record["starts"]) > 1 else {}
    names, shifts = (found.get(name, ()) for name in OF_STARTS)
    return StartResults(record["start"], record["starts"], dict(zip(map(str, names), shifts, strict=True)))


def outcomes(fits: pd.DataFrame, load: Callable[[str], StartResults] = load) -> pd.DataFrame:
    """How every start of every fit ended.

    Parameters
    ----------
    fits
        The study's table of fits; fits to a fold are left aside.
    load
        Reads the starts of the fit in a folder (column ``path``).

    Returns
    -------
    DataFrame
        One row for each fit and start: the swept parameters, then :data:`RESULTS`. ``excess`` is the objective above
        the lowest of the fit's starts that did not diverge, relative to it (absolute where that is 0; NaN for a
        start that diverged); ``level`` says that it is within :data:`LEVEL`; ``kept`` that the fit's files are those
        of this start.
    """
    fits = full(fits)
    swept = sweep_columns(fits)
    records = []
    for fit in fits.to_dict("records"):
        setting = {name: fit[name] for name in ["study", *swept]}
        records += [setting | outcome for outcome in _outcomes(load(fit["path"]))]
    return in_order(pd.DataFrame(records, columns=["study", *swept, *RESULTS]), swept)


def _outcomes(tried: StartResults) -> list[dict]:
    excess = _excess(tried.starts)
    rows = []
    for one, above in zip(tried.starts, excess, strict=True):
        rows.append(
            {
                "start": one["start"],
                "status": one["status"],
                "converged": one["status"] == "converged",
                "kept": one["start"] == tried.kept,
                "objective": _number(one["objective"]),
                "excess": above,
                "level": bool(above <= LEVEL),
                "shift_distance": np.nan if one["status"] == "diverged" else _number(one.get("shift_distance")),
                "relative_residual": _number(one["relative_residual"]),
                "iterations": one["iterations"],
                "seconds": one["seconds"],
            }
        )
    return rows


def _number(value: float | None) -> float:
    """A record says null for what is not finite."""
    return float("nan") if value is None else float(value)


def _excess(starts: list[dict]) -> np.ndarray:
    values = np.array([np.nan if one["status"] == "diverged" else _number(one["objective"]) for one in starts])
    if np.isnan(values).all():
        return values
    best = np.nanmin(values)
    return (values - best) / (abs(best) or 1.0)


def tally(table: pd.DataFrame) -> pd.DataFrame:
    """How often each start of :func:`outcomes` was kept, over all fits.

    Returns
    -------
    DataFrame
        One row per start: ``fits`` that tried it, in how many it was ``kept``, ended ``level`` with the best, and
        ``converged``; ``largest_excess`` and ``largest_shift_distance``.
    """
    groups = table.groupby("start", sort=False)
    counted = groups[["kept", "level", "converged"]].sum().astype(int)
    counted.insert(0, "fits", groups.size())
    largest = groups[["excess", "shift_distance"]].max().add_prefix("largest_")
    return counted.join(largest).reset_index()


def correlations(
    fits: pd.DataFrame,
    load: Callable[[str], StartResults] = load,
    load_fitted: Callable[[str], fitted.Fitted] = fitted.load,
    min_times_seen: int = 1,
) -> pd.DataFrame:
    """Correlate the shifts of each start between replicates, as :mod:`proxsweep.dms.summaries.replicate_correlation`
    does.

    Parameters
    ----------
    fits
        The study's table of fits; fits to a fold are left aside.
    load, load_fitted
        Read the starts, and the effects and shifts that were kept, of the fit in a folder (column ``path``).
    min_times_seen
        A mutation counts where at least so many variants carry it, in each replicate and compared condition.

    Returns
    -------
    DataFrame
        One row for each setting, start, row of the difference matrix and pair of replicates; the columns of
        :func:`proxsweep.dms.summaries.replicate_correlation.correlate` without ``quantity`` and interval, and ``start``
        after the settings: a start that every replicate wrote the shifts of, or :data:`KEPT` for the solutions that the
        fits kept. No row where no fit wrote the shifts of its starts.
    """
    fits = full(fits)
    settings = sweep_columns(fits, without=("replicate",))
    parts = []
    for _, group in fits.groupby(["study", *settings], sort=False, dropna=False):
        tried = {path: load(path) for path in group["path"]}
        kept = {path: load_fitted(path) for path in group["path"]}
        common = [name for name in _names(tried.values()) if all(name in one.shifts for one in tried.values())]
        for name in [KEPT, *common] if common else []:
            chosen = kept if name == KEPT else {path: _with_shifts(kept[path], tried[path], name) for path in kept}
            solved = group if name == KEPT else group.assign(status=[_status(tried[path], name) for path in tried])
            part = correlate(solved, chosen.__getitem__, bootstrap=0, min_times_seen=min_times_seen)
            parts.append(part[part["quantity"] == "shift"].assign(start=name))
    shown = [name for name in CORRELATED if name not in ("quantity", "lower", "upper")]
    columns = ["study", *settings, "start", *shown]
    return in_order(pd.concat(parts)[columns], settings) if parts else pd.DataFrame(columns=columns)


def _names(tried: Iterable[StartResults]) -> list[str]:
    return list(dict.fromkeys(name for one in tried for name in one.shifts))


def _status(tried: StartResults, name: str) -> str:
    return next(one["status"] for one in tried.starts if one["start"] == name)


def _with_shifts(fit: fitted.Fitted, tried: StartResults, name: str) -> fitted.Fitted:
    columns = {f"shift_{row}": values for row, values in zip(fit.rows, tried.shifts[name], strict=True)}
    return replace(fit, mutations=fit.mutations.assign(**columns))


def correlation_spread(table: pd.DataFrame) -> pd.DataFrame:
    """How much the choice of start moves each replicate correlation of :func:`correlations`.

    Returns
    -------
    DataFrame
        One row for each setting, row of the matrix and pair of replicates: ``pearson`` of the solutions kept,
        ``lowest`` and ``highest`` over the starts, their difference ``spread``, the number of ``starts`` with a
        defined correlation, and whether the fits kept have ``converged``.
    """
    settings = ["study", *sweep_columns(table, "start")]
    rows = []
    by = [*settings, "row", "replicate_a", "replicate_b"]
    for values, part in table.groupby(by, sort=False, dropna=False):
        kept, each = part[part["start"] == KEPT].iloc[0], part.loc[part["start"] != KEPT, "pearson"]
        rows.append(
            {
                **dict(zip(by, values, strict=True)),
                "pearson": kept["pearson"],
                "lowest": each.min(),
                "highest": each.max(),
                "spread": each.max() - each.min(),
                "starts": int(each.notna().sum()),
                "converged": kept["converged"],
            }
        )
    return pd.DataFrame(rows, columns=[*settings, *_SPREAD])


def kind(start: str) -> str:
    """What starts are drawn alike: a name without its number, ``random`` for ``random-3``."""
    return re.split(r"[^A-Za-z]*[0-9]", start)[0] or start


def figure(table: pd.DataFrame, correlated: pd.DataFrame) -> Figure:
    """Excess of the objective, distance of the shifts and replicate correlation against the lasso weight.

    Parameters
    ----------
    table
        From :func:`outcomes`.
    correlated
        From :func:`correlations`.

    Returns
    -------
    Figure
        A column for each difference matrix, and other settings that vary. Above, a point for each start and
        replicate, coloured by kind of start, hollow where the start did not converge; in the middle the same for the
        distance of shifts, where there is one; below a line for each row of the matrix and pair of replicates, with
        bars over the starts, where fits wrote the shifts of their starts. Where nothing can be drawn the figure says
        why.
    """
    style.apply()
    drawn = table.assign(kind=table["start"].map(kind))[table["excess"].notna()]
    if drawn.empty or not table["start"].nunique() > 1:
        return style.placeholder_figure(_why_empty(table))
    moved = correlation_spread(correlated)
    moved = moved[moved["lowest"].notna()]
    measures = ["excess", *["shift_distance"] * bool(drawn["shift_distance"].notna().any())]
    by = sweep_columns(table, "start", without=("lasso", "replicate"))
    panels = looks.panels(drawn, by)
    kinds, rows = style.colours(drawn["kind"]), _row_lines(moved)
    replicates = ordered(drawn["replicate"])
    handles = _handles(table, kinds, replicates, rows)
    fig, grid = style.panel_grid(len(panels), len(measures) + bool(len(moved)), entries=2 * len(handles))
    for column, (title, panel) in enumerate(panels):
        grid[0, column].set_title(title)
        for ax, measure in zip(grid[:, column], measures, strict=False):
            _points(ax, panel, measure, kinds, replicates)
            _log_axis(ax, drawn[measure], _FLOORS[measure])
        if len(moved):
            same = (moved[by] == panel[by].iloc[0]).all(axis=1)
            _bars(grid[-1, column], moved[same], panel["lasso"], rows)
            grid[-1, column].set_ylim(min(0.0, float(moved["lowest"].min())) - 0.03, 1.03)
        for ax in grid[:-1, column]:
            ax.set_xlabel("")
    labels = [*(_LABELS[measure] for measure in measures), "Replicate correlation\nof shifts"]
    style.label_rows(grid, labels)
    across = 3 if len(panels) > 1 else 1  # the labels are long
    fig.legend(handles=handles, loc="outside upper left", ncols=min(len(handles), across))
    style.note(fig, _foot(drawn, table, measures, moved))
    return fig


_FLOORS = {"excess": EXCESS_FLOOR, "shift_distance": DISTANCE_FLOOR}
_LABELS = {
    "excess": "Objective above the\nbest start, relative",
    "shift_distance": "Largest difference of a shift\nfrom the kept one",
}
_GREYS = ("#000000", "#777777", "#bbbbbb")


def _why_empty(table: pd.DataFrame) -> str:
    if table.empty:
        return "No fit finished: no starts to compare."
    return "Every start diverged." if table["excess"].isna().all() else "One start per fit: nothing to compare."


def _row_lines(moved: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Keywords of each row's line: greys and dashes, since colours are those of starts."""
    lines = [{"color": grey, "linestyle": dashes} for grey in _GREYS for dashes in style.LINE_STYLES]
    return {row: lines[k % len(lines)] for k, row in enumerate(dict.fromkeys(moved["row"]))}


def _dodge(ax: Axes, place: int, count: int) -> float:
    """Shift along the x axis that keeps ``count`` series at one lasso weight apart."""
    low, high = ax.get_xlim()
    return (place - (count - 1) / 2) * 0.018 * (high - low)


def _points(ax: Axes, panel: pd.DataFrame, measure: str, kinds: dict[str, str], replicates: list) -> None:
    position = looks.lasso_axis(ax, panel["lasso"])
    for place, (name, colour) in enumerate(kinds.items()):
        for k, replicate in enumerate(replicates):
            part = panel[(panel["kind"] == name) & (panel["replicate"] == replicate) & panel[measure].notna()]
            x = position(part["lasso"]) + _dodge(ax, place, len(kinds))
            y = part[measure].clip(lower=_FLOORS[measure])
            style.points(ax, x, y, part["converged"], colour, style.marker(k), size=3.0)


def _log_axis(ax: Axes, values: pd.Series, floor: float) -> None:
    ax.set_yscale("log")
    ax.set_ylim(floor / 2, max(3 * values.max(), 1e3 * floor))
    ax.axhline(floor, color="black", linewidth=0.5, linestyle=(0, (1, 1.5)), zorder=1)
    ax.grid(axis="y")


def _bars(ax: Axes, panel: pd.DataFrame, weights: pd.Series, rows: dict[str, dict[str, str]]) -> None:
    position = looks.lasso_axis(ax, weights)
    ax.grid(axis="y")
    pairs = list(dict.fromkeys(zip(panel["replicate_a"], panel["replicate_b"], strict=True)))
    series = [(row, pair) for row in rows for pair in pairs]
    for place, (row, (a, b)) in enumerate(series):
        chosen = (panel["row"] == row) & (panel["replicate_a"] == a) & (panel["replicate_b"] == b)
        line = panel[chosen].sort_values("lasso")
        x, colour = position(line["lasso"]) + _dodge(ax, place, len(series)), rows[row]["color"]
        ax.plot(x, line["pearson"], linewidth=0.7, **rows[row])
        ax.vlines(x, line["lowest"], line["highest"], color=colour, linewidth=2.0, alpha=0.5)
        style.points(ax, x, line["pearson"], line["converged"], colour, "o", size=2.5)


def _handles(
    table: pd.DataFrame, kinds: dict[str, str], replicates: list, rows: dict[str, dict[str, str]]
) -> list[Line2D]:
    """Legend: a colour for each kind of start with its counts, a marker for each replicate, a line for each row."""
    fit = ["study", *sweep_columns(table, "start")]
    handles = []
    for name, colour in kinds.items():
        mine = table[table["start"].map(kind) == name]
        hits = mine.groupby(fit, dropna=False)[["level", "kept"]].any()
        count = mine["start"].nunique()
        label = f"{name}, {count} starts" if count > 1 else name
        label += f": at the best in {hits['level'].sum()} of {len(hits)} fits, kept in {hits['kept'].sum()}"
        handles.append(Line2D([], [], color=colour, linestyle="none", marker="o", label=label))
    if len(replicates) > 1:
        handles += [style.marker_handle(k, f"replicate {label}") for k, label in enumerate(replicates)]
    return handles + [Line2D([], [], label=looks.row_label(row), **look) for row, look in rows.items()]


def _foot(drawn: pd.DataFrame, table: pd.DataFrame, measures: list[str], moved: pd.DataFrame) -> str:
    noun = "difference" if "shift_distance" in measures else ""
    floors = f"an excess of at most {short_number(EXCESS_FLOOR)}"
    floors += f" or a {noun} of at most {short_number(DISTANCE_FLOOR)} (latent units)" if noun else ""
    best = f"At the best: within {short_number(LEVEL)} of the lowest objective of the fit's starts, relative."
    sentences = [best, f"On the dotted line: {floors}."]
    if len(moved):
        sentences.append("Bars: lowest to highest correlation over the starts; lines: the solutions kept.")
    sentences.append(unconverged_note(drawn["converged"], "solves", len(table) - len(drawn)))
    return " ".join(sentences)
