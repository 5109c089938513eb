"""A fit that was cut off goes on where its starts had got to."""

import numpy as np
import pytest

import factorisations as made
from proxsweep.nmf.model import batch, checkpoint
from proxsweep.nmf.model.checkpoint import Checkpoint
from proxsweep.nmf.model.fit import fit
from proxsweep.optimize.status import Status


def fitted(path=None, said=lambda line: None, key="ours", **solver):
    """`mu` from two starts: it keeps nothing but its factors."""
    settings = made.SOLVER | {"starts": ["2x_random"], "tolerance": 1e-12} | solver
    kept = Checkpoint(path, key, said)
    return fit(made.encoding(made.counts()), made.RANK, "mu", made.MODEL, settings, lambda line: None, None, kept)


def numbers(done):
    return [(str(one.status), one.end.iterations, one.objective) for one in done.starts]


def nearly(done):
    return [(status, count, pytest.approx(value, rel=1e-12)) for status, count, value in numbers(done)]


def test_a_larger_limit_goes_on_to_the_same_factors(tmp_path):
    path, said = tmp_path / "c.npz", []
    first = fitted(path, max_iterations=70)
    assert path.exists() and {one.status for one in first.starts} == {Status.MAX_ITERATIONS}
    more, whole = fitted(path, said.append, max_iterations=200), fitted(max_iterations=200)
    assert len(said) == 1 and "going on from" in said[0]
    assert numbers(more) == [
        (status, count, pytest.approx(value, rel=1e-12)) for status, count, value in numbers(whole)
    ]
    np.testing.assert_allclose(more.best.w, whole.best.w, rtol=1e-9, atol=1e-12)
    for one, other in zip(more.starts, first.starts, strict=True):
        counts = [row["iteration"] for row in one.end.rows]
        assert counts == sorted(set(counts)) and counts[-1] == 200 and one.end.seconds > other.end.seconds
    assert more.solve_seconds > first.solve_seconds


def test_a_limit_that_has_been_passed_runs_nothing(tmp_path, monkeypatch):
    first = fitted(tmp_path / "c.npz", max_iterations=70)
    monkeypatch.setattr(batch, "solve", None)
    again = fitted(tmp_path / "c.npz", max_iterations=50)
    assert numbers(again) == numbers(first)


def test_time_that_is_used_up_counts(tmp_path, monkeypatch):
    fitted(tmp_path / "c.npz", max_iterations=70)
    seen = []
    solve = batch.solve
    monkeypatch.setattr(batch, "solve", lambda *values: seen.append(values[6]) or solve(*values))
    fitted(tmp_path / "c.npz", max_iterations=200, max_seconds=1000.0)
    assert seen[0].max_iterations == 130 and 0 < seen[0].max_seconds < 1000


def test_it_is_written_while_starts_run(tmp_path, monkeypatch):
    """A run that dies between two looks has left the iteration that it had reached."""
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    monkeypatch.setattr(batch, "STRIDE_SECONDS", 1e-9)  # ten iterations a stride
    put = Checkpoint.put

    def die(self, states):
        put(self, states)
        if min(end.iterations for end in states.values()) >= 120:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "put", die)
    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path / "c.npz", max_iterations=200)
    monkeypatch.setattr(Checkpoint, "put", put)
    assert {end.iterations for end in Checkpoint(tmp_path / "c.npz", "ours").states.values()} == {120}
    assert numbers(fitted(tmp_path / "c.npz", max_iterations=200)) == nearly(fitted(max_iterations=200))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04rest", None], ids=["empty", "cut off", "another fit's"])
def test_what_is_no_checkpoint_of_the_fit_is_not_gone_on_from(tmp_path, content):
    path, said = tmp_path / "c.npz", []
    if content is None:
        fitted(path, key="theirs", max_iterations=70)
    else:
        path.write_bytes(content)
    done = fitted(path, said.append, max_iterations=70)
    assert numbers(done) == numbers(fitted(max_iterations=70))
    assert len(said) == 1 and "begins anew" in said[0]
