"""Parsing substitution strings and inferring wildtypes."""

import numpy as np
import pytest

from proxsweep.dms.data.substitutions import LETTERS, UNKNOWN, infer_wildtypes, order_sites, parse
from proxsweep.io.errors import UserError


def where(row):
    return f"row {row}"


def spelled(substitutions):
    """Entries as (row, text) pairs, put together letter by letter."""
    parts = (substitutions.row, substitutions.wildtype, substitutions.site, substitutions.mutant)
    return [(int(r), f"{LETTERS[w]}{substitutions.sites[s]}{LETTERS[m]}") for r, w, s, m in zip(*parts, strict=True)]


def test_strings_become_entries_sorted_by_row_and_site():
    parsed = parse(["N10Y A9-", "", "L214aQ  A9* ", "-214bE"], where)
    assert parsed.count == 4
    assert parsed.sites.tolist() == ["9", "10", "214a", "214b"]
    assert spelled(parsed) == [(0, "A9-"), (0, "N10Y"), (2, "A9*"), (2, "L214aQ"), (3, "-214bE")]


def test_texts_are_equal_exactly_for_equal_sets():
    texts = parse(["N10Y A9-", "A9- N10Y", "A9-", "", "A9- N10*"], where).texts()
    assert texts.tolist() == ["A9- N10Y", "A9- N10Y", "A9-", "", "A9- N10*"]


def test_take_renumbers_rows_in_the_order_given():
    parsed = parse(["N10Y A9-", "", "A9*", "N10K"], where)
    assert spelled(parsed.take(np.array([2, 1, 0]))) == [(0, "A9*"), (2, "A9-"), (2, "N10Y")]
    assert parsed.take(np.array([3, 0])).texts().tolist() == ["N10K", "A9- N10Y"]


def test_no_substitution_at_all():
    parsed = parse(["", " "], where)
    assert (parsed.count, len(parsed.row), len(parsed.sites)) == (2, 0, 0)
    assert parsed.texts().tolist() == ["", ""]


def test_sites_order_by_number_then_suffix():
    sites = {"214", "10", "9", "214b", "214a", "-3", "215"}
    assert order_sites(sites) == ["-3", "9", "10", "214", "214a", "214b", "215"]


def test_a_given_order_admits_any_site_name():
    parsed = parse(["A(HA2)1T K(HA1)7E"], where, ["(HA1)7", "(HA2)1"])
    assert spelled(parsed) == [(0, "K(HA1)7E"), (0, "A(HA2)1T")]


# insertions, deletions, frameshifts, codons and words, as people and programs write them
NO_SUBSTITUTIONS = """
    P9DEL P9del P9Del P9delP P9DELP P9delinsA P9delinsAG P9DELINSA P9INDEL P9- P9INS P9insA P9INSA P9insAG P9_F12insG
    P9_G10delinsA P9PE P9PEPE P9PP P9PPP P9AG R214REPE R214EPE ins214EPE ins9E INS9A E9_EA P9+A P9^A P9dupP P9dup P9DUP
    P9fs P9fsA P9fsK P9FSK P9fs*5 P9fs*K P9Afs*K F12STOP F12Stop F12stop F12TER F12Ter F12OCH F12AMB F12X P9GCT P9gct
    P9GCTGCA GCT9GCA CCT9GCT P9Ala P9ALA Pro9Ala PRO9ALA p.P9A P9SYN P9WT WT9A P9NA P9A/G P9A|G P9.A P9_A P9:A P9(A P9=
    P9aaA P9AaA P9Z9A P1e5A PP9A P9-1A Δ9 P９A P9²A
""".replace(" P9- ", " ").split()
# fmt: off
SITES = [
    "0", "1", "9", "12", "99", "100", "501", "1273", "9999", "10000", "12345", "99999", "1000000", "999999999",
    "-1", "-5", "-9", "-120", "9a", "54a", "214a", "214b", "214z", "100c", "1000a", "12345x", "-3a", "0a", "-10",
    "77", "654321", "-1a", "305d",
]
# fmt: on


@pytest.mark.parametrize("string", NO_SUBSTITUTIONS)
def test_insertions_deletions_codons_and_words_are_no_substitutions(string):
    with pytest.raises(UserError) as caught:
        parse(["A9G", string], where)
    assert (caught.value.place, caught.value.found) == ("row 1", repr(string))


def test_many_notations_are_tried():
    assert len(set(NO_SUBSTITUTIONS)) >= 60 and len(set(SITES)) >= 30


@pytest.mark.parametrize("site", [*SITES, "100B", "(HA2)1", "E1", "9PE"])
def test_sites_are_numbers_with_one_letter_or_listed(site):
    listed = None if site in SITES else [site]
    parsed = parse([f"P{site}A", f"P{site}P", f"P{site}-", f"P{site}*"], where, listed)
    assert parsed.sites.tolist() == [site]
    assert spelled(parsed) == [(0, f"P{site}A"), (1, f"P{site}P"), (2, f"P{site}-"), (3, f"P{site}*")]


def test_a_refused_insertion_comes_with_the_remedy():
    with pytest.raises(UserError) as caught:
        parse(["R214REPE"], where)
    for part in ("'214REP'", "214a, 214b", "a deletion is -", "a stop is *", "site map"):
        assert part in caught.value.expected
    with pytest.raises(UserError) as caught:
        parse(["R214REPE"], where, ["214", "214a"])
    assert "a site that the site map or the fit lists, not '214REP'" in caught.value.expected


@pytest.mark.parametrize(
    ("string", "found", "expected"),
    [
        ("A9T A9G", "two substitutions at site 9", "one a site"),
        ("N10Y A9T N10Y", "two substitutions at site 10", "one a site"),
        ("A9X", "'A9X'", "mutant among"),
        ("B9A", "'B9A'", "wildtype among"),
        ("a9T", "'a9T'", "wildtype among"),
        ("A9t", "'A9t'", "mutant among"),
        ("A9T,N10Y", "'A9T,N10Y'", "separated by blanks"),
        ("A9T;N10Y", "'A9T;N10Y'", "separated by blanks"),
        ("AT", "'AT'", "as N501Y"),
        ("9", "'9'", "as N501Y"),
        ("wildtype", "'wildtype'", "wildtype among"),
        ("AxT", "'AxT'", "in place of site 'x'"),
        ("A9.5T", "'A9.5T'", "in place of site '9.5'"),
        ("*9T", "'*9T'", "no stop codon"),
    ],
)
def test_faults_name_row_found_and_expected(string, found, expected):
    with pytest.raises(UserError) as caught:
        parse(["A9G", string], where)
    error = caught.value
    assert error.place == "row 1"
    assert found in error.found
    assert expected in error.expected


def test_a_site_outside_the_map_is_refused():
    with pytest.raises(UserError, match="row 1: found 'A8G'; expected a site that the site map"):
        parse(["A9G", "A8G"], where, ["9", "10"])
    with pytest.raises(UserError, match="row 1: found 'A9G:N10Y'; expected substitutions separated by blanks"):
        parse(["A9G", "A9G:N10Y"], where, ["9", "10"])


def test_wildtypes_are_those_written_and_unknown_elsewhere():
    parsed = parse(["M1E", "G3R", "P3G", ""], where)
    letters = infer_wildtypes(parsed, np.array([0, 0, 1, 1]), ["a", "b"], where)
    expected = [[LETTERS.index("M"), LETTERS.index("G")], [UNKNOWN, LETTERS.index("P")]]
    np.testing.assert_array_equal(letters, expected)


def test_two_wildtypes_in_one_condition_are_refused_with_both_rows():
    parsed = parse(["A9T", "G9T", "N10Y", "G9T"], where)
    infer_wildtypes(parsed, np.array([0, 1, 0, 1]), ["a", "b"], where)
    with pytest.raises(UserError) as caught:
        infer_wildtypes(parsed, np.array([1, 0, 1, 1]), ["a", "b"], where)
    message = str(caught.value)
    assert "site 9 of condition b" in message
    assert "row 0" in message and "row 3" in message
    assert "wildtype A" in message and "but G" in message
