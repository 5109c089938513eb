"""What a fit to a fold says of the entries that it has not seen.

A fold of entries needs nothing more than W H there. A fit to a block has neither W for the rows nor H for the columns
that are held out: H of a held-out column is fitted to its kept rows with W as it is, W of a held-out row to its kept
columns with H as it is (:mod:`proxsweep.nmf.model.given`), and their product is compared with the entries that are in
a held-out row and a held-out column (Owen and Perry 2009, Ann. Appl. Stat. 3, 564). Such a row of W pays the penalties
on W, and is not bound by the sum of its columns, which is that of the kept rows.

Errors are in the unit of the matrix as it was normalised, by whole columns or rows. Loss `squared`: the sum of
(V - W H)^2 divided by that of V^2. Loss `poisson`: the sum of W H - V + V log(V / W H) divided by that of V, each
prediction at least :data:`FLOOR` of the mean of V, since a count where nothing is expected would make it infinite.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import kl_div

from proxsweep.nmf.data.encoding import Matrix
from proxsweep.nmf.data.parts import Part
from proxsweep.nmf.model import given
from proxsweep.nmf.model.objective import blocks

FLOOR = 1e-6


@dataclass(frozen=True)
class Prediction:
    """W (m, k) and H (k, n) of all rows and columns of the matrix that a part is of, and figures for the record.

    Attributes
    ----------
    figures
        None where nothing is held out. ``training_loss``; ``validation_loss``; ``validation_entries``, how many are
        held out; ``validation_unexplained``, how many of them are above 0 and predicted below the floor. For a fold of
        entries ``validation_given_back``, how many of the fold were fitted all the same; for one of blocks
        ``given_residual``, the largest of :func:`proxsweep.nmf.model.given.residual` of the held-out rows and columns.
    """

    w: np.ndarray
    h: np.ndarray
    figures: dict[str, float]


def predict(part: Part, w: np.ndarray, h: np.ndarray, model: Mapping[str, Any]) -> Prediction:
    """The prediction of a fit W, H to a part, under its section `model`."""
    if not part.is_fold:
        return Prediction(w, h, {})
    poisson = model["loss"] == "poisson"
    floor = FLOOR * float(part.whole.matrix.mean())
    if part.seen is not None:
        training = _Errors(poisson, floor).add(part.encoding.matrix, w, h, part.seen)
        held_out = _Errors(poisson, floor).add(part.whole.matrix, w, h, ~part.seen)
        return Prediction(w, h, {**_figures(training, held_out), "validation_given_back": part.given_back})
    training = _Errors(poisson, floor).add(part.encoding.matrix, w, h)
    all_w, all_h, residual = _completed(part, w, h, model)
    corner = part.whole.matrix[~part.rows][:, ~part.columns]
    held_out = _Errors(poisson, floor).add(corner, all_w[~part.rows], all_h[:, ~part.columns])
    return Prediction(all_w, all_h, {**_figures(training, held_out), "given_residual": residual})


def _figures(training: "_Errors", held_out: "_Errors") -> dict[str, float]:
    return {
        "training_loss": training.relative,
        "validation_loss": held_out.relative,
        "validation_entries": held_out.entries,
        "validation_unexplained": held_out.unexplained,
    }


def _completed(
    part: Part, w: np.ndarray, h: np.ndarray, model: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray, float]:
    """W and H of a block with its held-out rows and columns, and the residual of these. Zero rows and columns are 0."""
    matrix, kept = part.whole.matrix, part.encoding
    rows, columns = kept.kept_features[part.whole.kept_features], kept.kept_samples[part.whole.kept_samples]
    of_w = {"loss": model["loss"], "l1_h": model["l1_w"], "l2_h": model["l2_w"]}
    below, beside = matrix[rows][:, ~part.columns], matrix[~part.rows][:, columns].T
    more_h, more_w = given.exposures(below, w, model), given.exposures(beside, h.T, of_w)
    residuals = given.residual(below, w, more_h, model), given.residual(beside, h.T, more_w, of_w)
    all_w, all_h = np.zeros((len(rows), w.shape[1])), np.zeros((len(h), len(columns)))
    all_w[rows], all_w[~part.rows] = w, more_w.T
    all_h[:, columns], all_h[:, ~part.columns] = h, more_h
    return all_w, all_h, float(np.concatenate(residuals).max())


class _Errors:
    """Sums over entries: of the loss, of what it is relative to, of the entries, and of those not explained."""

    def __init__(self, poisson: bool, floor: float) -> None:
        self.poisson, self.floor = poisson, floor
        self.loss = self.size = 0.0
        self.entries = self.unexplained = 0

    @property
    def relative(self) -> float:
        """NaN where there is nothing to be relative to."""
        return self.loss / self.size if self.size > 0 else np.nan

    def add(self, matrix: Matrix, w: np.ndarray, h: np.ndarray, chosen: np.ndarray | None = None) -> "_Errors":
        """Add entries of V (m, n); ``chosen`` (m, n) bool says which, where not all."""
        begin = 0
        for values, fitted in blocks(matrix, w, h):
            here = slice(None) if chosen is None else chosen[begin : begin + len(values)]
            self._add(values[here], fitted[here])
            begin += len(values)
        return self

    def _add(self, values: np.ndarray, fitted: np.ndarray) -> None:
        self.entries += values.size
        self.unexplained += int(((values > 0) & (fitted < self.floor)).sum())
        if self.poisson:
            self.loss += float(kl_div(values, np.maximum(fitted, self.floor)).sum())
            self.size += float(values.sum())
        else:
            self.loss += float(((values - fitted) ** 2).sum())
            self.size += float((values**2).sum())
