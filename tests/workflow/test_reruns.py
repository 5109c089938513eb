"""What changing something in the finished study ``tiny`` makes Snakemake do again: that which it changes, no more."""

import functools
import json
from pathlib import Path

import pandas as pd
import pytest

from projects import Project, counts, fits, simulated, small_study
from proxsweep import studies
from proxsweep.dms.summaries.table import SUMMARIES
from proxsweep.report.summary import of_study

TINY = ("--configfile", "tiny.yaml")
slow = functools.partial(pytest.param, marks=pytest.mark.slow)
STUDY = studies.from_config({"studies": {"tiny": small_study()}}, [], {})[0]
DECLARED = of_study(SUMMARIES, STUDY)
ALL_SUMMARIES = {**{summary.name: 1 for summary in DECLARED}, "notebook_index": 1}
# `convergence` looks at no mutation, so how often one has to be seen is nothing to it
OF_MUTATIONS = {name: 1 for name in ALL_SUMMARIES if name != "convergence"}
FROM_SIGNS = {"replicate_signs": 1, "choose": 1, "shifts": 1, "shifts_by_reference": 1, "page": 1, "table_page": 2}
FROM_COLLECT = {"collect": 1, "effects": 1, **FROM_SIGNS, "table_page": 4, "reproducibility": 1, **ALL_SUMMARIES}
FROM_FITS = {"fit": 2, **FROM_COLLECT}  # a job a path
FROM_ENCODE = {"encode": 2, "data_report": 1, "lasso_max": 1, **FROM_FITS, "table_page": 5}
# an edit of the config is written down, and checked for what would not be reproduced
EDIT = {"write_config": 1, "reproducibility": 1}
REFITS = ("demo/references/strain_b", "demo/references/strain_c")
FROM_PREPROCESS = {"preprocess": 1, **FROM_ENCODE}


def sweep(*lasso: float) -> dict:
    return {"difference": ["equivariant"], "lasso": list(lasso)}


def readers_of(setting: str) -> dict[str, int]:
    """Summaries that use a setting, and those that read a table of one of them."""
    users = [summary.name for summary in DECLARED if setting in summary.settings]
    tables = {f"tables/{name}.csv" for name in users}
    return dict.fromkeys([*users, *(one.name for one in DECLARED if tables & set(one.reads.values()))], 1)


def rewrite(project: Project, **changes: object) -> None:
    """Change sections of the study in its config."""
    project.config("tiny.yaml", {"tiny": small_study(**changes)})


def append(path: Path, text: str) -> None:
    with open(path, "a") as stream:
        stream.write(text)


def add_to_notebook(path: Path) -> None:
    """A word more in the first cell, which is text."""
    notebook = json.loads(path.read_text())
    notebook["cells"][0]["source"] += ["\nOne more sentence."]
    path.write_text(json.dumps(notebook))


def test_a_new_lasso_weight_runs_its_fits_and_the_summaries(edited):
    rewrite(edited, sweep=sweep(0, 1.0e-3, 2.0e-3))
    assert counts(edited.jobs(*TINY)) == {**FROM_COLLECT, **EDIT, "plan": 1, "fit": 2}
    assert edited.to_make(*TINY) == {"tiny": 2}


@pytest.mark.slow
def test_fits_that_left_the_config_are_listed_kept_and_removed_on_request(edited):
    left = [f"results/tiny/fits/difference~equivariant/lasso~0/replicate~{replicate}" for replicate in "12"]
    rewrite(edited, sweep=sweep(1.0e-3))
    assert counts(edited.jobs(*TINY)) == {**FROM_COLLECT, **EDIT, "plan": 1}
    done = edited.snakemake("results/tiny/fits.csv", *TINY)
    assert done.returncode == 0, done.stdout
    assert list(pd.read_csv(edited.folder / "results/tiny/strays.csv")["path"]) == left
    for name in ("fits.csv", "status.csv"):
        paths = pd.read_csv(edited.folder / "results/tiny" / name)["path"]
        assert len(paths) == 2 and not set(paths) & set(left)

    # a weight that comes back finds its fits
    rewrite(edited)
    assert counts(edited.jobs(*TINY)) == {**FROM_COLLECT, "plan": 1}

    listed = edited.proxsweep("strays", "--plan", "results/tiny/plan.json")
    assert listed.stdout.splitlines() == left
    assert all((edited.folder / path / "record.json").is_file() for path in left)
    removed = edited.proxsweep("strays", "--plan", "results/tiny/plan.json", "--remove")
    assert removed.returncode == 0
    assert not any((edited.folder / path).exists() for path in left)
    assert len(list(edited.folder.glob("results/tiny/fits/*/lasso~0.001/replicate~*/record.json"))) == 2
    assert edited.to_make(*TINY) == {"tiny": 2}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"figures": {"dpi": 90}}, ALL_SUMMARIES),
        ({"summaries": {"bootstrap": 60}}, {**readers_of("bootstrap"), "notebook_index": 1}),
        slow({"summaries": {"bootstrap": 50, "min_times_seen": 2}}, {**FROM_SIGNS, **OF_MUTATIONS}),
        ({"model": {"ridge": 2.0e-4}}, {**FROM_FITS, "lasso_max": 1}),
        slow({"data": {**simulated(), "min_times_seen": 2}}, FROM_ENCODE),
        slow({"data": {**simulated(), "clip": [-4.0, None]}}, FROM_PREPROCESS),
        slow({"data": simulated(seed=4)}, {"simulate": 1, **FROM_PREPROCESS}),
        slow({"solver": {"max_seconds": 500}}, {}),  # no fit was cut off
        slow({"solver": {"tolerance": 1.0e-7}}, {**FROM_FITS, "lasso_max": 1}),
    ],
    ids=[
        *("figure", "bootstrap", "min_times_seen of summaries", "ridge", "min_times_seen", "clip", "seed"),
        *("time", "tolerance"),
    ],
)
def test_a_changed_setting_reruns_what_it_changes(edited, changes, expected):
    rewrite(edited, **changes)
    assert counts(edited.jobs(*TINY)) == {**expected, **EDIT}


def test_an_edited_fit_notebook_reruns_every_fit_and_what_follows(edited):
    add_to_notebook(edited.folder / "notebooks/dms/fit.ipynb")
    assert counts(edited.jobs(*TINY)) == FROM_FITS


def test_an_edited_summary_notebook_reruns_that_summary(edited):
    add_to_notebook(edited.folder / "notebooks/dms/sparsity.ipynb")
    assert counts(edited.jobs(*TINY)) == {"sparsity": 1, "shrinkage": 1, "notebook_index": 1}


def test_a_new_summary_is_a_declaration_a_module_and_a_notebook(edited):
    library = edited.folder / "scripts/proxsweep/dms/summaries"
    append(
        library / "table.py",
        """
SUMMARIES += (
    Summary("lengths", "Shifts", "How long.", (Output("lengths", "table"),), (Output("lengths", "figure"),)),
)
""",
    )
    (library / "lengths.py").write_text("LONGEST = 1\n")
    notebook = (edited.folder / "notebooks/dms/sparsity.ipynb").read_text().replace("import sparsity", "import lengths")
    (edited.folder / "notebooks/dms/lengths.ipynb").write_text(notebook)
    assert counts(edited.jobs(*TINY)) == {"lengths": 1, "notebook_index": 1}


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("dms/summaries/sparsity.py", {"sparsity": 1, "shrinkage": 1, "notebook_index": 1}),
        slow("report/convergence.py", {"convergence": 1, "notebook_index": 1}),
        slow("report/notebook_index.py", {"notebook_index": 1}),
        ("sweep/collect.py", FROM_COLLECT),
        ("report/style.py", ALL_SUMMARIES),
        ("dms/model/fit_figures.py", {}),
        slow("optimize/fista.py", {**FROM_FITS, "lasso_max": 1}),
        ("dms/model/model.py", {**FROM_FITS, "lasso_max": 1}),
        ("dms/data/preprocess.py", FROM_PREPROCESS),
        slow("dms/data/simulate.py", {"simulate": 1, **FROM_PREPROCESS}),
        slow("io/files.py", {rule: jobs for rule, jobs in FROM_PREPROCESS.items() if rule != "preprocess"}),
    ],
)
def test_an_edited_module_reruns_the_jobs_that_import_it(edited, module, expected):
    append(edited.folder / "scripts/proxsweep" / module, "# one more line\n")
    assert counts(edited.jobs(*TINY)) == expected


def test_touching_files_reruns_nothing(edited):
    for folder in ("scripts", "notebooks", "workflow", "profiles"):
        for path in (edited.folder / folder).rglob("*"):
            if path.is_file():
                path.touch()
    (edited.folder / "tiny.yaml").touch()
    assert edited.jobs(*TINY) == []


def test_editing_comments_and_spelling_of_the_config_reruns_nothing(edited):
    config = edited.folder / "tiny.yaml"
    spelled = config.read_text().replace("0.001", "1.0e-03 # the same number").replace("0.0001", "1.00e-4")
    assert "1.0e-03" in spelled and "1.00e-4" in spelled
    config.write_text(f"# a comment\n{spelled}")
    assert edited.jobs(*TINY) == []


@pytest.mark.slow
def test_another_study_reruns_nothing_of_the_first(edited):
    other = small_study(sweep=sweep(1.0e-3))
    edited.config("both.yaml", {"tiny": small_study(), "other": other})
    planned = edited.jobs("--configfile", "both.yaml")
    assert {job.wildcards["study"] for job in planned} == {"other"}
    assert counts(planned)["fit"] == 2


@pytest.mark.slow
def test_config_on_the_command_line_takes_the_place_of_the_files(finished):
    only = "studies={tiny: {sweep: {lasso: [1.0e-3, 4.0e-5], difference: [equivariant], replicate: [2]}}}"
    assert fits(finished.jobs(*TINY, "--config", only)) == {
        f"difference~equivariant/lasso~{lasso}/replicate~2" for lasso in ("0.001", "4e-05")
    }
    assert finished.to_make(*TINY, "--config", only) == {"tiny": 1}


@pytest.mark.slow
def test_another_study_does_not_drag_the_demo_along(finished):
    planned = finished.jobs(*TINY, "--forceall")
    assert {job.wildcards["study"] for job in planned} == {"tiny"}
    assert len(fits(planned)) == 4


def test_without_a_config_file_the_demo_is_planned(finished):
    planned = finished.jobs()
    by_study = {name: [job for job in planned if job.wildcards["study"] == name] for name in {"demo", *REFITS}}
    assert {job.wildcards["study"] for job in planned} == set(by_study)
    assert len(fits(by_study["demo"])) == 32 + 3 * 16  # and three folds of one replicate
    assert all(len(fits(by_study[name])) == 8 for name in REFITS)
