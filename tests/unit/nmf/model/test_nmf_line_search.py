"""What is asked of a projected step: a share of what the gradient promises along the step itself, not of a |g|^2."""

import numpy as np
import pytest

import factorisations as made

DECREASE, SUFFICIENT, MOST_TRIALS = 0.5, 0.01, 60


def projected_gradient(iterations: int, along_the_step: bool) -> tuple[np.ndarray, np.ndarray, int]:
    """Steps on W and H at once, in plain NumPy; also how many of them found no step at all."""
    v, w, h = made.integers()
    step, stalled = 1.0, 0
    for _ in range(iterations):
        rest = w @ h - v
        by_w, by_h = rest @ h.T, w.T @ rest
        value, trial = (rest**2).sum() / 2, step / DECREASE
        for _ in range(MOST_TRIALS):
            new_w, new_h = np.maximum(w - trial * by_w, 0), np.maximum(h - trial * by_h, 0)
            promised = (by_w * (new_w - w)).sum() + (by_h * (new_h - h)).sum()
            wanted = promised if along_the_step else -trial * ((by_w**2).sum() + (by_h**2).sum())
            if ((new_w @ new_h - v) ** 2).sum() / 2 - value <= SUFFICIENT * wanted:
                w, h, step = new_w, new_h, trial
                break
            trial *= DECREASE
        else:
            stalled += 1
    return w, h, stalled


def test_a_step_is_asked_for_what_its_own_length_promises():
    w, h, stalled = projected_gradient(300, True)
    assert not stalled
    ours = made.Driver(*made.integers(), "pgd_all").to(300)
    for found, expected in zip(ours.factors(), (w, h), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-8)


def test_asked_for_the_square_of_the_gradient_it_stalls():
    w, h, stalled = projected_gradient(300, False)
    assert stalled > 100
    stands = made.Driver(made.integers()[0], w, h, "pgd_all").residual()
    assert stands > 100 * made.Driver(*made.integers(), "pgd_all").to(2000).residual()
    assert stands > 1e-3


def test_the_step_of_a_block_is_that_of_the_whole_objective():
    """The quadratic of a block needs k x k work a trial and decides as the objective itself does."""
    v, w, h = made.integers()
    steps = [1.0, 1.0]
    for count in range(1, 11):
        for block in (0, 1):
            slope = (w @ h - v) @ h.T if block == 0 else w.T @ (w @ h - v)
            value, trial = ((v - w @ h) ** 2).sum() / 2, steps[block] / DECREASE
            while True:
                old = (w, h)[block]
                new = np.maximum(old - trial * slope, 0)
                factors = (new, h) if block == 0 else (w, new)
                change = ((v - factors[0] @ factors[1]) ** 2).sum() / 2 - value
                if change <= SUFFICIENT * (slope * (new - old)).sum():
                    break
                trial *= DECREASE
            (w, h), steps[block] = factors, trial
        if count in (1, 2, 10):
            ours = made.Driver(*made.integers(), "pgd_alternating").to(count)
            assert ours.objective() == pytest.approx(((v - w @ h) ** 2).sum() / 2, rel=1e-10)


def test_more_steps_a_block_come_nearer_to_its_optimum():
    once = made.Driver(*made.integers(), "pgd_alternating").to(1).objective()
    often = made.Driver(*made.integers(), "pgd_alternating", {"inner": 20}).to(1).objective()
    assert often < once - 100
