"""A run prints a line per finished job; warnings, errors and what is not known are printed as they are."""

import io
import logging
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter
from snakemake_interface_logger_plugins.common import LogEvent

from proxsweep.jobs import progress

FITS = {"fit_s"}
STATS = {"encode": 2, "fit_s": 4, "collect": 1, "total": 7}


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def settings(**changes: object) -> SimpleNamespace:
    known = {"quiet": None, "verbose": False, "printshellcmds": False, "debug_dag": False, "dryrun": False}
    return SimpleNamespace(**{**known, **changes})


class Run:
    """A logger as Snakemake sets it up, for the screen and for its log, with events as Snakemake tells them."""

    def __init__(self, **changes: object) -> None:
        self.clock, self.streams = Clock(), (io.StringIO(), io.StringIO())
        self.logger = logging.Logger("made")
        for stream, name in zip(self.streams, (progress.SCREEN, "log"), strict=True):
            handler = ColorizingTextHandler(stream=stream, formatter=DefaultFormatter())
            handler.addFilter(DefaultFilter(changes.get("quiet"), False, False, False, False))
            handler.name = name
            self.logger.addHandler(handler)
        progress.attach(self.logger, settings(**changes), FITS, self.clock)

    def tell(self, event: LogEvent, message: str | None = None, level: int = logging.INFO, **fields: object) -> None:
        self.logger.log(level, message, extra={"event": event, **fields})

    def plan(self, stats: dict[str, int] = STATS) -> None:
        table = "Job stats:\n" + "\n".join(f"{rule} {number}" for rule, number in stats.items())
        self.tell(LogEvent.RUN_INFO, table, stats=stats)

    def start(self, job: object, rule: str, **wildcards: object) -> None:
        lists = {name: [] for name in ("input", "output", "log")}
        words = dict.fromkeys(("rule_msg", "benchmark"))
        numbers = {"priority": 0, "threads": 1, "resources": {}, "local": False, "is_checkpoint": False}
        own = {"jobid": job, "rule_name": rule, "wildcards": wildcards, "reason": "new"}
        self.tell(LogEvent.JOB_INFO, f"Rule: {rule}", **lists, **words, **numbers, **own)

    def finish(self, job: object) -> None:
        self.tell(LogEvent.JOB_FINISHED, f"Finished jobid: {job}", job_id=job)
        self.tell(LogEvent.PROGRESS, done=1, total=7)

    def fail(self, job: object, rule: str) -> None:
        fields = {"jobid": job, "rule_name": rule, "rule_msg": None, "input": [], "output": [], "log": []}
        more = {"conda_env": None, "shellcmd": None, "aux": {}, "container_img": None}
        self.tell(LogEvent.JOB_ERROR, f"Error in rule {rule}", logging.ERROR, **fields, **more)

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @property
    def lines(self) -> list[str]:
        return [line for line in self.streams[0].getvalue().splitlines() if line]

    @property
    def log(self) -> str:
        return self.streams[1].getvalue()


@pytest.fixture
def run() -> Iterator[Run]:
    started = Run()
    started.plan()
    yield started


def test_a_line_per_finished_job(run):
    run.start(1, "encode", study="s", replicate="2")
    run.wait(0.36)
    run.finish(1)
    run.start("group", "fit_s", study="s", difference="reference")
    run.wait(14)
    run.finish("group")
    assert run.lines[0].startswith("proxsweep: 7 jobs to do")
    assert run.lines[1] == "[1 of 7] encode: study s, replicate 2 (0.4 s)"
    assert run.lines[2].startswith("[2 of 7, about 43 s left] fit_s: study s, difference reference (14 s)")
    assert len(run.lines) == 3


def test_the_log_of_snakemake_keeps_everything(run):
    run.start(1, "encode", study="s")
    run.finish(1)
    assert "Job stats:" in run.log and "rule encode:" in run.log and "Finished jobid: 1" in run.log
    assert "[1 of 7" not in run.log


def test_a_job_without_wildcards_is_its_rule():
    run = Run()
    run.plan({"all": 1, "total": 1})
    run.start(0, "all")
    run.finish(0)
    assert run.lines[-1] == "[1 of 1] all (0 s)"


def test_numbers_are_aligned():
    run = Run()
    run.plan({"page": 12, "total": 12})
    for job in range(12):
        run.start(job, "page")
        run.finish(job)
    assert [line[:9] for line in (run.lines[1], run.lines[9], run.lines[12])] == ["[ 1 of 12", "[ 9 of 12", "[12 of 12"]


def finished(run: Run, job: object, rule: str, seconds: float) -> str:
    run.start(job, rule)
    run.wait(seconds)
    run.finish(job)
    return run.lines[-1]


def test_no_time_is_told_before_a_fit_is_done(run):
    assert "left" not in finished(run, 1, "encode", 2)
    assert "left" not in finished(run, 2, "encode", 2)
    assert "about 2 min left" in finished(run, 3, "fit_s", 40)


def test_time_left_without_fits_is_told_from_the_first_job():
    run = Run()
    run.plan({"encode": 3, "collect": 2, "total": 5})
    assert "about 40 s left" in finished(run, 1, "encode", 10), "a rule that has not run is taken for the others"
    assert "about 30 s left" in finished(run, 2, "encode", 10)
    assert "about 24 s left" in finished(run, 3, "encode", 16), "two, each as long as the mean of the three"


def test_time_left_is_that_of_jobs_side_by_side():
    run = Run()
    run.plan({"fit_s": 8, "total": 8})
    for job in range(4):
        run.start(job, "fit_s")
    run.wait(60)
    for job in range(4):
        run.finish(job)
    assert "about 60 s left" in run.lines[-1], "four more of a minute, four at once"


def test_time_that_running_jobs_have_taken_is_off():
    run = Run()
    run.plan({"fit_s": 3, "total": 3})
    assert "about 2 min left" in finished(run, 1, "fit_s", 60)
    run.start(2, "fit_s")
    run.wait(10)
    run.start(3, "fit_s")
    run.wait(40)
    run.finish(3)
    assert "about 25 s left" in run.lines[-1], "50 s a fit; one that has run for as long is taken for half done"


def test_a_job_that_failed_and_is_tried_again_is_counted_once_from_its_last_start(run):
    run.start(3, "fit_s", study="s")
    run.wait(500)
    run.fail(3, "fit_s")
    assert "Error in rule fit_s:" in run.streams[0].getvalue()
    run.start(3, "fit_s", study="s")
    run.wait(10)
    run.finish(3)
    assert run.lines[-1].startswith("[1 of 7") and run.lines[-1].endswith("fit_s: study s (10 s)")


@pytest.mark.parametrize(
    ("level", "message"),
    [
        (logging.WARNING, "Building DAG of jobs... slowly"),
        (logging.ERROR, "Exiting because a job execution failed."),
        (logging.INFO, "Nothing to be done (all requested files are present and up to date)."),
        (logging.INFO, "proxsweep: study s: 3 of 9 fits are there, 6 to make"),
        (logging.INFO, "Will exit after finishing currently running jobs (scheduler)."),
        (logging.INFO, "Complete log(s): somewhere"),
    ],
)
def test_what_matters_is_printed_as_it_is(run, level, message):
    run.logger.log(level, message)
    assert run.lines[-1] == message and message in run.log


@pytest.mark.parametrize(
    "message",
    [
        "Building DAG of jobs...",
        "Select jobs to execute...",
        "Job 5 has been submitted with SLURM jobid 31 (log: somewhere).",
        "Job 0f9c-11 has been submitted with SLURM jobid 32 (log: somewhere).",
    ],
)
def test_what_says_nothing_to_act_on_is_in_the_log(run, message):
    run.logger.info(message)
    assert len(run.lines) == 1 and message in run.log


def test_events_that_lack_what_is_known_are_printed_as_they_are():
    run = Run()
    run.tell(LogEvent.RUN_INFO, "Job stats: of another kind")
    run.start(1, "encode")
    run.finish(1)
    assert run.lines[0] == "Job stats: of another kind" and run.lines[-1] == "Finished jobid: 1"
    run.plan()
    run.finish("never started")
    assert run.lines[-1] == "Finished jobid: never started"


@pytest.mark.parametrize(
    "changes",
    [{"verbose": True}, {"printshellcmds": True}, {"debug_dag": True}, {"quiet": {1}}],
)
def test_who_says_what_to_print_gets_that(changes):
    run = Run(**changes)
    assert [handler.name for handler in run.logger.handlers] == [progress.SCREEN, "log"]
    run.plan()
    assert "Job stats:" in run.lines


def test_a_logger_of_the_user_is_left_alone():
    logger = logging.Logger("made")
    logger.addHandler(logging.NullHandler())
    before = list(logger.handlers)
    progress.attach(logger, settings(), FITS)
    assert logger.handlers == before


def test_a_dry_run_prints_the_table_once_and_no_job():
    run = Run(dryrun=True)
    run.plan()
    run.start(1, "encode", study="s")
    run.plan()
    run.logger.info("Reasons:\n    (check individual jobs above for details)\n    code changed:\n        encode")
    assert run.lines.count("Job stats:") == 1 and "rule encode:" not in run.lines
    assert run.lines[-4:] == [
        "proxsweep: --printshellcmds lists every job, with its files, its reason and its command",
        "Reasons:",
        "    code changed:",
        "        encode",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.04, "0 s"),
        (0.36, "0.4 s"),
        (7.26, "7.3 s"),
        (14.4, "14 s"),
        (98.9, "99 s"),
        (99, "1.6 min"),
        (1800, "30 min"),
        (5990, "1.7 h"),
        (86400, "24 h"),
        (86400 * 30, "30 days"),
    ],
)
def test_durations(seconds, words):
    assert progress.duration(seconds) == words
