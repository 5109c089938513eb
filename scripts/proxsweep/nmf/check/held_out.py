"""What a fit to a fold says of the entries that were held out, a second time, from its parameters."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import xlogy

from proxsweep.nmf.check import recompute
from proxsweep.nmf.data import parts
from proxsweep.nmf.data.encoding import Matrix
from proxsweep.nmf.data.parts import Part
from proxsweep.sweep import fit_folder
from proxsweep.sweep.discrepancies import Discrepancies

RECORD = fit_folder.RECORD
COUNTS = ("validation_entries", "validation_unexplained")
LOSSES = ("training_loss", "validation_loss")
FLOOR = 1e-6  # of the mean of V: the least that is predicted, under the loss `poisson`
SLACK = 1e-11  # of a loss, and of 1, to which losses are relative
GIVEN = 1e-11  # of the residual of what is predicted of held-out rows and columns


def figures(rows: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The keys that a fold has in its record, and other fits do not."""
    if not parts.is_fold(rows):
        return ()
    own = "given_residual" if rows.get("hold_out") == "blocks" else "validation_given_back"
    return (*LOSSES, *COUNTS, own)


def known(part: Part) -> tuple[np.ndarray, np.ndarray]:
    """Features (M,) and samples (N,) that are fitted or predicted; others are 0."""
    features, samples = part.encoding.kept_features.copy(), part.encoding.kept_samples.copy()
    if part.rows is not None:
        features[np.flatnonzero(part.whole.kept_features)[~part.rows]] = True
        samples[np.flatnonzero(part.whole.kept_samples)[~part.columns]] = True
    return features, samples


@np.errstate(all="ignore")  # a diverged fit may overflow
def compare(record: Mapping[str, Any], part: Part, w: np.ndarray, h: np.ndarray, discrepancies: Discrepancies) -> None:
    """Losses and counts of a fold, from W (M, k) and H (k, N); their absence where nothing is held out."""
    written = record["nmf"]
    if not part.is_fold:
        for name in (*LOSSES, *COUNTS):
            if name in written:
                discrepancies.add(RECORD, f"nmf.{name}", written[name], "none, as nothing is held out")
        return
    w, h = w[part.whole.kept_features], h[:, part.whole.kept_samples]
    for name, value in _losses(part, w, h, record["model"]["loss"] == "poisson").items():
        if name in LOSSES:
            discrepancies.close(RECORD, f"nmf.{name}", written[name], value, SLACK * (1 + abs(value)))
        else:
            discrepancies.equal(RECORD, f"nmf.{name}", written[name], value)
    if part.seen is not None:
        discrepancies.equal(RECORD, "nmf.validation_given_back", written["validation_given_back"], part.given_back)
        return
    found = _given_residual(part, w, h, record["model"])
    discrepancies.close(RECORD, "nmf.given_residual", written["given_residual"], found, GIVEN + 1e-6 * found)


def _losses(part: Part, w: np.ndarray, h: np.ndarray, poisson: bool) -> dict[str, float]:
    """Both losses, and how many entries are held out and how many of them not explained."""
    matrix, floor = part.whole.matrix, FLOOR * float(part.whole.matrix.mean())
    if part.seen is not None:
        training = _sums(matrix, w, h, part.seen, poisson, floor)
        validation = _sums(matrix, w, h, ~part.seen, poisson, floor)
    else:
        rows = part.encoding.kept_features[part.whole.kept_features]
        columns = part.encoding.kept_samples[part.whole.kept_samples]
        training = _sums(part.encoding.matrix, w[rows], h[:, columns], None, poisson, floor)
        corner = matrix[~part.rows][:, ~part.columns]
        validation = _sums(corner, w[~part.rows], h[:, ~part.columns], None, poisson, floor)
    return {
        "training_loss": float(np.divide(training[0], training[1])),
        "validation_loss": float(np.divide(validation[0], validation[1])),
        "validation_entries": int(validation[2]),
        "validation_unexplained": int(validation[3]),
    }


def _sums(matrix: Matrix, w: np.ndarray, h: np.ndarray, chosen: np.ndarray | None, poisson: bool, floor: float):
    """Sums over the chosen entries: of the loss, of what it is relative to, of 1, and of those not explained."""
    total, begin = np.zeros(4), 0
    for values in recompute.blocks(matrix):
        here = np.ones(values.shape, bool) if chosen is None else chosen[begin : begin + len(values)]
        v, fitted = values[here], (w[begin : begin + len(values)] @ h)[here]
        if poisson:
            least = np.maximum(fitted, floor)
            loss, size = (least - v + xlogy(v, v / least)).sum(), v.sum()
        else:
            loss, size = np.linalg.norm(v - fitted) ** 2, np.linalg.norm(v) ** 2
        total += [loss, size, v.size, ((v > 0) & (fitted < floor)).sum()]
        begin += len(values)
    return total


def _given_residual(part: Part, w: np.ndarray, h: np.ndarray, model: Mapping[str, Any]) -> float:
    """How far the held-out rows of W and columns of H are from the optimum given the others."""
    rows = part.encoding.kept_features[part.whole.kept_features]
    columns = part.encoding.kept_samples[part.whole.kept_samples]
    matrix, poisson = part.whole.matrix, model["loss"] == "poisson"
    below, beside = matrix[rows][:, ~part.columns], matrix[~part.rows][:, columns].T
    of_h = _residual(below, w[rows], h[:, ~part.columns], poisson, model["l1_h"], model["l2_h"])
    of_w = _residual(beside, h[:, columns].T, w[~part.rows].T, poisson, model["l1_w"], model["l2_w"])
    return max(of_h, of_w)


def _residual(values: Matrix, w: np.ndarray, h: np.ndarray, poisson: bool, l1: float, l2: float) -> float:
    """The largest entry of the projected gradient by H, by the size of the column of W (and of V, if squared)."""
    values = sparse.csr_array(values) if sparse.issparse(values) else values
    if poisson:
        size = np.broadcast_to((w.sum(axis=0) + l1)[:, None], h.shape)
    else:
        squares = (values * values).sum(axis=0)
        size = np.sqrt(np.outer((w**2).sum(axis=0) + l2, squares))
    told = w.max(axis=1) > 0  # a row of V where W is 0 says nothing of H
    slope = recompute.gradient_of_h(values[told], w[told], h, poisson) + l1 + l2 * h
    moving = (size > 0) & ((h > 0) | (slope < 0))
    return float(np.max(abs(slope) / np.where(size > 0, size, 1), where=moving, initial=0.0))
