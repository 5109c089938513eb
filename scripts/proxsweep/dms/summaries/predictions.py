"""Does the chosen model describe the scores? Observed scores against predicted ones and the latent phenotype."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proxsweep.dms.data.encoding import Encoding, latent
from proxsweep.dms.model import predict
from proxsweep.dms.model.losses import agreement
from proxsweep.dms.summaries import looks
from proxsweep.report import room, style
from proxsweep.report.wording import unconverged_note
from proxsweep.sweep import chosen
from proxsweep.sweep.fits import full, ordered

COLUMNS = ("replicate", "condition", "variants", "pearson", "rmse", "scale", "bias", "sigmoid", "status", "converged")
CELLS = ("replicate", "condition", "axis", "x", "observed", "variants")
_BINS = (70, 60)
MOST_ACROSS = 5


def variants(fit: predict.FittedParameters, encoding: Encoding) -> pd.DataFrame:
    """One row per variant: ``condition``, ``weight``, ``latent``, ``predicted``, ``observed`` (scores)."""
    phi = latent(encoding, fit.b, fit.b0)
    return pd.DataFrame(
        {
            "condition": np.repeat(encoding.conditions, np.diff(encoding.offsets)),
            "weight": encoding.weights,
            "latent": phi,
            "predicted": predict.predicted(fit, phi),
            "observed": encoding.scores,
        }
    )


def tables(
    fits: pd.DataFrame,
    choice: pd.DataFrame,
    encodings: Mapping[str, str | Path],
    load: Callable[[str], predict.FittedParameters] = predict.load,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Agreement and densities of the fits at the chosen weight, or at that of the ranking, every replicate.

    Parameters
    ----------
    fits
        The study's table of fits.
    choice
        The study's `chosen.csv`.
    encodings
        The encoded variants (.npz) of each replicate.
    load
        Reads the fit in a folder (column ``path``); fits that diverged are left aside.

    Returns
    -------
    agreement, cells
        :data:`COLUMNS`: one row per replicate and condition: number of variants with a weight, weighted Pearson
        correlation and root mean squared error of observed and predicted scores, the sigmoid (NaN for a linear model).
        :data:`CELLS`: numbers of variants in cells, ``axis`` (``predicted`` or ``latent``) against observed scores, by
        the middle of the cell. No rows where no fit can be used.
    """
    agreements, cells = [], []
    main = chosen.main(choice)
    here = full(fits).iloc[:0] if main is None else chosen.agreeing(full(fits), main)
    drawn = {}
    for fit in here[here["status"] != "diverged"].to_dict("records"):
        written = load(fit["path"])
        scored = variants(written, Encoding.load(encodings[fit["replicate"]]))
        drawn[fit["replicate"]] = written, scored[scored["weight"] > 0], fit["status"]
    limits = _limits([scored for _, scored, _ in drawn.values()])
    for replicate in ordered(drawn):
        written, scored, status = drawn[replicate]
        sigmoid = {"scale": written.scale, "bias": written.bias, "sigmoid": written.sigmoid}
        ended = {"status": status, "converged": status == "converged"}
        for condition in map(str, written.conditions):
            part = scored[scored["condition"] == condition]
            where = {"replicate": replicate, "condition": condition}
            pearson, rmse = agreement(part)
            agreements.append({**where, "variants": len(part), "pearson": pearson, "rmse": rmse, **sigmoid, **ended})
            cells += [_cells(part, axis, limits).assign(**where, axis=axis) for axis in _axes(written)]
    counted = pd.concat(cells, ignore_index=True)[list(CELLS)] if cells else pd.DataFrame(columns=list(CELLS))
    return pd.DataFrame(agreements, columns=list(COLUMNS)), counted


def _axes(fit: predict.FittedParameters) -> tuple[str, ...]:
    return ("predicted", "latent") if fit.sigmoid else ("predicted",)


def _limits(tables: list[pd.DataFrame]) -> dict[str, tuple[float, float]]:
    found = {}
    for name in ("predicted", "latent", "observed"):
        values = np.concatenate([table[name] for table in tables]) if tables else np.array([0.0, 1.0])
        low, high = float(values.min()), float(values.max())
        found[name] = (low, high) if high > low else (low - 0.5, low + 0.5)
    return found


def _cells(part: pd.DataFrame, axis: str, limits: dict[str, tuple[float, float]]) -> pd.DataFrame:
    ranges = limits[axis], limits["observed"]
    counts, x, y = np.histogram2d(part[axis], part["observed"], bins=_BINS, range=ranges)
    i, j = np.nonzero(counts)
    middle_x, middle_y = (x[:-1] + x[1:]) / 2, (y[:-1] + y[1:]) / 2
    return pd.DataFrame({"x": middle_x[i], "observed": middle_y[j], "variants": counts[i, j].astype(int)})


def figure(agreements: pd.DataFrame, cells: pd.DataFrame, choice: pd.DataFrame) -> Figure:
    """For each replicate panels against predicted scores and, with a sigmoid, below them against the latent phenotype.

    Columns are the conditions, at most five side by side.
    """
    style.apply()
    if chosen.main(choice) is None:
        return style.placeholder_figure(looks.NO_WEIGHT)
    if agreements.empty:
        return style.placeholder_figure("No fit at the weight shown, or each diverged: nothing to predict with.")
    conditions = list(dict.fromkeys(agreements["condition"]))
    axes_shown = list(dict.fromkeys(cells["axis"]))
    blocks = [
        (replicate, conditions[k : k + MOST_ACROSS], axis)
        for replicate in dict.fromkeys(agreements["replicate"])
        for k in range(0, len(conditions), MOST_ACROSS)
        for axis in axes_shown
    ]
    across = min(len(conditions), MOST_ACROSS)
    side = (style.TWO_COLUMNS - 0.72) / max(across, 2) - 0.1
    fig, grid = style.fixed_panels(
        (side, min(side, 1.5)), len(blocks), across, left=0.6, between=0.1, below=0.6, sharex=False, sharey=True
    )
    room.extend_below(fig, 0.25)
    most = float(cells["variants"].max())
    colours = style.colours(conditions)
    for axes, (replicate, names, axis) in zip(grid, blocks, strict=True):
        for ax, name in zip(axes, names, strict=False):
            here = (agreements["replicate"] == replicate) & (agreements["condition"] == name)
            some = cells[(cells["replicate"] == replicate) & (cells["condition"] == name) & (cells["axis"] == axis)]
            _panel(ax, some, agreements[here].iloc[0], axis, most, cells[cells["axis"] == axis])
            if axis == "predicted":
                ax.set_title(name, color=colours[name])
        for ax in axes[len(names) :]:
            ax.remove()
        axes[0].set_ylabel(f"Observed score\nreplicate {replicate}")
    style.light_ticks([ax for ax in grid.ravel() if ax.figure], most=4)
    style.note(fig, _foot(agreements, choice))
    return fig


def _panel(ax: Axes, cells: pd.DataFrame, numbers: pd.Series, axis: str, most: float, every: pd.DataFrame) -> None:
    _density(ax, cells, every, most)
    low, high = _ends(every["x"])
    ax.set(xlim=(low, high), ylim=_ends(every["observed"]))
    if axis == "predicted":
        ax.axline((0, 0), slope=1, color=style.COLOURS[1], linewidth=0.8)
        text = f"r = {numbers['pearson']:.3f}\nRMSE = {numbers['rmse']:.3f}\nn = {int(numbers['variants']):,}"
        text += "" if numbers["converged"] else "\nnot converged"
        ax.text(0.04, 0.97, text, transform=ax.transAxes, va="top", fontsize=5.5)
        ax.set_xlabel("Predicted score")
        return
    latent = np.linspace(low, high, 300)
    curve = numbers["scale"] * (1 + np.tanh(latent / 2)) / 2 + numbers["bias"]
    ax.plot(latent, curve, color=style.COLOURS[1], linewidth=1.0)
    ax.set_xlabel("Latent phenotype")


def _ends(values: pd.Series) -> tuple[float, float]:
    margin = 0.05 * (values.max() - values.min()) or 0.5
    return values.min() - margin, values.max() + margin


def _density(ax: Axes, cells: pd.DataFrame, every: pd.DataFrame, most: float) -> None:
    """Numbers of variants in cells, in grey on a log scale: from below 1, so that a cell with one is not white."""
    shades = {"cmap": "Greys", "norm": "log", "vmin": 0.3, "vmax": max(most, 1.0), "rasterized": True}
    edges = [_edges(every[name]) for name in ("x", "observed")]
    sns.histplot(cells, x="x", y="observed", weights="variants", bins=edges, ax=ax, **shades)


def _edges(middles: pd.Series) -> np.ndarray:
    """Edges of the cells of equal width that have these middles, whichever of them are there."""
    known = np.unique(middles)
    step = float(np.diff(known).min()) if len(known) > 1 else 1.0
    return known[0] + step * (np.arange(round((known[-1] - known[0]) / step) + 2) - 0.5)


def _foot(agreements: pd.DataFrame, choice: pd.DataFrame) -> str:
    shade = "Darker: more variants (log scale). Lines: equality, and the fitted sigmoid."
    if not agreements["sigmoid"].astype(bool).all():
        shade = (
            "Darker: more variants (log scale). Line: equality. The model is linear: the latent phenotype is the score."
        )
    good = agreements.drop_duplicates("replicate")["converged"].astype(bool)
    return f"{looks.setting(choice)} {shade} {unconverged_note(good, 'fits drawn').removeprefix('Hollow: ')}"
