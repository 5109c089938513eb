"""What a check finds: claims that do not agree with what was recomputed."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from proxsweep.io.digests import sha256
from proxsweep.io.errors import UserError

# numbers below may count as zero in compiled code
SMALLEST = float(np.finfo(float).tiny)


class Disagreement(NamedTuple):
    """One claim that was not confirmed; a tolerance of 0 means that equality was asked for."""

    file: str
    quantity: str
    written: Any
    recomputed: Any
    tolerance: float

    def __str__(self) -> str:
        written, recomputed = _shown(self.written), _shown(self.recomputed)
        within = f"tolerance {self.tolerance:.1e}" if self.tolerance else "to be equal"
        return f"{self.file}: {self.quantity} is {written}, recomputed {recomputed} ({within})"


def _shown(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)


class Discrepancies:
    """Disagreements in the order in which they were found."""

    def __init__(self) -> None:
        self.disagreements: list[Disagreement] = []

    def add(self, file: str, quantity: str, written: Any, recomputed: Any, tolerance: float = 0.0) -> None:
        """A disagreement that the caller has found."""
        self.disagreements.append(Disagreement(file, quantity, written, recomputed, tolerance))

    def equal(self, file: str, quantity: str, written: Any, recomputed: Any) -> None:
        """Compare two values that have to be the same."""
        if written != recomputed:
            self.add(file, quantity, written, recomputed)

    def close(self, file: str, quantity: str, written: float | None, recomputed: float, tolerance: float) -> None:
        """Compare two numbers; None (JSON's NaN or infinity) agrees with what is not finite, and with nothing else."""
        written = float("nan") if written is None else float(written)
        if not np.isfinite([written, recomputed]).any():
            return
        if not abs(written - recomputed) <= max(tolerance, SMALLEST):
            self.add(file, quantity, written, float(recomputed), tolerance)

    def encoding(self, record: Mapping[str, Any], path: str | Path) -> None:
        """Compare the encoding that a fit read with the one that is there.

        Raises
        ------
        UserError
            If it cannot be read.
        """
        if record["encoding_sha256"] is None:
            return
        try:
            found = sha256(path)
        except OSError as error:
            # message: It is missing or cut off. | Make the encoding again.
            raise UserError(str(path), f"a file that cannot be read ({error})", "an encoding (.npz)") from error
        self.equal("record.json", "encoding_sha256", record["encoding_sha256"], found)

    @contextlib.contextmanager
    def unreadable(self) -> Iterator[None]:
        """A file that cannot be read within is a disagreement."""
        try:
            yield
        except UserError as error:
            self.add(Path(error.place).name, "the file", error.found, error.expected)

    def entries(
        self, file: str, quantity: str, written: np.ndarray, recomputed: np.ndarray, names: np.ndarray, tolerance=0.0
    ) -> None:
        """Compare two vectors with named entries; one disagreement for all of them, which shows the worst entry."""
        tolerance = np.broadcast_to(tolerance, np.shape(written))
        finite = np.isfinite(written), np.isfinite(recomputed)
        with np.errstate(invalid="ignore"):
            distance = np.where(finite[0] & finite[1], abs(written - recomputed), 0.0)
        distance = np.where(finite[0] ^ finite[1], np.inf, distance)
        bad = distance > tolerance
        if bad.any():
            worst = int(np.where(bad, distance, -1.0).argmax())
            others = f" (and {bad.sum() - 1} other entries)" if bad.sum() > 1 else ""
            values = float(written[worst]), float(recomputed[worst])
            self.add(file, f"{quantity} of {names[worst]}{others}", *values, float(tolerance[worst]))


class Checked(NamedTuple):
    """A fit's recomputed figures, and what did not agree. Figures are NaN where they could not be computed.

    ``gaps`` are those of the record's certificate, by name.
    """

    confirmed: bool
    objective_difference: float
    relative_residual: float
    gaps: dict[str, float]
    discrepancies: Discrepancies
