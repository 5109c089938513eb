"""Faults, each a function that disturbs a run of the study.

It gets a project whose data are encoded and whose fits have not run (for those in ``FINISHED``, one that is finished),
and a source of random numbers; it returns the disturbed run, and whether the fault did happen: what comes at a moment
of chance may come after the end.
"""

import random
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from faults.harness import STUDY, Fault, Past, Run, change_data, moment, mounted, run
from projects import Project

RUN_SECONDS = 11


def _killed(place: str, most: int) -> Fault:
    """The kernel is killed the k-th time that one comes by ``place``, k at most ``most``."""

    def fault(project: Project, rng: random.Random) -> tuple[Run, bool]:
        number = rng.randint(1, most)
        started = run(project, fault=f"{place}:{number}:{project.folder}")
        return started, (project.folder / "came_by").stat().st_size >= number

    return fault


def _signalled(number: int, more: Mapping[str, str] | None = None) -> Fault:
    def fault(project: Project, rng: random.Random) -> tuple[Run, bool]:
        started = Run(project, more=more)
        time.sleep(moment(rng, RUN_SECONDS))
        alive = started.process.poll() is None
        started.send(number)
        started.wait()
        return started, alive

    return fault


def disk_full(project: Project, rng: random.Random) -> tuple[Run, bool]:
    """The results lie on a file system with room for one to three fits more."""
    results, aside = project.folder / "results", project.folder / "aside"
    results.rename(aside)
    results.mkdir()
    used = sum(path.stat().st_size for path in aside.rglob("*") if path.is_file())
    size = used + rng.randint(200_000, 850_000)  # the fits need 1,000,000
    with mounted(results, "-t", "tmpfs", "-o", f"size={size}", "tmpfs"):
        subprocess.run(["cp", "-a", f"{aside}/.", str(results)], check=True)
        started = run(project)
        shutil.rmtree(aside)
        subprocess.run(["cp", "-a", f"{results}/.", str(aside)], check=True)
    results.rmdir()
    aside.rename(results)
    return started, started.code != 0


def read_only(project: Project, rng: random.Random) -> tuple[Run, bool]:
    """The results cannot be written."""
    results = project.folder / "results"
    with mounted(results, "--bind", str(results)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(results)], check=True)
        started = run(project)
    return started, started.code != 0


def _truncated(pattern: str) -> Fault:
    """A finished study in which a file was cut off."""

    def fault(project: Project, rng: random.Random) -> tuple[Run, bool]:
        path = rng.choice(sorted(project.folder.glob(pattern)))
        content = path.read_bytes()
        path.write_bytes(content[: rng.randrange(len(content))])
        return Past(project), True

    return fault


def damaged_cache(project: Project, rng: random.Random) -> tuple[Run, bool]:
    """Every file of the compilation cache is cut off or overwritten, and half of the fits are still to be done."""
    started = Run(project)
    started.until("(Rule: fit_s")
    started.send(signal.SIGTERM)
    started.wait()
    cached = [path for path in (project.folder / "cache").rglob("*") if path.is_file()]
    for path in cached:
        content = path.read_bytes()
        path.write_bytes(rng.choice([content[: len(content) // 2], b"", rng.randbytes(len(content))]))
    return started, bool(cached)


def data_changed(project: Project, rng: random.Random) -> tuple[Run, bool]:
    """A table is changed while fits to it run."""
    started = Run(project)
    started.until("rule fit_s")
    time.sleep(rng.uniform(0, 4))
    alive = started.process.poll() is None
    change_data(project)
    started.wait()
    return started, alive


def two_runs(project: Project, rng: random.Random) -> tuple[Run, bool]:
    """A second Snakemake is started in the same folder."""
    first = Run(project)
    time.sleep(rng.uniform(0.1, 6))
    second = Run(project)
    second.wait()
    first.wait()
    codes = {first.code, second.process.returncode}
    if 0 not in codes:
        raise AssertionError(first.text + second.text)
    return (first if first.code == 0 else second), codes != {0}


def clock_jumps(project: Project, rng: random.Random) -> tuple[Run, bool]:
    """A run of which the clock is days ahead or behind is ended on the way."""
    days = rng.choice(["-40d", "-1d", "+1d", "+40d"])
    # the library itself: the program `faketime` would stand between Snakemake and the signal
    clock = {"LD_PRELOAD": str(false_clock()), "FAKETIME": days, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    return _signalled(signal.SIGTERM, clock)(project, rng)


SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP", "SIGKILL")
FAULTS: dict[str, Fault] = {
    "kernel killed at its start": _killed("start", 2),
    "kernel killed while solving": _killed("solve", 12),
    "kernel killed before a file is in place": _killed("write", 16),
    "kernel killed after a file is in place": _killed("written", 16),
    "kernel killed between notebooks": _killed("between", 4),
    "job of a path killed": _killed("job", 24),
    "disk full": disk_full,
    "results read-only": read_only,
    "encoding cut off": _truncated(f"{STUDY}/encodings/*.npz"),
    "record cut off": _truncated(f"{STUDY}/fits/**/record.json"),
    "parameters cut off": _truncated(f"{STUDY}/fits/**/parameters.npz"),
    "mutations cut off": _truncated(f"{STUDY}/fits/**/mutations.csv"),
    "compilation cache damaged": damaged_cache,
    "data changed during the run": data_changed,
    "two runs in one folder": two_runs,
    "clock jumps": clock_jumps,
    **{name: _signalled(signal.Signals[name]) for name in SIGNALS},
}
NEED_MOUNT = ("disk full", "results read-only")
TIMED = ("data changed during the run", "two runs in one folder", "clock jumps", *SIGNALS)
DAMAGED = {"record cut off", "parameters cut off", "mutations cut off"}  # one fit is made again, and must be
FINISHED = DAMAGED | {"encoding cut off"}


def can_mount(folder: Path) -> bool:
    """Whether this user may mount at ``folder``: root may, but not in every container."""
    done = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], capture_output=True)
    if done.returncode == 0:
        subprocess.run(["umount", str(folder)], check=True)
    return done.returncode == 0


def false_clock() -> Path | None:
    """The library of Debian's package libfaketime, if it is installed."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
