"""Iterating all starts of a batch together, each until it is done."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from proxsweep.nmf.model import certificate, methods
from proxsweep.nmf.model.extrapolation import choose
from proxsweep.nmf.model.methods import Method, Settings
from proxsweep.nmf.model.problem import Data, Problem, objective
from proxsweep.optimize.compiling import compiled

CHECK_EVERY = 10  # iterations; looking costs about one of them


class Run(NamedTuple):
    """Where a batch of S starts has got to: the method's state, iterations of each (S,), and which are done (S,)."""

    state: Any
    count: jax.Array
    iterations: jax.Array
    residual: jax.Array
    done: jax.Array


class Look(NamedTuple):
    """What a look at a batch shows, each (S,): F as the solver watches it, the residual, zeros in W and H."""

    objective: jax.Array
    residual: jax.Array
    zeros: jax.Array


@compiled("method", "problem")
def begin(method: Method, problem: Problem, data: Data, settings: Settings, w: jax.Array, h: jax.Array) -> Run:
    """Starts W (S, k, m), H (S, k, n) before the first iteration."""
    none = jnp.zeros(len(w), jnp.int32)
    state = methods.begin(method, problem, data, settings, w, h)
    return Run(state, jnp.int32(0), none, jnp.full(len(w), jnp.inf), jnp.zeros(len(w), bool))


@compiled("method", "problem")
def advance(
    method: Method, problem: Problem, data: Data, settings: Settings, run: Run, until: jax.Array, tolerance: jax.Array
) -> Run:
    """Iterate up to iteration ``until``, or until all starts are done.

    A start is done when its residual, looked at every tenth iteration, is at most ``tolerance`` or no number. It then
    stays as it is.
    """

    def unfinished(run: Run) -> jax.Array:
        return (run.count < until) & ~run.done.all()

    def step(run: Run) -> Run:
        state, count = methods.advance(method, problem, data, settings, run.state, run.count)
        state = choose(run.done, run.state, state)
        residual = jax.lax.cond(
            count // CHECK_EVERY > run.count // CHECK_EVERY,
            lambda: certificate.residual(problem, data, *methods.factors(settings, state)),
            lambda: jnp.full_like(run.residual, jnp.inf),
        )
        residual = jnp.where(run.done, run.residual, residual)
        done = run.done | ~(residual > tolerance)
        return Run(state, count, jnp.where(run.done, run.iterations, count), residual, done)

    return jax.lax.while_loop(unfinished, step, run)


@compiled("method", "problem")
def look(method: Method, problem: Problem, data: Data, settings: Settings, run: Run) -> Look:
    """Objective and residual at the factors as they would be written."""
    w, h = methods.factors(settings, run.state)
    zeros = (w <= 0).sum(axis=(1, 2)) + (h <= 0).sum(axis=(1, 2))
    return Look(objective(problem, data, w, h), certificate.residual(problem, data, w, h), zeros)


@compiled("problem")
def residual(problem: Problem, data: Data, w: jax.Array, h: jax.Array) -> jax.Array:
    """The residual of factors W (S, k, m), H (S, k, n), each (S,)."""
    return certificate.residual(problem, data, w, h)


def take(run: Run, which: jax.Array) -> Run:
    """Some starts of a batch."""
    return jax.tree.map(lambda x: x[which] if x.ndim else x, run)
