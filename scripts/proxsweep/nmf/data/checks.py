"""Matrices and names that cannot be factorised, or mean something else than they say: refused before any fit."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from proxsweep.io.errors import UserError
from proxsweep.io.names import RULE, is_name
from proxsweep.nmf.data.encoding import Matrix
from proxsweep.nmf.data.normalise import constant
from proxsweep.nmf.data.table import Table, counted

LIMITS = 1e-75, 1e75
"""Least and most that the largest entry may be: squares of gradients are of its fourth power at most."""


def check(table: Table) -> None:
    """Refuse a table that is no matrix of features by samples with nothing below 0.

    Raises
    ------
    UserError
        For one row or column, names that are empty, odd or stand twice, entries that are no finite numbers or below 0,
        nothing but zeros, and numbers whose squares overflow.
    """
    refuse_small(str(table.path), table.matrix)
    _check_names(table, "feature", table.features)
    _check_names(table, "sample", table.samples)
    _check_entries(table)


def refuse_small(place: str, matrix: Matrix) -> None:
    """Refuse a matrix of one row or one column, or none.

    Raises
    ------
    UserError
    """
    features, samples = matrix.shape
    if min(features, samples) < 2:
        # message: 1 feature and 38 samples | at least two of each | Such a matrix has one factor, itself. Often the
        # file is another one, or its delimiter is not what its suffix says. | Look into the file; select more features.
        raise UserError(
            place, f"{counted(features, 'feature')} and {counted(samples, 'sample')}", "at least two of each"
        )


def refuse_rank(spec: Mapping[str, Any], matrix: Matrix, part: str = "") -> None:
    """Refuse ranks above the smaller side of a matrix without its rows and columns of zeros.

    Parameters
    ----------
    spec
        ``study`` and ``ranks``.
    matrix : (m, n)
    part
        What it is of, if not of all samples.

    Raises
    ------
    UserError
    """
    largest, (features, samples) = max(spec["ranks"]), matrix.shape
    if largest > min(features, samples):
        # message: The matrix, or the part of a replicate, has fewer features or samples with an entry above 0 than the
        # rank asks for. | Remove the larger ranks from `sweep: rank`; with `replicates` make fewer parts.
        raise UserError(
            f"{spec['study']}, sweep.rank",
            f"rank {largest} for a matrix{part} of {counted(features, 'feature')} and {counted(samples, 'sample')} "
            "that are not all zero",
            f"ranks of at most {min(features, samples)}",
        )


def refuse_constant(spec: Mapping[str, Any], matrix: Matrix, features: np.ndarray, part: str = "") -> None:
    """Refuse rows (m,) whose entries are all equal, where a study divides by standard deviations.

    Raises
    ------
    UserError
    """
    if "feature_sd" not in spec["normalise"]:
        return
    equal = constant(matrix)
    if equal.any():
        # message: `normalise: feature_sd` divides by the standard deviation, which is 0 here. | Leave these features
        # out, as the message says or by a list, or normalise in another way.
        raise UserError(
            f"{spec['study']}, normalise feature_sd",
            f"{counted(equal.sum(), 'feature')} whose entries are all equal{part} "
            f"(the first: {str(features[equal][0])!r})",
            f"features that vary between samples; `features: {{most_variable: {(~equal).sum()}}}` keeps those that do",
        )


def _check_names(table: Table, noun: str, names: np.ndarray) -> None:
    texts: Sequence[str] = names.tolist()
    for number, name in enumerate(texts, 1):
        if not is_name(name):
            place = f"{table.path}, {noun} {number} of {len(texts)}"
            # message: an empty name / the name '=1+1' | a name of at most 100 printable characters, no blanks at its
            # ends, that begins with none of = + - @ | Names stand in tables, which spreadsheets open. | Name the
            # feature or sample in the file, or rename it there.
            raise UserError(place, f"the name {name!r}" if name else "an empty name", RULE)
    twice = [name for name, count in Counter(texts).items() if count > 1]
    if twice:
        kind, numbers = (table.feature_places if noun == "feature" else table.sample_places) or (noun, ())
        places = [
            number for number, name in zip(numbers or range(1, len(texts) + 1), texts, strict=True) if name == twice[0]
        ]
        # message: Rows of the results could not be told apart. | Add up or rename what has the same name (in scanpy
        # `var_names_make_unique`, in R `make.unique`).
        raise UserError(
            str(table.path),
            f"names of {noun}s more than once (the first: {twice[0]!r}, in {kind}s {places[0]} and {places[1]}; "
            f"{counted(len(twice), 'name')} in all)",
            "each name once",
        )


def _check_entries(table: Table) -> None:
    matrix = table.matrix
    entries = matrix.data if sparse.issparse(matrix) else matrix
    least, most = (float(entries.min()), float(entries.max())) if entries.size else (0.0, 0.0)
    if not (np.isfinite(least) and np.isfinite(most)):
        found, first = _where(table, ~np.isfinite(entries))
        # message: Missing and infinite entries are not fitted. | Leave out their rows or columns, or fill them with
        # what you hold right.
        raise UserError(str(table.path), f"{counted(found, 'entry')} NaN or infinite ({first})", "finite numbers")
    if least < 0:
        found, first = _where(table, entries < 0)
        layer = ", or `layer: raw`" if table.path.suffix.lower() == ".h5ad" else ""
        # message: The factors have nothing below 0, nor has their product. Data that were centred or scaled, or
        # logarithms of ratios, are of another kind. | Take the matrix before it was centred.
        raise UserError(
            str(table.path),
            f"{found} entries below 0 ({first})",
            f"nothing below 0 (scaled or centred data: use the counts{layer})",
        )
    if most == 0:
        # message: The matrix has nothing to be fitted: a part of a file, or another layer. | Look into the file.
        raise UserError(str(table.path), "zeros only", "some entries above 0")
    if not LIMITS[0] <= most <= LIMITS[1]:
        # message: Squares of such numbers are not held by a computer. Mostly such a number stands for a missing one, or
        # the unit is an odd one. | Correct the entry, or take another unit.
        raise UserError(
            str(table.path), f"a largest entry of {most:g}", f"one from {LIMITS[0]:g} to {LIMITS[1]:g}: another unit"
        )


def _where(table: Table, wrong: np.ndarray) -> tuple[int, str]:
    """How many entries are wrong, and the first with its names."""
    matrix = table.matrix
    first = int(np.flatnonzero(wrong.ravel())[0])
    if sparse.issparse(matrix):
        row, column = int(np.searchsorted(matrix.indptr, first, side="right")) - 1, int(matrix.indices[first])
        value = matrix.data[first]
    else:
        row, column = divmod(first, matrix.shape[1])
        value = matrix[row, column]
    names = f"feature {str(table.features[row])!r}, sample {str(table.samples[column])!r}"
    return int(wrong.sum()), f"the first: {value:g}, {names}"
