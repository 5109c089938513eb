"""Which process a file in the making belongs to: a mark in its name tells whether that process has ended."""

import functools
import hashlib
import os
import platform
from pathlib import Path

PATTERN = r"[0-9a-f]{8}-[0-9]{1,7}"


def mark() -> str:
    """A text for names of files that tells this process from any other on any machine."""
    return f"{_machine()}-{os.getpid()}"


def has_ended(mark: str) -> bool | None:
    """Whether the process of a mark has ended; None where that cannot be seen from here.

    A process that has got the number of an earlier one is taken for it.
    """
    machine, _, number = mark.partition("-")
    if machine != _machine():
        return None
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


@functools.cache
def _machine() -> str:
    """This machine since it was started; of containers on it, those that count processes on their own are others."""
    try:
        known = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii") + os.readlink("/proc/self/ns/pid")
    except OSError:
        known = platform.node()
    return hashlib.sha256(known.encode()).hexdigest()[:8]
