"""What is minimised: a loss of V and W H, penalties on both factors, and what the columns of W may be.

F(W, H) = loss + l1_h sum(H) + l2_h/2 |H|^2 + l1_w sum(W) + l2_w/2 |W|^2, W and H at least 0. The loss `squared` is
1/2 |V - W H|^2; `poisson` is sum(W H - V + V log(V / W H)), with 0 log 0 = 0: the negative log likelihood of counts
without what does not depend on W and H (Lee and Seung 2001, Adv. Neural Inf. Process. Syst. 13, equations 2 and 3).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy import sparse

from proxsweep.nmf.model import products
from proxsweep.nmf.model.products import Matrix

jax.config.update("jax_enable_x64", True)

PENALTIES = ("l1_h", "l2_h", "l1_w", "l2_w")


@dataclass(frozen=True)
class Problem:
    """What compiled functions depend on: the loss, whether columns of W sum to 1, whether there is any penalty."""

    poisson: bool
    simplex: bool
    penalised: bool

    @property
    def scale_free(self) -> bool:
        """Whether W c, H / c is the same fit with the same objective."""
        return not (self.simplex or self.penalised)


class Data(NamedTuple):
    """V with what is known of it: shape, |V|, sum(V), mean(V), and the penalties."""

    v: Matrix
    rows: int
    columns: int
    norm: jax.Array
    total: jax.Array
    mean: jax.Array
    l1_h: jax.Array
    l2_h: jax.Array
    l1_w: jax.Array
    l2_w: jax.Array

    @property
    def seen(self) -> jax.Array | None:
        """Entries of V that are fitted as 1, others as 0; None where all are. |V|, sum and mean are of the former."""
        return self.v.seen if isinstance(self.v, products.Dense) else None


def build(
    values: np.ndarray | sparse.csr_array, model: Mapping[str, Any], seen: np.ndarray | None = None
) -> tuple[Problem, Data]:
    """The problem of a matrix (m, n) under a section `model`.

    Where entries are held out, ``seen`` (m, n) bool says which are not, and the matrix is dense, with 0 for the others.
    """
    penalties = {name: float(model[name]) for name in PENALTIES}
    problem = Problem(model["loss"] == "poisson", model["w_columns"] == "sum_to_one", any(penalties.values()))
    entries = values.data if sparse.issparse(values) else values
    norm, total = float(np.linalg.norm(entries)), float(entries.sum())
    count = np.prod(values.shape) if seen is None else seen.sum()
    numbers = {"norm": norm, "total": total, "mean": total / count, **penalties}
    arrays = {name: jnp.float64(value) for name, value in numbers.items()}
    return problem, Data(products.matrix(values, seen), *values.shape, **arrays)


def gram(x: jax.Array) -> jax.Array:
    """X X' of every start: (S, k, p) to (S, k, k)."""
    return jnp.einsum("sap,sbp->sab", x, x)


def apply_gram(g: jax.Array, x: jax.Array) -> jax.Array:
    """G X of every start: (S, k, k) and (S, k, p) to (S, k, p)."""
    return jnp.einsum("sab,sbp->sap", g, x)


def inner(a: jax.Array, b: jax.Array) -> jax.Array:
    """Inner product of every start, (S,)."""
    return (a * b).sum(axis=tuple(range(1, a.ndim)))


def penalty(data: Data, w: jax.Array, h: jax.Array) -> jax.Array:
    """The penalties of every start, (S,)."""
    first = data.l1_h * h.sum(axis=(1, 2)) + data.l1_w * w.sum(axis=(1, 2))
    return first + data.l2_h / 2 * inner(h, h) + data.l2_w / 2 * inner(w, w)


def squared(data: Data, h: jax.Array, w_gram: jax.Array, h_gram: jax.Array, by_columns: jax.Array) -> jax.Array:
    """1/2 |V - W H|^2 from V' W (S, k, n) and the Gram matrices; loses digits where the fit is close."""
    return data.norm**2 / 2 - inner(by_columns, h) + inner(w_gram, h_gram) / 2


def squared_seen(data: Data, w: jax.Array, h: jax.Array) -> jax.Array:
    """1/2 |V - W H|^2 over the seen entries, from the residuals themselves."""
    rest = data.v.values - products.fitted_seen(data.v, w, h)
    return inner(rest, rest) / 2


def poisson(data: Data, w: jax.Array, h: jax.Array) -> jax.Array:
    """sum(W H - V + V log(V / W H)) of every start, (S,)."""
    total = inner(w.sum(axis=2), h.sum(axis=2)) if data.seen is None else inner(w, sums_w(data, h))
    return total - data.total + products.log_loss(data.v, w, h)


def sums_w(data: Data, h: jax.Array) -> jax.Array:
    """Derivatives of sum(W H) by W: (S, k, 1), and (S, k, m) where entries are held out."""
    return h.sum(axis=2, keepdims=True) if data.seen is None else jnp.einsum("skn,mn->skm", h, data.seen)


def sums_h(data: Data, w: jax.Array) -> jax.Array:
    """Derivatives of sum(W H) by H: (S, k, 1), and (S, k, n) where entries are held out."""
    return w.sum(axis=2, keepdims=True) if data.seen is None else jnp.einsum("skm,mn->skn", w, data.seen)


def push_w(data: Data, w: jax.Array, h: jax.Array) -> jax.Array:
    """(W H) H' of every start, at the seen entries: (S, k, m)."""
    return apply_gram(gram(h), w) if data.seen is None else products.fitted_by_rows(data.v, w, h)


def push_h(data: Data, w: jax.Array, h: jax.Array) -> jax.Array:
    """(W H)' W of every start, at the seen entries: (S, k, n)."""
    return apply_gram(gram(w), h) if data.seen is None else products.fitted_by_columns(data.v, w, h)


def objective(problem: Problem, data: Data, w: jax.Array, h: jax.Array) -> jax.Array:
    """F of every start, (S,), as the solvers watch it."""
    if problem.poisson:
        return poisson(data, w, h) + penalty(data, w, h)
    if data.seen is not None:
        return squared_seen(data, w, h) + penalty(data, w, h)
    cross = products.by_columns(data.v, w, h.shape[2])
    return squared(data, h, gram(w), gram(h), cross) + penalty(data, w, h)


def on_simplex(x: jax.Array) -> jax.Array:
    """The nearest points of the simplex {x >= 0, sum(x) = 1}, along the last axis.

    By sorting (Held, Wolfe and Crowder 1974, Math. Program. 6, 62; Duchi et al. 2008, ICML, figure 1).
    """
    falling = -jnp.sort(-x, axis=-1)
    excess = jnp.cumsum(falling, axis=-1) - 1
    count = jnp.arange(1, x.shape[-1] + 1)
    kept = (falling * count > excess).sum(axis=-1, keepdims=True)
    level = jnp.take_along_axis(excess, kept - 1, axis=-1) / kept
    return jnp.maximum(x - level, 0.0)
