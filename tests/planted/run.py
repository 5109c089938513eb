"""Puts faults into copies of the project, one into each, and runs the tests that have to fail: ``make test-planted``.

Only tests that `make test` runs are run, so that what is caught here is caught there. Prints a table; exit code 1 if a
fault was not caught.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import yaml

PROJECT = Path(__file__).resolve().parents[2]
FAULTS = Path(__file__).with_name("faults.yaml")
QUICK = ("-m", "not slow")  # as in the Makefile
PASSED, FAILED = 0, 1  # exit codes of pytest; others mean that it did not get to run the tests
SECONDS = 3600


class Outcome(NamedTuple):
    """What came of a fault: whether a test failed, the first that did, and seconds."""

    fault: str
    caught: bool
    by: str
    seconds: float


def load() -> list[dict[str, str]]:
    """All faults, in the order of the file."""
    return yaml.safe_load(FAULTS.read_text(encoding="utf-8"))


def planted(fault: dict[str, str], folder: Path) -> str:
    """The text of the fault's file with the fault in it; a text that does not stand there once ends the program."""
    path = folder / fault["file"]
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if text.count(fault["old"]) != 1:
        found = f"the text {text.count(fault['old'])} times" if path.exists() else "no such file"
        sys.exit(f"{fault['file']}: found {found}; expected once: {fault['old']!r} ({fault['fault']})")
    return text.replace(fault["old"], fault["new"])


def arguments(fault: dict[str, str]) -> list[str]:
    """The fault's tests, quick ones only, as arguments of pytest: names, and what stands behind -k in one piece."""
    names, _, chosen = fault["tests"].partition(" -k ")
    return [*QUICK, *names.split(), *(["-k", chosen.strip('"')] if chosen else [])]


def copy(folder: Path) -> None:
    """Copy what git tracks, and what it would track."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        check=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)


def tests(folder: Path, chosen: list[str]) -> tuple[int, str]:
    """Run tests in ``folder`` until the first failure; pytest's exit code and its last lines."""
    options = ["-n0", "-q", "-x", "-p", "no:cacheprovider", f"--basetemp={folder.with_name(folder.name + ' tests')}"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *chosen],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout


def tried(work: Path, numbered: tuple[int, dict[str, str]]) -> Outcome:
    """Plant a fault in a copy of its own and run its tests."""
    number, fault = numbered
    folder, began = work / str(number), time.monotonic()
    copy(folder)
    (folder / fault["file"]).write_text(planted(fault, folder), encoding="utf-8")
    code, said = tests(folder, arguments(fault))
    if code not in (PASSED, FAILED):
        sys.exit(f"{fault['fault']}: pytest ended with exit code {code}:\n{said[-3000:]}")
    shutil.rmtree(folder)
    first = next((line.split()[1] for line in said.splitlines() if line.startswith(("FAILED ", "ERROR "))), "")
    outcome = Outcome(fault["fault"], code == FAILED, first, time.monotonic() - began)
    print(show(outcome), flush=True)
    return outcome


def show(outcome: Outcome) -> str:
    """A line of the table."""
    return f"{'caught' if outcome.caught else 'MISSED':7}{outcome.seconds:6.0f} s  {outcome.fault}  {outcome.by}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at-once", type=int, default=1, help="faults side by side")
    parser.add_argument("--only", default="", help="faults whose words hold this text")
    options = parser.parse_args()
    faults = [fault for fault in load() if options.only in fault["fault"]]
    for fault in faults:  # all of them before the first is tried
        planted(fault, PROJECT)
    with tempfile.TemporaryDirectory(prefix="planted-") as work, ThreadPoolExecutor(options.at_once) as pool:
        outcomes = list(pool.map(partial(tried, Path(work)), enumerate(faults)))
    caught = sum(outcome.caught for outcome in outcomes)
    print(f"{caught} of {len(outcomes)} faults caught")
    return int(caught < len(outcomes))


if __name__ == "__main__":
    sys.exit(main())
