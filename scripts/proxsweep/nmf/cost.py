"""What the fits and data of an ``nmf`` study will cost, from the size of its matrix."""

import math
from dataclasses import dataclass
from pathlib import Path

from proxsweep.family import FitCost
from proxsweep.jobs.efficiency import FIT_SECONDS
from proxsweep.nmf import settings, sources
from proxsweep.sweep import grid
from proxsweep.sweep.study import Study

ITERATION_SECONDS = 3e-6  # an iteration of one start: this, and for every
PRODUCT_SECONDS = {"squared": 4e-10, "poisson": 1e-8}  # entry times rank
ITERATIONS = {"hals": 300, "mu": 10_000, "pgd_all": 4000, "pgd_alternating": 2000, "scd": 600}
READ_SECONDS = 2e-7  # an entry: read, checked and encoded
DATA_SECONDS = 4.0  # a job of the data: one for the whole, one for each replicate

FIT_BYTES = 250e3  # notebook, record, trace
FACTOR_BYTES = 24.0  # an entry of W or H, in the tables and arrays of the best start
START_BYTES = 4.0  # the same of every start
ENTRY_BYTES = 3.0  # an entry in an encoding

TEXT_BYTES = 4.0  # an entry of a text
PACKED_BYTES = 1.0  # an entry of a packed file
PACKED = (".gz", ".xz", ".bz2", ".zip", ".npz", ".h5ad", ".parquet")


@dataclass(frozen=True)
class Size:
    """The matrix of a study: its entries as stored, its rows and columns together, and how that is known."""

    entries: float
    sides: float
    source: str


def cost(study: Study, base: Path) -> FitCost:
    """Estimate what the fits and the data of a study cost; local files are relative to ``base``."""
    size = data_size(study, base)
    replicates = len(study.sweep["replicate"])
    split = "split" in (study.data["replicates"] or {}) or "column" in (study.data["replicates"] or {})
    of_fit = Size(size.entries / replicates, size.sides, size.source) if split else size
    copies = 1 + (1 if split else replicates)
    return FitCost(
        fit_seconds=fit_seconds(study, of_fit),
        fit_bytes=fit_bytes(study, of_fit),
        compilations=len(study.sweep["rank"]) * len(study.sweep["algorithm"]),
        study_seconds=DATA_SECONDS * (1 + replicates) + size.entries * READ_SECONDS * copies,
        study_bytes=size.entries * ENTRY_BYTES * copies,
        basis=size.source,
    )


def fit_seconds(study: Study, size: Size) -> float:
    """Seconds of one fit from all its starts, its code compiled: the mean over what is swept."""
    losses = study.sweep.get("loss", [study.model["loss"]])
    product = sum(PRODUCT_SECONDS[loss] for loss in losses) / len(losses)
    iterations = sum(ITERATIONS[name] for name in study.sweep["algorithm"]) / len(study.sweep["algorithm"])
    iteration = ITERATION_SECONDS + product * size.entries * _mean_rank(study)
    return FIT_SECONDS + starts(study) * iterations * iteration


def fit_bytes(study: Study, size: Size) -> float:
    """Bytes of one fit's files."""
    return FIT_BYTES + size.sides * _mean_rank(study) * (FACTOR_BYTES + START_BYTES * starts(study))


def starts(study: Study) -> float:
    """Starts of a fit: the mean over all fits, those to parts of the matrix included."""
    own = study.sweep.get("starts", [study.solver["starts"]])
    lists = [(fit.rows or {}).get("starts") or fit.values.get("starts", own[0]) for fit in grid.table(study)]
    return sum(settings.count(name) for names in lists for name in names) / len(lists)


def _mean_rank(study: Study) -> float:
    return sum(study.sweep["rank"]) / len(study.sweep["rank"])


def data_size(study: Study, base: Path) -> Size:
    """Size of a study's matrix, from ``simulate`` or from the size of its file."""
    simulated = study.data["simulate"]
    if simulated:
        rows, columns = simulated["features"], simulated["samples"]
        return Size(rows * columns, rows + columns, f"by {rows} features x {columns} samples of the simulate section")
    file = sources.files(base / study.data["matrix"])[0]
    entries = max(1.0, _entries(file))
    return Size(entries, 6 * math.sqrt(entries), f"by about {entries:.0f} entries, from the size of {file}")


def _entries(file: Path) -> float:
    size = file.stat().st_size
    if file.suffix == ".npy":
        return size / 8
    return size / (PACKED_BYTES if file.suffix.lower() in PACKED else TEXT_BYTES)
