"""The joint model a second time, in NumPy and SciPy alone: what a fit claims, computed from the files it wrote.

Shares no code with the solver (:mod:`proxsweep.dms.model.model`, :mod:`proxsweep.optimize`). Formulas and sources:
docs/certificate.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.special import expit

from proxsweep.dms.check import box_least_squares
from proxsweep.dms.data.encoding import Encoding

ROUNDING = 1e-12  # a difference of this share of its terms is none, where a row compares more than two nodes


class Point(NamedTuple):
    """Parameters, or a gradient by them, in the reference's coordinates.

    ``b`` is (P, M), the D conditions first, then inner nodes of a tree; ``b0`` (D,).
    """

    b: np.ndarray
    b0: np.ndarray
    scale: float
    bias: float


@dataclass(frozen=True)
class Problem:
    """All numbers of one problem: N variants, D conditions, M mutations, R rows of the difference matrix, P nodes.

    Attributes
    ----------
    design : (N, D * M) sparse
        1 for a mutation that a variant carries in its condition's own coordinates, -1 on the bundle: with
        b0_own = b0 + sum of b over the bundle, phi = b0_own + design @ b.
    condition : (N,)
        Number of each variant's condition.
    scores, loss_weights : (N,)
        Loss weights include the normalization.
    bundle : (D, M) bool
    ridge : (D,)
        Factors of the squared norms.
    difference : (R, P)
    effect_bounds : (2,)
        Infinite where there is no box.
    fixed : (D,) bool
        Intercepts fixed at 0.
    """

    design: csr_array
    condition: np.ndarray
    scores: np.ndarray
    loss_weights: np.ndarray
    bundle: np.ndarray
    ridge: np.ndarray
    difference: np.ndarray
    lasso: float
    huber_delta: float
    sigmoid: bool
    scale_bound: float
    effect_bounds: np.ndarray
    fixed: np.ndarray


def difference_matrix(value: Any, conditions: list[str], reference: str) -> tuple[np.ndarray, list[str]]:
    """Matrix (R, P) and row names of a difference matrix as a record describes it."""
    name, tree, rows = _described(value)
    if tree:
        rows = {f"{child}-minus-{parent}": {child: 1.0, parent: -1.0} for child, parent in tree.items()}
    elif rows is None and name == "equivariant":
        rows = {f"{a}-minus-{b}": {a: 1.0, b: -1.0} for b, a in combinations(conditions, 2)}
    elif rows is None:
        others = [name for name in conditions if name != reference]
        rows = {f"{name}-minus-{reference}": {name: 1.0, reference: -1.0} for name in others}
    nodes = list(dict.fromkeys([*conditions, *(node for edge in tree.items() for node in edge)]))
    matrix = [[float(row.get(node, 0.0)) for node in nodes] for row in rows.values()]
    return np.array(matrix).reshape(len(rows), len(nodes)), list(rows)


def _described(value: Any) -> tuple[str, dict, dict | None]:
    """Name, tree ({} for none) and rows (None for none)."""
    if isinstance(value, Mapping):
        return value["name"], value.get("tree", {}), value.get("rows")
    return value, {}, None


def scale_bound(value: float | str, scores: np.ndarray) -> float:
    """Upper bound of the sigmoid's scale; ``2x_score_range`` is twice the range of the scores."""
    if isinstance(value, str):
        return float(value.removesuffix("x_score_range")) * float(np.ptp(scores))
    return float(value)


def problem(encoding: Encoding, model: Mapping[str, Any], lasso: float, difference: np.ndarray) -> Problem:
    """The problem that a record's ``model`` section, lasso weight and difference matrix (R, P) state."""
    count, width = encoding.bundle.shape
    sizes = np.diff(encoding.offsets)
    condition = np.repeat(np.arange(count), sizes)
    columns = np.repeat(condition, np.diff(encoding.indptr)) * width + encoding.indices
    signs = np.where(encoding.bundle, -1.0, 1.0).ravel()[columns]
    total = np.array([part.sum() for part in np.split(encoding.weights, encoding.offsets[1:-1])])
    loss, ridge = _factors(model["normalization"], model["ridge"], total)
    fixed = (encoding.conditions == encoding.reference) & bool(model["fix_reference_intercept"])
    sigmoid = model["global_epistasis"] == "sigmoid"
    return Problem(
        design=csr_array((signs, columns, encoding.indptr), shape=(len(condition), count * width)),
        condition=condition,
        scores=encoding.scores,
        loss_weights=loss[condition] * encoding.weights,
        bundle=encoding.bundle,
        ridge=ridge,
        difference=difference,
        lasso=lasso,
        huber_delta=float(model["huber_delta"]),
        sigmoid=sigmoid,
        scale_bound=scale_bound(model["scale_bound"], encoding.scores) if sigmoid else np.inf,
        effect_bounds=np.array(model["effect_bounds"] or (-np.inf, np.inf), float),
        fixed=fixed,
    )


def _factors(normalization: str, ridge: float, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Factors of the losses and of the squared norms, from the conditions' total weights: (D,) each."""
    count, ones = len(total), np.ones(len(total))
    if normalization == "condition_mean":
        return 1 / total / count, ridge * ones
    if normalization == "condition_mean_scaled_ridge":
        return 1 / total / count, ridge / total / count
    if normalization == "condition_mean_total_ridge":
        return 1 / total / count, ridge / total.sum() * ones
    return ones / total.sum(), ridge / total.sum() * ones  # sample_mean


def zeros(made: Problem) -> Point:
    """The start ``zeros``, whose residual is the initial one."""
    extent = min(float(np.ptp(made.scores)), made.scale_bound)
    scale, bias = (extent, float(made.scores.min())) if made.sigmoid else (1.0, 0.0)
    b = np.zeros((made.difference.shape[1], made.bundle.shape[1]))
    return Point(b, np.zeros(len(made.ridge)), scale, bias)


def shifts(difference: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A b, (R, M); exactly zero for equal values where a row is a multiple of one node minus another."""
    values = difference @ b
    for r, (i, j) in pairs(difference).items():
        values[r] = difference[r, i] * (b[i] - b[j])
    return values


def pairs(difference: np.ndarray) -> dict[int, tuple[int, int]]:
    """Rows that are a multiple of one node minus another, with the two nodes."""
    nonzero = {r: np.flatnonzero(row) for r, row in enumerate(difference)}
    return {r: (at[0], at[1]) for r, at in nonzero.items() if len(at) == 2 and difference[r, at].sum() == 0}


def tied(difference: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Zero shifts, (R, M) bool: equal values in rows that compare two nodes, zero up to rounding in others."""
    zero = abs(difference @ b) <= ROUNDING * (abs(difference) @ abs(b))
    for r, (i, j) in pairs(difference).items():
        zero[r] = b[i] == b[j]
    return zero


def parts(made: Problem, x: Point) -> tuple[float, float]:
    """Smooth part (losses and ridge) and penalty of the objective."""
    smooth = made.loss_weights @ _losses(made, x) + made.ridge @ (_observed(made, x) ** 2).sum(axis=1)
    return float(smooth), float(made.lasso * abs(shifts(made.difference, x.b)).sum())


def mean_losses(made: Problem, x: Point) -> tuple[float, np.ndarray]:
    """Weighted mean loss of every condition's variants (D,), NaN where there is none, and the mean of these."""
    losses, count = made.loss_weights * _losses(made, x), len(made.ridge)
    with np.errstate(invalid="ignore"):
        rows = np.bincount(made.condition, losses, count) / np.bincount(made.condition, made.loss_weights, count)
    return float(rows.mean()), rows


def _losses(made: Problem, x: Point) -> np.ndarray:
    """Huber losses (N,)."""
    size, delta = abs(_errors(made, x)), made.huber_delta
    return np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))


def gradient(made: Problem, x: Point) -> Point:
    """Gradient of the smooth part."""
    phi, slope = _latent(made, x), made.loss_weights * np.clip(_errors(made, x), -made.huber_delta, made.huber_delta)
    by_scale = by_bias = 0.0
    if made.sigmoid:
        share = expit(phi)
        by_scale, by_bias = float(slope @ share), float(slope.sum())
        slope = slope * x.scale * share * expit(-phi)
    by_b0 = np.bincount(made.condition, slope, len(made.ridge))
    by_b = (made.design.T @ slope).reshape(made.bundle.shape) + 2 * made.ridge[:, None] * _observed(made, x)
    # b moves the own intercept too: b0_own = b0 + sum of b over the bundle
    by_b += np.where(made.bundle, by_b0[:, None], 0.0)
    inner = np.zeros((len(x.b) - len(by_b), by_b.shape[1]))
    return Point(np.concatenate([by_b, inner]), by_b0, by_scale, by_bias)


def _observed(made: Problem, x: Point) -> np.ndarray:
    return x.b[: len(made.ridge)]


def _latent(made: Problem, x: Point) -> np.ndarray:
    own = x.b0 + np.where(made.bundle, _observed(made, x), 0.0).sum(axis=1)
    return own[made.condition] + made.design @ _observed(made, x).ravel()


def _errors(made: Problem, x: Point) -> np.ndarray:
    """Predicted minus observed scores, (N,)."""
    phi = _latent(made, x)
    return (x.scale * expit(phi) + x.bias if made.sigmoid else phi) - made.scores


def residual(made: Problem, x: Point) -> float:
    """Largest entry of x - prox(x - gradient), unit step: the residual of a record; NaN where that is not finite."""
    slope = gradient(made, x)
    if not all(np.isfinite(part).all() for part in (*x, *slope)):
        return np.nan
    moved = np.clip(_prox(made, x.b - slope.b), *made.effect_bounds)
    moved_b0 = np.where(made.fixed, 0.0, x.b0 - slope.b0)
    distances = [abs(x.b - moved).max(initial=0.0), abs(x.b0 - moved_b0).max()]
    if made.sigmoid:
        distances += [abs(x.scale - np.clip(x.scale - slope.scale, 0.0, made.scale_bound)), abs(slope.bias)]
    return float(np.max(distances))


def _prox(made: Problem, values: np.ndarray) -> np.ndarray:
    """argmin_y ||y - values||^2 / 2 + lasso ||A y||_1 = values - A'u, u from the dual problem. (P, M)"""
    bound = np.full((len(made.difference), values.shape[1]), made.lasso)
    return values - made.difference.T @ box_least_squares.solve(made.difference.T, values, -bound, bound)


def fusion_dual(made: Problem, x: Point) -> tuple[np.ndarray, np.ndarray]:
    """The multipliers of the shifts that come closest to cancelling the gradient, and what they leave.

    Per mutation: minimise ||g + A'u + n|| over |u| <= lasso, u = lasso sign(A b) where A b is not zero, and n in the
    normal cone of the box at b; g is the gradient by b with b0 held.

    Returns
    -------
    tuple of (R, M) and (M,) arrays
        u, and the norms: the mutations' fusion gaps.
    """
    low, high = -made.lasso * np.ones((len(made.difference), x.b.shape[1])), made.lasso
    sign = np.where(tied(made.difference, x.b), 0.0, np.sign(shifts(made.difference, x.b)))
    low, high = np.where(sign == 0, low, made.lasso * sign), np.where(sign == 0, high, made.lasso * sign)
    outward_low = np.where(x.b <= made.effect_bounds[0], -np.inf, 0.0)
    outward_high = np.where(x.b >= made.effect_bounds[1], np.inf, 0.0)
    matrix = np.hstack([made.difference.T, np.eye(len(x.b))])
    limits = np.vstack([low, outward_low]), np.vstack([high, outward_high])
    slope = gradient(made, x).b
    u = box_least_squares.solve(matrix, -slope, *limits)
    return u[: len(low)], np.linalg.norm(slope + matrix @ u, axis=0)


def duality_gap(made: Problem, x: Point) -> float | None:
    """Upper bound of objective minus minimum; None unless g is linear and every condition has a ridge."""
    if made.sigmoid or not (made.ridge > 0).all():
        return None
    theta = _balanced(made, np.clip(_errors(made, x), -made.huber_delta, made.huber_delta)) * made.loss_weights
    u, _ = fusion_dual(made, x)
    pull = made.difference.T @ u
    count = len(made.ridge)
    pull[:count] += (made.design.T @ theta).reshape(made.bundle.shape)
    ridge = made.ridge[:, None]
    best = np.clip(-pull[:count] / (2 * ridge), *made.effect_bounds)
    objective = sum(parts(made, x))
    # No effect at the optimum is larger, and values of inner nodes lie between those of the leaves.
    largest = np.sqrt(objective / made.ridge.min())
    inner = np.clip(-np.sign(pull[count:]) * largest, *made.effect_bounds)
    dual = -(theta @ made.scores) - (theta**2 / (2 * made.loss_weights)).sum()
    dual += (ridge * best**2 + pull[:count] * best).sum() + (pull[count:] * inner).sum()
    return float(objective - dual)


def _balanced(made: Problem, slopes: np.ndarray) -> np.ndarray:
    """Slopes of the loss moved by one number a condition and clipped, so that free intercepts feel no pull."""
    moved = slopes.copy()
    for d in np.flatnonzero(~made.fixed):
        rows = made.condition == d
        moved[rows] = _balance(slopes[rows], made.loss_weights[rows], made.huber_delta)
    return moved


def _balance(slopes: np.ndarray, weights: np.ndarray, delta: float) -> np.ndarray:
    """clip(slopes - mu, -delta, delta) with mu such that the weighted sum is zero."""
    low, high = slopes.min() - delta, slopes.max() + delta
    for _ in range(60):
        middle = (low + high) / 2
        positive = weights @ np.clip(slopes - middle, -delta, delta) > 0
        low, high = (middle, high) if positive else (low, middle)
    inside = abs(slopes - low) < delta
    if inside.any():  # the sum is linear here
        low += weights @ np.clip(slopes - low, -delta, delta) / weights[inside].sum()
    return np.clip(slopes - low, -delta, delta)
