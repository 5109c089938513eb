"""Files that list selections, one a row, and the tables of functional scores that these rows name.

A selection is one library before and after selecting. Experiments that share a layout keep one table of scores a
selection, named after columns of the list; a study names the list, and which libraries are its replicates.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any
from urllib.parse import quote, urljoin

import pandas as pd

from proxsweep.config.source import Fault
from proxsweep.dms.data import columns, read
from proxsweep.io import downloads
from proxsweep.io.errors import UserError
from proxsweep.io.names import natural

LIBRARY = "library"
_PART = re.compile(r"[^/\\\x00-\x1f\x7f]{1,200}")


class Selections:
    """The rows that an entry of a list of tables asks for.

    Parameters
    ----------
    entry
        ``selections`` (path or address of the list), ``condition``, ``replicates`` (library by label), ``where``
        (wanted values by column, or None), ``table`` (file name with columns in braces), ``folder`` (None: that of
        the list), ``columns`` (of its tables, or None) and ``sha256``, all of them filled in.
    study
        Name of the study, below whose results a copy from an address is kept; a copy that is there is read as it is.
    base
        Folder that local paths are relative to.

    Raises
    ------
    UserError
        If the list cannot be read, is no table, or lacks a column.
    """

    def __init__(self, entry: dict[str, Any], study: str, base: Path):
        self.entry, self.base = entry, base
        self.where = columns.wanted(entry)
        self.replicates = {label: str(library) for label, library in entry["replicates"].items()}
        self.fields = fields = {field for _, field, _, _ in Formatter().parse(entry["table"]) if field is not None}
        self.columns = list(dict.fromkeys([LIBRARY, *sorted(fields), *self.where]))
        self.place = entry["selections"]
        path = base / self.place
        if downloads.is_address(self.place):
            copy = downloads.path(study, self.place, entry["sha256"])
            path = base / copy
            if not path.is_file():
                downloads.fetch(
                    self.place, path, lambda copy: read.read_table(copy, self.columns, sha256=entry["sha256"])
                )
            self.place = f"{self.place} (copied to {copy})"
        self.rows = read.read_table(path, self.columns, sha256=entry["sha256"])

    def faults(self) -> list[Fault]:
        """What the entry asks for and the list does not have; paths are relative to the entry."""
        return list(self._value_faults()) or list(self._library_faults())

    def _value_faults(self) -> Iterator[Fault]:
        for column, values in self.where.items():
            known = _distinct(self.rows[column])
            for value in values:
                if value not in known:
                    found = f"the value `{value}`, which is in no row of {self.place}"
                    # message: `where` asks for a value that its column does not have. | Correct it, as the column
                    # writes it.
                    yield Fault(("where", column), found, f"one of {read.nearest(value, known)}")

    def _library_faults(self) -> Iterator[Fault]:
        libraries = _distinct(self.rows[LIBRARY])
        seen: dict[str, str] = {}
        for label, library in self.replicates.items():
            path = ("replicates", label)
            if library not in libraries:
                found = f"the library `{library}`, which is in no row of {self.place}"
                # message: `replicates` names a library that is not there. | Correct it, as the column `library` writes
                # it.
                yield Fault(path, found, f"one of {read.nearest(library, libraries)}")
            elif library in seen:
                found = f"the library `{library}`, which is also replicate {seen[library]}"
                # message: Two replicates have one library. | Correct `replicates`.
                yield Fault(path, found, "a library of its own for each replicate")
            elif self._chosen(library).empty:
                found = f"no selection of the library `{library}` that passes `where`"
                # message: `where` leaves nothing of this library. | Widen it, or remove the library.
                yield Fault(path, found, f"at least one in {self.place}")
            seen.setdefault(library, label)

    def tables(self) -> list[dict[str, Any]]:
        """The tables, as entries of a list of tables: by replicate, then in the order of the list of selections.

        Raises
        ------
        UserError
            For a chosen row that lacks part of its table's name, names one that another row names, or one that is
            not there (where tables are local).
        """
        found: dict[str, dict[str, Any]] = {}
        for label, library in self.replicates.items():
            for line, row in self._chosen(library).iterrows():
                self._refuse_gaps(line, row)
                table = self._locate(self.entry["table"].format_map(row.to_dict()))
                self._refuse_table(line, table, found)
                own = {"condition": self.entry["condition"], "replicate": label, "columns": self.entry.get("columns")}
                found[table] = {"func_scores": table, **own, "replicates": None, "where": None, "sha256": None}
        return list(found.values())

    def _chosen(self, library: str) -> pd.DataFrame:
        wanted = self.rows[LIBRARY] == library
        for column, values in self.where.items():
            wanted &= self.rows[column].isin(values)
        return self.rows[wanted]

    def _locate(self, name: str) -> str:
        """Path or address of a table."""
        selections, folder = self.entry["selections"], self.entry["folder"]
        if downloads.is_address(folder or selections):
            return urljoin(selections if folder is None else f"{folder.rstrip('/')}/", quote(name))
        return str(Path(selections).parent / name if folder is None else Path(folder) / name)

    def _refuse_gaps(self, line: int, row: pd.Series) -> None:
        for column, value in row.items():
            if value == "":
                place = f"{self.place}, row {line}, column {column!r}"
                # message: A column that `table` or `where` needs is empty in this row. | Fill it, or keep the row out
                # by `where`.
                raise UserError(place, "an empty field", "what names the selection's table")
            if column in self.fields and not _PART.fullmatch(value):
                place = f"{self.place}, row {line}, column {column!r}"
                # message: 'a/b' | a part of a file name, without slashes | The cell becomes part of a file name. |
                # Correct it; folders belong under `folder`.
                raise UserError(place, repr(value), "a part of a file name, without slashes")

    def _refuse_table(self, line: int, table: str, earlier: dict) -> None:
        place = f"{self.place}, row {line}"
        if table in earlier:
            # message: Two rows give one file name. | Put a column that tells them apart into `table`, or choose one row
            # by `where`.
            raise UserError(place, f"the table {table} a second time", "a table of its own for each selection")
        if not downloads.is_address(table) and not _is_file(self.base / table):
            expected = "a file for each selection used (`folder` says where tables lie, `table` how they are named)"
            # message: The file of this selection is not there. | Correct `folder` or `table`, or bring the file there.
            raise UserError(place, f"a selection without its table: no file at {table}", expected)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _distinct(values: pd.Series) -> list[str]:
    return sorted(values.unique(), key=natural)
