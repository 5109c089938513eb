"""What an iteration costs, in ratios to the two products V H' and V' W, one thread, and 100 starts against 100 calls.

The products are those of NumPy (BLAS), for a sparse V those of SciPy's CSR. An iteration is measured over 100 of them
from a random start, without looks at the certificate; minima of repeats.

    python benchmarks/nmf_speed.py [--output FOLDER]

Writes nmf_speed.csv.
"""

import os

for _name in ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"  # before anything starts its threads

import argparse  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import sklearn  # noqa: E402
from scipy import sparse  # noqa: E402
from sklearn.decomposition import non_negative_factorization  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from proxsweep.io.files import write_csv  # noqa: E402
from proxsweep.nmf.model import methods, problem, products, run, start_points  # noqa: E402

MODEL = {"loss": "squared", "w_columns": "free", **dict.fromkeys(problem.PENALTIES, 0.0)}
SOLVER = {"accelerated": True, "decrease": 0.5, "sufficient": 0.01, "inner": 1, "floor": 1e-16}
DENSE = {"765 x 700": (765, 700, 10), "5,000 x 38": (5000, 38, 3)}
ALGORITHMS = ("hals", "hals plain", "mu", "pgd_all", "pgd_alternating")


def least(call: Callable[[], object], repeats: int = 7) -> float:
    """Fewest seconds of a call."""
    call()
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return min(found)


def iteration(values, algorithm: str, rank: int, starts: int = 1, count: int = 100) -> float:
    """Seconds of an iteration of all starts."""
    name, _, plain = algorithm.partition(" ")
    asked, data = problem.build(values, MODEL)
    entries = values.nnz if sparse.issparse(values) else values.size
    method, settings = methods.build(name, {**SOLVER, "accelerated": not plain}, asked, data, rank, entries)
    points = [start_points.random(values, rank, seed) for seed in range(starts)]
    w, h = (jnp.asarray(np.stack(part)) for part in zip(*((w.T, h) for w, h in points), strict=True))
    begun = run.begin(method, asked, data, settings, w, h)

    def call(until: int) -> None:
        goal = jnp.int32(until), jnp.float64(-1.0)
        run.advance(method, asked, data, settings, begun, *goal).count.block_until_ready()

    return (least(lambda: call(count + 9)) - least(lambda: call(9))) / count


def own_products(values, rank: int) -> float:
    """Seconds of the solver's own two products."""
    _, data = problem.build(values, MODEL)
    w, h = start_points.random(values, rank, 1)
    w, h = jnp.asarray(w.T[None]), jnp.asarray(h[None])
    import jax

    by_rows = jax.jit(lambda v, h: products.by_rows(v, h, w.shape[2]))
    by_columns = jax.jit(lambda v, w: products.by_columns(v, w, h.shape[2]))
    return least(lambda: (by_rows(data.v, h).block_until_ready(), by_columns(data.v, w).block_until_ready()), 20)


def reference(values, rank: int) -> float:
    """Seconds of V H' and V' W by NumPy or SciPy."""
    w, h = start_points.random(values, rank, 1)
    turned, other = np.ascontiguousarray(h.T), values.T.tocsr() if sparse.issparse(values) else values.T
    return least(lambda: (values @ turned, other @ w), 20)


def peer(values, rank: int, count: int = 100) -> float:
    """Seconds of an iteration of scikit-learn's `cd`."""

    def call(iterations: int) -> None:
        w, h = start_points.random(values, rank, 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            non_negative_factorization(values, W=w, H=h, n_components=rank, init="custom", tol=0, max_iter=iterations)

    return (least(lambda: call(count + 1), 3) - least(lambda: call(1), 3)) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    draw = np.random.default_rng(1)
    cases = {name: (draw.random(shape[:2]), shape[2]) for name, shape in DENSE.items()}
    cases["2,000 x 6,000 at 5 %"] = (sparse.random_array((2000, 6000), density=0.05, format="csr", rng=draw), 10)
    rows = []
    for name, (values, rank) in cases.items():
        base = reference(values, rank)
        rows.append({"case": name, "what": "own products", "ratio": own_products(values, rank) / base})
        rows.append({"case": name, "what": "scikit-learn cd", "ratio": peer(values, rank) / base})
        for algorithm in ALGORITHMS:
            rows.append({"case": name, "what": algorithm, "ratio": iteration(values, algorithm, rank) / base})
            if algorithm == "hals":
                many = iteration(values, algorithm, rank, starts=10, count=20) / 10
                rows.append({"case": name, "what": "hals, each of 10 starts", "ratio": many / base})
        print(pd.DataFrame(rows).tail(8).to_string(index=False), flush=True)
    genomes = draw.poisson(draw.gamma(1, 20, (96, 4)) @ draw.gamma(1, 1, (4, 21))).astype(float)
    ours = 500 * iteration(genomes, "hals plain", 4, starts=100, count=500)
    theirs = 100 * 500 * peer(genomes, 4, 500)
    rows.append({"case": "96 x 21, 100 starts", "what": "scikit-learn cd / hals plain", "ratio": theirs / ours})
    print(f"100 starts of 96 x 21, 500 iterations: {ours:.2f} s, scikit-learn {sklearn.__version__} {theirs:.2f} s")
    write_csv(options.output / "nmf_speed.csv", pd.DataFrame(rows))


if __name__ == "__main__":
    main()
