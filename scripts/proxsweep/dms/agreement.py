"""How well predicted scores agree with observed ones."""

import numpy as np
import pandas as pd


def agreement(table: pd.DataFrame) -> tuple[float, float]:
    """Pearson correlation and root mean squared error of ``observed`` and ``predicted`` scores, weighted by ``weight``.

    The correlation is NaN where either does not vary, and both are without variants.
    """
    if table.empty:
        return np.nan, np.nan
    weight = table["weight"] / table["weight"].sum()
    observed, predicted = (table[name] - (weight * table[name]).sum() for name in ("observed", "predicted"))
    spread = (weight * observed**2).sum() * (weight * predicted**2).sum()
    error = np.sqrt((weight * (table["observed"] - table["predicted"]) ** 2).sum())
    correlation = (weight * observed * predicted).sum() / np.sqrt(spread) if spread > 0 else np.nan
    return float(correlation), float(error)
