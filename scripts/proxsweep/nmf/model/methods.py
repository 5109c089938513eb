"""The algorithms by name: how each begins at starts, and what one of its iterations does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from proxsweep.io.errors import UserError
from proxsweep.nmf.model import extrapolation, finish, hals, mu, pgd, scd
from proxsweep.nmf.model.extrapolation import Blocks
from proxsweep.nmf.model.mu import Floor
from proxsweep.nmf.model.pgd import Line
from proxsweep.nmf.model.problem import Data, Problem

MASKED = ("hals", "mu", "scd")  # algorithms that can leave entries out


@dataclass(frozen=True)
class Method:
    """What compiled functions depend on: the algorithm, sweeps a product for W and for H, steps a block.

    ``finishing`` says that steps of :mod:`proxsweep.nmf.model.finish` are taken, too.
    """

    algorithm: str
    accelerated: bool
    sweeps: tuple[int, int]
    inner: int
    finishing: bool = False

    def late(self, problem: Problem, data: Data) -> "Method":
        """The method of starts that run on when others have ended."""
        finishes = self.accelerated and self.algorithm in ("hals", "scd") and finish.applies(problem, data)
        return replace(self, finishing=finishes)


class Settings(NamedTuple):
    """Numbers of a solver: of the line search, and the least that an entry of W and of H may be under `mu`."""

    line: Line
    floor: Floor


class Plain(NamedTuple):
    """Factors W (S, k, m) and H (S, k, n) of a method that keeps nothing else."""

    w: jax.Array
    h: jax.Array


def build(
    algorithm: str, solver: Mapping[str, Any], problem: Problem, data: Data, rank: int, entries: float
) -> tuple[Method, Settings]:
    """The method that a section `solver` asks for; ``entries`` are those of V that are not known to be 0.

    Raises
    ------
    UserError
        For an algorithm that cannot leave entries out, where some are held out.
    """
    if data.seen is not None and algorithm not in MASKED:
        found = f"the algorithm `{algorithm}` with `hold_out: entries`"
        # message: the algorithm `pgd_all` with `hold_out: entries` | `hold_out: blocks`, or one of hals, mu, scd | Only
        # these leave single entries out. | Choose one of the two.
        raise UserError("cross_validation.hold_out", found, f"`hold_out: blocks`, or one of {', '.join(MASKED)}")
    lines = (entries / data.rows, entries / data.columns)
    accelerated = bool(solver["accelerated"])
    sweeps = tuple(hals.sweeps_per_product(line, rank) if accelerated else 1 for line in lines)
    line = Line(jnp.float64(solver["decrease"]), jnp.float64(solver["sufficient"]))
    even = jnp.sqrt(data.mean / rank)  # the size of entries where both factors have one
    sizes = (1 / data.rows, data.mean * data.rows / rank) if problem.simplex else (even, even)
    floor = Floor(*(jnp.float64(solver["floor"] * size) for size in sizes))
    return Method(algorithm, accelerated, sweeps, int(solver["inner"])), Settings(line, floor)


def begin(method: Method, problem: Problem, data: Data, settings: Settings, w: jax.Array, h: jax.Array) -> Any:
    """State of the method at starts W (S, k, m), H (S, k, n)."""
    if method.algorithm == "mu":
        return mu.begin(w, h, settings.floor)
    if method.algorithm == "pgd_all":
        return pgd.begin_all(problem, data, w, h)
    if method.algorithm == "pgd_alternating":
        return pgd.begin_alternating(problem, w, h)
    return extrapolation.begin(w, h) if method.accelerated else Plain(w, h)


def advance(
    method: Method, problem: Problem, data: Data, settings: Settings, state: Any, count: jax.Array
) -> tuple[Any, jax.Array]:
    """What follows after ``count`` iterations, and how many they are then: a step of `finish` counts for several."""
    once = partial(iterate, method, problem, data, settings)
    if not method.finishing:
        return once(state), count + 1
    cost = finish.cost(problem, state.w.shape[1], data.seen is not None)
    due = finish.is_due(count, cost)
    return jax.lax.cond(due, partial(finish.step, problem, data), once, state), count + jnp.where(due, cost, 1)


def iterate(method: Method, problem: Problem, data: Data, settings: Settings, state: Any) -> Any:
    """One iteration of every start."""
    if method.algorithm == "mu":
        return mu.iterate(problem, data, settings.floor, state)
    if method.algorithm == "pgd_all":
        return pgd.iterate_all(problem, data, settings.line, state)
    if method.algorithm == "pgd_alternating":
        return pgd.iterate_alternating(problem, data, settings.line, method.inner, state)
    blocks = _blocks(method, problem, data)
    if method.accelerated:
        return extrapolation.iterate(problem, blocks, state)
    w = blocks.update_w(state.w, state.h)
    return Plain(w, blocks.update_h(w, state.h)[0])


def _blocks(method: Method, problem: Problem, data: Data) -> Blocks:
    if method.algorithm == "scd":
        update_h: Callable = lambda w, h: (scd.update_h(data, w, h), None)  # noqa: E731
        return Blocks(partial(scd.update_w, data), update_h, lambda w, h, _: scd.value(data, w, h))
    of_w, of_h = method.sweeps
    return Blocks(
        partial(hals.update_w, problem, data, of_w), partial(hals.update_h, data, of_h), partial(hals.value, data)
    )


def factors(settings: Settings, state: Any) -> tuple[jax.Array, jax.Array]:
    """W and H as they would be written: what is at the floor is 0."""
    if isinstance(state, extrapolation.State):
        return state.ahead_w, state.ahead_h
    if isinstance(state, mu.State):
        return tuple(jnp.where(x > least, x, 0.0) for x, least in zip(state, settings.floor, strict=True))
    return state.w, state.h
