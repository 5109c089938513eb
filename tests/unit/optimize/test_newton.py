"""Second derivatives and Newton steps against automatic differentiation and dense linear algebra."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import toys
from proxsweep.dms.model import fit, start_points
from proxsweep.dms.model.arrays import arrays, row_offsets
from proxsweep.dms.model.model import Model
from proxsweep.optimize import fista
from proxsweep.optimize.difference import equivariant
from proxsweep.optimize.newton import newton
from proxsweep.optimize.problem import dot, gradient
from proxsweep.optimize.solve import Limits, Solve
from proxsweep.optimize.status import Status


@functools.cache
def problem(sigmoid: bool, lasso: float = 1e-3, ridge: float = 1e-3):
    encoding = toys.toy(3, weighted=True)
    matrix = equivariant([str(name) for name in encoding.conditions])
    model = Model(sigmoid=sigmoid, difference=matrix, offsets=row_offsets(encoding))
    # a wide Huber loss, so that nothing sits on its kink and a linear g is a quadratic problem
    values = {**toys.MODEL, "ridge": ridge, "huber_delta": 50.0}
    return model, arrays(encoding, lasso, values, 10.0), start_points.zeros(model, encoding, 10.0)


def point(seed: int, like: dict) -> dict:
    rng = np.random.default_rng(seed)
    moved = {name: jnp.asarray(np.asarray(v) + rng.normal(size=np.shape(v))) for name, v in like.items()}
    return {**moved, "scale": jnp.float64(5.0), "bias": jnp.float64(-3.0)}


def slope(model, data, x):
    _, r, direct = model.loss(data, model.forward(data, x), x)
    return gradient(model, data, r, direct)


@pytest.mark.parametrize("sigmoid", [True, False])
def test_hessian_is_the_derivative_of_the_gradient(sigmoid):
    model, data, zeros = problem(sigmoid)
    x, v = point(1, zeros), point(2, zeros)
    _, expected = jax.jit(lambda x, v: jax.jvp(lambda at: slope(model, data, at), (x,), (v,)))(x, v)
    curvature = model.curvature(data, model.forward(data, x), x)
    found = gradient(model, data, *model.hessian(data, curvature, model.forward(data, v), v))
    for name in ("b", "b0", *(("scale", "bias") if sigmoid else ())):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, atol=1e-12)
    assert all((np.asarray(part) > 0).all() for part in model.diagonal(data, curvature).values())


@pytest.mark.slow
def test_one_step_solves_a_quadratic_on_its_face():
    model, data, zeros = problem(sigmoid=False)
    state, _ = fista.begin(model, data, zeros, None)
    state, _ = fista.advance(model, data, state, jnp.int32(40), jnp.float64(0.0))
    zero = np.asarray(model.shifts(state.x)) == 0
    assert zero.any() and not zero.all()
    moved = newton(model, data, state.x, state.z, None, jnp.float64(1e-12), jnp.int32(500))
    assert float(moved.step) == 1.0
    assert (np.asarray(model.shifts(moved.x))[zero] == 0).all()
    # the gradient along the face, by groups of tied effects, is gone
    smooth = slope(model, data, moved.x)
    along = model.face(data, moved.x, smooth, None)
    total = jax.tree.map(jnp.add, smooth, model.slope(data, moved.x, along))
    steps = model.precondition(along, jax.tree.map(jnp.ones_like, total))
    left = model.apply_preconditioner(steps, total)
    assert max(float(jnp.abs(part).max()) for part in left.values()) < 1e-10


def test_a_step_never_raises_the_objective():
    model, data, zeros = problem(sigmoid=True)

    def objective(x):
        return float(model.value(data, model.forward(data, x), x) + model.penalty(data, x))

    for seed in range(4):
        x = point(seed, zeros)
        z = model.forward(data, x)
        moved = newton(model, data, x, z, None, jnp.float64(0.1), jnp.int32(50))
        assert objective(moved.x) <= objective(x)
        assert (float(moved.step) > 0) == (dot(*[jax.tree.map(jnp.subtract, moved.x, x)] * 2) > 0)


def test_limits_are_kept_and_looks_reported():
    model, data, zeros = problem(sigmoid=True)
    looks = []
    run = Solve(model, data, Limits(0.0, 75, np.inf), looks.append)
    assert run.run(zeros, None) == Status.MAX_ITERATIONS
    assert run.progress.iteration == 75 and looks[-1] is run.progress
    assert [look.iteration for look in looks] == sorted(look.iteration for look in looks)
    assert Solve(model, data, Limits(0.0, 75, 0.0), looks.append).run(zeros, None) == Status.MAX_SECONDS
    broken = {**data, "scores": data["scores"].at[3].set(jnp.nan)}
    assert Solve(model, broken, Limits(0.0, 75, np.inf), looks.append).run(zeros, None) == Status.DIVERGED


@pytest.mark.parametrize("difference", [pytest.param("reference", marks=pytest.mark.slow), "equivariant"])
def test_newton_steps_reach_what_proximal_steps_alone_reach(monkeypatch, difference):
    solver = {**toys.SOLVER, "tolerance": 1e-9}
    with_steps = fit.fit(toys.toy(3), 2e-3, difference, toys.MODEL, solver, lambda line: None).best
    assert with_steps.newton_steps > 0
    monkeypatch.setattr(Solve, "_newton", lambda self: (0.0, None))
    alone = fit.fit(toys.toy(3), 2e-3, difference, toys.MODEL, {**solver, "tolerance": 1e-7}, lambda line: None).best
    assert alone.newton_steps == 0 and alone.status == "converged"
    assert with_steps.objective == pytest.approx(alone.objective, rel=1e-9)
    np.testing.assert_array_equal(with_steps.shifts == 0, alone.shifts == 0)
