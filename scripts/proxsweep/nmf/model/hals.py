"""Coordinate descent by columns through Gram matrices, for the loss `squared`.

Hierarchical alternating least squares (Cichocki, Zdunek and Amari 2007, ICA, 169), W first: the sweep of
scikit-learn's solver `cd`. Where sweeps are accelerated, several of them share a product with V (Gillis and Glineur
2012, Neural Comput. 24, 1085), and iterates are extrapolated (:mod:`proxsweep.nmf.model.extrapolation`).

Where entries are held out, what is fitted there now stands in their place while a factor is updated: the squares that
this adds to F are 0 at the factor as it is, so that sweeps lower F all the same (the EM algorithm, Dempster, Laird and
Rubin 1977, J. R. Stat. Soc. B 39, 1; Srebro and Jaakkola 2003, ICML, 720).
"""

import jax
import jax.numpy as jnp

from proxsweep.nmf.model import products
from proxsweep.nmf.model.problem import Data, Problem, apply_gram, gram, on_simplex, penalty, squared, squared_seen

MOST_SWEEPS = 8

Known = tuple[jax.Array, jax.Array] | None  # W' W and V' W, where no entries are held out


def sweeps_per_product(entries_per_line: float, rank: int) -> int:
    """As many sweeps as half a product costs, where a line of V has so many entries, and one; at most eight."""
    return min(MOST_SWEEPS, 1 + int(entries_per_line / (2 * rank)))


def update_w(problem: Problem, data: Data, sweeps: int, w: jax.Array, h: jax.Array) -> jax.Array:
    """Sweeps over the columns of W."""
    square, pull = gram(h), products.by_rows(data.v, h, w.shape[2])
    if data.seen is not None:
        pull += apply_gram(square, w) - products.fitted_by_rows(data.v, w, h)
    bend = square + data.l2_w * jnp.eye(w.shape[1])
    return sweep(w, bend, pull - data.l1_w, sweeps, problem.simplex)


def update_h(data: Data, sweeps: int, w: jax.Array, h: jax.Array) -> tuple[jax.Array, Known]:
    """Sweeps over the rows of H; V' W and W' W come with it, as the objective needs them."""
    square, cross = gram(w), products.by_columns(data.v, w, h.shape[2])
    bend = square + data.l2_h * jnp.eye(h.shape[1])
    if data.seen is not None:
        pull = cross + apply_gram(square, h) - products.fitted_by_columns(data.v, w, h)
        return sweep(h, bend, pull - data.l1_h, sweeps, False), None
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
