"""How sure is it that {Alpha, Beta} is the commonest fusion pattern of the receptor-binding domain?

Reads `tables/pattern_mutations.csv` of a finished study and resamples sites, which are drawn with replacement:
mutations of one site share a cause, so they are no independent evidence. With --scores every draw takes a site with a
probability in proportion to its barcodes, so that well measured sites count more. Prints, for the weight shown in that
table, how many mutations each of the commonest patterns has, its 95 % interval over resamples, and in which share of
the resamples it is the commonest.

    python benchmarks/rbd_bootstrap.py results/rbd_local_equal [--scores rbd_five_variants.csv] [--draws 2000]
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

SITES = 201
MATRIX = "equivariant"


def site_counts(study: Path) -> pd.DataFrame:
    """Mutations by site (rows, all of the domain) and pattern."""
    listed = pd.read_csv(study / "tables" / "pattern_mutations.csv", dtype={"site": str})
    listed = listed[listed["difference"] == MATRIX]
    found = listed.groupby(["site", "pattern"]).size().unstack(fill_value=0)
    return found.reindex([str(site) for site in range(331, 331 + SITES)], fill_value=0)


def probabilities(scores: Path | None, sites: pd.Index) -> np.ndarray:
    """Of a site at every draw."""
    if scores is None:
        return np.full(len(sites), 1 / len(sites))
    table = pd.read_csv(scores)
    site = table["aa_substitutions"].str.extract(r"(\d+)")[0]
    barcodes = table["n_barcodes"].groupby(site).sum().reindex(sites).to_numpy(float)
    return barcodes / barcodes.sum()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--draws", type=int, default=2000)
    options = parser.parse_args()
    counts = site_counts(options.study)
    drawn = np.random.default_rng(1).multinomial(SITES, probabilities(options.scores, counts.index), options.draws)
    totals = drawn @ counts.to_numpy()
    first = totals.argmax(axis=1)
    table = pd.DataFrame(
        {
            "mutations": counts.sum().to_numpy(),
            "lower": np.quantile(totals, 0.025, axis=0),
            "upper": np.quantile(totals, 0.975, axis=0),
            "commonest_in": np.bincount(first, minlength=counts.shape[1]) / options.draws,
        },
        index=counts.columns,
    )
    print(table.sort_values("mutations", ascending=False).head(8).to_string())
    return 0


if __name__ == "__main__":
    sys.exit(main())
