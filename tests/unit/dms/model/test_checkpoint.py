"""Fits that are cut off by time go on from their checkpoint, or begin anew where it is not theirs."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import toys
from proxsweep.check import check
from proxsweep.dms.model import checkpoint, fit_files
from proxsweep.optimize import solve
from proxsweep.sweep import collect

TREE = {"name": "clade", "kind": "tree", "tree": {"c0": "root", "c1": "inner", "c2": "inner", "inner": "root"}}


class Clock:
    """A clock on which every look at it takes a second."""

    def __init__(self):
        self.ticks = itertools.count()

    def perf_counter(self) -> float:
        return float(next(self.ticks))

    monotonic = perf_counter


@pytest.fixture
def encoding(tmp_path):
    path = tmp_path / "encoding.npz"
    toys.toy(3).save(path)
    return path


def spec(difference="reference", lasso=1e-3, model=None, **solver):
    return {
        "study": "s",
        "fit": {"lasso": lasso, "difference": difference},
        "labels": {},
        "rows": None,
        "model": {**toys.MODEL, **(model or {})},
        "solver": {**toys.SOLVER, "tolerance": 1e-9, **solver},
    }


def run(tmp_path, encoding, asked, kept="kept.npz", said=None):
    """The record of a run, with its checkpoint."""
    report = (lambda line: None) if said is None else said.append
    done = fit_files.run(asked, encoding, tmp_path / "fit", report, checkpoint=kept and tmp_path / kept)
    assert check(tmp_path / "fit", encoding).disagreements == []
    return done, json.loads((tmp_path / "fit/record.json").read_text())


@pytest.fixture
def slow(monkeypatch):
    """Every look of a solve takes seconds."""
    clock = Clock()
    monkeypatch.setattr(solve.time, "perf_counter", clock.perf_counter)


@pytest.mark.parametrize(
    ("difference", "model", "starts"),
    [
        ("reference", {}, ["zeros"]),
        pytest.param(TREE, {}, ["zeros"], marks=pytest.mark.slow),
        pytest.param("equivariant", {"warmup_iterations": 40}, ["zeros"], marks=pytest.mark.slow),
        pytest.param("equivariant", {}, ["zeros", "linear", "1x_random"], marks=pytest.mark.slow),
    ],
)
def test_a_fit_cut_off_by_time_goes_on_and_ends_where_it_would_have(
    tmp_path, encoding, slow, difference, model, starts
):
    asked = {"difference": difference, "model": model, "starts": starts}
    whole, undisturbed = run(tmp_path, encoding, spec(**asked), kept=None)
    _, first = run(tmp_path, encoding, spec(**asked, max_seconds=12))
    assert first["status"] == "max_seconds" and first["continued"] == 0
    assert (tmp_path / "kept.npz").exists()
    said = []
    done, second = run(tmp_path, encoding, spec(**asked, max_seconds=5000), said=said)
    assert said[0].startswith(f"going on from {tmp_path / 'kept.npz'}: zeros after ")
    assert second["status"] == "converged" and second["continued"] == 1
    assert not (tmp_path / "kept.npz").exists()
    assert second["objective"] == pytest.approx(undisturbed["objective"], rel=1e-8)
    np.testing.assert_allclose(done.best.b[:3], whole.best.b[:3], atol=1e-6)  # inner nodes may lie anywhere between
    for before, after in zip(first["starts"], second["starts"], strict=True):
        assert after["iterations"] >= before["iterations"] and after["seconds"] > before["seconds"]
    trace = pd.read_csv(tmp_path / "fit/trace.csv").groupby("start", sort=False)
    assert trace["iteration"].is_monotonic_increasing.all() and trace["seconds"].is_monotonic_increasing.all()


def test_cut_off_the_best_point_is_written(tmp_path, encoding):
    _, record = run(tmp_path, encoding, spec(max_iterations=33))
    trace = pd.read_csv(tmp_path / "fit/trace.csv")
    assert record["objective"] == pytest.approx(trace["objective"].min(), rel=1e-9)
    assert record["status"] == "max_iterations" and record["iterations"] == 33
    _, record = run(tmp_path, encoding, spec(max_iterations=33))
    assert record["iterations"] == 33 and record["continued"] == 1


def test_a_job_that_is_killed_leaves_a_checkpoint(tmp_path, encoding, monkeypatch):
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    kept = tmp_path / "kept.npz"

    def killed(line):
        if kept.exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_files.run(spec(), encoding, tmp_path / "fit", killed, checkpoint=kept)
    assert not (tmp_path / "fit").exists() and kept.exists()
    _, record = run(tmp_path, encoding, spec())
    assert (record["status"], record["continued"]) == ("converged", 1) and not kept.exists()


def test_without_the_time_for_it_nothing_is_written(tmp_path, encoding):
    _, record = run(tmp_path, encoding, spec())
    assert record["status"] == "converged" and record["continued"] == 0
    assert not list(tmp_path.glob("*kept*"))


@pytest.mark.parametrize("change", [{"lasso": 2e-3}, {"model": {"ridge": 2e-4}}, {"tolerance": 1e-8}, {"seed": 2}])
def test_another_fits_checkpoint_is_left_aside(tmp_path, encoding, change):
    run(tmp_path, encoding, spec(max_iterations=20))
    said = []
    _, record = run(tmp_path, encoding, spec(**change), said=said)
    assert said[0].endswith("the checkpoint of another fit: this one begins anew")
    assert (record["status"], record["continued"]) == ("converged", 0)


def test_another_encodings_checkpoint_is_left_aside(tmp_path, encoding):
    run(tmp_path, encoding, spec(max_iterations=20))
    other = toys.toy(3)
    replace(other, scores=other.scores / 2).save(encoding)
    assert run(tmp_path, encoding, spec())[1]["continued"] == 0


def damaged(content: bytes) -> list[bytes]:
    return [b"", b"no archive", content[: len(content) // 2], content[:300] + bytes(50) + content[350:]]


@pytest.mark.parametrize("kind", range(4))
def test_a_damaged_checkpoint_is_left_aside(tmp_path, encoding, kind):
    run(tmp_path, encoding, spec(max_iterations=20))
    kept = tmp_path / "kept.npz"
    kept.write_bytes(damaged(kept.read_bytes())[kind])
    said = []
    _, record = run(tmp_path, encoding, spec(), said=said)
    assert "begins anew" in said[0] and "\n" not in said[0]
    assert (record["status"], record["continued"]) == ("converged", 0) and not kept.exists()


def test_checkpoints_of_fits_that_left_the_config_are_strays(tmp_path):
    for name in ("lasso~0.001", "lasso~0.002"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
        (tmp_path / "checkpoints" / name / "replicate~1.npz").touch()
    planned = [tmp_path / "fits/lasso~0.001/replicate~1"]
    assert collect.orphaned_fits(tmp_path, planned) == [str(tmp_path / "checkpoints/lasso~0.002/replicate~1.npz")]
