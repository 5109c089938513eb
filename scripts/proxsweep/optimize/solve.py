"""The solver: blocks of accelerated proximal gradient steps, and a Newton step along the face after each.

The blocks find which differences are zero; the Newton steps bring the digits that a first-order method takes thousands
of iterations for where the problem is ill-conditioned (Bareilles, Iutzeler and Malick 2022, Math. Program. 200, 37).
Whatever a Newton step does, the objective never rises by it, and the proximal steps alone converge.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from proxsweep.optimize import fista
from proxsweep.optimize.newton import newton
from proxsweep.optimize.problem import Problem, Tree
from proxsweep.optimize.status import Status

FIRST_LOOKS = (0, 1, 2, 5, 10, 20, 40)
FIRST_BLOCK = 60
SHORTEST_BLOCK, LONGEST_BLOCK = 4, 120
FORCING = 0.1
PRODUCTS = 60


@dataclass(frozen=True)
class Limits:
    """When a solve ends: residual at most ``goal``; so many iterations; so many seconds (math.inf: no limit)."""

    goal: float
    iterations: int
    seconds: float


@dataclass(frozen=True)
class Progress:
    """A look at a running solve.

    ``iteration`` counts proximal gradient steps and products with the Hessian, each about one forward and one
    backward product with the data; ``products`` the latter alone, ``newton_steps`` the steps they were made for.
    ``figures`` are those that the problem adds, by name.
    """

    phase: str
    iteration: int
    newton_steps: int
    products: int
    objective: float
    smooth: float
    penalty: float
    residual: float
    step: float
    seconds: float
    figures: dict[str, float]


@dataclass(frozen=True)
class Point:
    """Parameters that a look was at, with the prox's own state."""

    x: Tree
    prox_state: Tree
    progress: Progress


class Solve:
    """One run from one point; afterwards ``progress`` is the last look and ``point`` what the run gives.

    That is the last point looked at where the run converged; where it diverged, the last with a finite objective; else
    the one with the lowest. The start, where no objective was finite.
    """

    def __init__(self, problem: Problem, data: Tree, limits: Limits, report: Callable[[Progress], None]):
        self.problem, self.data, self.limits, self.report = problem, data, limits, report
        self.newton_steps = self.products = 0
        self.began = time.perf_counter()

    def run(self, x: Tree, prox_state: Tree) -> Status:
        """Minimise from ``x`` (float64 arrays), and say why it ended."""
        self._last = self._lowest = None
        self.state, look = fista.begin(self.problem, self.data, x, prox_state)
        ended = self._look("proximal", look)
        for until in FIRST_LOOKS[1:]:
            ended = ended or self._proximal(until - int(self.state.iteration))
        block = FIRST_BLOCK - FIRST_LOOKS[-1]
        while ended is None:
            ended = self._proximal(block)
            if ended is None:
                step, ended = self._newton()
                block = self._next_block(block, step)
        return ended

    @staticmethod
    def _next_block(block: int, step: float) -> int:
        if step == 1.0:
            return max(block // 2, SHORTEST_BLOCK)
        return min(2 * block, LONGEST_BLOCK) if step == 0.0 else block

    def _left(self) -> int:
        return self.limits.iterations - int(self.state.iteration) - self.products

    def _proximal(self, count: int) -> Status | None:
        until = int(self.state.iteration) + min(count, self._left())
        self.state, look = fista.advance(
            self.problem, self.data, self.state, jnp.int32(until), jnp.float64(self.limits.goal)
        )
        return self._look("proximal", look)

    def _newton(self) -> tuple[float, Status | None]:
        state, budget = self.state, jnp.int32(min(PRODUCTS, self._left()))
        forcing = jnp.float64(FORCING)
        moved = newton(self.problem, self.data, state.x, state.z, state.prox_state, forcing, budget)
        step = float(moved.step)
        self.newton_steps += 1
        self.products += int(moved.products)
        if step == 0.0:
            return step, None
        self.state, look = fista.restart(self.problem, self.data, state, moved.x)
        return step, self._look("newton", look)

    def _look(self, phase: str, look: fista.Look) -> Status | None:
        self.progress = Progress(
            phase=phase,
            iteration=int(self.state.iteration) + self.products,
            newton_steps=self.newton_steps,
            products=self.products,
            seconds=time.perf_counter() - self.began,
            **jax.tree.map(float, look._asdict()),
        )
        ended = self._ended()
        self._keep(ended)
        self.report(self.progress)
        return ended

    def _keep(self, ended: Status | None) -> None:
        """Bring ``point`` up to date."""
        here = Point(self.state.x, self.state.prox_state, self.progress)
        if not math.isfinite(self.progress.objective):
            self.point = self._last or here
            return
        if self._last is None or self.progress.objective < self._lowest.progress.objective:
            self._lowest = here
        self._last = here
        self.point = here if ended in (Status.CONVERGED, Status.DIVERGED) else self._lowest

    def _ended(self) -> Status | None:
        if self.progress.residual <= self.limits.goal:
            return Status.CONVERGED
        if not bool(self.state.finite) or math.isnan(self.progress.residual):
            return Status.DIVERGED
        if self.progress.seconds > self.limits.seconds:
            return Status.MAX_SECONDS
        return Status.MAX_ITERATIONS if self._left() <= 0 else None


def compile_solver(problem: Problem, data: Tree, x: Tree, prox_state: Tree) -> None:
    """Compile (or load from the cache) what a solve needs."""
    state, _ = fista.begin(problem, data, x, prox_state)
    state, _ = fista.advance(problem, data, state, jnp.int32(0), jnp.float64(0.0))
    moved = newton(problem, data, state.x, state.z, state.prox_state, jnp.float64(FORCING), jnp.int32(0))
    jax.block_until_ready(fista.restart(problem, data, state, moved.x))
