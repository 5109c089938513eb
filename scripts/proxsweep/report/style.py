"""How every figure looks: colours, sizes, panels, legends, the mark of an unconverged fit.

Colours are those of Okabe and Ito (Color Universal Design, 2008), told apart under the common kinds of colour
blindness; the yellow is left out because it vanishes on white. Only this module sets matplotlib's parameters.
"""

import contextlib
import io
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from proxsweep.io import files
from proxsweep.report import dropped, fonts, room
from proxsweep.report.wording import short_number

ONE_COLUMN = 89 / 25.4  # inches
TWO_COLUMNS = 183 / 25.4  # inches
PAGE = 247 / 25.4  # inches, the height of a printed page
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
GREY = "#777777"
LINE_STYLES = ("-", "--", ":", "-.")
LEAST = 0.8  # inches, the height of axes that can be read
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

_PARAMETERS = {
    "figure.dpi": 120,
    "figure.constrained_layout.use": True,
    "figure.figsize": (ONE_COLUMN, 0.75 * ONE_COLUMN),
    "font.family": "sans-serif",
    "font.sans-serif": [fonts.FIRST, "Arial", "Helvetica"],
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 6,
    "ytick.labelsize": 6,
    "legend.fontsize": 6,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "axes.prop_cycle": mpl.cycler(color=COLOURS),
    "grid.color": "#dddddd",
    "grid.linewidth": 0.4,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.5,
    "savefig.facecolor": "white",
    "svg.fonttype": "none",  # text stays text
    "pdf.fonttype": 42,  # here too
    "svg.hashsalt": "proxsweep",  # element ids follow from the content alone
}


def apply() -> None:
    """Set matplotlib's parameters for all figures made from here on."""
    mpl.rcParams.update(_PARAMETERS)


def new_figure(width: float = ONE_COLUMN, height: float = 0.75 * ONE_COLUMN) -> Figure:
    """An empty figure in this style, ``width`` by ``height`` inches, that needs no plotting window."""
    apply()
    return Figure(figsize=(width, height), layout="constrained")


def fixed_panels(
    panel: tuple[float, float], rows: int, columns: int, left: float, between: float, below: float, **options: Any
) -> tuple[Figure, np.ndarray]:
    """A figure of equal panels at fixed places, for notebooks: it is not laid out, which takes a third of its time.

    Parameters
    ----------
    panel
        Width and height of a panel, labels not included; as all lengths in inches.
    rows, columns
    left, between, below
        Room for labels left of the first column, between two columns, and below each row; titles of the first row
        have a quarter inch.
    options
        For ``Figure.subplots``, such as ``sharex``.

    Returns
    -------
    figure, axes
        Axes of shape (rows, columns).
    """
    apply()
    top, right = 0.25, 0.08
    width = left + columns * panel[0] + (columns - 1) * between + right
    height = top + rows * (panel[1] + below)
    figure = Figure(figsize=(width, height), layout="none")
    places = {
        "left": left / width,
        "right": 1 - right / width,
        "bottom": below / height,
        "top": 1 - top / height,
        "wspace": between / panel[0],
        "hspace": below / panel[1],
    }
    return figure, figure.subplots(rows, columns, squeeze=False, gridspec_kw=places, **options)


def save_figure(fig: Figure, stem: str | Path, dpi: int = 300, pdf: bool = False, data_report: str = "") -> None:
    """Write ``stem.svg`` (text as text), ``stem.png`` (``dpi`` dots an inch) and, if asked for, ``stem.pdf``.

    Where the ``data_report`` says that a condition lost many of its variants, so does a note under the figure.

    Each is written whole or not at all. The same figure gives the same bytes: no date is written and ids do not
    change from run to run. Without ``pdf`` one that an earlier call left is removed, so that none is out of date.
    """
    formats = {".svg": {"metadata": {"Date": None}, "dpi": dpi}, ".png": {"dpi": dpi}}
    if pdf:
        formats[".pdf"] = {"metadata": {"CreationDate": None}, "dpi": dpi}
    else:
        Path(f"{stem}.pdf").unlink(missing_ok=True)
    if lost := dropped.note(data_report):
        note(fig, " ".join([*fig.get_supxlabel().split("\n"), lost]).strip())
    kept = {key: _PARAMETERS[key] for key in ("svg.fonttype", "svg.hashsalt", "pdf.fonttype", "savefig.facecolor")}
    with _quiet_about_glyphs():
        fig.draw_without_rendering()
    # without it a figure of fixed places would be laid out anew after its first file
    kept["figure.constrained_layout.use"] = False
    with mpl.rc_context(kept):
        if _widen_fonts(fig):
            fig.draw_without_rendering()
        room.for_note(fig)
        fig.set_layout_engine("none")  # laid out once: all files and a second call show the same places
        for suffix, options in formats.items():
            buffer = io.BytesIO()
            fig.savefig(buffer, format=suffix[1:], **options)
            files.write_bytes(f"{stem}{suffix}", buffer.getvalue())


def image(fig: Figure, dpi: int = 150) -> Any:
    """The figure as an IPython image, for the last line of a notebook cell; needs no plotting backend."""
    from IPython.display import Image

    # one font: each text looks for all that are named, in a pixel image in vain
    with mpl.rc_context({"font.sans-serif": [fonts.FIRST]}):
        with _quiet_about_glyphs():
            shown = _png(fig, dpi)
        if _widen_fonts(fig):
            shown = _png(fig, dpi)
    return Image(shown, width=round(100 * fig.get_figwidth()))


def _png(fig: Figure, dpi: int) -> bytes:
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=dpi, pil_kwargs={"compress_level": 6})
    return buffer.getvalue()


def _widen_fonts(fig: Figure) -> bool:
    """Give texts of a figure that was drawn once fonts for the characters that theirs lacks; whether any needs these.

    So figures of Latin letters are the same wherever they are made.
    """
    found = False
    for text in fig.findobj(Text):
        if wide := fonts.fallback([text.get_text()]):
            text.set_fontfamily([fonts.FIRST, *wide, "sans-serif"])
            found = True
    return found


@contextlib.contextmanager
def _quiet_about_glyphs() -> Iterator[None]:
    """What the first font lacks others may have: matplotlib tells when the figure is drawn with these."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def html(table: pd.DataFrame, digits: int = 6) -> Any:
    """A table without its index as IPython HTML, for the last line of a notebook cell; quicker than a Styler."""
    from IPython.display import HTML

    return HTML(table.to_html(index=False, border=0, float_format=f"{{:.{digits}f}}".format))


def colours(names: Iterable[str]) -> dict[str, str]:
    """Give each name (of a condition, a row) a colour by its place in ``names``; after seven they repeat.

    Pass the study's full list of conditions, not those of one figure: so a condition keeps its colour.
    """
    return {name: COLOURS[k % len(COLOURS)] for k, name in enumerate(dict.fromkeys(names))}


def line_styles(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Like :func:`colours`, as keywords for ``plot``: from the eighth name on the dashes differ too."""
    unique = list(dict.fromkeys(names))
    dashes = {name: LINE_STYLES[k // len(COLOURS) % len(LINE_STYLES)] for k, name in enumerate(unique)}
    return {name: {"color": colour, "linestyle": dashes[name]} for name, colour in colours(unique).items()}


def light_ticks(axes: Iterable[Axes], most: int = 6) -> None:
    """Give axes that are already drawn into few ticks, labelled in plain text: 1e-3 on a log axis.

    Minor ticks, many labels and typeset exponents take most of the time that a small figure takes.
    """
    for ax in axes:
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_minor_locator(NullLocator())
            if axis.get_scale() != "log":
                axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10]))
                continue
            low, high = axis.get_view_interval()
            axis.set_major_locator(LogLocator(subs=(1.0,) if high > 100 * low else (1.0, 2.0, 5.0), numticks=most))
            axis.set_major_formatter(FuncFormatter(lambda value, place: short_number(value)))


def points(
    ax: Axes,
    x: Iterable[float],
    y: Iterable[float],
    converged: Iterable[bool],
    colour: str | tuple[float, ...],
    marker: str = "o",
    size: float = 3.5,
) -> None:
    """Draw points: filled where the fits behind them converged, hollow where one did not."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    good = np.asarray(converged, dtype=bool)
    common = {"marker": marker, "markersize": size, "linestyle": "none", "zorder": 3}
    common |= {"markeredgecolor": colour, "markeredgewidth": 0.8 if size > 3 else 0.5}
    ax.plot(x[good], y[good], markerfacecolor=colour, **common)
    ax.plot(x[~good], y[~good], markerfacecolor="white", **common)


def marker(place: int) -> str:
    """The marker of the replicate, or pair of replicates, at this place."""
    return MARKERS[place % len(MARKERS)]


def marker_handle(place: int, label: str) -> Line2D:
    """Legend entry that names a marker, in grey."""
    return Line2D([], [], color=GREY, linestyle="none", marker=marker(place), label=label)


def converged_handles(marker: str = "o") -> list[Line2D]:
    """Legend entries that name filled and hollow points."""
    common = {
        "marker": marker,
        "linestyle": "none",
        "color": GREY,
        "markeredgecolor": GREY,
        "markeredgewidth": 0.8,
    }
    return [
        Line2D([], [], markerfacecolor=GREY, label="converged", **common),
        Line2D([], [], markerfacecolor="white", label="not converged", **common),
    ]


def note(fig: Figure, text: str) -> None:
    """Put sentences in small grey print under the figure (nothing where ``text`` is empty)."""
    if text:
        lines = textwrap.wrap(text, width=int(21 * fig.get_figwidth()))
        fig.supxlabel("\n".join(lines), fontsize=6, color="#444444", x=0.01, ha="left")


def panel_grid(count: int, rows: int = 1, height: float = 1.75, entries: int = 0) -> tuple[Figure, np.ndarray]:
    """A figure with ``count`` panels, at most three side by side; axes side by side share their y axis.

    Parameters
    ----------
    count
        Number of panels; one takes one column of a page, more take two.
    rows
        Axes above each other within one panel.
    height
        Height of one of these axes, its labels included, in inches; less, down to :data:`LEAST`, where the figure
        would be higher than a page.
    entries
        Number of entries for which :func:`legend_above` needs room.

    Returns
    -------
    figure, axes
        Axes of shape (rows, count).
    """
    across = min(count, 3)
    bands = -(-count // across)
    width = ONE_COLUMN if count == 1 else TWO_COLUMNS
    lines = -(-entries // _legend_columns(width)) + 1
    beside = 0.13 * lines + 0.4
    height = min(height, max(LEAST, (PAGE - beside) / (rows * bands)))
    fig = new_figure(width, height * rows * bands + beside)
    grid = fig.subplots(bands * rows, across, squeeze=False, sharey="row")
    by_row = grid.reshape(bands, rows, across).transpose(1, 0, 2).reshape(rows, bands * across)
    for ax in by_row[:, count:].ravel():
        ax.remove()
    return fig, by_row[:, :count]


def label_rows(grid: np.ndarray, labels: Iterable[str]) -> None:
    """Name the y axes of a :func:`panel_grid`, a label for each of its rows, wherever axes stand at the left."""
    for axes, label in zip(grid, labels, strict=False):
        for ax in axes:
            if ax.get_subplotspec().is_first_col():
                ax.set_ylabel(label)


def _legend_columns(width: float) -> int:
    return 2 if width < 0.75 * TWO_COLUMNS else 4


def panels(table: pd.DataFrame, by: Sequence[str], bare: str = "") -> list[tuple[str, pd.DataFrame]]:
    """Split a table into one part for each setting of the columns ``by``, in order of appearance.

    Each part has a title that names those settings that vary, and always the value of the column ``bare``, which
    stands first and without the column's name.
    """
    if not by:
        return [("", table)]
    varying = [name for name in by if name != bare and table[name].nunique(dropna=False) > 1]
    parts = []
    for values, part in table.groupby(list(by), sort=False, dropna=False):
        setting = dict(zip(by, values, strict=True))
        title = [str(setting[bare])] if bare in setting else []
        title += [f"{name.replace('_', ' ')} {setting[name]}" for name in varying]
        parts.append((", ".join(title), part))
    return parts


def legend_above(fig: Figure, handles: list[Line2D], title: str | None = None) -> None:
    """Put one legend for all panels above them, its entries in reading order: row by row.

    Long labels get fewer columns, so that none is cut off, and the figure grows by the lines that this takes.
    """
    most = min(_legend_columns(fig.get_figwidth()), len(handles))
    for columns in range(most, 0, -1):
        by_row = [handle for k in range(columns) for handle in handles[k::columns]]  # matplotlib fills columns
        legend = fig.legend(handles=by_row, loc="outside upper left", ncols=columns, title=title, handlelength=2.2)
        legend.set_alignment("left")
        with _quiet_about_glyphs():
            width = legend.get_window_extent().width
        if columns == 1 or width <= fig.bbox.width:
            break
        legend.remove()
    more = -(-len(handles) // columns) - -(-len(handles) // most)
    fig.set_figheight(fig.get_figheight() + 0.13 * more)


def words(ax: Axes, text: str) -> None:
    """Leave the axes empty and say in words why there is nothing to draw."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, text, ha="center", va="center", wrap=True, color="#444444", transform=ax.transAxes)


def placeholder_figure(text: str, width: float = ONE_COLUMN) -> Figure:
    """A figure of ``width`` inches that says in words why it is empty."""
    fig = new_figure(width, 0.4 * ONE_COLUMN)
    words(fig.subplots(), "\n".join(part for line in text.splitlines() for part in textwrap.wrap(line, 52)))
    return fig
