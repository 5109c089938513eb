"""The figures of replicates: cosines and correlations against the rank, and the chosen rank from near."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proxsweep.nmf.summaries import heatmaps, looks
from proxsweep.nmf.summaries.looks import RANK
from proxsweep.nmf.summaries.replicates import PAIR
from proxsweep.report import style
from proxsweep.sweep import chosen

NOTHING = "No pair of replicates whose fits have a result:\nnothing to compare."
PANELS = {"cosine": "Cosine of matched factors", "exposure_correlation": "Correlation of exposures"}
MOST_FACTORS = 11  # with a scatter of their own
_ACROSS, _SIDE = 4, 1.6  # panels side by side, inches


def figure(found: pd.DataFrame, choice: pd.DataFrame) -> Figure:
    """Cosines and correlations of exposures of matched factors against the rank.

    Parameters
    ----------
    found
        From :func:`proxsweep.nmf.summaries.replicates.table`.
    choice
        The study's `chosen.csv`.

    Returns
    -------
    Figure
        A point per factor and pair of replicates, hollow where a fit of the pair did not converge; lines are median and
        least. Of the setting that the study goes on with.
    """
    style.apply()
    drawn = looks.main(found, choice)
    drawn = drawn[drawn["cosine"].notna()]
    if drawn.empty:
        return style.placeholder_figure(looks.NO_FIT if choice.empty else NOTHING)
    rank = looks.selected_rank(choice)
    fig = style.new_figure(style.TWO_COLUMNS, 2.9)
    for ax, (name, label) in zip(fig.subplots(1, 2), PANELS.items(), strict=True):
        gap = looks.rank_axis(ax, drawn[RANK])
        looks.shade(ax, rank, gap)
        _panel(ax, drawn[drawn[name].notna()], name, gap)
        ax.set_ylabel(label)
    style.legend_above(fig, _handles(np.isfinite(rank)))
    style.note(fig, _foot(drawn, choice))
    return fig


def _panel(ax: Axes, drawn: pd.DataFrame, name: str, gap: float) -> None:
    ax.grid(axis="y")
    colour = style.COLOURS[0]
    style.points(ax, looks.dodged(drawn, gap), drawn[name], drawn["converged"], colour, size=2.6)
    groups = drawn.groupby(RANK)[name]
    for values, dashes in ((groups.median(), "-"), (groups.min(), "--")):
        ax.plot(values.index, values, color=style.COLOURS[1], linestyle=dashes)
    ax.set_ylim(min(0.0, float(drawn[name].min(initial=0.0) if drawn.empty else drawn[name].min())) - 0.03, 1.03)


def _handles(shaded: bool) -> list:
    handles = [Line2D([], [], color=style.COLOURS[0], marker="o", linestyle="none", label="a factor")]
    handles += [
        Line2D([], [], color=style.COLOURS[1], linestyle=dashes, label=label)
        for label, dashes in (("median", "-"), ("least", "--"))
    ]
    return [*handles, looks.chosen_handle()] if shaded else handles


def _foot(drawn: pd.DataFrame, choice: pd.DataFrame) -> str:
    pairs = drawn.drop_duplicates(list(PAIR))
    fits = drawn.drop_duplicates([RANK, *PAIR])
    bad = int((~fits["converged"].astype(bool)).sum())
    most = int(drawn["samples"].max())
    named = ", ".join(f"{a} and {b}" for a, b in pairs[list(PAIR)].head(3).itertuples(index=False))
    more = f", and {len(pairs) - 3} more pairs" if len(pairs) > 3 else ""
    return looks.sentences(
        f"Replicates {named}{more}.",
        f"Exposures: {most:,} samples of both replicates, fitted anew to the factors of either.",
        f"Hollow: in {bad} of {looks.plural(len(fits), 'pair')} of fits one did not converge." if bad else "",
        "" if bad else "All fits converged.",
        looks.others(choice),
    )


def near_figure(cosines: pd.DataFrame, exposures: pd.DataFrame, found: pd.DataFrame, choice: pd.DataFrame) -> Figure:
    """Cosines of all factors of the first two replicates as a heatmap, and a scatter of exposures for each factor.

    Parameters
    ----------
    cosines, exposures
        From :func:`proxsweep.nmf.summaries.replicates.at_one_rank`.
    found
        From :func:`proxsweep.nmf.summaries.replicates.table`, whose correlations are printed.
    choice
        The study's `chosen.csv`.

    Returns
    -------
    Figure
        At the chosen rank or, where none was chosen, that of the ranking; of many factors the first eleven.
    """
    style.apply()
    if cosines.empty or cosines["cosine"].isna().all():
        return style.placeholder_figure(looks.NO_FIT if choice.empty else NOTHING)
    pair = tuple(cosines.iloc[0][list(PAIR)])
    table, points = (_of_pair(one, pair) for one in (cosines, exposures))
    number = _of_pair(chosen.agreeing(found, chosen.main(choice)), pair).set_index("factor")
    factors = list(dict.fromkeys(table["factor"]))
    shown = factors[:MOST_FACTORS]
    bands = -(-(len(shown) + 1) // _ACROSS)
    across = min(_ACROSS, len(shown) + 1)
    fig = style.new_figure(style.TWO_COLUMNS, (_SIDE + 0.12) * bands + 0.85)
    axes = fig.subplots(bands, across, squeeze=False).ravel()
    _heatmap(axes[0], table, pair)
    replicates = dict(zip(pair, style.COLOURS, strict=False))
    for ax, factor in zip(axes[1:], shown, strict=False):
        _scatter(ax, points[points["factor"] == factor], number.loc[factor], replicates)
        other = number.loc[factor, "matched_factor"]
        ax.set_xlabel(f"by factor {looks.number(factor)} of replicate {pair[0]}", fontsize=6)
        ax.set_ylabel(f"by factor {looks.number(other)} of replicate {pair[1]}", fontsize=6)
    for ax in axes[len(shown) + 1 :]:
        ax.remove()
    style.legend_above(fig, [_sample_handle(label, colour) for label, colour in replicates.items()])
    style.note(fig, _near_foot(table, points, pair, len(factors), choice))
    return fig


def _of_pair(rows: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    return rows[(rows[PAIR[0]].astype(str) == str(pair[0])) & (rows[PAIR[1]].astype(str) == str(pair[1]))]


def _sample_handle(label: str, colour: str) -> Line2D:
    return Line2D(
        [], [], color=colour, marker="o", linestyle="none", label=f"exposure of a sample of replicate {label}"
    )


def _heatmap(ax: Axes, table: pd.DataFrame, pair: tuple[str, str]) -> None:
    rows, columns = (list(dict.fromkeys(table[name])) for name in ("factor", "other_factor"))
    values, matched = (
        table.pivot(index="factor", columns="other_factor", values=name).loc[rows, columns]
        for name in ("cosine", "matched")
    )
    labels = [[str(looks.number(name)) for name in names] for names in (rows, columns)]
    heatmaps.cosines(ax, values.to_numpy(float), matched.to_numpy(bool), *labels)
    ax.set(xlabel=f"Factor of replicate {pair[1]}", ylabel=f"Factor of replicate {pair[0]}", title="cosines")
    ax.set_box_aspect(1)


def _scatter(ax: Axes, points: pd.DataFrame, number: pd.Series, replicates: dict[str, str]) -> None:
    values = points[["exposure_a", "exposure_b"]].to_numpy(float)
    limit = 1.05 * float(values.max()) if values.size and values.max() > 0 else 1.0
    ax.axline((0, 0), slope=1, color="#BBBBBB", linewidth=0.5, zorder=0)
    for label, colour in replicates.items():
        part = points[points["replicate"].astype(str) == str(label)]
        look = {"linestyle": "none", "marker": "o", "markersize": 2.2, "markeredgewidth": 0, "alpha": 0.6}
        ax.plot(part["exposure_a"], part["exposure_b"], color=colour, rasterized=True, **look)
    ax.set(xlim=(-0.03 * limit, limit), ylim=(-0.03 * limit, limit))
    ax.set_box_aspect(1)
    correlation = number["exposure_correlation"]
    text = f"r = {correlation:.3f}" if np.isfinite(correlation) else "r undefined"
    ax.text(0.04, 0.96, text, transform=ax.transAxes, va="top", fontsize=6)
    style.light_ticks([ax], most=3)


def _near_foot(
    table: pd.DataFrame, points: pd.DataFrame, pair: tuple[str, str], factors: int, choice: pd.DataFrame
) -> str:
    converged = table["converged"].astype(bool).all()
    least = float(table.loc[table["matched"].astype(bool), "cosine"].min())
    samples = points[["replicate", "sample"]].drop_duplicates().shape[0]
    return looks.sentences(
        looks.rank_words(choice),
        f"Exposures of {samples:,} samples of both replicates, in the unit of the matrix as fitted; r: Pearson.",
        f"Framed: matched factors, whose least cosine is {least:.2f}.",
        "" if converged else "A fit of the pair did not converge.",
        f"{MOST_FACTORS} of {factors} factors have a scatter." if factors > MOST_FACTORS else "",
        looks.others(choice),
    )
