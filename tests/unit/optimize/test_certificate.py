"""Dual certificates against SciPy's bounded least squares, linear programs and fits."""

import numpy as np
import pytest
from scipy.optimize import lsq_linear

import toys
from proxsweep.dms.model import fit
from proxsweep.dms.model.lasso_max import lasso_max
from proxsweep.optimize.certificate import smallest_weight, stationarity
from proxsweep.optimize.difference import equivariant, reference, tree

NODES = ["a", "b", "c", "d"]
MATRICES = {
    "reference": reference(NODES, "a").matrix,
    "equivariant": equivariant(NODES).matrix,
    "tree": tree("t", NODES, {"a": "x", "b": "x", "x": "y", "c": "y", "d": "y"}).matrix,
    "rows": np.array([[1.0, -0.5, -0.5, 0.0], [0.0, 0.0, 1.0, -1.0], [2.0, -1.0, -1.0, 0.0]]),
}


@pytest.mark.parametrize("boxed", [False, True])
@pytest.mark.parametrize("name", MATRICES)
def test_gaps_are_those_of_bounded_least_squares(name, boxed):
    matrix, rng, lasso = MATRICES[name], np.random.default_rng(2), 0.3
    nodes, columns = matrix.shape[1], 40
    y = rng.integers(0, 3, (nodes, columns)).astype(float)
    w, differences = rng.normal(0, 0.4, (nodes, columns)), matrix @ y
    pull = np.where(y == 2, 1.0, np.where(y == 0, -1.0, 0.0)) if boxed else None
    rest, fused = stationarity(matrix, lasso, w, differences, pull)
    for m in range(columns):
        tied = differences[:, m] == 0
        fixed = w[:, m] + lasso * matrix[~tied].T @ np.sign(differences[~tied, m])
        rows, low, high = [*matrix[tied]], [-lasso] * tied.sum(), [lasso] * tied.sum()
        for node in np.flatnonzero(pull[:, m]) if boxed else []:
            rows.append(np.eye(nodes)[node])
            low.append(0.0 if pull[node, m] > 0 else -np.inf)
            high.append(np.inf if pull[node, m] > 0 else 0.0)
        expected = np.linalg.norm(fixed)
        if rows:
            a = np.array(rows).T
            expected = np.linalg.norm(fixed + a @ lsq_linear(a, -fixed, (low, high), method="bvls", tol=1e-14).x)
        assert np.linalg.norm(rest[:, m]) == pytest.approx(expected, abs=1e-9)
    if not boxed:
        np.testing.assert_allclose(rest, w + fused, atol=1e-14)


def test_smallest_weights_in_closed_form():
    sizes = np.arange(1, 4)[:, None]
    for seed in range(20):  # in some the column that is looked at first is not the one that decides
        w = np.random.default_rng(seed).normal(size=(4, 30))
        w -= w.mean(axis=0)
        assert smallest_weight(MATRICES["reference"], w) == pytest.approx(np.abs(w[1:]).max(), rel=1e-7)
        # of all pairs: the largest mean pull of a set against the rest, over sets
        sums = np.cumsum(np.sort(w, axis=0), axis=0)[:-1]
        expected = np.abs(sums / (sizes * (4 - sizes))).max()
        assert smallest_weight(MATRICES["equivariant"], w) == pytest.approx(expected, rel=1e-7)
    assert smallest_weight(np.zeros((0, 3)), w[:3]) == 0.0


TREE = {"name": "clade", "tree": {"c0": "root", "inner": "root", "c1": "inner", "c2": "inner"}}


@pytest.mark.slow
@pytest.mark.parametrize("difference", ["reference", "equivariant", TREE], ids=["reference", "equivariant", "tree"])
@pytest.mark.parametrize("epistasis", ["linear", "sigmoid"])
def test_lasso_max_is_where_the_first_shift_goes(epistasis, difference, tmp_path):
    encoding, path = toys.toy(3), tmp_path / "encoding.npz"
    encoding.save(path)
    model = {**toys.MODEL, "global_epistasis": epistasis, "ridge": 1e-3}
    spec = {"fit": {"difference": difference}, "labels": {"replicate": "1"}, "model": model, "solver": toys.SOLVER}
    (row,) = lasso_max([spec], {"1": str(path)}, lambda line: None).to_dict("records")
    assert row["status"] == "converged"

    def zero(factor: float) -> np.ndarray:
        solver = {**toys.SOLVER, "tolerance": 1e-9}
        return (
            fit.fit(encoding, factor * row["lasso_max"], difference, model, solver, lambda line: None).best.shifts == 0
        )

    assert zero(1.002).all() and not zero(0.99).all()
