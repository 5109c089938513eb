"""Starts run side by side: neither how many at once nor what the others do changes the end of one."""

import numpy as np
import pytest

import factorisations as made
from proxsweep.nmf.model import batch, fit, methods, problem, run
from proxsweep.optimize.status import Status

CASES = {
    "hals": ("hals", {}),
    "scd": ("scd", {"loss": "poisson"}),
}


def fitted(algorithm: str, model: dict, **solver) -> fit.Fit:
    solver = made.SOLVER | {"starts": ["4x_random", "nndsvd"]} | solver
    encoding = made.encoding(made.integers()[0])
    return fit.fit(encoding, made.RANK, algorithm, made.MODEL | model, solver, lambda _: None)


@pytest.mark.parametrize("case", CASES)
def test_the_size_of_batches_changes_no_digit(monkeypatch, case):
    algorithm, model = CASES[case]
    together = fitted(algorithm, model, max_iterations=300)
    assert len({one.end.iterations for one in together.starts}) > 1
    monkeypatch.setattr(batch, "size", lambda *values: 2)
    sizes = []
    solve = batch.solve
    monkeypatch.setattr(batch, "solve", lambda *values: sizes.append(len(values[4])) or solve(*values))
    apart = fitted(algorithm, model, max_iterations=300)
    assert sizes[:3] == [2, 2, 1]
    for one, other in zip(together.starts, apart.starts, strict=True):
        assert (one.name, one.status, one.end.iterations) == (other.name, other.status, other.end.iterations)
        assert one.objective == pytest.approx(other.objective, rel=1e-10)
        np.testing.assert_allclose(one.w, other.w, rtol=0, atol=1e-10)
        np.testing.assert_allclose(one.h, other.h, rtol=0, atol=1e-10 * abs(other.h).max())


@pytest.mark.parametrize(("case", "tolerance"), [("hals", 1e-9), ("scd", 1e-6)])
def test_a_heavy_batch_is_cut_down_to_the_starts_that_run_and_a_light_one_is_not(monkeypatch, case, tolerance):
    algorithm, model = CASES[case]
    sizes, advance = set(), run.advance
    monkeypatch.setattr(run, "advance", lambda *values: sizes.add(len(values[4].done)) or advance(*values))
    found = {}
    for worth, smaller in ((0.0, True), (np.inf, False)):
        monkeypatch.setattr(batch, "WORTH", worth)
        sizes.clear()
        found[worth] = fitted(algorithm, model, starts=["16x_random"], max_iterations=300, tolerance=tolerance)
        assert 16 in sizes and (min(sizes) < 16) == smaller
    for one, other in zip(found[0.0].starts, found[np.inf].starts, strict=True):
        assert (one.status, one.end.iterations) == (other.status, other.end.iterations)
        assert one.objective == pytest.approx(other.objective, rel=1e-10)


def test_work_is_counted_by_starts_factors_and_entries(monkeypatch):
    values = made.integers()[0]
    for loss, work in (("squared", 2 * 5 * 3 * 108), ("poisson", 2 * 5 * 3 * 108 * batch.QUOTIENT)):
        stated, data = problem.build(values, made.MODEL | {"loss": loss})
        own = batch._Batch(None, stated, data, None, None, None, None)
        own.places, own.rank = np.arange(5), 3
        monkeypatch.setattr(batch, "WORTH", work)
        assert not own._is_light()
        monkeypatch.setattr(batch, "WORTH", work + 1)
        assert own._is_light()


def test_a_start_that_is_done_is_frozen():
    values, w, h = made.integers()
    stated, data = problem.build(values, made.MODEL)
    method, settings = methods.build("hals", made.SOLVER, stated, data, made.RANK, values.size)
    rng = np.random.default_rng(1)
    end = made.Driver(values, w, h, "hals", tolerance=1e-12).to(2000).factors()
    factors = np.stack([end[0].T, rng.gamma(1, 1, w.T.shape)]), np.stack([end[1], rng.gamma(1, 1, h.shape)])
    fixed = method, stated, data, settings
    begun = run.begin(*fixed, *factors)
    first = run.advance(*fixed, begun, 10, 1e-6)
    assert first.done.tolist() == [True, False]
    second = run.advance(*fixed, first, 50, 1e-6)
    assert np.asarray(second.iterations).tolist() == [10, 50]
    for before, after in zip(first.state, second.state, strict=True):
        np.testing.assert_array_equal(before[0], after[0])
    assert not np.array_equal(first.state.w[1], second.state.w[1])


def test_starts_end_at_the_limit_of_iterations_or_of_time():
    short = fitted("hals", {}, max_iterations=7)
    assert {one.end.iterations for one in short.starts} == {7}
    assert {one.status for one in short.starts} == {Status.MAX_ITERATIONS}
    hasty = fitted("hals", {}, tolerance=1e-15, max_seconds=0.0)
    assert {one.status for one in hasty.starts} == {Status.MAX_SECONDS}


def test_looks_become_rare_and_end_at_the_last_iteration():
    assert batch.looks(40) == [1, 2, 3, 5, 7, 10, 20, 30, 40]
    assert batch.looks(1) == [1]
    assert batch.looks(20000)[-3:] == [7000, 10000, 20000]
    assert not [count for count in batch.looks(20000) if count > 10 and count % run.CHECK_EVERY]


def test_the_best_start_is_the_lowest_and_of_equal_ones_a_converged_one():
    done = fitted("hals", {})
    lowest = min(one.objective for one in done.starts)
    assert done.best.objective <= lowest * (1 + 1e-8)
    assert done.at_best == sum(one.objective <= lowest * (1 + 1e-6) for one in done.starts)
    exposures = done.best.w.sum(axis=0) * done.best.h.sum(axis=1)
    assert (np.diff(exposures) <= 0).all()


def test_a_batch_is_as_large_as_memory_allows(monkeypatch):
    stated, data = problem.build(made.integers()[0], made.MODEL)
    method, _ = methods.build("hals", made.SOLVER, stated, data, made.RANK, data.rows * data.columns)
    assert batch.size(stated, data, method, made.RANK, 100) == 100
    monkeypatch.setattr(batch, "BATCH_BYTES", 1e5)
    assert 1 < batch.size(stated, data, method, made.RANK, 100) < 100
    monkeypatch.setattr(batch, "BATCH_BYTES", 1)
    assert batch.size(stated, data, method, made.RANK, 100) == 1


@pytest.mark.parametrize("last", [1, 4, 7, 9, 10, 80, 99, 100, 800, 9000])
def test_looks_end_at_the_limit(last):
    found = batch.looks(last)
    assert found[0] == 1 and found[-1] == last and found == sorted(set(found))
    assert all(count % 10 == 0 for count in found if 10 < count < last)
