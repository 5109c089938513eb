"""How many shifts are exactly zero? Shares against the lasso weight, substitutions and stop codons apart.

Shares are among mutations seen in every condition that the row of the difference matrix compares and, in columns
of their own, among those seen in every condition of the study, the same mutations for every row. Where a condition
never saw a mutation the ridge alone stands against the lasso: any lasso weight that is not small against the ridge
pulls the shift to exactly zero and would flatter the share (at weight 0 it is not zero). A stop codon should do the
same harm in every condition, so its shift should be zero: stops are the control. A deletion (``-``) is neither a
substitution nor a control and is counted by itself.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proxsweep.dms.results import fitted
from proxsweep.dms.results.fits_table import in_order
from proxsweep.dms.results.fitted import kinds
from proxsweep.dms.summaries import looks
from proxsweep.report import style
from proxsweep.report.wording import count_label, unconverged_note
from proxsweep.sweep.fits import full, ordered, sweep_columns

KINDS = ("all", "nonsynonymous", "stop", "deletion")
NAMES = {"nonsynonymous": "nonsynonymous mutations", "stop": "stop codons", "deletion": "deletions"}
EVERYWHERE = ("mutations_everywhere", "zero_everywhere", "zero_share_everywhere")
RESULTS = ("row", "kind", "mutations", "zero", "zero_share", *EVERYWHERE, "status", "converged", "note")


def shares(
    fits: pd.DataFrame, load: Callable[[str], fitted.Fitted] = fitted.load, min_times_seen: int = 1
) -> pd.DataFrame:
    """Count the shifts that are exactly zero in every fit.

    Parameters
    ----------
    fits
        The study's table of fits; fits to a fold are left aside.
    load
        Reads the fit in a folder (column ``path``).
    min_times_seen
        A mutation counts where at least so many variants carry it, in each compared condition; for
        :data:`EVERYWHERE`, in each condition of the study.

    Returns
    -------
    DataFrame
        One row for each fit, row of its difference matrix and kind of mutation: the swept parameters, then
        :data:`RESULTS`. ``zero`` of ``mutations`` shifts are exactly 0; ``zero_share`` is their ratio, NaN
        (with a ``note``) where there is no such mutation, the fit diverged, or the row touches an inner node
        of a tree at weight 0. :data:`EVERYWHERE` has the same
        among mutations seen in every condition. ``kind`` is one of :data:`KINDS`; ``all`` holds the other three.
    """
    fits = full(fits)
    load = fitted.blank_diverged(fits, load)
    swept = sweep_columns(fits)
    records = []
    for fit in fits.to_dict("records"):
        setting = {name: fit[name] for name in ["study", *swept]}
        status = {"status": fit["status"], "converged": fit["status"] == "converged"}
        free = float(fit["lasso"]) == 0
        records += [setting | counts | status for counts in _counts(load(fit["path"]), min_times_seen, free)]
    return in_order(pd.DataFrame(records, columns=["study", *swept, *RESULTS]), swept)


def _counts(fit: fitted.Fitted, min_times_seen: int, free: bool) -> list[dict]:
    """Counts of one fit; ``free``: without a penalty, where inner nodes of a tree are nowhere."""
    kind = kinds(fit.mutations["mutant"])
    everywhere = fit.seen(fit.conditions, min_times_seen)
    counts = []
    for row, conditions in fit.rows.items():
        seen = fit.seen(conditions, min_times_seen)
        shifts = fit.mutations[f"shift_{row}"].to_numpy(float)
        for name in KINDS:
            of_kind = (kind == name) | (name == "all")
            among, common = (_share(shifts[flags & of_kind], name) for flags in (seen, everywhere))
            if free and row in fit.inner_rows:
                among, common = (_undetermined(part) for part in (among, common))
            values = (common[column] for column in ("mutations", "zero", "zero_share"))
            counts.append({"row": row, "kind": name, **among, **dict(zip(EVERYWHERE, values, strict=True))})
    return counts


def _undetermined(counted: dict) -> dict:
    return {**counted, "zero": 0, "zero_share": np.nan, "note": "without a penalty nothing places an inner node"}


def _share(shifts: np.ndarray, kind: str) -> dict:
    count, zero = len(shifts), int((shifts == 0).sum())
    if not count:
        return {
            "mutations": 0,
            "zero": 0,
            "zero_share": np.nan,
            "note": f"no {NAMES.get(kind, 'mutations')} to count",
        }
    if not np.isfinite(shifts).all():
        return {"mutations": count, "zero": zero, "zero_share": np.nan, "note": "the fit diverged"}
    return {"mutations": count, "zero": zero, "zero_share": zero / count, "note": ""}


def figure(table: pd.DataFrame, min_times_seen: int = 1, finished: bool = True) -> Figure:
    """Share of zero shifts against lasso weight: nonsynonymous mutations above, stop codons below.

    A column for each difference matrix, a line for each row and replicate, hollow points for fits that did
    not converge. Where nothing can be drawn the figure says why; ``finished`` (whether the study has any fit)
    then tells a study of one condition from one without fits.
    """
    style.apply()
    drawn = table[table["zero_share"].notna() & (table["kind"] != "all")]
    if drawn.empty:
        return style.placeholder_figure(_why_empty(table, finished))
    lines = style.line_styles(dict.fromkeys(table["row"]))
    replicates = ordered(table["replicate"]) if "replicate" in table else []
    panels = looks.panels(table, sweep_columns(table, "row", without=("lasso", "replicate")))
    stops = bool((drawn["kind"] == "stop").any())
    shown = ["nonsynonymous", "stop"] if stops else ["nonsynonymous"]
    handles = _handles(drawn, lines, replicates)
    fig, grid = style.panel_grid(len(panels), len(shown), entries=len(handles))
    for column, (title, panel) in enumerate(panels):
        grid[0, column].set_title(title)
        for ax, kind in zip(grid[:, column], shown, strict=True):
            _panel(ax, panel[panel["kind"] == kind], lines, replicates, kind)
            ax.set_ylim(-0.03, 1.03)
            ax.grid(axis="y")
            if ax.get_subplotspec().is_first_col():
                ax.set_ylabel(f"Share of zero shifts,\n{NAMES[kind]}")
    style.legend_above(fig, handles, _headline(min_times_seen))
    style.note(fig, _foot(table, drawn, shown))
    return fig


def _headline(min_times_seen: int) -> str:
    return f"Among mutations {looks.seen(min_times_seen)} in all conditions that a row compares"


def _why_empty(table: pd.DataFrame, finished: bool) -> str:
    if not finished:
        return "No fit finished: no shifts to count."
    if table.empty:
        return "One condition: there are no shifts to count."
    return f"No share of zero shifts to show.\n{_reasons(table[table['kind'] == 'all'])}."


def _reasons(table: pd.DataFrame) -> str:
    reasons = "; ".join(dict.fromkeys(note for note in table["note"] if note))
    return f"{reasons[0].upper()}{reasons[1:]}"


def _panel(ax: Axes, panel: pd.DataFrame, lines: dict[str, dict], replicates: list, kind: str) -> None:
    if panel["zero_share"].isna().all():
        style.words(ax, f"{_reasons(panel)}.")
        return
    position = looks.lasso_axis(ax, panel["lasso"])
    for row in dict.fromkeys(panel["row"]):
        part = panel[(panel["row"] == row) & panel["zero_share"].notna()].sort_values("lasso")
        for k, replicate in enumerate(replicates):
            line = part[part["replicate"] == replicate]
            x = position(line["lasso"])
            ax.plot(x, line["zero_share"], **lines[row])
            style.points(ax, x, line["zero_share"], line["converged"], lines[row]["color"], style.marker(k))


def _handles(drawn: pd.DataFrame, lines: dict[str, dict], replicates: list) -> list[Line2D]:
    """Legend: a line for each row drawn with its numbers of mutations; a marker for each replicate if several."""
    marker = style.marker(0) if len(replicates) == 1 else ""
    handles = []
    for row in dict.fromkeys(drawn["row"]):
        counts = {kind: part["mutations"] for kind, part in drawn[drawn["row"] == row].groupby("kind")}
        label = count_label(counts.get("nonsynonymous", []))
        if "stop" in counts:
            label += f"; stops {count_label(counts['stop']).removeprefix('n = ')}"
        handles.append(Line2D([], [], label=f"{looks.row_label(row)} ({label})", marker=marker, **lines[row]))
    if len(replicates) > 1:
        handles += [style.marker_handle(k, f"replicate {label}") for k, label in enumerate(replicates)]
    return handles


def _foot(table: pd.DataFrame, drawn: pd.DataFrame, shown: list[str]) -> str:
    by = [name for name in table.columns if name not in RESULTS]
    fits = drawn[drawn["kind"].isin(shown)].drop_duplicates(by)
    lost = (table.drop_duplicates(by)["status"] == "diverged").sum()
    sentences = [] if "stop" in shown else ["No stop codons to count: the control does not apply."]
    if (drawn["kind"] == "deletion").any():
        sentences.append("Deletions are counted apart, in the table.")
    return " ".join([*sentences, unconverged_note(fits["converged"], diverged=lost)])
