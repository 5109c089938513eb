"""Steps along a face against E (E' diag E)^-1 E' with explicit bases."""

import numpy as np
import pytest
from scipy.linalg import null_space

from proxsweep.dms.model import fit  # noqa: F401  (double precision)
from proxsweep.optimize import face
from proxsweep.optimize.difference import equivariant, explicit, reference, tree

NODES = ["a", "b", "c", "d"]
PAIRWISE = {
    "reference": reference(NODES, "b"),
    "equivariant": equivariant(NODES),
    "tree": tree("tree", NODES, {"a": "x", "b": "x", "x": "y", "c": "y", "d": "y"}),
    "ring": explicit("ring", NODES, {f"r{i}": {NODES[i]: 2.0, NODES[(i + 1) % 4]: -2.0} for i in range(4)}),
}
CONTRASTS = explicit("contrasts", NODES, {"mean": {"a": 1, "b": -0.5, "c": -0.5}, "pair": {"c": 1, "d": -1}})


def zero_flags(difference, columns: int) -> np.ndarray:
    """Flags that some values have: rows of random values on few levels that are zero."""
    levels = np.random.default_rng(3).integers(0, 3, (len(difference.nodes), columns)).astype(float)
    return np.asarray(face.zero_rows(difference, levels, None))


def dense_step(difference, zero, diagonal, r) -> np.ndarray:
    columns = []
    for m in range(r.shape[1]):
        basis = null_space(difference.matrix[zero[:, m]]) if zero[:, m].any() else np.eye(len(r))
        inner = basis.T @ np.diag(diagonal[:, m]) @ basis
        columns.append(basis @ np.linalg.solve(inner, basis.T @ r[:, m]))
    return np.array(columns).T


@pytest.mark.parametrize("name", PAIRWISE)
def test_steps_of_groups(name):
    difference, rng = PAIRWISE[name], np.random.default_rng(4)
    shape = (len(difference.nodes), 25)
    zero, diagonal, r = zero_flags(difference, 25), rng.uniform(0.1, 9, shape), rng.normal(size=shape)
    step = face.prepare(face.find(difference, zero), diagonal, np.ones(shape))
    moved = np.asarray(face.apply_preconditioner(step, r))
    np.testing.assert_allclose(moved, dense_step(difference, zero, diagonal, r), atol=1e-12)
    np.testing.assert_array_equal(np.asarray(difference.of(moved))[zero], 0.0)  # ties stay to the last bit


def test_values_that_are_held_stay():
    rng = np.random.default_rng(5)
    zero, diagonal, r = zero_flags(PAIRWISE["equivariant"], 9), np.ones((4, 9)), rng.normal(size=(4, 9))
    free = np.ones((4, 9))
    free[:, 2] = 0
    moved = np.asarray(
        face.apply_preconditioner(face.prepare(face.find(PAIRWISE["equivariant"], zero), diagonal, free), r)
    )
    assert (moved[:, 2] == 0).all() and (moved[:, [0, 1, 3]] != 0).any()


def test_projectors_of_other_rows():
    rng = np.random.default_rng(6)
    zero = rng.random((2, 30)) < 0.5
    diagonal, r = np.full((4, 30), 2.0), rng.normal(size=(4, 30))
    moved = np.asarray(
        face.apply_preconditioner(face.prepare(face.find(CONTRASTS, zero), diagonal, np.ones((4, 30))), r)
    )
    np.testing.assert_allclose(moved, dense_step(CONTRASTS, zero, diagonal, r), atol=1e-12)
