"""Which rows of a table its entry in the config keeps, and the conditions and replicates that these have."""

import functools
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from proxsweep.config.labels import RULE
from proxsweep.dms.data import columns, read
from proxsweep.dms.data.columns import Used
from proxsweep.io.errors import UserError
from proxsweep.io.names import natural
from proxsweep.sweep.grid import LABEL

LONGEST = 64  # characters of a label, which names folders


class Absent(NamedTuple):
    """A value of a table's entry that no row has: its key in the entry, and how to say it."""

    key: tuple[str, ...]
    column: str
    found: str
    expected: str


def passing(rows: pd.DataFrame, where: Mapping[str, list[str]]) -> pd.Series:
    """Whether rows (N,) have the texts that ``where`` asks for, by column."""
    keep = pd.Series(True, index=rows.index)
    for column, values in where.items():
        keep &= rows[column].isin(values)
    return keep


def named(rows: pd.DataFrame, used: Used) -> pd.Series:
    """Whether rows (N,) are of a replicate that the table's ``replicates`` names; all are where it has none."""
    keep = pd.Series(True, index=rows.index)
    return rows[used.text["replicate"]].isin(list(used.labels)) if used.labels else keep


def absent(rows: pd.DataFrame, used: Used) -> Iterator[Absent]:
    """What ``where`` and ``replicates`` of a table's entry ask for and no row has."""
    for column, values in used.where.items():
        known = sorted(rows[column].unique(), key=natural)
        for value in values:
            if value not in known:
                found = f"the value {value!r} of `where`, which is in no row"
                yield Absent(("where", column), column, found, f"one of {read.nearest(value, known)}")
    keep = passing(rows, used.where)
    if used.where and not keep.any() and all(rows[column].isin(values).any() for column, values in used.where.items()):
        found = "no row that has all values of `where`"
        yield Absent(("where",), next(iter(used.where)), found, "at least one")
    if used.labels:
        column = used.text["replicate"]
        known = sorted(rows[column][keep].unique(), key=natural)
        for text, label in used.labels.items():
            if text not in known and known:
                found = f"the replicate {text!r}, which is in no row" + (" that passes `where`" if used.where else "")
                yield Absent(("replicates", label), column, found, f"one of {read.nearest(text, known)}")


def refuse_absent(rows: pd.DataFrame, used: Used, path: Path) -> None:
    """Raise UserError at the first of :func:`absent`."""
    for one in absent(rows, used):
        # message: the value 'thaw-3' of `where`, which is in no row / the replicate 'Rep4', which is in no row / no row
        # that has all values of `where` | one of 'thaw-1', 'thaw-2' / at least one | The table's entry in the list
        # `func_scores` asks for what the table does not have. | Correct `where` or `replicates` there, as the column
        # writes it.
        raise UserError(f"{path}, column {one.column!r}", one.found, one.expected)


def check_labels(lines: Mapping[str, int], column: str, path: Path) -> None:
    """Refuse labels of replicates, given with the rows where they stand first, that cannot name a folder."""
    for label, line in lines.items():
        if len(label) > LONGEST or not LABEL.fullmatch(label):
            way_out = f"`replicates: {{1: {label!r}}}` beside the table in the list `func_scores` gives it a label"
            # message: the replicate 'Rep 1', which names a folder | letters, digits and . _ + - (the first a letter or
            # digit, at most 64); or ... | Labels of replicates name folders. | Give the replicate a label as the
            # message says: `func_scores: [{func_scores: scores.csv, replicates: {1: "Rep 1", 2: "Rep 2"}}]`.
            raise UserError(
                f"{path}, row {line}, column {column!r}",
                f"the replicate {label!r}, which names a folder",
                f"{RULE}; or {way_out}",
            )


def refuse_empty(path: Path, line: int, column: str, noun: str) -> None:
    """Raise UserError for a cell that should have the label of a ``noun``."""
    # message: no condition / no replicate | the condition of every row / the replicate of every row | The cell is
    # empty. | Fill it, remove the row, or leave it out by `where` beside the table.
    raise UserError(f"{path}, row {line}, column {column!r}", f"no {noun}", f"the {noun} of every row")


def distinct(path: Path, names: tuple[str, ...]) -> pd.DataFrame:
    """The combinations of values of some columns of a table, indexed by the rows where they stand first."""
    stamp = path.stat() if path.exists() else None
    return _distinct(path, names, stamp and (stamp.st_mtime_ns, stamp.st_size))


@functools.lru_cache(maxsize=64)
def _distinct(path: Path, names: tuple[str, ...], _stamp: tuple[int, int] | None) -> pd.DataFrame:
    return read.read_table(path, names).drop_duplicates()


def looked_into(data: dict, item: dict, path: Path) -> tuple[Used, pd.DataFrame]:
    """What is read of a table, and the combinations of its conditions, replicates and columns of ``where``.

    Nothing is read of a table whose entry says all of them; one row without columns then stands for the table.
    """
    used = columns.used(data, item, read.header(path), path)
    names = [used.text[name] for name in ("condition", "replicate") if name in used.text] + list(used.where)
    rows = distinct(path, tuple(dict.fromkeys(names))) if names else pd.DataFrame(index=[1])
    return used, rows


def faults(data: dict, item: dict, path: Path) -> list[Absent]:
    """What the entry of a local table asks for and no row has."""
    used, rows = looked_into(data, item, path)
    return list(absent(rows, used))


def labels(data: dict, item: dict, path: Path) -> list[tuple[str, str]]:
    """The pairs of condition and replicate of a table, in the order of its rows; replicate '' of random parts.

    Raises
    ------
    UserError
        For an empty condition or replicate, and a replicate whose label cannot name a folder.
    """
    used, rows = looked_into(data, item, path)
    rows = rows[passing(rows, used.where) & named(rows, used)]
    read = "condition" in used.text
    conditions = _texts(rows, used, "condition", path) if read else [str(item["condition"])] * len(rows)
    if "replicate" not in used.text:
        every = list(used.scores) if "score_columns" in used.replicates else [used.replicates.get("label", "")]
        return list(dict.fromkeys(itertools.product(conditions, every)))
    replicates = _texts(rows, used, "replicate", path)
    if used.labels:
        replicates = [used.labels[text] for text in replicates]
    else:
        first = rows.drop_duplicates(used.text["replicate"])
        check_labels(dict(zip(first[used.text["replicate"]], first.index, strict=True)), used.text["replicate"], path)
    return list(dict.fromkeys(zip(conditions, replicates, strict=True)))


def _texts(rows: pd.DataFrame, used: Used, noun: str, path: Path) -> list[str]:
    """The labels of conditions or replicates of rows."""
    column = used.text[noun]
    empty = rows.index[rows[column] == ""]
    if len(empty):
        refuse_empty(path, empty[0], column, noun)
    return rows[column].tolist()
