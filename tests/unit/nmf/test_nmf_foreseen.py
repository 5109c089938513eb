"""What a run would refuse in local data is refused when the study is planned, in the same words."""

import pytest
import yaml

from proxsweep.__main__ import main

MATRIX = "feature,a,b,c,d\nx,1,0,2,3\ny,0,1,1,0\nz,2,2,0,1\nnone,0,0,0,0\n"
SAMPLES = "sample,donor\na,one\nb,one\nc,two\nd,two\n"


def planned(folder, monkeypatch, capsys, matrix=MATRIX, samples=SAMPLES, **sections) -> tuple[int, str]:
    monkeypatch.chdir(folder)
    (folder / "m.csv").write_text(matrix)
    (folder / "s.csv").write_text(samples)
    data = {"matrix": "m.csv", **sections.pop("data", {})}
    study = {"family": "nmf", "data": data, "sweep": {"rank": [2]}, **sections}
    (folder / "c.yaml").write_text(yaml.safe_dump({"studies": {"one": study}}))
    code = main(["plan", "c.yaml"])
    said = capsys.readouterr()
    assert not (folder / "results").exists()
    return code, said.out + said.err


def test_sound_data_are_planned(tmp_path, monkeypatch, capsys):
    data = {"samples": "s.csv", "replicates": {"column": "donor"}}
    code, said = planned(tmp_path, monkeypatch, capsys, data=data, sweep={"rank": [2], "normalise": ["none", "log1p"]})
    assert code == 0 and "one: by about" in said and "study one: 0 of 4 fits are there, 4 to make" in said


def test_only_replicates_that_are_cross_validated_have_to_be_large_enough(tmp_path, monkeypatch, capsys):
    changes = {
        "matrix": "feature,a,b,c,d,e\nx,1,0,2,3,1\ny,0,1,1,0,2\nz,2,2,0,1,0\n",
        "samples": "sample,donor\na,one\nb,one\nc,one\nd,two\ne,two\n",
        "data": {"samples": "s.csv", "replicates": {"column": "donor"}},
        "sweep": {"rank": [1]},
    }
    code, said = planned(tmp_path, monkeypatch, capsys, **changes, cross_validation={"folds": 2})
    assert code == 2 and "cross_validation, replicate two: found rank 1" in said
    changes["data"] = {"samples": "s.csv", "replicates": {"column": "donor"}}
    code, said = planned(tmp_path, monkeypatch, capsys, **changes, cross_validation={"folds": 2, "replicates": ["one"]})
    assert code == 0, said


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (
            {"matrix": MATRIX.replace("y,0,1,1,0", "y,0,-1,1,0")},
            "1 entries below 0 (the first: -1, feature 'y', sample 'b')",
        ),
        ({"matrix": MATRIX.replace("y,0,1,1,0", "y,0,,1,0")}, "m.csv, row 3 (y), column 'b': found an empty cell"),
        ({"matrix": MATRIX.replace("y,", "x,")}, "names of features more than once (the first: 'x'"),
        ({"sweep": {"rank": [2, 4]}}, "rank 4 for a matrix of 3 features and 4 samples"),
        ({"samples": "name\na\n", "data": {"samples": "s.csv"}}, "s.csv, header: found no column 'sample'"),
        ({"samples": SAMPLES.replace("d,two\n", ""), "data": {"samples": "s.csv"}}, "no row for 1 of 4 samples"),
        (
            {"sweep": {"rank": [3]}, "data": {"samples": "s.csv", "replicates": {"column": "donor"}}},
            "rank 3 for a matrix of replicate one of 3 features and 2 samples",
        ),
        ({"data": {"samples": "s.csv", "replicates": {"column": "patient"}}}, "no column 'patient'"),
        ({"data": {"features": ["x", "w"]}}, "names that m.csv does not have (the first: 'w')"),
        (
            {"cross_validation": {"folds": 2}, "sweep": {"rank": [1, 2]}},
            "one, cross_validation, replicate 1: found rank 2 with `hold_out: entries` of 3 features x 4 samples",
        ),
        (
            {"cross_validation": {"folds": 4, "hold_out": "blocks"}, "sweep": {"rank": [1]}},
            "4 folds with `hold_out: blocks` of 3 features x 4 samples; expected at most 3 folds",
        ),
        (
            {"matrix": MATRIX.replace("y,0,1,1,0", "y,0,0.25,1,0"), "resamples": 2},
            "one, resamples, replicate 1: found entries that are no whole numbers (the first: 0.25); expected counts",
        ),
        (
            {"matrix": MATRIX.replace("y,0,1,1,0", "y,1,1,1,1"), "data": {"normalise": "feature_sd"}},
            "entries are all equal (the first: 'y')",
        ),
    ],
    ids=[
        *("negative", "missing", "twice", "rank", "header", "sample", "rank_of_a_part", "column", "feature"),
        *("few_entries", "small_block", "no_counts", "constant"),
    ],
)
def test_data_that_a_run_would_refuse(tmp_path, monkeypatch, capsys, changes, found):
    code, said = planned(tmp_path, monkeypatch, capsys, **changes)
    assert code == 2 and said.splitlines()[-1].startswith("proxsweep: ") and found in said, said
    assert "Traceback" not in said


def test_a_folder_without_a_matrix_is_refused(tmp_path, monkeypatch, capsys):
    (tmp_path / "cells").mkdir()
    code, said = planned(tmp_path, monkeypatch, capsys, data={"matrix": "cells"})
    assert code == 2 and "a folder without matrix.mtx" in said
