"""How many iterations random problems take to a residual of 1e-6, by algorithm: 1,000 over 20 shapes.

Sizes to 60 x 40, ranks 1 to 8. By the number of its shape a problem is noise, factors with noise, counts of factors or
mostly zeros; it has a row of zeros (every fifth shape), penalties on both factors (every third), or is stored sparse
(the last; each is compiled for anew). Every problem is fitted from one random start, and every fit that says
`converged` is checked by the second computation of `proxsweep check`.

    python benchmarks/nmf_random.py [--problems 1000] [--output FOLDER]

Writes nmf_random.csv (a row for each problem and algorithm) and nmf_random.png.
"""

import argparse
import sys
from pathlib import Path

import jax
import numpy as np
import pandas as pd
from scipy import sparse

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from proxsweep.io.files import write_csv  # noqa: E402
from proxsweep.nmf.check import recompute  # noqa: E402
from proxsweep.nmf.data.encoding import Encoding  # noqa: E402
from proxsweep.nmf.model.fit import fit  # noqa: E402
from proxsweep.report import style  # noqa: E402

RUNS = {"hals": 20_000, "hals plain": 4000, "pgd_alternating": 4000, "pgd_all": 4000, "mu": 4000}
MODEL = {"loss": "squared", "w_columns": "free", "normalise": "none"}
PENALTIES = ("l1_h", "l2_h", "l1_w", "l2_w")
SOLVER = {
    **{"starts": ["random"], "seed": 1, "tolerance": 1e-6, "max_seconds": None, "floor": 1e-16},
    **{"decrease": 0.5, "sufficient": 0.01, "inner": 1},
}
MARKS = (50, 100, 200, 500, 1000, 2000, 4000, 20_000)


def shapes(draw: np.random.Generator) -> list[tuple[int, int, int]]:
    """Twenty shapes: features, samples, rank."""
    found = []
    while len(found) < 20:
        m, n = int(draw.integers(5, 61)), int(draw.integers(5, 41))
        found.append((m, n, int(draw.integers(1, min(8, m, n) + 1))))
    return found


def problem(draw: np.random.Generator, shape: tuple[int, int, int], kind: int) -> tuple[Encoding, dict[str, float]]:
    """A matrix and penalties, by the number of the shape."""
    m, n, rank = shape
    w, h = draw.gamma(0.5, size=(m, rank)), draw.gamma(0.5, size=(rank, n))
    kinds = (
        lambda: draw.random((m, n)),
        lambda: w @ h + 0.1 * draw.random((m, n)),
        lambda: draw.poisson(3 * w @ h).astype(float),
        lambda: 10 * draw.random((m, n)) * (draw.random((m, n)) < 0.15),
    )
    values = kinds[kind % 4]()
    values[0, :], values[:, 0] = values[0, :] + 0.1, values[:, 0] + 0.1  # no column and no other row of zeros
    if kind % 5 == 0:
        values[draw.integers(1, m)] = 0.0
    weights = draw.choice([0.01, 0.1, 0.5], 4) * values.mean() if kind % 3 == 0 else np.zeros(4)
    matrix = sparse.csr_array(values) if kind == 19 else values
    names = np.array([f"f{i}" for i in range(m)]), np.array([f"s{j}" for j in range(n)])
    return Encoding.of(*names, matrix), dict(zip(PENALTIES, weights.tolist(), strict=True))


def runs(encoding: Encoding, rank: int, model: dict) -> list[dict]:
    """A row for each algorithm."""
    rows = []
    for name, limit in RUNS.items():
        algorithm, _, plain = name.partition(" ")
        solver = {**SOLVER, "accelerated": not plain, "max_iterations": limit}
        start = fit(encoding, min(rank, *encoding.matrix.shape), algorithm, model, solver, lambda line: None).best
        again = recompute.evaluate(recompute.problem(encoding.matrix, model), start.w, start.h).residual
        refused = start.status == "converged" and again > SOLVER["tolerance"] * (1 + 1e-6)
        rows.append(
            {
                **{"algorithm": name, "status": str(start.status), "iterations": start.end.iterations},
                **{"residual": start.residual, "refused": refused},
            }
        )
    return rows


def figure(table: pd.DataFrame, path: Path) -> None:
    """Share of the problems that had converged, against iterations."""
    drawn = style.new_figure(style.ONE_COLUMN)
    ax = drawn.subplots()
    total = table["problem"].nunique()
    for name, look in style.line_styles(RUNS).items():
        ended = table[(table["algorithm"] == name) & (table["status"] == "converged")]["iterations"].sort_values()
        ax.step(
            [*ended, RUNS[name]],
            [*np.arange(1, len(ended) + 1) / total, len(ended) / total],
            where="post",
            label=name,
            **look,
        )
    ax.set(xscale="log", xlabel="Iterations", ylabel="Share at a residual of 1e-6", ylim=(0, 1.02))
    ax.legend()
    drawn.savefig(path, dpi=200)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=1000)
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    draw = np.random.default_rng(1)
    sizes, rows = shapes(draw), []
    for number in range(options.problems):
        shape = sizes[number % len(sizes)]
        encoding, penalties = problem(draw, shape, number % len(sizes))
        known = {"problem": number, "features": shape[0], "samples": shape[1], "rank": shape[2]}
        rows += [known | row for row in runs(encoding, shape[2], {**MODEL, **penalties})]
    table = pd.DataFrame(rows)
    write_csv(options.output / "nmf_random.csv", table)
    figure(table, options.output / "nmf_random.png")
    for name in RUNS:
        part = table[table["algorithm"] == name]
        ended = part.loc[part["status"] == "converged", "iterations"]
        shares = ", ".join(
            f"{mark}: {100 * (ended <= mark).sum() / len(part):.1f} %" for mark in MARKS if mark <= RUNS[name]
        )
        print(f"{name}: {shares}; converged ones refused by the recheck: {part['refused'].sum()}")


if __name__ == "__main__":
    main()
