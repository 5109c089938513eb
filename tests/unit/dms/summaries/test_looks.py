"""Colours and labels of figures of deep mutational scans."""

import numpy as np
import pytest

from proxsweep.dms.summaries import looks


def test_rows_are_printed_as_differences():
    assert looks.row_label("Delta-2-minus-BA1") == "Delta-2 \N{MINUS SIGN} BA1"
    assert looks.row_label("clade") == "clade"


@pytest.mark.parametrize(("least", "text"), [(0, "seen"), (1, "seen"), (2, "seen at least 2 times")])
def test_the_threshold_is_named_where_it_is_not_once(least, text):
    assert looks.seen(least) == text


def test_no_colour_of_a_shift_is_white_and_signs_differ():
    shades = looks.shift_colours()(np.linspace(0, 1, 128))[:, :3]
    assert (shades.min(axis=1) < 0.9).all()
    assert (shades[:64, 0] > shades[:64, 2]).all() and (shades[64:, 0] < shades[64:, 2]).all()
