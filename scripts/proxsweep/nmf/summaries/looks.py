"""How figures of factorisations look: kinds of starts, the axis of ranks, and the setting that is drawn.

A figure draws the setting that the study goes on with (`chosen.csv`); its table has every setting, and its foot counts
those that are not drawn.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from proxsweep.nmf.roles import ROLES
from proxsweep.report import strength_axis, style
from proxsweep.report.wording import short_number
from proxsweep.sweep import chosen, rules
from proxsweep.sweep.fits import ordered
from proxsweep.sweep.grid import label

NO_FIT = "No fit finished: nothing to show."
NO_RANK = "No rank at which every fit\nhas a result: nothing to show."
RULES = {rules.HELD_OUT: "held-out error", rules.STABILITY: "stability"}
MOST_RANKS = 12  # that have a label on the axis
REPLICATE, RANK = ROLES.replicate, ROLES.strength


class Kind(NamedTuple):
    """How a kind of start (column ``kind`` of `starts.csv`) is called and drawn."""

    label: str
    colour: str
    marker: str


KINDS = {
    "same": Kind("same factors", style.COLOURS[0], "o"),
    "same_product_other_factors": Kind("same product, other factors", style.COLOURS[4], "s"),
    "other_optimum": Kind("other optimum", style.COLOURS[1], "^"),
    "not_converged": Kind("not converged", style.GREY, "o"),
}


def main(table: pd.DataFrame, choice: pd.DataFrame) -> pd.DataFrame:
    """The rows of the setting that the study goes on with, every rank and replicate of it."""
    setting = chosen.setting(choice)
    return table.iloc[:0] if setting is None else chosen.agreeing(table, setting)


def rank_of(choice: pd.DataFrame) -> float:
    """The rank that figures of one rank show: selected, or that of the ranking; NaN where there is none."""
    found = chosen.main(choice)
    return float("nan") if found is None else float(found[RANK])


def selected_rank(choice: pd.DataFrame) -> float:
    """The rank that was selected; NaN where none was."""
    return rank_of(choice) if chosen.is_selected(choice) else float("nan")


def others(choice: pd.DataFrame, of: str = "figure") -> str:
    """Which setting is drawn, and how many others the table has; nothing where there is one alone."""
    setting = chosen.setting(choice)
    if setting is None or len(choice) < 2:
        return ""
    varying = [name for name in setting if name != "study" and choice[name].nunique(dropna=False) > 1]
    named = ", ".join(f"{name} {value(setting[name])}" for name in varying)
    number = len(choice) - 1
    rest = "one other setting is" if number == 1 else f"{number} other settings are"
    return f"This {of} shows {named}; {rest} in the table."


def value(swept: Any) -> str:
    """Print the value of a swept parameter as paths have it: ``0.1``, ``hals``, ``true``, ``none``."""
    return "none" if pd.isna(swept) else label(swept.item() if isinstance(swept, np.generic) else swept)


def verdict(choice: pd.DataFrame) -> str:
    """Which rank was chosen, by what, and what each rule says: sentences for a figure's foot."""
    setting = chosen.setting(choice)
    if setting is None:
        return ""
    row = chosen.agreeing(choice, setting).iloc[0]
    return " ".join(filter(None, (_chosen(row), _compared(row))))


def rank_words(choice: pd.DataFrame) -> str:
    """Which rank a figure of one rank shows, and whether it was chosen."""
    if chosen.is_selected(choice):
        return f"Rank {rank_of(choice):g}, the chosen one."
    return f"Rank {rank_of(choice):g}; none was chosen: {_reason(chosen.reason(choice))}."


def _chosen(row: pd.Series) -> str:
    if not row["selected"]:
        return f"No rank is chosen: {_reason(row['reason'])}."
    if row["by"] == rules.GIVEN:
        return f"Rank {row[RANK]:g} is given in the config."
    return f"Rank {row[RANK]:g} is chosen by {RULES.get(row['by'], row['by'])} ({row['reason']})."


def _reason(text: str) -> str:
    """Why no rank was chosen, without the words that say that none was."""
    return text.removeprefix(f"no {ROLES.strength_noun}: ")


def _compared(row: pd.Series) -> str:
    """What the rules say of each other, where one of them at least selects a rank."""
    found = {words: row.get(rule, np.nan) for rule, words in RULES.items()}
    ranks = {rank for rank in found.values() if np.isfinite(rank)}
    says = "; ".join(f"{words}: {f'{rank:g}' if np.isfinite(rank) else 'no rank'}" for words, rank in found.items())
    if len(ranks) == 2:
        return f"The rules disagree: {says}."
    if len(ranks) == 1 and all(np.isfinite(rank) for rank in found.values()):
        return f"Both rules, {' and '.join(found)}, select rank {ranks.pop():g}."
    return f"By rule: {says}." if ranks else ""


def rank_axis(ax: Axes, ranks: Iterable[float], named: bool = True) -> float:
    """Turn the x axis into one of ranks, a tick each as far as there is room; gives the least distance of two."""
    found = np.unique(np.asarray(list(ranks), float))
    gap = float(np.diff(found).min()) if found.size > 1 else 1.0
    ax.set_xlim(found[0] - 0.75 * gap, found[-1] + 0.75 * gap)
    if found.size <= MOST_RANKS:
        ax.set_xticks(found, [f"{rank:g}" for rank in found])
    else:
        ax.xaxis.set_major_locator(MaxNLocator(MOST_RANKS, integer=True))
    if named:
        ax.set_xlabel("Rank (number of factors)")
    return gap


def log_ticks(axis: Axis, low: float, high: float, most: int = 6) -> None:
    """Few ticks of a log axis from ``low`` to ``high``, in plain text: 1e-3."""
    axis.set_major_locator(LogLocator(subs=(1.0,) if high > 100 * low else (1.0, 2.0, 5.0), numticks=most))
    axis.set_major_formatter(FuncFormatter(lambda value, place: short_number(value)))
    axis.set_minor_locator(NullLocator())


def shade(ax: Axes, rank: float, gap: float) -> None:
    """Shade the place of the chosen rank; nothing where none was chosen (NaN)."""
    if np.isfinite(rank):
        colour = strength_axis.CHOSEN_COLOUR
        ax.axvspan(rank - 0.5 * gap, rank + 0.5 * gap, color=colour, linewidth=0, zorder=0)


def dodged(rows: pd.DataFrame, gap: float) -> np.ndarray:
    """Places along the axis of ranks for rows of one rank, evenly around it in the order of the table."""
    groups = rows.groupby(RANK)[RANK]
    place, of = groups.cumcount().to_numpy(float) + 0.5, groups.transform("size").to_numpy(float)
    return rows[RANK].to_numpy(float) + 0.7 * gap * (place / of - 0.5)


def chosen_handle() -> Patch:
    """Legend entry that names the shading."""
    return strength_axis.chosen_handle("chosen rank")


def kind_handles(found: Iterable[str]) -> list[Line2D]:
    """Legend entries of the kinds of starts that are there, in the order of :data:`KINDS`."""
    there = set(found)
    return [_kind_handle(name) for name in KINDS if name in there]


def _kind_handle(name: str) -> Line2D:
    kind = KINDS[name]
    filled = "white" if name == "not_converged" else kind.colour
    look = {"color": kind.colour, "markerfacecolor": filled, "markeredgewidth": 0.8}
    return Line2D([], [], linestyle="none", marker=kind.marker, label=kind.label, **look)


def kind_bars(found: Iterable[str]) -> list[Patch]:
    """The same for stacked bars, where starts that did not converge are hatched."""
    there = set(found)
    return [bar_handle(name) for name in KINDS if name in there]


def bar_handle(name: str) -> Patch:
    """Legend entry of a kind of start, as bars draw it."""
    return Patch(**bar_look(name), label=KINDS[name].label)


def bar_look(name: str) -> dict[str, Any]:
    """Keywords of a kind's bars."""
    kind, bare = KINDS[name], name == "not_converged"
    hatch = {"hatch": "//////"} if bare else {}
    return {"facecolor": "white" if bare else kind.colour, "edgecolor": kind.colour, "linewidth": 0.6, **hatch}


def triangle_handle(text: str) -> Line2D:
    """Legend entry of the triangle over the rank that a rule selects."""
    return Line2D([], [], linestyle="none", marker="v", color="black", markersize=4, label=text)


def first_replicate(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The rows of the first replicate in natural order, and a sentence that says so where there are others."""
    labels = ordered(table[REPLICATE].dropna()) if REPLICATE in table else []
    if len(labels) < 2:
        return table, ""
    return table[table[REPLICATE] == labels[0]], f"Replicate {labels[0]}, the first of {len(labels)}."


def factor(number: int) -> str:
    """The name of a factor in tables: ``factor_2`` for 2."""
    return f"factor_{number}"


def number(name: str) -> int:
    """The number of a factor: 2 for ``factor_2``."""
    return int(name.rpartition("_")[2])


def sentences(*parts: str) -> str:
    """One text of those that are not empty."""
    return " ".join(filter(None, parts))


def plural(number: int, noun: str) -> str:
    """Print a number of things: ``1 start``, ``20 starts``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def panel_titles(table: pd.DataFrame, by: Sequence[str]) -> list[tuple[str, pd.DataFrame]]:
    """A part of the table for each setting, whose title names the algorithm where several are there."""
    bare = "algorithm" if "algorithm" in by and table["algorithm"].nunique() > 1 else ""
    return style.panels(table, by, bare=bare)
