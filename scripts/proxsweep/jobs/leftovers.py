"""What killed processes left: temporary files and folders, removed where nobody can be writing them any more.

Their names hold the mark of the process that made them (:mod:`proxsweep.io.marks`). Where that process ran on this
machine it has to have ended; where it cannot be seen, or there is no mark, the file has to be untouched for a day.
"""

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from proxsweep.io import marks

DAY = 86_400  # seconds
MAKING = ".making-"
"""Where the notebook of a fit writes: no other job's folder, whose kernel may live a little longer than it."""

_RANDOM = "[a-z0-9_]{8}"  # of tempfile
_NAME = re.compile(
    rf"{re.escape(MAKING)}(?:(?P<making>{marks.PATTERN})\.)?{_RANDOM}"
    rf"|\.unchecked-(?P<unchecked>{marks.PATTERN})-.+"
    rf"|\..+?\.(?:(?P<file>{marks.PATTERN})\.)?{_RANDOM}",
    re.DOTALL,
)
_OWNER = "owner"
_PRIVATE = re.compile(rf"proxsweep-{_RANDOM}")


def making(folder: Path) -> Path:
    """A new folder in that of a fit, for its notebook to write into."""
    return Path(tempfile.mkdtemp(prefix=f"{MAKING}{marks.mark()}.", dir=folder))


def remove(studies: Iterable[str]) -> Iterator[str]:
    """Remove what was left below the results and logs of studies; says how much that was.

    Paths are relative to the working directory.
    """
    for root in (f"{top}/{study}" for study in studies for top in ("results", "logs")):
        if number := sum(map(_remove, [path for path in _candidates(root) if _is_left(path, root)])):
            # message: An earlier run, or a job of it, was killed while it wrote. | Nothing.
            yield f"{root}: removed {number} unfinished files that killed processes had left"


def _candidates(root: str) -> Iterator[str]:
    for place, folders, names in os.walk(root):
        yield from (os.path.join(place, name) for name in [*folders, *names] if _NAME.fullmatch(name))
        folders[:] = [name for name in folders if not name.startswith(MAKING)]


def _is_left(path: str, root: str) -> bool:
    mark = next(filter(None, _NAME.fullmatch(os.path.basename(path)).groups()), None)
    ended = marks.has_ended(mark) if mark else None
    return _last_change(path, root) < time.time() - DAY if ended is None else ended


def _last_change(path: str, root: str) -> float:
    """When a file or folder was changed last; a fit in the making also writes checkpoints."""
    inside = [entry.path for entry in os.scandir(path)] if os.path.isdir(path) else []
    parts = os.path.relpath(os.path.dirname(path), f"{root}/fits")
    changes = [0.0]
    for one in (path, *inside, f"{root}/checkpoints/{parts}.npz"):
        with contextlib.suppress(FileNotFoundError):
            changes.append(os.lstat(one).st_mtime)
    return max(changes)


def _remove(path: str) -> bool:
    if os.path.islink(path):
        return False
    try:
        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    except OSError:  # gone meanwhile, or not ours
        return False
    return True


# ---- folders of kernels ----------------------------------------------------------------------------------


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A temporary folder that is gone afterwards, or after :func:`remove_private_folders` if this process is killed."""
    folder = Path(tempfile.mkdtemp(prefix="proxsweep-"))
    try:
        (folder / _OWNER).write_text(marks.mark(), encoding="ascii")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_private_folders() -> None:
    """Remove the private folders of processes of this user that were killed on this machine."""
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for path in [entry.path for entry in entries if _PRIVATE.fullmatch(entry.name)]:
            if _was_killed(Path(path)):
                shutil.rmtree(path, ignore_errors=True)


def _was_killed(folder: Path) -> bool:
    """Whether the process that made a private folder has ended; nothing is known of a folder without an owner."""
    try:
        mark = (folder / _OWNER).read_text(encoding="ascii")
        ours = folder.lstat().st_uid == os.getuid() and not folder.is_symlink()
    except (OSError, ValueError):
        return False
    return ours and re.fullmatch(marks.PATTERN, mark) is not None and marks.has_ended(mark) is True
