from functools import partial

import jax
import numpy as np
import pytest
from scipy.optimize import lsq_linear

from fusion_oracle import enumerated_prox, objective, random_columns, solver_prox
from proxsweep.optimize import difference as df
from proxsweep.optimize.admm import BLOCK, FIRST_ROUND, admm, initial_admm_state, penalty_parameter, tie
from proxsweep.optimize.prox import initial_state, prox, prox_equivariant, prox_reference

jax.config.update("jax_enable_x64", True)

NAMES = [f"c{i}" for i in range(8)]
TREE_3 = df.tree("three", NAMES[:3], {"c0": "x", "c1": "x", "x": "root", "c2": "root"})
TREE_4 = df.tree("four", NAMES[:4], {"c0": "x", "c1": "x", "c2": "y", "c3": "y", "x": "root", "y": "root"})
TREE_6 = df.tree(
    "six",
    NAMES[:6],
    {"c0": "w", "c1": "w", "w": "x", "c2": "x", "x": "r", "c3": "y", "c4": "y", "c5": "y", "y": "r"},
)
CURVE = df.explicit("curve", NAMES[:4], {"a": {"c0": 1, "c1": -2, "c2": 1}, "b": {"c1": 1, "c2": -2, "c3": 1}})
MIXED = df.explicit(
    "mixed",
    NAMES[:3],
    {
        "pair": {"c0": 1, "c1": -1},
        "double": {"c2": 2, "c1": -2},
        "sum": {"c0": 1, "c1": 1, "c2": 1},
        "one": {"c2": 1},
    },
)
SCALED = df.explicit("scaled", NAMES[:2], {"r": {"c0": 3, "c1": -3}})
SQUARE = df.explicit(
    "square", NAMES[:4], {f"{i}{j}": {f"c{i}": 1, f"c{j}": -1} for i, j in [(0, 1), (1, 2), (2, 3), (3, 0)]}
)
SMALL = [SQUARE, TREE_3, TREE_4, CURVE, MIXED, SCALED]
ALL = [*SMALL, TREE_6]
# x differs from the exact prox by no more than so many times the tolerance, relative to the column's size.
FACTOR = 10
STATED = 1e-10
# the same for many rows
LARGE_FACTOR = 1000


def rows_of(name, nodes, rows):
    """Explicit rows from {node number: coefficient}."""
    named_rows = {f"r{k}": {f"c{i}": float(c) for i, c in row.items()} for k, row in enumerate(rows)}
    return df.explicit(name, [f"c{i}" for i in range(nodes)], named_rows)


def means_against_means(nodes, rows):
    """The mean of some nodes minus the mean of some others, drawn at random."""
    rng = np.random.default_rng(nodes)
    drawn = []
    for _ in range(rows):
        left, right = np.split(rng.permutation(nodes)[: rng.integers(2, nodes + 1)], [1])
        drawn.append(dict.fromkeys(left, 1.0) | dict.fromkeys(right, -1 / len(right)))
    return rows_of("means", nodes, drawn)


GRID = [{4 * i + j: 1, 4 * i + j + 1: -1} for i in range(4) for j in range(3)]
GRID += [{4 * i + j: 1, 4 * i + j + 4: -1} for i in range(3) for j in range(4)]
RING = [{i: 1, (i + 1) % 9: -1} for i in range(9)]
LARGE = {
    "sum and difference": rows_of("s", 2, [{0: 1, 1: 1}, {0: 1, 1: -1}]),
    "a row three times": rows_of("r", 9, [*RING, RING[0], RING[0], {0: -2, 1: 2}]),
    "rows of unlike size": rows_of("u", 9, [{i: s, (i + 1) % 9: -s} for i, s in enumerate(np.logspace(-1, 1, 9))]),
    "grid": rows_of("g", 16, GRID),
    "curve": rows_of("c", 20, [{i: 1, i + 1: -2, i + 2: 1} for i in range(18)]),
    "means": means_against_means(20, 40),
}


def named(differences):
    return pytest.mark.parametrize("d", differences, ids=lambda d: d.name)


@partial(jax.jit, static_argnums=0)
def compiled(d, values, weights, state, tolerance, max_iterations):
    return admm(d.matrix, values, weights, state, tolerance, max_iterations)


def solve(d, values, weights, state=None, tolerance=STATED, max_iterations=10_000):
    """`admm` on NumPy arrays, from the cold start unless told otherwise."""
    if state is None:
        state = initial_admm_state(d.matrix, values.shape[1])
    return jax.tree.map(np.asarray, compiled(d, values, weights, state, tolerance, max_iterations))


def size(values):
    return np.maximum(np.abs(values).max(axis=0), np.finfo(float).tiny)


@named(SMALL)
@pytest.mark.parametrize("scale", [1, 1e-8, 1e8])
def test_agrees_with_enumeration(d, scale):
    values, weights = random_columns(np.random.default_rng(1), len(d.nodes), 80)
    values, weights = scale * values, scale * weights
    result = solve(d, values, weights)
    exact = enumerated_prox(d.matrix, values, weights)
    assert np.abs((result.x - exact) / size(values)).max() < FACTOR * STATED
    joined = tie(d, weights, result.x, result.state.z)
    assert np.abs((joined - exact) / size(values)).max() < FACTOR * STATED


@pytest.mark.parametrize("nodes", [3, *(pytest.param(nodes, marks=pytest.mark.slow) for nodes in (2, 4, 5, 6))])
def test_agrees_with_the_exact_operators(nodes):
    values, weights = random_columns(np.random.default_rng(nodes), nodes, 80)
    pairs, star = df.equivariant(NAMES[:nodes]), df.reference(NAMES[:nodes], "c1")
    for d, exact in (
        (pairs, jax.jit(prox_equivariant)(values, weights)),
        (star, jax.jit(prox_reference, static_argnums=2)(values, weights, 1)),
    ):
        result = solve(d, values, weights)
        assert max(result.primal, result.dual) <= STATED
        assert np.abs((result.x - exact) / size(values)).max() < FACTOR * STATED
        joined = tie(d, weights, result.x, result.state.z)
        assert np.abs((joined - exact) / size(values)).max() < FACTOR * STATED


@named(ALL)
def test_never_worse_than_a_generic_solver(d):
    values, weights = random_columns(np.random.default_rng(3), len(d.nodes), 80)
    result = solve(d, values, weights)
    theirs = solver_prox(d.matrix, values, weights)
    bound = objective(d.matrix, values, weights, theirs)
    joined = tie(d, weights, result.x, result.state.z)
    ours = objective(d.matrix, values, weights, joined)
    rounding = 1e-13 * weights * size(values) + (STATED * size(values)) ** 2
    assert np.all(ours <= bound * (1 + 1e-12) + rounding)
    assert bound.sum() <= ours.sum() * (1 + 1e-6)  # the solver did solve it


@named(ALL)
def test_residuals_are_what_they_say(d):
    values, weights = random_columns(np.random.default_rng(4), len(d.nodes), 80)
    for options in ({"tolerance": 1e-8}, {"max_iterations": 10}):
        result = solve(d, values, weights, **options)
        z, u, rho = result.state
        active = weights > 0
        primal = np.abs((d.matrix @ result.x - z) / size(values))[:, active].max()
        dual = np.abs((result.x - values + rho * (d.matrix.T @ u)) / size(values))[:, active].max()
        np.testing.assert_allclose(result.primal, primal, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(result.dual, dual, rtol=1e-6, atol=1e-12)
        # u is the multiplier of z: a subgradient of w |z| / rho, exactly
        limit = np.broadcast_to(weights / rho, u.shape)
        assert np.all(np.abs(u) <= limit * (1 + 1e-15))
        np.testing.assert_allclose(u[z != 0], (limit * np.sign(z))[z != 0], rtol=1e-15)


def test_stops_at_the_iterations_allowed_and_at_the_tolerance_asked():
    values, weights = random_columns(np.random.default_rng(5), 5, 80)
    assert solve(TREE_3, values, weights, max_iterations=20).iterations == 20
    loose, tight = (solve(TREE_3, values, weights, tolerance=t) for t in (1e-4, 1e-12))
    assert loose.iterations < tight.iterations
    assert 1e-12 < max(loose.primal, loose.dual) <= 1e-4 and max(tight.primal, tight.dual) <= 1e-12


def test_a_warm_start_saves_iterations_and_changes_no_answer():
    rng = np.random.default_rng(6)
    d = LARGE["curve"]
    values, weights = random_columns(rng, len(d.nodes), 80)
    first = solve(d, values, weights)
    again = solve(d, values, weights, state=first.state)
    assert again.iterations == 0
    np.testing.assert_array_equal(again.x, first.x)
    moved = values + 1e-6 * rng.normal(size=values.shape)
    cold, warm = solve(d, moved, weights), solve(d, moved, weights, state=first.state)
    assert warm.iterations < cold.iterations
    assert np.abs((warm.x - cold.x) / size(moved)).max() < 2 * LARGE_FACTOR * STATED


def test_weight_zero_needs_no_iterations_and_huge_weights_tie_everything():
    values, _ = random_columns(np.random.default_rng(7), 5, 80)
    free = solve(TREE_3, values, np.zeros(80))
    assert free.iterations == 0
    np.testing.assert_array_equal(free.x, values)
    tied = solve(TREE_3, values, np.full(80, 1e12))
    assert np.all(tied.state.z == 0)
    joined = tie(TREE_3, np.full(80, 1e12), tied.x, tied.state.z)
    assert np.all(joined == joined[0])
    np.testing.assert_allclose(joined[0], values.mean(axis=0), rtol=0, atol=1e-14 * np.abs(values).max())


def test_dispatch_keeps_the_state_and_clips_pairwise_rows():
    values, weights = random_columns(np.random.default_rng(8), 4, 80)
    run = jax.jit(lambda v, w, s: prox(SQUARE, v, w, s, box=(-0.5, 0.5)))
    first = run(values, weights, initial_state(SQUARE, 80))
    again = run(values, weights, first.state)
    assert int(first.iterations) > 0 and int(again.iterations) == 0
    theirs = np.clip(solver_prox(SQUARE.matrix, values, weights, box=(-0.5, 0.5)), -0.5, 0.5)
    bound = objective(SQUARE.matrix, values, weights, theirs)
    joined = np.clip(tie(SQUARE, weights, first.x, first.state.z), -0.5, 0.5)
    ours = objective(SQUARE.matrix, values, weights, joined)
    assert np.abs(joined - first.x).max() < FACTOR * STATED * size(values).max()
    assert np.all(ours <= bound * (1 + 1e-12))
    assert bound.sum() <= ours.sum() * (1 + 1e-6)  # the solver did solve it


@named([TREE_3, TREE_6, df.equivariant(NAMES[:4])])
def test_joined_pairwise_rows_are_bitwise_zero(d):
    values, weights = random_columns(np.random.default_rng(9), len(d.nodes), 400)
    result = solve(d, values, weights)
    joined = tie(d, weights, result.x, result.state.z)
    zero = (result.state.z == 0) & (weights > 0)
    assert 0.2 < zero.mean() < 0.9
    assert np.all((d.matrix @ joined)[zero] == 0)
    np.testing.assert_array_equal(joined[:, weights == 0], values[:, weights == 0])


def test_joined_tied_rows_that_are_not_pairwise_are_zero_to_rounding():
    values, weights = random_columns(np.random.default_rng(10), 3, 400)
    result = solve(MIXED, values, weights)
    joined = tie(MIXED, weights, result.x, result.state.z)
    zero = (result.state.z == 0) & (weights > 0)
    assert zero[2:].any()
    assert np.abs((MIXED.matrix @ joined / size(values))[zero]).max() < 1e-14
    pair = zero[0]
    assert np.all(joined[0, pair] == joined[1, pair])


def active_set_prox(matrix, values, weights):
    """The exact prox through its dual, 1/2 ||A'u - v||^2 over |u| <= w, by an active set method (BVLS)."""
    columns = []
    for v, w in zip(values.T, weights, strict=True):
        dual = lsq_linear(matrix.T, v, (-w, w), method="bvls", tol=1e-15, max_iter=1000) if w > 0 else None
        columns.append(v - matrix.T @ dual.x if w > 0 else v)
    return np.array(columns).T


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_agrees_with_an_active_set_method(name):
    d = LARGE[name]
    values, weights = random_columns(np.random.default_rng(12), len(d.nodes), 64)
    result = solve(d, values, weights)
    assert max(result.primal, result.dual) <= STATED
    exact = active_set_prox(d.matrix, values, weights)
    joined = tie(d, weights, result.x, result.state.z)
    for x in (result.x, joined):
        assert np.abs((x - exact) / size(values)).max() < LARGE_FACTOR * STATED
    np.testing.assert_array_equal(joined[:, weights == 0], values[:, weights == 0])


@pytest.mark.parametrize("name", LARGE)
def test_large_matrices_start_warm_or_cold_and_tie_under_huge_weights(name):
    d = LARGE[name]
    values, weights = random_columns(np.random.default_rng(13), len(d.nodes), 64)
    before = solve(d, values * 1.01, weights)
    cold, warm = solve(d, values, weights), solve(d, values, weights, state=before.state)
    assert np.abs((warm.x - cold.x) / size(values)).max() < 2 * LARGE_FACTOR * STATED
    heavy = np.logspace(4, 12, 64)
    tied = solve(d, values, heavy)
    assert np.all(tied.state.z == 0)
    joined = tie(d, heavy, tied.x, tied.state.z)
    assert np.abs(d.matrix @ joined / size(values)).max() < 1e-13
    free = values - np.linalg.pinv(d.matrix) @ (d.matrix @ values)
    assert np.abs((joined - free) / size(values)).max() < 1e-13


@pytest.mark.slow
def test_equal_columns_give_equal_results_and_the_same_zeros_in_whatever_block():
    values, weights = random_columns(np.random.default_rng(14), 16, 8)
    d = LARGE["grid"]
    many = solve(d, np.tile(values, (1, 80)), np.tile(weights, 80))
    joined = tie(d, np.tile(weights, 80), many.x, many.state.z)
    # products of matrices round differently from column to column
    for a in (many.x, joined):
        assert np.abs((a - np.tile(a[:, :8], (1, 80))) / np.tile(size(values), 80)).max() < 1e-13
    zero = (many.state.z == 0) & (np.tile(weights, 80) > 0)
    assert zero.any()
    np.testing.assert_array_equal(zero, np.tile(zero[:, :8], (1, 80)))


@pytest.mark.slow
def test_columns_beyond_a_block_come_back_in_their_order():
    d = LARGE["rows of unlike size"]
    values, weights = random_columns(np.random.default_rng(15), 9, 700)
    many = solve(d, values, weights)
    assert int(many.iterations) > FIRST_ROUND and values.shape[1] > BLOCK  # sorted at least once
    part = solve(d, values[:, 400:450], weights[400:450])
    assert np.abs((many.x[:, 400:450] - part.x) / size(values[:, 400:450])).max() < 2 * LARGE_FACTOR * STATED


def test_penalty_parameter_ignores_null_directions():
    assert penalty_parameter(df.equivariant(NAMES[:3]).matrix) == pytest.approx(1 / 3)
    assert penalty_parameter(np.array([[2.0, 0.0], [0.0, 0.5]])) == pytest.approx(1.0)


def test_initial_state_has_one_entry_per_row_and_column():
    z, u, rho = initial_admm_state(TREE_4.matrix, 7)
    assert z.shape == u.shape == (6, 7) and not z.any() and not u.any()
    assert np.all(np.asarray(rho) == penalty_parameter(TREE_4.matrix)) and rho.shape == (7,)
