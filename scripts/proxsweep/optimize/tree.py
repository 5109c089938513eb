"""Rooted trees given as {child: parent}: their leaves, roots and branches, and what keeps a mapping from being one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

Parents = Mapping[str, str]


class TreeFault(NamedTuple):
    """What is wrong with a tree.

    ``kind`` is ``circle`` (``nodes`` are those on it, the first again at the end), ``roots`` (more than one: these), or
    one node's: ``leaf`` (that is not observed), ``absent`` (an observed node that is not in the tree), ``inner`` (an
    observed node with children), ``single`` (a node that is not observed and has one child).
    """

    kind: Literal["circle", "roots", "leaf", "absent", "inner", "single"]
    nodes: tuple[str, ...]


def leaves(parents: Parents) -> list[str]:
    """Nodes without a child, in the order given."""
    above = set(parents.values())
    return [child for child in parents if child not in above]


def roots(parents: Parents) -> list[str]:
    """Nodes without a parent, in the order in which they appear."""
    return list(dict.fromkeys(parent for parent in parents.values() if parent not in parents))


def circle(parents: Parents) -> list[str]:
    """Nodes of the first circle, from child to parent, the first again at the end; none where there is no circle."""
    for start in parents:
        path = [start]
        while path[-1] in parents:
            path.append(parents[path[-1]])
            if path[-1] in path[:-1]:
                return path[path.index(path[-1]) :]
    return []


def branches(parents: Parents, node: str) -> list[str]:
    """The branches from the root down to a node, each named by its lower node; of a tree without circles."""
    path = []
    while node in parents:
        path.append(node)
        node = parents[node]
    return path[::-1]


def faults(parents: Parents, observed: Sequence[str] | None = None) -> Iterator[TreeFault]:
    """What keeps {child: parent} from being one tree and, if ``observed`` nodes are named, one over these.

    A circle and several roots each hide what else may be wrong. An ``inner`` fault is none to those who let observed
    nodes have children.
    """
    found = circle(parents)
    if found:
        yield TreeFault("circle", tuple(found))
        return
    tops = roots(parents)
    if len(tops) > 1:
        yield TreeFault("roots", tuple(tops))
        return
    if observed is not None:
        yield from _faults_of_nodes(parents, observed)


def _faults_of_nodes(parents: Parents, observed: Sequence[str]) -> Iterator[TreeFault]:
    ends, above = leaves(parents), list(parents.values())
    for leaf in ends:
        if leaf not in observed:
            yield TreeFault("leaf", (leaf,))
    for node in observed:
        if node not in ends:
            yield TreeFault("inner" if node in above else "absent", (node,))
    for parent in dict.fromkeys(above):
        if above.count(parent) == 1 and parent not in observed:
            yield TreeFault("single", (parent,))
