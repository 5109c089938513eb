"""All full fits of a study in one table: one line for each effect and each shift of each fit.

Made for analyses elsewhere, so every line says what it is of: no number stands twice, and columns are the same whatever
the matrices of a study compare (docs/effects.md). It is written fit by fit: no more than one is held at a time.
"""

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pandas as pd

from proxsweep.dms.results import fitted
from proxsweep.io.files import write_stream
from proxsweep.sweep import fit_folder
from proxsweep.sweep.fits import full, sweep_columns, usable

COLUMNS = ("status", *fitted.NAMES, "quantity", "of", "value", "times_seen")
LEVEL = 4  # of compression: half the time of the usual 6, and a file 6 % larger


def write(path: str | Path, fits: pd.DataFrame) -> None:
    """Write the table as gzipped CSV, atomically; the same fits give the same bytes. Raises as :func:`parts`."""

    def pack(stream: IO[bytes]) -> None:
        with gzip.GzipFile(filename="", fileobj=stream, mode="wb", compresslevel=LEVEL, mtime=0) as packed:
            for part in parts(fits):
                packed.write(part.encode())

    write_stream(path, pack)


def parts(fits: pd.DataFrame) -> Iterator[str]:
    """The table as CSV: its header, then the lines of one fit after the other.

    Parameters
    ----------
    fits
        The study's table of fits; those to a part of the variants are left aside.

    Yields
    ------
    str
        Lines with the swept parameters by name, ``status`` of the fit, ``mutation``, ``wildtype``, ``site``,
        ``mutant``; ``quantity`` (``effect`` or ``shift``) and what it is ``of``: a condition, or a row of the
        difference matrix; ``value`` (latent units, as `mutations.csv` has it; nothing where the fit diverged);
        ``times_seen``: variants of the condition that carry the mutation, of a shift those of the compared condition
        that has the fewest.

    Raises
    ------
    UserError
        For a fit whose files are missing, damaged, or do not go together.
    """
    fits = full(fits)
    settings = sweep_columns(fits)
    yield _cells([[*settings, *COLUMNS]])[0] + "\n"
    for fit, is_usable in zip(fits.to_dict("records"), usable(fits), strict=True):
        prefix = _cells([[_text(fit[name]) for name in (*settings, "status")]])[0]
        yield _lines(prefix, fit["path"], is_usable)


def _lines(prefix: str, path: str, is_usable: bool) -> str:
    """The lines of the fit in a folder, mutation by mutation."""
    found = fitted.load(path)
    # text: every digit as it is written there
    written = fit_folder.table(path, fitted.TABLE, list(found.mutations), fitted.NAMES).fillna("")
    names = _cells(written[list(fitted.NAMES)].itertuples(index=False))
    columns = []
    for quantity, of, column, conditions in _quantities(found):
        middle = _cells([[quantity, of]])[0]
        values = written[column] if is_usable else [""] * len(written)
        seen = found.mutations[[f"times_seen_{name}" for name in conditions]].min(axis=1)
        lines = zip(names, values, seen.tolist(), strict=True)
        columns.append([f"{prefix},{name},{middle},{value},{times}\n" for name, value, times in lines])
    return "".join(line for lines in zip(*columns, strict=True) for line in lines)


def _quantities(found: fitted.Fitted) -> Iterator[tuple[str, str, str, list[str]]]:
    """Quantity, what it is of, its column in `mutations.csv`, and the conditions in which it has to be seen."""
    for name in found.conditions:
        yield "effect", name, f"beta_{name}", [name]
    for row, conditions in found.rows.items():
        yield "shift", row, f"shift_{row}", conditions


def _cells(rows: Any) -> list[str]:
    """Each row as a line of CSV, without its end."""
    lines: list[str] = []
    csv.writer(SimpleNamespace(write=lines.append), lineterminator="").writerows(rows)
    return lines


def _text(value: Any) -> Any:
    return "" if value is None or value is pd.NA or value != value else value
