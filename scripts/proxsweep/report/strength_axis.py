"""The axis of a sweep's strength: the swept number of at least 0 that makes fits simpler as it grows.

Its name and label are handed in. Curves over it have a line for each setting and a point for each fit.
"""

from collections.abc import Callable, Iterable, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from proxsweep.report import style
from proxsweep.report.wording import short_number

CHOSEN_COLOUR = "#DDDDDD"
_LABEL_INCHES = 0.16  # what a slanted tick label needs along the axis

Position = Callable[[float | Sequence[float] | np.ndarray], np.ndarray]


def colours(strengths: Iterable[float]) -> dict[float, tuple[float, ...]]:
    """Colours of strengths: from dark (small) to bright (large), 0 in grey."""
    ordered = sorted({float(strength) for strength in strengths})
    positive = [strength for strength in ordered if strength > 0]
    shades = mpl.colormaps["viridis"](np.linspace(0, 0.88, max(len(positive), 1)))
    zero = {0.0: mpl.colors.to_rgba(style.GREY)} if 0.0 in ordered else {}
    return zero | {strength: tuple(shade) for strength, shade in zip(positive, shades, strict=False)}


def strength_axis(ax: Axes, strengths: Iterable[float], label: str) -> Position:
    """Turn the x axis into one of strengths: a log scale, with 0 at its left beyond a marked break.

    Parameters
    ----------
    ax
        The axes whose x axis it becomes.
    strengths
        All strengths to be shown, at least one, none below 0.
    label
        The axis label.

    Returns
    -------
    position
        Function from a strength or an array of them to x coordinates; everything drawn goes through it.

    Raises
    ------
    ValueError
        If there is no strength or one is negative or not finite.
    """
    ordered = np.unique(np.asarray(list(strengths), dtype=float))
    if ordered.size == 0 or not np.all(np.isfinite(ordered)) or ordered[0] < 0:
        raise ValueError(f"strengths must be finite and at least 0, found {ordered}")
    logs = np.log10(ordered[ordered > 0])
    steps = np.diff(logs)
    gap = max(1.5 * float(np.median(steps)), 0.08 * float(steps.sum())) if steps.size else 0.75
    zero = logs[0] - gap if logs.size else 0.0

    def position(strength: float | Sequence[float] | np.ndarray) -> np.ndarray:
        values = np.asarray(strength, dtype=float)
        return np.where(values > 0, np.log10(np.where(values > 0, values, 1.0)), zero)

    _ticks(ax, ordered, position(ordered))
    ax.set_xlabel(label)
    if ordered[0] == 0 and logs.size:
        _break_mark(ax, zero + gap / 2)
    return position


def _ticks(ax: Axes, strengths: np.ndarray, places: np.ndarray) -> None:
    """A tick for each of the ascending strengths, labelled as far as there is room; sets the limits."""
    margin = 0.04 * (places[-1] - places[0]) + 0.02 + (0.3 if places.size == 1 else 0.0)
    ax.set_xlim(places[0] - margin, places[-1] + margin)
    width = ax.get_position().width * ax.figure.get_figwidth()  # inches, before the layout
    shown = _spaced(places, _LABEL_INCHES / width * (places[-1] - places[0]))
    turn = 2.5 * _LABEL_INCHES * sum(shown) > width
    ax.set_xticks(
        places,
        [short_number(strength) if keep else "" for strength, keep in zip(strengths, shown, strict=True)],
        rotation=45 if turn else 0,
        ha="right" if turn else "center",
        rotation_mode="anchor",
    )
    ax.tick_params(axis="x", which="minor", bottom=False)


def _spaced(places: np.ndarray, least: float) -> list[bool]:
    """Which of the ascending places get a label: from the left, each at least so far from the one before."""
    last, keep = -np.inf, []
    for place in places:
        keep.append(bool(place - last >= least))
        last = place if keep[-1] else last
    return keep


def _break_mark(ax: Axes, x: float) -> None:
    """Two slanted strokes and a gap in the x axis at data coordinate ``x``."""
    look = {"transform": ax.get_xaxis_transform(), "clip_on": False, "linestyle": "none", "zorder": 10}
    ax.plot([x], [0], marker="s", markersize=2.5, color="white", markeredgecolor="white", **look)
    low, high = ax.get_xlim()
    slant = {"marker": [(-1, -1.6), (1, 1.6)], "markersize": 5, "color": "black", "markeredgewidth": 0.6}
    for shift in (-0.008, 0.008):
        ax.plot([x + shift * (high - low)], [0], **slant, **look)


def mark(ax: Axes, position: Position, strength: float) -> None:
    """Shade the chosen strength in axes made by :func:`strength_axis`; nothing where none was chosen (NaN)."""
    if np.isfinite(strength):
        low, high = ax.get_xlim()
        half = 0.02 * (high - low)
        x = float(position(strength))
        ax.axvspan(x - half, x + half, color=CHOSEN_COLOUR, linewidth=0, zorder=0)


def chosen_handle(label: str) -> Patch:
    """Legend entry that names the shading of the chosen strength."""
    return Patch(color=CHOSEN_COLOUR, linewidth=0, label=label)
