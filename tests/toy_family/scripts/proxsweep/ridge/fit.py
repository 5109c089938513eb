"""Minimise |y - X b|^2 / (2 n) + ridge |b|^2 / 2 by gradient descent (Hoerl and Kennard 1970, Technometrics 12, 55)."""

import time
from pathlib import Path

import numpy as np
import pandas as pd

from proxsweep.io.digests import sha256
from proxsweep.io.errors import UserError
from proxsweep.io.files import write_csv, write_npz
from proxsweep.optimize.status import Status
from proxsweep.sweep import record
from proxsweep.sweep.discrepancies import Checked, Discrepancies


def encode(table: str, response: str, encoding: str, report: str) -> None:
    """Columns of a table as arrays ``x`` (n, p), ``y`` (n,) and ``names`` (p,)."""
    frame = pd.read_csv(table)
    if response not in frame:
        raise UserError(f"{table}, header", f"no column {response!r}", f"one of {', '.join(frame.columns)}")
    x = frame.drop(columns=response)
    write_npz(encoding, x=x.to_numpy(float), y=frame[response].to_numpy(float), names=np.array(x.columns, np.str_))
    write_csv(report, pd.DataFrame({"step": ["read"], "rows": [len(frame)]}))


def problem(encoding: str | Path, ridge: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Hessian (p, p) and right-hand side (p,) of the normal equations, and half the mean square of y."""
    with np.load(encoding) as data:
        x, y = data["x"], data["y"]
    return x.T @ x / len(y) + ridge * np.eye(x.shape[1]), x.T @ y / len(y), y @ y / len(y) / 2


def run(spec: dict, encoding: str, folder: str) -> dict:
    """Fit, and write what every fit writes."""
    started, ridge, solver = time.perf_counter(), spec["fit"]["ridge"], spec["solver"]
    hessian, right, constant = problem(encoding, ridge)
    b, step, rows = np.zeros(len(right)), 1 / np.linalg.eigvalsh(hessian)[-1], []
    initial = np.abs(right).max()
    for iteration in range(solver["max_iterations"] + 1):
        residual = np.abs(hessian @ b - right).max()
        objective = b @ hessian @ b / 2 - right @ b + constant
        rows.append(("zeros", iteration, objective, residual / initial, time.perf_counter() - started))
        if residual <= solver["tolerance"] * initial or iteration == solver["max_iterations"]:
            break
        b = b - step * (hessian @ b - right)
    status = Status.CONVERGED if residual <= solver["tolerance"] * initial else Status.MAX_ITERATIONS
    folder, columns = Path(folder), ["start", "iteration", "objective", "relative_residual", "seconds"]
    write_npz(folder / "parameters.npz", b=b)
    write_csv(folder / "trace.csv", pd.DataFrame(rows, columns=columns))
    done = {name: spec[name] for name in ("study", "family", "fit", "labels", "rows", "solver")} | {
        **{"status": str(status), "start": "zeros", "iterations": iteration, "tolerance": solver["tolerance"]},
        **{"residual": residual, "relative_residual": residual / initial, "encoding_sha256": sha256(encoding)},
        **{"objective": objective, "smooth": objective, "penalty": 0.0, "ridge": {"largest": np.abs(b).max()}},
        "seconds": {"compile": 0.0, "solve": rows[-1][-1], "total": time.perf_counter() - started},
    }
    record.write(folder / "record.json", done)
    return done


def check(folder, written, encoding) -> Checked:
    """The written coefficients against the solution of the normal equations."""
    found = Discrepancies()
    hessian, right, constant = problem(encoding, written["fit"]["ridge"])
    with np.load(Path(folder, "parameters.npz")) as arrays:
        b, exact = arrays["b"], np.linalg.solve(hessian, right)
    objective, best = (x @ hessian @ x / 2 - right @ x + constant for x in (b, exact))
    found.close("record.json", "objective", written["objective"], objective, 1e-10 * abs(objective))
    relative = np.abs(hessian @ b - right).max() / np.abs(right).max()
    confirmed = (relative <= written["tolerance"]) == (written["status"] == "converged")
    return Checked(confirmed, abs(objective - best) / abs(best), relative, {}, found)
