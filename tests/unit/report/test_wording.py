"""Numbers and sentences as figures print them."""

import pytest

from proxsweep.report import wording


@pytest.mark.parametrize(
    "number, text",
    [
        (0, "0"),
        (0.0, "0"),
        (4e-5, "4e-5"),
        (0.00016, "1.6e-4"),
        (1e-10, "1e-10"),
        (3.1622776601683795e-05, "3.16e-5"),
        (9.999e-6, "1e-5"),
        (0.001, "1e-3"),
        (0.01, "1e-2"),
        (0.05, "5e-2"),
        (0.1, "0.1"),
        (0.5, "0.5"),
        (2.0, "2"),
        (12345.0, "1.23e4"),
    ],
)
def test_a_number_is_printed_shortly(number, text):
    assert wording.short_number(number) == text


def test_the_note_counts_unconverged_fits():
    assert wording.unconverged_note([True, False, False]) == "Hollow: 2 of 3 fits not converged."
    assert wording.unconverged_note([True, True]) == "All 2 fits converged."
    assert wording.unconverged_note([True]) == "The fit converged."
    assert wording.unconverged_note([True], "pairs of fits") == "The pair of fits converged."
    assert wording.unconverged_note([False]) == "Hollow: 1 of 1 fits not converged."
    assert wording.unconverged_note([]) == ""
    assert wording.unconverged_note([True], diverged=2) == "The fit converged. 2 more diverged: no point."
    assert wording.unconverged_note([], diverged=1) == "1 more diverged: no point."


@pytest.mark.parametrize("most, text", [(0, ""), (1, ""), (3, "Means over up to 3 replicates.")])
def test_the_note_on_means_says_over_how_many_replicates(most, text):
    assert wording.means_note(most) == text


@pytest.mark.parametrize("counts, text", [([], "n = 0"), ([1200, 1200], "n = 1,200"), ([5, 3, 4], "n = 3 to 5")])
def test_counts_are_printed_as_a_number_or_a_range(counts, text):
    assert wording.count_label(counts) == text
