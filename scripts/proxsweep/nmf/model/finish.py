"""Damped Newton steps on the entries of both factors that are free: those above 0, and those at 0 that would grow.

Block updates crawl where W and H have to move together. A step solves (A + damping diag(A)) d = -slope, A the Hessian
of F there (Levenberg 1944, Q. Appl. Math. 2, 164; Marquardt 1963, J. SIAM 11, 431). Given H the rows of W do not depend
on each other, so W is eliminated exactly, and conjugate gradients solve for H what is left, with the blocks of its
columns as preconditioner (Golub and Pereyra 1973, SIAM J. Numer. Anal. 10, 413, eliminate in this way). Entries that
would fall below 0 are set to 0 and the others solved for once more. A step is kept only where F falls by a part of what
the quadratic promises; the damping follows that part. Where entries are held out, slopes and Hessian are of the others.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from proxsweep.nmf.model import certificate, products
from proxsweep.nmf.model.extrapolation import State, choose
from proxsweep.nmf.model.problem import Data, Problem, inner, objective, push_h, push_w, sums_h, sums_w

FIRST, BETWEEN = 200, 10  # iterations before the first step, for which most starts never wait, and between two
ROUNDS = 2
STEPS = 5  # of conjugate gradients in a round
NEAR = 0.3  # where they stop: the residual to that at the beginning of a step
ENOUGH, GOOD, POOR = 0.1, 0.7, 0.3  # what F falls by to what the quadratic promises
LESS, MORE = 3.0, 10.0
LEAST, MOST = 1e-12, 1e6
LARGEST = 2**21  # entries of a V to which steps are made by the loss `poisson`, or where entries are held out

Pair = tuple[jax.Array, jax.Array]


class Linear(NamedTuple):
    """Second derivatives of F at a point, as maps of changes: ``wh`` how the slope by W changes with H, and so on."""

    ww: Callable[[jax.Array], jax.Array]
    wh: Callable[[jax.Array], jax.Array]
    hw: Callable[[jax.Array], jax.Array]
    hh: Callable[[jax.Array], jax.Array]


def cost(problem: Problem, rank: int, masked: bool = False) -> int:
    """Iterations that a step counts for, by its products with V; ``masked`` says that entries are held out.

    An iteration of `hals` is two products, and four where entries are held out; one of `scd` goes through V for each
    row of both factors, 2 ``rank`` times.
    """
    if problem.poisson or masked:
        return 1 + -(-(4 + ROUNDS * (3 * STEPS + 6)) // (2 * rank if problem.poisson else 4))  # 1 for the blocks
    return 2 + ROUNDS * (STEPS + 3)


def applies(problem: Problem, data: Data) -> bool:
    """Whether steps are made.

    Not under the constraint, nor by the loss `poisson` where V is sparse (they take long to compile) or large (they
    hold several arrays of its size, as they do where entries are held out).
    """
    if problem.simplex or not (problem.poisson or data.seen is not None):
        return not problem.simplex
    return isinstance(data.v, products.Dense) and data.rows * data.columns <= LARGEST


def is_due(count: jax.Array, cost: int) -> jax.Array:
    """Whether a step follows after ``count`` iterations, :data:`FIRST` or more."""
    return (count - FIRST) % (BETWEEN + cost) == 0


def step(problem: Problem, data: Data, state: State) -> State:
    """One step of every start; those where it does not help keep their factors."""
    w, h = state.ahead_w, state.ahead_h
    if problem.scale_free:
        scale = certificate.balance(data, w, h)
        w, h = w * scale, h / scale
    before = objective(problem, data, w, h)
    slope = _slopes(problem, data, w, h)
    change, promised, found = _change(problem, data, (w, h), slope, state.damping)
    new_w, new_h = jnp.maximum(w + change[0], 0.0), jnp.maximum(h + change[1], 0.0)
    value = objective(problem, data, new_w, new_h)
    part = jnp.where(found & (promised > 0), (before - value) / jnp.where(promised > 0, promised, 1.0), -1.0)
    kept = jnp.isfinite(value) & (value <= before) & (part > ENOUGH)
    factor = jnp.where(kept & (part > GOOD), 1 / LESS, jnp.where(kept, jnp.where(part < POOR, 2.0, 1.0), MORE))
    damping = jnp.clip(state.damping * factor, LEAST, MOST)
    on = state._replace(w=new_w, h=new_h, ahead_w=new_w, ahead_h=new_h, value=value, plain=jnp.zeros_like(kept))
    return choose(kept, on, state)._replace(damping=damping)


def _slopes(problem: Problem, data: Data, w: jax.Array, h: jax.Array) -> Pair:
    return _slope_w(problem, data, w, h), _slope_h(problem, data, w, h)


def _slope_w(problem: Problem, data: Data, w: jax.Array, h: jax.Array) -> jax.Array:
    if problem.poisson:
        pull, push = products.ratio_by_rows(data.v, w, h), sums_w(data, h)
    elif data.seen is not None:
        pull, push = products.by_rows(data.v, h, w.shape[2]), push_w(data, w, h)
    else:
        pull, push = products.by_rows(data.v, h, w.shape[2]), jnp.einsum("san,sbn,sbm->sam", h, h, w)
    return push - pull + data.l1_w + data.l2_w * w


def _slope_h(problem: Problem, data: Data, w: jax.Array, h: jax.Array) -> jax.Array:
    if problem.poisson:
        pull, push = products.ratio_by_columns(data.v, w, h), sums_h(data, w)
    elif data.seen is not None:
        pull, push = products.by_columns(data.v, w, h.shape[2]), push_h(data, w, h)
    else:
        pull, push = products.by_columns(data.v, w, h.shape[2]), jnp.einsum("sam,sbm,sbn->san", w, w, h)
    return push - pull + data.l1_h + data.l2_h * h


def _linear(problem: Problem, data: Data, w: jax.Array, h: jax.Array) -> Linear:
    def of(slope: Callable, by_w: bool) -> Callable[[jax.Array], jax.Array]:
        function = (lambda x: slope(problem, data, x, h)) if by_w else (lambda x: slope(problem, data, w, x))
        at = w if by_w else h
        return lambda change: jax.jvp(function, (at,), (change,))[1]  # nothing is kept of the size of V

    return Linear(of(_slope_w, True), of(_slope_w, False), of(_slope_h, True), of(_slope_h, False))


def _change(
    problem: Problem, data: Data, at: Pair, slope: Pair, damping: jax.Array
) -> tuple[Pair, jax.Array, jax.Array]:
    """The change of both factors, what F should fall by, and whether the Hessian was found positive there."""
    linear = _linear(problem, data, *at)
    blocks = _blocks(linear.ww, at[0]), _blocks(linear.hh, at[1])

    def round_(_: int, now: tuple[Pair, Pair, Pair, jax.Array]) -> tuple[Pair, Pair, Pair, jax.Array]:
        change, bent, free, found = now
        more, fine = _solve(linear, blocks, free, slope, damping, change, bent)
        change = tuple(d + e for d, e in zip(change, more, strict=True))
        below = tuple(f & (x + d < 0) for f, x, d in zip(free, at, change, strict=True))
        change = tuple(jnp.where(b, -x, d) for b, x, d in zip(below, at, change, strict=True))
        free = tuple(f & ~b for f, b in zip(free, below, strict=True))
        return change, _apply(linear, change), free, found & fine

    none = tuple(map(jnp.zeros_like, at))
    free = tuple((x > 0) | (s < 0) for x, s in zip(at, slope, strict=True))
    begin = none, none, free, jnp.ones(len(damping), bool)
    change, bent, _, found = jax.lax.fori_loop(0, ROUNDS, round_, begin)
    promised = -sum(inner(s, d) + inner(b, d) / 2 for s, b, d in zip(slope, bent, change, strict=True))
    return change, promised, found


def _apply(linear: Linear, change: Pair) -> Pair:
    return linear.ww(change[0]) + linear.wh(change[1]), linear.hw(change[0]) + linear.hh(change[1])


def _blocks(own: Callable[[jax.Array], jax.Array], x: jax.Array) -> jax.Array:
    """The Hessian by each column of X (S, k, p) alone, (S, p, k, k): columns do not depend on each other."""
    columns = jax.lax.map(lambda unit: own(jnp.broadcast_to(unit[:, None], x.shape)), jnp.eye(x.shape[1]))
    return columns.transpose(1, 3, 2, 0)


def _inverse(blocks: jax.Array, free: jax.Array, damping: jax.Array) -> jax.Array:
    """Inverses of the damped blocks on the free entries, 0 elsewhere."""
    rank = blocks.shape[-1]
    there = free.swapaxes(1, 2)
    diagonal = _diagonal(blocks).swapaxes(1, 2)
    size = jnp.where(there & (diagonal > 0), diagonal, 1.0)
    both = there[:, :, :, None] & there[:, :, None, :]
    scale = 1 / jnp.sqrt(size)
    scaled = jnp.where(both, blocks, 0.0) * scale[:, :, :, None] * scale[:, :, None, :]
    scaled = jnp.where(jnp.eye(rank, dtype=bool), 1 + damping[:, None, None, None], scaled)
    return jnp.where(both, _inverted(scaled) * scale[:, :, :, None] * scale[:, :, None, :], 0.0)


def _inverted(matrices: jax.Array) -> jax.Array:
    """Inverses of positive definite matrices (..., k, k) by Gauss-Jordan elimination, all at once."""

    def eliminate(t: int, a: jax.Array) -> jax.Array:
        row = jax.lax.dynamic_index_in_dim(a, t, a.ndim - 2)
        column = jax.lax.dynamic_index_in_dim(a, t, a.ndim - 1)
        pivot = jax.lax.dynamic_index_in_dim(row, t, a.ndim - 1)
        here = jnp.arange(a.shape[-1]) == t
        rest = a - column * row / pivot
        rest = jnp.where(here[:, None], row / pivot, rest)
        rest = jnp.where(here[None, :], -column / pivot, rest)
        return jnp.where(here[:, None] & here[None, :], 1 / pivot, rest)

    return jax.lax.fori_loop(0, matrices.shape[-1], eliminate, matrices)


def _times(blocks: jax.Array, x: jax.Array) -> jax.Array:
    return jnp.einsum("spab,sbp->sap", blocks, x)


def _diagonal(blocks: jax.Array) -> jax.Array:
    return jnp.diagonal(blocks, axis1=2, axis2=3).swapaxes(1, 2)


def _solve(
    linear: Linear, blocks: Pair, free: Pair, slope: Pair, damping: jax.Array, change: Pair, bent: Pair
) -> tuple[Pair, jax.Array]:
    """What to add to the change of the free entries; ``bent`` is the Hessian times the change."""
    inverse_w, inverse_h = (_inverse(b, f, damping) for b, f in zip(blocks, free, strict=True))
    size_w, size_h = (damping[:, None, None] * _diagonal(b) for b in blocks)
    force_w = -slope[0] - bent[0] - size_w * change[0]
    force_h = -slope[1] - bent[1] - size_h * change[1]

    def reduced(x: jax.Array) -> jax.Array:
        back = linear.hw(_times(inverse_w, linear.wh(x)))
        return jnp.where(free[1], linear.hh(x) + size_h * x - back, 0.0)

    target = jnp.where(free[1], force_h - linear.hw(_times(inverse_w, force_w)), 0.0)
    of_h, found = _conjugate(reduced, lambda rest: _times(inverse_h, rest), target)
    return (_times(inverse_w, force_w - linear.wh(of_h)), of_h), found


def _conjugate(apply: Callable, precondition: Callable, target: jax.Array) -> tuple[jax.Array, jax.Array]:
    """At most STEPS of preconditioned conjugate gradients for every start; false where a curvature is not positive."""
    ahead = precondition(target)
    left = inner(target, ahead)
    goal = NEAR**2 * left

    def one(_: int, now: tuple) -> tuple:
        x, rest, along, left, found = now
        bent = apply(along)
        curve = inner(along, bent)
        runs = found & (left > goal)
        found &= ~runs | (curve > 0)
        runs &= found
        length = jnp.where(runs, left / jnp.where(runs, curve, 1.0), 0.0)[:, None, None]
        x, rest = x + length * along, rest - length * bent
        ahead = precondition(rest)
        new = jnp.where(runs, inner(rest, ahead), left)
        turn = jnp.where(runs, new / jnp.where(left > 0, left, 1.0), 0.0)[:, None, None]
        along = jnp.where(runs[:, None, None], ahead + turn * along, along)
        return x, rest, along, new, found

    begin = jnp.zeros_like(target), target, ahead, left, jnp.ones(len(left), bool)
    now = jax.lax.fori_loop(0, STEPS, one, begin)
    return now[0], now[4]
