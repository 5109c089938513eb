"""Digests of the files that a run leaves: noted by whoever writes a file, verified by whoever reads it.

The digest of ``results/STUDY/.../NAME`` stands in ``results/STUDY/.../.digests/NAME``. Fits are left out: their records
hold the digests of their files. So are checkpoints, which come and go while a fit runs, and the notebooks of paths,
which no step reads.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from proxsweep.io import marks
from proxsweep.io.errors import UserError

ROOT, FOLDER, ELSEWHERE = "results", ".digests", ("fits", "checkpoints", "paths")
MAKER = "PROXSWEEP_MAKER"
"""Environment variable: what runs, for the note and for messages."""


def sha256(path: str | Path) -> str:
    """Hexadecimal SHA-256 digest of a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_noted(path: str | Path) -> bool:
    """Whether a file is one of a run's, by its path relative to the working directory."""
    path = Path(path)
    folders = path.parts[:-1]
    if path.is_absolute() or ROOT not in folders:
        return False
    below = folders[folders.index(ROOT) + 1 :]
    return bool(below) and not set(below) & set(ELSEWHERE)


def note(path: str | Path, content: str | Path) -> None:
    """Note the digest of ``content``, the file that is about to take the place of ``path``."""
    place = _note(path)
    place.parent.mkdir(exist_ok=True)
    written = {"sha256": sha256(content), "bytes": os.path.getsize(content), "maker": os.environ.get(MAKER, "")}
    unfinished = place.with_name(f".{place.name[:40]}.{marks.mark()}.digested")  # of such names jobs.leftovers knows
    unfinished.write_text(json.dumps(written), encoding="utf-8")
    os.replace(unfinished, place)


def fault(path: str | Path) -> str | None:
    """How a file differs from what was noted; None where it does not, where it is missing, or nothing was noted."""
    noted = _noted(path)
    if noted is None or not os.path.isfile(path):
        return None
    size, written = os.path.getsize(path), noted.get("bytes")
    maker = f" by {noted['maker']}" if noted.get("maker") else ""
    if size != written:
        # message: A file that a run had finished was cut off, emptied or edited, or its digest was. | As above.
        return f"{size} bytes where {written} were written{maker}"
    if sha256(path) != noted.get("sha256"):
        # message: A file that a run had finished was edited or overwritten. | As above.
        return f"other bytes than were written{maker}"
    return None


def undamaged(path: str | Path) -> Path | None:
    """A file's path; None where it is not there, or is not as it was written, which the next run mends."""
    return None if not Path(path).exists() or fault(path) else Path(path)


def verify(path: str | Path) -> None:
    """Refuse a file that is not as it was written.

    Raises
    ------
    UserError
    """
    found = fault(path)
    if found:
        # message: 1203 bytes where 1337 were written by preprocess / other bytes than were written by preprocess | the
        # file as it was written; the next run of the workflow makes it again | It was cut off, edited
        # or overwritten after a step of the run had finished it. | Run the workflow again: it finds such files and
        # makes them anew. Put changes into the config or into your own tables, not into results.
        raise UserError(str(path), found, "the file as it was written; the next run of the workflow makes it again")


def verified(path: str | Path) -> str | Path:
    """The path, after :func:`verify`."""
    verify(path)
    return path


def noted_below(folder: str | Path) -> Iterator[str]:
    """Files below a folder whose digests were noted, in the order of their paths."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - set(ELSEWHERE))
        if os.path.basename(place) == FOLDER:
            yield from (os.path.join(os.path.dirname(place), name) for name in sorted(names) if name[0] != ".")


def _note(path: str | Path) -> Path:
    path = Path(path)
    return path.parent / FOLDER / path.name


def _noted(path: str | Path) -> dict[str, Any] | None:
    """What was noted of a file, None if nothing was; empty where the note itself is damaged."""
    try:
        found = json.loads(_note(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
