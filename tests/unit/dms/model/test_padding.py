"""Problems of about the same size share compiled code, and what fills them up counts for nothing."""

import numpy as np
import pytest
from jax import monitoring

import toys
from proxsweep.dms.model import fit
from proxsweep.optimize.padding import DOUBLING, SMALLEST, padded, shared_size

COMPILED = "/jax/core/compile/backend_compile_duration"


def solve(**shape):
    return fit.fit(toys.toy(**shape), 1e-3, "reference", toys.MODEL, toys.SOLVER, lambda line: None)


def test_a_second_problem_of_about_the_same_size_compiles_nothing():
    compiled = []
    solve(variants=60)
    monitoring.register_event_duration_secs_listener(lambda name, *_, **__: name == COMPILED and compiled.append(name))
    try:
        solve(variants=57, mutations=9, bundle=1, seed=3)
        assert not compiled
        solve(variants=600)
        assert compiled
    finally:
        monitoring.clear_event_listeners()


@pytest.mark.parametrize("count", [0, 1, SMALLEST, SMALLEST + 1, DOUBLING, 2049, 131_072, 131_073, 10_000_001])
def test_large_sizes_are_at_most_an_eighth_too_large(count):
    size = shared_size(count)
    assert size >= max(count, SMALLEST) and shared_size(size) == size
    assert size <= max(count * 9 / 8, SMALLEST) or (size <= DOUBLING and size < 2 * count)


def test_the_last_axis_is_filled_up():
    np.testing.assert_array_equal(padded(np.array([[1, 2], [3, 4]]), 3, 9), [[1, 2, 9], [3, 4, 9]])
