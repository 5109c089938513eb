"""Simulated scans of several related conditions whose effects and shifts are known.

Every letter a at site s has a latent effect theta_d[s, a] in condition d, measured from the letter of the
tree's root, which has 0. A variant that changes the condition's own wildtype letters w_d to others has the
latent phenotype

    phi = phi_0 + sum over its changed sites s of theta_d[s, a_s] - theta_d[s, w_d(s)],

and the functional score g(phi) plus noise; phi_0, the same for all conditions, is where g is zero, so every
condition's wildtype has score 0, as a log2 enrichment relative to the condition's own wildtype has. In the
reference's coordinates the same phenotype is b0_d + sum of beta_d[m] over all m that separate the variant
from the *reference's* wildtype, with

    beta_d[s, a] = theta_d[s, a] - theta_d[s, w_ref(s)],
    b0_d = phi_0 - sum over the bundle of d of beta_d[m].

So the table does not depend on the reference; only the coordinates of the truth do.

Evolution runs down a tree whose leaves are the conditions. A branch carries the name of the node at its
lower end. Wildtype differences fall on branches, each at a site of its own, and all leaves below have the new
letter. Shifts fall on branches too: a shifted mutation's theta changes by one amount in all leaves below.
Letters that are a condition's wildtype where wildtypes differ, and stops, never shift, and no mutation shifts
twice: then beta_a[m] - beta_b[m] is plus or minus the shift when exactly one of a and b is below the branch,
and zero otherwise, whatever the reference. A shift on the reference's own branch therefore moves all other
conditions together. (Two branches that meet at a root with two children separate the same conditions.)
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from proxsweep.dms.data.landscape import Landscape, stream
from proxsweep.dms.data.libraries import draw_variants, texts
from proxsweep.dms.data.simulation import complete


def simulate(spec: Mapping) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw a table of variants and the truth behind it.

    Parameters
    ----------
    spec
        The ``simulate`` section; keys that are left out take their default.

    Returns
    -------
    table
        One row a measured barcode: condition, replicate, aa_substitutions (relative to the condition's own
        wildtype, by site; empty for the wildtype) and func_score, or pre_count and post_count.
    truth
        One row a mutation that a variant can carry in the reference's coordinates: mutation, wildtype, site,
        mutant, ``beta_<condition>``, branch ('' without a shift), shift_size (0 without a shift).

    Raises
    ------
    UserError
        For a key or a value that makes no sense, or more distinct variants than the library can give.
    """
    spec = complete(spec)
    landscape = Landscape(spec)
    parts = []
    for replicate in range(1, spec["replicates"] + 1):
        for position, condition in enumerate(landscape.conditions):
            parts.append(_measure(spec, landscape, position, replicate).assign(condition=condition))
    table = pd.concat(parts, ignore_index=True)
    values = ["func_score"] if spec["output"] == "scores" else ["pre_count", "post_count"]
    return table[["condition", "replicate", "aa_substitutions", *values]], landscape.truth()


def _score(spec: dict, phenotype: np.ndarray) -> np.ndarray:
    if spec["global_epistasis"] == "linear":
        return phenotype
    return spec["scale"] / (1.0 + np.exp(-phenotype)) + spec["bias"]


def _measure(spec: dict, landscape: Landscape, position: int, replicate: int) -> pd.DataFrame:
    """Rows of one condition in one replicate."""
    condition = landscape.conditions[position]
    library = replicate if spec["replicate_variants"] == "own" else 1
    rng = stream(spec, "variants", position, library)
    mutants = spec["variants"][condition] - 1
    indptr, entries = draw_variants(
        rng, landscape.weights[position], mutants, spec["substitutions"][condition], condition
    )
    own = landscape.wildtypes[position]
    theta = landscape.theta[position]
    change = (theta - theta[np.arange(len(own)), own][:, None]).ravel()
    summed = np.add.reduceat(change[entries], indptr[:-1]) if mutants else np.zeros(0)
    written = texts(own, indptr, entries)

    rng = stream(spec, "measurement", position, replicate)
    repeats = 1 + rng.poisson(spec["barcodes"] - 1.0, mutants)
    wildtype_rows = spec["wildtype_barcodes"]
    phenotype = landscape.wildtype_phenotype + np.append(np.zeros(wildtype_rows), np.repeat(summed, repeats))
    score = _score(spec, phenotype) + rng.normal(0.0, spec["noise"][replicate], len(phenotype))
    rows = {
        "replicate": replicate,
        "aa_substitutions": np.append(np.full(wildtype_rows, "", dtype=object), np.repeat(written, repeats)),
    }
    values = {"func_score": score} if spec["output"] == "scores" else _counts(spec, rng, score)
    return pd.DataFrame({**rows, **values})


def _counts(spec: dict, rng: np.random.Generator, score: np.ndarray) -> dict[str, np.ndarray]:
    """Poisson counts before selection, and after a growth by 2^score; each has its mean per row."""
    before = np.exp(rng.normal(0.0, spec["abundance_sigma"], len(score)))
    after = before * np.exp2(score)
    return {
        "pre_count": rng.poisson(spec["pre_count"] * before / before.mean()),
        "post_count": rng.poisson(spec["post_count"] * after / after.mean()),
    }
