"""Room below the panels of a figure whose places are fixed, which no layout makes for it."""

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

BETWEEN = 0.03  # inches between the panels' labels and the note


def for_note(fig: Figure) -> None:
    """Extend a drawn figure below where the note under it (``style.note``) would reach into its panels."""
    note = fig._supxlabel
    if note is None or not fig.axes or isinstance(fig.get_layout_engine(), ConstrainedLayoutEngine):
        return
    lowest = min(ax.get_tightbbox().y0 for ax in fig.axes)
    missing = (note.get_window_extent().y1 - lowest) / fig.dpi
    if missing > 0:
        extend_below(fig, missing + BETWEEN)


def extend_below(fig: Figure, inches: float) -> None:
    """Make a figure higher; what it has stays at its distance from the top, the note at that from the bottom."""
    before = fig.get_figheight()
    after = before + inches
    for ax in fig.axes:
        box = ax.get_position()
        ax.set_position((box.x0, (box.y0 * before + inches) / after, box.width, box.height * before / after))
    for text in fig.texts:
        if text is not fig._supxlabel:
            text.set_y((text.get_position()[1] * before + inches) / after)
    if fig._supxlabel is not None:
        x, y = fig._supxlabel.get_position()
        fig._supxlabel.set_position((x, y * before / after))
    fig.set_figheight(after)
