"""Studies that the benchmarks of starts and bounds fit: encodings of all replicates, truth where it is known."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from proxsweep.dms.data.encoding import Encoding  # noqa: E402
from proxsweep.dms.model.problem import build_difference  # noqa: E402
from proxsweep.io.files import write_csv  # noqa: E402

CONFIGS = {"demo": "config/config.yaml", "manuscript": "config/manuscript.yaml"}
WEIGHTS = (1e-5, 4e-5, 1.6e-4, 6.4e-4)
MODEL = {
    "global_epistasis": "sigmoid",
    "ridge": 1e-6,
    "scale_bound": 10.0,
    "huber_delta": 1.0,
    "normalization": "condition_mean",
    "warmup_iterations": 0,
    "effect_bounds": None,
    "fix_reference_intercept": False,
}
SOLVER = {"tolerance": 1e-8, "max_iterations": 20000, "max_seconds": None, "starts": ["zeros"], "seed": 1}


@dataclass(frozen=True)
class Study:
    """``truth`` (None: measured data) has a row a mutation and the columns ``beta_<condition>``."""

    name: str
    encodings: dict[str, Encoding]
    truth: pd.DataFrame | None

    def matrices(self) -> list[str]:
        """Of two conditions both matrices are the same."""
        count = len(next(iter(self.encodings.values())).conditions)
        return ["reference", "equivariant"] if count > 2 else ["equivariant"]


def simulate(name: str, folder: Path) -> Path:
    """Simulate and encode a study of the repository's configs below ``folder``; its results."""
    results = Path("results") / name
    targets = [results / "encodings" / f"replicate~{k}.npz" for k in (1, 2)]
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--configfile"]
    command += [ROOT / CONFIGS[name], "--directory", folder, "--cores", "1", "--quiet", "all", "--", *targets]
    subprocess.run(command, check=True)
    return folder / results


def read(results: Path) -> Study:
    """The study whose results lie in a folder: ``encodings/replicate~*.npz``, ``data/truth.csv``."""
    files = sorted((results / "encodings").glob("replicate~*.npz"))
    if not files:
        sys.exit(f"{results}: no encodings/replicate~*.npz")
    truth = results / "data" / "truth.csv"
    known = pd.read_csv(truth).set_index("mutation") if truth.exists() else None
    return Study(results.name, {file.stem.split("~")[1]: Encoding.load(file) for file in files}, known)


def studies(given: list[Path], folder: Path) -> Iterator[Study]:
    """Those in the results folders ``given``, else the demo and the study of the manuscript's size."""
    yield from (read(path) for path in given or (simulate(name, folder) for name in CONFIGS))


def coefficients(encoding: Encoding, name: str) -> np.ndarray:
    """Difference matrix (R, D)."""
    return np.asarray(build_difference(name, list(map(str, encoding.conditions)), str(encoding.reference)).matrix)


def seen(encoding: Encoding) -> np.ndarray:
    """Mutations seen in every condition: (M,) bool."""
    return (encoding.times_seen > 0).all(axis=0)


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    """NaN where either is constant."""
    return float(np.corrcoef(x, y)[0, 1]) if x.size > 2 and np.ptp(x) > 0 and np.ptp(y) > 0 else float("nan")


def replicate_correlation(a: Encoding, b: Encoding, shifts_a: np.ndarray, shifts_b: np.ndarray) -> float:
    """Pearson correlation of shifts (R, M), all rows together, of mutations seen everywhere in both replicates."""
    common = set(a.mutations[seen(a)]) & set(b.mutations[seen(b)])
    pairs = zip((a, b), (shifts_a, shifts_b), strict=True)
    x, y = (shifts[:, np.isin(encoding.mutations, list(common))].ravel() for encoding, shifts in pairs)
    return pearson(x, y)  # mutations are sorted alike in all encodings


def print_table(title: str, table: pd.DataFrame) -> None:
    print(f"\n{title}\n{table.to_string(index=False, float_format=lambda x: f'{x:.3g}', na_rep='')}", flush=True)


def save(path: Path, table: pd.DataFrame) -> None:
    """Write ``table``, keeping the rows of other data sets that the file holds already."""
    if path.exists():
        before = pd.read_csv(path)
        table = pd.concat([before[~before["data"].isin(table["data"])], table], ignore_index=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_csv(path, table)
