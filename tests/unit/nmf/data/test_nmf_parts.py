"""Parts of a matrix: folds share out entries, or rows and columns; resamples are counts drawn again."""

import numpy as np
import pytest
from scipy import sparse

import factorisations as made
from proxsweep.io.errors import UserError
from proxsweep.nmf.data import parts, resamples

FOLDS = 5
SHAPE = (23, 9)


def rows(number: int, hold_out: str = "entries", folds: int = FOLDS, seed: int = 1) -> dict:
    return {"fold": str(number), "folds": folds, "seed": seed, "hold_out": hold_out, "starts": None}


def dense(matrix) -> np.ndarray:
    return matrix.toarray() if sparse.issparse(matrix) else matrix


# ---- entries ---------------------------------------------------------------------------------------------------


def test_folds_share_out_the_entries():
    hidden = np.array([~parts.entries(SHAPE, 1, rows(number))[0] for number in range(1, FOLDS + 1)])
    assert (hidden.sum(axis=0) == 1).all()
    sizes = hidden.sum(axis=(1, 2))
    assert sizes.max() - sizes.min() <= 1
    again = parts.entries(SHAPE, 1, rows(1, seed=2))[0]
    assert (~again & hidden[0]).sum() < sizes[0] / 2
    # no row and no column is singled out: hidden entries of a row are few and of all rows alike
    assert hidden[0].sum(axis=1).max() <= 6 and len(np.unique(np.nonzero(hidden[0])[1])) == SHAPE[1]


@pytest.mark.parametrize("rank", [5, 7])
def test_every_row_and_column_keeps_one_entry_more_than_the_rank(rank):
    for number in range(1, FOLDS + 1):
        fewest, _ = parts.entries(SHAPE, 1, rows(number))
        seen, given_back = parts.entries(SHAPE, rank, rows(number))
        assert seen.sum(axis=1).min() >= rank + 1 and seen.sum(axis=0).min() >= rank + 1
        assert (seen >= fewest).all() and given_back == (seen & ~fewest).sum()
        # no more than asked for comes back: rows that had to be filled have exactly so many
        short = fewest.sum(axis=1) < rank + 1
        assert (seen.sum(axis=1)[short] == rank + 1).all()
        np.testing.assert_array_equal(seen[~short], fewest[~short])
    assert sum(parts.entries(SHAPE, rank, rows(number))[1] for number in range(1, FOLDS + 1)) > 0


def test_columns_get_entries_back_too():
    seen, given_back = parts.entries(SHAPE[::-1], 7, rows(2))
    assert seen.sum(axis=0).min() >= 8 and seen.sum(axis=1).min() >= 8 and given_back > 0


@pytest.mark.parametrize("is_sparse", [False, True])
def test_a_fold_of_entries_is_dense_and_zero_where_nothing_is_seen(is_sparse):
    encoding = made.encoding(made.counts(2, SHAPE), is_sparse)
    part = parts.fold(encoding, 2, rows(3))
    expected, given_back = parts.entries(SHAPE, 2, rows(3))
    np.testing.assert_array_equal(part.seen, expected)
    np.testing.assert_array_equal(part.encoding.matrix, dense(encoding.matrix) * expected)
    assert part.is_fold and part.whole is encoding and part.given_back == given_back == 0


# ---- blocks ----------------------------------------------------------------------------------------------------


def test_blocks_share_out_rows_and_columns():
    kept = [parts.blocks(SHAPE, rows(number, "blocks")) for number in range(1, FOLDS + 1)]
    for side in range(2):
        held_out = np.array([~one[side] for one in kept])
        assert (held_out.sum(axis=0) == 1).all()
        assert set(held_out.sum(axis=1)) <= {SHAPE[side] // FOLDS, SHAPE[side] // FOLDS + 1}


@pytest.mark.parametrize("is_sparse", [False, True])
def test_a_block_has_the_names_of_all_and_leaves_out_what_is_zero(is_sparse):
    values = np.zeros((SHAPE[0] + 1, SHAPE[1] + 1))
    values[1:, :-1] = made.counts(2, SHAPE)
    of_rows, of_columns = parts.blocks(SHAPE, rows(2, "blocks"))
    first = np.flatnonzero(of_rows)[0]
    inner = values[1:, :-1]
    inner[first, of_columns] = 0
    inner[first, np.flatnonzero(~of_columns)[0]] = 3
    encoding = made.encoding(values, is_sparse)
    part = parts.fold(encoding, 2, rows(2, "blocks"))
    of_rows[first] = False
    np.testing.assert_array_equal(dense(part.encoding.matrix), inner[of_rows][:, of_columns])
    assert part.encoding.features.tolist() == encoding.features.tolist()
    back = part.encoding.embed(part.encoding.embed(dense(part.encoding.matrix), 0, "features"), 1, "samples")
    expected = np.zeros_like(values)
    expected[np.ix_(np.flatnonzero(of_rows) + 1, np.flatnonzero(of_columns))] = inner[of_rows][:, of_columns]
    np.testing.assert_array_equal(back, expected)
    assert sparse.issparse(part.encoding.matrix) == is_sparse


@pytest.mark.parametrize("named", [None, {"resample": "1", "seed": 1, "method": "poisson"}])
def test_without_a_fold_the_whole_is_fitted(named):
    encoding = made.encoding(made.counts())
    part = parts.fold(encoding, 2, named)
    assert part.encoding is encoding and not part.is_fold


# ---- what is refused -------------------------------------------------------------------------------------------


REFUSED = {
    "a rank too large for entries": (made.counts(1, (9, 6)), 5, rows(1), "ranks of at most 4"),
    "a rank too large for blocks": (made.counts(1, (9, 6)), 5, rows(1, "blocks", 3), "keeps 6 features x 4 samples"),
    "more folds than samples": (made.counts(1, (9, 6)), 2, rows(1, "blocks", 7), "at most 6 folds"),
    "a large sparse matrix": (sparse.csr_array((2001, 2000)), 2, rows(1), "`hold_out: blocks`, or at most 4000000"),
    "another word": (made.counts(), 2, rows(1, "samples"), "`hold_out` entries or blocks"),
    "a fold that there is not": (made.counts(), 2, rows(6), "a fold from 1 to 5"),
    "no seed": (made.counts(), 2, {"fold": "1", "folds": 5, "hold_out": "entries"}, "folds, seed"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_held_out_is_refused(case):
    matrix, rank, given, words = REFUSED[case]
    with pytest.raises(UserError, match="cross_validation") as error:
        parts.refuse(matrix, rank, given)
    assert words in str(error.value)


def test_what_is_just_large_enough_is_not_refused():
    matrix = made.counts(1, (9, 6)) + 1
    parts.refuse(matrix, 4, {"folds": 3, "seed": 1, "hold_out": "entries"})
    parts.refuse(matrix, 4, {"folds": 3, "seed": 1, "hold_out": "blocks"})
    parts.refuse(matrix, 2, rows(6, "blocks", 6))
    parts.refuse(np.ones((2001, 2000)), 2, rows(1))
    assert parts.fold(made.encoding(matrix), 4, rows(3, "blocks", 3)).encoding.matrix.shape == (6, 4)


@pytest.mark.parametrize("is_sparse", [False, True])
def test_rows_that_are_zero_in_a_block_do_not_count(is_sparse):
    """A block keeps 6 x 4, of whose rows 4 are zero in it."""
    values = np.ones((9, 6))
    of_rows, of_columns = parts.blocks(values.shape, rows(1, "blocks", 3))
    values[np.ix_(np.flatnonzero(of_rows)[:4], np.flatnonzero(of_columns))] = 0
    given = made.sparsely(values) if is_sparse else values
    parts.refuse(given, 2, rows(1, "blocks", 3))
    with pytest.raises(UserError, match="rank 3 in fold 1 .* keeps 2 features x 4 samples"):
        parts.refuse(given, 3, rows(1, "blocks", 3))


# ---- resamples -------------------------------------------------------------------------------------------------


def again(number: int, method: str, seed: int = 1) -> dict:
    return {"resample": str(number), "seed": seed, "method": method}


@pytest.mark.parametrize("method", ["poisson", "multinomial"])
def test_resamples_have_the_means_and_variances_of_their_method(method):
    values = np.array([[40.0, 0.0, 9.0], [10.0, 6.0, 1.0], [0.0, 4.0, 30.0]])
    encoding = made.encoding(values)
    drawn = []
    for number in range(1, 2001):
        found = resamples.resampled(encoding, again(number, method))
        drawn.append(found.embed(found.embed(found.matrix, 0, "features"), 1, "samples"))
    drawn, totals = np.array(drawn), values.sum(axis=0)
    assert (drawn == np.rint(drawn)).all() and (drawn[:, values == 0] == 0).all()
    variance = values * (1 - values / totals) if method == "multinomial" else values
    assert (abs(drawn.mean(axis=0) - values) <= 4 * np.sqrt(variance / 2000)).all()
    np.testing.assert_allclose(drawn.var(axis=0), variance, rtol=0.2, atol=1e-12)
    if method == "multinomial":
        assert (drawn.sum(axis=1) == totals).all()
    else:
        assert np.unique(drawn.sum(axis=1)).size > 50


@pytest.mark.parametrize("method", ["poisson", "multinomial"])
def test_a_sparse_matrix_stays_sparse_and_has_the_same_draws(method):
    values = made.counts(5, (12, 8))
    one, other = (resamples.resampled(made.encoding(values, kind), again(3, method)) for kind in (False, True))
    assert sparse.issparse(other.matrix) and other.matrix.indices.dtype == np.int32
    np.testing.assert_array_equal(other.matrix.toarray(), one.matrix)
    assert (other.matrix.data > 0).all()
    np.testing.assert_array_equal(one.kept_features, other.kept_features)
    np.testing.assert_array_equal(made.encoding(values, True).matrix.toarray(), values)


def test_a_resample_leaves_the_matrix_as_it_was_and_drops_what_is_zero(tmp_path):
    values = np.ones((6, 5))
    encoding = made.encoding(values, True)
    found = [resamples.resampled(encoding, again(number, "poisson", 4)) for number in range(1, 30)]
    np.testing.assert_array_equal(encoding.matrix.toarray(), values)
    assert any(not one.kept_features.all() for one in found)
    for one in found[:5]:
        one.save(tmp_path / "e.npz")  # an encoding like any other
        np.testing.assert_array_equal(type(one).load(tmp_path / "e.npz").matrix.toarray(), one.matrix.toarray())


def test_draws_depend_on_seed_and_number_alone():
    encoding = made.encoding(made.counts(5))
    first = resamples.resampled(encoding, again(1, "poisson")).matrix
    np.testing.assert_array_equal(resamples.resampled(encoding, {**again(1, "poisson"), "starts": []}).matrix, first)
    for other in (again(2, "poisson"), again(1, "poisson", 2)):
        assert not np.array_equal(resamples.resampled(encoding, other).matrix, first)
    assert resamples.resampled(encoding, None) is encoding and resamples.resampled(encoding, rows(1)) is encoding


@pytest.mark.parametrize(
    ("values", "given", "words"),
    [
        ([[1.5, 2], [3, 1]], again(1, "poisson"), "no whole numbers"),
        ([[1e17, 2], [3, 1]], again(1, "multinomial"), "an entry of 1e"),
        ([[1, 2], [3, 1]], again(1, "bootstrap"), "the method poisson or multinomial"),
    ],
)
def test_what_are_no_counts_is_not_drawn_again(values, given, words):
    with pytest.raises(UserError, match="resamples") as error:
        resamples.resampled(made.encoding(np.array(values, float)), given)
    assert words in str(error.value)
