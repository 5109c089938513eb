"""Are the shifts found that a simulation put in? Precision, recall and the area under their curve, by branch.

A fit calls a shift where a row of its difference matrix is not exactly zero. The truth of that row is the
same row applied to the true effects. Three levels are counted:

``row``
    Each row of each mutation by itself, among mutations seen in all conditions that the row compares. The
    counts of one branch take the rows that a shift on this branch moves, and there the mutations shifted on
    it and all those whose true difference is zero; shifts of other branches stay out. So a false call in
    such a row counts against every branch that moves the row.
``pattern``
    A mutation's rows together, among mutations seen in every condition that any row compares. A mutation is
    called for a branch where exactly those rows are nonzero that a shift on this branch moves.
``path``
    The fits at all lasso weights of one matrix, replicate and other swept settings together, in the sets of
    level ``row``. A row of a mutation is called where it is nonzero at some weight. Fits that did not converge
    are left out.

Precision is the share of calls that are right, recall the share of true shifts that are called. The
reference's own branch is the one whose shifts separate the reference from all other conditions. Branches that
separate the same conditions (the two below a root with two children) cannot be told apart by any fit and are
counted together.

Average precision is the area under the precision-recall curve as a sum of steps, see
:func:`average_precision`. At level ``row`` rows are ranked by the size of their shift, at level ``path`` by the
largest lasso weight at which they are nonzero, so that matrices can be compared without choosing a weight.
Rows at zero (at every weight) share the last place: there all rows are called, with the share of true shifts,
the prevalence, as precision. So a fit without nonzero rows has the prevalence as its average precision, as a
random order has, but for a little in small sets.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from proxsweep.dms.results import fitted
from proxsweep.dms.results.fits_table import in_order
from proxsweep.dms.summaries.simulated_truth import ROUNDING, Estimate, difference, matched, seen_in
from proxsweep.report.wording import short_number
from proxsweep.sweep.fits import full, sweep_columns

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
    "prevalence",
    "average_precision",
    "status",
    "converged",
    "note",
)


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
        moves (``row`` is ``all``); at level ``pattern`` one row for each branch. Last those of level ``path``,
        as at level ``row``, with ``lasso`` NaN; weights left out stand in ``note``, with the ``status`` of their
        fits, and ``converged`` is then false.

        ``both`` of ``called`` calls and of ``true`` shifts agree: ``precision`` = both / called, ``recall`` =
        both / true, ``prevalence`` = true / mutations, NaN where the denominator is 0. ``average_precision`` is
        NaN where nothing is true, and at level ``pattern``. At levels ``row`` and ``path``, ``mutations`` counts
        pairs of a mutation and a row.

    Raises
    ------
    UserError
        If a fit has a mutation or a condition that the truth lacks.
    """
    fits = full(fits)
    load = fitted.blank_diverged(fits, load)
    swept = sweep_columns(fits)
    known = truth.set_index("mutation")
    known = known.assign(branch=known["branch"].fillna(""))
    others = sweep_columns(fits, without=("lasso",))
    records, paths = [], []
    for _, path in fits.groupby(others, sort=False, dropna=False):
        compared = [_compare(load(place), known, min_times_seen, str(place)) for place in path["path"]]
        for fit, one in zip(path.to_dict("records"), compared, strict=True):
            setting = {name: fit[name] for name in ["study", *swept]}
            status = {"status": fit["status"], "converged": fit["status"] == "converged"}
            records += [setting | count | status for count in _counts(one)]
        setting |= {"lasso": np.nan}
        paths += [setting | count for count in _path_counts(compared, path["lasso"], path["status"])]
    columns = ["study", *swept, *RESULTS]
    counted = in_order(pd.DataFrame(records, columns=columns), swept)
    return pd.concat([counted, in_order(pd.DataFrame(paths, columns=columns), others)], ignore_index=True)


def average_precision(score: np.ndarray, true: np.ndarray) -> float:
    """Sum over thresholds k, from the largest score down, of (R_k - R_(k-1)) P_k.

    At a threshold everything with at least this score is called, so equal scores are called together: R_k is
    then the recall, P_k the precision. NaN where nothing is true.

    score : (N,), -inf allowed; true : (N,) bool
    """
    if not true.any():
        return np.nan
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    last = np.append(ranked[1:] != ranked[:-1], True)
    hits = np.cumsum(true[order])[last]
    precision = hits / (np.flatnonzero(last) + 1)
    return float(np.diff(hits, prepend=0) @ precision / hits[-1])


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


@dataclass(frozen=True)
class _Set:
    """What is counted together: ``among`` (R, M) the pairs of row and mutation.

    For a branch ``moves`` (R,) are the rows that a shift on it moves and ``here`` (M,) the mutations shifted on it.
    """

    labels: Mapping[str, str | bool]
    among: np.ndarray
    moves: np.ndarray | None = None
    here: np.ndarray | None = None


@dataclass(frozen=True)
class Comparison:
    """The rows of a fit beside the truth, (R, M): ``shifts`` (latent units), ``true`` and ``seen`` (bool).

    ``nothing`` says of each row that cannot be counted why not.
    """

    shifts: np.ndarray
    true: np.ndarray
    seen: np.ndarray
    sets: list[_Set]
    nothing: Mapping[str, str]


def _compare(fit: Estimate, known: pd.DataFrame, min_times_seen: int, place: str) -> Comparison:
    truth = matched(fit, known, place)
    rows = {row: terms for row, terms in fit.coefficients.items() if terms is not None}
    inner = [row for row in fit.coefficients if row not in rows]
    nothing = dict.fromkeys(inner, "touches an inner node of the tree, whose truth is unknown")
    shifts = fit.mutations[[f"shift_{row}" for row in rows]].to_numpy(float).T
    if not rows or not np.isfinite(shifts).all():
        none = np.zeros((0, 0), dtype=bool)
        return Comparison(none, none, none, [], nothing | dict.fromkeys(rows, "the fit diverged"))
    true = np.stack([difference(truth, terms) for terms in rows.values()])
    seen = np.stack([seen_in(fit.mutations, terms, min_times_seen) for terms in rows.values()])
    labels = {"row": "all", "branch": "all", "reference_branch": False, "note": ""}
    one = np.eye(len(rows), dtype=bool)[:, :, None]
    sets = [_Set({**labels, "row": row}, seen & one[k]) for k, row in enumerate(rows)]
    sets.append(_Set(labels, seen))
    for branch in _branches(known, fit.reference):
        moves = np.array([_moves(terms, branch) for terms in rows.values()])
        here = truth["branch"].isin(branch.members).to_numpy()
        note = "" if moves.any() else "no row of the matrix is moved by a shift on this branch"
        named = {**labels, "branch": branch.name, "reference_branch": branch.own, "note": note}
        sets.append(_Set(named, seen & moves[:, None] & (here | ~true), moves, here))
    return Comparison(shifts, true, seen, sets, nothing)


def _moves(terms: Mapping[str, float], branch: _Branch) -> bool:
    return abs(sum(weight for name, weight in terms.items() if name in branch.moved)) > ROUNDING


def _counts(fit: Comparison) -> list[dict]:
    """Counts of one fit at levels ``row`` and ``pattern``."""
    called = fit.shifts != 0
    counts = []
    for one in fit.sets:
        counts.append(_count("row", one, fit.true, called, np.abs(fit.shifts)))
        if one.moves is not None:
            pattern = (called == one.moves[:, None]).all(axis=0) & one.moves.any()
            whole = _Set(one.labels, fit.seen.all(axis=0))
            counts.append(_count("pattern", whole, one.here, pattern))
    return counts + [_nothing("row", row, note) for row, note in fit.nothing.items()]


def _path_counts(fits: list[Comparison], weights: pd.Series, statuses: pd.Series) -> list[dict]:
    """Counts at level ``path`` of the fits at all weights, which share their mutations; with their status."""
    converged = (statuses == "converged").to_numpy()
    kept = [(fit, weight) for fit, weight, good in zip(fits, weights, converged, strict=True) if good]
    missing = [short_number(weight) for weight in sorted(weights[~converged])]
    note = f"left out, not converged: lasso weight {', '.join(missing)}" if missing else ""
    status = ", ".join(sorted(set(statuses[~converged]))) or "converged"
    counts = [_nothing("path", "all", "")]
    if kept:
        score = np.max([np.where(fit.shifts != 0, weight, -np.inf) for fit, weight in kept], axis=0)
        first, _ = kept[0]
        counts = [_count("path", one, first.true, np.isfinite(score), score) for one in first.sets]
        counts += [_nothing("path", row, why) for row, why in first.nothing.items()]
    notes = ["; ".join(filter(None, [count["note"], note])) for count in counts]
    return [
        {**count, "note": text, "status": status, "converged": not missing}
        for count, text in zip(counts, notes, strict=True)
    ]


def _count(level: str, counted: _Set, true: np.ndarray, called: np.ndarray, score: np.ndarray | None = None) -> dict:
    among = counted.among
    count = {
        "mutations": int(among.sum()),
        "true": int((among & true).sum()),
        "called": int((among & called).sum()),
        "both": int((among & true & called).sum()),
    }
    return {
        "level": level,
        **counted.labels,
        **count,
        "precision": _share(count["both"], count["called"]),
        "recall": _share(count["both"], count["true"]),
        "prevalence": _share(count["true"], count["mutations"]),
        "average_precision": np.nan if score is None else average_precision(score[among], true[among]),
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else np.nan


def _nothing(level: str, row: str, note: str) -> dict:
    """A row of the table where nothing can be counted."""
    none = np.zeros(0, dtype=bool)
    labels = {"row": row, "branch": "all", "reference_branch": False, "note": note}
    return _count(level, _Set(labels, none), none, none)


def best(table: pd.DataFrame) -> pd.DataFrame:
    """Where each matrix finds the shifts best: its lasso weight with the largest F1, and what it finds there.

    F1 = 2 both / (true + called) over all rows, averaged over replicates.

    Returns
    -------
    DataFrame
        One row for each setting other than lasso weight and replicate and for ``branches`` ``own`` (the
        reference's own) and ``other`` (the mean of the others), as far as there are such: ``lasso``, ``f1``,
        ``precision``, ``recall``, ``prevalence`` and ``average_precision`` (level ``row``),
        ``pattern_precision`` and ``pattern_recall``, averaged over replicates. Last, whatever the weight,
        ``path_average_precision``, NaN where no fit converged.
    """
    by = settings(table)
    pooled = table[(table["level"] == "row") & (table["row"] == "all") & (table["branch"] == "all")]
    pooled = pooled.assign(f1=2 * pooled["both"] / (pooled["true"] + pooled["called"]).clip(lower=1))
    mean = pooled.groupby([*by, "lasso"], sort=False, dropna=False, as_index=False)["f1"].mean()
    top = mean.sort_values("f1", ascending=False, kind="stable").drop_duplicates(by).sort_index()
    branches = table[table["branch"] != "all"]
    branches = branches.assign(branches=np.where(branches["reference_branch"], "own", "other"))
    here = branches.merge(top, on=[*by, "lasso"])
    paths = branches[branches["level"] == "path"].drop(columns="lasso").merge(top, on=by)
    chosen = (
        ("", here[here["level"] == "row"], ["precision", "recall", "prevalence", "average_precision"]),
        ("pattern_", here[here["level"] == "pattern"], ["precision", "recall"]),
        ("path_", paths, ["average_precision"]),
    )
    keys = [*by, "lasso", "f1", "branches"]
    parts = [
        part.groupby(keys, sort=False, dropna=False)[measures].mean().add_prefix(prefix)
        for prefix, part, measures in chosen
    ]
    return pd.concat(parts, axis=1).reset_index()


def settings(table: pd.DataFrame) -> list[str]:
    """Swept parameters other than lasso weight and replicate."""
    return sweep_columns(table, "level", without=("lasso", "replicate"))


def reading(table: pd.DataFrame) -> str:
    """What the table says, in Markdown: a point for each setting, at its best weight (see :func:`best`)."""
    by = settings(table)
    points = []
    for values, part in best(table).groupby([*by, "lasso", "f1"], sort=False, dropna=False):
        *setting, lasso, f1 = values
        names = ", ".join(f"{name} {value}" for name, value in zip(by, setting, strict=True))
        found = "; ".join(_sentence(row) for row in part.to_dict("records"))
        weight = f"lasso weight {short_number(lasso)} (F1 {f1:.2f})"
        points.append(f"- **{names}**: best at {weight}; {found}.")
    return "\n".join(points) or "Nothing to compare with the truth."


def _sentence(row: dict) -> str:
    branches = "the reference's own branch" if row["branches"] == "own" else "the other branches"
    shares = f"{row['recall']:.0%} of the rows and {row['pattern_recall']:.0%} of the patterns"
    area = row["path_average_precision"]
    path = f" (average precision along the path {area:.2f})" if np.isfinite(area) else ""
    return f"on {branches} {shares} found{path}"
