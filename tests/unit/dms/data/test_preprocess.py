"""From tables to scored variants: replicates, conditions, filters, scores from counts, clipping, faults."""

import os
from math import log2
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.data.preprocess import preprocess
from proxsweep.io.errors import UserError

HEADER = "condition,aa_substitutions,func_score"
SCORES = f"""{HEADER}
b,,0.1
b,P3R A4*,-3
b,P3G,0.5
a,A4*,-5
a,G3R,1
a,,0
b,A4T P3R,2
a,M1E,3
"""


def study(data=None, reference="a"):
    return {"study": "s", "reference": reference, "data": data or {}}


def run(folder, content, data=None, reference="a", name="scores.csv"):
    path = folder / name
    path.write_text(content)
    return preprocess(study(data, reference), [path])


def counts(report, step):
    """(rows, dropped) by (replicate, condition) after a step."""
    chosen = report[report["step"] == step]
    keys = zip(chosen["replicate"], chosen["condition"], strict=True)
    return dict(zip(keys, zip(chosen["rows"], chosen["dropped"], strict=True), strict=True))


def scores(done, replicate="1"):
    chosen = done.variants[done.variants["replicate"] == replicate]
    return {(c, s): y for c, s, y in chosen[["condition", "aa_substitutions", "func_score"]].to_numpy()}


def test_a_plain_table(tmp_path):
    done = run(tmp_path, SCORES)
    assert list(done.variants.columns) == ["replicate", "condition", "aa_substitutions", "func_score"]
    assert scores(done) == {
        ("a", ""): 0,
        ("a", "A4*"): -5,
        ("a", "G3R"): 1,
        ("a", "M1E"): 3,
        ("b", ""): 0.1,
        ("b", "P3G"): 0.5,
        ("b", "P3R A4*"): -3,
        ("b", "P3R A4T"): 2,
    }
    assert done.wildtypes.to_dict("list") == {
        "site": ["1", "3", "4"],
        "a": ["M", "G", "A"],
        "b": ["", "P", "A"],
    }
    read = done.report[done.report["step"] == "read"]
    assert read[["condition", "rows", "variants", "mutations", "dropped"]].to_numpy().tolist() == [
        ["a", 4, 4, 3, 0],
        ["b", 4, 4, 4, 0],
    ]


def test_order_of_rows_and_of_substitutions_does_not_matter(tmp_path):
    expected = run(tmp_path, SCORES, {"replicates": {"split": 1}})
    lines = SCORES.splitlines()
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(lines) - 1) + 1
        shuffled = "\n".join([lines[0], *(lines[i] for i in order)])
        swapped = shuffled.replace("P3R A4*", "A4* P3R").replace("A4T P3R", "P3R A4T")
        done = run(tmp_path, swapped, {"replicates": {"split": 1}})
        for name in ("variants", "wildtypes", "report"):
            pd.testing.assert_frame_equal(getattr(done, name), getattr(expected, name))


def test_missing_scores_are_dropped_and_counted_and_still_tell_the_wildtype(tmp_path):
    done = run(tmp_path, SCORES + "b,M1K,\nb,A4R,NA\n")
    assert counts(done.report, "read")["1", "b"] == (6, 0)
    assert counts(done.report, "missing_score") == {("1", "a"): (4, 0), ("1", "b"): (4, 2)}
    assert len(done.variants) == 8
    assert done.wildtypes.set_index("site")["b"].to_dict() == {"1": "M", "3": "P", "4": "A"}


KINDS = f"""{HEADER}
a,,0
a,G3R,1
a,A4- G3R,2
a,L3aQ,3
a,*5Q G3K,4
a,-6Q,5
a,W4- *5Q,6
b,G3K,0
b,A4T,0
"""
ALL = {"", "G3R", "G3R A4-", "L3aQ", "G3K *5Q", "-6Q", "W4- *5Q"}


@pytest.mark.parametrize(
    ("drop", "left", "dropped"),
    [
        (["stop_wildtypes"], ALL - {"G3K *5Q", "W4- *5Q"}, [2]),
        (["stop_wildtypes", "suffixed_sites"], {"", "G3R", "G3R A4-", "-6Q"}, [2, 1]),
        (["suffixed_sites", "gaps", "stop_wildtypes"], {"", "G3R"}, [1, 3, 1]),
    ],
)
def test_kinds_of_variants_are_dropped_and_counted_in_order(tmp_path, drop, left, dropped):
    done = run(tmp_path, KINDS, {"drop": drop})
    assert {text for condition, text in scores(done) if condition == "a"} == left
    assert {text for condition, text in scores(done) if condition == "b"} == {"G3K", "A4T"}
    assert counts(done.report, "read")["1", "a"] == (7, 0)
    for kind, number in zip(drop, dropped, strict=True):
        assert counts(done.report, f"drop_{kind}")["1", "a"][1] == number
        assert counts(done.report, f"drop_{kind}")["1", "b"] == (2, 0)


def test_dropped_variants_tell_no_wildtype(tmp_path):
    """W at site 4 of condition a stands beside A, in a variant with a gap and a lost stop."""
    with pytest.raises(UserError, match="one wildtype a site and condition"):
        run(tmp_path, KINDS.replace("a,*5Q G3K,4\n", "").replace("W4- *5Q", "W4-"))
    done = run(tmp_path, KINDS, {"drop": ["stop_wildtypes", "suffixed_sites"]})
    assert done.wildtypes.set_index("site")["a"].to_dict() == {"3": "G", "4": "A", "6": "-"}


def test_a_stop_as_wildtype_is_an_error_unless_it_is_dropped(tmp_path):
    with pytest.raises(UserError, match=r"row 6.*a wildtype that is no stop codon"):
        run(tmp_path, KINDS, {"drop": ["gaps", "suffixed_sites"]})


def test_substitutions_to_themselves_do_not_matter_in_dropped_variants(tmp_path):
    table = KINDS.replace("a,L3aQ,3", "a,L3aQ G3G,3")
    with pytest.raises(UserError, match="a substitution to itself"):
        run(tmp_path, table, {"drop": ["stop_wildtypes"]})
    assert len(run(tmp_path, table, {"drop": ["stop_wildtypes", "suffixed_sites"]}).variants) == 6


def test_columns_can_have_other_names_and_sites_an_order_of_their_own(tmp_path):
    (tmp_path / "map.csv").write_text("sequential_site,reference_site\n1,4\n2,3\n3,1\n4,77\n")
    table = SCORES.replace(HEADER, "strain,muts,value")
    columns = {"condition": "strain", "substitutions": "muts", "score": "value"}
    done = run(tmp_path, table, {"columns": columns, "site_map": str(tmp_path / "map.csv")})
    assert done.wildtypes["site"].tolist() == ["4", "3", "1"]
    assert "A4* P3R" in done.variants["aa_substitutions"].tolist()


def test_conditions_reference_first_then_by_name_or_as_listed(tmp_path):
    table = SCORES + "c,G3R,1\n0,G3R,1\n"
    done = run(tmp_path, table, reference="b")
    assert list(done.wildtypes.columns) == ["site", "b", "0", "a", "c"]
    done = run(tmp_path, table, {"conditions": ["c", "a"]})
    assert list(done.wildtypes.columns) == ["site", "c", "a"]
    assert done.variants["condition"].unique().tolist() == ["c", "a"]
    unused = done.report[done.report["reason"] == "condition not used"]
    assert unused[["condition", "dropped"]].to_numpy().tolist() == [["0", 1], ["b", 4]]


def test_unused_conditions_tell_nothing_about_wildtypes_and_may_be_faulty(tmp_path):
    done = run(tmp_path, SCORES + "c,Q3R,1\nc,nonsense,1\n", {"conditions": ["a", "b"]})
    assert done.wildtypes["site"].tolist() == ["1", "3", "4"]


def test_replicates_from_a_column(tmp_path):
    table = f"{HEADER},line\na,G3R,1,10\na,G3R,2,2\na,G3K,3,2\n"
    done = run(tmp_path, table, {"replicates": {"column": "line"}})
    assert done.variants[["replicate", "func_score"]].to_numpy().tolist() == [["2", 3], ["2", 2], ["10", 1]]


def test_replicates_from_score_columns_drop_only_what_each_lacks(tmp_path):
    table = "condition,aa_substitutions,r1,r2\na,G3R,1,\na,G3K,2,3\n"
    done = run(tmp_path, table, {"replicates": {"score_columns": {1: "r1", "late": "r2"}}})
    assert scores(done, "1") == {("a", "G3R"): 1, ("a", "G3K"): 2}
    assert scores(done, "late") == {("a", "G3K"): 3}
    assert counts(done.report, "missing_score") == {("1", "a"): (2, 0), ("late", "a"): (1, 1)}


def test_a_list_of_tables_names_conditions_and_replicates(tmp_path):
    paths = []
    for number, text in enumerate(["G3R,1\n", "P3R,2\n", "G3K,3\n"]):
        paths.append(tmp_path / f"{number}.csv")
        paths[-1].write_text("aa_substitutions,func_score\n" + text)
    listed = [
        {"func_scores": "0", "condition": "z", "replicate": 1},
        {"func_scores": "1", "condition": "a", "replicate": 1, "sha256": None},
        {"func_scores": "2", "condition": "z", "replicate": "two"},
    ]
    done = preprocess(study({"func_scores": listed}), paths)
    assert list(done.wildtypes.columns) == ["site", "z", "a"]
    assert done.variants.to_numpy().tolist() == [
        ["1", "z", "G3R", 1],
        ["1", "a", "P3R", 2],
        ["two", "z", "G3K", 3],
    ]
    listed[1]["sha256"] = "0" * 64
    with pytest.raises(UserError, match="1.csv: found a file with sha256"):
        preprocess(study({"func_scores": listed}), paths)


def test_a_replicate_may_lack_a_condition(tmp_path):
    table = SCORES.replace("\n", ",1\n").replace("func_score,1", "func_score,r") + "b,,1,3\nb,A4T,2,3\n"
    done = run(tmp_path, table, {**COLUMN, "subtract_wildtype": True})
    assert scores(done, "3") == {("b", ""): 0, ("b", "A4T"): 1}
    assert counts(done.report, "read")["3", "a"] == (0, 0)


def barcoded(rows=60):
    """Two conditions, five single mutants each in many rows, all scores different."""
    texts = [f"A{1 + i % 5}T" for i in range(rows)]
    lines = [f"{c},{text},{i + 0.5 * (c == 'b')}" for c in "ab" for i, text in enumerate(texts)]
    return "\n".join([HEADER, *lines])


def test_random_halves_are_balanced_seeded_and_leave_no_row_out(tmp_path):
    def halves(seed, table=None, conditions=None):
        data = {"replicates": {"split": 2, "seed": seed}, "conditions": conditions}
        return run(tmp_path, table or barcoded(), data).variants

    one = halves(1)
    assert one.groupby(["replicate", "condition"]).size().tolist() == [30] * 4
    assert sorted(one["func_score"]) == sorted([*range(60), *(i + 0.5 for i in range(60))])
    pd.testing.assert_frame_equal(one, halves(1))
    lines = barcoded().splitlines()
    pd.testing.assert_frame_equal(one, halves(1, "\n".join([lines[0], *reversed(lines[1:])])))
    assert not one.equals(halves(2))
    alone = halves(1, conditions=["a"])
    pd.testing.assert_frame_equal(alone, one[one["condition"] == "a"].reset_index(drop=True))


@pytest.mark.parametrize("seed", range(5))
def test_rows_with_scores_are_balanced_whatever_is_missing(tmp_path, seed):
    lines = barcoded(61).splitlines()
    for i in range(2, 62, 2):
        lines[i] = lines[i].rsplit(",", 1)[0] + ","
    done = run(tmp_path, "\n".join(lines), {"replicates": {"split": 2, "seed": seed}})
    sizes = done.variants.groupby(["condition", "replicate"]).size()
    assert sorted(sizes["a"]) == [15, 16]
    assert sorted(sizes["b"]) == [30, 31]


def test_random_halves_of_single_mutants_are_refused(tmp_path):
    table = "\n".join([HEADER, *(f"{c},A{i}T,1" for c in "ab" for i in range(40))])
    with pytest.raises(UserError, match=r"data\.replicates\.split: found .* share no mutation; expected .*score_col"):
        run(tmp_path, table, {"replicates": {"split": 2}})
    run(tmp_path, table)


COUNTS = """condition,aa_substitutions,pre_count,post_count
a,,100,50
a,,300,250
a,G3R,10,40
a,G3K,0,5
b,,20,30
b,P3R,16,0
b,P3K,9,9
"""


def test_scores_from_counts_are_relative_to_the_pooled_wildtype(tmp_path):
    got = scores(run(tmp_path, COUNTS, {"pseudocount": 0.5, "min_pre_count": 0}))
    assert got["a", "G3R"] == pytest.approx(log2((40.5 / 10.5) / (300.5 / 400.5)), abs=1e-12)
    assert got["b", "P3K"] == pytest.approx(log2((9.5 / 9.5) / (30.5 / 20.5)), abs=1e-12)
    assert got["b", "P3R"] == pytest.approx(log2((0.5 / 16.5) / (30.5 / 20.5)), abs=1e-12)


def test_scores_from_counts_use_each_replicates_own_wildtype(tmp_path):
    rows = COUNTS.splitlines()
    other = "\n".join([rows[0] + ",r", *(f"{row},1" for row in rows[1:]), "a,,7,70,2", "a,G3R,5,5,2", "b,,1,1,2"])
    got = scores(run(tmp_path, other, {"replicates": {"column": "r"}, "min_pre_count": 0}), "2")
    assert got["a", "G3R"] == pytest.approx(-log2(70.5 / 7.5), abs=1e-12)


def test_the_count_filter_runs_before_the_score(tmp_path):
    done = run(tmp_path, COUNTS.replace("a,,100,50", "a,,8,500"), {"min_pre_count": 9})
    got = scores(done)
    assert ("a", "G3K") not in got and ("b", "P3K") in got
    assert got["a", "G3R"] == pytest.approx(log2((40.5 / 10.5) / (250.5 / 300.5)), abs=1e-12)
    assert counts(done.report, "no_reads") == {("1", "a"): (3, 1), ("1", "b"): (3, 0)}
    assert counts(done.report, "count_filter") == {("1", "a"): (2, 1), ("1", "b"): (3, 0)}


@pytest.mark.parametrize(("least", "left"), [(None, {"G3R", "P3R"}), (0, {"G3R", "P3R", "P3K"}), (11, {"P3R"})])
def test_rows_without_a_read_and_rows_with_few_reads_are_dropped_and_counted(tmp_path, least, left):
    done = run(tmp_path, COUNTS, {"min_pre_count": least})
    assert {text for _, text in scores(done)} - {""} == left
    assert counts(done.report, "no_reads")["1", "a"] == (3, 1)
    reasons = done.report.set_index(["step", "condition"])["reason"]
    assert reasons["no_reads", "a"] == "no read before selection" and reasons["no_reads", "b"] == ""
    if least == 0:
        assert "count_filter" not in set(done.report["step"])
    else:
        assert reasons["count_filter", "b"] == f"pre-selection count below {least or 10}"


def test_reads_after_selection_alone_say_nothing_and_no_reads_are_never_wildtype(tmp_path):
    nothing = COUNTS + "a,M1E,0,0\na,M1K,0,70\na,,0,0\nb,M1E,100,2\n"
    done = run(tmp_path, nothing, {"min_pre_count": 0})
    assert {text for condition, text in scores(done) if condition == "a"} == {"", "G3R"}
    pooled = run(tmp_path, COUNTS, {"min_pre_count": 0})
    assert scores(done)["a", "G3R"] == scores(pooled)["a", "G3R"]


def test_scores_in_a_table_are_not_filtered_by_counts_that_stand_beside_them(tmp_path):
    table = "condition,aa_substitutions,func_score,pre_count,post_count\na,G3R,1.5,0,4\na,G3K,2,1,4\n"
    assert scores(run(tmp_path, table)) == {("a", "G3R"): 1.5, ("a", "G3K"): 2}


def test_variances_follow_from_counts_unless_the_table_has_them(tmp_path):
    settings = {"variant_weights": "inverse_variance", "min_pre_count": 0}
    found = run(tmp_path, COUNTS, settings).variants.set_index(["condition", "aa_substitutions"])["variance"]
    assert found["a", "G3R"] == pytest.approx((1 / 10.5 + 1 / 40.5) / np.log(2) ** 2, abs=1e-12)
    rows = COUNTS.splitlines()
    given = "\n".join([rows[0] + ",variance", *(f"{row},{k}.5" for k, row in enumerate(rows[1:]))])
    found = run(tmp_path, given, settings).variants.set_index(["condition", "aa_substitutions"])["variance"]
    assert found["a", "G3R"] == 2.5


def test_scores_win_over_counts_where_both_stand(tmp_path):
    table = "condition,aa_substitutions,func_score,pre_count,post_count\na,G3R,1.5,3,4\na,G3K,2,1,4\n"
    assert scores(run(tmp_path, table, {"min_pre_count": 2})) == {("a", "G3R"): 1.5}


def test_subtract_wildtype_uses_each_conditions_mean(tmp_path):
    done = run(tmp_path, SCORES + "a,,1\n", {"subtract_wildtype": True})
    variants = done.variants
    wild = variants[variants["aa_substitutions"] == ""].groupby("condition")["func_score"].mean()
    np.testing.assert_allclose(wild, 0, atol=1e-15)
    assert scores(done)["a", "G3R"] == pytest.approx(0.5)
    assert scores(done)["b", "P3G"] == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("clip", "expected"),
    [([-3.5, 2], {-3.5, 2.0, 1.0}), ([None, 0], {-5.0, 0.0}), ([-1, None], {-1.0, 3.0}), (None, {-5.0, 3.0})],
)
def test_clip(tmp_path, clip, expected):
    done = run(tmp_path, SCORES, {"clip": clip})
    assert expected <= set(done.variants["func_score"])
    if clip:
        low, high = (-np.inf if clip[0] is None else clip[0]), (np.inf if clip[1] is None else clip[1])
        assert done.variants["func_score"].between(low, high).all()


def test_median_stop_is_taken_over_all_conditions_of_a_replicate_before_collapsing(tmp_path):
    # stops of replicate 1: -4, -4, -4 (one variant in three rows), -1, 0: median -4; collapsed it were -1
    rows = ["a,A4*,-4,1"] * 3 + [
        "b,A4* P3R,-1,1",
        "b,A4*,0,1",
        "a,G3R,-9,1",
        "a,A4*,-2,2",
        "a,G3R,-9,2",
        "b,P3G,1,2",
    ]
    done = run(
        tmp_path,
        "\n".join([HEADER + ",r", *rows]),
        {"clip": ["median_stop", 1], "replicates": {"column": "r"}},
    )
    assert scores(done, "1")["a", "G3R"] == -4
    assert scores(done, "2")["a", "G3R"] == -2
    notes = done.report[done.report["step"] == "clip"]["reason"].tolist()
    assert notes[0] == "1 scores raised to -4, 0 scores lowered to 1"


def test_self_substitutions_are_wildtypes_if_asked(tmp_path):
    done = run(tmp_path, SCORES + "b,M1M,7\nb,M1M P3R,8\n", {"self_substitution": "wildtype"})
    assert done.wildtypes.set_index("site").loc["1", "b"] == "M"
    assert done.variants.query("condition == 'b' and func_score == 7")["aa_substitutions"].tolist() == [""]
    assert done.variants.query("condition == 'b' and func_score == 8")["aa_substitutions"].tolist() == ["P3R"]


def test_weight_columns_are_carried_where_used(tmp_path):
    table = f"{HEADER},n_barcodes,weight,variance\na,G3R,1,3,0.5,2\na,G3K,,0,-1,\n"
    for weights, name, value in (
        ("barcodes", "n_barcodes", 3),
        ("column", "weight", 0.5),
        ("inverse_variance", "variance", 2),
    ):
        done = run(tmp_path, table, {"variant_weights": weights})
        assert list(done.variants.columns[4:]) == [name]
        assert done.variants[name].tolist() == [value]


def test_a_row_is_a_barcode_where_no_column_counts_them(tmp_path):
    done = run(tmp_path, SCORES, {"variant_weights": "barcodes"})
    assert (done.variants["n_barcodes"] == 1).all()
    notes = done.report.query("step == 'read'")["reason"]
    assert list(notes) == ["no column n_barcodes: every row counts as one barcode"] * 2


def test_a_table_without_barcodes_beside_one_with_them(tmp_path):
    (tmp_path / "one.csv").write_text(f"{HEADER},n_barcodes\na,M1E,1,3\na,,0,\nb,M1E,1,2\n")
    (tmp_path / "two.csv").write_text(f"{HEADER}\na,G3R,1\na,,0\nc,M1E,1\n")
    done = preprocess(study({"variant_weights": "barcodes"}), [tmp_path / "one.csv", tmp_path / "two.csv"])
    assert done.report.query("step == 'read'").set_index("condition")["reason"].to_dict() == {
        "a": "3 without a number of barcodes, taken as 1",
        "b": "",
        "c": "no column n_barcodes: every row counts as one barcode",
    }


def test_wildtypes_are_inferred_over_all_replicates_and_before_filters(tmp_path):
    table = f"{HEADER},r,pre_count\na,G3R,1,1,9\na,M1E,1,2,9\na,K7E,1,2,0\nb,M1E,1,1,9\nb,P3R,0,2,9\n"
    data = {"replicates": {"column": "r"}, "min_pre_count": 5}
    done = run(tmp_path, table, data)
    assert done.wildtypes.to_dict("list") == {
        "site": ["1", "3", "7"],
        "a": ["M", "G", "K"],
        "b": ["M", "P", ""],
    }


SPLIT = {"replicates": {"split": 2}}
COLUMN = {"replicates": {"column": "r"}}
FAULTS = {
    "two at a site": (
        "a,G3R G3K,1",
        {},
        "row 10, column 'aa_sub",
        "two substitutions at site 3",
        "one a site",
    ),
    "unknown letter": ("a,G3X,1", {}, "row 10, column 'aa_sub", "'G3X'", "mutant among the letters"),
    "not separated": ("a,G3R;M1E,1", {}, "row 10", "'G3R;M1E'", "separated by blanks"),
    "to itself": (
        "a,M1M,1",
        {},
        "row 10, column 'aa_sub",
        "M1M, a substitution to itself",
        "self_substitution",
    ),
    "two wildtypes": ("a,K3R,1", {}, "row 6", "wildtype G at site 3", "one wildtype"),
    "wildtype of a row without score": ("a,K3R,", {}, "row 6", "but K at", "one wildtype"),
    "no condition": (",G3R,1", {}, "row 10, column 'condition'", "no condition", "every row"),
    "called site": ("site,G3R,1", {}, "conditions", "called 'site'", "another name"),
    "unknown condition": ("a,G3R,1", {"conditions": ["a", "bb"]}, "data.conditions", "'bb'", "nearest: 'b'"),
    "reference not listed": ("a,G3R,1", {"conditions": ["b"]}, "reference", "'a'", "'b'"),
    "text score": ("a,G3R,high", {}, "row 10, column 'func_score'", "'high'", "finite number"),
    "absurd score": ("a,G3R,-1e300", {}, "row 10, column 'func_score'", "-1e+300", "a size of at most 1e+06"),
    "no such column": ("a,G3R,1", COLUMN, "header", "no column 'r'", "'condition'"),
    "no score column": (
        "a,G3R,1",
        {"columns": {"score": "func_scores"}},
        "header",
        "'func_scores'",
        "nearest",
    ),
    "no score columns": (
        "a,G3R,1",
        {"replicates": {"score_columns": {1: "func_score", 2: "func_score2"}}},
        "header",
        "'func_score2'",
        "nearest: 'func_score'",
    ),
    "no counts to filter": ("a,G3R,1", {"min_pre_count": 5}, "header", "'pre_count'", "one of"),
    "no barcodes": ("a,G3R,1", {"collapse": "barcode_mean"}, "header", "'n_barcodes'", "one of"),
    "no weights": ("a,G3R,1", {"variant_weights": "column"}, "header", "'weight'", "one of"),
    "no variances": ("a,G3R,1", {"variant_weights": "inverse_variance"}, "header", "'variance'", "one of"),
    "bounds cross": ("a,G3R,1", {"clip": ["median_stop", -6]}, "data.clip", "above upper", "in order"),
    "halves of singles": ("a,G3K,1", SPLIT, "replicates.split", "share no mutation", "score_columns"),
}


@pytest.mark.parametrize(("row", "data", "place", "found", "expected"), FAULTS.values(), ids=FAULTS)
def test_faults_of_a_table_name_place_found_and_expected(tmp_path, row, data, place, found, expected):
    with pytest.raises(UserError) as caught:
        run(tmp_path, SCORES + row + "\n", data)
    error = caught.value
    assert place in error.place
    assert found in error.found
    assert expected in error.expected
    if "row" in place or place == "header":
        assert str(tmp_path / "scores.csv") in error.place


NUMBERS = f"{HEADER},pre_count,n_barcodes,weight,variance,r\na,G3R,1,5,1,1,1,1\n"
OTHER_FAULTS = {
    "negative count": (
        NUMBERS + "a,G3R,1,-1,1,1,1,1",
        {"min_pre_count": 1},
        "row 3, column 'pre_count'",
        "-1",
    ),
    "no count": (NUMBERS + "a,G3R,1,,1,1,1,1", {"min_pre_count": 1}, "row 3, column 'pre_count'", "no value"),
    "no barcode": (
        NUMBERS + "a,G3R,1,1,0,1,1,1",
        {"variant_weights": "barcodes"},
        "column 'n_barcodes'",
        "0",
    ),
    "weight zero": (
        NUMBERS + "a,G3R,1,1,1,0,1,1",
        {"variant_weights": "column"},
        "row 3, column 'weight'",
        "0",
    ),
    "NaN weight": (NUMBERS + "a,G3R,1,1,1,NaN,1,1", {"variant_weights": "column"}, "column 'weight'", "no value"),
    "infinite weight": (NUMBERS + "a,G3R,1,1,1,inf,1,1", {"variant_weights": "column"}, "column 'weight'", "inf"),
    "infinite count": (NUMBERS + "a,G3R,1,inf,1,1,1,1", {"min_pre_count": 1}, "row 3, column 'pre_count'", "inf"),
    "variance below 0": (
        NUMBERS + "a,G3R,1,1,1,1,-2,1",
        {"variant_weights": "inverse_variance"},
        "row 3, column 'variance'",
        "-2",
    ),
    "absurd count": (NUMBERS + "a,G3R,1,1e13,1,1,1,1", {"min_pre_count": 1}, "row 3, column 'pre_count'", "1e+13"),
    "absurd barcodes": (
        NUMBERS + "a,G3R,1,1,1e13,1,1,1",
        {"variant_weights": "barcodes"},
        "row 3, column 'n_barcodes'",
        "1e+13",
    ),
    "weight near zero": (
        NUMBERS + "a,G3R,1,1,1,1e-300,1,1",
        {"variant_weights": "column"},
        "row 3, column 'weight'",
        "1e-300",
    ),
    "absurd variance": (
        NUMBERS + "a,G3R,1,1,1,1,1e300,1",
        {"variant_weights": "inverse_variance"},
        "row 3, column 'variance'",
        "1e+300",
    ),
    "absurd score of a replicate": (
        "condition,aa_substitutions,x,y\na,G3R,1,1\na,G3K,1,2e6\n",
        {"replicates": {"score_columns": {1: "x", 2: "y"}}},
        "row 3, column 'y'",
        "2e+06",
    ),
    "no replicate": (NUMBERS + "a,G3R,1,1,1,1,1,", COLUMN, "row 3, column 'r'", "no replicate"),
    "label with a slash": (NUMBERS + "a,G3R,1,1,1,1,1,x/y", COLUMN, "row 3, column 'r'", "'x/y'"),
    "negative post count": (COUNTS + "a,G3R,1,-4", {}, "row 9, column 'post_count'", "-4"),
    "no wildtype counts": (
        COUNTS.replace("b,,20,30\n", ""),
        {},
        "replicate 1, condition b",
        "no wildtype counts",
    ),
    "wildtype never found": (COUNTS.replace("b,,20,30", "b,,20,0"), {}, "condition b", "no wildtype counts"),
    "no pseudocount": (COUNTS, {"pseudocount": 0}, "scores.csv, row 7", "count of 0 without a pseudocount"),
    "no wildtype score": (
        NUMBERS,
        {"subtract_wildtype": True},
        "replicate 1, condition a",
        "no wildtype row",
    ),
    "no stop": (NUMBERS, {"clip": ["median_stop", 1]}, "data.clip, replicate 1", "no variant with a stop"),
    "no score at all": (f"{HEADER}\na,G3R,\n", {}, "study s, condition a", "no row with a score"),
    "drop leaves nothing": (f"{HEADER}\na,G3-,1\nb,G3R,1\n", {"drop": ["gaps"]}, "condition a", "`drop`"),
    "filter leaves nothing": (NUMBERS, {"min_pre_count": 6}, "condition a", "passes the count filter"),
    "only wildtypes": (f"{HEADER}\na,,1\n", {}, "column 'aa_substitutions'", "no substitution in any row"),
    "reference absent": (f"{HEADER}\nA,G3R,1\n", {}, "reference", "'a', which is no condition"),
    "site off the map": (SCORES, {"site_map": "map.csv"}, "row 3, column 'aa_substitutions'", "'A4*'"),
}


@pytest.mark.parametrize(("content", "data", "place", "found"), OTHER_FAULTS.values(), ids=OTHER_FAULTS)
def test_faults_of_other_tables(tmp_path, content, data, place, found):
    (tmp_path / "map.csv").write_text("sequential_site,reference_site\n1,1\n2,3\n")
    if "site_map" in data:
        data = {"site_map": str(tmp_path / "map.csv")}
    with pytest.raises(UserError) as caught:
        run(tmp_path, content, data)
    assert place in caught.value.place
    assert found in caught.value.found


def test_large_numbers_and_those_that_are_not_used_are_read(tmp_path):
    table = NUMBERS + "a,G3R,-1e6,1e300,1e300,1e20,1e300,1\na,G3R,,1,1,1e300,1,1\n"
    done = run(tmp_path, table, {"variant_weights": "column"})
    assert sorted(done.variants["func_score"]) == [-1e6, 1] and sorted(done.variants["weight"]) == [1, 1e20]


@pytest.fixture
def folder():
    path = os.environ.get("PROXSWEEP_DATA")
    if not path:
        pytest.skip("PROXSWEEP_DATA names no folder with the real data sets")
    return Path(path)


@pytest.mark.data
def test_spike_table(folder):
    done = preprocess(study(reference="Omicron_BA1-2"), [folder / "spike_delta_ba1_10k.csv"])
    variants = done.variants
    assert variants["aa_substitutions"].str.split().explode().dropna().nunique() == 6376
    wild = variants[variants["aa_substitutions"] == ""].groupby("condition").size()
    assert wild.to_dict() == {"Delta-2": 599, "Omicron_BA1-2": 968}
    sizes = variants.groupby(["condition", "aa_substitutions"]).size()
    assert (sizes > 1).sum() == 486
    assert variants["aa_substitutions"].str.split().str.len().max() == 31
    wildtypes = done.wildtypes
    unknown = (wildtypes == "").any(axis=1)
    assert (len(wildtypes), unknown.sum()) == (1219, 162)
    assert (~unknown & (wildtypes["Delta-2"] != wildtypes["Omicron_BA1-2"])).sum() == 31


@pytest.mark.data
def test_spike_halves_share_most_mutations(folder):
    spec = study({"replicates": {"split": 2, "seed": 1}}, "Omicron_BA1-2")
    variants = preprocess(spec, [folder / "spike_delta_ba1_10k.csv"]).variants
    assert variants.groupby(["replicate", "condition"]).size().tolist() == [2500] * 4


@pytest.mark.data
def test_rbd_table(folder):
    path = folder / "rbd_five_variants.csv"
    raw = pd.read_csv(path)
    for column, missing in (("ace2_binding", 222), ("expression", 294)):
        done = preprocess(study({"columns": {"score": column}}, "Wuhan-Hu-1"), [path])
        report = done.report.groupby("step")["dropped"].sum()
        assert report["missing_score"] == missing
        assert done.variants["func_score"].sum() == pytest.approx(raw[column].sum(), abs=1e-9)
    wildtypes = done.wildtypes.set_index("site")
    assert len(wildtypes) == 201
    assert not (wildtypes == "").any(axis=None)
    differing = wildtypes.ne(wildtypes["Wuhan-Hu-1"], axis=0).to_numpy()
    found = {(wildtypes.index[i], wildtypes.columns[j]): wildtypes.iat[i, j] for i, j in np.argwhere(differing)}
    assert found == {
        ("417", "Beta"): "N",
        ("452", "Delta"): "R",
        ("478", "Delta"): "K",
        ("484", "Beta"): "K",
        ("484", "Eta"): "K",
        ("501", "Alpha"): "Y",
        ("501", "Beta"): "Y",
    }
    with pytest.raises(UserError, match="share no mutation"):
        preprocess(study({"columns": {"score": "ace2_binding"}, **SPLIT}, "Wuhan-Hu-1"), [path])


def test_a_row_without_a_number_of_barcodes_counts_as_one_and_is_reported(tmp_path):
    table = "condition,aa_substitutions,func_score,n_barcodes\na,,0,\na,M1E,1,3\nb,,0,2\nb,M1E,1,4\n"
    done = run(tmp_path, table, {"variant_weights": "barcodes"})
    assert list(done.variants.query("condition == 'a'").sort_values("aa_substitutions")["n_barcodes"]) == [1, 3]
    notes = done.report.query("step == 'read'").set_index("condition")["reason"]
    assert notes["a"] == "1 without a number of barcodes, taken as 1" and notes["b"] == ""


def test_variants_of_two_sequences_in_one_condition_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("condition,aa_substitutions,func_score\na,T1:p.Pro9Ala,1\nb,T2:p.Pro9Ala,2\na,T2:p.Lys5Asp,3\n")
    spec = {"study": "s", "data": {"func_scores": str(path)}, "reference": "a"}
    with pytest.raises(UserError) as caught:
        preprocess(spec, [path])
    assert "row 4" in caught.value.place and "'T2' in condition a, but 'T1' at" in caught.value.found
