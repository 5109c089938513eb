"""What the variants of a study are like: how many mutations they have, how often each is seen, what is odd of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

_REPEATED, _ENOUGH = (
    0.5,
    20,
)  # share and number of a condition's mutations that random halves both have to be able to see


@dataclass(frozen=True)
class Variants:
    """Numbers of rows and mutations.

    Attributes
    ----------
    rows, wildtypes, unread
        Rows looked at; of these those without substitution, and those that are no substitutions.
    gaps, suffixed, stop_wildtypes
        Rows with a gap, with a site that ends in a letter, with a stop that is replaced.
    single
        Share of the distinct variants with a substitution that have one.
    repeated
        Whether in every condition most mutations stand in two rows or more.
    lone_suffixed
        Whether some site that ends in a letter is not mutated in every condition.
    """

    rows: int
    wildtypes: int
    unread: int
    gaps: int
    suffixed: int
    stop_wildtypes: int
    single: float
    repeated: bool
    lone_suffixed: bool


def describe(rows: pd.DataFrame) -> Variants:
    """Count the rows of :attr:`proxsweep.dms.init.grouping.Grouping.rows`."""
    unread = rows["read"].isna()
    distinct = rows[~unread].groupby(["condition", "read"], sort=False).size().reset_index(name="rows")
    names, condition = np.unique(distinct["condition"].to_numpy(str), return_inverse=True)
    number = distinct["rows"].to_numpy()
    tokens = [text.split() for text in distinct["read"]]
    variant = np.repeat(np.arange(len(tokens)), [len(one) for one in tokens])
    code, pieces = pd.factorize(np.array([piece for one in tokens for piece in one], dtype=object))
    real = np.array([piece[0] != piece[-1] for piece in pieces], dtype=bool)[code]
    variant, code = variant[real], code[real]

    def marked(rule: Callable[[str], bool]) -> int:
        """Rows with a substitution that keeps to a rule."""
        entries = np.array([rule(piece) for piece in pieces], dtype=bool)[code]
        return int(number[np.unique(variant[entries])].sum())

    size = np.bincount(variant, minlength=len(tokens))
    seen = np.zeros((len(names), len(pieces)), dtype=np.int64)
    np.add.at(seen, (condition[variant], code), number[variant])
    return Variants(
        rows=len(rows),
        wildtypes=int(number[size == 0].sum()),
        unread=int(unread.sum()),
        gaps=marked(lambda piece: "-" in (piece[0], piece[-1])),
        suffixed=marked(lambda piece: _is_suffixed(piece[1:-1])),
        stop_wildtypes=marked(lambda piece: piece[0] == "*"),
        single=float((size == 1).sum() / max(1, (size > 0).sum())),
        repeated=_repeated(seen),
        lone_suffixed=_lone_suffixed(seen, pieces),
    )


def _is_suffixed(site: str) -> bool:
    return site[-1:].islower()


def _repeated(seen: np.ndarray) -> bool:
    """Whether most mutations of every condition stand in two rows or more; ``seen`` are rows (D, M)."""
    twice = (seen > 1).sum(axis=1)
    return bool(seen.size and (twice >= _ENOUGH).all() and (twice >= _REPEATED * (seen > 0).sum(axis=1)).all())


def _lone_suffixed(seen: np.ndarray, pieces: Sequence[str]) -> bool:
    """Whether some site that ends in a letter is not mutated in every condition."""
    sites: dict[str, np.ndarray] = {}
    for i, piece in enumerate(pieces):
        if _is_suffixed(piece[1:-1]):
            sites[piece[1:-1]] = sites.get(piece[1:-1], False) | (seen[:, i] > 0)
    return not all(homes.all() for homes in sites.values())
