"""Where a start ended, at the parameters that are written: objective, residual, and certificates."""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from proxsweep.dms.model.certify import duality_gap
from proxsweep.dms.model.model import Model, Parameters, change_coordinates
from proxsweep.dms.model.problem import FitProblem
from proxsweep.dms.model.start_run import StartRun
from proxsweep.optimize import fista
from proxsweep.optimize.admm import tie
from proxsweep.optimize.certificate import stationarity
from proxsweep.optimize.compiling import compiled
from proxsweep.optimize.padding import padded
from proxsweep.optimize.prox import prox
from proxsweep.optimize.status import Status


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


def solve(problem: FitProblem, name: str, start: Parameters, spent: float = 0.0) -> Solution:
    """Run from one point, or on from its checkpoint; ``spent`` seconds were needed to find the point."""
    run = StartRun(problem, name, start, spent)
    status = run.to_its_end()
    state = run.state
    x, prox_state = _finite(state.x), state.prox_state
    bundle = problem.encoding.bundle
    b = np.asarray(x["b"])[:, : bundle.shape[1]]
    b = b if prox_state is None else _tied(problem, b, prox_state)
    b0 = np.asarray(x["b0"]) - np.where(bundle, b[: len(bundle)], 0.0).sum(axis=1)
    certificate = certify(problem, b, b0, float(x["scale"]), float(x["bias"]), prox_state)
    return Solution(
        start=name,
        status=_status(problem, status, certificate),
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


def _finite(x: Parameters) -> Parameters:
    """Parameters without what is no number, which only a start may have."""
    return {name: jnp.nan_to_num(value) for name, value in x.items()}


def _tied(problem: FitProblem, b: np.ndarray, prox_state: Any) -> np.ndarray:
    """Effects with the zero shifts that ADMM identified made exact; within the box, where there is one."""
    tied = tie(problem.model.difference, problem.lasso, b, prox_state.z[:, : b.shape[1]])
    return np.clip(tied, *np.asarray(problem.data["effect_bounds"]))


def _status(problem: FitProblem, status: Status, certificate: dict) -> Status:
    """The status that the written parameters deserve."""
    if not math.isfinite(
        certificate["smooth"] + certificate["penalty"] + certificate["residual"] + problem.initial_residual
    ):
        return Status.DIVERGED
    if status == Status.DIVERGED:
        return status
    if certificate["residual"] <= problem.threshold:
        return Status.CONVERGED
    return Status.MAX_ITERATIONS if status == Status.CONVERGED else status


def certify(problem: FitProblem, b: np.ndarray, b0: np.ndarray, scale: float, bias: float, prox_state: Any) -> dict:
    """Objective parts and certificate at parameters in the reference's coordinates, as they are written."""
    bundle = problem.encoding.bundle
    _, own = change_coordinates(b[: len(b0)], b0, bundle)
    width = b.shape[1]
    wide = jnp.asarray(padded(b, problem.zeros["b"].shape[1]))
    x = {"b": wide, "b0": jnp.asarray(own), "scale": jnp.float64(scale), "bias": jnp.float64(bias)}
    state, look = fista.begin(problem.model, problem.data, x, prox_state)
    slope, errors = _gradients(problem.model, problem.data, state.z, x)
    shifts = problem.model.difference.of(b)
    if prox_state is not None:
        shifts = np.where(np.asarray(prox_state.z)[:, :width] == 0, 0.0, shifts)
    gradient = np.asarray(slope["b"])[:, :width]
    rest, fused = _stationarity(problem, b, gradient, shifts)
    gap = None
    if not problem.model.sigmoid and np.asarray(problem.data["ridge"]).min() > 0:
        gap = duality_gap(problem.model, problem.data, np.asarray(errors), fused, float(look.objective))
    return {
        "smooth": float(look.smooth),
        "penalty": float(look.penalty),
        "residual": float(look.residual),
        "fusion_gap": float(np.linalg.norm(rest, axis=0).max(initial=0.0)),
        "duality_gap": gap,
        "prox": _prox_residuals(problem, state),
        "shifts": shifts,
        "slope": gradient,
    }


@compiled("model")
def _gradients(model: Model, data: dict, z: jax.Array, x: Parameters) -> tuple[Parameters, jax.Array]:
    return model.gradients(data, z, x)


def _stationarity(
    problem: FitProblem, b: np.ndarray, slope: np.ndarray, shifts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    if not np.isfinite(slope).all():
        return np.full(b.shape, math.nan), np.full(b.shape, math.nan)
    pull = None
    if problem.model.boxed:
        lower, upper = np.asarray(problem.data["effect_bounds"])
        pull = np.where(b <= lower, -1.0, np.where(b >= upper, 1.0, 0.0))
    return stationarity(np.asarray(problem.model.difference.matrix), problem.lasso, slope, shifts, pull)


def _prox_residuals(problem: FitProblem, state: fista.State) -> dict[str, float] | None:
    if state.prox_state is None:
        return None
    target, metric = fista.step_target(problem.model, problem.data, state)
    weights = jnp.broadcast_to(problem.data["lasso"] / metric["b"][0], target["b"].shape[1:])
    fused = prox(problem.model.difference, target["b"], weights, state.prox_state)
    return {"primal": float(fused.primal), "dual": float(fused.dual), "iterations": int(fused.iterations)}
