"""Values, texts and bytes that should not be there."""

import copy
import gzip
import json
import math
from random import Random
from typing import Any

TEXTS = [
    *(
        "",
        " ",
        "\t",
        "\n",
        "a\nb",
        "a\r",
        "\0",
        "a\0b",
        "\x1b[31m",
        "\u200b",
        "\u202e",
        "\ufeff",
        "\xa0",
        "é",
        "ß",
        "İ",
    ),
    *("NA", "nan", "NaN", "-nan", "inf", "-Infinity", "None", "null", "N/A", "#N/A", "~", "true", "yes", "off"),
    *(
        "1_000",
        "0x10",
        "010",
        "1:30",
        "1e400",
        "-1e400",
        "1e-400",
        "1d5",
        "1,5",
        "1.5.5",
        "--1",
        "+1",
        ".5",
        "5.",
        "1e",
    ),
    *("١٢٣", "１２", "²", "½", "Ⅷ", "9" * 400, "9" * 5000, "-", ".", "..", "../x", "/etc/passwd", "a/b", "a\\b", "con"),
    *(
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(1)",
        "=cmd|' /C calc'!A0",
        "$(touch x)",
        "`touch x`",
        "; rm x",
        "a b",
        "a'b",
        'a"b',
    ),
    *('"', "'", "{x}", "{0}", "{a.b}", "{}", "%s", "\\", "*", "?", "<b>", "&amp;", "site", "condition", "x" * 70),
    *(
        "x" * 300,
        "http://",
        "http://[",
        "http://a b/",
        "HTTP://a/x.csv",
        "file:///etc/passwd",
        "ftp://a/b",
        "2001-01-01",
    ),
    *(
        "A1A",
        "A1C A1D",
        "A1C A01D",
        "a1c",
        "A1",
        "1C",
        "A1Z",
        "*1C",
        "A1*",
        "-1C",
        "A-1C",
        "A1C,D2E",
        "A1C\xa0D2E",
        "AC",
    ),
    *("A99999999999C", "A1aC", "AéC", "A１C", "B1C", "A1C D2E " * 50, "A1.5C", "demo\n", "Demo", "README.md"),
]
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 3, 10**9, 10**18, 10**400, -(10**400), 0.0, -0.0, 0.5, 1.5, -1.5, 1e300, 5e-324),
    *(math.nan, math.inf, -math.inf, [], {}, [[]], [None], {"": ""}, {"a": {"b": {}}}, [1, 1], ["a", "A"], [[1], [1]]),
]


def text(rng: Random) -> str:
    return rng.choice(TEXTS)


def value(rng: Random) -> Any:
    """Anything that a config or a record can hold."""
    return text(rng) if rng.random() < 0.5 else copy.deepcopy(rng.choice(VALUES))


def mutated(rng: Random, tree: Any, value=value) -> Any:
    """A copy of nested values with one or two changes somewhere."""
    tree = json.loads(json.dumps(tree))
    for _ in range(rng.choice([0, 1, 1, 1, 2])):
        tree = _change(rng, tree, value)
    return tree


def _change(rng: Random, tree: Any, value) -> Any:
    if not isinstance(tree, dict | list) or not tree or rng.random() < 0.12:
        return value(rng)
    key = rng.choice(list(tree) if isinstance(tree, dict) else range(len(tree)))
    kind = rng.random()
    if kind < 0.7:
        tree[key] = _change(rng, tree[key], value)
    elif kind < 0.8:
        del tree[key]
    elif isinstance(tree, list):
        tree.append(rng.choice([tree[key], value(rng)]))
    else:
        tree[text(rng)] = tree[key] if kind < 0.9 else value(rng)
    return tree


def damaged(rng: Random, content: bytes) -> bytes:
    """The same bytes with a few changed, cut, doubled or wrapped."""
    kind = rng.randrange(12)
    at = rng.randrange(len(content) + 1)
    odd = [b"\0", b"\xff", b'"', b"\r", b"\n", b"\t", b",", b";", b" ", b"\xef\xbb\xbf", b"\xc0\x80", b"\xed\xa0\x80"]
    if kind < 4:
        return content[:at] + rng.choice(odd) + content[at + rng.randrange(2) :]
    if kind == 4:
        return content[:at]
    if kind == 5:
        return content[:at] + content[rng.randrange(len(content) + 1) :]
    if kind == 6:
        return content + content[at:]
    if kind == 7:
        return content.decode("utf-8", "replace").encode(rng.choice(["utf-16", "utf-32", "utf-16-le", "utf-7"]))
    if kind == 8:
        return b"\xef\xbb\xbf" * rng.randrange(1, 3) + content
    if kind == 9:
        packed = gzip.compress(content, 1, mtime=0)
        return rng.choice([packed, packed[: len(packed) * 3 // 4], packed + b"\0\0", packed * 2, packed[:-1] + b"x"])
    if kind == 10:
        return content.replace(b"\n", rng.choice([b"\r\n", b"\r", b"\n\n", b"\n \n", b"\n\r"]))
    return rng.choice(
        [b"", b"\n", b" \n" + content, b"<html>", b"version https://git-lfs.github.com/spec/v1\n", b"PK\3\4"]
    )
