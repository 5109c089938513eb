"""Where starts begin: scikit-learn's random draws, NNDSVD, a solution of the next smaller rank with one more factor."""

import numpy as np
import pytest
from sklearn.decomposition._nmf import _initialize_nmf

import factorisations as made
from proxsweep.io.errors import UserError
from proxsweep.nmf.model import start_points


@pytest.mark.parametrize("is_sparse", [False, True])
def test_random_starts_have_the_draws_of_scikit_learn(is_sparse):
    values = made.counts()
    given = made.sparsely(values) if is_sparse else values
    named = ["random-1", "random-2", "random-4"]
    found = start_points.points(named, made.encoding(values), given, made.RANK, 40, None)
    for (w, h), seed in zip(found, (40, 41, 43), strict=True):
        expected = _initialize_nmf(values, made.RANK, init="random", random_state=seed)
        np.testing.assert_allclose(w, expected[0], rtol=1e-14)
        np.testing.assert_allclose(h, expected[1], rtol=1e-14)


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_nndsvd_is_that_of_scikit_learn(seed, is_sparse):
    values = made.counts(seed)
    found = start_points.nndsvd(made.sparsely(values) if is_sparse else values, made.RANK)
    expected = _initialize_nmf(values, made.RANK, init="nndsvd", random_state=0)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)
        assert (ours >= 0).all()


def test_nndsvd_of_a_product_of_separate_blocks_is_the_product():
    w, h = np.zeros((6, 2)), np.zeros((2, 5))
    w[:3, 0], w[3:, 1], h[0, :2], h[1, 2:] = (4, 2, 6), (1, 1, 3), (1, 2), (2, 1, 2)
    found = start_points.nndsvd(w @ h, 2)
    np.testing.assert_allclose(found[0] @ found[1], w @ h, atol=1e-12)


@pytest.mark.parametrize("rank", [11, 12])
def test_nndsvd_up_to_the_smaller_side(rank):
    values = made.counts(shape=(14, 12))
    dense, sparse = (start_points.nndsvd(given, rank) for given in (values, made.sparsely(values)))
    for one, other in zip(dense, sparse, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_counts_have_something_fitted_at_the_start():
    values = made.counts()
    ((w, h),) = start_points.points(["nndsvd"], made.encoding(values), values, made.RANK, None, None, poisson=True)
    plain = start_points.nndsvd(values, made.RANK)
    assert (plain[0] == 0).any() and (w @ h > 0).all()
    np.testing.assert_array_equal(w[plain[0] > w.min()], plain[0][plain[0] > w.min()])


def test_names_of_starts():
    def names(*starts: str, neighbour: bool = False) -> list[str]:
        return start_points.names({"starts": list(starts)}, neighbour)

    assert names("3x_random", "nndsvd") == ["random-1", "random-2", "random-3", "nndsvd"]
    assert names("random", "neighbour", neighbour=True) == ["random-1", "neighbour"]
    assert names("nndsvd", "neighbour") == ["nndsvd"]
    assert names("random", "2x_random") == ["random-1", "random-2"]


def grown(encoding, folder) -> tuple[np.ndarray, np.ndarray]:
    starts = ["neighbour"]
    path = folder / "parameters.npz"
    return next(start_points.points(starts, encoding, encoding.matrix, made.RANK, 1, path))


@pytest.mark.parametrize("seed", [5, 6])
def test_a_solution_with_one_more_factor_begins_no_worse(tmp_path, seed):
    values = np.zeros((14, 11))
    values[1:-1, 1:-1] = made.counts(seed)
    encoding, kept = made.encoding(values), values[1:-1, 1:-1]
    solver = {"starts": ["nndsvd"], "accelerated": False}
    folder = made.fitted(tmp_path / "fit", encoding, rank=made.RANK - 1, solver=solver)
    known = made.record(folder)["objective"]
    for one in (encoding, made.encoding(values, True)):
        w, h = grown(one, folder)
        assert np.linalg.norm(kept - w[:, :-1] @ h[:-1]) ** 2 / 2 == pytest.approx(known, rel=1e-12)
        assert np.linalg.norm(kept - w @ h) ** 2 / 2 < known
        assert w.min() >= 0 and h.min() >= 0


def test_a_solution_of_other_samples_is_refused(tmp_path):
    folder = made.fitted(
        tmp_path / "fit", made.encoding(made.counts()), rank=2, solver={"max_iterations": 1, "accelerated": False}
    )
    other = made.encoding(made.counts()[:, :-1])
    with pytest.raises(UserError, match="other samples"):
        grown(other, folder)
