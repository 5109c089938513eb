"""What a run prints: a line per finished job, in place of Snakemake's account of every job, which stays in its log.

Snakemake's handler for the screen is wrapped, its log file is not. Warnings, errors and whatever is not known here are
printed as they are, so what another version of Snakemake says anew is not lost.
"""

import logging
import re
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

SCREEN = "DefaultStreamHandler"  # Snakemake's name of its handler for the screen
FULL = "--printshellcmds"  # the option that brings Snakemake's own account back
# Events of Snakemake that are not printed: what is run and where. Finished jobs and the plan get lines of our own.
HIDDEN_EVENTS = ("workflow_started", "group_info", "shellcmd", "progress", "job_started", "resources_info")
HIDDEN_TEXTS = re.compile(
    r"Building DAG of jobs|Assuming unrestricted shared filesystem|Using shell: |Select jobs to execute"
    r"|Group jobs: inactive|Conda environments: ignored|Singularity containers: ignored"
    r"|Job \S+ has been submitted with SLURM|Some jobs were triggered by provenance|Rules with provenance triggered"
)
SEE_ABOVE = "\n    (check individual jobs above for details)"  # they are not above


class Running(NamedTuple):
    """A job that has started, and when."""

    rule: str
    wildcards: Mapping[str, Any]
    since: float


class Jobs:
    """The jobs of a run: how many are done, how long they took, and how long the rest may take.

    Parameters
    ----------
    planned
        Number of jobs by rule.
    fits
        Rules of fits. Their jobs take most of the time, so no time is estimated before one of them is done.
    clock
        Seconds since some moment.
    """

    def __init__(self, planned: Mapping[str, int], fits: Collection[str], clock: Callable[[], float]):
        self._planned, self._fits, self._clock = dict(planned), fits, clock
        self._running: dict[Any, Running] = {}
        self._took: dict[str, list[float]] = {}  # seconds of finished jobs by rule
        self._began = clock()

    def start(self, job: Any, rule: str, wildcards: Mapping[str, Any]) -> None:
        self._running[job] = Running(rule, wildcards, self._clock())

    def fail(self, job: Any) -> None:
        """It will be started again, or never be done."""
        self._running.pop(job, None)

    def finish(self, job: Any) -> str:
        """The line on a job that has finished. Raises KeyError for a job that has not started."""
        found = self._running.pop(job)
        seconds = self._clock() - found.since
        self._took.setdefault(found.rule, []).append(seconds)
        total, done = sum(self._planned.values()), sum(map(len, self._took.values()))
        left = self.seconds_left()
        estimate = "" if left is None else f", about {duration(max(round(left), 1))} left"
        what = ", ".join(f"{name} {value}" for name, value in found.wildcards.items())
        named = f"{found.rule}: {what}" if what else found.rule
        return f"[{done:{len(str(total))}} of {total}{estimate}] {named} ({duration(seconds)})"

    def seconds_left(self) -> float | None:
        """Seconds until all is done, if as many jobs run at once as until now; None where that cannot be told."""
        to_do = {rule: number - len(self._took.get(rule, ())) for rule, number in self._planned.items()}
        to_do = {rule: number for rule, number in to_do.items() if number > 0}
        if not to_do or (self._fits_of(to_do) and not self._fits_of(self._took)):
            return None
        running = [(self._mean(job.rule), self._clock() - job.since) for job in self._running.values()]
        work = sum(number * self._mean(rule) for rule, number in to_do.items())
        work -= sum(min(mean / 2, elapsed) for mean, elapsed in running)  # one that takes long is not nearly done
        busy = sum(map(sum, self._took.values())) + sum(elapsed for _, elapsed in running)
        at_once = max(1.0, busy / max(self._clock() - self._began, 1e-9))
        return work / min(at_once, sum(to_do.values()))

    def _fits_of(self, rules: Collection[str]) -> list[str]:
        return [rule for rule in rules if rule in self._fits]

    def _mean(self, rule: str) -> float:
        """Mean seconds of a rule's finished jobs; where there are none, of jobs of its kind, else of all."""
        alike = [one for one in self._took if (one in self._fits) == (rule in self._fits)]
        rules = [rule] if rule in self._took else alike or list(self._took)
        seconds = [one for name in rules for one in self._took[name]]
        return sum(seconds) / len(seconds)


def duration(seconds: float) -> str:
    """Seconds in words, to two digits: 0.4 s, 14 s, 2.3 min, 5 h, 6 days."""
    for unit, size in (("s", 1), ("min", 60), ("h", 3600)):
        if seconds / size < 99:
            return f"{round(seconds / size, 1):.2g} {unit}"
    return f"{seconds / 86400:.0f} days"


class Screen(logging.Handler):
    """Takes the place of Snakemake's handler for the screen, and hands on to it what is to be printed."""

    def __init__(self, inner: logging.Handler, dry_run: bool, fits: Collection[str], clock: Callable[[], float]):
        super().__init__()
        self._inner, self._dry_run, self._fits, self._clock = inner, dry_run, fits, clock
        self._jobs: Jobs | None = None
        self._texts = {
            "run_info": self._planned,
            "job_info": self._started,
            "job_finished": self._finished,
            "job_error": self._failed,
        }

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self._text(record)
        except (AttributeError, KeyError, TypeError, ValueError):  # events of a Snakemake that has others
            text = None
        if text is None:
            self._inner.handle(record)
        elif text:
            # an event that Snakemake does not know is printed as it stands, in the colour of its own lines on jobs
            line = {"name": record.name, "levelno": record.levelno, "levelname": record.levelname, "msg": text}
            self._inner.handle(logging.makeLogRecord({**line, "event": "proxsweep"}))

    def _text(self, record: logging.LogRecord) -> str | None:
        """What is printed in place of a record, "" for nothing; None where it is printed as it is."""
        event = getattr(record, "event", None)
        if event in self._texts:
            return self._texts[event](record)
        if record.levelno >= logging.WARNING:
            return None
        if event in HIDDEN_EVENTS:
            return ""
        said = str(record.msg)
        if said.startswith("Reasons:"):
            return said.replace(SEE_ABOVE, "")
        return "" if HIDDEN_TEXTS.match(said) else None

    def _planned(self, record: logging.LogRecord) -> str | None:
        """The table of jobs, which a dry run tells before and after all of them."""
        known = self._jobs is not None
        numbers = {rule: number for rule, number in record.stats.items() if rule != "total"}
        self._jobs = self._jobs or Jobs(numbers, self._fits, self._clock)
        if self._dry_run:
            return f"proxsweep: {FULL} lists every job, with its files, its reason and its command" if known else None
        total = sum(numbers.values())
        jobs = "1 job" if total == 1 else f"{total} jobs"
        return f"proxsweep: {jobs} to do, a line for each that is done ({FULL} shows all about them)"

    def _started(self, record: logging.LogRecord) -> str:
        if self._jobs is not None:
            self._jobs.start(record.jobid, record.rule_name, record.wildcards)
        return ""

    def _finished(self, record: logging.LogRecord) -> str | None:
        return None if self._jobs is None else self._jobs.finish(record.job_id)

    def _failed(self, record: logging.LogRecord) -> None:
        if self._jobs is not None:
            self._jobs.fail(record.jobid)

    def flush(self) -> None:
        self._inner.flush()

    def close(self) -> None:
        self._inner.close()
        super().close()


def attach(
    logger: logging.Logger, settings: Any, fits: Collection[str], clock: Callable[[], float] = time.monotonic
) -> None:
    """Print a line per finished job from now on, unless Snakemake was told what to print.

    Parameters
    ----------
    logger
        Snakemake's logger. Where another handler of it prints (``--logger``), that one prints as it does.
    settings
        Snakemake's settings of its output. ``--quiet``, ``--verbose``, ``--printshellcmds`` and ``--debug-dag`` say
        what to print.
    fits
        Rules of fits.
    clock
        Seconds since some moment.
    """
    if settings.quiet or settings.verbose or settings.printshellcmds or settings.debug_dag:
        return
    for handler in [one for one in logger.handlers if one.name == SCREEN]:
        logger.removeHandler(handler)
        logger.addHandler(Screen(handler, settings.dryrun, fits, clock))
