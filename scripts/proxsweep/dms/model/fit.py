"""Fit one encoding: every start, and the best of them."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.model import start_points
from proxsweep.dms.model.checkpoint import Checkpoint
from proxsweep.dms.model.model import Parameters, change_coordinates
from proxsweep.dms.model.problem import FitProblem, build_difference, relative
from proxsweep.dms.model.solution import Solution, solve
from proxsweep.optimize.certificate import smallest_weight
from proxsweep.optimize.difference import Difference
from proxsweep.optimize.status import Status

ABOVE = 1.001  # this much above the smallest weight, a fit has no shift
NO_SHIFT = 1e6  # a lasso weight that leaves no shift
SAME = 1e-8  # relative difference of objectives within which starts ended at one optimum


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
    model, solver
        Sections of the config, every key given. With g linear the problem is convex: ``neighbour``, or else ``zeros``,
        stands for all starts.
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
    wanted = start_points.names(solver, problem.model.sigmoid, neighbour is not None)
    compile_seconds = problem.compile_seconds
    solutions = []
    for name in wanted:
        point, spent, compiling = _start(name, problem, model, neighbour)
        solutions.append(solve(problem, name, point, spent))
        compile_seconds += compiling
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


def _start(
    name: str, problem: FitProblem, model: dict, neighbour: str | Path | None
) -> tuple[Parameters, float, float]:
    """The point of a start, and what finding it took: seconds of solving and of compiling."""
    if name == "linear" and problem.earlier(name) is None:
        return _linear_start(problem, model)
    if name == "neighbour":
        return start_points.from_fit(neighbour, problem.model, problem.encoding), 0.0, 0.0
    if name.startswith("random-"):
        number, seed = int(name.removeprefix("random-")), problem.solver["seed"]
        return start_points.random(problem.zeros, problem.encoding, problem.scale_bound, seed, number), 0.0, 0.0
    return problem.zeros, 0.0, 0.0


def _linear_start(problem: FitProblem, model: dict) -> tuple[Parameters, float, float]:
    """The start ``linear``, from the ridge fit with g linear under the same penalty; seconds as in :func:`_start`."""
    linear = FitProblem(
        problem.encoding,
        problem.lasso,
        problem.model.difference,
        {**model, "global_epistasis": "linear", "effect_bounds": None},
        {**problem.solver, "tolerance": max(problem.solver["tolerance"], 1e-4)},
        lambda line: problem.report(f"for the start linear: {line}"),
    )
    found = solve(linear, "zeros", linear.zeros)
    _, own = change_coordinates(found.b[: len(found.b0)], found.b0, problem.encoding.bundle)
    point = start_points.from_linear({"b": jnp.asarray(found.b), "b0": jnp.asarray(own)}, problem.zeros)
    return point, found.seconds, linear.compile_seconds
