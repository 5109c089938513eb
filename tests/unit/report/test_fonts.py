"""Characters that the figures' font lacks: found, drawn with another font, and told where there is none."""

import logging
import subprocess
import sys
import warnings

import matplotlib as mpl
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from projects import PROJECT, small_study
from proxsweep import studies
from proxsweep.dms import glyphs
from proxsweep.report import fonts, style

NAME = "条件"  # which no font that comes with matplotlib has


def make_font(path, family: str, characters: str) -> None:
    """A font in which each of the characters is a filled square."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for point in ((0, 900), (900, 900), (900, 0)):
        pen.lineTo(point)
    pen.closePath()
    square, names = pen.glyph(), [f"square{ord(one)}" for one in characters]
    order = [".notdef", *names]
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(order)
    font.setupCharacterMap({ord(one): name for one, name in zip(characters, names, strict=True)})
    font.setupGlyf(dict.fromkeys(order, square))
    font.setupHorizontalMetrics(dict.fromkeys(order, (1000, 0)))
    font.setupHorizontalHeader(ascent=900, descent=-100)
    font.setupNameTable({"familyName": family, "styleName": "Regular", "psName": family.replace(" ", "")})
    font.setupOS2(sTypoAscender=900, sTypoDescender=-100)
    font.setupPost()
    font.save(path)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Only the fonts of matplotlib are installed; the fixture installs others, for matplotlib to find."""
    paths = []
    own = [font for font in font_manager.fontManager.ttflist if font.name == fonts.FIRST]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(path) for path in paths])

    def forget() -> None:
        fonts._note_new_ones.cache_clear()
        fonts._characters.cache_clear()
        font_manager.fontManager._findfont_cached.cache_clear()

    def install(family: str, characters: str) -> None:
        paths.append(tmp_path / f"{len(paths)}.ttf")
        make_font(paths[-1], family, characters)
        forget()

    forget()
    yield install
    forget()


def drawing(name: str):
    fig = style.new_figure()
    ax = fig.subplots()
    ax.bar([name, "b"], [1, 2])
    ax.set_ylabel(f"Shift of {name} ≥ 1 × −1")
    style.legend_above(fig, [style.marker_handle(0, name)])
    return fig


def saved(folder, name: str, **options) -> dict[str, bytes]:
    folder.mkdir()
    style.save_figure(drawing(name), folder / "figure", dpi=100, **options)
    return {path.suffix: path.read_bytes() for path in folder.iterdir()}


def test_characters_that_no_font_has(installed):
    assert fonts.missing(["Beta", "naïve", "β-minus-α", "Ωμέγα ≥ −1"]) == ""
    assert fonts.missing([f"b-minus-{NAME}", "件"]) == "条件"
    installed("Noto Sans CJK SC", "条")
    assert fonts.missing([NAME]) == "件"


def test_fonts_are_taken_in_their_order_and_only_those_that_are_needed(installed):
    for family, characters in (("Unifont", "条件か"), ("WenQuanYi Zen Hei", "条"), ("Noto Sans Mono CJK SC", "条件")):
        installed(family, characters)
    assert fonts.fallback(["条"]) == ["WenQuanYi Zen Hei"]
    assert fonts.fallback([NAME]) == ["WenQuanYi Zen Hei", "Unifont"]
    assert fonts.fallback(["Beta", "β"]) == []


def test_the_first_font_that_has_all_is_taken_and_one_installed_later_is_found(installed):
    for family in ("WenQuanYi Zen Hei", "Noto Sans CJK JP", "Noto Sans CJK SC Black", "Noto Sans CJK SC"):
        installed(family, NAME)
    assert fonts.fallback([NAME]) == ["Noto Sans CJK SC"]
    installed("Unifont", "か")
    assert fonts.fallback([f"{NAME}か"]) == ["Noto Sans CJK SC", "Unifont"]


@pytest.mark.filterwarnings("error:Glyph")
def test_a_figure_is_drawn_with_a_font_that_has_its_characters(installed, tmp_path):
    with pytest.warns(UserWarning, match="Glyph .* missing"):
        before = saved(tmp_path / "before", NAME)
    installed("WenQuanYi Micro Hei", NAME)
    after, again = saved(tmp_path / "after", NAME), saved(tmp_path / "again", NAME)
    assert after == again and before[".png"] != after[".png"]
    assert b"'DejaVu Sans', 'WenQuanYi Micro Hei'" in after[".svg"] and b"WenQuanYi" not in before[".svg"]
    pixels = np.isin(mpl.image.imread(tmp_path / "after/figure.png")[..., :3].max(axis=2), 0.0)
    squares = np.lib.stride_tricks.sliding_window_view(pixels, (7, 7)).all(axis=(2, 3))
    assert squares.any(), "no filled square of the font"
    assert style.image(drawing(NAME)).data != style.image(drawing("Beta")).data


def test_a_figure_of_letters_is_the_same_whatever_is_installed(installed, tmp_path, caplog):
    before = saved(tmp_path / "before", "Beta"), style.image(drawing("Beta")).data
    for family in ("Noto Sans CJK SC", "Arial Unicode MS"):
        installed(family, NAME + "Beta")
    with caplog.at_level(logging.WARNING), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (saved(tmp_path / "after", "Beta"), style.image(drawing("Beta")).data) == before
    assert not caplog.records


@pytest.mark.slow
def test_a_pdf_too(installed, tmp_path):
    installed("Noto Sans CJK SC", NAME)
    assert b"+NotoSansCJKSC" in saved(tmp_path / "pdf", NAME, pdf=True)[".pdf"]


def study(**changes):
    data = small_study()["data"]
    data["simulate"]["tree"] = {"a": "根", "b": "根", NAME: "根"}
    values = {"figures": {"regions": {"RBD": [1, 3], "区": [4, 6]}, "dpi": 100}, "data": data, **changes}
    return studies.from_config({"studies": {"small": small_study(**values)}}, [], {})[0]


def test_a_name_that_cannot_be_shown_is_told_once(installed):
    rows = {"name": "own", "rows": {"条-trend": {"a": -1, NAME: 1}}}
    tree = {"name": "clade", "tree": {"a": "root", "内": "root", "b": "内", NAME: "内"}}
    sweep = {"difference": ["equivariant", tree, rows], "lasso": [0, 1e-3]}
    asked = study(sweep=sweep)
    told = glyphs.warnings(asked, asked.data["conditions"])
    wanted = [("condition", NAME, NAME), ("node", "内", "内"), ("row", "条-trend", "条"), ("region", "区", "区")]
    assert [line.partition(",")[0] for line in told] == [
        f"{kind} {name!r}: PNG and PDF figures show boxes for {lost}" for kind, name, lost in wanted
    ]
    installed("Noto Sans CJK SC", "条件内区")
    assert glyphs.warnings(asked, asked.data["conditions"]) == []


def test_names_of_letters_need_no_matplotlib():
    code = (
        "import sys; from proxsweep.report import fonts; assert fonts.missing(['Beta', 'na\\u00efve']) == '';"
        "assert not [name for name in sys.modules if 'matplotlib' in name]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(PROJECT / "scripts")})
