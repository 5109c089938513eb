"""How far noise in the data moves the factors: fits to resampled matrices against the fit to the matrix itself."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proxsweep.nmf.results import factors
from proxsweep.nmf.results.factors import Factors
from proxsweep.nmf.roles import ROLES
from proxsweep.nmf.summaries import looks
from proxsweep.nmf.summaries.looks import RANK
from proxsweep.report import style
from proxsweep.sweep import chosen
from proxsweep.sweep.fits import full, in_order, resamples, sweep_columns, usable

LOWER = 0.05  # the quantile of the cosines beside median and least
RESULTS = (
    "factor",
    "resamples",
    "diverged",
    "unconverged",
    "median_cosine",
    "lower_cosine",
    "least_cosine",
    "converged",
)


def table(fits: pd.DataFrame, load: Callable[[str], Factors] = factors.load) -> pd.DataFrame:
    """How well the factors of every fit are found again in its resamples.

    Parameters
    ----------
    fits
        The study's table of fits, those to resamples among them.
    load
        Reads the factors of the fit in a folder (column ``path``).

    Returns
    -------
    DataFrame
        Row per full fit that has resamples and factor: the swept parameters, then :data:`RESULTS`: the factor, the
        number of ``resamples`` and how many of them ``diverged`` or are otherwise ``unconverged``; median, 5 %
        quantile and least of the cosines between the factor and that of a resample that it is matched to, over those
        that did not diverge; whether the full fit has ``converged``.
    """
    whole, parts = full(fits), resamples(fits)
    names = ["study", *sweep_columns(whole)]
    rows = []
    for fit in whole.to_dict("records"):
        own = chosen.agreeing(parts, {name: fit[name] for name in names})
        if len(own):
            rows += [{name: fit[name] for name in names} | row for row in _rows(fit, own, load)]
    return in_order(pd.DataFrame(rows, columns=[*names, *RESULTS]), names[1:], ROLES)


def _rows(fit: dict, own: pd.DataFrame, load: Callable[[str], Factors]) -> list[dict]:
    best, good = load(fit["path"]), own[usable(own)]
    found = np.array([_matched(best, load(path)) for path in good["path"]]).reshape(len(good), best.w.shape[1])
    counts = {"resamples": len(own), "diverged": len(own) - len(good)}
    counts["unconverged"] = int((good["status"] != "converged").sum())
    return [
        {
            "factor": looks.factor(t + 1),
            **counts,
            **_spread(cosines[np.isfinite(cosines)]),
            "converged": fit["status"] == "converged",
        }
        for t, cosines in enumerate(found.T)
    ]


def _matched(best: Factors, other: Factors) -> np.ndarray:
    """The cosine of each factor of a fit and its match in a resample."""
    cosines = factors.cosines(best, other)
    return cosines[np.arange(len(cosines)), factors.matched(cosines)]


def _spread(cosines: np.ndarray) -> dict[str, float]:
    if cosines.size == 0:
        return dict.fromkeys(("median_cosine", "lower_cosine", "least_cosine"), np.nan)
    lower, median = np.quantile(cosines, [LOWER, 0.5])
    return {"median_cosine": float(median), "lower_cosine": float(lower), "least_cosine": float(cosines.min())}


def figure(found: pd.DataFrame, choice: pd.DataFrame) -> Figure:
    """The median cosine of every factor against the rank, with a line down to the 5 % quantile and a tick at the least.

    Of the setting that the study goes on with, its first replicate; hollow where the full fit or one to a resample did
    not converge.
    """
    style.apply()
    rows, replicate = looks.first_replicate(looks.main(found, choice))
    drawn = rows[rows["median_cosine"].notna()]
    if drawn.empty:
        nothing = looks.NO_FIT if choice.empty else "No fit to a resample has a result: nothing to compare."
        return style.placeholder_figure(nothing)
    fig = style.new_figure(style.TWO_COLUMNS, 2.7)
    ax = fig.subplots()
    gap = looks.rank_axis(ax, drawn[RANK])
    looks.shade(ax, looks.selected_rank(choice), gap)
    ax.grid(axis="y")
    _points(ax, drawn, gap)
    ax.set_ylabel("Cosine of a factor\nwith its match in a resample")
    ax.set_ylim(min(0.9, float(drawn["least_cosine"].min())) - 0.02, 1.01)
    handles = _handles()
    handles += [looks.chosen_handle()] if np.isfinite(looks.selected_rank(choice)) else []
    style.legend_above(fig, handles)
    style.note(fig, _foot(drawn, replicate, choice))
    return fig


def _points(ax: Axes, drawn: pd.DataFrame, gap: float) -> None:
    colour = style.COLOURS[0]
    x = looks.dodged(drawn, gap)
    ax.vlines(x, drawn["lower_cosine"], drawn["median_cosine"], color=colour, linewidth=0.8)
    ax.plot(x, drawn["least_cosine"], linestyle="none", marker="_", markersize=4, color=style.GREY)
    good = drawn["converged"].astype(bool) & (drawn["unconverged"] == 0)
    style.points(ax, x, drawn["median_cosine"], good, colour, size=3.0)


def _handles() -> list[Line2D]:
    colour = style.COLOURS[0]
    return [
        Line2D([], [], color=colour, marker="o", linestyle="none", label="median"),
        Line2D(
            [],
            [],
            color=colour,
            marker="|",
            markersize=7,
            linestyle="none",
            label=f"down to the {100 * LOWER:g} % quantile",
        ),
        Line2D([], [], color=style.GREY, marker="_", linestyle="none", label="least"),
    ]


def _foot(drawn: pd.DataFrame, replicate: str, choice: pd.DataFrame) -> str:
    each = drawn.drop_duplicates(RANK)
    numbers = sorted(set(each["resamples"].astype(int)))
    count = f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
    bad, gone = int(each["unconverged"].sum()), int(each["diverged"].sum())
    total = int(each["resamples"].sum())
    unconverged = int((~each["converged"].astype(bool)).sum())
    return looks.sentences(
        f"A point per factor, in the order of its number; {count} resamples per rank.",
        "Factors move here with the noise in the data, while starts of one fit are fitted to the same data.",
        f"Hollow: {bad} of {total} fits to resamples did not converge." if bad else "",
        f"Hollow: {unconverged} of {len(each)} full fits did not converge." if unconverged else "",
        f"Left out: {gone} of {total} fits to resamples, which diverged." if gone else "",
        replicate,
        looks.others(choice),
    )
