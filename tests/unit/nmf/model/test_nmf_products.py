"""Products with a sparse matrix, ratios and the loss at its entries, of several starts, against dense NumPy."""

import jax.numpy as jnp
import numpy as np
import pytest

import factorisations as made
from proxsweep.nmf.model import objective, products

SHAPE, STARTS, RANK = (14, 11), 2, 3


def uneven() -> np.ndarray:
    """Rows of many lengths: one full, one empty, an empty column."""
    rng = np.random.default_rng(8)
    found = rng.gamma(1, 2, SHAPE) * (rng.random(SHAPE) < np.linspace(0, 1, SHAPE[0])[:, None])
    found[0], found[:, 3], found[-1, 3] = 0, 0, 0
    return found


def factors() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(9)
    return rng.gamma(1, 1, (STARTS, RANK, SHAPE[0])), rng.gamma(1, 1, (STARTS, RANK, SHAPE[1]))


@pytest.fixture(params=["dense", "sparse"])
def matrix(request: pytest.FixtureRequest) -> products.Matrix:
    return products.matrix(made.sparsely(uneven()) if request.param == "sparse" else uneven())


def test_products(matrix):
    v, (w, h) = uneven(), factors()
    by_rows = products.by_rows(matrix, jnp.asarray(h), SHAPE[0])
    by_columns = products.by_columns(matrix, jnp.asarray(w), SHAPE[1])
    for s in range(STARTS):
        np.testing.assert_allclose(by_rows[s].T, v @ h[s].T, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(by_columns[s], w[s] @ v, rtol=1e-13, atol=1e-13)


def test_ratios_and_the_loss_of_logarithms(matrix):
    v, (w, h) = uneven(), factors()
    by_rows = products.ratio_by_rows(matrix, jnp.asarray(w), jnp.asarray(h))
    by_columns = products.ratio_by_columns(matrix, jnp.asarray(w), jnp.asarray(h))
    logs = products.log_loss(matrix, jnp.asarray(w), jnp.asarray(h))
    for s in range(STARTS):
        fitted = w[s].T @ h[s]
        np.testing.assert_allclose(by_rows[s].T, (v / fitted) @ h[s].T, rtol=1e-13)
        np.testing.assert_allclose(by_columns[s], w[s] @ (v / fitted), rtol=1e-13)
        terms = [value * np.log(value / fitted[place]) for place, value in np.ndenumerate(v) if value]
        assert float(logs[s]) == pytest.approx(sum(terms), rel=1e-12)


def test_lines_of_a_group_are_of_nearly_one_length():
    groups = products.matrix(made.sparsely(uneven())).rows
    lengths = (uneven() > 0).sum(axis=1)
    assert sorted(int(line) for group in groups for line in group.lines) == np.flatnonzero(lengths).tolist()
    for group in groups:
        found = lengths[np.asarray(group.lines)]
        assert len(group.places) == found.max()
        assert found.min() >= min(found.max() / products.GROWTH, found.max() - products.SHORT)
    assert 1 < len(groups) < SHAPE[0]


@pytest.mark.parametrize("loss", ["squared", "poisson"])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_the_written_objective_comes_from_blocks_of_rows(monkeypatch, loss, is_sparse):
    monkeypatch.setattr(objective, "BLOCK", 2 * SHAPE[1])
    v, (w, h) = uneven(), factors()
    penalties = {"l1_h": 0.3, "l2_h": 0.1, "l1_w": 0.2, "l2_w": 0.4}
    found = objective.objective(
        made.sparsely(v) if is_sparse else v, w[0].T, h[0], made.MODEL | {"loss": loss} | penalties
    )
    rest = v - w[0].T @ h[0]
    logs = sum(x * np.log(x / (x - r)) for x, r in zip(v.flat, rest.flat, strict=True) if x)
    expected = (rest**2).sum() / 2 if loss == "squared" else logs - rest.sum()
    assert found[0] == pytest.approx(expected, rel=1e-12)
    penalty = 0.3 * h[0].sum() + 0.05 * (h[0] ** 2).sum() + 0.2 * w[0].sum() + 0.2 * (w[0] ** 2).sum()
    assert found[1] == pytest.approx(penalty, rel=1e-12)
