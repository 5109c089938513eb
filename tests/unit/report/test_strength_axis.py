"""The axis of a sweep's strength: an honest zero, labels that do not touch, the chosen strength shaded."""

import matplotlib as mpl
import numpy as np
import pytest

from proxsweep.report import strength_axis, style


def test_zero_stands_left_of_a_break():
    ax = style.new_figure().subplots()
    before = len(ax.lines)
    position = strength_axis.strength_axis(ax, [4e-5, 0, 1e-5, 4e-5], "Strength")
    places = position([0, 1e-5, 4e-5])
    assert np.all(np.diff(places) > 0)
    assert places[2] - places[1] == pytest.approx(np.log10(4))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1e-5", "4e-5"]
    assert ax.get_xlim()[0] < places[0] and places[-1] < ax.get_xlim()[1]
    assert len(ax.lines) > before, "the break is drawn"
    marks = [float(line.get_xdata()[0]) for line in ax.lines]
    assert all(places[0] < mark < places[1] for mark in marks)


@pytest.mark.parametrize("strengths", [[1e-5], [0], [1e-5, 1e-4]])
def test_an_axis_without_both_kinds_has_no_break(strengths):
    ax = style.new_figure().subplots()
    position = strength_axis.strength_axis(ax, strengths, "Strength")
    low, high = ax.get_xlim()
    assert np.all((low < position(strengths)) & (position(strengths) < high))
    assert not ax.lines


@pytest.mark.parametrize("strengths", [[], [-1e-5, 0], [np.nan], [0, np.inf]])
def test_impossible_strengths_are_refused(strengths):
    with pytest.raises(ValueError, match="strengths"):
        strength_axis.strength_axis(style.new_figure().subplots(), strengths, "Strength")


def test_labels_of_crowded_strengths_are_thinned_but_every_strength_has_a_tick():
    ax = style.new_figure().subplots()
    strengths = [0, *np.logspace(-6, -3, 40)]
    strength_axis.strength_axis(ax, strengths, "Strength")
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert len(labels) == 41
    assert labels[0] == "0" and 5 <= sum(map(bool, labels)) <= 20


def test_colours_differ_and_zero_is_grey():
    found = strength_axis.colours([1e-5, 0, 1e-4, 1e-5])
    assert list(found) == [0.0, 1e-5, 1e-4]
    assert mpl.colors.to_hex(found[0.0]) == style.GREY
    assert len(set(found.values())) == 3


def test_the_chosen_strength_is_shaded_and_nothing_where_there_is_none():
    fig = style.new_figure()
    ax = fig.subplots()
    position = strength_axis.strength_axis(ax, [0, 1e-5, 4e-5], "Strength")
    strength_axis.mark(ax, position, float("nan"))
    assert not ax.patches
    strength_axis.mark(ax, position, 1e-5)
    (band,) = ax.patches
    low, high = band.get_x(), band.get_x() + band.get_width()
    assert low < position(1e-5) < high
    assert (low + high) / 2 == pytest.approx(float(position(1e-5)))
    assert not any(low < position(strength) < high for strength in (0, 4e-5))
