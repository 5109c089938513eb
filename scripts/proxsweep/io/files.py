"""Files that are either whole or not there: every write goes to a temporary neighbour and is renamed.

NumPy and pandas are imported by those who hand over arrays and tables: a command that writes text needs neither.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from proxsweep.io import digests, marks

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def write_stream(path: str | Path, write: Callable[[IO[bytes]], None]) -> None:
    """Write what ``write`` puts into the stream that it is called with, atomically."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # of a long name a part, since that of the temporary file is longer
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.{marks.mark()}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            write(stream)
        put_in_place(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def put_in_place(temporary: str | Path, path: str | Path) -> None:
    """Give a finished temporary file, on the same file system, its name and the mode of any new file.

    The disk has its content before it has the name, and the name when this returns.
    """
    with open(temporary, "rb") as stream:
        os.fsync(stream.fileno())
    umask = os.umask(0)
    os.umask(umask)
    os.chmod(temporary, 0o666 & ~umask)
    if digests.is_noted(path):
        digests.note(path, temporary)
    os.replace(temporary, path)
    _sync_folder(Path(path).parent)


def _sync_folder(folder: Path) -> None:
    """Write the names of files to the disk; some file systems cannot, and do it by themselves or not at all."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write ``content``, atomically."""
    write_stream(path, lambda stream: stream.write(content))


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically."""
    write_bytes(path, text.encode())


def write_json(path: str | Path, value: object) -> None:
    """Write ``value`` as indented JSON, atomically; NaN and infinity are refused (ValueError)."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_csv(path: str | Path, table: pd.DataFrame) -> None:
    """Write ``table`` without its index as CSV, atomically; floats read back to the same value."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def write_npz(path: str | Path, **arrays: np.ndarray) -> None:
    """Write named arrays as a compressed ``.npz`` without pickles, atomically."""
    import numpy as np

    for name, array in arrays.items():
        if np.asarray(array).dtype == object:
            raise TypeError(f"array {name} holds Python objects; only typed arrays are written")
    write_stream(path, lambda stream: np.savez_compressed(stream, **arrays))
