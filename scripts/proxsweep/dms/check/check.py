"""Checking one fit of this family: every claim of its files against :mod:`proxsweep.dms.check.recompute`.

Which tolerance belongs to which number, and why: docs/certificate.md.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from proxsweep.dms.check import recompute, starts
from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.data.subsets import fitted_only, select
from proxsweep.io.errors import UserError
from proxsweep.optimize.status import Status
from proxsweep.sweep import cells, fit_folder
from proxsweep.sweep.discrepancies import SMALLEST, Checked, Discrepancies

OBJECTIVE = 1e-10  # relative to the number, to which is added
ROUNDING = 1e-13  # relative to the objective
RESIDUAL = 1e-6  # relative to the residual, to which is added
SUMS = 1e-12  # relative to the initial residual and the largest parameter: what summing in another order may change
INNER_SOLVER = 1e-9  # relative to the largest effect, where the record says that the prox was iterated
SHIFT = 1e-12  # relative to the effects, where a row compares more than two nodes
SHARE = 1e-12
GAP = 0.01  # relative to the duality gap, to which is added
GAP_ROUNDING = 1e-12  # relative to the objective

TEXTS = ("conditions", "mutations", "difference_rows")
# of any shape: a wrong one is a disagreement
ARRAYS = {
    **dict.fromkeys(TEXTS, ("U", None)),
    **dict.fromkeys(("b", "b0", "b_inner", "scale", "bias", "difference", "shifts"), ("fiu", None)),
}
FIGURES = (
    *("conditions", "reference", "difference_rows", "variants", "mutations", "scale", "bias", "scale_bound"),
    *("scale_at_bound", "zero_shift_share", "zero_shift_share_rows", "training_loss", "training_loss_rows"),
)
MODEL = (
    *("global_epistasis", "ridge", "scale_bound", "huber_delta", "normalization"),
    *("effect_bounds", "fix_reference_intercept"),
)
NAMES = ("mutation", "wildtype", "site", "mutant")


class _Fit(NamedTuple):
    """What a fit's files say, and the problem they state.

    ``encoding`` has the variants fitted, ``held_out`` those of the fold that was left out and that count.
    """

    record: Mapping[str, Any]
    encoding: Encoding
    held_out: Encoding | None
    arrays: dict[str, np.ndarray]
    problem: recompute.Problem
    point: recompute.Point


@np.errstate(over="ignore", invalid="ignore")  # a diverged fit may overflow
def check(folder: str | Path, record: Mapping[str, Any], encoding_path: str | Path) -> Checked:
    """Recompute everything that the fit in ``folder`` claims.

    A file that cannot be read is a disagreement. Where encoding, record and parameters do not belong together, nothing
    else is looked into.

    Parameters
    ----------
    folder
        Holds ``parameters.npz``, ``trace.csv`` and, unless it is of a fold or resample, ``mutations.csv``.
    record
        Its record, read.
    encoding_path
        The encoding that was fitted.

    Raises
    ------
    UserError
        For a record that lacks keys.
    """
    folder, discrepancies = Path(folder), Discrepancies()
    missing = [f"dms.{key}" for key in FIGURES if key not in record["dms"]]
    missing += [f"model.{key}" for key in MODEL if key not in record["model"]]
    if missing:
        # message: A key was removed, or another version wrote the record. | Make the fit again.
        raise UserError(str(folder / "record.json"), f"no {', '.join(missing)}", "a fit's record with these keys")
    nothing = Checked(False, math.nan, math.nan, _certificate_gaps(), discrepancies)
    fit = None
    with discrepancies.unreadable():
        fit = _load(folder, record, encoding_path, discrepancies)
    if fit is None:
        return nothing
    _parameters(fit, discrepancies)
    _summary(fit, discrepancies)
    _losses(fit, discrepancies)
    with discrepancies.unreadable():
        if record.get("rows"):
            _times_seen(fit, folder / "parameters.npz", discrepancies)
        else:
            _mutations(fit, folder / "mutations.csv", discrepancies)
    with discrepancies.unreadable():
        starts.compare(record, folder, _largest(fit.point), discrepancies)
    return _certificate(fit, discrepancies)


def _load(
    folder: Path, record: Mapping[str, Any], encoding_path: str | Path, discrepancies: Discrepancies
) -> _Fit | None:
    """The fit; None, with the reason in ``discrepancies``, where its files do not belong together."""
    discrepancies.encoding(record, encoding_path)
    if discrepancies.disagreements:
        return None
    encoding, held_out = _parts(Encoding.load(encoding_path), record.get("rows"))
    arrays = _arrays(folder / "parameters.npz")
    conditions = [str(name) for name in encoding.conditions]
    described = record["fit"]["difference"]
    matrix, rows = recompute.difference_matrix(described, conditions, str(encoding.reference))
    _belong_together(record, encoding, arrays, matrix, rows, discrepancies)
    if discrepancies.disagreements:
        return None
    problem = recompute.problem(encoding, record["model"], float(record["fit"]["lasso"]), matrix)
    b = np.concatenate([arrays["b"], arrays["b_inner"]])
    scale, bias = (float(arrays["scale"]), float(arrays["bias"])) if problem.sigmoid else (1.0, 0.0)
    return _Fit(record, encoding, held_out, arrays, problem, recompute.Point(b, arrays["b0"], scale, bias))


def _parts(encoding: Encoding, rows: Mapping[str, Any] | None) -> tuple[Encoding, Encoding | None]:
    """The variants fitted, and those of the fold left out that do not carry a substitution that was never fitted."""
    chosen = select(encoding, rows)
    if chosen.held_out is None:
        return fitted_only(chosen.encoding), None
    unseen = chosen.encoding.times_seen.sum(axis=0) == 0
    variant = np.repeat(np.arange(len(encoding.scores)), np.diff(encoding.indptr))
    new = np.bincount(variant, unseen[encoding.indices], len(encoding.scores)) > 0
    counted = np.where(new, 0.0, chosen.held_out)
    return fitted_only(chosen.encoding), fitted_only(replace(encoding, weights=counted))


def _belong_together(
    record: Mapping[str, Any],
    encoding: Encoding,
    arrays: Mapping[str, np.ndarray],
    matrix: np.ndarray,
    rows: list[str],
    discrepancies: Discrepancies,
) -> None:
    """Names and shapes in record and parameters against the encoding and the difference matrix."""
    conditions = [str(name) for name in encoding.conditions]
    width = len(encoding.mutations)
    stated = {
        "conditions": conditions,
        "reference": str(encoding.reference),
        "difference_rows": rows,
        "variants": len(encoding.scores),
        "mutations": width,
    }
    for name, found in stated.items():
        discrepancies.equal("record.json", f"dms.{name}", record["dms"][name], found)
    shapes = {
        "b": (len(conditions), width),
        "b0": (len(conditions),),
        "b_inner": (matrix.shape[1] - len(conditions), width),
        "scale": (),
        "bias": (),
        "shifts": (len(rows), width),
    }
    for name, shape in shapes.items():
        discrepancies.equal("parameters.npz", f"shape of {name}", arrays[name].shape, shape)
    discrepancies.equal("parameters.npz", "conditions", arrays["conditions"].tolist(), conditions)
    discrepancies.equal("parameters.npz", "difference_rows", arrays["difference_rows"].tolist(), rows)
    discrepancies.equal("parameters.npz", "difference", arrays["difference"].tolist(), matrix.tolist())
    _same_names("parameters.npz", "mutations", arrays["mutations"], encoding.mutations, discrepancies)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    found = fit_folder.arrays(path, ARRAYS)
    return {name: values if name in TEXTS else values.astype(float) for name, values in found.items()}


def _same_names(file: str, quantity: str, written: np.ndarray, found: np.ndarray, discrepancies: Discrepancies) -> None:
    if len(written) != len(found):
        discrepancies.add(file, f"number of {quantity}", len(written), len(found))
        return
    different = np.flatnonzero(np.asarray(written, object) != np.asarray(found, object))
    if len(different):
        at = different[0]
        discrepancies.add(file, f"{quantity}, entry {at + 1}", written[at], found[at])


def _parameters(fit: _Fit, discrepancies: Discrepancies) -> None:
    """Finite, within the constraints, and shifts that are the differences of the effects."""
    problem, x = fit.problem, fit.point
    file = "parameters.npz"
    for name, values in (("b", x.b), ("b0", x.b0), ("scale", x.scale), ("bias", x.bias)):
        if not np.isfinite(values).all():
            discrepancies.add(file, name, "not finite", "numbers, whatever the status")
    low, high = problem.effect_bounds
    if (x.b < low).any() or (x.b > high).any():
        discrepancies.add(file, "b", f"from {x.b.min():g} to {x.b.max():g}", f"effect_bounds {low:g} to {high:g}")
    if problem.sigmoid and not 0 <= x.scale <= problem.scale_bound:
        discrepancies.add(file, "scale", x.scale, f"bounds 0 and {problem.scale_bound:g}")
    if (x.b0[problem.fixed] != 0).any():
        discrepancies.add(file, "b0 of the reference", float(x.b0[problem.fixed][0]), 0.0)
    names, matrix = fit.encoding.mutations, problem.difference
    shifts, tied = recompute.shifts(matrix, x.b), recompute.tied(matrix, x.b)
    pairs = recompute.pairs(matrix)
    for r, row in enumerate(fit.arrays["difference_rows"]):
        written, sizes = fit.arrays["shifts"][r], abs(matrix[r]) @ abs(x.b)
        discrepancies.entries(file, f"shift {row}", written, shifts[r], names, SHIFT * sizes)
        wrong = np.flatnonzero((written == 0) != tied[r]) if r in pairs else []
        if len(wrong):
            values = float(written[wrong[0]]), float(shifts[r, wrong[0]])
            discrepancies.add(file, f"zero of shift {row} of {names[wrong[0]]}", *values)


def _mutations(fit: _Fit, path: Path, discrepancies: Discrepancies) -> None:
    """The table against the parameters and the encoding, entry by entry."""
    encoding, arrays = fit.encoding, fit.arrays
    numbers = {f"beta_{name}": arrays["b"][d] for d, name in enumerate(encoding.conditions)}
    numbers |= {f"shift_{name}": arrays["shifts"][r] for r, name in enumerate(arrays["difference_rows"])}
    numbers |= {f"times_seen_{name}": encoding.times_seen[d] for d, name in enumerate(encoding.conditions)}
    written = cells.read(path)
    cells.header(path.name, written.header, [*NAMES, *numbers], discrepancies)
    if len(written.columns[written.header[0]]) != len(encoding.mutations):
        names = cells.Expected(pd.DataFrame({NAMES[0]: encoding.mutations}), NAMES[:1])
        cells.aligned(path.name, written, names, discrepancies)
        return
    for name in [name for name in NAMES if name in written.columns]:
        names = np.array(written.columns[name], object)
        _same_names(path.name, name, names, getattr(encoding, f"{name}s"), discrepancies)
    for name in [name for name in numbers if name in written.columns]:
        _same_numbers(path.name, name, written.columns[name], numbers[name], encoding.mutations, discrepancies)


def _same_numbers(
    file: str, quantity: str, written: list[str], found: np.ndarray, names: np.ndarray, discrepancies: Discrepancies
) -> None:
    numbers, is_none = cells.numbers(written)
    if is_none.any():
        at = int(is_none.argmax())
        discrepancies.add(file, f"{quantity} of {names[at]}", written[at], float(found[at]))
        return
    discrepancies.entries(file, quantity, numbers, found, names)


def _times_seen(fit: _Fit, path: Path, discrepancies: Discrepancies) -> None:
    """Of a fold or a resample, which has no table: the counts beside its parameters."""
    encoding = fit.encoding
    written = fit_folder.arrays(path, {"times_seen": ("iu", None)})["times_seen"]
    if written.shape != encoding.times_seen.shape:
        discrepancies.add(path.name, "shape of times_seen", written.shape, encoding.times_seen.shape)
        return
    for name, values, counts in zip(encoding.conditions, written, encoding.times_seen, strict=True):
        discrepancies.entries(path.name, f"times_seen {name}", values, counts, encoding.mutations, 0.0)


def _summary(fit: _Fit, discrepancies: Discrepancies) -> None:
    """The record's figures of this family."""
    inside, problem, x = fit.record["dms"], fit.problem, fit.point
    sigmoid = problem.sigmoid
    discrepancies.close("record.json", "dms.scale", inside["scale"], x.scale if sigmoid else math.nan, 0.0)
    discrepancies.close("record.json", "dms.bias", inside["bias"], x.bias if sigmoid else math.nan, 0.0)
    discrepancies.close("record.json", "dms.scale_bound", inside["scale_bound"], problem.scale_bound, 0.0)
    at_bound = x.scale == problem.scale_bound if sigmoid else None
    discrepancies.equal("record.json", "dms.scale_at_bound", inside["scale_at_bound"], at_bound)
    seen, zero = fit.encoding.times_seen > 0, fit.arrays["shifts"] == 0
    everywhere = seen.all(axis=0) if len(zero) else np.zeros(seen.shape[1], bool)
    share = _share(zero.all(axis=0), everywhere)
    discrepancies.close("record.json", "dms.zero_shift_share", inside["zero_shift_share"], share, SHARE)
    for r, row in enumerate(fit.arrays["difference_rows"]):
        used = problem.difference[r] != 0
        # an inner node of a tree is known only through all conditions
        compared = used[: len(seen)] | used[len(seen) :].any()
        found = _share(zero[r], seen[compared].all(axis=0))
        written = inside["zero_shift_share_rows"].get(str(row))
        discrepancies.close("record.json", f"dms.zero_shift_share_rows.{row}", written, found, SHARE)


def _losses(fit: _Fit, discrepancies: Discrepancies) -> None:
    """Mean losses of the variants fitted and of those held out."""
    inside = fit.record["dms"]
    problems = {"training": fit.problem}
    if fit.held_out is not None:
        difference = fit.problem.difference
        problems["validation"] = recompute.problem(fit.held_out, fit.record["model"], fit.problem.lasso, difference)
    for name, problem in problems.items():
        total, rows = recompute.mean_losses(problem, fit.point)
        discrepancies.close(
            "record.json", f"dms.{name}_loss", inside.get(f"{name}_loss"), total, OBJECTIVE * abs(total)
        )
        for condition, value in zip(fit.encoding.conditions, rows, strict=True):
            written = inside.get(f"{name}_loss_rows", {}).get(str(condition))
            discrepancies.close(
                "record.json", f"dms.{name}_loss_rows.{condition}", written, value, OBJECTIVE * abs(value)
            )


def _share(hits: np.ndarray, among: np.ndarray) -> float:
    return float(hits[among].mean()) if among.any() else math.nan


def _certificate(fit: _Fit, discrepancies: Discrepancies) -> Checked:
    """Objective, residual, status and dual certificates at the written parameters."""
    record, problem, x = fit.record, fit.problem, fit.point
    smooth, penalty = recompute.parts(problem, x)
    objective = smooth + penalty
    for name, value in (("smooth", smooth), ("penalty", penalty), ("objective", objective)):
        tolerance = OBJECTIVE * abs(value) + ROUNDING * abs(objective)
        discrepancies.close("record.json", name, record[name], value, tolerance)
    initial, residual = (_flushed(recompute.residual(problem, point)) for point in (recompute.zeros(problem), x))
    inner = INNER_SOLVER * abs(x.b).max(initial=0.0) if record["prox"] is not None else 0.0
    slack = RESIDUAL * residual + SUMS * (initial + _largest(x)) + inner
    discrepancies.close("record.json", "yardstick", record["yardstick"], initial, RESIDUAL * initial + inner)
    discrepancies.close("record.json", "residual", record["residual"], residual, slack)
    relative, allowed = (residual / initial, slack / initial) if initial > 0 else (math.nan, 0.0)
    if initial == 0:
        relative = 0.0 if residual <= record["absolute_floor"] else math.inf
    discrepancies.close("record.json", "relative_residual", record["relative_residual"], relative, allowed)
    confirmed = _status(record, residual, initial, slack, discrepancies)
    if not math.isfinite(objective + residual):
        return Checked(confirmed, math.nan, relative, _certificate_gaps(), discrepancies)
    fusion, duality = _gaps(fit, objective, slack, discrepancies)
    written = math.nan if record["objective"] is None else record["objective"]
    difference = abs(written - objective) / abs(objective) if objective else abs(written - objective)
    return Checked(confirmed, difference, relative, _certificate_gaps(fusion, duality), discrepancies)


def _largest(x: recompute.Point) -> float:
    """The largest size of a parameter."""
    return max(float(abs(part).max(initial=0.0)) for part in map(np.asarray, x))


def _certificate_gaps(fusion: float = math.nan, duality: float = math.nan) -> dict[str, float]:
    return {"fusion_gap": fusion, "duality_gap": duality}


def _flushed(value: float) -> float:
    """Zero for a number too small for compiled code."""
    return 0.0 if abs(value) < SMALLEST else value


def _status(
    record: Mapping[str, Any], residual: float, initial: float, slack: float, discrepancies: Discrepancies
) -> bool:
    """Whether the status is what the residual says; a diverged fit claims nothing."""
    goal, status = max(record["tolerance"] * initial, record["absolute_floor"]), record["status"]
    if status == Status.DIVERGED:
        return True
    confirmed = residual <= goal + slack if status == Status.CONVERGED else residual > goal - slack
    if not confirmed:
        reached = "converged" if residual <= goal else "not converged"
        discrepancies.add(
            "record.json", "status", status, f"{reached}: residual {residual:.3g}, goal {goal:.3g}", slack
        )
    return confirmed


def _gaps(fit: _Fit, objective: float, slack: float, discrepancies: Discrepancies) -> tuple[float, float]:
    """Fusion gap and duality gap (NaN where there is none), compared with the record's where it has them."""
    problem, certificate = fit.problem, fit.record.get("certificate", {})
    _, left = recompute.fusion_dual(problem, fit.point)
    fusion, duality = float(left.max(initial=0.0)), recompute.duality_gap(problem, fit.point)
    written = certificate.get("fusion_gap", fusion)
    pairwise = len(recompute.pairs(problem.difference)) == len(problem.difference)
    if pairwise or written is None or written < fusion:
        discrepancies.close("record.json", "certificate.fusion_gap", written, fusion, slack)
    written = certificate.get("duality_gap", duality)
    if (written is None) != (duality is None):
        discrepancies.add("record.json", "certificate.duality_gap", written, duality)
    elif written is not None and not duality <= (1 + GAP) * written + GAP_ROUNDING * abs(objective):
        tolerance = GAP * written + GAP_ROUNDING * abs(objective)
        discrepancies.add("record.json", "certificate.duality_gap", written, duality, tolerance)
    return fusion, math.nan if duality is None else duality
