"""How compiled functions of the solver are compiled."""

import functools

import jax

# XLA's older emitters compile the solver in half the time and memory; its code then runs about a sixth slower
# (docs/solver.md). A fit solves for about a second, so compilation weighs more.
OPTIONS = {"xla_cpu_use_fusion_emitters": False}


def compiled(*static: str):
    """Decorator: `jax.jit` with these arguments static."""
    return functools.partial(jax.jit, static_argnames=static, compiler_options=OPTIONS)
