"""Files dated in the future, as a clock that was ahead leaves them once it is put right.

Snakemake compares dates. What is made today from a file of next month looks out of date at once, and is refused.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

LEEWAY = 2.0  # seconds that the clocks of two machines on one file system may differ


def future_files(folder: str | Path) -> Iterator[str]:
    """Paths of files below a folder that are dated later than now."""
    latest = time.time() + LEEWAY
    for place, _, names in os.walk(folder):
        for path in (os.path.join(place, name) for name in names):
            with contextlib.suppress(FileNotFoundError):  # another run may be writing here
                if os.stat(path, follow_symlinks=False).st_mtime > latest:
                    yield path


def clamp_future_mtimes(folder: str | Path) -> int:
    """Date files below a folder that are dated later than now as of now; how many there were.

    All get one date, so that none of them is newer than another.
    """
    paths, now = list(future_files(folder)), time.time()
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            os.utime(path, (now, now), follow_symlinks=False)
    return len(paths)
