"""Protein variants as HGVS writes them (den Dunnen et al. 2016, Hum. Mutat. 37, 564): those that are substitutions.

MaveDB and Enrich2 write them so: ``p.Pro9Ala``, ``p.[Pro9Ala;Lys5Ter]``, ``p.=``, and several with a ``p.`` each.
"""

import re

CODES = {
    **{"Ala": "A", "Arg": "R", "Asn": "N", "Asp": "D", "Cys": "C", "Gln": "Q", "Glu": "E", "Gly": "G", "His": "H"},
    **{"Ile": "I", "Leu": "L", "Lys": "K", "Met": "M", "Phe": "F", "Pro": "P", "Ser": "S", "Thr": "T", "Trp": "W"},
    **{"Tyr": "Y", "Val": "V", "Ter": "*"},
}
"""One letter of each amino acid, and of the stop."""

EXAMPLES = "p.Pro9Ala, p.[Pro9Ala;Lys5Ter], p.Lys5=, p.Lys5del"
_VARIANT = r"p\.|[A-Za-z*]{1,3}-?[0-9]+[a-z]?[A-Za-z*=-]{1,3}:"
_PREFIX = rf"(?:(?!{_VARIANT})[\w.-]+(?:\([\w.-]+\))?:)?"  # a sequence and a colon; no substitution before another
_PROTEIN = re.compile(rf"{_PREFIX}p\.(.*)", re.DOTALL)
_SEQUENCE = re.compile(rf"({_PREFIX})p\.", re.DOTALL)
_NUCLEOTIDE = re.compile(rf"{_PREFIX}[cgmnor]\.\S.*", re.DOTALL)
_NEXT = re.compile(rf"[,;:]\s*{_PREFIX}p\.")
_CODE = re.compile(r"([A-Z][a-z]{2})(-?[0-9]{1,9}[a-z]?)([A-Z][a-z]{2}|del|[=*])")
_LETTER = re.compile(r"([A-Z*])(-?[0-9]{1,9})([A-Z*=]|del)")


def is_protein(text: str) -> bool:
    """Whether a text says that it is a protein's variant."""
    return bool(_PROTEIN.fullmatch(text))


def sequence(text: str) -> str:
    """The sequence that a protein's variant is of, as written before the colon; '' where it says none."""
    found = _SEQUENCE.match(text)
    return found[1].removesuffix(":") if found else ""


def is_nucleotide(text: str) -> bool:
    """Whether a text says that it is a variant of DNA or RNA."""
    return bool(_NUCLEOTIDE.fullmatch(text))


def substitutions(text: str, stop_letter: str) -> list[str] | None:
    """Substitutions in one-letter form, none for the wildtype; None for what is something else.

    A deleted residue is a substitution by ``-``, a residue that stays one by itself.
    """
    parts = _NEXT.split(_PROTEIN.fullmatch(text)[1])
    found = [_substitutions(part.strip(), stop_letter) for part in parts]
    return None if None in found else [token for tokens in found for token in tokens]


def _substitutions(part: str, stop_letter: str) -> list[str] | None:
    """The same of what stands behind one ``p.``."""
    part = _without(part, "()")
    inner = _without(part, "[]")
    if inner in ("=", ""):
        return [] if inner else None
    items = [_without(item.strip(), "()") for item in _without(inner, "()").split(";")] if inner != part else [part]
    found = [one_letter(item, stop_letter) or _of_letters(item, stop_letter) for item in items]
    return None if None in found else found


def _without(text: str, brackets: str) -> str:
    """A text without the brackets around all of it."""
    inner = text[1:-1]
    whole = text[:1] == brackets[0] and text[-1:] == brackets[1] and not set(inner) & set(brackets)
    return inner if whole else text


def one_letter(item: str, stop_letter: str) -> str | None:
    """A substitution of three-letter codes (``Pro9Ala``) in one-letter form; None for what is none."""
    if stop_letter != "*" and item.endswith(stop_letter) and item[-2:-1].isdigit():
        item = item[:-1] + "*"
    parts = _CODE.fullmatch(item)
    if not parts or parts[1] not in CODES:
        return None
    return _written(CODES[parts[1]], parts[2], CODES.get(parts[3], parts[3]))


def _of_letters(item: str, stop_letter: str) -> str | None:
    """A substitution of one-letter codes, which HGVS allows."""
    parts = _LETTER.fullmatch(item)
    if not parts:
        return None
    first, last = ("*" if letter == stop_letter else letter for letter in (parts[1], parts[3]))
    known = first in CODES.values() and (last in CODES.values() or last in ("=", "del"))
    return _written(first, parts[2], last) if known else None


def _written(wildtype: str, site: str, mutant: str) -> str | None:
    if len(mutant) > 1 and mutant != "del":
        return None
    return f"{wildtype}{site}{ {'=': wildtype, 'del': '-'}.get(mutant, mutant) }"
