"""Fit one encoding: starts, solve, certificate."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.model import start_points
from proxsweep.dms.model.certify import duality_gap
from proxsweep.dms.model.checkpoint import Checkpoint, SolverState
from proxsweep.dms.model.model import Model, Parameters, arrays, change_coordinates
from proxsweep.io.errors import UserError
from proxsweep.optimize import fista
from proxsweep.optimize.admm import tie
from proxsweep.optimize.certificate import smallest_weight, stationarity
from proxsweep.optimize.compiling import compiled
from proxsweep.optimize.difference import Difference, equivariant, explicit, reference, tree
from proxsweep.optimize.prox import initial_state as initial_prox_state
from proxsweep.optimize.prox import prox
from proxsweep.optimize.solve import Limits, Progress, Solve, compile_solver
from proxsweep.optimize.status import Status

jax.config.update("jax_enable_x64", True)

ABSOLUTE_FLOOR = 1e-12
GOAL_MARGIN = 0.9
ABOVE = 1.001  # this much above the smallest weight, a fit has no shift
NO_SHIFT = 1e6  # a lasso weight that leaves no shift
LIMITED = (Status.MAX_ITERATIONS, Status.MAX_SECONDS)
SAME = 1e-8  # relative difference of objectives within which starts ended at one optimum


@dataclass(frozen=True)
class Solution:
    """Parameters at which a solve ended, in the reference's coordinates, with its certificate.

    ``b`` is (P, M) with inner nodes of a tree last, ``b0`` (D,), ``shifts`` (rows, M), ``slope`` (P, M) the gradient of
    the smooth part by b; ``trace`` has one row a look.
    ``fusion_gap`` and ``duality_gap`` (None unless g is linear and every effect has a ridge) are those of
    :mod:`proxsweep.optimize.certificate` and :mod:`proxsweep.dms.model.certify`. ``prox`` holds residuals and
    iterations of the inner solver (ADMM) in one more step, None where the prox is exact. Of ``iterations``,
    ``products`` were products with the Hessian in ``newton_steps`` Newton steps, the others proximal gradient steps.
    ``written_iteration`` is the one after which the parameters were these: the last, unless the start diverged (then
    the last with a finite objective) or met a limit (the one with the lowest).
    """

    start: str
    status: Status
    b: np.ndarray
    b0: np.ndarray
    scale: float
    bias: float
    shifts: np.ndarray
    slope: np.ndarray
    smooth: float
    penalty: float
    residual: float
    fusion_gap: float
    duality_gap: float | None
    prox: dict[str, float] | None
    iterations: int
    written_iteration: int
    products: int
    newton_steps: int
    seconds: float
    trace: pd.DataFrame

    @property
    def objective(self) -> float:
        return self.smooth + self.penalty


@dataclass(frozen=True)
class Fit:
    """The best of several starts, and what all of them gave; ``continued`` counts the earlier runs it went on from."""

    encoding: Encoding
    difference: Difference
    sigmoid: bool
    lasso: float
    ridge: float
    scale_bound: float
    initial_residual: float
    best: Solution
    solutions: list[Solution]
    compile_seconds: float
    total_seconds: float
    continued: int

    @property
    def relative_residual(self) -> float:
        return relative(self.best.residual, self.initial_residual)


def relative(residual: float, initial_residual: float) -> float:
    """Residual in units of the residual at the start ``zeros``; 0 where both vanish."""
    if initial_residual > 0:
        return residual / initial_residual
    return 0.0 if residual <= ABSOLUTE_FLOOR else math.inf


def build_difference(value: str | dict, conditions: list[str], reference_condition: str) -> Difference:
    """Difference matrix from ``reference``, ``equivariant``, or a mapping with ``name`` and ``tree`` or ``rows``.

    Raises
    ------
    UserError
        If a tree or rows do not fit the conditions, which only the data may know.
    """
    name = value if isinstance(value, str) else value["name"]
    try:
        if isinstance(value, dict) and "tree" in value:
            return tree(name, conditions, value["tree"])
        if isinstance(value, dict) and "rows" in value:
            return explicit(name, conditions, value["rows"])
    except ValueError as error:
        expected = f"rows or a tree over the conditions {', '.join(conditions)}"
        raise UserError(f"sweep.difference, matrix {name!r}", f"a fault: {error}", expected) from error
    return reference(conditions, reference_condition) if name == "reference" else equivariant(conditions)


def resolve_scale_bound(value: float | str, encoding: Encoding) -> float:
    """Upper bound of the sigmoid's scale; ``2x_score_range`` means twice the range of the scores."""
    if isinstance(value, str):
        return float(value.removesuffix("x_score_range")) * start_points.score_range(encoding)[1]
    return float(value)


@compiled("model")
def _gradients(model: Model, data: dict, z: jax.Array, x: Parameters) -> tuple[Parameters, jax.Array]:
    return model.gradients(data, z, x)


class FitProblem:
    """A problem with its data on the device: shared by all starts of a fit."""

    def __init__(
        self, encoding: Encoding, lasso: float, matrix: Difference, model: dict, solver: dict, report, checkpoint=None
    ):
        self.checkpoint = checkpoint or Checkpoint()
        self.encoding, self.lasso, self.solver, self.report = encoding, lasso, solver, report
        self.model = Model(
            sigmoid=model["global_epistasis"] == "sigmoid",
            difference=matrix,
            offsets=tuple(encoding.offsets.tolist()),
            boxed=model["effect_bounds"] is not None,
        )
        self.scale_bound = resolve_scale_bound(model["scale_bound"], encoding) if self.model.sigmoid else math.inf
        self.data = arrays(encoding, lasso, model, self.scale_bound)
        self.warmup = int(model["warmup_iterations"]) if self.model.sigmoid else 0
        self.zeros = start_points.zeros(self.model, encoding, self.scale_bound)
        self.prox_state = initial_prox_state(matrix, self.zeros["b"].shape[1])
        began = time.perf_counter()
        compile_solver(self.model, self.data, self.zeros, self.prox_state)
        self.compile_seconds = time.perf_counter() - began
        _, look = fista.begin(self.model, self.data, self.zeros, self.prox_state)
        self.initial_residual = float(look.residual)
        measured = math.isfinite(self.initial_residual)
        self.threshold = (
            max(solver["tolerance"] * self.initial_residual, ABSOLUTE_FLOOR) if measured else ABSOLUTE_FLOOR
        )

    def solve(self, name: str, start: Parameters, spent: float = 0.0) -> Solution:
        """Run from one point, or on from its checkpoint; ``spent`` seconds were needed to find the point."""
        run = StartRun(
            self, name, self.state(name) or SolverState(start, self.prox_state, self.warmup > 0, seconds=spent)
        )
        going_on = run.warm_up() if run.state.locked else None
        status = run.phase(self.data, self.solver["max_iterations"], locked=False)
        run.log_progress(last=True)
        if status in LIMITED:
            self.checkpoint.put(name, lambda: going_on or run.state, now=True)
        return self._solution(name, run, status)

    def state(self, name: str) -> SolverState | None:
        """Where an earlier run left this start."""
        found = self.checkpoint.states.get(name)
        if found is None:
            return None
        return replace(found, prox_state=jax.tree.unflatten(jax.tree.structure(self.prox_state), found.prox_state))

    def _solution(self, name: str, run: "StartRun", status: Status) -> Solution:
        state = run.state
        x, prox_state = _finite(state.x), state.prox_state
        b = np.asarray(x["b"]) if prox_state is None else self._tied(x["b"], prox_state)
        bundle = self.encoding.bundle
        b0 = np.asarray(x["b0"]) - np.where(bundle, b[: len(bundle)], 0.0).sum(axis=1)
        certificate = self._certify(b, b0, float(x["scale"]), float(x["bias"]), prox_state)
        return Solution(
            start=name,
            status=self._status(status, certificate),
            b=b,
            b0=b0,
            scale=float(x["scale"]),
            bias=float(x["bias"]),
            iterations=state.iterations,
            written_iteration=run.written_iteration,
            products=state.products,
            newton_steps=state.newton_steps,
            seconds=state.seconds,
            trace=pd.DataFrame(run.trace),
            **certificate,
        )

    def _tied(self, b: jax.Array, prox_state: Any) -> np.ndarray:
        """Effects with the zero shifts that ADMM identified made exact; within the box, where there is one."""
        tied = tie(self.model.difference, self.lasso, b, prox_state.z)
        return np.clip(tied, *np.asarray(self.data["effect_bounds"]))

    def _status(self, status: Status, certificate: dict) -> Status:
        """The status that the written parameters deserve."""
        if not math.isfinite(
            certificate["smooth"] + certificate["penalty"] + certificate["residual"] + self.initial_residual
        ):
            return Status.DIVERGED
        if status == Status.DIVERGED:
            return status
        if certificate["residual"] <= self.threshold:
            return Status.CONVERGED
        return Status.MAX_ITERATIONS if status == Status.CONVERGED else status

    def _certify(self, b: np.ndarray, b0: np.ndarray, scale: float, bias: float, prox_state: Any) -> dict:
        """Objective parts and certificate at parameters in the reference's coordinates, as they are written."""
        bundle = self.encoding.bundle
        _, own = change_coordinates(b[: len(b0)], b0, bundle)
        x = {"b": jnp.asarray(b), "b0": jnp.asarray(own), "scale": jnp.float64(scale), "bias": jnp.float64(bias)}
        state, look = fista.begin(self.model, self.data, x, prox_state)
        slope, errors = _gradients(self.model, self.data, state.z, x)
        shifts = self.model.difference.of(b)
        if prox_state is not None:
            shifts = np.where(np.asarray(prox_state.z) == 0, 0.0, shifts)
        rest, fused = self._stationarity(b, np.asarray(slope["b"]), shifts)
        gap = None
        if not self.model.sigmoid and np.asarray(self.data["ridge"]).min() > 0:
            gap = duality_gap(self.model, self.data, np.asarray(errors), fused, float(look.objective))
        return {
            "smooth": float(look.smooth),
            "penalty": float(look.penalty),
            "residual": float(look.residual),
            "fusion_gap": float(np.linalg.norm(rest, axis=0).max(initial=0.0)),
            "duality_gap": gap,
            "prox": self._prox_residuals(state),
            "shifts": shifts,
            "slope": np.asarray(slope["b"]),
        }

    def _stationarity(self, b: np.ndarray, slope: np.ndarray, shifts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not np.isfinite(slope).all():
            return np.full(b.shape, math.nan), np.full(b.shape, math.nan)
        pull = None
        if self.model.boxed:
            lower, upper = np.asarray(self.data["effect_bounds"])
            pull = np.where(b <= lower, -1.0, np.where(b >= upper, 1.0, 0.0))
        return stationarity(np.asarray(self.model.difference.matrix), self.lasso, slope, shifts, pull)

    def _prox_residuals(self, state: fista.State) -> dict[str, float] | None:
        if state.prox_state is None:
            return None
        target, metric = fista.step_target(self.model, self.data, state)
        weights = jnp.broadcast_to(self.data["lasso"] / metric["b"][0], target["b"].shape[1:])
        fused = prox(self.model.difference, target["b"], weights, state.prox_state)
        return {"primal": float(fused.primal), "dual": float(fused.dual), "iterations": int(fused.iterations)}


class StartRun:
    """One start on its way through the phases of its solve; ``state`` is where it has got to."""

    def __init__(self, problem: FitProblem, name: str, state: SolverState):
        self.problem, self.name, self.state = problem, name, state
        self.began = time.perf_counter() - state.seconds
        self.trace = list(state.rows)
        self.written_iteration = state.iterations

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


def _finite(x: Parameters) -> Parameters:
    """Parameters without what is no number, which only a start may have."""
    return {name: jnp.nan_to_num(value) for name, value in x.items()}


def fit(
    encoding: Encoding,
    lasso: float,
    difference: str | dict,
    model: dict,
    solver: dict,
    report: Callable[[str], None] = print,
    neighbour: str | Path | None = None,
    checkpoint: Checkpoint | None = None,
) -> Fit:
    """Fit one joint model from every start asked for, and keep the best.

    Parameters
    ----------
    encoding
        Variants of D conditions, M mutations.
    lasso
        Weight of the fusion penalty, >= 0.
    difference
        ``reference``, ``equivariant``, ``{"name", "tree": {child: parent}}`` or ``{"name", "rows": {...}}``.
    model
        ``global_epistasis``, ``ridge``, ``scale_bound``, ``huber_delta``, ``normalization``,
        ``warmup_iterations``, ``effect_bounds``, ``fix_reference_intercept``.
    solver
        ``tolerance`` (relative residual), ``max_iterations``, ``max_seconds`` (None: no limit), ``starts``, ``seed``
        (of random starts). With g linear the problem is convex, and ``zeros`` stands for all starts.
    report
        Receives a line of progress now and then.
    neighbour
        ``parameters.npz`` of the next larger lasso weight, for the start ``neighbour``.
    checkpoint
        Where starts go on from, and where they are noted down.

    Raises
    ------
    UserError
        If the difference matrix or the neighbour does not fit the encoding.
    """
    began = time.perf_counter()
    conditions = [str(name) for name in encoding.conditions]
    matrix = build_difference(difference, conditions, str(encoding.reference))
    problem = FitProblem(encoding, lasso, matrix, model, solver, report, checkpoint)
    wanted = start_points.names(solver["starts"], neighbour is not None) if problem.model.sigmoid else ["zeros"]
    compile_seconds = problem.compile_seconds
    solutions = []
    for name in wanted:
        start, spent = problem.zeros, 0.0
        if name == "linear" and problem.state(name) is None:
            start, linear = _linear_start(problem, matrix, model, report)
            compile_seconds += linear.compile_seconds
            spent = linear.solution.seconds
        elif name == "neighbour":
            start = start_points.from_fit(neighbour, problem.model, encoding)
        elif name.startswith("random-"):
            number = int(name.removeprefix("random-"))
            start = start_points.random(problem.zeros, encoding, problem.scale_bound, solver["seed"], number)
        solutions.append(problem.solve(name, start, spent))
    return Fit(
        encoding=encoding,
        difference=matrix,
        sigmoid=problem.model.sigmoid,
        lasso=lasso,
        ridge=float(model["ridge"]),
        scale_bound=problem.scale_bound,
        initial_residual=problem.initial_residual,
        best=_best(solutions),
        solutions=solutions,
        compile_seconds=compile_seconds,
        total_seconds=time.perf_counter() - began,
        continued=problem.checkpoint.runs,
    )


def all_zero_weight(encoding: Encoding, difference: str | dict, model: dict, solver: dict) -> tuple[float, Fit]:
    """The smallest lasso weight that makes every shift zero, and the fit without shifts.

    That fit is the one from ``zeros`` under a weight too large to leave any; the weight is where it becomes
    stationary. With a sigmoid, a fit at that weight may still find another optimum, with shifts: then the weight is the
    smallest, to half a percent, whose own fit from ``zeros`` has none.

    Parameters
    ----------
    encoding, difference, model, solver
        As in :func:`fit`. The tolerance is made at least 100 times tighter.

    Returns
    -------
    tuple of a number (NaN if that fit diverged) and the fit
    """
    tight = {**solver, "starts": ["zeros"], "tolerance": solver["tolerance"] / 100}
    tied = fit(encoding, NO_SHIFT, difference, model, tight, lambda line: None)
    if tied.best.status == Status.DIVERGED:
        return math.nan, tied
    weight = smallest_weight(np.asarray(tied.difference.matrix), tied.best.slope)

    def shifted(factor: float) -> bool:
        start = {**solver, "starts": ["zeros"]}
        return bool(fit(encoding, factor * weight, difference, model, start, lambda line: None).best.shifts.any())

    if not tied.sigmoid or not shifted(ABOVE):
        return weight, tied
    low, high = ABOVE, 1.25
    while shifted(high):
        low, high = high, 1.25 * high
    while high > 1.005 * low:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if shifted(middle) else (low, middle)
    return high * weight, tied


def _best(solutions: list[Solution]) -> Solution:
    """The lowest objective; of those that differ by rounding alone a converged one; a diverged one last."""
    usable = [one for one in solutions if one.status != Status.DIVERGED] or solutions
    lowest = min(one.objective for one in usable)
    near = [one for one in usable if one.objective <= lowest + SAME * abs(lowest)] or usable
    return min(near, key=lambda one: (one.status != Status.CONVERGED, one.objective))


@dataclass(frozen=True)
class _Linear:
    solution: Solution
    compile_seconds: float


def _linear_start(problem: FitProblem, matrix: Difference, model: dict, report) -> tuple[Parameters, _Linear]:
    """The start ``linear``: the ridge fit with g linear, under the same penalty."""
    linear = FitProblem(
        problem.encoding,
        problem.lasso,
        matrix,
        {**model, "global_epistasis": "linear", "effect_bounds": None},
        {**problem.solver, "tolerance": max(problem.solver["tolerance"], 1e-4)},
        lambda line: report(f"for the start linear: {line}"),
    )
    solution = linear.solve("zeros", linear.zeros)
    _, own = change_coordinates(solution.b[: len(solution.b0)], solution.b0, problem.encoding.bundle)
    point = start_points.from_linear({"b": jnp.asarray(solution.b), "b0": jnp.asarray(own)}, problem.zeros)
    return point, _Linear(solution, linear.compile_seconds)
