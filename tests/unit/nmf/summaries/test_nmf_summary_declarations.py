"""Declarations of the summaries of factorisations against their notebooks, and which study gets which."""

import ast
import json

import docutils.core
import pytest

from projects import PROJECT
from proxsweep import studies
from proxsweep.nmf.results import stability
from proxsweep.nmf.summaries import consensus_figures, neighbouring_ranks, penalties, replicates_figure, resamples
from proxsweep.nmf.summaries.table import SUMMARIES
from proxsweep.report.summary import caption, notebook, of_study, outputs, parameters

by_name = pytest.mark.parametrize("summary", SUMMARIES, ids=lambda summary: summary.name)
WORDS = {6: "six", 10: "ten", 11: "eleven", 12: "twelve"}


def study(sweep=(), solver=(("starts", ["2x_random"]),), data=(), **more):
    values = {
        "family": "nmf",
        "data": {"simulate": {"features": 20, "samples": 30}, **dict(data)},
        "sweep": {"rank": [2, 3], **dict(sweep)},
        "solver": dict(solver),
    }
    return studies.from_config({"studies": {"s": values | more}}, [], {})[0]


def names(**changes):
    return [summary.name for summary in of_study(SUMMARIES, study(**changes))]


def cells(summary):
    """Code of a summary's notebook: the cell of parameters, and the others."""
    read = json.loads((PROJECT / notebook(summary, "nmf")).read_text())["cells"]
    code = {"".join(cell["source"]): cell["metadata"].get("tags") for cell in read if cell["cell_type"] == "code"}
    (first,) = (text for text, tags in code.items() if tags == ["parameters"])
    return ast.parse(first), [ast.parse(text) for text, tags in code.items() if not tags]


@by_name
def test_a_notebook_is_handed_the_parameters_that_it_has(summary):
    handed = set(parameters(summary, study()))
    assert handed == {line.targets[0].id for line in cells(summary)[0].body}


@by_name
def test_a_notebook_is_handed_the_settings_that_it_uses(summary):
    nodes = [node for cell in cells(summary)[1] for node in ast.walk(cell) if isinstance(node, ast.Subscript)]
    used = {node.slice.value for node in nodes if isinstance(node.value, ast.Name) and node.value.id == "summaries"}
    assert used == set(summary.settings)


@by_name
def test_a_caption_is_restructured_text(summary):
    strict = {"report_level": 1, "halt_level": 1}
    assert docutils.core.publish_string(caption(summary), writer_name="html", settings_overrides=strict)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ranks", f"mean silhouette of at least {stability.MEAN:g} and a least one of at least {stability.LEAST:g}"),
        ("neighbouring_ranks", f"At most {WORDS[neighbouring_ranks.MOST_PAIRS]} pairs"),
        ("consensus_of_starts", f"The {WORDS[consensus_figures.BARS]} features"),
        ("consensus_of_starts", f"at most {WORDS[consensus_figures.MOST_PANELS]} factors"),
        ("replicates", f"at most {WORDS[replicates_figure.MOST_FACTORS]}"),
        ("resamples", f"{100 * resamples.LOWER:g} % quantile"),
        ("penalties", f"at most {WORDS[penalties.MOST_RANKS]} ranks"),
    ],
)
def test_numbers_in_captions_are_those_of_the_code(name, text):
    (summary,) = (one for one in SUMMARIES if one.name == name)
    assert text in " ".join(caption(summary).split())


def test_no_two_summaries_write_one_file():
    paths = [file.path for summary in SUMMARIES for file in outputs(summary)]
    assert len(paths) == len(set(paths))
    assert {f"results/{{study}}/tables/{name}.csv" for name in ("ranks", "starts", "resampled_factors")} <= set(paths)


@pytest.mark.parametrize(
    ("sweep", "compared"),
    [
        ({}, []),
        ({"algorithm": ["mu"]}, []),
        ({"algorithm": ["hals", "mu"]}, ["algorithm"]),
        ({"decrease": [0.1, 0.5], "algorithm": ["pgd_all"]}, ["decrease"]),
    ],
)
def test_ways_to_solve_are_compared_where_there_are_several(sweep, compared):
    one = study(sweep=sweep)
    assert parameters(SUMMARIES[0], one)["compared"] == compared


def test_a_study_gets_the_summaries_that_say_something_of_it():
    assert names() == ["convergence", "ranks", "starts", "consensus_of_starts", "neighbouring_ranks", "recovery"]
    assert names(sweep={"rank": [3]}, solver={"starts": ["nndsvd"]}) == ["convergence", "ranks", "recovery"]
    assert "replicates" in names(data={"replicates": {"split": 2}})
    assert "resamples" in names(resamples=3)
    assert "penalties" in names(sweep={"l2_h": [0.1, 1.0]}, model={"l2_w": 0.1})
    swept = {"starts": [["nndsvd"], ["nndsvd", "random"]]}
    assert "starts" in names(sweep=swept, solver={})
