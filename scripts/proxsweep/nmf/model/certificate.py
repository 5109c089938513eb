"""How far factors are from a stationary point: the residual of every start (docs/nmf.md derives it).

Loss `squared`: the norm of the projected gradient of both factors, divided by |V|^1.5. Where nothing depends on the
scale of a factor, each column of W and row of H is first scaled to one norm, which changes neither their product nor
the objective: so the residual is the same for W c, H / c and for V c. With columns that sum to 1: the length of the
step that exact updates of every column of W and row of H would make, one by one, measured in W H and divided by |V|.
Loss `poisson`: the largest entry of the projected gradient, each divided by the sum of the other factor's column, that
is 1 minus the factor of a multiplicative update.

Where entries are held out, all of this is of the others: |V| and the gradients, and under `poisson` the sum of the
other factor's column over the entries that an entry of W or H takes part in. The curvatures of exact updates are then
those of all entries, which are no smaller, so that the steps stay steps that lower the objective. Columns that sum to 1
change nothing under `poisson` without penalties, where each column of W and row of H can take any scale: at a
stationary point the multiplier of the constraint is 0, and the residual is that of the free problem.

The residual is 0 also where a factor has vanished. `dead` finds such factors.
"""

import jax
import jax.numpy as jnp

from proxsweep.nmf.model import products
from proxsweep.nmf.model.problem import Data, Problem, on_simplex, push_h, push_w, sums_h, sums_w


def residual(problem: Problem, data: Data, w: jax.Array, h: jax.Array) -> jax.Array:
    """The residual of every start, (S,), a pure number; ``w`` is (S, k, m), ``h`` (S, k, n)."""
    if problem.poisson:
        return _poisson(problem, data, w, h)
    slope_w, slope_h = slopes(data, w, h)
    if problem.simplex:
        return _simplex(data, w, h, slope_w, slope_h)
    if problem.scale_free:
        scale = balance(data, w, h)
        w, slope_w, h, slope_h = w * scale, slope_w / scale, h / scale, slope_h * scale
    length = (projected(w, slope_w) ** 2).sum(axis=(1, 2)) + (projected(h, slope_h) ** 2).sum(axis=(1, 2))
    return jnp.sqrt(length) / data.norm**1.5


def slopes(data: Data, w: jax.Array, h: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Gradients of F by W and by H under the loss `squared`."""
    by_rows = products.by_rows(data.v, h, w.shape[2])
    by_columns = products.by_columns(data.v, w, h.shape[2])
    slope_w = push_w(data, w, h) - by_rows + data.l1_w + data.l2_w * w
    return slope_w, push_h(data, w, h) - by_columns + data.l1_h + data.l2_h * h


def projected(x: jax.Array, slope: jax.Array) -> jax.Array:
    """The part of a gradient along which x may move: at 0 only upwards."""
    return jnp.where(x > 0, slope, jnp.minimum(slope, 0.0))


def balance(data: Data, w: jax.Array, h: jax.Array) -> jax.Array:
    """Factors (S, k, 1) that give columns of W and rows of H one norm; where one has vanished, the other that of V."""
    norm_w = jnp.linalg.norm(w, axis=2, keepdims=True)
    norm_h = jnp.linalg.norm(h, axis=2, keepdims=True)
    size = jnp.sqrt(data.norm)
    there_w, there_h = jnp.where(norm_w > 0, norm_w, 1.0), jnp.where(norm_h > 0, norm_h, 1.0)
    both = jnp.sqrt(there_h / there_w)
    one = jnp.where(norm_w > 0, size / there_w, jnp.where(norm_h > 0, there_h / size, 1.0))
    return jnp.where((norm_w > 0) & (norm_h > 0), both, one)


def _simplex(data: Data, w: jax.Array, h: jax.Array, slope_w: jax.Array, slope_h: jax.Array) -> jax.Array:
    bend_w = (h**2).sum(axis=2, keepdims=True) + data.l2_w
    bend_h = (w**2).sum(axis=2, keepdims=True) + data.l2_h
    target = w - slope_w / jnp.where(bend_w > 0, bend_w, 1.0)
    step_w = jnp.where(bend_w > 0, on_simplex(target) - w, 0.0)
    step_h = jnp.maximum(h - slope_h / bend_h, 0.0) - h
    length = (bend_w * step_w**2).sum(axis=(1, 2)) + (bend_h * step_h**2).sum(axis=(1, 2))
    return jnp.sqrt(length) / data.norm


def _poisson(problem: Problem, data: Data, w: jax.Array, h: jax.Array) -> jax.Array:
    by_rows = products.ratio_by_rows(data.v, w, h)
    by_columns = products.ratio_by_columns(data.v, w, h)
    if problem.simplex and data.seen is None:
        by_w = (w * by_rows).sum(axis=2, keepdims=True)  # the multiplier of the constraint
        slope_w = by_w - by_rows
    else:
        by_w = sums_w(data, h) + data.l1_w
        slope_w = by_w + data.l2_w * w - by_rows
    by_h = sums_h(data, w) + data.l1_h
    slope_h = by_h + data.l2_h * h - by_columns
    return jnp.maximum(_largest(w, slope_w, by_w), _largest(h, slope_h, by_h))


def _largest(x: jax.Array, slope: jax.Array, sums: jax.Array) -> jax.Array:
    relative = jnp.where(sums > 0, slope / jnp.where(sums > 0, sums, 1.0), 0.0)
    return jnp.abs(projected(x, relative)).max(axis=(1, 2))


def dead(w: jax.Array, h: jax.Array) -> jax.Array:
    """Factors of every start that have vanished, (S, k): their column of W or their row of H is 0."""
    return (w.max(axis=2) <= 0) | (h.max(axis=2) <= 0)
