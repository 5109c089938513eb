"""How large are shifts, stop codons against other mutations? The share of mutations with at least a size, row by row.

A stop codon does the same harm in every condition: sizes that its shifts reach are noise.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proxsweep.dms.summaries import looks
from proxsweep.report import style
from proxsweep.report.wording import short_number
from proxsweep.sweep import chosen

COLUMNS = ("row", "kind", "mutations", "shifted", "size", "share_at_least", "unconverged")


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
        the mutations with a shift, ``unconverged`` the replicates' fits that did not converge. Shifts that are not a
        number (of fits that diverged) are left out.
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
        return style.placeholder_figure(chosen.NO_WEIGHT)
    positive = steps[steps["size"] > 0]
    if positive.empty:
        return style.placeholder_figure("One condition, or all shifts are zero at the chosen weight: no sizes to show.")
    rows = list(dict.fromkeys(steps["row"]))
    found = [kind for kind in looks.KIND_COLOURS if (steps["kind"] == kind).any()]
    fig, grid = style.panel_grid(len(rows), entries=len(found))
    low, high = positive["size"].min() / 1.3, positive["size"].max() * 1.3
    for ax, row in zip(grid[0], rows, strict=True):
        counts = []
        for kind in found:
            curve = steps[(steps["row"] == row) & (steps["kind"] == kind)].sort_values("size")
            if curve.empty:
                continue
            shifted, among = (int(curve[name].iloc[0]) for name in ("shifted", "mutations"))
            counts.append(f"{kind}: {shifted:,} of {among:,}")
            above = curve[curve["size"] > 0]
            x = [low, *above["size"]]
            y = [*above["share_at_least"].iloc[:1], *above["share_at_least"]]
            ax.step(x if y else [], y, where="pre", color=looks.KIND_COLOURS[kind])
        ax.set(xscale="log", yscale="log", xlim=(low, high), title=looks.row_label(row))
        ax.set_xlabel("Size of the shift, |shift| (latent units)")
        ax.text(0.04, 0.05, "\n".join(counts), transform=ax.transAxes, fontsize=6, color="#444444")
        ax.grid()
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("Share of mutations\nwith at least this size")
    style.legend_above(fig, [Line2D([], [], color=looks.KIND_COLOURS[kind], label=kind) for kind in found])
    style.note(fig, _foot(steps, main))
    return fig


def _foot(steps: pd.DataFrame, main: dict) -> str:
    bad = int(steps["unconverged"].max())
    where = f"Difference matrix {main['difference']}, lasso weight {short_number(main['lasso'])}."
    text = f"{where} Means over replicates. Numbers, and the left end of a curve: mutations with any shift."
    return text if not bad else f"{text} {bad} of the replicates' fits did not converge."
