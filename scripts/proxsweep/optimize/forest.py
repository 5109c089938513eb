"""Exact prox of weights[m] * sum over the edges (i, j) of a forest of strength |y_i - y_j|, all columns at once.

Message passing (Kolmogorov, Pock and Rolinek 2016, Total variation on a tree, SIAM J. Imaging Sci. 9, 605; on a path
Johnson 2013, J. Comput. Graph. Stat. 22, 246). With the tree hung from a root, let F_c(x) be the least objective of
the subtree of c given y_c = x. Its derivative is

    F_c'(x) = x - v_c + sum over children k of clip(F_k'(x), -w_k, w_k),

and y_c = clip(y_parent, low_c, high_c) with F_c'(low_c) = -w_c and F_c'(high_c) = w_c. Every clipped derivative is
-w_k plus a sum of clip(x, a_g, e_g) - a_g over the nodes g of the subtree: what a clip at c takes away is had by
clipping the a_g, e_g of its subtree to [low_c, high_c] and adding (low_c, high_c). So low_c and high_c are roots of
increasing piecewise linear functions with slopes of 1 to P, found by Newton's method inside a bracket. Values that
meet are copies of one and the same float.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

# Trees of up to so many nodes are written out, larger ones loop: time to run against time to compile.
UNROLLED_NODES = 9
# Nodes are worked off in loops over windows of so many rows, each of at least this multiple of the one before.
WIDEN = 3
# Newton's method takes 3 to 12 steps; where it would leave its bracket the step halves the bracket.
MAX_STEPS = 100
# So many columns are solved at a time: their arrays stay in the cache, and slow columns hold up few others.
BLOCK = 128

Edge = tuple[int, int, float]


class Plan(NamedTuple):
    """A tree in an order in which every subtree is contiguous and ends with its top; the root comes last.

    order: node at every position; parent: position of the parent (the root's own for the root); below: number of
    nodes below; strength: of the edge to the parent, 0 for the root. All (P,).
    """

    order: np.ndarray
    parent: np.ndarray
    below: np.ndarray
    strength: np.ndarray


def plan(nodes: int, edges: tuple[Edge, ...]) -> Plan:
    """The forest as one tree (its trees joined by edges of strength 0), hung where subtrees are small."""
    neighbours = _neighbours(nodes, edges)
    plans = [_root_tree(neighbours, root) for root in range(nodes)]
    return min(plans, key=lambda p: p.below.sum())


def prox_forest(edges: tuple[Edge, ...], values: jax.Array, weights: jax.Array) -> jax.Array:
    """Exact prox of weights[m] * sum of strength * |y_i - y_j|. values: (P, M); weights: (M,), not negative.

    edges: (i, j, strength > 0), static, without cycles. Good to about 5e-15 P of the column's largest |value|.
    """
    nodes, columns = values.shape
    tree = plan(nodes, edges)
    if nodes <= UNROLLED_NODES:
        return jnp.where(weights > 0, _prox_block(tree, values, weights), values)
    blocks = -(-columns // BLOCK)
    v = jnp.pad(values, ((0, 0), (0, blocks * BLOCK - columns))).reshape(nodes, blocks, BLOCK).swapaxes(0, 1)
    w = jnp.pad(weights, (0, blocks * BLOCK - columns)).reshape(blocks, BLOCK)
    y = jax.lax.map(lambda block: _prox_block(tree, *block), (v, w))
    y = y.swapaxes(0, 1).reshape(nodes, blocks * BLOCK)[:, :columns]
    return jnp.where(weights > 0, y, values)


def _prox_block(tree: Plan, values: jax.Array, weights: jax.Array) -> jax.Array:
    root = values[tree.order[-1]]
    v = values[tree.order] - root
    # No edge carries more than P/4 times the range: a larger weight changes nothing, but would cost digits.
    most = 0.26 * len(v) * (jnp.max(values, axis=0) - jnp.min(values, axis=0))
    w = jnp.minimum(tree.strength[:, None] * weights, most)
    low, high = _limits(tree, v, w)
    return (_descend(tree, low, high) + root)[np.argsort(tree.order)]


def _limits(tree: Plan, v: jax.Array, w: jax.Array) -> tuple[jax.Array, jax.Array]:
    """low and high of every node by position, (P, M) each; both the solution at the root (its w is 0)."""
    children = [np.flatnonzero(tree.parent[:-1] == k) for k in range(len(v))]
    total = jnp.stack([sum((w[c] for c in kids), jnp.zeros_like(w[0])) for kids in children])
    low, high = v - w, v + w
    state = low, high, low, high
    for width, positions in _windows(tree.below):
        state = _limits_at(width, positions, tree, (v, w, total), state)
    return state[:2]


def _limits_at(width: int, positions: np.ndarray, tree: Plan, data: tuple, state: tuple) -> tuple:
    """The limits of the nodes at some positions, lower ones first, none with more than `width` nodes below."""
    v, w, total = data
    eps = jnp.finfo(v.dtype).eps
    size = jnp.max(jnp.abs(v), axis=0)
    # A window may begin above the subtree, also above row 0: such rows are left out by `inside`.
    begin, first = np.maximum(positions - width, 0), positions - tree.below[positions]
    few = len(v) <= UNROLLED_NODES
    if not few:
        begin, first, positions = (jnp.asarray(a) for a in (begin, first, positions))

    def one_node(i, state):
        low, high, a, e = state
        k = positions[i]
        row = begin[i] + jnp.arange(width)[:, None]
        inside = (row >= first[i]) & (row < k)
        a_old, e_old = (jax.lax.dynamic_slice_in_dim(ends, begin[i], width) for ends in (a, e))
        a_in, e_in = jnp.where(inside, a_old, 0), jnp.where(inside, e_old, 0)
        centre = v[k] + jnp.stack([-w[k], w[k]])
        target = centre + total[k] + jnp.sum(a_in, axis=0)
        tolerance = (width + 3) * eps * (size + total[k] + w[k])
        found = _root_among(a_in, e_in, target) if few else _root(a_in, e_in, target, centre, tolerance)
        lower, upper = found[0], jnp.maximum(found[0], found[1])
        a, e = (
            jax.lax.dynamic_update_slice_in_dim(ends, jnp.where(inside, jnp.clip(old, lower, upper), old), begin[i], 0)
            for ends, old in ((a, a_old), (e, e_old))
        )
        return low.at[k].set(lower), high.at[k].set(upper), a.at[k].set(lower), e.at[k].set(upper)

    return _loop(len(positions), one_node, state, few)


def _loop(count: int, body, state, few: bool):
    """The loop, written out for few nodes."""
    if not few:
        return jax.lax.fori_loop(0, count, body, state)
    for i in range(count):
        state = body(i, state)
    return state


def _root_among(a: jax.Array, e: jax.Array, target: jax.Array) -> jax.Array:
    """x with x + sum of clip(x, a, e) = target, by the sign at every a and e. a, e: (W, M); target: (2, M)."""
    total, count = target, jnp.ones_like(target)
    for a_g, e_g in zip(a, e, strict=True):
        at_a, at_e = (x + sum(jnp.clip(x, a_k, e_k) for a_k, e_k in zip(a, e, strict=True)) for x in (a_g, e_g))
        low, high = at_a >= target, at_e <= target
        total = total - jnp.where(low, a_g, jnp.where(high, e_g, 0))
        count = count + jnp.where(low | high, 0, 1)
    return total / count


def _root(a: jax.Array, e: jax.Array, target: jax.Array, start: jax.Array, tolerance: jax.Array) -> jax.Array:
    """x with x + sum of clip(x, a, e) = target. a, e: (W, M); target and start: (2, M); tolerance: (M,)."""

    def step(carry):
        x, left, right, _, count = carry
        excess, slope = x - target, jnp.ones_like(x)
        for a_g, e_g in zip(a, e, strict=True):
            excess = excess + jnp.clip(x, a_g, e_g)
            slope = slope + ((x > a_g) & (x < e_g))
        left, right = jnp.where(excess <= 0, x, left), jnp.where(excess >= 0, x, right)
        move = excess / slope
        done = jnp.abs(move) <= tolerance
        newton = x - move
        kept = done | ((newton > left) & (newton < right))
        return jnp.where(kept, newton, (left + right) / 2), left, right, jnp.all(done), count + 1

    def unfinished(carry):
        return ~carry[3] & (carry[4] < MAX_STEPS)

    unbounded = jnp.full_like(start, jnp.inf)
    first = start, -unbounded, unbounded, jnp.array(False), jnp.zeros((), jnp.int32)
    return jax.lax.while_loop(unfinished, step, first)[0]


def _descend(tree: Plan, low: jax.Array, high: jax.Array) -> jax.Array:
    """The solution by node position, parents before children. (P, M)"""
    few = len(low) <= UNROLLED_NODES
    parent = tree.parent if few else jnp.asarray(tree.parent)

    def one_node(i, y):
        k = len(low) - 2 - i
        return y.at[k].set(jnp.clip(y[parent[k]], low[k], high[k]))

    return _loop(len(low) - 1, one_node, low, few)


def _windows(below: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Positions with nodes below, gathered by their number: (width, positions), small subtrees first."""
    left = np.argsort(below, kind="stable")
    left = left[below[left] > 0]
    windows = []
    while len(left):
        smallest = below[left[0]]
        together = below[left] < WIDEN * smallest
        windows.append((int(below[left[together]].max()), left[together]))
        left = left[~together]
    return windows


def _neighbours(nodes: int, edges: tuple[Edge, ...]) -> list[dict[int, float]]:
    """Of every node {neighbour: strength}; trees are joined by edges of strength 0."""
    neighbours = [{} for _ in range(nodes)]
    label = list(range(nodes))
    joining = [(0, node, 0.0) for node in range(1, nodes)]
    for i, j, strength in (*edges, *joining):
        if label[i] == label[j]:
            continue
        neighbours[i][j] = neighbours[j][i] = strength
        old, new = label[j], label[i]
        label = [new if part == old else part for part in label]
    return neighbours


def _root_tree(neighbours: list[dict[int, float]], root: int) -> Plan:
    """The tree hung from a root: each node after all nodes below it."""
    parent_of, down, waiting = {root: root}, [], [root]
    while waiting:
        node = waiting.pop()
        down.append(node)
        fresh = [other for other in neighbours[node] if other not in parent_of]
        parent_of.update(dict.fromkeys(fresh, node))
        waiting += fresh
    order = np.array(down[::-1])
    position = np.argsort(order)
    parent = np.array([position[parent_of[node]] for node in order])
    below = np.zeros(len(order), int)
    for k in range(len(order) - 1):
        below[parent[k]] += below[k] + 1
    strength = np.array([neighbours[parent_of[node]].get(node, 0.0) for node in order])
    return Plan(order, parent, below, strength)
