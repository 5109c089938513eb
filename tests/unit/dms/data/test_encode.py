"""Collapsing and encoding: a hand-made example entry by entry, and random scans against whole sequences."""

import os
import re
from collections import Counter
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.data.encode import encode, encode_files
from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.data.preprocess import preprocess
from proxsweep.io.errors import UserError
from proxsweep.io.files import write_csv

LETTERS = "ACDEFGHIKLMNPQRSTVWY*-"
# a is the reference (M1, G3, A4, Q8); b has P3, and its site 8 is never mutated, so unknown
HAND_MADE = """condition,aa_substitutions,func_score
a,,0
a,M1E,1
a,G3R,2
a,G3P,3
a,A4T G3R,4
a,Q8K,5
a,M1E Q8K,6
b,,10
b,M1E,11
b,P3R,12
b,P3G,13
b,M1E P3G,14
b,A4T P3R,15
b,P3K,16
"""
MUTATIONS = ["M1E", "G3K", "G3P", "G3R", "A4T"]
OWN = {
    0: set(),
    1: {"M1E"},
    2: {"G3R"},
    3: {"G3P"},
    4: {"G3R", "A4T"},
    10: set(),  # untouched bundle
    11: {"M1E"},
    12: {"G3P", "G3R"},  # another mutation at the bundle site
    13: {"G3P"},  # reversion
    14: {"M1E", "G3P"},
    15: {"G3P", "G3R", "A4T"},
    16: {"G3P", "G3K"},
}
REFERENCE = {
    0: set(),
    1: {"M1E"},
    2: {"G3R"},
    3: {"G3P"},
    4: {"G3R", "A4T"},
    10: {"G3P"},
    11: {"M1E", "G3P"},
    12: {"G3R"},
    13: set(),
    14: {"M1E"},
    15: {"G3R", "A4T"},
    16: {"G3K"},
}


def run(folder, table, replicate="1", reference="a", **data):
    """Encoding and report of a table, given as text or frame."""
    path = folder / "scores.csv"
    path.write_text(table if isinstance(table, str) else table.to_csv(index=False))
    spec = {"study": "s", "reference": reference, "data": data}
    done = preprocess(spec, [path])
    return encode(spec, done.variants, done.wildtypes, replicate)


def rows(encoding, own=True):
    """Mutations of each row as a set, in own or reference coordinates, read entry by entry."""
    found = []
    for d in range(len(encoding.conditions)):
        for i in range(encoding.offsets[d], encoding.offsets[d + 1]):
            columns = encoding.indices[encoding.indptr[i] : encoding.indptr[i + 1]]
            assert (np.diff(columns) > 0).all()
            ones = np.zeros(len(encoding.mutations), dtype=bool)
            ones[columns] = True
            found.append(set(encoding.mutations[ones if own else ones ^ encoding.bundle[d]].tolist()))
    return found


def same(one, other):
    for field in fields(Encoding):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)


def test_hand_made_example_entry_by_entry(tmp_path):
    encoding, report = run(tmp_path, HAND_MADE)
    assert encoding.conditions.tolist() == ["a", "b"]
    assert encoding.reference == "a"
    assert encoding.mutations.tolist() == MUTATIONS
    assert encoding.wildtypes.tolist() == ["M", "G", "G", "G", "A"]
    assert encoding.sites.tolist() == ["1", "3", "3", "3", "4"]
    assert encoding.mutants.tolist() == ["E", "K", "P", "R", "T"]
    assert encoding.offsets.tolist() == [0, 5, 12]
    assert encoding.bundle.tolist() == [[False] * 5, [False, False, True, False, False]]
    assert sorted(encoding.scores) == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 15, 16]
    assert dict(zip(encoding.scores, rows(encoding), strict=True)) == OWN
    assert dict(zip(encoding.scores, rows(encoding, own=False), strict=True)) == REFERENCE
    assert encoding.weights.tolist() == [1.0] * 12
    assert encoding.times_seen.tolist() == [[1, 0, 1, 2, 1], [2, 1, 5, 2, 1]]
    dropped = report[report["step"] == "unknown_wildtype"]
    assert dropped[["condition", "rows", "dropped"]].to_numpy().tolist() == [["a", 5, 2], ["b", 7, 0]]


def test_arrays_have_the_promised_types_and_survive_a_file(tmp_path):
    encoding, _ = run(tmp_path, HAND_MADE)
    encoding.save(tmp_path / "e.npz")
    loaded = Encoding.load(tmp_path / "e.npz")
    same(encoding, loaded)
    types = {
        "offsets": np.int64,
        "indptr": np.int64,
        "indices": np.int32,
        "bundle": bool,
        "scores": np.float64,
    }
    for name, kind in {**types, "weights": np.float64, "times_seen": np.int64}.items():
        assert getattr(loaded, name).dtype == kind, name


def test_bundle_sites_observed_both_ways(tmp_path):
    kept, _ = run(tmp_path, HAND_MADE, bundle_sites="observed_both_ways")
    same(kept, run(tmp_path, HAND_MADE)[0])
    for unseen in ("a,G3P,3\n", "b,P3G,13\nb,M1E P3G,14\n"):
        table = HAND_MADE.replace(unseen, "")
        encoding, report = run(tmp_path, table, bundle_sites="observed_both_ways")
        assert encoding.mutations.tolist() == ["M1E"]  # A4T went with the variants that have it
        assert not encoding.bundle.any()
        assert sorted(encoding.scores) == [0, 1, 10, 11]
        assert report[report["step"] == "bundle_sites"]["rows"].tolist() == [2, 2]


def test_the_reversion_must_be_seen_in_a_variant_that_is_left(tmp_path):
    # the only reversion of b stands beside site 9, unknown in a
    table = HAND_MADE.replace("b,P3G,13\nb,M1E P3G,14\n", "b,P3G K9E,13\n")
    encoding, _ = run(tmp_path, table, bundle_sites="observed_both_ways")
    assert not encoding.bundle.any()


def test_a_bundle_that_no_variant_touches_is_still_a_difference(tmp_path):
    # wildtype P3 of b is known from a variant that goes with the unknown site 9
    table = "condition,aa_substitutions,func_score\na,G3R,1\na,M1E,2\nb,M1E,3\nb,P3R K9E,4\n"
    encoding, _ = run(tmp_path, table)
    assert encoding.mutations.tolist() == ["M1E", "G3P", "G3R"]
    assert rows(encoding) == [{"G3R"}, {"M1E"}, {"M1E"}]
    assert rows(encoding, own=False) == [{"G3R"}, {"M1E"}, {"M1E", "G3P"}]
    assert encoding.times_seen.tolist() == [[1, 0, 1], [1, 0, 0]]


def test_unknown_wildtype_can_be_an_error(tmp_path):
    with pytest.raises(UserError, match="found no substitution at site 8 in condition b .1 such"):
        run(tmp_path, HAND_MADE, unknown_wildtype="error")
    run(tmp_path, HAND_MADE.replace("a,Q8K,5\na,M1E Q8K,6\n", ""), unknown_wildtype="error")


def test_a_single_condition(tmp_path):
    encoding, _ = run(tmp_path, HAND_MADE, conditions=["a"], unknown_wildtype="error")
    assert encoding.mutations.tolist() == ["M1E", "G3P", "G3R", "A4T", "Q8K"]
    assert encoding.offsets.tolist() == [0, 7]
    assert not encoding.bundle.any()


# Random scans against whole sequences


def scan(seed, conditions=3, variants=60, sites=7):
    """A random table, and for each row the sequence of the variant and of the reference's wildtype."""
    random = np.random.default_rng(seed)
    wildtypes = np.tile(random.choice(list("ACDG"), sites), (conditions, 1))
    for d in range(1, conditions):
        changed = random.choice(sites, 2, replace=False)
        wildtypes[d, changed] = random.choice(list("EFP"), 2)
    table, sequences = [], []
    for d in range(conditions):
        for _ in range(variants):
            sequence = wildtypes[d].copy()
            # condition 1 is never mutated at the last site
            open_sites = sites - (d == 1)
            touched = random.choice(open_sites, min(random.poisson(1.6), 4), replace=False)
            texts = []
            for s in touched:
                others = [letter for letter in "ACDEFGP*-" if letter != wildtypes[d, s]]
                sequence[s] = random.choice(others)
                texts.append(f"{wildtypes[d, s]}{s + 8}{sequence[s]}")
            table.append(["abc"[d], " ".join(texts), round(random.normal(), 2)])
            sequences.append("".join(sequence))
    frame = pd.DataFrame(table, columns=["condition", "aa_substitutions", "func_score"])
    return frame, np.array(sequences), wildtypes


def by_hand(frame, sequences, wildtypes, least=1, last_unknown=True):
    """Mutation sets (reference coordinates) and mean scores of collapsed variants, from the sequences alone.

    Returns {(condition, sequence): (set, score)}.
    """
    sites = wildtypes.shape[1] - last_unknown
    groups = {}
    for condition, sequence, score in zip(frame["condition"], sequences, frame["func_score"], strict=True):
        if last_unknown and sequence[-1] != wildtypes["abc".index(condition)][-1]:
            continue
        groups.setdefault((condition, sequence), []).append(score)

    def differences(one, other):
        return {s for s in range(sites) if one[s] != other[s]}

    def own(condition, sequence):
        d, found = "abc".index(condition), set()
        for s in differences(sequence, wildtypes[d]):
            found |= {(s, sequence[s]), (s, wildtypes[d][s])} - {(s, wildtypes[0][s])}
        return found

    while True:
        seen = Counter((key[0], m) for key in groups for m in own(*key))
        rare = [key for key in groups if any(seen[key[0], m] < least for m in own(*key))]
        if not rare:
            break
        for key in rare:
            del groups[key]
    return {
        key: (
            {f"{wildtypes[0][s]}{s + 8}{key[1][s]}" for s in differences(key[1], wildtypes[0])},
            np.mean(scores),
        )
        for key, scores in groups.items()
    }


# enough variants that some of every condition pass, and few enough that others do not
@pytest.mark.parametrize(("least", "variants"), [(1, 60), (2, 120), (3, 220)])
@pytest.mark.parametrize("seed", range(4))
def test_random_scans_agree_with_whole_sequences(tmp_path, seed, least, variants):
    frame, sequences, wildtypes = scan(seed, variants=variants)
    expected = by_hand(frame, sequences, wildtypes, least)
    encoding, _ = run(tmp_path, frame, min_times_seen=least)
    conditions = np.repeat(encoding.conditions, np.diff(encoding.offsets))
    got = sorted(
        (c, sorted(found), round(score, 9))
        for c, found, score in zip(conditions, rows(encoding, own=False), encoding.scores, strict=True)
    )
    wanted = sorted((key[0], sorted(found), round(mean, 9)) for key, (found, mean) in expected.items())
    assert got == wanted
    assert not ((encoding.times_seen > 0) & (encoding.times_seen < least)).any()
    order = {letter: rank for rank, letter in enumerate(LETTERS)}
    keys = [(int(s), order[m]) for s, m in zip(encoding.sites, encoding.mutants, strict=True)]
    assert keys == sorted(set(keys))
    seen = [
        [
            sum(m in row for row in rows(encoding)[encoding.offsets[d] : encoding.offsets[d + 1]])
            for m in encoding.mutations
        ]
        for d in range(3)
    ]
    assert encoding.times_seen.tolist() == seen


def test_min_times_seen_drops_something_more_than_once(tmp_path):
    table = "condition,aa_substitutions,func_score\n" + "".join(
        f"a,{text},1\n" for text in ["M1E", "M1E G3R", "G3R A4T", "A4T", "A4T Q5K", "M1E Q6K"]
    )
    # Q5K and Q6K are rare: their variants go; M1E, G3R and A4T are then in two each and stay
    encoding, report = run(tmp_path, table, min_times_seen=2)
    assert encoding.mutations.tolist() == ["M1E", "G3R", "A4T"]
    # without M1E alone, M1E falls to one, then G3R, then A4T
    table = table.replace("a,M1E,1\n", "")
    with pytest.raises(UserError, match="replicate 1: found no variant of condition a with a sub.*left"):
        run(tmp_path, table.replace("a,A4T,1\n", ""), min_times_seen=2)
    assert report[report["step"] == "times_seen"]["dropped"].tolist() == [2]


def test_wildtypes_alone_are_refused(tmp_path):
    table = "condition,aa_substitutions,func_score\na,,0\na,M1E,1\na,M1E G3R,1\na,G3R,1\nb,,0\nb,M1E,1\nb,G3R,1\n"
    message = (
        "study s, replicate 1: found no variant of condition b with a substitution left after the filters "
        "(min_times_seen: 2, unknown wildtypes); expected at least one in every condition"
    )
    with pytest.raises(UserError, match=re.escape(message)):
        run(tmp_path, table, min_times_seen=2)
    with pytest.raises(UserError, match=re.escape("condition a with a substitution left after the filters (unknown")):
        run(tmp_path, table.replace("b,M1E,1\nb,G3R,1\n", ""))


@pytest.mark.parametrize("collapse", ["mean", "none"])
@pytest.mark.parametrize("seed", range(3))
def test_order_of_rows_and_substitutions_changes_nothing_at_all(tmp_path, seed, collapse):
    frame, _, _ = scan(seed)
    expected, _ = run(tmp_path, frame, collapse=collapse)
    random = np.random.default_rng(seed)
    shuffled = frame.sample(frac=1, random_state=seed)
    shuffled["aa_substitutions"] = [" ".join(random.permutation(text.split())) for text in shuffled["aa_substitutions"]]
    same(run(tmp_path, shuffled, collapse=collapse)[0], expected)


def test_a_shuffled_table_of_variants_encodes_alike(tmp_path):
    frame, _, _ = scan(3)
    path = tmp_path / "scores.csv"
    path.write_text(frame.to_csv(index=False))
    spec = {"study": "s", "reference": "b", "data": {}}
    done = preprocess(spec, [path])
    mixed = done.variants.sample(frac=1, random_state=0)
    same(encode(spec, mixed, done.wildtypes, "1")[0], encode(spec, done.variants, done.wildtypes, "1")[0])


def test_another_reference_describes_the_same_sequences(tmp_path):
    frame, sequences, wildtypes = scan(1)
    encoding, _ = run(tmp_path, frame, reference="c")
    assert encoding.conditions.tolist() == ["c", "a", "b"]
    turned = by_hand(frame, sequences, wildtypes)
    wanted = []
    for condition, sequence in turned:
        found = {f"{wildtypes[2][s]}{s + 8}{sequence[s]}" for s in range(6) if sequence[s] != wildtypes[2][s]}
        wanted.append((condition, sorted(found)))
    conditions = np.repeat(encoding.conditions, np.diff(encoding.offsets))
    got = [(c, sorted(found)) for c, found in zip(conditions, rows(encoding, own=False), strict=True)]
    assert sorted(got) == sorted(wanted)


# Collapse and weights

REPEATED = """condition,aa_substitutions,func_score,n_barcodes,weight,variance
a,G3R,1,1,0.5,2
a,M1E,5,2,1,1
a,G3R,4,3,0.25,6
"""


@pytest.mark.parametrize(
    ("collapse", "weights", "score", "weight"),
    [
        ("mean", "equal", 2.5, 1),
        ("mean", "barcodes", 2.5, 4),
        ("mean", "column", 2.5, 0.75),
        ("mean", "inverse_variance", 2.5, 2**2 / (2 + 6)),
        ("barcode_mean", "equal", 3.25, 1),
        ("barcode_mean", "barcodes", 3.25, 4),
        ("barcode_mean", "inverse_variance", 3.25, 16 / (2 + 9 * 6)),
    ],
)
def test_scores_and_weights_of_collapsed_variants(tmp_path, collapse, weights, score, weight):
    encoding, report = run(tmp_path, REPEATED, collapse=collapse, variant_weights=weights)
    by_mutation = dict(
        zip(
            [min(row) for row in rows(encoding)],
            zip(encoding.scores, encoding.weights, strict=True),
            strict=True,
        )
    )
    assert by_mutation["G3R"] == (pytest.approx(score, abs=1e-15), pytest.approx(weight, abs=1e-15))
    assert by_mutation["M1E"][0] == 5
    assert report[report["step"] == "collapse"][["rows", "dropped"]].to_numpy().tolist() == [[2, 1]]


def test_no_collapse_keeps_every_row(tmp_path):
    encoding, _ = run(tmp_path, REPEATED, collapse="none", variant_weights="inverse_variance")
    assert sorted(zip(encoding.scores, encoding.weights, strict=True)) == [(1, 1 / 2), (4, 1 / 6), (5, 1)]


def test_barcodes_are_rows_where_no_column_counts_them(tmp_path):
    table = "\n".join(line.rsplit(",", 3)[0] for line in REPEATED.splitlines())
    encoding, _ = run(tmp_path, table, variant_weights="barcodes")
    assert sorted(encoding.weights) == [1, 2]


def test_the_mean_of_equal_scores_is_that_score(tmp_path):
    table = "condition,aa_substitutions,func_score\n" + "a,G3R,-3.7\n" * 7
    assert run(tmp_path, table)[0].scores.tolist() == [-3.7]


# Replicates, files, sites


def test_each_replicate_is_encoded_alone(tmp_path):
    table = HAND_MADE.replace("\n", ",1\n").replace("func_score,1", "func_score,r") + "a,G3R,9,2\nb,P3R,8,2\n"
    encoding, _ = run(tmp_path, table, replicates={"column": "r"}, replicate="2")
    assert encoding.scores.tolist() == [9, 8]
    assert encoding.mutations.tolist() == ["G3P", "G3R"]
    with pytest.raises(UserError, match="replicate 3: found no variants; expected a replicate among 1, 2"):
        run(tmp_path, table, replicates={"column": "r"}, replicate="3")
    with pytest.raises(UserError, match="replicate 2: found no rows of condition b in this replicate") as caught:
        run(tmp_path, table.replace("b,P3R,8,2\n", ""), replicates={"column": "r"}, replicate="2")
    assert "a table that was cut off has fewer rows than its source" in caught.value.expected


def test_files_encode_as_frames_do(tmp_path):
    (tmp_path / "scores.csv").write_text(HAND_MADE + "b,P3-,17\n")
    spec = {"study": "s", "reference": "a", "data": {}}
    done = preprocess(spec, [tmp_path / "scores.csv"])
    write_csv(tmp_path / "variants.csv", done.variants)
    write_csv(tmp_path / "wildtypes.csv", done.wildtypes)
    encoding, report = encode_files(spec, tmp_path / "variants.csv", tmp_path / "wildtypes.csv", "1")
    expected, expected_report = encode(spec, done.variants, done.wildtypes, "1")
    same(encoding, expected)
    pd.testing.assert_frame_equal(report, expected_report)


def test_a_site_map_orders_mutations_and_may_hold_more_sites(tmp_path):
    path = tmp_path / "map.csv"
    path.write_text("sequential_site,reference_site\n1,8\n2,4\n3,99\n4,3\n5,1\n")
    (tmp_path / "scores.csv").write_text(HAND_MADE.replace("a,Q8K,5\na,M1E Q8K,6\n", ""))
    data = {"unknown_wildtype": "error", "site_map": str(path)}
    spec = {"study": "s", "reference": "a", "data": data}
    done = preprocess(spec, [tmp_path / "scores.csv"])
    write_csv(tmp_path / "variants.csv", done.variants)
    write_csv(tmp_path / "wildtypes.csv", done.wildtypes)
    encoding, _ = encode_files(spec, tmp_path / "variants.csv", tmp_path / "wildtypes.csv", "1")
    assert encoding.mutations.tolist() == ["A4T", "G3K", "G3P", "G3R", "M1E"]
    assert dict(zip(encoding.scores, rows(encoding), strict=True)) == OWN
    path.write_text("sequential_site,reference_site\n2,4\n4,3\n")
    with pytest.raises(UserError, match="scores.csv, row .*'1'"):
        preprocess(spec, [tmp_path / "scores.csv"])


def test_variants_that_do_not_fit_the_wildtypes_are_refused(tmp_path):
    (tmp_path / "scores.csv").write_text(HAND_MADE)
    spec = {"study": "s", "reference": "a", "data": {}}
    done = preprocess(spec, [tmp_path / "scores.csv"])
    changed = done.wildtypes.assign(b=["M", "K", "A", ""])
    with pytest.raises(UserError, match="condition b, variant '.*P3.*': found wildtype P at site 3; .* K"):
        encode(spec, done.variants, changed, "1")
    with pytest.raises(UserError, match="found condition 'b' without wildtypes; expected one of a"):
        encode(spec, done.variants, done.wildtypes.drop(columns="b"), "1")
    with pytest.raises(UserError, match="reference: found 'c'; expected one of the conditions a, b"):
        encode({**spec, "reference": "c"}, done.variants, done.wildtypes, "1")


# Real data


@pytest.fixture(scope="module")
def spike():
    folder = os.environ.get("PROXSWEEP_DATA")
    if not folder:
        pytest.skip("PROXSWEEP_DATA names no folder with the real data sets")
    spec = {"study": "spike", "reference": "Omicron_BA1-2", "data": {}}
    return spec, preprocess(spec, [Path(folder) / "spike_delta_ba1_10k.csv"])


def totals(report, step, column):
    chosen = report[report["step"] == step]
    return dict(zip(chosen["condition"], chosen[column], strict=True))


@pytest.mark.data
def test_spike_counts_with_every_differing_site(spike):
    spec, done = spike
    encoding, report = encode(spec, done.variants, done.wildtypes, "1")
    assert totals(report, "collapse", "rows") == {"Delta-2": 4094, "Omicron_BA1-2": 3764}
    assert totals(report, "unknown_wildtype", "dropped") == {"Delta-2": 419, "Omicron_BA1-2": 148}
    assert len(encoding.mutations) == 5691
    assert encoding.bundle.sum(axis=1).tolist() == [0, 31]
    assert encoding.offsets.tolist() == [0, 3764 - 148, 7858 - 567]


@pytest.mark.data
def test_spike_counts_with_sites_observed_both_ways(spike):
    spec, done = spike
    spec = {**spec, "data": {"bundle_sites": "observed_both_ways"}}
    encoding, report = encode(spec, done.variants, done.wildtypes, "1")
    assert encoding.bundle.sum(axis=1).tolist() == [0, 21]
    assert sum(totals(report, "bundle_sites", "dropped").values()) == 475


@pytest.mark.data
def test_rbd_encoding_has_every_single_mutant(spike):
    path = Path(os.environ["PROXSWEEP_DATA"]) / "rbd_five_variants.csv"
    spec = {"study": "rbd", "reference": "Wuhan-Hu-1", "data": {"columns": {"score": "ace2_binding"}}}
    done = preprocess(spec, [path])
    encoding, _ = encode(spec, done.variants, done.wildtypes, "1")
    raw = pd.read_csv(path, keep_default_na=False, dtype=str)
    assert encoding.offsets[-1] == (raw["ace2_binding"] != "").sum()
    counts = dict(zip(encoding.conditions.tolist(), encoding.bundle.sum(axis=1).tolist(), strict=True))
    assert counts == {"Wuhan-Hu-1": 0, "Alpha": 1, "Beta": 3, "Delta": 2, "Eta": 1}
