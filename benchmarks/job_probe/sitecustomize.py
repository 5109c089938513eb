"""Clocks inside a notebook job: seconds and processor seconds of every phase, in its command and in its kernel.

Python imports this module at its start when its folder is on PYTHONPATH. Phases are exclusive: the clock stops for
the outer one while an inner one runs, and what is imported counts as import wherever the statement stands. Each
process keeps `parent.json` or `kernel.json` in the folder JOB_PROBE names; the kernel writes after every cell, since
it may be killed at its end. Used by job_overhead.py.
"""

import atexit
import functools
import importlib._bootstrap
import json
import os
import resource
import sys
import threading
import time

KERNEL = any(name in sys.orig_argv for name in ("proxsweep.jobs.kernel", "ipykernel_launcher"))
IMPORTS = "imports" if KERNEL else "parent imports"

# module: {function or method: phase}
TIMED = {
    "proxsweep.dms.data.encoding": {"Encoding.load": "reading"},
    "proxsweep.dms.model.fit": {"fit": "fit"},
    "proxsweep.dms.model.fit_files": {"write": "writing"},
    "proxsweep.dms.model.fit_figures": {
        "data_report": "reading",
        "convergence": "figures",
        "observed_against_predicted": "figures",
    },
    "proxsweep.report.style": {"image": "figures"},
}
# module: {function or method: the phases that begin when it is called and when it returns}
BEGINS = {
    "proxsweep.jobs.notebook": {"run": ("kernel start", "shutdown")},
    "papermill.clientwrap": {"PapermillNotebookClient.papermill_execute_cells": ("cells", "shutdown")},
}


def processor_seconds() -> float:
    """Of this process and, in the kernel, of programs it waited for; the command's child is the kernel itself."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN) if KERNEL else None
    return time.process_time() + (children.ru_utime + children.ru_stime if children else 0.0)


class Clock:
    def __init__(self, phase: str):
        self.phases = [phase]
        self.totals: dict[str, list[float]] = {}
        self.last = (float(os.environ["JOB_PROBE_BEGAN"]) if not KERNEL else time.time(), 0.0)

    def _book(self) -> None:
        now = (time.time(), processor_seconds())
        total = self.totals.setdefault(self.phases[-1], [0.0, 0.0])
        for k in range(2):
            total[k] += now[k] - self.last[k]
        self.last = now

    def push(self, phase: str) -> None:
        self._book()
        self.phases.append(phase)

    def pop(self) -> None:
        self._book()
        self.phases.pop()

    def begin(self, phase: str) -> None:
        """From here on the outermost phase is this one."""
        self._book()
        self.phases[0] = phase

    def write(self) -> None:
        self._book()
        name = "kernel" if KERNEL else "parent"
        with open(os.path.join(os.environ["JOB_PROBE"], f"{name}.json"), "w") as stream:
            json.dump({"phases": self.totals, "ended": self.last[0]}, stream)


def timed(function, phase: str):
    @functools.wraps(function)
    def inner(*positional, **named):
        clock.push(phase)
        try:
            return function(*positional, **named)
        finally:
            clock.pop()

    return inner


def begins(function, phases: tuple[str, str]):
    @functools.wraps(function)
    def inner(*positional, **named):
        clock.begin(phases[0])
        try:
            return function(*positional, **named)
        finally:
            clock.begin(phases[1])

    return inner


def cell(function):
    @functools.wraps(function)
    async def inner(*positional, **named):
        clock.begin("rest")
        try:
            return await function(*positional, **named)
        finally:
            clock.begin("between cells")
            clock.write()

    return inner


def hook(module: str) -> None:
    """Put clocks into a module that has just been imported."""
    for wrap, table in ((timed, TIMED), (begins, BEGINS)):
        for path, phase in table.get(module, {}).items():
            owner = sys.modules[module]
            *classes, name = path.split(".")
            for part in classes:
                owner = getattr(owner, part)
            raw = vars(owner)[name]
            made = classmethod(wrap(raw.__func__, phase)) if isinstance(raw, classmethod) else wrap(raw, phase)
            setattr(owner, name, made)
    if KERNEL and module == "ipykernel.ipkernel":
        kernel = sys.modules[module].IPythonKernel
        kernel.do_execute = cell(kernel.do_execute)


def clocked_import(name, import_):
    watched = threading.current_thread() is threading.main_thread() and clock.phases[0] != "interpreter and kernel"
    if watched:
        clock.push(IMPORTS)
    try:
        return load(name, import_)
    finally:
        if watched:
            clock.pop()
        if name not in hooked and name in sys.modules:
            hooked.add(name)
            hook(name)


if "JOB_PROBE" in os.environ and (KERNEL or "proxsweep" in sys.orig_argv):
    clock = Clock("interpreter and kernel" if KERNEL else IMPORTS)
    hooked: set[str] = set()
    load = importlib._bootstrap._find_and_load
    importlib._bootstrap._find_and_load = clocked_import
    if not KERNEL:
        atexit.register(clock.write)
