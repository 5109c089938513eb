"""A fit's record: what was fitted, how it ended, how good it is, and what produced it."""

import importlib.metadata
import math
import platform
import subprocess
from pathlib import Path
from typing import Any

from proxsweep.io.files import write_json

SCHEMA_VERSION = 1
PACKAGES = ("jax", "jaxlib", "numpy", "scipy", "pandas", "papermill")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on."""
    from proxsweep import __version__

    found = {"python": platform.python_version(), "proxsweep": __version__}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def git(folder: Path, *arguments: str) -> str | None:
    """What git says of a folder; None where it has nothing to say."""
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip("\n")


def revision() -> dict[str, Any]:
    """Git revision of the tree this package stands in, and whether tracked files differ from it."""
    folder = Path(__file__).parent

    commit = git(folder, "rev-parse", "HEAD")
    changes = git(folder, "status", "--porcelain", "--untracked-files=no") if commit else None
    return {"commit": commit, "uncommitted_changes": None if changes is None else bool(changes)}


def _plain(value: Any) -> Any:
    """NumPy scalars as Python's, NaN and infinity as None: JSON has neither."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write(path: str | Path, record: dict[str, Any]) -> None:
    """Write a record as JSON, with schema version, package versions and git revision added."""
    write_json(
        path,
        _plain({"schema_version": SCHEMA_VERSION, **record, "versions": versions(), "revision": revision()}),
    )
