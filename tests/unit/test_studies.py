"""Configs: what is accepted, with which defaults, and how everything else is refused."""

import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from proxsweep import families, studies
from proxsweep.config import schema, source
from proxsweep.dms import jobs, sources
from proxsweep.dms.data.preprocess import preprocess
from proxsweep.dms.data.simulation import complete
from proxsweep.io.errors import UserError
from proxsweep.sweep.grid import table

SCHEMA = schema.document("dms")
README = schema.COMMON.parents[2] / "config" / "README.md"

# Every case below replaces one line of this; lines are counted from 1.
GOOD = """\
studies:
  demo:
    family: dms
    data:
      func_scores: scores.csv
      conditions: [a, b, c]
      clip: [-3.5, 2.5]
      replicates: {split: 2, seed: 1}
    reference: a
    model: {ridge: 1.0e-6}
    solver: {tolerance: 1.0e-6}
    sweep:
      lasso: [0, 1.0e-5, 4.0e-5]
      difference: [reference, equivariant]
"""
LASSO = "      lasso: [0, 1.0e-5, 4.0e-5]"
DIFFERENCE = "      difference: [reference, equivariant]"
REPLICATES = "      replicates: {split: 2, seed: 1}"
SCORES = "      func_scores: scores.csv"
CONDITIONS = "      conditions: [a, b, c]"
CLIP = "      clip: [-3.5, 2.5]"
MODEL = "    model: {ridge: 1.0e-6}"
SOLVER = "    solver: {tolerance: 1.0e-6}"
TREE = "{a: x, b: x, c: root, x: root}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with two small tables."""
    header = "condition,replicate,aa_substitutions,func_score,other\n"
    (tmp_path / "scores.csv").write_text(
        f"{header}a,r2,A1C,0,0\n" + "".join(f"{c},r{r},,1,0\n" for c in "abc" for r in (1, 2))
    )
    (tmp_path / "more.tsv").write_text("condition\taa_substitutions\tfunc_score\nc\t\t0\n")
    return tmp_path


def read(folder: Path, *texts: str, command_line: dict | None = None) -> list:
    """Studies of config files with these texts, merged as Snakemake merges them."""
    files, merged = [], {}
    for i, text in enumerate(texts):
        files.append(folder / f"config{i}.yaml")
        files[-1].write_text(text)
        merged = source.overlay(merged, yaml.safe_load(text))
    command_line = command_line or {}
    return studies.from_config(source.overlay(merged, command_line), files, command_line, folder)


def refusal(folder: Path, *texts: str, command_line: dict | None = None) -> UserError:
    with pytest.raises(UserError) as caught:
        read(folder, *texts, command_line=command_line)
    return caught.value


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


# Accepted


def test_defaults_of_a_study(folder):
    text = "studies: {s: {data: {func_scores: scores.csv}, reference: a, sweep: {lasso: [0]}}}"
    (study,) = read(folder, text)
    assert (study.name, study.family, study.own["reference"], study.strict) == ("s", "dms", "a", False)
    assert study.sweep == {
        "difference": [{"name": "reference", "kind": "reference"}],
        "lasso": [0.0],
        "replicate": ["1"],
    }
    assert study.model == {
        "global_epistasis": "sigmoid",
        "ridge": 1e-6,
        "scale_bound": 10.0,
        "huber_delta": 1.0,
        "normalization": "condition_mean",
        "warmup_iterations": 0,
        "effect_bounds": None,
        "fix_reference_intercept": False,
    }
    assert study.solver == {
        "tolerance": 1e-6,
        "max_iterations": 20000,
        "max_seconds": None,
        "starts": ["zeros"],
        "check_starts": "chosen",
        "seed": None,  # 1 where a start is random
    }
    assert study.summaries == {"bootstrap": 1000, "seed": 1, "min_times_seen": 1}
    assert study.figures == {"dpi": 300, "pdf": False, "regions": {}}
    assert study.data["columns"]["substitutions"] == "aa_substitutions"
    assert (study.data["collapse"], study.data["pseudocount"], study.data["clip"]) == ("mean", 0.5, None)
    assert study.data["conditions"] is None


def test_numbers_have_one_type_however_they_are_written(folder):
    (whole,) = read(folder, changed(MODEL, "    model: {ridge: 1, huber_delta: 2, warmup_iterations: 3.0}"))
    assert [type(whole.model[key]) for key in ("ridge", "huber_delta")] == [float, float]
    assert type(whole.model["warmup_iterations"]) is int
    assert all(type(value) is float for value in whole.sweep["lasso"])


def test_the_fits_of_a_study(folder):
    (study,) = read(folder, GOOD)
    assert study.data["replicates"] == {"split": 2, "seed": 1}
    assert len(table(study)) == 2 * 3 * 2
    assert table(study)[-1].parts == "difference~equivariant/lasso~4e-05/replicate~2"


def test_several_studies_keep_their_order(folder):
    second = GOOD.replace("demo:", "another:").replace("studies:\n", "")
    assert [study.name for study in read(folder, GOOD + second)] == ["demo", "another"]


def test_later_files_and_the_command_line_go_on_top(folder):
    (study,) = read(
        folder,
        GOOD,
        "studies: {demo: {model: {huber_delta: 2.0}, sweep: {lasso: [1.0]}}}",
        command_line={"studies": {"demo": {"sweep": {"lasso": ["2.5e-5", "3"]}, "strict": "true"}}},
    )
    assert study.sweep["lasso"] == [2.5e-5, 3.0]
    assert study.strict is True
    assert (study.model["ridge"], study.model["huber_delta"]) == (1e-6, 2.0)


def test_null_takes_a_source_back(folder):
    (study,) = read(
        folder,
        GOOD,
        f"studies: {{demo: {{data: {{func_scores: null, replicates: null, simulate: {{tree: {TREE}}}}}}}}}",
    )
    assert sources.tables(study) == []
    assert study.sweep["replicate"] == ["1", "2"]


def test_a_simulation_settles_conditions_reference_and_replicates(folder):
    text = f"""
studies:
  s:
    data: {{simulate: {{tree: {TREE}, replicates: 3, shifts: {{a: 5, b: 0.1}}}}}}
    reference: c
    sweep: {{lasso: [0], difference: [{{name: phylo, tree: {TREE}}}]}}
"""
    (study,) = read(folder, text)
    assert study.data["conditions"] == ["a", "b", "c"]
    assert study.data["simulate"]["reference"] == "c"
    assert study.data["simulate"]["shifts"] == {"a": 5, "b": 0.1}
    assert type(study.data["simulate"]["shifts"]["a"]) is int  # a number of mutations, not a share
    assert study.data["replicates"] == {"column": "replicate"}
    assert study.sweep["replicate"] == ["1", "2", "3"]
    assert study.sweep["difference"] == [{"name": "phylo", "kind": "tree", "tree": yaml.safe_load(TREE)}]
    complete(study.data["simulate"])


def test_replicates_of_a_local_column_are_read_from_the_table(folder):
    (study,) = read(folder, changed(REPLICATES, "      replicates: {column: replicate}"))
    assert study.sweep["replicate"] == ["r1", "r2"]


def test_replicates_that_the_sweep_lists_are_not_read(folder):
    text = changed(REPLICATES, "      replicates: {column: replicate}")
    text = text.replace(SCORES, "      func_scores: https://example.org/scores.csv.gz")
    (study,) = read(folder, text + "      replicate: [2, lib_1]\n")
    assert study.sweep["replicate"] == ["2", "lib_1"]


def test_replicates_of_score_columns(folder):
    (folder / "scores.csv").write_text("condition,aa_substitutions,bind_rep1,bind_rep2\na,,0,0\nb,,0,0\nc,,0,0\n")
    (study,) = read(folder, changed(REPLICATES, "      replicates: {score_columns: {1: bind_rep1, 2: bind_rep2}}"))
    assert study.sweep["replicate"] == ["1", "2"]
    assert study.data["replicates"] == {"score_columns": {"1": "bind_rep1", "2": "bind_rep2"}}


def test_a_list_of_tables(folder):
    tables = """      func_scores:
        - {func_scores: scores.csv, condition: b, replicate: 1}
        - {func_scores: more.tsv, condition: a, replicate: "1"}
        - {func_scores: scores.csv, condition: a, replicate: 2}
        - {func_scores: more.tsv, condition: b, replicate: 2}"""
    text = changed(SCORES, tables).replace(REPLICATES + "\n", "").replace(CONDITIONS + "\n", "")
    (study,) = read(folder, text)
    assert study.data["conditions"] == ["b", "a"]
    assert study.sweep["replicate"] == ["1", "2"]
    assert [item["replicate"] for item in sources.tables(study)] == ["1", "1", "2", "2"]
    assert [item["sha256"] for item in sources.tables(study)] == [None] * 4


def test_swept_model_and_solver_keys(folder):
    swept = "      scale_bound: [5, 2.0x_score_range]\n      effect_bounds: [null, [-5, 5]]\n"
    (study,) = read(folder, GOOD + swept + "      starts: [[zeros], [zeros, linear]]\n")
    assert study.sweep["scale_bound"] == [5.0, "2x_score_range"]
    fit = table(study)[-1]
    assert fit.parts.endswith("effect_bounds~-5+5/scale_bound~2x_score_range/starts~zeros+linear")
    assert fit.spec()["model"]["effect_bounds"] == [-5.0, 5.0]
    assert fit.spec()["solver"]["starts"] == ["zeros", "linear"]


def test_explicit_rows(folder):
    rows = "{name: mine, rows: {a-minus-b: {a: 1, b: -1}, trend: {a: 1, b: 1, c: -2}}}"
    (study,) = read(folder, changed(DIFFERENCE, f"      difference: [{rows}]"))
    assert study.sweep["difference"][0]["kind"] == "rows"
    assert study.sweep["difference"][0]["rows"]["trend"] == {"a": 1.0, "b": 1.0, "c": -2.0}


def test_what_snakemake_parses_from_the_command_line_is_retyped(folder):
    from snakemake.cli import parse_config

    given = parse_config(
        [
            "studies={demo: {sweep: {lasso: [1.0e-5, 2], scale_bound: [2x_score_range]}, strict: true, "
            "data: {clip: [~, 2.5], replicates: {split: 3}}, solver: {max_seconds: }}}"
        ]
    )
    (study,) = read(folder, GOOD, command_line=given)
    assert study.sweep["lasso"] == [1e-5, 2.0]
    assert study.strict is True
    assert study.data["clip"] == [None, 2.5]
    assert study.data["replicates"] == {"split": 3, "seed": 1}
    assert study.solver["max_seconds"] is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.0e-5", 1e-5),
        ("1e-5", "1e-5"),
        ("12", 12),
        ("true", True),
        ("", None),
        ("~", None),
        ("2021-01-01", "2021-01-01"),
        ("'1'", "1"),
        ("0x_", "0x_"),
        ("zeros", "zeros"),
    ],
)
def test_retyped_scalars(text, value):
    found = source.retype({"key": [text]})["key"][0]
    assert found == value and type(found) is type(value)


def test_the_command_line_of_a_workflow_that_uses_this_one_as_a_module(folder):
    given = {"threads": "2", "proxsweep": {"studies": {"demo": {"sweep": {"lasso": ["1e-5"]}}}}, "other": "x"}
    merged = source.overlay(yaml.safe_load(GOOD), given["proxsweep"])
    with pytest.raises(UserError, match=r"^--config: studies\.demo\.sweep\.lasso\[0\]: found the text '1e-5'"):
        studies.from_config(merged, [], given, folder)
    (study,) = studies.from_config(yaml.safe_load(GOOD), [], {"threads": "2", "other": {"x": "y"}}, folder)
    assert study.sweep["lasso"] == [0.0, 1e-5, 4e-5]


def test_an_unknown_key_on_the_command_line(folder):
    error = refusal(folder, GOOD, command_line={"study": {"demo": {}}})
    assert error.place == "--config: study"
    assert "`studies`" in error.expected


def test_a_config_that_is_a_section_of_another_workflows_file(folder):
    file = folder / "parent.yaml"
    bad = changed(LASSO, "      lasso: [-1]")
    file.write_text("proxsweep:\n" + re.sub("^", "  ", bad, flags=re.MULTILINE))
    with pytest.raises(UserError) as caught:
        studies.from_config(yaml.safe_load(file.read_text())["proxsweep"], [file], {}, folder)
    assert caught.value.place == "parent.yaml:14: studies.demo.sweep.lasso[0]"


@pytest.mark.parametrize("run", [["second"], "second"])
def test_a_run_of_chosen_studies_looks_into_no_other(folder, run):
    second = GOOD.replace("demo:", "second:").replace("studies:\n", "")
    absent = changed(SCORES, "      func_scores: absent.csv")
    assert [study.name for study in read(folder, absent + second, command_line={"run": run})] == ["second"]


@pytest.mark.parametrize(
    ("run", "place", "found", "expected"),
    [
        (["demo", "deno"], "--config: run[1]", "`deno`", "the study `demo`"),
        ("other", "--config: run", "`other`", "one of demo"),
        (["demo", "demo"], "--config: run[1]", "`demo` again", "every study once"),
        ([], "--config: run", "an empty list", "a list of study names"),
    ],
)
def test_a_run_of_unknown_studies_is_refused(folder, run, place, found, expected):
    error = refusal(folder, GOOD, command_line={"run": run})
    assert error.place == place
    assert found in error.found
    assert expected in error.expected


# Refused: (what replaces which line, line and key path of the message, found, expected)

REFUSED = {
    "unknown key in a study": (
        "    family: dms",
        "    familly: dms",
        "3: studies.demo.familly",
        "familly",
        "`family`",
    ),
    "unknown key in data": (CLIP, "      clipp: null", "7: studies.demo.data.clipp", "unknown key", "`clip`"),
    "unknown key in model": (
        MODEL,
        "    model: {rigde: 1.0}",
        "10: studies.demo.model.rigde",
        "rigde",
        "`ridge`",
    ),
    "unknown key in solver": (
        SOLVER,
        "    solver: {tol: 1.0}",
        "11: studies.demo.solver.tol",
        "tol",
        "`tolerance`",
    ),
    "unknown kind of variants to drop": (
        CLIP,
        "      drop: [gap]",
        "7: studies.demo.data.drop[0]",
        "gap",
        "`gaps` is nearest",
    ),
    "unknown key in replicates": (
        REPLICATES,
        "      replicates: {spilt: 2}",
        "8: studies.demo.data.replicates.spilt",
        "spilt",
        "`split`",
    ),
    "unknown key far from any": (
        CLIP,
        "      zzzz: 1",
        "7: studies.demo.data.zzzz",
        "zzzz",
        "one of func_scores, sha256, simulate",
    ),
    "a key in the wrong section": (
        MODEL,
        "    model: {lasso: 1.0}",
        "10: studies.demo.model.lasso",
        "unknown key `lasso`",
        "that key under `sweep`",
    ),
    "sweep of an unknown key": (
        LASSO,
        LASSO + "\n      rigde: [1]",
        "14: studies.demo.sweep.rigde",
        "unknown key `rigde`",
        "`ridge`",
    ),
    "family unknown": ("    family: dms", "    family: dsm", "3: studies.demo.family", "'dsm'", "one of dms"),
    "number read as text": (
        LASSO,
        "      lasso: [0, 1e-5]",
        "13: studies.demo.sweep.lasso[1]",
        "the text '1e-5'",
        "a finite number of at least 0, written 1.0e-5 (YAML reads 1e-5 as text)",
    ),
    "number without a signed exponent": (
        MODEL,
        "    model: {ridge: 1.5E3}",
        "10: studies.demo.model.ridge",
        "'1.5E3'",
        "written 1.5e+3",
    ),
    "number in quotes": (
        MODEL,
        '    model: {ridge: "0.5"}',
        "10: studies.demo.model.ridge",
        "the text '0.5'",
        "a finite number of at least 0, without quotes: 0.5",
    ),
    "boolean as a number": (
        MODEL,
        "    model: {ridge: yes}",
        "10: studies.demo.model.ridge",
        "the boolean true",
        "a finite number",
    ),
    "number as a boolean": (
        MODEL,
        "    model: {fix_reference_intercept: 1}",
        "10: studies.demo.model.fix_reference_intercept",
        "the number 1",
        "true or false",
    ),
    "not a number": (
        LASSO,
        "      lasso: [.nan]",
        "13: studies.demo.sweep.lasso[0]",
        "nan",
        "a finite number",
    ),
    "infinite": (
        MODEL,
        "    model: {scale_bound: .inf}",
        "10: studies.demo.model.scale_bound",
        "inf",
        "a number above 0",
    ),
    "lasso below 0": (
        LASSO,
        "      lasso: [0, -1.0e-5]",
        "13: studies.demo.sweep.lasso[1]",
        "the number -1e-05",
        "a finite number of at least 0",
    ),
    "tolerance of 0": (
        SOLVER,
        "    solver: {tolerance: 0}",
        "11: studies.demo.solver.tolerance",
        "the number 0",
        "above 0 and below 1",
    ),
    "whole number with a fraction": (
        SOLVER,
        "    solver: {max_iterations: 10.5}",
        "11: studies.demo.solver.max_iterations",
        "10.5",
        "a whole number of at least 1",
    ),
    "one value in place of a list": (
        LASSO,
        "      lasso: 4.0e-5",
        "13: studies.demo.sweep.lasso",
        "the number 4e-05",
        "a list of numbers, also where there is one: [4.0e-05]",
    ),
    "empty grid": (
        LASSO,
        "      lasso: []",
        "13: studies.demo.sweep.lasso",
        "an empty list",
        "a list of numbers",
    ),
    "grid without values": (
        LASSO,
        "      lasso:",
        "13: studies.demo.sweep.lasso",
        "nothing",
        "a list of numbers",
    ),
    "empty grid of a model key": (
        LASSO,
        LASSO + "\n      ridge: []",
        "14: studies.demo.sweep.ridge",
        "an empty list",
        "a list with at least one value",
    ),
    "no lasso weights": (LASSO + "\n", "", "12: studies.demo.sweep.lasso", "nothing", "the key `lasso`"),
    "no reference": ("    reference: a\n", "", "2: studies.demo.reference", "nothing", "the key `reference`"),
    "a study of nothing": (
        GOOD,
        "studies: {demo: }",
        "1: studies.demo",
        "nothing",
        "a mapping with data, reference",
    ),
    "duplicates in disguise": (
        LASSO,
        "      lasso: [4.0e-5, 0.00004]",
        "13: studies.demo.sweep.lasso[1]",
        "`4e-05`, which has the label 4e-05 like `4e-05` at [0]",
        "every value once",
    ),
    "scale bounds in disguise": (
        LASSO,
        LASSO + "\n      scale_bound: [2x_score_range, 2.0x_score_range]",
        "14: studies.demo.sweep.scale_bound[1]",
        "`2.0x_score_range`, which has the label 2x_score_range",
        "every value once",
    ),
    "replicates in disguise": (
        LASSO,
        LASSO + '\n      replicate: [1, "1"]',
        "14: studies.demo.sweep.replicate[1]",
        "has the label 1",
        "every value once",
    ),
    "replicates equal but for case": (
        REPLICATES,
        "      replicates: {score_columns: {Rep: func_score, rep: other}}",
        "8: studies.demo.data.replicates.score_columns[1]",
        "`rep`",
        "every value once",
    ),
    "a score column of two replicates": (
        REPLICATES,
        "      replicates: {score_columns: {1: func_score, 2: func_score}}",
        "8: studies.demo.data.replicates.score_columns.2",
        "the column `func_score`, which is also that of replicate 1",
        "a column of its own",
    ),
    "a score column that is another": (
        REPLICATES,
        "      replicates: {score_columns: {1: condition}}",
        "8: studies.demo.data.replicates.score_columns.1",
        "the column `condition`, which is also `columns: condition`",
        "a column of its own",
    ),
    "a replicate that cannot be a label": (
        REPLICATES,
        "      replicates: {score_columns: {rep 1: func_score}}",
        "8: studies.demo.data.replicates.score_columns[0]",
        "`rep 1`",
        "letters, digits and . _ + -",
    ),
    "a replicate that the data do not have": (
        LASSO,
        LASSO + "\n      replicate: [3]",
        "14: studies.demo.sweep.replicate[0]",
        "the replicate `3`",
        "one of 1, 2",
    ),
    "a reference that is no condition": (
        "    reference: a",
        "    reference: d",
        "9: studies.demo.reference",
        "`d`",
        "one of the conditions a, b, c",
    ),
    "a condition that YAML takes for a number": (
        CONDITIONS,
        "      conditions: [a, 2]",
        "6: studies.demo.data.conditions[1]",
        "the number 2",
        'needs quotes, as in "2"',
    ),
    "a condition twice": (
        CONDITIONS,
        "      conditions: [a, b, a]",
        "6: studies.demo.data.conditions[2]",
        "`a` again",
        "every condition once",
    ),
    "a condition with the name of a column": (
        CONDITIONS,
        "      conditions: [a, site]",
        "6: studies.demo.data.conditions",
        "a condition called `site`",
        "another name",
    ),
    "clip limits in the wrong order": (
        CLIP,
        "      clip: [2.5, 2.5]",
        "7: studies.demo.data.clip",
        "the lower limit 2.5 and the upper limit 2.5",
        "lower < upper",
    ),
    "median_stop as the upper limit": (
        CLIP,
        "      clip: [null, median_stop]",
        "7: studies.demo.data.clip[1]",
        "'median_stop'",
        "a finite number or null",
    ),
    "another word as the lower limit": (
        CLIP,
        "      clip: [median_stopp, 1]",
        "7: studies.demo.data.clip[0]",
        "'median_stopp'",
        "a number, null or median_stop",
    ),
    "one clip limit": (CLIP, "      clip: [1]", "7: studies.demo.data.clip", "a list of 1", "[lower, upper]"),
    "unknown start": (
        SOLVER,
        "    solver: {starts: [zeroes]}",
        "11: studies.demo.solver.starts[0]",
        "'zeroes'",
        "zeros, linear, neighbour, or a number of random starts such as 10x_random",
    ),
    "unknown normalization": (
        MODEL,
        "    model: {normalization: mean}",
        "10: studies.demo.model.normalization",
        "'mean'",
        "one of condition_mean, condition_mean_scaled_ridge",
    ),
    "unknown swept value": (
        LASSO,
        LASSO + "\n      global_epistasis: [sigmoid, softplus]",
        "14: studies.demo.sweep.global_epistasis[1]",
        "'softplus'",
        "one of sigmoid, linear",
    ),
    "unknown difference": (
        DIFFERENCE,
        "      difference: [equivarient]",
        "14: studies.demo.sweep.difference[0]",
        "'equivarient'",
        "reference, equivariant, {name:",
    ),
    "bad scale bound": (
        MODEL,
        "    model: {scale_bound: 2x_range}",
        "10: studies.demo.model.scale_bound",
        "'2x_range'",
        "2x_score_range",
    ),
    "scale bound of 0 ranges": (
        MODEL,
        "    model: {scale_bound: 0.0x_score_range}",
        "10: studies.demo.model.scale_bound",
        "'0.0x_score_range'",
        "a number above 0",
    ),
    "both sources": (
        SCORES,
        f"{SCORES}\n      simulate: {{tree: {TREE}}}",
        "6: studies.demo.data.simulate",
        "`simulate` beside `func_scores`",
        "one of the two",
    ),
    "no source": (
        SCORES + "\n",
        "",
        "4: studies.demo.data",
        "neither `func_scores` nor `simulate`",
        "one of the two",
    ),
    "a key both fixed and swept": (
        LASSO,
        LASSO + "\n      ridge: [1.0e-6, 1.0e-4]",
        "14: studies.demo.sweep.ridge",
        "`ridge` under `sweep` and under `model`",
        "in one place",
    ),
    "split of 1": (
        REPLICATES,
        "      replicates: {split: 1}",
        "8: studies.demo.data.replicates.split",
        "the number 1",
        "a whole number of at least 2",
    ),
    "two kinds of replicates": (
        REPLICATES,
        "      replicates: {split: 2, column: r}",
        "8: studies.demo.data.replicates",
        "`split` beside `column`",
        "exactly one of",
    ),
    "no kind of replicates": (
        REPLICATES,
        "      replicates: {seed: 2}",
        "8: studies.demo.data.replicates",
        "none of split",
        "exactly one of",
    ),
    "a seed for a column": (
        REPLICATES,
        "      replicates: {column: replicate, seed: 2}",
        "8: studies.demo.data.replicates.seed",
        "a seed beside `column`",
        "`split` only",
    ),
    "a column of an address": (
        SCORES + "\n" + CONDITIONS + "\n" + CLIP + "\n" + REPLICATES,
        "      func_scores: https://example.org/s.csv\n      replicates: {column: replicate}",
        "6: studies.demo.data.replicates.column",
        "https://example.org/s.csv, which is not read before the run",
        "listed under `sweep: replicate`",
    ),
    "no such file": (
        SCORES,
        "      func_scores: score.csv",
        "5: studies.demo.data.func_scores",
        "no file at score.csv",
        "relative to",
    ),
    "a scheme other than http": (
        SCORES,
        "      func_scores: s3://bucket/scores.csv",
        "5: studies.demo.data.func_scores",
        "the address s3://bucket/scores.csv",
        "http:// or https://",
    ),
    "no site map": (
        CLIP,
        "      site_map: sites.csv",
        "7: studies.demo.data.site_map",
        "no file at sites.csv",
        "relative to",
    ),
    "a bad digest": (
        CLIP,
        "      sha256: 12ab",
        "7: studies.demo.data.sha256",
        "'12ab'",
        "64 hexadecimal digits",
    ),
    "a digest for a list": (
        SCORES,
        f"      func_scores: [{{func_scores: scores.csv}}]\n      sha256: {'ab' * 32}",
        "6: studies.demo.data.sha256",
        "a digest without a single table",
        "beside each table",
    ),
    "a table twice": (
        SCORES,
        "      func_scores: [{func_scores: more.tsv, condition: a}, {func_scores: more.tsv, condition: a}]",
        "5: studies.demo.data.func_scores[1]",
        "the same rows of the same condition as [0]",
        "every row once",
    ),
    "a table without a replicate": (
        SCORES,
        "      func_scores: [{func_scores: scores.csv, replicate: 1}, {func_scores: more.tsv}]",
        "5: studies.demo.data.func_scores[1]",
        "no `replicate`",
        "for every table of the list, or for none",
    ),
    "a condition that no table has": (
        SCORES,
        "      func_scores: [{func_scores: scores.csv, condition: a}, {func_scores: more.tsv, condition: b}]",
        "6: studies.demo.data.conditions[2]",
        "the condition `c`",
        "one of the data's: a, b",
    ),
    "a column for two purposes": (
        CLIP,
        "      columns: {score: condition}",
        "7: studies.demo.data.columns.score",
        "also `condition`",
        "a column of its own",
    ),
    "effect bounds without 0": (
        MODEL,
        "    model: {effect_bounds: [1, 2]}",
        "10: studies.demo.model.effect_bounds",
        "the bounds 1 and 2",
        "lower <= 0 <= upper",
    ),
    "effect bounds in the wrong order": (
        LASSO,
        LASSO + "\n      effect_bounds: [null, [2, -2]]",
        "14: studies.demo.sweep.effect_bounds[1]",
        "the bounds 2 and -2",
        "lower <= 0 <= upper",
    ),
    "a fixed intercept with equivariant among others": (
        MODEL,
        "    model: {fix_reference_intercept: true}",
        "10: studies.demo.model.fix_reference_intercept",
        "`equivariant` among the swept difference matrices",
        "without equivariant",
    ),
    "a swept fixed intercept with equivariant": (
        LASSO,
        LASSO + "\n      fix_reference_intercept: [false, true]",
        "14: studies.demo.sweep.fix_reference_intercept[1]",
        "`equivariant` among the swept",
        "without equivariant",
    ),
    "effect bounds with general rows": (
        DIFFERENCE,
        "      difference: [{name: sums, rows: {ab: {a: 1, b: 1}}}]\n      effect_bounds: [[-5, 5]]",
        "15: studies.demo.sweep.effect_bounds[0]",
        "matrix `sums`, whose row `ab` is no multiple of one condition minus another",
        "null, or a sweep without that matrix",
    ),
    "matrices of one name": (
        DIFFERENCE,
        f"      difference: [{{name: m, tree: {TREE}}}, {{name: m, rows: {{ab: {{a: 1, b: -1}}}}}}]",
        "14: studies.demo.sweep.difference[1]",
        "`m`, which has the label m like `m` at [0]",
        "every value once",
    ),
    "a matrix with a reserved name": (
        DIFFERENCE,
        f"      difference: [{{name: Reference, tree: {TREE}}}]",
        "14: studies.demo.sweep.difference[0].name",
        "the reserved name `Reference`",
        "another name",
    ),
    "a matrix whose name is no label": (
        DIFFERENCE,
        f"      difference: [{{name: my tree, tree: {TREE}}}]",
        "14: studies.demo.sweep.difference[0]",
        "`my tree`, which becomes part of a path",
        "letters, digits",
    ),
    "a matrix of nothing": (
        DIFFERENCE,
        "      difference: [{name: m}]",
        "14: studies.demo.sweep.difference[0]",
        "neither `tree` nor `rows`",
        "one of the two",
    ),
    "a matrix of both": (
        DIFFERENCE,
        f"      difference: [{{name: m, tree: {TREE}, rows: {{r: {{a: 1}}}}}}]",
        "14: studies.demo.sweep.difference[0]",
        "both `tree` and `rows`",
        "one of the two",
    ),
    "a matrix without a name": (
        DIFFERENCE,
        f"      difference: [{{tree: {TREE}}}]",
        "14: studies.demo.sweep.difference[0].name",
        "nothing",
        "the key `name`",
    ),
    "a tree with a leaf that is no condition": (
        DIFFERENCE,
        "      difference: [{name: t, tree: {a: x, b: x, c: root, d: root, x: root}}]",
        "14: studies.demo.sweep.difference[0].tree.d",
        "the leaf `d`",
        "a condition at every leaf: a, b, c",
    ),
    "a tree that lacks a condition": (
        DIFFERENCE,
        "      difference: [{name: t, tree: {a: x, b: x}}]",
        "14: studies.demo.sweep.difference[0].tree",
        "no leaf `c`",
        "every condition at a leaf",
    ),
    "a tree with a condition inside": (
        DIFFERENCE,
        "      difference: [{name: t, tree: {a: c, b: c}}]",
        "14: studies.demo.sweep.difference[0].tree",
        "the condition `c` as an inner node",
        "every condition at a leaf",
    ),
    "a tree with a circle": (
        DIFFERENCE,
        "      difference: [{name: t, tree: {a: x, b: x, c: y, x: y, y: x}}]",
        "14: studies.demo.sweep.difference[0].tree",
        "the circle x -> y -> x",
        "one root",
    ),
    "a tree with two roots": (
        DIFFERENCE,
        "      difference: [{name: t, tree: {a: x, b: x, c: y}}]",
        "14: studies.demo.sweep.difference[0].tree",
        "the roots x, y",
        "one root",
    ),
    "a tree with an inner node of one child": (
        DIFFERENCE,
        "      difference: [{name: t, tree: {a: x, b: x, x: y, y: root, c: root}}]",
        "14: studies.demo.sweep.difference[0].tree",
        "one child below `y`",
        "at least two",
    ),
    "rows of an unknown condition": (
        DIFFERENCE,
        "      difference: [{name: m, rows: {ad: {a: 1, d: -1}}}]",
        "14: studies.demo.sweep.difference[0].rows.ad.d",
        "the condition `d`",
        "one of a, b, c",
    ),
    "rows of zeros": (
        DIFFERENCE,
        "      difference: [{name: m, rows: {ab: {a: 0, b: 0.0}}}]",
        "14: studies.demo.sweep.difference[0].rows.ab",
        "coefficients that are all 0",
        "at least one",
    ),
    "a coefficient that is text": (
        DIFFERENCE,
        "      difference: [{name: m, rows: {ab: {a: 1e-1, b: -1}}}]",
        "14: studies.demo.sweep.difference[0].rows.ab.a",
        "the text '1e-1'",
        "written 1.0e-1",
    ),
    "a study name with a blank": (
        "  demo:",
        "  my demo:",
        "2: studies.my demo",
        "`my demo`",
        "at most 64 letters",
    ),
    "a study name that is a path": (
        "  demo:",
        "  ../demo:",
        "2: studies.../demo",
        "`../demo`",
        "letter or digit",
    ),
    "a study name that is too long": (
        "  demo:",
        f"  {'d' * 65}:",
        f"2: studies.{'d' * 65}",
        "the name `ddd",
        "at most 64",
    ),
    "a reserved study name": ("  demo:", "  readme.md:", "2: studies.readme.md", "reserved", "another name"),
    "study names equal but for case": (
        GOOD,
        GOOD + GOOD.replace("demo:", "Demo:").replace("studies:\n", ""),
        "15: studies.Demo",
        "the name `Demo` beside `demo`",
        "differ by more than case",
    ),
    "no studies": (GOOD, "studies: {}", "1: studies", "no study", "at least one study by its name"),
    "studies as a list": (GOOD, "studies: [demo]", "1: studies", "a list of 1", "a mapping"),
    "an unknown key at the top": (GOOD, GOOD + "study: x\n", "15: study", "unknown key `study`", "`studies`"),
    "another simulation key": (
        SCORES + "\n" + CONDITIONS + "\n" + CLIP + "\n" + REPLICATES,
        f"      simulate: {{tree: {TREE}, site: 30}}",
        "5: studies.demo.data.simulate.site",
        "unknown key `site`",
        "`sites`",
    ),
    "a simulation on a tree of two roots": (
        SCORES + "\n" + CONDITIONS + "\n" + CLIP + "\n" + REPLICATES,
        "      simulate: {tree: {a: x, b: x, c: y}}",
        "5: studies.demo.data.simulate.tree",
        "2 roots",
        "one root",
    ),
    "a simulated shift on no branch": (
        SCORES + "\n" + CONDITIONS + "\n" + CLIP + "\n" + REPLICATES,
        f"      simulate:\n        tree: {TREE}\n        shifts: {{z: 3}}",
        "7: studies.demo.data.simulate.shifts",
        "'z'",
        "one of a, b, c, x",
    ),
    "a simulation with another reference": (
        SCORES + "\n" + CONDITIONS + "\n" + CLIP + "\n" + REPLICATES,
        f"      simulate: {{tree: {TREE}, reference: b}}",
        "5: studies.demo.data.simulate.reference",
        "`b`",
        "the study's reference `a`",
    ),
    "one fold": (
        SOLVER,
        "    cross_validation: {folds: 1}",
        "11: studies.demo.cross_validation.folds",
        "1",
        "at least 2",
    ),
    "a kind of folds that there is not": (
        SOLVER,
        "    cross_validation: {stratify: site}",
        "11: studies.demo.cross_validation.stratify",
        "'site'",
        "condition, none",
    ),
    "a replicate that is not fitted, to cross-validate": (
        SOLVER,
        "    cross_validation: {replicates: [1, 3]}",
        "11: studies.demo.cross_validation.replicates[1]",
        "`3`",
        "1, 2",
    ),
    "resamples as text": (SOLVER, "    resamples: ten", "11: studies.demo.resamples", "'ten'", "a number of resamples"),
    "no resamples": (SOLVER, "    resamples: 0", "11: studies.demo.resamples", "0", "a number of resamples"),
    "resamples without a number": (
        SOLVER,
        "    resamples: {seed: 2}",
        "11: studies.demo.resamples.count",
        "nothing",
        "the key `count`",
    ),
    "a weight that is not swept, to resample": (
        SOLVER,
        "    resamples: {count: 2, lasso: [2.0e-5]}",
        "11: studies.demo.resamples.lasso[0]",
        "`2e-05`",
        "0, 1e-05, 4e-05",
    ),
    "references without keys": (
        SOLVER,
        "    references: all",
        "11: studies.demo.references",
        "'all'",
        "a mapping such as",
    ),
    "another reference that is no condition": (
        SOLVER,
        "    references: {conditions: [b, d]}",
        "11: studies.demo.references.conditions[1]",
        "`d`",
        "one of b, c",
    ),
    "the study's own reference": (
        SOLVER,
        "    references: {conditions: [a]}",
        "11: studies.demo.references.conditions[0]",
        "own reference `a`",
        "other conditions",
    ),
    "another reference twice": (
        SOLVER,
        "    references: {conditions: [b, b]}",
        "11: studies.demo.references.conditions[1]",
        "label b like `b` at [0]",
        "every value once",
    ),
    "references by another word": (
        SOLVER,
        "    references: {conditions: every}",
        "11: studies.demo.references.conditions",
        "'every'",
        "or all",
    ),
    "a weight that is not swept, to refit": (
        SOLVER,
        "    references: {lasso: [2.0e-5]}",
        "11: studies.demo.references.lasso[0]",
        "`2e-05`",
        "0, 1e-05, 4e-05",
    ),
    "a weight that is not swept, to go on with": (
        SOLVER,
        "    chosen: {lasso: 2.0e-5}",
        "11: studies.demo.chosen.lasso",
        "`2e-05`",
        "a swept lasso (0, 1e-05, 4e-05)",
    ),
    "a weight by another word": (
        SOLVER,
        "    chosen: {lasso: best}",
        "11: studies.demo.chosen.lasso",
        "'best'",
        "auto",
    ),
    "a rule that there is not": (
        SOLVER,
        "    chosen: {rule: one_se}",
        "11: studies.demo.chosen.rule",
        "'one_se'",
        "one_standard_error",
    ),
    "a rule of cross-validation without folds": (
        SOLVER,
        "    chosen: {rule: minimum}",
        "11: studies.demo.chosen.rule",
        "the rule `minimum`",
        "cross-validation (`cross_validation: {folds: 5}`), which it chooses by",
    ),
    "a rule of replicates with one": (
        REPLICATES,
        "      collapse: mean\n    chosen: {rule: replicate_signs}",
        "9: studies.demo.chosen.rule",
        "the rule `replicate_signs`",
        "two replicates, which it chooses by, or the rule auto",
    ),
    "a matrix that is not swept, to go on with": (
        SOLVER,
        "    chosen: {difference: clade}",
        "11: studies.demo.chosen.difference",
        "`clade`",
        "reference, equivariant",
    ),
    "a simulation with replicates of its own": (
        SCORES + "\n" + CONDITIONS + "\n" + CLIP,
        f"      simulate: {{tree: {TREE}}}",
        "6: studies.demo.data.replicates",
        "`replicates` beside `simulate`",
        "`simulate: replicates`",
    ),
}


# Refused after a look into the local table (conditions a, b, c; replicates r1, r2): columns as above

UNKNOWN = {
    "a reference": (GOOD.replace("reference: a", "reference: d"), "9: studies.demo.reference", "`d`", "a, b, c"),
    "a reference in the column of that name": (
        GOOD.replace(CLIP, "      columns: {condition: replicate}"),
        "9: studies.demo.reference",
        "`a`",
        "one of the conditions r1, r2",
    ),
    "a condition": (
        GOOD.replace(CLIP, "      conditions: [a, d]"),
        "7: studies.demo.data.conditions[1]",
        "the condition `d`",
        "one of the data's: a, b, c",
    ),
    "a row that is called as all of them": (
        GOOD.replace(DIFFERENCE, "      difference: [{name: m, rows: {all: {a: 1, b: -1}}}]"),
        "14: studies.demo.sweep.difference[0].rows.all",
        "the reserved name `all`",
        "another name for a row",
    ),
    "a condition of a row": (
        GOOD.replace(DIFFERENCE, "      difference: [{name: m, rows: {ad: {a: 1, d: -1}}}]"),
        "14: studies.demo.sweep.difference[0].rows.ad.d",
        "the condition `d`",
        "one of a, b, c",
    ),
    "a leaf of a tree": (
        GOOD.replace(DIFFERENCE, "      difference: [{name: m, tree: {a: x, b: x, c: r, d: r, x: r}}]"),
        "14: studies.demo.sweep.difference[0].tree.d",
        "the leaf `d`",
        "a condition at every leaf: a, b, c",
    ),
    "a replicate": (
        GOOD.replace(REPLICATES, "      replicates: {column: replicate}") + "      replicate: [r1, r3]\n",
        "15: studies.demo.sweep.replicate[1]",
        "the replicate `r3`",
        "one of r1, r2",
    ),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_labels_that_are_in_no_local_table_are_refused(folder, case):
    text, place, found, expected = UNKNOWN[case]
    error = refusal(folder, text.replace(CONDITIONS, "      # conditions of the table"))
    assert error.place == f"config0.yaml:{place}"
    assert error.found == found
    assert expected in error.expected


def test_conditions_of_several_local_tables_are_checked_together(folder):
    tables = """      func_scores:
        - {func_scores: scores.csv}
        - {func_scores: more.tsv, condition: d}"""
    text = changed(SCORES, tables).replace(CONDITIONS + "\n", "")
    (study,) = read(folder, text.replace("reference: a", "reference: d"))
    assert study.data["conditions"] is None
    error = refusal(folder, text.replace("reference: a", "reference: e"))
    assert (error.found, error.expected) == ("`e`", "one of the conditions a, b, c, d")


def test_conditions_are_not_asked_of_an_address(folder):
    text = changed(SCORES, "      func_scores: https://example.org/scores.csv").replace(CONDITIONS + "\n", "")
    assert read(folder, text.replace("reference: a", "reference: d"))[0].own["reference"] == "d"


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("columns: {score: escape}", "escape"),
        ("columns: {substitutions: aa}", "aa"),
        ("min_pre_count: 3", "pre_count"),
        ("variant_weights: column", "weight"),
        ("variant_weights: inverse_variance", "variance"),
        ("collapse: barcode_mean", "n_barcodes"),
        ("replicates: {score_columns: {1: func_score, 2: second}}", "second"),
    ],
)
def test_a_local_table_without_a_column_that_will_be_read_is_refused(folder, line, column):
    text = GOOD.replace(REPLICATES + "\n", "").replace(CLIP, f"      {line}")
    error = refusal(folder, text)
    assert error.place == f"{folder / 'scores.csv'}, header"
    assert error.found == f"no column {column!r}"


def test_barcodes_as_weights_need_no_column(folder):
    assert read(folder, changed(CLIP, "      variant_weights: barcodes"))


@pytest.mark.parametrize("case", REFUSED)
def test_refused(folder, case):
    old, new, place, found, expected = REFUSED[case]
    error = refusal(folder, changed(old, new))
    assert error.place == f"config0.yaml:{place}"
    assert found in error.found
    assert expected in error.expected
    assert str(error).count("\n") == 0


# Files that are no config, refused as they are read: (text, line, found, expected)

UNREADABLE = {
    "a key twice": (
        "studies:\n  demo: 1\n  demo: 2\n",
        ":3",
        "`demo` again (first in line 2)",
        "every key once",
    ),
    "a key twice in other words": ('a: {1: x, "1": y}\n', ":1", "`1` again", "every key once"),
    "a YAML tag": (
        "studies: !!python/object/apply:os.getcwd []\n",
        ":1",
        "the YAML tag !!python/object",
        "plain",
    ),
    "a tag of its own": ("studies: !mine {}\n", ":1", "the YAML tag !mine", "plain"),
    "a list": ("- studies\n", "", "a list", "a mapping"),
    "a word": ("studies\n", "", "a text without keys", "a mapping"),
    "nothing": ("", "", "an empty file", "a mapping"),
    "no YAML": ("studies: {demo: [1}\n", ":1", "not YAML", "YAML, indented by spaces"),
    "a tab": ("studies:\n\tdemo: 1\n", ":2", "a tab as indentation", "indented by spaces"),
    "a boolean as a key": ("studies:\n  no: 1\n", ":2", "`no` as a key", "put it in quotes"),
    "a date": ("studies: 2021-01-01\n", ":1", "the date 2021-01-01", '"2021-01-01"'),
    "an alias of itself": ("studies: &a {demo: *a}\n", ":1", "contains it", "without circles"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_unreadable(tmp_path, case):
    text, line, found, expected = UNREADABLE[case]
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        studies.load([file])
    assert caught.value.place == f"{file}{line}"
    assert found in caught.value.found
    assert expected in caught.value.expected


def test_bytes_that_are_no_text(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_bytes(b"studies: \xff\xfe")
    with pytest.raises(UserError, match="not UTF-8"):
        studies.load([file])


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=re.escape(f"{tmp_path / 'c.yaml'}: found no readable file")):
        studies.load([tmp_path / "c.yaml"])


def test_no_config_at_all(folder):
    error = refusal(folder)
    assert (error.place, error.found) == ("config: studies", "nothing")
    assert "the key `studies`" in error.expected


# Where a fault stands


def test_a_fault_on_the_command_line_is_placed_there(folder):
    error = refusal(folder, GOOD, command_line={"studies": {"demo": {"sweep": {"lasso": ["0", "1e-5"]}}}})
    assert error.place == "--config: studies.demo.sweep.lasso[1]"
    assert "written 1.0e-5" in error.expected


def test_a_fault_is_placed_in_the_last_file_that_has_the_key(folder):
    error = refusal(folder, GOOD, "studies:\n  demo:\n    sweep:\n      lasso: [-1]\n")
    assert error.place == "config1.yaml:4: studies.demo.sweep.lasso[0]"
    error = refusal(folder, changed(MODEL, "    model: {ridge: -1}"), "studies: {demo: {strict: true}}")
    assert error.place == "config0.yaml:10: studies.demo.model.ridge"


def test_an_unknown_study_on_the_command_line(folder):
    error = refusal(folder, GOOD, command_line={"studies": {"demmo": {"strict": "true"}}})
    assert error.place.startswith("--config: studies.demmo.")


def test_the_first_fault_is_told_and_the_others_are_counted(folder):
    text = changed(LASSO, "      lasso: [-1, x]").replace(CLIP, "      clip: 3")
    error = refusal(folder, text)
    assert error.place.endswith(":7: studies.demo.data.clip")
    assert error.expected.endswith("(2 more after this one)")


def test_the_order_of_faults_is_the_order_of_the_file(folder):
    text = changed("    reference: a", "    reference: d").replace(CONDITIONS, "      conditions: [a, b, b]")
    assert refusal(folder, text).place.endswith(":6: studies.demo.data.conditions[2]")


# The schema and its document


def objects(document: dict) -> dict[str, dict]:
    """Every group of keys of the schema by the heading under which the document lists it."""
    groups = {name: entry for name, entry in document["$defs"].items() if "properties" in entry}
    groups |= {name: document["$defs"]["data"]["properties"][name] for name in ("columns", "replicates")}
    return groups


def resolve(entry: dict) -> dict:
    while "$ref" in entry:
        found = SCHEMA
        for key in entry["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        entry = found
    return entry


@pytest.mark.parametrize("document", [SCHEMA, schema.common()], ids=["dms", "common"])
def test_the_schema_is_a_json_schema(document):
    jsonschema.Draft202012Validator.check_schema(document)


def test_a_study_without_a_family_is_of_the_first():
    assert SCHEMA["properties"]["family"]["default"] == families.DEFAULT


@pytest.mark.parametrize("name", objects(SCHEMA))
def test_every_key_has_a_description_and_a_valid_default(name):
    for key, entry in objects(SCHEMA)[name]["properties"].items():
        entry = resolve(entry)
        if name == "sweep" and key not in ("lasso", "difference", "replicate"):
            entry = resolve(entry["items"])
        assert entry.get("description", "").endswith((".", "...")), key
        if "default" in entry:
            validator = jsonschema.Draft202012Validator({"$defs": SCHEMA["$defs"], **entry})
            assert not list(validator.iter_errors(entry["default"])), key


def test_every_model_and_solver_key_can_be_swept():
    groups = objects(SCHEMA)
    keys = [*groups["model"]["properties"], *groups["solver"]["properties"]]
    assert len(set(keys)) == len(keys)
    assert set(groups["sweep"]["properties"]) == {"lasso", "difference", "replicate", *keys}


def written_defaults(text: str) -> dict[str, dict[str, str]]:
    """Of the document: default by key by heading."""
    tables: dict[str, dict[str, str]] = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading = re.match(r"`?([a-z_]+)", section.lower())[1]
        rows = re.findall(r"^\| `([a-z_0-9]+)` \| ([^|]*) \|", section, flags=re.MULTILINE)
        tables[heading] = {key: default.strip() for key, default in rows}
    return tables


@pytest.mark.parametrize("name", [name for name in objects(SCHEMA) if name != "sweep"])
def test_the_document_lists_every_key_with_its_default(name):
    group, listed = objects(SCHEMA)[name], written_defaults(README.read_text())[name]
    assert list(listed) == list(group["properties"])
    for key, entry in group["properties"].items():
        entry = resolve(entry)
        if key in group.get("required", []):
            assert listed[key] == "required", key
        elif entry.get("default") is not None:
            assert yaml.safe_load(listed[key].strip("`")) == entry["default"], key
        else:
            assert listed[key] in ("", "none"), key


# tables as programs of the field write them, for the examples of the document
EXAMPLES = {
    "early.csv": "replicate,aa_substitutions,func_score\nRep1,P9A,1\nRep2,P9A,1\n",
    "late.csv": "library,mutations,log_enrichment,bin,aa_substitutions,func_score\n"
    + "lib A,R9A,1,low,,\nlib C,R9A,1,high,,\nlib D,R9A,1,low,,\nlib A,,1,dead,,\n",
    "mavedb_early.csv": "accession,hgvs_nt,hgvs_pro,score,se\n"
    + "x#1,NA,p.Pro9Ala,-1,0.1\nx#2,NA,p.Pro9=,0,NA\nx#3,NA,p.?,0,1\n",
    "proteingym_early.csv": "mutant,mutated_sequence,DMS_score,DMS_score_bin\nP9A:K10D,MAD,-1,0\nP9C,MCD,0,1\n",
    "enrich2_early.tsv": "\tSE\tepsilon\tscore\n_wt\t0.0\t0\t0\np.Pro9Ala, p.Lys10=\t0.1\t0\t-1\n_sy\t0.1\t0\t0\n",
    "libraries_early.csv": "library,post_sample,barcode,func_score,func_score_var,aa_substitutions\n"
    + "".join(f"lib{n},{sample},ACG,-1,0.1,P9A\n" for n in (1, 2) for sample in ("sorted", "unsorted")),
    "r.csv": '"","condition","wt","position","mut","fitness"\n'
    + "".join(f'"{k}","{c}","P",9,"{m}",{y}\n' for c in ("early", "late") for k, m, y in [(1, "A", -1), (2, "NA", 0)]),
    # of the family nmf
    "genomes.tsv": "feature\ta\tb\tc\nx\t1\t2\t0\ny\t0\t1\t2\n",
    "samples.csv": "sample,donor\na,one\nb,one\nc,two\n",
}


def test_the_examples_of_the_document_are_configs(folder):
    for name, text in EXAMPLES.items():
        (folder / name).write_text(text)
        (folder / name.replace("early", "late")).write_text(EXAMPLES.get(name.replace("early", "late"), text))
    for name, libraries in (("early", ("Lib-2", "Lib-4")), ("late", ("Lib-1", "Lib-2"))):
        (folder / name).mkdir()
        rows = [f"{library},pre,post,1" for library in libraries]
        header = "library,preselection_sample,postselection_sample,replicate"
        (folder / name / "functional_selections.csv").write_text("\n".join([header, *rows]))
        for library in libraries:
            table = folder / name / f"{library}_pre_vs_post_func_scores.csv"
            table.write_text("aa_substitutions_reference,func_score,pre_count\n")
    examples = re.findall(r"```yaml\n(.*?)```", README.read_text(), flags=re.DOTALL)
    assert len(examples) >= 3
    for text in examples:
        assert read(folder, text)
    (programs,) = (text for text in examples if "mavedb:" in text)
    for study in read(folder, programs):
        spec = {"study": study.name, "reference": "early", "data": study.data}
        done = preprocess(spec, [folder / path for path in jobs.table_paths(study)])
        assert "P9A" in " ".join(done.variants["aa_substitutions"]).split(), study.name


def test_folds_resamples_and_the_choice_are_filled_in(folder):
    text = GOOD.replace(SOLVER, "    cross_validation: {}\n    resamples: 7\n    chosen: {lasso: 4.0e-5}")
    (study,) = read(folder, text)
    assert study.cross_validation == {"folds": 5, "seed": 1, "stratify": "condition", "replicates": ["1", "2"]}
    assert study.resamples["count"] == 7 and study.resamples["lasso"] == [0.0, 1e-5, 4e-5]
    assert study.chosen == {
        "lasso": 4e-5,
        "rule": "auto",
        "false_discovery_rate": 0.1,
        "difference": "reference",
    }
    (plain,) = read(folder, GOOD)
    assert plain.cross_validation is None and plain.resamples is None and plain.chosen["lasso"] is None
    assert plain.own["references"] is None


def test_other_references_are_filled_in(folder):
    (study,) = read(folder, GOOD.replace(SOLVER, "    references: {}"))
    assert study.own["references"] == {"conditions": ["b", "c"], "lasso": [0.0, 1e-5, 4e-5]}
    no_names = GOOD.replace(CONDITIONS + "\n", "")
    (study,) = read(folder, no_names.replace(SOLVER, "    references: {lasso: [4.0e-5]}"))
    assert study.own["references"] == {"conditions": ["b", "c"], "lasso": [4e-5]}
    remote = no_names.replace("scores.csv", "https://example.org/scores.csv")
    with pytest.raises(UserError, match="a table not read before the run"):
        read(folder, remote.replace(SOLVER, "    references: {}"))
    (study,) = read(folder, remote.replace(SOLVER, "    references: {conditions: [b]}"))
    assert study.own["references"]["conditions"] == ["b"]


def test_a_single_condition_has_no_other_reference(folder):
    one = GOOD.replace(CONDITIONS, "      conditions: [a]").replace(SOLVER, "    references: {}")
    with pytest.raises(UserError, match="no condition beside the reference"):
        read(folder, one)
