"""What `proxsweep init` makes of the scores of a study: limits, subtraction of the wildtype, the bound of the scale."""

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.init import scores


def variants(values, stops=0, wildtypes=(), conditions=("a", "b")) -> pd.DataFrame:
    """Rows of two conditions: substitutions with these scores, the last of them stops, and wildtypes of each."""
    texts = ["A1C"] * (len(values) - stops) + ["A1*"] * stops
    parts = [
        pd.DataFrame({"condition": name, "aa_substitutions": [*texts, *[""] * len(own)], "func_score": [*values, *own]})
        for name, own in zip(conditions, wildtypes or [()] * len(conditions), strict=True)
    ]
    return pd.concat(parts, ignore_index=True).assign(replicate="1")


def chosen(frame: pd.DataFrame, linear: bool = False) -> dict:
    return {one.key.split(".")[1]: one.value for one in scores.choices(frame, linear)}


def noise(number: int = 2000, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-3, 1, number)


@pytest.mark.parametrize("linear", [False, True])
def test_scores_without_stops_and_tails_get_no_limits(linear):
    assert chosen(variants(noise()), linear) == {"clip": None}


def test_stops_at_the_lower_end_set_the_lower_limit():
    values = np.append(noise(), np.linspace(-3.2, -2.8, 20))
    assert chosen(variants(values, stops=20)) == {"clip": ["median_stop", None]}


@pytest.mark.parametrize("stops", [np.full(9, -3.0), np.linspace(-1, 1, 40)])
def test_few_stops_and_stops_in_the_middle_set_none(stops):
    values = np.append(noise(), stops)
    assert chosen(variants(values, stops=len(stops))) == {"clip": None}


def test_a_long_lower_tail_is_cut_at_a_round_number_for_a_sigmoid_only():
    values = np.append(noise(), [-60.0])
    assert chosen(variants(values)) == {"clip": [-3.0, None]}
    assert chosen(variants(values), linear=True) == {"clip": None}


@pytest.mark.parametrize("stops", [0, 20])
def test_gains_are_not_cut_off(stops):
    values = np.concatenate([noise(), np.linspace(2, 5, 9), np.full(stops, -3.0)])
    (clip,) = scores.choices(variants(values, stops=stops), linear=False)
    assert clip.value == (["median_stop", None] if stops else None)
    assert "largest score is 5, and a number can stand there as the upper limit" in clip.why


def test_wildtypes_far_from_zero_are_subtracted_where_every_condition_has_them():
    far, near = ([10.0, 10.2], [9.0, 9.1]), ([0.1, -0.1], [0.0, 0.05])
    assert chosen(variants(noise() + 10, wildtypes=far))["subtract_wildtype"] is True
    assert "subtract_wildtype" not in chosen(variants(noise(), wildtypes=near))
    assert "subtract_wildtype" not in chosen(variants(noise() + 10, wildtypes=([10.0], [])))


def test_limits_are_those_of_the_subtracted_scores():
    values = np.append(noise() + 10, [-47.0])
    frame = variants(values, wildtypes=([10.0], [10.0]))
    assert chosen(frame)["clip"] == [-3.0, None]


@pytest.mark.parametrize(
    ("factor", "linear", "bound"), [(1, False, None), (30, False, "2x_score_range"), (30, True, None)]
)
def test_a_wide_range_of_scores_gets_a_bound_of_its_own(factor, linear, bound):
    assert chosen(variants(factor * noise()), linear).get("scale_bound") == bound
