"""Proximal operators of fusion penalties, one problem per column, all columns at once.

Column m of `values` (P, M) is one value per node; its prox is

    argmin_y  1/2 ||y - values[:, m]||^2 + weights[m] ||A y||_1.

A quadratic with one curvature h_m per column is covered by weights = lasso / h_m. Signs commute with the
prox, so callers that flip signs do so before and after. All functions work inside `jax.jit`; precision is
that of `values`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from proxsweep.optimize.admm import AdmmState, admm, initial_admm_state
from proxsweep.optimize.difference import Difference
from proxsweep.optimize.forest import prox_forest

# Up to so many nodes `prox_equivariant` is written out, beyond it loops: time to run against time to compile.
UNROLLED_NODES = 12


class ProxResult(NamedTuple):
    """What `prox` returns. primal, dual, iterations: as in AdmmResult, all 0 where the operator is exact."""

    x: jax.Array
    state: AdmmState | None
    primal: jax.Array
    dual: jax.Array
    iterations: jax.Array


def initial_state(difference: Difference, columns: int, dtype=float) -> AdmmState | None:
    """The state to hand to the first `prox`: None where the operator is exact."""
    if _is_exact(difference):
        return None
    return initial_admm_state(difference.matrix, columns, dtype)


def prox(
    difference: Difference,
    values: jax.Array,
    weights: jax.Array,
    state: AdmmState | None = None,
    *,
    box: tuple | None = None,
    tolerance: float = 1e-10,
    max_iterations: int = 10_000,
) -> ProxResult:
    """The prox of weights[m] ||A y||_1, with an optional box on every node.

    values: (P, M); weights: (M,), not negative; state: from `initial_state` or the last call (a warm start);
    box: (lower, upper), each a number or an (M,) array, the same for all nodes of a column; tolerance and
    max_iterations concern the inner solver, which runs only where no exact operator is known.
    `difference` and the options are static. Raises ValueError for a box with rows that are not pairwise.
    """
    if box is not None and not difference.pairwise:
        raise ValueError(f"a box needs rows that compare two nodes; matrix '{difference.name}' has others")
    result = _fuse(difference, values, weights, state, tolerance, max_iterations)
    # Exact: clipping keeps the order of the nodes, so the subgradients of pairwise rows stay valid, and what
    # it takes away lies in the normal cone of the box.
    return result if box is None else result._replace(x=jnp.clip(result.x, box[0], box[1]))


def prox_equivariant(values: jax.Array, weights: jax.Array) -> jax.Array:
    """Exact prox of weights[m] * sum over pairs |y_i - y_j|. values: (P, M); weights: (M,).

    On sorted values the penalty is linear, sum_k (2k - P + 1) y_(k) with k from 0, so the prox is the
    isotonic regression of the sorted values minus weights times these coefficients. That in turn is
    max over a <= k of min over b >= k of level(a, b), where level(a, b), the mean over positions a..b, is
    mean(ordered[a..b]) - weights * (a + b - P + 1)  (Robertson, Wright and Dykstra 1988, Order restricted
    statistical inference, theorem 1.4.4). Values that meet are one and the same float.
    """
    nodes = values.shape[0]
    if nodes == 1:
        return values
    few = nodes <= UNROLLED_NODES
    ordered = _sort(list(values)) if few else jnp.sort(values, axis=0)
    fitted = _isotonic_unrolled(ordered, weights) if few else _isotonic_loop(ordered, weights)
    # Equal values find the same row of `fitted` (the last), so they stay equal whatever its rounding.
    y = jnp.broadcast_to(fitted[-1], values.shape)
    for x_k, fitted_k in zip(ordered[:-1], fitted[:-1], strict=True):
        y = jnp.where(values == x_k, fitted_k, y)
    return jnp.where(weights > 0, y, values)


def prox_reference(values: jax.Array, weights: jax.Array, reference: int) -> jax.Array:
    """Exact prox of weights[m] * sum over d of |y_d - y_ref|. values: (P, M); weights: (M,).

    Given the reference's new value t, every other node is t + soft(x_d - t), soft being the soft threshold at
    the weight, and t solves  g(t) = t - x_ref - sum_d clip(x_d - t, -w, w) = 0.  g increases and
    bends only at x_d - w and x_d + w; its signs there say which nodes end above, below or at t, and t follows
    from that in closed form.
    """
    if values.shape[0] == 1:
        return values
    w, x_ref = weights, values[reference]
    x = jnp.delete(values, reference, axis=0, assume_unique_indices=True)
    above = _balance(x, x_ref, w, -w) > 0
    below = _balance(x, x_ref, w, w) < 0
    # t = (x_ref + sum of tied x_d + w (number above - number below)) / (1 + number tied). Sums of selected
    # terms, no product: a compiler that fuses multiply and add in some rows only would break bitwise ties.
    total, count = x_ref, jnp.ones_like(x_ref)
    for x_d, up, down in zip(x, above, below, strict=True):
        total = total + jnp.where(up, w, jnp.where(down, -w, x_d))
        count = count + jnp.where(up | down, 0, 1)
    t = jnp.where(w > 0, total / count, x_ref)
    y = jnp.where(above, jnp.maximum(x - w, t), jnp.where(below, jnp.minimum(x + w, t), t))
    return jnp.concatenate([y[:reference], t[None], y[reference:]])


def _is_exact(difference: Difference) -> bool:
    return difference.complete or difference.forest is not None


def _fuse(
    difference: Difference,
    values: jax.Array,
    weights: jax.Array,
    state: AdmmState | None,
    tolerance: float,
    max_iterations: int,
) -> ProxResult:
    if not _is_exact(difference):
        return ProxResult(*admm(difference.matrix, values, weights, state, tolerance, max_iterations))
    if not difference.rows:
        x = values
    elif difference.centre is not None:
        x = prox_reference(values, weights, difference.centre)
    elif difference.complete:
        x = prox_equivariant(values, weights)
    else:
        x = prox_forest(difference.forest, values, weights)
    zero = jnp.zeros((), values.dtype)
    return ProxResult(x, None, zero, zero, jnp.zeros((), jnp.int32))


def _balance(x: jax.Array, x_ref: jax.Array, w: jax.Array, shift: jax.Array) -> jax.Array:
    """g at the breakpoints x + shift, written in differences so that a common offset cancels. (P - 1, M)"""
    total = (x - x_ref) + shift
    for x_e in x:
        total = total - jnp.clip((x_e - x) - shift, -w, w)
    return total


def _network(count: int) -> list[tuple[int, int]]:
    """Pairs to compare and exchange in turn to sort `count` items (Batcher's odd-even merge sort)."""
    pairs = []
    p = 1
    while p < count:
        k = p
        while k >= 1:
            for j in range(k % p, count - k, 2 * k):
                for i in range(min(k, count - j - k)):
                    if (i + j) // (2 * p) == (i + j + k) // (2 * p):
                        pairs.append((i + j, i + j + k))
            k //= 2
        p *= 2
    return pairs


def _sort(rows: list[jax.Array]) -> list[jax.Array]:
    """Every column sorted."""
    for low, high in _network(len(rows)):
        rows[low], rows[high] = jnp.minimum(rows[low], rows[high]), jnp.maximum(rows[low], rows[high])
    return rows


def _isotonic_unrolled(ordered: list[jax.Array], weights: jax.Array) -> list[jax.Array]:
    """The max-min formula of `prox_equivariant`, written out: fast for few nodes, P^3 operations to compile.

    No inexact product feeds a sum (the division may be compiled as a product, so it comes last): a compiler
    that fuses the two in one row only would break bitwise ties.
    """
    nodes = len(ordered)
    fitted = [jnp.full_like(weights, -jnp.inf)] * nodes
    for a in range(nodes):
        total, levels = jnp.zeros_like(weights), []
        for b in range(a, nodes):
            total = total + ordered[b]
            size = b - a + 1
            levels.append((total - _multiple(weights, size * (a + b - nodes + 1))) / size)
        least = jnp.full_like(weights, jnp.inf)
        for k in range(nodes - 1, a - 1, -1):
            least = jnp.minimum(least, levels[k - a])
            fitted[k] = jnp.maximum(fitted[k], least)
    return fitted


def _isotonic_loop(ordered: jax.Array, weights: jax.Array) -> jax.Array:
    """The max-min formula of `prox_equivariant` as a loop over a, last first. ordered: (P, M)"""
    nodes = ordered.shape[0]
    position = jnp.arange(nodes)[:, None]

    def one_start(i, carry):
        total, fitted = carry
        a = nodes - 1 - i
        total = jnp.where(position >= a, total + ordered[a], 0)
        size = jnp.maximum(position - a + 1, 1).astype(ordered.dtype)
        # Multiplied and divided by the size, so that no product feeds a sum (see _isotonic_unrolled).
        level = total / size - (weights * ((position + a - nodes + 1) * size)) / size
        least = jax.lax.cummin(jnp.where(position >= a, level, jnp.inf), axis=0, reverse=True)
        return total, jnp.where(position >= a, jnp.maximum(fitted, least), fitted)

    start = jnp.zeros_like(ordered), jnp.full_like(ordered, -jnp.inf)
    return jax.lax.fori_loop(0, nodes, one_start, start)[1]


def _multiple(x: jax.Array, factor: int) -> jax.Array:
    """factor * x by doubling and adding; exactly 0 for factor 0."""
    total, power = jnp.zeros_like(x), x if factor > 0 else -x
    for bit in reversed(f"{abs(factor):b}"):
        total = total + power if bit == "1" else total
        power = power + power
    return total
