"""What local tables say before a run: replicates by condition, what entries ask for, columns that nothing uses."""

from pathlib import Path

import pytest
import yaml

from proxsweep import studies
from proxsweep.dms import jobs, sources
from proxsweep.dms.data.preprocess import preprocess
from proxsweep.io.errors import UserError

BOTH = [("a", 1), ("a", 2), ("b", 2), ("b", 10), ("b", 1)]
TABLES = {
    "a.csv": "replicate,variant,score\nRep1,,0\nRep1,P9A,-0.6\nRep2,,0\nRep2,P9A,-0.5\n",
    "b.csv": "replicate,variant,score\nRep2,,0\nRep2,P9A,-0.6\nRep3,,0\nRep3,R5D,-0.9\n",
    "c.csv": "replicate,variant,score\nRep2,,0\nRep2,P9A,-0.6\n",
    "both.csv": "condition,lib,variant,score\n" + "".join(f"{c},{r},P9A,0\n" for c, r in BOTH),
    "spaces.csv": "condition,lib,variant,score\na,lib 1,P9A,0\nb,lib 1,P9A,0\n",
    "case.csv": "condition,lib,variant,score\na,lib,P9A,0\na,Lib,P9A,0\nb,lib,P9A,0\nb,Lib,P9A,0\n",
    "wide.csv": "condition,variant,score,second,bin\na,P9A,0,1,low\nb,P9A,0,1,high\n",
}
A, B, C = ({"func_scores": f"{name}.csv", "condition": name} for name in "abc")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in TABLES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def read(
    folder: Path, tables: str | list, replicates: dict | None = None, sweep: dict | None = None, **data
) -> studies.Study:
    columns = {"substitutions": "variant", "score": "score", **data.pop("columns", {})}
    columns = {role: column for role, column in columns.items() if column is not None}
    data = {"func_scores": tables, "columns": columns, "replicates": replicates, **data}
    study = {"data": data, "reference": "a", "sweep": {"lasso": [0], **(sweep or {})}}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({"studies": {"one": study}}, sort_keys=False))
    (found,) = studies.from_config(studies.load([path]), [path], {}, folder)
    return found


def refusal(*arguments, **data) -> UserError:
    with pytest.raises(UserError) as caught:
        read(*arguments, **data)
    return caught.value


COLUMN = {"column": "replicate"}
SCORES = {"score_columns": {1: "score", 2: "second"}}
LOW, HIGH = ({"func_scores": "wide.csv", "where": {"bin": part}} for part in ("low", "high"))
LACKING = {
    "tables of a condition each": (
        ([A, B], COLUMN),
        "data.func_scores[0]",
        "`Rep3` of condition `a`: a.csv has Rep1, Rep2",
        ("`replicates: {1: Rep1, 2: Rep2}` beside each table", "`sweep: {replicate: [Rep2]}`", "(1 more"),
    ),
    "a table with both conditions": (
        ("both.csv", {"column": "lib"}),
        "data.replicates",
        "`10` of condition `a`: both.csv has 1, 2",
        ("`sweep: {replicate: [1, 2]}`",),
    ),
    "a subset that one lacks": (
        ([A, B], COLUMN, {"replicate": ["Rep2", "Rep1"]}),
        "data.func_scores[1]",
        "`Rep1` of condition `b`: b.csv has Rep2, Rep3",
        ("`sweep: {replicate: [Rep2]}`",),
    ),
    "tables that name their replicates": (
        ([{**A, "replicate": 1}, {**B, "replicate": 2}],),
        "data.func_scores[0]",
        "`2` of condition `a`: a.csv has 1",
        ("every condition in every replicate",),
    ),
    "labels of a table by itself": (
        ([{**A, "replicates": {1: "Rep1", 2: "Rep2"}}, {**B, "replicates": {1: "Rep2"}}], COLUMN),
        "data.func_scores[1]",
        "`2` of condition `b`: b.csv has 1",
        ("`sweep: {replicate: [1]}`",),
    ),
    "rows that are left out": (
        ([{**A, "where": {"replicate": "Rep2"}}, B], COLUMN),
        "data.func_scores[0]",
        "`Rep3` of condition `a`: a.csv has Rep2",
        ("`sweep: {replicate: [Rep2]}`",),
    ),
    "a score column less": (
        ([{**LOW, "condition": "a"}, {**HIGH, "condition": "b", "replicates": {2: "second"}}], SCORES),
        "data.func_scores[1]",
        "`1` of condition `b`: wide.csv has 2",
        ("`sweep: {replicate: [2]}`",),
    ),
}


@pytest.mark.parametrize("case", LACKING)
def test_a_condition_without_a_replicate_is_refused_before_the_run(folder, case):
    arguments, place, found, expected = LACKING[case]
    error = refusal(folder, *arguments)
    assert error.place.endswith(f"studies.one.{place}")
    assert found in error.found and all(part in error.expected for part in expected)


def test_replicates_that_all_conditions_have_are_fitted(folder):
    assert read(folder, [A, B], COLUMN, {"replicate": ["Rep2"]}).sweep["replicate"] == ["Rep2"]
    assert read(folder, "both.csv", {"column": "lib"}, {"replicate": [1, 2]}).sweep["replicate"] == ["1", "2"]
    assert read(folder, [A, C], COLUMN, {"replicate": ["Rep2"]}).sweep["replicate"] == ["Rep2"]
    error = refusal(folder, "both.csv", {"column": "lib"}, conditions=["a"])
    assert "`10` of condition `a`" in error.found and "`sweep: {replicate: [1, 2]}`" in error.expected


def test_labels_of_the_study_take_the_place_of_those_of_tables(folder):
    entries = [{**A, "replicates": {1: "Rep1", 2: "Rep2"}}, {**B, "replicates": {1: "Rep2", 2: "Rep3"}}]
    study = read(folder, entries, COLUMN)
    assert study.sweep["replicate"] == ["1", "2"]
    spec = jobs.data_spec(study, jobs.PREPROCESS_KEYS)
    done = preprocess(spec, [folder / path for path in jobs.table_paths(study)])
    assert done.variants.groupby(["condition", "replicate"]).size().to_dict() == dict.fromkeys(
        [(c, r) for c in "ab" for r in "12"], 2
    )


def test_tables_at_addresses_need_no_list_where_they_say_their_replicates(folder):
    entries = [{**A, "func_scores": "https://example.org/a.csv", "replicates": {1: "Rep1", 2: "Rep2"}}]
    entries += [{**B, "func_scores": "https://example.org/b.csv", "replicates": {1: "Rep2", 2: "Rep3"}}]
    assert read(folder, entries, COLUMN).sweep["replicate"] == ["1", "2"]
    error = refusal(folder, [entries[0], {**entries[1], "replicates": None}], COLUMN)
    assert "which is not read before the run" in error.found


ASKED = {
    "a value": (
        [{**A, "where": {"replicate": "Rep4"}}],
        "func_scores[0].where.replicate",
        "'Rep4' of `where`",
        "'Rep1', 'Rep2'",
    ),
    "one of several": (
        [{**A, "where": {"replicate": ["Rep1", "rep2"]}}],
        "where.replicate",
        "'rep2'",
        "nearest: 'Rep2'",
    ),
    "a label": (
        [A, {**B, "replicates": {1: "Rep1"}}],
        "func_scores[1].replicates.1",
        "'Rep1', which is in no row",
        "'Rep3'",
    ),
    "no row with both": (
        [{**A, "where": {"replicate": "Rep1", "score": "-0.5"}}],
        "func_scores[0].where",
        "all values of `where`",
        "at least one",
    ),
}


@pytest.mark.parametrize("case", ASKED)
def test_what_no_row_of_a_local_table_has_is_refused_at_its_key(folder, case):
    tables, place, found, expected = ASKED[case]
    error = refusal(folder, tables, COLUMN)
    assert place in error.place and "config.yaml:" in error.place
    assert found in error.found and ".csv" in error.found and expected in error.expected


def test_a_column_of_where_that_is_not_there(folder):
    error = refusal(folder, [{**A, "where": {"replica": "Rep1"}}], COLUMN)
    assert error.place.endswith("a.csv, header") and "nearest: 'replicate'" in error.expected


@pytest.mark.parametrize(
    ("table", "found", "expected"),
    [
        ("spaces.csv", "the replicate 'lib 1', which names a folder", "`replicates: {1: 'lib 1'}`"),
        ("case.csv", "the replicates `Lib` and `lib`, which differ by case only", "one spelling"),
    ],
)
def test_labels_that_cannot_name_folders_come_with_the_way_out(folder, table, found, expected):
    error = refusal(folder, table, {"column": "lib"})
    assert error.found == found and expected in error.expected
    assert error.place.endswith(("spaces.csv, row 2, column 'lib'", "data.replicates.column"))
    labels = {1: "lib 1"} if table == "spaces.csv" else {1: "lib", 2: "Lib"}
    study = read(folder, [{"func_scores": table, "replicates": labels}], {"column": "lib"})
    assert study.sweep["replicate"] == [str(label) for label in labels]


PARTS = {"wildtype": "x", "site": "y", "mutant": "z"}
FAULTS = {
    "columns: substitutions and three": (
        "a.csv",
        {},
        {"columns": PARTS},
        "columns.substitutions",
        "`substitutions` beside `wildtype`",
    ),
    "columns: two of three": (
        "a.csv",
        {},
        {"columns": {"substitutions": None, "site": "y", "mutant": "z"}},
        "data.columns",
        "`site` without `wildtype`",
    ),
    "columns: one twice": (
        "a.csv",
        {},
        {"columns": {**PARTS, "substitutions": None, "mutant": "score"}},
        "columns.score",
        "the column `score`, which is also `mutant`",
    ),
    "columns: variance and standard error": (
        "a.csv",
        {},
        {"columns": {"variance": "v", "standard_error": "s"}},
        "columns.variance",
        "`variance` beside `standard_error`",
    ),
    "entry: one column twice": (
        [{**A, "columns": {"score": "variant"}}],
        {},
        {},
        "func_scores[0].columns.score",
        "the column `variant`, which is also `substitutions`",
    ),
    "entry: two of three": (
        [{**A, "columns": {"wildtype": "x", "site": "y"}}],
        {},
        {},
        "func_scores[0].columns",
        "`wildtype` without `mutant`",
    ),
    "entry: substitutions and three": (
        [{**A, "columns": {**PARTS, "substitutions": "v"}}],
        {},
        {},
        "func_scores[0].columns.substitutions",
        "`substitutions` beside `wildtype`",
    ),
    "entry: a column of replicates that nothing reads": (
        [{**A, "columns": {"replicate": "lib"}}],
        {"split": 2},
        {},
        "func_scores[0].columns.replicate",
        "where the study names none",
    ),
    "entry: replicates that nothing tells apart": (
        [{**A, "replicates": {1: "Rep1"}}],
        {},
        {},
        "func_scores[0].replicates",
        "does not say how replicates are told apart",
    ),
    "entry: replicate and replicates": (
        [{**A, "replicate": 1, "replicates": {1: "Rep1"}}],
        {},
        {},
        "func_scores[0].replicates",
        "`replicates` beside `replicate`",
    ),
    "entry: one replicate twice": (
        [{**A, "replicates": {1: "Rep1", 2: "Rep1"}}],
        COLUMN,
        {},
        "func_scores[0].replicates.2",
        "`Rep1`, which is also replicate 1",
    ),
    "entry: a score column of no replicate": (
        [{"func_scores": "wide.csv", "replicates": {3: "score"}}],
        {"score_columns": {1: "score", 2: "second"}},
        {},
        "func_scores[0].replicates.3",
        "the replicate `3`, which the study does not have",
    ),
    "entry: a label of a path": (
        [{**A, "replicates": {"a/b": "Rep1"}}],
        COLUMN,
        {},
        "replicates.a/b",
        "the name `a/b`",
    ),
    "entry: an unknown role": ([{**A, "columns": {"scores": "x"}}], {}, {}, "columns.scores", "the name `scores`"),
    "entry: twice": ([A, A], {}, {}, "func_scores[1]", "the same rows of the same condition"),
    "a separator that is a letter": ("a.csv", {}, {"separator": "x"}, "data.separator", "'x'"),
    "a stop that is an amino acid": ("a.csv", {}, {"stop_letter": "K"}, "data.stop_letter", "'K'"),
    "one name for the wildtype": ("a.csv", {}, {"wildtype_names": "WT"}, "data.wildtype_names", "'WT'"),
    "another policy": ("a.csv", {}, {"missing_variance": "keep"}, "data.missing_variance", "'keep'"),
    "another kind": ("a.csv", {}, {"drop": ["insertions"]}, "data.drop[0]", "'insertions'"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_keys_that_cannot_hold_are_refused_at_their_place(folder, case):
    tables, replicates, data, place, found = FAULTS[case]
    error = refusal(folder, tables, replicates or None, **data)
    assert error.place.endswith(place) and found in error.found


def test_a_table_may_stand_twice_with_other_rows(folder):
    assert len(read(folder, [{**LOW, "condition": "a"}, {**HIGH, "condition": "b"}]).data["func_scores"]) == 2
    same = [{**LOW, "condition": "a"}, {**HIGH, "condition": "a"}, {**HIGH, "condition": "b"}]
    assert len(read(folder, same).data["func_scores"]) == 3
    error = refusal(folder, [*same, same[0]])
    assert "the same rows of the same condition" in error.found


def test_columns_of_the_tables_of_a_list_of_selections(folder):
    (folder / "list.csv").write_text("library\na\n")
    entry = {"selections": "list.csv", "condition": "a", "replicates": {1: "a"}, "table": "{library}.csv"}
    study = read(
        folder, [{**entry, "columns": {"score": "score", "substitutions": "variant"}}], columns={"score": "other"}
    )
    assert study.data["func_scores"][0]["columns"] == {"score": "score", "substitutions": "variant"}
    assert "header" in refusal(folder, [entry], columns={"score": "other"}).place


@pytest.mark.parametrize("name", ["replicate", "Replicate", "library", "LIB_rep", "rep", "Library"])
def test_a_column_of_replicates_that_nothing_uses_is_told(folder, name):
    table = f"condition,{name},variant,score\na,x2,P9A,0\na,x10,P9A,0\nb,x2,P9A,0\nb,x10,P9A,0\n"
    (folder / "t.csv").write_text(table)
    told = sources.unused_replicate_columns(read(folder, "t.csv").data, folder)
    expected = (
        f"t.csv: no key uses the column {name!r} (x2, x10), and all rows count as one replicate; "
        f"`replicates: {{column: {name}}}` in the study's data would tell them apart"
    )
    assert told == ([] if name == "LIB_rep" else [expected])
    if name != "LIB_rep":
        assert sources.unused_replicate_columns(read(folder, "t.csv", {"column": name}).data, folder) == []
        assert sources.unused_replicate_columns(read(folder, "t.csv", {"split": 2}).data, folder) == []
        listed = [{"func_scores": "t.csv", "where": {name: "x2"}}]
        assert sources.unused_replicate_columns(read(folder, listed).data, folder) == []
        (folder / "t.csv").write_text(table.replace("x10", "x2"))
        assert sources.unused_replicate_columns(read(folder, "t.csv").data, folder) == []


def test_tables_at_addresses_are_not_looked_into(folder):
    study = read(folder, [{**A, "func_scores": "https://example.org/a.csv"}])
    assert sources.unused_replicate_columns(study.data, folder) == []
