"""Imports point down: from what stands on top to the family, from the family to the shared packages, in their order."""

import ast
from pathlib import Path

import pytest

from projects import PROJECT
from proxsweep.families import FAMILIES

SCRIPTS = PROJECT / "scripts/proxsweep"
LAYERS = ("io", "optimize", "sweep", "jobs", "config", "report")
CONTRACT = ("command", "family")  # what a family is made of; for types also what gets a family handed in
COMMANDS = ("commands", "fit_options")  # stand on top, also in a family's folder


def imported(path: Path) -> set[str]:
    """Modules of the package that a file imports when it is run, below ``proxsweep``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in [one for one in ast.walk(tree) if isinstance(one, ast.If) and "TYPE_CHECKING" in ast.unparse(one.test)]:
        node.body = []
    names = {node.module: node.names for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    found = {module.partition("proxsweep.")[2] for module in names if module.startswith("proxsweep.")}
    return found | {alias.name for alias in names.get("proxsweep", ())}


def place(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize("layer", LAYERS)
def test_a_shared_package_imports_what_stands_below_it(layer):
    allowed = {*LAYERS[: LAYERS.index(layer) + 1], "__version__"}
    for path in (SCRIPTS / layer).glob("*.py"):
        assert {place(module) for module in imported(path)} <= allowed, path.name


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_imports_shared_packages_and_itself(family):
    for path in (SCRIPTS / family).rglob("*.py"):
        if path.stem not in COMMANDS:
            assert {place(module) for module in imported(path)} <= {*LAYERS, *CONTRACT, family}, path.name


def test_no_module_imports_snakemake():
    for path in SCRIPTS.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        named += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        assert not [name for name in named if name.partition(".")[0] == "snakemake"], path


def test_the_solver_knows_no_family():
    for path in (SCRIPTS / "optimize").glob("*.py"):
        assert {place(module) for module in imported(path)} <= {"io", "optimize"}, path.name
