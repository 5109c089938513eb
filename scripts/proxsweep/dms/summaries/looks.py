"""How figures of deep mutational scans look: colours and labels of their own, the axis of lasso weights."""

from collections.abc import Iterable, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from proxsweep.report import strength_axis, style
from proxsweep.report.wording import short_number
from proxsweep.sweep import chosen

NO_WEIGHT = "No lasso weight at which every fit\nhas a result: nothing to show."
KIND_COLOURS = {"nonsynonymous": "#0072B2", "stop": "#D55E00", "deletion": "#009E73"}
UNSEEN_COLOUR = "#C8C8C8"
SHIFT_LABEL = "Shift (latent units)"


def shift_colours() -> mpl.colors.ListedColormap:
    """From red (below 0) to blue (above), without the white middle: that is left to shifts of exactly 0."""
    shades = mpl.colormaps["RdBu"](np.concatenate([np.linspace(0.02, 0.4, 64), np.linspace(0.6, 0.98, 64)]))
    return mpl.colors.ListedColormap(shades, "shifts")


def row_label(row: str) -> str:
    """Print a row of a difference matrix: ``a-minus-b`` as ``a − b``, any other name as it stands."""
    return row.replace("-minus-", " \N{MINUS SIGN} ")


def seen(min_times_seen: int) -> str:
    """How often a mutation was seen that counts: ``seen``, or ``seen at least 3 times``."""
    return f"seen at least {min_times_seen} times" if min_times_seen > 1 else "seen"


def setting(choice: pd.DataFrame) -> str:
    """Which fits a figure shows, and whether their weight was chosen: a sentence or two."""
    main = chosen.main(choice)
    where = f"Difference matrix {main['difference']}, lasso weight {short_number(main['lasso'])}."
    return where if chosen.is_selected(choice) else f"{where} {ranking(choice)}"


def ranking(choice: pd.DataFrame) -> str:
    """A sentence for figures of a study without a chosen weight; empty where one was chosen."""
    if chosen.is_selected(choice) or not chosen.reason(choice):
        return ""
    return f"A ranking, no selection ({chosen.reason(choice)})."


def no_shift(weight: float, selected: bool = True) -> str:
    """What is known where no shift is found at the weight shown or, without one (NaN), at any positive one."""
    where = "any positive lasso weight"
    if np.isfinite(weight):
        where = f"the {'chosen ' if selected else ''}lasso weight, {short_number(weight)}"
    return f"none of the mutations counted has a shift at {where}."


def unconverged_replicates(count: int) -> str:
    """One sentence for values that rest on the fits of all replicates; nothing where all converged."""
    return f"{count} of the replicates' fits did not converge." if count else ""


def lasso_axis(ax: Axes, weights: Iterable[float]) -> strength_axis.Position:
    """The x axis of lasso weights (:func:`proxsweep.report.strength_axis.strength_axis`)."""
    return strength_axis.strength_axis(ax, weights, "Lasso weight")


def chosen_handle() -> Patch:
    """Legend entry that names the shading of the chosen lasso weight."""
    return strength_axis.chosen_handle("chosen weight")


def panels(table: pd.DataFrame, by: Sequence[str]) -> list[tuple[str, pd.DataFrame]]:
    """A part of the table for each setting, whose title begins with the difference matrix (``style.panels``)."""
    return style.panels(table, by, bare="difference")
