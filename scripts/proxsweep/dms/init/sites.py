"""Sites that have names in place of numbers, such as (HA2)12: which there are, and the map that says their order."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import pandas as pd

from proxsweep.dms.data.substitutions import SEPARATORS, is_substitution
from proxsweep.io.files import write_csv
from proxsweep.io.names import natural

MUTANTS = 3  # letters by which a name is replaced: an inserted or deleted residue (P9PEPE, F12STOP) has one
_PIECE = re.compile(r"([A-Z*-])(-?[A-Za-z0-9_(][A-Za-z0-9._()-]{0,31})([A-Z*-])")


def named(texts: Sequence[str], separator: str | None = None) -> tuple[str, list[str]]:
    """The separator, and names of sites that explain most of what is no substitution at a numbered site.

    Parameters
    ----------
    texts
        Distinct cells of a column.
    separator
        Where it is known.
    """
    tried = [separator] if separator is not None else [" ", *SEPARATORS]
    found = [(one, *_names(_pieces(texts, one))) for one in tried]
    best = max(found, key=lambda one: one[2])
    return (best[0], best[1]) if best[2] >= 0.5 else (best[0], [])


def plain(text: str, separator: str, known: Collection[str]) -> str | None:
    """A text in one-letter form; None where a piece is no substitution at a numbered site or one of those known."""
    pieces = _pieces([text], separator)
    return " ".join(pieces) if all(is_substitution(piece, known) for piece in pieces) else None


def _names(pieces: Iterable[str]) -> tuple[list[str], float]:
    """Names of sites, and the share of the pieces that have one, of those at no numbered site."""
    odd = [piece for piece in pieces if not is_substitution(piece)]
    mutants: dict[str, set[str]] = defaultdict(set)
    parsed = [found for piece in odd if (found := _PIECE.fullmatch(piece))]
    for found in parsed:
        mutants[found[2]].add(found[3])
    names = {name for name, letters in mutants.items() if len(letters) >= MUTANTS}
    share = sum(found[2] in names for found in parsed) / max(1, len(odd))
    return sorted(names, key=natural), share


def _pieces(texts: Sequence[str], separator: str) -> list[str]:
    split = (text.split(separator.strip() or None) for text in texts)
    return [piece.strip() for pieces in split for piece in pieces]


def write_map(path: Path, read: pd.Series) -> None:
    """Write a site map with the sites of substitutions in one-letter form, in the order of their names."""
    tokens = read.dropna().drop_duplicates().str.split().explode().dropna()
    sites = sorted(tokens.str[1:-1].unique(), key=natural)
    write_csv(path, pd.DataFrame({"sequential_site": range(1, len(sites) + 1), "reference_site": sites}))
