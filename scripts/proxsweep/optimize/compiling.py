"""How compiled functions of the solver are compiled."""

import functools
from collections.abc import Callable

import jax

# XLA's older emitters compile the solver in half the time and memory; its code then runs about a sixth slower
# (docs/solver.md). A fit solves for about a second, so compilation weighs more.
OLDER_EMITTERS = {"xla_cpu_use_fusion_emitters": False}


def compiled(*static: str) -> Callable:
    """Decorator: `jax.jit` with these arguments static, compiled quickly."""

    def decorate(function: Callable) -> Callable:
        @functools.cache
        def built() -> Callable:
            return jax.jit(function, static_argnames=static, compiler_options=_options())

        @functools.wraps(function)
        def call(*values, **named):
            return built()(*values, **named)

        return call

    return decorate


@functools.cache
def _options() -> dict[str, bool]:
    """The compiler's options, as far as this version of JAX knows them (0.12 has only the newer emitters)."""
    try:
        jax.jit(lambda: 0.0, compiler_options=OLDER_EMITTERS)()
    except RuntimeError:
        return {}
    return OLDER_EMITTERS
