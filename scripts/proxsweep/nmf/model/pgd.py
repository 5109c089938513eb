"""Projected gradient with a step that follows the curvature (Lin 2007, Neural Comput. 19, 2756, algorithm 4).

x <- max(0, x - a g), on both factors at once or on W, then on H, each with its own step. The step a of the last
iteration is divided by `decrease`, then multiplied by it until f(new) - f <= `sufficient` <g, new - x>. That difference
is computed from what has changed, not from two values of f, so that it keeps its digits.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from proxsweep.nmf.model import products
from proxsweep.nmf.model.extrapolation import choose
from proxsweep.nmf.model.problem import Data, Problem, apply_gram, gram, inner, on_simplex

MOST_TRIALS = 100


class Line(NamedTuple):
    """Settings of the line search."""

    decrease: jax.Array
    sufficient: jax.Array


class All(NamedTuple):
    """Factors, V' W, and the step (S,)."""

    w: jax.Array
    h: jax.Array
    cross: jax.Array
    step: jax.Array


class Alternating(NamedTuple):
    """Factors, and a step for each, (S,)."""

    w: jax.Array
    h: jax.Array
    step_w: jax.Array
    step_h: jax.Array


class _Trial(NamedTuple):
    step: jax.Array
    moved: tuple[jax.Array, ...]
    accepted: jax.Array
    count: jax.Array


def begin_all(problem: Problem, data: Data, w: jax.Array, h: jax.Array) -> All:
    """The state at starts W (S, k, m), H (S, k, n)."""
    w = on_simplex(w) if problem.simplex else w
    return All(w, h, products.by_columns(data.v, w, h.shape[2]), jnp.ones(len(w)))


def iterate_all(problem: Problem, data: Data, line: Line, state: All) -> All:
    """One step on both factors."""
    w, h, cross, step = state
    square_w, square_h = gram(w), gram(h)
    slope_w = apply_gram(square_h, w) - products.by_rows(data.v, h, w.shape[2]) + data.l1_w + data.l2_w * w
    slope_h = apply_gram(square_w, h) - cross + data.l1_h + data.l2_h * h

    def attempt(step: jax.Array) -> tuple[tuple[jax.Array, ...], jax.Array]:
        new_w, new_h = _move(problem.simplex, w, slope_w, step), _move(False, h, slope_h, step)
        by_w, by_h = new_w - w, new_h - h
        by_cross = products.by_columns(data.v, by_w, h.shape[2])
        promised = inner(slope_w, by_w) + inner(slope_h, by_h)
        # W H - V times dW dH, and half the square of dW (H + dH) + W dH, by k x k matrices
        mixed = inner(_cross(w, by_w), _cross(h, by_h)) - inner(by_cross, by_h)
        square = inner(gram(by_w), gram(new_h)) + 2 * inner(_cross(by_w, w), _cross(new_h, by_h))
        square += inner(square_w, gram(by_h))
        bend = data.l2_w * inner(by_w, by_w) + data.l2_h * inner(by_h, by_h)
        change = promised + mixed + (square + bend) / 2
        return (new_w, new_h, cross + by_cross), change <= line.sufficient * promised

    found = _search(line, step, (w, h, cross), attempt)
    return All(*found.moved, found.step)


def begin_alternating(problem: Problem, w: jax.Array, h: jax.Array) -> Alternating:
    """The state at starts W (S, k, m), H (S, k, n)."""
    w = on_simplex(w) if problem.simplex else w
    return Alternating(w, h, jnp.ones(len(w)), jnp.ones(len(w)))


def iterate_alternating(problem: Problem, data: Data, line: Line, steps: int, state: Alternating) -> Alternating:
    """So many steps on W, then as many on H."""
    w, h, step_w, step_h = state
    rank = jnp.eye(w.shape[1])
    pull = products.by_rows(data.v, h, w.shape[2]) - data.l1_w
    w, step_w = _block(line, steps, problem.simplex, w, gram(h) + data.l2_w * rank, pull, step_w)
    pull = products.by_columns(data.v, w, h.shape[2]) - data.l1_h
    h, step_h = _block(line, steps, False, h, gram(w) + data.l2_h * rank, pull, step_h)
    return Alternating(w, h, step_w, step_h)


def _block(line: Line, steps: int, simplex: bool, x, bend, pull, step) -> tuple[jax.Array, jax.Array]:
    """Steps on the quadratic 1/2 <X, bend X> - <pull, X>."""

    def iterate(_: int, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        x, step = state
        slope = apply_gram(bend, x) - pull

        def attempt(step: jax.Array) -> tuple[tuple[jax.Array], jax.Array]:
            new = _move(simplex, x, slope, step)
            promised = inner(slope, new - x)
            change = promised + inner(apply_gram(bend, new - x), new - x) / 2
            return (new,), change <= line.sufficient * promised

        found = _search(line, step, (x,), attempt)
        return found.moved[0], found.step

    return jax.lax.fori_loop(0, steps, iterate, (x, step))


def _move(simplex: bool, x: jax.Array, slope: jax.Array, step: jax.Array) -> jax.Array:
    target = x - step[:, None, None] * slope
    return on_simplex(target) if simplex else jnp.maximum(target, 0.0)


def _cross(a: jax.Array, b: jax.Array) -> jax.Array:
    """A B' of every start, (S, k, k)."""
    return jnp.einsum("sap,sbp->sab", a, b)


def _search(line: Line, step: jax.Array, here: tuple, attempt: Callable) -> _Trial:
    """Trials of every start until one is accepted; where none is, nothing moves."""

    def again(trial: _Trial) -> _Trial:
        shorter = jnp.where(trial.accepted, trial.step, trial.step * line.decrease)
        moved, accepted = attempt(shorter)
        new = _Trial(shorter, moved, accepted, jnp.broadcast_to(trial.count, accepted.shape))
        kept = choose(trial.accepted | ~accepted, trial._replace(count=new.count), new)
        return kept._replace(step=shorter, accepted=trial.accepted | accepted, count=trial.count + 1)

    def unfinished(trial: _Trial) -> jax.Array:
        return ~trial.accepted.all() & (trial.count < MOST_TRIALS)

    # the first trial is the last step divided by `decrease`
    start = _Trial(step / line.decrease**2, here, jnp.zeros(len(step), bool), jnp.int32(0))
    return jax.lax.while_loop(unfinished, again, start)
