"""Fit one encoding: starts, solve, certificate, and the files of a fit."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from proxsweep import record
from proxsweep.dms.encoding import Encoding
from proxsweep.dms.fitted import compared
from proxsweep.dms.model import Model, arrays, flip, predict
from proxsweep.errors import UserError
from proxsweep.files import sha256, write_csv, write_npz
from proxsweep.optimize import fista
from proxsweep.optimize.admm import tie
from proxsweep.optimize.difference import Difference, equivariant, explicit, reference, tree
from proxsweep.optimize.prox import initial_state as initial_prox_state
from proxsweep.optimize.prox import prox
from proxsweep.record import Status

jax.config.update("jax_enable_x64", True)

ABSOLUTE_FLOOR = 1e-12
LOOKS_PER_DECADE = 40
GOAL_MARGIN = 0.9
SAME = 1e-8  # relative difference of objectives within which starts ended at one optimum
FLAT = 1e-6  # a smaller range of scores is none


@dataclass(frozen=True)
class Solution:
    """Parameters at which a solve ended, in the reference's coordinates, with its certificate.

    ``b`` is (P, M) with inner nodes of a tree last, ``b0`` (D,), ``shifts`` (rows, M); ``trace`` has one row a look.
    ``prox`` holds residuals and iterations of the inner solver (ADMM) in one more step, None where the prox is exact.
    """

    start: str
    status: Status
    b: np.ndarray
    b0: np.ndarray
    scale: float
    bias: float
    shifts: np.ndarray
    smooth: float
    penalty: float
    residual: float
    prox: dict[str, float] | None
    iterations: int
    seconds: float
    trace: pd.DataFrame

    @property
    def objective(self) -> float:
        return self.smooth + self.penalty


@dataclass(frozen=True)
class Fit:
    """The best of several starts, and what all of them gave."""

    encoding: Encoding
    difference: Difference
    sigmoid: bool
    lasso: float
    scale_bound: float
    yardstick: float
    best: Solution
    solutions: list[Solution]
    compile_seconds: float
    total_seconds: float

    @property
    def relative_residual(self) -> float:
        return relative(self.best.residual, self.yardstick)


def relative(residual: float, yardstick: float) -> float:
    """Residual in units of the residual at the start ``zeros``; 0 where both vanish."""
    if yardstick > 0:
        return residual / yardstick
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


def score_range(encoding: Encoding) -> tuple[float, float]:
    """Smallest score and the distance from it to the largest."""
    lowest = float(encoding.scores.min())
    return lowest, float(encoding.scores.max()) - lowest


def resolve_scale_bound(value: float | str, encoding: Encoding) -> float:
    """Upper bound of the sigmoid's scale; ``2x_score_range`` means twice the range of the scores."""
    if isinstance(value, str):
        return float(value.removesuffix("x_score_range")) * score_range(encoding)[1]
    return float(value)


def zeros_start(model: Model, encoding: Encoding, scale_bound: float) -> dict[str, jax.Array]:
    """b = b0 = 0; scale the range of the scores (within its bound), bias their minimum."""
    lowest, extent = score_range(encoding)
    count, width = encoding.bundle.shape
    return {
        "b": jnp.zeros((len(model.difference.nodes), width)),
        "b0": jnp.zeros(count),
        "scale": jnp.float64(min(extent, scale_bound) if model.sigmoid else 1.0),
        "bias": jnp.float64(lowest if model.sigmoid else 0.0),
    }


def from_linear(linear: dict[str, jax.Array], zeros: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Start ``linear``: the linear fit's scores, read back through the sigmoid of ``zeros``.

    Effects are divided by the slope at the sigmoid's middle, scale / 4; each wildtype's predicted score is kept
    exactly, within 2 to 98 % of the range.
    """
    scale, bias = jnp.maximum(zeros["scale"], FLAT), zeros["bias"]
    share = jnp.clip((linear["b0"] - bias) / scale, 0.02, 0.98)
    return {**zeros, "b": linear["b"] * 4 / scale, "b0": jnp.log(share / (1 - share))}


def _grid(limit: int) -> list[int]:
    """Iterations at which a running solve is looked at: every one at first, then on a log grid."""
    points = np.unique(np.round(10 ** np.arange(0, math.log10(max(limit, 1)) + 1e-9, 1 / LOOKS_PER_DECADE)))
    return sorted({*points.astype(int).tolist(), limit})


class _Solver:
    """A problem with its compiled functions: shared by all starts of a fit."""

    def __init__(self, model: Model, data: dict, solver: dict, report: Callable[[str], None]):
        self.model, self.data, self.solver, self.report = model, data, solver, report

    def compile(self, x: dict, prox_state: Any) -> float:
        """Compile (or load from the cache) what a solve needs; seconds taken."""
        began = time.perf_counter()
        state = fista.initial_state(self.model, self.data, x, prox_state)
        now = jnp.int32(0)
        jax.block_until_ready(fista.advance(self.model, self.data, state, now, jnp.float64(0.0)))
        return time.perf_counter() - began

    def run(
        self, name: str, x: dict, yardstick: float, prox_state: Any, warmup: int, spent: float
    ) -> tuple[fista.State, Status, pd.DataFrame, float]:
        goal = jnp.float64(GOAL_MARGIN * max(self.solver["tolerance"] * yardstick, ABSOLUTE_FLOOR))
        limit, rows = int(self.solver["max_iterations"]), []
        warmup = min(warmup, limit)
        began = time.perf_counter() - spent
        data = {**self.data, "sigmoid_free": jnp.float64(0.0)} if warmup else self.data
        state = fista.initial_state(self.model, data, x, prox_state)
        for until in sorted({0, *_grid(limit), *([warmup] if warmup else [])}):
            unlocked = warmup == 0 or until > warmup
            if warmup and unlocked and data is not self.data:
                data = self.data
                state = self._restart(data, state)
            state, look = fista.advance(
                self.model, data, state, jnp.int32(until), goal if unlocked else jnp.float64(-1.0)
            )
            elapsed = time.perf_counter() - began
            iteration = int(state.iteration)
            values = {field: float(value) for field, value in look._asdict().items()}
            if not unlocked:
                values["residual"] = math.nan  # that of another problem
            row = {"start": name, "iteration": iteration, **values}
            row["relative_residual"] = relative(values["residual"], yardstick)
            rows.append({**row, "seconds": elapsed})
            status = self._ended(state, elapsed, goal if unlocked else None)
            self._say(rows[-1], last=status is not None or until == limit)
            if status is not None:
                break
        return state, status or Status.MAX_ITERATIONS, pd.DataFrame(rows), elapsed

    def _ended(self, state: fista.State, elapsed: float, goal: jax.Array | None) -> Status | None:
        """Why a solve stops here; None while it goes on."""
        if goal is not None and float(state.residual) <= float(goal):
            return Status.CONVERGED
        if not bool(state.finite):
            return Status.DIVERGED
        out_of_time = elapsed > (self.solver["max_seconds"] or math.inf)
        return Status.MAX_SECONDS if out_of_time else None

    def _restart(self, data: dict, state: fista.State) -> fista.State:
        fresh = fista.initial_state(self.model, data, state.x, state.prox_state)
        return fresh._replace(iteration=state.iteration)

    def _say(self, row: dict, last: bool) -> None:
        iteration = row["iteration"]
        if last or iteration == 0 or iteration == 10 ** round(math.log10(iteration)):
            self.report(
                f"{row['start']}: iteration {iteration}, objective {row['objective']:.8g}, "
                f"relative residual {row['relative_residual']:.2e}, {row['seconds']:.1f} s"
            )

    def certify(self, b: np.ndarray, b0: np.ndarray, scale: float, bias: float, prox_state: Any) -> dict:
        """Objective parts and residual at parameters in the reference's coordinates, as they are written."""
        bundle = np.asarray(self.data["sign"]) < 0
        _, own = flip(b[: len(b0)], b0, bundle)
        x = {"b": jnp.asarray(b), "b0": jnp.asarray(own), "scale": jnp.float64(scale), "bias": jnp.float64(bias)}
        state = fista.initial_state(self.model, self.data, x, prox_state)
        penalty = self.model.penalty(self.data, x)
        return {
            "smooth": float(state.smooth),
            "penalty": float(penalty),
            "residual": float(state.residual),
            "prox": self._prox_residuals(state),
            "shifts": np.asarray(self.model.shifts(x)),
        }

    def _prox_residuals(self, state: fista.State) -> dict[str, float] | None:
        if state.prox_state is None:
            return None
        target, metric = fista.step_target(self.model, self.data, state)
        weights = jnp.broadcast_to(self.data["lasso"] / metric["b"][0], target["b"].shape[1:])
        fused = prox(self.model.difference, target["b"], weights, state.prox_state)
        return {"primal": float(fused.primal), "dual": float(fused.dual), "iterations": int(fused.iterations)}


def _tied(solver: _Solver, state: fista.State) -> np.ndarray:
    """Effects with the zero shifts that ADMM identified made exact; within the box, where there is one."""
    b = tie(solver.model.difference, float(solver.data["lasso"]), state.x["b"], state.prox_state.z)
    return np.clip(b, *np.asarray(solver.data["effect_bounds"]))


def _solution(
    solver: _Solver, name: str, x: dict, yardstick: float, prox_state: Any, warmup: int, spent: float
) -> Solution:
    feasible = solver.model.project(solver.data, x)
    state, status, trace, seconds = solver.run(name, feasible, yardstick, prox_state, warmup, spent)
    b = _tied(solver, state) if state.prox_state is not None else np.asarray(state.x["b"])
    bundle = np.asarray(solver.data["sign"]) < 0
    count = bundle.shape[0]
    own = np.asarray(state.x["b0"])
    b0 = own - np.where(bundle, b[:count], 0.0).sum(axis=1)
    scale, bias = float(state.x["scale"]), float(state.x["bias"])
    certificate = solver.certify(b, b0, scale, bias, state.prox_state)
    reached = certificate["residual"] <= max(solver.solver["tolerance"] * yardstick, ABSOLUTE_FLOOR)
    if status in (Status.CONVERGED, Status.MAX_ITERATIONS, Status.MAX_SECONDS):
        unfinished = Status.MAX_ITERATIONS if status == Status.CONVERGED else status
        status = Status.CONVERGED if reached else unfinished
    if not math.isfinite(certificate["smooth"] + certificate["residual"]):
        status = Status.DIVERGED
    return Solution(
        start=name,
        status=status,
        b=b,
        b0=b0,
        scale=scale,
        bias=bias,
        iterations=int(state.iteration),
        seconds=seconds,
        trace=trace,
        **certificate,
    )


def fit(
    encoding: Encoding,
    lasso: float,
    difference: str | dict,
    model: dict,
    solver: dict,
    report: Callable[[str], None] = print,
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
        ``tolerance`` (relative residual), ``max_iterations``, ``max_seconds`` (None: no limit), ``starts``.
    report
        Receives a line of progress now and then.
    """
    began = time.perf_counter()
    conditions = [str(name) for name in encoding.conditions]
    matrix = build_difference(difference, conditions, str(encoding.reference))
    static = Model(sigmoid=model["global_epistasis"] == "sigmoid", difference=matrix)
    bound = resolve_scale_bound(model["scale_bound"], encoding) if static.sigmoid else math.inf
    data = arrays(encoding, lasso, model, bound)
    running = _Solver(static, data, solver, report)

    zeros = zeros_start(static, encoding, bound)
    prox_state = initial_prox_state(matrix, zeros["b"].shape[1])
    compile_seconds = running.compile(zeros, prox_state)
    yardstick = float(fista.initial_state(static, data, zeros, prox_state).residual)

    warmup = int(model["warmup_iterations"]) if static.sigmoid else 0
    starts = solver["starts"] if static.sigmoid else ["zeros"]
    solutions = []
    for name in starts:
        x, spent = zeros, 0.0
        if name == "linear":
            x, linear = _linear_start(encoding, lasso, difference, model, solver, zeros, report)
            compile_seconds += linear.compile_seconds
            spent = linear.best.seconds
        solutions.append(_solution(running, name, x, yardstick, prox_state, warmup, spent))
    return Fit(
        encoding=encoding,
        difference=matrix,
        sigmoid=static.sigmoid,
        lasso=lasso,
        scale_bound=bound,
        yardstick=yardstick,
        best=_best(solutions),
        solutions=solutions,
        compile_seconds=compile_seconds,
        total_seconds=time.perf_counter() - began,
    )


def _best(solutions: list[Solution]) -> Solution:
    """The lowest objective; of those that differ by rounding alone a converged one; a diverged one last."""
    usable = [one for one in solutions if one.status != Status.DIVERGED] or solutions
    lowest = min(one.objective for one in usable)
    near = [one for one in usable if one.objective <= lowest + SAME * abs(lowest)] or usable
    return min(near, key=lambda one: (one.status != Status.CONVERGED, one.objective))


def _linear_start(encoding, lasso, difference, model, solver, zeros, report) -> tuple[dict, Fit]:
    linear = fit(
        encoding,
        lasso,
        difference,
        {**model, "global_epistasis": "linear", "effect_bounds": None},
        {**solver, "starts": ["zeros"], "tolerance": max(solver["tolerance"], 1e-4)},
        lambda line: report(f"for the start linear: {line}"),
    )
    best = linear.best
    _, own = flip(best.b[: len(best.b0)], best.b0, encoding.bundle)
    return from_linear({"b": jnp.asarray(best.b), "b0": jnp.asarray(own)}, zeros), linear


def zero_shift_shares(done: Fit) -> tuple[float, dict[str, float]]:
    """Share of mutations without any shift, and the share of zero shifts of each row.

    The first is among mutations seen in every condition, the second among mutations seen in all conditions that the
    row compares (:func:`proxsweep.dms.fitted.compared`). NaN where no mutation qualifies or there is no row.
    """
    conditions = [str(name) for name in done.encoding.conditions]
    seen = dict(zip(conditions, done.encoding.times_seen > 0, strict=True))
    zero = done.best.shifts == 0
    involved = compared(np.asarray(done.difference.matrix), list(done.difference.rows), conditions)
    rows = {
        row: _share(flags, np.all([seen[name] for name in involved[row]], axis=0))
        for row, flags in zip(done.difference.rows, zero, strict=True)
    }
    everywhere = np.all(list(seen.values()), axis=0)
    return _share(zero.all(axis=0), everywhere & bool(rows)), rows


def _share(hits: np.ndarray, among: np.ndarray) -> float:
    return float(hits[among].mean()) if among.any() else math.nan


def mutations_table(done: Fit) -> pd.DataFrame:
    """One row a mutation: effects per condition (reference's coordinates), shifts per row, times seen."""
    encoding, best = done.encoding, done.best
    table = {
        "mutation": encoding.mutations,
        "wildtype": encoding.wildtypes,
        "site": encoding.sites,
        "mutant": encoding.mutants,
    }
    table |= {f"beta_{name}": best.b[d] for d, name in enumerate(encoding.conditions)}
    table |= {f"shift_{name}": best.shifts[r] for r, name in enumerate(done.difference.rows)}
    table |= {f"times_seen_{name}": encoding.times_seen[d] for d, name in enumerate(encoding.conditions)}
    return pd.DataFrame(table)


def predictions(done: Fit) -> pd.DataFrame:
    """One row a variant: condition, weight, latent phenotype, observed and predicted score."""
    encoding, best = done.encoding, done.best
    effects, own = flip(best.b[: len(best.b0)], best.b0, encoding.bundle)
    condition = np.repeat(np.arange(len(own)), np.diff(encoding.offsets))
    rows = np.repeat(np.arange(len(condition)), np.diff(encoding.indptr))
    carried = effects[condition[rows], encoding.indices]
    phi = own[condition] + np.bincount(rows, carried, len(condition))
    return pd.DataFrame(
        {
            "condition": encoding.conditions[condition],
            "weight": encoding.weights,
            "latent": phi,
            "observed": encoding.scores,
            "predicted": np.asarray(predict(phi, best.scale, best.bias, done.sigmoid)),
        }
    )


def summary(done: Fit, spec: dict, encoding_sha256: str | None) -> dict[str, Any]:
    """The record of a fit, as JSON-able values (see docs: `record.json`)."""
    best = done.best
    share, row_shares = zero_shift_shares(done)
    return {
        "study": spec.get("study"),
        "family": "dms",
        "fit": spec["fit"],
        "labels": spec.get("labels", {}),
        "fold": None,
        "status": str(best.status),
        "residual": best.residual,
        "relative_residual": done.relative_residual,
        "yardstick": done.yardstick,
        "tolerance": spec["solver"]["tolerance"],
        "absolute_floor": ABSOLUTE_FLOOR,
        "objective": best.objective,
        "smooth": best.smooth,
        "penalty": best.penalty,
        "prox": best.prox,
        "iterations": best.iterations,
        "start": best.start,
        "starts": [
            {
                "start": one.start,
                "status": str(one.status),
                "objective": one.objective,
                "residual": one.residual,
                "relative_residual": relative(one.residual, done.yardstick),
                "iterations": one.iterations,
                "seconds": one.seconds,
            }
            for one in done.solutions
        ],
        "seconds": {
            "compile": done.compile_seconds,
            "solve": sum(one.seconds for one in done.solutions),
            "total": done.total_seconds,
        },
        "model": spec["model"],
        "solver": spec["solver"],
        "seed": None,
        "encoding_sha256": encoding_sha256,
        "dms": {
            "scale": best.scale if done.sigmoid else None,
            "bias": best.bias if done.sigmoid else None,
            "scale_at_bound": bool(best.scale == done.scale_bound) if done.sigmoid else None,
            "zero_shift_share": share,
            "zero_shift_share_rows": row_shares,
            "scale_bound": done.scale_bound if done.sigmoid else None,
            "variants": len(done.encoding.scores),
            "mutations": len(done.encoding.mutations),
            "reference": str(done.encoding.reference),
            "conditions": [str(name) for name in done.encoding.conditions],
            "difference_rows": list(done.difference.rows),
        },
    }


def write(done: Fit, spec: dict, folder: str | Path, encoding_path: str | Path | None = None) -> None:
    """Write ``parameters.npz``, ``mutations.csv``, ``trace.csv`` and, last, ``record.json`` into ``folder``."""
    folder, best = Path(folder), done.best
    count = len(best.b0)
    absent = not done.sigmoid
    write_npz(
        folder / "parameters.npz",
        conditions=done.encoding.conditions,
        mutations=done.encoding.mutations,
        b=best.b[:count],
        b0=best.b0,
        b_inner=best.b[count:],
        scale=np.float64(math.nan if absent else best.scale),
        bias=np.float64(math.nan if absent else best.bias),
        difference=np.asarray(done.difference.matrix),
        difference_rows=np.array(done.difference.rows, dtype=np.str_),
        shifts=best.shifts,
    )
    write_csv(folder / "mutations.csv", mutations_table(done))
    columns = ["start", "iteration", "objective", "smooth", "penalty", "residual", "relative_residual"]
    trace = pd.concat([one.trace for one in done.solutions], ignore_index=True)
    write_csv(folder / "trace.csv", trace[[*columns, "step", "zero_share", "seconds"]])
    digest = sha256(encoding_path) if encoding_path else None
    record.write(folder / "record.json", summary(done, spec, digest))


def run(spec: dict, encoding_path: str | Path, folder: str | Path, report: Callable[[str], None] = print) -> Fit:
    """Fit what ``spec`` (see :meth:`proxsweep.sweep.Fit.spec`) says and write the files of the fit."""
    encoding = Encoding.load(encoding_path)
    values = spec["fit"]
    done = fit(encoding, float(values["lasso"]), values["difference"], spec["model"], spec["solver"], report)
    write(done, spec, folder, encoding_path)
    return done
