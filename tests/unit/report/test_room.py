"""Notes under figures of fixed places."""

import pytest

from proxsweep.report import style


def overlap(fig) -> float:
    """Inches by which the note reaches into the panels' labels."""
    fig.draw_without_rendering()
    lowest = min(ax.get_tightbbox().y0 for ax in fig.axes)
    return (fig._supxlabel.get_window_extent().y1 - lowest) / fig.dpi


@pytest.mark.parametrize("lines", [1, 2, 5])
def test_a_note_of_many_lines_extends_a_figure_below_and_moves_nothing(tmp_path, lines):
    fig, grid = style.fixed_panels((2.0, 1.5), 1, 2, left=0.5, between=0.5, below=0.55)
    grid[0, 0].set_xlabel("Label")
    label = fig.text(0.5, 0.9, "beside")
    style.note(fig, " ".join(["word " * 20] * lines))
    height = fig.get_figheight()
    before = [height * (1 - place) for place in (grid[0, 0].get_position().y0, label.get_position()[1])]
    needed = overlap(fig)
    style.save_figure(fig, tmp_path / "figure", dpi=50)
    grown = fig.get_figheight()
    assert (grown > height) == (needed > 0) == (lines > 1) and overlap(fig) <= 0
    after = [grown * (1 - place) for place in (grid[0, 0].get_position().y0, label.get_position()[1])]
    assert after == pytest.approx(before)
