"""Notebooks: the cell that the workflow writes into one, and one that somebody else wrote."""

import ast
import json
from pathlib import Path

from hypothesis import strategies as st
from papermill.translators import PythonTranslator

from proxsweep.jobs import notebook

from . import hostile
from .core import Entry, may_refuse

CELL = {"cell_type": "code", "id": "a", "metadata": {"tags": ["parameters"]}, "source": "x = 1", "outputs": []}
NOTEBOOK = {"cells": [{**CELL, "execution_count": None}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def parameters(folder: Path, values: dict) -> None:
    """What papermill writes into a notebook: assignments of literals that are the values, and nothing else."""
    tree = ast.parse(PythonTranslator.codify(values))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert all(isinstance(call.func, ast.Name) and call.func.id == "float" for call in calls)
    names = {"float": float}
    exec(compile(tree, "cell", "exec"), {"__builtins__": {}}, names)  # literals and float("nan") alone
    assert repr({name: names[name] for name in values}) == repr(values)


def read(folder: Path, content: bytes) -> None:
    (folder / "n.ipynb").write_bytes(content)
    with may_refuse("n.ipynb"):
        notebook._check_parameters(folder / "n.ipynb", {"x": 2})


nested = hostile.mutated({"a": [1, "x"], "b": {"c": None}}).map(lambda values: json.loads(json.dumps(values)))
documents = hostile.mutated(NOTEBOOK).flatmap(lambda made: hostile.damaged(json.dumps(made).encode(), 3))
ENTRIES = [
    Entry(
        "notebook parameters", 6, parameters, dict(values=st.fixed_dictionaries({f"p{k}": nested for k in range(3)}))
    ),
    Entry("notebook.read", 2, read, dict(content=documents)),
]
