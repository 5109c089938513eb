"""Difference matrices: which differences between nodes a fusion penalty sums.

A difference matrix A has one row per penalised difference and one column per node. The penalty on a vector y
of one value per node is ||A y||_1. The observed nodes come first; a tree may add inner nodes behind them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite
from typing import Any, Literal

import numpy as np

from proxsweep.optimize.tree import faults

Array = Any
Kind = Literal["reference", "equivariant", "general"]


@dataclass(frozen=True, eq=False)
class Difference:
    """A difference matrix with its names. Compared and hashed by content, so usable as a static jit argument.

    name: label of the matrix; kind: how it was built; rows: R row names; matrix: (R, P) floats, read-only;
    nodes: P names, the observed ones first; observed: how many are observed (D);
    reference: index of the reference node, None unless the kind is 'reference'.
    """

    name: str
    kind: Kind
    rows: tuple[str, ...]
    matrix: np.ndarray
    nodes: tuple[str, ...]
    observed: int
    reference: int | None = None

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=float)
        if matrix.shape != (len(self.rows), len(self.nodes)):
            raise ValueError(
                f"matrix '{self.name}' has shape {matrix.shape}; its names say {len(self.rows)} rows "
                f"and {len(self.nodes)} nodes"
            )
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)

    def _key(self) -> tuple:
        return (
            self.name,
            self.kind,
            self.rows,
            self.nodes,
            self.observed,
            self.reference,
            self.matrix.tobytes(),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Difference) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    @property
    def inner(self) -> tuple[str, ...]:
        """Names of the nodes without data."""
        return self.nodes[self.observed :]

    @property
    def pairwise(self) -> bool:
        """Whether every row is a multiple of e_i - e_j."""
        return all(_is_pair(row) for row in self.matrix)

    @property
    def centre(self) -> int | None:
        """The node c if the rows are e_i - e_c (up to sign), one for every other node i; else None.

        True of the kind 'reference', and of a tree whose only inner node joins all conditions.
        """
        pairs = self._unit_pairs()
        count = len(self.nodes)
        if pairs is None or count < 2 or len(pairs) != count - 1:
            return None
        for node in range(count):
            if pairs == sorted((min(i, node), max(i, node)) for i in range(count) if i != node):
                return node
        return None

    @property
    def complete(self) -> bool:
        """Whether the rows are every pair e_i - e_j (up to sign), each once."""
        return self._unit_pairs() == list(combinations(range(len(self.nodes)), 2))

    @property
    def forest(self) -> tuple[tuple[int, int, float], ...] | None:
        """Edges (i, j, strength) if the rows are multiples of e_i - e_j and the pairs make no cycle; else None.

        strength: the sum of the |coefficients| of all rows of a pair.
        """
        if not self.pairwise:
            return None
        strength = {}
        label = list(range(len(self.nodes)))
        for row in self.matrix:
            i, j = (int(node) for node in np.flatnonzero(row))
            if (i, j) not in strength and label[i] == label[j]:
                return None
            strength[i, j] = strength.get((i, j), 0.0) + float(abs(row[i]))
            label = [label[i] if part == label[j] else part for part in label]
        return tuple((i, j, total) for (i, j), total in strength.items())

    def of(self, values: Array) -> Array:
        """A y for values (P, M), NumPy or JAX: (R, M). Rows that compare two nodes are exactly 0 where they tie."""
        if not self.pairwise or not self.rows:
            return self.matrix @ values
        first = np.array([int(row.nonzero()[0][0]) for row in self.matrix])
        second = np.array([int(row.nonzero()[0][1]) for row in self.matrix])
        factors = self.matrix[np.arange(len(self.rows)), first]
        return factors[:, None] * (values[first] - values[second])

    def _unit_pairs(self) -> list[tuple[int, int]] | None:
        """The pair of nodes of every row, sorted; None if some row is not e_i - e_j up to sign."""
        if not all(_is_pair(row) and np.abs(row).max() == 1 for row in self.matrix):
            return None
        return sorted(tuple(int(i) for i in np.flatnonzero(row)) for row in self.matrix)


def reference(nodes: Sequence[str], reference: str) -> Difference:
    """Every other node minus the reference: rows `<node>-minus-<reference>` in the order of the nodes.

    Raises ValueError for duplicate names or a reference that is not among the nodes.
    """
    nodes = _node_names("reference", nodes)
    if reference not in nodes:
        raise ValueError(f"the reference '{reference}' is not one of the nodes {', '.join(nodes)}")
    rows = {f"{node}-minus-{reference}": {node: 1.0, reference: -1.0} for node in nodes if node != reference}
    return Difference(
        "reference",
        "reference",
        tuple(rows),
        _matrix(rows, nodes),
        nodes,
        len(nodes),
        nodes.index(reference),
    )


def equivariant(nodes: Sequence[str]) -> Difference:
    """Every pair of nodes: rows `<a>-minus-<b>` with b before a in the order of the nodes.

    Raises ValueError for duplicate names.
    """
    nodes = _node_names("equivariant", nodes)
    rows = {f"{a}-minus-{b}": {a: 1.0, b: -1.0} for b, a in combinations(nodes, 2)}
    return Difference("equivariant", "equivariant", tuple(rows), _matrix(rows, nodes), nodes, len(nodes))


def tree(name: str, nodes: Sequence[str], parents: Mapping[str, str]) -> Difference:
    """The edges of a rooted tree, rows `<child>-minus-<parent>` in the order given.

    nodes: the observed nodes, each somewhere in the tree; parents: {child: parent}, where names that are not
    among the nodes become inner nodes. Raises ValueError unless this is one tree that holds every observed
    node, and every inner node has at least two children.
    """
    nodes = _node_names(name, nodes)
    place = f"tree '{name}'"
    for child, parent in parents.items():
        _check_name(place, child)
        _check_name(place, parent)
    inner = tuple(dict.fromkeys(n for edge in parents.items() for n in edge if n not in nodes))
    everything = nodes + inner
    _check_tree(place, nodes, parents)
    rows = {f"{child}-minus-{parent}": {child: 1.0, parent: -1.0} for child, parent in parents.items()}
    return Difference(name, "general", tuple(rows), _matrix(rows, everything), everything, len(nodes))


def explicit(name: str, nodes: Sequence[str], rows: Mapping[str, Mapping[str, float]]) -> Difference:
    """Rows as given: {row name: {node: coefficient}}, nodes left out having coefficient 0.

    Raises ValueError for a node that is not known, a coefficient that is not a finite number, or a row of
    zeros.
    """
    nodes = _node_names(name, nodes)
    for row, coefficients in rows.items():
        _check_row(f"row '{row}' of matrix '{name}'", nodes, row, coefficients)
    return Difference(name, "general", tuple(rows), _matrix(rows, nodes), nodes, len(nodes))


def compared(matrix: np.ndarray, rows: Sequence[str], observed: Sequence[str]) -> dict[str, list[str]]:
    """The observed nodes that each row of a difference matrix compares, by the row's name.

    A row that touches an inner node of a tree compares all of them, because that node is known only through them.

    Parameters
    ----------
    matrix : (R, P)
        Columns are the D observed nodes, then inner nodes if any.
    rows, observed
        The R names of the rows and the D names of the observed nodes.
    """
    count = len(observed)
    nonzero = np.asarray(matrix) != 0
    nonzero[:, :count] |= nonzero[:, count:].any(axis=1, keepdims=True)
    return {
        row: [name for name, used in zip(observed, flags[:count], strict=True) if used]
        for row, flags in zip(rows, nonzero, strict=True)
    }


def _is_pair(row: np.ndarray) -> bool:
    """Whether a row is a nonzero multiple of e_i - e_j."""
    nonzero = row[row != 0]
    return len(nonzero) == 2 and nonzero[0] == -nonzero[1]


def _matrix(rows: Mapping[str, Mapping[str, float]], nodes: Sequence[str]) -> np.ndarray:
    matrix = np.zeros((len(rows), len(nodes)))
    for r, coefficients in enumerate(rows.values()):
        for node, coefficient in coefficients.items():
            matrix[r, nodes.index(node)] = coefficient
    return matrix


def _node_names(name: str, nodes: Sequence[str]) -> tuple[str, ...]:
    nodes = tuple(nodes)
    for node in nodes:
        _check_name(f"matrix '{name}'", node)
    if not nodes:
        raise ValueError(f"matrix '{name}' has no nodes; at least one is needed")
    twice = sorted({node for node in nodes if nodes.count(node) > 1})
    if twice:
        raise ValueError(f"matrix '{name}' names nodes more than once: {', '.join(twice)}")
    return nodes


def _check_name(place: str, name: object) -> None:
    if not isinstance(name, str) or not name:
        raise ValueError(f"{place}: {name!r} is not a name; names are text that is not empty")


def _check_row(place: str, nodes: tuple[str, ...], row: str, coefficients: Mapping[str, float]) -> None:
    _check_name(place, row)
    if not isinstance(coefficients, Mapping):
        raise ValueError(f"{place} is {coefficients!r}; expected {{node: coefficient}}")
    for node, value in coefficients.items():
        if node not in nodes:
            raise ValueError(f"{place} names '{node}', which is not one of the nodes {', '.join(nodes)}")
        number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        if not number or not isfinite(value):
            raise ValueError(f"{place} gives '{node}' the coefficient {value!r}; expected a finite number")
    if not any(coefficients.values()):
        raise ValueError(f"{place} is zero everywhere; a row needs a coefficient that is not zero")


def _check_tree(place: str, nodes: tuple[str, ...], parents: Mapping[str, str]) -> None:
    if not parents:
        if len(nodes) > 1:
            raise ValueError(f"{place} has no edges; expected {{child: parent}} for {', '.join(nodes)}")
        return
    found = [fault for fault in faults(parents, nodes) if fault.kind != "inner"]
    if not found:
        return
    kind, names = found[0]
    name = names[0]
    absent = ", ".join(fault.nodes[0] for fault in found if fault.kind == "absent")
    words = {
        "circle": f" has a cycle: {' -> '.join(names)}",
        "roots": f" has {len(names)} roots ({', '.join(names)}); expected one",
        "absent": f" leaves out {absent}; every node must be in it",
        "leaf": f" ends at '{name}', which is not one of the nodes {', '.join(nodes)}",
        "single": f": the inner node '{name}' has one child; expected at least two",
    }
    raise ValueError(place + words[kind])
