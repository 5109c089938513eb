"""Gzipped tables too long to be held, compared part by part with what has to stand there; how is told in `cells`."""

import csv
import functools
import gzip
import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from proxsweep.io.errors import UserError
from proxsweep.sweep import cells
from proxsweep.sweep.cells import Expected, Written
from proxsweep.sweep.discrepancies import Discrepancies

Setting = tuple[str, ...]


@dataclass(frozen=True)
class LongTable:
    """What a table has to say, in parts.

    Attributes
    ----------
    by
        Columns that have one value in a part, and another combination in each.
    parts
        At least one, in their order, with at least one row each. Their keys tell rows of a part apart.
    """

    by: tuple[str, ...]
    parts: Iterable[Expected]


def compare(path: Path, file: str, table: LongTable, discrepancies: Discrepancies) -> None:
    """Compare a table (.csv.gz); of each part and column that differs the first row is told.

    Raises
    ------
    UserError
        For a file that is missing or no such table.
    """
    parts, rows = iter(table.parts), _rows(path)
    first, names = next(parts), next(rows)
    cells.header(file, names, list(first.table), discrepancies)
    if not set(table.by) <= set(names):
        return
    places, line, ahead = [names.index(name) for name in table.by], 2, next(rows, None)
    known = ((part, _has(part, table.by)) for part in itertools.chain([first], parts))
    for (part, is_here), (_, is_after) in itertools.pairwise(itertools.chain(known, [(None, None)])):
        taken = []
        while ahead is not None:
            setting = tuple([ahead[k] for k in places])  # a list on the way: half the time
            # a row that is of neither part, because it was edited, is taken for one of this
            if not is_here(setting) and (len(taken) >= len(part.table) or (is_after and is_after(setting))):
                break
            taken.append(ahead)
            ahead = next(rows, None)
        columns = dict(zip(names, zip(*taken, strict=True) if taken else [()] * len(names), strict=True))
        written, found = Written(names, columns, line), Discrepancies()
        cells.compare_rows(file, written, part, found)
        if found.disagreements:  # told with the part, which takes longer to compare
            cells.compare_rows(file, written, replace(part, key=(*table.by, *part.key)), discrepancies)
        line += len(taken)
    if ahead is not None:
        more = 1 + sum(1 for _ in rows)
        discrepancies.add(file, f"row {line}, the first of {more}", "there", "no row of this table")


def _has(part: Expected, by: tuple[str, ...]) -> Callable[[Setting], bool]:
    """Whether cells of the columns ``by`` are those of the part."""
    values = [part.table[name].iloc[0] for name in by]

    @functools.cache
    def has(setting: Setting) -> bool:
        return all(cells.agrees(cell, value) for cell, value in zip(setting, values, strict=True))

    return has


def _rows(path: Path) -> Iterator[list[str]]:
    """Every row of a table, its header first."""
    expected, names = "a table as it was written (.csv.gz)", []
    try:
        with gzip.open(path, "rt", newline="", encoding="utf-8") as stream:
            for number, row in enumerate(csv.reader(stream, strict=True), start=1):
                names = names or row
                if len(row) != len(names):
                    # message: A row was cut off or edited. | Make the table again.
                    raise UserError(str(path), f"{len(row)} cells in row {number}", f"{len(names)}, as in its header")
                yield row
    except (OSError, EOFError, ValueError, zlib.error, csv.Error) as error:
        # message: It is missing, was cut off, or is no CSV. | Make it again.
        raise UserError(str(path), f"a file that cannot be read ({error})", expected) from error
    if not names:
        # message: The table was emptied. | Make it again.
        raise UserError(str(path), "no header", expected)
