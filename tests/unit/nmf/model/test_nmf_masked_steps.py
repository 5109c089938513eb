"""Steps on both factors together, where entries are held out: of the Hessian over the others."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import factorisations as made
from proxsweep.nmf.model import certificate, extrapolation, finish, methods, problem, run

KINDS = {
    "squared": {},
    "penalised": {"l1_h": 0.3, "l2_h": 0.1, "l1_w": 0.1, "l2_w": 0.2},
    "poisson": {"loss": "poisson", "l2_h": 0.1, "l1_w": 0.1},
}


def masked(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Counts (12, 9) with 0 in place of every fifth entry or so, and which the others are."""
    seen = np.random.default_rng(seed).random(made.SHAPE) < 0.8
    return np.where(seen, made.counts(seed), 0.0), seen


def start() -> tuple[jax.Array, jax.Array]:
    rng = np.random.default_rng(1)
    return tuple(jnp.asarray(rng.gamma(2, 1, (1, made.RANK, size))) for size in made.SHAPE)


@pytest.mark.parametrize("kind", KINDS)
def test_hessians_are_of_the_seen_entries(kind):
    """The maps that a step uses, against the Hessian that JAX derives from the objective."""
    model = KINDS[kind]
    values, seen = masked(3)
    w, h = start()
    stated, data = problem.build(values, made.MODEL | model, seen)

    def function(w, h):
        fitted = (w[0].T @ h[0])[np.nonzero(seen)]
        v, chosen = values[seen], made.MODEL | model
        loss = ((v - fitted) ** 2).sum() / 2 if chosen["loss"] == "squared" else (fitted - v * jnp.log(fitted)).sum()
        total = loss + chosen["l1_w"] * w.sum() + chosen["l1_h"] * h.sum()
        return total + chosen["l2_w"] / 2 * (w**2).sum() + chosen["l2_h"] / 2 * (h**2).sum()

    slopes = jax.grad(function, (0, 1))
    for found, expected in zip(finish._slopes(stated, data, w, h), slopes(w, h), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    rng = np.random.default_rng(2)
    change = tuple(jnp.asarray(rng.normal(size=x.shape)) for x in (w, h))
    expected = jax.jvp(slopes, (w, h), change)[1]
    found = finish._apply(finish._linear(stated, data, w, h), change)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-8 * abs(other).max())


def test_a_step_near_a_minimum_gets_nearer():
    values, seen = masked(3)
    stated, data = problem.build(values, made.MODEL, seen)
    method, settings = methods.build("hals", made.SOLVER, stated, data, made.RANK, values.size)
    begun = run.begin(method, stated, data, settings, *start())
    near = run.advance(method, stated, data, settings, begun, jnp.int32(1000), jnp.float64(1e-4))
    state = extrapolation.begin(near.state.ahead_w, near.state.ahead_h)
    before = float(problem.objective(stated, data, state.w, state.h)[0])
    step = jax.jit(finish.step, static_argnums=0)
    for _ in range(10):
        state = step(stated, data, state)
    assert float(problem.objective(stated, data, state.w, state.h)[0]) < before
    residual = float(certificate.residual(stated, data, state.w, state.h)[0])
    assert residual < float(near.residual[0]) / 1000


def test_a_step_counts_by_what_an_iteration_costs():
    """46 products a step: 4 for slopes and blocks, 21 a round; an iteration where entries are held out has four."""
    squared, counts = (problem.build(made.counts(), made.MODEL | {"loss": loss})[0] for loss in ("squared", "poisson"))
    assert finish.cost(squared, 3, masked=True) == 1 + 12 and finish.cost(counts, 3) == 1 + 8
    values, seen = masked()
    stated, data = problem.build(values, made.MODEL, seen)
    assert finish.applies(stated, data) and data.rows * data.columns < finish.LARGEST
    assert not finish.applies(stated, data._replace(rows=finish.LARGEST))
