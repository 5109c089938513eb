"""Configs of the family: what is accepted, with which defaults, and how everything else is refused."""

from pathlib import Path

import pytest
import yaml

from proxsweep import planning, studies
from proxsweep.config import resolved, source
from proxsweep.families import family
from proxsweep.io.errors import UserError
from proxsweep.nmf import simulated
from proxsweep.nmf.data import simulate
from proxsweep.sweep.grid import table

GENOMES = "feature,a,b,c,d\nx,1,0,2,3\ny,0,1,1,0\nz,2,2,0,1\n"
SAMPLES = "sample,donor\na,one\nb,one\nc,two\nd,two\n"
PLAIN = {"family": "nmf", "data": {"matrix": "genomes.csv"}, "sweep": {"rank": [2]}}
SIMULATED = {"family": "nmf", "data": {"simulate": {"features": 20, "samples": 12}}, "sweep": {"rank": [2]}}
PENALTIES = ("l1_h", "l2_h", "l1_w", "l2_w")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with a small matrix and a table of its samples."""
    (tmp_path / "genomes.csv").write_text(GENOMES)
    (tmp_path / "samples.csv").write_text(SAMPLES)
    (tmp_path / "cells.h5ad").write_bytes(b"")
    return tmp_path


def changed(study: dict, **sections: dict) -> dict:
    """A study with further keys in its sections; one that is no mapping takes the place of what stands there."""
    return source.overlay(study, sections)


def read(folder: Path, study: dict):
    config = {"studies": {"s": study}}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return studies.from_config(config, [path], {}, folder)[0]


def refusal(folder: Path, study: dict) -> str:
    with pytest.raises(UserError) as caught:
        read(folder, study)
    return str(caught.value)


# Accepted


def test_defaults_of_a_study(folder):
    study = read(folder, PLAIN)
    assert study.sweep == {"algorithm": ["hals"], "rank": [2], "replicate": ["1"]}
    assert study.model == {"loss": "squared", "w_columns": "free", **dict.fromkeys(PENALTIES, 0.0), "normalise": "none"}
    assert study.solver == {
        "tolerance": 1e-6,
        "max_iterations": 20000,
        "max_seconds": None,
        "starts": ["10x_random", "nndsvd"],
        "seed": 1,
        "floor": 1e-16,
        "accelerated": True,
        "decrease": 0.5,
        "sufficient": 0.01,
        "inner": 1,
    }
    assert study.data["features_in"] == "rows" and study.data["layer"] is None and study.data["features"] is None


def test_an_h5ad_has_features_in_columns_and_the_layer_x(folder):
    study = read(folder, changed(PLAIN, data={"matrix": "cells.h5ad"}))
    assert (study.data["features_in"], study.data["layer"]) == ("columns", "X")
    study = read(folder, changed(PLAIN, data={"matrix": "cells.h5ad", "features_in": "rows", "layer": "raw"}))
    assert (study.data["features_in"], study.data["layer"]) == ("rows", "raw")


@pytest.mark.parametrize(
    ("model", "swept", "expected"),
    [
        ({}, {}, ["hals"]),
        ({"loss": "poisson"}, {}, ["scd"]),
        ({}, {"loss": ["poisson"]}, ["scd"]),
        ({}, {"loss": ["squared", "poisson"]}, ["mu"]),
        ({"loss": "poisson", "w_columns": "sum_to_one"}, {}, ["scd"]),
    ],
)
def test_the_algorithm_follows_from_the_loss(folder, model, swept, expected):
    assert read(folder, changed(PLAIN, model=model, sweep=swept)).sweep["algorithm"] == expected


def test_a_range_of_ranks_has_both_ends(folder):
    assert read(folder, changed(PLAIN, sweep={"rank": {"from": 1, "to": 3}})).sweep["rank"] == [1, 2, 3]
    assert read(folder, changed(PLAIN, sweep={"rank": {"from": 3, "to": 3}})).sweep["rank"] == [3]


def test_a_fit_s_path_and_its_neighbour(folder):
    """The neighbour has the next smaller rank, where the starts ask for it."""
    study = read(folder, changed(PLAIN, sweep={"rank": [4, 2]}, solver={"starts": ["nndsvd", "neighbour"]}))
    larger, smaller = table(study)
    assert larger.parts == "algorithm~hals/rank~4/replicate~1"
    assert planning.neighbour(larger) == smaller and planning.neighbour(smaller) is None
    alone = read(folder, changed(PLAIN, sweep={"rank": [4, 2]}))
    assert planning.neighbour(table(alone)[0]) is None


def test_how_the_matrix_is_normalised_is_a_setting_of_the_fit(folder):
    fixed = read(folder, changed(PLAIN, data={"normalise": "log1p"}))
    assert [fit.spec()["model"]["normalise"] for fit in table(fixed)] == ["log1p"]
    swept = read(folder, changed(PLAIN, sweep={"normalise": ["none", "square_root"]}))
    assert [fit.spec()["model"]["normalise"] for fit in table(swept)] == ["none", "square_root"]
    assert table(swept)[1].parts == "algorithm~hals/rank~2/replicate~1/normalise~square_root"
    assert "normalise" not in fixed.data and "normalise" not in swept.data


@pytest.mark.parametrize(
    ("starts", "seed"),
    [(["nndsvd"], None), (["random"], 1), (["nndsvd", "3x_random"], 1), (["neighbour", "nndsvd"], None)],
)
def test_a_seed_that_no_start_uses_is_taken_away(folder, starts, seed):
    assert read(folder, changed(PLAIN, solver={"starts": starts})).solver["seed"] == seed


def test_parts_of_the_samples_are_labelled_from_1(folder):
    study = read(folder, changed(SIMULATED, data={"replicates": {"split": 3}}))
    assert study.sweep["replicate"] == ["1", "2", "3"] and study.data["replicates"] == {"split": 3, "seed": 1}
    one = read(folder, changed(SIMULATED, data={"replicates": {"split": 3}}, sweep={"replicate": [2]}))
    assert one.sweep["replicate"] == ["2"]


def test_donors_are_read_from_the_table_of_the_samples(folder):
    data = {"samples": "samples.csv", "replicates": {"column": "donor"}}
    study = read(folder, changed(PLAIN, data=data))
    assert study.sweep["replicate"] == ["one", "two"] and study.data["replicates"] == {"column": "donor"}


def test_homes_stand_in_place_of_a_tilde(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    study = read(folder, changed(PLAIN, data={"matrix": "~/genomes.csv", "samples": "~/samples.csv"}))
    assert study.data["matrix"] == str(folder / "genomes.csv")
    assert study.data["samples"] == str(folder / "samples.csv")


@pytest.mark.parametrize(
    ("model", "swept"),
    [
        ({"l1_h": 1, "l2_w": 0.1}, {}),
        ({"l1_h": 1, "w_columns": "sum_to_one"}, {}),
        ({"l2_w": 1, "w_columns": "sum_to_one"}, {}),
        ({"l2_w": 1}, {"l1_h": [0.5, 1]}),
        ({}, {"w_columns": ["sum_to_one"], "l2_h": [0, 1]}),
    ],
)
def test_penalties_under_which_a_minimum_exists(folder, model, swept):
    assert read(folder, changed(PLAIN, model=model, sweep=swept)).sweep["algorithm"] == ["hals"]


@pytest.mark.parametrize(
    "study",
    [
        changed(PLAIN, sweep={"rank": {"from": 2, "to": 5}}),
        changed(PLAIN, data={"normalise": "log1p", "samples": "samples.csv", "replicates": {"column": "donor"}}),
        changed(PLAIN, sweep={"normalise": ["none", "log1p"], "l1_h": [0.0, 1.0]}, model={"l1_w": 0.0, "l2_w": 0.0}),
        changed(PLAIN, data={"matrix": "cells.h5ad"}, solver={"starts": ["nndsvd"]}),
        changed(SIMULATED, data={"replicates": {"split": 2}, "features": {"most_variable": 10}}),
        changed(PLAIN, data={"features": ["x", "y"]}, solver={"max_seconds": 1}),
    ],
    ids=["range", "fixed", "swept", "h5ad", "simulated", "list"],
)
def test_the_resolved_config_is_the_same_study(folder, study):
    if "l1_h" in study["sweep"]:
        study = changed(study, model={"w_columns": "sum_to_one"})
    before = read(folder, study)
    written = resolved.text(resolved.values(before, family("nmf").as_written))
    (folder / "again.yaml").write_text(written)
    after = studies.from_config(studies.load([folder / "again.yaml"]), [folder / "again.yaml"], {}, folder)
    assert after == [before]


# Refused


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        ({"simulate": {}}, ("data.simulate", "`simulate` beside `matrix`", "one of the two")),
        ({"matrix": None}, ("data", "neither `matrix` nor `simulate`")),
        ({"matrix": "none.csv"}, ("data.matrix", "no file at none.csv", "a file, or a folder with a matrix")),
        ({"matrix": "https://example.org/a.csv"}, ("data.matrix", "the address https://example.org/a.csv")),
        ({"matrix": "{a}.csv"}, ("data.matrix", "braces in {a}.csv")),
        ({"samples": "none.csv"}, ("data.samples", "no file at none.csv", "a table")),
        ({"samples": "."}, ("data.samples", "no file at .", "a table")),
        ({"layer": "raw"}, ("data.layer", "the layer `raw` of genomes.csv", "a layer of an .h5ad only")),
        ({"features_in": "row"}, ("data.features_in", "the text 'row'", "rows, columns, or null")),
        ({"features": ["x", "x"]}, ("data.features[1]", "the feature `x` again")),
        ({"features": {"most_variable": 0}}, ("data.features.most_variable", "a whole number of at least 1")),
        ({"features": {}}, ("data.features.most_variable", "nothing", "the key `most_variable`")),
        ({"replicates": {}}, ("data.replicates", "neither `split` nor `column`")),
        ({"replicates": {"split": 2, "column": "a"}}, ("data.replicates", "`split` beside `column`")),
        ({"replicates": {"column": "a"}}, ("data.replicates.column", "a column without `samples`")),
        (
            {"replicates": {"column": "donor", "seed": 2}, "samples": "samples.csv"},
            ("data.replicates.seed", "a seed beside `column`"),
        ),
        ({"normalise": "log"}, ("data.normalise", "the text 'log'", "`log1p` is nearest")),
        ({"matrx": "a"}, ("data.matrx", "`matrix`, the nearest known key")),
    ],
)
def test_data_that_cannot_be(folder, data, parts):
    message = refusal(folder, changed(PLAIN, data=data))
    assert all(part in message for part in (f"studies.s.{parts[0]}:", *parts[1:])), message


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        ({"samples": "samples.csv"}, ("data.samples", "`samples` beside `simulate`")),
        ({"features_in": "columns"}, ("data.features_in", "`features_in` beside `simulate`")),
        ({"layer": "X"}, ("data.layer", "`layer` beside `simulate`")),
        ({"replicates": {"column": "a"}}, ("data.replicates.column", "a column beside `simulate`")),
        ({"replicates": {"split": 7}}, ("data.replicates.split", "7 parts of 12 samples", "at least 2 samples")),
        ({"simulate": {"active": 6}}, ("data.simulate.active", "6 active factors", "at most 5, `factors`")),
        ({"simulate": {"factors": 13}}, ("data.simulate.factors", "13 factors", "at most 12, as features or samples")),
        ({"simulate": {"features": 10**6, "samples": 101}}, ("data.simulate", "at most 1e+08 entries")),
        ({"simulate": {"sample": 6}}, ("data.simulate.sample", "`samples`, the nearest known key")),
    ],
)
def test_simulated_data_that_cannot_be(folder, data, parts):
    message = refusal(folder, changed(SIMULATED, data=data))
    assert all(part in message for part in (f"studies.s.{parts[0]}:", *parts[1:])), message


def test_the_largest_simulation_is_that_of_the_simulator():
    assert simulated.LARGEST == simulate.LARGEST


@pytest.mark.parametrize(
    ("swept", "parts"),
    [
        ({"rank": []}, ("rank", "an empty list", "a list of at most 1000 numbers such as [2, 3, 4], or a range")),
        ({"rank": 3}, ("rank", "the number 3", "a range such as {from: 2, to: 8}")),
        ({"rank": [0]}, ("rank[0]", "the number 0", "a whole number of at least 1")),
        ({"rank": [2.5]}, ("rank[0]", "the number 2.5", "a whole number")),
        ({"rank": [3, 2, 3]}, ("rank[2]", "`3`, which has the label 3 like `3` at [0]")),
        ({"rank": {"from": 2}}, ("rank.to", "nothing", "the key `to`")),
        ({"rank": {"from": 3, "to": 2}}, ("rank", "a range from 3 to 2", "from <= to")),
        ({"rank": {"from": 1, "to": 1001}}, ("rank", "a range of 1001 ranks", "at most 1000")),
        ({"algorithm": ["als"]}, ("algorithm[0]", "the text 'als'", "one of hals, mu")),
        ({"replicate": ["2"]}, ("replicate[0]", "the replicate `2`", "one of 1")),
        ({"l1_h": [-1]}, ("l1_h[0]", "the number -1", "a finite number of at least 0")),
        ({"starts": [["random", "nndsvd", "2x_random"]]}, ("starts[0][2]", "`2x_random` beside `random`")),
    ],
)
def test_sweeps_that_cannot_be(folder, swept, parts):
    message = refusal(folder, changed(PLAIN, sweep=swept))
    assert all(part in message for part in (f"studies.s.sweep.{parts[0]}:", *parts[1:])), message


def test_a_range_in_the_place_of_a_list_is_refused_at_its_key(folder):
    message = refusal(folder, changed(SIMULATED, sweep={"rank": {"from": 2, "to": 13}}))
    assert "studies.s.sweep.rank:" in message and "the rank 13" in message and "at most 12" in message
    message = refusal(folder, changed(SIMULATED, data={"replicates": {"split": 2}}, sweep={"rank": [2, 7]}))
    assert "studies.s.sweep.rank[1]:" in message and "the smaller of 20 features and 6 samples" in message


def test_normalise_is_varied_or_fixed(folder):
    message = refusal(folder, changed(PLAIN, data={"normalise": "none"}, sweep={"normalise": ["none"]}))
    assert "studies.s.sweep.normalise:" in message and "`normalise` under `sweep` and under `data`" in message


@pytest.mark.parametrize(
    "starts", [["nndsvd", "nndsvd"], ["10x_random", "20x_random"], ["neighbour", "random", "neighbour"]]
)
def test_a_start_stands_once(folder, starts):
    message = refusal(folder, changed(PLAIN, solver={"starts": starts}))
    assert f"studies.s.solver.starts[{len(starts) - 1}]:" in message and "every start once" in message


@pytest.mark.parametrize("start", ["zeros", "0x_random", "10000x_random", "x_random", "random\n", "2x_nndsvd"])
def test_a_start_that_is_none(folder, start):
    message = refusal(folder, changed(PLAIN, solver={"starts": [start]}))
    assert "studies.s.solver.starts[0]:" in message and "random, nndsvd, neighbour, or a number" in message


PAIRS = {
    ("squared", "free"): {"hals", "mu", "pgd_all", "pgd_alternating"},
    ("squared", "sum_to_one"): {"hals", "pgd_all", "pgd_alternating"},
    ("poisson", "free"): {"mu", "scd"},
    ("poisson", "sum_to_one"): {"mu", "scd"},
}


@pytest.mark.parametrize("algorithm", ["hals", "mu", "pgd_all", "pgd_alternating", "scd"])
@pytest.mark.parametrize(("loss", "columns"), PAIRS)
def test_algorithms_go_with_some_losses(folder, algorithm, loss, columns):
    study = changed(PLAIN, model={"loss": loss, "w_columns": columns}, sweep={"algorithm": [algorithm]})
    known = PAIRS[loss, columns]
    if algorithm in known:
        assert read(folder, study).sweep["algorithm"] == [algorithm]
        return
    message = refusal(folder, study)
    assert "studies.s.sweep.algorithm[0]:" in message and f"`{algorithm}` with the loss `{loss}`" in message
    assert {name for name in known if name in message.partition("expected")[2]} == known


def test_every_combination_of_losses_and_algorithms_has_to_go(folder):
    message = refusal(folder, changed(PLAIN, sweep={"algorithm": ["mu", "hals"], "loss": ["squared", "poisson"]}))
    assert "sweep.algorithm[1]:" in message and "`hals` with the loss `poisson`" in message
    message = refusal(folder, changed(PLAIN, model={"w_columns": "sum_to_one"}, sweep={"loss": ["poisson", "squared"]}))
    assert "sweep.loss[1]:" in message and "`mu` with the loss `squared` and `w_columns: sum_to_one`" in message


@pytest.mark.parametrize(
    ("model", "swept", "parts"),
    [
        ({"l1_h": 0.5}, {}, ("model.l1_h", "`l1_h` 0.5, a penalty on H alone", "H shrinks and W grows")),
        ({"l2_w": 2}, {}, ("model.l2_w", "`l2_w` 2, a penalty on W alone", "W shrinks and H grows")),
        ({"l1_h": 1}, {"l1_w": [1, 0]}, ("model.l1_h", "a penalty on H alone", "no minimum exists")),
        ({}, {"l1_h": [0, 1], "l1_w": [0, 1]}, ("sweep.l1_h[1]", "a penalty on H alone", "no minimum exists")),
        ({"l1_w": 1, "l1_h": 1, "w_columns": "sum_to_one"}, {}, ("model.l1_w", "`l1_w` 1 with", "the rank")),
        ({"l1_w": 1, "l1_h": 1}, {"w_columns": ["free", "sum_to_one"]}, ("model.l1_w", "`l1_w` 1 with", "the rank")),
        ({"l1_h": 1}, {"w_columns": ["sum_to_one", "free"]}, ("model.l1_h", "a penalty on H alone")),
        ({"l1_h": -1}, {}, ("model.l1_h", "the number -1", "a finite number of at least 0")),
        (
            {"loss": "poisson", "w_columns": "sum_to_one", "l2_h": 0.5},
            {},
            (
                "model.l2_h",
                "`l2_h` 0.5 with the loss `poisson` and `w_columns: sum_to_one`",
                "or the algorithm mu alone",
            ),
        ),
        (
            {"loss": "poisson", "w_columns": "sum_to_one", "l2_h": 0.5},
            {"l2_w": [0.0, 2.0], "algorithm": ["mu"]},
            ("sweep.l2_w[1]", "`l2_w` 2 with the loss `poisson`", "expected `l2_w` 0"),
        ),
    ],
)
def test_penalties_that_cannot_be(folder, model, swept, parts):
    message = refusal(folder, changed(PLAIN, model=model, sweep=swept))
    assert all(part in message for part in (f"studies.s.{parts[0]}:", *parts[1:])), message


def test_keys_of_the_other_family_are_unknown(folder):
    message = refusal(folder, changed(PLAIN, sweep={"lasso": [0]}))
    assert "studies.s.sweep.lasso:" in message and "the unknown key `lasso`" in message
    message = refusal(folder, {**PLAIN, "reference": "a"})
    assert "studies.s.reference:" in message and "the unknown key `reference`" in message


def test_provenance_names_files_and_seeds(folder):
    study = read(folder, changed(PLAIN, data={"samples": "samples.csv", "replicates": {"split": 2, "seed": 5}}))
    config = resolved.values(study, family("nmf").as_written)["studies"]["s"]
    found = family("nmf").provenance(config)
    assert found.files == [("genomes.csv", None), ("samples.csv", None)]
    assert found.seeds == {"data.replicates": 5, "solver": 1}


# Held-out entries, resamples, the chosen rank


def test_folds_and_resamples_have_few_starts_of_their_own(folder):
    study = read(folder, changed(PLAIN, cross_validation={"folds": 3}, resamples=4))
    fits = table(study)
    assert [fit.rows and fit.rows.get("fold") for fit in fits[:4]] == [None, "1", "2", "3"]
    assert fits[1].rows == {"fold": "1", "folds": 3, "seed": 1, "hold_out": "entries", "starts": ["5x_random"]}
    assert fits[4].rows == {"resample": "1", "seed": 1, "method": "poisson", "starts": ["5x_random"]}
    assert planning.announced(study).startswith("the rank is chosen by held-out loss within one standard error")


def test_the_seed_is_kept_where_only_folds_start_at_random(folder):
    plain = changed(PLAIN, solver={"starts": ["nndsvd"]})
    assert read(folder, plain).solver["seed"] is None
    assert read(folder, changed(plain, cross_validation={"folds": 3})).solver["seed"] == 1
    own = {"folds": 3, "starts": ["nndsvd"]}
    assert read(folder, changed(plain, cross_validation=own)).solver["seed"] is None


def test_a_fold_with_starts_of_its_own_waits_for_no_neighbour(folder):
    chained = {"sweep": {"rank": [1, 2]}, "solver": {"starts": ["neighbour", "random"]}}
    for starts, waits in ((["random"], False), (None, True)):
        study = read(folder, changed(PLAIN, **chained, cross_validation={"folds": 2, "starts": starts}))
        found = {fit.parts: planning.neighbour(fit) for fit in table(study) if fit.values["rank"] == 2}
        parts = "algorithm~hals/rank~2/replicate~1"
        assert found[parts] is not None and (found[f"{parts}/fold~1"] is not None) == waits


def test_without_folds_the_agreement_of_starts_chooses(folder):
    said = planning.announced(read(folder, PLAIN))
    assert said.startswith("the rank is chosen by the agreement of starts") and "at rank 2, none selected" in said
    alone = read(folder, changed(PLAIN, solver={"starts": ["nndsvd"]}))
    assert planning.announced(alone).startswith("no rank can be chosen, with neither two starts nor cross-validation")


def test_only_resampled_ranks_have_resamples(folder):
    study = read(folder, changed(PLAIN, sweep={"rank": [1, 2]}, resamples={"count": 2, "rank": [2]}))
    assert [fit.parts for fit in table(study) if fit.rows] == [
        f"algorithm~hals/rank~2/replicate~1/resample~{number}" for number in (1, 2)
    ]


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"chosen": {"rule": "held_out"}}, ("the rule `held_out`", "cross-validation")),
        ({"chosen": {"rule": "stability"}, "solver": {"starts": ["nndsvd"]}}, ("`stability`", "two starts")),
        ({"chosen": {"rule": "one_standard_error"}}, ("one_standard_error", "held_out")),
        ({"chosen": {"rank": 3}}, ("`3`", "auto, or a swept rank (2)")),
        ({"chosen": {"loss": "poisson"}}, ("`loss`, which is not swept", "algorithm, rank")),
        ({"cross_validation": {"folds": 3}, "sweep": {"algorithm": ["pgd_all"]}}, ("`pgd_all`", "`hold_out: blocks`")),
        (
            {
                "cross_validation": {"folds": 3},
                "model": {"loss": "poisson", "w_columns": "sum_to_one", "l1_h": 0.5},
            },
            ("and `l1_h`", "`hold_out: blocks`, or no penalty"),
        ),
        ({"cross_validation": {"folds": 3, "hold_out": "samples"}}, ("samples", "entries, blocks")),
        ({"resamples": {"count": 3, "rank": [5]}}, ("`5`", "2")),
        ({"resamples": {"count": 3, "starts": ["2x_random", "random"]}}, ("`random` beside `2x_random`",)),
        ({"summaries": {"labels": "donor"}}, ("`donor` without `data: samples`",)),
        ({"summaries": {"labels": "dnr"}, "data": {"samples": "samples.csv"}}, ("`dnr`", "(donor)")),
    ],
)
def test_what_cannot_be_held_out_or_chosen_is_refused(folder, sections, words):
    said = refusal(folder, changed(PLAIN, **sections))
    assert all(word in said for word in words), said
