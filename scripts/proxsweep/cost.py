"""What a sweep will cost before it runs: fits, core-hours, hours on so many cores, and disk.

The constants below were measured on one core of a two-core virtual machine; docs/plan.md names the runs. What an
earlier run of the same study measured takes their place.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from proxsweep import studies
from proxsweep.dms.data import read
from proxsweep.report import summary
from proxsweep.sweep import fits as fit_table
from proxsweep.sweep import grid
from proxsweep.sweep.grid import Study

JOB_SECONDS = 3.5  # a fit's job beyond its solve, compiled code at hand
COMPILE_SECONDS = 2.5  # more for the first fit of every problem size
ITERATION_SECONDS = 1e-4  # an iteration: this, and for every
NONZERO_SECONDS = 5e-9  # substitution of a variant, and
EFFECT_SECONDS = 8e-9  # effect (mutations x conditions)
ITERATIONS = {"sigmoid": 500, "linear": 100}
LASSO_MAX_ITERATIONS = 3000
SUMMARY_SECONDS = 3.0
SMALL_JOBS_SECONDS = 12.0  # reading, choosing, collecting, pages and checks
ROW_SECONDS = 5e-5  # a row of a table: simulated or read, and encoded
PAGE_SECONDS = 0.2  # a fit's notebook as a page

FIT_BYTES = 250e3  # notebook, record, trace
EFFECT_BYTES = 45.0  # an effect in mutations.csv and parameters.npz
PAGE_BYTES = 350e3
ROW_BYTES = 55.0  # a row in variants.csv; about as much in a simulated table
STUDY_BYTES = 4e6  # figures, tables, pages

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


@dataclass(frozen=True)
class Cost:
    """What a study costs: numbers of fits, seconds of one core, bytes, and what the estimate rests on."""

    full: int
    folds: int
    resamples: int
    refits: int
    core_seconds: float
    bytes: float
    basis: str

    @property
    def fits(self) -> int:
        return self.full + self.folds + self.resamples + self.refits


def cost(study: Study, base: str | Path = ".") -> Cost:
    """Estimate what a whole run of a study costs.

    Parameters
    ----------
    study
        A checked study of family ``dms``.
    base
        Working directory: local tables, and ``results/{study}`` of an earlier run, are relative to it.
    """
    planned, again = grid.table(study), grid.refits(study)
    full, folds = (sum(kind(fit) for fit in planned) for kind in (lambda fit: not fit.rows, _is_fold))
    refits = sum(len(grid.table(other)) for other in again)
    count = len(planned) + refits
    earlier = Path(base) / "results" / study.name / "fits.csv"
    size = data_size(study, Path(base))
    if earlier.exists() and len(measured := fit_table.read(earlier, ["job_seconds", "path"])):
        seconds, each = _measured(measured, Path(base), size)
        basis = f"{len(measured)} fits of {earlier}; {size.source}"
    else:
        seconds, each, basis = fit_seconds(study, size), fit_bytes(size), size.source
    # every reference has mutations of its own: other arrays, compiled for anew
    seconds = count * seconds + (1 + len(again)) * _compilations(study) * COMPILE_SECONDS
    seconds += _other_seconds(study, size, full) + len(again) * size.rows * ROW_SECONDS + refits * PAGE_SECONDS
    disk = count * each + (full + refits) * PAGE_BYTES + (1 + len(again)) * _data_bytes(study, size) + STUDY_BYTES
    return Cost(full, folds, len(planned) - full - folds, refits, seconds, disk, basis)


def _is_fold(fit: grid.Fit) -> bool:
    return bool(fit.rows) and "fold" in fit.rows


def _measured(table: pd.DataFrame, base: Path, size: Size) -> tuple[float, float]:
    """Mean seconds and bytes of a fit in an earlier run; a job without a benchmark does not count."""
    table = table[table["path"].notna()]
    seconds = table["job_seconds"].astype(float).mean()
    folders = [base / path for path in table["path"]]
    sizes = [sum(file.stat().st_size for file in folder.glob("*") if file.is_file()) for folder in folders]
    return (seconds if seconds == seconds else JOB_SECONDS), sum(sizes) / max(len(sizes), 1) or fit_bytes(size)


def fit_seconds(study: Study, size: Size) -> float:
    """Seconds of one fit's job, its code compiled."""
    lists = study.sweep.get("starts", [study.solver["starts"]])
    starts = sum(_starts(names) for names in lists) / len(lists)
    shapes = study.sweep.get("global_epistasis", [study.model["global_epistasis"]])
    iterations = sum(ITERATIONS[shape] for shape in shapes) / len(shapes)
    return JOB_SECONDS + starts * iterations * iteration_seconds(size)


def _starts(names: list[str]) -> int:
    return sum(int(name.removesuffix("x_random")) if name.endswith("x_random") else 1 for name in names)


def iteration_seconds(size: Size) -> float:
    """Seconds of one iteration of the solver."""
    effects = size.mutations * size.conditions
    return ITERATION_SECONDS + NONZERO_SECONDS * size.nonzeros + EFFECT_SECONDS * effects


def fit_bytes(size: Size) -> float:
    """Bytes of one fit's files."""
    return FIT_BYTES + EFFECT_BYTES * size.mutations * size.conditions


def _groups(study: Study) -> int:
    """Settings but for the lasso weight."""
    return len(grid.full(study)) // len(study.sweep["lasso"])


def _compilations(study: Study) -> int:
    """Problem sizes that are compiled for: a matrix with a replicate, whose folds and resamples share its code."""
    return len(study.sweep["difference"]) * len(study.sweep["replicate"])


def _other_seconds(study: Study, size: Size, full: int) -> float:
    largest_weights = _groups(study) * (COMPILE_SECONDS + LASSO_MAX_ITERATIONS * iteration_seconds(size))
    summaries = len(summary.of_study(studies.FAMILIES[study.family].SUMMARIES, study)) * SUMMARY_SECONDS
    return largest_weights + SMALL_JOBS_SECONDS + summaries + size.rows * ROW_SECONDS + full * PAGE_SECONDS


def _data_bytes(study: Study, size: Size) -> float:
    return size.rows * ROW_BYTES * (2 if study.data["simulate"] else 1)


# ---- the size of the data, before they are encoded ------------------------------------------------------------


def data_size(study: Study, base: Path) -> Size:
    """Size of a study's data, from ``simulate`` or from its tables where they are on this machine."""
    if study.data["simulate"]:
        return _simulated(study)
    paths = [base / table["func_scores"] for table in study.tables]
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
    tables = [read.read_table(path, [name for name in wanted if name in read.header(path)]) for path in paths]
    for path, table in zip(paths, tables, strict=True):
        read.check_columns(path, list(table.columns), wanted[:1])
    written = pd.concat(tables)[columns["substitutions"]].str.split()
    rows, tokens, known = len(written), written.str.len().sum(), written.explode().nunique()
    shared = 1 if "score_columns" in (study.data["replicates"] or {}) else max(1, len(study.sweep["replicate"]))
    named = {table["condition"] for table in study.tables} - {None}
    stacked = pd.concat(tables)
    conditions = len(named) or stacked[columns["condition"]].nunique()
    return Size(rows, rows / shared, tokens / shared, known, conditions, f"by {rows} rows of the study's tables")


# ---- showing ---------------------------------------------------------------------------------------------------


def show(costs: dict[str, Cost], cores: int) -> str:
    """The costs of studies as a text table, one line a study."""
    header = f"{'study':20} {'fits':>6} {'full':>6} {'folds':>6} {'resamples':>9} {'refits':>6}"
    header += f" {'core-hours':>10} {'hours':>7} {'disk MB':>8}"
    lines = [header]
    for name, found in costs.items():
        hours = found.core_seconds / 3600
        lines.append(
            f"{name:20} {found.fits:6} {found.full:6} {found.folds:6} {found.resamples:9} {found.refits:6}"
            f" {hours:10.3f} {hours / cores:7.3f} {found.bytes / 1e6:8.0f}"
        )
    lines += [f"{name}: {found.basis}" for name, found in costs.items()]
    return "\n".join(lines)
