"""Figures of fusion patterns, drawn from the tables of :mod:`proxsweep.dms.summaries.patterns`."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from proxsweep.dms.summaries import looks
from proxsweep.dms.summaries.patterns import ALL_DIFFERENT, ALL_EQUAL, CHOSEN, ENOUGH, LARGEST, RESULTS, members
from proxsweep.report import strength_axis, style
from proxsweep.report.wording import means_note, short_number, unconverged_note
from proxsweep.sweep.fits import ordered, sweep_columns

LINES = 8  # patterns with a line of their own in the figure over lasso weights
RANKED = 12  # patterns in the ranked figure
ROWS = 6  # patterns in the figure along the sequence
RULES = {  # by which a weight is shown, in words
    CHOSEN: "the chosen weight",
    ENOUGH: f"the smallest weight with at least {ENOUGH.removesuffix(' equal')} of mutations all equal",
    LARGEST: f"the largest weight, none having {ENOUGH.removesuffix(' equal')} of mutations all equal",
}
_LARGEST = 20  # conditions in a dot matrix


def settings(table: pd.DataFrame) -> list[str]:
    """What is swept but lasso weight and replicate."""
    return sweep_columns(table, "pattern", without=("lasso", "replicate"))


def ranking(table: pd.DataFrame) -> list[str]:
    """Patterns with some but not all conditions equal, by their largest mean count over replicates at weights shown.

    Patterns of fits that are not shown come after, by their largest count there.
    """
    some = table[~table["pattern"].isin(["", ALL_EQUAL, ALL_DIFFERENT])]
    by = [*settings(table), "lasso", "pattern"]
    means = some.assign(near=some["shown"] != "").groupby([*by, "near"], sort=False)["mutations"].mean().reset_index()
    largest = means.groupby(["pattern", "near"])["mutations"].max().unstack(fill_value=0)
    largest = largest.reindex(columns=[True, False], fill_value=0).reset_index()
    return largest.sort_values([True, False, "pattern"], ascending=[False, False, True])["pattern"].tolist()


def line_styles(patterns: Sequence[str], conditions: Sequence[str]) -> dict[str, dict]:
    """Lines of patterns: one condition apart in its own colour, all equal and all different in grey, others dashed."""
    colours = style.colours(conditions)
    free = [colour for colour in reversed(style.COLOURS) if colour not in colours.values()] or [style.GREY]
    lines = {
        ALL_EQUAL: {"color": style.GREY, "linestyle": "-"},
        ALL_DIFFERENT: {"color": style.GREY, "linestyle": ":"},
    }
    others = 0
    for pattern in patterns:
        alone = [group for group in members(pattern, conditions)[:-1] if len(group) == 1]
        if pattern.count("|") == 1 and alone:
            lines[pattern] = {"color": colours[conditions[alone[0][0]]], "linestyle": "-"}
        else:
            dash = style.LINE_STYLES[1 + others // len(free) % 3]
            lines[pattern] = {"color": free[others % len(free)], "linestyle": dash}
            others += 1
    return lines


def figure(table: pd.DataFrame, conditions: Sequence[str], min_times_seen: int = 1) -> Figure:
    """Number of mutations of each pattern against the lasso weight, a panel for each difference matrix.

    The first patterns of :func:`ranking` have a line. Markers tell replicates apart; points of fits that did not
    converge are hollow. ``min_times_seen`` is that of the table.
    """
    drawn = table[table["pattern"] != ""]
    if drawn.empty:
        return style.placeholder_figure(_why_empty(table))
    patterns = ranking(table)[:LINES]
    lines = line_styles(patterns, conditions)
    kept = [ALL_EQUAL, *patterns, *([ALL_DIFFERENT] if (drawn["pattern"] == ALL_DIFFERENT).any() else [])]
    replicates = ordered(drawn["replicate"])
    handles = [Line2D([], [], label=pattern, **lines[pattern]) for pattern in kept]
    if len(replicates) > 1:
        handles += [style.marker_handle(k, f"replicate {label}") for k, label in enumerate(replicates)]
    panels = looks.panels(drawn, settings(table))
    fig, grid = style.panel_grid(len(panels), height=2.0, entries=len(handles))
    for ax, (title, panel) in zip(grid[0], panels, strict=True):
        ax.set_title(title)
        position = looks.lasso_axis(ax, panel["lasso"])
        _mark_shown(ax, position, panel)
        for pattern in kept:
            for k, replicate in enumerate(replicates):
                part = _complete(panel[panel["replicate"] == replicate], pattern)
                ax.plot(position(part["lasso"]), part["mutations"], **lines[pattern])
                x, colour = position(part["lasso"]), lines[pattern]["color"]
                style.points(ax, x, part["mutations"], part["converged"], colour, style.marker(k), size=2.5)
        ax.set_yscale("symlog", linthresh=1, linscale=0.4)
        style_counts(ax, drawn["of"].max())
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("Mutations")
    style.legend_above(fig, handles, f"Mutations {looks.seen(min_times_seen)} in all {len(conditions)} conditions")
    style.note(fig, _foot(table, patterns))
    return fig


def style_counts(ax: Axes, most: int) -> None:
    """Ticks at 0 and powers of ten up to ``most``, as plain numbers."""
    ticks = [0, *(10**k for k in range(int(np.log10(max(most, 1))) + 1))]
    ax.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.tick_params(axis="y", which="minor", left=False)
    ax.set_ylim(0, 1.6 * most)
    ax.grid(axis="y")


def _complete(part: pd.DataFrame, pattern: str) -> pd.DataFrame:
    """One row for each fit, with 0 where the pattern is not found."""
    fits = part[["lasso", "converged"]].drop_duplicates("lasso").sort_values("lasso")
    found = part[part["pattern"] == pattern].set_index("lasso")["mutations"]
    return fits.assign(mutations=found.reindex(fits["lasso"]).fillna(0).to_numpy())


def _mark_shown(ax: Axes, position, panel: pd.DataFrame) -> None:
    weights = panel.loc[panel["shown"] != "", "lasso"].unique()
    if len(weights):
        strength_axis.mark(ax, position, float(weights[0]))


def _foot(table: pd.DataFrame, patterns: Sequence[str]) -> str:
    looked = table[(table["shown"] != "") & (table["pattern"] != "")]
    shaded = f"Shaded: {_where(looked)}." if len(looked) else ""
    others = _in_the_table({*table["pattern"]} - {"", ALL_EQUAL, ALL_DIFFERENT, *patterns}, "other")
    return _joined(shaded, others, _ended(table))


def _fits(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each fit."""
    return rows.drop_duplicates([column for column in rows.columns if column not in RESULTS])


def _ended(rows: pd.DataFrame) -> str:
    """How the fits of these rows ended."""
    fits = _fits(rows)
    return unconverged_note(fits.loc[fits["pattern"] != "", "converged"], diverged=(fits["status"] == "diverged").sum())


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _in_the_table(patterns: set[str], which: str) -> str:
    count = len(patterns)
    return f"{count} {which} pattern{'s are' if count > 1 else ' is'} in the table." if count else ""


def _where(looked: pd.DataFrame) -> str:
    """By which rules the weights are shown, each with the shares of mutations all equal there, setting by setting."""
    equal = looked[looked["pattern"] == ALL_EQUAL]
    shares = equal.groupby(["shown", *settings(looked)], sort=False, dropna=False)["share"].mean()
    by_reason = shares.groupby(level="shown", sort=False)
    return " or ".join(f"{RULES[reason]} (all equal: {_listed(part)})" for reason, part in by_reason)


def _listed(shares: Iterable[float]) -> str:
    """``63 %``, ``63 % and 80 %`` or, of more than three, ``63 % to 80 %``."""
    texts = list(dict.fromkeys(map(_percent, shares)))
    if len(texts) > 3:
        return f"{_percent(min(shares))} to {_percent(max(shares))}"
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))


def _percent(share: float) -> str:
    """Rounded down: a share below 95 % is not printed as 95 %."""
    return f"{math.floor(100 * share + 1e-9)} %"


def _why_empty(table: pd.DataFrame) -> str:
    if table.empty:
        return "No fit finished: no patterns to count."
    rows = table if (table["pattern"] == "").all() else table[table["shown"] != ""]
    reasons = "; ".join(dict.fromkeys(note for note in rows["note"] if note))
    return f"No patterns to count: {reasons or 'no fit at the chosen weight finished'}."


def ranked_figure(table: pd.DataFrame, conditions: Sequence[str]) -> Figure:
    """The commonest patterns at the weight shown: bars of counts above, groups of conditions below.

    In the matrix below, dots of one colour joined by a line are conditions of equal effect; the largest group is grey.
    Bars are means over replicates, points the replicates. ``all equal`` is not drawn but named above each panel.
    """
    looked = table[(table["shown"] != "") & (table["pattern"] != "")]
    if looked.empty:
        return style.placeholder_figure(_why_empty(table))
    if len(conditions) > _LARGEST:
        return style.placeholder_figure(f"More than {_LARGEST} conditions: the ranked patterns are in the table.")
    panels = looks.panels(looked, settings(table))
    across = 1 if len(panels) == 1 else 2
    bands = -(-len(panels) // across)
    width = style.ONE_COLUMN if across == 1 else style.TWO_COLUMNS
    below = 0.13 * len(conditions) + 0.1
    fig = style.new_figure(width, bands * (1.75 + below) + 0.3)
    grid = fig.subplots(2 * bands, across, squeeze=False, gridspec_kw={"height_ratios": [1.3, below] * bands})
    columns = max(6, *(min(len(ranked(panel)), RANKED) for _, panel in panels))
    for k, ax in enumerate(grid[::2].ravel()):
        under = grid[1::2].ravel()[k]
        if k >= len(panels):
            ax.remove()
            under.remove()
            continue
        _ranked_panel(ax, under, *panels[k], conditions, columns, first=k % across == 0)
    style.note(fig, _ranked_foot(table, [panel for _, panel in panels]))
    return fig


def _ranked_foot(table: pd.DataFrame, panels: Sequence[pd.DataFrame]) -> str:
    left_out = {pattern for panel in panels for pattern in ranked(panel).index[RANKED:]}
    means = means_note(max(panel["replicate"].nunique() for panel in panels))
    rarer = _in_the_table(left_out, "rarer")
    return _joined(f"At {_where(pd.concat(panels))}.", means, rarer, _ended(table[table["shown"] != ""]))


def ranked(panel: pd.DataFrame) -> pd.Series:
    """Mean count over replicates of each pattern but ``all equal``, largest first: the heights of the bars."""
    fits = panel[["lasso", "replicate"]].drop_duplicates()
    total = panel[panel["pattern"] != ALL_EQUAL].groupby("pattern")["mutations"].sum() / len(fits)
    table = total.rename("mean").reset_index().sort_values(["mean", "pattern"], ascending=[False, True])
    return table.set_index("pattern")["mean"]


def _ranked_panel(
    ax: Axes, under: Axes, title: str, panel: pd.DataFrame, conditions: Sequence[str], columns: int, first: bool
) -> None:
    means = ranked(panel)[:RANKED]
    equal = panel[panel["pattern"] == ALL_EQUAL]["mutations"].mean()
    weight = short_number(float(panel["lasso"].iloc[0]))
    title = f"{title}, " if title else ""
    ax.set_title(f"{title}lasso weight {weight} (all equal: {equal:,.5g} of {panel['of'].mean():,.5g})")
    x = np.arange(len(means))
    ax.bar(x, means, width=0.62, color=strength_axis.CHOSEN_COLOUR)
    replicates = ordered(panel["replicate"])
    tops = means.to_numpy(float).copy()
    for k, replicate in enumerate(replicates):
        part = panel[panel["replicate"] == replicate]
        heights = part.set_index("pattern")["mutations"].reindex(means.index).fillna(0).to_numpy()
        good = np.repeat(bool(part["converged"].all()), len(heights))
        if len(replicates) > 1 or not good.all():
            style.points(ax, x, heights, good, style.GREY, style.marker(k), size=2.5)
        tops = np.maximum(tops, heights)
    for place, top, mean in zip(x, tops, means, strict=True):
        ax.annotate(f"{mean:,.4g}", (place, top), (0, 3), textcoords="offset points", ha="center", fontsize=5.5)
    ax.set_ylim(0, 1.18 * max(tops.max(initial=0), 1))
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    for axes in (ax, under):
        axes.set_xlim(-0.6, columns - 0.4)
        axes.set_xticks([])
    if first:
        ax.set_ylabel("Mutations")
    _dots(under, list(means.index), conditions)


def _dots(ax: Axes, patterns: Sequence[str], conditions: Sequence[str]) -> None:
    """Rows are conditions, columns patterns; conditions of one group have one colour and are joined."""
    shades = ["#111111", "#0072B2", "#D55E00", "#009E73"]
    size = 4.0 if len(conditions) <= 8 else 2.5
    for place, pattern in enumerate(patterns):
        groups = members(pattern, conditions)
        grey = len(groups) - 1 if pattern != ALL_DIFFERENT else -1
        for k, group in enumerate(groups):
            colour = "#BBBBBB" if k == grey else shades[k % len(shades)]
            shift = 0.0 if len(groups) == 2 or len(group) == 1 else 0.12 * (k - (len(groups) - 1) / 2)
            x, below = [place + shift] * len(group), k == grey
            ax.plot(x, group, "-", color=colour, linewidth=1.2, zorder=1 if below else 2)
            ax.plot(x, group, "o", color=colour, markersize=size, markeredgewidth=0, zorder=3)
    ax.set_ylim(len(conditions) - 0.5, -0.5)
    ax.set_yticks(range(len(conditions)), conditions)
    ax.tick_params(axis="y", length=0)
    ax.spines[["left", "bottom"]].set_visible(False)


def sites_figure(table: pd.DataFrame, listed: pd.DataFrame, conditions: Sequence[str], choice: pd.DataFrame) -> Figure:
    """Where the commonest patterns sit: mutations at each site, a row for each pattern.

    Of the selected setting, or the first. Bars are means over replicates; all rows have one scale.

    Parameters
    ----------
    table, listed
        What :func:`proxsweep.dms.summaries.patterns.counts` and :func:`~proxsweep.dms.summaries.patterns.mutations`
        returned.
    choice
        The study's `chosen.csv`.
    """
    looked = table[table["shown"] != ""]
    if (looked["pattern"] == "").all():
        return style.placeholder_figure(_why_empty(table))
    if listed.empty:
        reason = "every mutation is all equal at the weights shown."
        return style.placeholder_figure(f"No pattern to show along the sequence: {reason}")
    by = settings(table)
    setting = _main_setting(listed, by, choice)
    part, looked = (
        rows[np.logical_and.reduce([rows[column] == setting[column] for column in by])] if by else rows
        for rows in (listed, looked)
    )
    drawn = looked[looked["pattern"] != ""]
    heights = site_counts(part, drawn["replicate"].nunique())
    fig = style.new_figure(style.TWO_COLUMNS, 0.42 * max(len(heights), 2) + 0.85)
    axes = fig.subplots(len(heights), 1, squeeze=False, sharex=True, sharey=True)[:, 0]
    sites = list(heights.columns)
    x = site_places(sites)
    for ax, (pattern, values) in zip(axes, heights.iterrows(), strict=True):
        ax.vlines(x, 0, values, color=style.COLOURS[0], linewidth=1.1)
        ax.set_title(f"{pattern}: {values.sum():,.4g}", loc="left", pad=2)
        ax.set_ylim(0, 1.1 * heights.to_numpy().max())
        _name_peaks(ax, x, values)
    axes[0].yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes[-1].set_xlabel("Site")
    fig.supylabel("Mutations at the site", fontsize=7)
    title = ", ".join(str(setting[column]) for column in by if column == "difference" or listed[column].nunique() > 1)
    weight = short_number(float(part["lasso"].iloc[0]))
    where = f"{title}, lasso weight {weight}: {_where(drawn)}.".removeprefix(", ")
    rarer = _in_the_table({*part["pattern"]} - {*heights.index}, "rarer")
    style.note(fig, _joined(where, means_note(drawn["replicate"].nunique()), rarer, _ended(looked)))
    return fig


def _main_setting(listed: pd.DataFrame, by: Sequence[str], choice: pd.DataFrame) -> dict:
    wanted = choice[choice["chosen"].astype(bool)]
    rows = listed
    for column in by:
        if len(wanted) and column in wanted and (rows[column] == wanted[column].iloc[0]).any():
            rows = rows[rows[column] == wanted[column].iloc[0]]
    return rows.iloc[0].to_dict()


def site_counts(part: pd.DataFrame, fits: int) -> pd.DataFrame:
    """Mean number of mutations over ``fits``: a row for each of the commonest patterns, a column for each site.

    Sites without any mutation of these patterns are left out; columns are in the order of the sequence.
    """
    totals = part["pattern"].value_counts()
    common = sorted(totals.index, key=lambda pattern: (-totals[pattern], pattern))[:ROWS]
    found = part[part["pattern"].isin(common)].groupby(["pattern", "site"]).size().unstack(fill_value=0) / fits
    order = sorted(found.columns, key=_site_key)
    return found.loc[common, order]


def _site_key(site: str) -> tuple[int, str]:
    digits = "".join(letter for letter in site if letter.isdigit())
    return (int(digits) if digits else 0), site


def site_places(sites: Sequence[str]) -> np.ndarray:
    """Places of sites on the axis: their numbers, sites with a suffix just behind."""
    keys = [_site_key(site) for site in sites]
    suffixes = [site.lstrip("-0123456789") for site in sites]
    behind = [0.1 * (1 + ord(suffix[0].lower()) - ord("a")) if suffix else 0.0 for suffix in suffixes]
    return np.array([key[0] for key in keys], float) + np.clip(behind, 0, 0.9)


def _name_peaks(ax: Axes, x: np.ndarray, values: pd.Series, most: int = 6) -> None:
    """Name the highest sites of a row, at least two mutations high and not too near to each other."""
    span = max(x.max() - x.min(), 1.0)
    named: list[float] = []
    for k in np.argsort(-values.to_numpy(), kind="stable"):
        if values.iloc[k] < 2 or len(named) == most:
            return
        if all(abs(x[k] - other) > 0.025 * span for other in named):
            ax.annotate(
                values.index[k], (x[k], values.iloc[k]), (0, 1), textcoords="offset points", ha="center", fontsize=5
            )
            named.append(x[k])
