"""How large are shifts, stop codons against other mutations? The share of mutations with at least a size, row by row.

A stop codon does the same harm in every condition: sizes that its shifts reach are noise.
"""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proxsweep.dms.summaries import looks
from proxsweep.report import style
from proxsweep.report.wording import means_note
from proxsweep.sweep import chosen

COLUMNS = ("row", "kind", "mutations", "shifted", "size", "share_at_least", "replicates", "unconverged")


def table(shifts: pd.DataFrame) -> pd.DataFrame:
    """The steps of the curves: for each row, kind of mutation and size of a shift the share at least as large.

    Parameters
    ----------
    shifts
        The study's `shifts.csv` (see :func:`proxsweep.dms.results.shifts.table`).

    Returns
    -------
    DataFrame
        :data:`COLUMNS`: ``size`` is the absolute mean over replicates (latent units), ``share_at_least`` the share of
        the ``mutations`` of that row and kind with a size at least as large; ``size`` 0 has share 1. ``shifted`` counts
        the mutations with a shift, ``replicates`` over how many a size is a mean at most, ``unconverged`` the
        replicates' fits that did not converge. Shifts that are not a number (of fits that diverged) are left out.
    """
    shifts = shifts[shifts["shift"].notna()] if len(shifts) else shifts
    if shifts.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    parts = [
        _steps(group["shift"].abs().to_numpy(float)).assign(
            row=row,
            kind=kind,
            mutations=len(group),
            shifted=int((group["shift"] != 0).sum()),
            replicates=int(group["replicates"].max()),
            unconverged=group["unconverged"].iloc[0],
        )
        for (row, kind), group in shifts.groupby(["row", "kind"], sort=False)
    ]
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def _steps(sizes: np.ndarray) -> pd.DataFrame:
    ascending = np.sort(sizes)
    steps = np.unique(np.concatenate([[0.0], ascending]))
    share = 1 - np.searchsorted(ascending, steps, side="left") / len(ascending)
    return pd.DataFrame({"size": steps, "share_at_least": share})


def figure(steps: pd.DataFrame, choice: pd.DataFrame) -> Figure:
    """A panel for each row, both axes logarithmic, a curve for each kind of mutation.

    At its left end a curve shows the share of mutations with any shift.
    """
    style.apply()
    main = chosen.main(choice)
    if main is None:
        return style.placeholder_figure(looks.NO_WEIGHT)
    positive = steps[steps["size"] > 0]
    if positive.empty:
        nothing = looks.no_shift(main["lasso"], chosen.is_selected(choice))
        return style.placeholder_figure(f"No sizes to show: {nothing}")
    rows = list(dict.fromkeys(steps["row"]))
    found = [kind for kind in looks.KIND_COLOURS if (steps["kind"] == kind).any()]
    fig, grid = style.panel_grid(len(rows), entries=len(found))
    size_range, share_range = (
        (values.min() / 1.3, values.max() * 1.3) for values in (positive["size"], positive["share_at_least"])
    )
    exactly = steps["share_at_least"] - steps.groupby(["row", "kind"])["share_at_least"].shift(-1, fill_value=0.0)
    for ax, row in zip(grid[0], rows, strict=True):
        here = steps.assign(exactly=exactly)[steps["row"] == row]
        curves = {"hue": "kind", "hue_order": found[::-1], "palette": looks.KIND_COLOURS, "legend": False}
        sns.ecdfplot(here, x="size", weights="exactly", complementary=True, ax=ax, **curves)
        # logarithmic only now: sizes of 0, which are most of the share, would be dropped
        ax.set(xscale="log", yscale="log", xlim=size_range, ylim=share_range, title=looks.row_label(row))
        ax.set(xlabel="Size of the shift, |shift| (latent units)", ylabel="")
        counts = [f"{k.kind}: {k.shifted:,} of {k.mutations:,}" for k in here.drop_duplicates("kind").itertuples()]
        ax.text(0.04, 0.05, "\n".join(counts), transform=ax.transAxes, fontsize=6, color="#444444")
        ax.grid()
    style.label_rows(grid, ["Share of mutations\nwith at least this size"])
    style.legend_above(fig, [Line2D([], [], color=looks.KIND_COLOURS[kind], label=kind) for kind in found])
    style.note(fig, _foot(steps, choice))
    return fig


def _foot(steps: pd.DataFrame, choice: pd.DataFrame) -> str:
    bad = int(steps["unconverged"].max())
    means = means_note(int(steps["replicates"].max()))
    text = "Numbers, and the left end of a curve: mutations with any shift."
    return " ".join(filter(None, (looks.setting(choice), means, text, looks.unconverged_replicates(bad))))
