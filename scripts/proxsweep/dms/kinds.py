"""Kinds of mutations: substitutions, stop codons (the control), deletions."""

import numpy as np
import pandas as pd


def kinds(mutants: pd.Series) -> np.ndarray:
    """``stop`` for ``*``, ``deletion`` for ``-``, ``nonsynonymous`` for any letter."""
    return np.select([mutants == "*", mutants == "-"], ["stop", "deletion"], "nonsynonymous")
