"""A whole study against cNMF 1.7.1 (Kotliar et al. 2019, eLife 8, e43803): the same array, cores and run.

The array: 700 cells x 765 genes of scanpy's file, whose `raw` is log(1 + 10,000 counts / total) to three decimals. It
is brought back to counts: expm1, each cell divided by its smallest entry above 0; what is left beside integers is that
rounding. `cnmf prepare` divides each gene by its standard deviation; what it writes (norm_counts.h5ad) is factorised by
both. cNMF runs with its own settings: loss frobenius, scikit-learn's `cd` from random starts, tolerance 1e-4, 1,000
iterations at most; --densify, as that is faster here; one worker per core, one thread each. Wall time is from the
counts to the figure over ranks and the consensus at one rank; ours gets the seconds of `prepare` added. Our study runs
once at each of --tolerances, each time with an empty cache of compiled code.

cNMF keeps the spectra of a start alone. Here its usages are refitted to them (NNLS), which can only lower its
objective. Its residuals are by the second computation of `proxsweep check`, which also has to confirm our study.

    python benchmarks/nmf_cnmf.py --cnmf FOLDER/bin/cnmf --cells cells.h5ad [--ranks 5 13] [--starts 100] [--at 9]
        [--tolerances 1e-4 1e-6] [--work FOLDER] [--output FOLDER]

docs/nmf.md says where cells.h5ad comes from. Writes nmf_cnmf.csv (a row for each program and rank) and
nmf_cnmf_seconds.csv (a row for each step).
"""

import os

for _name in ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"  # before anything starts its threads

import argparse  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from concurrent.futures import ThreadPoolExecutor  # noqa: E402
from pathlib import Path  # noqa: E402

import anndata  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import yaml  # noqa: E402
from scipy import sparse  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from proxsweep.io.files import write_csv  # noqa: E402
from proxsweep.nmf.check import recompute  # noqa: E402
from proxsweep.nmf.data.read import read  # noqa: E402
from proxsweep.nmf.model.given import exposures  # noqa: E402

MODEL = {"loss": "squared", "w_columns": "free", "l1_h": 0, "l2_h": 0, "l1_w": 0, "l2_w": 0, "normalise": "none"}
CERTIFIED = 1e-6
DENSITY = 0.5  # cNMF's local density threshold, and ours
WANTED = ("figures/ranks.png", "figures/consensus_of_starts.png", "consensus/features.csv", "consensus/samples.csv")
ROUNDED = 0.25  # from an integer; counts are known where less is left


def counts(cells: Path) -> anndata.AnnData:
    """Counts of the cells, from the logarithms in `raw`; stops where they are no integers."""
    raw = anndata.read_h5ad(cells).raw.to_adata()
    values = np.expm1(raw.X.toarray().astype(float))
    values /= np.min(values, axis=1, where=values > 0, initial=np.inf, keepdims=True)
    found = np.round(values)
    left = abs(values - found).max()
    print(f"{found.shape[0]} cells x {found.shape[1]} genes, counts to {found.max():.0f}, {left:.3f} beside integers")
    if left > ROUNDED:
        sys.exit("no counts")
    names = (pd.DataFrame(index=list_.astype(object)) for list_ in (raw.obs_names, raw.var_names))
    return anndata.AnnData(sparse.csr_matrix(found), *names)


def timed(seconds: dict[str, float], name: str, *commands: list) -> None:
    """Run commands side by side; seconds until the last has ended."""
    began = time.perf_counter()
    with ThreadPoolExecutor(len(commands)) as pool:
        list(pool.map(_run, commands))
    seconds[name] = time.perf_counter() - began
    print(f"{name}: {seconds[name]:.1f} s (load {os.getloadavg()[0]:.1f})", flush=True)


def _run(command: list) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")


def run_cnmf(options: argparse.Namespace, work: Path, ranks: list[int]) -> dict[str, float]:
    """All steps of cNMF; seconds of each."""

    def call(step: str, *arguments) -> list:
        return [options.cnmf, step, "--output-dir", work, "--name", "cnmf", *arguments]

    seconds = {}
    prepare = ["--counts", work / "counts.h5ad", "-k", *ranks, "--n-iter", options.starts, "--seed", options.seed]
    prepare += [] if options.sparse else ["--densify"]
    timed(seconds, "cNMF prepare", call("prepare", *prepare))
    workers = [["--total-workers", options.cores, "--worker-index", one] for one in range(options.cores)]
    timed(seconds, "cNMF factorize", *(call("factorize", *one) for one in workers))
    timed(seconds, "cNMF combine", call("combine"))
    timed(seconds, "cNMF k_selection_plot", call("k_selection_plot"))
    consensus = ["-k", options.at, "--local-density-threshold", DENSITY, "--show-clustering"]
    timed(seconds, "cNMF consensus", call("consensus", *consensus))
    return seconds


def run_ours(
    options: argparse.Namespace, matrix: Path, work: Path, ranks: list[int], tolerance: float, name: str
) -> dict[str, float]:
    """A study at a tolerance, up to the figure over ranks and the tables and figure of the consensus; seconds of it."""
    study = {
        "family": "nmf",
        "data": {"matrix": str(matrix)},
        "model": {"loss": "squared"},
        "solver": {"starts": [f"{options.starts}x_random"], "tolerance": tolerance, "seed": options.seed},
        "sweep": {"rank": ranks},
        "chosen": {"rank": options.at},
        "summaries": {"density": DENSITY},
    }
    work.mkdir()
    config = work / "config.yaml"
    config.write_text(yaml.safe_dump({"studies": {"cells": study}}))
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(work / "cache")
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--configfile", config]
    command += ["--directory", work, "--cores", options.cores, "--", *(f"results/cells/{file}" for file in WANTED)]
    seconds = {}
    timed(seconds, name, command)
    return seconds


def peer_starts(work: Path, rank: int, v: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """W (m, k) of every start of cNMF, and the best H (k, n) to it."""
    with np.load(work / "cnmf" / "cnmf_tmp" / f"cnmf.spectra.k_{rank}.merged.df.npz", allow_pickle=True) as found:
        spectra = found["data"].astype(float)
    for w in np.split(spectra, len(spectra) // rank):
        yield w.T, exposures(v, w.T, MODEL)


def judged(v: np.ndarray, pairs: Iterator[tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """Objective and residual of starts."""
    problem = recompute.problem(v, MODEL)
    found = [recompute.evaluate(problem, w, h) for w, h in pairs]
    return pd.DataFrame([(one.objective, one.residual) for one in found], columns=["objective", "residual"])


def own_rows(study: Path, rank: int) -> pd.DataFrame:
    """Objective and residual of our starts, of which `proxsweep check` has confirmed the best."""
    table = pd.read_csv(next(study.glob(f"fits/**/rank~{rank}/**/starts.csv")))
    return table.rename(columns={"relative_residual": "residual"})[["objective", "residual"]]


def check(work: Path) -> None:
    """Stop where the second computation does not agree with what the study says of its fits."""
    done = subprocess.run(
        [sys.executable, "-m", "proxsweep", "check", "results/cells"],
        cwd=work,
        env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")},
        capture_output=True,
        text=True,
    )
    print(done.stdout.strip().splitlines()[-1])
    if done.returncode:
        sys.exit(done.stdout[-3000:] + done.stderr[-3000:])


def row(rank: int, name: str, found: pd.DataFrame) -> dict[str, float | str]:
    best = found["objective"].min()
    return {
        "rank": rank,
        "program": name,
        "best": best,
        "median": found["objective"].median(),
        "within_1e-6": int((found["objective"] <= best * (1 + 1e-6)).sum()),
        "converged": float((found["residual"] <= CERTIFIED).mean()),
        "least_residual": found["residual"].min(),
        "median_residual": found["residual"].median(),
        "largest_residual": found["residual"].max(),
    }


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cnmf", type=Path, required=True, help="the command of cNMF, in an environment of its own")
    parser.add_argument("--cells", type=Path, required=True)
    parser.add_argument("--ranks", type=int, nargs=2, default=(5, 13), help="the first and the last")
    parser.add_argument("--at", type=int, default=9, help="the rank of the consensus")
    parser.add_argument("--starts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--tolerances", type=float, nargs="+", default=(1e-4, CERTIFIED))
    parser.add_argument("--sparse", action="store_true", help="cNMF without --densify; both then have a sparse array")
    parser.add_argument("--work", type=Path, help="an empty folder to work in, which is kept")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    return parser.parse_args()


def main() -> None:
    options = parsed()
    with tempfile.TemporaryDirectory() as folder:
        compare(options, options.work or Path(folder))


def compare(options: argparse.Namespace, work: Path) -> None:
    work, ranks = work.resolve(), list(range(options.ranks[0], options.ranks[1] + 1))
    work.mkdir(parents=True, exist_ok=True)
    counts(options.cells).write_h5ad(work / "counts.h5ad")
    seconds = run_cnmf(options, work, ranks)
    matrix = work / "cnmf" / "cnmf_tmp" / "cnmf.norm_counts.h5ad"
    table = read(matrix, None, None)
    v = table.matrix.toarray() if sparse.issparse(table.matrix) else table.matrix
    rows = [row(rank, "cNMF", judged(v, peer_starts(work, rank, v))) for rank in ranks]
    for tolerance in options.tolerances:
        own, name = work / f"ours_{tolerance:g}", f"ours, tolerance {tolerance:g}"
        seconds |= run_ours(options, matrix, own, ranks, tolerance, name)
        check(own)
        rows += [row(rank, name, own_rows(own / "results" / "cells", rank)) for rank in ranks]
    report(options, pd.DataFrame(rows), seconds)


def report(options: argparse.Namespace, rows: pd.DataFrame, seconds: dict[str, float]) -> None:
    peer = rows[rows["program"] == "cNMF"].set_index("rank")["best"]
    rows["best_to_cnmf"] = rows["best"] / rows["rank"].map(peer) - 1
    write_csv(options.output / "nmf_cnmf.csv", rows)
    total = sum(value for name, value in seconds.items() if name.startswith("cNMF"))
    spent = pd.Series(seconds, name="seconds").rename_axis("step").reset_index()
    spent["to_cnmf"] = [
        value / total if name.startswith("cNMF") else (value + seconds["cNMF prepare"]) / total
        for name, value in seconds.items()
    ]
    write_csv(options.output / "nmf_cnmf_seconds.csv", spent)
    print(rows.to_string(index=False, float_format=lambda x: f"{x:.6g}"))
    print(spent.to_string(index=False, float_format=lambda x: f"{x:.4g}"))


if __name__ == "__main__":
    main()
