"""What a table, a variant or a config may hold, written a second time: strict, slow and plain."""

import bz2
import gzip
import lzma
import math
import re
import unicodedata
from collections import Counter
from typing import Any

import yaml

NUMBER = re.compile(r"[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?")
TOKEN = re.compile(r"([ACDEFGHIKLMNPQRSTVWY*-])(-?)([0-9]{1,9})([a-z]?)([ACDEFGHIKLMNPQRSTVWY*-])")
LARGEST = 2**22
PACKED = {b"\x1f\x8b": gzip.decompress, b"\xfd7zXZ\0": lzma.decompress, b"BZh": bz2.decompress}
MISSING = ["", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", ".", "-"]
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)


class Invalid(Exception):
    """Not what it should be."""


def rows(text: str, separator: str) -> list[list[str]]:
    """Records of a delimited text, one character after another."""
    found, fields, held, state = [], [], "", "start"
    for character in [*text.replace("\r\n", "\n").replace("\r", "\n"), None]:
        end = character in ("\n", None)
        if state == "quoted" and character != '"':
            if character is None:
                raise Invalid("a quote that never ends")
            held += character
        elif state == "quoted":
            state = "closed"
        elif state == "closed" and character == '"':
            held, state = held + '"', "quoted"
        elif character == separator or end:
            blank_line = end and state == "start" and not fields
            fields.append(held)
            held, state = "", "start"
            if end:
                found += [] if blank_line else [fields]
                fields = []
        elif state == "closed":
            raise Invalid("text after a quote")
        elif state == "start" and character == '"':
            state = "quoted"
        else:
            held, state = held + character, "open"
        if len(held) > 131_072:
            raise Invalid("a field too large")
    return found


def table(content: bytes, name: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a file, cells stripped.

    Line ends within quotes come out as line feeds.
    """
    unpack = next((unpack for magic, unpack in PACKED.items() if content.startswith(magic)), None)
    if unpack:
        try:
            content = unpack(content)
        except Exception as error:
            raise Invalid("packed") from error
        if len(content) > LARGEST:
            raise Invalid("too large")
    try:
        text = content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Invalid("not UTF-8") from error
    opening = text.lstrip().lower()
    if "\0" in text or opening.startswith(("version https://git-lfs", "<!doctype", "<html", "<head", "<body", "<?xml")):
        raise Invalid("no table")
    first = re.split("[\r\n]", text.lstrip())[0]
    suffixes = [part for part in name.split(".")[1:] if part in ("csv", "tsv", "tab")]
    tabs = suffixes[-1] != "csv" if suffixes else first.count("\t") > first.count(",")
    separator = "\t" if tabs else ","
    found = rows(text, separator)
    while found and len(found[0]) == 1 and not found[0][0].strip():
        found = found[1:]
    if len(found) < 2:
        raise Invalid("no rows")
    header = [cell.strip() for cell in found[0]]
    if any(count > 1 for cell, count in Counter(header).items() if cell):
        raise Invalid("a column twice")
    if len(header) == 1 and any(mark in header[0] for mark in {",", ";", "\t"} - {separator}):
        raise Invalid("another separator")
    if any(len(row) != len(header) for row in found):
        raise Invalid("rows of other lengths")
    return header, [[cell.strip() for cell in row] for row in found[1:]]


def number(text: str) -> float:
    """A cell as a number; NaN where it is missing, infinite where it says so."""
    if text.lower() in MISSING:
        return math.nan
    if INFINITE.fullmatch(text):
        return float(text)
    if not NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise Invalid(f"no number: {text}")
    return float(text)


def substitutions(text: str) -> dict[tuple[int, str], tuple[str, str]]:
    """Wildtype and mutant by site, as number and suffix."""
    found: dict[tuple[int, str], tuple[str, str]] = {}
    for token in re.split(r"\s+", text.strip()) if text.strip() else []:
        parts = TOKEN.fullmatch(token)
        if not parts or parts[1] == "*":
            raise Invalid(f"no substitution: {token}")
        site = int(parts[2] + parts[3]), parts[4]
        if site in found:
            raise Invalid("a site twice")
        found[site] = parts[1], parts[5]
    return found


def is_name(text: str) -> bool:
    """Whether a condition may be called so."""
    odd = any(unicodedata.category(character)[0] in "CZ" and character != " " for character in text)
    return 1 <= len(text) <= 100 and not odd and text == text.strip() and text[0] not in "=+-@"


def plain_yaml(text: str) -> bool:
    """Whether a YAML text is a tree of texts, decimal numbers, booleans and nulls, every key once."""

    def good(node: yaml.Node, depth: int = 0) -> bool:
        if depth > 40:
            return False
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            whole = len(keys) == len(node.value) == len(set(keys))
            return whole and all(good(item, depth + 1) for _, item in node.value)
        if isinstance(node, yaml.SequenceNode):
            return all(good(item, depth + 1) for item in node.value)
        kind = node.tag.rpartition(":")[2]
        if kind in ("int", "float"):
            return bool(NUMBER.fullmatch(node.value)) and not re.fullmatch(r"[-+]?0[0-9]+", node.value)
        return kind in ("str", "bool", "null")

    try:
        tagged = any(getattr(event, "tag", None) for event in yaml.parse(text, yaml.SafeLoader))
        return not tagged and good(yaml.compose(text, yaml.SafeLoader))
    except yaml.YAMLError:
        return False


def numbers_in(values: Any) -> list[float]:
    """All numbers in nested values."""
    if isinstance(values, dict | list | tuple):
        inner = values.values() if isinstance(values, dict) else values
        return [number for item in inner for number in numbers_in(item)]
    return [values] if isinstance(values, int | float) and not isinstance(values, bool) else []
