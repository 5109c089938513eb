"""Lasso weights for a first sweep: below the smallest weight that leaves no shift."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.init.choice import Choice

NUMBER = 12
LEAST, MOST = 0.005, 0.8  # of the smallest weight that leaves no shift
KEY = "sweep.lasso"
UNKNOWN = [0, 2.0e-6, 4.0e-6, 8.0e-6, 1.6e-5, 3.2e-5, 6.4e-5, 1.28e-4, 2.56e-4, 5.12e-4, 1.024e-3]


def choice(encoding: Encoding, fits: Sequence[dict[str, Any]]) -> Choice:
    """The weights of a sweep: 0, and :data:`NUMBER` from 1/200 of the smallest that leaves no shift to just below it.

    Shifts are ranked by size at the smallest weight above 0 where no rule selects one. Where the truth is known such a
    ranking is best at 1/400 to 1/70 of that weight, and far worse at 1/1000; what the rules select lies above
    (docs/init.md).

    Parameters
    ----------
    encoding
        Of one replicate.
    fits
        A fit for each matrix, as :func:`proxsweep.dms.jobs.lasso_max_spec` has them.
    """
    if len(encoding.conditions) < 2:
        return Choice(KEY, [0], "one condition has no shifts, which the lasso would act on")
    found = [_smallest(encoding, spec) for spec in fits]
    known = [weight for weight in found if math.isfinite(weight) and weight > 0]
    if not known:
        why = "the smallest weight that leaves no shift could not be computed: these are common weights"
        return Choice(KEY, UNKNOWN, why, "does the sweep reach from many shifts to nearly none?")
    middle = math.sqrt(min(known) * max(known))  # of matrices that share the weights
    values = grid(LEAST * middle, MOST * max(known))
    named = ", ".join(
        f"{weight:.2g} ({spec['labels']['difference']})" for weight, spec in zip(found, fits, strict=True)
    )
    why = f"the smallest weight that leaves no shift is {named}; 0, and {NUMBER} weights from 1/200 of it to just below"
    return Choice(KEY, [0, *values], why)


def _smallest(encoding: Encoding, spec: dict[str, Any]) -> float:
    from proxsweep.dms.model.fit import all_zero_weight  # JAX is slow to import

    return all_zero_weight(encoding, spec["fit"]["difference"], spec["model"], spec["solver"])[0]


def grid(least: float, most: float) -> list[float]:
    """Weights evenly spaced in their logarithm, rounded to two digits."""
    return [float(f"{weight:.1e}") for weight in np.geomspace(least, most, NUMBER)]
