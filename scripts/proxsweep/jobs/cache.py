"""Where compiled code is kept between jobs: on this machine, for this user alone."""

import os
import stat
import tempfile
from pathlib import Path

VARIABLE = "JAX_COMPILATION_CACHE_DIR"


def compilation_cache() -> dict[str, str]:
    """Environment variables that let JAX keep compiled code, empty where there is no safe place for it.

    A folder named by ``JAX_COMPILATION_CACHE_DIR`` is used as it is. Otherwise it is ``proxsweep-{user id}`` in the
    machine's temporary folder (node-local on most clusters), which must belong to the user and be closed to others:
    what lies in it is executed.
    """
    folder = os.environ.get(VARIABLE) or _own_folder(Path(tempfile.gettempdir()) / f"proxsweep-{os.getuid()}")
    if folder is None:
        return {}
    # short compilations are worth keeping too: a fit has about twenty of them, together a fifth of a second
    return {VARIABLE: str(folder), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}


def _own_folder(folder: Path) -> Path | None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return None
    private = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
    return folder if private else None
