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
            {"data": {"func_scores": "absent.csv"}},
            ("studies.study.data.func_scores", "found no file at absent.csv", "expected a file"),
        ),
    ],
    ids=["unknown key", "missing table"],
)
def test_config_is_refused_before_any_job(project, changes, parts):
    local(project, **changes)
    assert_refused(project.snakemake(*STUDY), "study.yaml:", *parts)
    assert_nothing_started(project)


MERGED = """\
studies:
  one: &one
    family: dms
    data: {func_scores: scores.csv}
    reference: a
    model: &model
      ridge: 1.0e-4
    sweep: {difference: [reference], lasso: [1.0e-3]}
  two:
    <<: *one
    reference: b
    model:
      <<: *model
      huber_delta: 2.0
"""


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"ridge: 1.0e-4": "ridge: 1e-4"}, "study.yaml:7: studies.one.model.ridge"),
        ({"delta: 2.0": "delta: 0"}, "study.yaml:14: studies.two.model.huber_delta"),
        ({"reference: b": "reference: c"}, "study.yaml:11: studies.two.reference"),
        (
            {"scores.csv": "absent.csv", "sweep:": "strict: true\n    sweep:", "studies:": "run: [two]\nstudies:"},
            "study.yaml:5: studies.two.data.func_scores",
        ),
    ],
    ids=["what both have", "its own", "in place of what is merged", "what one has that does not run"],
)
def test_values_that_a_merge_key_brings_are_refused_where_they_stand(project, changes, place):
    text = MERGED
    for old, new in changes.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    (project.folder / "scores.csv").write_text(GOOD)
    (project.folder / "study.yaml").write_text(text)
    assert_refused(project.snakemake(*STUDY, "--dry-run"), place, "expected")


def test_command_line_is_refused_by_name(project):
    local(project)
    done = project.snakemake(*STUDY, "--config", "studies={study: {model: {rigde: 1.0}}}")
    assert_refused(done, "--config: ", "studies.study.model.rigde", "unknown key", "`ridge`")
    assert_nothing_started(project)


def test_table_is_refused_before_any_fit(project):
    local(project, GOOD.replace("b,K2R", "b,K2R 17"))
    done = project.snakemake(*STUDY)
    assert_refused(done, "scores.csv, row 5, column 'aa_substitutions'", "'17'", "expected")
    assert not (project.folder / "results/study/data/variants.csv").exists()
    assert not (project.folder / "results/study/fits").exists()
    assert not (project.folder / "logs/study/fits").exists()


def test_a_dry_run_refuses_rows_that_the_run_would_and_warns_of_data(project):
    local(project, GOOD + "a,K2RR,1\n")
    assert_refused(project.snakemake(*STUDY, "--dry-run"), "scores.csv, row 6, column 'aa_substitutions'", "'K2RR'")
    local(project, GOOD + "a,K2R,0.2\nb,M1A,-0.8\n")
    done = project.snakemake(*STUDY, "--dry-run")
    told = "study study: warning: 100 % of the variants have one mutation, from which no sigmoid can be learnt"
    assert done.returncode == 0 and f"proxsweep: {told}" in done.stdout.splitlines()
    assert_nothing_started(project)
