"""Block updates of W and H with extrapolation between them (Ang and Gillis 2019, Neural Comput. 31, 417, algorithm 3).

After each update of a block, the next update of the other sees W + beta (W - W before), kept in the constraints. Where
the objective there has risen, the iteration is undone, beta shrinks, and a plain iteration follows.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from proxsweep.nmf.model.problem import Problem, on_simplex

BETA = 0.5
DAMPING = 1e-3
GROW, GROW_BOUND, SHRINK = 1.005, 1.002, 1.5
LEAST = 0.1  # of an entry is left by an extrapolation


class State(NamedTuple):
    """Factors by the updates, the extrapolated ones, and the size of the extrapolation (S,) with its bound.

    ``damping`` is that of the steps of :mod:`proxsweep.nmf.model.finish`.
    """

    w: jax.Array
    h: jax.Array
    ahead_w: jax.Array
    ahead_h: jax.Array
    beta: jax.Array
    bound: jax.Array
    value: jax.Array
    plain: jax.Array
    damping: jax.Array


class Blocks(NamedTuple):
    """Updates of W and of H (see :mod:`proxsweep.nmf.model.hals`), and F from what the second of them knows."""

    update_w: Callable[[jax.Array, jax.Array], jax.Array]
    update_h: Callable[[jax.Array, jax.Array], tuple[jax.Array, Any]]
    value: Callable[[jax.Array, jax.Array, Any], jax.Array]


def begin(w: jax.Array, h: jax.Array) -> State:
    """The state at starts W (S, k, m), H (S, k, n)."""
    each = jnp.ones(len(w))
    return State(w, h, w, h, BETA * each, each, jnp.inf * each, jnp.zeros(len(w), bool), DAMPING * each)


def iterate(problem: Problem, blocks: Blocks, state: State) -> State:
    """One iteration of every start."""
    beta = jnp.where(state.plain, 0.0, state.beta)[:, None, None]
    w = blocks.update_w(state.ahead_w, state.ahead_h)
    ahead_w = _ahead(problem, w, state.w, beta)
    ahead_w = on_simplex(ahead_w) if problem.simplex else ahead_w
    h, known = blocks.update_h(ahead_w, state.ahead_h)
    ahead_h = _ahead(problem, h, state.h, beta)
    value = blocks.value(ahead_w, ahead_h, known)
    kept = state.plain | (jnp.isfinite(value) & (value <= state.value))
    on = State(
        *(w, h, ahead_w, ahead_h),
        beta=jnp.minimum(state.bound, GROW * state.beta),
        bound=jnp.minimum(1.0, GROW_BOUND * state.bound),
        value=value,
        plain=jnp.zeros_like(state.plain),
        damping=state.damping,
    )
    back = State(
        *(state.w, state.h, state.w, state.h),
        beta=state.beta / SHRINK,
        bound=state.beta,
        value=state.value,
        plain=jnp.ones_like(state.plain),
        damping=state.damping,
    )
    return choose(kept, on, back)


def _ahead(problem: Problem, new: jax.Array, old: jax.Array, beta: jax.Array) -> jax.Array:
    """The extrapolated factor; under `poisson` no entry vanishes by it, as counts may rest on that entry alone."""
    least = LEAST * new if problem.poisson else 0.0
    return jnp.maximum(new + beta * (new - old), least)


def choose(condition: jax.Array, new: Any, old: Any) -> Any:
    """Of every start the new state where the condition (S,) holds, else the old one."""
    return jax.tree.map(lambda a, b: jnp.where(condition.reshape(-1, *[1] * (a.ndim - 1)), a, b), new, old)
