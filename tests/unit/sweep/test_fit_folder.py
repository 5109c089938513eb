"""Reading a fit's folder: what a reader asks for, and the words for what is there instead."""

import json
import subprocess
import sys

import numpy as np
import pytest

from projects import PROJECT
from proxsweep.io.errors import UserError
from proxsweep.jobs.closure import closure
from proxsweep.sweep import fit_folder

SCHEMA = {
    "required": ["status", "seconds"],
    "properties": {
        "status": {"enum": ["converged", "diverged"]},
        "seconds": {"type": "object", "required": ["solve"], "properties": {"solve": {"type": "number"}}},
    },
}
WANTED = {"names": ("U", "nodes"), "values": ("f", "rows nodes"), "one": ("f", ""), "any": ("fi", None)}
SOUND = {"names": np.array(["a", "b"]), "values": np.zeros((3, 2)), "one": np.float64(1), "any": np.arange(4)}


@pytest.mark.parametrize(
    ("record", "found", "expected"),
    [
        ({}, "no status, seconds", "with these keys"),
        ({"status": "converged", "seconds": {}}, "no seconds.solve", "with these keys"),
        ({"status": "fine", "seconds": {"solve": 1}}, "status 'fine'", "one of converged, diverged"),
        ({"status": "converged", "seconds": {"solve": "x"}}, "seconds.solve 'x'", "as it was written (type)"),
        ({"schema_version": 2}, "schema_version 2", "1, the version this program reads"),
    ],
)
def test_a_record_that_does_not_keep_to_its_schema_is_refused_with_the_key(tmp_path, record, found, expected):
    (tmp_path / "record.json").write_text(json.dumps(record))
    assert fit_folder.record(tmp_path) == record
    with pytest.raises(UserError) as caught:
        fit_folder.record_if_any(tmp_path, SCHEMA)
    assert caught.value.place == str(tmp_path / "record.json")
    assert caught.value.found == found and expected in caught.value.expected


def test_without_a_record_there_is_none(tmp_path):
    assert fit_folder.record_if_any(tmp_path, SCHEMA) is None
    with pytest.raises(UserError, match="no such file"):
        fit_folder.record(tmp_path, SCHEMA)


@pytest.mark.parametrize(
    ("name", "values", "found", "expected"),
    [
        ("values", np.zeros((3, 4)), "shape (3, 4)", "rows, 2 nodes"),
        ("values", np.zeros(2), "shape (2,)", "rows, 2 nodes"),
        ("one", np.zeros(1), "shape (1,)", "a single number"),
        ("any", np.array(["x"]), "type <U1", "parameters"),
        ("names", np.array(["a", "a"]), "stands twice", "parameters"),
    ],
)
def test_an_array_of_another_type_or_shape_is_refused(tmp_path, name, values, found, expected):
    np.savez(tmp_path / "parameters.npz", **SOUND)
    assert list(fit_folder.parameters(tmp_path, WANTED)) == list(WANTED)
    np.savez(tmp_path / "parameters.npz", **{**SOUND, name: values})
    with pytest.raises(UserError) as caught:
        fit_folder.parameters(tmp_path, WANTED)
    assert name in caught.value.found and found in caught.value.found and expected in caught.value.expected


def test_an_optional_array_may_be_absent(tmp_path):
    np.savez(tmp_path / "parameters.npz", names=SOUND["names"])
    assert list(fit_folder.parameters(tmp_path, WANTED, ("values", "one", "any"))) == ["names"]
    with pytest.raises(UserError, match="no array 'one'"):
        fit_folder.parameters(tmp_path, WANTED, ("values", "any"))


def test_planning_a_run_imports_no_arrays_and_no_tables():
    code = "import json, sys; from proxsweep.sweep import limits; from proxsweep.jobs import integrity;"
    code += "print(json.dumps([name for name in ('numpy', 'pandas', 'jsonschema') if name in sys.modules]))"
    path = {"PYTHONPATH": str(PROJECT / "scripts")}
    done = subprocess.run([sys.executable, "-c", code], env=path, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_no_fit_depends_on_how_a_config_is_read():
    used = closure(PROJECT / "notebooks/dms/fit.ipynb", PROJECT / "scripts")
    names = {str(path.relative_to(PROJECT / "scripts/proxsweep")) for path in used}
    assert "sweep/fit_folder.py" in names and not [name for name in names if name.startswith("config/")]
