"""The joint model of several conditions: smooth part, constraints, and the maps the solver needs.

Condition d has variants i with scores y_i, weights w_i and a latent phenotype phi_i = b0_d + x_i . b_d; the predicted
score is g(phi), the identity (``linear``) or scale / (1 + exp(-phi)) + bias (``sigmoid``). Data are held in each
condition's own coordinates (:class:`proxsweep.dms.data.encoding.Encoding`), effects ``b`` always in the reference's:
with s = -1 on the bundle and 1 elsewhere, phi = b0_own + X_own (s * b), where b0_own = b0 + sum of b over the bundle.
So the fusion penalty acts on ``b`` itself, and no bundle column is dense.
"""

import itertools
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from proxsweep.optimize import face
from proxsweep.optimize.difference import Difference
from proxsweep.optimize.pieces import sums
from proxsweep.optimize.prox import prox

Parameters = dict[str, Any]

TINY = 1e-12

FIGURES = ("zero_share",)  # what :meth:`Model.figures` adds to the trace


def change_coordinates(b: np.ndarray, b0: np.ndarray, bundle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Change effects between the reference's coordinates and each condition's own; its own inverse.

    Parameters
    ----------
    b : (D, M)
        Effects (latent phenotype).
    b0 : (D,)
        Latent phenotype of the wildtype of the coordinates.
    bundle : (D, M) bool
        Mutations that separate the condition's wildtype from the reference's.

    Returns
    -------
    tuple of (D, M) and (D,) arrays
    """
    return np.where(bundle, -b, b), b0 + np.where(bundle, b, 0.0).sum(axis=1)


def predict(phi: Any, scale: Any, bias: Any, sigmoid: bool) -> Any:
    """Predicted functional scores at latent phenotypes ``phi`` (same shape)."""
    return scale * jax.nn.sigmoid(phi) + bias if sigmoid else phi


@dataclass(frozen=True)
class Model:
    """Static part of a problem: what makes compiled code differ. Numbers live in :mod:`proxsweep.dms.model.arrays`.

    ``offsets`` are those of the arrays' rows, not the encoding's.

    Implements :class:`proxsweep.optimize.problem.Problem` for parameters ``{"b": (P, M), "b0": (D,), "scale": (),
    "bias": ()}``; P >= D counts inner nodes of a tree, ``b0`` is each condition's own intercept, and ``scale`` and
    ``bias`` stay untouched when ``sigmoid`` is false.
    """

    sigmoid: bool
    difference: Difference
    offsets: tuple[int, ...]
    boxed: bool = False

    def forward(self, data: dict, x: Parameters) -> jax.Array:
        effects = (data["sign"] * x["b"][: data["sign"].shape[0]]).ravel()
        latent = sums(data["by_row"], effects, self.offsets[-1])
        return latent + jnp.concatenate([jnp.broadcast_to(v, n) for v, n in zip(x["b0"], self._sizes(), strict=True)])

    def backward(self, data: dict, r: jax.Array) -> Parameters:
        effects = data["sign"] * self._column_sums(data, r)
        return {
            "b": jnp.concatenate([effects, self._inner_zeros(effects)]),
            "b0": self._condition_sums(r),
            "scale": jnp.zeros(()),
            "bias": jnp.zeros(()),
        }

    def value(self, data: dict, z: jax.Array, x: Parameters) -> jax.Array:
        error = predict(z, x["scale"], x["bias"], self.sigmoid) - data["scores"]
        clipped = jnp.clip(error, -data["huber_delta"], data["huber_delta"])
        return jnp.vdot(data["loss_weights"], clipped * (error - clipped / 2)) + self._ridge_value(data, x)

    def loss(self, data: dict, z: jax.Array, x: Parameters) -> tuple[jax.Array, jax.Array, Parameters]:
        saturation = jax.nn.sigmoid(z) if self.sigmoid else z
        predicted = x["scale"] * saturation + x["bias"] if self.sigmoid else z
        error = predicted - data["scores"]
        clipped = jnp.clip(error, -data["huber_delta"], data["huber_delta"])
        value = jnp.vdot(data["loss_weights"], clipped * (error - clipped / 2)) + self._ridge_value(data, x)
        slope = data["loss_weights"] * clipped
        direct = self._ridge_product(data, x)
        if not self.sigmoid:
            return value, slope, direct
        free = data["sigmoid_free"]
        direct["scale"] = free * jnp.vdot(slope, saturation)
        direct["bias"] = free * jnp.vdot(data["loss_weights"], clipped)
        return value, slope * x["scale"] * saturation * (1 - saturation), direct

    def curvature(self, data: dict, z: jax.Array, x: Parameters) -> dict[str, jax.Array]:
        """Second derivatives of a variant's loss: in phi (``latent``), mixed, and in scale and bias summed up.

        With s the sigmoid, g' = scale s (1 - s), e the error, u = 1 where abs(e) < delta and c the clipped error:
        d2/dphi2 = u g'^2 + c g' (1 - 2 s), d2/dphi dscale = u g' s + c s (1 - s), d2/dphi dbias = u g'.
        """
        saturation = jax.nn.sigmoid(z) if self.sigmoid else z
        error = predict(z, x["scale"], x["bias"], self.sigmoid) - data["scores"]
        quadratic = data["loss_weights"] * (jnp.abs(error) < data["huber_delta"])
        if not self.sigmoid:
            return {"latent": quadratic}
        clipped = data["loss_weights"] * jnp.clip(error, -data["huber_delta"], data["huber_delta"])
        steep = saturation * (1 - saturation)
        slope = x["scale"] * steep
        through = quadratic * saturation
        return {
            "latent": quadratic * slope**2 + clipped * slope * (1 - 2 * saturation),
            "latent_scale": through * slope + clipped * steep,
            "latent_bias": quadratic * slope,
            "scale_scale": jnp.vdot(through, saturation),
            "scale_bias": jnp.sum(through),
            "bias_bias": jnp.sum(quadratic),
        }

    def hessian(self, data: dict, curvature: dict, dz: jax.Array, dx: Parameters) -> tuple[jax.Array, Parameters]:
        direct = self._ridge_product(data, dx)
        if not self.sigmoid:
            return curvature["latent"] * dz, direct
        scale, bias = dx["scale"], dx["bias"]
        mixed = curvature["latent_scale"] * scale + curvature["latent_bias"] * bias
        scale_row = curvature["scale_scale"] * scale + curvature["scale_bias"] * bias
        bias_row = curvature["scale_bias"] * scale + curvature["bias_bias"] * bias
        direct["scale"] = jnp.vdot(curvature["latent_scale"], dz) + scale_row
        direct["bias"] = jnp.vdot(curvature["latent_bias"], dz) + bias_row
        return curvature["latent"] * dz + mixed, direct

    def diagonal(self, data: dict, curvature: dict) -> Parameters:
        size = jnp.abs(curvature["latent"])
        effects = self._column_sums(data, size) + 2 * data["ridge"][:, None]
        one = jnp.ones(())
        return {
            # a mutation without data and without ridge still needs a positive entry
            "b": jnp.maximum(jnp.concatenate([effects, self._inner_zeros(effects)]), TINY),
            "b0": jnp.maximum(self._condition_sums(size), TINY),
            "scale": jnp.maximum(curvature["scale_scale"], TINY) if self.sigmoid else one,
            "bias": jnp.maximum(curvature["bias_bias"], TINY) if self.sigmoid else one,
        }

    def _sizes(self) -> list[int]:
        return [b - a for a, b in itertools.pairwise(self.offsets)]

    def _column_sums(self, data: dict, r: jax.Array) -> jax.Array:
        """Sums of r (N,) over the variants that carry a mutation, in own coordinates. (D, M)"""
        shape = data["sign"].shape
        return sums(data["by_column"], r, shape[0] * shape[1]).reshape(shape)

    def _condition_sums(self, r: jax.Array) -> jax.Array:
        return jnp.stack([jnp.vdot(part, jnp.ones_like(part)) for part in jnp.split(r, self.offsets[1:-1])])

    def _inner_zeros(self, effects: jax.Array) -> jax.Array:
        return jnp.zeros((len(self.difference.nodes) - effects.shape[0], effects.shape[1]))

    def _ridge_value(self, data: dict, x: Parameters) -> jax.Array:
        return jnp.vdot(data["ridge"], jnp.sum(x["b"][: data["sign"].shape[0]] ** 2, axis=1))

    def _ridge_product(self, data: dict, x: Parameters) -> Parameters:
        b = x["b"][: data["sign"].shape[0]]
        return {
            "b": jnp.concatenate([2 * data["ridge"][:, None] * b, self._inner_zeros(b)]),
            "b0": jnp.zeros_like(x["b0"]),
            "scale": jnp.zeros(()),
            "bias": jnp.zeros(()),
        }

    def metric(self, data: dict, x: Parameters) -> Parameters:
        """Diagonal bound on the Gauss-Newton curvature: |J_ij| times the row sum of |J_i| (Huber curvature 1)."""
        steep = jnp.abs(x["scale"]) / 4 if self.sigmoid else jnp.array(1.0)
        others = 2.0 if self.sigmoid else 0.0
        b = jnp.max(steep**2 * data["row_sums"] + others * steep * data["row_counts"], axis=0)
        # mutations without data and a flat sigmoid still need a positive metric
        b = jnp.maximum(b, jnp.maximum(1e-6 * jnp.max(b), TINY)) + 2 * jnp.max(data["ridge"])
        intercept = steep**2 * data["intercept_sums"] + others * steep * data["intercept_counts"]
        total = jnp.sum(data["intercept_counts"])
        shape = steep * jnp.sum(data["intercept_sums"]) + others * total
        return {"b": b[None], "b0": jnp.maximum(intercept, TINY), "scale": shape, "bias": shape}

    def project(self, data: dict, x: Parameters) -> Parameters:
        """The separable constraints: box on b, bounds of scale, a fixed intercept of the reference."""
        scale = jnp.clip(x["scale"], 0.0, data["scale_bound"]) if self.sigmoid else x["scale"]
        return {
            "b": jnp.clip(x["b"], *data["effect_bounds"]) if self.boxed else x["b"],
            "b0": x["b0"] * data["intercept_free"],
            "scale": scale,
            "bias": x["bias"],
        }

    def prox(self, data: dict, x: Parameters, metric: Parameters, state: Any) -> tuple[Parameters, Any]:
        # a branch of its own keeps the operator from being compiled into, and computed by, each of its users
        b, state = jax.lax.cond(
            data["lasso"] > 0, lambda: self._fuse(data, x["b"], metric["b"][0], state), lambda: (x["b"], state)
        )
        return self.project(data, {**x, "b": b}), state

    def _fuse(self, data: dict, b: jax.Array, metric: jax.Array, state: Any) -> tuple[jax.Array, Any]:
        fused = prox(self.difference, b, jnp.broadcast_to(data["lasso"] / metric, b.shape[1:]), state)
        return fused.x, fused.state

    def penalty(self, data: dict, x: Parameters) -> jax.Array:
        return data["lasso"] * jnp.sum(jnp.abs(self.shifts(x)))

    def face(self, data: dict, x: Parameters, gradient: Parameters, state: Any) -> dict:
        """Ties of b, and which parameters may move: not those at a bound, not what is fixed.

        The scale leaves its bound again where its gradient asks for it; effects in a box wait for a proximal step.
        """
        lower, upper = data["effect_bounds"]
        zero = face.zero_rows(self.difference, x["b"], None if state is None else state.z)
        zero &= data["lasso"] > 0
        scale, pull = x["scale"], gradient["scale"]
        held = ((scale >= data["scale_bound"]) & (pull <= 0)) | ((scale <= 0) & (pull >= 0))
        free = data["sigmoid_free"] if self.sigmoid else jnp.zeros(())
        return {
            "ties": face.find(self.difference, zero),
            "zero": zero,
            "free": {
                "b": jnp.where((x["b"] > lower) & (x["b"] < upper), 1.0, 0.0),
                "b0": data["intercept_free"],
                "scale": jnp.where(held, 0.0, free),
                "bias": free,
            },
        }

    def slope(self, data: dict, x: Parameters, at: dict) -> Parameters:
        signs = jnp.where(at["zero"], 0.0, jnp.sign(self.shifts(x)))
        return {
            "b": data["lasso"] * (jnp.array(self.difference.matrix).T @ signs),
            "b0": jnp.zeros_like(x["b0"]),
            "scale": jnp.zeros(()),
            "bias": jnp.zeros(()),
        }

    def precondition(self, at: dict, diagonal: Parameters) -> dict:
        free = at["free"]
        steps = {name: free[name] / diagonal[name] for name in ("b0", "scale", "bias")}
        return {**steps, "b": face.prepare(at["ties"], diagonal["b"], free["b"])}

    def apply_preconditioner(self, steps: dict, r: Parameters) -> Parameters:
        moved = {name: steps[name] * r[name] for name in ("b0", "scale", "bias")}
        return {**moved, "b": face.apply_preconditioner(steps["b"], r["b"])}

    def shifts(self, x: Parameters) -> jax.Array:
        """Differences A b, shape (rows, M); exactly zero where the values are equal."""
        return self.difference.of(x["b"])

    def residual(self, data: dict, x: Parameters, gradient: Parameters, state: Any) -> jax.Array:
        """Largest entry of x - prox(x - gradient), both in the reference's coordinates."""
        count, bundle = data["sign"].shape[0], data["sign"] < 0
        gradient = self._in_reference(data, gradient)
        b0 = x["b0"] - jnp.sum(jnp.where(bundle, x["b"][:count], 0.0), axis=1)
        point = {**x, "b0": b0}
        target = jax.tree.map(jnp.subtract, point, gradient)
        unit = {"b": jnp.ones((1, 1))}
        moved, _ = self.prox(data, target, unit, state)
        distances = jax.tree.map(lambda u, v: jnp.max(jnp.abs(u - v), initial=0.0), point, moved)
        return jnp.max(jnp.array(jax.tree.leaves(distances)))

    def gradients(self, data: dict, z: jax.Array, x: Parameters) -> tuple[Parameters, jax.Array]:
        """Gradient of the smooth part in the reference's coordinates, and predicted minus observed scores (N,)."""
        _, r, direct = self.loss(data, z, x)
        own = jax.tree.map(jnp.add, direct, self.backward(data, r))
        return self._in_reference(data, own), predict(z, x["scale"], x["bias"], self.sigmoid) - data["scores"]

    def _in_reference(self, data: dict, gradient: Parameters) -> Parameters:
        """A gradient in own coordinates as one in the reference's.

        As b0_own = b0 + sum of b over the bundle, the chain rule brings the intercept's gradient to b.
        """
        through = jnp.where(data["sign"] < 0, gradient["b0"][:, None], 0.0)
        return {**gradient, "b": gradient["b"].at[: data["sign"].shape[0]].add(through)}

    def figures(self, data: dict, x: Parameters) -> dict[str, jax.Array]:
        """``zero_share``: the share of zero shifts, all rows together, among mutations seen in every condition."""
        seen = data["seen"]
        shifts = self.shifts(x)
        count = jnp.maximum(jnp.sum(seen) * shifts.shape[0], 1)
        return {"zero_share": jnp.sum((shifts == 0) & seen) / count}
