"""The wording of every refusal in the library, read from its source: what varies stands as an ellipsis."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SCRIPTS = Path(__file__).parents[1] / "scripts" / "proxsweep"
RAISED = ("UserError", "Fault", "_error", "_Refused", "self._refuse")
GAP = "..."


class Message(NamedTuple):
    """Where a refusal is made, and its two parts."""

    place: str
    found: str
    expected: str

    def marker(self) -> str:
        """The longest piece of the wording that does not vary; empty where all of it does."""
        pieces = [piece.strip(" `'\"()[],:") for text in (self.found, self.expected) for piece in text.split(GAP)]
        longest = max(pieces, key=len, default="")
        return longest if len(longest) >= 6 else ""


def messages() -> list[Message]:
    """All of them, by file and line."""
    return [one for path in sorted(SCRIPTS.rglob("*.py")) for one in _of(path)]


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
