"""Shifts by site and amino acid: the whole protein in bands, and chosen regions enlarged.

States of a cell are kept apart: the reference's wildtype (a dot), not seen in all conditions that the row compares, or
only by a fit that diverged (grey), a shift of exactly zero (white), a shift (a colour that is never white).

A figure is no taller than a printed page: cells shrink, down to half a millimetre, and bands of the whole protein get
as many sites as make the shorter side of a cell longest. Only what does not fit with the smallest cells is taller.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure

from proxsweep.dms.summaries import looks
from proxsweep.io import digests
from proxsweep.io.errors import UserError
from proxsweep.report import style
from proxsweep.report.wording import means_note
from proxsweep.sweep import chosen

LETTERS = tuple("RKHDEQNSTYWFAILMVGPC")  # by charge, polarity and size
COLUMNS = ("row", "site", "wildtype", "mutant", "shift", "state", "replicates", "unconverged")
GROUPS = ("RKH", "DE", "QNSTY", "WFAILMV", "GPC*-")  # of the letters, to label rows that are too narrow
MOST_SITES = 250  # in a band of the whole protein, where that fits on a page
MOST_REGION_SITES = (70, 105, 140, 210)  # in a band of a region, where cells are larger; the first is the usual one
QUANTILE = 0.99  # of the sizes of shifts, where colours end
PAGE = 240 / 25.4  # inches
NO_REGIONS = "No regions: name some under `figures: {regions: {name: [first, last]}}`."
SMALLEST = 0.5 / 25.4  # inches, a side of a cell
_CELL = 0.062  # inches from letter to letter: room for their names
_LETTERED = 0.055  # the least at which names of letters do not touch
_LEFT, _RIGHT, _HEAD, _FOOT = 0.3, 0.1, 0.05, 0.95  # inches around the bands
_WIDTH = style.TWO_COLUMNS - _LEFT - _RIGHT
_BELOW, _TITLE = 0.2, 0.16  # inches: below a band, for its sites; above one that has a title


def read_shifts(path: str | Path) -> pd.DataFrame:
    """Read the study's `shifts.csv`; sites stay text."""
    text = dict.fromkeys(("row", "mutation", "wildtype", "site", "mutant"), "str")
    return pd.read_csv(digests.verified(path), dtype=text, keep_default_na=False, na_values=[""])


def table(shifts: pd.DataFrame, wildtypes: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Every cell of the map: all sites and letters for each row of the difference matrix.

    Parameters
    ----------
    shifts
        The study's `shifts.csv` (see :func:`proxsweep.dms.results.shifts.table`).
    wildtypes
        The study's `data/wildtypes.csv`: ``site`` (text), then a column for each condition.
    reference
        The condition whose wildtype numbers the mutations.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`: ``shift`` (latent units, mean over replicates; NaN where there is none) and ``state``, one of
        ``wildtype``, ``unseen``, ``diverged`` (no fit that saw the mutation has a shift), ``zero``, ``shift``;
        ``replicates`` over how many a shift is a mean at most; ``unconverged`` counts the replicates' fits that did not
        converge. Stops and deletions are letters where the data have some.
    """
    if shifts.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    letters = [*LETTERS, *(letter for letter in "*-" if (shifts["mutant"] == letter).any())]
    own = wildtypes.set_index("site")[reference]
    own.index = own.index.astype(str)
    cells = pd.MultiIndex.from_product(
        [dict.fromkeys(shifts["row"]), own.index, letters], names=["row", "site", "mutant"]
    )
    values = shifts.set_index(["row", "site", "mutant"])["shift"].astype(float)
    found = values.reindex(cells).rename("shift").reset_index()
    found["wildtype"] = found["site"].map(own)
    seen = cells.isin(values.index)
    states = [found["wildtype"] == found["mutant"], ~seen, found["shift"].isna(), found["shift"] == 0]
    found["state"] = np.select(states, ["wildtype", "unseen", "diverged", "zero"], "shift")
    counts = {name: int(shifts[name].max()) for name in ("replicates", "unconverged")}
    return found.assign(**counts)[list(COLUMNS)]


def site_map_regions(path: str | Path) -> dict[str, list[str]]:
    """First and last site of every region that the column ``region`` of a site map names; none without the column."""
    sites = pd.read_csv(path, dtype=str, keep_default_na=False)
    if "region" not in sites:
        return {}
    named = sites[sites["region"] != ""]
    return {
        name: [part["reference_site"].iloc[0], part["reference_site"].iloc[-1]]
        for name, part in named.groupby("region", sort=False)
    }


def region_sites(regions: Mapping[str, Sequence], sites: Sequence[str]) -> dict[str, list[str]]:
    """The sites of each region, in order.

    Raises
    ------
    UserError
        If an end of a region is no site of the data, or the last site comes before the first.
    """
    places = {site: k for k, site in enumerate(sites)}
    found = {}
    for name, ends in regions.items():
        first, last = (str(end) for end in ends)
        for end in (first, last):
            if end not in places:
                # message: A region under `figures: regions` has an end without data. | Choose a site that has some.
                raise UserError(
                    f"figures, regions, {name}", f"site {end}", f"sites of the data, {sites[0]} to {sites[-1]}"
                )
        if places[first] > places[last]:
            # message: [200, 100] | the first site before the last | The ends of a region under `figures: regions` are
            # in the wrong order. | Exchange them.
            raise UserError(f"figures, regions, {name}", f"[{first}, {last}]", "the first site before the last")
        found[name] = list(sites[places[first] : places[last] + 1])
    return found


def figure(cells: pd.DataFrame, choice: pd.DataFrame) -> Figure:
    """The whole protein: for each row of the matrix, bands of equally many sites below each other, on one page."""
    style.apply()
    nothing = _nothing(cells, choice)
    if nothing:
        return style.placeholder_figure(nothing)
    sites = list(dict.fromkeys(cells["site"]))
    rows = list(dict.fromkeys(cells["row"]))
    count = bands_of(len(sites), len(rows), cells["mutant"].nunique())
    wide = -(-len(sites) // count)
    bands = [
        (looks.row_label(row) if k == 0 else "", row, sites[k * wide : (k + 1) * wide])
        for row in rows
        for k in range(count)
    ]
    return _bands(cells, bands, wide, choice)


def bands_of(sites: int, rows: int, letters: int) -> int:
    """Bands below each other for each row of the matrix: of at most 250 sites if that fits on a page with cells of full
    height; otherwise as many as make the shorter side of a cell longest, with cells not narrower than the smallest.
    """
    usual = -(-sites // MOST_SITES)
    if _cell_height(rows * usual, rows, letters) == _CELL:
        return usual
    fewest = -(-sites // int(_WIDTH / SMALLEST))

    def shorter_side(count: int) -> float:
        return min(_WIDTH / -(-sites // count), _cell_height(rows * count, rows, letters))

    return max(range(fewest, max(fewest, usual) + 1), key=shorter_side)


def most_of(lengths: Sequence[int], rows: int, letters: int) -> int:
    """The most sites in a band of regions of these lengths: the first of :data:`MOST_REGION_SITES` if they then fit on
    a page with cells of full height; otherwise that with the longest shorter side of a cell.
    """

    def height(most: int) -> float:
        return _cell_height(rows * sum(-(-sites // most) for sites in lengths), rows * len(lengths), letters)

    def shorter_side(most: int) -> float:
        return min(_WIDTH / min(most, max(lengths)), height(most))

    usual = MOST_REGION_SITES[0]
    return usual if height(usual) == _CELL else max(MOST_REGION_SITES, key=shorter_side)


def _cell_height(bands: int, titles: int, letters: int) -> float:
    """Inches from letter to letter with so many bands, ``titles`` of which have a title, on a page."""
    room = PAGE - _HEAD - _FOOT - bands * _BELOW - titles * _TITLE
    return min(_CELL, max(SMALLEST, room / (bands * letters)))


def regions_figure(cells: pd.DataFrame, regions: Mapping[str, list[str]], choice: pd.DataFrame) -> Figure:
    """Regions enlarged: for each of them and each row of the matrix, bands of at most 70 sites, or more to fit a page.

    Parameters
    ----------
    cells
        The table of :func:`table`.
    regions
        Sites of each region (:func:`region_sites`).
    choice
        The study's `chosen.csv`.
    """
    style.apply()
    nothing = _nothing(cells, choice) or ("" if regions else NO_REGIONS)
    if nothing:
        return style.placeholder_figure(nothing)
    rows = list(dict.fromkeys(cells["row"]))
    most = most_of([len(sites) for sites in regions.values()], len(rows), cells["mutant"].nunique())
    bands = [
        (f"{name}, {looks.row_label(row)}" if k == 0 else "", row, list(part))
        for name, sites in regions.items()
        for row in rows
        for k, part in enumerate(np.array_split(sites, -(-len(sites) // most)))
    ]
    return _bands(cells, bands, max(30, *(len(sites) for _, _, sites in bands)), choice)


def _nothing(cells: pd.DataFrame, choice: pd.DataFrame) -> str:
    if chosen.main(choice) is None:
        return looks.NO_WEIGHT
    return "No mutation is compared between conditions: there are no shifts to map." if cells.empty else ""


def _bands(cells: pd.DataFrame, bands: list[tuple[str, str, list[str]]], wide: int, choice: pd.DataFrame) -> Figure:
    """Draw bands (title, row, sites) at fixed places; all have cells of one size."""
    letters = list(dict.fromkeys(cells["mutant"]))
    titles = sum(bool(title) for title, _, _ in bands)
    tall = _cell_height(len(bands), titles, len(letters))
    height = tall * len(letters)
    total = _HEAD + _FOOT + len(bands) * (height + _BELOW) + titles * _TITLE
    fig = style.new_figure(style.TWO_COLUMNS, total)
    fig.set_layout_engine("none")
    sizes = cells.loc[cells["state"] == "shift", "shift"].abs()
    limit = float(np.quantile(sizes, QUANTILE)) if len(sizes) else 1.0
    norm, colours = Normalize(-limit, limit), looks.shift_colours()
    by_row = {row: part for row, part in cells.groupby("row", sort=False)}
    top = total - _HEAD
    for title, row, sites in bands:
        bottom = top - height - (_TITLE if title else 0)
        top = bottom - _BELOW
        ax = fig.add_axes(
            (_LEFT / style.TWO_COLUMNS, bottom / total, _WIDTH * len(sites) / wide / style.TWO_COLUMNS, height / total)
        )
        _band(ax, by_row[row], sites, letters, norm, colours, (_WIDTH / wide, tall))
        ax.set_title(title, loc="left", pad=3)
    bar = fig.add_axes((_LEFT / style.TWO_COLUMNS, 0.68 / total, 1.8 / style.TWO_COLUMNS, 0.09 / total))
    mappable = ScalarMappable(norm, colours)
    fig.colorbar(mappable, cax=bar, orientation="horizontal", extend="both").set_label(looks.SHIFT_LABEL)
    _key(fig, total, bool((cells["state"] == "diverged").any()))
    style.note(fig, _foot(cells, choice))
    return fig


def _band(ax: Axes, cells: pd.DataFrame, sites: list[str], letters: list[str], norm, colours, cell: tuple) -> None:
    """Draw one band; ``cell`` is width and height of a cell in inches."""
    here = cells[cells["site"].isin(set(sites))]
    shape = len(sites), len(letters)
    values, states = (here[name].to_numpy().reshape(shape).T for name in ("shift", "state"))
    picture = colours(norm(np.where(states == "shift", values.astype(float), 0.0)))[..., :3]
    picture[(states == "unseen") | (states == "diverged")] = to_rgb(looks.UNSEEN_COLOUR)
    picture[(states == "zero") | (states == "wildtype")] = 1.0
    ax.imshow(picture, aspect="auto", interpolation="none")
    letter, place = np.nonzero(states == "wildtype")
    ax.plot(
        place,
        letter,
        linestyle="none",
        marker="o",
        color="black",
        markeredgewidth=0,
        markersize=min(72 * min(cell) * 0.8, 2.4),
        rasterized=True,
    )
    ax.tick_params(length=0, pad=1.5)
    _name_letters(ax, letters, cell[1])
    step = next((step for step in (10, 20) if step * cell[0] > 0.24), 50)
    ticks = [k for k, site in enumerate(sites) if site.isdigit() and int(site) % step == 0] or list(
        range(0, len(sites), step)
    )
    ax.set_xticks(ticks, [sites[k] for k in ticks], fontsize=5)
    ax.tick_params(axis="x", length=1.5)
    ax.spines[["top", "right"]].set_visible(True)
    for spine in ax.spines.values():
        spine.set_linewidth(0.4)


def _name_letters(ax: Axes, letters: list[str], tall: float) -> None:
    """Name every row or, where rows are too narrow, groups of them with ticks between the groups."""
    look = {"fontsize": 4.2, "family": "monospace"}
    if tall >= _LETTERED:
        ax.set_yticks(range(len(letters)), letters, **look)
        return
    groups = [[k for k, letter in enumerate(letters) if letter in group] for group in GROUPS]
    groups = [rows for rows in groups if rows]
    ax.set_yticks([np.mean(rows) for rows in groups], ["".join(letters[k] for k in rows) for rows in groups], **look)
    ax.set_yticks([rows[0] - 0.5 for rows in groups[1:]], minor=True)
    ax.tick_params(axis="y", which="minor", length=1.5, width=0.4)
    ax.tick_params(axis="y", which="major", pad=2.5)


def _key(fig: Figure, total: float, diverged: bool) -> None:
    grey = looks.UNSEEN_COLOUR
    entries = (
        ("zero shift", "white", ""),
        (f"not seen {'where compared, or diverged' if diverged else 'in all compared conditions'}", grey, ""),
        ("wildtype", "white", "o"),
    )
    x = 2.6
    for label, colour, marker in entries:
        place = (x / style.TWO_COLUMNS, 0.66 / total, 0.12 / style.TWO_COLUMNS, 0.12 / total)
        ax = fig.add_axes(place, facecolor=colour, xticks=[], yticks=[], xlim=(-1, 1), ylim=(-1, 1))
        ax.spines[["top", "right"]].set_visible(True)
        ax.plot([0], [0], marker=marker, color="black", markersize=2.4, linestyle="none")
        fig.text((x + 0.18) / style.TWO_COLUMNS, 0.72 / total, label, va="center", fontsize=6)
        x += 0.35 + 0.062 * len(label)


def _foot(cells: pd.DataFrame, choice: pd.DataFrame) -> str:
    beyond = f"Colours end at the {100 * QUANTILE:g}th percentile of all sizes."
    sentences = [
        "Sites (reference numbering) by mutant amino acid.",
        looks.setting(choice),
        means_note(int(cells["replicates"].max())),
        beyond if (cells["state"] == "shift").any() else "",
        looks.unconverged_replicates(int(cells["unconverged"].max())),
    ]
    return " ".join(filter(None, sentences))
