"""Projected gradient on W and H in turn against all at once: gap and residual by iterations, products and seconds.

The claim tested is that alternation converges faster ("CS524 - Intro to Optimization: Nonnegative Matrix Factorization
for Gene Expression Matrices"). Steps on one factor before the other: 1, 5, 50 (nearly exact); `decrease` 0.1, 0.5, 0.8;
starts random and nndsvd. The gap is to the lowest objective of `hals` and of all runs from the same start.

    python benchmarks/nmf_descent.py --matrix leukaemia.tsv --rank 3 [--iterations 1000] [--output FOLDER]

docs/nmf.md says where the matrices come from. Writes nmf_descent_NAME.csv (a row for each run and look).
"""

import os

for _name in ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"  # before anything starts its threads

import argparse  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import pandas as pd  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from proxsweep.io.files import write_csv  # noqa: E402
from proxsweep.nmf.data.encoding import Encoding  # noqa: E402
from proxsweep.nmf.data.read import read  # noqa: E402
from proxsweep.nmf.model.fit import fit  # noqa: E402

MODEL = {"loss": "squared", "w_columns": "free", "l1_h": 0, "l2_h": 0, "l1_w": 0, "l2_w": 0, "normalise": "none"}
SOLVER = {
    **{"seed": 1, "tolerance": 1e-12, "max_seconds": None, "floor": 1e-16, "accelerated": True},
    **{"sufficient": 0.01, "decrease": 0.5, "inner": 1},
}
RUNS = {
    "all at once": ("pgd_all", {}),
    "all at once, decrease 0.1": ("pgd_all", {"decrease": 0.1}),
    "all at once, decrease 0.8": ("pgd_all", {"decrease": 0.8}),
    "alternating, 1 step": ("pgd_alternating", {}),
    "alternating, 1 step, decrease 0.1": ("pgd_alternating", {"decrease": 0.1}),
    "alternating, 1 step, decrease 0.8": ("pgd_alternating", {"decrease": 0.8}),
    "alternating, 5 steps": ("pgd_alternating", {"inner": 5}),
    "alternating, 50 steps": ("pgd_alternating", {"inner": 50}),
    "hals, plain": ("hals", {"accelerated": False}),
    "hals": ("hals", {}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matrix", type=Path, required=True)
    parser.add_argument("--layer", help="of an .h5ad")
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--iterations", type=int, default=1000)
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    table = read(options.matrix, None, options.layer)
    encoding = Encoding.of(table.features, table.samples, table.matrix)
    parts = []
    for start in ("random", "nndsvd"):
        for name, (algorithm, changes) in RUNS.items():
            solver = {**SOLVER, **changes, "starts": [start], "max_iterations": options.iterations}
            done = fit(encoding, options.rank, algorithm, MODEL, solver, lambda line: None)
            rows = pd.DataFrame(done.best.end.rows)
            parts.append(rows.assign(start=start, run=name, final=done.best.objective))
    found = pd.concat(parts, ignore_index=True)
    # values watched while solving lose digits: the last of each run is recomputed
    best = found.groupby("start")["final"].transform("min")
    found["gap"] = (found["objective"] - best).clip(lower=0) / best
    write_csv(options.output / f"nmf_descent_{options.matrix.stem}_{options.rank}.csv", found)
    shown = found[found["iteration"].isin([10, 100, 300, options.iterations])]
    print(shown.pivot_table(index=["start", "run"], columns="iteration", values="gap", sort=False).to_string())
    seconds = found.groupby(["start", "run"], sort=False)["seconds"].max()
    print((seconds / seconds.groupby("start").transform("max")).round(3).rename("seconds, of the longest").to_string())


if __name__ == "__main__":
    main()
