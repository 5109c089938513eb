"""What init decides for a study: a key of the config, its value, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Choice:
    """A key of a study with the value that init gives it.

    Attributes
    ----------
    key
        Path below the study, as ``data.columns.score``.
    value
        What is written.
    why
        Why, for the comment above the key and for the screen.
    ask
        What the user has to check, where the tables do not tell; empty where they do.
    off
        Whether the line is written as a comment, for the user to switch on; the key then keeps its default. Where the
        value is None there is no line to switch on, only why.
    together
        Keys that are switched on with this one, itself among them; empty where it stands alone.
    """

    key: str
    value: Any
    why: str
    ask: str = ""
    off: bool = False
    together: tuple[str, ...] = ()


def nested(choices: Iterable[Choice]) -> dict[str, Any]:
    """The study that choices make, those left out that are off."""
    study: dict[str, Any] = {}
    for choice in choices:
        if choice.off:
            continue
        *sections, key = choice.key.split(".")
        inner = study
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[key] = choice.value
    return study


def counted(rows: int) -> str:
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def listed(values: Iterable[object], most: int = 4) -> str:
    """Values for a sentence, the first few of many."""
    values = list(map(str, values))
    return ", ".join(values) if len(values) <= most else f"{', '.join(values[:most])} and {len(values) - most} more"
