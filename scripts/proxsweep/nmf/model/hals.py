"""Coordinate descent by columns through Gram matrices, for the loss `squared`.

Hierarchical alternating least squares (Cichocki, Zdunek and Amari 2007, ICA, 169), W first: the sweep of
scikit-learn's solver `cd`. Where sweeps are accelerated, several of them share a product with V (Gillis and Glineur
2012, Neural Comput. 24, 1085), and iterates are extrapolated (:mod:`proxsweep.nmf.model.extrapolation`).

Where entries are held out there are no Gram matrices: a sweep keeps V - W H at the seen entries, and the curvature of a
coordinate is the sum of the other factor's squares over those. A column that sums to 1 steps by the curvature of all
entries, which is no smaller, and is projected onto the simplex: no exact update, but one that lowers the objective.
"""

import jax
import jax.numpy as jnp

from proxsweep.nmf.model import products
from proxsweep.nmf.model.problem import Data, Problem, gram, on_simplex, penalty, squared, squared_seen

MOST_SWEEPS = 8

Known = tuple[jax.Array, jax.Array] | None  # W' W and V' W, where no entries are held out


def sweeps_per_product(entries_per_line: float, rank: int) -> int:
    """As many sweeps as half a product costs, where a line of V has so many entries, and one; at most eight."""
    return min(MOST_SWEEPS, 1 + int(entries_per_line / (2 * rank)))


def update_w(problem: Problem, data: Data, sweeps: int, w: jax.Array, h: jax.Array) -> jax.Array:
    """Sweeps over the columns of W."""
    if data.seen is not None:
        rest = data.v.values - products.fitted_seen(data.v, w, h)
        return sweep_seen(w, h, rest, data.seen, (data.l1_w, data.l2_w), sweeps, problem.simplex)
    bend = gram(h) + data.l2_w * jnp.eye(w.shape[1])
    pull = products.by_rows(data.v, h, w.shape[2]) - data.l1_w
    return sweep(w, bend, pull, sweeps, problem.simplex)


def update_h(data: Data, sweeps: int, w: jax.Array, h: jax.Array) -> tuple[jax.Array, Known]:
    """Sweeps over the rows of H; V' W and W' W come with it, as the objective needs them."""
    if data.seen is not None:
        rest = (data.v.values - products.fitted_seen(data.v, w, h)).swapaxes(1, 2)
        return sweep_seen(h, w, rest, data.seen.T, (data.l1_h, data.l2_h), sweeps, False), None
    square, cross = gram(w), products.by_columns(data.v, w, h.shape[2])
    bend = square + data.l2_h * jnp.eye(h.shape[1])
    return sweep(h, bend, cross - data.l1_h, sweeps, False), (square, cross)


def value(data: Data, w: jax.Array, h: jax.Array, known: Known) -> jax.Array:
    """F of every start from what :func:`update_h` gave for this W."""
    if known is None:
        return squared_seen(data, w, h) + penalty(data, w, h)
    square, cross = known
    return squared(data, h, square, gram(h), cross) + penalty(data, w, h)


def sweep(x: jax.Array, bend: jax.Array, pull: jax.Array, sweeps: int, simplex: bool) -> jax.Array:
    """Exact updates of the rows of X (S, k, p) in turn, for the quadratic 1/2 <X, bend X> - <pull, X>."""
    rank = x.shape[1]

    def update(count: int, x: jax.Array) -> jax.Array:
        t = count % rank
        row = jax.lax.dynamic_index_in_dim(bend, t, 1, keepdims=False)
        old = jax.lax.dynamic_index_in_dim(x, t, 1, keepdims=False)
        slope = jnp.einsum("sr,srp->sp", row, x) - jax.lax.dynamic_index_in_dim(pull, t, 1, keepdims=False)
        own = jax.lax.dynamic_index_in_dim(row, t, 1)
        target = old - slope / jnp.where(own > 0, own, 1.0)
        new = on_simplex(target) if simplex else jnp.maximum(target, 0.0)
        return jax.lax.dynamic_update_index_in_dim(x, jnp.where(own > 0, new, old), t, 1)

    return jax.lax.fori_loop(0, sweeps * rank, update, x)


def sweep_seen(
    x: jax.Array,
    other: jax.Array,
    rest: jax.Array,
    seen: jax.Array,
    penalties: tuple[jax.Array, jax.Array],
    sweeps: int,
    simplex: bool,
) -> jax.Array:
    """Updates of the rows of X (S, k, p) in turn, for the other factor (S, k, q) and V - X' other, 0 where not seen.

    ``rest`` is (S, p, q), ``seen`` (p, q), ``penalties`` are l1 and l2 of X.
    """
    rank, (l1, l2) = x.shape[1], penalties

    def update(count: int, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        x, rest = state
        own = jax.lax.dynamic_index_in_dim(other, count % rank, 1, keepdims=False)  # (S, q)
        old = jax.lax.dynamic_index_in_dim(x, count % rank, 1, keepdims=False)
        slope = l1 + l2 * old - jnp.einsum("spq,sq->sp", rest, own)
        squares = own**2
        bend = l2 + (squares.sum(axis=1, keepdims=True) if simplex else jnp.einsum("pq,sq->sp", seen, squares))
        target = old - slope / jnp.where(bend > 0, bend, 1.0)
        new = on_simplex(target) if simplex else jnp.maximum(target, 0.0)
        new = jnp.where(bend > 0, new, old)
        rest = rest - (new - old)[:, :, None] * own[:, None, :] * seen
        return jax.lax.dynamic_update_index_in_dim(x, new, count % rank, 1), rest

    return jax.lax.fori_loop(0, sweeps * rank, update, (x, rest))[0]
