"""Time and accuracy of the proximal operators against pyproximal and a generic convex solver.

For `reference`, `equivariant`, a tree and explicit rows of 3 and of 20 conditions: the prox of 10,700 columns here,
the same by LinearizedADMM of pyproximal (all columns of a part in one vectorised problem, its fastest tau of five) and
by Clarabel through cvxpy (a smaller part in one problem, the solver's own time). Peers run to a distance of 1e-6 from
the exact answer or as near as they come; distances are relative to the column's largest |value|, the exact answer is
that of an active set method for the dual (SciPy's bounded least squares).

    taskset -c 1 python benchmarks/prox.py [--columns 10700] [--output benchmarks/results/prox.csv]

Prints one table and writes it as CSV; `ratio` is the time a column takes there by the time it takes here. The first
call makes an environment for pyproximal in .peers/pyproximal. One thread everywhere, float64.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC"):
    os.environ[variable] = "1"

import cvxpy  # noqa: E402
import jax  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from scipy.optimize import lsq_linear  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from proxsweep.io.files import write_csv  # noqa: E402
from proxsweep.optimize import difference as df  # noqa: E402
from proxsweep.optimize.prox import initial_state, prox  # noqa: E402

jax.config.update("jax_enable_x64", True)

ENVIRONMENT = ROOT / ".peers" / "pyproximal"
REQUIREMENTS = ["numpy==2.4.6", "pylops==2.8.0", "pyproximal==0.13.0", "scipy==1.17.1", "typing_extensions==4.16.0"]
ACCURACY = 1e-6
PEER_COLUMNS, SOLVER_COLUMNS, REPEATS = 400, 100, 7

# Runs in the other environment; arguments: problem, answer, accuracy. Of every tau the fewest iterations (10, 20,
# 40, ...) that reach the accuracy, else the nearest; the fastest tau that reaches it counts.
PEER = """
import sys, time
import numpy as np, pylops, pyproximal
problem, answer, accuracy = np.load(sys.argv[1]), sys.argv[2], float(sys.argv[3])
matrix, values, weights, exact = (problem[name] for name in ("matrix", "values", "weights", "exact"))
columns = values.shape[1]
A = pylops.MatrixMult(matrix, otherdims=(columns,))
f = pyproximal.L2(b=values.ravel())
g = pyproximal.L1(sigma=np.tile(weights, len(matrix)))
largest = np.linalg.norm(matrix, 2) ** 2
best = None
for tau in (0.1, 0.3, 1.0, 3.0, 10.0):
    iterations, distance = 10, np.inf
    while distance > accuracy and iterations <= 5120:
        start = time.perf_counter()
        x, _ = pyproximal.optimization.primal.LinearizedADMM(
            f, g, A, x0=values.ravel(), tau=tau, mu=0.99 * tau / largest, niter=iterations
        )
        seconds = time.perf_counter() - start
        distance = (np.abs(x.reshape(values.shape) - exact) / np.abs(values).max(axis=0)).max()
        iterations *= 2
    found = (max(distance, accuracy), seconds, distance, iterations // 2)
    best = found if best is None else min(best, found)
np.savez(answer, seconds=best[1], distance=best[2], iterations=best[3])
"""


def caterpillar(names: list[str]) -> df.Difference:
    """Conditions branch off a stem one by one."""
    count = len(names)
    stem = {f"x{i}": f"x{i + 1}" for i in range(1, count - 1)}
    return df.tree("tree", names, {names[0]: "x1"} | {names[i]: f"x{i}" for i in range(1, count)} | stem)


def contrasts(names: list[str]) -> df.Difference:
    """Every condition against the mean of the two behind it, and against the next, in a ring."""
    rows = {}
    for i, name in enumerate(names):
        following, second = names[(i + 1) % len(names)], names[(i + 2) % len(names)]
        rows[f"{name}-minus-two"] = {name: 1.0, following: -0.5, second: -0.5}
        rows[f"{name}-minus-next"] = {name: 1.0, following: -1.0}
    return df.explicit("rows", names, rows)


def matrices(conditions: int) -> list[df.Difference]:
    names = [f"c{i}" for i in range(conditions)]
    return [df.reference(names, names[0]), df.equivariant(names), caterpillar(names), contrasts(names)]


def columns_like_a_fit(nodes: int, columns: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Values (P, M), most close to a common one, and weights (M,) over three decades."""
    random = np.random.default_rng(seed)
    common = random.normal(size=columns) * random.lognormal(size=columns)
    own = random.normal(size=(nodes, columns)) * np.where(random.random((nodes, columns)) < 0.7, 0.05, 1.0)
    return common + own, 10 ** random.uniform(-2.5, 0.5, columns)


def exact_prox(matrix: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Through the dual, 1/2 ||A'u - v||^2 over |u| <= w, with an active set method."""
    u = [
        lsq_linear(matrix.T, v, (-w, w), method="bvls", tol=1e-15, max_iter=1000).x
        for v, w in zip(values.T, weights, strict=True)
    ]
    return values - matrix.T @ np.array(u).T


def distance(x: np.ndarray, exact: np.ndarray, values: np.ndarray) -> float:
    return float((np.abs(x - exact) / np.abs(values).max(axis=0)).max())


def ours(difference: df.Difference, values: np.ndarray, weights: np.ndarray, exact: np.ndarray) -> dict:
    """Compiled, from the cold start; the median of some calls."""
    columns = values.shape[1]
    arguments = jax.device_put((values, weights, initial_state(difference, columns)))
    begun = time.perf_counter()
    run = jax.jit(lambda v, w, state: prox(difference, v, w, state)).lower(*arguments).compile()
    compiled = time.perf_counter() - begun
    seconds = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        result = jax.block_until_ready(run(*arguments))
        seconds.append(time.perf_counter() - begun)
    part = exact.shape[1]
    return {
        "solver": "proxsweep",
        "columns": columns,
        "seconds": float(np.median(seconds)),
        "iterations": int(result.iterations),
        "distance": distance(np.asarray(result.x)[:, :part], exact, values[:, :part]),
        "compile_seconds": compiled,
    }


def pyproximal(matrix: np.ndarray, values: np.ndarray, weights: np.ndarray, exact: np.ndarray) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        problem, answer = Path(folder) / "problem.npz", Path(folder) / "answer.npz"
        np.savez(problem, matrix=matrix, values=values, weights=weights, exact=exact)
        command = [ENVIRONMENT / "bin" / "python", "-c", PEER, problem, answer, str(ACCURACY)]
        subprocess.run(command, check=True)
        with np.load(answer) as found:
            numbers = {name: found[name].item() for name in found.files}
    return {"solver": "pyproximal", "columns": values.shape[1], **numbers}


def clarabel(matrix: np.ndarray, values: np.ndarray, weights: np.ndarray, exact: np.ndarray) -> dict:
    y = cvxpy.Variable(values.shape)
    fused = cvxpy.sum(cvxpy.multiply(np.tile(weights, (len(matrix), 1)), cvxpy.abs(matrix @ y)))
    problem = cvxpy.Problem(cvxpy.Minimize(0.5 * cvxpy.sum_squares(y - values) + fused))
    tolerances = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), 1e-12)
    problem.solve("CLARABEL", **tolerances)
    return {
        "solver": "clarabel",
        "columns": values.shape[1],
        "seconds": problem.solver_stats.solve_time,
        "iterations": problem.solver_stats.num_iters,
        "distance": distance(y.value, exact, values),
    }


def compare(difference: df.Difference, columns: int) -> list[dict]:
    """A row for every solver, with the ratio of times per column."""
    values, weights = columns_like_a_fit(len(difference.nodes), columns)
    part = values[:, :PEER_COLUMNS], weights[:PEER_COLUMNS]
    exact = exact_prox(difference.matrix, *part)
    small = values[:, :SOLVER_COLUMNS], weights[:SOLVER_COLUMNS], exact[:, :SOLVER_COLUMNS]
    rows = [
        ours(difference, values, weights, exact),
        pyproximal(difference.matrix, *part, exact),
        clarabel(difference.matrix, *small),
    ]
    for row in rows:
        row["microseconds_a_column"] = 1e6 * row["seconds"] / row["columns"]
        row["ratio"] = row["microseconds_a_column"] / rows[0]["microseconds_a_column"]
    size = {"matrix": difference.name, "conditions": difference.observed, "nodes": len(difference.nodes)}
    return [{**size, "rows": len(difference.rows), **row} for row in rows]


def make_environment() -> None:
    """pyproximal with its pinned requirements, once."""
    done = ENVIRONMENT / "installed.txt"
    if done.exists() and done.read_text() == "\n".join(REQUIREMENTS):
        return
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    pip = [ENVIRONMENT / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, *REQUIREMENTS], check=True)
    done.write_text("\n".join(REQUIREMENTS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", type=int, default=10_700)
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results" / "prox.csv")
    arguments = parser.parse_args()
    make_environment()
    rows = [row for conditions in (3, 20) for d in matrices(conditions) for row in compare(d, arguments.columns)]
    table = pd.DataFrame(rows)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    write_csv(arguments.output, table)
    print(table.to_string(index=False, float_format=lambda x: f"{x:.3g}", na_rep=""))


if __name__ == "__main__":
    main()
