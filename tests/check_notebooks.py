"""Notebooks in the repository hold no outputs: this names those that do and exits with 1."""

import sys
from pathlib import Path

import nbformat

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def with_outputs(folder: Path) -> list[Path]:
    """Notebooks below ``folder`` with a cell that has outputs or was counted as executed."""
    return [path for path in sorted(folder.rglob("*.ipynb")) if _has_outputs(path)]


def _has_outputs(path: Path) -> bool:
    cells = nbformat.read(path, as_version=4).cells
    return any(cell.get("outputs") or cell.get("execution_count") for cell in cells if cell.cell_type == "code")


if __name__ == "__main__":
    found = with_outputs(NOTEBOOKS)
    for notebook in found:
        print(f"{notebook}: clear its outputs before committing it")
    sys.exit(1 if found else 0)
