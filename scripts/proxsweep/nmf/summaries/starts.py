"""Does the start matter? Every start of every fit: how far above the best it ended, and with which factors.

A start that has the objective and the product of the best one may still have other factors; the kinds of starts
(:class:`proxsweep.nmf.model.matching.Kind`) keep that apart from another optimum.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proxsweep.nmf.model.matching import GAP_BY_TOLERANCE, OTHER_GAP, Kind
from proxsweep.nmf.roles import ROLES
from proxsweep.nmf.summaries import looks
from proxsweep.nmf.summaries.looks import RANK, REPLICATE
from proxsweep.report import style
from proxsweep.report.wording import short_number
from proxsweep.sweep import chosen, fit_folder
from proxsweep.sweep.fits import full, in_order, sweep_columns

FILE = "starts.csv"
TEXT = ("start", "status", "kind")
NUMBERS = ("objective", "smooth", "penalty", "relative_residual", "gap", "iterations", "seconds", "zeros")
NUMBERS += ("dead_factors", "product_difference", "least_cosine", "samples_changed")
RESULTS = ("start", "status", *NUMBERS[:-3], "reseeded", *NUMBERS[-3:], "kind", "won")
FLOOR = 1e-12  # relative gaps below it are rounding, and drawn here
MOST_PANELS = 6
_SLOT = 0.2  # of the distance between two ranks, for each kind


def load(path: str | Path) -> pd.DataFrame:
    """Read ``starts.csv`` from the folder of a fit; its ``loss`` is called ``smooth``, as in `fits.csv`."""
    needed = ["loss" if name == "smooth" else name for name in RESULTS]
    return fit_folder.table(path, FILE, TEXT, needed).rename(columns={"loss": "smooth"})


def table(fits: pd.DataFrame, load: Callable[[str], pd.DataFrame] = load) -> pd.DataFrame:
    """How every start of every fit ended.

    Parameters
    ----------
    fits
        The study's table of fits; those to folds and resamples are left aside.
    load
        Reads the starts of the fit in a folder (column ``path``).

    Returns
    -------
    DataFrame
        One row per fit and start: the swept parameters, then :data:`RESULTS`, the columns of the fit's
        ``starts.csv``, with its ``loss`` as ``smooth`` (`loss` may be swept).
    """
    whole = full(fits)
    names = ["study", *sweep_columns(whole)]
    parts = []
    for fit in in_order(whole, names[1:], ROLES).to_dict("records"):
        found = load(fit["path"])[list(RESULTS)]
        parts.append(found.assign(**{name: fit[name] for name in names}))
    columns = [*names, *RESULTS]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def tally(found: pd.DataFrame) -> pd.DataFrame:
    """How many starts of each fit of :func:`table` are of each kind.

    Returns
    -------
    DataFrame
        The swept parameters, ``starts``, a column for each kind, and ``spread``: the largest gap of a start that
        converged.
    """
    by = sweep_columns(found, "start")
    groups = found.groupby(by, sort=False, dropna=False)
    counted = groups.size().rename("of").to_frame()
    for name in looks.KINDS:
        counted[name] = groups["kind"].agg(lambda kinds, name=name: int((kinds == name).sum()))
    converged = found["gap"].astype(float).where(found["kind"] != Kind.NOT_CONVERGED)
    counted["spread"] = converged.groupby([found[name] for name in by], sort=False, dropna=False).max()
    return counted.reset_index().rename(columns={"of": "number of starts" if "starts" in by else "starts"})


def figure(found: pd.DataFrame, choice: pd.DataFrame, tolerance: float) -> Figure:
    """Objective above the best of the fit's starts against the rank: a point for each start, a panel for each setting.

    Parameters
    ----------
    found
        From :func:`table`.
    choice
        The study's `chosen.csv`.
    tolerance
        Of the solver; where it is swept the table has it.

    Returns
    -------
    Figure
        Colour and marker are those of the kind of start, hollow where it did not converge; on the floor are those with
        the objective of the best. The setting that the study goes on with comes first; of many the first six are drawn.
    """
    style.apply()
    drawn = found[found["gap"].notna() & np.isfinite(found["gap"].astype(float))]
    if drawn.empty:
        return style.placeholder_figure("Every start diverged." if len(found) else looks.NO_FIT)
    if found.groupby(["study", *sweep_columns(found, "start")], dropna=False).size().max() < 2:
        return style.placeholder_figure("One start per fit: nothing to compare.")
    panels = _panels(drawn, choice)
    shown = panels[:MOST_PANELS]
    limits = [_limit(panel, tolerance) for _, panel in shown]
    marked = [chosen.weight(choice, _setting(panel)) for _, panel in shown]
    handles = looks.kind_handles(drawn["kind"])
    handles += [looks.chosen_handle()] if np.isfinite(marked).any() else []
    fig, grid = _grid(len(shown), len(handles))
    largest = float(drawn["gap"].max())
    for ax, (title, panel), rank, limit in zip(grid[0], shown, marked, limits, strict=True):
        _panel(ax, panel, rank, limit, largest)
        ax.set_title(title)
    style.label_rows(grid, ["Objective above the best start\n(relative)"])
    style.legend_above(fig, handles)
    style.note(fig, _foot(found, len(panels), limits))
    return fig


def _grid(panels: int, entries: int) -> tuple[Figure, np.ndarray]:
    """A single panel is as wide as the page: it holds as many points as several do."""
    if panels > 1:
        return style.panel_grid(panels, height=2.1, entries=entries)
    fig = style.new_figure(style.TWO_COLUMNS, 3.0)
    return fig, fig.subplots(1, 1, squeeze=False)


def _panels(drawn: pd.DataFrame, choice: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """A part for each setting, that of the study first."""
    by = sweep_columns(drawn, "start", without=(RANK, REPLICATE))
    panels = looks.panel_titles(drawn, by)
    own = chosen.setting(choice)
    return sorted(panels, key=lambda panel: own is None or chosen.agreeing(panel[1], own).empty)


def _setting(panel: pd.DataFrame) -> dict[str, object]:
    names = sweep_columns(panel, "start", without=(RANK, REPLICATE))
    return panel.iloc[0][["study", *names]].to_dict()


def _panel(ax: Axes, panel: pd.DataFrame, rank: float, limit: float, largest: float) -> None:
    gap = looks.rank_axis(ax, panel[RANK])
    looks.shade(ax, rank, gap)
    low, high = FLOOR / 3, max(3 * largest, 1e-4)
    ax.set(yscale="log", ylim=(low, high))
    looks.log_ticks(ax.yaxis, low, high, most=7)
    ax.grid(axis="y")
    for level, dashes in ((FLOOR, (0, (1, 1.5))), (limit, (0, (4, 2)))):
        ax.axhline(level, color="black", linewidth=0.5, linestyle=dashes, zorder=1)
    for place, (name, kind) in enumerate(looks.KINDS.items()):
        part = panel[panel["kind"] == name]
        x = part[RANK] + gap * _SLOT * (place - 1.5 + _spread(part))
        y = part["gap"].astype(float).clip(lower=FLOOR)
        style.points(ax, x, y, part["kind"] != Kind.NOT_CONVERGED, kind.colour, kind.marker, size=2.2)


def _spread(part: pd.DataFrame) -> np.ndarray:
    """Places from -0.4 to 0.4 for the starts of a rank, evenly and in the order of the table."""
    groups = part.groupby(RANK)
    number, of = groups.cumcount().to_numpy(float), groups[RANK].transform("size").to_numpy(float)
    return 0.8 * ((number + 0.5) / of - 0.5)


def _limit(panel: pd.DataFrame, tolerance: float) -> float:
    """The relative objective above the best from which on a start has another optimum."""
    own = float(panel["tolerance"].iloc[0]) if "tolerance" in panel else tolerance
    return max(OTHER_GAP, GAP_BY_TOLERANCE * own)


def _foot(found: pd.DataFrame, panels: int, limits: list[float]) -> str:
    counts = found["kind"].value_counts()
    named = "; ".join(f"{kind.label}: {counts.get(name, 0):,}" for name, kind in looks.KINDS.items())
    levels = " or ".join(map(short_number, dict.fromkeys(limits)))
    diverged = int((found["status"] == "diverged").sum())
    return looks.sentences(
        f"Of {len(found):,} starts: {named}.",
        _other_factors(found[found["kind"] == Kind.OTHER_FACTORS]),
        f"A converged start above the dashed line ({levels}) has another optimum.",
        f"On the dotted line: at most {short_number(FLOOR)}.",
        f"{diverged} diverged: no point." if diverged else "",
        f"{MOST_PANELS} of {panels} settings are shown, the table has all." if panels > MOST_PANELS else "",
    )


def _other_factors(part: pd.DataFrame) -> str:
    """What starts with the same product and other factors mean."""
    if part.empty:
        return ""
    least, moved = part["least_cosine"].min(), int(part["samples_changed"].max())
    samples = f"; up to {looks.plural(moved, 'sample')} change their largest factor" if moved else ""
    have = "start has" if len(part) == 1 else "starts have"
    return (
        f"{len(part):,} {have} the product of the best one but other factors (matched factors agree down to a cosine of"
        f" {least:.2f}{samples}): there the product is settled, the factors are not."
    )
