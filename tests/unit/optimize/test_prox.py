from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fusion_oracle import EXACT, enumerated_prox, objective, random_columns, solver_prox
from proxsweep.optimize import difference as df
from proxsweep.optimize import prox as module
from proxsweep.optimize.prox import initial_state, prox, prox_equivariant, prox_reference

jax.config.update("jax_enable_x64", True)

NAMES = [f"c{i}" for i in range(30)]
OPERATORS = ["reference", "equivariant"]


def larger(*nodes):
    return [pytest.param(number, marks=pytest.mark.slow) for number in nodes]


def difference(operator, nodes, centre=0):
    names = NAMES[:nodes]
    return df.equivariant(names) if operator == "equivariant" else df.reference(names, names[centre])


compiled_equivariant = jax.jit(prox_equivariant)
compiled_reference = jax.jit(prox_reference, static_argnums=2)


def fused(operator, values, weights, centre=0):
    """The compiled operator on NumPy arrays."""
    if operator == "equivariant":
        return np.asarray(compiled_equivariant(values, weights))
    return np.asarray(compiled_reference(values, weights, centre))


def largest(values):
    return np.abs(values).max(axis=0)


@pytest.mark.parametrize(
    ("operator", "values", "weight", "expected"),
    [
        ("reference", [0, 1], 0.25, [0.25, 0.75]),  # not (0, 0.75): the reference moves too
        ("equivariant", [0, 1], 0.25, [0.25, 0.75]),
        ("reference", [0, 1], 5, [0.5, 0.5]),
        ("reference", [0, 2, 2], 0.5, [1, 1.5, 1.5]),
        ("reference", [0, 2, -2], 0.5, [0, 1.5, -1.5]),
        ("equivariant", [0, 3, 9], 1, [2, 3, 7]),
        ("equivariant", [9, 0, 3], 1, [7, 2, 3]),
        ("equivariant", [0, 3, 9], 2, [3.5, 3.5, 5]),
    ],
)
def test_answers_by_hand(operator, values, weight, expected):
    y = fused(operator, np.array(values, float)[:, None], np.array([float(weight)]))
    np.testing.assert_array_equal(y[:, 0], expected)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("nodes", [2, 3, 4])
@pytest.mark.parametrize("scale", [1, 1e-8, 1e8])
def test_agrees_with_enumeration(operator, nodes, scale):
    values, weights = random_columns(np.random.default_rng(nodes), nodes, 400)
    d = difference(operator, nodes)
    y = fused(operator, scale * values, scale * weights)
    gap = np.abs(y - enumerated_prox(d.matrix, scale * values, scale * weights))
    assert np.all(gap <= EXACT * largest(scale * values))


@pytest.mark.parametrize("nodes", [2, 3, 4])
def test_any_node_can_be_the_reference(nodes):
    values, weights = random_columns(np.random.default_rng(5), nodes, 80)
    for centre in range(nodes):
        exact = enumerated_prox(difference("reference", nodes, centre).matrix, values, weights)
        y = fused("reference", values, weights, centre)
        np.testing.assert_allclose(y, exact, rtol=0, atol=10 * EXACT)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("nodes", [2, 3, 4, 5, 6])
def test_never_worse_than_a_generic_solver(operator, nodes):
    values, weights = random_columns(np.random.default_rng(10 + nodes), nodes, 48)
    matrix = difference(operator, nodes).matrix
    y, theirs = fused(operator, values, weights), solver_prox(matrix, values, weights)
    ours, bound = objective(matrix, values, weights, y), objective(matrix, values, weights, theirs)
    assert np.all(ours <= bound * (1 + 1e-12) + (1e-15 * largest(values)) ** 2)
    assert bound.sum() <= ours.sum() * (1 + 1e-6)  # the solver did solve it


def equivariant_violation(values, weights, y):
    """How far v - y is from w * subdifferential, relative to the data: top sums over tied nodes."""
    worst = 0.0
    for v, w, p in zip(values.T, weights, y.T, strict=True):
        rest = v - p - w * np.sign(p[:, None] - p[None, :]).sum(axis=1)
        for level in np.unique(p):
            block = np.sort(rest[p == level])[::-1]
            k = np.arange(1, len(block) + 1)
            over = np.cumsum(block) - w * k * (len(block) - k)
            worst = max(worst, max(over.max(), abs(block.sum())) / max(np.abs(v).max(), w))
    return worst


def reference_violation(values, weights, y):
    u = values[1:] - y[1:]
    size = np.maximum(largest(values), weights)
    balance = np.abs(y[0] - values[0] - u.sum(axis=0)) / size
    outside = np.maximum(np.abs(u) - weights, 0) / size
    wrong = np.where(y[1:] == y[0], 0, np.abs(u - weights * np.sign(y[1:] - y[0]))) / size
    return max(balance.max(), outside.max(), wrong.max())


@pytest.mark.parametrize("nodes", [2, 3, 6, *larger(11, 16)])
def test_optimality_conditions_hold_to_rounding(nodes):
    values, weights = random_columns(np.random.default_rng(20 + nodes), nodes, 400)
    assert equivariant_violation(values, weights, fused("equivariant", values, weights)) < 1e-13
    assert reference_violation(values, weights, fused("reference", values, weights)) < 1e-13


def test_optimality_checks_notice_a_wrong_answer():
    values, weights = random_columns(np.random.default_rng(2), 3, 40)
    assert equivariant_violation(values, weights, fused("reference", values, weights)) > 1e-3
    assert reference_violation(values, weights, fused("equivariant", values, weights)) > 1e-3


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("nodes", [2, 3, 5, *larger(8, 14)])
def test_values_that_meet_are_bitwise_equal(operator, nodes):
    rng = np.random.default_rng(nodes)
    values, weights = rng.normal(size=(nodes, 5000)), rng.exponential(0.5, size=5000)
    y = np.sort(fused(operator, values, weights), axis=0)
    gaps = np.diff(y, axis=0)
    assert (gaps == 0).mean() > 0.2
    assert gaps[gaps > 0].min() > 1e-11


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("nodes", [3, 5])
def test_ties_survive_compilation_with_what_surrounds_them(operator, nodes):
    """A compiler may fuse products and sums, and compute a row anew for each of its uses."""

    @jax.jit
    def step(values, weights, moved):
        y = prox(difference(operator, nodes), values - 0.1 * weights * moved, weights * 0.3).x
        return y, (y[1:] - y[:-1]) * weights, 0.3 * values - y * moved

    rng = np.random.default_rng(nodes)
    values, weights = rng.normal(size=(nodes, 20_001)) * 10, rng.exponential(3, size=20_001)
    y, differences, _ = step(values, weights, rng.normal(size=values.shape))
    for gaps in (np.diff(np.sort(y, axis=0), axis=0), np.abs(differences / weights)):
        assert (gaps == 0).mean() > 0.02
        assert gaps[gaps > 0].min() > 1e-11


def test_shifts_at_the_edge_of_a_tie_never_have_the_wrong_sign():
    """Decimal data put many nodes exactly one weight from the reference, where only rounding decides."""
    rng = np.random.default_rng(0)
    values, weights = rng.integers(-5, 6, size=(4, 50_000)) * 0.1, rng.integers(1, 10, size=50_000) * 0.1
    y = fused("reference", values, weights)
    shift, pull = y[1:] - y[0], values[1:] - y[0]
    assert np.any((shift != 0) & (np.abs(shift) < 1e-12))  # the edge was met
    assert np.all(shift * pull >= 0)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("nodes", [3, *larger(7, 14)])
def test_equal_values_stay_equal_whatever_the_weight(operator, nodes):
    values = np.repeat(np.random.default_rng(0).normal(size=(1, 200)) * 1e3, nodes, axis=0)
    y = fused(operator, values, np.logspace(-20, 6, 200))
    assert np.all(y == y[0])
    np.testing.assert_allclose(y, values, rtol=1e-14)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("nodes", [2, 3, *larger(7, 14)])
def test_weight_zero_returns_the_values_bitwise(operator, nodes):
    values = np.random.default_rng(1).normal(size=(nodes, 100))
    values[0, :50] = values[-1, :50]
    np.testing.assert_array_equal(fused(operator, values, np.zeros(100)), values)


@pytest.mark.parametrize("operator", OPERATORS)
def test_weights_far_above_the_data_give_the_mean(operator):
    values = np.random.default_rng(1).normal(size=(4, 60))
    y = fused(operator, values, np.logspace(2, 250, 60))
    np.testing.assert_allclose(y, np.broadcast_to(values.mean(axis=0), y.shape), rtol=0, atol=1e-15)
    assert np.all(y == y[0])


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("nodes", [2, 3, *larger(5, 14)])
def test_invariances(operator, nodes):
    rng = np.random.default_rng(3)
    values, weights = random_columns(rng, nodes, 200)
    y = fused(operator, values, weights)
    close = partial(np.testing.assert_allclose, rtol=0, atol=1e-13 * np.abs(values).max())
    close(fused(operator, -values, weights), -y)
    close(fused(operator, values + 3, weights), y + 3)
    close(y.sum(axis=0), values.sum(axis=0))
    np.testing.assert_array_equal(fused(operator, values * 2.0**30, weights * 2.0**30), y * 2.0**30)
    order = rng.permutation(nodes)
    close(fused(operator, values[order], weights, int(np.argsort(order)[0])), y[order])


@pytest.mark.parametrize("operator", OPERATORS)
def test_nonexpansive(operator):
    rng = np.random.default_rng(4)
    values, weights = random_columns(rng, 4, 400)
    moved = values + rng.normal(size=values.shape) * rng.exponential(size=400) ** 2
    before, after = fused(operator, values, weights), fused(operator, moved, weights)
    length = partial(np.linalg.norm, axis=0)
    assert np.all(length(after - before) <= length(moved - values) * (1 + 1e-12))


@pytest.mark.parametrize("operator", OPERATORS)
def test_sign_flips_commute(operator):
    """The prox of ||A diag(s) y||_1 is s * prox(s * v), the flips undone by hand."""
    rng = np.random.default_rng(6)
    values, weights = random_columns(rng, 3, 100)
    matrix = difference(operator, 3).matrix
    for signs in ([1, -1, 1], [-1, -1, 1]):
        s = np.array(signs)[:, None]
        exact = enumerated_prox(matrix * s.T, values, weights)
        np.testing.assert_allclose(s * fused(operator, s * values, weights), exact, rtol=0, atol=10 * EXACT)


def test_looped_and_written_out_forms_agree(monkeypatch):
    values, weights = random_columns(np.random.default_rng(7), 5, 300)
    written_out = fused("equivariant", values, weights)
    monkeypatch.setattr(module, "UNROLLED_NODES", 1)
    looped = np.asarray(jax.jit(lambda v, w: prox_equivariant(v, w))(values, weights))
    np.testing.assert_allclose(looped, written_out, rtol=0, atol=1e-13)
    ties = [np.diff(np.sort(y, axis=0), axis=0) == 0 for y in (looped, written_out)]
    np.testing.assert_array_equal(*ties)


@pytest.mark.parametrize("operator", OPERATORS)
def test_dispatch_is_exact_and_static_under_jit(operator):
    values, weights = random_columns(np.random.default_rng(8), 3, 100)
    d = difference(operator, 3, centre=0)
    traces = []

    @partial(jax.jit, static_argnums=0)
    def run(d, values, weights):
        traces.append(d)
        return prox(d, values, weights)

    result = run(d, values, weights)
    run(difference(operator, 3, centre=0), values, weights)
    assert len(traces) == 1
    np.testing.assert_array_equal(result.x, fused(operator, values, weights))
    assert (result.state, float(result.primal), int(result.iterations)) == (None, 0, 0)
    assert initial_state(d, 100) is None


def test_a_star_tree_uses_the_exact_operator():
    d = df.tree("star", NAMES[:3], dict.fromkeys(NAMES[:3], "root"))
    values, weights = random_columns(np.random.default_rng(9), 4, 100)
    result = jax.jit(lambda v, w: prox(d, v, w))(values, weights)
    assert result.state is None
    exact = enumerated_prox(d.matrix, values, weights)
    np.testing.assert_allclose(result.x, exact, rtol=0, atol=10 * EXACT)


def test_one_node_is_left_alone():
    values, weights = np.array([[1.0, -2.0]]), np.array([3.0, 0.0])
    for d in (df.equivariant(["a"]), df.reference(["a"], "a")):
        np.testing.assert_array_equal(prox(d, jnp.asarray(values), jnp.asarray(weights)).x, values)


@pytest.mark.parametrize("d", [df.reference(NAMES[:3], "c1"), df.equivariant(NAMES[:4])], ids=OPERATORS)
def test_box_is_clipped_after(d):
    values, weights = random_columns(np.random.default_rng(11), len(d.nodes), 60)
    lower, upper = np.linspace(-1, 0.2, 60), np.linspace(0.25, 0.5, 60)
    y = np.asarray(jax.jit(lambda v, w: prox(d, v, w, box=(lower, upper)).x)(values, weights))
    assert np.all((y >= lower) & (y <= upper))
    full_box = [np.tile(limit, (len(y), 1)) for limit in (lower, upper)]
    theirs = np.clip(solver_prox(d.matrix, values, weights, box=full_box), lower, upper)
    ours = objective(d.matrix, values, weights, y)
    bound = objective(d.matrix, values, weights, theirs)
    assert np.all(ours <= bound * (1 + 1e-12))
    assert bound.sum() <= ours.sum() * (1 + 1e-6)  # the solver did solve it


def test_box_is_refused_for_rows_that_are_not_pairwise():
    d = df.explicit("curve", NAMES[:3], {"r": {"c0": 1, "c1": -2, "c2": 1}})
    with pytest.raises(ValueError, match="a box needs rows that compare two nodes; matrix 'curve'"):
        prox(d, jnp.zeros((3, 2)), jnp.ones(2), box=(-1.0, 1.0))
