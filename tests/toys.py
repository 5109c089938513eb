"""Small made encodings, and the model written a second time: dense, plain NumPy, in the reference's coordinates."""

from dataclasses import replace

import cvxpy
import numpy as np

from proxsweep.dms.data.encoding import Encoding

MODEL = {
    "global_epistasis": "sigmoid",
    "ridge": 1e-4,
    "scale_bound": 10.0,
    "huber_delta": 1.0,
    "normalization": "condition_mean",
    "warmup_iterations": 0,
    "effect_bounds": None,
    "fix_reference_intercept": False,
}
SOLVER = {"tolerance": 1e-6, "max_iterations": 20000, "max_seconds": None, "starts": ["zeros"], "seed": 1}


def toy(conditions=3, variants=60, mutations=8, bundle=2, seed=0, noise=0.3, weighted=False) -> Encoding:
    """Variants with Poisson numbers of mutations, true shifts in some, scores between -3.5 and 2.5."""
    rng = np.random.default_rng(seed)
    names = np.array([f"c{d}" for d in range(conditions)])
    effects = np.tile(-np.abs(rng.normal(size=mutations)), (conditions, 1))
    effects += (rng.random(effects.shape) < 0.2) * rng.normal(0, 1.5, effects.shape)
    flipped = np.zeros((conditions, mutations), bool)
    for d in range(1, conditions):
        flipped[d, d - 1 : d - 1 + bundle] = True
    own = np.where(flipped, -effects, effects)
    carried = rng.random((conditions, variants, mutations)) < 0.25
    phi = 1.0 + np.einsum("dnm,dm->dn", carried, own)
    scores = 6 / (1 + np.exp(-phi)) - 4 + rng.normal(0, noise, phi.shape)
    flat = carried.reshape(-1, mutations)
    return Encoding(
        conditions=names,
        reference=np.array("c0"),
        mutations=np.array([f"A{m + 1}C" for m in range(mutations)]),
        wildtypes=np.array(["A"] * mutations),
        sites=np.array([str(m + 1) for m in range(mutations)]),
        mutants=np.array(["C"] * mutations),
        offsets=np.arange(conditions + 1) * variants,
        indptr=np.concatenate([[0], np.cumsum(flat.sum(axis=1))]),
        indices=np.nonzero(flat)[1].astype(np.int32),
        bundle=flipped,
        scores=np.clip(scores.ravel(), -3.5, 2.5),
        weights=rng.integers(1, 5, scores.size).astype(float) if weighted else np.ones(scores.size),
        times_seen=carried.sum(axis=1),
    )


def without_bundle(encoding: Encoding) -> Encoding:
    """The same entries with no site of differing wildtype."""
    return replace(encoding, bundle=np.zeros_like(encoding.bundle))


def dense(encoding: Encoding) -> list[np.ndarray]:
    """The (N_d, M) matrices in the reference's coordinates."""
    matrices = []
    for d in range(len(encoding.conditions)):
        rows = range(encoding.offsets[d], encoding.offsets[d + 1])
        own = np.zeros((len(rows), len(encoding.mutations)))
        for place, row in enumerate(rows):
            own[place, encoding.indices[encoding.indptr[row] : encoding.indptr[row + 1]]] = 1
        matrices.append(np.where(encoding.bundle[d], 1 - own, own))
    return matrices


def split(encoding: Encoding, values: np.ndarray) -> list[np.ndarray]:
    """Rows of each condition."""
    return [values[a:b] for a, b in zip(encoding.offsets[:-1], encoding.offsets[1:], strict=True)]


def factors(encoding: Encoding, model: dict) -> tuple[np.ndarray, np.ndarray]:
    """Factors of the losses and of the squared norms, the four normalisations written out."""
    each = np.array([w.sum() for w in split(encoding, encoding.weights)])
    count, total, ridge = len(each), each.sum(), model["ridge"]
    return {
        "condition_mean": (1 / count / each, np.full(count, ridge)),
        "condition_mean_scaled_ridge": (1 / count / each, ridge / count / each),
        "condition_mean_total_ridge": (1 / count / each, np.full(count, ridge / total)),
        "sample_mean": (np.full(count, 1 / total), np.full(count, ridge / total)),
    }[model["normalization"]]


def huber(error: np.ndarray, delta: float) -> np.ndarray:
    size = np.abs(error)
    return np.where(size <= delta, error**2 / 2, delta * (size - delta / 2))


def smooth(encoding: Encoding, model: dict, b, b0, scale, bias) -> float:
    """The smooth part in the reference's coordinates."""
    loss_factor, ridge = factors(encoding, model)
    total = 0.0
    parts = zip(dense(encoding), split(encoding, encoding.scores), split(encoding, encoding.weights), strict=True)
    for d, (x, y, w) in enumerate(parts):
        phi = b0[d] + x @ b[d]
        predicted = scale / (1 + np.exp(-phi)) + bias if model["global_epistasis"] == "sigmoid" else phi
        total += loss_factor[d] * (w * huber(predicted - y, model["huber_delta"])).sum()
        total += ridge[d] * (b[d] ** 2).sum()
    return total


def gradient(encoding: Encoding, model: dict, b, b0, scale, bias) -> tuple:
    """Gradient of :func:`smooth` by b (D, M), b0 (D,), scale and bias, by hand."""
    loss_factor, ridge = factors(encoding, model)
    sigmoid = model["global_epistasis"] == "sigmoid"
    by_b, by_b0, by_scale, by_bias = np.zeros_like(b), np.zeros_like(b0), 0.0, 0.0
    parts = zip(dense(encoding), split(encoding, encoding.scores), split(encoding, encoding.weights), strict=True)
    for d, (x, y, w) in enumerate(parts):
        phi = b0[d] + x @ b[d]
        share = 1 / (1 + np.exp(-phi))
        error = (scale * share + bias if sigmoid else phi) - y
        slope = loss_factor[d] * w * np.clip(error, -model["huber_delta"], model["huber_delta"])
        through = slope * scale * share * (1 - share) if sigmoid else slope
        by_b[d] = x.T @ through + 2 * ridge[d] * b[d]
        by_b0[d] = through.sum()
        by_scale += (slope * share).sum() if sigmoid else 0.0
        by_bias += slope.sum() if sigmoid else 0.0
    return by_b, by_b0, by_scale, by_bias


def proximal_point(values: np.ndarray, lasso: float, matrix: np.ndarray) -> np.ndarray:
    """Prox of lasso |A y|_1, all columns in one quadratic program."""
    y = cvxpy.Variable(values.shape)
    penalty = lasso * cvxpy.sum(cvxpy.abs(matrix @ y))
    problem = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(y - values) / 2 + penalty))
    problem.solve(solver=cvxpy.CLARABEL, tol_gap_abs=1e-13, tol_gap_rel=1e-13, tol_feas=1e-13)
    return y.value


def residual(encoding: Encoding, model: dict, lasso, matrix, b, b0, scale, bias, bound) -> float:
    """Certificate of dms fits from its definition, in the reference's coordinates, with unit step."""
    by_b, by_b0, by_scale, by_bias = gradient(encoding, model, b, b0, scale, bias)
    return max(
        np.abs(b - proximal_point(b - by_b, lasso, matrix)).max(),
        np.abs(by_b0).max(),
        abs(scale - min(max(scale - by_scale, 0.0), bound)),
        abs(by_bias),
    )
