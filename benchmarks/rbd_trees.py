"""Which pair of variants of the receptor-binding domain shares changes? Trees that join one pair, compared.

Fits to the encoding of a finished study, at 25 lasso weights: `equivariant`, every variant as the centre
(`reference`, `around_*`), a tree without a pair (`star`: every variant on its own branch from a free root), and ten
trees that join one pair of variants each (N501Y joins Alpha and Beta, E484K Beta and Eta). Three tables are written:

OUTPUT                a row for each matrix and weight. `changes`: different effects of a mutation beyond the first,
                      summed over mutations (in a tree the smallest number of branches with a change), over variants
                      that saw the mutation; `changed` mutations have any; `joint` have one on the pair's own branch.
                      `training_loss` as in fits.csv; `refitted_loss` is that without the lasso under the same ties,
                      so without what the lasso shrinks.
OUTPUT's `*_gain.csv` a row for each pair and weight: objective of its tree below that of `star`, relative. A tree with
                      a pair costs what `star` does where the pair shares nothing, so the gain is what sharing saves,
                      not below 0 but for rounding. Sites are resampled (2,000 draws): 95 % interval, and the share of
                      resamples in which the pair gains most. `top_sites`: the five that gain most, with their share.
OUTPUT's `*_held_out.csv` a row for each matrix and some weights: loss of variants left out (five folds, the study's
                      `cross_validation: {folds: 5}`), and by how much it is below that of fits without any shift,
                      with its standard error over folds. A value left out is predicted by the other variants' values of
                      the same mutation.

    nice python benchmarks/rbd_trees.py results/rbd_local_equal [--output benchmarks/results/rbd_trees.csv]
"""

import argparse
import json
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array, diags_array, hstack
from scipy.sparse.linalg import splu

from proxsweep.dms.check import recompute
from proxsweep.dms.data.encoding import Encoding, latent
from proxsweep.dms.data.subsets import select
from proxsweep.dms.model.fit import Fit, all_zero_weight, fit
from proxsweep.dms.model.losses import huber, summary

WEIGHTS = [float(f"{weight:.4g}") for weight in np.geomspace(1e-6, 2.56e-4, 25)]
DRAWS = 2000
SMALL = 1e-5  # gains below are the solver's tolerance
HELD_OUT = [8e-6, 1.6e-5, 3.2e-5, 4.032e-5, 5.08e-5, 6.4e-5, 8.063e-5, 1.016e-4, 1.28e-4]
FOLDS, NO_SHIFT = 5, 1.0
JOINED = "joined"


def matrices(conditions: list[str], reference: str) -> dict[str, str | dict]:
    """Difference matrices by name; a tree with a pair is named by it."""
    found: dict[str, str | dict] = {"equivariant": "equivariant", "reference": "reference"}
    for centre in conditions:
        rows = {f"{x}-minus-{centre}": {x: 1, centre: -1} for x in conditions if x != centre}
        if centre != reference:
            found[f"around_{centre}"] = {"name": f"around_{centre}", "rows": rows}
    found["star"] = {"name": "star", "tree": dict.fromkeys(conditions, "root")}
    for pair in combinations(conditions, 2):
        branches = {x: JOINED if x in pair else "root" for x in conditions}
        found["+".join(pair)] = {"name": "+".join(pair), "tree": {**branches, JOINED: "root"}}
    return found


def ties(b: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For effects (D, M): the first variant with the same effect (D, M), and the number of changes (M,)."""
    first = (b[:, None, :] == b[None, :, :]).argmax(axis=1)
    distinct = [len(set(f[s])) for f, s in zip(first.T, seen.T, strict=True)]
    return first, np.maximum(np.array(distinct) - 1, 0)


def refitted_loss(problem: recompute.Problem, first: np.ndarray) -> float:
    """Loss of the least squares fit with the study's ridge in which equal effects stay equal."""
    count, width = first.shape
    key = (first * width + np.arange(width)).ravel()
    groups, place = np.unique(key, return_inverse=True)
    tied = coo_array((np.ones(len(key)), (np.arange(len(key)), place)), shape=(len(key), len(groups))).tocsr()
    rows = np.arange(len(problem.condition))
    wildtypes = csr_array((np.ones(len(rows)), (rows, problem.condition)), shape=(len(rows), count))
    design = hstack([problem.design @ tied, wildtypes]).tocsr()
    ridge = np.concatenate([2 * tied.T @ np.repeat(problem.ridge, width), np.zeros(count)])
    weighted = design.T @ diags_array(problem.loss_weights)
    x = splu((weighted @ design + diags_array(ridge)).tocsc()).solve(weighted @ problem.scores)
    return float(problem.loss_weights @ (design @ x - problem.scores) ** 2 / 2)


def by_site(done: Fit, problem: recompute.Problem, sites: pd.Index) -> np.ndarray:
    """The objective's parts that belong to each site (S,)."""
    encoding, b = done.encoding, done.best.b
    error = latent(encoding, b[: len(encoding.conditions)], done.best.b0) - encoding.scores
    losses = problem.loss_weights * huber(error, problem.huber_delta)
    carries = np.diff(encoding.indptr) > 0
    of_variant = encoding.sites[encoding.indices[encoding.indptr[:-1][carries]]]
    of_mutation = done.lasso * np.abs(done.best.shifts).sum(axis=0)
    of_mutation = of_mutation + problem.ridge @ b[: len(problem.ridge)] ** 2
    parts = np.concatenate([losses[carries], of_mutation])
    places = sites.get_indexer(np.concatenate([of_variant, encoding.sites]))
    return np.bincount(places, parts, len(sites))


def gains(objectives: dict[str, np.ndarray], total: float, sites: pd.Index) -> list[dict]:
    """What every pair's tree gains over `star`, from objectives by site."""
    gain = {name: objectives["star"] - parts for name, parts in objectives.items() if "+" in name}
    drawn = np.random.default_rng(1).multinomial(len(sites), np.full(len(sites), 1 / len(sites)), DRAWS)
    resampled = np.array([drawn @ parts for parts in gain.values()]) / total
    first = resampled.argmax(axis=0)
    rows = []
    for k, (name, parts) in enumerate(gain.items()):
        top = np.argsort(-parts)[:5]
        shares = [f"{sites[s]} {parts[s] / parts.sum():.0%}" for s in top] if parts.sum() > SMALL * total else []
        rows.append(
            {
                "pair": name,
                "gain": parts.sum() / total,
                "lower": np.quantile(resampled[k], 0.025),
                "upper": np.quantile(resampled[k], 0.975),
                "most_in": float((first == k).mean()),
                "top_sites": ", ".join(shares),
            }
        )
    return sorted(rows, key=lambda row: -row["gain"])


def validation_loss(encoding: Encoding, weight: float, difference: str | dict, model: dict, solver: dict) -> np.ndarray:
    """Loss of the variants of every fold, fitted without it: (FOLDS,); NaN where the fit did not converge."""
    found = []
    for number in range(1, FOLDS + 1):
        part = select(encoding, {"fold": number, "folds": FOLDS, "seed": 1, "stratify": "condition"})
        best = fit(part.encoding, weight, difference, model, solver, lambda line: None).best
        error = latent(encoding, best.b[: len(encoding.conditions)], best.b0) - encoding.scores
        record = summary(part.encoding, part.held_out, huber(error, model["huber_delta"]))
        found.append(record["validation_loss"] if best.status == "converged" else np.nan)
    return np.array(found)


def held_out(encoding: Encoding, found: dict[str, str | dict], model: dict, solver: dict) -> list[dict]:
    """Held-out losses of every matrix, beside those without a shift."""
    rows, equal = [], validation_loss(encoding, NO_SHIFT, "equivariant", model, solver)
    for name, difference in found.items():
        for weight in HELD_OUT:
            losses = validation_loss(encoding, weight, difference, model, solver)
            below = 1 - losses / equal
            row = {"difference": name, "lasso": weight, "validation_loss": losses.mean(), "below": below.mean()}
            rows.append({**row, "standard_error": below.std(ddof=1) / np.sqrt(FOLDS)})
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "rbd_trees.csv")
    options = parser.parse_args()
    record = json.loads(next(options.study.glob("fits/**/record.json")).read_text())
    model, solver = record["model"], record["solver"]
    encoding = Encoding.load(next((options.study / "encodings").glob("replicate~*.npz")))
    conditions, seen = list(map(str, encoding.conditions)), encoding.times_seen > 0
    sites = pd.Index(np.unique(encoding.sites))
    rows, objectives = [], {weight: {} for weight in WEIGHTS}
    compared = matrices(conditions, str(encoding.reference))
    for name, difference in compared.items():
        largest, _ = all_zero_weight(encoding, difference, model, solver)
        for weight in WEIGHTS:
            done = fit(encoding, weight, difference, model, solver, lambda line: None)
            problem = recompute.problem(encoding, model, weight, np.asarray(done.difference.matrix))
            first, changes = ties(done.best.b[: len(conditions)], seen)
            joint = done.best.shifts[-1] if "+" in name else np.zeros(0)
            error = latent(encoding, done.best.b[: len(conditions)], done.best.b0) - encoding.scores
            rows.append(
                {
                    "difference": name,
                    "lasso": weight,
                    "relative_weight": weight / largest,
                    "status": str(done.best.status),
                    "training_loss": float(problem.loss_weights @ huber(error, problem.huber_delta)),
                    "refitted_loss": refitted_loss(problem, first),
                    "changes": int(changes.sum()),
                    "changed": int((changes > 0).sum()),
                    "joint": int((joint != 0).sum()) if "+" in name else np.nan,
                    "objective": done.best.objective,
                }
            )
            objectives[weight][name] = by_site(done, problem, sites)
        print(pd.DataFrame(rows[-len(WEIGHTS) :]).to_string(index=False), flush=True)
    gained = []
    for weight, parts in objectives.items():
        total = next(row["objective"] for row in rows if (row["difference"], row["lasso"]) == ("star", weight))
        gained += [{"lasso": weight, **row} for row in gains(parts, total, sites)]
    losses = held_out(encoding, compared, model, solver)
    for suffix, table in {"": rows, "_gain": gained, "_held_out": losses}.items():
        path = options.output.with_stem(options.output.stem + suffix)
        pd.DataFrame(table).to_csv(path, index=False, float_format="%.6g")
    return 0


if __name__ == "__main__":
    sys.exit(main())
