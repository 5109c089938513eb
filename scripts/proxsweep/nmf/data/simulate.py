"""Simulated matrices whose factors are known.

The mean of entry (i, j) is the sum over factors r of W_ir H_rj. Columns of W sum to 1, so that H, the exposures, are in
the unit of the entries, and a column of H sums to the expected total of its sample.

- *spiky* columns of W: one draw each of a Dirichlet distribution with concentration :data:`CONCENTRATION`, which puts
  most of a column into a few features.
- *smooth* columns: one to three Gaussian bumps over the order of the features, of standard deviation 2 to 8 % of their
  number, over a floor of 5 % of the mean.
- Columns of H: a sample has one factor dealt in turn, so that each factor has samples, and every other with one chance,
  so that ``active`` are there in the mean; their shares are a draw of the flat Dirichlet distribution, and their total
  is ``depth`` exp(``spread`` z) with z normal.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from proxsweep.config import schema
from proxsweep.io.errors import UserError
from proxsweep.nmf.data.table import numbered

CONCENTRATION = 0.1
LARGEST = 10**8  # entries
MOST = 1e15  # of a mean, as Poisson numbers are drawn up to there


def defaults() -> dict[str, Any]:
    """Every key with its default."""
    return {key: one.get("default") for key, one in schema.properties("nmf", "simulate").items()}


def simulate(spec: Mapping[str, Any]) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Draw a matrix and the truth behind it.

    Parameters
    ----------
    spec
        The ``simulate`` section; keys that are left out take their default.

    Returns
    -------
    table
        Column ``feature``, then one a sample: M rows. Whole numbers with the noise ``poisson``, else the means.
    truth
        ``signatures`` (M, K), W; ``exposures`` (K, N), H; ``features`` (M,), ``samples`` (N,).

    Raises
    ------
    UserError
        For more factors than features or samples, more active ones than factors, and matrices or entries too large.
    """
    spec = {**defaults(), **spec}
    _check(spec)
    rng = np.random.default_rng(spec["seed"])
    signatures = {"spiky": _spiky, "smooth": _smooth}[spec["signatures"]](spec, rng)
    exposures = _exposures(spec, rng)
    means = signatures @ exposures
    if means.max() > MOST:
        # message: Whole numbers of this size are not drawn. | Take a smaller `depth` or `spread`.
        raise UserError("simulate, depth", f"a mean of {means.max():g}", f"at most {MOST:g}")
    entries = rng.poisson(means) if spec["noise"] == "poisson" else means
    features, samples = numbered("feature", spec["features"]), numbered("sample", spec["samples"])
    table = pd.DataFrame(entries, columns=samples)
    table.insert(0, "feature", features)
    return table, {"signatures": signatures, "exposures": exposures, "features": features, "samples": samples}


def _check(spec: Mapping[str, Any]) -> None:
    smaller = min(spec["features"], spec["samples"])
    if spec["factors"] > smaller:
        # message: A matrix has no more factors than features or samples. | Simulate fewer factors.
        raise UserError("simulate, factors", f"{spec['factors']} factors", f"at most {smaller}, as features or samples")
    if not 1 <= spec["active"] <= spec["factors"]:
        # message: A sample has one factor at least, and all at most. | Correct `active`.
        raise UserError("simulate, active", f"{spec['active']:g} active factors", f"1 to {spec['factors']}")
    if spec["features"] * spec["samples"] > LARGEST:
        # message: The simulated matrix is a table of text. | Simulate a smaller one.
        raise UserError(
            "simulate", f"{spec['features']} features by {spec['samples']} samples", f"at most {LARGEST:g} entries"
        )


def _spiky(spec: Mapping[str, Any], rng: np.random.Generator) -> np.ndarray:
    return rng.dirichlet(np.full(spec["features"], CONCENTRATION), spec["factors"]).T


def _smooth(spec: Mapping[str, Any], rng: np.random.Generator) -> np.ndarray:
    place = (np.arange(spec["features"]) + 0.5) / spec["features"]
    columns = []
    for _ in range(spec["factors"]):
        number = rng.integers(1, 4)
        centres, widths, heights = rng.random(number), rng.uniform(0.02, 0.08, number), rng.uniform(0.5, 1.5, number)
        bumps = heights * np.exp(-0.5 * ((place[:, None] - centres) / widths) ** 2)
        column = bumps.sum(axis=1)
        column += 0.05 * column.mean() + 1e-12  # bumps between two features of very few have no sum
        columns.append(column / column.sum())
    return np.stack(columns, axis=1)


def _exposures(spec: Mapping[str, Any], rng: np.random.Generator) -> np.ndarray:
    factors, samples = spec["factors"], spec["samples"]
    chance = (spec["active"] - 1) / (factors - 1) if factors > 1 else 0.0
    present = rng.random((factors, samples)) < chance
    present[rng.permutation(np.arange(samples) % factors), np.arange(samples)] = True
    shares = rng.exponential(size=(factors, samples)) * present
    totals = spec["depth"] * np.exp(spec["spread"] * rng.normal(size=samples))
    return shares / shares.sum(axis=0) * totals
