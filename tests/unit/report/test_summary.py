from types import SimpleNamespace

from proxsweep.report.summary import (
    CONVERGENCE,
    Output,
    Summary,
    caption,
    inputs,
    notebook,
    of_study,
    outputs,
    parameters,
)
from proxsweep.sweep.study import Roles

STUDY = SimpleNamespace(
    name="s",
    roles=Roles(),
    refit_of=None,
    summaries={"seed": 1, "least": 2},
    figures={"dpi": 90, "pdf": True, "regions": {}},
)
SMALL = Summary(
    name="small",
    category="Sizes",
    caption="""
        How small
        it is.
    """,
    reads={"chosen_csv": "chosen.csv", "truth": "data/truth.csv"},
    reads_by_study={
        "parts": lambda study: {"1": f"{study.name}/1", "2": f"{study.name}/2"},
        "map": lambda study: "map.csv",
        "left_csv": lambda study: None,
    },
    tables=(Output("sizes", "table"), Output("", "cells_table"), Output("others", "other_table", "elsewhere")),
    figures=(Output("near", "near_figure", caption="  From near."), Output("sizes", "figure")),
    settings=("least",),
    parameters=lambda study: {"width": study.figures["dpi"]},
    wanted=lambda study: study.name == "s",
)


def test_inputs_are_named_by_parameters_and_as_many_as_the_study_has():
    assert inputs(SMALL, STUDY) == {
        "fits": ["results/s/fits.csv"],
        "chosen": ["results/s/chosen.csv"],
        "truth": ["results/s/data/truth.csv"],
        "parts": ["s/1", "s/2"],
        "map": ["map.csv"],
        "left": [],
        "report": ["results/s/data/report.csv"],
    }


def test_outputs_keep_their_order_and_have_labels_where_the_report_shows_them():
    assert [tuple(file) for file in outputs(SMALL)] == [
        ("notebook", "results/{study}/notebooks/small.ipynb", {}),
        ("table", "results/{study}/tables/small.csv", {"table": "sizes"}),
        ("cells", "results/{study}/tables/small_cells.csv", {}),
        ("other", "results/{study}/tables/elsewhere.csv", {"table": "others"}),
        ("near_svg", "results/{study}/figures/small_near.svg", {"figure": "near"}),
        ("near_png", "results/{study}/figures/small_near.png", {}),
        ("svg", "results/{study}/figures/small.svg", {"figure": "sizes"}),
        ("png", "results/{study}/figures/small.png", {}),
    ]


def test_parameters_say_where_to_read_and_write_and_hold_the_settings_used():
    assert parameters(SMALL, STUDY) == {
        "study": "s",
        "fits_csv": "results/s/fits.csv",
        "data_report": "results/s/data/report.csv",
        "table": "results/s/tables/small.csv",
        "figure": "results/s/figures/small",
        "summaries": {"least": 2},
        "figures": {"dpi": 90, "pdf": True, "data_report": "results/s/data/report.csv"},
        "chosen_csv": "results/s/chosen.csv",
        "truth": "results/s/data/truth.csv",
        "cells_table": "results/s/tables/small_cells.csv",
        "other_table": "results/s/tables/elsewhere.csv",
        "near_figure": "results/s/figures/small_near",
        "width": 90,
        "parts": {"1": "s/1", "2": "s/2"},
        "map": "map.csv",
        "left_csv": "",
    }


def test_a_summary_without_settings_is_handed_none():
    assert "summaries" not in parameters(CONVERGENCE, STUDY)


def test_further_captions_stand_below_the_summarys():
    assert caption(SMALL) == "How small\nit is.\n\n``small_near``: From near."


def test_a_study_gets_what_it_wants_and_a_refit_nothing():
    assert of_study((CONVERGENCE, SMALL), STUDY) == [CONVERGENCE, SMALL]
    assert of_study((CONVERGENCE, SMALL), SimpleNamespace(name="t", refit_of=None)) == [CONVERGENCE]
    assert of_study((CONVERGENCE, SMALL), SimpleNamespace(name="s", refit_of="t")) == []


def test_a_notebook_that_all_families_share_stands_above_their_folders():
    assert notebook(CONVERGENCE, "other") == "notebooks/convergence.ipynb"
    assert notebook(SMALL, "other") == "notebooks/other/small.ipynb"
