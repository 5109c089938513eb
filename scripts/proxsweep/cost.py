"""What a sweep will cost before it runs: fits, core-hours, hours on so many cores, and disk.

What fits and data cost is the family's to say. What an earlier run of the same study measured takes the place of its
estimates of fits.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from proxsweep.families import family
from proxsweep.family import FitCost
from proxsweep.jobs.efficiency import COMPILE_SECONDS, JOB_SECONDS
from proxsweep.sweep import fits as fit_table
from proxsweep.sweep import grid, pieces
from proxsweep.sweep.study import Study

SUMMARY_SECONDS = 3.0
SMALL_JOBS_SECONDS = 12.0  # reading, choosing, collecting, pages and checks
PAGE_SECONDS = 0.2  # a fit's notebook as a page
PAGE_BYTES = 350e3
STUDY_BYTES = 4e6  # figures, tables, pages
NODE_SECONDS = 600  # a good length of a cluster's job


@dataclass(frozen=True)
class Cost:
    """What a study costs: numbers of fits, seconds of one core, bytes, the basis of it all, seconds of a path's job."""

    full: int
    folds: int
    resamples: int
    refits: int
    core_seconds: float
    bytes: float
    basis: str
    path_seconds: float = 0.0

    @property
    def fits(self) -> int:
        return self.full + self.folds + self.resamples + self.refits


def cost(study: Study, base: str | Path = ".") -> Cost:
    """Estimate what a whole run of a study costs.

    Parameters
    ----------
    study
        A checked study.
    base
        Working directory: local tables, and ``results/{study}`` of an earlier run, are relative to it.
    """
    own = family(study.family)
    planned, again = grid.table(study), own.refits(study)
    full, folds = (sum(kind(fit) for fit in planned) for kind in (lambda fit: not fit.rows, _is_fold))
    refits = sum(len(grid.table(other)) for other in again)
    count = len(planned) + refits
    estimate = own.cost(study, Path(base))
    fit_seconds, each, basis = _fits(study, Path(base), estimate)
    # a refit may have arrays of other sizes: compiled for anew
    paths = pieces.count([study, *again])
    seconds = count * fit_seconds + paths * JOB_SECONDS + (1 + len(again)) * estimate.compilations * COMPILE_SECONDS
    seconds += estimate.study_seconds + SMALL_JOBS_SECONDS + _summaries(study) * SUMMARY_SECONDS
    seconds += len(again) * estimate.refit_seconds + (full + refits) * PAGE_SECONDS
    disk = count * each + (full + refits) * PAGE_BYTES + STUDY_BYTES
    disk += estimate.study_bytes + len(again) * estimate.refit_bytes
    path_seconds = JOB_SECONDS + count * fit_seconds / paths
    return Cost(full, folds, len(planned) - full - folds, refits, seconds, disk, basis, path_seconds)


def _is_fold(fit: grid.Fit) -> bool:
    return bool(fit.rows) and "fold" in fit.rows


def _summaries(study: Study) -> int:
    return sum(summary.wanted(study) for summary in family(study.family).summaries)


def _fits(study: Study, base: Path, estimate: FitCost) -> tuple[float, float, str]:
    """Seconds and bytes of a fit, and the basis of both: an earlier run of the study where there was one."""
    earlier = base / "results" / study.name / "fits.csv"
    measured = fit_table.read(earlier, ["job_seconds", "path"]) if earlier.exists() else pd.DataFrame()
    if measured.empty:
        return estimate.fit_seconds, estimate.fit_bytes, estimate.basis
    return *_measured(measured, base, estimate), f"{len(measured)} fits of {earlier}; {estimate.basis}"


def _measured(table: pd.DataFrame, base: Path, estimate: FitCost) -> tuple[float, float]:
    """Mean seconds and bytes of a fit in an earlier run."""
    table = table[table["path"].notna()]
    seconds = table["job_seconds"].astype(float).mean()
    folders = [base / path for path in table["path"]]
    sizes = [sum(file.stat().st_size for file in folder.glob("*") if file.is_file()) for folder in folders]
    bytes_of_fit = sum(sizes) / max(len(sizes), 1) or estimate.fit_bytes
    return (seconds if seconds == seconds else estimate.fit_seconds), bytes_of_fit


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
    slowest = max(found.path_seconds for found in costs.values())
    components = max(1, round(NODE_SECONDS / slowest))
    lines.append(f"on a cluster, paths in one job of about ten minutes: --group-components fits={components}")
    return "\n".join(lines)
