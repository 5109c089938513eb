"""Every reader of a fit's folder, over files that are missing, cut off, empty, edited or another program's."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.model import predict
from proxsweep.dms.page import page
from proxsweep.dms.results import effects, fitted, reread
from proxsweep.dms.summaries import patterns, scale_bound, simulated_truth, starts
from proxsweep.io.errors import UserError
from proxsweep.io.files import write_npz
from proxsweep.jobs import integrity
from proxsweep.report import convergence, reproducibility
from proxsweep.sweep import collect, limits

SOLVER = {"tolerance": 1e-6, "max_iterations": 100, "max_seconds": None, "starts": ["zeros", "linear"], "seed": 1}
START = {"status": "converged", "objective": 0.5, "residual": 1e-9, "relative_residual": 1e-7, "iterations": 30}
STARTS = [{"start": name, **START, "written_iteration": 30, "seconds": 0.1, "shift_distance": 0.0} for name in "zl"]
RECORD = {
    "schema_version": 1,
    "study": "s",
    "family": "dms",
    "fit": {"lasso": 0.1, "difference": {"name": "reference", "kind": "reference"}, "replicate": "1"},
    "labels": {"difference": "reference", "lasso": "0.1", "replicate": "1"},
    "rows": None,
    **START,
    "start": "z",
    "starts": STARTS,
    "smooth": 0.4,
    "penalty": 0.1,
    "tolerance": 1e-6,
    "seconds": {"solve": 0.1, "compile": 1.0},
    "model": {"global_epistasis": "sigmoid"},
    "solver": SOLVER,
    "encoding_sha256": "0" * 64,
    "certificate": {"fusion_gap": 0.0, "duality_gap": None},
    "versions": {"python": "3.11"},
    "revision": {"commit": None, "uncommitted_changes": None},
    "dms": {"reference": "a", "scale": 4.0, "bias": -3.0, "scale_bound": 10.0, "scale_at_bound": False},
}
MUTATIONS = ["A1C", "A2D", "G3P"]
ARRAYS = {
    "conditions": np.array(["a", "b"]),
    "mutations": np.array(MUTATIONS),
    "bundle": np.array([[False, False, False], [False, False, True]]),
    "b": np.array([[-1.0, 0.2, 0.0], [-1.0, 0.7, 0.1]]),
    "b0": np.array([1.0, 1.5]),
    "b_inner": np.zeros((0, 3)),
    "scale": np.float64(4.0),
    "bias": np.float64(-3.0),
    "difference": np.array([[-1.0, 1.0]]),
    "difference_rows": np.array(["b-minus-a"]),
    "shifts": np.array([[0.0, 0.5, 0.1]]),
    "start_names": np.array(["z", "l"]),
    "start_shifts": np.zeros((2, 1, 3)),
}
TABLE = """mutation,wildtype,site,mutant,beta_a,beta_b,shift_b-minus-a,times_seen_a,times_seen_b
A1C,A,1,C,-1.0,-1.0,0.0,3,4
A2D,A,2,D,0.2,0.7,0.5,2,2
G3P,G,3,P,0.0,0.1,0.1,1,5
"""
TRACE = (
    "start,phase,iteration,objective,relative_residual,seconds\nz,proximal,0,1.5,1.0,0.1\nz,newton,30,0.5,1e-7,0.2\n"
)


def _own(folder: Path) -> np.ndarray:
    fits = pd.DataFrame({"path": [str(folder)], "replicate": ["1"]})
    return page._own(fits, pd.Series(MUTATIONS), ["a", "b"])


def _effects(folder: Path) -> str:
    fits = pd.DataFrame({"study": "s", "lasso": [0.1], "fold": "", "status": "converged", "path": str(folder)})
    return "".join(effects.parts(fits))


NPZ, CSV, JSON, STEPS = "parameters.npz", "mutations.csv", "record.json", "trace.csv"
# reader: how it is called, and the files that it reads
READERS = {
    "fitted": (fitted.load, (NPZ, CSV)),
    "effects": (_effects, (NPZ, CSV)),
    "reread": (lambda folder: reread.load(folder, "b"), (NPZ, CSV, JSON)),
    "predict": (predict.load, (NPZ, JSON)),
    "patterns": (patterns.load, (NPZ, CSV)),
    "recovery": (simulated_truth.load, (NPZ, CSV, JSON)),
    "starts": (starts.load, (NPZ, JSON)),
    "scale_bound": (scale_bound.load_scale, (JSON,)),
    "page": (_own, (NPZ,)),
    "collect": (lambda folder: collect.collect([{"path": folder}]), (JSON,)),
    "status": (lambda folder: collect.status_table([{"path": folder}]), (JSON,)),
    "tolerances": (lambda folder: convergence.tolerances([folder]), (JSON,)),
    "trace": (convergence.load_trace, (STEPS,)),
    "reproducibility": (lambda folder: reproducibility.read_records([{"path": str(folder)}]), (JSON,)),
}
TEXTS = [b"", b"\0" * 60, b"\xff\xfe\xfa", b"PK\3\4", b"<html></html>"]
DAMAGE = {
    JSON: [
        *TEXTS,
        json.dumps(RECORD).encode()[:200],
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        b'{"schema_version": 2}',
        json.dumps(dict.fromkeys(RECORD, 3)).encode(),
        json.dumps({**dict.fromkeys(RECORD, "x"), "schema_version": 1}).encode(),
    ],
    CSV: [
        *TEXTS,
        b"mutation,site\nA1C,1\n",
        TABLE.replace("mutation,", "m,").encode(),
        TABLE.replace(",3,", ",x,").encode(),
    ],
    STEPS: [*TEXTS, b"start,phase\nz,newton\n", TRACE.replace(",1.5,", ",much,").encode()],
    NPZ: TEXTS,
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / JSON).write_text(json.dumps(RECORD))
    (tmp_path / CSV).write_text(TABLE)
    (tmp_path / STEPS).write_text(TRACE)
    write_npz(tmp_path / NPZ, **ARRAYS)
    return tmp_path


def refused(read, folder: Path, name: str) -> UserError:
    with pytest.raises(UserError) as caught:
        read(folder)
    assert name in caught.value.place and str(caught.value).count("\n") == 0
    return caught.value


@pytest.mark.parametrize("reader", READERS)
def test_sound_files_are_read(folder, reader):
    READERS[reader][0](folder)


@pytest.mark.parametrize(
    ("reader", "name"), [(reader, name) for reader, (_, names) in READERS.items() for name in names]
)
def test_a_file_that_is_no_such_file_is_refused_by_its_name(folder, reader, name):
    read = READERS[reader][0]
    whole = (folder / name).read_bytes()
    damages = [*DAMAGE[name], whole[: len(whole) // 2]] if name == NPZ else DAMAGE[name]
    for content in damages:
        (folder / name).write_bytes(content)
        refused(read, folder, name)
    (folder / name).unlink()
    if reader not in ("collect", "status", "reproducibility"):  # a fit that has not run
        refused(read, folder, name)


@pytest.mark.parametrize(
    ("reader", "arrays"),
    [
        ("fitted", ("conditions", "difference", "difference_rows")),
        ("reread", ("conditions", "difference", "difference_rows", "bundle", "b", "b0")),
        ("predict", ("conditions", "mutations", "b", "b0", "bundle", "scale", "bias")),
        ("patterns", ("conditions", "difference", "difference_rows", "b", "bundle")),
        ("recovery", ("conditions", "difference", "difference_rows")),
        ("starts", ("start_names", "start_shifts")),
        ("page", ("mutations", "bundle")),
    ],
)
def test_an_array_that_is_none_is_refused(folder, reader, arrays):
    for name in arrays:
        values = ARRAYS[name]
        odd = [
            np.array([{}, None], dtype=object),
            values[..., None],
            np.zeros(values.shape, complex),
            np.append(values, values),
        ]
        for other in (*odd, np.append(values, values)):
            np.savez(folder / NPZ, **{**ARRAYS, name: other})
            refused(READERS[reader][0], folder, NPZ)
        if name not in ("start_names", "start_shifts"):
            np.savez(folder / NPZ, **{key: value for key, value in ARRAYS.items() if key != name})
            assert name in refused(READERS[reader][0], folder, NPZ).found


@pytest.mark.parametrize("reader", ["fitted", "patterns", "reread", "recovery"])
def test_a_mutation_that_stands_twice_is_refused(folder, reader):
    (folder / CSV).write_text(TABLE.replace("A2D,A,2", "A1C,A,1"))
    assert "A1C" in refused(READERS[reader][0], folder, CSV).found


def test_parameters_of_other_mutations_are_refused(folder):
    (folder / CSV).write_text("\n".join(TABLE.splitlines()[:-1]) + "\n")
    for reader in ("patterns", "reread"):
        assert "3" in refused(READERS[reader][0], folder, NPZ).found


def test_what_is_looked_at_before_a_run_never_ends_it(folder):
    """A damaged record has no limits that count, and is told to be made again."""
    spec = {**{name: RECORD[name] for name in limits.SAME}, "solver": {**SOLVER, "max_iterations": 200}}
    for content in DAMAGE[JSON]:
        (folder / JSON).write_bytes(content)
        assert limits.solver(folder / JSON, spec) == spec["solver"]
        told = integrity.check_fit(folder)
        # another mapping is no damage, but says nothing of how the fit was made: it is made again
        assert told is None if content.startswith(b"{") and content.endswith(b"}") else "cannot be read" in told
    odd = {**RECORD, "status": "max_iterations", "solver": {**SOLVER, "max_iterations": "many"}}
    (folder / JSON).write_text(json.dumps(odd))
    assert limits.solver(folder / JSON, spec) == spec["solver"]
    for digests in ({"a\0b": "3"}, {"x" * 300: "3"}, {"../x": "1"}, {"mutations.csv": 3}):
        (folder / JSON).write_text(json.dumps({**RECORD, "file_sha256": digests}))
        assert integrity.check_fit(folder).endswith((" is missing", " does not hold what was written"))


def test_missing_numbers_of_a_record_stay_missing(folder):
    (folder / JSON).write_text(json.dumps({**RECORD, "status": "diverged", "objective": None}))
    assert math.isnan(collect.collect([{"path": folder}])["objective"].iloc[0])
