"""What unit tests share."""

from collections.abc import Iterator

import jax
import pytest


@pytest.fixture(scope="module", autouse=True)
def _compiled_quickly(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compile in half the time and to slower code, but not the operators, whose ties are equal to the last bit."""
    jax.config.update("jax_disable_most_optimizations", "optimize" not in request.path.parts)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
