"""Coordinate descent by factors for the loss `poisson`, a step a coordinate, all samples (or features) at once.

As in Hsieh and Dhillon (2011, KDD, 1064) and fastTopics (Carbonetto et al. 2021, arXiv 2105.13440), but for the step.
As a function of one coordinate h, the derivative of F is c - phi(h), with phi a sum of b / (a + h): the sum c of the
other factor's column is constant. The step solves c = B / (A + h), which has the value and the slope of phi at the
present h; for one term that is exact. 1/phi is concave, so the step never ends above the minimiser; it may end below,
so it goes no further than a quarter of the multiplicative update. Where entries are held out, c is the sum of the other
factor's column over those that are seen, another one for each coordinate.
"""

import jax
import jax.numpy as jnp

from proxsweep.nmf.model import products
from proxsweep.nmf.model.problem import Data, penalty, poisson, sums_h, sums_w
from proxsweep.nmf.model.products import Dense, Group

LEAST = 0.25  # of the multiplicative update
NEGLIGIBLE = 1e-10  # of what the other factors fit: an entry so small that still falls is 0


def update_w(data: Data, w: jax.Array, h: jax.Array) -> jax.Array:
    """One sweep over the columns of W."""
    if isinstance(data.v, Dense):
        return _dense(data.v.values, w, h, sums_w(data, h) + data.l1_w, data.l2_w)
    return _sparse(data.v.rows, w, h, data.l1_w, data.l2_w)


def update_h(data: Data, w: jax.Array, h: jax.Array) -> jax.Array:
    """One sweep over the rows of H."""
    if isinstance(data.v, Dense):
        return _dense(data.v.values.T, h, w, sums_h(data, w) + data.l1_h, data.l2_h)
    return _sparse(data.v.columns, h, w, data.l1_h, data.l2_h)


def value(data: Data, w: jax.Array, h: jax.Array) -> jax.Array:
    """F of every start."""
    return poisson(data, w, h) + penalty(data, w, h)


def _dense(values: jax.Array, x: jax.Array, other: jax.Array, sums: jax.Array, l2: jax.Array) -> jax.Array:
    """A sweep over the rows of X (S, k, p), for values (p, q), the other factor (S, k, q) and c (S, k, 1 or p)."""

    def update(t: int, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        x, fitted = state
        own = jax.lax.dynamic_index_in_dim(other, t, 1)  # (S, 1, q)
        old = jax.lax.dynamic_index_in_dim(x, t, 1, keepdims=False)
        share = jnp.where(values > 0, own / jnp.where(values > 0, fitted, 1.0), 0.0)
        pull = values * share
        bend = pull * share
        push = jax.lax.dynamic_index_in_dim(sums, t, 1, keepdims=False)
        new = _step(old, pull.sum(axis=2), bend.sum(axis=2), push, l2)
        return jax.lax.dynamic_update_index_in_dim(x, new, t, 1), _moved(fitted, old[:, :, None], new[:, :, None], own)

    fitted = jnp.einsum("skp,skq->spq", x, other)
    return jax.lax.fori_loop(0, x.shape[1], update, (x, fitted))[0]


def _sparse(groups: tuple[Group, ...], x: jax.Array, other: jax.Array, l1: jax.Array, l2: jax.Array) -> jax.Array:
    """The same, at the entries of the groups of lines of X."""
    sums = other.sum(axis=2) + l1
    out = jnp.zeros_like(x)  # a line without entries pulls nothing
    for group in groups:
        out = out.at[:, :, group.lines].set(_group(group, x, other, sums, l2), unique_indices=True)
    return out


def _group(group: Group, x: jax.Array, other: jax.Array, sums: jax.Array, l2: jax.Array) -> jax.Array:
    values = group.values.astype(jnp.float64)[:, None, :]

    def update(t: int, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        x, fitted = state
        own = jax.lax.dynamic_index_in_dim(other, t, 1, keepdims=False)[:, group.places].swapaxes(0, 1)  # (L, S, R)
        old = jax.lax.dynamic_index_in_dim(x, t, 1, keepdims=False)
        share = jnp.where(values > 0, own / jnp.where(values > 0, fitted, 1.0), 0.0)
        pull = values * share
        bend = pull * share
        push = jax.lax.dynamic_index_in_dim(sums, t, 1)
        new = _step(old, pull.sum(axis=0), bend.sum(axis=0), push, l2)
        return jax.lax.dynamic_update_index_in_dim(x, new, t, 1), _moved(fitted, old, new, own)

    own = x[:, :, group.lines]
    return jax.lax.fori_loop(0, x.shape[1], update, (own, products.fitted_at(group, x, other)))[0]


def _moved(fitted: jax.Array, old: jax.Array, new: jax.Array, own: jax.Array) -> jax.Array:
    """Fitted values after a coordinate has moved; where a difference loses all digits, what is known of them."""
    return jnp.maximum(fitted + (new - old) * own, jnp.maximum(new * own, NEGLIGIBLE * fitted))


def _step(old: jax.Array, pull: jax.Array, bend: jax.Array, push: jax.Array, l2: jax.Array) -> jax.Array:
    """New coordinates (S, p); ``pull`` is phi, ``bend`` -phi', ``push`` (S, 1 or p) the constant c."""
    felt = bend > 0
    a = jnp.where(felt, pull / jnp.where(felt, bend, 1.0), 0.0)
    linear = push + l2 * (old - a)
    root = linear + jnp.sqrt(linear**2 + 4 * l2 * pull * a)
    apart = jnp.where(felt & (root > 0), 2 * pull * a / jnp.where(root > 0, root, 1.0), a)
    full = push + l2 * old
    multiplied = old * jnp.where(full > 0, pull / jnp.where(full > 0, full, 1.0), 1.0)
    least = LEAST * jnp.minimum(multiplied, old)
    new = jnp.maximum(old + apart - a, least)
    gone = (pull < full) & (new <= NEGLIGIBLE * a)
    new = jnp.where(gone | ~felt, 0.0, new)
    return jnp.where(push > 0, new, old)  # the other factor has vanished
