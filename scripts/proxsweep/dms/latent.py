"""Latent phenotypes of encoded variants, in NumPy."""

import numpy as np

from proxsweep.dms.encoding import Encoding


def latent(encoding: Encoding, b: np.ndarray, b0: np.ndarray) -> np.ndarray:
    """Latent phenotype of every variant: (N,).

    In own coordinates of condition d an effect is b_d, with its sign changed on the bundle of mutations that separate
    the condition's wildtype from the reference's, and the wildtype has b0_d plus the effects of the bundle; a variant
    adds the effects of what it carries (docs/model.md).

    Parameters
    ----------
    encoding
        N variants of D conditions, M mutations.
    b : (D, M), b0 : (D,)
        Effects and intercepts in the reference's coordinates.
    """
    bundle = encoding.bundle
    own, wildtype = np.where(bundle, -b, b), b0 + np.where(bundle, b, 0.0).sum(axis=1)
    condition = np.repeat(np.arange(len(b0)), np.diff(encoding.offsets))
    rows = np.repeat(np.arange(len(condition)), np.diff(encoding.indptr))
    return wildtype[condition] + np.bincount(rows, own[condition[rows], encoding.indices], len(condition))
