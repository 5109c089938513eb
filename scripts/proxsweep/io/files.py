"""Files that are either whole or not there: every write goes to a temporary neighbour and is renamed.

NumPy and pandas are imported by those who hand over arrays and tables: a command that writes text needs neither.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def write_stream(path: str | Path, write: Callable[[IO[bytes]], None]) -> None:
    """Write what ``write`` puts into the stream that it is called with, atomically."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


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


def sha256(path: str | Path) -> str:
    """Hexadecimal SHA-256 digest of a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
