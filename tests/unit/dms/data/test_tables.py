"""How tables are read: columns, replicates and rows of each table, standard errors, notations, missing numbers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.data.preprocess import Preprocessed, preprocess
from proxsweep.io.errors import UserError


def run(folder: Path, tables: dict[str, str], data: dict, reference: str = "a") -> Preprocessed:
    for name, text in tables.items():
        (folder / name).write_text(text)
    listed = data.get("func_scores")
    names = [entry["func_scores"] for entry in listed] if isinstance(listed, list) else list(tables)
    spec = {"study": "s", "reference": reference, "data": data}
    return preprocess(spec, [folder / name for name in names])


def refusal(*arguments) -> UserError:
    with pytest.raises(UserError) as caught:
        run(*arguments)
    return caught.value


def rows(done: Preprocessed) -> list[list]:
    return done.variants[["replicate", "condition", "aa_substitutions", "func_score"]].to_numpy().tolist()


def steps(done: Preprocessed, step: str) -> list[list]:
    chosen = done.report[(done.report["step"] == step) & (done.report["dropped"] > 0)]
    return chosen[["replicate", "condition", "dropped", "reason"]].to_numpy().tolist()


# Tables of their own

FIRST = "replicate,variant,score\nRep1,,0\nRep1,P9A,-1\nRep2,,0\nRep2,P9A,-2\nRep3,P9A,9\n"
SECOND = "lib,mutations,y\nRep 2,,0\nRep 2,R9A,-3\nRep 3,R9A,-4\nRep 3,,0\nRep 1,R9A,9\n"
OWN = {"columns": {"substitutions": "mutations", "score": "y", "replicate": "lib"}}


def test_two_tables_that_call_their_columns_and_replicates_differently(tmp_path):
    entries = [
        {"func_scores": "a.csv", "condition": "a", "replicates": {"1": "Rep1", "2": "Rep2"}},
        {"func_scores": "b.csv", "condition": "b", "replicates": {"1": "Rep 2", "2": "Rep 3"}, **OWN},
    ]
    columns = {"substitutions": "variant", "score": "score"}
    data = {"func_scores": entries, "columns": columns, "replicates": {"column": "replicate"}}
    done = run(tmp_path, {"a.csv": FIRST, "b.csv": SECOND}, data)
    assert rows(done) == [
        ["1", "a", "", 0.0],
        ["1", "a", "P9A", -1.0],
        ["1", "b", "", 0.0],
        ["1", "b", "R9A", -3.0],
        ["2", "a", "", 0.0],
        ["2", "a", "P9A", -2.0],
        ["2", "b", "", 0.0],
        ["2", "b", "R9A", -4.0],
    ]
    assert steps(done, "read") == [
        ["all", "a", 1, "replicate that `replicates` of a.csv does not name"],
        ["all", "b", 1, "replicate that `replicates` of b.csv does not name"],
    ]


def test_score_columns_of_one_table_by_itself(tmp_path):
    entries = [
        {"func_scores": "a.csv", "condition": "a"},
        {"func_scores": "b.csv", "condition": "b", "replicates": {"1": "x", "2": "y"}},
    ]
    data = {"func_scores": entries, "replicates": {"score_columns": {"1": "r1", "2": "r2"}}}
    tables = {"a.csv": "aa_substitutions,r1,r2\nP9A,1,2\n", "b.csv": "aa_substitutions,y,x\nR9A,4,3\n"}
    expected = [["1", "a", "P9A", 1.0], ["1", "b", "R9A", 3.0], ["2", "a", "P9A", 2.0], ["2", "b", "R9A", 4.0]]
    assert rows(run(tmp_path, tables, data)) == expected


WIDE = (
    "bin,ok,aa_substitutions,func_score,condition\nlow,TRUE,P9A,1,a\nhigh,TRUE,P9C,2,a\nlow,FALSE,P9D,x,\n0,TRUE,,0,b\n"
)


@pytest.mark.parametrize(
    ("where", "left", "dropped"),
    [
        ({"ok": "TRUE", "bin": ["low", "high"]}, [1.0, 2.0], 2),
        ({"ok": "TRUE", "bin": "low"}, [1.0], 3),
        ({"bin": 0}, [0.0], 3),
        ({"condition": ["a", "b"]}, [0.0, 1.0, 2.0], 1),
        ({"func_score": ["1", "2"]}, [1.0, 2.0], 2),
    ],
)
def test_rows_that_where_leaves_out_are_not_looked_at_but_counted(tmp_path, where, left, dropped):
    data = {"func_scores": [{"func_scores": "a.csv", "condition": "c", "where": where}, {"func_scores": "b.csv"}]}
    done = run(tmp_path, {"a.csv": WIDE, "b.csv": "condition,aa_substitutions,func_score\na,P9A,7\n"}, data)
    found = done.variants[done.variants["condition"] == "c"]["func_score"]
    assert sorted(found) == left
    assert steps(done, "read") == [["all", "c", dropped, "left out by `where` of a.csv"]]


def test_what_where_leaves_out_is_counted_by_the_conditions_of_the_table(tmp_path):
    table = "condition,keep,aa_substitutions,func_score\na,1,P9A,1\na,0,P9C,1\nb,1,P9A,1\nb,0,P9C,1\nb,0,P9D,1\n"
    done = run(tmp_path, {"t.csv": table}, {"func_scores": [{"func_scores": "t.csv", "where": {"keep": 1}}]})
    reason = "left out by `where` of t.csv"
    assert steps(done, "read") == [["all", "a", 1, reason], ["all", "b", 2, reason]]


ASKED = [
    ({"where": {"bin": "lowest"}}, "column 'bin'", "'lowest'", "nearest: 'low'"),
    ({"where": {"bin": ["low", "hihg"]}}, "column 'bin'", "'hihg'", "nearest: 'high'"),
    ({"where": {"bin": "high", "ok": "FALSE"}}, "column 'bin'", "all values of `where`", "at least one"),
    ({"where": {"bins": "low"}}, "header", "no column 'bins'", "nearest: 'bin'"),
    ({"replicates": {"1": "lo", "2": "high"}}, "column 'bin'", "the replicate 'lo'", "nearest: 'low'"),
    ({"replicates": {"1": "0"}, "where": {"ok": "FALSE"}}, "column 'bin'", "the replicate '0'", "'low'"),
]


@pytest.mark.parametrize(("entry", "place", "found", "expected"), ASKED)
def test_what_no_row_has_is_refused_with_the_nearest(tmp_path, entry, place, found, expected):
    data = {"func_scores": [{"func_scores": "t.csv", "condition": "a", **entry}], "replicates": {"column": "bin"}}
    error = refusal(tmp_path, {"t.csv": WIDE.replace("x,", "0,")}, data)
    assert "t.csv" in error.place and place in error.place
    assert found in error.found and expected in error.expected


@pytest.mark.parametrize("label", ["Rep 1", "lib/A", "Δ", "(1)", "x" * 65])
def test_a_replicate_that_cannot_name_a_folder_comes_with_the_way_out(tmp_path, label):
    table = f"condition,r,aa_substitutions,func_score\na,1,P9A,1\na,{label},P9A,1\n"
    error = refusal(tmp_path, {"t.csv": table}, {"replicates": {"column": "r"}})
    assert error.place.endswith("t.csv, row 3, column 'r'") and repr(label) in error.found
    assert f"`replicates: {{1: {label!r}}}`" in error.expected
    data = {"func_scores": [{"func_scores": "t.csv", "replicates": {"1": "1", "two": label}}]}
    done = run(tmp_path, {"t.csv": table}, {**data, "replicates": {"column": "r"}})
    assert sorted(done.variants["replicate"]) == ["1", "two"]


@pytest.mark.parametrize("role", ["substitutions", "score", "condition"])
def test_the_column_without_a_name(tmp_path, role):
    names = {"condition": "condition", "substitutions": "aa_substitutions", "score": "func_score", role: ""}
    table = ",".join(names.values()) + "\na,P9A,-0.6\nb,P9A,-0.5\n"
    done = run(tmp_path, {"t.csv": table}, {"columns": {role: ""}})
    assert [row[1:] for row in rows(done)] == [["a", "P9A", -0.6], ["b", "P9A", -0.5]]
    error = refusal(
        tmp_path, {"t.csv": "," + table.replace("\n", ",\n").replace(",\na", "\n,a")}, {"columns": {role: ""}}
    )
    assert "header" in error.place and error.found == "several columns without a name"


# Standard errors

ERRORS = "condition,aa_substitutions,func_score,SE\na,,0,0.5\na,P9A,-1,0.2\nb,,0,1e-3\nb,P9A,-2,3\n"
WEIGHTS = {"variant_weights": "inverse_variance", "columns": {"standard_error": "SE"}}


def test_the_variance_is_the_square_of_the_standard_error(tmp_path):
    found = run(tmp_path, {"t.csv": ERRORS}, WEIGHTS).variants
    np.testing.assert_allclose(found["variance"], [0.25, 0.04, 1e-6, 9])
    squared = ERRORS.replace(",SE", ",variance").replace("0.5", "0.25").replace("0.2\n", "0.04\n")
    squared = squared.replace("1e-3", "1e-6").replace("-2,3", "-2,9")
    expected = run(tmp_path, {"t.csv": squared}, {"variant_weights": "inverse_variance"}).variants
    pd.testing.assert_frame_equal(found, expected)
    assert "variance" not in run(tmp_path, {"t.csv": ERRORS}, {"columns": {"standard_error": "SE"}}).variants


def test_one_table_has_variances_and_the_other_standard_errors(tmp_path):
    entries = [
        {"func_scores": "a.csv", "condition": "a", "columns": {"variance": "v"}},
        {"func_scores": "b.csv", "condition": "b"},
    ]
    tables = {"a.csv": "aa_substitutions,func_score,v\nP9A,1,4\n", "b.csv": "aa_substitutions,func_score,SE\nR9A,1,3\n"}
    done = run(tmp_path, tables, {"func_scores": entries, **WEIGHTS})
    assert done.variants["variance"].tolist() == [4.0, 9.0]


@pytest.mark.parametrize("cell", ["", "NA", "NaN", "0", "0.0", "inf"])
@pytest.mark.parametrize("column", ["standard_error", "variance"])
def test_a_missing_or_zero_error_is_refused_or_dropped(tmp_path, cell, column):
    table = ERRORS.replace("-1,0.2", f"-1,{cell}") + f"a,P9C,,{cell}\na,P9D,-1,0.2\n"
    data = {"variant_weights": "inverse_variance", "columns": {column: "SE"}}
    error = refusal(tmp_path, {"t.csv": table}, data)
    assert error.place.endswith("t.csv, row 3, column 'SE'")
    done = run(tmp_path, {"t.csv": table}, {**data, "missing_variance": "drop"})
    assert [row[2] for row in rows(done)] == ["", "P9D", "", "P9A"]
    assert steps(done, "missing_score") == [["1", "a", 1, "no score in the table"]]
    assert steps(done, "missing_variance") == [["1", "a", 1, "no variance or standard error in the table, or 0"]]
    assert np.isfinite(done.variants["variance"]).all()


def test_the_refusal_of_a_missing_error_names_the_key_that_drops(tmp_path):
    error = refusal(tmp_path, {"t.csv": ERRORS.replace("0.2", "")}, WEIGHTS)
    assert error.found == "no value" and "`missing_variance: drop`" in error.expected
    for policy in ("error", "drop"):
        error = refusal(tmp_path, {"t.csv": ERRORS.replace("0.2", "-1")}, {**WEIGHTS, "missing_variance": policy})
        assert (error.found, error.expected) == ("-1", "a number above 0")
    error = refusal(tmp_path, {"t.csv": ERRORS.replace("0.2", "1e11")}, WEIGHTS)
    assert error.found == "1e+11" and "1e-10 to 1e+10" in error.expected


def test_variances_that_follow_from_counts_are_not_missing(tmp_path):
    table = "condition,aa_substitutions,pre_count,post_count\na,,99,99\na,P9A,99,9\n"
    data = {"variant_weights": "inverse_variance"}
    plain = run(tmp_path, {"t.csv": table}, data).variants
    pd.testing.assert_frame_equal(run(tmp_path, {"t.csv": table}, {**data, "missing_variance": "drop"}).variants, plain)


# Notations

PLAIN = "condition,v,y\na,,0\na,K5D P9A,-1\na,K5*,-2\na,P9A,-3\n"
WRITTEN = {
    "ProteinGym": ("condition,v,y\na,,0\na,P9A:K5D,-1\na,K5*,-2\na,P9A,-3\n", {"separator": ":"}),
    "commas": ('condition,v,y\na,,0\na,"P9A, K5D",-1\na,K5*,-2\na,P9A,-3\n', {"separator": ","}),
    "a list": ("condition,v,y\na,,0\na,P9A; K5D,-1\na,K5*,-2\na,P9A,-3\n", {"separator": ";"}),
    "MaveDB": ("condition,v,y\na,p.=,0\na,p.[Pro9Ala;Lys5Asp],-1\na,p.Lys5Ter,-2\na,p.Pro9Ala,-3\n", {}),
    "Enrich2": (
        'condition,v,y\na,_wt,0\na,"p.Pro9Ala, p.Lys5Asp",-1\na,p.Lys5Ter,-2\na,p.Pro9Ala,-3\n',
        {"wildtype_names": ["_wt", "_sy"]},
    ),
    "X": ("condition,v,y\na,WT,0\na,P9A K5D,-1\na,K5X,-2\na,P9A,-3\n", {"stop_letter": "X", "wildtype_names": ["WT"]}),
}


@pytest.mark.parametrize("program", WRITTEN)
def test_tables_of_the_field_are_read_as_the_plain_one(tmp_path, program):
    table, keys = WRITTEN[program]
    columns = {"columns": {"substitutions": "v", "score": "y"}}
    expected = run(tmp_path, {"t.csv": PLAIN}, columns)
    found = run(tmp_path, {"t.csv": table}, {**columns, **keys})
    pd.testing.assert_frame_equal(found.variants, expected.variants)
    pd.testing.assert_frame_equal(found.wildtypes, expected.wildtypes)
    pd.testing.assert_frame_equal(found.report, expected.report)


PARTS = {"wildtype": "wt", "site": "pos", "mutant": "mut", "score": "y"}


def test_three_columns_are_read_as_the_plain_one(tmp_path):
    table = "condition,wt,pos,mut,y\na,,,,0\na,Lys,5.0,Asp,-1\na,K,5,Ter,-2\na,PRO,9.0,A,-3\na,P,9,,1\na,P,9,WT,2\n"
    found = run(tmp_path, {"t.csv": table}, {"columns": PARTS, "wildtype_names": ["WT"]})
    assert [row[2:] for row in rows(found)] == [
        ["", 0.0],
        ["", 1.0],
        ["", 2.0],
        ["K5*", -2.0],
        ["K5D", -1.0],
        ["P9A", -3.0],
    ]


def test_one_table_has_three_columns_and_the_other_one(tmp_path):
    entries = [
        {"func_scores": "a.csv", "condition": "a"},
        {"func_scores": "b.csv", "condition": "b", "columns": {"substitutions": "v"}},
    ]
    tables = {"a.csv": "wt,pos,mut,y\nP,9,A,1\n", "b.csv": "v,y\np.Arg9Ala,2\n"}
    found = run(tmp_path, tables, {"func_scores": entries, "columns": PARTS})
    assert rows(found) == [["1", "a", "P9A", 1.0], ["1", "b", "R9A", 2.0]]
    error = refusal(tmp_path, {**tables, "b.csv": "v,y\nP9A A9C,2\n"}, {"func_scores": entries, "columns": PARTS})
    assert error.place.endswith("b.csv, row 2, column 'v'")
    columns = {"columns": {"score": "y"}, "func_scores": [{**entries[0], "columns": {**PARTS}}, entries[1]]}
    assert rows(run(tmp_path, tables, columns)) == rows(found)


@pytest.mark.parametrize(
    ("row", "column", "found"), [("Xaa,9,A", "wt", "'Xaa'"), ("P,,A", "pos", "no site"), ("P,9,Q9", "mut", "'Q9'")]
)
def test_a_cell_of_three_columns_is_refused_at_its_place(tmp_path, row, column, found):
    table = f"condition,wt,pos,mut,y\na,K,5,D,-1\na,{row},1\n"
    error = refusal(tmp_path, {"t.csv": table}, {"columns": PARTS})
    assert error.place.endswith(f"t.csv, row 3, column '{column}'") and error.found == found
    done = run(tmp_path, {"t.csv": table}, {"columns": PARTS, "drop": ["not_substitutions"]})
    assert [row[2] for row in rows(done)] == ["K5D"]


def test_synonymous_forms_are_governed_by_self_substitution(tmp_path):
    for text in ("K5=", "K5syn", "K5K", "p.Lys5=", "p.Lys5Lys"):
        table = f"condition,aa_substitutions,func_score\na,{text},1\na,P9A,2\n"
        error = refusal(tmp_path, {"t.csv": table}, {})
        assert (
            error.place.endswith("row 2, column 'aa_substitutions'") and error.found == "K5K, a substitution to itself"
        )
        done = run(tmp_path, {"t.csv": table}, {"self_substitution": "wildtype"})
        assert [row[2:] for row in rows(done)] == [["", 1.0], ["P9A", 2.0]]


OTHERS = ["p.Lys5fs", "NA", "p.?", "P9DEL", "p.Lys5fs", "P9X"]


def test_what_is_no_list_of_substitutions_is_dropped_and_counted(tmp_path):
    table = PLAIN.replace("v,y", "aa_substitutions,func_score") + "".join(
        f"a,{text},{n}\n" for n, text in enumerate(OTHERS)
    )
    done = run(tmp_path, {"t.csv": table}, {"drop": ["stop_wildtypes", "not_substitutions"]})
    expected = run(tmp_path, {"t.csv": PLAIN}, {"columns": {"substitutions": "v", "score": "y"}})
    pd.testing.assert_frame_equal(done.variants, expected.variants)
    pd.testing.assert_frame_equal(done.wildtypes, expected.wildtypes)
    assert steps(done, "drop_not_substitutions") == [["1", "a", 6, "no list of substitutions (p.Lys5fs, NA, P9DEL)"]]
    read = done.report[done.report["step"] == "read"].iloc[0]
    assert (read["rows"], read["variants"], read["mutations"]) == (10, 9, 3)


def test_rows_that_are_dropped_are_no_wildtype(tmp_path):
    table = "condition,aa_substitutions,func_score\na,,1\na,p.?,100\na,P9A,2\n"
    done = run(tmp_path, {"t.csv": table}, {"drop": ["not_substitutions"], "subtract_wildtype": True})
    assert [row[2:] for row in rows(done)] == [["", 0.0], ["P9A", 1.0]]
    error = refusal(
        tmp_path, {"t.csv": "condition,aa_substitutions,func_score\na,p.?,1\na,NA,2\n"}, {"drop": ["not_substitutions"]}
    )
    assert "no substitution in any row" in error.found


def test_with_a_site_map_other_notations_are_read_too(tmp_path):
    (tmp_path / "map.csv").write_text("sequential_site,reference_site\n1,5\n2,HA9\n")
    table = "condition,aa_substitutions,func_score\na,p.Lys5Asp,1\na,PHA9A K5D,2\na,KHA9=,3\n"
    data = {"site_map": str(tmp_path / "map.csv"), "self_substitution": "wildtype"}
    done = run(tmp_path, {"t.csv": table.replace("KHA9=", "PHA9=")}, data)
    assert [row[2] for row in rows(done)] == ["", "K5D", "K5D PHA9A"]
    error = refusal(
        tmp_path, {"t.csv": table.replace("p.Lys5Asp", "p.Lys7Asp")}, {**data, "drop": ["not_substitutions"]}
    )
    assert "a site that the site map or the fit lists, not '7'" in error.expected


# Missing numbers

MISSING = ["", "NA", "na", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NAN", "NULL", "null", "None", ".", "-"]


def test_missing_scores_are_counted_and_infinite_ones_apart(tmp_path):
    cells = [*MISSING, "inf", "-inf", "Inf", "-Infinity", "INFINITY"]
    table = "condition,aa_substitutions,func_score\na,P9A,1\n" + "".join(f"a,P9C,{cell}\n" for cell in cells)
    done = run(tmp_path, {"t.csv": table}, {})
    assert rows(done) == [["1", "a", "P9A", 1.0]]
    reason = "no score in the table, or an infinite one (5)"
    assert steps(done, "missing_score") == [["1", "a", len(MISSING) + 5, reason]]


@pytest.mark.parametrize("cell", [*MISSING, "inf"])
def test_missing_counts_are_refused(tmp_path, cell):
    table = f"condition,aa_substitutions,pre_count,post_count\na,,99,99\na,P9A,99,{cell}\n"
    assert refusal(tmp_path, {"t.csv": table}, {}).place.endswith("row 3, column 'post_count'")


@pytest.mark.parametrize("cell", ["--", "missing", "infinite", "1e999", "n a", "-nan"])
def test_other_words_are_no_missing_numbers(tmp_path, cell):
    table = f"condition,aa_substitutions,func_score\na,P9A,1\na,P9C,{cell}\n"
    error = refusal(tmp_path, {"t.csv": table}, {})
    assert error.found == repr(cell) and "or an empty field where it is missing" in error.expected


def test_what_is_left_out_names_no_condition_that_could_be_a_formula(tmp_path):
    table = "condition,keep,aa_substitutions,func_score\na,1,P9A,1\n=1+1,0,P9C,1\n,0,P9C,1\n"
    done = run(tmp_path, {"t.csv": table}, {"func_scores": [{"func_scores": "t.csv", "where": {"keep": 1}}]})
    assert [row[1:3] for row in steps(done, "read")] == [["", 1], ["", 1]]
