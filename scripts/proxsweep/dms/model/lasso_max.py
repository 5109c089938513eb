"""The smallest lasso weight that makes every shift zero, for each replicate, matrix and model of a study."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.model.fit import all_zero_weight
from proxsweep.sweep.grid import label


def lasso_max(
    fits: list[dict[str, Any]], encodings: dict[str, str], report: Callable[[str], None] = print
) -> pd.DataFrame:
    """One row a fit: a combination of everything swept but the lasso weight.

    Parameters
    ----------
    fits
        Specifications (:meth:`proxsweep.sweep.grid.Fit.spec`), without the weight and its label.
    encodings
        Path of the encoding of every replicate, by label.
    report
        Receives a line a combination.

    Returns
    -------
    DataFrame
        The swept parameters' labels (without ``lasso``), ``lasso_max``, and ``status`` and ``relative_residual`` of the
        fit without shifts that it was read from.
    """
    rows = []
    for spec in fits:
        encoding = Encoding.load(encodings[spec["labels"]["replicate"]])
        weight, tied = all_zero_weight(encoding, spec["fit"]["difference"], spec["model"], spec["solver"])
        labels = spec["labels"]
        status, residual = str(tied.best.status), tied.relative_residual
        rows.append({**labels, "lasso_max": weight, "status": status, "relative_residual": residual})
        report(f"{', '.join(f'{name} {text}' for name, text in labels.items())}: {label(weight)}")
    return pd.DataFrame(rows)
