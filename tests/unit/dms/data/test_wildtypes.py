"""Wildtype sequences that a study gives: what they keep, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.data.encode import encode
from proxsweep.dms.data.preprocess import preprocess
from proxsweep.dms.data.wildtypes import read_fasta
from proxsweep.io.errors import UserError

TABLE = """condition,aa_substitutions,func_score
a,,0
b,,0
a,M1A,1
a,K2R,2
a,G3K,3
b,P3K,4
a,M1A G3K,5
"""
FASTA = ">a the reference\nMK\nG\n\n>b\nMKP\n>c\nMMM\n"


def prepared(folder, wildtypes=None, table=TABLE, **data):
    (folder / "t.csv").write_text(table)
    spec = {"study": "s", "reference": "a", "data": {"wildtypes": wildtypes, **data}}
    done = preprocess(spec, [folder / "t.csv"])
    return done, encode(spec, done.variants, done.wildtypes, "1")


def fasta(folder, text=FASTA, **more):
    (folder / "w.fasta").write_text(text)
    return {"fasta": str(folder / "w.fasta"), "first_site": 1, "columns": None, **more}


def test_sites_mutated_in_one_condition_are_kept_where_sequences_are_given(tmp_path):
    without, (dropped, report) = prepared(tmp_path)
    assert without.wildtypes.set_index("site")["b"].to_dict() == {"1": "", "2": "", "3": "P"}
    assert list(dropped.mutations) == ["G3K", "G3P"]
    assert report.set_index(["step", "condition"])["dropped"]["unknown_wildtype", "a"] == 3
    done, (encoding, report) = prepared(tmp_path, fasta(tmp_path))
    assert done.wildtypes.to_numpy().tolist() == [["1", "M", "M"], ["2", "K", "K"], ["3", "G", "P"]]
    assert list(encoding.mutations) == ["M1A", "K2R", "G3K", "G3P"]
    assert report["dropped"].sum() == 0
    assert encoding.times_seen.tolist() == [[2, 1, 2, 0], [0, 0, 1, 1]]
    assert encoding.bundle.tolist() == [[False] * 4, [False, False, False, True]]


def test_all_sites_of_both_conditions_give_what_mutated_sites_would(tmp_path):
    """Rows that mutate every site of b, of weight nothing in a's numbers, say the same wildtypes."""
    said, _ = prepared(tmp_path, table=TABLE + "b,M1A,1\nb,K2R,1\n")
    given, _ = prepared(tmp_path, fasta(tmp_path))
    pd.testing.assert_frame_equal(said.wildtypes, given.wildtypes)


def test_sites_are_numbered_from_the_first_or_named_by_the_site_map(tmp_path):
    shifted = TABLE.replace("1A", "331A").replace("K2R", "K332R").replace("3K", "333K")
    done, _ = prepared(tmp_path, fasta(tmp_path, first_site=331), shifted)
    assert list(done.wildtypes["site"]) == ["331", "332", "333"] and list(done.wildtypes["b"]) == list("MKP")
    (tmp_path / "map.csv").write_text(
        "sequential_site,reference_site,of_b,of_a\n1,9,M,M\n2,9a,K,K\n3,(x)1,P,G\n4,12,L,L\n"
    )
    named = TABLE.replace("1A", "9A").replace("K2R", "K9aR").replace("3K", "(x)1K")
    longer = fasta(tmp_path, ">a\nMKGL\n>b\nMKPL\n")
    for given in (longer, {"columns": {"a": "of_a", "b": "of_b"}, "fasta": None}):
        done, _ = prepared(tmp_path, given, named, site_map=str(tmp_path / "map.csv"))
        # site 12, which nothing mutates, is no site of the data
        assert list(done.wildtypes["site"]) == ["9", "9a", "(x)1"] and list(done.wildtypes["b"]) == list("MKP")


def test_gaps_and_stops_are_wildtypes_and_sites_beyond_the_sequence_unknown(tmp_path):
    done, _ = prepared(tmp_path, fasta(tmp_path, ">a\nM-G\n>b\nM*P\n"), TABLE.replace("a,K2R,2", "a,-2R,2\na,L7K,1"))
    assert done.wildtypes.to_numpy().tolist() == [["1", "M", "M"], ["2", "-", "*"], ["3", "G", "P"], ["7", "L", ""]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "no sequence"),
        (">a\n>b\nMKP\n", "no letters of a"),
        (">a\nMKG\n", "no sequence named 'b'"),
        (">a\nMKG\n>b\nMKPP\n", "several lengths: a of 3, b of 4"),
        (">a\nMKG\n>a\nMKP\n", "the name 'a' again"),
        (">\nMKG\n", "no name"),
        ("MKG\n", "'MKG'"),
        (">a\nMKg\n>b\nMKP\n", "'g'"),
        (">a\nMKX\n>b\nMKP\n", "'X'"),
        ("\xff\xfe", "cannot be read"),
        (">a\nAKG\n>b\nMKP\n", "wildtype M at site 1"),
    ],
)
def test_what_is_no_alignment_of_the_conditions_is_refused(tmp_path, text, found):
    given = fasta(tmp_path)
    (tmp_path / "w.fasta").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=found):
        prepared(tmp_path, given)


def test_a_site_map_of_another_length_and_columns_that_are_none_are_refused(tmp_path):
    (tmp_path / "map.csv").write_text("sequential_site,reference_site,a,b\n1,1,M,M\n2,2,K,k\n3,3,G,P\n4,4,G,P\n")
    with pytest.raises(UserError, match="sequences of 3 letters; expected 4"):
        prepared(tmp_path, fasta(tmp_path), site_map=str(tmp_path / "map.csv"))
    for columns, found in (({"a": "a"}, "no column for the condition 'b'"), ({"a": "a", "b": "b"}, "'k'")):
        with pytest.raises(UserError, match=found):
            prepared(tmp_path, {"columns": columns, "fasta": None}, site_map=str(tmp_path / "map.csv"))


def test_fasta_is_read_as_it_is_written(tmp_path):
    (tmp_path / "w.fasta").write_text("\ufeff>a x y\r\nMK\r\nG\r\n>b|1\r\n-*P")
    assert read_fasta(tmp_path / "w.fasta") == {"a": "MKG", "b|1": "-*P"}
    assert np.unique([len(one) for one in read_fasta(tmp_path / "w.fasta").values()]).tolist() == [3]
