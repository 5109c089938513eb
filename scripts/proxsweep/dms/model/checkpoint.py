"""Where the starts of a fit had got to: written while it runs, so that a run that was cut off can go on from there.

A checkpoint belongs to one fit: its key is a digest of all that the solution depends on but the limits. No momentum is
kept; a start goes on from its best point as from a new one.
"""

import hashlib
import json
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np

from proxsweep.io.digests import sha256
from proxsweep.io.files import write_npz
from proxsweep.sweep.study import LIMITS

FORMAT = 2
EVERY = 60.0  # seconds
COUNTS = ("locked", "iterations", "products", "newton_steps", "seconds", "rows")


@dataclass(frozen=True)
class SolverState:
    """Where a start had got to.

    ``x`` are parameters in own coordinates and ``prox_state`` the prox's state there; ``locked`` says that scale and
    bias were still held. Iterations, products, Newton steps and seconds are all that the start has used so far, and
    ``rows`` its trace.
    """

    x: dict[str, Any]
    prox_state: Any
    locked: bool
    iterations: int = 0
    products: int = 0
    newton_steps: int = 0
    seconds: float = 0.0
    rows: list[dict[str, Any]] = field(default_factory=list)


def key(spec: Mapping[str, Any], encoding: str | Path, neighbour: str | Path | None) -> str:
    """Digest of what the solution of a fit depends on, its limits left out."""
    parts = {name: _unlimited(spec[name]) for name in ("fit", "model", "solver")}
    files = {"encoding": sha256(encoding), "neighbour": neighbour and sha256(neighbour)}
    text = json.dumps({"format": FORMAT, "rows": spec.get("rows"), **parts, **files}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _unlimited(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in LIMITS}


class Checkpoint:
    """States of the starts of one fit; a file that is damaged or another fit's is none, and ``report`` says so.

    ``runs`` counts the earlier runs whose states were found. Without a path nothing is read or written.
    """

    def __init__(self, path: str | Path | None = None, key: str = "", report: Callable[[str], None] = print):
        self.path, self.key = Path(path) if path else None, key
        self.states: dict[str, SolverState] = {}
        self.runs = 0
        self._written = time.monotonic()
        if self.path is not None and self.path.exists():
            self._read(report)

    def _read(self, report: Callable[[str], None]) -> None:
        try:
            with np.load(self.path, allow_pickle=False) as arrays:
                ours = str(arrays["key"]) == self.key
                runs, states = int(arrays["runs"]), _states(arrays) if ours else {}
        except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
            # message: In a log: the checkpoint was cut off. | Nothing: the result is a fit's under the present settings
            # in any case.
            report(f"{self.path}: not a checkpoint ({error}): the fit begins anew")
            return
        if not ours:
            # message: In a log: the settings were changed since. | Nothing: as above.
            report(f"{self.path}: the checkpoint of another fit: this one begins anew")
            return
        self.states, self.runs = states, runs + 1
        # message: In a log: a fit that was ended before goes on. | Nothing: as above.
        report(f"going on from {self.path}: " + ", ".join(f"{k} after {m.iterations}" for k, m in states.items()))

    def put(self, start: str, state: Callable[[], SolverState], now: bool = False) -> None:
        """Take a start's state and write the file, if ``now`` or the last time was :data:`EVERY` seconds ago."""
        if self.path is None or not (now or time.monotonic() - self._written >= EVERY):
            return
        self.states[start] = state()
        write_npz(self.path, key=np.array(self.key), runs=np.int64(self.runs), **_arrays(self.states))
        self._written = time.monotonic()

    def remove(self) -> None:
        """Delete the file."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def _arrays(states: Mapping[str, SolverState]) -> dict[str, np.ndarray]:
    """Everything by name: ``0.b``, ``0.prox.1``; what is no array as JSON in ``starts``."""
    found, starts = {}, []
    for k, (name, state) in enumerate(states.items()):
        leaves = jax.tree.leaves(state.prox_state)
        found |= {f"{k}.{part}": np.asarray(value) for part, value in state.x.items()}
        found |= {f"{k}.prox.{n}": np.asarray(leaf) for n, leaf in enumerate(leaves)}
        starts.append({"start": name, "leaves": len(leaves), **{count: getattr(state, count) for count in COUNTS}})
    return {**found, "starts": np.array(json.dumps(starts))}


def _states(arrays: Mapping[str, np.ndarray]) -> dict[str, SolverState]:
    """Marks by start, ``prox_state`` as a list of its leaves."""
    found = {}
    for k, one in enumerate(json.loads(str(arrays["starts"]))):
        x = {part: arrays[f"{k}.{part}"] for part in ("b", "b0", "scale", "bias")}
        leaves = [arrays[f"{k}.prox.{n}"] for n in range(one["leaves"])]
        found[one["start"]] = SolverState(x, leaves, **{count: one[count] for count in COUNTS})
    return found
