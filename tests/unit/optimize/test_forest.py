from functools import lru_cache, partial

import jax
import numpy as np
import pytest

from fusion_oracle import EXACT, enumerated_prox, objective, random_columns, solver_prox
from proxsweep.optimize import difference as df
from proxsweep.optimize.forest import plan, prox_forest
from proxsweep.optimize.prox import initial_state, prox

jax.config.update("jax_enable_x64", True)

COLUMNS = 300
# for every node, relative to the column's largest |value|
ROUNDING = 5e-15


def names(count):
    return [f"c{i}" for i in range(count)]


def caterpillar(leaves):
    """Conditions branch off a stem one by one."""
    stem = {f"x{i}": f"x{i + 1}" for i in range(1, leaves - 1)}
    return df.tree("caterpillar", names(leaves), {"c0": "x1"} | {f"c{i}": f"x{i}" for i in range(1, leaves)} | stem)


def joined(leaves, pick):
    """A binary tree: two of the tops are joined until one is left."""
    tops, parents = names(leaves), {}
    while len(tops) > 1:
        first, second = (tops.pop(pick(len(tops))) for _ in range(2))
        top = f"x{len(parents)}"
        parents |= {first: top, second: top}
        tops.append(top)
    return df.tree("joined", names(leaves), parents)


def balanced(leaves):
    return joined(leaves, lambda count: 0)


def random(leaves):
    rng = np.random.default_rng(leaves)
    return joined(leaves, lambda count: int(rng.integers(count)))


def star(leaves):
    return df.tree("star", names(leaves), dict.fromkeys(names(leaves), "root"))


def ancestors(nodes):
    """Every node but the first hangs from one before it; all are conditions."""
    rng = np.random.default_rng(nodes)
    return df.tree("ancestors", names(nodes), {f"c{i}": f"c{rng.integers(i)}" for i in range(1, nodes)})


def pair(i, j, by=1.0):
    return {f"c{i}": by, f"c{j}": -by}


PATCHES = df.explicit(
    "patches",
    names(9),
    {"a": pair(5, 1, 0.01), "b": pair(1, 3), "c": pair(3, 1, 2), "d": pair(8, 1, 30), "e": pair(0, 7), "f": pair(7, 2)},
)
SHAPES = {
    "caterpillar 2": caterpillar(2),
    "caterpillar 3": caterpillar(3),
    "caterpillar 6": caterpillar(6),
    "caterpillar 20": caterpillar(20),
    "balanced 4": balanced(4),
    "balanced 20": balanced(20),
    "star 20": star(20),
    "random 7": random(7),
    "random 13": random(13),
    "ancestors 20": ancestors(20),
    "patches": PATCHES,
}
LARGE = ("caterpillar 6", "caterpillar 20", "balanced 20", "random 13", "ancestors 20")


def shapes(*names):
    marked = [pytest.param(name, marks=[pytest.mark.slow] * (name in LARGE)) for name in names]
    return pytest.mark.parametrize("shape", marked)


every_shape = shapes(*SHAPES)


@partial(jax.jit, static_argnums=0)
def compiled(edges, values, weights):
    return prox_forest(edges, values, weights)


def fused(d, values, weights):
    return np.asarray(compiled(d.forest, values, weights))


def gaps_of(d, y):
    """|y_i - y_j| of every row, without its coefficient: 0.01 y_i - 0.01 y_j may round to something else than 0."""
    return np.abs(np.sign(d.matrix) @ y)


def largest(values):
    return np.maximum(np.abs(values).max(axis=0), np.finfo(float).tiny)


@lru_cache
def solved(shape):
    d = SHAPES[shape]
    values, weights = random_columns(np.random.default_rng(1), len(d.nodes), COLUMNS)
    return d, values, weights, fused(d, values, weights)


def violation(d, values, weights, y):
    """By how much the optimality conditions are missed, relative to the column's largest |value|.

    Without cycles the multipliers of the merged edges follow from v - y = B' u alone: |u| <= weight * strength, with
    equality, and the sign of the difference, where there is one.
    """
    rows = np.zeros((len(d.forest), len(d.nodes)))
    strength = np.array([edge[2] for edge in d.forest])
    for row, (i, j, _) in zip(rows, d.forest, strict=True):
        row[i], row[j] = 1, -1
    u = np.linalg.pinv(rows.T) @ (values - y)
    limit = strength[:, None] * weights
    difference = rows @ y
    unbalanced = np.abs(values - y - rows.T @ u).max(axis=0)
    outside = np.maximum(np.abs(u) - limit, 0).max(axis=0)
    wrong = np.where(difference == 0, 0, np.abs(u - limit * np.sign(difference))).max(axis=0)
    return np.max([unbalanced, outside, wrong] / largest(values))


@every_shape
def test_optimality_conditions_hold_to_rounding(shape):
    d, values, weights, y = solved(shape)
    assert violation(d, values, weights, y) < ROUNDING * len(d.nodes)


@pytest.mark.parametrize("shape", ["caterpillar 3", "balanced 20", "patches"])
def test_never_worse_than_a_generic_solver(shape):
    d, values, weights, y = solved(shape)
    values, weights, y = values[:, :80], weights[:80], y[:, :80]
    theirs = solver_prox(d.matrix, values, weights)
    ours, bound = objective(d.matrix, values, weights, y), objective(d.matrix, values, weights, theirs)
    assert np.all(ours <= bound * (1 + 1e-12) + 1e-13 * weights * largest(values))
    assert bound.sum() <= ours.sum() * (1 + 1e-6)  # the solver did solve it


@pytest.mark.parametrize("scale", [1, 1e-8, 1e8])
@pytest.mark.parametrize("shape", ["caterpillar 2", "caterpillar 3", "balanced 4"])
def test_agrees_with_enumeration(shape, scale):
    d, values, weights, _ = solved(shape)
    values, weights = scale * values[:, :80], scale * weights[:80]
    gap = np.abs(fused(d, values, weights) - enumerated_prox(d.matrix, values, weights))
    assert np.all(gap <= 10 * EXACT * largest(values))


@every_shape
def test_values_that_meet_are_bitwise_equal(shape):
    d, _, _, _ = solved(shape)
    rng = np.random.default_rng(2)
    values, weights = rng.normal(size=(len(d.nodes), COLUMNS)), rng.exponential(0.5, size=COLUMNS)
    gaps = gaps_of(d, fused(d, values, weights))
    assert (gaps == 0).mean() > 0.2
    assert gaps[gaps > 0].min() > 1e-11


@every_shape
def test_weight_zero_returns_the_values_bitwise_and_huge_weights_tie_everything(shape):
    d, values, _, _ = solved(shape)
    np.testing.assert_array_equal(fused(d, values, np.zeros(COLUMNS)), values)
    tied = fused(d, values, np.logspace(5, 250, COLUMNS))
    assert np.all(gaps_of(d, tied) == 0)
    means = np.linalg.pinv(d.matrix) @ (d.matrix @ values)
    np.testing.assert_allclose(tied, values - means, rtol=0, atol=ROUNDING * len(d.nodes) * largest(values).max())


@every_shape
def test_equal_columns_give_bitwise_equal_results(shape):
    d, values, weights, _ = solved(shape)
    for column in (0, 2, 7):
        y = fused(d, np.repeat(values[:, [column]], COLUMNS, axis=1), np.repeat(weights[column], COLUMNS))
        np.testing.assert_array_equal(y, np.repeat(y[:, :1], COLUMNS, axis=1))


def test_equal_values_stay_equal_whatever_the_weight():
    d = SHAPES["balanced 4"]
    values = np.repeat(np.random.default_rng(0).normal(size=(1, COLUMNS)) * 1e3, len(d.nodes), axis=0)
    np.testing.assert_array_equal(fused(d, values, np.logspace(-20, 6, COLUMNS)), values)


def test_invariances():
    d, values, weights, y = solved("random 7")
    close = partial(np.testing.assert_allclose, rtol=0, atol=1e-13 * np.abs(values).max())
    close(fused(d, -values, weights), -y)
    close(fused(d, values + 3, weights), y + 3)
    close(y.sum(axis=0), values.sum(axis=0))
    np.testing.assert_array_equal(fused(d, values * 2.0**30, weights * 2.0**30), y * 2.0**30)


@shapes("caterpillar 3", "caterpillar 6", "patches")
def test_ties_survive_compilation_with_what_surrounds_them(shape):
    d = SHAPES[shape]
    rows = np.sign(d.matrix)

    @jax.jit
    def step(values, weights, moved):
        y = prox(d, values - 0.1 * weights * moved, weights * 0.3).x
        return y, (rows @ y) * weights, 0.3 * values - y * moved

    rng = np.random.default_rng(6)
    values, weights = rng.normal(size=(len(d.nodes), 5001)) * 10, rng.exponential(3, size=5001)
    y, shifts, _ = step(values, weights, rng.normal(size=values.shape))
    for gaps in (gaps_of(d, y), np.abs(shifts / weights)):
        assert (gaps == 0).mean() > 0.02
        assert gaps[gaps > 0].min() > 1e-11


def test_trees_paths_and_forests_need_no_state_and_keep_a_box():
    d, values, weights, y = solved("patches")
    result = jax.jit(lambda v, w: prox(d, v, w, box=(-0.5, 0.5)))(values, weights)
    assert initial_state(d, COLUMNS) is None and result.state is None and int(result.iterations) == 0
    np.testing.assert_array_equal(result.x, np.clip(y, -0.5, 0.5))


def test_the_plan_hangs_a_path_from_its_middle_and_joins_trees_at_no_cost():
    path = plan(5, tuple((i, i + 1, 2.0) for i in range(4)))
    assert path.order[-1] == 2 and sorted(path.below) == [0, 0, 1, 1, 4]
    assert sorted(path.strength) == [0, 2, 2, 2, 2]
    apart = plan(4, ((0, 1, 1.0), (2, 3, 1.0)))
    assert sorted(apart.strength) == [0, 0, 1, 1]
    for tree in (path, apart):
        for k in range(len(tree.order) - 1):
            assert k - tree.below[k] >= tree.parent[k] - tree.below[tree.parent[k]] and k < tree.parent[k]
