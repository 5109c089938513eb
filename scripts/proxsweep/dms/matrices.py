"""Difference matrices that a ``dms`` study sweeps: one form, their faults, and settings that exclude some of them."""

from collections.abc import Iterator
from typing import Any

from proxsweep.config.source import Fault, KeyPath
from proxsweep.io.names import RULE, is_name
from proxsweep.optimize.tree import faults as tree_faults

STANDARD = ("reference", "equivariant")
ALL = "all"  # in tables: the rows of a matrix together


def normalise(value: str | dict[str, Any]) -> dict[str, Any]:
    if isinstance(value, str):
        return {"name": value, "kind": value}
    kind = next((kind for kind in ("tree", "rows") if kind in value), "")
    return {
        "name": value["name"],
        "kind": kind,
        **{key: value[key] for key in ("tree", "rows") if key in value},
    }


def as_written(matrix: dict[str, Any]) -> str | dict[str, Any]:
    """A matrix as a config writes it: a standard one by its name, another without its kind."""
    if matrix["kind"] in STANDARD:
        return matrix["kind"]
    return {key: value for key, value in matrix.items() if key != "kind"}


def name_faults(written: list[Any]) -> Iterator[Fault]:
    """Given matrices that have the name of a standard one."""
    for i, value in enumerate(written):
        if isinstance(value, dict) and value["name"].casefold() in STANDARD:
            found = f"the reserved name `{value['name']}`"
            # message: `reference` and `equivariant` are built in. | Rename the matrix.
            yield Fault(("sweep", "difference", i, "name"), found, "another name for a matrix that is given")


def faults(study: dict[str, Any], known: list[str] | None) -> Iterator[Fault]:
    for i, matrix in enumerate(study["sweep"]["difference"]):
        here: KeyPath = ("sweep", "difference", i)
        if ("tree" in matrix) == ("rows" in matrix) and matrix["kind"] not in STANDARD:
            found = "both `tree` and `rows`" if "tree" in matrix else "neither `tree` nor `rows`"
            # message: both `tree` and `rows` in matrix `clade` / neither `tree` nor `rows` in matrix `clade` | one of
            # the two | A matrix is given by one of them; see [difference.md](difference.md). | Remove one, or add one.
            yield Fault(here, f"{found} in matrix `{matrix['name']}`", "one of the two")
        elif "tree" in matrix:
            yield from _tree_faults((*here, "tree"), matrix["tree"], known, study["reference"])
        elif "rows" in matrix:
            yield from _row_faults((*here, "rows"), matrix["rows"], known)


def _tree_faults(path: KeyPath, tree: dict[str, str], known: list[str] | None, reference: str) -> Iterator[Fault]:
    for child, parent in tree.items():
        for node in (child, parent):
            if not is_name(node):
                # message: A spreadsheet could run such a name, or it cannot be printed. | Rename it.
                yield Fault((*path, child), f"the node `{node}`", RULE)
    for kind, nodes in tree_faults(tree, known or [reference]):
        node = nodes[0]
        if kind == "circle":
            # message: A node is its own ancestor. | Correct a parent in `tree`.
            yield Fault(path, f"the circle {' -> '.join(nodes)}", "parents that lead up to one root")
        elif kind == "roots":
            # message: Two nodes have no parent. | Give one a parent, or both a common one.
            yield Fault(path, f"the roots {', '.join(nodes)}", "one root above all nodes")
        elif kind == "leaf" and known is not None:
            # message: What is nobody's parent has to be a condition. | Correct its name, or remove it.
            yield Fault((*path, node), f"the leaf `{node}`", f"a condition at every leaf: {', '.join(known)}")
        elif kind in ("inner", "absent"):
            found = f"the condition `{node}` as an inner node" if kind == "inner" else f"no leaf `{node}`"
            # message: Conditions are measured, and inner nodes are not. | Add the condition as a child; where others
            # hang on it, put a node of another name in its place.
            yield Fault(path, found, "every condition at a leaf")
        elif kind == "single":
            # message: The node does not differ from its child. | Remove it, and hang the child one level up.
            yield Fault(path, f"one child below `{node}`", "at least two below every inner node")


def _row_faults(path: KeyPath, rows: dict[str, dict[str, float]], known: list[str] | None) -> Iterator[Fault]:
    for row, coefficients in rows.items():
        if not is_name(row):
            # message: A spreadsheet could run such a name, or it cannot be printed. | Rename it.
            yield Fault((*path, row), f"the row `{row}`", RULE)
        if row == ALL:
            # message: Tables call all rows of a matrix together so. | Rename the row.
            yield Fault((*path, row), f"the reserved name `{row}`", "another name for a row")
        for name in coefficients:
            if known is not None and name not in known:
                # message: A row of the matrix names a condition that the data do not have. | Correct it.
                yield Fault((*path, row, name), f"the condition `{name}`", f"one of {', '.join(known)}")
        if not any(coefficients.values()):
            # message: The row compares nothing. | Correct or remove it.
            yield Fault((*path, row), "coefficients that are all 0", "at least one that is not 0")


def combination_faults(study: dict[str, Any]) -> Iterator[Fault]:
    matrices = study["sweep"]["difference"]
    for path, fixed in _choices(study, "model", "fix_reference_intercept"):
        if fixed and any(matrix["kind"] == "equivariant" for matrix in matrices):
            # message: No condition has the reference's place in that matrix. | Set `fix_reference_intercept: false`, or
            # put the matrix into a study of its own.
            yield Fault(
                path,
                "fix_reference_intercept with `equivariant` among the swept difference matrices",
                "false, or `sweep: difference` without equivariant, which singles out no condition",
            )
    for path, box in _choices(study, "model", "effect_bounds"):
        for matrix in matrices:
            row = next((row for row, values in matrix.get("rows", {}).items() if not _is_pair(values)), None)
            if box and row is not None:
                # message: The step with bounds would not be exact. | Remove `effect_bounds`, or put the matrix into a
                # study of its own.
                yield Fault(
                    path,
                    f"effect_bounds with the difference matrix `{matrix['name']}`, whose row `{row}` is no "
                    "multiple of one condition minus another",
                    "null, or a sweep without that matrix: the constrained step is exact for such rows only",
                )


def _choices(study: dict[str, Any], section: str, key: str) -> list[tuple[KeyPath, Any]]:
    """Every value that a model key takes in the study, with its path."""
    if key in study["sweep"]:
        return [(("sweep", key, i), value) for i, value in enumerate(study["sweep"][key])]
    return [((section, key), study[section][key])]


def _is_pair(coefficients: dict[str, float]) -> bool:
    nonzero = [value for value in coefficients.values() if value != 0]
    return len(nonzero) == 2 and nonzero[0] == -nonzero[1]
