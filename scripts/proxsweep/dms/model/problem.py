"""What a fit solves: the model, its data on the device, and how small a residual has to become."""

import math
import time
from collections.abc import Callable
from dataclasses import replace

import jax

from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.model import start_points
from proxsweep.dms.model.arrays import arrays, row_offsets
from proxsweep.dms.model.checkpoint import Checkpoint, SolverState
from proxsweep.dms.model.model import Model
from proxsweep.io.errors import UserError
from proxsweep.optimize import fista
from proxsweep.optimize.difference import Difference, equivariant, explicit, reference, tree
from proxsweep.optimize.prox import initial_state as initial_prox_state
from proxsweep.optimize.solve import compile_solver

jax.config.update("jax_enable_x64", True)

ABSOLUTE_FLOOR = 1e-12


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
        # message: a fault: matrix 'clade' leaves out Beta; every node must be in it | rows or a tree over the
        # conditions Alpha, Beta | The matrix does not fit the conditions that the table has. | Correct `sweep:
        # difference`, or list `conditions`.
        raise UserError(f"sweep.difference, matrix {name!r}", f"a fault: {error}", expected) from error
    return reference(conditions, reference_condition) if name == "reference" else equivariant(conditions)


def resolve_scale_bound(value: float | str, encoding: Encoding) -> float:
    """Upper bound of the sigmoid's scale; ``2x_score_range`` means twice the range of the scores."""
    if isinstance(value, str):
        return float(value.removesuffix("x_score_range")) * start_points.score_range(encoding)[1]
    return float(value)


class FitProblem:
    """A problem with its data on the device: shared by all starts of a fit.

    ``zeros`` is the start that all residuals are relative to; a start has converged at ``threshold``.
    """

    def __init__(
        self,
        encoding: Encoding,
        lasso: float,
        matrix: Difference,
        model: dict,
        solver: dict,
        report: Callable[[str], None],
        checkpoint: Checkpoint | None = None,
    ):
        self.checkpoint = checkpoint or Checkpoint()
        self.encoding, self.lasso, self.solver, self.report = encoding, lasso, solver, report
        self.model = Model(
            sigmoid=model["global_epistasis"] == "sigmoid",
            difference=matrix,
            offsets=row_offsets(encoding),
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

    def earlier(self, name: str) -> SolverState | None:
        """Where an earlier run left this start."""
        found = self.checkpoint.states.get(name)
        if found is None:
            return None
        return replace(found, prox_state=jax.tree.unflatten(jax.tree.structure(self.prox_state), found.prox_state))
