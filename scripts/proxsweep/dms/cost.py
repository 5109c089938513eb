"""What the fits and data of a ``dms`` study will cost, from the size of its data.

The constants below were measured on one core of a two-core virtual machine; docs/plan.md names the runs.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from proxsweep.dms.data import read
from proxsweep.dms.sources import tables
from proxsweep.family import FitCost
from proxsweep.jobs.efficiency import COMPILE_SECONDS, FIT_SECONDS
from proxsweep.sweep import grid
from proxsweep.sweep.study import Study

ITERATION_SECONDS = 1e-4  # an iteration: this, and for every
NONZERO_SECONDS = 5e-9  # substitution of a variant, and
EFFECT_SECONDS = 8e-9  # effect (mutations x conditions)
ITERATIONS = {"sigmoid": 500, "linear": 100}
LASSO_MAX_ITERATIONS = 3000
ROW_SECONDS = 5e-5  # a row of a table: simulated or read, and encoded

FIT_BYTES = 250e3  # notebook, record, trace
EFFECT_BYTES = 45.0  # an effect in mutations.csv and parameters.npz
ROW_BYTES = 55.0  # a row in variants.csv; about as much in a simulated table

UNREAD_ROWS = 100_000  # a table that is not on this machine
MUTANTS = 20  # a site's other letters, stop included


@dataclass(frozen=True)
class Size:
    """The data of a study: ``rows`` of all tables; ``variants``, ``nonzeros`` and ``mutations`` of one replicate."""

    rows: float
    variants: float
    nonzeros: float
    mutations: float
    conditions: int
    source: str


def cost(study: Study, base: Path) -> FitCost:
    """Estimate what the fits and the data of a study cost; local tables are relative to ``base``."""
    size = data_size(study, base)
    data_seconds = size.rows * ROW_SECONDS
    return FitCost(
        fit_seconds=fit_seconds(study, size),
        fit_bytes=fit_bytes(size),
        compilations=_compilations(study),
        study_seconds=_largest_weights_seconds(study, size) + data_seconds,
        study_bytes=_data_bytes(study, size),
        basis=size.source,
        refit_seconds=data_seconds,
        refit_bytes=_data_bytes(study, size),
    )


def fit_seconds(study: Study, size: Size) -> float:
    """Seconds of one fit, its code compiled."""
    lists = study.sweep.get("starts", [study.solver["starts"]])
    starts = sum(_starts(names) for names in lists) / len(lists)
    shapes = study.sweep.get("global_epistasis", [study.model["global_epistasis"]])
    iterations = sum(ITERATIONS[shape] for shape in shapes) / len(shapes)
    return FIT_SECONDS + starts * iterations * iteration_seconds(size)


def _starts(names: list[str]) -> int:
    return sum(int(name.removesuffix("x_random")) if name.endswith("x_random") else 1 for name in names)


def iteration_seconds(size: Size) -> float:
    """Seconds of one iteration of the solver."""
    effects = size.mutations * size.conditions
    return ITERATION_SECONDS + NONZERO_SECONDS * size.nonzeros + EFFECT_SECONDS * effects


def fit_bytes(size: Size) -> float:
    """Bytes of one fit's files."""
    return FIT_BYTES + EFFECT_BYTES * size.mutations * size.conditions


def _compilations(study: Study) -> int:
    """Programs that are compiled: one for each matrix; replicates, folds and resamples mostly share it."""
    return len(study.sweep["difference"])


def _largest_weights_seconds(study: Study, size: Size) -> float:
    """Seconds of the job that finds the smallest weight without a shift, for every setting but the weight."""
    groups = len(grid.full(study)) // len(study.sweep["lasso"])
    return groups * (COMPILE_SECONDS + LASSO_MAX_ITERATIONS * iteration_seconds(size))


def _data_bytes(study: Study, size: Size) -> float:
    return size.rows * ROW_BYTES * (2 if study.data["simulate"] else 1)


def data_size(study: Study, base: Path) -> Size:
    """Size of a study's data, from ``simulate`` or from its tables where they are on this machine."""
    if study.data["simulate"]:
        return _simulated(study)
    paths = [base / table["func_scores"] for table in tables(study)]
    if not all(path.exists() for path in paths):
        rows = UNREAD_ROWS * len(paths)
        return Size(rows, rows, 3.0 * rows, 10_000, 3, f"{rows} rows assumed: a table is not on this machine")
    return _read(study, paths)


def _simulated(study: Study) -> Size:
    settings = study.data["simulate"]
    names = study.data["conditions"]
    counts = settings["variants"]
    variants = sum(counts[name] for name in names) if isinstance(counts, dict) else counts * len(names)
    each = settings["substitutions"]
    mean = sum(each[name] for name in names) / len(names) if isinstance(each, dict) else each
    mutations = settings["sites"] * MUTANTS * settings["library_share"]
    replicates = len(study.sweep["replicate"])
    return Size(
        variants * replicates, variants, variants * (mean + 0.5), mutations, len(names), "by the simulate section"
    )


def _read(study: Study, paths: list[Path]) -> Size:
    columns = study.data["columns"]
    wanted = [columns["substitutions"], columns["condition"]]
    found = [read.read_table(path, [name for name in wanted if name in read.header(path)]) for path in paths]
    for path, table in zip(paths, found, strict=True):
        read.check_columns(path, list(table.columns), wanted[:1])
    written = pd.concat(found)[columns["substitutions"]].str.split()
    rows, tokens, known = len(written), written.str.len().sum(), written.explode().nunique()
    shared = 1 if "score_columns" in (study.data["replicates"] or {}) else max(1, len(study.sweep["replicate"]))
    named = {table["condition"] for table in tables(study)} - {None}
    stacked = pd.concat(found)
    conditions = len(named) or stacked[columns["condition"]].nunique()
    return Size(rows, rows / shared, tokens / shared, known, conditions, f"by {rows} rows of the study's tables")
