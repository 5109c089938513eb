import json

import pytest

from proxsweep.sweep import limits

SPEC = {
    "fit": {"lasso": 1e-3},
    "rows": None,
    "model": {"ridge": 1e-4},
    "labels": {"lasso": "0.001"},
    "solver": {"tolerance": 1e-6, "max_iterations": 100, "max_seconds": 10},
}
NEW = {"max_iterations": 200, "max_seconds": None}


@pytest.mark.parametrize(
    ("status", "new", "kept"),
    [
        ("converged", NEW, True),
        ("diverged", NEW, True),
        ("max_seconds", NEW, False),
        ("max_iterations", NEW, False),
        ("max_seconds", {**NEW, "max_seconds": 10}, True),
        ("max_seconds", {**NEW, "max_seconds": 5}, True),
        ("max_iterations", {**NEW, "max_iterations": 100}, True),
        ("converged", {**NEW, "tolerance": 1e-7}, False),
    ],
)
def test_a_larger_limit_concerns_fits_that_it_cut_off(tmp_path, status, new, kept):
    path, spec = tmp_path / "record.json", {**SPEC, "solver": {**SPEC["solver"], **new}}
    path.write_text(json.dumps({**SPEC, "status": status}))
    assert limits.solver(path, spec) == (SPEC["solver"] if kept else spec["solver"])


@pytest.mark.parametrize("text", [None, "", "{}", "[]", '{"solver": {}}', '{"solver": 3, "status": "converged"}'])
def test_without_a_record_the_config_counts(tmp_path, text):
    if text is not None:
        (tmp_path / "record.json").write_text(text)
    assert limits.solver(tmp_path / "record.json", SPEC) == SPEC["solver"]


@pytest.mark.parametrize("part", ["fit", "rows", "model", "labels"])
def test_another_fit_takes_the_new_limits(tmp_path, part):
    path, spec = tmp_path / "record.json", {**SPEC, "solver": {**SPEC["solver"], **NEW}}
    path.write_text(json.dumps({**SPEC, part: {"ridge": 2e-4}, "status": "converged"}))
    assert limits.solver(path, spec) == spec["solver"]
