"""Which files of the package a notebook or module imports: what a job has to be rerun for.

Nothing is executed: imports are read from the syntax tree, wherever they stand (inside functions, too), and
followed. ``importlib.import_module`` and ``__import__`` are followed where the name is written out.
"""

import ast
import functools
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from proxsweep.io.errors import UserError

PACKAGE = "proxsweep"
ROOT = Path(__file__).resolve().parents[2]

_IMPORTING_CALLS = ("import_module", "__import__")
_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")  # where statements hold statements
_PYTHON_CELL_MAGICS = ("capture", "prun", "time", "timeit")
_CELL_MAGIC = re.compile(r"%%(\w+).*")
_LINE_MAGIC = re.compile(r"^(\s*)(?:[\w.,\s]+=\s*)?[%!?].*|^(\s*)[\w.]+\?{1,2}\s*$")


def closure(entry: str | Path, root: str | Path = ROOT, without: Iterable[str] = ()) -> list[Path]:
    """Files of package ``proxsweep`` that ``entry`` imports, directly or through others.

    Parameters
    ----------
    entry
        A notebook (``.ipynb``), a Python file, or the dotted name of a module of the package.
    root
        Folder that holds the package.
    without
        Dotted names of modules that are left out, and are not followed.

    Returns
    -------
    list of Path
        Sorted, under ``root`` as given; with the ``__init__.py`` of every package on the way and, where it
        belongs to the package, ``entry`` itself.

    Raises
    ------
    UserError
        If a file cannot be read as Python, or an imported module of the package does not exist.
    """
    root = Path(root)
    left_out = {root.joinpath(*module.split(".")).with_suffix(".py") for module in without}
    return _follow(_start(entry, root), root, left_out)


def _start(entry: str | Path, root: Path) -> set[Path]:
    if Path(entry).suffix not in (".ipynb", ".py"):
        return _required(str(entry), root, "closure")
    module = _module_name(Path(entry), root)
    return _chain(module, root) if module else _imported(Path(entry), "", root)


def _follow(files: set[Path], root: Path, left_out: set[Path]) -> list[Path]:
    found: set[Path] = set()
    waiting = list(files)
    while waiting:
        file = waiting.pop()
        if file in found or file in left_out:
            continue
        found.add(file)
        waiting.extend(_imported(file, _module_name(file, root), root))
    return sorted(found)


def _imported(file: Path, module: str, root: Path) -> set[Path]:
    """Files of the package that the statements of one file import; ``module`` is '' outside the package."""
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    found: set[Path] = set()
    for name, members, level, line in _imports(file):
        place = f"{file}, line {line}"
        target = _absolute(name, level, package, place)
        if target.partition(".")[0] != PACKAGE:
            continue
        found |= _required(target, root, place)
        for member in members:
            found |= _chain(f"{target}.{member}", root)
    return found


def _imports(file: Path) -> tuple[tuple[str, tuple[str, ...], int, int], ...]:
    """Imports of a file as (module, names taken from it, leading dots, line)."""
    try:
        status = file.stat()
    except OSError:
        # message: A file of the project was removed or renamed. | Bring it back with git.
        raise UserError(str(file), "no such file", "a notebook or a Python file") from None
    return _parsed(file, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=1024)
def _parsed(file: Path, modified: int, size: int) -> tuple[tuple[str, tuple[str, ...], int, int], ...]:
    """Cached, since every notebook of a study leads to the same modules."""
    text = file.read_text(encoding="utf-8")
    # expressions are most of a tree, and looked into only where one may import
    nodes = ast.walk if any(name in text for name in _IMPORTING_CALLS) else _statements
    return tuple(found for tree in _trees(file, text) for node in nodes(tree) for found in _import(node))


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    for block in _BLOCKS:
        for child in getattr(node, block, ()):
            yield child
            yield from _statements(child)


def _import(node: ast.AST) -> Iterator[tuple[str, tuple[str, ...], int, int]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, (), 0, node.lineno
    elif isinstance(node, ast.ImportFrom):
        yield node.module or "", tuple(alias.name for alias in node.names), node.level, node.lineno
    elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        name = node.args[0].value
        if called in _IMPORTING_CALLS and isinstance(name, str) and not name.startswith("."):
            yield name, (), 0, node.lineno


def _trees(file: Path, text: str) -> Iterator[ast.Module]:
    if file.suffix != ".ipynb":
        yield _tree(text, str(file))
        return
    try:
        cells = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(text)["cells"]]
    except (ValueError, KeyError, TypeError) as error:
        # message: The notebook was damaged, perhaps by a merge. | Look for lines with `<<<<`, or bring it back with
        # git.
        raise UserError(str(file), "a file that is no notebook", "a notebook (nbformat 4)") from error
    for number, (kind, source) in enumerate(cells, start=1):
        if kind == "code":
            yield _tree(_python(source), f"{file}, cell {number}")


def _tree(source: str, place: str) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        # message: A module or a cell has a syntax error at the place named. | Correct it.
        raise UserError(place, f"text that is no Python ({error})", "Python code") from error


def _python(source: str) -> str:
    """A cell's Python with magics, shell commands and help requests taken out, line for line."""
    first, _, body = source.lstrip().partition("\n")
    magic = _CELL_MAGIC.fullmatch(first)
    if magic and magic[1] not in _PYTHON_CELL_MAGICS:
        return ""
    if magic:
        return _python(body)
    try:
        ast.parse(source)
        return source
    except (SyntaxError, ValueError):
        return "\n".join(_without_magic(line) for line in source.splitlines())


def _without_magic(line: str) -> str:
    magic = _LINE_MAGIC.match(line)
    return f"{magic[1] or magic[2] or ''}pass" if magic else line


def _absolute(name: str, level: int, package: str, place: str) -> str:
    """The full name of a module that is imported with ``level`` leading dots from inside ``package``."""
    if level == 0:
        return name
    parts = package.split(".") if package else []
    if level > len(parts):
        # message: An import has too many dots. | Correct it.
        raise UserError(place, "a relative import that leaves the package", f"a module of {PACKAGE}")
    return ".".join(parts[: len(parts) - level + 1] + ([name] if name else []))


def _module_name(file: Path, root: Path) -> str:
    """Dotted name of a file of the package, '' of any other."""
    try:
        parts = file.resolve().relative_to(root.resolve()).with_suffix("").parts
    except ValueError:
        return ""
    if file.suffix != ".py" or parts[0] != PACKAGE:
        return ""
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _required(module: str, root: Path, place: str) -> set[Path]:
    files = _chain(module, root)
    if not files:
        # message: The module was renamed or never added. | Correct the import.
        raise UserError(place, f"an import of {module}", f"a module that exists under {root}")
    return files


def _chain(module: str, root: Path) -> set[Path]:
    """A module's file and the ``__init__.py`` of the packages above it; empty where there is no module."""
    parts = module.split(".")
    folder = root.joinpath(*parts)
    if folder.is_dir():
        own = {folder / "__init__.py"}
    elif folder.with_suffix(".py").is_file():
        own = {folder.with_suffix(".py")}
    else:
        return set()
    above = {root.joinpath(*parts[:depth], "__init__.py") for depth in range(1, len(parts))}
    return {file for file in own | above if file.is_file()}
