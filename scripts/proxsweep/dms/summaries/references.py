"""Does the answer hang on the reference? The study refitted with other conditions as the reference, compared.

Every refit is read in the coordinates of the study's own reference (:mod:`proxsweep.dms.results.reread`) and compared
with the study's fit of the same lasso weight, difference matrix and replicate. Sites at which all wildtypes agree
(``shared``) and sites at which some differ (``differing``) are kept apart: at the former `equivariant` does not know
who the reference is, at the latter ridge and penalty are on other numbers (docs/model.md).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proxsweep.dms.results import fitted, reread
from proxsweep.dms.results.fits_table import in_order
from proxsweep.dms.summaries import looks
from proxsweep.report import style
from proxsweep.report.wording import unconverged_note
from proxsweep.sweep.fits import full, sweep_columns

RESULTS = (
    "reference",
    "quantity",
    "row",
    "sites",
    "mutations",
    "pearson",
    "root_mean_square",
    "largest",
    "nonzero_own",
    "nonzero_other",
    "nonzero_both",
    "jaccard",
    "status_own",
    "status_other",
    "converged",
    "note",
)
SITES = ("all", "shared", "differing")
DASHES = {"shared": "-", "differing": "--"}
MARKERS = {"shared": "o", "differing": "^"}
LEAST_MUTATIONS = 3  # fewer pairs give no correlation
Load = Callable[[str, str], reread.Reading]


def table(
    own: pd.DataFrame,
    others: Mapping[str, pd.DataFrame],
    reference: str,
    min_times_seen: int = 1,
    load: Load = reread.load,
) -> pd.DataFrame:
    """Compare every fit with its refits.

    Parameters
    ----------
    own
        The study's table of fits.
    others
        For every other reference the table of its fits; weights that it lacks are left out.
    reference
        The study's own reference.
    min_times_seen
        A mutation counts where at least so many variants carry it in each compared condition, in both fits.
    load
        Reads the fit in a folder under a reference.

    Returns
    -------
    DataFrame
        ``study`` and swept parameters, then :data:`RESULTS`. ``quantity`` is ``effect`` (``row`` names a condition) or
        ``shift`` (``row`` names a condition minus the study's reference); row ``all`` takes them together. ``pearson``
        is NaN with fewer than 3 pairs or where either does not vary; ``root_mean_square`` and ``largest`` are of the
        difference (latent units); ``nonzero_own``, ``nonzero_other``, ``nonzero_both`` count values that are not
        exactly zero in the study's fit, in the refit, in both, and ``jaccard`` is the share of the last among those in
        either (Jaccard 1912, New Phytol. 11, 37), NaN where there are none. ``note`` says why a correlation is missing.
    """
    own = full(own)
    swept = sweep_columns(own)
    records = []
    for other, fits in others.items():
        there = {tuple(fit[name] for name in swept): fit for fit in full(fits).to_dict("records")}
        for fit in own.to_dict("records"):
            setting = {name: fit[name] for name in ("study", *swept)}
            twin = there.get(tuple(fit[name] for name in swept))
            if twin is not None:
                found = _compare(fit, twin, reference, min_times_seen, load)
                records += [setting | {"reference": other} | values for values in found]
    return in_order(pd.DataFrame(records, columns=["study", *swept, *RESULTS]), swept)


def _compare(fit: dict, twin: dict, reference: str, least: int, load: Load) -> Iterator[dict[str, Any]]:
    statuses = {"status_own": fit["status"], "status_other": twin["status"]}
    statuses["converged"] = set(statuses.values()) == {"converged"}
    if "diverged" in (fit["status"], twin["status"]):
        yield {"quantity": "effect", "row": "all", "sites": "all", **_nothing("a fit diverged"), **statuses}
        return
    here, there = (load(one["path"], reference) for one in (fit, twin))
    differing = here.differing | there.differing
    sites = here.fitted.mutations.set_index("mutation")["site"]
    for quantity, prefix, rows in _quantities(here.fitted):
        pairs = {
            row: fitted.paired(here.fitted, there.fitted, f"{prefix}_{row}", conditions, least)
            for row, conditions in rows.items()
        }
        for row, values in (*pairs.items(), ("all", pd.concat(pairs.values()))):
            apart = values.index.map(sites).isin(differing)
            for part, flags in zip(SITES, (np.ones(len(values), bool), ~apart, apart), strict=True):
                yield {"quantity": quantity, "row": row, "sites": part, **_agreement(values[flags]), **statuses}


def _quantities(fit: fitted.Fitted) -> list[tuple[str, str, Mapping[str, list[str]]]]:
    """Quantity, prefix of its columns, and the conditions in which a mutation has to be seen, by row."""
    return [("effect", "beta", {name: [name] for name in fit.conditions}), ("shift", "shift", fit.rows)]


def _agreement(values: pd.DataFrame) -> dict[str, Any]:
    """How well columns ``a`` (the study's fit) and ``b`` (the refit) agree."""
    if values.empty:
        return _nothing("no mutation to compare")
    a, b = values["a"].to_numpy(), values["b"].to_numpy()
    varies = len(a) >= LEAST_MUTATIONS and np.ptp(a) > 0 and np.ptp(b) > 0
    either, both = int(((a != 0) | (b != 0)).sum()), int(((a != 0) & (b != 0)).sum())
    return {
        "mutations": len(a),
        "pearson": float(np.corrcoef(a, b)[0, 1]) if varies else np.nan,
        "root_mean_square": float(np.sqrt(np.mean((a - b) ** 2))),
        "largest": float(np.abs(a - b).max()),
        "nonzero_own": int((a != 0).sum()),
        "nonzero_other": int((b != 0).sum()),
        "nonzero_both": both,
        "jaccard": both / either if either else np.nan,
        "note": "" if varies else "fewer than 3 pairs, or one side does not vary",
    }


def _nothing(note: str) -> dict[str, Any]:
    """A row of the table where nothing can be compared."""
    counts = dict.fromkeys(("mutations", "nonzero_own", "nonzero_other", "nonzero_both"), 0)
    return {**counts, **dict.fromkeys(("pearson", "root_mean_square", "largest", "jaccard"), np.nan), "note": note}


PANELS = (
    ("effect", "pearson", "Correlation\nof effects"),
    ("shift", "pearson", "Correlation\nof shifts"),
    ("shift", "jaccard", "Nonzero shifts:\nshare in both"),
    ("shift", "largest", "Largest change of\na shift (latent units)"),
)


def figure(found: pd.DataFrame) -> Figure:
    """Agreement against lasso weight, a column for each difference matrix, a colour for each reference of the refits.

    Every replicate is a line of its own; hollow points rest on a fit that did not converge.
    """
    style.apply()
    conditions = [row for row in dict.fromkeys(found.loc[found["quantity"] == "effect", "row"]) if row != "all"]
    drawn = found[(found["row"] == "all") & found["sites"].isin(list(DASHES)) & (found["mutations"] > 0)]
    if drawn.empty:
        return style.placeholder_figure(_why_empty(found))
    by = sweep_columns(found, "reference", without=("lasso", "replicate"))
    panels = looks.panels(drawn, by)
    handles = _handles(drawn, conditions)
    fig, grid = style.panel_grid(len(panels), len(PANELS), height=1.35, entries=len(handles))
    for column, (title, panel) in enumerate(panels):
        for ax, (quantity, measure, _) in zip(grid[:, column], PANELS, strict=True):
            _panel(ax, panel[panel["quantity"] == quantity], measure, conditions)
        grid[0, column].set_title(title)
        for ax in grid[:-1, column]:
            ax.set_xlabel("")
            ax.tick_params(labelbottom=False)
    for ax, (*_, label) in zip(grid[:, 0], PANELS, strict=True):
        ax.set_ylabel(label)
    style.legend_above(fig, handles)
    pair = [*by, "lasso", "replicate", "reference"]
    lost = found[(found[["status_own", "status_other"]] == "diverged").any(axis=1)].drop_duplicates(pair)
    ended = drawn.drop_duplicates(pair)["converged"].astype(bool)
    style.note(fig, unconverged_note(ended, "pairs of a fit and its refit", len(lost)))
    return fig


def _why_empty(found: pd.DataFrame) -> str:
    reasons = "; ".join(dict.fromkeys(note for note in found["note"] if note))
    return f"No fit and refit to compare{': ' * bool(reasons)}{reasons}."


def _panel(ax: Axes, panel: pd.DataFrame, measure: str, conditions: list[str]) -> None:
    colours = style.colours(conditions)
    position = looks.lasso_axis(ax, panel["lasso"])
    ax.grid(axis="y")
    for (reference, sites, _), line in panel.groupby(["reference", "sites", "replicate"], sort=False):
        line = line[line[measure].notna()].sort_values("lasso")
        x, marker = position(line["lasso"]), MARKERS[sites]
        ax.plot(x, line[measure], color=colours[reference], linestyle=DASHES[sites])
        style.points(ax, x, line[measure], line["converged"].astype(bool), colours[reference], marker, size=2.8)
    if measure != "largest":
        ax.set_ylim(min(0.0, ax.get_ylim()[0]) - 0.03, 1.03)


def _handles(drawn: pd.DataFrame, conditions: list[str]) -> list[Line2D]:
    colours = style.colours(conditions)
    handles = [
        Line2D([], [], color=colours[name], label=f"{name} as reference")
        for name in conditions
        if (drawn["reference"] == name).any()
    ]
    words = {"shared": "sites with one wildtype", "differing": "sites where wildtypes differ"}
    handles += [
        Line2D([], [], color=style.GREY, linestyle=dashes, marker=MARKERS[sites], markersize=2.8, label=words[sites])
        for sites, dashes in DASHES.items()
        if (drawn["sites"] == sites).any()
    ]
    return handles
