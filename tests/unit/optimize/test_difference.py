import doctest
from pathlib import Path

import numpy as np
import pytest

from proxsweep.optimize import difference as df

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "difference.md"


def test_reference_rows_and_matrix():
    d = df.reference(["a", "b", "c"], "b")
    assert d.rows == ("a-minus-b", "c-minus-b")
    assert d.matrix.tolist() == [[1, -1, 0], [0, -1, 1]]
    assert (d.name, d.kind, d.reference, d.observed, d.inner) == ("reference", "reference", 1, 3, ())


def test_equivariant_rows_and_matrix():
    d = df.equivariant(["a", "b", "c"])
    assert d.rows == ("b-minus-a", "c-minus-a", "c-minus-b")
    assert d.matrix.tolist() == [[-1, 1, 0], [-1, 0, 1], [0, -1, 1]]
    assert (d.name, d.kind, d.reference) == ("equivariant", "equivariant", None)


def test_tree_puts_inner_nodes_behind_the_observed_ones():
    d = df.tree("ancestry", ["a", "b", "c"], {"a": "x", "b": "x", "x": "root", "c": "root"})
    assert d.nodes == ("a", "b", "c", "x", "root")
    assert d.inner == ("x", "root")
    assert d.rows == ("a-minus-x", "b-minus-x", "x-minus-root", "c-minus-root")
    assert d.matrix.tolist() == [[1, 0, 0, -1, 0], [0, 1, 0, -1, 0], [0, 0, 0, 1, -1], [0, 0, 1, 0, -1]]
    assert (d.name, d.kind, d.observed, d.pairwise) == ("ancestry", "general", 3, True)


def test_tree_accepts_an_observed_ancestor():
    d = df.tree("t", ["a", "b", "c"], {"a": "b", "c": "b"})
    assert d.inner == () and d.centre == 1


def test_explicit_rows():
    rows = {"curve": {"a": 1, "b": -2, "c": 1}, "slope": {"c": 0.5, "a": -0.5}}
    d = df.explicit("mine", ["a", "b", "c"], rows)
    assert d.rows == ("curve", "slope")
    assert d.matrix.tolist() == [[1, -2, 1], [-0.5, 0, 0.5]]
    assert not d.pairwise


def test_one_node_has_no_rows():
    for d in (
        df.reference(["a"], "a"),
        df.equivariant(["a"]),
        df.tree("t", ["a"], {}),
        df.explicit("e", ["a"], {}),
    ):
        assert d.rows == () and d.matrix.shape == (0, 1)
        assert d.pairwise and d.centre is None


@pytest.mark.parametrize(
    ("rows", "pairwise"),
    [
        ({"r": {"a": 2, "b": -2}}, True),
        ({"r": {"a": 2, "b": -1}}, False),
        ({"r": {"a": 1, "b": 1}}, False),
        ({"r": {"a": 1}}, False),
        ({"r": {"a": 1, "b": -1}, "s": {"c": 1}}, False),
        ({"r": {"a": 1, "b": -1, "c": 0}}, True),
    ],
)
def test_pairwise(rows, pairwise):
    assert df.explicit("e", ["a", "b", "c"], rows).pairwise is pairwise


def test_stars_and_complete_graphs_are_recognised_whatever_their_name():
    nodes = ["a", "b", "c"]
    assert df.reference(nodes, "c").centre == 2
    assert df.tree("star", nodes, dict.fromkeys(nodes, "root")).centre == 3
    pairs = df.explicit("e", nodes, {"1": {"a": 1, "b": -1}, "2": {"c": 1, "a": -1}, "3": {"b": 1, "c": -1}})
    assert pairs.complete and pairs.centre is None
    assert df.equivariant(nodes).complete and not df.reference(nodes, "a").complete
    doubled = df.explicit("e", nodes, {"1": {"a": 2, "b": -2}, "2": {"c": 1, "b": -1}})
    repeated = df.explicit("e", nodes, {"1": {"a": 1, "b": -1}, "2": {"b": 1, "a": -1}})
    partial = df.explicit("e", nodes, {"1": {"a": 1, "b": -1}})
    for other in (doubled, repeated, partial):
        assert other.centre is None and not other.complete


def test_rows_without_a_cycle_are_a_forest_and_rows_of_one_pair_add_up():
    nodes = ["a", "b", "c", "d"]
    path = {"1": {"a": 1, "b": -1}, "2": {"c": 2, "b": -2}, "3": {"b": 0.5, "a": -0.5}}
    assert df.explicit("e", nodes, path).forest == ((0, 1, 1.5), (1, 2, 2.0))
    assert df.reference(nodes, "b").forest == ((0, 1, 1.0), (1, 2, 1.0), (1, 3, 1.0))
    assert df.tree("t", ["a", "b", "c"], {"a": "x", "b": "x", "x": "r", "c": "r"}).forest is not None
    assert df.explicit("e", ["a"], {}).forest == ()
    assert df.equivariant(nodes).forest is None
    assert df.explicit("e", nodes, {"1": {"a": 1, "b": 1}}).forest is None


def test_equal_content_means_equal_and_one_hash():
    one, two = df.equivariant(["a", "b"]), df.equivariant(("a", "b"))
    assert one == two and hash(one) == hash(two)
    assert one != df.equivariant(["a", "c"]) and one != df.reference(["a", "b"], "a")


def test_matrix_cannot_be_changed_and_keeps_no_hold_on_its_source():
    source = np.array([[1.0, -1.0]])
    d = df.Difference("m", "general", ("r",), source, ("a", "b"), 2)
    source[0, 0] = 9
    assert d.matrix[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        d.matrix[0, 0] = 9


def test_rows_ask_for_the_conditions_they_compare():
    matrix = np.array([[-1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0], [0.5, -1.0, 0.5, 0.0]])
    found = df.compared(matrix, ["b-minus-a", "c-minus-node", "odd"], ["a", "b", "c"])
    assert found == {"b-minus-a": ["a", "b"], "c-minus-node": ["a", "b", "c"], "odd": ["a", "b", "c"]}


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: df.reference(["a", "b"], "z"), "'z' is not one of the nodes a, b"),
        (lambda: df.equivariant(["a", "b", "a"]), "more than once: a"),
        (lambda: df.equivariant([]), "no nodes"),
        (lambda: df.equivariant(["a", ""]), "'' is not a name"),
        (lambda: df.equivariant(["a", 2]), "2 is not a name"),
        (lambda: df.tree("t", ["a", "b"], {}), "has no edges"),
        (lambda: df.tree("t", ["a", "b", "c"], {"a": "r", "b": "r"}), "leaves out c"),
        (
            lambda: df.tree("t", ["a", "b"], {"a": "x", "x": "y", "y": "x", "b": "y"}),
            "cycle: x -> y -> x",
        ),
        (lambda: df.tree("t", ["a", "b"], {"a": "a", "b": "a"}), "cycle: a -> a"),
        (lambda: df.tree("t", list("abcd"), {"a": "x", "b": "x", "c": "y", "d": "y"}), r"2 roots \(x, y\)"),
        (lambda: df.tree("t", ["a", "b"], {"a": "x", "b": "x", "c": "x"}), "ends at 'c'"),
        (lambda: df.tree("t", ["a", "b"], {"a": "x", "x": "r", "b": "r"}), "inner node 'x' has one child"),
        (lambda: df.tree("t", ["a", "b"], {"a": 1, "b": 1}), "1 is not a name"),
        (lambda: df.explicit("e", ["a"], {"r": {"q": 1}}), "row 'r' of matrix 'e' names 'q'"),
        (lambda: df.explicit("e", ["a"], {"r": {"a": 0}}), "zero everywhere"),
        (lambda: df.explicit("e", ["a"], {"r": {}}), "zero everywhere"),
        (lambda: df.explicit("e", ["a"], {"r": {"a": "1"}}), "coefficient '1'"),
        (lambda: df.explicit("e", ["a"], {"r": {"a": True}}), "coefficient True"),
        (lambda: df.explicit("e", ["a"], {"r": {"a": float("nan")}}), "coefficient nan"),
        (lambda: df.explicit("e", ["a"], {"r": [1]}), r"is \[1\]; expected"),
        (lambda: df.Difference("m", "general", ("r",), np.eye(2), ("a", "b"), 2), r"shape \(2, 2\).*1 rows"),
    ],
)
def test_what_is_refused_says_why(build, words):
    with pytest.raises(ValueError, match=words):
        build()


@pytest.mark.slow
def test_the_examples_of_the_guide_give_what_it_says():
    done = doctest.testfile(str(GUIDE), module_relative=False, optionflags=doctest.REPORT_NDIFF)
    assert done.attempted > 10 and done.failed == 0
