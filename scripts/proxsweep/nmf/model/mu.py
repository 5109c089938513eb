"""Multiplicative updates (Lee and Seung 2001, Adv. Neural Inf. Process. Syst. 13, theorems 1 and 2), W first.

They are scikit-learn's, but for two things. Entries are kept at or above a floor, since an exact zero never moves again
(Gillis and Glineur 2012, Neural Comput. 24, 1085, section 2). Under the loss `poisson` a squared penalty enters by the
exact minimiser of the majorising function, where scikit-learn's step need not decrease the objective. Entries that are
held out are left out of both sums of an update (Lee and Seung's proof holds term by term).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from proxsweep.nmf.model import products
from proxsweep.nmf.model.problem import Data, Problem, push_h, push_w, sums_h, sums_w


class Floor(NamedTuple):
    """The least that an entry of W, and of H, may be."""

    w: jax.Array
    h: jax.Array


class State(NamedTuple):
    """Factors, none of their entries below the floor."""

    w: jax.Array
    h: jax.Array


def begin(w: jax.Array, h: jax.Array, floor: Floor) -> State:
    """The state at starts W (S, k, m), H (S, k, n)."""
    return State(jnp.maximum(w, floor.w), jnp.maximum(h, floor.h))


def iterate(problem: Problem, data: Data, floor: Floor, state: State) -> State:
    """One update of W and of H."""
    w, h = state
    if problem.poisson:
        pull = products.ratio_by_rows(data.v, w, h)
        w = w * pull if problem.simplex else _poisson(w, pull, sums_w(data, h), data.l1_w, data.l2_w)
        w = jnp.maximum(w / w.sum(axis=2, keepdims=True) if problem.simplex else w, floor.w)
        h = _poisson(h, products.ratio_by_columns(data.v, w, h), sums_h(data, w), data.l1_h, data.l2_h)
    else:
        w = _squared(w, products.by_rows(data.v, h, w.shape[2]), push_w(data, w, h), data.l1_w, data.l2_w)
        w = jnp.maximum(w, floor.w)
        h = _squared(h, products.by_columns(data.v, w, h.shape[2]), push_h(data, w, h), data.l1_h, data.l2_h)
    return State(w, jnp.maximum(h, floor.h))


def _squared(x: jax.Array, pull: jax.Array, push: jax.Array, l1: jax.Array, l2: jax.Array) -> jax.Array:
    push = push + l1 + l2 * x
    return x * pull / jnp.where(push > 0, push, jnp.finfo(jnp.float32).eps)


def _poisson(x: jax.Array, pull: jax.Array, sums: jax.Array, l1: jax.Array, l2: jax.Array) -> jax.Array:
    """The positive root of l2 y^2 + (sums + l1) y - x pull."""
    push = sums + l1
    root = push + jnp.sqrt(push**2 + 4 * l2 * x * pull)
    return 2 * x * pull / jnp.where(root > 0, root, jnp.finfo(jnp.float32).eps)
