"""Matrices that are refused before any fit: how many entries are at fault, and the first by its names."""

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from proxsweep.io.errors import UserError
from proxsweep.nmf.data import checks, read
from proxsweep.nmf.data.table import Table, counted

V = np.array([[1.0, 0, 2], [0, 3, 0]])
KINDS = [np.asarray, sparse.csr_array]


def table(matrix=V, features=("A", "B"), samples=("s1", "s2", "s3"), path="v.csv"):
    return Table(Path(path), matrix, np.array(features, dtype=str), np.array(samples, dtype=str))


def refusal(*arguments, **named):
    with pytest.raises(UserError) as caught:
        checks.check(table(*arguments, **named))
    assert named.get("path", "v.csv") in caught.value.place
    return caught.value


def edited(*entries):
    made = V.copy()
    for row, column, value in entries:
        made[row, column] = value
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_matrix_passes(kind):
    checks.check(table(kind(V)))
    checks.check(table(kind(V * 1e75 / 3)))
    checks.check(table(kind(V * 1e-75)))


@pytest.mark.parametrize("name", ["HLA-A", "1/2-SBSRNA4", "7SK", "A[C>A]A", "two words", "β-catenin", "5'-UTR", "1"])
def test_ordinary_names_pass(name):
    checks.check(table(features=(name, "B")))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("path", "advice"), [("v.csv", ""), ("v.h5ad", ", or `layer: raw`")])
def test_entries_below_0(kind, path, advice):
    error = refusal(kind(edited((0, 2, -0.5), (1, 0, -2))), path=path)
    assert error.found == "2 entries below 0 (the first: -0.5, feature 'A', sample 's3')"
    assert error.expected == f"nothing below 0 (scaled or centred data: use the counts{advice})"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_entries_that_are_not_finite(kind, value):
    error = refusal(kind(edited((1, 1, value))))
    assert error.found == f"1 entry NaN or infinite (the first: {value:g}, feature 'B', sample 's2')"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("factor", "found"), [(0.0, "zeros only"), (1e80, "a largest entry of 3e+80"), (1e-80, "a largest entry of 3e-80")]
)
def test_sizes_that_cannot_be_computed_with(kind, factor, found):
    matrix = kind(V * factor)
    if sparse.issparse(matrix):
        matrix.eliminate_zeros()
    assert refusal(matrix).found == found


@pytest.mark.parametrize("shape", [(1, 3), (2, 1), (0, 3), (2, 0)])
def test_one_row_or_one_column(shape):
    features, samples = "AB"[: shape[0]], ["s1", "s2", "s3"][: shape[1]]
    error = refusal(np.ones(shape), list(features), samples)
    assert f"{shape[0]} feature" in error.found and f"{shape[1]} sample" in error.found


@pytest.mark.parametrize("name", ["", "=1+1", "-A", "+A", "@A", "A\nB", "A\x1b[0m", "A\u202eB", " A", "x" * 101])
@pytest.mark.parametrize("noun", ["features", "samples"])
def test_names_that_are_none(name, noun):
    names = {"features": ("A", name), "samples": ("s1", name, "s3")}[noun]
    error = refusal(**{noun: names})
    assert f"{noun[:-1]} 2 of {len(names)}" in error.place and "begins with none of = + - @" in error.expected


def test_names_that_stand_twice():
    assert refusal(samples=("s", "t", "s")).found == (
        "names of samples more than once (the first: 's', in samples 1 and 3; 1 name in all)"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_ranks_above_the_smaller_side(kind):
    spec = {"study": "mine", "ranks": [1, 3]}
    with pytest.raises(UserError, match="rank 3 for a matrix of 2 features and 3 samples") as caught:
        checks.refuse_rank(spec, kind(V))
    assert caught.value.place == "mine, sweep.rank" and caught.value.expected == "ranks of at most 2"
    checks.refuse_rank({**spec, "ranks": [2, 1]}, kind(V))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_do_not_vary(kind):
    spec, matrix, names = (
        {"study": "mine", "normalise": ["none", "feature_sd"]},
        kind([[1.0, 2], [3, 3]]),
        np.array(["A", "B"]),
    )
    with pytest.raises(UserError, match="1 feature whose entries are all equal .the first: 'B'"):
        checks.refuse_constant(spec, matrix, names)
    checks.refuse_constant({**spec, "normalise": ["log1p"]}, matrix, names)


@pytest.mark.parametrize(
    ("content", "features_in", "noun", "found"),
    [
        (
            "#a\n\ng,s,t\nx,1,2\n\ny,1,2\nx,3,4\n",
            "rows",
            "features",
            "'x', in rows 4 and 7",
        ),
        (
            "g,s,t\nx,1,2\ny,1,2\nx,3,4\n",
            "columns",
            "samples",
            "'x', in rows 2 and 4",
        ),
        ("g,s,t,s\nx,1,2,3\ny,1,2,3\n", "rows", "samples", "'s', in columns 2 and 4"),
    ],
)
def test_names_that_stand_twice_in_a_table_of_text(tmp_path, content, features_in, noun, found):
    (tmp_path / "v.csv").write_text(content)
    with pytest.raises(UserError) as caught:
        checks.check(read.read(tmp_path / "v.csv", features_in))
    assert caught.value.found == f"names of {noun} more than once (the first: {found}; 1 name in all)"


@pytest.mark.parametrize(
    ("number", "noun", "found"), [(1, "entry", "1 entry"), (2, "entry", "2 entries"), (0, "NUL byte", "0 NUL bytes")]
)
def test_counted(number, noun, found):
    assert counted(number, noun) == found
