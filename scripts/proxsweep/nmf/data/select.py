"""Features of a matrix that a study uses: the most variable ones, or a list of names."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

import numpy as np

from proxsweep.io.errors import UserError
from proxsweep.nmf.data.normalise import variances
from proxsweep.nmf.data.table import Table

SHOWN = 5  # names that a message lists


def select(table: Table, features: Mapping[str, int] | Sequence[str] | None, study: str) -> tuple[Table, str]:
    """The table with the wanted features, in the order of the file, and why others are left out.

    Parameters
    ----------
    table : (M, N)
    features
        ``{most_variable: count}``: those of the largest variance over the samples, of the entries as they were read (of
        two with one variance the first); or names; or None for all.

    Raises
    ------
    UserError
        For more features than there are, and for a name that none has.
    """
    if features is None:
        return table, ""
    if isinstance(features, Mapping):
        chosen, reason = _most_variable(table, features["most_variable"], study), "not among the most variable"
    else:
        chosen, reason = _named(table, features, study), "not in the list `features`"
    return replace(table, matrix=table.matrix[chosen], features=table.features[chosen], feature_places=None), reason


def _most_variable(table: Table, count: int, study: str) -> np.ndarray:
    known = len(table.features)
    if count > known:
        # message: The matrix has fewer features. | Take a smaller number, or remove `features` to use all.
        raise UserError(
            f"{study}, data.features.most_variable",
            f"{count} of the {known} features in {table.path}",
            f"at most {known}; without `features` all are used",
        )
    return np.sort(np.argsort(-variances(table.matrix), kind="stable")[:count])


def _named(table: Table, names: Sequence[str], study: str) -> np.ndarray:
    places = {name: k for k, name in enumerate(table.features.tolist())}
    unknown = [name for name in names if name not in places]
    if unknown:
        near = get_close_matches(unknown[0], list(places), n=3, cutoff=0.6)
        shown = near or list(places)[:SHOWN]
        # message: The matrix has no feature of this name, which is written as in the file. | Correct the list
        # `features`.
        raise UserError(
            f"{study}, data.features",
            f"names that {table.path} does not have (the first: {unknown[0]!r}), {len(unknown)} in all",
            f"names of features {'like' if near else 'such as'} {', '.join(map(repr, shown))}",
        )
    return np.array(sorted({places[name] for name in names}))
