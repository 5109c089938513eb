"""Small non-negative factorisations for tests: matrices, sections of a config, and the solver driven step by step."""

import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from scipy import sparse

from proxsweep.nmf.data.encoding import Encoding
from proxsweep.nmf.model import fit_files, methods, problem, run

MODEL = {
    "loss": "squared",
    "w_columns": "free",
    **dict.fromkeys(("l1_h", "l2_h", "l1_w", "l2_w"), 0.0),
    "normalise": "none",
}
SOLVER = {
    **{"starts": ["2x_random", "nndsvd"], "seed": 1, "tolerance": 1e-6, "max_iterations": 3000, "max_seconds": None},
    **{"floor": 1e-16, "accelerated": True, "decrease": 0.5, "sufficient": 0.01, "inner": 1},
}
SHAPE, RANK = (12, 9), 3


def integers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """V (12, 9), W (12, 3), H (3, 9) of integers and quarters: the small problem of docs/nmf.md."""
    i, j = np.indices(SHAPE)
    v = ((7 * i**2 + 3 * i * j + 5 * j + 11) % 23).astype(float)
    i, r = np.indices((SHAPE[0], RANK))
    w = (1 + (3 * i + 5 * r + i * r) % 7) / 4
    r, j = np.indices((RANK, SHAPE[1]))
    return v, w, (1 + (2 * j + 3 * r + j * r) % 5) / 4


def counts(seed: int = 0, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """Counts with zeros among them, but no row and no column of zeros."""
    rng = np.random.default_rng(seed)
    means = rng.gamma(0.6, 3, (shape[0], RANK)) @ rng.gamma(1, 1, (RANK, shape[1]))
    found = rng.poisson(means).astype(float)
    found[np.arange(shape[0]), np.arange(shape[0]) % shape[1]] += 1
    return found


def sparsely(values: np.ndarray) -> sparse.csr_array:
    """As an encoding holds it."""
    made = sparse.csr_array(values)
    return sparse.csr_array((made.data, made.indices.astype(np.int32), made.indptr.astype(np.int32)), made.shape)


def encoding(values: np.ndarray, is_sparse: bool = False) -> Encoding:
    """With names; rows and columns may be zero."""
    names = (np.array([f"{letter}{i}" for i in range(size)]) for letter, size in zip("gs", values.shape, strict=True))
    return Encoding.of(*names, sparsely(values) if is_sparse else values)


def fitted(
    folder: Path, made: Encoding, algorithm: str = "hals", rank: int = RANK, solver=(), rows=None, **model: Any
) -> Path:
    """The folder of a fit with its files, the encoding beside it; ``rows`` name a fold or a resample."""
    folder.mkdir(parents=True)
    made.save(folder.parent / "encoding.npz")
    spec = {
        **{"study": "s", "labels": {}, "rows": rows, "fit": {"rank": rank, "algorithm": algorithm}},
        **{"model": MODEL | model, "solver": SOLVER | dict(solver)},
    }
    fit_files.run(spec, folder.parent / "encoding.npz", folder, lambda _: None)
    return folder


def record(folder: Path) -> dict[str, Any]:
    """The record of a fit, as JSON has it."""
    return json.loads((folder / "record.json").read_text())


class Driver:
    """One start of an algorithm, iterated at will from W (m, k), H (k, n)."""

    def __init__(self, values, w, h, algorithm: str, solver=(), tolerance: float = 0.0, **model: Any) -> None:
        self.problem, self.data = problem.build(values, MODEL | model)
        entries = values.nnz if sparse.issparse(values) else values.size
        self.method, self.settings = methods.build(
            algorithm, SOLVER | dict(solver), self.problem, self.data, w.shape[1], entries
        )
        self.tolerance = jnp.float64(tolerance)
        self.now = run.begin(*self._fixed, jnp.asarray(w.T[None]), jnp.asarray(h[None]))

    @property
    def _fixed(self) -> tuple:
        return self.method, self.problem, self.data, self.settings

    def to(self, iteration: int) -> "Driver":
        self.now = run.advance(*self._fixed, self.now, jnp.int32(iteration), self.tolerance)
        return self

    def factors(self) -> tuple[np.ndarray, np.ndarray]:
        """W (m, k) and H (k, n)."""
        w, h = methods.factors(self.settings, self.now.state)
        return np.asarray(w[0]).T, np.asarray(h[0])

    def objective(self) -> float:
        return float(run.look(*self._fixed, self.now).objective[0])

    def residual(self) -> float:
        return float(run.look(*self._fixed, self.now).residual[0])
