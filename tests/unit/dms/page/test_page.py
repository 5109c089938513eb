"""The payload of the interactive page, unpacked and held against the tables."""

import json
import re
from itertools import product

import numpy as np
import pandas as pd
import pytest

import pages
from proxsweep.__main__ import main
from proxsweep.dms.page import page
from proxsweep.io.errors import UserError
from proxsweep.sweep import chosen, fits


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return pages.write(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def text(study):
    output = study / "out" / "page.html"
    command = ["page", "--fits", study / "fits.csv", "--chosen", study / "chosen.csv", "--output", output]
    assert main(list(map(str, command))) == 0
    return output.read_text()


@pytest.fixture(scope="module")
def unpacked(text):
    return page.unpack(page.payload_of(text))


def names(header, array):
    """Mutations as the page writes them."""
    site, letter = (array(header["mutations"][name]) for name in ("site", "letter"))
    found = zip(site, letter, strict=True)
    return [f"{header['wildtypes'][s]}{header['sites'][s]}{header['letters'][m]}" for s, m in found]


def test_numbers_are_steps_of_the_largest():
    whole, step = page.quantise(np.array([0.0, -0.0, 2.0, -1.0, 1e-12, -1e-12, np.nan, np.inf]))
    assert step == 2.0 / 32767
    assert list(whole) == [0, 0, 32767, -16384, 1, -1, page.MISSING, page.MISSING]


def test_rounding_is_half_a_step_and_only_zero_is_zero():
    values = np.random.default_rng(0).normal(size=(3, 400)) * (np.random.default_rng(1).random((3, 400)) < 0.5)
    whole, step = page.quantise(values)
    assert whole.dtype == np.int16 and whole.shape == values.shape
    assert ((whole == 0) == (values == 0)).all()
    large = np.abs(values) > step
    assert np.abs(whole * step - values)[large].max() <= step / 2 * (1 + 1e-9)
    assert page.quantise(np.zeros(3))[1] == 1.0 and page.quantise(np.array([np.nan]))[1] == 1.0


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ([["1", "2", "10"], ["2", "9", "10"]], ["1", "2", "9", "10"]),
        ([["4", "5", "8"], ["4", "6", "7", "8"]], ["4", "5", "6", "7", "8"]),
        ([["214", "214a", "215"], ["214", "214b", "215"]], ["214", "214a", "214b", "215"]),
        ([["9", "3", "L1"], ["3", "1", "L1"]], ["9", "3", "1", "L1"]),  # a site map of its own order
        ([["-2", "-1", "1"]], ["-2", "-1", "1"]),
        ([], []),
    ],
)
def test_sites_of_all_replicates_are_in_one_order(lists, expected):
    assert page.site_order(lists) == expected


def test_every_effect_and_shift_is_that_of_the_tables(study, unpacked):
    header, array = unpacked
    mutations = names(header, array)
    assert header["error"] < 3e-4
    assert len(header["fits"]) == 23
    found, largest = set(), 0.0
    for fit in header["fits"]:
        matrix, bound = header["matrices"][fit["matrix"]], header["others"][0]["labels"][fit["others"][0]]
        key = matrix["name"], header["lasso"][fit["lasso"]], float(bound), header["replicates"][fit["replicate"]]
        found.add(key)
        table = pages.read(study, *key).reindex(mutations)
        columns = {"effects": [f"beta_{name}" for name in header["conditions"]]}
        columns["shifts"] = [f"shift_{row['name']}" for row in matrix["rows"]]
        for name, wanted in columns.items():
            values, expected = array(fit[name]), table[wanted].to_numpy().T
            np.testing.assert_allclose(values, expected, rtol=0, atol=header["error"] * (1 + 1e-9))
            assert ((values == 0) == (expected == 0)).all()
            assert fit[name]["step"] == pytest.approx(np.nanmax(np.abs(expected)) / 32767)
            largest = max(largest, np.nanmax(np.abs(values - expected)))
        assert fit["status"] == ("max_iterations" if key == pages.UNCONVERGED else "converged")
    assert header["error"] == pytest.approx(largest)
    everything = set(product(pages.MATRICES, pages.WEIGHTS, pages.BOUNDS, pages.REPLICATES))
    assert found == everything - {pages.ABSENT}


def test_mutations_stand_by_site_and_letter_and_none_is_missing(unpacked):
    header, array = unpacked
    mutations = names(header, array)
    assert set(mutations) == {name for label in "12" for name in pages.mutations(label)["mutation"]}
    assert len(mutations) == len(set(mutations))
    assert header["sites"] == pages.SITES
    assert (np.diff(array(header["mutations"]["site"]).astype(int)) >= 0).all()
    assert sorted(header["letters"]) == sorted(pages.LETTERS)


def test_times_seen_are_those_of_each_replicate(unpacked):
    header, array = unpacked
    mutations = names(header, array)
    for label, place in zip(header["replicates"], header["times_seen"], strict=True):
        columns = [f"times_seen_{name}" for name in "abc"]
        table = pages.mutations(label).set_index("mutation")[columns].reindex(mutations, fill_value=0)
        np.testing.assert_array_equal(array(place), table.to_numpy().T)


def test_own_wildtypes_of_other_conditions(unpacked):
    header, array = unpacked
    mutations = np.array(names(header, array))
    own = array(header["own"])
    expected = {name for label in "12" for name in pages.mutations(label)["mutation"].iloc[5:20:7]}
    assert not own[0].any() and not own[2].any()
    assert set(mutations[own[1] == 1]) == expected


def test_rows_name_the_conditions_that_they_compare(unpacked):
    header, _ = unpacked
    rows = {matrix["name"]: {row["name"]: row["compared"] for row in matrix["rows"]} for matrix in header["matrices"]}
    assert rows["reference"] == {"b-minus-a": [0, 1], "c-minus-a": [0, 2]}
    assert rows["equivariant"] == {"b-minus-a": [0, 1], "c-minus-a": [0, 2], "c-minus-b": [1, 2]}


def test_the_chosen_weight_is_known_for_every_setting(unpacked):
    header, _ = unpacked
    assert [header["lasso"][one["lasso"]] for one in header["chosen"]] == [pages.CHOSEN] * 4
    (main_row,) = [one for one in header["chosen"] if one["main"]]
    assert header["matrices"][main_row["matrix"]]["name"] == "equivariant"
    assert header["others"] == [{"name": "scale_bound", "labels": ["5", "10"]}]
    assert main_row["others"] == [1]


@pytest.mark.parametrize("lasso", [np.nan, 3e-5])
def test_a_weight_that_is_none_or_not_swept_is_none(study, lasso):
    choice = chosen.load(study / "chosen.csv").assign(lasso=lasso)
    header, _ = page.payload(fits.read(study / "fits.csv"), choice)
    assert [one["lasso"] for one in header["chosen"]] == [None] * 4
    json.dumps(header, allow_nan=False)


def test_colours_end_near_the_largest(study, unpacked):
    header, _ = unpacked
    sizes = []
    for key in sorted(set(product(pages.MATRICES, pages.WEIGHTS, pages.BOUNDS, pages.REPLICATES)) - {pages.ABSENT}):
        table = pages.read(study, *key)
        sizes.append(table[[name for name in table if name.startswith("shift_")]].abs().to_numpy().ravel())
    sizes = np.concatenate(sizes)
    limit = np.percentile(sizes[sizes > 0], 99)
    assert limit <= header["limits"]["shift"] <= limit + 0.1


def test_the_same_study_gives_the_same_bytes(study, text):
    again = page.make(fits.read(study / "fits.csv"), chosen.load(study / "chosen.csv"))
    assert again == text


def test_the_page_holds_all_it_needs(text):
    assert not re.search(r"https?://|\bsrc=|<link|\[\[\w+\]\]|@import|url\(", text)
    assert "<title>Effects and shifts: made</title>" in text


def test_the_script_holds_every_module_behind_those_that_it_imports():
    exported = {}
    for name in page.MODULES:
        module = (page.TEMPLATE / f"{name}.js").read_text()
        for names, source in re.findall(r"^import \{ ([^}]*) \} from \"\./(\w+)\.js\";$", module, re.MULTILINE):
            assert set(re.split(r",\s*", names)) <= exported[source]
        exported[name] = set(re.findall(r"^export (?:async )?(?:function|const) ([\w$]+)", module, re.MULTILINE))
    assert {path.stem for path in page.TEMPLATE.glob("*.js")} == set(page.MODULES)
    assert not re.search(r"^(import|export)\b", page.script(), re.MULTILINE)


def test_names_cannot_leave_their_place_in_the_page(study):
    table = fits.read(study / "fits.csv").assign(study="</title><script>")
    choice = chosen.load(study / "chosen.csv").assign(study="</title><script>")
    text = page.make(table, choice)
    assert "<script>" not in text and text.count("<script") == 2


def test_diverged_values_are_missing(study, tmp_path):
    table = fits.read(study / "fits.csv").iloc[:1]
    changed = page.fitted.load(table["path"].iloc[0])
    changed.mutations.loc[3, "beta_a"] = np.inf
    choice = chosen.load(study / "chosen.csv").iloc[:1]
    header, array = page.unpack(page.pack(*page.payload(table, choice, lambda path: changed)))
    assert np.isnan(array(header["fits"][0]["effects"])).sum() == 1


def test_without_fits_the_page_says_so(study):
    nothing = fits.read(study / "fits.csv").iloc[:0]
    header, _ = page.unpack(page.payload_of(page.make(nothing, chosen.load(study / "chosen.csv").iloc[:0])))
    assert header["fits"] == []


def test_fits_of_one_replicate_with_other_mutations_are_refused(study):
    table = fits.read(study / "fits.csv")
    other = table["path"].iloc[2]

    def load(path):
        found = page.fitted.load(path)
        if path == other:
            found.mutations["times_seen_b"] += 1
        return found

    with pytest.raises(UserError, match=re.escape(f"{other}/mutations.csv")):
        page.payload(table, chosen.load(study / "chosen.csv"), load)


def test_counts_beyond_sixteen_bits_are_kept(study):
    table = fits.read(study / "fits.csv").iloc[:1]
    changed = page.fitted.load(table["path"].iloc[0])
    changed.mutations.loc[0, "times_seen_a"] = 100_000
    choice = chosen.load(study / "chosen.csv").iloc[:1]
    header, array = page.unpack(page.pack(*page.payload(table, choice, lambda path: changed)))
    assert array(header["times_seen"][0]).max() == 100_000
    assert pd.api.types.is_integer_dtype(array(header["times_seen"][0]).dtype)
