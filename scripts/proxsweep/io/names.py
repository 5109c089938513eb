"""Names that a user gives and that end up in tables, figures and column names: conditions, rows and nodes of matrices.

Tables are opened in spreadsheets, which run a cell that begins with one of ``= + - @`` as a formula; so no name may.
"""

LONGEST = 100  # characters
FORMULA = tuple("=+-@")
RULE = f"a name of at most {LONGEST} printable characters, no blanks at its ends, that begins with none of = + - @"


def is_name(text: str) -> bool:
    """Whether a text keeps to :data:`RULE`."""
    whole = 0 < len(text) <= LONGEST and text.isprintable() and text == text.strip()
    return whole and not text.startswith(FORMULA)
