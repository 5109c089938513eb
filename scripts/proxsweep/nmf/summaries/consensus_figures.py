"""The consensus of samples as a heatmap with labels, clusters and local densities; the top features of each factor."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure

from proxsweep.nmf.results import co_clustering
from proxsweep.nmf.summaries import agreement, consensus, looks
from proxsweep.nmf.summaries.consensus import Consensus
from proxsweep.report import style

SHADES = mpl.colormaps["Blues"]
BARS = 10  # features of a factor that are drawn
MOST_PANELS, _ACROSS = 12, 4
BINS = 30  # of the histogram, up to the threshold
LONGEST = 18  # characters of a name that are printed
_NO_LABEL = "#FFFFFF"
_ROW = 0.1  # inches, a row of the table of labels
_MANY = 600  # samples from which on the heatmap is drawn with the dots of the figure


def figure(found: Consensus, choice: pd.DataFrame, column: str, replicates: int = 1) -> Figure:
    """The consensus matrix of the samples, beside it clusters against labels and the local densities of factors.

    Parameters
    ----------
    found
        What the consensus consists of.
    choice
        The study's `chosen.csv`.
    column
        The column of labels; empty for none.
    replicates
        How many the study has; the consensus is that of the first.

    Returns
    -------
    Figure
        Samples stand in the order of the leaves of the average linkage; bars above and at the left have the colours of
        their labels and of their clusters. Without labels the sizes of the clusters are drawn. Where there is no
        consensus the figure says why.
    """
    style.apply()
    if found.nothing:
        return style.placeholder_figure(_foot_of_nothing(found, choice), style.TWO_COLUMNS)
    counts = consensus.contingency(found, column) if column else pd.DataFrame()
    labels = list(counts.index)
    heights = [max(1.2, _ROW * len(labels)), 1.5]  # inches
    fig = style.new_figure(style.TWO_COLUMNS, max(4.2, sum(heights) + 1.7))
    grid = fig.add_gridspec(1, 2, width_ratios=(1.3, 1))
    _matrix(fig, grid[0, 0], found, column, labels)
    right = grid[0, 1].subgridspec(2, 1, height_ratios=heights)
    upper = fig.add_subplot(right[0, 0])
    if labels:
        _contingency(upper, counts, column)
    else:
        _sizes(upper, found)
    _densities(fig.add_subplot(right[1, 0]), found)
    style.note(fig, _foot(found, choice, column, replicates))
    return fig


def label_colours(labels: list[str]) -> dict[str, tuple[float, ...]]:
    """A colour for each label: the seven of the style, then these lighter, darker and lightest."""
    mixed = [(0.0, 0.0), (1.0, 0.5), (0.0, 0.4), (1.0, 0.75), (0.0, 0.65)]
    found = {}
    for k, label in enumerate(labels):
        base = np.array(to_rgb(style.COLOURS[k % len(style.COLOURS)]))
        towards, share = mixed[k // len(style.COLOURS) % len(mixed)]
        found[label] = tuple(base * (1 - share) + towards * share)
    return found


def _matrix(fig: Figure, place, found: Consensus, column: str, labels: list[str]) -> None:
    """Heatmap with a bar of clusters at its left and, with labels, one of these above it."""
    shares, names = found.arrays["consensus"], found.arrays["samples"]
    thin = 0.05
    sub = place.subgridspec(2, 2, width_ratios=(thin, 1), height_ratios=(thin, 1), wspace=0.02, hspace=0.02)
    ax = fig.add_subplot(sub[1, 1])
    how = "none" if len(names) <= _MANY else "auto"
    ax.imshow(shares, cmap=SHADES, norm=Normalize(0, 1), aspect="auto", interpolation=how)
    ax.set(xticks=[], yticks=[])
    ax.set_xlabel(f"{len(names):,} samples, by average linkage")
    numbers = found.arrays["clusters"].astype(int)
    _cluster_bar(fig.add_subplot(sub[1, 0]), numbers)
    if labels:
        own = found.samples.set_index(agreement.SAMPLE)[column].reindex(names)
        colours = label_colours(labels)
        _strip(fig.add_subplot(sub[0, 1]), np.array([[colours.get(one, to_rgb(_NO_LABEL)) for one in own]]))
    bar = fig.colorbar(
        ScalarMappable(Normalize(0, 1), SHADES), ax=ax, location="bottom", shrink=0.5, aspect=25, pad=0.02
    )
    bar.set_label("Share of starts with one largest factor")
    bar.outline.set_linewidth(0.4)


def _cluster_bar(ax: Axes, numbers: np.ndarray) -> None:
    """Two greys in turn, the number of the cluster beside each run of samples."""
    edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
    turn = np.concatenate([np.full(b - a, k % 2) for k, (a, b) in enumerate(zip(edges, edges[1:], strict=False))])
    greys = np.array([to_rgb("#BBBBBB"), to_rgb("#555555")])
    _strip(ax, greys[turn.astype(int)][:, None])
    runs = [(a, b) for a, b in zip(edges, edges[1:], strict=False) if b - a >= 0.02 * len(numbers)]
    ax.set_yticks([(a + b - 1) / 2 for a, b in runs], [str(numbers[a]) for a, _ in runs])
    ax.tick_params(axis="y", length=0, pad=1.5)
    ax.set_ylabel("Cluster")


def _strip(ax: Axes, picture: np.ndarray) -> None:
    ax.imshow(picture, aspect="auto", interpolation="none")
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)


def _contingency(ax: Axes, counts: pd.DataFrame, column: str) -> None:
    """Numbers of samples by label and cluster, shaded by their share of the label; the key to the labels' colours."""
    values = counts.to_numpy(float)
    shares = values / values.sum(axis=1, keepdims=True)
    ax.imshow(shares, cmap=SHADES, norm=Normalize(0, 1), aspect="auto", interpolation="none")
    small = 5 if len(counts) <= 14 else 4
    for (i, j), share in np.ndenumerate(shares):
        colour = "white" if share > 0.6 else "black"
        if values[i, j]:
            ax.text(j, i, f"{values[i, j]:,.0f}", ha="center", va="center", fontsize=small, color=colour)
    ax.set_yticks(range(len(counts)), [_short(str(label)) for label in counts.index], fontsize=5)
    ax.tick_params(axis="y", pad=7)
    look = {"linestyle": "none", "marker": "s", "markersize": 4, "clip_on": False}
    for row, colour in enumerate(label_colours(list(counts.index)).values()):
        ax.plot([-0.025], [row], color=colour, transform=ax.get_yaxis_transform(), **look)
    ax.set_xticks(range(counts.shape[1]), [f"{int(number)}" for number in counts.columns])
    ax.tick_params(length=0)
    ax.set(xlabel="Cluster", title=f"samples by {column} and cluster")
    for spine in ax.spines.values():
        spine.set_visible(False)


def _sizes(ax: Axes, found: Consensus) -> None:
    """Numbers of samples in every cluster, where there are no labels."""
    sizes = consensus.label_counts(found, "")
    ax.bar(sizes["cluster"], sizes["samples"], width=0.7, color=style.GREY, linewidth=0)
    ax.grid(axis="y")
    ax.set(xlabel="Cluster", ylabel="Samples")
    style.light_ticks([ax], most=8)


def _densities(ax: Axes, found: Consensus) -> None:
    """Local densities of the factors of all starts used, and the threshold."""
    values = found.factors["local_density"].to_numpy(float)
    threshold = float(found.summary["density_threshold"].iloc[0])
    width = threshold / BINS
    edges = width * np.arange(int(max(BINS, np.ceil(values.max() / width))) + 2)
    top = edges[-1]
    ax.hist(values, edges, color=style.COLOURS[0], linewidth=0)
    ax.axvline(threshold, color="black", linewidth=0.7, linestyle=(0, (4, 2)))
    ax.set(xlim=(0, top), xlabel="Mean distance to the nearest factors", ylabel="Factors of starts")
    ax.set_yscale("symlog", linthresh=1)
    most = int(np.histogram(values, edges)[0].max())
    ticks = [0, *(10**k for k in range(int(np.log10(max(most, 1))) + 1))]
    ax.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.minorticks_off()
    ax.text(threshold, 0.97, " left out", transform=ax.get_xaxis_transform(), va="top", fontsize=6)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _foot_of_nothing(found: Consensus, choice: pd.DataFrame) -> str:
    return looks.NO_RANK if found.summary.empty and not choice.empty else found.nothing


def _foot(found: Consensus, choice: pd.DataFrame, column: str, replicates: int) -> str:
    row = found.summary.iloc[0]
    outliers, factors = int(row["outliers"]), int(row["factors"])
    threshold = f"{row['density_threshold']:g}"
    left = f"{outliers} of {factors} factors of starts are left out as outliers (mean distance of {threshold} or more)."
    return looks.sentences(
        looks.rank_words(choice),
        starts_used(row),
        left,
        _cophenetic(row, found),
        _rand_index(found, column),
        "" if row["status"] == "converged" else "The fit itself did not converge.",
        f"Replicate {row['replicate']}, the first of {replicates}." if replicates > 1 else "",
        looks.others(choice),
    )


def starts_used(row: pd.Series) -> str:
    """How many starts the consensus rests on, and which were left out."""
    used, starts = int(row["starts_used"]), int(row["starts"])
    not_converged, diverged = int(row["not_converged"]), int(row["diverged"])
    kept = used > starts - not_converged - diverged
    left = [] if kept or not not_converged else [f"{not_converged} not converged"]
    left += [f"{diverged} diverged"] if diverged else []
    text = f"{used} of {looks.plural(starts, 'start')} are used"
    text += f" (left out: {', '.join(left)})" if left else ""
    return f"{text}, {not_converged} of them not converged, as asked for." if kept else f"{text}."


def _cophenetic(row: pd.Series, found: Consensus) -> str:
    value = row["cophenetic"]
    drawn, every = int(row["consensus_samples"]), len(found.samples)
    of = f" (of {drawn:,} of {every:,} samples, drawn at random)" if every > drawn == co_clustering.MOST_SAMPLES else ""
    if not np.isfinite(value):
        return f"The cophenetic correlation is undefined: all samples stand together equally often{of}."
    return f"Cophenetic correlation {value:.3f}{of}."


def _rand_index(found: Consensus, column: str) -> str:
    if not column:
        return "The samples have no labels to compare the clusters with."
    index = agreement.adjusted_rand_index(found.samples[column], found.samples["cluster"])
    return f"Adjusted Rand index of clusters against {column}: {index:.2f}." if np.isfinite(index) else ""


def features_figure(found: Consensus, choice: pd.DataFrame) -> Figure:
    """The ten features with the largest shares of each factor of the consensus, a panel for each factor.

    Titles have the factor's share of all exposures; of many factors the first twelve are drawn.
    """
    style.apply()
    if found.nothing:
        return style.placeholder_figure(_foot_of_nothing(found, choice), style.TWO_COLUMNS)
    top, shares = consensus.top_features(found), consensus.exposure_shares(found)
    names = found.factor_names
    shown = names[:MOST_PANELS]
    across = min(_ACROSS, len(shown))
    bands = -(-len(shown) // across)
    fig = style.new_figure(style.TWO_COLUMNS, 1.65 * bands + 0.45)
    axes = fig.subplots(bands, across, squeeze=False).ravel()
    for ax, name in zip(axes, shown, strict=False):
        part = top[(top["factor"] == name) & (top["place"] <= BARS)]
        _bars(ax, part)
        ax.set_title(f"factor {looks.number(name)} ({_percent(shares[name])})")
    for ax in axes[len(shown) :]:
        ax.remove()
    for ax in axes[max(0, len(shown) - across) : len(shown)]:
        ax.set_xlabel("Share of the factor")
    style.note(fig, _features_foot(found, top, choice))
    return fig


def _bars(ax: Axes, part: pd.DataFrame) -> None:
    places = np.arange(len(part))
    ax.barh(places, part["share"], height=0.75, color=style.COLOURS[0], linewidth=0)
    ax.set_yticks(places, [_short(str(name)) for name in part["feature"]], fontsize=5.5)
    ax.set_ylim(max(BARS, len(part)) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
    style.light_ticks([_OnlyX(ax)], most=3)


class _OnlyX:
    """Axes of which ``style.light_ticks`` sees the x axis alone: the y axis has names."""

    def __init__(self, ax: Axes) -> None:
        self.xaxis = self.yaxis = ax.xaxis


def _features_foot(found: Consensus, top: pd.DataFrame, choice: pd.DataFrame) -> str:
    row, names = found.summary.iloc[0], found.factor_names
    shown = top[top["place"] <= BARS]
    sums = shown.groupby("factor", sort=False)["share"].sum()
    return looks.sentences(
        looks.rank_words(choice),
        f"Medians over starts: {starts_used(row)}",
        "In brackets: a factor's share of all exposures.",
        f"The features drawn are {_range(sums)} of a factor.",
        f"The first {MOST_PANELS} of {len(names)} factors are drawn." if len(names) > MOST_PANELS else "",
        "" if row["status"] == "converged" else "The fit itself did not converge.",
        looks.others(choice),
    )


def _range(shares: pd.Series) -> str:
    least, most = _percent(shares.min()), _percent(shares.max())
    return least if least == most else f"{least} to {most}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
