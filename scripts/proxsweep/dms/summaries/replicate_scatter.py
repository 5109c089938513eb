"""Shifts of one replicate against another, weight by weight: what lies behind the replicate correlation."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proxsweep.dms.results import fitted
from proxsweep.dms.results.fitted import kinds
from proxsweep.dms.summaries import looks
from proxsweep.report import style
from proxsweep.report.wording import short_number
from proxsweep.sweep import chosen
from proxsweep.sweep.fits import full, ordered

COLUMNS = ("lasso", "row", "mutation", "kind", "replicate_a", "replicate_b", "shift_a", "shift_b")
MOST_WEIGHTS = 8
MARKERS = {"nonsynonymous": "o", "stop": "^", "deletion": "o"}
POINTS = {
    "palette": {kind: to_rgba(colour, 0.9 if kind == "stop" else 0.45) for kind, colour in looks.KIND_COLOURS.items()},
    "markers": MARKERS,
    "sizes": {kind: 2.4**2 if kind == "stop" else 1.6**2 for kind in MARKERS},
}


def table(
    fits: pd.DataFrame,
    choice: pd.DataFrame,
    load: Callable[[str], fitted.Fitted] = fitted.load,
    min_times_seen: int = 1,
) -> pd.DataFrame:
    """Shifts of every pair of replicates, at every weight, under the selected difference matrix.

    Parameters
    ----------
    fits
        The study's table of fits.
    choice
        The study's `chosen.csv`, which names the matrix and other settings.
    load
        Reads the fit in a folder (column ``path``).
    min_times_seen
        A mutation counts where at least so many variants carry it, in each replicate and compared condition.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`, shifts in latent units. Mutations whose shift is zero in both replicates are left out.
    """
    setting = chosen.setting(choice)
    load = fitted.blank_diverged(fits, load)
    parts = []
    if setting is not None:
        for lasso, group in chosen.agreeing(full(fits), setting).groupby("lasso"):
            by_replicate = {
                label: load(group.loc[group["replicate"] == label, "path"].iloc[0])
                for label in ordered(group["replicate"])
            }
            for a, b in combinations(by_replicate, 2):
                for row in by_replicate[a].rows:
                    found = _pair(by_replicate[a], by_replicate[b], row, min_times_seen)
                    parts.append(found.assign(lasso=lasso, row=row, replicate_a=a, replicate_b=b))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)] if parts else pd.DataFrame(columns=list(COLUMNS))


def _pair(a: fitted.Fitted, b: fitted.Fitted, row: str, least: int) -> pd.DataFrame:
    both = fitted.paired(a, b, f"shift_{row}", a.rows[row], least).rename(columns={"a": "shift_a", "b": "shift_b"})
    both = both[(both != 0).any(axis=1)].reset_index()
    return both.assign(kind=kinds(both["mutation"].str[-1]))


def figure(points: pd.DataFrame, correlations: pd.DataFrame, choice: pd.DataFrame) -> Figure:
    """A column for each weight (at most eight), a row for each row of the difference matrix; the first two replicates.

    ``points`` is the table of :func:`table`, ``correlations`` that of `replicate_correlation.csv`, whose numbers are
    printed. The chosen weight's title is bold.
    """
    style.apply()
    setting = chosen.setting(choice)
    if setting is None:
        return style.placeholder_figure("No fit finished: nothing to show.")
    shifts = chosen.agreeing(correlations[correlations["quantity"] == "shift"], setting)
    if shifts.empty:
        return style.placeholder_figure("One condition: no shifts to compare between replicates.")
    shifts = shifts[shifts["status_b"].notna() & (shifts["status_b"] != "")]
    if shifts.empty:
        return style.placeholder_figure("One replicate: no shifts to compare between replicates.")
    first = shifts[["replicate_a", "replicate_b"]].astype(str).iloc[0]
    shifts = _of_pair(shifts, first)
    points = _of_pair(points, first)
    weight = chosen.weight(choice, setting)
    every = np.unique(shifts["lasso"].astype(float))
    weights = some_weights(every, weight)
    rows = list(dict.fromkeys(shifts["row"]))
    side = (style.TWO_COLUMNS - 0.78) / max(len(weights), 4) - 0.06
    fig, grid = style.fixed_panels(
        (side, side), len(rows), len(weights), left=0.66, between=0.06, below=0.12, sharex=True, sharey=True
    )
    points = points[points["lasso"].isin(weights)]
    limit = _limit(points)
    for i, row in enumerate(rows):
        for j, lasso in enumerate(weights):
            here = points[(points["row"] == row) & (points["lasso"] == lasso)]
            numbers = shifts[(shifts["row"] == row) & (shifts["lasso"] == lasso)]
            _panel(grid[i, j], here, numbers, limit)
            if i == 0:
                bold = "bold" if lasso == weight else "normal"
                grid[0, j].set_title(short_number(lasso), fontweight=bold)
        grid[i, 0].set_ylabel(f"{_two_lines(row)}\nreplicate {first['replicate_b']}", fontsize=6)
    style.light_ticks(grid.ravel(), most=3)
    title = f"Shifts (latent units) under {setting['difference']}, by lasso weight"
    _texts(fig, first, points, title + (" (chosen: bold)" if weight in weights else ""))
    style.note(fig, _foot(points, limit, len(weights), len(every)))
    return fig


def _foot(points: pd.DataFrame, limit: float, shown: int, weights: int) -> str:
    beyond = (points[["shift_a", "shift_b"]].abs() > limit).any(axis=None)
    foot = "r: Pearson correlation, with the mutations at zero in both, which are not drawn."
    foot += " Lower right: mutations with a shift in either."
    foot += " Points beyond the frame, at weight 0, are drawn on it." if beyond else ""
    return foot + (f" {shown} of {weights} weights are shown." if shown < weights else "")


def _two_lines(row: str) -> str:
    return looks.row_label(row).replace(" \N{MINUS SIGN} ", " \N{MINUS SIGN}\n")


def _of_pair(rows: pd.DataFrame, pair: pd.Series) -> pd.DataFrame:
    return rows[
        (rows["replicate_a"].astype(str) == pair["replicate_a"])
        & (rows["replicate_b"].astype(str) == pair["replicate_b"])
    ]


def some_weights(weights: np.ndarray, kept: float) -> list[float]:
    """At most eight of the ascending weights, evenly among them, with the first, the last and ``kept`` (NaN: none)."""
    places = set(np.unique(np.linspace(0, len(weights) - 1, min(MOST_WEIGHTS, len(weights))).round().astype(int)))
    wanted = {int(k) for k in np.flatnonzero(weights == kept)}
    if not wanted <= places and len(places) == MOST_WEIGHTS:
        inner = sorted(places - {0, len(weights) - 1})
        places.remove(min(inner, key=lambda k: min(abs(k - one) for one in wanted)))
    return [float(weights[k]) for k in sorted(places | wanted)]


def _limit(points: pd.DataFrame) -> float:
    """Half the width of all panels: all points at positive weights; those at 0, mostly noise, may lie beyond."""
    positive = points[points["lasso"] > 0]
    sizes = (positive if len(positive) else points)[["shift_a", "shift_b"]].abs().to_numpy(float)
    sizes = sizes[np.isfinite(sizes)]
    return 1.08 * float(sizes.max()) if sizes.size and sizes.max() > 0 else 1.0


def _panel(ax: Axes, here: pd.DataFrame, numbers: pd.DataFrame, limit: float) -> None:
    ax.axline((0, 0), slope=1, color="#BBBBBB", linewidth=0.5, zorder=0)
    ax.axhline(0, color="#DDDDDD", linewidth=0.4, zorder=0)
    ax.axvline(0, color="#DDDDDD", linewidth=0.4, zorder=0)
    shown = here.assign(**here[["shift_a", "shift_b"]].clip(-limit, limit)).sort_values("kind")  # stops on top
    how = {"hue": "kind", "style": "kind", "size": "kind", "linewidth": 0, "rasterized": True, "legend": False}
    if len(shown):
        sns.scatterplot(shown, x="shift_a", y="shift_b", ax=ax, **how, **POINTS)
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), xlabel="", ylabel="")
    if numbers.empty:
        return
    one = numbers.iloc[0]
    text = f"r = {one['pearson']:.2f}" if np.isfinite(one["pearson"]) else "r undefined"
    text += "" if one["converged"] else "\nnot converged"
    ax.text(0.04, 0.97, text, transform=ax.transAxes, va="top", fontsize=5.5, zorder=5)
    ax.text(0.97, 0.03, f"{int(one['nonzero']):,}", transform=ax.transAxes, ha="right", fontsize=5.5, zorder=5)


def _texts(fig: Figure, first: pd.Series, points: pd.DataFrame, title: str) -> None:
    handles = [
        Line2D([], [], linestyle="none", marker=MARKERS[kind], markersize=3, color=colour, label=kind)
        for kind, colour in looks.KIND_COLOURS.items()
        if (points["kind"] == kind).any()
    ]
    height = fig.get_figheight()
    extra = 0.72
    for ax in fig.axes:
        box = ax.get_position()
        ax.set_position(
            [
                box.x0,
                (box.y0 * height + extra) / (height + extra + 0.25),
                box.width,
                box.height * height / (height + extra + 0.25),
            ]
        )
    fig.set_figheight(height + extra + 0.25)
    fig.text(0.01, 1 - 0.06 / fig.get_figheight(), title, va="top", fontsize=7)
    if handles:
        fig.legend(handles=handles, loc="upper right", ncols=len(handles), handletextpad=0.1, borderaxespad=0.1)
    fig.text(0.5, (extra - 0.2) / fig.get_figheight(), f"replicate {first['replicate_a']}", ha="center", fontsize=6)
