"""Starts of a fit: their names, and the factors W (m, k) and H (k, n) that each begins with."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, svds

from proxsweep.io.errors import UserError
from proxsweep.nmf.data.encoding import Encoding, Matrix
from proxsweep.sweep import fit_folder

SMALL = 1000  # a dense matrix with a side up to this has all its singular vectors computed
NEGLIGIBLE = 1e-6  # of the root of the largest singular value: smaller entries are 0
LIFTED = 0.01  # of the size of the factors: what zeros become under the loss `poisson`
ARRAYS = {
    "W": ("f", "features rank"),
    "H": ("f", "rank samples"),
    "features": ("U", "features"),
    "samples": ("U", "samples"),
}

Point = tuple[np.ndarray, np.ndarray]


def names(solver: Mapping[str, Any], neighbour: bool, rows: Mapping[str, Any] | None = None) -> list[str]:
    """Names of the starts; where there is no neighbour, `nndsvd` stands for it.

    ``rows`` of a fit to a part may have starts of their own.
    """
    found = []
    for start in (rows or {}).get("starts") or solver["starts"]:
        if start.endswith("random"):
            count = int(start.removesuffix("x_random")) if start.endswith("x_random") else 1
            found += [f"random-{number}" for number in range(1, count + 1)]
        else:
            found.append("nndsvd" if start == "neighbour" and not neighbour else start)
    return list(dict.fromkeys(found))


def points(
    starts: list[str],
    encoding: Encoding,
    matrix: Matrix,
    rank: int,
    seed: int | None,
    neighbour: str | Path | None,
    poisson: bool = False,
    seen: np.ndarray | None = None,
) -> Iterator[Point]:
    """The factors of each start.

    ``random-1`` has the draws of scikit-learn's `init='random'` for ``random_state=seed``, ``random-2`` those for the
    seed after it, and so on (on V without rows and columns of zeros). ``neighbour`` is ``parameters.npz`` of the next
    smaller rank. Under ``poisson`` the zeros of ``nndsvd`` are lifted, as counts need something fitted.

    Where entries are held out, ``seen`` (m, n) bool are the others, and ``matrix`` is 0 elsewhere. The size of random
    factors is then that of the seen entries; ``nndsvd`` is of the matrix with the mean of the seen entries of its row
    in place of each hidden one; what ``neighbour`` adds is from what is left of the seen entries.

    Raises
    ------
    UserError
        For a neighbour that is no fit to these features and samples.
    """
    mean = matrix.mean() if seen is None else matrix.sum() / seen.sum()
    for start in starts:
        if start == "nndsvd":
            yield nndsvd(_filled(matrix, seen), rank, LIFTED * np.sqrt(mean / rank) if poisson else 0.0)
        elif start == "neighbour":
            yield _grown(matrix, *_read(neighbour, encoding), rank, seen)
        else:
            yield random(matrix, rank, seed + int(start.removeprefix("random-")) - 1, mean)


def random(matrix: Matrix, rank: int, seed: int, mean: float | None = None) -> Point:
    """Half-normal factors of the size of V (of ``mean``, its own), H drawn first, as scikit-learn draws them."""
    draw = np.random.RandomState(seed)
    size = np.sqrt((matrix.mean() if mean is None else mean) / rank)
    h = np.abs(size * draw.standard_normal((rank, matrix.shape[1])))
    return np.abs(size * draw.standard_normal((matrix.shape[0], rank))), h


def _filled(matrix: Matrix, seen: np.ndarray | None) -> Matrix:
    """The matrix with the mean of a row's seen entries in place of its hidden ones."""
    if seen is None:
        return matrix
    return np.where(seen, matrix, (matrix.sum(axis=1) / seen.sum(axis=1))[:, None])


def nndsvd(matrix: Matrix | LinearOperator, rank: int, least: float = 0.0) -> Point:
    """Positive parts of the singular vectors (Boutsidis and Gallopoulos 2008, Pattern Recognit. 41, 1350, table 1).

    Entries are at least ``least``.
    """
    u, s, v = _singular(matrix, rank)
    w, h = np.zeros((matrix.shape[0], rank)), np.zeros((rank, matrix.shape[1]))
    for t in range(rank):
        left, right = _larger_part(u[:, t], v[t])
        sizes = np.linalg.norm(left), np.linalg.norm(right)
        if min(sizes) > 0:
            scale = np.sqrt(s[t] * sizes[0] * sizes[1])
            w[:, t], h[t] = scale * left / sizes[0], scale * right / sizes[1]
    size = np.sqrt(s[0])
    w[w < NEGLIGIBLE * size] = 0
    h[h < NEGLIGIBLE * size] = 0
    return np.maximum(w, least), np.maximum(h, least)


def _larger_part(left: np.ndarray, right: np.ndarray) -> Point:
    """Of a pair of singular vectors the positive parts or the negative ones, whose product is larger."""
    parts = [(np.maximum(sign * left, 0), np.maximum(sign * right, 0)) for sign in (1, -1)]
    return max(parts, key=lambda part: np.linalg.norm(part[0]) * np.linalg.norm(part[1]))


def _singular(matrix: Matrix | LinearOperator, rank: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The largest singular values (rank,), falling, with their vectors (m, rank) and (rank, n)."""
    least = min(matrix.shape)
    if isinstance(matrix, np.ndarray) and least <= SMALL or rank >= least - 1:
        whole = matrix @ np.eye(matrix.shape[1]) if isinstance(matrix, LinearOperator) else matrix
        u, s, v = np.linalg.svd(whole.toarray() if sparse.issparse(whole) else whole, full_matrices=False)
        return u[:, :rank], s[:rank], v[:rank]
    u, s, v = svds(matrix, k=rank, v0=np.ones(least), solver="arpack")
    order = np.argsort(-s)
    return u[:, order], s[order], v[order]


def _grown(matrix: Matrix, w: np.ndarray, h: np.ndarray, rank: int, seen: np.ndarray | None) -> Point:
    """A solution of a smaller rank with factors from what it leaves of V."""
    if seen is not None:
        more_w, more_h = nndsvd(np.where(seen, matrix - w @ h, 0.0), rank - w.shape[1])
        return np.hstack([w, more_w]), np.vstack([h, more_h])
    rest = LinearOperator(
        matrix.shape,
        matvec=lambda x: matrix @ x - w @ (h @ x),
        rmatvec=lambda x: matrix.T @ x - h.T @ (w.T @ x),
        dtype=float,
    )
    more_w, more_h = nndsvd(rest, rank - w.shape[1])
    return np.hstack([w, more_w]), np.vstack([h, more_h])


def _read(path: str | Path, encoding: Encoding) -> Point:
    arrays = fit_folder.arrays(path, ARRAYS)
    for name, known in (("features", encoding.features), ("samples", encoding.samples)):
        if not np.array_equal(arrays[name], known):
            # message: A fit to other features or samples stands in the place of the next smaller rank. | Run again: the
            # fit is made anew.
            raise UserError(str(path), f"other {name}", f"the {name} of the encoding, {len(known)} of them")
    return arrays["W"][encoding.kept_features], arrays["H"][:, encoding.kept_samples]
