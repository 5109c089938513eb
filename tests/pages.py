"""A made study for the interactive page: the files of fits as a run leaves them, with all that is awkward.

Two matrices, three weights, two bounds, two replicates that do not have the same mutations; ties and exact zeros; a
site with a suffix, stops and gaps; one fit that did not converge, one that is missing, and folds beside the full fits.
"""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

CONDITIONS = ["a", "b", "c"]
MATRICES = {
    "reference": {"b-minus-a": (-1, 1, 0), "c-minus-a": (-1, 0, 1)},
    "equivariant": {"b-minus-a": (-1, 1, 0), "c-minus-a": (-1, 0, 1), "c-minus-b": (0, -1, 1)},
}
WEIGHTS, BOUNDS, REPLICATES = (0.0, 1e-5, 4e-5), (5.0, 10.0), ("1", "2")
CHOSEN = 1e-5  # for both matrices; the study goes on with equivariant and the bound 10
UNCONVERGED = ("equivariant", 4e-5, 10.0, "2")
ABSENT = ("reference", 4e-5, 5.0, "2")
SITES = [*map(str, range(3, 15)), "14a", *map(str, range(15, 60))]
LETTERS = "ACDEFGHIKLMNPQRSTVWY*-"


def mutations(replicate: str) -> pd.DataFrame:
    """Mutations of a replicate with their times seen, in the order of a run."""
    random = np.random.default_rng(7)
    rows = []
    for site in SITES:
        wildtype = LETTERS[random.integers(20)]
        for mutant in sorted(random.choice(list(LETTERS.replace(wildtype, "")), 6, replace=False), key=LETTERS.index):
            rows.append((f"{wildtype}{site}{mutant}", wildtype, site, mutant))
    table = pd.DataFrame(rows, columns=["mutation", "wildtype", "site", "mutant"])
    random = np.random.default_rng(int(replicate))
    for name in CONDITIONS:
        table[f"times_seen_{name}"] = random.integers(0, 8, len(table))
    seen = table[[f"times_seen_{name}" for name in CONDITIONS]].any(axis=1)
    return table[seen & (random.random(len(table)) < 0.9)].reset_index(drop=True)


def write_fit(folder: Path, difference: str, lasso: float, replicate: str, seed: int) -> None:
    """The files of one fit that the page reads: effects that tie more often the larger the weight."""
    table, rows = mutations(replicate), MATRICES[difference]
    random = np.random.default_rng(seed)
    effects = np.tile(random.normal(-1, 1, len(table)), (3, 1))
    effects += (random.random(effects.shape) < 0.6 / (1 + lasso / 1e-5)) * random.normal(0, 1, effects.shape)
    effects[1, 0] = effects[0, 0] + 1e-9  # small is not zero
    matrix = np.array(list(rows.values()), float)
    shifts = matrix @ effects
    columns = {f"beta_{name}": effects[d] for d, name in enumerate(CONDITIONS)}
    columns |= {f"shift_{row}": shifts[r] for r, row in enumerate(rows)}
    names = list(table.columns)
    folder.mkdir(parents=True)
    table.assign(**columns)[[*names[:4], *columns, *names[4:]]].to_csv(folder / "mutations.csv", index=False)
    bundle = np.zeros(effects.shape, bool)
    bundle[1, 5:20:7] = True
    named = table["mutation"].to_numpy(str)
    np.savez(
        folder / "parameters.npz",
        conditions=np.array(CONDITIONS),
        mutations=named,
        bundle=bundle,
        b=effects,
        difference=matrix,
        difference_rows=np.array(list(rows)),
        shifts=shifts,
    )


def write(folder: Path) -> Path:
    """Write the study: `fits.csv`, `chosen.csv` and the folders of fits."""
    lines = []
    for seed, key in enumerate(product(MATRICES, WEIGHTS, BOUNDS, REPLICATES)):
        difference, lasso, bound, replicate = key
        if key == ABSENT:
            continue
        path = folder / "fits" / "-".join(map(str, key))
        write_fit(path, difference, lasso, replicate, seed)
        status, residual = ("max_iterations", 3e-4) if key == UNCONVERGED else ("converged", 5e-7)
        lines.append(("made", "dms", difference, lasso, replicate, bound, None, None, status, residual, str(path)))
    lines.append(("made", "dms", "reference", 0.0, "1", 5.0, "1", None, "converged", 5e-7, "nowhere"))
    columns = ["study", "family", "difference", "lasso", "replicate", "scale_bound"]
    columns += ["fold", "resample", "status", "relative_residual", "path"]
    pd.DataFrame(lines, columns=columns).to_csv(folder / "fits.csv", index=False)
    chosen = [("made", name, bound, CHOSEN, "given") for name, bound in product(MATRICES, BOUNDS)]
    table = pd.DataFrame(chosen, columns=["study", "difference", "scale_bound", "lasso", "rule"])
    main = (table["difference"] == "equivariant") & (table["scale_bound"] == 10)
    table.assign(by="given", selected=True, reason="given in the config", chosen=main).to_csv(
        folder / "chosen.csv", index=False
    )
    return folder


def read(folder: Path, difference: str, lasso: float, bound: float, replicate: str) -> pd.DataFrame:
    """The table of one fit by mutation."""
    path = folder / "fits" / "-".join(map(str, (difference, lasso, bound, replicate))) / "mutations.csv"
    return pd.read_csv(path, dtype={"site": str}, keep_default_na=False).set_index("mutation")


def compared(row: str) -> list[str]:
    """Conditions that a row of the difference matrix compares."""
    return row.split("-minus-")
