"""Studies at the edges of what can be asked: each runs to its end, and what does not apply says so in words."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import toys
from projects import Project, copy_project, once, simulated, small_study
from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.data.simulate import simulate

pytestmark = pytest.mark.slow

TREE = {"name": "clade", "tree": {"a": "root", "inner": "root", "b": "inner", "c": "inner"}}
ROWS = {"name": "contrast", "rows": {"others": {"a": -1.0, "b": 0.5, "c": 0.5}, "pair": {"b": 1.0, "c": -1.0}}}
BOUNDS = ["0.5x_score_range", 10.0]
STUDIES = {
    "one_condition": small_study(
        data={"func_scores": "one_condition.tsv.gz", "replicates": {"column": "replicate"}},
        sweep={"difference": ["reference"], "lasso": [1.0e-3]},
    ),
    "one_replicate": small_study(
        data=simulated(replicates=1),
        sweep={"difference": [TREE, ROWS], "lasso": [1.0e-3], "scale_bound": BOUNDS},
        solver={"starts": ["zeros", "linear"]},
    ),
    "parts": small_study(
        sweep={"difference": [TREE, "equivariant"], "lasso": [0, 1.0e-3]},
        cross_validation={"folds": 2, "replicates": [1]},
        resamples={"count": 1, "lasso": [1.0e-3], "replicates": [1]},
        chosen={"rule": "minimum", "difference": "equivariant"},
    ),
    "refits": small_study(
        data=simulated(replicates=1),
        model={"global_epistasis": "linear", "ridge": 1.0e-4},
        sweep={"difference": ["equivariant"], "lasso": [0, 1.0e-3]},
        references={"conditions": ["b"], "lasso": [1.0e-3]},
        strict=True,
    ),
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One run of all of them. Read only."""

    def make(folder: Path) -> None:
        project = copy_project(folder)
        table, _ = simulate({**simulated()["simulate"], "tree": {"a": "root"}, "reference": "a"})
        table.to_csv(folder / "one_condition.tsv.gz", sep="\t", index=False)
        project.config("studies.yaml", STUDIES)
        done = project.snakemake("--configfile", "studies.yaml", cores=2, timeout=1800)
        assert done.returncode == 0, done.stdout

    return Project(once(tmp_path_factory, "degenerate", make))


def table(project: Project, study: str, name: str) -> pd.DataFrame:
    return pd.read_csv(project.folder / "results" / study / name, dtype=str, keep_default_na=False)


def words(project: Project, study: str, figure: str) -> str:
    return " ".join((project.folder / "results" / study / "figures" / f"{figure}.svg").read_text().split())


def paths(study: str, *fits: str) -> list[str]:
    return [f"results/{study}/fits/{fit}" for fit in fits]


@pytest.mark.parametrize(
    ("study", "fits"),
    [
        ("one_condition", [f"difference~reference/lasso~0.001/replicate~{k}" for k in "12"]),
        (
            "one_replicate",
            [
                f"difference~{name}/lasso~0.001/replicate~1/scale_bound~{bound}"
                for name in ("clade", "contrast")
                for bound in ("0.5x_score_range", "10")
            ],
        ),
    ],
)
def test_runs_to_its_end(ran, study, fits):
    found = table(ran, study, "fits.csv")
    assert list(found["path"]) == paths(study, *fits)
    assert list(found["status"]) == ["converged"] * len(fits)
    folder = ran.folder / "results" / study
    names = ["convergence", "replicate_correlation", "sparsity"] + (["recovery"] if study != "one_condition" else [])
    names += ["starts", "scale_bound"] if study == "one_replicate" else []
    for name in names:
        assert (folder / f"tables/{name}.csv").is_file() and (folder / f"figures/{name}.svg").is_file()
    for name in ("starts", "scale_bound"):
        assert (folder / f"figures/{name}.svg").exists() == (study == "one_replicate")
    assert (folder / "figures/recovery.svg").exists() == (study != "one_condition")
    assert (folder / "notebooks/html/index.html").is_file()


def test_one_condition_has_effects_but_no_shifts(ran):
    correlation = table(ran, "one_condition", "tables/replicate_correlation.csv")
    assert list(correlation["quantity"]) == ["effect"]
    assert 0.5 < float(correlation["pearson"][0]) <= 1
    assert table(ran, "one_condition", "tables/sparsity.csv").empty
    assert "there are no shifts to correlate" in words(ran, "one_condition", "replicate_correlation")
    assert "One condition" in words(ran, "one_condition", "sparsity")
    mutations = table(ran, "one_condition", "fits/difference~reference/lasso~0.001/replicate~1/mutations.csv")
    assert [*mutations.columns] == ["mutation", "wildtype", "site", "mutant", "beta_a", "times_seen_a"]


def test_several_starts_are_compared(ran):
    starts = table(ran, "one_replicate", "tables/starts.csv")
    assert list(zip(starts["difference"], starts["start"], strict=True)) == [
        (difference, start) for difference in ("clade", "contrast") for start in ("zeros", "linear") * 2
    ]
    for setting, group in starts.groupby(["difference", "scale_bound"]):
        objectives = group["objective"].astype(float)
        excess = group["excess"].astype(float)
        np.testing.assert_allclose(excess, objectives / objectives.min() - 1, rtol=0, atol=1e-15)
        assert (group["kept"] == "True").sum() == 1, setting
    assert "At the best" in words(ran, "one_replicate", "starts")


def test_swept_bounds_are_compared(ran):
    bounds = table(ran, "one_replicate", "tables/scale_bound.csv")
    assert list(bounds["scale_bound"]) == ["0.5x_score_range", "10.0"] * 2
    encoding = Encoding.load(ran.folder / "results/one_replicate/encodings/replicate~1.npz")
    np.testing.assert_allclose(bounds["bound"].astype(float), [np.ptp(encoding.scores) / 2, 10.0] * 2, rtol=1e-12)
    assert bounds["at_bound"][0] == "True" and bounds["scale"][0] == bounds["bound"][0]
    for _, group in bounds.groupby("difference"):
        assert np.diff(group["objective"].astype(float)) < 0  # the smaller bound cannot be better
    assert "Ringed" in words(ran, "one_replicate", "scale_bound")


def test_one_replicate_has_nothing_to_correlate(ran):
    correlation = table(ran, "one_replicate", "tables/replicate_correlation.csv")
    assert set(correlation["note"]) == {"one replicate only: nothing to correlate"}
    assert set(correlation["pearson"]) == {""}
    assert "nothing to correlate" in words(ran, "one_replicate", "replicate_correlation")


def test_a_swept_model_key_is_a_parameter_of_every_table(ran):
    fits = table(ran, "one_replicate", "fits.csv")
    parameters = ["difference", "lasso", "replicate", "scale_bound"]
    assert [*fits.columns[:7]] == ["study", "family", *parameters, "fold"]
    assert list(fits["scale_bound"]) == ["0.5x_score_range", "10.0"] * 2
    for row in fits.to_dict("records"):
        record = json.loads((ran.folder / row["path"] / "record.json").read_text())
        assert str(record["model"]["scale_bound"]) == row["scale_bound"] == str(record["fit"]["scale_bound"])
    for name in ("convergence", "replicate_correlation", "sparsity", "recovery", "statuses"):
        assert set(table(ran, "one_replicate", f"tables/{name}.csv")["scale_bound"]) == {"0.5x_score_range", "10.0"}


def test_linear_has_no_scale_and_no_bias(ran):
    fits = table(ran, "refits", "fits.csv")
    assert set(fits["scale"]) | set(fits["bias"]) | set(fits["scale_at_bound"]) == {""}
    with np.load(ran.folder / fits["path"][0] / "parameters.npz") as at:
        assert np.isnan(at["scale"]) and np.isnan(at["bias"])
        encoding = Encoding.load(ran.folder / "results/refits/encodings/replicate~1.npz")
        record = json.loads((ran.folder / fits["path"][0] / "record.json").read_text())
        smooth = toys.smooth(encoding, record["model"], at["b"], at["b0"], 1.0, 0.0)
    assert record["smooth"] == pytest.approx(smooth, rel=1e-10)


def test_every_start_is_recorded_and_the_best_one_is_kept(ran):
    convergence = table(ran, "one_replicate", "tables/convergence.csv")
    assert list(convergence["starts"]) == ["2"] * 4
    for path in convergence["path"]:
        record = json.loads((ran.folder / path / "record.json").read_text())
        assert [start["start"] for start in record["starts"]] == ["zeros", "linear"]
        best = min(record["starts"], key=lambda start: start["objective"])
        assert (record["start"], record["objective"]) == (best["start"], best["objective"])
        trace = pd.read_csv(ran.folder / path / "trace.csv")
        assert [*trace["start"].unique()] == ["zeros", "linear"]


def test_matrices_of_the_config_are_those_of_the_fits(ran):
    tree, *_, rows = (Path(path) for path in table(ran, "one_replicate", "fits.csv")["path"])
    with np.load(ran.folder / rows / "parameters.npz") as at:
        assert [*at["difference_rows"]] == ["others", "pair"]
        np.testing.assert_allclose(at["shifts"][0], at["b"][1:].mean(axis=0) - at["b"][0], atol=1e-12)
        np.testing.assert_allclose(at["shifts"][1], at["b"][1] - at["b"][2], atol=1e-12)
    with np.load(ran.folder / tree / "parameters.npz") as at:
        assert [*at["difference_rows"]] == ["a-minus-root", "inner-minus-root", "b-minus-inner", "c-minus-inner"]
        nodes = np.concatenate([at["b"], at["b_inner"]])
        np.testing.assert_allclose(at["shifts"], at["difference"] @ nodes, atol=1e-12)
        np.testing.assert_array_equal(np.sort(at["difference"], axis=1)[:, [0, -1]], [[-1, 1]] * 4)
    notes = table(ran, "one_replicate", "tables/recovery.csv").groupby("difference")["note"].unique()
    assert [*notes["clade"]] == ["touches an inner node of the tree, whose truth is unknown"]
    assert [*notes["contrast"]] == [""]


def test_folds_and_resamples_are_fits_that_the_check_confirms(ran):
    fits = table(ran, "parts", "fits.csv")
    assert [int((fits[name] != "").sum()) for name in ("fold", "resample")] == [2 * 2 * 2, 2]
    assert len(fits) == 2 * 2 * 2 + 8 + 2 and set(fits["status"]) == {"converged"}
    assert (fits["validation_loss"] != "").tolist() == (fits["fold"] != "").tolist()
    done = ran.proxsweep("check", "results/parts")
    assert done.returncode == 0, done.stdout


def test_the_weight_of_the_smallest_held_out_loss_is_chosen(ran):
    fits = table(ran, "parts", "fits.csv")
    folds = fits[fits["fold"] != ""].astype({"validation_loss": float, "lasso": float})
    means = folds.groupby(["difference", "lasso"])["validation_loss"].mean()
    choice = table(ran, "parts", "chosen.csv").set_index("difference")
    for name in ("clade", "equivariant"):
        assert float(choice.loc[name, "lasso"]) == means[name].idxmin()
        assert float(choice.loc[name, "validation_loss"]) == pytest.approx(means[name].min(), rel=1e-12)
    assert choice["chosen"].to_dict() == {"clade": "False", "equivariant": "True"}


def test_shifts_are_those_of_the_chosen_fits(ran):
    choice = table(ran, "parts", "chosen.csv").set_index("difference")
    lasso = float(choice.loc["equivariant", "lasso"])
    folder = ran.folder / f"results/parts/fits/difference~equivariant/lasso~{lasso:g}"
    shifts = table(ran, "parts", "shifts.csv")
    row = shifts[shifts["row"] == "b-minus-a"].set_index("mutation")
    for label in "12":
        fit = pd.read_csv(folder / f"replicate~{label}" / "mutations.csv").set_index("mutation")
        fit = fit[(fit["times_seen_a"] > 0) & (fit["times_seen_b"] > 0)]
        found = pd.to_numeric(row[f"shift_replicate_{label}"]).dropna()
        assert set(found.index) == set(fit.index)
        np.testing.assert_array_equal(found, fit.loc[found.index, "shift_b-minus-a"])
    resampled = pd.to_numeric(row["resamples"])
    assert set(resampled) == {0, 1}  # a resample leaves some mutations out


def test_a_refit_has_the_other_reference_and_is_compared_with_the_fit(ran):
    fit = "fits/difference~equivariant/lasso~0.001/replicate~1"
    (path,) = table(ran, "refits/references/b", "fits.csv")["path"]
    assert path == f"results/refits/references/b/{fit}"
    record = json.loads((ran.folder / path / "record.json").read_text())
    assert record["dms"]["reference"] == "b" and record["study"] == "refits/references/b"
    wildtypes = table(ran, "refits", "data/wildtypes.csv")
    shared = set(wildtypes.loc[(wildtypes["a"] == wildtypes["b"]) & (wildtypes["a"] == wildtypes["c"]), "site"])
    assert 0 < len(shared) < len(wildtypes)
    own, other = (
        pd.read_csv(folder / "mutations.csv", dtype={"site": str}).set_index("mutation")
        for folder in (ran.folder / "results/refits" / fit, ran.folder / path)
    )
    found = table(ran, "refits", "tables/references.csv")
    assert set(found["lasso"]) == {"0.001"} and set(found["reference"]) == {"b"}
    row = found[(found["row"] == "c") & (found["sites"] == "shared")].iloc[0]
    names = own.index[own["site"].isin(shared) & (own["times_seen_c"] > 0)]
    values = own.loc[names, "beta_c"], other.loc[names, "beta_c"]
    assert int(row["mutations"]) == len(names) > 50
    assert float(row["pearson"]) == pytest.approx(np.corrcoef(*values)[0, 1], rel=1e-9)
    assert float(row["largest"]) == pytest.approx(np.abs(values[0] - values[1]).max(), rel=1e-9)


def test_refits_are_checked_indexed_and_part_of_what_can_be_got_again(ran):
    done = ran.proxsweep("check", "results/refits", "--output", "checked.csv")
    assert done.returncode == 0, done.stdout
    checked = pd.read_csv(ran.folder / "checked.csv", keep_default_na=False)
    assert list(checked["reference"]) == ["", "", "b"] and set(checked["confirmed"]) == {"yes"}
    again = table(ran, "refits", "reproducibility.csv").set_index("check")
    assert again.loc["every planned fit has a record", "found"] == "3 fits"
    assert again.loc["every fit is to the encoding on disk", ["passed", "found"]].tolist() == ["yes", "2 encodings"]
    folder = ran.folder / "results/refits/references/b"
    assert (folder / "notebooks/html/index.html").is_file() and (folder / "strict.txt").is_file()
    assert not (folder / "figures").exists()
    assert ran.jobs("--configfile", "studies.yaml") == []


def test_shifts_of_the_fits_are_read_under_every_reference(ran):
    found = table(ran, "refits", "tables/shifts_by_reference.csv")
    assert list(dict.fromkeys(found["reference"])) == ["a", "b", "c"]
    own = table(ran, "refits", "shifts.csv")
    here = found[found["reference"] == "a"].set_index(["row", "mutation"])["shift"].astype(float)
    for (row, mutation), shift in own.set_index(["row", "mutation"])["shift"].astype(float).items():
        if row.endswith("-minus-a"):
            assert here[row, mutation] == pytest.approx(shift, abs=1e-12)
    turned = found[found["reference"] == "b"].set_index(["row", "mutation"])["shift"].astype(float)
    common = here["b-minus-a"].index.intersection(turned["a-minus-b"].index)
    wildtypes = table(ran, "refits", "data/wildtypes.csv").set_index("site")
    same = [name for name in common if wildtypes.loc[name[1:-1], "a"] == wildtypes.loc[name[1:-1], "b"]]
    np.testing.assert_allclose(here["b-minus-a"][same], -turned["a-minus-b"][same], rtol=0, atol=1e-12)
    assert len(same) > 50


def test_false_shifts_of_a_tree_are_not_counted_where_the_truth_is_unknown(ran):
    pairs = table(ran, "parts", "tables/false_discovery_pairs.csv")
    known = pairs[pairs["difference"] == "equivariant"]
    assert (pairs["agree"].astype(int) > 0).any()
    assert set(pairs[pairs["difference"] == "clade"]["true_share"]) == {""}
    assert (known["true_share"] != "").any()
