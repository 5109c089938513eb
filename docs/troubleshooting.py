"""Write troubleshooting.md from the remarks beside the messages in the code: ``python docs/troubleshooting.py``.

A remark is a comment directly above the statement that makes a message, or above a function that makes several:

    # message: what it means | what to do
    # message: example of what is found | example of what is expected | what it means | what to do
    # message: passed on

What is found and expected is read from the code, ``...`` stands for what varies; examples are for messages that hold
little else, and have to fit the code. A message is passed on whose words are made where a remark of their own stands.

``troubleshooting.template.md`` has headings, text, and messages that are not ours. There ``<!-- refused: modules -->``
stands for a table of what was found and expected, ``<!-- told: modules -->`` for rows of other messages. The latter are
written by hand for the module of ``<!-- by hand: module -->``.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parent
SCRIPTS = DOCS.parent / "scripts"
PAGE, TEMPLATE = DOCS / "troubleshooting.md", DOCS / "troubleshooting.template.md"
REFUSED = ("UserError", "Fault", "_error", "_Refused", "self._refuse")  # called with place, found, expected
TOLD = ("NotebookError", "RuntimeError", "argparse.ArgumentTypeError", "report")
PASSED_ON = ("passed on",)
GAP = "..."
HEADER = "| found | expected | what it means and what to do |\n|---|---|---|\n"
MARKER = re.compile(r"<!-- (refused|told|by hand): (.*) -->\n")


class Message(NamedTuple):
    """A message in the code, with the cells of its remark; nothing is expected where it is no refusal."""

    module: str
    line: int
    found: str
    expected: str
    cells: tuple[str, ...]

    def kind(self) -> str:
        return "refused" if self.expected or len(self.cells) == 4 else "told"

    def row(self) -> str:
        *examples, meaning, remedy = self.cells
        found, expected = examples or [re.sub(r"(\.\.\.)+", GAP, text) for text in (self.found, self.expected)]
        told = f"| `{found}` | {meaning} | {remedy} |\n"
        return f"| {found} | {expected} | {meaning} {remedy} |\n" if self.kind() == "refused" else told


@cache
def messages() -> list[Message]:
    """All messages of the library, by module and line."""
    package = SCRIPTS / "proxsweep"
    paths = {str(path.relative_to(package)): path for path in sorted(package.rglob("*.py"))}
    return [one for name, path in paths.items() for one in read(path.read_text(encoding="utf-8"), name)]


def read(source: str, module: str) -> list[Message]:
    """Messages of one module; one that has several remarks comes once for each."""
    remarks = _remarks(source.splitlines())
    found = []
    for chain in _chains(ast.parse(source)):
        lines = [node.lineno for node in chain[::-1] if isinstance(node, ast.stmt)]
        line = next((one for one in lines if one in remarks), 0)
        own = [*lines[:1], *(node.lineno for node in _functions(chain)[-1:])]
        if texts := _said(chain, line in own):
            found += [Message(module, chain[-1].lineno, *texts, cells) for cells in remarks.get(line, [()])]
    return sorted(found, key=lambda one: one.line)


def _remarks(lines: list[str]) -> dict[int, list[tuple[str, ...]]]:
    """Cells of remarks, by the number of the line that they stand above."""
    found: dict[int, list[tuple[str, ...]]] = {}
    block: list[str] = []
    for number, line in enumerate(lines, start=1):
        comment = re.fullmatch(r" *# (message: )?(.*)", line)
        if comment and comment[1]:
            block.append(comment[2])
        elif comment and block:
            block[-1] += " " + comment[2]
        elif block:
            found[number], block = [tuple(one.split(" | ")) for one in block], []
    return found


def _chains(tree: ast.Module) -> Iterator[tuple[ast.AST, ...]]:
    """Nodes that may hold a message, each with those above it before it."""
    stack: list[tuple[ast.AST, ...]] = [(tree,)]
    while stack:
        chain = stack.pop()
        stack += [(*chain, child) for child in ast.iter_child_nodes(chain[-1])]
        if isinstance(chain[-1], ast.Call | ast.Return | ast.Yield):
            yield chain


def _functions(chain: tuple[ast.AST, ...]) -> list[ast.stmt]:
    return [node for node in chain if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _said(chain: tuple[ast.AST, ...], remarked: bool) -> tuple[str, str] | None:
    """What a node finds and expects, or tells, if it does: a value does whose statement or function has a remark."""
    node = chain[-1]
    name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
    if name in REFUSED:
        found, expected, *_ = *(_text(one, _known(chain)) for one in node.args[1:3]), GAP, GAP
        return found, expected
    if name in TOLD or (name == "print" and "file=sys.stderr" in ast.unparse(node)):
        text = _text(node.args[0], _known(chain))
    else:
        text = _text(node.value, {}) if remarked and not name else ""
    if not re.search("[a-z]{4}", text):
        return None
    found, _, expected = text.partition("; expected ")
    return (found.removeprefix("found "), expected) if text.startswith("found ") else (text, "")


def _text(node: ast.expr, known: dict[str, ast.expr]) -> str:
    """The words of an expression."""
    if isinstance(node, ast.Constant):
        return str(node.value or "")
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, known) for part in node.values)
    if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Name) and node.value.id.isupper():
        return _text(node.value, known)
    if isinstance(node, ast.IfExp):
        return " / ".join(filter(None, (_text(node.body, known), _text(node.orelse, known))))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left, known) + _text(node.right, known)
    if isinstance(node, ast.Name) and node.id in known:
        return _text(known[node.id], {name: value for name, value in known.items() if name != node.id})
    return GAP


def _known(chain: tuple[ast.AST, ...]) -> dict[str, ast.expr]:
    """Values of names at a node: constants of the library that its module imports, and what was assigned above it."""
    known: dict[str, ast.expr] = {}
    for node in chain[0].body:
        if isinstance(node, ast.ImportFrom) and any(one.name.isupper() for one in node.names):
            known |= _constants(SCRIPTS / f"{node.module.replace('.', '/')}.py")
    known |= _assigned(chain[0].body)
    for function in _functions(chain):
        known |= _assigned(one for one in ast.walk(function) if getattr(one, "lineno", 0) <= chain[-1].lineno)
    return known


@cache
def _constants(path: Path) -> dict[str, ast.expr]:
    return _assigned(ast.parse(path.read_text(encoding="utf-8")).body) if path.exists() else {}


def _assigned(nodes: Iterable[ast.AST]) -> dict[str, ast.expr]:
    """Last values of names, of those in tuples too."""
    known: dict[str, ast.expr] = {}
    for node in sorted((one for one in nodes if isinstance(one, ast.Assign)), key=lambda one: one.lineno):
        names, values = (getattr(one, "elts", [one]) for one in (node.targets[0], node.value))
        if len(names) == len(values):
            known |= {name.id: value for name, value in zip(names, values, strict=True) if isinstance(name, ast.Name)}
    return known


def faults() -> list[str]:
    """Messages without a whole remark, or without a place in the template, with what is wrong."""
    template = TEMPLATE.read_text(encoding="utf-8")
    places = [(kind, name) for kind, names in MARKER.findall(template) for name in names.split()]
    wrong = [(one, fault(one, places, template)) for one in messages()]
    return [f"{one.module}:{one.line}: {one.found!r}: {what}" for one, what in wrong if what]


def fault(message: Message, places: list[tuple[str, str]], template: str) -> str:
    """What is wrong with the remark of a message; empty if nothing is."""
    cells = message.cells
    if not cells and ("by hand", message.module) in places and not message.expected:
        absent = [one for one in re.split(r"\.\.\.|\n", message.found) if one.strip(" :") not in template]
        return f"the template has no {absent[0]!r}" if absent else ""
    if cells == PASSED_ON:
        return ""
    if len(cells) not in (2, 4) or not all(re.search(r"[^`.\s]", cell) for cell in cells):
        return "no remark above it in the form # message: what it means | what to do"
    # what a function returns can be either part
    fits = [_fits(message.found, cells[0]), _fits(message.expected or message.found, cells[1])]
    if len(cells) == 4 and not (all(fits) if message.expected else any(fits)):
        return f"examples that do not fit the code: {cells[:2]}"
    return "" if (message.kind(), message.module) in places else f"no <!-- {message.kind()} --> with it in the template"


def _fits(text: str, example: str) -> bool:
    """Whether what varies can make an example out of a text, or out of one of its choices."""
    return any(re.search(".*".join(map(re.escape, one.split(GAP))), example) for one in text.split(" / "))


def page() -> str:
    """The page."""
    return MARKER.sub(lambda marker: _rows(*marker.groups()), TEMPLATE.read_text(encoding="utf-8"))


def _rows(kind: str, names: str) -> str:
    found = [one for name in names.split() for one in messages() if (one.module, one.kind()) == (name, kind)]
    rows = dict.fromkeys(one.row() for one in found if len(one.cells) > 1)
    return (HEADER if kind == "refused" else "") + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
