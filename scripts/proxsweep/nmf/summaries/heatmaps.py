"""Heatmaps of cosines between factors, the pairs that were matched framed."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

COLOURS = mpl.colormaps["Blues"]
NORM = Normalize(0, 1)
MOST_NUMBERS = 9  # rows or columns up to which cells have their number printed
MOST_LABELS = 14
_DARK = 0.6  # a cosine from which on numbers are white


def cosines(ax: Axes, values: np.ndarray, matched: np.ndarray, rows: Sequence[str], columns: Sequence[str]) -> None:
    """Draw a table of cosines.

    Parameters
    ----------
    ax
    values : (k, l)
        Cosines, from 0 (white) to 1.
    matched : (k, l) bool
        Pairs that are framed.
    rows, columns
        Labels of k rows and l columns; of many only some are printed.
    """
    ax.imshow(values, cmap=COLOURS, norm=NORM, aspect="auto", interpolation="none")
    for i, j in np.argwhere(matched):
        ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor="black", linewidth=0.8, clip_on=False))
    if max(values.shape) <= MOST_NUMBERS:
        for (i, j), value in np.ndenumerate(values):
            colour = "white" if value > _DARK else "black"
            ax.text(j, i, _number(value), ha="center", va="center", fontsize=5, color=colour)
    for axis, labels in ((ax.xaxis, columns), (ax.yaxis, rows)):
        step = -(-len(labels) // MOST_LABELS)
        axis.set_ticks(range(0, len(labels), step), labels[::step])
    ax.tick_params(length=0, pad=2)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _number(value: float) -> str:
    """A cosine with two digits and no leading zero: ``.07``, ``1``."""
    text = f"{value:.2f}"
    return text[1:] if text.startswith("0.") else text.removesuffix(".00")


def colour_bar(fig: Figure, axes: Sequence[Axes], label: str = "Cosine") -> None:
    """One bar of colours at the right of the axes."""
    bar = fig.colorbar(ScalarMappable(NORM, COLOURS), ax=list(axes), shrink=0.6, aspect=18, pad=0.02)
    bar.set_label(label)
    bar.outline.set_linewidth(0.4)
