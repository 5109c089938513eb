"""What to do with low counts: error of effects and shifts against the truth, per threshold and weighting.

    python benchmarks/counts.py [--seeds 3] [--output FOLDER]

Simulates scans of three conditions in two replicates whose scores come from counts. Each barcode enters with a number
of cells (Poisson about its share of the bottleneck), grows by 2^score, passes a second bottleneck of the same size and
is sequenced before and after (Poisson about its share of the reads). Scenarios differ in cells and reads per barcode.

Choices: rows with fewer reads before selection than 1, 5, 10, 20, 50 dropped and all weights equal, or weights by the
inverse variance of the counts. Each is fitted over lasso weights. Errors are root mean squares, in latent units, over
the mutations that every choice keeps in every condition, at the lasso weight where the error of shifts is least;
`mutations` is the share that a choice keeps of those that rows with a read have. Writes counts.csv (a row per scenario,
seed, replicate and choice) and prints means relative to the threshold 1.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import problems
from problems import ROOT

from proxsweep.dms.data.encode import encode
from proxsweep.dms.data.preprocess import preprocess
from proxsweep.dms.data.simulate import simulate
from proxsweep.dms.model.fit import Fit, fit
from proxsweep.io.files import write_csv

SIMULATED = {
    "tree": {"a": "root", "inner": "root", "b": "inner", "c": "inner"},
    "sites": 120,
    "differences": 3,
    "shifts": {"a": 0.02, "b": 0.03, "c": 0.03},
    "variants": 4000,
    "substitutions": 2.0,
    "barcodes": 2.0,
    "noise": 0.0,
    "replicates": 2,
    "wildtype_barcodes": 200,
    "frequency_sigma": 1.0,
}
ABUNDANCE_SIGMA = 1.2  # of the logarithm of a barcode's share
SCENARIOS = {  # cells and reads per barcode, each time
    "deep, wide": (300, 300),
    "deep, narrow": (20, 300),
    "shallow, wide": (300, 20),
    "shallow, narrow": (20, 20),
    "very shallow": (100, 8),
}
CHOICES = {
    **{f"at least {least}": {"min_pre_count": least} for least in (1, 5, 10, 20, 50)},
    "inverse variance": {"min_pre_count": 1, "variant_weights": "inverse_variance"},
    "inverse variance, at least 10": {"min_pre_count": 10, "variant_weights": "inverse_variance"},
}
WEIGHTS = (2e-5, 8e-5, 3.2e-4, 1.28e-3)


def counted(table: pd.DataFrame, cells: float, reads: float, rng: np.random.Generator) -> pd.DataFrame:
    """The table with counts in place of scores; ``cells`` and ``reads`` are means per row."""
    parts = []
    for _, group in table.groupby(["condition", "replicate"], sort=False):
        share = np.exp(rng.normal(0.0, ABUNDANCE_SIGMA, len(group)))
        before = rng.poisson(cells * share / share.mean())
        grown = before * np.exp2(group["func_score"].to_numpy())
        after = rng.poisson(cells * grown / grown.mean())
        counts = {
            "pre_count": rng.poisson(reads * before / before.mean()),
            "post_count": rng.poisson(reads * after / after.mean()),
        }
        parts.append(group.drop(columns="func_score").assign(**counts))
    return pd.concat(parts, ignore_index=True)


def fits(path: Path, choice: dict, replicate: str) -> list[Fit]:
    spec = {"study": "counts", "reference": "a", "data": {"replicates": {"column": "replicate"}, **choice}}
    prepared = preprocess(spec, [path])
    encoding, _ = encode(spec, prepared.variants, prepared.wildtypes, replicate)
    model = {**problems.MODEL, "ridge": 1e-4}
    return [fit(encoding, lasso, "reference", model, problems.SOLVER, lambda line: None) for lasso in WEIGHTS]


def errors(done: Fit, truth: pd.DataFrame, common: list[str]) -> dict[str, float]:
    """Root mean square errors over the mutations ``common``."""
    encoding = done.encoding
    chosen = np.isin(encoding.mutations, common)
    known = truth.loc[encoding.mutations[chosen], [f"beta_{name}" for name in encoding.conditions]].to_numpy().T
    found, matrix = done.best.b[: len(known), chosen], np.asarray(done.difference.matrix)
    return {
        "effects": float(np.sqrt(np.mean((found - known) ** 2))),
        "shifts": float(np.sqrt(np.mean((done.best.shifts[:, chosen] - matrix @ known) ** 2))),
        "effects_r": problems.pearson(found.ravel(), known.ravel()),
        "shifts_r": problems.pearson(done.best.shifts[:, chosen].ravel(), (matrix @ known).ravel()),
    }


def measured(scenario: str, seed: int, folder: Path) -> list[dict]:
    cells, reads = SCENARIOS[scenario]
    table, truth = simulate({**SIMULATED, "seed": seed, "reference": "a"})
    path = folder / "counts.csv"
    counted(table, cells, reads, np.random.default_rng(seed)).to_csv(path, index=False)
    truth, rows = truth.set_index("mutation"), []
    for replicate in ("1", "2"):
        found = {name: fits(path, choice, replicate) for name, choice in CHOICES.items()}
        kept = {name: done[0].encoding.mutations[problems.seen(done[0].encoding)] for name, done in found.items()}
        common = sorted(set.intersection(*map(set, kept.values())))
        for name, done in found.items():
            best = min((errors(one, truth, common) for one in done), key=lambda row: row["shifts"])
            share = len(kept[name]) / len(kept["at least 1"])
            converged = sum(one.best.status == "converged" for one in done)
            setting = {"scenario": scenario, "seed": seed, "replicate": replicate, "choice": name}
            rows.append({**setting, **best, "mutations": share, "common": len(common), "converged": converged})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for scenario in SCENARIOS:
            for seed in range(1, options.seeds + 1):
                rows += measured(scenario, seed, Path(folder))
                print(scenario, seed, file=sys.stderr, flush=True)
    table = pd.DataFrame(rows)
    write_csv(options.output / "counts.csv", table)
    means = table.groupby(["scenario", "choice"], sort=False)[
        ["effects", "shifts", "effects_r", "shifts_r", "mutations"]
    ].mean()
    first = means.xs("at least 1", level="choice")
    for name in ("effects", "shifts"):
        means[f"{name}, of 1"] = means[name] / first[name].reindex(means.index.get_level_values("scenario")).to_numpy()
    print(means.to_string(float_format=lambda x: f"{x:.3f}"))


if __name__ == "__main__":
    main()
