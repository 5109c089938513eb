"""Whether fits find the factors that a matrix was simulated from."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.optimize import linear_sum_assignment

from proxsweep.io import reading
from proxsweep.nmf.results import factors
from proxsweep.nmf.results.factors import Factors
from proxsweep.nmf.roles import ROLES
from proxsweep.nmf.summaries import looks
from proxsweep.nmf.summaries.looks import RANK
from proxsweep.report import style
from proxsweep.sweep.fits import full, in_order, sweep_columns

FOUND = 0.9  # least cosine of a true factor that counts as found
RESULTS = ("true_factor", "factor", "cosine", "status", "converged")
EXPECTED = "the factors that the matrix was simulated from (.npz)"


def load(path: str | Path) -> Factors:
    """Read the true factors (M, k) and the names of their features.

    Raises
    ------
    UserError
        For a file that is missing or damaged.
    """
    found = reading.arrays(path, ["signatures", "features"], EXPECTED)
    return Factors(found["signatures"], found["features"])


def table(fits: pd.DataFrame, truth: Factors, read: Callable[[str], Factors] = factors.load) -> pd.DataFrame:
    """Match the factors of every fit to the true ones, by the largest sum of cosines.

    Parameters
    ----------
    fits
        The study's table of fits; those to a part of the matrix are left aside.
    truth
        The true factors.
    read
        Reads the factors of the fit in a folder (column ``path``).

    Returns
    -------
    DataFrame
        Row per full fit and true factor: the swept parameters, then :data:`RESULTS`: ``factor`` is that of the fit
        which is matched, each to one true factor; where the rank is smaller than the number of true factors some have
        none, and a ``cosine`` of 0. NaN where the fit diverged.
    """
    fits = full(fits)
    swept = sweep_columns(fits)
    rows = []
    for fit in fits.to_dict("records"):
        setting = {name: fit[name] for name in ("study", *swept)}
        ended = {"status": fit["status"], "converged": fit["status"] == "converged"}
        rows += [setting | row | ended for row in _matched(factors.cosines(truth, read(fit["path"])))]
    return in_order(pd.DataFrame(rows, columns=["study", *swept, *RESULTS]), swept, ROLES)


def _matched(cosines: np.ndarray) -> list[dict]:
    """A row for each true factor, from its cosines (true factors, factors)."""
    true, own = linear_sum_assignment(np.nan_to_num(cosines), maximize=True)
    pairs = dict(zip(true.tolist(), own.tolist(), strict=True)) if np.isfinite(cosines).all() else {}
    nothing = 0.0 if np.isfinite(cosines).all() else np.nan
    return [
        {
            "true_factor": looks.factor(t + 1),
            "factor": looks.factor(pairs[t] + 1) if t in pairs else "",
            "cosine": float(cosines[t, pairs[t]]) if t in pairs else nothing,
        }
        for t in range(len(cosines))
    ]


def figure(found: pd.DataFrame, choice: pd.DataFrame) -> Figure:
    """Cosine of every true factor with its match against the rank; the true number of factors is marked.

    Of the setting that the study goes on with, its first replicate; hollow where the fit did not converge.
    """
    style.apply()
    rows, replicate = looks.first_replicate(looks.main(found, choice))
    drawn = rows[rows["cosine"].notna()]
    if drawn.empty:
        return style.placeholder_figure(looks.NO_FIT)
    true = drawn["true_factor"].nunique()
    fig = style.new_figure(style.TWO_COLUMNS, 2.7)
    ax = fig.subplots()
    gap = looks.rank_axis(ax, drawn[RANK])
    looks.shade(ax, looks.selected_rank(choice), gap)
    ax.axhline(FOUND, color=style.GREY, linewidth=0.7, linestyle=(0, (1, 1.5)))
    ax.axvline(true, color="black", linewidth=0.8, linestyle=(0, (4, 2)))
    style.points(ax, looks.dodged(drawn, gap), drawn["cosine"], drawn["converged"], style.COLOURS[0], size=3.0)
    ax.set(ylim=(-0.03, 1.03), ylabel="Cosine of a true factor\nwith its match")
    ax.grid(axis="y")
    style.legend_above(fig, _handles(ax, choice))
    style.note(fig, _foot(drawn, true, replicate, choice))
    return fig


def _handles(ax: Axes, choice: pd.DataFrame) -> list:
    line = {"color": "black", "linewidth": 0.8, "linestyle": (0, (4, 2))}
    handles = [
        Line2D([], [], color=style.COLOURS[0], marker="o", linestyle="none", label="a true factor"),
        Line2D([], [], label="true number of factors", **line),
    ]
    return handles + ([looks.chosen_handle()] if np.isfinite(looks.selected_rank(choice)) else [])


def _foot(drawn: pd.DataFrame, true: int, replicate: str, choice: pd.DataFrame) -> str:
    by_rank = (drawn["cosine"] >= FOUND).groupby(drawn[RANK]).sum()
    counts = ", ".join(f"{int(count)} at rank {rank:g}" for rank, count in by_rank.items())
    ended = drawn.drop_duplicates(RANK)["converged"].astype(bool)
    missing = int((~ended).sum())
    return looks.sentences(
        f"Of {true} true factors found (cosine of at least {FOUND:g}, dotted): {counts}.",
        "A true factor without a match has a cosine of 0." if (drawn["factor"] == "").any() else "",
        f"Hollow: {missing} of {len(ended)} fits did not converge." if missing else "Every fit converged.",
        replicate,
        looks.others(choice),
    )
