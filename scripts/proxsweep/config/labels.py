"""Values of swept parameters as labels, which name folders: what cannot be one, and what shares one."""

from collections.abc import Iterator
from typing import Any

from proxsweep.config.source import Fault, KeyPath
from proxsweep.sweep.grid import LABEL, label

RULE = "letters, digits and . _ + - (the first a letter or digit, at most 64)"


def faults(path: KeyPath, values: list[Any], written: list[Any]) -> Iterator[Fault]:
    """Values that cannot be labels, and values that share one."""
    seen: dict[str, int] = {}
    for i, value in enumerate(values):
        shown = written[i]["name"] if isinstance(written[i], dict) else written[i]
        try:
            text = label(value)
        except ValueError:
            text = ""
        if not text or len(text) > 64 or not LABEL.fullmatch(text.lstrip("-")):
            # message: Swept values name folders. | Give the matrix, replicate or condition another name.
            yield Fault((*path, i), f"`{shown}`, which becomes part of a path", RULE)
            continue
        folded = text.casefold()
        if folded in seen:
            first = written[seen[folded]]
            first = first["name"] if isinstance(first, dict) else first
            # message: Two values of a sweep are the same number (4.0e-5 and 0.00004), or differ by case only. | Remove
            # one.
            yield Fault(
                (*path, i),
                f"`{shown}`, which has the label {text} like `{first}` at [{seen[folded]}]",
                "every value once",
            )
        seen.setdefault(folded, i)


def named_faults(path: KeyPath, named: list[Any] | None, swept: list[Any]) -> Iterator[Fault]:
    """Values of a key that names some of the swept ones."""
    for i, value in enumerate(named or []):
        if value not in swept:
            # message: `0.5` | one of those fitted (0, 1e-05) | `cross_validation`, `resamples` or `references` can only
            # use weights and replicates under `sweep`. | Add it there, or choose another.
            yield Fault((*path, i), f"`{label(value)}`", f"one of those fitted ({', '.join(map(label, swept))})")
