"""The notebooks as files: what they are given is used."""

import ast
from pathlib import Path

import nbformat
import pytest

from projects import PROJECT
from proxsweep.jobs import notebook

NOTEBOOKS = sorted((PROJECT / "notebooks").rglob("*.ipynb"))

GIVEN_TO_ALL = {"study", "fits_csv", "summaries"}


def names(sources: list[str], kind: type[ast.expr_context]) -> set[str]:
    nodes = [node for source in sources for node in ast.walk(ast.parse(source))]
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, kind)}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_parameter_is_used(path: Path):
    cells = [cell for cell in notebook.read(path).cells if cell.cell_type == "code"]
    given = [cell.source for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    others = [cell.source for cell in cells if "parameters" not in cell.metadata.get("tags", [])]
    assert len(given) == 1 and others
    assert names(given, ast.Store) - GIVEN_TO_ALL <= names(others, ast.Load)


def test_there_is_a_notebook_in_every_place():
    assert {path.parent.name for path in NOTEBOOKS} >= {"notebooks", "dms"} and len(NOTEBOOKS) > 10
    assert all(nbformat.read(path, as_version=4).cells[0].cell_type == "markdown" for path in NOTEBOOKS)
