"""The files of a fit: what is written beside its notebook, and the tables they hold."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from proxsweep.dms.data.encoding import Encoding, latent
from proxsweep.dms.data.subsets import select
from proxsweep.dms.model import losses
from proxsweep.dms.model.checkpoint import Checkpoint, key
from proxsweep.dms.model.fit import Fit, fit
from proxsweep.dms.model.model import FIGURES, predict
from proxsweep.dms.model.problem import ABSOLUTE_FLOOR, relative
from proxsweep.dms.model.solution import Solution
from proxsweep.dms.model.start_run import LIMITED
from proxsweep.io.digests import sha256
from proxsweep.io.files import write_csv, write_npz
from proxsweep.optimize.difference import compared
from proxsweep.sweep import fit_folder, record

MUTATIONS = "mutations.csv"
TRACE = (
    *("start", "phase", "iteration", "newton_steps", "products", "objective", "smooth", "penalty", "residual"),
    *("relative_residual", "step", *FIGURES, "seconds"),
)


def zero_shift_shares(done: Fit) -> tuple[float, dict[str, float]]:
    """Share of mutations without any shift, and the share of zero shifts of each row.

    The first is among mutations seen in every condition, the second among mutations seen in all conditions that the
    row compares (:func:`proxsweep.optimize.difference.compared`). NaN where no mutation qualifies or there is no row.
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
    """One row a variant: condition, weight (0: not fitted), latent phenotype, observed and predicted score."""
    encoding, best = done.encoding, done.best
    phi = latent(encoding, best.b[: len(best.b0)], best.b0)
    return pd.DataFrame(
        {
            "condition": np.repeat(encoding.conditions, np.diff(encoding.offsets)),
            "weight": encoding.weights,
            "latent": phi,
            "observed": encoding.scores,
            "predicted": np.asarray(predict(phi, best.scale, best.bias, done.sigmoid)),
        }
    )


def _losses(done: Fit, held_out: np.ndarray | None, delta: float) -> dict[str, Any]:
    table = predictions(done)
    each = losses.huber((table["predicted"] - table["observed"]).to_numpy(), delta)
    return losses.summary(done.encoding, held_out, each)


def summary(done: Fit, spec: dict, encoding_sha256: str | None, held_out: np.ndarray | None = None) -> dict[str, Any]:
    """The record of a fit, as JSON-able values (see docs: `record.json`)."""
    best = done.best
    share, row_shares = zero_shift_shares(done)
    part = spec.get("rows") or {}
    return {
        "study": spec.get("study"),
        "family": "dms",
        "fit": spec["fit"],
        "labels": spec.get("labels", {}),
        "fold": part.get("fold"),
        "resample": part.get("resample"),
        "rows": spec.get("rows"),
        "status": str(best.status),
        "residual": best.residual,
        "relative_residual": done.relative_residual,
        "yardstick": done.initial_residual,
        "tolerance": spec["solver"]["tolerance"],
        "absolute_floor": ABSOLUTE_FLOOR,
        "objective": best.objective,
        "smooth": best.smooth,
        "penalty": best.penalty,
        "certificate": {"fusion_gap": best.fusion_gap, "duality_gap": best.duality_gap},
        "prox": best.prox,
        "iterations": best.iterations,
        "written_iteration": best.written_iteration,
        "continued": done.continued,
        "newton_steps": best.newton_steps,
        "hessian_products": best.products,
        "start": best.start,
        "starts": [_start(done, one) for one in done.solutions],
        "seconds": {
            "compile": done.compile_seconds,
            "solve": sum(one.seconds for one in done.solutions),
            "total": done.total_seconds,
        },
        "model": spec["model"],
        "solver": spec["solver"],
        "seed": spec["solver"]["seed"],
        "encoding_sha256": encoding_sha256,
        "dms": {
            "scale": best.scale if done.sigmoid else None,
            "bias": best.bias if done.sigmoid else None,
            "scale_at_bound": bool(best.scale == done.scale_bound) if done.sigmoid else None,
            "zero_shift_share": share,
            "zero_shift_share_rows": row_shares,
            "scale_bound": done.scale_bound if done.sigmoid else None,
            "identified": done.ridge > 0,
            "excess_over_zeros": _excess_over_zeros(done),
            **_losses(done, held_out, spec["model"]["huber_delta"]),
            "variants": int((done.encoding.weights > 0).sum()),
            "mutations": len(done.encoding.mutations),
            "reference": str(done.encoding.reference),
            "conditions": [str(name) for name in done.encoding.conditions],
            "difference_rows": list(done.difference.rows),
        },
    }


def _excess_over_zeros(done: Fit) -> float | None:
    """How far the start from the neighbour ended above that from zeros, relative; None without both."""
    objectives = {one.start: one.objective for one in done.solutions}
    if not {"neighbour", "zeros"} <= set(objectives):
        return None
    return (objectives["neighbour"] - objectives["zeros"]) / abs(objectives["zeros"])


def _start(done: Fit, one: Solution) -> dict[str, Any]:
    return {
        "start": one.start,
        "status": str(one.status),
        "objective": one.objective,
        "residual": one.residual,
        "relative_residual": relative(one.residual, done.initial_residual),
        "iterations": one.iterations,
        "written_iteration": one.written_iteration,
        "seconds": one.seconds,
        "shift_distance": float(np.abs(one.shifts - done.best.shifts).max(initial=0.0)),
    }


def _start_shifts(done: Fit) -> dict[str, np.ndarray]:
    """Shifts of every start (S, rows, M), where there is more than one."""
    if len(done.solutions) == 1:
        return {}
    names = np.array([one.start for one in done.solutions], dtype=np.str_)
    return {"start_names": names, "start_shifts": np.stack([one.shifts for one in done.solutions])}


def write(
    done: Fit,
    spec: dict,
    folder: str | Path,
    encoding_path: str | Path | None = None,
    held_out: np.ndarray | None = None,
) -> None:
    """Write ``parameters.npz``, ``trace.csv`` and, last, ``record.json`` into ``folder``.

    A fit to all observations has ``mutations.csv``, too.

    ``held_out`` (N,) has the weights of the variants of the fold that was left out.
    """
    folder, best = Path(folder), done.best
    count = len(best.b0)
    absent = not done.sigmoid
    write_npz(
        folder / fit_folder.PARAMETERS,
        conditions=done.encoding.conditions,
        mutations=done.encoding.mutations,
        bundle=done.encoding.bundle,
        b=best.b[:count],
        b0=best.b0,
        b_inner=best.b[count:],
        scale=np.float64(math.nan if absent else best.scale),
        bias=np.float64(math.nan if absent else best.bias),
        difference=np.asarray(done.difference.matrix),
        difference_rows=np.array(done.difference.rows, dtype=np.str_),
        shifts=best.shifts,
        **_start_shifts(done),
        **({"times_seen": done.encoding.times_seen} if spec.get("rows") else {}),
    )
    if not spec.get("rows"):
        write_csv(folder / MUTATIONS, mutations_table(done))
    trace = pd.concat([one.trace for one in done.solutions], ignore_index=True)
    write_csv(folder / fit_folder.TRACE, trace[list(TRACE)])
    digest = sha256(encoding_path) if encoding_path else None
    record.write(folder / fit_folder.RECORD, summary(done, spec, digest, held_out))


def run(
    spec: dict,
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
    subset = select(encoding, spec.get("rows"))
    values = spec["fit"]
    kept = Checkpoint(checkpoint, key(spec, encoding_path, neighbour), report) if checkpoint else Checkpoint()
    done = fit(
        subset.encoding,
        float(values["lasso"]),
        values["difference"],
        spec["model"],
        spec["solver"],
        report,
        neighbour,
        kept,
    )
    write(done, spec, folder, encoding_path, subset.held_out)
    if done.best.status not in LIMITED:
        kept.remove()
    return done
