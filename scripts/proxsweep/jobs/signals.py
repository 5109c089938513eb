"""How a run ends by a signal, so that it leaves no lock behind."""

import _thread
import contextlib
import signal
import sys
from types import FrameType


def exit_on_signal(number: int, frame: FrameType | None) -> None:
    """A handler that ends the process as its parent expects."""
    sys.exit(128 + number)


def exit_on_termination() -> None:
    """End on SIGTERM and on SIGHUP (a terminal that was closed) as on Ctrl-C.

    Snakemake has no handler of SIGTERM until its first job, and none of SIGHUP: a process that simply ended would leave
    the folder locked. What is ignored, as under nohup, stays ignored.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, exit_on_signal)


def run_sigterm_handler_in_thread() -> None:
    """Let Snakemake's handler of SIGTERM wait for its lock in a thread of its own.

    In the main thread, where Python calls it, it waits for ever if a signal comes while that thread holds the lock.
    """
    handler = signal.getsignal(signal.SIGTERM)
    if callable(handler):
        with contextlib.suppress(ValueError):  # not in the main thread: then there is no handler of Snakemake's either
            signal.signal(signal.SIGTERM, lambda *arguments: _thread.start_new_thread(handler, arguments))
