"""A table before anybody has said what its columns are: header, rows as text, the numbers among them."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from proxsweep.dms.data import numbers, read
from proxsweep.io.downloads import is_address
from proxsweep.io.errors import UserError

LOOKED_AT = 500_000
"""Rows of a table that are looked at to tell what its columns are. Of more, some at random: tables are often sorted."""


class Sheet:
    """Rows of a table, every column as text.

    Parameters
    ----------
    path
        As the config will name it.
    frame
        Rows looked at: a column of stripped text for each of the header; the index holds line numbers.
    rows
        Rows of the whole table.
    """

    def __init__(self, path: str, frame: pd.DataFrame, rows: int):
        self.path, self.frame, self.rows = path, frame, rows
        self.columns = list(frame.columns)
        self._numbers: dict[str, np.ndarray | None] = {}

    @property
    def whole(self) -> bool:
        return len(self.frame) == self.rows

    def texts(self, column: str) -> np.ndarray:
        """The cells of a column, (N,) objects."""
        return self.frame[column].to_numpy(object)

    def place(self, row: int, column: str) -> str:
        """Where a cell stands, for a message."""
        return f"{self.path}, row {self.frame.index[row]}, column {column!r}"

    def distinct(self, column: str) -> list[str]:
        """Different cells of a column, in order of appearance; an empty one is left out."""
        return [text for text in pd.unique(self.frame[column]) if text]

    def numbers(self, column: str) -> np.ndarray | None:
        """A column as float64, NaN where missing or infinite, (N,); None where some cell is neither number nor missing.

        None also where all cells are missing.
        """
        if column not in self._numbers:
            codes, texts = pd.factorize(self.frame[column])
            values = _numbers(list(texts))
            self._numbers[column] = None if values is None else values[codes]
        return self._numbers[column]

    def share_of_numbers(self, column: str) -> float:
        """Share of the distinct cells that are numbers or missing."""
        texts = self.distinct(column)
        return sum(_number(text) is not None for text in texts) / max(1, len(texts))


def load(path: str | Path) -> Sheet:
    """Read a local table.

    Raises
    ------
    UserError
        For an address, and as :func:`proxsweep.dms.data.read.read_table`.
    """
    if is_address(str(path)):
        # message: `init` looks at files on this machine. | Download the table, and name its path; in the config that is
        # written, the address can take the place of the path.
        raise UserError(str(path), "an address", "a table on this machine")
    frame = read.read_table(path, read.header(path))
    looked = frame.sample(LOOKED_AT, random_state=1).sort_index() if len(frame) > LOOKED_AT else frame
    return Sheet(str(path), looked, len(frame))


def _numbers(texts: Sequence[str]) -> np.ndarray | None:
    values = []
    for text in texts:
        value = _number(text)
        if value is None:
            return None
        values.append(value)
    return None if np.isnan(values).all() else np.array(values)


def _number(text: str) -> float | None:
    """A number, NaN where it is missing or infinite; None for another text, as the reader of tables has it."""
    if numbers.is_missing(text) or numbers.is_infinite(text):
        return math.nan
    try:
        return None if "_" in text or not text.isascii() else float(text)
    except ValueError:
        return None
