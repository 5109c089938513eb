"""Substitutions as programs of the field write them, read in one-letter form, and the rest refused with what to do."""

import re

import numpy as np
import pytest

from proxsweep.dms.data import notations
from proxsweep.dms.data.notations import Notation, guess, joined, normalised
from proxsweep.io.errors import UserError

NAMED = Notation(wildtype_names=("WT", "_wt", "_sy", "NA", "wild type"))
PLAIN, STOP = Notation(), Notation(stop_letter="X")
READ = [
    # as it always was
    ("P9A K5D", Notation(), "P9A K5D"),
    ("L214aQ -214bE A9- K5* D-3E", Notation(), "L214aQ -214bE A9- K5* D-3E"),
    ("", Notation(), ""),
    # MaveDB, ClinVar, VEP
    ("p.Pro9Ala", Notation(), "P9A"),
    ("p.(Pro9Ala)", Notation(), "P9A"),
    ("p.P9A", Notation(), "P9A"),
    ("NP_000537.3:p.Pro9Ala", Notation(), "P9A"),
    ("ENSP00000269305.4(TP53):p.(P9A)", Notation(), "P9A"),
    ("p.[Pro9Ala;Lys5Asp]", Notation(), "P9A K5D"),
    ("p.[Lys5Ter;Pro9Ala;Ala2=]", Notation(), "K5* P9A A2A"),
    ("p.[(Pro9Ala);(Lys5Asp)]", Notation(), "P9A K5D"),
    ("p.([Pro9Ala;Lys5Asp])", Notation(), "P9A K5D"),
    ("p.Lys5Ter", Notation(), "K5*"),
    ("p.Lys5*", Notation(), "K5*"),
    ("p.Ter10Lys", Notation(), "*10K"),
    ("p.Lys5del", Notation(), "K5-"),
    ("p.Lys5=", Notation(), "K5K"),
    ("p.(Lys5=)", Notation(), "K5K"),
    ("p.Pro9Pro", Notation(), "P9P"),
    *((text, Notation(), "") for text in ("p.=", "p.(=)", "p.[=]")),
    ("p.Lys5X", STOP, "K5*"),
    ("p.K5X", STOP, "K5*"),
    # Enrich2
    ("p.Pro9Ala, p.Lys5=", Notation(), "P9A K5K"),
    ("p.Pro9Ala;p.Lys5Ter", Notation(), "P9A K5*"),
    ("p.Pro9Ala, p.Lys5Asp", Notation(","), "P9A K5D"),
    # three-letter codes alone
    ("Pro9Ala", Notation(), "P9A"),
    ("Pro9Ala Lys5Ter", Notation(), "P9A K5*"),
    ("Pro9Ala;Lys5del", Notation(";"), "P9A K5-"),
    # ProteinGym and others
    ("P9A:K5D", Notation(":"), "P9A K5D"),
    ("P9A, K5D", Notation(","), "P9A K5D"),
    ("P9A ,K5D", Notation(", "), "P9A K5D"),
    ("P9A;K5D;A2C", Notation(";"), "P9A K5D A2C"),
    ("P9A|K5D", Notation("|"), "P9A K5D"),
    ("P9A_K5D", Notation("_"), "P9A K5D"),
    ("P9A+K5D", Notation("+"), "P9A K5D"),
    # synonymous
    ("K5=", Notation(), "K5K"),
    ("A7syn", Notation(), "A7A"),
    ("A7Syn P9A", Notation(), "A7A P9A"),
    # stops
    ("K5X P9A", STOP, "K5* P9A"),
    ("K5* P9X", STOP, "K5* P9*"),
    ("X10K", STOP, "*10K"),
    *((text, NAMED, "") for text in NAMED.wildtype_names),
]


@pytest.mark.parametrize(("text", "notation", "expected"), READ)
def test_what_is_read(text, notation, expected):
    assert normalised([text], notation) == [expected]
    tokens, unread = notations.read(["M1K", text, "M1K"], notation, str)
    if notation.separator.strip() == "":
        assert not unread.any()
    pieces = [tokens.pieces[code] for row, code in zip(tokens.row, tokens.code, strict=True) if row == 1]
    assert " ".join(pieces) == expected
    assert set(tokens.pieces) == {"M1K", *expected.split()}


# a text that is another kind of variant, and what is said of it
OTHER_KINDS = {
    "p.Lys5_Ala6insGly": "no insertion",
    "p.Lys5dup": "duplication",
    "p.Lys5fs": "frame shift",
    "p.Lys5AspfsTer12": "frame shift",
    "p.Ter10LysextTer5": "extension",
    "p.Lys5_Pro9del": "range of residues",
    "p.Lys5delinsAlaGly": "no insertion",
    "p.?": "unknown change",
    "p.Met1?": "unknown change",
    "p.0": "unknown change",
    "p.[Pro9Ala];[Lys5Ter]": "p.[Pro9Ala;Lys5Ter]",
    "p.Xaa5Ala": "p.Pro9Ala",
    "p.Lys5X": "p.Pro9Ala",
    "p.": "p.Pro9Ala",
    "K5X": "`stop_letter: X`",
    "B5K": "wildtype among the letters",
    "NA": "`wildtype_names: ['NA']`",
    "_sy": "`wildtype_names: ['_sy']`",
    "=": "`wildtype_names: ['=']`",
    "P9DEL": "a deletion is -",
    "R214REPE": "inserted residues stand at",
    "17": "wildtype letter, site, mutant letter",
    "P9A/G": "separated by blanks",
}


@pytest.mark.parametrize("text", OTHER_KINDS)
def test_what_is_no_list_of_substitutions_is_refused_or_marked(text):
    with pytest.raises(UserError) as caught:
        notations.read(["P9A", text], Notation(), "row {}".format)
    assert caught.value.place == "row 1" and caught.value.found == repr(text)
    assert OTHER_KINDS[text] in caught.value.expected and "`drop: [not_substitutions]`" in caught.value.expected
    with pytest.raises(UserError) as caught:
        notations.read(["P9A", text], Notation(), str, keys=False)
    assert not {"drop", "wildtype_names", "stop_letter"} & {*re.findall(r"\w+", caught.value.expected)}
    tokens, unread = notations.read(["P9A", text, "K5D P9A", text], Notation(), str, may_fail=True)
    assert unread.tolist() == [False, True, False, True]
    assert [(row, tokens.pieces[code]) for row, code in zip(tokens.row, tokens.code, strict=True)] == [
        (0, "P9A"),
        (2, "K5D"),
        (2, "P9A"),
    ]


# a list of substitutions all the same, written in another way: never left out
WRITTEN_OTHERWISE = [
    ("P9A:K5D", Notation(), '`separator: ":"`'),
    ("P9A, K5D", Notation(), '`separator: ","`'),
    ("P9A,K5D", Notation(), '`separator: ","`'),
    ("P9A; K5D", Notation(), '`separator: ";"`'),
    ("P9A + K5D", Notation(), '`separator: "+"`'),
    ("P9A_K5D", Notation(), '`separator: "_"`'),
    ("Pro9Ala;Lys5Ter", Notation(), '`separator: ";"`'),
    ("K5=:P9A", Notation(), '`separator: ":"`'),
    ("P9A K5D", Notation(":"), '`separator: " "`'),
    ("P9A;K5D", Notation(":"), '`separator: ";"`'),
    ("['P9A', 'K5D']", Notation(), "not a Python list"),
    ("['P9A' 'K5D']", Notation(), "not a Python list"),
    ('["P9A"]', Notation(","), "not a Python list"),
    ("[P9A]", Notation(), "not a Python list"),
    ("('P9A',)", Notation(), "not a Python list"),
    ("{'P9A'}", Notation(":"), "not a Python list"),
    ("[]", Notation(), "not a Python list"),
    ("WT", Notation(), "`wildtype_names: ['WT']`"),
    ("_wt", Notation(), "`wildtype_names: ['_wt']`"),
    ("wildtype", Notation(), "`wildtype_names: ['wildtype']`"),
    ("Wild type", Notation(), "`wildtype_names: ['Wild type']`"),
    ("c.25C>G", Notation(), "hgvs_pro"),
    ("n.25C>G", Notation(), "hgvs_pro"),
    ("g.100_101del", Notation(), "hgvs_pro"),
    ("NM_000546.6:c.25C>G (p.Pro9Ala)", Notation(), "hgvs_pro"),
    ("c.12A>T (p.=), c.30C>G (p.Pro9Ala)", Notation(), "hgvs_pro"),
]


@pytest.mark.parametrize(("text", "notation", "expected"), WRITTEN_OTHERWISE)
@pytest.mark.parametrize("may_fail", [False, True])
def test_variants_in_another_notation_are_refused_with_the_key_that_helps(text, notation, expected, may_fail):
    with pytest.raises(UserError) as caught:
        notations.read(["P9A", "p.?", text], notation, str, may_fail=True)
    assert (caught.value.place, caught.value.found) == ("2", repr(text))
    assert expected in caught.value.expected and "drop" not in caught.value.expected
    assert normalised([text], notation) == [None]
    with pytest.raises(UserError) as caught:
        notations.read([text], notation, str, keys=False)
    assert "`separator" not in str(caught.value) and "`wildtype_names" not in str(caught.value)


def test_a_missing_piece_between_separators_is_refused():
    for text in ("P9A::K5D", "P9A:", ":P9A"):
        with pytest.raises(UserError, match="on both sides of every separator"):
            notations.read([text], Notation(":"), str)


def test_sites_with_names_come_before_other_notations():
    sites = {"7SY", "ro9", "(HA2)1"}
    texts = ["A7SYN", "Pro9*", "K(HA2)1=", "A7syn", "A9syn"]
    tokens, unread = notations.read(texts, Notation(), str, sites)
    assert not unread.any()
    assert [tokens.pieces[code] for code in tokens.code] == ["A7SYN", "Pro9*", "K(HA2)1K", "A7A", "A9A"]


def test_many_rows_are_read_by_their_distinct_texts(monkeypatch):
    seen = []
    read = notations._Reader.substitutions
    monkeypatch.setattr(notations._Reader, "substitutions", lambda self, text: seen.append(text) or read(self, text))
    texts = ["p.Pro9Ala", "P9C", "p.[Pro9Ala;Lys5=]", "p.="] * 500
    tokens, _ = notations.read(texts, Notation(), str)
    assert sorted(seen) == ["p.=", "p.Pro9Ala", "p.[Pro9Ala;Lys5=]"]
    assert (len(tokens.texts), len(tokens.row)) == (2000, 2000)
    assert [tokens.pieces[code] for code in tokens.code[:4]] == ["P9A", "P9C", "P9A", "K5K"]


GUESSES = [
    (["P9A K5D", "", "K5D"], Notation(), 1.0, 2, False),
    (["P9A:K5D", "A2D", "WT"], Notation(":", ("WT",)), 1.0, 2, False),
    (["p.=", "p.Pro9Ala", "p.Lys5=", "_wt", "_sy"], Notation(wildtype_names=("_wt",)), 0.8, 2, True),
    (["P9A; K5X", "K5X"], Notation(";", (), "X"), 1.0, 2, False),
    (["kinase", "ligase", "a,b"], Notation(), 0.0, 0, False),
    ([], Notation(), 1.0, 0, False),
]


@pytest.mark.parametrize(("texts", "notation", "share", "variants", "silent"), GUESSES)
def test_the_notation_of_a_column_is_guessed(texts, notation, share, variants, silent):
    found = guess(texts)
    assert (found.notation, found.variants, found.silent) == (notation, variants, silent)
    assert found.share == pytest.approx(share) if texts else True


def three(*rows: tuple[str, str, str], notation: Notation = PLAIN, may_fail: bool = False) -> list[str]:
    columns = (np.array(cells, dtype=object) for cells in zip(*rows, strict=True))
    return joined(*columns, notation, "row {}, {}".format, may_fail).tolist()


def test_three_columns_make_a_substitution():
    rows = [
        ("P", "9", "A"),
        ("Pro", "9.0", "ALA"),
        ("K", "-3", "Ter"),
        ("K", "5", "Stop"),
        ("lys", "5", "*"),
        ("K", "5", "-"),
    ]
    rows += [("K", "214a", "del"), ("K", "5", "="), ("K", "5", "syn"), ("K", "5", "K"), ("K", "(HA1)5", "D")]
    expected = ["P9A", "P9A", "K-3*", "K5*", "K5*", "K5-", "K214a-", "K5K", "K5K", "K5K", "K(HA1)5D"]
    assert three(*rows) == expected
    wildtypes = [("", "", ""), ("P", "9", ""), ("", "", "WT"), ("P", "9", "_wt")]
    assert three(*wildtypes, notation=NAMED) == [""] * 4
    assert three(("K", "5", "X"), ("X", "10", "K"), notation=STOP) == ["K5*", "*10K"]


@pytest.mark.parametrize(
    ("row", "place", "found", "expected"),
    [
        (("Xaa", "9", "A"), "row 1, wildtype", "'Xaa'", "an amino acid"),
        (("", "9", "A"), "row 1, wildtype", "no wildtype", "an amino acid"),
        (("P", "", "A"), "row 1, site", "no site", "a number"),
        (("P", "9 10", "A"), "row 1, site", "'9 10'", "a number"),
        (("P", "9", "X"), "row 1, mutant", "'X'", "`stop_letter: X`"),
        (("P", "9", "NA"), "row 1, mutant", "'NA'", "`wildtype_names`"),
        (("P", "9", "AC"), "row 1, mutant", "'AC'", "an amino acid"),
    ],
)
def test_cells_of_three_columns_that_are_no_substitution(row, place, found, expected):
    with pytest.raises(UserError) as caught:
        three(("P", "9", "A"), row)
    assert (caught.value.place, caught.value.found) == (place, found) and expected in caught.value.expected
    texts = three(("P", "9", "A"), row, may_fail=True)
    _, unread = notations.read(texts, Notation(), str, may_fail=True)
    assert unread.tolist() == [False, True]


def test_a_word_for_the_wildtype_in_three_columns_is_never_left_out():
    with pytest.raises(UserError, match="row 0, mutant: found 'WT'; expected .*`wildtype_names`"):
        three(("P", "9", "WT"), may_fail=True)


@pytest.mark.parametrize(
    ("text", "expected"), [("12", "12"), ("12.0", "12"), ("-3.00", "-3"), ("214a", "214a"), ("12.5", None), ("x", None)]
)
def test_sites_of_a_column_of_floats(text, expected):
    assert notations.site(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p.Pro9Ala:p.Lys5Asp", "P9A K5D"),
        ("NP_1.2:p.Pro9Ala", "P9A"),
        ("NP_1.2:p.Pro9Ala:p.Lys5Asp", "P9A K5D"),
        ("P9A:p.Lys5Asp", None),
        ("Pro9Ala:p.Lys5Asp", None),
    ],
)
def test_a_colon_between_substitutions_hides_none(text, expected):
    assert notations.normalised([text], notations.Notation()) == [expected]


def test_a_name_of_the_wildtype_may_read_like_a_substitution():
    tokens, unread = notations.read(["A1C", "D2E"], notations.Notation(wildtype_names=("A1C",)), str)
    assert tokens.row.tolist() == [1] and not unread.any()
