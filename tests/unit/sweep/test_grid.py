"""Labels, paths and the sweep table."""

import json
import math
import struct

import numpy as np
import pytest

from proxsweep.dms.refits import refits
from proxsweep.dms.roles import ROLES
from proxsweep.dms.sources import tables
from proxsweep.io.errors import UserError
from proxsweep.sweep.grid import Fit, find, label, neighbour, path_order, plan, table
from proxsweep.sweep.study import Study, from_outline, outline

TREE = {"name": "phylo", "kind": "tree", "tree": {"a": "x", "b": "x", "c": "root", "x": "root"}}


def make_study(parts: dict | None = None, references: dict | None = None, **sweep) -> Study:
    sweep = {
        "difference": [{"name": "equivariant", "kind": "equivariant"}],
        "lasso": [0.0, 4e-5],
        "replicate": ["1", "2"],
        **sweep,
    }
    return Study(
        name="demo",
        family="dms",
        data={"func_scores": "scores.csv", "sha256": None},
        roles=ROLES,
        own={"reference": "a", "references": references},
        model={"ridge": 1e-6, "scale_bound": 10.0},
        solver={"tolerance": 1e-6, "starts": ["zeros"]},
        sweep={name: sweep[name] for name in path_order(list(sweep), ROLES.order)},
        strict=False,
        summaries={"bootstrap": 1000},
        figures={"dpi": 300},
        **(parts or {}),
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4e-5, "4e-05"),
        (4.0e-05, "4e-05"),
        (0.00004, "4e-05"),
        (0, "0"),
        (0.0, "0"),
        (-0.0, "0"),
        (2, "2"),
        (2.0, "2"),
        (np.float64(2), "2"),
        (np.int64(2), "2"),
        (0.00064, "0.00064"),
        (20000, "20000"),
        (1e16, "1e+16"),
        (10**16, "1e+16"),
        (2**53 + 1, "9007199254740993"),
        (-3.5, "-3.5"),
        (True, "true"),
        (False, "false"),
        (None, "none"),
        ("2x_score_range", "2x_score_range"),
        (["zeros", "linear"], "zeros+linear"),
        ([-5.0, 5.0], "-5+5"),
        (TREE, "phylo"),
    ],
)
def test_label_of(value, text):
    assert label(value) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, "", "a/b", "a b", "a~b", "..", "-x", [], b"x"])
def test_what_could_not_be_part_of_a_path_has_no_label(value):
    with pytest.raises(ValueError, match="cannot be a label"):
        label(value)


def test_labels_of_floats_read_back_to_the_same_bits():
    rng = np.random.default_rng(1)
    any_bits = rng.integers(0, 2**63, 20000, dtype=np.uint64).view(np.float64)
    floats = [*any_bits[np.isfinite(any_bits)], *np.logspace(-12, 3, 5000), *rng.random(5000), 5e-324]
    for value in map(float, floats):
        assert struct.pack("d", float(label(value))) == struct.pack("d", value)


def test_labels_are_the_shortest_that_read_back():
    for value in map(float, np.logspace(-8, 0, 200)):
        digits = next(n for n in range(1, 18) if float(f"{value:.{n}g}") == value)
        mantissa = label(value).split("e")[0].replace(".", "").lstrip("0")
        assert len(mantissa) == digits


def test_different_floats_have_different_labels():
    value = 4e-5
    assert label(value) != label(math.nextafter(value, 1))


def test_table_is_the_product_in_path_order():
    study = make_study(scale_bound=[5.0, "2x_score_range"], fix_reference_intercept=[True])
    fits = table(study)
    assert len(fits) == 2 * 2 * 2
    assert fits[0].parts == ("difference~equivariant/lasso~0/replicate~1/fix_reference_intercept~true/scale_bound~5")
    assert fits[-1].parts == (
        "difference~equivariant/lasso~4e-05/replicate~2/fix_reference_intercept~true/scale_bound~2x_score_range"
    )
    assert len({fit.parts for fit in fits}) == len(fits)


def test_a_new_value_leaves_every_other_fit_as_it_was():
    before = {fit.parts: fit.spec() for fit in table(make_study())}
    after = {fit.parts: fit.spec() for fit in table(make_study(lasso=[0.0, 1e-5, 4e-5, 4.5]))}
    assert {parts: after[parts] for parts in before} == before
    assert len(after) == 2 * len(before)


def test_find_gives_every_fit_of_the_table_back():
    study = make_study(difference=[TREE, {"name": "reference", "kind": "reference"}], ridge=[1e-6, 1e-4])
    for fit in table(study):
        assert find(study, fit.parts) == fit


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ("difference~equivariant/lasso~5/replicate~1", ["lasso", "'5'", "0, 4e-05"]),
        ("difference~equivariant/lasso~0", ["lasso~.../replicate~..."]),
        ("lasso~0/difference~equivariant/replicate~1", ["difference~.../lasso~..."]),
        ("difference~equivariant/lasso~0/lasso~0/replicate~1", ["difference~.../lasso~.../replicate~..."]),
        ("nonsense", ["nonsense", "difference~..."]),
    ],
)
def test_a_fit_that_is_not_in_the_sweep_is_refused(parts, named):
    with pytest.raises(UserError) as error:
        find(make_study(), parts)
    for text in ["study demo", *named]:
        assert text in str(error.value)


def test_spec_holds_what_the_fit_needs_and_nothing_else():
    study = make_study(difference=[TREE], ridge=[1e-4, 1e-2], tolerance=[1e-8])
    spec = find(study, "difference~phylo/lasso~4e-05/replicate~2/ridge~0.0001/tolerance~1e-08").spec()
    assert spec == {
        "study": "demo",
        "family": "dms",
        "fit": {"difference": TREE, "lasso": 4e-5, "replicate": "2", "ridge": 1e-4, "tolerance": 1e-8},
        "labels": {
            "difference": "phylo",
            "lasso": "4e-05",
            "replicate": "2",
            "ridge": "0.0001",
            "tolerance": "1e-08",
        },
        "rows": None,
        "model": {"ridge": 1e-4, "scale_bound": 10.0},
        "solver": {"tolerance": 1e-8, "starts": ["zeros"]},
    }
    assert json.loads(json.dumps(spec)) == spec


def test_changing_a_spec_leaves_the_study_alone():
    study = make_study()
    fit = table(study)[0]
    assert isinstance(fit, Fit)
    fit.spec()["solver"]["starts"].append("linear")
    assert study.solver["starts"] == ["zeros"]


def test_tables_have_one_form():
    study = make_study()
    (table,) = tables(study)
    assert table.pop("func_scores") == "scores.csv" and set(table.values()) == {None}
    study.data["func_scores"] = None
    assert tables(study) == []


FOLDS = {"folds": 3, "seed": 5, "stratify": "condition", "replicates": ["2"]}
RESAMPLES = {"count": 2, "seed": 6, "method": "bootstrap", "replicates": ["1", "2"], "lasso": [4e-5]}


def test_folds_and_resamples_follow_the_fits_to_all_variants():
    fits = table(make_study({"cross_validation": FOLDS, "resamples": RESAMPLES}, lasso=[0.0, 4e-5]))
    assert [fit.parts for fit in fits[:4]] == [fit.parts for fit in table(make_study(lasso=[0.0, 4e-5]))]
    parts = [fit.parts for fit in fits[4:]]
    assert parts[:6] == [
        f"difference~equivariant/lasso~{lasso}/replicate~2/fold~{k}" for lasso in ("0", "4e-05") for k in (1, 2, 3)
    ]
    assert parts[6:] == [
        f"difference~equivariant/lasso~4e-05/replicate~{label}/resample~{k}" for label in (1, 2) for k in (1, 2)
    ]
    assert fits[4].rows == {"fold": "1", "folds": 3, "seed": 5, "stratify": "condition"}
    assert fits[-1].spec()["rows"] == {"resample": "2", "seed": 6, "method": "bootstrap"}
    assert all(fit.rows is None for fit in fits[:4])


def test_refits_are_studies_below_the_study():
    settings = {"conditions": ["b", "c"], "lasso": [4e-5]}
    study = make_study({"cross_validation": FOLDS}, settings, lasso=[0.0, 4e-5])
    again = refits(study)
    assert [(one.name, one.own["reference"]) for one in again] == [
        ("demo/references/b", "b"),
        ("demo/references/c", "c"),
    ]
    assert [fit.parts for fit in table(again[0])] == [
        f"difference~equivariant/lasso~4e-05/replicate~{k}" for k in (1, 2)
    ]
    assert all(one.refit_of == "demo" and not refits(one) for one in again) and refits(make_study()) == []


def test_a_part_is_found_by_its_path():
    study = make_study({"cross_validation": FOLDS, "resamples": RESAMPLES}, lasso=[0.0, 4e-5])
    for fit in table(study):
        assert find(study, fit.parts) == fit
    for wrong in ("replicate~1/fold~1", "replicate~2/fold~4", "replicate~2/fold~01", "replicate~2/part~1"):
        with pytest.raises(UserError, match="one of its parts"):
            find(study, f"difference~equivariant/lasso~4e-05/{wrong}")
    with pytest.raises(UserError, match="a name of the form"):
        find(study, "difference~equivariant/lasso~4e-05/replicate~2/fold~1/fold~2")


def test_a_fold_starts_from_the_same_fold_of_the_larger_weight():
    study = make_study({"cross_validation": FOLDS}, lasso=[0.0, 4e-5, 1e-5], starts=[["neighbour"]])
    one = find(study, "difference~equivariant/lasso~0/replicate~2/starts~neighbour/fold~3")
    assert neighbour(one).parts == "difference~equivariant/lasso~1e-05/replicate~2/starts~neighbour/fold~3"
    assert neighbour(neighbour(one)).labels["lasso"] == "4e-05"
    assert neighbour(neighbour(neighbour(one))) is None


def test_an_outline_names_the_same_fits():
    study = make_study({"cross_validation": FOLDS, "resamples": RESAMPLES}, lasso=[0.0, 4e-5], difference=[TREE])
    again = from_outline(json.loads(json.dumps(outline(study))))
    assert plan(table(again)) == plan(table(study))
