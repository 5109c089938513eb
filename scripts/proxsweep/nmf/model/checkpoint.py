"""Where the starts of a fit had got to: written while it runs, so that a run that was cut off can go on from there.

A checkpoint belongs to one fit: its key is a digest of all that the solution depends on but the limits. A start goes on
from its factors as from a new beginning, without what its algorithm knew beside them.
"""

import hashlib
import json
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from proxsweep.io.digests import sha256
from proxsweep.io.files import write_npz
from proxsweep.nmf.model.batch import End
from proxsweep.optimize.status import Status
from proxsweep.sweep.study import LIMITS

FORMAT = 1
EVERY = 60.0  # seconds
LIMITED = (Status.MAX_ITERATIONS, Status.MAX_SECONDS)


def key(spec: Mapping[str, Any], encoding: str | Path, neighbour: str | Path | None) -> str:
    """Digest of what the solution of a fit depends on, its limits left out."""
    solver = {name: value for name, value in spec["solver"].items() if name not in LIMITS}
    files = {"encoding": sha256(encoding), "neighbour": neighbour and sha256(neighbour)}
    parts = {"fit": spec["fit"], "model": spec["model"], "solver": solver, "rows": spec.get("rows")}
    return hashlib.sha256(json.dumps({"format": FORMAT, **parts, **files}, sort_keys=True).encode()).hexdigest()


class Checkpoint:
    """States of the starts of one fit, by name; a file that is damaged or another fit's is none, and is told.

    Without a path nothing is read or written.
    """

    def __init__(self, path: str | Path | None = None, key: str = "", report: Callable[[str], None] = print):
        self.path, self.key = Path(path) if path else None, key
        self.states: dict[str, End] = {}
        self._written = time.monotonic()
        if self.path is not None and self.path.exists():
            self._read(report)

    def _read(self, report: Callable[[str], None]) -> None:
        try:
            with np.load(self.path, allow_pickle=False) as arrays:
                ours = str(arrays["key"]) == self.key
                self.states = _states(arrays) if ours else {}
        except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
            # message: In a log: the checkpoint was cut off. | Nothing: the result is a fit's under the present settings
            # in any case.
            report(f"{self.path}: not a checkpoint ({error}): the fit begins anew")
            return
        if not ours:
            # message: In a log: the settings were changed since. | Nothing: as above.
            report(f"{self.path}: the checkpoint of another fit: this one begins anew")
            return
        # message: In a log: a fit that was ended before goes on. | Nothing: as above.
        report(f"going on from {self.path}: {len(self.states)} starts")

    def is_due(self) -> bool:
        """Whether the file was last written so long ago that it is time."""
        return self.path is not None and time.monotonic() - self._written >= EVERY

    def put(self, states: Mapping[str, End]) -> None:
        """Take states of starts, and write the file."""
        if self.path is None:
            return
        self.states |= states
        listed = [
            {
                "start": name,
                "status": str(end.status),
                "iterations": end.iterations,
                "seconds": end.seconds,
                "rows": end.rows,
            }
            for name, end in self.states.items()
        ]
        factors = {
            f"{part}{number}": getattr(end, part) for number, end in enumerate(self.states.values()) for part in "wh"
        }
        write_npz(self.path, key=np.array(self.key), starts=np.array(json.dumps(listed)), **factors)
        self._written = time.monotonic()

    def remove(self) -> None:
        """Delete the file."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def _states(arrays: Mapping[str, np.ndarray]) -> dict[str, End]:
    return {
        one["start"]: End(
            *(arrays[f"w{number}"], arrays[f"h{number}"], Status(one["status"])),
            **{name: one[name] for name in ("iterations", "seconds", "rows")},
        )
        for number, one in enumerate(json.loads(str(arrays["starts"])))
    }
