"""Prox of weights[m] ||A y||_1 for any matrix A, by ADMM, and its snapping to exact ties.

Per column:  minimise 1/2 ||x - v||^2 + w ||z||_1  subject to  A x = z  (Boyd et al. 2011, Distributed
optimization and statistical learning via the alternating direction method of multipliers, sections 3.1 and
6.4, over-relaxed as in 3.4.3). One singular value decomposition of A serves every penalty parameter rho, so each
column has its own, balanced between the residuals (section 3.4.1) for the first iterations, then fixed, so that the
method converges. Columns are worked off in blocks, again and again sorted by what they lack, so that the few slow
ones are soon alone. `tie` runs on the host, everything else inside `jax.jit`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from proxsweep.optimize.difference import Difference

RELAXATION = 1.7
CHECK_EVERY = 10
# rho is looked at between these numbers of iterations, and changed where residuals differ by more than UNBALANCED
ADAPT_FROM, ADAPT_UNTIL = 50, 1000
UNBALANCED = 5.0
# by no more than LARGEST_CHANGE at a time and RANGE in all
LARGEST_CHANGE, RANGE = 10.0, 1e3
# columns solved together, so that their arrays fit the cache; a matrix of few rows takes all columns at once
BLOCK, FEW_ROWS = 256, 4
# columns are sorted after FIRST_ROUND iterations, then whenever the number of iterations has grown by LONGER
FIRST_ROUND, LONGER = 100, 2


class AdmmState(NamedTuple):
    """Warm start. z: (R, M), the copy of A x, with exact zeros; u: (R, M), the multiplier divided by rho: (M,)."""

    z: jax.Array
    u: jax.Array
    rho: jax.Array


class AdmmResult(NamedTuple):
    """x: (P, M); primal: max |A x - z|, dual: max |x - v + rho A'u|, relative to the column's max |v|.

    iterations: the most that any column took.
    """

    x: jax.Array
    state: AdmmState
    primal: jax.Array
    dual: jax.Array
    iterations: jax.Array


class _Column(NamedTuple):
    """What one column needs, as arrays whose last axis is the column.

    b: V'v; primal, dual: as in AdmmResult; moved: max |rho A'(z - z before the last step)|, relative too.
    """

    index: jax.Array
    b: jax.Array
    weights: jax.Array
    scale: jax.Array
    state: AdmmState
    primal: jax.Array
    dual: jax.Array
    moved: jax.Array


class _Factors(NamedTuple):
    """A = U diag(s) V' with K = rank(A) columns; start: the rho of a cold start."""

    matrix: np.ndarray
    U: np.ndarray
    s: np.ndarray
    V: np.ndarray
    start: float


def initial_admm_state(matrix: np.ndarray, columns: int, dtype=float) -> AdmmState:
    """The cold start z = u = 0 for a matrix (R, P) and so many columns."""
    zeros = jnp.zeros((matrix.shape[0], columns), dtype)
    return AdmmState(zeros, zeros, jnp.full(columns, penalty_parameter(matrix), dtype))


def penalty_parameter(matrix: np.ndarray) -> float:
    """rho = 1 / (smallest * largest nonzero singular value of A), where every column starts.

    The choice that minimises the bound on the rate for a quadratic of unit curvature (Giselsson and Boyd
    2017, Linear convergence and metric selection for Douglas-Rachford splitting and ADMM). The prox is
    homogeneous in (v, w), so it serves data of any scale.
    """
    return _factors(matrix).start


def admm(
    matrix: np.ndarray,
    values: jax.Array,
    weights: jax.Array,
    state: AdmmState | None = None,
    tolerance: float = 1e-10,
    max_iterations: int = 10_000,
) -> AdmmResult:
    """Prox of weights[m] ||matrix y||_1 at values[:, m], for every column m.

    matrix: (R, P), static, R >= 1; values: (P, M); weights: (M,), finite and not negative; state: warm start,
    None for a cold one. A column is done when both its residuals are at most `tolerance` times its largest
    |value| (looked at every 10 iterations), or after max_iterations. x then differs from the exact
    prox by a small multiple of that, and never ties exactly: zeros are read from z, see `tie`.
    """
    factors = _factors(matrix)
    if state is None:
        state = initial_admm_state(matrix, values.shape[1], values.dtype)
    column = _start(factors, values, weights, state)
    solve = _iterate_block if matrix.shape[0] <= FEW_ROWS else _by_rounds
    column, iterations = solve(factors, column, jnp.zeros((), jnp.int32), max_iterations, tolerance)
    column = jax.tree.map(lambda a: a[..., : values.shape[1]], column)
    x = jnp.where(weights > 0, _minimiser(factors, values, column), values)
    return AdmmResult(x, column.state, jnp.max(column.primal, initial=0), jnp.max(column.dual, initial=0), iterations)


def _by_rounds(
    factors: _Factors, column: _Column, iterations: jax.Array, max_iterations: int, tolerance: float
) -> tuple[_Column, jax.Array]:
    """`_iterate_block` block by block, in rounds of more and more iterations."""

    def unfinished(carry):
        column, iterations = carry
        return jnp.any(_lacking(column) > tolerance) & (iterations < max_iterations)

    def one_round(carry):
        column, iterations = carry
        column = jax.lax.cond(iterations > 0, _slowest_first, lambda column: column, column)
        until = jnp.clip(LONGER * iterations, FIRST_ROUND, max_iterations)

        def one_block(block):
            return _iterate_block(factors, block, iterations, until, tolerance)

        blocks, taken = jax.lax.map(one_block, _split(column))
        return _join(blocks), jnp.max(taken)

    column, iterations = jax.lax.while_loop(unfinished, one_round, (column, iterations))
    return jax.lax.cond(iterations > FIRST_ROUND, _as_given, lambda column: column, column), iterations


def _factors(matrix: np.ndarray) -> _Factors:
    U, s, Vt = np.linalg.svd(matrix, full_matrices=False)
    kept = s > 1e-6 * s.max()
    return _Factors(matrix, U[:, kept], s[kept, None], Vt[kept].T, float(1 / (s[kept].min() * s.max())))


def _start(factors: _Factors, values: jax.Array, weights: jax.Array, state: AdmmState) -> _Column:
    """All columns with their residuals, filled up to whole blocks with columns that are done."""
    missing = -values.shape[1] % BLOCK
    scale = jnp.maximum(jnp.max(jnp.abs(values), axis=0), jnp.finfo(values.dtype).tiny)
    b = _constant(factors.V.T, values) @ values
    index = jnp.arange(values.shape[1] + missing)
    filled = [
        jnp.pad(a, [(0, 0)] * (a.ndim - 1) + [(0, missing)], constant_values=fill)
        for a, fill in ((b, 0), (weights, 0), (scale, 1), (state.z, 0), (state.u, 0), (state.rho, 1))
    ]
    zero = jnp.zeros_like(filled[1])
    column = _measured(factors, _Column(index, *filled[:3], AdmmState(*filled[3:]), zero, zero, zero))
    return column._replace(moved=column.primal)  # balanced, so that rho stays as it is


def _lacking(column: _Column) -> jax.Array:
    return jnp.maximum(column.primal, column.dual)


def _slowest_first(column: _Column) -> _Column:
    return _take(column, jnp.argsort(-_lacking(column)))


def _as_given(column: _Column) -> _Column:
    return _take(column, jnp.argsort(column.index))


def _take(column: _Column, order: jax.Array) -> _Column:
    return jax.tree.map(lambda a: jnp.take(a, order, axis=-1), column)


def _split(column: _Column) -> _Column:
    """The last axis in blocks, which come first."""
    return jax.tree.map(lambda a: jnp.moveaxis(a.reshape(*a.shape[:-1], -1, BLOCK), -2, 0), column)


def _join(blocks: _Column) -> _Column:
    def together(a):
        a = jnp.moveaxis(a, 0, -2)
        return a.reshape(*a.shape[:-2], -1)

    return jax.tree.map(together, blocks)


def _iterate_block(
    factors: _Factors, block: _Column, iterations: jax.Array, until: jax.Array | int, tolerance: float
) -> tuple[_Column, jax.Array]:
    """Iterate until every column of the block is done; also how many iterations it has then."""

    def unfinished(carry):
        block, taken = carry
        return jnp.any(_lacking(block) > tolerance) & (taken < until)

    def some_steps(carry):
        block, taken = carry
        adapting = (taken >= ADAPT_FROM) & (taken < ADAPT_UNTIL)
        block = jax.lax.cond(adapting, lambda b: _balanced(factors, b, tolerance), lambda b: b, block)
        state, z_before = _iterate(factors, block)
        moved = state.rho * jnp.max(jnp.abs(_constant(factors.matrix.T, z_before) @ (state.z - z_before)), axis=0)
        block = block._replace(state=state, moved=moved / block.scale)
        return _measured(factors, block), taken + CHECK_EVERY

    return jax.lax.while_loop(unfinished, some_steps, (block, iterations))


def _iterate(factors: _Factors, block: _Column) -> tuple[AdmmState, jax.Array]:
    """CHECK_EVERY steps; the state, and the z before the last one."""
    z, u, rho = block.state
    image = _image(factors, block)
    threshold = block.weights / rho

    def step(_, carry):
        z, u, _ = carry
        total = RELAXATION * image(z, u) + (1 - RELAXATION) * z + u
        # u is what the soft threshold cuts off, z the rest, often exactly 0
        u = jnp.clip(total, -threshold, threshold)
        return total - u, u, z

    z, u, z_before = jax.lax.fori_loop(0, CHECK_EVERY, step, (z, u, z))
    return AdmmState(z, u, rho), z_before


def _image(factors: _Factors, column: _Column):
    """The function (z, u) -> A x for x = argmin 1/2 ||x - v||^2 + rho/2 ||A x - z + u||^2."""
    U, s = _constant(factors.U, column.b), _constant(factors.s, column.b)
    rho = column.state.rho
    shrink = 1 / (1 + rho * s**2)
    free, pull = s * column.b * shrink, rho * s**2 * shrink
    return lambda z, u: U @ (free + pull * (U.T @ (z - u)))


def _minimiser(factors: _Factors, values: jax.Array, column: _Column) -> jax.Array:
    """x = (I + rho A'A)^-1 (v + rho A'(z - u)). (P, M)"""
    U, s, V = (_constant(f, values) for f in (factors.U, factors.s, factors.V))
    z, u, rho = column.state
    moved = (rho * s * (U.T @ (z - u)) - rho * s**2 * column.b) / (1 + rho * s**2)
    return values + V @ moved


def _measured(factors: _Factors, column: _Column) -> _Column:
    """The column with its residuals. Weight 0 needs no iterations: its prox is v."""
    z, u, rho = column.state
    # x - v + rho A'(A x - z + u) = 0, so the dual residual x - v + rho A'u is -rho A'(A x - z).
    gap = jnp.where(column.weights > 0, (_image(factors, column)(z, u) - z) / column.scale, 0)
    dual = rho * (_constant(factors.matrix.T, z) @ gap)
    return column._replace(primal=jnp.max(jnp.abs(gap), axis=0), dual=jnp.max(jnp.abs(dual), axis=0))


def _balanced(factors: _Factors, block: _Column, tolerance: float) -> _Column:
    """The block with rho larger where z is far from A x, smaller where z still moves; the multiplier stays."""
    z, u, rho = block.state
    least = jnp.finfo(z.dtype).tiny
    ratio = jnp.maximum(block.primal, least) / jnp.maximum(block.moved, least)
    change = jnp.clip(jnp.sqrt(ratio), 1 / LARGEST_CHANGE, LARGEST_CHANGE)
    new = jnp.clip(rho * change, factors.start / RANGE, factors.start * RANGE)
    unbalanced = (ratio > UNBALANCED) | (ratio < 1 / UNBALANCED)
    new = jnp.where(unbalanced & (_lacking(block) > tolerance), new, rho)
    return block._replace(state=AdmmState(z, u * (rho / new), new))


def tie(difference: Difference, weights: np.ndarray, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """x moved to the nearest point at which every row with z = 0 is zero; on the host, NumPy.

    x: (P, M) and z: (R, M) from `admm`; weights: (M,) or a number. The x of ADMM never ties exactly, its z does; the
    move is of the size of ADMM's tolerance. Nodes tied by pairwise rows get one and the same float. Columns of weight
    0 stay.
    """
    x, tied = np.asarray(x, dtype=float), np.asarray(z) == 0
    moved = np.empty_like(x)
    patterns, member = np.unique(tied, axis=1, return_inverse=True)
    for p, pattern in enumerate(patterns.T):
        at = np.flatnonzero(member.reshape(-1) == p)
        moved[:, at] = _project(difference.matrix[pattern], x[:, at])
    return np.where(np.asarray(weights) > 0, moved, x)


def _constant(matrix: np.ndarray, like: jax.Array) -> jax.Array:
    return jnp.asarray(matrix, like.dtype)


def _project(rows: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Columns of points (P, M) projected onto the null space of rows (T, P), pairwise rows tied bitwise."""
    pairwise = np.array([np.count_nonzero(row) == 2 and row.sum() == 0 for row in rows], dtype=bool)
    label = _components(rows[pairwise], points.shape[0])
    members = np.equal.outer(np.arange(label.max() + 1), label).astype(float)
    size = members.sum(axis=1)[:, None]
    means = members @ points / size
    others = rows[~pairwise] @ members.T / np.sqrt(size.T)
    if others.size:
        scaled = np.sqrt(size) * means
        means = (scaled - np.linalg.pinv(others) @ (others @ scaled)) / np.sqrt(size)
    return means[label]


def _components(pairs: np.ndarray, nodes: int) -> np.ndarray:
    """The component (0, 1, ...) of every node under edges given as rows e_i - e_j. (P,)"""
    label = np.arange(nodes)
    for row in pairs:
        i, j = np.flatnonzero(row)
        label[label == label[j]] = label[i]
    return np.unique(label, return_inverse=True)[1]
