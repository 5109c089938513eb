"""Fonts of figures: that of every figure, and others for characters that it lacks, such as those of Chinese.

A PNG or PDF shows a box for a character that no font has. Matplotlib is imported where there is something to look up.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Iterator

FIRST = "DejaVu Sans"  # comes with matplotlib: equal everywhere
WIDE = (
    *("Noto Sans CJK SC", "Noto Sans CJK", "Source Han Sans", "WenQuanYi", "Droid Sans Fallback", "Hiragino Sans"),
    *("PingFang", "Arial Unicode MS", "Noto Sans", "FreeSans", "Unifont"),
)
"""How names of fonts begin that are asked for what the first lacks, in this order."""

_LATIN_1 = "\xff"  # the last of the characters that every font has


def fallback(texts: Iterable[str]) -> list[str]:
    """Names of the installed fonts that have what the first lacks of the texts' characters; most often none."""
    return _search(texts)[0]


def missing(texts: Iterable[str]) -> str:
    """Characters of the texts that none of the fonts has, each once, in the order of the texts."""
    return _search(texts)[1]


def _search(texts: Iterable[str]) -> tuple[list[str], str]:
    wanted = dict.fromkeys(character for text in texts for character in text if character > _LATIN_1)
    left, found = set(wanted), []
    if left:
        left -= _characters(FIRST)
    for name in _candidates() if left else ():
        here = left & _characters(name)
        if here:
            found.append(name)
            left -= here
        if not left:
            break
    return found, "".join(character for character in wanted if character in left)


def _candidates() -> Iterator[str]:
    """Installed fonts of :data:`WIDE`; those that matplotlib has not noted yet come last."""
    before = _installed()
    yield from before
    _note_new_ones()
    yield from (name for name in _installed() if name not in before)


def _installed() -> list[str]:
    from matplotlib.font_manager import fontManager

    names = sorted({font.name for font in fontManager.ttflist if "Mono" not in font.name})
    return list(dict.fromkeys(name for start in WIDE for name in names if name.startswith(start)))


@functools.cache
def _note_new_ones() -> None:
    """Make fonts known that were installed after matplotlib wrote its list of them; once, since it takes a while."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    known = {font.fname for font in fontManager.ttflist}
    for path in sorted(set(findSystemFonts()) - known):
        with contextlib.suppress(OSError, RuntimeError, ValueError):  # a file that is no font, or of a kind unknown
            fontManager.addfont(path)


@functools.cache
def _characters(name: str) -> frozenset[str]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(map(chr, get_font(findfont(name)).get_charmap()))
