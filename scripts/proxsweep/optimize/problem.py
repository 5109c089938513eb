"""What a model gives the solvers, and the arithmetic of its parameters' trees."""

from typing import Any, Protocol

import jax
import jax.numpy as jnp

Tree = Any


class Problem(Protocol):
    """Pure functions of ``data`` (arrays) and a tree of parameters ``x``: F(x) = f(Kx, x) + penalty(x), K linear.

    An instance is hashable (it is a static argument of compiled functions) and holds no arrays.
    """

    def forward(self, data: Tree, x: Tree) -> jax.Array:
        """The linear map K, shape (N,)."""

    def backward(self, data: Tree, r: jax.Array) -> Tree:
        """Its transpose, a tree like ``x``."""

    def value(self, data: Tree, z: jax.Array, x: Tree) -> jax.Array:
        """Value of f at z = Kx."""

    def loss(self, data: Tree, z: jax.Array, x: Tree) -> tuple[jax.Array, jax.Array, Tree]:
        """Value of f, its gradient with respect to z (N,), and with respect to x directly (a tree)."""

    def curvature(self, data: Tree, z: jax.Array, x: Tree) -> Tree:
        """Coefficients of the second derivatives of f at (z, x), for :meth:`hessian` and :meth:`diagonal`."""

    def hessian(self, data: Tree, curvature: Tree, dz: jax.Array, dx: Tree) -> tuple[jax.Array, Tree]:
        """Derivative of the two gradients of :meth:`loss` along (dz, dx)."""

    def diagonal(self, data: Tree, curvature: Tree) -> Tree:
        """A positive estimate of the Hessian's diagonal, a tree like ``x``."""

    def metric(self, data: Tree, x: Tree) -> Tree:
        """Positive diagonal of the metric, broadcastable to ``x``: an estimate of the curvature of f."""

    def prox(self, data: Tree, x: Tree, metric: Tree, state: Tree) -> tuple[Tree, Tree]:
        """Minimiser of penalty(p) + |p - x|^2_metric / 2, and the prox's own warm-start state."""

    def project(self, data: Tree, x: Tree) -> Tree:
        """The nearest point that satisfies the separable constraints."""

    def penalty(self, data: Tree, x: Tree) -> jax.Array:
        """The non-smooth part."""

    def face(self, data: Tree, x: Tree, gradient: Tree, state: Tree) -> Tree:
        """Where penalty and constraints are smooth around ``x``: what is tied or held."""

    def slope(self, data: Tree, x: Tree, face: Tree) -> Tree:
        """Gradient of the penalty along the face, a tree like ``x``."""

    def precondition(self, face: Tree, diagonal: Tree) -> Tree:
        """What :meth:`apply_preconditioner` needs of a face and a diagonal."""

    def apply_preconditioner(self, steps: Tree, r: Tree) -> Tree:
        """Preconditioned step along the face: E (E' diag E)^-1 E' r, the columns of E spanning the face."""

    def residual(self, data: Tree, x: Tree, gradient: Tree, state: Tree) -> jax.Array:
        """Largest entry of the prox-gradient step of unit length in the coordinates that matter to users."""

    def figures(self, data: Tree, x: Tree) -> dict[str, jax.Array]:
        """The problem's own figures of progress by name, scalars: columns of the trace."""


def dot(a: Tree, b: Tree) -> jax.Array:
    """Inner product of two trees of equal structure."""
    return sum(jax.tree.leaves(jax.tree.map(lambda u, v: jnp.vdot(u, v), a, b)))


def add(a: Tree, b: Tree) -> Tree:
    return jax.tree.map(jnp.add, a, b)


def subtract(a: Tree, b: Tree) -> Tree:
    return jax.tree.map(jnp.subtract, a, b)


def along(x: Tree, step: jax.Array, direction: Tree) -> Tree:
    """x + step * direction."""
    return jax.tree.map(lambda v, d: v + step * d, x, direction)


def gradient(problem: Problem, data: Tree, r: jax.Array, direct: Tree) -> Tree:
    """Gradient of f from the two parts that :meth:`Problem.loss` gives."""
    return add(direct, problem.backward(data, r))
