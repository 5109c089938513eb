"""Tables over fits, from records written here by hand."""

import json
from pathlib import Path

import pandas as pd
import pytest

from proxsweep.io.errors import UserError
from proxsweep.sweep.collect import collect, failures, orphaned_fits, status_table


def record(**changes) -> dict:
    made = {
        "schema_version": 1,
        "study": "demo",
        "family": "dms",
        "fit": {"difference": "reference", "lasso": 4e-05, "replicate": "1"},
        "labels": {"difference": "reference", "lasso": "4e-05", "replicate": "1"},
        "status": "converged",
        "residual": 2e-9,
        "relative_residual": 5e-7,
        "tolerance": 1e-6,
        "objective": 0.75,
        "smooth": 0.5,
        "penalty": 0.25,
        "iterations": 123,
        "start": "zeros",
        "seconds": {"compile": 1.5, "solve": 2.5, "total": 4.0},
        "dms": {
            "scale": 4.5,
            "bias": -3.0,
            "scale_at_bound": False,
            "zero_shift_share": 0.9,
            "zero_shift_share_rows": {"a-minus-b": 0.91, "c-minus-b": 0.92},
        },
    }
    return made | changes


def fit_folder(root: Path, made: dict | None, difference="reference", lasso="4e-05", replicate="1") -> dict:
    path = root / "fits" / f"difference~{difference}" / f"lasso~{lasso}" / f"replicate~{replicate}"
    path.mkdir(parents=True)
    if made is not None:
        (path / "record.json").write_text(json.dumps(made))
    return {"path": str(path)}


def test_columns_in_order_and_values_as_written(tmp_path):
    fit = fit_folder(tmp_path, record(made={"seconds": 12.5, "max_rss_mb": 345.25}))
    table = collect([fit])
    assert list(table.columns) == [
        *("study", "family", "difference", "lasso", "replicate", "fold", "resample", "status", "relative_residual"),
        *("residual", "objective", "smooth", "penalty", "iterations", "start", "solve_seconds"),
        *("compile_seconds", "job_seconds", "max_rss_mb", "path", "scale", "bias", "scale_at_bound"),
        *("zero_shift_share", "zero_shift_share_a-minus-b", "zero_shift_share_c-minus-b"),
    ]
    assert list(table.iloc[0]) == [
        *("demo", "dms", "reference", 4e-05, "1", "", "", "converged", 5e-7, 2e-9, 0.75, 0.5, 0.25, 123, "zeros"),
        *(2.5, 1.5, 12.5, 345.25, fit["path"], 4.5, -3.0, False, 0.9, 0.91, 0.92),
    ]


def test_rows_keep_the_order_given_and_fits_without_record_are_left_out(tmp_path):
    fits = [
        fit_folder(tmp_path, record(fit={"lasso": 0.5, "replicate": "2", "difference": "reference"}), lasso="0.5"),
        fit_folder(tmp_path, None, lasso="1"),
        fit_folder(tmp_path, record(), lasso="4e-05"),
    ]
    table = collect(fits)
    assert list(table["lasso"]) == [0.5, 4e-05]
    assert list(table["path"]) == [fits[0]["path"], fits[2]["path"]]


def test_a_matrix_stands_as_its_label_and_parameters_in_the_order_of_the_path(tmp_path):
    matrix = {"name": "by_clade", "kind": "tree", "tree": {"a": "b"}}
    made = record(fit={"difference": matrix, "replicate": "1", "ridge": 1e-6, "starts": ["zeros", "linear"]})
    table = collect([fit_folder(tmp_path, made)])
    assert list(table.columns[2:6]) == ["difference", "replicate", "ridge", "starts"]
    assert list(table.iloc[0, 2:6]) == ["by_clade", "1", 1e-6, "zeros+linear"]


def test_rows_of_several_matrices_share_a_table(tmp_path):
    one = record(dms={"scale": None, "zero_shift_share_rows": {"a-minus-b": 0.5}})
    two = record(dms={"scale": 2.0, "zero_shift_share_rows": {"a-minus-c": 0.25}})
    table = collect([fit_folder(tmp_path, one), fit_folder(tmp_path, two, difference="equivariant")])
    assert table["scale"].isna().tolist() == [True, False]
    assert table["zero_shift_share_a-minus-b"].isna().tolist() == [False, True]
    assert table["zero_shift_share_a-minus-c"].tolist()[1] == 0.25


def test_another_family_brings_its_own_columns(tmp_path):
    table = collect([fit_folder(tmp_path, record(family="nmf", nmf={"rank": 4, "lasso": 9}))])
    assert table["rank"].tolist() == [4]
    assert table["lasso"].tolist() == [4e-05]  # the swept value, not the family's figure of that name
    assert "scale" not in table


def test_a_fit_that_failed_is_no_row_but_a_refusal(tmp_path):
    failed = {"study": "demo", "fit": {"lasso": 1}, "status": "failed", "reason": "cell [3] raised ValueError"}
    fits = [fit_folder(tmp_path, record()), fit_folder(tmp_path, failed, lasso="1")]
    with pytest.raises(UserError, match="1 that failed") as error:
        collect(fits)
    assert fits[1]["path"] in error.value.found and fits[0]["path"] not in error.value.found
    assert failures(fits) == {fits[1]["path"]: "cell [3] raised ValueError"}
    assert list(status_table(fits)["status"]) == ["converged", "failed"]


def test_numbers_that_a_record_lacks_are_missing_numbers(tmp_path):
    made = record(status="diverged", objective=None, smooth=None, relative_residual=None)
    table = collect([fit_folder(tmp_path, made)])
    for name in ("objective", "smooth", "relative_residual", "job_seconds", "max_rss_mb"):
        assert table[name].dtype == float and table[name].isna().all()
    assert table["status"].tolist() == ["diverged"]


def test_the_table_reads_back_from_csv(tmp_path):
    fits = [fit_folder(tmp_path, record()), fit_folder(tmp_path, record(), replicate="2")]
    table = collect(fits)
    table.to_csv(tmp_path / "fits.csv", index=False)
    back = pd.read_csv(tmp_path / "fits.csv")
    assert list(back.columns) == list(table.columns)
    assert back["lasso"].tolist() == table["lasso"].tolist()
    assert back["fold"].isna().all()


def test_no_fits_at_all():
    assert collect([]).empty
    assert list(collect([]).columns[:4]) == ["study", "family", "fold", "resample"]
    assert status_table([]).empty


def test_status_of_every_planned_fit(tmp_path):
    log, kept = tmp_path / "1.log", tmp_path / "1.ipynb"
    log.touch()
    failed = fit_folder(tmp_path, None, lasso="1")
    failed |= {"study": "demo", "log": log, "kept": kept}
    failed["values"] = {"difference": {"name": "mine", "kind": "rows"}, "lasso": 1.0, "replicate": "1"}
    stopped = fit_folder(tmp_path, record(status="max_iterations", relative_residual=3e-4))
    table = status_table([failed, stopped])
    names = ["study", "difference", "lasso", "replicate", "fold", "resample", "status"]
    names += ["relative_residual", "tolerance"]
    assert list(table.columns) == [*names, "iterations", "path", "log", "kept_notebook"]
    assert table["status"].tolist() == ["failed", "max_iterations"]
    assert table["lasso"].tolist() == [1.0, 4e-05]
    assert table["difference"].tolist() == ["mine", "reference"]
    assert table["relative_residual"].isna().tolist() == [True, False]
    assert table["iterations"].isna().tolist() == [True, False]
    assert table["log"].tolist() == [str(log), ""]
    assert table["kept_notebook"].tolist() == ["", ""]
    kept.touch()
    assert status_table([failed, stopped])["kept_notebook"].tolist() == [str(kept), ""]


def test_parameters_of_a_failed_fit_can_come_from_its_folder(tmp_path):
    table = status_table([fit_folder(tmp_path, None, lasso="0.5", replicate="2")])
    assert table[["difference", "lasso", "replicate"]].values.tolist() == [["reference", "0.5", "2"]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "cannot be read"),
        ('{"schema_version": 1, "stat', "cannot be read"),
        ("[]", "no mapping"),
        (json.dumps({key: value for key, value in record().items() if key != "objective"}), "no objective"),
        (json.dumps(record(schema_version=99)), "schema_version 99"),
        (json.dumps(record(status="fine")), "status 'fine'"),
    ],
)
@pytest.mark.parametrize("make", [collect, status_table])
def test_a_broken_record_is_named(tmp_path, text, found, make):
    fit = fit_folder(tmp_path, None)
    path = Path(fit["path"]) / "record.json"
    path.write_text(text)
    with pytest.raises(UserError, match=found) as error:
        make([fit])
    assert error.value.place == str(path)


def test_strays_are_listed_and_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = Path("results/demo")
    planned = fit_folder(study, record())
    stray = fit_folder(study, record(), lasso="1")
    half = Path(fit_folder(study, None, lasso="2")["path"])
    (half / "fit.ipynb").touch()
    fit_folder(study, None, lasso="3")  # an empty folder is no fit
    assert orphaned_fits(study, [tmp_path / planned["path"]]) == [stray["path"], str(half)]
    assert (Path(stray["path"]) / "record.json").exists()
    assert orphaned_fits("results/none", []) == []
