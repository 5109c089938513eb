"""Names that a user gives and that end up in tables, figures and column names: conditions, rows and nodes of matrices.

Tables are opened in spreadsheets, which run a cell that begins with one of ``= + - @`` as a formula; so no name may.
"""

import re
from typing import Any

LONGEST = 100  # characters
FORMULA = tuple("=+-@")
RULE = f"a name of at most {LONGEST} printable characters, no blanks at its ends, that begins with none of = + - @"


def is_name(text: str) -> bool:
    """Whether a text keeps to :data:`RULE`."""
    whole = 0 < len(text) <= LONGEST and text.isprintable() and text == text.strip()
    return whole and not text.startswith(FORMULA)


def natural(label: Any) -> tuple[int, float, list[tuple[int, int, str]]]:
    """Key that sorts labels as people do: numbers by size, then texts, in which runs of digits compare as numbers."""
    parts = [_part(part) for part in re.findall(r"[0-9]+|[^0-9]+", str(label))]
    try:
        return 0, float(label), parts
    except (TypeError, ValueError):
        return 1, 0.0, parts


def _part(part: str) -> tuple[int, int, str]:
    # digits are compared as text where they are of one length, since no number of them is too large for that
    return (0, len(part.lstrip("0")), part.lstrip("0")) if part.isdecimal() else (1, 0, part)
