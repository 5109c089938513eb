"""What the fits and data of a ``dms`` study will cost, from the size of its data.

The constants below were measured on one core of a two-core virtual machine; docs/plan.md names the runs.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from proxsweep.dms.data import columns, read, rows_kept
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
LINE_SECONDS, LINE_BYTES = 7e-6, 13.0  # a line of effects.csv.gz

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
    data_seconds, lines = size.rows * ROW_SECONDS, effects_lines(study, size)
    return FitCost(
        fit_seconds=fit_seconds(study, size),
        fit_bytes=fit_bytes(size),
        compilations=_compilations(study),
        study_seconds=_largest_weights_seconds(study, size) + data_seconds + lines * LINE_SECONDS,
        study_bytes=_data_bytes(study, size) + lines * LINE_BYTES,
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


def effects_lines(study: Study, size: Size) -> float:
    """Lines of the table of all effects: one for each effect and shift of each full fit."""
    rows = [_rows(matrix, size.conditions) for matrix in study.sweep["difference"]]
    return len(grid.full(study)) * size.mutations * (size.conditions + sum(rows) / len(rows))


def _rows(matrix: dict[str, Any], conditions: int) -> int:
    standard = {"reference": conditions - 1, "equivariant": conditions * (conditions - 1) // 2}
    return standard.get(matrix["kind"], len(matrix.get("tree") or matrix.get("rows") or ()))


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
    data = columns.complete(study.data)
    found = pd.concat([_texts(data, table, path) for table, path in zip(tables(study), paths, strict=True)])
    written = found["text"].str.findall(rf"[^\s;,{re.escape(data['separator'])}]+")
    rows, tokens, known = len(written), written.str.len().sum(), written.explode().nunique()
    shared = 1 if "score_columns" in (study.data["replicates"] or {}) else max(1, len(study.sweep["replicate"]))
    conditions = found["condition"].nunique()
    return Size(rows, rows / shared, tokens / shared, known, conditions, f"by {rows} rows of the study's tables")


def _texts(data: dict[str, Any], table: dict[str, Any], path: Path) -> pd.DataFrame:
    """Condition and substitutions of the rows that a table's entry keeps; those of three columns run together."""
    used = columns.used(data, table, read.header(path), path)
    rows = read.read_table(path, list(dict.fromkeys([*used.text.values(), *used.where])))
    rows = rows[rows_kept.passing(rows, used.where) & rows_kept.named(rows, used)]
    text, *others = (rows[used.text[name]] for name in ("aa_substitutions", *columns.PARTS) if name in used.text)
    condition = rows[used.text["condition"]] if "condition" in used.text else table["condition"]
    return pd.DataFrame({"text": sum(others, text), "condition": condition})
