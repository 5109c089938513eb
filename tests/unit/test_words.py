"""Words of one family stand in no code outside its folder, schema, rules and notebooks."""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from projects import PROJECT
from proxsweep.families import DEFAULT, FAMILIES

WORDS = ("mutation", "substitution", "wildtype", "func_score", "epistasis", "bundle", "encodings/")
WORDS += ("exposure", "signature")
LATER = [name for name in FAMILIES if name != DEFAULT]  # the dictionary names them, and nothing else does
STRENGTH = "lasso"  # also the name of a penalty that any family may have: `optimize` may say it
LAYOUT = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def shared_files() -> Iterator[Path]:
    """Code, schemas, rules and notebooks that belong to no family."""
    for pattern in ("scripts/proxsweep/**/*.py", "workflow/**/*.smk", "workflow/Snakefile", "Snakefile"):
        yield from (path for path in PROJECT.glob(pattern) if not belongs_to_a_family(path))
    yield PROJECT / "workflow/schemas/config.schema.yaml"
    yield from PROJECT.glob("notebooks/*.ipynb")


def belongs_to_a_family(path: Path) -> bool:
    parts = path.relative_to(PROJECT).parts
    return any(family in parts or path.stem.split("_")[0] == family for family in FAMILIES)


def code(path: Path) -> str:
    """A file without comments and, if it is Python, without docstrings."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    if path.suffix != ".py":
        return re.sub(r"(^|\s)#.*", "", text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, LAYOUT) and ast.get_docstring(node, clean=False):
            text = text.replace(ast.get_docstring(node, clean=False), "")
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return "\n".join(token.string for token in tokens if token.type != tokenize.COMMENT)


@pytest.mark.parametrize("path", sorted(shared_files()), ids=lambda path: str(path.relative_to(PROJECT)))
def test_shared_code_knows_no_family(path):
    text = code(path)
    allowed = () if "optimize" in path.parts else (STRENGTH,)
    named = [] if path.name == "families.py" else LATER
    assert [word for word in (*WORDS, *named, *allowed) if word in text.lower()] == []


def test_the_words_are_looked_for_where_they_would_stand(tmp_path):
    (tmp_path / "a.py").write_text('"""mutation"""\nx = "wildtype"  # epistasis\n')
    assert "wildtype" in code(tmp_path / "a.py") and "mutation" not in code(tmp_path / "a.py")
    assert "epistasis" not in code(tmp_path / "a.py")
