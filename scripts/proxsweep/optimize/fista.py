"""Accelerated proximal gradient for problems whose data enter through a linear map.

Minimises F(x) = f(Kx, x) + penalty(x), with K linear, f smooth and the penalty's proximal operator known in a
diagonal metric. The method is FISTA (Beck and Teboulle 2009, SIAM J. Imaging Sci. 2, 183, section 4) with the
gradient-based adaptive restart of O'Donoghue and Candes (2015, Found. Comput. Math. 15, 715, equation 12), and a
step that backtracks and grows again. The line search compares function values while their difference is above
rounding and gradients below it, as TFOCS does (Becker, Candes and Grant 2011, Math. Prog. Comp. 3, 165, section 5.3).

Because K is linear, Kx at an extrapolated point is the extrapolation of known values: one iteration costs one
product with K and one with its transpose, a rejected step one product with K.
"""

import functools
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

Tree = Any

CHECK_EVERY = 10
GROW, SHRINK = 0.95, 2.0
MAX_CURVATURE = 1e30
FUNCTION_TEST_FLOOR = 1e-7


class Problem(Protocol):
    """What a model gives the solver: pure functions of ``data`` (arrays) and a tree of parameters ``x``.

    An instance is hashable (it is a static argument of compiled functions) and holds no arrays.
    """

    def forward(self, data: Tree, x: Tree) -> jax.Array:
        """The linear map K, shape (N,)."""

    def backward(self, data: Tree, r: jax.Array) -> Tree:
        """Its transpose, a tree like ``x``."""

    def loss(self, data: Tree, z: jax.Array, x: Tree) -> tuple[jax.Array, jax.Array, Tree]:
        """Value of f, its gradient with respect to z (N,), and with respect to x directly (a tree)."""

    def metric(self, data: Tree, x: Tree) -> Tree:
        """Positive diagonal of the metric, broadcastable to ``x``: an estimate of the curvature of f."""

    def prox(self, data: Tree, x: Tree, metric: Tree, state: Tree) -> tuple[Tree, Tree]:
        """Minimiser of penalty(p) + |p - x|^2_metric / 2, and the prox's own warm-start state."""

    def penalty(self, data: Tree, x: Tree) -> jax.Array:
        """The non-smooth part."""

    def residual(self, data: Tree, x: Tree, gradient: Tree, state: Tree) -> jax.Array:
        """Largest entry of the prox-gradient step of unit length in the coordinates that matter to users."""

    def zero_share(self, data: Tree, x: Tree) -> jax.Array:
        """Share of penalised differences that are exactly zero (for the trace)."""


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


def dot(a: Tree, b: Tree) -> jax.Array:
    """Inner product of two trees of equal structure."""
    return sum(jax.tree.leaves(jax.tree.map(lambda u, v: jnp.sum(u * v), a, b)))


def _combine(beta: jax.Array, new: Tree, old: Tree) -> Tree:
    return jax.tree.map(lambda u, v: u + beta * (u - v), new, old)


def _subtract(a: Tree, b: Tree) -> Tree:
    return jax.tree.map(jnp.subtract, a, b)


@functools.partial(jax.jit, static_argnames="problem")
def initial_state(problem: Problem, data: Tree, x: Tree, prox_state: Tree) -> State:
    """State at the start ``x`` (float64 arrays), before the first iteration."""
    # a weakly typed scalar here would compile everything twice
    x = jax.tree.map(lambda v: jax.lax.convert_element_type(v, jnp.float64), x)
    z = problem.forward(data, x)
    smooth, r, direct = problem.loss(data, z, x)
    gradient = jax.tree.map(jnp.add, direct, problem.backward(data, r))
    return State(
        iteration=jnp.int32(0),
        x=x,
        z=z,
        x_previous=x,
        z_previous=z,
        momentum=jnp.float64(1.0),
        curvature=jnp.float64(1.0),
        metric=problem.metric(data, x),
        prox_state=prox_state,
        smooth=smooth,
        residual=problem.residual(data, x, gradient, prox_state),
        finite=jnp.isfinite(smooth),
    )


class _Trial(NamedTuple):
    curvature: jax.Array
    x: Tree
    z: jax.Array
    smooth: jax.Array
    r: jax.Array
    direct: Tree
    prox_state: Tree
    accepted: jax.Array


def _line_search(problem: Problem, data: Tree, state: State, y: Tree, z_y: jax.Array) -> _Trial:
    smooth_y, r_y, direct_y = problem.loss(data, z_y, y)
    gradient = jax.tree.map(jnp.add, direct_y, problem.backward(data, r_y))

    def attempt(curvature: jax.Array) -> _Trial:
        metric = jax.tree.map(lambda h: curvature * h, state.metric)
        target = jax.tree.map(lambda v, g, h: v - g / h, y, gradient, metric)
        x, prox_state = problem.prox(data, target, metric, state.prox_state)
        z = problem.forward(data, x)
        smooth, r, direct = problem.loss(data, z, x)
        step = _subtract(x, y)
        length = dot(step, jax.tree.map(jnp.multiply, metric, step))
        change = smooth - smooth_y
        by_value = change <= dot(gradient, step) + length / 2
        by_gradient = jnp.vdot(r - r_y, z - z_y) + dot(_subtract(direct, direct_y), step) <= length
        visible = jnp.abs(change) > FUNCTION_TEST_FLOOR * jnp.abs(smooth_y)
        accepted = jnp.isfinite(smooth) & jnp.where(visible, by_value, by_gradient)
        return _Trial(curvature, x, z, smooth, r, direct, prox_state, accepted)

    return jax.lax.while_loop(
        lambda trial: ~trial.accepted & (trial.curvature < MAX_CURVATURE),
        lambda trial: attempt(trial.curvature * SHRINK),
        attempt(state.curvature * GROW),
    )


def _iterate(problem: Problem, data: Tree, state: State) -> State:
    momentum = (1 + jnp.sqrt(1 + 4 * state.momentum**2)) / 2
    beta = (state.momentum - 1) / momentum
    y = _combine(beta, state.x, state.x_previous)
    z_y = _combine(beta, state.z, state.z_previous)
    trial = _line_search(problem, data, state, y, z_y)
    iteration = state.iteration + 1

    # the metric may only change where no momentum is carried over
    uphill = dot(_subtract(y, trial.x), jax.tree.map(jnp.multiply, state.metric, _subtract(trial.x, state.x)))
    restart = uphill > 0
    metric = jax.lax.cond(restart, lambda: problem.metric(data, trial.x), lambda: state.metric)
    residual = jax.lax.cond(
        iteration % CHECK_EVERY == 0,
        lambda: _residual(problem, data, trial.x, trial.r, trial.direct, trial.prox_state),
        lambda: jnp.array(jnp.inf),
    )
    moved = State(
        iteration=iteration,
        x=trial.x,
        z=trial.z,
        x_previous=state.x,
        z_previous=state.z,
        momentum=jnp.where(restart, 1.0, momentum),
        curvature=trial.curvature,
        metric=metric,
        prox_state=trial.prox_state,
        smooth=trial.smooth,
        residual=residual,
        finite=jnp.array(True),
    )
    # No acceptable step: with momentum it may be rounding (the extrapolated z is not exactly K y), so begin again at
    # the last point; without, a step of no length would do, so the values there are not finite.
    stuck = state._replace(
        iteration=iteration,
        x_previous=state.x,
        z_previous=state.z,
        momentum=jnp.float64(1.0),
        curvature=jnp.float64(1.0),
        residual=jnp.array(jnp.inf),
        finite=state.momentum > 1,
    )
    return jax.tree.map(functools.partial(jnp.where, trial.accepted), moved, stuck)


def _residual(problem, data, x, r, direct, prox_state):
    gradient = jax.tree.map(jnp.add, direct, problem.backward(data, r))
    return problem.residual(data, x, gradient, prox_state)


@functools.partial(jax.jit, static_argnames="problem")
def step_target(problem: Problem, data: Tree, state: State) -> tuple[Tree, Tree]:
    """The point x - gradient / metric whose prox is the next plain step from ``state.x``, and the metric."""
    smooth, r, direct = problem.loss(data, state.z, state.x)
    gradient = jax.tree.map(jnp.add, direct, problem.backward(data, r))
    metric = jax.tree.map(lambda h: state.curvature * h, state.metric)
    return jax.tree.map(lambda v, g, h: v - g / h, state.x, gradient, metric), metric


class Look(NamedTuple):
    """What a look at a running solve shows (all scalars)."""

    objective: jax.Array
    smooth: jax.Array
    penalty: jax.Array
    residual: jax.Array
    step: jax.Array
    zero_share: jax.Array


@functools.partial(jax.jit, static_argnames="problem")
def advance(problem: Problem, data: Tree, state: State, until: jax.Array, goal: jax.Array) -> tuple[State, Look]:
    """Iterate until iteration ``until``, a residual of at most ``goal``, or a value that is not finite.

    Parameters
    ----------
    problem, data
        The model's functions and arrays.
    state
        From :func:`initial_state` or an earlier call.
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

    state = jax.lax.while_loop(running, lambda state: _iterate(problem, data, state), state)
    smooth, r, direct = problem.loss(data, state.z, state.x)
    residual = _residual(problem, data, state.x, r, direct, state.prox_state)
    penalty = problem.penalty(data, state.x)
    look = Look(
        objective=smooth + penalty,
        smooth=smooth,
        penalty=penalty,
        residual=residual,
        step=1 / state.curvature,
        zero_share=problem.zero_share(data, state.x),
    )
    return state._replace(residual=residual), look
