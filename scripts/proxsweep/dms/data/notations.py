"""How substitutions are written in a table, and the one-letter form that all of it is read as.

A study's keys say what stands between substitutions, which words mean the wildtype, and which letter a stop besides
``*``. Read value by value without any key: HGVS (:mod:`proxsweep.dms.data.hgvs`), its three-letter codes without the
``p.`` too, and synonymous substitutions (``K5=``, ``A7syn``), which become those of a letter by itself (``K5K``).
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxsweep.dms.data import hgvs
from proxsweep.dms.data.substitutions import LETTERS, SEPARATORS, Tokens, is_substitution, split, token_fault
from proxsweep.io.errors import UserError

WILDTYPES = ("wt", "wildtype", "wild-type", "wild_type", "wild type")
"""Words that mean the wildtype, in small letters and without ``_`` around them: never left out as something else."""

_TRIED = (" ", *SEPARATORS, "_")  # separators
_SAMPLE = 20_000  # texts by which a notation is guessed
_SHOWN = 20  # texts that a guess lists
_DROP = "`drop: [not_substitutions]` leaves out what is none"
_SILENT = re.compile(r"(.{2,})(=|syn)", re.IGNORECASE)
_LIST = re.compile(r"""\[.*\]|[({]\s*['"].*""", re.DOTALL)
_SITE = re.compile(r"(-?[0-9]{1,9}[a-z]?)")
_FLOAT = re.compile(r"(-?[0-9]{1,9})\.0+")


@dataclass(frozen=True)
class Notation:
    """What a study's keys say: ``separator``, ``wildtype_names`` and ``stop_letter``."""

    separator: str = " "
    wildtype_names: tuple[str, ...] = ()
    stop_letter: str = "*"

    @classmethod
    def of(cls, data: dict) -> "Notation":
        """That of a study's data section, every default filled in."""
        return cls(data["separator"], tuple(map(str, data["wildtype_names"])), data["stop_letter"])


class Guess(NamedTuple):
    """A notation by which most of a column's texts can be read.

    ``share`` of the distinct texts that are not empty are read, ``unread`` lists some of the others; ``variants`` of
    them have substitutions, ``silent`` says whether some of these are of a letter by itself.
    """

    notation: Notation
    share: float
    unread: list[str]
    variants: int
    silent: bool


class _Fault(NamedTuple):
    """Why a text cannot be read, and the key of a study that may help.

    A certain one is no other kind of variant but written in another way.
    """

    found: str
    expected: str
    key: str = ""
    certain: bool = False


def read(
    texts: Sequence[str],
    notation: Notation,
    where: Callable[[int], str],
    sites: Collection[str] = (),
    may_fail: bool = False,
    keys: bool = True,
) -> tuple[Tokens, np.ndarray]:
    """Take texts apart into substitutions in one-letter form.

    Parameters
    ----------
    texts : (N,)
        As a table has them, without blanks around; an empty one is the wildtype.
    notation
    where
        Names the place of a text in a message.
    sites
        Names of sites that are no numbers.
    may_fail
        Whether a text that is no list of substitutions is left without any, and marked.
    keys
        Whether messages name keys of a config.

    Returns
    -------
    Tokens, (N,) bool
        Which texts are no lists of substitutions.

    Raises
    ------
    UserError
        For a text that is no list of substitutions, unless ``may_fail``; and for one that is, but written in another
        notation than the study's.
    """
    reader = _Reader(notation, sites)
    if notation.wildtype_names:  # also one that reads like a substitution
        texts = np.where(np.isin(texts, notation.wildtype_names), "", np.asarray(texts, dtype=object))
    tokens = split(texts, notation.separator)
    unread = np.zeros(len(tokens.texts), dtype=bool)
    odd = np.array([not is_substitution(piece, sites) for piece in tokens.pieces], dtype=bool)
    if not odd.any():
        return tokens, unread
    rows = np.unique(tokens.row[odd[tokens.code]])
    codes, distinct = pd.factorize(np.array([texts[row] for row in rows], dtype=object))
    found = [reader.substitutions(text) for text in distinct]
    faults = {code: one for code, one in enumerate(found) if isinstance(one, _Fault)}
    _refuse_first(faults, codes, rows, where, may_fail, keys)
    unread[rows] = np.isin(codes, list(faults))
    pieces = [[] if code in faults else one for code, one in enumerate(found)]
    return _exchanged(tokens, rows, codes, pieces), unread


def normalised(texts: Sequence[str], notation: Notation) -> list[str | None]:
    """Texts in one-letter form, separated by blanks ('' for the wildtype); None for those that are not read."""
    reader = _Reader(notation, ())
    found = [reader.substitutions(text.strip()) for text in texts]
    return [None if isinstance(one, _Fault) else " ".join(one) for one in found]


def guess(texts: Sequence[str]) -> Guess:
    """The notation by which most of a column's texts are read; of equal ones the simplest."""
    distinct = [text for text in dict.fromkeys(text.strip() for text in texts) if text][:_SAMPLE]
    names = tuple(text for text in distinct if _means_wildtype(text))
    best = Guess(Notation(), 0.0, distinct[:_SHOWN], 0, False)
    for separator in _TRIED:
        if separator != " " and not any(separator in text for text in distinct):
            continue
        for stop_letter in ("*", "X"):
            tried = _tried(distinct, Notation(separator, names, stop_letter))
            best = max(best, tried, key=lambda one: one.share)
    return best


def _tried(distinct: list[str], notation: Notation) -> Guess:
    found = normalised(distinct, notation)
    unread = [text for text, one in zip(distinct, found, strict=True) if one is None]
    tokens = Counter(token for one in found if one for token in one.split())
    share = 1 - len(unread) / max(1, len(distinct))
    silent = any(token[0] == token[-1] for token in tokens)
    return Guess(notation, share, unread[:_SHOWN], sum(bool(one) for one in found), silent)


def letter(text: str, stop_letter: str = "*") -> str | None:
    """One letter of an amino acid, a stop or a gap written as a cell of its own; None for anything else."""
    if text == stop_letter:
        return "*"
    if len(text) == 1:
        return text if text in LETTERS else None
    words = {"stop": "*", "ter": "*", "del": "-"}
    return words.get(text.lower()) or (hgvs.CODES.get(text.capitalize()) if len(text) == 3 else None)


def site(text: str) -> str | None:
    """A site's number, also where a column of floats has it as 12.0; None for what is no number of a site."""
    whole = _SITE.fullmatch(text) or _FLOAT.fullmatch(text)
    return whole[1] if whole else None


def joined(
    wildtype: np.ndarray,
    sites: np.ndarray,
    mutant: np.ndarray,
    notation: Notation,
    where: Callable[[int, str], str],
    may_fail: bool = False,
) -> np.ndarray:
    """Texts of substitutions from the cells of three columns, (N,) objects; '' is the wildtype.

    A row whose mutant is empty or one of the names of the wildtype is the wildtype; where the mutant is ``=`` or
    ``syn``, a letter is substituted by itself. Unless ``may_fail`` raises UserError for cells that are no substitution;
    ``where`` names the place of a row and one of ``wildtype``, ``site`` and ``mutant``. Otherwise such cells come as a
    text that is none.
    """
    parts = [pd.factorize(column) for column in (wildtype, sites, mutant)]
    combined = np.ravel_multi_index([code for code, _ in parts], [max(1, len(known)) for _, known in parts])
    _, first, codes = np.unique(combined, return_index=True, return_inverse=True)
    cells = [(wildtype[row], sites[row], mutant[row]) for row in first]
    found = [_joined(*three, notation) for three in cells]
    wrong = [code for code, one in enumerate(found) if not isinstance(one, str)]
    refused = [code for code in wrong if not may_fail or _means_wildtype(cells[code][2])]
    if refused:
        row = int(np.flatnonzero(np.isin(codes, refused))[0])
        part, text, expected = found[codes[row]]
        # message: 'Xaa' / no site | an amino acid (A or Ala), a stop (* or Ter) or a gap (-) / a number with at most
        # one lower-case letter, or a name of the site map | The three columns of a row make one substitution. | Correct
        # the cell, or remove the row; `drop: [not_substitutions]` leaves such rows out.
        # message: 'WT' | an amino acid (A or Ala), a stop (* or Ter) or a gap (-), = or an empty cell; a word that
        # means the wildtype stands under `wildtype_names` | The word is not in that list. | Add it:
        # `wildtype_names: ['WT']`.
        raise UserError(where(row, part), repr(text) if text else f"no {part}", expected)
    texts = [" / ".join(cells[code]) if code in wrong else one for code, one in enumerate(found)]
    return np.array(texts, dtype=object)[codes]


def _joined(wildtype: str, place: str, mutant: str, notation: Notation) -> str | tuple[str, str, str]:
    """A substitution, or which of the three is wrong, with what it is and what it should be."""
    if not mutant or mutant in notation.wildtype_names:
        return ""
    first = letter(wildtype, notation.stop_letter)
    last = first if mutant == "=" or mutant.lower() == "syn" else letter(mutant, notation.stop_letter)
    acid = "an amino acid (A or Ala), a stop (* or Ter) or a gap (-)"
    if first is None:
        return "wildtype", wildtype, f"{acid}; {_DROP}"
    if not place or len(place.split()) > 1:
        return "site", place, f"a number with at most one lower-case letter, or a name of the site map; {_DROP}"
    if last is None:
        word = "a word that means the wildtype stands under `wildtype_names`"
        hint = "`stop_letter: X` if that is a stop" if mutant == "X" else word
        return "mutant", mutant, f"{acid}, = or an empty cell; {hint}; {_DROP}"
    return f"{first}{site(place) or place}{last}"


def _refuse_first(
    faults: dict[int, _Fault],
    codes: np.ndarray,
    rows: np.ndarray,
    where: Callable[[int], str],
    may_fail: bool,
    keys: bool,
) -> None:
    refused = [code for code, one in faults.items() if one.certain or not may_fail]
    at = np.flatnonzero(np.isin(codes, refused))
    if len(at):
        fault = faults[codes[at[0]]]
        # message: 'P9A:K5D' | substitutions separated by blanks (as N501Y E484K), or `separator: ":"` in the study's
        # data | Another character stands between substitutions. | Name it under `separator`. For `proxsweep predict`
        # replace it by blanks.
        # message: 'WT' | an empty cell for the wildtype, or `wildtype_names: ['WT']` in the study's data | The word
        # means the wildtype, it seems. | List it there.
        # message: "['P9A', 'K5D']" | substitutions as plain text (P9A K5D), not a Python list: `" ".join(...)` before
        # the table is written | The table was written from a list. | Join each list as the message says.
        # message: 'c.25C>G' | a protein's variants (p.Pro9Ala), not those of DNA or RNA: `columns: {substitutions:
        # hgvs_pro}` | The column has changes of nucleotides. | Name the column with changes of the protein.
        # message: 'p.Lys5fs' | substitutions (p.Pro9Ala, p.[Pro9Ala;Lys5Ter], p.Lys5=, p.Lys5del), no insertion,
        # duplication, frame shift, extension, range of residues or unknown change; `drop: [not_substitutions]` leaves
        # out what is none | What HGVS says here is no substitution of single residues. | Leave such variants out so,
        # or remove the rows.
        # message: 'NA' | a substitution: wildtype letter, site, mutant letter (as N501Y), or `wildtype_names: ['NA']`
        # if the word means the wildtype; `drop: [not_substitutions]` leaves out what is none | A word is no
        # substitution. | Say what it means by one of the two keys.
        # message: passed on
        raise UserError(where(int(rows[at[0]])), repr(fault.found), _expected(fault, keys))


def _expected(fault: _Fault, keys: bool) -> str:
    if not keys:
        return fault.expected
    return f"{fault.expected}{fault.key}" + ("" if fault.certain else f"; {_DROP}")


def _exchanged(tokens: Tokens, rows: np.ndarray, codes: np.ndarray, pieces: list[list[str]]) -> Tokens:
    """Tokens in which some rows have others: row ``rows[k]`` those of ``pieces[codes[k]]``."""
    flat = [piece for one in pieces for piece in one]
    lengths = np.array([len(one) for one in pieces])
    start = np.cumsum(lengths) - lengths
    number = lengths[codes]
    within = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
    new, distinct = pd.factorize(np.array(flat, dtype=object))
    known = dict(zip(tokens.pieces, range(len(tokens.pieces)), strict=True))
    every = [*tokens.pieces, *(piece for piece in distinct if piece not in known)]
    index = {piece: place for place, piece in enumerate(every)}
    of_new = np.array([index[piece] for piece in distinct], dtype=np.int64)
    old = ~np.isin(tokens.row, rows)
    row = np.concatenate([tokens.row[old], np.repeat(rows, number)])
    code = np.concatenate([tokens.code[old], of_new[new[np.repeat(start[codes], number) + within]]])
    order = np.argsort(row, kind="stable")
    used, code = np.unique(code[order], return_inverse=True)
    return Tokens(tokens.texts, row[order], code, [every[place] for place in used])


def _means_wildtype(text: str) -> bool:
    return text.strip("_").lower() in WILDTYPES


class _Reader:
    """Reads one text after another; ``sites`` are names of sites that are no numbers."""

    def __init__(self, notation: Notation, sites: Collection[str]):
        self.notation, self.sites = notation, frozenset(sites)
        self.known: dict[str, str | None] = {}
        blank = not notation.separator.strip()
        self.between = "blanks (as N501Y E484K)" if blank else f"{notation.separator.strip()!r}"

    def substitutions(self, text: str) -> list[str] | _Fault:
        """Those of a text in one-letter form, or why it has none."""
        if not text or text in self.notation.wildtype_names:
            return []
        if hgvs.is_protein(text):
            found = hgvs.substitutions(text, self.notation.stop_letter)
            no = "no insertion, duplication, frame shift, extension, range of residues or unknown change"
            return found if found is not None else _Fault(text, f"substitutions ({hgvs.EXAMPLES}), {no}")
        pieces = self._pieces(text, self.notation.separator)
        found = [self._one_letter(piece) for piece in pieces]
        return found if None not in found else self._fault(text, pieces[found.index(None)])

    @staticmethod
    def _pieces(text: str, separator: str) -> list[str]:
        mark = separator.strip()
        return [piece.strip() for piece in text.split(mark)] if mark else text.split()

    def _one_letter(self, piece: str) -> str | None:
        if piece not in self.known:
            self.known[piece] = self._substitution(piece)
        return self.known[piece]

    def _substitution(self, piece: str) -> str | None:
        if is_substitution(piece, self.sites):
            return piece
        silent, stop = _SILENT.fullmatch(piece), self.notation.stop_letter
        if silent and is_substitution(silent[1] + piece[0], self.sites):
            return silent[1] + piece[0]
        if len(piece) > 2 and stop in (piece[0], piece[-1]):
            first, last = ("*" if end == stop else end for end in (piece[0], piece[-1]))
            if is_substitution(first + piece[1:-1] + last, self.sites):
                return first + piece[1:-1] + last
        return hgvs.one_letter(piece, stop)

    def _fault(self, text: str, piece: str) -> _Fault:
        """Why a text has a piece that is no substitution; what is certain first."""
        if hgvs.is_nucleotide(text):
            key = ": `columns: {substitutions: hgvs_pro}`"
            return _Fault(text, "a protein's variants (p.Pro9Ala), not those of DNA or RNA", key, True)
        if _means_wildtype(text):
            key = f", or `wildtype_names: ['{text}']` in the study's data"
            return _Fault(text, "an empty cell for the wildtype", key, True)
        if _LIST.fullmatch(text):
            join = '`" ".join(...)` before the table is written'
            return _Fault(text, f"substitutions as plain text (P9A K5D), not a Python list: {join}", "", True)
        for other in _TRIED:
            pieces = self._pieces(text, other)
            if len(pieces) > 1 and all(self._one_letter(one) for one in pieces):
                key = f', or `separator: "{other}"` in the study\'s data'
                return _Fault(text, f"substitutions separated by {self.between}", key, True)
        if set(piece[1:-1]) & {*SEPARATORS, *" "} - {*self.notation.separator}:
            return _Fault(piece, f"substitutions separated by {self.between}")
        if not piece:
            return _Fault(text, "a substitution on both sides of every separator")
        expected = token_fault(piece, self.sites or None, True)
        if piece.endswith("X") and is_substitution(piece[:-1] + "*", self.sites):
            return _Fault(piece, expected, ", or `stop_letter: X` in the study's data if it means a stop")
        if not any(character.isdigit() for character in text):
            key = f", or `wildtype_names: ['{text}']` if the word means the wildtype"
            return _Fault(text, "a substitution: wildtype letter, site, mutant letter (as N501Y)", key)
        return _Fault(piece, expected)
