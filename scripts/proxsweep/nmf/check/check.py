"""Checking one fit of this family: every claim of its files against :mod:`proxsweep.nmf.check.recompute`.

Residuals are compared to what the rounding of sums and, in ``starts.npz``, of single precision may change: see
:class:`proxsweep.nmf.check.recompute.Found`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from proxsweep.io.errors import UserError
from proxsweep.nmf.check import held_out, matching, recompute, starts, tables
from proxsweep.nmf.check.recompute import Found, Problem
from proxsweep.nmf.data import parts, resamples
from proxsweep.nmf.data.encoding import Encoding
from proxsweep.nmf.data.parts import Part
from proxsweep.optimize.status import Status
from proxsweep.sweep import fit_folder
from proxsweep.sweep.discrepancies import Checked, Discrepancies

RECORD, PARAMETERS = fit_folder.RECORD, fit_folder.PARAMETERS
RESIDUAL = 1e-9  # relative to the residual, to which is added
SUMS = 1e-13  # relative to the numbers whose sum the residual is
COLUMN = 1e-12  # of the sum of a column of W, and relative to the exposure of a factor
ARRAYS = {"W": ("f", None), "H": ("f", None), "features": ("U", None), "samples": ("U", None)}
FIGURES = ("starts", "starts_converged", "at_best", "start_spread", "zeros", "dead_factors", "features", "samples")
FIGURES += matching.COUNTED


class _Fit(NamedTuple):
    """What a fit's files say: the record, W (M, k) and H (k, N) of all features and samples; what it is to."""

    record: Mapping[str, Any]
    part: Part
    w: np.ndarray
    h: np.ndarray
    problem: Problem

    @property
    def kept(self) -> tuple[np.ndarray, np.ndarray]:
        """W (m, k) and H (k, n) of those that are fitted."""
        return self.w[self.part.encoding.kept_features], self.h[:, self.part.encoding.kept_samples]

    @property
    def fitted(self) -> tuple[np.ndarray, np.ndarray]:
        """W (M, k) and H (k, N) with 0 in place of what is predicted of held-out rows and columns."""
        (w, h), encoding = self.kept, self.part.encoding
        return encoding.embed(w, 0, "features"), encoding.embed(h, 1, "samples")


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # a diverged fit may overflow
def check(folder: str | Path, record: Mapping[str, Any], encoding_path: str | Path) -> Checked:
    """Recompute everything that the fit in ``folder`` claims.

    A file that cannot be read is a disagreement. Where encoding, record and parameters do not belong together, nothing
    else is looked into.

    Parameters
    ----------
    folder
        Holds the files of the fit.
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
    wanted = (*FIGURES, *held_out.figures(record["rows"]))
    missing = [f"nmf.{key}" for key in wanted if key not in record["nmf"]]
    if missing:
        # message: A key was removed, or another version wrote the record. | Make the fit again.
        raise UserError(str(folder / RECORD), f"no {', '.join(missing)}", "a fit's record with these keys")
    fit = None
    with discrepancies.unreadable():
        fit = _load(folder, record, encoding_path, discrepancies)
    if fit is None:
        return Checked(False, math.nan, math.nan, {}, discrepancies)
    _constraints(fit, discrepancies)
    found = recompute.evaluate(fit.problem, *fit.kept)
    checked = _certificate(fit, found, discrepancies)
    for compare in (tables.compare_features, tables.compare_samples):
        with discrepancies.unreadable():
            compare(folder, fit.part.whole, fit.w, fit.h, discrepancies)
    held_out.compare(record, fit.part, fit.w, fit.h, discrepancies)
    starts.compare_record(record, discrepancies)
    for compare in (starts.compare_table, starts.compare_trace):
        with discrepancies.unreadable():
            compare(folder, record, discrepancies)
    with discrepancies.unreadable():
        starts.compare_arrays(folder, record, fit.part.encoding, fit.problem, fit.fitted, discrepancies)
    return checked


def _load(
    folder: Path, record: Mapping[str, Any], encoding_path: str | Path, discrepancies: Discrepancies
) -> _Fit | None:
    """The fit; None, with the reason in ``discrepancies``, where its files do not belong together."""
    discrepancies.encoding(record, encoding_path)
    if discrepancies.disagreements:
        return None
    encoding = Encoding.load(encoding_path)
    arrays = fit_folder.arrays(folder / PARAMETERS, ARRAYS)
    rank, shape = record["fit"]["rank"], (len(encoding.features), len(encoding.samples))
    wanted = {"W": (shape[0], rank), "H": (rank, shape[1])}
    for name, size in wanted.items():
        discrepancies.equal(PARAMETERS, f"type and shape of {name}", _kind(arrays[name]), f"float64 {size}")
    for name, known in (("features", encoding.features), ("samples", encoding.samples)):
        _same_names(name, arrays[name], known, discrepancies)
    part = _part(encoding, record)
    for name, size in zip(("features", "samples"), part.encoding.matrix.shape, strict=True):
        discrepancies.equal(RECORD, f"nmf.{name}", record["nmf"][name], size)
    sections = {name: record[name] for name in ("model", "solver") if isinstance(record.get(name), Mapping)}
    for name, section in sections.items():
        for key, value in {**record["fit"], "tolerance": record["tolerance"]}.items():
            if key in section:
                discrepancies.equal(RECORD, f"{name}.{key}", section[key], value)
    problem = recompute.stated(part.encoding.matrix, record["model"], part.seen)
    if not np.isfinite(problem.norm):
        found = "a feature that does not vary, divided by its standard deviation"
        discrepancies.add(RECORD, "model.normalise", record["model"]["normalise"], found)
    return None if discrepancies.disagreements else _Fit(record, part, arrays["W"], arrays["H"], problem)


def _part(encoding: Encoding, record: Mapping[str, Any]) -> Part:
    """The part that the fit is to, drawn again."""
    encoding = resamples.resampled(encoding, record["rows"])
    matrix = recompute.normalised(encoding.matrix, record["model"]["normalise"])
    return parts.fold(replace(encoding, matrix=matrix), record["fit"]["rank"], record["rows"])


def _kind(values: np.ndarray) -> str:
    return f"{values.dtype} {values.shape}"


def _same_names(quantity: str, written: np.ndarray, found: np.ndarray, discrepancies: Discrepancies) -> None:
    if written.shape != found.shape:
        discrepancies.add(PARAMETERS, f"shape of {quantity}", written.shape, found.shape)
        return
    different = np.flatnonzero(written != found)
    if len(different):
        at = different[0]
        discrepancies.add(PARAMETERS, f"{quantity}, entry {at + 1}", str(written[at]), str(found[at]))


def _constraints(fit: _Fit, discrepancies: Discrepancies) -> None:
    """Factors that are finite and not below 0, 0 where V is, whose columns sum to 1 if they have to, in order."""
    diverged, known = fit.record["status"] == Status.DIVERGED, held_out.known(fit.part)
    left_out = {"W": fit.w[~known[0]], "H": fit.h[:, ~known[1]]}
    for name, values in (("W", fit.w), ("H", fit.h)):
        if not (diverged or np.isfinite(values).all()):
            discrepancies.add(PARAMETERS, name, "not finite", "numbers, unless it diverged")
        if (values < 0).any():
            discrepancies.add(PARAMETERS, name, float(values.min()), "nothing below 0")
        if (left_out[name] != 0).any():
            discrepancies.add(PARAMETERS, name, "an entry above 0", "0 where a row or a column of the matrix is 0")
    (w, h), names = fit.kept, _factors(fit.w.shape[1])
    sums = w.sum(axis=0)
    if fit.problem.simplex and not diverged:
        discrepancies.entries(PARAMETERS, "sum of W", sums, np.ones_like(sums), names, COLUMN)
    exposures = sums * h.sum(axis=1)
    rising = np.flatnonzero(exposures[1:] > (1 + COLUMN) * exposures[:-1])
    if len(rising):
        t = rising[0]
        found = f"{exposures[t]:.6g} before {exposures[t + 1]:.6g}"
        discrepancies.add(PARAMETERS, f"exposures of {names[t]} and {names[t + 1]}", found, "falling ones", COLUMN)


def _factors(rank: int) -> Sequence[str]:
    return tables.factor_names(rank)


def _certificate(fit: _Fit, found: Found, discrepancies: Discrepancies) -> Checked:
    """Objective, residual and status at the written parameters, and the record's counts of them."""
    record, own = fit.record, RESIDUAL * found.residual + SUMS * found.residual_rounding
    sizes = {
        "smooth": (found.loss, found.loss_rounding),
        "penalty": (found.penalty, COLUMN * found.penalty),
        "objective": (found.objective, found.loss_rounding + COLUMN * found.penalty),
        "residual": (found.residual, own),
        "relative_residual": (found.residual, own),
    }
    for name, (value, slack) in sizes.items():
        discrepancies.close(RECORD, name, record[name], value, slack)
    discrepancies.equal(RECORD, "nmf.zeros", record["nmf"]["zeros"], found.zeros)
    discrepancies.equal(RECORD, "nmf.dead_factors", record["nmf"]["dead_factors"], found.vanished)
    said = starts.disagreement(found, record["status"], record["tolerance"], own, SUMS)
    if said:
        discrepancies.add(RECORD, "status", record["status"], said, own)
    written = math.nan if record["objective"] is None else record["objective"]
    difference = abs(written - found.objective) / (abs(found.objective) or 1.0)
    return Checked(not said, difference, found.residual, {}, discrepancies)
