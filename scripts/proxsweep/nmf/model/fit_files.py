"""The files of a fit: what is written beside its notebook, and the tables they hold.

A fit to a fold or a resample has the same files, with the names of all features and samples, zeros for those that it
has not fitted. For a fold of blocks ``starts.npz``, ``starts.csv`` and ``trace.csv``, the objective and the status are
of the kept rows and columns; ``parameters.npz``, ``features.csv`` and ``samples.csv`` also have the W of held-out rows
and the H of held-out columns (:mod:`proxsweep.nmf.model.held_out`), in the scale and order of the kept block, so that
W H of ``parameters.npz`` is the prediction.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from proxsweep.io.digests import sha256
from proxsweep.io.files import write_csv, write_npz
from proxsweep.nmf.data.encoding import Encoding
from proxsweep.nmf.model import factor_columns, matching
from proxsweep.nmf.model.checkpoint import LIMITED, Checkpoint, key
from proxsweep.nmf.model.fit import Fit, Start, fit
from proxsweep.optimize.status import Status
from proxsweep.sweep import fit_folder, record

STARTS, STARTS_ARRAYS, FEATURES, SAMPLES = "starts.csv", "starts.npz", "features.csv", "samples.csv"
TRACE = ("start", "iteration", "seconds", "objective", "relative_residual", "zeros")


def features_table(done: Fit) -> pd.DataFrame:
    """Row per feature: each factor's share of it, so that a column sums to 1 (0 where the factor has vanished)."""
    w = done.part.whole.embed(done.prediction.w, 0, "features")
    return pd.DataFrame({"feature": done.part.whole.features, **factor_columns.of_features(w)})


def samples_table(done: Fit) -> pd.DataFrame:
    """Row per sample: exposure to each factor in the unit of the matrix as fitted, its share, and the largest factor.

    A sample of zeros has no shares, and no largest factor.
    """
    h = done.part.whole.embed(done.prediction.h, 1, "samples")
    return pd.DataFrame({"sample": done.part.whole.samples, **factor_columns.of_samples(done.prediction.w, h)})


def starts_table(done: Fit) -> pd.DataFrame:
    """Row per start: how it ended, and how far it agrees with the best one (:mod:`proxsweep.nmf.model.matching`).

    ``gap`` is its objective above that of the best start, relative to it.
    """
    rows = [
        {
            "start": one.name,
            "status": str(one.status),
            "objective": one.objective,
            "loss": one.loss,
            "penalty": one.penalty,
            "relative_residual": one.residual,
            "gap": done.gap(one),
            "iterations": one.end.iterations,
            "seconds": one.end.seconds,
            "zeros": one.zeros,
            "dead_factors": one.dead,
            "reseeded": one.reseeded,
            **found._asdict(),
            "kind": str(kind),
            "won": one is done.best,
        }
        for one, found, kind in zip(done.starts, done.agreements, done.kinds, strict=True)
    ]
    return pd.DataFrame(rows)


def trace_table(done: Fit) -> pd.DataFrame:
    """Row per start and look at it."""
    rows = [{"start": one.name, **row} for one in done.starts for row in one.end.rows]
    return pd.DataFrame(rows, columns=list(TRACE))


def summary(done: Fit, spec: Mapping[str, Any], encoding_sha256: str | None) -> dict[str, Any]:
    """The record of a fit, as JSON-able values."""
    best = done.best
    part = spec.get("rows") or {}
    converged = sum(one.status == Status.CONVERGED for one in done.starts)
    return {
        "study": spec.get("study"),
        "family": "nmf",
        "fit": spec["fit"],
        "labels": spec.get("labels", {}),
        "fold": part.get("fold"),
        "resample": part.get("resample"),
        "rows": spec.get("rows"),
        "status": str(best.status),
        "residual": best.residual,
        "relative_residual": best.residual,
        "tolerance": spec["solver"]["tolerance"],
        "objective": best.objective,
        "smooth": best.loss,
        "penalty": best.penalty,
        "iterations": best.end.iterations,
        "start": best.name,
        "starts": [_start(one) for one in done.starts],
        "seconds": {"compile": done.compile_seconds, "solve": done.solve_seconds, "total": done.total_seconds},
        "model": spec["model"],
        "solver": spec["solver"],
        "seed": spec["solver"]["seed"],
        "encoding_sha256": encoding_sha256,
        "nmf": {
            "starts": len(done.starts),
            "starts_converged": converged,
            "at_best": done.at_best,
            "start_spread": done.start_spread,
            **matching.counts(done.kinds),
            "zeros": best.zeros,
            "dead_factors": best.dead,
            "features": done.matrix.shape[0],
            "samples": done.matrix.shape[1],
            **done.prediction.figures,
        },
    }


def _start(one: Start) -> dict[str, Any]:
    return {
        "start": one.name,
        "status": str(one.status),
        "objective": one.objective,
        "residual": one.residual,
        "relative_residual": one.residual,
        "iterations": one.end.iterations,
        "seconds": one.end.seconds,
    }


def write(done: Fit, spec: Mapping[str, Any], folder: str | Path, encoding_path: str | Path | None = None) -> None:
    """Write all files of a fit but its notebook, the record last."""
    folder = Path(folder)
    encoding = done.encoding
    write_npz(
        folder / fit_folder.PARAMETERS,
        W=done.part.whole.embed(done.prediction.w, 0, "features"),
        H=done.part.whole.embed(done.prediction.h, 1, "samples"),
        features=encoding.features,
        samples=encoding.samples,
    )
    write_npz(
        folder / STARTS_ARRAYS,
        start_names=np.array([one.name for one in done.starts], dtype=np.str_),
        W=np.stack([encoding.embed(one.w, 0, "features") for one in done.starts]).astype(np.float32),
        H=np.stack([encoding.embed(one.h, 1, "samples") for one in done.starts]).astype(np.float32),
    )
    write_csv(folder / STARTS, starts_table(done))
    write_csv(folder / FEATURES, features_table(done))
    write_csv(folder / SAMPLES, samples_table(done))
    write_csv(folder / fit_folder.TRACE, trace_table(done))
    record.write(folder / fit_folder.RECORD, summary(done, spec, sha256(encoding_path) if encoding_path else None))


def run(
    spec: Mapping[str, Any],
    encoding_path: str | Path,
    folder: str | Path,
    report: Callable[[str], None] = print,
    neighbour: str | Path | None = None,
    checkpoint: str | Path | None = None,
) -> Fit:
    """Fit what ``spec`` (see :meth:`proxsweep.sweep.grid.Fit.spec`) says and write the files of the fit.

    With a ``checkpoint`` (a path) the fit goes on from there if the file is its own, writes it about once a minute and
    where it ends at a limit, and removes it where it ends otherwise.
    """
    encoding = Encoding.load(encoding_path)
    values = spec["fit"]
    kept = Checkpoint(checkpoint, key(spec, encoding_path, neighbour), report) if checkpoint else Checkpoint()
    settings = values["rank"], values["algorithm"], spec["model"], spec["solver"]
    done = fit(encoding, *settings, report, neighbour, kept, spec.get("rows"))
    write(done, spec, folder, encoding_path)
    if done.best.status not in LIMITED:
        kept.remove()
    return done
