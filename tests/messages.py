"""The wording of every message in the library, read from its source: what varies stands as an ellipsis.

A refusal has two parts, what was found and what is expected. Other messages are one text: why a notebook ended, what is
wrong with a damaged file, what the workflow prints. Some functions return one of the parts.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).parents[1]
SCRIPTS = PROJECT / "scripts" / "proxsweep"
RAISED = ("UserError", "Fault", "_error", "_Refused", "self._refuse")
TOLD = ("NotebookError", "RuntimeError", "argparse.ArgumentTypeError", "report", "logger.warning", "logger.info")
RETURNED = {
    "jobs/integrity.py": ("check_fit", "check_archive"),
    "jobs/notebook.py": ("_raised", "_broken"),
    "config/schema.py": ("_known_key", "_describe", "_expected", "_number_hint"),
    "dms/data/encoding.py": ("_fault", "_wrong_shape", "_wrong_names", "_wrong_entries"),
    "dms/model/predict.py": ("_fault",),
    "dms/data/substitutions.py": ("_fault",),
}
GAP = "..."
# functions that make messages of other kinds, by file: what they return, raise, print and call a reason
TELLING = {
    "jobs/notebook.py": ("run", "_stop_if_raised", "_raised", "_broken", "wait_for_ready"),
    "jobs/integrity.py": ("check_fit", "check_archive"),
}
SHORTEST = 6  # characters of a piece that says something
LEAST = 6  # characters of a piece of wording that say which message it is


class Message(NamedTuple):
    """Where a refusal is made, and its two parts."""

    place: str
    found: str
    expected: str

    def marker(self) -> str:
        """The longest piece of the wording that does not vary; empty where all of it does."""
        return max((*pieces(self.found), *pieces(self.expected)), key=len, default="")


def pieces(text: str) -> list[str]:
    """Pieces of a wording that do not vary, those left out that are too short to tell it."""
    parts = [part.strip(" `'\"()[],:;") for part in re.split(r"\.\.\.|\n| / ", text)]
    return [part for part in parts if len(part) >= LEAST]


def messages() -> list[Message]:
    """All refusals, by file and line."""
    return [one for path in sorted(SCRIPTS.rglob("*.py")) for one in _of(path)]


def others() -> list[Message]:
    """What is told otherwise, by file and line: the text as what was found, mostly with nothing as expected."""
    paths = [*sorted(SCRIPTS.rglob("*.py")), PROJECT / "workflow/rules/common.smk"]
    return [one for path in paths for one in _told(path) if pieces(one.found)]


def _told(path: Path) -> Iterator[Message]:
    tree = ast.parse(path.read_text())
    name = str(path.relative_to(SCRIPTS if path.is_relative_to(SCRIPTS) else PROJECT))
    nodes: list[tuple[int, ast.expr]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in TOLD and node.args:
            nodes.append((node.lineno, node.args[0]))
        if isinstance(node, ast.Call) and _name(node.func) == "print" and _to_stderr(node):
            nodes.append((node.lineno, node.args[0]))
        if isinstance(node, ast.FunctionDef) and node.name in RETURNED.get(name, ()):
            nodes += [(line, value) for line, value in _made(node)]
    for line, value in nodes:
        for text in _choices(value):
            found, _, expected = text.removeprefix("found ").partition("; expected ")
            yield Message(f"{name}:{line}", found, expected)


def _to_stderr(call: ast.Call) -> bool:
    return any(one.arg == "file" and ast.unparse(one.value) == "sys.stderr" for one in call.keywords)


def _made(function: ast.FunctionDef) -> Iterable[tuple[int, ast.expr]]:
    """Texts that a function returns or gives a name."""
    for node in ast.walk(function):
        if isinstance(node, ast.Return | ast.Assign) and node.value is not None:
            yield node.lineno, node.value


def _choices(node: ast.expr) -> list[str]:
    """Texts of an expression, one for each way that it can turn out."""
    if isinstance(node, ast.IfExp):
        return _choices(node.body) + _choices(node.orelse)
    if isinstance(node, ast.BoolOp):
        return [text for value in node.values for text in _choices(value)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [left + right for left in _choices(node.left) for right in _choices(node.right)]
    return [_text(node, {})]


def told() -> list[tuple[str, str]]:
    """Messages that are no refusals, each with its place: on notebooks that ended, and on files that were damaged."""
    found = []
    for name, wanted in TELLING.items():
        tree = ast.parse((SCRIPTS / name).read_text())
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        for function in (one for one in functions if one.name in wanted):
            values = filter(None, map(_said, ast.walk(function)))
            found += [(f"{name}:{value.lineno}", line) for value in values for line in _text(value, {}).splitlines()]
    return found


def _said(node: ast.AST) -> ast.expr | None:
    """The expression that a statement tells, if it tells one."""
    if isinstance(node, ast.Return):
        return node.value
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
        return node.exc.args[0] if _name(node.exc.func) in ("NotebookError", "RuntimeError") else None
    if isinstance(node, ast.Call) and _name(node.func) == "print":
        return node.args[0]
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("reason", "source"):
        return node.value
    return None


def _of(path: Path) -> Iterator[Message]:
    tree = ast.parse(path.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and _name(call.func) in RAISED):
            continue
        around = [one for one in functions if one.lineno <= call.lineno <= one.end_lineno]
        known = _assigned(tree.body, call.lineno)
        for one in sorted(around, key=lambda one: one.lineno):
            known |= _assigned(list(ast.walk(one)), call.lineno)
        texts = [_text(argument, known) for argument in call.args[1:3]] + [GAP, GAP]
        yield Message(f"{path.relative_to(SCRIPTS)}:{call.lineno}", texts[0], texts[1])


def _name(function: ast.expr) -> str:
    return ast.unparse(function)


def _assigned(nodes: list[ast.AST], before: int) -> dict[str, ast.expr]:
    """Values of names assigned before a line, the last of each."""
    found: dict[str, ast.expr] = {}
    for node in sorted((one for one in nodes if isinstance(one, ast.Assign)), key=lambda one: one.lineno):
        if node.lineno > before:
            continue
        target, value = node.targets[0], node.value
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = zip(target.elts, value.elts, strict=False)
            found |= {one.id: item for one, item in pairs if isinstance(one, ast.Name)}
        elif isinstance(target, ast.Name):
            found[target.id] = value
    return found


def _text(node: ast.expr, known: dict[str, ast.expr]) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, known) if isinstance(part, ast.Constant) else GAP for part in node.values)
    if isinstance(node, ast.IfExp):
        return " / ".join(filter(None, (_text(node.body, known), _text(node.orelse, known))))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left, known) + _text(node.right, known)
    if isinstance(node, ast.Name) and node.id in known:
        return _text(known[node.id], {name: value for name, value in known.items() if name != node.id})
    return GAP
