"""A small share of the fuzzing (``python -m tests.fuzz`` does more), and the fuzzing itself put to the test."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxsweep.io.errors import LONGEST, UserError, one_line

from . import ENTRIES, core


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_made_input_is_read_as_it_says_or_refused_in_one_line(entry):
    core.run(entry, core.cases_of(entry, ENTRIES, 2000), 20, core.Tally())


def refuse(place, found="x"):
    raise UserError(place, found, "y")


def tried(end):
    """The tally of 200 numbers, of which those from 17 on end so."""

    def test(folder, number):
        with core.may_refuse("t.csv"):
            return end() if number >= 17 else None

    tally = core.Tally()
    try:
        core.run(core.Entry("x", 1, test, {"number": st.integers(0, 10**6)}), 200, 1, tally)
    except (Exception, SystemExit) as error:
        return tally, error
    return tally, None


@pytest.mark.parametrize(
    "end", [lambda: 1 / 0, lambda: sys.exit(1), lambda: refuse("elsewhere"), lambda: refuse("t.csv", "")]
)
def test_a_wrong_end_is_reported_with_the_smallest_input(end):
    tally, error = tried(end)
    assert tally["wrong"] == 1 and "number=17" in "".join(error.__notes__)


def test_a_refusal_that_names_its_place_is_right():
    tally, error = tried(lambda: refuse("t.csv, row 3"))
    assert error is None and tally["refused"] > 100 and tally.total() == 200


@settings(derandomize=True, database=None, deadline=None)
@given(st.text())
def test_a_message_is_one_printable_line(text):
    line = one_line(text)
    assert line.isprintable() and len(line) <= 10 * (LONGEST + 5)
    assert line == text or not text.isprintable() or len(text) > LONGEST
