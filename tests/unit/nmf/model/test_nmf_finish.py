"""Steps on both factors together: against a dense Newton step, and what they do for starts that run on."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import factorisations as made
from proxsweep.nmf.model import certificate, extrapolation, finish, methods, problem
from proxsweep.nmf.model.fit import fit

KINDS = {
    "squared": {},
    "penalised": {"l1_h": 0.2, "l2_w": 0.3},
    "poisson": {"loss": "poisson"},
}


def near(values: np.ndarray, model: dict) -> tuple[np.ndarray, np.ndarray]:
    """Factors near a minimum."""
    algorithm = "scd" if model.get("loss") == "poisson" else "hals"
    solver = made.SOLVER | {"starts": ["random"], "tolerance": 1e-3}
    best = fit(made.encoding(values), made.RANK, algorithm, made.MODEL | model, solver, lambda _: None).best
    return best.w.T, best.h


def objective(values, model, x, shapes):
    """F of factors in one vector, written a second time."""
    w, h = (part.reshape(shape) for part, shape in zip(jnp.split(x, [np.prod(shapes[0])]), shapes, strict=True))
    fitted = w.T @ h
    if model.get("loss") == "poisson":
        there = jnp.where(values > 0, fitted, 1.0)
        loss = fitted.sum() - values.sum() + (jax.scipy.special.xlogy(values, values) - values * jnp.log(there)).sum()
    else:
        loss = ((values - fitted) ** 2).sum() / 2
    weight = {**dict.fromkeys(("l1_h", "l2_h", "l1_w", "l2_w"), 0.0), **model}
    squares = weight["l2_w"] * (w**2).sum() + weight["l2_h"] * (h**2).sum()
    return loss + weight["l1_w"] * w.sum() + weight["l1_h"] * h.sum() + squares / 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_lowers_the_objective_as_a_newton_step_does(kind):
    """Damped Newton on the free entries by a dense solve, from the Hessian that JAX derives from the objective."""
    values = made.counts()
    stated, data = problem.build(values, made.MODEL | KINDS[kind])
    w, h = near(values, KINDS[kind])
    state = extrapolation.begin(jnp.asarray(w[None]), jnp.asarray(h[None]))
    before = float(problem.objective(stated, data, state.w, state.h)[0])
    stepped = finish.step(stated, data, state)
    after = float(problem.objective(stated, data, stepped.w, stepped.h)[0])

    scale = np.asarray(certificate.balance(data, state.w, state.h))[0] if stated.scale_free else np.ones((len(w), 1))
    shapes = w.shape, h.shape
    x = jnp.concatenate([(w * scale).ravel(), (h / scale).ravel()])
    function = lambda x: objective(values, KINDS[kind], x, shapes)  # noqa: E731
    slope, bend = np.asarray(jax.grad(function)(x)), np.asarray(jax.hessian(function)(x))
    free = (np.asarray(x) > 0) | (slope < 0)
    damped = bend + extrapolation.DAMPING * np.diag(np.abs(np.diag(bend)))
    move = np.zeros_like(slope)
    move[free] = np.linalg.solve(damped[np.ix_(free, free)], -slope[free])
    inside = np.minimum(1.0, (np.asarray(x)[move < 0] / -move[move < 0]).min(initial=1.0))
    exact = float(function(x + inside * move))  # as far as the first bound
    assert after < before and exact < before
    # its inner solve is inexact, so it may fall short of the dense step, but not by much
    assert before - after > 0.5 * (before - exact)


def test_a_step_never_raises_the_objective():
    draw = np.random.default_rng(3)
    values = made.counts(3)
    stated, data = problem.build(values, made.MODEL)
    state = extrapolation.begin(*(jnp.asarray(draw.gamma(0.3, 3, (40, made.RANK, n))) for n in values.shape))
    first = before = np.asarray(problem.objective(stated, data, state.w, state.h))
    for _ in range(8):  # far from any minimum the first ones are refused, and the damping grows
        state = finish.step(stated, data, state)
        found = np.asarray(problem.objective(stated, data, state.ahead_w, state.ahead_h))
        assert (found <= before * (1 + 1e-14)).all()
        assert min(float(state.ahead_w.min()), float(state.ahead_h.min())) >= 0
        before = found
    assert (before < 0.9 * first).any()


def test_the_trace_counts_a_step_by_its_products(monkeypatch):
    """Iterations are single up to the first step and go on from what it costs; limits end the start."""
    values = made.counts(1, (20, 15))
    solver = made.SOLVER | {"starts": ["random"], "tolerance": 1e-15, "max_iterations": 400}
    done = fit(made.encoding(values), 6, "hals", made.MODEL, solver, lambda _: None)
    stated, _ = problem.build(values, made.MODEL)
    counts = [row["iteration"] for row in done.best.end.rows]
    assert counts[:12] == [0, 1, 2, 3, 5, 7, 10, 20, 30, 50, 70, 100]
    later = [count for count in counts if count > finish.FIRST]
    step = finish.cost(stated, 6) + finish.BETWEEN
    assert later and all(finish.FIRST < count < 400 + step for count in later)


def test_where_steps_are_made():
    def applies(values, **model) -> bool:
        stated, data = problem.build(values, made.MODEL | model)
        method, _ = methods.build("scd" if model.get("loss") else "hals", made.SOLVER, stated, data, 2, values.size)
        return method.late(stated, data).finishing

    values = made.counts()
    assert applies(values) and applies(made.sparsely(values)) and applies(values, loss="poisson")
    assert not applies(values, w_columns="sum_to_one") and not applies(made.sparsely(values), loss="poisson")
    stated, data = problem.build(values, made.MODEL)
    for algorithm, solver in (("mu", {}), ("pgd_all", {}), ("hals", {"accelerated": False})):
        method, _ = methods.build(algorithm, made.SOLVER | solver, stated, data, 2, values.size)
        assert not method.late(stated, data).finishing
