"""Folds and resamples of variants, and the losses of fits to them."""

from dataclasses import replace

import numpy as np
import pytest

import toys
from proxsweep.dms.data.subsets import fitted_only, folds, resample, select
from proxsweep.dms.model import losses
from proxsweep.dms.model.fit import fit
from proxsweep.dms.model.fit_files import predictions
from proxsweep.io.errors import UserError

FOLD = {"fold": "2", "folds": 3, "seed": 4, "stratify": "condition"}
RESAMPLE = {"resample": "1", "seed": 4, "method": "bootstrap"}


def silent(line: str) -> None:
    pass


def times_seen(encoding) -> np.ndarray:
    """Column sums of the dense matrices, in own coordinates, over variants with a weight."""
    sums = []
    for d, matrix in enumerate(toys.dense(encoding)):
        own = np.where(encoding.bundle[d], 1 - matrix, matrix)
        kept = toys.split(encoding, encoding.weights)[d] > 0
        sums.append(own[kept].sum(axis=0))
    return np.array(sums).astype(int)


def test_every_variant_is_in_one_fold_and_folds_are_even_in_every_condition():
    encoding = toys.toy(3, variants=50)
    found = folds(encoding, 4, 7, "condition")
    for part in toys.split(encoding, found):
        sizes = np.bincount(part, minlength=5)[1:]
        assert sizes.sum() == 50 and np.ptp(sizes) <= 1
    np.testing.assert_array_equal(found, folds(encoding, 4, 7, "condition"))
    assert (found != folds(encoding, 4, 8, "condition")).any()
    together = folds(encoding, 4, 7, "none")
    assert np.ptp(np.bincount(together)[1:]) <= 1


def test_a_condition_smaller_than_the_number_of_folds_is_refused():
    with pytest.raises(UserError, match="5 variants of condition c0.*at least as many variants as folds"):
        folds(toys.toy(2, variants=5), 6, 1, "condition")


@pytest.mark.parametrize("rows", [FOLD, RESAMPLE])
def test_variants_of_weight_zero_may_as_well_be_left_out(rows):
    chosen = select(toys.toy(3, weighted=True), rows).encoding
    small = fitted_only(chosen)
    assert 0 < len(small.scores) < len(chosen.scores)
    np.testing.assert_array_equal(chosen.times_seen, times_seen(chosen))
    np.testing.assert_array_equal(
        toys.dense(small)[1], toys.dense(chosen)[1][toys.split(chosen, chosen.weights)[1] > 0]
    )
    rng = np.random.default_rng(5)
    point = rng.normal(size=chosen.bundle.shape), rng.normal(size=3), 4.0, -2.0
    one, two = (toys.smooth(each, toys.MODEL, *point) for each in (chosen, small))
    assert one == pytest.approx(two, rel=1e-12)


def test_a_fit_is_the_same_with_weight_zero_and_without_the_variants():
    chosen = select(toys.toy(3, weighted=True), FOLD).encoding
    small = fitted_only(chosen)
    solver = {**toys.SOLVER, "tolerance": 1e-10}
    one, two = (fit(each, 1e-3, "equivariant", toys.MODEL, solver, silent) for each in (chosen, small))
    assert one.best.objective == pytest.approx(two.best.objective, rel=1e-12)
    np.testing.assert_allclose(one.best.b, two.best.b, atol=1e-6)
    np.testing.assert_array_equal(one.best.shifts == 0, two.best.shifts == 0)
    assert one.initial_residual == pytest.approx(two.initial_residual, rel=1e-12)


@pytest.mark.slow
def test_a_linear_fold_has_a_duality_gap():
    chosen = select(toys.toy(2), FOLD).encoding
    model = {**toys.MODEL, "global_epistasis": "linear"}
    best = fit(chosen, 1e-3, "reference", model, {**toys.SOLVER, "tolerance": 1e-10}, silent).best
    assert abs(best.duality_gap) <= 1e-8 * best.objective  # rounding may leave it below 0


def test_resamples_draw_as_many_as_there_are():
    encoding = toys.toy(3, variants=200)
    counts = toys.split(encoding, resample(encoding, 1, 3, "bootstrap"))
    assert all(part.sum() == 200 and (part == part.round()).all() for part in counts)
    missing = np.mean([np.mean(resample(encoding, k, 3, "bootstrap") == 0) for k in range(1, 40)])
    assert missing == pytest.approx((1 - 1 / 200) ** 200, abs=0.01)
    weights = toys.split(encoding, resample(encoding, 1, 3, "bayesian"))
    assert all(part.mean() == pytest.approx(1) and part.min() > 0 for part in weights)
    assert (resample(encoding, 1, 3, "bootstrap") != resample(encoding, 2, 3, "bootstrap")).any()
    assert (resample(encoding, 1, 3, "bootstrap") != resample(encoding, 1, 4, "bootstrap")).any()


def test_losses_of_fitted_and_held_out_variants():
    encoding, delta = toys.toy(3, weighted=True), 0.4
    # no fitted variant may carry the last mutation: those of the fold that do are left out
    chosen = select(encoding, FOLD)
    carriers = np.concatenate(
        [np.where(encoding.bundle[d], 1 - x, x)[:, -1] for d, x in enumerate(toys.dense(encoding))]
    )
    fitted = chosen.encoding
    weights = np.where(carriers == 1, 0.0, fitted.weights)
    seen = fitted.times_seen.copy()
    seen[:, -1] = 0
    fitted = replace(fitted, weights=weights, times_seen=seen)
    model = {**toys.MODEL, "huber_delta": delta}
    done = fit(fitted, 1e-3, "reference", model, toys.SOLVER, silent)
    point = done.best.b, done.best.b0, done.best.scale, done.best.bias
    table = predictions(done)
    each = losses.huber((table["predicted"] - table["observed"]).to_numpy(), delta)
    found = losses.summary(fitted, chosen.held_out, each)
    held = np.where(carriers == 1, 0.0, chosen.held_out)
    for name, used in (("training", fitted.weights), ("validation", held)):
        plain = {**model, "ridge": 0.0}
        expected = toys.smooth(replace(encoding, weights=used), plain, *point)
        assert found[f"{name}_loss"] == pytest.approx(expected, rel=1e-12)
        assert found[f"{name}_loss"] == pytest.approx(np.mean(list(found[f"{name}_loss_rows"].values())), rel=1e-12)
    parts = zip(toys.split(encoding, chosen.held_out > 0), toys.split(encoding, carriers == 1), strict=True)
    out = [int((held & carries).sum()) for held, carries in parts]
    assert list(found["validation_left_out_rows"].values()) == out and sum(out) > 0
    counted = [int((part > 0).sum()) for part in toys.split(encoding, held)]
    assert list(found["validation_variants_rows"].values()) == counted
    assert set(losses.summary(fitted, None, each)) == {"training_loss", "training_loss_rows"}
