"""Substitution strings as flat integer arrays, and the wildtypes that they imply."""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from proxsweep.io.errors import UserError

LETTERS = "ACDEFGHIKLMNPQRSTVWY*-"  # the order of mutants: amino acids, stop, gap
STOP = LETTERS.index("*")
GAP = LETTERS.index("-")
UNKNOWN = -1
SEPARATORS = ",;|/:+&"  # what others write between substitutions
_RANK = {letter: rank for rank, letter in enumerate(LETTERS)}
_SITE = re.compile(r"(-?[0-9]{1,9})([a-z]?)")


@dataclass(frozen=True)
class Substitutions:
    """Substitutions of N variants as K flat entries, sorted by variant, then site; no site twice in a
    variant.

    Attributes
    ----------
    count : int
        N; a wildtype variant has no entry.
    sites : (S,) str
        Sites in order.
    row, site : (K,) int64
        Variant and index into ``sites`` of each entry.
    wildtype, mutant : (K,) int64
        Indices into :data:`LETTERS`.
    """

    count: int
    sites: np.ndarray
    row: np.ndarray
    site: np.ndarray
    wildtype: np.ndarray
    mutant: np.ndarray

    def keep(self, entries: np.ndarray) -> "Substitutions":
        """The same variants with some entries (mask of K) only."""
        parts = (self.row[entries], self.site[entries], self.wildtype[entries], self.mutant[entries])
        return Substitutions(self.count, self.sites, *parts)

    def take(self, rows: np.ndarray) -> "Substitutions":
        """Variants ``rows`` (distinct indices, in any order) as variants 0, 1, ..."""
        number = np.full(self.count, -1)
        number[rows] = np.arange(len(rows))
        entries = np.flatnonzero(number[self.row] >= 0)
        entries = entries[np.argsort(number[self.row[entries]], kind="stable")]
        parts = (number[self.row[entries]], self.site[entries], self.wildtype[entries], self.mutant[entries])
        return Substitutions(len(rows), self.sites, *parts)

    def codes(self) -> np.ndarray:
        """One integer a distinct substitution as written, (K,)."""
        return (self.site * len(LETTERS) + self.wildtype) * len(LETTERS) + self.mutant

    def texts(self) -> np.ndarray:
        """Substitution strings with sites in order, (N,) objects: equal texts are equal sets."""
        code, inverse = np.unique(self.codes(), return_inverse=True)
        site, letters = np.divmod(code, len(LETTERS) ** 2)
        names = [
            f"{LETTERS[pair // len(LETTERS)]}{self.sites[s]}{LETTERS[pair % len(LETTERS)]}"
            for s, pair in zip(site, letters, strict=True)
        ]
        tokens = np.array(names, dtype=object)[inverse] if names else np.array([], dtype=object)
        bounds = np.searchsorted(self.row, np.arange(self.count + 1))
        joined = [" ".join(tokens[bounds[i] : bounds[i + 1]]) for i in range(self.count)]
        return np.array(joined, dtype=object)


@dataclass(frozen=True)
class Tokens:
    """The pieces of N texts, each a substitution by itself.

    Attributes
    ----------
    texts : (N,)
        As they are written.
    row, code : (K,) int
        Text of each piece, in order, and index into ``pieces``.
    pieces
        Distinct.
    """

    texts: Sequence[str]
    row: np.ndarray
    code: np.ndarray
    pieces: Sequence[str]


def split(texts: Sequence[str], separator: str = " ") -> Tokens:
    """Pieces of texts at a separator, without the blanks around them; a blank stands for any blanks."""
    if not separator.strip():
        parts = [text.split() for text in texts]
    else:
        parts = [[piece.strip() for piece in text.split(separator.strip())] if text.strip() else [] for text in texts]
    row = np.repeat(np.arange(len(parts)), [len(pieces) for pieces in parts])
    code, pieces = pd.factorize(np.array([piece for pieces in parts for piece in pieces], dtype=object))
    return Tokens(texts, row, code, pieces)


def parse(
    strings: Sequence[str],
    where: Callable[[int], str],
    site_order: Sequence[str] | None = None,
    stop_wildtypes: bool = False,
) -> Substitutions:
    """Parse strings of substitutions (``"N501Y E484- 214aQ"``-like, separated by blanks).

    Parameters
    ----------
    strings : (N,)
        An empty string is a wildtype.
    where
        Names the place of a row in a message.
    site_order
        Sites in order; without it sites are numbers with at most one lower-case letter, ordered by both.
    stop_wildtypes
        Whether a stop codon can be substituted.

    Returns
    -------
    Substitutions
        Substitutions of a residue to itself included (:func:`silent` finds them).

    Raises
    ------
    UserError
        For what is no substitution, an unknown letter, a site outside ``site_order``, or two substitutions at
        one site of a variant.
    """
    return parse_tokens(split(strings), where, site_order, stop_wildtypes)


def parse_tokens(
    split: Tokens,
    where: Callable[[int], str],
    site_order: Sequence[str] | None = None,
    stop_wildtypes: bool = False,
) -> Substitutions:
    """The same of texts that have been taken apart."""
    row, codes, tokens = split.row, split.code, split.pieces
    known = None if site_order is None else frozenset(site_order)
    faults = [token_fault(token, known, stop_wildtypes) for token in tokens]
    wrong = np.flatnonzero([bool(message) for message in faults])
    if len(wrong):
        entry = np.flatnonzero(np.isin(codes, wrong))[0]
        # message: passed on
        raise UserError(where(row[entry]), repr(tokens[codes[entry]]), faults[codes[entry]])
    named = [token[1:-1] for token in tokens]
    if site_order is None:
        _refuse_two_spellings(named, lambda token: where(row[np.flatnonzero(codes == token)[0]]))
    sites = order_sites(set(named)) if site_order is None else list(site_order)
    index = {site: number for number, site in enumerate(sites)}
    of_token = np.array([[index[token[1:-1]], _RANK[token[0]], _RANK[token[-1]]] for token in tokens])
    site, wildtype, mutant = of_token.reshape(-1, 3).astype(np.int64)[codes].T
    order = np.lexsort((site, row))
    parsed = Substitutions(
        len(split.texts), np.array(sites, dtype=str), row[order], site[order], wildtype[order], mutant[order]
    )
    _refuse_twice(parsed, split.texts, where)
    return parsed


def _refuse_two_spellings(sites: Sequence[str], where: Callable[[int], str]) -> None:
    """Refuse two names of one number, as 1 and 01: they would be two sites."""
    seen: dict[tuple[int, str], str] = {}
    for token, site in enumerate(sites):
        number, suffix = _SITE.fullmatch(site).groups()
        first = seen.setdefault((int(number), suffix), site)
        if first != site:
            # message: The two would be two sites. | Write the number in one way in all rows.
            raise UserError(where(token), f"site {site}, which stands elsewhere as {first}", "one spelling of a site")


def order_sites(sites: set[str]) -> list[str]:
    """Sort sites by number, then suffix: ``9``, ``10``, ``214``, ``214a``."""

    def key(site: str) -> tuple[int, str, str]:
        number, suffix = _SITE.fullmatch(site).groups()
        return int(number), suffix, site

    return sorted(sites, key=key)


def numbered(sites: Iterable[str]) -> bool:
    """Whether all sites are such numbers as :func:`parse` asks for without a ``site_order``."""
    return all(_SITE.fullmatch(site) for site in sites)


def is_substitution(token: str, known: Collection[str] = ()) -> bool:
    """Whether a token is a substitution in one-letter form, at a site that is a number or one of those known."""
    letters = len(token) > 2 and token[0] in _RANK and token[-1] in _RANK
    return letters and (token[1:-1] in known or bool(_SITE.fullmatch(token[1:-1])))


def token_fault(token: str, known: frozenset[str] | None, stop_wildtypes: bool) -> str:
    """What a token should have been; empty if it is a substitution."""
    if len(token) < 3:
        # message: 'A1' | a substitution: wildtype letter, site, mutant letter (as N501Y) | A letter is missing. |
        # Correct it, or remove the row.
        return "a substitution: wildtype letter, site, mutant letter (as N501Y)"
    for letter, role in ((token[0], "wildtype"), (token[-1], "mutant")):
        if letter not in _RANK:
            # message: 'B1C' | a wildtype (or mutant) among the letters ... in place of 'B' | Only the 20 amino acids,
            # `*` (stop) and `-` (gap) are letters, in capitals. | Correct it, or remove the row.
            return f"a {role} among the letters {LETTERS} in place of {letter!r}"
    if token[0] == "*" and not stop_wildtypes:
        # message: '*1C' | a wildtype that is no stop codon | A stop was mutated. | `drop: [stop_wildtypes]` leaves such
        # variants out.
        return "a wildtype that is no stop codon"
    site = token[1:-1]
    if set(site) & set(SEPARATORS):
        # message: 'A1C,A2D' | substitutions separated by blanks (as N501Y E484K) | Another character stands between
        # substitutions. | Replace it by a blank in the whole column.
        return "substitutions separated by blanks (as N501Y E484K)"
    if known is not None:
        # message: 'A9C' | a site that the site map or the fit lists, not '9' | The site is not listed; without a site
        # map, `data/variants.csv` and `data/wildtypes.csv` do not belong together. | Add the site to the site map.
        # Without one remove both files, and run again. For an insertion or a deletion see the next message.
        return "" if site in known else f"a site that the site map or the fit lists, not {site!r}"
    if not _SITE.fullmatch(site):
        # message: 'P9PEPE' / 'P9DEL' / 'A1x2C' | a number with at most one lower-case letter (as 214a) in place of site
        # '9PEP'; inserted residues stand at sites 214a, 214b, a deletion is -, a stop is *; sites with names need a
        # site map | Mostly an insertion, a deletion, a codon or a word: none is a substitution of one residue. | Write
        # each residue inserted behind 214 as a substitution of a gap (`-214aE`), each deleted one as `P9-`, a stop as
        # `P9*`; `drop` then leaves such variants out. Remove rows that cannot be written so. Where your sites have
        # names, list them in a table under `site_map`.
        return (
            f"a number with at most one lower-case letter (as 214a) in place of site {site!r}; inserted residues stand "
            "at sites 214a, 214b, a deletion is -, a stop is *; sites with names need a site map"
        )
    return ""


def carriers(substitutions: Substitutions, entries: np.ndarray) -> np.ndarray:
    """Variants that have one of some entries (mask of K), (N,) bool."""
    marked = np.zeros(substitutions.count, dtype=bool)
    marked[substitutions.row[entries]] = True
    return marked


def gaps(substitutions: Substitutions) -> np.ndarray:
    """Entries that replace a residue by a gap, or a gap by a residue, (K,) bool."""
    return (substitutions.mutant == GAP) | (substitutions.wildtype == GAP)


def suffixed(substitutions: Substitutions) -> np.ndarray:
    """Entries at a site that ends in a letter, as 214a, (K,) bool."""
    return np.array([site[-1:].isalpha() for site in substitutions.sites], dtype=bool)[substitutions.site]


def silent(substitutions: Substitutions) -> np.ndarray:
    """Entries that replace a residue by itself, as N331N, (K,) bool."""
    return substitutions.wildtype == substitutions.mutant


def infer_wildtypes(
    substitutions: Substitutions, condition: np.ndarray, names: Sequence[str], where: Callable[[int], str]
) -> np.ndarray:
    """Wildtype of every site in every condition, from the substitutions written.

    Parameters
    ----------
    substitutions
        Of N variants.
    condition : (N,) int
        Condition of each variant, index into ``names``.
    names : (D,)
    where
        Names the place of a row in a message.

    Returns
    -------
    (D, S) int64
        Index into :data:`LETTERS`; :data:`UNKNOWN` where the condition is never mutated at the site.

    Raises
    ------
    UserError
        If a site has two wildtypes in one condition; both rows are named.
    """
    wildtypes = np.full((len(names), len(substitutions.sites)), UNKNOWN)
    of_entry = condition[substitutions.row]
    wildtypes[of_entry, substitutions.site] = substitutions.wildtype
    known = wildtypes[of_entry, substitutions.site]
    other = np.flatnonzero(known != substitutions.wildtype)
    if len(other) == 0:
        return wildtypes
    first = other[0]
    place = (of_entry == of_entry[first]) & (substitutions.site == substitutions.site[first])
    second = np.flatnonzero(place & (substitutions.wildtype != substitutions.wildtype[first]))[0]
    site = substitutions.sites[substitutions.site[first]]
    # message: One of the two rows is wrong, has another condition, or counts from another reference. | Correct it:
    # substitutions are relative to the condition's own wildtype.
    raise UserError(
        where(substitutions.row[first]),
        f"wildtype {LETTERS[substitutions.wildtype[first]]} at site {site} of condition "
        f"{names[of_entry[first]]}, but {LETTERS[substitutions.wildtype[second]]} at "
        f"{where(substitutions.row[second])}",
        "one wildtype a site and condition",
    )


def _refuse_twice(parsed: Substitutions, strings: Sequence[str], where: Callable[[int], str]) -> None:
    same = (np.diff(parsed.row) == 0) & (np.diff(parsed.site) == 0)
    if not same.any():
        return
    entry = np.flatnonzero(same)[0]
    row, site = parsed.row[entry], parsed.sites[parsed.site[entry]]
    # message: A variant has one letter at a site. | Correct or remove the row.
    raise UserError(where(row), f"two substitutions at site {site} in {strings[row]!r}", "one a site in a variant")


def refuse_silent(substitutions: Substitutions, where: Callable[[int], str], expected: str) -> None:
    """Raise UserError at the first substitution of a residue to itself."""
    entries = np.flatnonzero(silent(substitutions))
    if len(entries) == 0:
        return
    entry = entries[0]
    letter, site = LETTERS[substitutions.mutant[entry]], substitutions.sites[substitutions.site[entry]]
    # message: N331N, a substitution to itself | an empty string for the wildtype, or `self_substitution: wildtype` in
    # the study's data | Some tables write their wildtypes so. | Set that, if such rows are wildtypes; else correct the
    # row. For `proxsweep predict` leave the cell empty.
    raise UserError(
        where(substitutions.row[entry]),
        f"{letter}{site}{letter}, a substitution to itself",
        expected,
    )
