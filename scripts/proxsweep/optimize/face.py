"""Faces of a fusion penalty: which values are tied, and steps that keep the ties.

Around a point the penalty ||A b||_1 is linear on the set where its zero rows stay zero. For rows e_i - e_j that set is
given by groups of equal values; for other rows by a null space per column (Bareilles, Iutzeler and Malick 2022, Newton
acceleration on manifolds identified by proximal gradient methods, Math. Program. 200, 37, section 2).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from proxsweep.optimize.difference import Difference

NULL = 1e-9


class Face(NamedTuple):
    """Ties of P values in each of M columns. labels: (P, M), the first node of each value's group, where all rows are
    pairwise; else None and projectors: (M, P, P), onto what leaves the zero rows zero."""

    labels: jax.Array | None
    projectors: jax.Array | None


def zero_rows(difference: Difference, values: jax.Array, split: jax.Array | None) -> jax.Array:
    """(R, M): which rows are zero; by the copy ``split`` of A b that ADMM keeps, where there is one."""
    return (difference.of(values) if split is None else split) == 0


def find(difference: Difference, zero: jax.Array) -> Face:
    """The face on which the rows flagged in ``zero`` (R, M) stay zero."""
    if difference.pairwise:
        return Face(_labels(difference, zero), None)
    matrix = jnp.asarray(difference.matrix)
    tied = jnp.where(zero.T[:, :, None], matrix, 0.0)
    sizes, vectors = jnp.linalg.eigh(jnp.einsum("mrp,mrq->mpq", tied, tied))
    null = jnp.where(jnp.abs(sizes) <= NULL, 1.0, 0.0)
    return Face(None, jnp.einsum("mpk,mk,mqk->mpq", vectors, null, vectors))


def _labels(difference: Difference, zero: jax.Array) -> jax.Array:
    pairs = [tuple(int(i) for i in row.nonzero()[0]) for row in difference.matrix]
    count, width = len(difference.nodes), zero.shape[1]
    start = jnp.broadcast_to(jnp.arange(count, dtype=jnp.int32)[:, None], (count, width))

    def sweep(carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        labels, _ = carry
        rows = list(labels)
        for (i, j), tied in zip(pairs, zero, strict=True):
            least = jnp.minimum(rows[i], rows[j])
            rows[i], rows[j] = jnp.where(tied, least, rows[i]), jnp.where(tied, least, rows[j])
        new = jnp.stack(rows)
        return new, jnp.any(new != labels)

    return jax.lax.while_loop(lambda carry: carry[1], sweep, (start, jnp.array(len(pairs) > 0)))[0]


class Step(NamedTuple):
    """A face with the inverse of a diagonal on it: what :func:`apply_preconditioner` applies again and again."""

    cells: jax.Array | None
    projectors: jax.Array | None
    inverse: jax.Array


def prepare(face: Face, diagonal: jax.Array, free: jax.Array) -> Step:
    """The inverse diagonal (P, M) on a face, 0 where values are not free (``free`` 0 rather than 1).

    A group's values share the inverse of their summed diagonal; projectors bracket the plain inverse.
    """
    if face.projectors is not None:
        return Step(None, face.projectors, free / diagonal)
    width = diagonal.shape[1]
    cells = (face.labels * width + jnp.arange(width, dtype=jnp.int32)).ravel()
    sums = _group_sums(cells, diagonal * free)
    return Step(cells, None, jnp.where(sums > 0, free / jnp.where(sums > 0, sums, 1.0), 0.0))


def apply_preconditioner(step: Step, r: jax.Array) -> jax.Array:
    """E (E' diag E)^-1 E' r with the columns of E spanning the face, (P, M); members of a group get the same float."""
    if step.projectors is None:
        return step.inverse * _group_sums(step.cells, jnp.where(step.inverse > 0, r, 0.0))
    inner = step.inverse * jnp.einsum("mpq,qm->pm", step.projectors, r)
    return jnp.einsum("mpq,qm->pm", step.projectors, inner)


def _group_sums(cells: jax.Array, values: jax.Array) -> jax.Array:
    """Every value replaced by the sum over its group."""
    sums = jax.ops.segment_sum(values.ravel(), cells, values.size)
    return sums.at[cells].get(mode="promise_in_bounds").reshape(values.shape)
