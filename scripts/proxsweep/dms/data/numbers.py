"""Cells of numbers: which texts stand for a missing one, and which are no number."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from proxsweep.io.errors import UserError

MISSING = frozenset(["", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", ".", "-"])
"""Texts of a missing number, in small letters: they are taken in any case (config/README.md lists them)."""
INFINITE = frozenset(f"{sign}{word}" for sign in ("", "+", "-") for word in ("inf", "infinity"))
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_USUAL = ("", "NA")  # looked for first


def is_missing(text: str) -> bool:
    """Whether a cell says that its number is missing."""
    return text.lower() in MISSING


def is_infinite(text: str) -> bool:
    """Whether a cell says that its number is infinite."""
    return text.lower() in INFINITE


def to_numbers(path: str | Path, texts: pd.Series) -> np.ndarray:
    """The numbers of a column (N,): NaN where one is missing, an infinite one as it is.

    Raises
    ------
    UserError
        For a cell that is no number, with its row (the index of ``texts``) and column (their name).
    """
    values = texts.to_numpy(object)
    present = np.array([value not in _USUAL for value in values], dtype=bool)
    numbers = np.full(len(values), np.nan)
    try:
        numbers[present] = values[present].astype(float)
    except ValueError:
        numbers[present] = [_to_number(value) for value in values[present]]
    # Python takes 1_000 and the digits of other scripts for numbers, a table's reader had better not
    odd = np.array(["_" in value or not value.isascii() for value in values], dtype=bool)
    for index in np.flatnonzero(present & (~np.isfinite(numbers) | odd)):
        if is_missing(values[index]) or is_infinite(values[index]):
            continue
        place = f"{path}, row {texts.index[index]}, column {texts.name!r}"
        expected = "a finite number (or an empty field where it is missing)"
        if _DECIMAL_COMMA.fullmatch(values[index]):
            expected += "; it looks like a decimal comma: write decimal points"
        # message: '1,5' | a finite number (or an empty field where it is missing) | Decimals have a dot, and nothing
        # stands beside the number. | Correct the cell; leave it empty where the number is missing.
        raise UserError(place, repr(values[index]), expected)
    return numbers


def _to_number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return np.nan
