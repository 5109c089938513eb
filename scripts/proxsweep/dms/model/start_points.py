"""Where a fit may start. All points are in each condition's own coordinates, as the solver holds them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.model import parameters
from proxsweep.dms.model.model import Model, change_coordinates
from proxsweep.io.errors import UserError
from proxsweep.optimize.padding import padded, shared_size

RANDOM = re.compile(r"([1-9][0-9]*)x_random")
FLAT = 1e-6  # a smaller range of scores is none

Point = dict[str, np.ndarray]


def names(solver: Mapping[str, Any], sigmoid: bool, has_neighbour: bool) -> list[str]:
    """Names of the single starts of a fit: ``3x_random`` is random-1 to random-3.

    Without a neighbour (the largest lasso weight has none) ``zeros`` stands in for it. Where all starts are to be
    checked, ``zeros`` follows it. With g linear all starts end in one optimum, and one will do.
    """
    found: list[str] = []
    for start in solver["starts"]:
        several = RANDOM.fullmatch(start)
        if several:
            found += [f"random-{k}" for k in range(1, int(several[1]) + 1)]
        else:
            found.append("zeros" if start == "neighbour" and not has_neighbour else start)
    if not sigmoid:
        return ["neighbour" if "neighbour" in found else "zeros"]
    return list(dict.fromkeys([*found, "zeros"] if _is_checked(solver, found) else found))


def _is_checked(solver: Mapping[str, Any], found: list[str]) -> bool:
    """Whether a start from the neighbour is to be compared with one that knows nothing of it."""
    return solver.get("check_starts") == "all" and "neighbour" in found


def score_range(encoding: Encoding) -> tuple[float, float]:
    """Smallest score and the distance from it to the largest, of variants that are fitted."""
    scores = encoding.scores[encoding.weights > 0]
    lowest = float(scores.min())
    return lowest, float(scores.max()) - lowest


def zeros(model: Model, encoding: Encoding, scale_bound: float) -> Point:
    """b = b0 = 0; scale the range of the scores (within its bound), bias their minimum."""
    lowest, extent = score_range(encoding)
    count, width = encoding.bundle.shape
    return {
        "b": np.zeros((len(model.difference.nodes), shared_size(width))),
        "b0": np.zeros(count),
        "scale": np.float64(min(extent, scale_bound) if model.sigmoid else 1.0),
        "bias": np.float64(lowest if model.sigmoid else 0.0),
    }


def from_linear(linear: Point, zeros: Point) -> Point:
    """The linear fit's scores, read back through the sigmoid of ``zeros``.

    Effects are divided by the slope at the sigmoid's middle, scale / 4; each wildtype's predicted score is kept
    exactly, within 2 to 98 % of the range.
    """
    scale, bias = max(float(zeros["scale"]), FLAT), zeros["bias"]
    share = np.clip((linear["b0"] - bias) / scale, 0.02, 0.98)
    return {**zeros, "b": padded(linear["b"] * 4 / scale, zeros["b"].shape[1]), "b0": np.log(share / (1 - share))}


def random(zeros: Point, encoding: Encoding, scale_bound: float, seed: int, number: int) -> Point:
    """Effects and intercepts standard normal in own coordinates, scale half to twice that of ``zeros``, log-uniform.

    ``number`` (from 1) counts the random starts of a fit; a number's point does not depend on how many there are.
    """
    rng = np.random.default_rng([seed, number])
    sign = np.where(encoding.bundle, -1.0, 1.0)
    effects = sign * rng.normal(size=sign.shape)
    inner = np.broadcast_to(effects.mean(axis=0), (len(zeros["b"]) - len(sign), sign.shape[1]))
    b = padded(np.vstack([effects, inner]), zeros["b"].shape[1])
    b0 = rng.normal(size=len(sign))
    scale = min(float(zeros["scale"]) * 2.0 ** rng.uniform(-1, 1), scale_bound)
    return {"b": b, "b0": b0, "scale": np.float64(scale), "bias": zeros["bias"]}


def from_fit(path: str | Path, model: Model, encoding: Encoding) -> Point:
    """The solution of another fit of the same mutations and conditions (its ``parameters.npz``).

    Raises
    ------
    UserError
        If the file is no such solution.
    """
    found = parameters.read(path, ("conditions", "mutations", "b", "b0", "b_inner", "scale", "bias"))
    b = np.vstack([found["b"], found["b_inner"]])
    same = np.array_equal(found["conditions"], encoding.conditions)
    same &= np.array_equal(found["mutations"], encoding.mutations)
    if not same or len(b) != len(model.difference.nodes) or np.isnan(found["scale"]) == model.sigmoid:
        # message: The start `neighbour` was given the parameters of another data set or model. | Choose the fit of the
        # next larger weight of the same study (`--neighbour`), or make that again.
        raise UserError(str(path), "another fit's parameters", "the same conditions, mutations, matrix and model")
    _, own = change_coordinates(found["b"], found["b0"], encoding.bundle)
    scale, bias = (float(found[name]) if model.sigmoid else float(name == "scale") for name in ("scale", "bias"))
    return {"b": padded(b, shared_size(b.shape[1])), "b0": own, "scale": np.float64(scale), "bias": np.float64(bias)}
