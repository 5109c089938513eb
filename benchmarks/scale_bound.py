"""What does the bound on the sigmoid's scale do to a fit?

Fits every study with bounds of 0.75 to 3 times the range of the scores and of 10 score units, ridges 1e-4, 1e-5 and
1e-6, four lasso weights (--lasso: others) and both difference matrices (of two conditions they are one), from
`zeros`, to a relative residual of 1e-8.

    NPROC=1 OMP_NUM_THREADS=1 taskset -c 1 python benchmarks/scale_bound.py [--results results/STUDY ...]
        [--lasso WEIGHT ...] [--output benchmarks/results/scale_bound.csv]

Without --results the workflow simulates and encodes config/config.yaml and config/manuscript.yaml. The output has a
row for each fit; rows of other studies that it holds already are kept. Of mutations seen in every condition, all rows
of the matrix together: `zero_share` (shifts exactly 0), `median_shift` (of absolute shifts that are not 0) and
`largest_shift` (latent units), `correlation` (of shifts between replicates 1 and 2), and for simulated data
`truth_correlation` (with the true shifts) and `f1` (a shift counts as found where it is not 0); `residual_sd` is the
standard deviation of observed less predicted scores, `bias` the sigmoid's lower end.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import problems

from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.model.fit import Fit, fit
from proxsweep.dms.model.fit_files import predictions
from proxsweep.dms.model.start_points import score_range
from proxsweep.sweep import grid

BOUNDS = {f"{factor:g}x": f"{factor:g}x_score_range" for factor in (0.75, 1, 1.25, 1.5, 2, 3)} | {"10": 10.0}
RIDGES = (1e-4, 1e-5, 1e-6)
RESULTS = problems.ROOT / "benchmarks" / "results" / "scale_bound.csv"
SMALLEST = 1e-9  # a true shift below it is rounding


def described(done: Fit) -> dict:
    encoding, best = done.encoding, done.best
    shifts = best.shifts[:, problems.seen(encoding)]
    some = np.abs(shifts[shifts != 0])
    predicted = predictions(done)
    return {
        "bound_by_range": done.scale_bound / score_range(encoding)[1],
        "scale": best.scale,
        "at_bound": bool(best.scale == done.scale_bound),
        "bias": best.bias,
        "status": str(best.status),
        "objective": best.objective,
        "smooth": best.smooth,
        "residual_sd": float((predicted["observed"] - predicted["predicted"]).std()),
        "zero_share": float((shifts == 0).mean()),
        "median_shift": float(np.median(some)) if some.size else 0.0,
        "largest_shift": float(np.abs(shifts).max(initial=0.0)),
        "seconds": best.seconds,
    }


def against_truth(done: Fit, truth: pd.DataFrame | None) -> dict:
    if truth is None:
        return {"truth_correlation": np.nan, "f1": np.nan}
    encoding = done.encoding
    known = truth.loc[encoding.mutations, [f"beta_{name}" for name in encoding.conditions]].to_numpy().T
    true = (np.asarray(done.difference.matrix) @ known)[:, problems.seen(encoding)]
    found = done.best.shifts[:, problems.seen(encoding)]
    real = np.abs(true) > SMALLEST
    both, either = np.sum(real & (found != 0)), np.sum(real) + np.sum(found != 0)
    return {
        "truth_correlation": problems.pearson(found.ravel(), true.ravel()),
        "f1": float(2 * both / either) if either else np.nan,
    }


def correlated(done: dict[str, Fit]) -> float:
    if len(done) < 2:
        return float("nan")
    one, other = list(done.values())[:2]
    return problems.replicate_correlation(one.encoding, other.encoding, one.best.shifts, other.best.shifts)


def fits(encodings: dict[str, Encoding], difference: str, lasso: float, model: dict) -> dict[str, Fit]:
    return {
        label: fit(encoding, lasso, difference, model, problems.SOLVER, lambda line: None)
        for label, encoding in encodings.items()
    }


def measure(study: problems.Study, weights: list[float]) -> pd.DataFrame:
    rows = []
    for difference in study.matrices():
        for ridge in RIDGES:
            for lasso in weights:
                for name, bound in BOUNDS.items():
                    model = {**problems.MODEL, "ridge": ridge, "scale_bound": bound}
                    done = fits(study.encodings, difference, lasso, model)
                    setting = {"data": study.name, "ridge": ridge, "difference": difference, "lasso": lasso}
                    common = {"correlation": correlated(done)}
                    for label, one in done.items():
                        own = {"replicate": label, "bound": name, **described(one)}
                        rows.append({**setting, **own, **against_truth(one, study.truth), **common})
    return pd.DataFrame(rows)


def bounds_table(table: pd.DataFrame) -> pd.DataFrame:
    """Means over weights, matrices and replicates; the objective relative to that of a bound of 1x."""
    settings = ["data", "ridge", "difference", "lasso", "replicate"]
    unit = table[table["bound"] == "1x"].set_index(settings)["objective"].rename("unit")
    joined = table.join(unit, on=settings)
    joined["objective_by_1x"] = joined["objective"] / joined["unit"]
    joined["unconverged"] = joined["status"] != "converged"
    groups = joined.groupby(["data", "ridge", "bound"], sort=False)
    shown = ["bound_by_range", "at_bound", "scale", "objective_by_1x", "residual_sd", "zero_share", "median_shift"]
    shown += ["largest_shift", "correlation", "truth_correlation", "f1", "seconds"]
    return groups[shown].mean().join(groups["unconverged"].sum()).reset_index()


PANELS = {
    "objective_by_1x": "objective,\nrelative to bound 1",
    "zero_share": "share of mutations\nwithout any shift",
    "largest_shift": "largest shift\n(latent units)",
    "correlation": "replicate correlation\nof shifts",
    "f1": "F1 of true shifts\n(simulated data)",
}


def figure(table: pd.DataFrame, path: Path) -> None:
    """Means against the bound, a row a quantity and a column a ridge; filled where every scale is at its bound."""
    from matplotlib.figure import Figure

    shown = bounds_table(table).sort_values("bound_by_range")
    drawing = Figure(figsize=(9.2, 8.6), layout="constrained")
    axes = drawing.subplots(len(PANELS), len(RIDGES), sharex=True, sharey="row")
    colours = dict(zip(shown["data"].unique(), ("#0072B2", "#D55E00", "#009E73", "#CC79A7"), strict=False))
    for row, (column, text) in zip(axes, PANELS.items(), strict=True):
        row[0].set_ylabel(text)
        for axis, ridge in zip(row, RIDGES, strict=True):
            for data, lines in shown[shown["ridge"] == ridge].groupby("data", sort=False):
                axis.plot(lines["bound_by_range"], lines[column], color=colours[data], lw=1, label=data)
                faces = [colours[data] if share == 1 else "white" for share in lines["at_bound"]]
                axis.scatter(lines["bound_by_range"], lines[column], c=faces, edgecolors=colours[data], s=18, zorder=3)
    for axis, ridge in zip(axes[0], RIDGES, strict=True):
        axis.set_title(f"ridge {grid.label(ridge)}", fontsize=10)
    for axis in axes[-1]:
        axis.set_xlabel("bound of the scale\n(ranges of the scores)")
    axes[0][0].legend(frameon=False, fontsize=8)
    drawing.savefig(path, dpi=110)


def tuned_table(table: pd.DataFrame) -> pd.DataFrame:
    """What each bound reaches at the lasso weight that suits it: largest means over replicates, mean over matrices.

    A larger bound weakens a given lasso weight, so that at one weight bounds differ by this alone.
    """
    kept = ["data", "ridge", "bound", "difference"]
    mean = table.groupby([*kept, "lasso"], sort=False)[["truth_correlation", "f1"]].mean()
    best = mean.groupby(kept, sort=False).max()
    weights = mean["f1"].groupby(kept, sort=False).idxmax().map(lambda where: where[-1])
    best["lasso_of_f1"] = np.log10(weights.astype(float))
    found = best.groupby(kept[:3], sort=False).mean()
    return found.assign(lasso_of_f1=10 ** found["lasso_of_f1"]).reset_index()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, nargs="+", default=[])
    parser.add_argument("--lasso", type=float, nargs="+", default=list(problems.WEIGHTS))
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for study in problems.studies(arguments.results, Path(folder)):
            table = measure(study, arguments.lasso)
            problems.save(arguments.output, table)
            problems.print_table("Bounds of the scale", bounds_table(table))
            if study.truth is not None:
                problems.print_table("At the lasso weight that suits each bound", tuned_table(table))
    if arguments.output == RESULTS:
        figure(pd.read_csv(RESULTS), problems.ROOT / "docs" / "images" / "scale_bound.png")


if __name__ == "__main__":
    main()
