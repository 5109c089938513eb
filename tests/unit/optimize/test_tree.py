"""Trees as {child: parent}: what is found in them, and every fault that keeps a mapping from being one."""

import pytest

from proxsweep.optimize import tree

CLADE = {"a": "x", "b": "x", "x": "r", "c": "r"}


def test_leaves_roots_and_branches():
    assert tree.leaves(CLADE) == ["a", "b", "c"] and tree.roots(CLADE) == ["r"] and tree.circle(CLADE) == []
    assert tree.branches(CLADE, "b") == ["x", "b"] and tree.branches(CLADE, "r") == []
    assert tree.leaves({}) == tree.roots({}) == tree.circle({}) == []


def test_a_sound_tree_has_no_faults():
    assert list(tree.faults(CLADE)) == list(tree.faults(CLADE, ["c", "a", "b"])) == []


@pytest.mark.parametrize(
    ("parents", "observed", "expected"),
    [
        ({"a": "x", "x": "y", "y": "x", "b": "y"}, "ab", [("circle", ("x", "y", "x"))]),
        ({"a": "a"}, None, [("circle", ("a", "a"))]),
        ({"a": "b", "b": "a", "c": "r"}, None, [("circle", ("a", "b", "a"))]),
        ({"a": "x", "b": "x", "c": "y"}, "abc", [("roots", ("x", "y"))]),
        ({"a": "x", "b": "x", "c": "x"}, "ab", [("leaf", ("c",))]),
        ({"a": "x", "b": "x"}, "abcd", [("absent", ("c",)), ("absent", ("d",))]),
        ({"a": "c", "b": "c"}, "abc", [("inner", ("c",))]),
        ({"a": "x", "x": "r", "b": "r"}, "ab", [("single", ("x",))]),
        ({"a": "b"}, "ab", [("inner", ("b",))]),
        (
            {"a": "x", "d": "x", "x": "y", "y": "r", "c": "r"},
            "abc",
            [("leaf", ("d",)), ("absent", ("b",)), ("single", ("y",))],
        ),
    ],
)
def test_faults_are_named(parents, observed, expected):
    assert list(tree.faults(parents, observed and list(observed))) == expected
