"""Strategies of damage: texts, values, trees, rows, bytes and arrays that should not be there.

Each notes what it did; Hypothesis prints the notes with the smallest input that fails.
"""

import bz2
import copy
import functools
import gzip
import io
import lzma
from math import inf, nan
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hypothesis import note
from hypothesis import strategies as st

SPACES = ["", " ", "\t", "\n", "a\nb", "a\r", "\0", "a\0b", "\x1b[31m", "\u200b", "\u202e", "\ufeff", "\xa0", "a b"]
WORDS = "é ß İ NA nan NaN -nan inf -Infinity None null N/A #N/A ~ true yes off site condition Demo README.md con"
NUMBERS = "2001-01-01 1_000 0x10 010 1:30 1e400 -1e400 1e-400 1d5 1,5 1.5.5 --1 +1 .5 5. 1e ١٢٣ １２ ² ½ Ⅷ"
SIGNS = r"""- . .. ../x /etc/passwd a/b a\b a'b a"b " ' {x} {0} {a.b} {} %s \ * ? <b> &amp;"""
COMMANDS = ["=1+1", "+1+1", "-1+1", "@SUM(1)", "=cmd|' /C calc'!A0", "$(touch x)", "`touch x`", "; rm x"]
ADDRESSES = ["http://", "http://[", "http://a b/", "HTTP://a/x.csv", "file:///etc/passwd", "ftp://a/b"]
TOKENS = "A1A a1c A1 1C A1Z *1C A1* -1C A-1C A1C,D2E AC A99999999999C A1aC AéC A１C B1C A1.5C"
VARIANTS = ["A1C A1D", "A1C A01D", "A1C\xa0D2E", "A1C D2E " * 50, *TOKENS.split()]
LONG = ["9" * 400, "9" * 5000, "x" * 70, "x" * 300, "demo\n"]
LISTS = [SPACES, WORDS.split(), NUMBERS.split(), SIGNS.split(), COMMANDS, ADDRESSES, VARIANTS, LONG]
VALUES: list[Any] = [None, True, False, 0, -1, 1, 2, 3, 10**9, 10**18, 10**400, -(10**400), 0.0, -0.0, 0.5, 1.5, -1.5]
VALUES += [1e300, 5e-324, nan, inf, -inf, [], {}, [[]], [None], {"": ""}, {"a": {"b": {}}}, [1, 1]]
VALUES += [["a", "A"], [[1], [1]]]
FEW = st.sampled_from([0, 1, 1, 1, 2])
TREE_FAULTS = st.sampled_from([*["within"] * 7, "lost", "twice", "more"])
ROW_FAULTS = st.sampled_from([*["changed"] * 4, "one more", "one less", "twice", "lost"])
QUOTING = st.sampled_from([*["needed"] * 16, "none", "none", "some", "all"])
LAST_END = st.sampled_from(["\n", ""])
ODD_BYTES = [b"\0", b"\xff", b'"', b"\r", b"\n", b"\t", b",", b";", b" ", b"\xef\xbb\xbf", b"\xc0\x80", b"\xed\xa0\x80"]
LINE_ENDS = [b"\r\n", b"\r", b"\n\n", b"\n \n", b"\n\r"]
OTHER_FILES = [b"", b"\n", b"<html>", b"version https://git-lfs.github.com/spec/v1\n", b"PK\3\4", b"PAR1\x15"]
OTHER_FILES += [b"\x28\xb5\x2f\xfd", b"\x80\4", b"\x89HDF\r\n\x1a\n", b"BZh9", b"\xfd7zXZ\0"]
ENCODINGS = ["utf-16", "utf-32", "utf-16-le", "utf-7"]
ODD_ENTRIES = {"f": [nan, inf, -1.0, 1e300], "i": [-1, 2**30], "u": [0], "b": [True], "U": ["", "é", "=1", "a"]}
OTHER_KINDS = st.sampled_from([str, complex, bool])


@functools.cache
def once_in(odds: int) -> st.SearchStrategy[bool]:
    """True once in so many cases, and never if the case is as small as can be."""
    return st.sampled_from([False] * (odds - 1) + [True])


class File(NamedTuple):
    """A file that was made; without content, one that is not there."""

    name: str
    content: bytes | None

    def save(self, folder: Path) -> Path:
        """Its path, after it was written or removed."""
        path = folder / self.name
        path.unlink() if self.content is None else path.write_bytes(self.content)
        return path

    def __repr__(self) -> str:
        content = self.content or b""
        return f"File({self.name!r}, {content[:1000]!r})" + f" and {len(content) - 1000} bytes" * (len(content) > 1000)


texts = st.one_of(*map(st.sampled_from, LISTS), st.text(max_size=4))
values = st.integers(0, 1).flatmap(lambda n: texts if n else st.sampled_from(VALUES).map(copy.deepcopy))


def mutate(draw: st.DrawFn, tree: Any, value: st.SearchStrategy = values) -> Any:
    """A copy of nested values with up to two changes somewhere."""
    tree = copy.deepcopy(tree)
    for _ in range(draw(FEW)):
        tree = _changed(draw, tree, value, "")
    return tree


def _changed(draw: st.DrawFn, tree: Any, value: st.SearchStrategy, place: str) -> Any:
    if not isinstance(tree, dict | list) or not tree or draw(once_in(8)):
        new = draw(value)
        note(f"changed: {place or 'all'}: {new!r}")
        return new
    key = draw(st.sampled_from(list(tree if isinstance(tree, dict) else range(len(tree)))))
    kind = draw(TREE_FAULTS)
    if kind == "within":
        tree[key] = _changed(draw, tree[key], value, f"{place}.{key}" if place else str(key))
        return tree
    note(f"{kind}: {place}.{key}")
    if kind == "lost":
        del tree[key]
    elif isinstance(tree, list):
        tree.append(tree[key] if kind == "twice" else draw(value))
    else:
        tree[draw(texts)] = tree[key] if kind == "twice" else draw(value)
    return tree


def change_rows(draw: st.DrawFn, rows: list[list[str]]) -> None:
    """Change a row of a table, or one of its cells; the first row is the header."""
    at = draw(st.integers(0, len(rows) - 1)) * (not draw(once_in(5)))
    row = rows[at]
    kind = draw(ROW_FAULTS)
    place = draw(st.integers(0, max(0, len(row) - 1)))
    new = draw(texts) if kind in ("changed", "one more") else ""
    note(f"row {at}, cell {place}: {kind} {new!r}")
    if kind == "changed" and row:
        row[place] = new
    elif kind == "one more":
        row.insert(place + draw(st.integers(0, 1)), new)
    elif kind == "one less" and row:
        del row[place]
    elif kind == "twice":
        rows.insert(draw(st.integers(0, len(rows))), list(row))
    elif kind == "lost" and len(rows) > 1:
        del rows[at]


def delimit(draw: st.DrawFn, rows: list[list[str]], mark: str) -> bytes:
    """These rows as a file; once in ten without the quotes that it needs, sometimes with some that it does not."""
    needed = {mark, '"', "\n", "\r"}
    quoting = draw(QUOTING)

    def cell(place: int, text: str) -> str:
        quoted = needed & set(text) and quoting != "none" or quoting == "all" or quoting == "some" and place % 7 == 3
        return '"' + text.replace('"', '""') + '"' if quoted else text

    lines = [mark.join(cell(n + k, text) for k, text in enumerate(row)) for n, row in enumerate(rows)]
    return ("\n".join(lines) + draw(LAST_END)).encode("utf-8", "surrogatepass")


PLACES = st.integers(0, 2**16)  # not the file's length: what was measured in a fit has a digit more or less
BYTES = {
    "changed": lambda draw, old, at: old[:at] + draw(st.sampled_from(ODD_BYTES)) + old[at + draw(st.integers(0, 1)) :],
    "cut off": lambda draw, old, at: old[:at],
    "spliced": lambda draw, old, at: old[:at] + old[draw(PLACES) % (len(old) + 1) :],
    "end twice": lambda draw, old, at: old + old[at:],
    "encoding": lambda draw, old, at: old.decode("utf-8", "replace").encode(draw(st.sampled_from(ENCODINGS))),
    "marks": lambda draw, old, at: b"\xef\xbb\xbf" * draw(st.integers(1, 2)) + old,
    "packed": lambda draw, old, at: draw(st.sampled_from(_packed(old))),
    "line ends": lambda draw, old, at: old.replace(b"\n", draw(st.sampled_from(LINE_ENDS))),
    "another file": lambda draw, old, at: draw(st.sampled_from([*OTHER_FILES, b" \n" + old])),
}
BYTE_FAULTS = st.sampled_from([*["changed"] * 3, *BYTES])


def _packed(content: bytes) -> list[bytes]:
    pack = [lambda content: gzip.compress(content, 1, mtime=0), lzma.compress, bz2.compress]
    every = [one(content) for one in pack]
    packed = every[0]
    return [*every, packed[: len(packed) * 3 // 4], packed + b"\0\0", packed * 2, every[1] * 2, packed[:-1] + b"x"]


def damage(draw: st.DrawFn, content: bytes, odds: int = 1) -> bytes:
    """These bytes; once in so many cases changed somewhere, cut, doubled, wrapped or exchanged."""
    if not draw(once_in(odds)):
        return content
    kind = draw(BYTE_FAULTS)
    at = draw(PLACES) % (len(content) + 1)
    note(f"byte {at}: {kind}")
    return BYTES[kind](draw, content, at)


ARRAYS = {
    "objects": lambda draw, old: np.array([{"x": 1}, None], dtype=object),
    "a dimension more": lambda draw, old: old[..., None],
    "kind": lambda draw, old: old.astype(bytes if old.dtype.kind == "U" else draw(OTHER_KINDS)),
    "twice": lambda draw, old: np.concatenate([old, old]) if old.ndim else np.array([old, old]),
    "one entry less": lambda draw, old: old[:-1] if old.ndim else old,
    "empty": lambda draw, old: old.ravel()[:0],
}


def change_arrays(draw: st.DrawFn, content: bytes) -> bytes:
    """A file of arrays after one change to one of them."""
    with np.load(io.BytesIO(content)) as file:
        arrays = dict(file)
    name = draw(st.sampled_from(list(arrays)))
    kinds = [*ARRAYS, "lost", "exchanged", "one more"] + ["an entry"] * 3 * bool(arrays[name].size)
    kind = draw(st.sampled_from(kinds))
    note(f"array {name}: {kind}")
    if kind == "lost":
        del arrays[name]
    elif kind == "exchanged":
        arrays[name] = arrays[draw(st.sampled_from(list(arrays)))]
    elif kind == "one more":
        arrays["more"] = np.zeros(3)
    elif kind == "an entry":
        at = draw(st.integers(0, arrays[name].size - 1))
        arrays[name].flat[at] = draw(st.sampled_from(ODD_ENTRIES[arrays[name].dtype.kind]))
        note(f"entry {at}: {arrays[name].flat[at]!r}")
    else:
        arrays[name] = ARRAYS[kind](draw, arrays[name])
    written = io.BytesIO()
    np.savez(written, **arrays)
    return written.getvalue()


mutated, damaged = st.composite(mutate), st.composite(damage)
