"""Factors matched one to one, and starts against the one that won, by definitions and by trying every order."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

import factorisations as made
from proxsweep.nmf.model import matching
from proxsweep.nmf.model.matching import Agreement, Kind

RNG = np.random.default_rng


def cosine(x: np.ndarray, y: np.ndarray) -> float:
    sizes = np.linalg.norm(x) * np.linalg.norm(y)
    return float(x @ y / sizes) if sizes else 0.0


@pytest.mark.parametrize("rank", [1, 2, 4, 5])
def test_factors_are_matched_by_the_largest_sum_of_cosines(rank):
    rng = RNG(rank)
    a, b = rng.gamma(0.5, 1, (7, rank)), rng.gamma(0.5, 1, (7, rank))
    order, cosines = matching.match(a, b)
    totals = {way: sum(cosine(a[:, way[t]], b[:, t]) for t in range(rank)) for way in permutations(range(rank))}
    assert tuple(order) == max(totals, key=totals.get)
    np.testing.assert_allclose(cosines, [cosine(a[:, order[t]], b[:, t]) for t in range(rank)], rtol=1e-14)


def test_factors_in_another_order_and_of_another_scale_are_matched():
    b = RNG(0).gamma(0.5, 1, (9, 4))
    way = np.array([2, 0, 3, 1])
    order, cosines = matching.match(b[:, way] * [1e-200, 3, 1e200, 0.1], b)
    np.testing.assert_array_equal(way[order], range(4))
    np.testing.assert_allclose(cosines, 1, rtol=1e-14)


def test_a_column_of_zeros_has_cosine_zero():
    a, b = RNG(1).gamma(1, 1, (2, 6, 3))
    a[:, 1] = 0
    order, cosines = matching.match(a, b)
    assert cosines[list(order).index(1)] == 0
    assert (np.delete(cosines, list(order).index(1)) > 0).all()


def pair(seed: int = 3, rank: int = 3):
    rng = RNG(seed)
    return [rng.gamma(0.6, 1, shape) for shape in ((8, rank), (rank, 11), (8, rank), (rank, 11))]


def test_agreement_is_what_its_definition_says():
    w, h, best_w, best_h = pair()
    found = matching.agreement(w, h, best_w, best_h)
    difference = np.linalg.norm(w @ h - best_w @ best_h) / np.linalg.norm(best_w @ best_h)
    assert found.product_difference == pytest.approx(difference, rel=1e-9)
    order, _ = matching.match(w, best_w)
    pairs = [(w[:, order[t]], best_w[:, t]) for t in range(3)] + [(h[order[t]], best_h[t]) for t in range(3)]
    assert found.least_cosine == pytest.approx(min(cosine(*both) for both in pairs), rel=1e-14)
    one, other = (
        np.array([(x[:, t].sum() * y[t]) for t in range(3)]) for x, y in ((w[:, order], h[order]), (best_w, best_h))
    )
    assert found.samples_changed == (one.argmax(axis=0) != other.argmax(axis=0)).sum()


@pytest.mark.parametrize("scale", [1e-150, 1, 1e150])
def test_scale_and_order_of_factors_change_nothing(scale):
    w, h, best_w, best_h = pair(4)
    found = matching.agreement(w, h, best_w, best_h)
    by = np.array([1.0, 1e-120, 1e120])
    moved = matching.agreement(
        (w * by)[:, ::-1], (h / by[:, None] * scale)[::-1], best_w * by, best_h * scale / by[:, None]
    )
    np.testing.assert_allclose(moved, found, rtol=1e-10)


def test_the_best_start_agrees_with_itself():
    w, h, _, _ = pair(5)
    found = matching.agreement(w, h, w, h)
    assert found.product_difference < 1e-7
    assert (found.least_cosine, found.samples_changed) == (pytest.approx(1, abs=1e-15), 0)


def test_factors_that_have_vanished_from_both_agree():
    w, h, _, _ = pair(6)
    w[:, 1], h[1] = 0, 0
    assert matching.agreement(w, h, w, h).least_cosine == pytest.approx(1, abs=1e-15)
    other = h.copy()
    other[1] = 1
    even = w.copy()
    even[:, 1] = 1
    assert matching.agreement(even, other, w, h).least_cosine == 0


def test_a_sample_without_exposure_has_no_largest_factor():
    w, h = np.ones((3, 2)), np.array([[0.0, 1, 2], [0, 3, 1]])
    np.testing.assert_array_equal(matching.largest(w, h), [-1, 1, 0])


FAR, NEAR = 3e-6, 1e-9


@pytest.mark.parametrize(
    ("status", "gap", "tolerance", "product", "cosine", "kind"),
    [
        ("converged", NEAR, 1e-6, 1e-5, 0.995, Kind.SAME),
        ("converged", NEAR, 1e-6, 1e-5, 0.97, Kind.OTHER_FACTORS),
        ("converged", NEAR, 1e-6, 0.02, 0.97, Kind.OTHER_OPTIMUM),
        ("converged", FAR, 1e-8, 1e-5, 0.995, Kind.OTHER_OPTIMUM),
        ("converged", FAR, 1e-6, 1e-5, 0.995, Kind.SAME),
        ("converged", 1e-4, 1e-6, 1e-5, 0.995, Kind.OTHER_OPTIMUM),
        ("max_iterations", 0.0, 1e-6, 0.0, 1.0, Kind.NOT_CONVERGED),
        ("diverged", np.nan, 1e-6, np.nan, np.nan, Kind.NOT_CONVERGED),
    ],
)
def test_kinds_of_starts(status, gap, tolerance, product, cosine, kind):
    assert matching.kind(Agreement(product, cosine, 0), status, gap, tolerance) == kind


def test_a_fit_writes_how_its_starts_agree(tmp_path):
    solver = {"starts": ["6x_random"], "max_iterations": 400}
    folder = made.fitted(tmp_path / "fit", made.encoding(made.integers()[0]), "hals", solver=solver)
    table, record = pd.read_csv(folder / "starts.csv"), made.record(folder)
    assert list(table.columns)[-5:] == [*matching.COLUMNS, "won"]
    won = table[table["won"]].iloc[0]
    assert won["product_difference"] < 1e-7 and won["least_cosine"] == pytest.approx(1, abs=1e-12)
    assert won["kind"] == "same"
    for name in matching.COUNTED:
        assert record["nmf"][name] == (table["kind"] == str(name)).sum()
    assert sum(record["nmf"][name] for name in matching.COUNTED) == record["nmf"]["starts_converged"]
    with np.load(folder / "starts.npz") as arrays:
        w, h = arrays["W"].astype(float), arrays["H"].astype(float)
    best = int(table["won"].to_numpy().argmax())
    for place, row in table.iterrows():
        difference = np.linalg.norm(w[place] @ h[place] - w[best] @ h[best]) / np.linalg.norm(w[best] @ h[best])
        assert row["product_difference"] == pytest.approx(difference, abs=1e-6)


def test_starts_that_diverged_are_compared_with_nothing():
    assert all(np.isnan(matching.NOTHING))
    assert matching.counts(["same", "same", "not_converged"]) == {
        "same": 2,
        "same_product_other_factors": 0,
        "other_optimum": 0,
    }
