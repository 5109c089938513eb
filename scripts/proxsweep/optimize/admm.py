"""Prox of weights[m] ||A y||_1 for any matrix A, by ADMM, and its snapping to exact ties.

Per column:  minimise 1/2 ||x - v||^2 + w ||z||_1  subject to  A x = z  (Boyd et al. 2011, Distributed
optimization and statistical learning via the alternating direction method of multipliers, sections 3.1 and
6.4, over-relaxed as in 3.4.3). All columns share (I + rho A'A)^-1. `snap` runs on the host, everything else
inside `jax.jit`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from proxsweep.optimize.difference import Difference

RELAXATION = 1.7
CHECK_EVERY = 10


class AdmmState(NamedTuple):
    """Warm start. z: (R, M), the copy of A x, with exact zeros; u: (R, M), the multiplier divided by rho."""

    z: jax.Array
    u: jax.Array


class AdmmResult(NamedTuple):
    """x: (P, M); primal: max |A x - z|, dual: max |x - v + rho A'u|, relative to the column's max |v|."""

    x: jax.Array
    state: AdmmState
    primal: jax.Array
    dual: jax.Array
    iterations: jax.Array


def initial_admm_state(matrix: np.ndarray, columns: int, dtype=float) -> AdmmState:
    """The cold start z = u = 0 for a matrix (R, P) and so many columns."""
    zeros = jnp.zeros((matrix.shape[0], columns), dtype)
    return AdmmState(zeros, zeros)


def penalty_parameter(matrix: np.ndarray) -> float:
    """rho = 1 / sqrt(smallest * largest nonzero eigenvalue of A A').

    The choice that minimises the bound on the rate for a quadratic of unit curvature (Giselsson and Boyd
    2017, Linear convergence and metric selection for Douglas-Rachford splitting and ADMM). The prox is
    homogeneous in (v, w), so one rho serves data of any scale.
    """
    eigenvalues = np.linalg.svd(matrix, compute_uv=False) ** 2
    nonzero = eigenvalues[eigenvalues > 1e-12 * eigenvalues.max()]
    return float(1 / np.sqrt(nonzero.min() * nonzero.max()))


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
    None for a cold one. Stops when in every column both residuals are at most `tolerance` times the column's
    largest |value| (looked at every 10 iterations), or after max_iterations. x then differs from the exact
    prox by a small multiple of that, and never ties exactly: zeros are read from z, see `snap`.
    """
    if state is None:
        state = initial_admm_state(matrix, values.shape[1], values.dtype)
    rho = penalty_parameter(matrix)
    inverse = np.linalg.inv(np.eye(matrix.shape[1]) + rho * matrix.T @ matrix)
    inverse_matrix = matrix @ inverse
    free = _constant(inverse_matrix, values) @ values
    pull = _constant(rho * inverse_matrix @ matrix.T, values)
    back = _constant(rho * matrix.T, values)
    threshold = weights / rho
    scale = jnp.maximum(jnp.max(jnp.abs(values), axis=0), jnp.finfo(values.dtype).tiny)

    def split(total):
        """z + u back into its parts: u is what the soft threshold cuts off, z the rest, often exactly 0."""
        u = jnp.clip(total, -threshold, threshold)
        return total - u, u

    def constrained(z, u):
        """A x for x = argmin 1/2 ||x - v||^2 + rho/2 ||A x - z + u||^2."""
        return free + pull @ (z - u)

    def step(_, total):
        z, u = split(total)
        return RELAXATION * constrained(z, u) + (1 - RELAXATION) * z + u

    def residuals(total):
        z, u = split(total)
        # x - v + rho A'(A x - z + u) = 0, so the dual residual x - v + rho A'u is -rho A'(A x - z).
        # Weight 0 needs no iterations: its prox is v.
        gap = jnp.where(weights > 0, (constrained(z, u) - z) / scale, 0)
        dual = back @ gap
        return jnp.max(jnp.abs(gap), initial=0), jnp.max(jnp.abs(dual), initial=0)

    def unfinished(carry):
        _, primal, dual, iterations = carry
        return (jnp.maximum(primal, dual) > tolerance) & (iterations < max_iterations)

    def some_steps(carry):
        total, _, _, iterations = carry
        total = jax.lax.fori_loop(0, CHECK_EVERY, step, total)
        return total, *residuals(total), iterations + CHECK_EVERY

    total = state.z + state.u
    start = (total, *residuals(total), jnp.zeros((), jnp.int32))
    total, primal, dual, iterations = jax.lax.while_loop(unfinished, some_steps, start)
    z, u = split(total)
    x = _constant(inverse, values) @ (values + back @ (z - u))
    return AdmmResult(jnp.where(weights > 0, x, values), AdmmState(z, u), primal, dual, iterations)


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
