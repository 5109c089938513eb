"""Refusals as a user meets them: one message, no traceback, nothing started. The rules themselves have unit tests."""

import pytest

from projects import Project, assert_refused, small_study

STUDY = ("--configfile", "study.yaml")
GOOD = """condition,aa_substitutions,func_score
a,,0.1
a,M1A,-1.0
b,,0.0
b,K2R,-0.5
"""


def local(project: Project, table: str = GOOD, **changes: object) -> None:
    (project.folder / "scores.csv").write_text(table)
    sweep = {"difference": ["reference"], "lasso": [1.0e-3]}
    project.config(
        "study.yaml", {"study": small_study(**{"data": {"func_scores": "scores.csv"}, "sweep": sweep, **changes})}
    )


def assert_nothing_started(project: Project) -> None:
    assert not (project.folder / "results").exists()
    assert not (project.folder / "logs").exists()


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (
            {"solver": {"tolerence": 1.0e-6}},
            (
                "study.yaml:21: studies.study.solver.tolerence",
                "found the unknown key `tolerence`",
                "expected `tolerance`",
            ),
        ),
        (
            {"sweep": {"lasso": [0, "1e-5"]}},
            ("studies.study.sweep.lasso[1]", "found the text '1e-5'", "1.0e-5"),
        ),
        (
            {"sweep": {"lasso": [4.0e-5, 0.00004]}},
            ("studies.study.sweep.lasso[1]", "4e-05", "expected every value once"),
        ),
        (
            {"data": {"func_scores": "absent.csv"}},
            ("studies.study.data.func_scores", "found no file at absent.csv", "expected a file"),
        ),
        (
            {"data": {"func_scores": "scores.csv", "conditions": ["b"]}},
            ("studies.study.reference", "found `a`", "expected one of the conditions b"),
        ),
    ],
    ids=["unknown key", "number as text", "duplicate in disguise", "missing table", "reference"],
)
def test_config_is_refused_before_any_job(project, changes, parts):
    local(project, **changes)
    assert_refused(project.snakemake(*STUDY), "study.yaml:", *parts)
    assert_nothing_started(project)


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ("studies={study: {model: {rigde: 1.0}}}", ("studies.study.model.rigde", "unknown key", "`ridge`")),
        ("studies={study: {sweep: {lasso: [-1.0]}}}", ("studies.study.sweep.lasso[0]", "the number -1.0")),
        ("studdies={study: {}}", ("studdies", "unknown key", "`studies`")),
    ],
)
def test_command_line_is_refused_by_name(project, given, parts):
    local(project)
    assert_refused(project.snakemake(*STUDY, "--config", given), "--config: ", *parts)
    assert_nothing_started(project)


@pytest.mark.parametrize(
    ("table", "changes", "parts"),
    [
        (GOOD, {"reference": "c"}, ("studies.study.reference", "found `c`", "expected one of the conditions a, b")),
        (GOOD.replace("b,K2R", "b,K2R 17"), {}, ("scores.csv, row 5, column 'aa_substitutions'", "'17'", "expected")),
        (GOOD.replace("func_score", "score"), {}, ("scores.csv, header", "func_score", "nearest: 'score'")),
    ],
    ids=["reference", "substitution", "column"],
)
def test_table_is_refused_before_any_fit(project, table, changes, parts):
    local(project, table, **changes)
    done = project.snakemake(*STUDY)
    assert_refused(done, *parts)
    assert not (project.folder / "results/study/data/variants.csv").exists()
    assert not (project.folder / "results/study/fits").exists()
    assert not (project.folder / "logs/study/fits").exists()
