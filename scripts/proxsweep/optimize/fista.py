"""Accelerated proximal gradient for problems whose data enter through a linear map.

Minimises F(x) = f(Kx, x) + penalty(x), with K linear, f smooth and the penalty's proximal operator known in a
diagonal metric. The method is FISTA (Beck and Teboulle 2009, SIAM J. Imaging Sci. 2, 183, section 4) with the
gradient-based adaptive restart of O'Donoghue and Candes (2015, Found. Comput. Math. 15, 715, equation 12), and a
step that backtracks and grows again. The line search compares function values while their difference is above
rounding and gradients below it, as TFOCS does (Becker, Candes and Grant 2011, Math. Prog. Comp. 3, 165, section 5.3).

Because K is linear, Kx at an extrapolated point is the extrapolation of known values: one iteration costs one
product with K and one with its transpose, a rejected step one product with K.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from proxsweep.optimize.compiling import compiled
from proxsweep.optimize.problem import Problem, Tree, dot, gradient, subtract

CHECK_EVERY = 10
GROW, SHRINK = 0.95, 2.0
MAX_CURVATURE = 1e30
FUNCTION_TEST_FLOOR = 1e-7


class State(NamedTuple):
    """What one iteration hands to the next; ``residual`` was computed at ``x`` or is infinite."""

    iteration: jax.Array
    x: Tree
    z: jax.Array
    x_previous: Tree
    z_previous: jax.Array
    momentum: jax.Array
    curvature: jax.Array
    metric: Tree
    prox_state: Tree
    smooth: jax.Array
    residual: jax.Array
    finite: jax.Array


def _combine(beta: jax.Array, new: Tree, old: Tree) -> Tree:
    return jax.tree.map(lambda u, v: u + beta * (u - v), new, old)


class Look(NamedTuple):
    """What a look at a running solve shows (all scalars; ``figures`` are the problem's own, by name)."""

    objective: jax.Array
    smooth: jax.Array
    penalty: jax.Array
    residual: jax.Array
    step: jax.Array
    figures: dict[str, jax.Array]


def begin(problem: Problem, data: Tree, x: Tree, prox_state: Tree) -> tuple[State, Look]:
    """State at the start ``x`` (made feasible), before the first iteration, and a look at it."""
    # a weakly typed number here would compile everything twice
    x = jax.tree.map(lambda v: jax.lax.convert_element_type(v, jnp.float64), x)
    return _fresh(problem, data, x, prox_state, jnp.int32(0), jnp.float64(1.0))


def restart(problem: Problem, data: Tree, state: State, x: Tree) -> tuple[State, Look]:
    """The state moved to ``x`` (float64 arrays), without momentum, and a look at it."""
    return _fresh(problem, data, x, state.prox_state, state.iteration, state.curvature)


@compiled("problem")
def _fresh(problem, data, x, prox_state, iteration, curvature) -> tuple[State, Look]:
    x = problem.project(data, x)
    z = problem.forward(data, x)
    smooth, r, direct = problem.loss(data, z, x)
    state = State(
        iteration=iteration,
        x=x,
        z=z,
        x_previous=x,
        z_previous=z,
        momentum=jnp.float64(1.0),
        curvature=curvature,
        metric=problem.metric(data, x),
        prox_state=prox_state,
        smooth=smooth,
        residual=problem.residual(data, x, gradient(problem, data, r, direct), prox_state),
        finite=jnp.isfinite(smooth),
    )
    return state, _look(problem, data, state)


def _look(problem: Problem, data: Tree, state: State) -> Look:
    penalty = problem.penalty(data, state.x)
    return Look(
        objective=state.smooth + penalty,
        smooth=state.smooth,
        penalty=penalty,
        residual=state.residual,
        step=1 / state.curvature,
        figures=problem.figures(data, state.x),
    )


class _Trial(NamedTuple):
    curvature: jax.Array
    x: Tree
    z: jax.Array
    smooth: jax.Array
    prox_state: Tree
    accepted: jax.Array
    visible: jax.Array


def _line_search(problem: Problem, data: Tree, state: State, y: Tree, z_y: jax.Array) -> _Trial:
    smooth_y, r_y, direct_y = problem.loss(data, z_y, y)
    slope = gradient(problem, data, r_y, direct_y)

    def attempt(curvature: jax.Array) -> _Trial:
        metric = jax.tree.map(lambda h: curvature * h, state.metric)
        target = jax.tree.map(lambda v, g, h: v - g / h, y, slope, metric)
        x, prox_state = problem.prox(data, target, metric, state.prox_state)
        z = problem.forward(data, x)
        smooth = problem.value(data, z, x)
        step = subtract(x, y)
        length = dot(step, jax.tree.map(jnp.multiply, metric, step))
        change = smooth - smooth_y
        visible = jnp.abs(change) > FUNCTION_TEST_FLOOR * jnp.abs(smooth_y)
        # the length is finite only where the step is
        usable = jnp.isfinite(smooth) & jnp.isfinite(length)
        accepted = usable & (~visible | (change <= dot(slope, step) + length / 2))
        return _Trial(curvature, x, z, smooth, prox_state, accepted, visible)

    untried = _Trial(
        curvature=state.curvature * GROW / SHRINK,
        x=y,
        z=z_y,
        smooth=smooth_y,
        prox_state=state.prox_state,
        accepted=jnp.array(False),
        visible=jnp.array(True),
    )
    return jax.lax.while_loop(
        lambda trial: ~trial.accepted & (trial.curvature < MAX_CURVATURE),
        lambda trial: attempt(trial.curvature * SHRINK),
        untried,
    )


def _iterate(problem: Problem, data: Tree, state: State, until: jax.Array) -> State:
    momentum = (1 + jnp.sqrt(1 + 4 * state.momentum**2)) / 2
    beta = (state.momentum - 1) / momentum
    y = _combine(beta, state.x, state.x_previous)
    z_y = _combine(beta, state.z, state.z_previous)
    trial = _line_search(problem, data, state, y, z_y)
    iteration = state.iteration + 1

    # the metric may only change where no momentum is carried over
    uphill = dot(subtract(y, trial.x), jax.tree.map(jnp.multiply, state.metric, subtract(trial.x, state.x)))
    restart = (uphill > 0) & trial.accepted
    metric = jax.lax.cond(restart, lambda: problem.metric(data, trial.x), lambda: state.metric)
    residual = jax.lax.cond(
        (iteration % CHECK_EVERY == 0) | (iteration == until),
        lambda: _residual_at(problem, data, trial.x, trial.z, trial.prox_state),
        lambda: jnp.float64(jnp.inf),
    )
    # No acceptable step: with momentum it may be rounding (the extrapolated z is not exactly K y), so begin again at
    # the last point; without, a step of no length would do, so the values there are not finite.
    good = trial.accepted
    x, z = jax.tree.map(lambda new, old: jnp.where(good, new, old), (trial.x, trial.z), (state.x, state.z))
    return State(
        iteration=iteration,
        x=x,
        z=z,
        x_previous=state.x,
        z_previous=state.z,
        momentum=jnp.where(restart | ~good, 1.0, momentum),
        curvature=jnp.where(good, jnp.where(trial.visible, trial.curvature, state.curvature), 1.0),
        metric=metric,
        prox_state=trial.prox_state,
        smooth=jnp.where(good, trial.smooth, state.smooth),
        residual=jnp.where(good, residual, jnp.float64(jnp.inf)),
        finite=good | (state.momentum > 1),
    )


def _residual_at(problem, data, x, z, prox_state):
    _, r, direct = problem.loss(data, z, x)
    return problem.residual(data, x, gradient(problem, data, r, direct), prox_state)


@compiled("problem")
def step_target(problem: Problem, data: Tree, state: State) -> tuple[Tree, Tree]:
    """The point x - gradient / metric whose prox is the next plain step from ``state.x``, and the metric."""
    smooth, r, direct = problem.loss(data, state.z, state.x)
    slope = gradient(problem, data, r, direct)
    metric = jax.tree.map(lambda h: state.curvature * h, state.metric)
    return jax.tree.map(lambda v, g, h: v - g / h, state.x, slope, metric), metric


@compiled("problem")
def advance(problem: Problem, data: Tree, state: State, until: jax.Array, goal: jax.Array) -> tuple[State, Look]:
    """Iterate until iteration ``until``, a residual of at most ``goal``, or a value that is not finite.

    Parameters
    ----------
    problem, data
        The model's functions and arrays.
    state
        From :func:`begin`, :func:`restart` or an earlier call.
    until : () int32
    goal : () float64
        Absolute residual at which to stop; looked at every tenth iteration.

    Returns
    -------
    tuple
        The new state and a look at it, with the residual at its ``x``.
    """

    def running(state: State) -> jax.Array:
        return (state.iteration < until) & (state.residual > goal) & state.finite

    state = jax.lax.while_loop(running, lambda state: _iterate(problem, data, state, until), state)
    return state, _look(problem, data, state)
