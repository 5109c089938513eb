"""Are the shifts found that a simulation put in? Precision and recall by fit and by branch of the tree.

A fit calls a shift where a row of its difference matrix is not exactly zero. The truth of that row is the
same row applied to the true effects. Two levels are counted:

``row``
    Each row of each mutation by itself, among mutations seen in all conditions that the row compares. The
    counts of one branch take the rows that a shift on this branch moves, and there the mutations shifted on
    it and all those whose true difference is zero; shifts of other branches stay out. So a false call in
    such a row counts against every branch that moves the row.
``pattern``
    A mutation's rows together, among mutations seen in every condition that any row compares. A mutation is
    called for a branch where exactly those rows are nonzero that a shift on this branch moves.

Precision is the share of calls that are right, recall the share of true shifts that are called. The
reference's own branch is the one whose shifts separate the reference from all other conditions. Branches that
separate the same conditions (the two below a root with two children) cannot be told apart by any fit and are
counted together.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proxsweep import style
from proxsweep.dms import fitted
from proxsweep.errors import UserError
from proxsweep.fits import full, in_order, ordered, sweep_columns

# True effects are sums of a few floats: differences below this (latent units) are rounding.
ROUNDING = 1e-9
RESULTS = (
    "level",
    "row",
    "branch",
    "reference_branch",
    "mutations",
    "true",
    "called",
    "both",
    "precision",
    "recall",
    "status",
    "converged",
    "note",
)
REFERENCE_COLOUR = "#000000"


@dataclass(frozen=True)
class Estimate:
    """One fit as it is compared with the truth.

    Attributes
    ----------
    reference
        Condition in whose coordinates the mutations are written.
    coefficients
        For each row of the difference matrix its nonzero coefficients by condition. Rows that touch an inner
        node of a tree, whose true effect no table holds, have None.
    mutations
        One row a mutation: ``mutation``, ``shift_<row>`` (latent units), ``times_seen_<condition>``
        (variants).
    """

    reference: str
    coefficients: Mapping[str, Mapping[str, float] | None]
    mutations: pd.DataFrame


def load(path: str | Path) -> Estimate:
    """Read ``record.json``, ``parameters.npz`` and ``mutations.csv`` from the folder of a fit."""
    folder = Path(path)
    fit = fitted.load(folder)
    with np.load(folder / "parameters.npz", allow_pickle=False) as arrays:
        matrix = arrays["difference"]
    coefficients = {row: _coefficients(values, fit.conditions) for row, values in zip(fit.rows, matrix, strict=True)}
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    return Estimate(record["dms"]["reference"], coefficients, fit.mutations)


def _coefficients(values: np.ndarray, conditions: list[str]) -> dict[str, float] | None:
    if np.any(values[len(conditions) :] != 0):
        return None
    return {name: float(value) for name, value in zip(conditions, values, strict=False) if value != 0}


def recovery(
    fits: pd.DataFrame,
    load: Callable[[str], Estimate],
    truth: pd.DataFrame,
    min_times_seen: int = 1,
) -> pd.DataFrame:
    """Compare the shifts of every fit with those of the simulation.

    Parameters
    ----------
    fits
        The study's table of fits; fits to a fold are left aside.
    load
        Reads the fit in a folder (column ``path``).
    truth
        The simulation's truth: ``mutation``, ``beta_<condition>`` (reference's coordinates, latent units),
        ``branch`` (empty without a shift).
    min_times_seen
        A mutation counts where at least so many variants carry it, in each compared condition.

    Returns
    -------
    DataFrame
        The study and swept parameters, then :data:`RESULTS`. At level ``row`` one row for each row of the
        fit's matrix (``branch`` is ``all``), for all rows together, and for each branch over the rows that it
        moves (``row`` is ``all``); at level ``pattern`` one row for each branch. ``both`` of ``called`` calls
        and of ``true`` shifts agree: ``precision`` = both / called, ``recall`` = both / true, NaN where the
        denominator is 0. At level ``row``, ``mutations`` counts pairs of a mutation and a row.

    Raises
    ------
    UserError
        If a fit has a mutation or a condition that the truth lacks.
    """
    fits = full(fits)
    swept = sweep_columns(fits)
    known = truth.set_index("mutation")
    known = known.assign(branch=known["branch"].fillna(""))
    records = []
    for fit in fits.to_dict("records"):
        setting = {name: fit[name] for name in ["study", *swept]}
        status = {"status": fit["status"], "converged": fit["status"] == "converged"}
        counts = _counts(load(fit["path"]), known, min_times_seen, str(fit["path"]))
        records += [setting | count | status for count in counts]
    return in_order(pd.DataFrame(records, columns=["study", *swept, *RESULTS]), swept)


@dataclass(frozen=True)
class _Branch:
    """Branches that separate the same conditions: on the far side from the reference are ``moved``."""

    name: str
    members: list[str]
    moved: frozenset[str]
    own: bool


def _branches(known: pd.DataFrame, reference: str) -> list[_Branch]:
    """The branches with shifts, the reference's own first, then by name."""
    columns = [name for name in known.columns if name.startswith("beta_")]
    effects = known[columns].sub(known[f"beta_{reference}"], axis=0).abs() > ROUNDING
    members: dict[frozenset[str], list[str]] = {}
    for branch in sorted(set(known["branch"]) - {""}):
        flags = effects[known["branch"] == branch].any()
        moved = frozenset(name.removeprefix("beta_") for name in columns if flags[name])
        members.setdefault(moved, []).append(branch)
    branches = [
        _Branch(" + ".join(names), names, moved, own=len(moved) == len(columns) - 1 > 0)
        for moved, names in members.items()
    ]
    return sorted(branches, key=lambda branch: (not branch.own, branch.name))


def _counts(fit: Estimate, known: pd.DataFrame, min_times_seen: int, place: str) -> list[dict]:
    truth = matched(fit, known, place)
    rows = {row: terms for row, terms in fit.coefficients.items() if terms is not None}
    skipped = [
        _nothing(row, "touches an inner node of the tree, whose truth is unknown")
        for row in fit.coefficients
        if row not in rows
    ]
    if not rows:
        return skipped
    shifts = np.stack([fit.mutations[f"shift_{row}"].to_numpy(float) for row in rows])
    if not np.isfinite(shifts).all():
        return skipped + [_nothing(row, "the fit diverged") for row in rows]
    called = shifts != 0
    true = np.stack([difference(truth, terms) for terms in rows.values()])
    seen = np.stack([seen_in(fit.mutations, terms, min_times_seen) for terms in rows.values()])
    counts = [_count("row", row, seen[k], true[k], called[k]) for k, row in enumerate(rows)]
    counts.append(_count("row", "all", seen, true, called))
    for branch in _branches(known, fit.reference):
        moves = np.array([_moves(terms, branch) for terms in rows.values()])
        here = truth["branch"].isin(branch.members).to_numpy()
        counts += [
            {**count, "branch": branch.name, "reference_branch": branch.own}
            for count in _branch_counts(moves, here, seen, true, called)
        ]
    return counts + skipped


def _moves(terms: Mapping[str, float], branch: _Branch) -> bool:
    return abs(sum(weight for name, weight in terms.items() if name in branch.moved)) > ROUNDING


def _branch_counts(
    moves: np.ndarray, here: np.ndarray, seen: np.ndarray, true: np.ndarray, called: np.ndarray
) -> list[dict]:
    """Counts of one branch at both levels.

    moves : (R,) bool, rows that a shift on the branch moves; here : (M,) bool, mutations shifted on it;
    seen, true, called : (R, M) bool
    """
    among = seen & moves[:, None] & (here | ~true)
    pattern = (called == moves[:, None]).all(axis=0) & moves.any()
    counts = [
        _count("row", "all", among, true, called),
        _count("pattern", "all", seen.all(axis=0), here, pattern),
    ]
    note = "" if moves.any() else "no row of the matrix is moved by a shift on this branch"
    return [{**count, "note": note} for count in counts]


def _count(level: str, row: str, among: np.ndarray, true: np.ndarray, called: np.ndarray) -> dict:
    counted = {
        "mutations": int(among.sum()),
        "true": int((among & true).sum()),
        "called": int((among & called).sum()),
        "both": int((among & true & called).sum()),
    }
    return {
        "level": level,
        "row": row,
        "branch": "all",
        "reference_branch": False,
        **counted,
        "precision": counted["both"] / counted["called"] if counted["called"] else np.nan,
        "recall": counted["both"] / counted["true"] if counted["true"] else np.nan,
        "note": "",
    }


def _nothing(row: str, note: str) -> dict:
    """A row of the table where nothing can be counted."""
    none = np.zeros(0, dtype=bool)
    return {**_count("row", row, none, none, none), "note": note}


def matched(fit: Estimate, known: pd.DataFrame, place: str) -> pd.DataFrame:
    """The truth in the order of the fit's mutations.

    Raises
    ------
    UserError
        If the truth, indexed by mutation, lacks a mutation or condition of the fit in ``place``.
    """
    conditions = {name for terms in fit.coefficients.values() if terms for name in terms} | {fit.reference}
    for name in sorted(conditions):
        if f"beta_{name}" not in known.columns:
            raise UserError("truth.csv", f"no column beta_{name}", f"the conditions of the fit in {place}")
    absent = fit.mutations.loc[~fit.mutations["mutation"].isin(known.index), "mutation"]
    if len(absent):
        found = f"no mutation {absent.iloc[0]} ({len(absent)} absent)"
        raise UserError("truth.csv", found, f"all mutations of the fit in {place}, in the same coordinates")
    return known.loc[fit.mutations["mutation"]]


def difference(truth: pd.DataFrame, terms: Mapping[str, float]) -> np.ndarray:
    """Where the true value of a row is not zero."""
    value = sum(weight * truth[f"beta_{name}"].to_numpy(float) for name, weight in terms.items())
    return np.abs(value) > ROUNDING


def seen_in(mutations: pd.DataFrame, terms: Mapping[str, float], min_times_seen: int) -> np.ndarray:
    columns = [f"times_seen_{name}" for name in terms]
    return (mutations[columns] >= max(min_times_seen, 1)).all(axis=1).to_numpy()


PANELS = (
    ("row", "recall", "Recall, rows"),
    ("row", "precision", "Precision, rows"),
    ("pattern", "recall", "Recall, patterns"),
    ("pattern", "precision", "Precision, patterns"),
)


def figure(table: pd.DataFrame) -> Figure:
    """Recall and precision against lasso weight, a column for each difference matrix, a line for each branch.

    The upper panels count rows, the lower ones whole patterns. The reference's own branch is black, all
    branches together are dashed; replicates have markers of their own; hollow points are fits that did not
    converge. A point is absent where nothing was called or nothing was there to find.
    """
    drawn = table[(table["row"] == "all") & (table["mutations"] > 0)]
    if (drawn["branch"] == "all").all():
        return style.words_figure(_why_empty(table))
    lines = _lines(drawn)
    replicates = ordered(drawn["replicate"])
    by = _settings(table)
    panels = style.panels(drawn, by)
    fig, grid = style.panel_grid(len(panels), len(PANELS), height=1.6)
    for column, (title, panel) in enumerate(panels):
        grid[0, column].set_title(title)
        for ax, (level, measure, _) in zip(grid[:, column], PANELS, strict=True):
            _panel(ax, panel[panel["level"] == level], measure, lines, replicates)
        for ax in grid[:-1, column]:
            ax.set_xlabel("")
            ax.tick_params(labelbottom=False)
    for ax, (_, _, label) in zip(grid[:, 0], PANELS, strict=True):
        ax.set_ylabel(label)
    handles = _handles(drawn, lines, replicates)
    across = 3 if len(panels) > 1 else 1
    fig.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), across))
    fits = drawn.drop_duplicates([*by, "lasso", "replicate"])
    style.note(fig, style.unconverged_note(fits["converged"]))
    return fig


def _why_empty(table: pd.DataFrame) -> str:
    reasons = "; ".join(dict.fromkeys(note for note in table["note"] if note))
    if reasons:
        return f"Nothing to compare with the truth.\n{reasons[0].upper()}{reasons[1:]}."
    return "Nothing to compare with the truth: no shifts simulated, or no fit finished."


def _lines(drawn: pd.DataFrame) -> dict[str, dict]:
    """Keywords of each branch's line: the reference's own in black."""
    flags = drawn.groupby("branch", sort=True)["reference_branch"].first().drop("all")
    others = style.colours(flags.index[~flags])
    looks = {name: {"color": REFERENCE_COLOUR, "linewidth": 1.4} for name in flags.index[flags]}
    looks |= {name: {"color": colour, "linewidth": 0.9} for name, colour in others.items()}
    return looks | {"all": {"color": style.GREY, "linewidth": 0.9, "linestyle": "--"}}


def _panel(ax: Axes, panel: pd.DataFrame, measure: str, lines: dict[str, dict], replicates: list) -> None:
    position = style.lasso_axis(ax, panel["lasso"])
    ax.set_ylim(-0.03, 1.03)
    ax.grid(axis="y")
    # The reference's own branch is drawn last, on top.
    for branch, look in reversed(lines.items()):
        for k, replicate in enumerate(replicates):
            chosen = (panel["branch"] == branch) & (panel["replicate"] == replicate) & panel[measure].notna()
            line = panel[chosen].sort_values("lasso")
            x = position(line["lasso"])
            ax.plot(x, line[measure], **look)
            marker = style.MARKERS[k % len(style.MARKERS)]
            style.points(ax, x, line[measure], line["converged"], look["color"], marker)


def _handles(drawn: pd.DataFrame, lines: dict[str, dict], replicates: list) -> list[Line2D]:
    own = set(drawn.loc[drawn["reference_branch"], "branch"])
    labels = {name: f"shifts on {name}" for name in lines}
    labels |= {name: f"shifts on {name}, the reference's own branch" for name in own}
    labels["all"] = "all rows, whatever the branch"
    handles = [Line2D([], [], label=labels[name], **look) for name, look in lines.items()]
    if len(replicates) > 1:
        plain = {"color": style.GREY, "linestyle": "none"}
        handles += [
            Line2D([], [], label=f"replicate {label}", marker=style.MARKERS[k % len(style.MARKERS)], **plain)
            for k, label in enumerate(replicates)
        ]
    return handles


def best(table: pd.DataFrame) -> pd.DataFrame:
    """Where each matrix finds the shifts best: its lasso weight with the largest F1, and what it finds there.

    F1 = 2 both / (true + called) over all rows, averaged over replicates.

    Returns
    -------
    DataFrame
        One row for each setting other than lasso weight and replicate and for ``branches`` ``own`` (the
        reference's own) and ``other`` (the mean of the others), as far as there are such: ``lasso``, ``f1``,
        ``precision`` and ``recall`` (level ``row``), ``pattern_precision`` and ``pattern_recall``, averaged
        over replicates.
    """
    by = _settings(table)
    pooled = table[(table["level"] == "row") & (table["row"] == "all") & (table["branch"] == "all")]
    pooled = pooled.assign(f1=2 * pooled["both"] / (pooled["true"] + pooled["called"]).clip(lower=1))
    mean = pooled.groupby([*by, "lasso"], sort=False, dropna=False, as_index=False)["f1"].mean()
    top = mean.sort_values("f1", ascending=False, kind="stable").drop_duplicates(by).sort_index()
    here = table[table["branch"] != "all"].merge(top, on=[*by, "lasso"])
    here["branches"] = np.where(here["reference_branch"], "own", "other")
    keys = [*by, "lasso", "f1", "branches"]
    parts = []
    for level, prefix in (("row", ""), ("pattern", "pattern_")):
        grouped = here[here["level"] == level].groupby(keys, sort=False, dropna=False)
        parts.append(grouped[["precision", "recall"]].mean().add_prefix(prefix))
    return pd.concat(parts, axis=1).reset_index()


def _settings(table: pd.DataFrame) -> list[str]:
    """Swept parameters other than lasso weight and replicate."""
    columns = list(table.columns)
    return [name for name in columns[1 : columns.index("level")] if name not in ("lasso", "replicate")]


def reading(table: pd.DataFrame) -> str:
    """What the table says, in Markdown: a point for each setting, at its best weight (see :func:`best`)."""
    by = _settings(table)
    points = []
    for values, part in best(table).groupby([*by, "lasso", "f1"], sort=False, dropna=False):
        *setting, lasso, f1 = values
        names = ", ".join(f"{name} {value}" for name, value in zip(by, setting, strict=True))
        found = "; ".join(_sentence(row) for row in part.to_dict("records"))
        weight = f"lasso weight {style.format_weight(lasso)} (F1 {f1:.2f})"
        points.append(f"- **{names}**: best at {weight}; {found}.")
    return "\n".join(points) or "Nothing to compare with the truth."


def _sentence(row: dict) -> str:
    branches = "the reference's own branch" if row["branches"] == "own" else "the other branches"
    shares = f"{row['recall']:.0%} of the rows and {row['pattern_recall']:.0%} of the patterns"
    return f"on {branches} {shares} found"
