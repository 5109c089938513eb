"""Config files as YAML: strict reading that remembers lines, and ``--config`` values typed as in a file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from proxsweep.io import opening
from proxsweep.io.errors import UserError

KeyPath = tuple[str | int, ...]  # keys and list positions from the top of a config

BOOLEANS = "yes, no, on, off, true and false are YAML booleans, a bare number is a number: put it in quotes"
DEEPEST = 30  # levels of a config
MOST = 100_000  # values in a file, those of an alias wherever it is used
MERGE = "tag:yaml.org,2002:merge"  # of the key `<<`
DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
TABLE_NAME = re.compile(r".*\.(csv|tsv|tab|parquet|xlsx?)(\.[a-z0-9]+)?", re.IGNORECASE)
HEAD = 10_000  # bytes that tell a table from a config
SCALARS = {f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null")}


class Fault(NamedTuple):
    """Something wrong at a key path; where that stands is looked up when it is told."""

    path: KeyPath
    found: str
    expected: str


@dataclass(frozen=True)
class Source:
    """One config file: its values, and the line (from 1) on which each key path stands."""

    name: str
    values: dict[str, Any]
    lines: dict[KeyPath, int]


def read(path: str | Path, name: str | None = None) -> Source:
    """Read one YAML config file; messages call it ``name``, by default its path.

    Keys become text. A merge key (`<<`) brings the keys of the mappings that it names, with the lines on which those
    stand, but for keys that the mapping has itself; of several mappings the first counts. Raises UserError, with file
    and line, for a file that is missing, empty, a table, not UTF-8 or no YAML, for a top level that is no mapping, keys
    that stand twice or are no text, YAML tags and dates.
    """
    name = name or str(path)
    try:
        with open(path, "rb") as stream:
            head = stream.read(HEAD)
            _refuse_table(name, head)
            text = (head + stream.read()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # message: The editor saved another encoding. | Save the file as UTF-8.
        raise UserError(name, f"bytes that are not UTF-8 at position {error.start}", "a UTF-8 text file") from error
    except OSError as error:
        # message: No such file, or you may not read it. | Check the path, which is relative to where you are.
        raise UserError(name, f"no readable file ({error.strerror})", "a YAML config file") from error
    try:
        _refuse_structure(name, text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise _syntax(name, error) from error
    if not isinstance(root, yaml.MappingNode):
        found = "an empty file" if root is None else "a list" if root.id == "sequence" else "a text without keys"
        # message: A config begins with `studies:`. | Begin it so; if a file of another kind was named where a config
        # is expected, name the config.
        raise UserError(name, found, "a config, that is a mapping with the key `studies`")
    lines: dict[KeyPath, int] = {}
    return Source(name, _Builder(name, lines).build(root, (), ()), lines)


def _refuse_table(name: str, head: bytes) -> None:
    """Refuse a table, by its name or its first bytes, before YAML reads it as one long text."""
    packed, columns = opening.is_packed(head), _columns(head.decode("utf-8-sig", errors="replace"))
    if not (packed or columns or TABLE_NAME.fullmatch(name)):
        return
    found = "a packed file" if packed else "a table" + (f" (columns {', '.join(columns[:8])})" if columns else "")
    # message: a table (columns condition, aa_substitutions, func_score) / a packed file | a config (YAML), which names
    # the table in its section `data` | A table was given in the place of a config. | Write a config that names it
    # (`func_scores: scores.csv`), and give that.
    raise UserError(name, found, "a config (YAML), which names the table in its section `data`")


def _columns(text: str) -> list[str]:
    """Columns of a text that is a table: the first two lines have as many cells, and the first no key of YAML."""
    first, second = [*text.splitlines()[:2], "", ""][:2]
    if not first or first[0] in "{[#%&*!?-" or ":" in first:
        return []
    counts = {mark: first.count(mark) for mark in "\t,;" if 0 < first.count(mark) == second.count(mark)}
    return [cell.strip(' "') for cell in first.split(max(counts, key=counts.get))] if counts else []


def _refuse_structure(name: str, text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            # message: Lists and mappings inside each other, far deeper than any config. | Look for brackets that are
            # not closed.
            raise UserError(f"{name}:{event.start_mark.line + 1}", f"more than {DEEPEST} levels", "a config")
        tag = getattr(event, "tag", None)
        if tag is not None:
            written = tag.replace("tag:yaml.org,2002:", "!!")
            # message: YAML tags are not taken, since some of them run code. | Remove what begins with `!` before the
            # value.
            raise UserError(f"{name}:{event.start_mark.line + 1}", f"the YAML tag {written}", "a plain value")


def _syntax(name: str, error: yaml.YAMLError) -> UserError:
    mark = getattr(error, "problem_mark", None)
    place = name if mark is None else f"{name}:{mark.line + 1}"
    problem = getattr(error, "problem", None) or " ".join(str(error).split())
    if "found character '\\t'" in problem:
        problem = "a tab as indentation"
    # message: The file cannot be taken apart. | Look at this line and the one before: a tab, a missing colon or blank
    # after it, a bracket or quote that is not closed.
    return UserError(place, f"text that is not YAML ({problem})", "YAML, indented by spaces")


class _Builder:
    """Values of a YAML node tree; notes the line of every path on the way."""

    def __init__(self, name: str, lines: dict[KeyPath, int]):
        self.name, self.lines = name, lines
        self.scalars = yaml.constructor.SafeConstructor()
        self.built = 0

    def build(self, node: yaml.Node, path: KeyPath, above: tuple[int, ...]) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in above:
            # message: `*name` stands inside of what `&name` marks. | Write the value out.
            self._refuse(node, "an alias of something that contains it", "values without circles")
        above = (*above, id(node))
        self._count(node, 1, above)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, above)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, i), above) for i, item in enumerate(node.value)]
        return self._scalar(node)

    def _count(self, node: yaml.Node, values: int, above: tuple[int, ...]) -> None:
        self.built += values
        if self.built > MOST or len(above) > DEEPEST:
            # message: Aliases of aliases multiply. | Write out what is needed.
            self._refuse(node, f"more than {MOST} values or {DEEPEST} levels, aliases counted where used", "a config")

    def _mapping(self, node: yaml.MappingNode, path: KeyPath, above: tuple[int, ...]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, (key_node, value_node) in self._items(node, above).items():
            self.lines[(*path, key)] = key_node.start_mark.line + 1
            values[key] = self.build(value_node, (*path, key), above)
        return values

    def _items(self, node: yaml.MappingNode, above: tuple[int, ...]) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Nodes of keys and values: what `<<` brings, in the order of Snakemake's reader, then the mapping's own."""
        brought: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key in first:
                # message: Of two values one would be lost. | Remove one, or join their lists.
                self._refuse(
                    key_node,
                    f"the key `{key}` again (first in line {first[key]})",
                    "every key once in a mapping",
                )
            first[key] = key_node.start_mark.line + 1
            if key_node.tag == MERGE:
                brought = self._merged(value_node, above)
            else:
                own[key] = (key_node, value_node)
        return {**brought, **own}

    def _merged(self, node: yaml.Node, above: tuple[int, ...]) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """What the mapping after a `<<`, or the mappings in a list there, bring; of several the first counts."""
        found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for one in reversed(node.value if isinstance(node, yaml.SequenceNode) else [node]):
            if not isinstance(one, yaml.MappingNode):
                # message: `<<` brings the keys of another mapping, and this is none. | Mark that mapping (`&name`), and
                # write `<<: *name`, or `<<: [*one, *other]`.
                self._refuse(one, "no mapping after `<<`", "the alias of a mapping (`<<: *name`), or a list of these")
            if id(one) in above:
                # message: `<<: *name` stands inside of what `&name` marks. | Write out the keys that are meant.
                self._refuse(one, "a merge key that brings what contains it", "values without circles")
            self._count(one, 1 + len(one.value), (*above, id(one)))
            found |= self._items(one, (*above, id(one)))
        return found

    def _key(self, node: yaml.Node) -> str:
        if node.tag == MERGE:
            return "<<"
        if node.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:int"):
            written = node.value if isinstance(node, yaml.ScalarNode) else node.id
            # message: YAML reads the key as something else than text. | Quote it: `"yes":`.
            self._refuse(node, f"`{written}` as a key", f"text as a key ({BOOLEANS})")
        return str(self._scalar(node))

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if node.tag == "tag:yaml.org,2002:timestamp":
            # message: YAML takes it for a date. | Quote it, as the message shows.
            self._refuse(node, f"the date {node.value}", f'text in quotes: "{node.value}"')
        if not _is_decimal(node.tag, node.value):
            # message: `010` / `1:30` / `1_000` | a decimal number, or text in quotes: "010" | YAML reads these as 8, 90
            # and 1000. | Write a decimal number, or quote a text.
            self._refuse(node, f"`{node.value}`", f'a decimal number, or text in quotes: "{node.value}"')
        try:
            return self.scalars.construct_object(node)
        except (ValueError, IndexError, OverflowError, yaml.YAMLError):
            # message: `=` | a value that YAML can read | A lone `=` means something else in YAML. | Quote it.
            return self._refuse(node, f"`{node.value}`", "a value that YAML can read")

    def _refuse(self, node: yaml.Node, found: str, expected: str) -> None:
        # message: passed on
        raise UserError(f"{self.name}:{node.start_mark.line + 1}", found, expected)


def _is_decimal(tag: str, text: str) -> bool:
    """Whether a number is no surprise: YAML 1.1 reads 010 as 8, 1:30 as 90 and 1_000 as 1000."""
    if tag == "tag:yaml.org,2002:int":
        return bool(DECIMAL.fullmatch(text))
    return tag != "tag:yaml.org,2002:float" or not set(":_") & set(text)


def retype(value: Any) -> Any:
    """A ``--config`` value with the types that it would have in a file.

    Snakemake hands the scalars of ``--config key={...}`` over as text; here ``1.0e-5`` becomes a float,
    ``true`` a boolean, nothing (or ``~``, ``null``) None; ``1e-5`` stays text, as in a file. Quotes are lost
    on the way, so text that looks like a number must be quoted twice: ``"'1'"``.
    """
    if isinstance(value, Mapping):
        return {str(key): retype(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [retype(item) for item in value]
    if not isinstance(value, str):
        return value
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    tag = yaml.SafeLoader("").resolve(yaml.ScalarNode, value, (True, False))
    if tag not in SCALARS or not _is_decimal(tag, value):
        return value
    try:
        return yaml.constructor.SafeConstructor().construct_object(yaml.ScalarNode(tag, value))
    except (ValueError, IndexError, OverflowError):
        return value


def plain(value: Any) -> Any:
    """Nested values as plain dicts and lists, keys as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def concerning(config: dict[str, Any], command_line: Mapping[str, Any]) -> dict[str, Any]:
    """The part of ``--config`` about this config, which may be a section of a larger workflow's config."""
    for part in (command_line, *command_line.values()):
        shared = {str(key) for key in part} & set(config) if isinstance(part, Mapping) else set()
        if shared:
            return {str(key): value for key, value in part.items() if str(key) in shared}
    return {}


def show(path: KeyPath) -> str:
    """A key path as text: ``studies.demo.sweep.lasso[2]``, counted from 0."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def holds(values: Any, path: KeyPath) -> bool:
    """Whether nested values have something at a key path."""
    for key in path:
        keys = values if isinstance(values, dict) else range(len(values) if isinstance(values, list) else 0)
        if key not in keys:
            return False
        values = values[key]
    return True


def place(path: KeyPath, sources: list[Source], command_line: dict[str, Any]) -> str:
    """Where a key path stands: ``--config``, or the last file that has it and the line, then the path itself.

    A path that stands nowhere (a key that is missing) is placed where the nearest part of it stands.
    """
    for end in range(len(path), 0, -1):
        part = path[:end]
        if holds(command_line, part):
            return f"--config: {show(path)}"
        for source in reversed(sources):
            line = _line(source, part)
            if line is not None:
                return f"{source.name}:{line}: {show(path)}"
    names = ", ".join(source.name for source in sources)
    return f"{names or 'config'}: {show(path)}" if path else names or "config"


def _line(source: Source, part: KeyPath) -> int | None:
    """Line of a path; the config may be a section of the file, where this workflow is a module of another."""
    if part in source.lines:
        return source.lines[part]
    return next((line for path, line in source.lines.items() if path[1:] == part), None)


def overlay(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """``below`` with ``above`` on top: mappings merge, anything else is replaced (as Snakemake does)."""
    merged = dict(below)
    for key, value in above.items():
        standing = merged.get(key)
        if isinstance(value, dict):
            merged[key] = overlay(standing if isinstance(standing, dict) else {}, value)
        else:
            merged[key] = value
    return merged
