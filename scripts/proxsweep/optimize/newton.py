"""Newton steps along the face of the penalty that proximal gradient steps have found.

On a face, where ties and active bounds are kept, the objective is smooth. One step solves the Newton equations there
by conjugate gradients, preconditioned by the Hessian's diagonal and truncated at negative curvature (Steihaug 1983,
SIAM J. Numer. Anal. 20, 626), and searches along the direction for a decrease of the whole objective. In between,
proximal gradient steps let the face change (Bareilles, Iutzeler and Malick 2022, Math. Program. 200, 37, algorithm 1).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from proxsweep.optimize.compiling import compiled
from proxsweep.optimize.problem import Problem, Tree, along, dot, gradient, subtract

ARMIJO = 1e-4
SHORTER = 0.4
TRIALS = 8
ROUNDING = 1e-15


class Newton(NamedTuple):
    """What a Newton step gives. ``x`` is the old one where no decrease was found (``step`` 0)."""

    x: Tree
    step: jax.Array
    products: jax.Array


class _Solve(NamedTuple):
    direction: Tree
    r: Tree
    search: Tree
    size: jax.Array
    products: jax.Array
    bent: jax.Array


class _Trial(NamedTuple):
    step: jax.Array
    count: jax.Array
    x: Tree
    accepted: jax.Array


@compiled("problem")
def newton(
    problem: Problem, data: Tree, x: Tree, z: jax.Array, prox_state: Tree, forcing: jax.Array, budget: jax.Array
) -> Newton:
    """One Newton step from ``x`` along its face.

    Parameters
    ----------
    problem, data
        The model's functions and arrays.
    x, z
        Parameters and Kx (N,).
    prox_state
        State of the prox that gave ``x``; says what is tied where the prox is not exact.
    forcing : () float64
        Reduction of the preconditioned residual at which the inner solve ends.
    budget : () int32
        Products with the Hessian at most.
    """
    _, r, direct = problem.loss(data, z, x)
    smooth_gradient = gradient(problem, data, r, direct)
    face = problem.face(data, x, smooth_gradient, prox_state)
    slope = jax.tree.map(jnp.add, smooth_gradient, problem.slope(data, x, face))
    solved = _solve(problem, data, x, z, face, slope, forcing, budget)
    trial = _search(problem, data, x, z, slope, solved.direction)
    return Newton(trial.x, jnp.where(trial.accepted, trial.step, 0.0), solved.products)


def _solve(problem, data, x, z, face, slope, forcing, budget) -> _Solve:
    """Conjugate gradients on the Newton equations of the face."""
    curvature = problem.curvature(data, z, x)
    steps = problem.precondition(face, problem.diagonal(data, curvature))

    def product(v: Tree) -> Tree:
        r, direct = problem.hessian(data, curvature, problem.forward(data, v), v)
        return gradient(problem, data, r, direct)

    def unfinished(now: _Solve) -> jax.Array:
        return (now.products < budget) & (now.size > goal) & ~now.bent

    def iterate(now: _Solve) -> _Solve:
        image = product(now.search)
        bend = dot(now.search, image)
        bent = bend <= 0
        # negative curvature: end there; a first direction of that kind is steepest descent, for the search to size
        step = jnp.where(bent, jnp.where(now.products == 0, 1.0, 0.0), now.size / bend)
        r = along(now.r, -step, image)
        y = problem.apply_preconditioner(steps, r)
        size = dot(r, y)
        return _Solve(
            direction=along(now.direction, step, now.search),
            r=r,
            search=along(y, size / now.size, now.search),
            size=size,
            products=now.products + 1,
            bent=bent,
        )

    r = jax.tree.map(jnp.negative, slope)
    y = problem.apply_preconditioner(steps, r)
    size = dot(r, y)
    goal = forcing**2 * size
    start = _Solve(jax.tree.map(jnp.zeros_like, y), r, y, size, jnp.int32(0), jnp.array(False))
    return jax.lax.while_loop(unfinished, iterate, start)


def _search(problem: Problem, data: Tree, x: Tree, z: jax.Array, slope: Tree, direction: Tree) -> _Trial:
    """Backtracking on the whole objective; constraints are met by projection."""
    here = problem.value(data, z, x) + problem.penalty(data, x)

    def attempt(step: jax.Array, count: jax.Array) -> _Trial:
        moved = problem.project(data, along(x, step, direction))
        z_moved = problem.forward(data, moved)
        there = problem.value(data, z_moved, moved) + problem.penalty(data, moved)
        promised = dot(slope, subtract(moved, x))
        accepted = (promised < 0) & (there <= here + ARMIJO * promised + ROUNDING * jnp.abs(here))
        return _Trial(step, count, moved, accepted)

    found = jax.lax.while_loop(
        lambda trial: ~trial.accepted & (trial.count < TRIALS),
        lambda trial: attempt(SHORTER * trial.step, trial.count + 1),
        _Trial(jnp.float64(1 / SHORTER), jnp.int32(0), x, jnp.array(False)),
    )
    kept = jax.tree.map(lambda new, old: jnp.where(found.accepted, new, old), found.x, x)
    return found._replace(x=kept)
