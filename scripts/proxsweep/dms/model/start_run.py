"""One start of a fit: its phases, its trace, and the checkpoint that it leaves."""

import math
import time
from dataclasses import asdict

import jax.numpy as jnp

from proxsweep.dms.model.checkpoint import SolverState
from proxsweep.dms.model.model import Parameters
from proxsweep.dms.model.problem import FitProblem, relative
from proxsweep.optimize.solve import Limits, Progress, Solve
from proxsweep.optimize.status import Status

GOAL_MARGIN = 0.9
LIMITED = (Status.MAX_ITERATIONS, Status.MAX_SECONDS)


class StartRun:
    """One start on its way through the phases of its solve; ``state`` is where it has got to."""

    def __init__(self, problem: FitProblem, name: str, start: Parameters, spent: float):
        state = problem.earlier(name) or SolverState(start, problem.prox_state, problem.warmup > 0, seconds=spent)
        self.problem, self.name, self.state = problem, name, state
        self.began = time.perf_counter() - state.seconds
        self.trace = list(state.rows)
        self.written_iteration = state.iterations

    def to_its_end(self) -> Status:
        """Run all phases; a run that a limit ends leaves its checkpoint."""
        problem = self.problem
        cut_off = self.warm_up() if self.state.locked else None
        status = self.phase(problem.data, problem.solver["max_iterations"], locked=False)
        self.log_progress(last=True)
        if status in LIMITED:
            problem.checkpoint.put(self.name, lambda: cut_off or self.state, now=True)
        return status

    def warm_up(self) -> SolverState | None:
        """The phase with scale and bias held; the state from which it would go on, if it was cut off."""
        locked = {**self.problem.data, "sigmoid_free": jnp.float64(0.0)}
        status = self.phase(locked, min(self.problem.warmup, self.problem.solver["max_iterations"]), locked=True)
        return self.state if status in LIMITED and self.state.iterations < self.problem.warmup else None

    def phase(self, data: dict, iterations: int, locked: bool) -> Status:
        """Run until so many iterations were made in all, or the time is over."""
        problem, before = self.problem, self.state

        def look(progress: Progress) -> None:
            self._look(progress, before, locked)
            problem.checkpoint.put(self.name, lambda: self._state(solve, before, locked))

        left = (problem.solver["max_seconds"] or math.inf) - (time.perf_counter() - self.began)
        limits = Limits(GOAL_MARGIN * problem.threshold, iterations - before.iterations, left)
        solve = Solve(problem.model, data, limits, look)
        status = solve.run(before.x, before.prox_state)
        self.state = self._state(solve, before, locked)
        self.written_iteration = before.iterations + solve.point.progress.iteration
        return status

    def _state(self, solve: Solve, before: SolverState, locked: bool) -> SolverState:
        return SolverState(
            x=solve.point.x,
            prox_state=solve.point.prox_state,
            locked=locked,
            iterations=before.iterations + solve.progress.iteration,
            products=before.products + solve.progress.products,
            newton_steps=before.newton_steps + solve.progress.newton_steps,
            seconds=time.perf_counter() - self.began,
            rows=list(self.trace),
        )

    def _look(self, progress: Progress, before: SolverState, locked: bool) -> None:
        """Write a look down."""
        counts = {name: getattr(before, name) for name in ("products", "newton_steps")}
        counts |= {"iteration": before.iterations}
        row = asdict(progress)
        row |= row.pop("figures")
        row |= {name: count + row[name] for name, count in counts.items()}
        row |= {"start": self.name, "seconds": time.perf_counter() - self.began}
        row["residual"] = math.nan if locked else row["residual"]  # that of another problem
        self.trace.append({**row, "relative_residual": relative(row["residual"], self.problem.initial_residual)})
        self.log_progress()

    def log_progress(self, last: bool = False) -> None:
        """A line of progress a decade of iterations, and for the last look."""
        decades = [len(str(row["iteration"])) for row in self.trace[-2:]]
        if last or len(self.trace) == 1 or decades[0] != decades[-1]:
            row = self.trace[-1]
            self.problem.report(
                f"{row['start']}: iteration {row['iteration']}, objective {row['objective']:.8g}, "
                f"relative residual {row['relative_residual']:.2e}, {row['seconds']:.1f} s"
            )
