"""The joint model of several conditions: smooth part, constraints, and the maps the solver needs.

Condition d has variants i with scores y_i, weights w_i and a latent phenotype phi_i = b0_d + x_i . b_d; the predicted
score is g(phi), the identity (``linear``) or scale / (1 + exp(-phi)) + bias (``sigmoid``). Data are held in each
condition's own coordinates (:class:`proxsweep.dms.encoding.Encoding`), effects ``b`` always in the reference's: with
s = -1 on the bundle and 1 elsewhere, phi = b0_own + X_own (s * b), where b0_own = b0 + sum of b over the bundle.
So the fusion penalty acts on ``b`` itself, and no bundle column is dense.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from proxsweep.dms.encoding import Encoding
from proxsweep.errors import UserError
from proxsweep.optimize.difference import Difference
from proxsweep.optimize.prox import prox

Parameters = dict[str, Any]

TINY = 1e-12

NORMALIZATIONS = (
    "condition_mean",
    "condition_mean_scaled_ridge",
    "condition_mean_total_ridge",
    "sample_mean",
)


def flip(b: np.ndarray, b0: np.ndarray, bundle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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


def normalize(normalization: str, condition_weights: np.ndarray, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    """Factors of the losses H_d and of the squared norms \\|b_d\\|^2 in the smooth part.

    Parameters
    ----------
    normalization
        One of :data:`NORMALIZATIONS`.
    condition_weights : (D,)
        W_d, sums of the variants' weights.
    ridge

    Returns
    -------
    tuple of two (D,) arrays
    """
    count, total = len(condition_weights), condition_weights.sum()
    mean, ones = 1 / (count * condition_weights), np.ones(count)
    table = {
        "condition_mean": (mean, ridge * ones),
        "condition_mean_scaled_ridge": (mean, ridge * mean),
        "condition_mean_total_ridge": (mean, ridge / total * ones),
        "sample_mean": (ones / total, ridge / total * ones),
    }
    return table[normalization]


def predict(phi: Any, scale: Any, bias: Any, sigmoid: bool) -> Any:
    """Predicted functional scores at latent phenotypes ``phi`` (same shape)."""
    return scale * jax.nn.sigmoid(phi) + bias if sigmoid else phi


@dataclass(frozen=True)
class Model:
    """Static part of a problem: what makes compiled code differ. Numbers live in the arrays of :func:`arrays`.

    Implements :class:`proxsweep.optimize.fista.Problem` for parameters ``{"b": (P, M), "b0": (D,), "scale": (),
    "bias": ()}``; P >= D counts inner nodes of a tree, ``b0`` is each condition's own intercept, and ``scale`` and
    ``bias`` stay untouched when ``sigmoid`` is false.
    """

    sigmoid: bool
    difference: Difference

    def forward(self, data: dict, x: Parameters) -> jax.Array:
        effects = (data["sign"] * x["b"][: data["sign"].shape[0]]).ravel()
        carried = effects.at[data["columns"]].get(mode="promise_in_bounds")
        count = data["scores"].shape[0]
        latent = jax.ops.segment_sum(carried, data["rows"], count, indices_are_sorted=True)
        return latent + x["b0"][data["condition"]]

    def backward(self, data: dict, r: jax.Array) -> Parameters:
        shape = data["sign"].shape
        carried = r.at[data["rows"]].get(mode="promise_in_bounds")
        effects = jax.ops.segment_sum(carried, data["columns"], shape[0] * shape[1]).reshape(shape)
        inner = jnp.zeros((len(self.difference.nodes) - shape[0], shape[1]))
        return {
            "b": jnp.concatenate([data["sign"] * effects, inner]),
            "b0": jax.ops.segment_sum(r, data["condition"], shape[0], indices_are_sorted=True),
            "scale": jnp.zeros(()),
            "bias": jnp.zeros(()),
        }

    def loss(self, data: dict, z: jax.Array, x: Parameters) -> tuple[jax.Array, jax.Array, Parameters]:
        saturation = jax.nn.sigmoid(z) if self.sigmoid else z
        predicted = x["scale"] * saturation + x["bias"] if self.sigmoid else z
        error = predicted - data["scores"]
        delta = data["huber_delta"]
        clipped = jnp.clip(error, -delta, delta)
        b = x["b"][: data["sign"].shape[0]]
        value = jnp.vdot(data["loss_weights"], clipped * (error - clipped / 2))
        value += jnp.vdot(data["ridge"], jnp.sum(b**2, axis=1))
        slope = data["loss_weights"] * clipped
        inner = jnp.zeros((x["b"].shape[0] - b.shape[0], b.shape[1]))
        ridge_gradient = 2 * data["ridge"][:, None] * b
        direct = {
            "b": jnp.concatenate([ridge_gradient, inner]),
            "b0": jnp.zeros_like(x["b0"]),
            "scale": jnp.zeros(()),
            "bias": jnp.zeros(()),
        }
        if not self.sigmoid:
            return value, slope, direct
        free = data["sigmoid_free"]
        direct["scale"] = free * jnp.vdot(slope, saturation)
        direct["bias"] = free * jnp.sum(slope)
        return value, slope * x["scale"] * saturation * (1 - saturation), direct

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
        lower, upper = data["effect_bounds"]
        scale = jnp.clip(x["scale"], 0.0, data["scale_bound"]) if self.sigmoid else x["scale"]
        return {
            "b": jnp.clip(x["b"], lower, upper),
            "b0": x["b0"] * data["intercept_free"],
            "scale": scale,
            "bias": x["bias"],
        }

    def prox(self, data: dict, x: Parameters, metric: Parameters, state: Any) -> tuple[Parameters, Any]:
        weights = jnp.broadcast_to(data["lasso"] / metric["b"][0], x["b"].shape[1:])
        fused = prox(self.difference, x["b"], weights, state)
        return self.project(data, {**x, "b": fused.x}), fused.state

    def penalty(self, data: dict, x: Parameters) -> jax.Array:
        return data["lasso"] * jnp.sum(jnp.abs(self.shifts(x)))

    def shifts(self, x: Parameters) -> jax.Array:
        """Differences A b, shape (rows, M); exactly zero where the values are equal."""
        return jnp.array(self.difference.matrix) @ x["b"]

    def residual(self, data: dict, x: Parameters, gradient: Parameters, state: Any) -> jax.Array:
        """Largest entry of x - prox(x - gradient), both in the reference's coordinates."""
        count = data["sign"].shape[0]
        bundle = data["sign"] < 0
        # b0_own = b0 + sum of b over the bundle: the chain rule brings the intercept's gradient to b
        through_intercept = jnp.where(bundle, gradient["b0"][:, None], 0.0)
        b_gradient = gradient["b"].at[:count].add(through_intercept)
        b0 = x["b0"] - jnp.sum(jnp.where(bundle, x["b"][:count], 0.0), axis=1)
        point = {**x, "b0": b0}
        target = jax.tree.map(jnp.subtract, point, {**gradient, "b": b_gradient})
        unit = {"b": jnp.ones((1, 1))}
        moved, _ = self.prox(data, target, unit, state)
        distances = jax.tree.map(lambda u, v: jnp.max(jnp.abs(u - v), initial=0.0), point, moved)
        return jnp.max(jnp.array(jax.tree.leaves(distances)))

    def zero_share(self, data: dict, x: Parameters) -> jax.Array:
        """Share of zero shifts, all rows together, among mutations seen in every condition."""
        seen = data["seen"]
        shifts = self.shifts(x)
        count = jnp.maximum(jnp.sum(seen) * shifts.shape[0], 1)
        return jnp.sum((shifts == 0) & seen) / count


def arrays(
    encoding: Encoding, lasso: float, model: dict, scale_bound: float, sigmoid_free: bool = True
) -> dict[str, Any]:
    """The numbers of a problem as device arrays.

    Parameters
    ----------
    encoding
        Variants of D conditions, M mutations, N rows.
    lasso
        Weight of the fusion penalty.
    model
        Keys ``ridge``, ``huber_delta``, ``normalization``, ``effect_bounds`` and ``fix_reference_intercept`` as in
        the config.
    scale_bound
        Upper bound of the sigmoid's scale (units of the score).
    sigmoid_free
        False locks scale and bias.

    Raises
    ------
    UserError
        For a condition without variants.
    """
    count, width = encoding.bundle.shape
    sizes = np.diff(encoding.offsets)
    if not sizes.all():
        empty = encoding.conditions[np.argmin(sizes)]
        raise UserError("encoding", f"no variant of condition {empty}", "variants of every condition")
    condition = np.repeat(np.arange(count), sizes)
    condition_weights = np.bincount(condition, encoding.weights, count)
    loss_factor, ridge = normalize(model["normalization"], condition_weights, model["ridge"])
    loss_weights = loss_factor[condition] * encoding.weights

    entries = np.diff(encoding.indptr)
    rows = np.repeat(np.arange(len(entries)), entries)
    columns = condition[rows] * width + encoding.indices
    row_sum = loss_weights * (1 + entries)

    def per_column(values: np.ndarray) -> np.ndarray:
        return np.bincount(columns, values[rows], count * width).reshape(count, width)

    bounds = model["effect_bounds"] or (-np.inf, np.inf)
    free = np.ones(count)
    if model["fix_reference_intercept"]:
        free[list(encoding.conditions).index(str(encoding.reference))] = 0.0
    values = {
        "scores": encoding.scores,
        "loss_weights": loss_weights,
        "condition": condition.astype(np.int32),
        "rows": rows.astype(np.int32),
        "columns": columns.astype(np.int32),
        "sign": np.where(encoding.bundle, -1.0, 1.0),
        "seen": (encoding.times_seen > 0).all(axis=0),
        "row_sums": per_column(row_sum),
        "row_counts": per_column(loss_weights),
        "intercept_sums": np.bincount(condition, row_sum, count),
        "intercept_counts": np.bincount(condition, loss_weights, count),
        "ridge": ridge,
        "lasso": np.float64(lasso),
        "huber_delta": np.float64(model["huber_delta"]),
        "scale_bound": np.float64(scale_bound),
        "effect_bounds": np.asarray(bounds, np.float64),
        "intercept_free": free,
        "sigmoid_free": np.float64(sigmoid_free),
    }
    return {name: jnp.asarray(value) for name, value in values.items()}
