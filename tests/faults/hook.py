"""Put into a copy of the project: kills the process that it finds itself in, once, where the test asks for it.

Under a false clock it mends ``time.sleep``: libfaketime 0.9.10 takes its real clock, which cannot be set back, for the
false one, and every sleep fails.

``PROXSWEEP_FAULT`` is ``place:number:folder``: the process that is the ``number``-th to come by ``place``, counted in
``folder``, is killed.
"""

import builtins
import gc
import os
import select
import signal
import sys
import time
from pathlib import Path

PLACE, NUMBER, FOLDER = (os.environ.get("PROXSWEEP_FAULT") or "::").split(":", 2)


def here(place: str) -> None:
    """Count that a process came by; kill it if it is the one."""
    if place != PLACE:
        return
    descriptor = os.open(Path(FOLDER) / "came_by", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, b".")
    count = os.fstat(descriptor).st_size
    os.close(descriptor)
    if count == int(NUMBER):
        os.kill(os.getpid(), signal.SIGKILL)


def install() -> None:
    """Come by ``start`` now if this is a kernel, ``between`` before each notebook, ``solve`` at a look at a solve,
    ``write`` and ``written`` at a file of a fit; ``job`` at each line and file of a job of fits."""
    if PLACE == "job" and "make-fits" in sys.orig_argv:
        _come_by(os, "replace", "job")
        _come_by(builtins, "print", "job")
    if not PLACE or "proxsweep.jobs.kernel" not in sys.orig_argv:
        return
    here("start")
    _come_by(gc, "freeze", "between")
    show, replace = builtins.print, os.replace

    def shown(*values: object, **options: object) -> None:
        if values and ": iteration " in str(values[0]):
            here("solve")
        show(*values, **options)

    def replaced(source: object, target: object) -> None:
        if "/fits/" in str(target):
            here("write")
        replace(source, target)
        if "/fits/" in str(target):
            here("written")

    builtins.print, os.replace = shown, replaced


def _come_by(module: object, name: str, place: str) -> None:
    function = getattr(module, name)

    def called(*values: object, **options: object) -> object:
        here(place)
        return function(*values, **options)

    setattr(module, name, called)


def sleep(seconds: float) -> None:
    """Wait by what libfaketime leaves alone."""
    select.select([], [], [], seconds)


if "FAKETIME" in os.environ:
    time.sleep = sleep
install()
