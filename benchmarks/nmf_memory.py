"""Peak memory of a fit, above that of an empty one, in sizes of V as stored: dense and sparse, each in a new process.

The fit is that of one random start, twenty iterations, from an encoding to its files. The empty one is of a 40 x 30 V.

    python benchmarks/nmf_memory.py [--large] [--output FOLDER]

``--large`` adds 20,000 x 30,000 at 5 % (30 million entries). Writes nmf_memory.csv.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from proxsweep.io.files import write_csv  # noqa: E402
from proxsweep.nmf.data.encoding import Encoding  # noqa: E402

RANK = 10
CASES = {  # features, samples, share of entries, loss and algorithm
    "empty": (40, 30, 1.0, "squared", "hals"),
    "empty, poisson": (40, 30, 1.0, "poisson", "scd"),
    "dense": (4000, 4000, 1.0, "squared", "hals"),
    "dense, pgd_all": (4000, 4000, 1.0, "squared", "pgd_all"),
    "dense, poisson": (4000, 4000, 1.0, "poisson", "scd"),
    "sparse": (10_000, 20_000, 0.05, "squared", "hals"),
    "sparse, poisson": (10_000, 20_000, 0.05, "poisson", "scd"),
}
LARGE = {
    "sparse, 30 million entries": (20_000, 30_000, 0.05, "squared", "hals"),
    "sparse, 30 million entries, poisson": (20_000, 30_000, 0.05, "poisson", "scd"),
}


def encode(case: tuple, path: Path) -> float:
    """Write an encoding; the size of V as stored, in MB."""
    m, n, share, *_ = case
    draw = np.random.default_rng(1)
    if share == 1:
        values = draw.poisson(3.0, (m, n)) + 1.0
        size = values.nbytes
    else:
        values = sparse.random_array((m, n), density=share, format="csr", rng=draw)
        values = sparse.csr_array(
            (np.ceil(5 * values.data), values.indices.astype(np.int32), values.indptr.astype(np.int32)), shape=(m, n)
        )
        values.sort_indices()
        size = values.data.nbytes + values.indices.nbytes + values.indptr.nbytes
    names = np.array([f"f{i}" for i in range(m)]), np.array([f"s{j}" for j in range(n)])
    Encoding.of(*names, values).save(path)
    return size / 1e6


def fit(name: str, folder: Path) -> None:
    """One fit in this process; prints its peak in MB."""
    from proxsweep.nmf.model import fit_files

    *_, loss, algorithm = (CASES | LARGE)[name]
    model = {"loss": loss, "w_columns": "free", "l1_h": 0, "l2_h": 0, "l1_w": 0, "l2_w": 0, "normalise": "none"}
    solver = {
        **{"starts": ["random"], "seed": 1, "tolerance": 1e-6, "max_iterations": 20, "max_seconds": None},
        **{"floor": 1e-16, "accelerated": True, "decrease": 0.5, "sufficient": 0.01, "inner": 1},
    }
    spec = {"fit": {"rank": RANK, "algorithm": algorithm}, "model": model, "solver": solver}
    fit_files.run(spec, folder / "encoding.npz", folder, lambda line: None)
    # of this process alone: `ru_maxrss` begins with that of the one that started it
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(json.dumps(int(peak.split()[1]) / 1e3))


def measure(name: str, case: tuple) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        size = encode(case, Path(folder) / "encoding.npz")
        command = [sys.executable, __file__, "--fit", name, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {"case": name, "v_mb": size, "peak_mb": json.loads(done.stdout)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--fit", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit:
        fit(options.fit[0], Path(options.fit[1]))
        return
    rows = []
    for name, case in {**CASES, **(LARGE if options.large else {})}.items():
        row = measure(name, case)
        empty = next(
            (one["peak_mb"] for one in rows if one["case"] == f"empty{', poisson' * ('poisson' in name)}"), 0.0
        )
        factors = 8 * RANK * (case[0] + case[1]) / 1e6
        row["times_v"] = (row["peak_mb"] - empty) / row["v_mb"] if empty else np.nan
        rows.append(row | {"factors_mb": factors})
        print(rows[-1], flush=True)
    write_csv(options.output / "nmf_memory.csv", pd.DataFrame(rows))


if __name__ == "__main__":
    main()
