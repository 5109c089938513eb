"""The matrix V as the solvers read it, dense or sparse, and what they ask of it.

Factors of S starts stand side by side, W as (S, k, m) and H as (S, k, n), so that a product with V is one matrix
product for all starts. A sparse V is kept twice, by rows and by columns, in groups of lines of nearly one length: each
group is a rectangle, and a product a loop over its positions. Nothing of the size of V is made dense.

Entries that are held out have weight 0: a dense V is 0 there, and what is fitted is multiplied by 0.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy import sparse

GROWTH = 1.2  # lines of one group differ in length by at most this factor, or by SHORT entries
SHORT = 4


class Dense(NamedTuple):
    """A dense V (m, n), and its entries that are fitted as 1, others as 0; None where all are."""

    values: jax.Array
    seen: jax.Array | None = None


class Group(NamedTuple):
    """Lines of nearly one length: their numbers (R,), and the places and values of their entries, both (L, R).

    Shorter ones are filled up with entries of value 0 at place 0. Values that single precision holds exactly, as counts
    do, are kept so; all arithmetic is in double precision.
    """

    lines: jax.Array
    places: jax.Array
    values: jax.Array


class Sparse(NamedTuple):
    """A sparse V: its rows in groups, its columns in groups."""

    rows: tuple[Group, ...]
    columns: tuple[Group, ...]


Matrix = Dense | Sparse


def matrix(values: np.ndarray | sparse.csr_array, seen: np.ndarray | None = None) -> Matrix:
    """V as arrays of the solver; ``seen`` (m, n) bool goes with a dense V that is 0 elsewhere."""
    if not sparse.issparse(values):
        return Dense(jnp.asarray(values, jnp.float64), None if seen is None else jnp.asarray(seen, jnp.float64))
    exact = np.array_equal(values.data.astype(np.float32), values.data)
    numbers = values.data.astype(np.float32) if exact else values.data
    kept = sparse.csr_array((numbers, values.indices, values.indptr), shape=values.shape)
    rows = tuple(_groups(kept))
    return Sparse(rows, tuple(_groups(kept.tocsc())))


def entries(v: Matrix) -> int:
    """Entries of V that products go through: all of a dense one, the stored ones of a sparse one."""
    return v.values.size if isinstance(v, Dense) else sum(group.values.size for group in v.rows)


def _groups(values: Any) -> Iterator[Group]:
    """Lines (rows of a CSR array, columns of a CSC one) by length, longest first; empty ones are left out."""
    lengths = np.diff(values.indptr)
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] > 0]
    begin = 0
    while begin < len(order):
        longest = lengths[order[begin]]
        least = min(longest / GROWTH, longest - SHORT)
        end = begin + int(np.searchsorted(-lengths[order[begin:]], -least, side="right"))
        yield _group(values, order[begin:end], int(longest))
        begin = end


def _group(values: Any, lines: np.ndarray, length: int) -> Group:
    begins, lengths = values.indptr[lines], np.diff(values.indptr)[lines]
    places = np.zeros((length, len(lines)), np.int32)
    numbers = np.zeros((length, len(lines)), values.dtype)
    for position in range(length):
        inside = lengths > position
        at = begins[inside] + position
        places[position, inside], numbers[position, inside] = values.indices[at], values.data[at]
    return Group(jnp.asarray(lines.astype(np.int32)), jnp.asarray(places), jnp.asarray(numbers))


def by_rows(v: Matrix, h: jax.Array, m: int) -> jax.Array:
    """V H' of every start: (S, k, n) to (S, k, m)."""
    if isinstance(v, Dense):
        return jnp.einsum("skn,mn->skm", h, v.values)
    return _grouped(v.rows, h, m)


def by_columns(v: Matrix, w: jax.Array, n: int) -> jax.Array:
    """V' W of every start: (S, k, m) to (S, k, n)."""
    if isinstance(v, Dense):
        return jnp.einsum("skm,mn->skn", w, v.values)
    return _grouped(v.columns, w, n)


def _grouped(groups: tuple[Group, ...], x: jax.Array, size: int) -> jax.Array:
    starts, rank, _ = x.shape
    flat = x.reshape(starts * rank, -1).T  # a place's entries of all factors lie together
    out = jnp.zeros((size, starts * rank))
    for group in groups:
        out = out.at[group.lines].set(_product(group, flat), unique_indices=True)
    return out.T.reshape(starts, rank, size)


def _product(group: Group, flat: jax.Array) -> jax.Array:
    def add(position: int, total: jax.Array) -> jax.Array:
        return total + _numbers(group.values[position])[:, None] * flat[group.places[position]]

    start = jnp.zeros((len(group.lines), flat.shape[1]))
    return jax.lax.fori_loop(0, len(group.places), add, start)


def _numbers(values: jax.Array) -> jax.Array:
    return values.astype(jnp.float64)


# ---- where entries are held out: what is fitted at those that are seen ---------------------------------------


def fitted_seen(v: Dense, w: jax.Array, h: jax.Array) -> jax.Array:
    """W H of every start at the seen entries, 0 elsewhere: (S, m, n)."""
    return jnp.einsum("skm,skn->smn", w, h) * v.seen


def fitted_by_rows(v: Dense, w: jax.Array, h: jax.Array) -> jax.Array:
    """(W H) H' of every start, W H at the seen entries alone: (S, k, m)."""
    return jnp.einsum("smn,skn->skm", fitted_seen(v, w, h), h)


def fitted_by_columns(v: Dense, w: jax.Array, h: jax.Array) -> jax.Array:
    """(W H)' W of every start, W H at the seen entries alone: (S, k, n)."""
    return jnp.einsum("smn,skm->skn", fitted_seen(v, w, h), w)


# ---- what the Poisson loss asks for: numbers at the entries of V ----------------------------------------------


def fitted_at(group: Group, here: jax.Array, there: jax.Array) -> jax.Array:
    """The fitted values at a group's entries, (L, S, R), for factors of its lines (S, k, .) and of its places."""
    own = here[:, :, group.lines]

    def at(places: jax.Array) -> jax.Array:
        return (own * there[:, :, places]).sum(axis=1)

    return jax.lax.map(at, group.places)


def ratio(values: jax.Array, fitted: jax.Array) -> jax.Array:
    """V / fitted; 0 where V is 0."""
    values = _numbers(values)
    return jnp.where(values > 0, values / jnp.where(values > 0, fitted, 1.0), 0.0)


def ratio_by_rows(v: Matrix, w: jax.Array, h: jax.Array) -> jax.Array:
    """(V / W H) H' of every start, (S, k, m)."""
    if isinstance(v, Dense):
        return jnp.einsum("smn,skn->skm", ratio(v.values, jnp.einsum("skm,skn->smn", w, h)), h)
    return _ratios(v.rows, w, h)


def ratio_by_columns(v: Matrix, w: jax.Array, h: jax.Array) -> jax.Array:
    """(V / W H)' W of every start, (S, k, n)."""
    if isinstance(v, Dense):
        return jnp.einsum("smn,skm->skn", ratio(v.values, jnp.einsum("skm,skn->smn", w, h)), w)
    return _ratios(v.columns, h, w)


def _ratios(groups: tuple[Group, ...], here: jax.Array, there: jax.Array) -> jax.Array:
    out = jnp.zeros_like(here)
    for group in groups:
        own = here[:, :, group.lines]

        def add(position: int, total: jax.Array, group: Group = group, own: jax.Array = own) -> jax.Array:
            other = there[:, :, group.places[position]]
            return total + ratio(group.values[position], (own * other).sum(axis=1))[:, None] * other

        total = jax.lax.fori_loop(0, len(group.places), add, jnp.zeros_like(own))
        out = out.at[:, :, group.lines].set(total, unique_indices=True)
    return out


def log_loss(v: Matrix, w: jax.Array, h: jax.Array) -> jax.Array:
    """sum(V log(V / W H)) over the entries of V above 0, (S,)."""
    if isinstance(v, Dense):
        return _log_terms(v.values, jnp.einsum("skm,skn->smn", w, h)).sum(axis=(1, 2))
    total = jnp.zeros(len(w))
    for group in v.rows:
        own = w[:, :, group.lines]

        def add(position: int, total: jax.Array, group: Group = group, own: jax.Array = own) -> jax.Array:
            fitted = (own * h[:, :, group.places[position]]).sum(axis=1)
            return total + _log_terms(group.values[position], fitted).sum(axis=1)

        total += jax.lax.fori_loop(0, len(group.places), add, jnp.zeros(len(w)))
    return total


def _log_terms(values: jax.Array, fitted: jax.Array) -> jax.Array:
    values = _numbers(values)
    return jnp.where(values > 0, values * jnp.log(jnp.where(values > 0, values / fitted, 1.0)), 0.0)
