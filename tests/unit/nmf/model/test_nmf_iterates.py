"""Plain iterations are scikit-learn's, from the same start.

scikit-learn factorises X (n_samples, n_features), here V (m, n), so W has m rows. It adds to the loss
``alpha_W n_features (l1_ratio sum(W) + (1 - l1_ratio) / 2 |W|^2)``, and for H the same with ``alpha_H n_samples``.
Hence ``l1_w = alpha_W l1_ratio n``, ``l2_w = alpha_W (1 - l1_ratio) n``, ``l1_h = alpha_H l1_ratio m`` and
``l2_h = alpha_H (1 - l1_ratio) m``, with the numbers of rows m and columns n of V.
"""

import numpy as np
import pytest
from sklearn.decomposition import non_negative_factorization

import factorisations as made

ITERATIONS = (1, 2, 10)
ALPHA_W, ALPHA_H, L1_RATIO = 0.02, 0.05, 0.3
(M, N), NONE = made.SHAPE, {}
PENALISED = {
    **{"l1_w": ALPHA_W * L1_RATIO * N, "l2_w": ALPHA_W * (1 - L1_RATIO) * N},
    **{"l1_h": ALPHA_H * L1_RATIO * M, "l2_h": ALPHA_H * (1 - L1_RATIO) * M},
}
CASES = {
    "hals": ("hals", NONE, {"solver": "cd"}),
    "hals, penalised": ("hals", PENALISED, {"solver": "cd"}),
    "mu": ("mu", NONE, {"solver": "mu"}),
    "mu, penalised": ("mu", PENALISED, {"solver": "mu"}),
    "mu, poisson": ("mu", {"loss": "poisson"}, {"solver": "mu", "beta_loss": "kullback-leibler"}),
}


@pytest.mark.filterwarnings("ignore:Maximum number of iterations")
@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_iterates_are_those_of_scikit_learn(case, is_sparse):
    algorithm, model, options = CASES[case]
    _, w, h = made.integers()
    values = made.sparsely(made.counts()) if is_sparse else made.integers()[0]
    if model is PENALISED:
        options = options | {"alpha_W": ALPHA_W, "alpha_H": ALPHA_H, "l1_ratio": L1_RATIO}
    ours = made.Driver(values, w, h, algorithm, {"accelerated": False}, **model)
    for count in ITERATIONS:
        start = {"W": w.copy(), "H": h.copy(), "init": "custom", "n_components": made.RANK}
        theirs = non_negative_factorization(values, **start, **options, tol=0, max_iter=count)
        assert theirs[2] == count
        for found, expected in zip(ours.to(count).factors(), theirs[:2], strict=True):
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10 * abs(expected).max())


def test_the_objective_is_that_of_scikit_learn_after_the_conversion():
    values, w, h = made.integers()
    loss = np.linalg.norm(values - w @ h) ** 2 / 2
    theirs = loss + ALPHA_W * N * (L1_RATIO * w.sum() + (1 - L1_RATIO) / 2 * (w**2).sum())
    theirs += ALPHA_H * M * (L1_RATIO * h.sum() + (1 - L1_RATIO) / 2 * (h**2).sum())
    ours = made.Driver(values, w, h, "hals", {"accelerated": False}, **PENALISED)
    assert ours.objective() == pytest.approx(theirs, rel=1e-13)
