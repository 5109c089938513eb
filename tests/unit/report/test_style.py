"""Figures: equal bytes for equal content, text as text, marked unconverged fits."""

import xml.etree.ElementTree as ET

import matplotlib as mpl
import pandas as pd
import pytest

from proxsweep.report import strength_axis, style
from proxsweep.report.wording import unconverged_note


def drawing():
    fig = style.new_figure()
    ax = fig.subplots()
    position = strength_axis.strength_axis(ax, [0, 1e-5, 4e-5, 1.6e-4], "Strength")
    style.points(ax, position([0, 1e-5, 4e-5, 1.6e-4]), [0.1, 0.2, 0.4, 0.8], [True, False, True, True], "#0072B2")
    ax.set_ylabel("Share of zero shifts")
    style.note(fig, unconverged_note([True, False, True, True]))
    return fig


def test_equal_figures_give_equal_bytes(tmp_path):
    for name in ("a", "b"):
        style.save_figure(drawing(), tmp_path / name, dpi=100)
    again = drawing()
    style.save_figure(again, tmp_path / "c", dpi=100)
    style.save_figure(again, tmp_path / "c", dpi=100)  # saving has no side effect on the next save
    for suffix in (".svg", ".png"):
        contents = {(tmp_path / f"{name}{suffix}").read_bytes() for name in "abc"}
        assert len(contents) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{n}.{s}" for n in "abc" for s in ("png", "svg")]


def test_svg_keeps_text_and_has_no_date(tmp_path):
    style.save_figure(drawing(), tmp_path / "figure")
    content = (tmp_path / "figure.svg").read_text()
    texts = ["".join(element.itertext()).strip() for element in ET.fromstring(content).iter() if "text" in element.tag]
    assert {"Share of zero shifts", "Strength", "4e-5", "Hollow: 1 of 4 fits not converged."} <= set(texts)
    assert "<dc:date>" not in content


def test_png_has_the_size_of_one_column_at_its_resolution(tmp_path):
    style.save_figure(drawing(), tmp_path / "figure", dpi=200)
    pixels = mpl.image.imread(tmp_path / "figure.png").shape
    assert pixels[1] == pytest.approx(89 / 25.4 * 200, abs=1)


def test_a_legend_reads_row_by_row():
    fig = style.new_figure()
    style.legend_above(fig, [style.marker_handle(k, str(k)) for k in range(5)])
    fig.draw_without_rendering()
    boxes = {text.get_text(): text.get_window_extent() for text in fig.legends[0].get_texts()}
    reading = sorted(boxes, key=lambda name: (-round(boxes[name].y0 + boxes[name].y1), boxes[name].x0))
    assert reading == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("width", [style.ONE_COLUMN, style.TWO_COLUMNS])
def test_a_legend_of_long_labels_is_not_cut_off(width):
    fig, short = style.new_figure(width), style.new_figure(width)
    label = "long " * int(3 * width)
    style.legend_above(fig, [style.marker_handle(k, f"{label}{k}") for k in range(5)])
    style.legend_above(short, [style.marker_handle(k, str(k)) for k in range(5)])
    fig.draw_without_rendering()
    boxes = [text.get_window_extent() for text in fig.legends[0].get_texts()]
    assert len(boxes) == 5
    assert all(box.x0 >= 0 and box.x1 <= fig.bbox.width for box in boxes)
    assert fig.get_figheight() > short.get_figheight()


def test_words_stay_within_their_figure():
    fig = style.placeholder_figure("No regions: name some under `figures: {regions: {name: [first, last]}}`.")
    fig.draw_without_rendering()
    (text,) = fig.axes[0].texts
    box = text.get_window_extent()
    assert fig.bbox.width * 0.03 < box.x0 and box.x1 < fig.bbox.width * 0.97


def test_unconverged_points_are_hollow():
    ax = style.new_figure().subplots()
    style.points(ax, [1, 2, 3], [4, 5, 6], [True, False, True], "#D55E00")
    faces = {tuple(line.get_xdata()): mpl.colors.to_hex(line.get_markerfacecolor()) for line in ax.lines}
    assert faces == {(1.0, 3.0): "#d55e00", (2.0,): "#ffffff"}
    assert {mpl.colors.to_hex(line.get_markeredgecolor()) for line in ax.lines} == {"#d55e00"}


def test_colours_are_kept_by_name_and_place():
    conditions = ["BA1", "Delta", "BA2"]
    longer = style.colours([*conditions, "BA5"])
    assert all(longer[name] == colour for name, colour in style.colours(conditions).items())


def test_many_lines_can_be_told_apart():
    names = [f"row{k}" for k in range(20)]
    looks = [tuple(sorted(look.items())) for look in style.line_styles(names).values()]
    assert len(set(looks)) == 20


def test_panels_are_named_by_what_varies():
    table = pd.DataFrame(
        {
            "difference": ["b", "b", "a", "a"],
            "ridge": [1e-4] * 4,
            "scale_bound": [5, 10, 5, 10],
            "y": range(4),
        }
    )
    found = style.panels(table, ["difference", "ridge", "scale_bound"], bare="difference")
    assert [title for title, _ in found] == [
        "b, scale bound 5",
        "b, scale bound 10",
        "a, scale bound 5",
        "a, scale bound 10",
    ]
    assert [part["y"].tolist() for _, part in found] == [[0], [1], [2], [3]]
    assert [title for title, _ in style.panels(table, ["difference", "ridge"])] == ["difference b", "difference a"]


@pytest.mark.parametrize("count, rows", [(1, 1), (2, 2), (4, 1), (5, 2)])
def test_a_grid_has_exactly_the_panels_asked_for(count, rows):
    fig, grid = style.panel_grid(count, rows)
    assert grid.shape == (rows, count)
    assert set(fig.axes) == set(grid.ravel())
    for column in grid.T:
        tops = [ax.get_position().y0 for ax in column]
        assert tops == sorted(tops, reverse=True)


@pytest.mark.parametrize("count, rows, height", [(3, 5, 1.4), (6, 5, 1.4), (8, 1, 2.2)])
def test_a_grid_of_up_to_six_panels_stays_within_a_page(count, rows, height):
    fig, _ = style.panel_grid(count, rows, height=height, entries=12)
    assert fig.get_figheight() <= 247 / 25.4 + 1e-9


def test_an_empty_figure_says_why(tmp_path):
    style.save_figure(style.placeholder_figure("One replicate only."), tmp_path / "empty")
    assert "One replicate only." in (tmp_path / "empty.svg").read_text()


def test_a_notebook_shows_a_figure_as_png():
    shown = style.image(drawing(), dpi=50)
    data, _ = shown._repr_png_()
    assert data.startswith("iVBORw0KGgo"), "base64 of the signature of a PNG"
    assert shown.width == pytest.approx(100 * 89 / 25.4, abs=1)


def test_light_ticks_are_plain_text_at_round_places():
    _, ((wide, narrow),) = style.fixed_panels((1, 1), 1, 2, left=0.4, between=0.4, below=0.4)
    wide.set(xscale="log", xlim=(1, 1e4), ylim=(0, 1))
    narrow.set(xscale="log", xlim=(0.9, 8), ylim=(-4, 4))
    style.light_ticks([wide, narrow])
    wide.figure.draw_without_rendering()
    texts = {ax: [label.get_text() for label in ax.get_xticklabels()] for ax in (wide, narrow)}
    assert {"1", "100", "1e4"} <= set(texts[wide])
    assert {"1", "2", "5"} <= set(texts[narrow])
    assert len(wide.get_yticks()) <= 7 and not len(wide.xaxis.get_minorticklocs())


def test_fixed_panels_have_the_size_asked_for():
    figure, axes = style.fixed_panels((1.5, 1.2), 2, 3, left=0.5, between=0.2, below=0.4)
    assert axes.shape == (2, 3)
    for ax in axes.ravel():
        box = ax.get_position()
        size = box.width * figure.get_figwidth(), box.height * figure.get_figheight()
        assert size == pytest.approx((1.5, 1.2))
    assert axes[0, 0].get_position().x0 * figure.get_figwidth() == pytest.approx(0.5)


def test_a_table_is_shown_without_its_index():
    text = style.html(pd.DataFrame({"a": ["x<y"], "b": [0.123456789]}, index=["row"]), digits=3).data
    assert "row</th>" not in text and "x&lt;y" in text and "0.123<" in text


@pytest.mark.slow
def test_a_pdf_is_written_only_if_asked_for_and_none_is_left_out_of_date(tmp_path):
    for name in ("a", "b"):
        style.save_figure(drawing(), tmp_path / name, dpi=100, pdf=True)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    style.save_figure(drawing(), tmp_path / "a", dpi=100)
    assert not (tmp_path / "a.pdf").exists()
