"""The test problem of issue 15, integers only: objectives after 1, 2 and 10 iterations, and where each solver ends."""

import numpy as np
import pytest
from scipy.optimize import nnls

import factorisations as made
from proxsweep.nmf.model import fit
from proxsweep.optimize.status import Status

OPTIMUM = 852.5606864359


def drive(algorithm: str, solver=(), **options) -> made.Driver:
    return made.Driver(*made.integers(), algorithm, solver, **options)


@pytest.mark.parametrize(
    ("algorithm", "objectives"),
    [
        ("pgd_all", (2360.794871, 2154.024124, 1498.042264)),
        ("pgd_alternating", (1954.947244, 1701.48529, 939.254890)),
    ],
)
def test_projected_gradient(algorithm, objectives):
    run = drive(algorithm, tolerance=1e-9)
    for count, expected in zip((1, 2, 10), objectives, strict=True):
        assert run.to(count).objective() == pytest.approx(expected, abs=5e-6)
    run.to(4000)
    assert run.objective() == pytest.approx(852.5606864, abs=1e-7)
    assert run.residual() < 1e-8


@pytest.mark.parametrize("accelerated", [False, True])
def test_hals(accelerated):
    run = drive("hals", {"accelerated": accelerated}, tolerance=1e-12).to(2000)
    assert run.objective() == pytest.approx(OPTIMUM, abs=1e-9)
    assert run.residual() < 1e-12


def test_blocks_by_active_sets_end_there_too():
    values, _, h = made.integers()
    for _ in range(2000):
        w = np.array([nnls(h.T, row)[0] for row in values])
        h = np.array([nnls(w, column)[0] for column in values.T]).T
    assert np.linalg.norm(values - w @ h) ** 2 / 2 == pytest.approx(OPTIMUM, abs=1e-9)
    assert made.Driver(values, w, h, "hals", {"accelerated": False}).residual() < 1e-12


def test_multiplicative_updates_without_a_floor_stand_still():
    run = drive("mu", {"floor": 0.0}).to(5000)
    assert run.objective() == pytest.approx(864.217, abs=1e-3)
    assert 0.01 < run.residual() < 0.05


def test_with_a_floor_they_reach_the_optimum():
    run = drive("mu", tolerance=1e-9).to(60000)
    assert run.objective() == pytest.approx(OPTIMUM, abs=1e-8)
    assert run.residual() < 1e-8


def test_updates_that_stand_still_say_so(monkeypatch):
    values, w, h = made.integers()
    monkeypatch.setattr(fit.start_points, "points", lambda *_: iter([(w, h)]))
    solver = made.SOLVER | {"starts": ["random"], "floor": 0.0, "max_iterations": 5000}
    done = fit.fit(made.encoding(values), made.RANK, "mu", made.MODEL, solver, lambda _: None)
    assert done.best.status == Status.MAX_ITERATIONS
    assert done.best.objective == pytest.approx(864.217, abs=1e-3)
    assert done.best.end.iterations == 5000
