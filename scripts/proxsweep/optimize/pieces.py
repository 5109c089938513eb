"""Sums over the entries of a sparse 0/1 matrix, in pieces of equal length.

The entries of a row (or column) are cut into pieces of one length, padded with the place of a zero behind the values.
A product then is ``length`` gathers, added up elementwise, and one short scatter of the pieces' sums: fewer scattered
additions than one per entry, without padding a heavy row to the length of the heaviest.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from proxsweep.optimize.padding import padded, shared_size


class Pieces(NamedTuple):
    """index: (length, pieces) places of values, ``count`` for padding; owner: (pieces,) increasing, whose sum it is."""

    index: jax.Array
    owner: jax.Array


LONGEST = 8


def segment_entries(owner: np.ndarray, places: np.ndarray, owners: int, count: int) -> Pieces:
    """Pieces of the entries (owner[k], places[k]), owners 0..owners-1, places 0..count-1; both (entries,).

    Their length is the power of two at or above the mean number of entries of owners that have any, but at most
    ``LONGEST``; their number is filled up to a shared size, with pieces of zeros of the last owner.
    """
    order = np.argsort(owner, kind="stable")
    owner, places = owner[order], places[order]
    sizes = np.bincount(owner, minlength=owners)
    mean = -(-len(owner) // max(int(np.count_nonzero(sizes)), 1))
    length = min(1 << max(mean - 1, 0).bit_length(), LONGEST)
    pieces = -(-sizes // length)
    first_piece, first_entry = np.cumsum(pieces) - pieces, np.cumsum(sizes) - sizes
    position = np.arange(len(owner)) - first_entry[owner]
    index = np.full((length, int(pieces.sum())), count, np.uint32)
    index[position % length, first_piece[owner] + position // length] = places
    owner = np.repeat(np.arange(owners), pieces).astype(np.uint32)
    size = shared_size(len(owner))
    return Pieces(jnp.asarray(padded(index, size, count)), jnp.asarray(padded(owner, size, owners - 1)))


def sums(pieces: Pieces, values: jax.Array, owners: int) -> jax.Array:
    """The sum of values (count,) over every owner's entries. (owners,)"""
    padded = jnp.append(values, 0.0)
    total = padded.at[pieces.index[0]].get(mode="promise_in_bounds")
    for places in pieces.index[1:]:
        total = total + padded.at[places].get(mode="promise_in_bounds")
    return jax.ops.segment_sum(total, pieces.owner, owners, indices_are_sorted=True, mode="promise_in_bounds")
