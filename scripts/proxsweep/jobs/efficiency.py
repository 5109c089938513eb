"""What a study's jobs asked for beside what they used, from Snakemake's benchmark files.

With ``benchmark-extended`` (as in our profiles) these name the rule and its resources; jobs without are left out.
"""

import ast
from pathlib import Path

import pandas as pd

from proxsweep.io.errors import UserError

# measured as docs/plan.md says
JOB_SECONDS = 4.5  # start and end of a job of fits, and tracing its first one, compiled code at hand
FIT_SECONDS = 0.8  # a fit's notebook beyond its solve
COMPILE_SECONDS = 2.5  # more for the first fit of every problem size
COLUMNS = ("rule", "jobs", "memory_mb", "largest_mb", "memory_share", "minutes", "longest_minutes", "time_share")


def table(folder: str | Path) -> pd.DataFrame:
    """Requested and used memory and time by rule.

    Parameters
    ----------
    folder
        ``results/{study}``.

    Returns
    -------
    DataFrame
        rule, jobs; memory_mb (the largest request, MB), largest_mb (peak resident memory of a job without Snakemake's
        own, MB; NaN for jobs too short to be measured), memory_share (largest used to requested, over jobs); minutes,
        longest_minutes and time_share likewise. Rules with the largest memory first.

    Raises
    ------
    UserError
        If there is no benchmark file with resources.
    """
    place = Path(folder) / "benchmarks"
    jobs = [job for path in sorted(place.rglob("*.tsv")) for job in _jobs(path)]
    if not jobs:
        # message: `proxsweep efficiency` needs jobs that ran with a profile of ours. | Run some, or add
        # `--benchmark-extended`.
        raise UserError(str(place), "no benchmark file with resources", "a study that ran with `benchmark-extended`")
    return _by_rule(pd.DataFrame(jobs))


def _jobs(path: Path) -> list[dict]:
    # not by the csv module, whose limit of a field is one of the whole process: lists of inputs stand here, too
    names, *rows = (line.split("\t") for line in path.read_text(encoding="utf-8").split("\n"))
    jobs = [dict(zip(names, row, strict=False)) for row in rows]
    return [_job(job) for job in jobs if job.get("resources")]


def _job(row: dict[str, str]) -> dict:
    asked = ast.literal_eval(row["resources"])
    job = {"rule": row["rule_name"], "memory_mb": asked.get("mem_mb"), "minutes": asked.get("runtime")}
    return job | {"largest_mb": _number(row["max_rss"]), "longest_minutes": _number(row["s"]) / 60}


def _number(text: str) -> float:
    """A measurement; NaN where Snakemake could not measure a short job and writes NA or -."""
    return float("nan") if text in ("NA", "-", "") else float(text)


def _by_rule(jobs: pd.DataFrame) -> pd.DataFrame:
    numbers = jobs.columns.drop("rule")
    jobs[numbers] = jobs[numbers].astype(float)
    jobs["memory_share"] = jobs["largest_mb"] / jobs["memory_mb"]
    jobs["time_share"] = jobs["longest_minutes"] / jobs["minutes"]
    found = jobs.groupby("rule").max().assign(jobs=jobs.groupby("rule").size())
    return found.reset_index()[list(COLUMNS)].sort_values("largest_mb", ascending=False, ignore_index=True)


def show(found: pd.DataFrame) -> str:
    """The table as text."""
    return found.round(2).to_string(index=False)
