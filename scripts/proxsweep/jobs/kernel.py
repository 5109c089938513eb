"""An IPython kernel that starts and ends quickly: ``python -P -m proxsweep.jobs.kernel -f CONNECTION_FILE``.

What differs from ``ipykernel_launcher``: no debugger and no history file, since nobody sits in front of the kernel;
garbage is collected less often, since large libraries make hundreds of thousands of objects that all stay; and after
a proper shutdown the interpreter is not taken apart object by object. Standard library only at the top: the
collector is set before anything large is imported.
"""

import atexit
import gc
import os
import sys

COLLECT_AFTER = 50_000
"""Objects made, less objects freed, between two collections of the youngest (Python's own: 700)."""

OPTIONS = (
    "--InteractiveShellApp.ignore_cwd=True",  # a folder named like a package would hide it
    "--HistoryManager.enabled=False",
)


def main() -> None:
    """Run a kernel until it is asked to end."""
    gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])
    ended: list[bool] = []
    atexit.register(_leave, ended)  # first in, last out

    sys.modules["debugpy"] = None  # ipykernel does without what cannot be imported
    from ipykernel.kernelapp import IPKernelApp

    application = IPKernelApp.instance()
    application.initialize([*sys.argv[1:], *OPTIONS])
    del sys.modules["debugpy"]
    application.start()
    ended.append(True)


def _leave(ended: list[bool]) -> None:
    """End the process where a kernel was shut down; whatever else ends it leaves as Python does.

    Other exit functions have run: IPython's has emptied the namespace of the cells, which closes files left open.
    """
    if ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
