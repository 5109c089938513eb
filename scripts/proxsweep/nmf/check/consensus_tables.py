"""What the tables of the consensus have to say: see :mod:`proxsweep.nmf.check.consensus`."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from proxsweep.io.errors import UserError
from proxsweep.nmf.check import consensus, recompute, stability
from proxsweep.nmf.check.consensus import Grouped
from proxsweep.nmf.check.stability import Starts
from proxsweep.nmf.check.stability_labels import Labels
from proxsweep.nmf.check.tables import factor_names
from proxsweep.nmf.data.encoding import Encoding
from proxsweep.nmf.roles import ROLES
from proxsweep.optimize.status import Status
from proxsweep.sweep import cells, chosen, fit_folder
from proxsweep.sweep.cells import ROUNDING, Expected
from proxsweep.sweep.collected import Collected
from proxsweep.sweep.fits import full, ordered, sweep_columns

PATHS = tuple(f"consensus/{name}.csv" for name in ("features", "samples", "factors", "summary"))
FEATURES, SAMPLES, FACTORS, SUMMARY = PATHS
OF_FACTORS = ("start", "factor", "status", "local_density", "outlier", "group", "cosine")
OF_SAMPLES = ("largest_factor", "cluster")
OF_SUMMARY = (
    *("status", "starts", "starts_used", "not_converged", "diverged", "density_threshold", "neighbours", "factors"),
    *("outliers", "loss", "loss_of_fit", "cophenetic", "consensus_samples", "reason"),
)
RECORD = {"required": ["model", "smooth"], "properties": {"model": {"type": "object"}}}
LAST_DIGIT = 1.1e6  # times 1e-12: what a local density may be off by, as it is written with six digits
LOSS = 1e3  # times 1e-12: the same of a loss, relative


class ConsensusTables:
    """The tables of the consensus of a study, all made when the first is asked for.

    ``folder`` is the study's, ``settings`` the section ``summaries`` of its config.
    """

    def __init__(self, study: Collected, folder: Path, settings: Mapping[str, Any]) -> None:
        self.study, self.folder, self.settings = study, folder, settings
        self.made: dict[str, Expected] = {}

    def table(self, path: str, choice: pd.DataFrame) -> Expected:
        """What the table at ``path`` has to say; ``choice`` is what `chosen.csv` does."""
        self.made = self.made or self._tables(choice)
        return self.made[path]

    def _tables(self, choice: pd.DataFrame) -> dict[str, Expected]:
        whole = full(self.study.fits)
        swept, labels = sweep_columns(whole), Labels(self.folder, set(OF_SAMPLES))
        fit = _chosen(whole, choice)
        summary, tables = ({}, {}) if fit is None else self._of_fit(fit, labels)
        columns = ["study", *swept, *(name for name in OF_SUMMARY if name not in swept)]
        known = summary | {name: fit[name] for name in ("study", *swept)} if fit is not None else {}
        rows = pd.DataFrame([known] if known else [], columns=columns)
        sizes = {name: LOSS * abs(rows[name].to_numpy(float)) for name in ("loss", "loss_of_fit")}
        return {
            FEATURES: Expected(pd.DataFrame(columns=["feature"]), ("feature",)),
            SAMPLES: Expected(pd.DataFrame(columns=["sample", *labels.columns, *OF_SAMPLES]), ("sample",)),
            FACTORS: Expected(pd.DataFrame(columns=list(OF_FACTORS)), ("start", "factor")),
            SUMMARY: Expected(rows, ("study", *swept), ROUNDING, sizes),
        } | tables

    def _of_fit(self, fit: Mapping[str, Any], labels: Labels) -> tuple[dict[str, Any], dict[str, Expected]]:
        """The row of `summary.csv`, and the other tables where there is a consensus."""
        folder, threshold = self.study.folders[fit["path"]], self.settings["density"]
        starts, unconverged = stability.load(folder), self.settings["unconverged_starts"]
        places = stability.used(starts, unconverged)
        reason = stability.lacking(len(places), starts, unconverged)
        summary = _counts(starts, places) | {"status": fit["status"], "density_threshold": threshold, "reason": reason}
        if reason:
            return summary, {}
        found, together = consensus.grouped(starts, places, threshold), stability.consensus(starts, places)
        record, encoding = fit_folder.record(folder, RECORD), Encoding.load(self.study.encodings[fit["path"]])
        summary |= {"neighbours": consensus.neighbours(len(places)), "factors": len(found.points)}
        summary |= {"outliers": int(found.outlier.sum()), "loss": math.nan, "loss_of_fit": record["smooth"]}
        summary |= {"cophenetic": together.cophenetic, "consensus_samples": len(together.drawn)}
        if found.medians is None:
            return summary | {"reason": _too_few(found, threshold, starts)}, {FACTORS: _factors(starts, places, found)}
        w, h = self._factorisation(found, encoding, record["model"])
        problem = recompute.problem(encoding.matrix, record["model"])
        loss = recompute.evaluate(problem, w[encoding.kept_features], h[:, encoding.kept_samples]).loss
        tables = {
            FEATURES: _features(starts, w),
            SAMPLES: _samples(starts, w, h, together.clusters, labels),
            FACTORS: _factors(starts, places, found, w),
        }
        return summary | {"loss": loss}, tables

    def _factorisation(
        self, found: Grouped, encoding: Encoding, model: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Medians W (M, k) by falling total exposure, and H (k, N), of which what is written is looked at first."""
        names = factor_names(found.medians.shape[1])
        w = _as_written(_numbers(self.folder / FEATURES, names), found.medians)
        said, kept = _numbers(self.folder / SAMPLES, names), None
        if said is not None and len(said) == len(encoding.samples):
            kept = said[encoding.kept_samples].T / np.where(w.any(axis=0), w.sum(axis=0), 1)[:, None]
        problem = recompute.problem(encoding.matrix, model)
        h = consensus.exposures(problem, model, w[encoding.kept_features], kept)
        totals = w.sum(axis=0) * h.sum(axis=1)
        if (totals[1:] > (1 + ROUNDING) * totals[:-1]).any():
            order = np.argsort(-totals, kind="stable")
            w, h = w[:, order], h[order]
        return w, encoding.embed(h, 1, "samples")


def _chosen(whole: pd.DataFrame, choice: pd.DataFrame) -> dict[str, Any] | None:
    main = chosen.main(choice)
    rows = [] if main is None else chosen.agreeing(whole, main).to_dict("records")
    labels = ordered(row[ROLES.replicate] for row in rows)
    return next((row for row in rows if row[ROLES.replicate] == labels[0]), None)


def _counts(starts: Starts, places: list[int]) -> dict[str, int]:
    status = [row.get("status") for row in starts.rows]
    open_ended = sum(one not in (Status.CONVERGED, Status.DIVERGED) for one in status)
    return {
        "starts": len(status),
        "starts_used": len(places),
        "not_converged": open_ended,
        "diverged": status.count(Status.DIVERGED),
    }


def _too_few(found: Grouped, threshold: float, starts: Starts) -> str:
    left = f"{int((~found.outlier).sum())} of {len(found.points)} factors have neighbours nearer than {threshold:g}"
    return f"{left}: as many as the rank, {starts.w.shape[2]}, are needed"


def _numbers(path: Path, names: list[str]) -> np.ndarray | None:
    """Columns of a table as numbers, NaN where a cell is none; None where they are not there."""
    try:
        columns = cells.read(path).columns
    except UserError:
        return None
    if any(name not in columns for name in names):
        return None
    return np.stack([cells.numbers(columns[name])[0] for name in names], axis=1)


def _as_written(said: np.ndarray | None, medians: np.ndarray) -> np.ndarray:
    """The medians in the order in which they are written, if they are."""
    if said is None or said.shape != medians.shape:
        return medians
    distances = abs(said[:, :, None] - medians[:, None, :]).max(axis=0)
    order = np.where(np.isfinite(distances), distances, np.inf).argmin(axis=1)
    return medians[:, order] if len(set(order.tolist())) == len(order) else medians


def _features(starts: Starts, w: np.ndarray) -> Expected:
    columns = dict(zip(factor_names(w.shape[1]), w.T, strict=True))
    return Expected(pd.DataFrame({"feature": starts.features.tolist(), **columns}), ("feature",), ROUNDING)


def _samples(starts: Starts, w: np.ndarray, h: np.ndarray, clusters: np.ndarray, labels: Labels) -> Expected:
    names, exposures = factor_names(len(h)), h * w.sum(axis=0)[:, None]
    totals = exposures.sum(axis=0)
    found = pd.DataFrame([{"sample": sample, **labels.of(sample)} for sample in starts.samples.tolist()])
    for name, row in zip(names, exposures, strict=True):
        found[name] = row
    for name, row in zip(names, exposures, strict=True):
        found[f"share_{name}"] = np.divide(row, totals, out=np.full(len(totals), np.nan), where=totals > 0)
    pairs = zip(exposures.argmax(axis=0), totals, strict=True)
    found["largest_factor"] = [names[largest] if total > 0 else "" for largest, total in pairs]
    found["cluster"] = pd.Series([int(one) or None for one in clusters], dtype=object)
    return Expected(found, ("sample",), ROUNDING)


def _factors(starts: Starts, places: list[int], found: Grouped, w: np.ndarray | None = None) -> Expected:
    """Every factor of every start; its group is the column of W that is the median of it."""
    rank, count = starts.w.shape[2], len(found.points)
    group, cosine = np.zeros(count, int), np.full(count, np.nan)
    if w is not None:
        number = [int(abs(w - median[:, None]).max(axis=0).argmin()) for median in found.medians.T]
        inside = np.flatnonzero(found.group >= 0)
        group[inside] = [number[one] + 1 for one in found.group[inside]]
        units = stability.unit(w)
        cosine[inside] = [found.points[k] @ units[:, group[k] - 1] for k in inside]
    rows = {
        "start": [starts.rows[place]["start"] for place in places for _ in range(rank)],
        "factor": [t + 1 for _ in places for t in range(rank)],
        "status": [starts.rows[place]["status"] for place in places for _ in range(rank)],
        "local_density": found.density,
        "outlier": found.outlier,
        "group": pd.Series([int(one) or None for one in group], dtype=object),
        "cosine": cosine,
    }
    sizes = {"local_density": np.full(count, LAST_DIGIT), "cosine": np.ones(count)}
    return Expected(pd.DataFrame(rows, columns=list(OF_FACTORS)), ("start", "factor"), ROUNDING, sizes)
