"""Which start finds the best optimum, what do the others cost, and does it move the replicate correlation?

Fits every study with ridges 1e-4, 1e-5 and 1e-6, four lasso weights and both difference matrices (of two conditions
they are one), each from `zeros`, `linear`, ten random starts and `neighbour` (a chain of its own from the largest
weight, begun at `zeros`), to a relative residual of 1e-8.

    NPROC=1 OMP_NUM_THREADS=1 taskset -c 1 python benchmarks/starts.py [--results results/STUDY ...]
        [--output benchmarks/results/starts.csv]

Without --results the workflow simulates and encodes config/config.yaml and config/manuscript.yaml. Two tables are
written; rows of other studies that they hold already are kept. OUTPUT has a row for each fit and start, its sibling
`*_choices.csv` one for each fit and choice of starts, of which the lowest objective counts. `excess` is the objective
above the lowest of all starts, relative; `shift_distance` the largest difference of a shift from the lowest's (latent
units); `correlation` that of shifts between replicates 1 and 2, both by this choice.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import problems

from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.model.fit import SAME, Fit, fit
from proxsweep.dms.model.solution import Solution
from proxsweep.io.files import write_npz

RIDGES = (1e-4, 1e-5, 1e-6)
RANDOM = [f"random-{k}" for k in range(1, 11)]
CHOICES = {
    "[zeros]": ["zeros"],
    "[linear]": ["linear"],
    "[neighbour]": ["neighbour"],
    "[zeros, linear]": ["zeros", "linear"],
    "[zeros, neighbour]": ["zeros", "neighbour"],
    "[zeros, 3x_random]": ["zeros", *RANDOM[:3]],
    "[10x_random]": RANDOM,
    "all": ["zeros", "linear", "neighbour", *RANDOM],
}
FIT = ["data", "ridge", "difference", "lasso", "replicate"]


def path(encoding: Encoding, difference: str, ridge: float, folder: Path) -> dict[float, dict[str, Solution]]:
    """All starts at all weights, from the largest downwards."""
    model, quiet = {**problems.MODEL, "ridge": ridge}, lambda line: None
    before, solved = None, {}
    for lasso in sorted(problems.WEIGHTS, reverse=True):
        starts = {**problems.SOLVER, "starts": ["zeros", "linear", "10x_random"]}
        chained = {**problems.SOLVER, "starts": ["neighbour"]}
        single = fit(encoding, lasso, difference, model, starts, quiet)
        following = fit(encoding, lasso, difference, model, chained, quiet, before)
        before = keep(following, folder / "parameters.npz")
        solved[lasso] = {one.start: one for one in single.solutions} | {"neighbour": following.best}
    return solved


def keep(done: Fit, file: Path) -> Path:
    """What the start `neighbour` reads."""
    best, count = done.best, len(done.best.b0)
    names = {"conditions": done.encoding.conditions, "mutations": done.encoding.mutations}
    effects = {"b": best.b[:count], "b_inner": best.b[count:], "b0": best.b0}
    write_npz(file, **names, **effects, scale=np.float64(best.scale), bias=np.float64(best.bias))
    return file


def lowest(solutions: list[Solution]) -> Solution:
    return min(solutions, key=lambda one: one.objective)


def judged(one: Solution, best: Solution) -> dict:
    return {
        "objective": one.objective,
        "excess": one.objective / best.objective - 1,
        "shift_distance": float(np.abs(one.shifts - best.shifts).max(initial=0.0)),
        "scale": one.scale,
    }


def start_rows(solutions: dict[str, Solution]) -> list[dict]:
    best = lowest(list(solutions.values()))
    return [
        {
            "start": name,
            **judged(one, best),
            "status": str(one.status),
            "iterations": one.iterations,
            "seconds": one.seconds,
        }
        for name, one in solutions.items()
    ]


def choice_rows(solutions: dict[str, dict[str, Solution]], encodings: dict[str, Encoding]) -> list[dict]:
    """One setting in all replicates: each choice of starts."""
    rows = []
    for choice, names in CHOICES.items():
        chosen = {label: lowest([tried[name] for name in names]) for label, tried in solutions.items()}
        correlation = float("nan")
        if len(chosen) > 1:
            (a, b), (one, other) = list(encodings.values())[:2], list(chosen.values())[:2]
            correlation = problems.replicate_correlation(a, b, one.shifts, other.shifts)
        for label, tried in solutions.items():
            found = judged(chosen[label], lowest(list(tried.values())))
            seconds = sum(tried[name].seconds for name in names)
            rows.append({"replicate": label, "choice": choice, **found, "seconds": seconds, "correlation": correlation})
    return rows


def measure(study: problems.Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    starts, choices = [], []
    with tempfile.TemporaryDirectory() as folder:
        for difference in study.matrices():
            for ridge in RIDGES:
                paths = {label: path(one, difference, ridge, Path(folder)) for label, one in study.encodings.items()}
                for lasso in problems.WEIGHTS:
                    setting = {"data": study.name, "ridge": ridge, "difference": difference, "lasso": lasso}
                    here = {label: solved[lasso] for label, solved in paths.items()}
                    for label, tried in here.items():
                        starts += [{**setting, "replicate": label, **row} for row in start_rows(tried)]
                    choices += [setting | row for row in choice_rows(here, study.encodings)]
    return pd.DataFrame(starts), pd.DataFrame(choices)


def starts_table(starts: pd.DataFrame) -> pd.DataFrame:
    """How often a start ends within 1e-8 of the lowest, and by how much it misses it; random ones together."""
    kinds = starts.assign(level=starts["excess"] <= SAME, start=starts["start"].str.replace(r"-\d+", "", regex=True))
    kinds["unconverged"] = kinds["status"] != "converged"
    groups = kinds.groupby(["data", "ridge", "start"], sort=False)
    return groups.agg(
        solves=("level", "size"),
        level=("level", "sum"),
        unconverged=("unconverged", "sum"),
        median_excess=("excess", "median"),
        largest_excess=("excess", "max"),
        median_distance=("shift_distance", "median"),
        largest_distance=("shift_distance", "max"),
        iterations=("iterations", "median"),
        seconds=("seconds", "median"),
    ).reset_index()


def choices_table(choices: pd.DataFrame) -> pd.DataFrame:
    """What a choice of starts costs against the best of all, over all fits."""
    groups = choices.assign(level=choices["excess"] <= SAME).groupby(["data", "ridge", "choice"], sort=False)
    return groups.agg(
        fits=("level", "size"),
        level=("level", "sum"),
        mean_excess=("excess", "mean"),
        largest_excess=("excess", "max"),
        median_distance=("shift_distance", "median"),
        largest_distance=("shift_distance", "max"),
        seconds=("seconds", "median"),
    ).reset_index()


def correlations_table(choices: pd.DataFrame) -> pd.DataFrame:
    """Replicate correlation by choice, a row a lasso weight."""
    one = choices[choices["replicate"] == choices["replicate"].min()].dropna(subset="correlation")
    index = ["data", "ridge", "difference", "lasso"]
    table = one.pivot_table(index=index, columns="choice", values="correlation", sort=False)
    return table.assign(spread=table.max(axis=1) - table.min(axis=1)).reset_index()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, nargs="+", default=[])
    parser.add_argument("--output", type=Path, default=problems.ROOT / "benchmarks" / "results" / "starts.csv")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for study in problems.studies(arguments.results, Path(folder)):
            starts, choices = measure(study)
            problems.save(arguments.output, starts)
            problems.save(arguments.output.with_stem(f"{arguments.output.stem}_choices"), choices)
            problems.print_table("Starts", starts_table(starts))
            problems.print_table("Choices of starts", choices_table(choices))
            if choices["correlation"].notna().any():
                problems.print_table("Correlation of shifts between replicates", correlations_table(choices))


if __name__ == "__main__":
    main()
