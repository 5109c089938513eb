"""Do replicates agree on the shifts? Pearson correlation between replicates against the lasso weight.

The correlation is over mutations seen in both replicates, in every condition that the row of the difference
matrix compares: a mutation that one of them never saw has no shift to agree upon. Intervals are percentile
bootstrap intervals over mutations (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13).
Resamples without a defined correlation cannot simply be left out: where one mutation alone has a shift, every
other resample gives exactly 1. So there is no interval where any resample is undefined or fewer than
:data:`LEAST_NONZERO` mutations have a nonzero value. Every row of the table uses the same seed, so equal sets of
mutations are resampled alike: bands along a path are comparable, and neither the order of the fits nor their
number changes an interval.
"""

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proxsweep.dms.results import fitted
from proxsweep.dms.results.fits_table import in_order
from proxsweep.dms.summaries import looks
from proxsweep.report import style
from proxsweep.report.wording import count_label, unconverged_note
from proxsweep.sweep.fits import full, ordered, sweep_columns

LEAST_MUTATIONS = 3
LEAST_NONZERO = 3  # with fewer the correlation is that of one or two points and there is no interval
LEVEL = (2.5, 97.5)  # percentiles of the interval
_CHUNK = 100  # resamples multiplied at once
_CONSTANT = 1e-12  # a variance below this share of the mean square is rounding noise
RESULTS = (
    "quantity",
    "row",
    "replicate_a",
    "replicate_b",
    "mutations",
    "nonzero",
    "pearson",
    "lower",
    "upper",
    "both_zero_share",
    "status_a",
    "status_b",
    "converged",
    "note",
)


def correlate(
    fits: pd.DataFrame,
    load: Callable[[str], fitted.Fitted] = fitted.load,
    bootstrap: int = 1000,
    seed: int = 1,
    min_times_seen: int = 1,
) -> pd.DataFrame:
    """Correlate shifts, and effects, between every two replicates of a study.

    Parameters
    ----------
    fits
        The study's table of fits; fits to a fold are left aside.
    load
        Reads the fit in a folder (column ``path``).
    bootstrap
        Number of resamples; 0 for no interval.
    seed
        Seed of the resampling.
    min_times_seen
        A mutation counts where at least so many variants carry it, in each replicate and compared condition.

    Returns
    -------
    DataFrame
        One row for each setting of the sweep, quantity and pair of replicates: the swept parameters but
        ``replicate``, then :data:`RESULTS`. ``quantity`` is ``shift`` (``row`` names a row of the difference
        matrix) or ``effect`` (``row`` names a condition). ``nonzero`` of the ``mutations`` are nonzero in at
        least one replicate; ``both_zero_share`` is the share that is exactly 0 in both; ``converged`` says
        that both fits converged; ``note`` says why a value is missing.
    """
    fits = full(fits)
    load = fitted.blank_diverged(fits, load)
    settings = sweep_columns(fits, without=("replicate",))
    columns = ["study", *settings, *RESULTS]
    cached = cache(load)
    records = []
    for study, part in fits.groupby("study", sort=False):
        replicates = ordered(part["replicate"])
        pairs = list(combinations(replicates, 2)) or [(replicates[0], None)]
        for values, group in part.groupby(settings, sort=False, dropna=False):
            setting = {"study": study, **dict(zip(settings, values, strict=True))}
            by_replicate = {fit["replicate"]: fit for fit in group.to_dict("records")}
            for a, b in pairs:
                records += [
                    setting | result for result in _pair(by_replicate, a, b, cached, bootstrap, seed, min_times_seen)
                ]
    return in_order(pd.DataFrame(records, columns=columns), settings)


def _pair(
    by_replicate: dict[Any, dict],
    a: Any,
    b: Any,
    load: Callable[[str], fitted.Fitted],
    bootstrap: int,
    seed: int,
    min_times_seen: int,
) -> Iterator[dict]:
    """Results of one pair of replicates at one setting: for each row of the matrix and each condition."""
    present = {label: by_replicate[label] for label in (a, b) if label in by_replicate}
    if not present:
        return
    loaded = {label: load(fit["path"]) for label, fit in present.items()}
    statuses = {label: fit["status"] for label, fit in present.items()}
    common = {
        "replicate_a": a,
        "replicate_b": "" if b is None else b,
        "status_a": statuses.get(a, "failed"),
        "status_b": statuses.get(b, "" if b is None else "failed"),
        "converged": set(statuses.values()) == {"converged"} and len(statuses) == (1 if b is None else 2),
    }
    some = next(iter(loaded.values()))
    asked = [("shift", row, names) for row, names in some.rows.items()]
    asked += [("effect", name, [name]) for name in some.conditions]
    for quantity, row, conditions in asked:
        if b is None:
            result = _undefined(0, "one replicate only: nothing to correlate")
        elif len(loaded) < 2:
            gone = a if a not in loaded else b
            result = _undefined(0, f"no fit of replicate {gone} at these parameters")
        else:
            column = f"shift_{row}" if quantity == "shift" else f"beta_{row}"
            both = fitted.paired(loaded[a], loaded[b], column, conditions, min_times_seen)
            result = _correlation(both["a"].to_numpy(), both["b"].to_numpy(), (a, b), quantity, bootstrap, seed)
        yield {"quantity": quantity, "row": row, **common, **result}


def _undefined(mutations: int, note: str, nonzero: int = 0, both_zero_share: float = np.nan) -> dict:
    nan = float("nan")
    return {
        "mutations": mutations,
        "nonzero": nonzero,
        "pearson": nan,
        "lower": nan,
        "upper": nan,
        "both_zero_share": both_zero_share,
        "note": note,
    }


def _correlation(
    x: np.ndarray, y: np.ndarray, labels: tuple[Any, Any], quantity: str, bootstrap: int, seed: int
) -> dict:
    count = len(x)
    nonzero = int(((x != 0) | (y != 0)).sum())
    both_zero = 1 - nonzero / count if count else float("nan")
    if count < LEAST_MUTATIONS:
        return _undefined(count, f"fewer than {LEAST_MUTATIONS} mutations to compare", nonzero, both_zero)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return _undefined(count, f"a fit diverged: {quantity}s are not finite", nonzero, both_zero)
    flat = [str(label) for label, values in zip(labels, (x, y), strict=True) if np.ptp(values) == 0]
    if flat:
        where = " and replicate ".join(flat)
        return _undefined(count, f"all {quantity}s are equal in replicate {where}", nonzero, both_zero)
    lower = upper = float("nan")
    note = ""
    if nonzero < LEAST_NONZERO:
        article = "an" if quantity == "effect" else "a"
        note = f"interval undefined: {nonzero} mutation{'s' if nonzero > 1 else ''} with {article} {quantity}"
    else:
        lower, upper, defined = interval(x, y, bootstrap, seed)
        if defined < bootstrap:
            note = f"interval undefined: in {bootstrap - defined} of {bootstrap} resamples a replicate does not vary"
    return {
        "mutations": count,
        "nonzero": nonzero,
        "pearson": pearson(x, y),
        "lower": lower,
        "upper": upper,
        "both_zero_share": both_zero,
        "note": note,
    }


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson correlation of two vectors that both vary."""
    u, v = x - x.mean(), y - y.mean()
    u, v = u / np.linalg.norm(u), v / np.linalg.norm(v)
    return float(np.clip(u @ v, -1.0, 1.0))


def interval(x: np.ndarray, y: np.ndarray, bootstrap: int, seed: int) -> tuple[float, float, int]:
    """95 % percentile bootstrap interval of the Pearson correlation, resampling pairs.

    Parameters
    ----------
    x, y : (n,)
        Paired values, both varying.
    bootstrap
        Number of resamples.
    seed
        Seed of the resampling; resample k draws ``n`` indices, in turn, from one generator.

    Returns
    -------
    tuple
        Lower and upper bound (NaN where any resample is undefined), and how many resamples had a defined
        correlation, that is varied in both.
    """
    if not bootstrap:
        return float("nan"), float("nan"), 0
    u, v = x - x.mean(), y - y.mean()
    u, v = u / np.abs(u).max(), v / np.abs(v).max()
    moments = np.stack([u, v, u * u, v * v, u * v], axis=1)
    counts = _resamples(len(x), bootstrap, seed)
    starts = range(0, bootstrap, _CHUNK)
    means = np.concatenate([counts[k : k + _CHUNK].astype(float) @ moments for k in starts]).T / len(x)
    mean_u, mean_v, square_u, square_v, product = means
    spread_u, spread_v = square_u - mean_u**2, square_v - mean_v**2
    defined = (spread_u > _CONSTANT * square_u) & (spread_v > _CONSTANT * square_v)
    if not defined.all():
        return float("nan"), float("nan"), int(defined.sum())
    values = (product - mean_u * mean_v) / np.sqrt(spread_u * spread_v)
    lower, upper = np.percentile(np.clip(values, -1.0, 1.0), LEVEL)
    return float(lower), float(upper), bootstrap


@lru_cache(maxsize=8)
def _resamples(count: int, bootstrap: int, seed: int) -> np.ndarray:
    """How often each resample holds each of ``count`` items: (bootstrap, count)."""
    generator = np.random.default_rng(seed)
    drawn = (np.bincount(generator.integers(count, size=count), minlength=count) for _ in range(bootstrap))
    return np.stack([counts.astype(np.uint16) for counts in drawn])


def figure(table: pd.DataFrame, min_times_seen: int = 1) -> Figure:
    """Correlation of shifts against lasso weight: a panel for each difference matrix, a line for each row.

    Bands are the bootstrap intervals, crosses correlations of so few shifts that they have none, hollow points
    pairs of which a fit did not converge. Where nothing can be drawn the figure says why. ``min_times_seen`` is that
    of the table.
    """
    style.apply()
    shifts = table[table["quantity"] == "shift"]
    drawn = shifts[shifts["pearson"].notna()]
    if drawn.empty:
        return style.placeholder_figure(_why_empty(table, shifts))
    lines = style.line_styles(ordered_rows(shifts))
    pairs = list(dict.fromkeys(zip(shifts["replicate_a"], shifts["replicate_b"], strict=True)))
    panels = looks.panels(shifts, sweep_columns(shifts, "quantity", without=("lasso",)))
    handles = _handles(drawn, lines, pairs)
    fig, grid = style.panel_grid(len(panels), entries=len(handles))
    axes = grid[0]
    lowest = min(0.0, float(drawn[["pearson", "lower"]].min().min()))
    for ax, (title, panel) in zip(axes, panels, strict=True):
        _panel(ax, panel, lines, pairs)
        ax.set_title(title)
        ax.set_ylim(lowest - 0.03, 1.03)
        ax.grid(axis="y")
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("Pearson correlation of shifts\nbetween replicates")
    style.legend_above(fig, handles)
    style.note(fig, _foot(shifts, drawn, min_times_seen))
    return fig


def ordered_rows(table: pd.DataFrame) -> list[str]:
    """The distinct rows in their order of appearance."""
    return list(dict.fromkeys(table["row"]))


def _why_empty(table: pd.DataFrame, shifts: pd.DataFrame) -> str:
    if table.empty:
        return "No fit finished: no correlation to show."
    if shifts.empty:
        return "One condition: there are no shifts to correlate."
    reasons = "; ".join(dict.fromkeys(shifts["note"]))
    return f"No correlation of shifts to show.\n{reasons[0].upper()}{reasons[1:]}."


def _panel(ax: Axes, panel: pd.DataFrame, lines: dict[str, dict], pairs: list[tuple]) -> None:
    position = looks.lasso_axis(ax, panel["lasso"])
    for row in ordered_rows(panel):
        part = panel[(panel["row"] == row) & panel["pearson"].notna()].sort_values("lasso")
        for k, (a, b) in enumerate(pairs):
            line = part[(part["replicate_a"] == a) & (part["replicate_b"] == b)]
            x, colour = position(line["lasso"]), lines[row]["color"]
            ax.plot(x, line["pearson"], **lines[row])
            ax.fill_between(x, line["lower"], line["upper"], color=colour, alpha=0.13, linewidth=0)
            few, y = _few(line), line["pearson"].to_numpy()
            point = ~few | ~line["converged"].to_numpy(bool)
            style.points(ax, x[point], y[point], line["converged"][point], colour, style.marker(k))
            ax.plot(x[few], y[few], color=colour, linestyle="none", marker="x", markersize=3.5, zorder=4)


def _few(table: pd.DataFrame) -> np.ndarray:
    """Correlations of so few shifts that their interval is undefined: then alone do both number and note stand."""
    return (table["pearson"].notna() & (table["note"] != "")).to_numpy()


def _handles(drawn: pd.DataFrame, lines: dict[str, dict], pairs: list[tuple]) -> list[Line2D]:
    """Legend: a line for each row drawn with its number of mutations; a marker for each pair if several."""
    marker = style.marker(0) if len(pairs) == 1 else ""
    handles = [
        Line2D([], [], label=f"{looks.row_label(row)} ({count_label(part['mutations'])})", marker=marker, **lines[row])
        for row, part in drawn.groupby("row", sort=False)
    ]
    if len(pairs) > 1:
        handles += [style.marker_handle(k, f"replicates {a}, {b}") for k, (a, b) in enumerate(pairs)]
    return handles


def _foot(shifts: pd.DataFrame, drawn: pd.DataFrame, min_times_seen: int) -> str:
    bands = f"Bands: {LEVEL[1] - LEVEL[0]:g} % bootstrap intervals over mutations."
    sentences = [bands] if drawn["lower"].notna().any() else []
    seen = looks.seen(min_times_seen)
    sentences.append(f"n: mutations {seen} in both replicates and in all conditions that the row compares.")
    if _few(shifts).any():
        sentences.append("Crosses: too few mutations with a shift for an interval; a correlation near 1 says little.")
    if shifts["pearson"].isna().any():
        sentences.append("No point where the correlation is undefined (see the table's notes).")
    # a pair of fits has many rows
    once = drawn.drop_duplicates(["study", *sweep_columns(drawn, "quantity"), "replicate_a", "replicate_b"])
    sentences.append(unconverged_note(once["converged"], "pairs of fits"))
    return " ".join(sentences)
