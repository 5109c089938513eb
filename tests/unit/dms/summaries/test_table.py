"""Declarations of the summaries against their notebooks, and which study gets which."""

import ast
import json

import docutils.core
import numpy as np
import pytest

from projects import PROJECT, small_study
from proxsweep import studies
from proxsweep.dms.refits import refits as other_references
from proxsweep.dms.summaries import (
    patterns,
    replicate_correlation,
    replicate_scatter,
    shift_heatmap,
    shift_paths,
    starts,
)
from proxsweep.dms.summaries.table import SUMMARIES, encodings, refits, truth
from proxsweep.report.summary import caption, notebook, of_study, outputs, parameters
from proxsweep.report.wording import short_number

WORDS = {8: "eight"}
SOMETIMES = {"starts", "scale_bound", "references", "recovery"}
MEASURED = {"func_scores": "https://example.org/scores.csv", "conditions": ["a", "b"]}
by_name = pytest.mark.parametrize("summary", SUMMARIES, ids=lambda summary: summary.name)


def study_of(**changes):
    return studies.from_config({"studies": {"s": small_study(**changes)}}, [], {})[0]


def names(study):
    return [summary.name for summary in of_study(SUMMARIES, study)]


def cells(summary):
    """Code of a summary's notebook: the cell of parameters, and the others."""
    read = json.loads((PROJECT / notebook(summary, "dms")).read_text())["cells"]
    code = {"".join(cell["source"]): cell["metadata"].get("tags") for cell in read if cell["cell_type"] == "code"}
    (first,) = (text for text, tags in code.items() if tags == ["parameters"])
    return ast.parse(first), [ast.parse(text) for text, tags in code.items() if not tags]


@by_name
def test_a_notebook_is_handed_the_parameters_that_it_has(summary):
    defaults = {line.targets[0].id: line.value for line in cells(summary)[0].body}
    handed = set(parameters(summary, study_of(references={"lasso": [1.0e-3]})))
    assert handed == (set(defaults) if summary.settings else set(defaults) - {"summaries"})


@by_name
def test_a_notebook_is_handed_the_settings_that_it_uses(summary):
    first, others = cells(summary)
    nodes = [node for cell in others for node in ast.walk(cell)]
    used = {node.slice.value for node in nodes if isinstance(node, ast.Subscript) and named(node.value)}
    if any(isinstance(node, ast.keyword) and node.arg is None and named(node.value) for node in nodes):
        (default,) = (line.value for line in first.body if line.targets[0].id == "summaries")
        used |= set(ast.literal_eval(default))
    assert used == set(summary.settings)


def named(node):
    return isinstance(node, ast.Name) and node.id == "summaries"


@by_name
def test_a_caption_is_restructured_text(summary):
    strict = {"report_level": 1, "halt_level": 1}
    assert docutils.core.publish_string(caption(summary), writer_name="html", settings_overrides=strict)


@pytest.mark.parametrize(
    ("name", "text", "both"),
    [
        ("patterns", f"at least {100 * patterns.ENOUGH_EQUAL:.0f} % of mutations all equal", True),
        ("replicate_correlation", f"Bands are {np.ptp(replicate_correlation.LEVEL):g} % bootstrap", True),
        ("replicate_correlation", f"fewer than {replicate_correlation.LEAST_NONZERO} mutations have a shift", False),
        ("replicate_scatter", f"{WORDS[replicate_scatter.MOST_WEIGHTS]} weights", True),
        ("shift_heatmap", f"end at the {100 * shift_heatmap.QUANTILE:g}th percentile", True),
        ("shift_heatmap", f"at most {25.4 * shift_heatmap.PAGE:g} mm tall", False),
        ("shift_heatmap", f"down to {25.4 * shift_heatmap.SMALLEST:g} mm", False),
        ("starts", f"within {short_number(starts.LEVEL)} ", True),
    ],
)
def test_numbers_in_texts_are_those_of_the_code(name, text, both):
    (summary,) = (one for one in SUMMARIES if one.name == name)
    read = json.loads((PROJECT / notebook(summary, "dms")).read_text())["cells"]
    notes = " ".join("".join(cell["source"]) for cell in read if cell["cell_type"] == "markdown")
    assert text in " ".join(notes.split())
    assert (text in " ".join(caption(summary).split())) == both


def test_the_table_of_paths_is_as_long_as_its_caption_says():
    (summary,) = (one for one in SUMMARIES if one.name == "shift_paths")
    assert f"up to {shift_paths.MOST_PATHS} mutations a row" in " ".join(caption(summary).split())


def test_no_two_summaries_write_one_file():
    paths = [file.path for summary in SUMMARIES for file in outputs(summary)]
    assert len(paths) == len(set(paths))


def test_a_study_gets_the_summaries_that_say_something_of_it():
    always = [summary.name for summary in SUMMARIES if summary.name not in SOMETIMES]
    assert names(study_of(data=MEASURED)) == always
    assert names(study_of()) == [*always, "recovery"]
    sweep = {"difference": ["reference"], "lasso": [0, 1.0e-3], "scale_bound": [5.0, 10.0]}
    everything = study_of(sweep=sweep, solver={"starts": ["zeros", "2x_random"]}, references={"lasso": [1.0e-3]})
    assert names(everything) == [summary.name for summary in SUMMARIES]
    assert all(names(refit) == [] for refit in other_references(everything))


@pytest.mark.parametrize(
    ("starts", "several"),
    [(["zeros"], False), (["1x_random"], True), (["zeros", "linear"], True)],
)
def test_starts_are_compared_where_there_are_several(starts, several):
    assert ("starts" in names(study_of(solver={"starts": starts}))) == several
    swept = {"difference": ["reference"], "lasso": [0], "starts": [starts]}
    assert ("starts" in names(study_of(sweep=swept, chosen={"lasso": 0}))) == several


def test_files_that_a_study_decides_on():
    study = study_of(references={"lasso": [1.0e-3]})
    assert encodings(study) == {label: f"results/s/encodings/replicate~{label}.npz" for label in "12"}
    assert refits(study) == {name: f"results/s/references/{name}/fits.csv" for name in "bc"}
    assert truth(study) == "results/s/data/truth.csv" and truth(study_of(data=MEASURED)) is None
