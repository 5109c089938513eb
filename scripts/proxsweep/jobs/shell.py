"""What of the user's shell reaches JAX and matplotlib: where to compute and what to keep, nothing that changes results.

Standard library only: every command calls this before it imports anything large.
"""

import importlib.util
import os
from collections.abc import MutableMapping
from pathlib import Path

from proxsweep.io.errors import UserError
from proxsweep.jobs.cache import VARIABLE as CACHE

PLATFORMS = "JAX_PLATFORMS"
OTHER_NAMES = ("JAX_PLATFORM_NAME",)
"""Older names of that variable."""

KEPT = (PLATFORMS, CACHE, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "JAX_LOG_COMPILES")


def only_what_is_safe(variables: MutableMapping[str, str]) -> None:
    """Take JAX's switches out of the environment, older names of :data:`PLATFORMS` read as that.

    Strict promotion, single precision, no compilation: each would end fits or change their numbers.
    """
    for name in OTHER_NAMES:
        if variables.get(name):
            variables.setdefault(PLATFORMS, variables[name])
    for name in [name for name in variables if name.startswith("JAX_") and name not in KEPT]:
        del variables[name]


def check_platforms(variables: MutableMapping[str, str]) -> None:
    """Refuse a platform that the JAX of this environment does not have.

    Whether a node has such a device, only its kernel can see.

    Raises
    ------
    UserError
    """
    name = next((name for name in (PLATFORMS, *OTHER_NAMES) if variables.get(name)), PLATFORMS)
    asked = variables.get(name, "")
    known = ["cpu", *_plugins()]
    wrong = [one for one in asked.split(",") if one and not _has(one.strip().lower(), known)]
    if wrong:
        # message: 'cuda' (place: JAX_PLATFORMS, in the environment) | cpu, which is all that this environment's JAX
        # has: unset the variable, or install JAX for cuda | A variable of the shell asks JAX to compute where it
        # cannot. | `unset JAX_PLATFORMS`, or install JAX for that platform.
        raise UserError(
            f"{name}, in the environment",
            repr(asked),
            f"{' or '.join(known)}, which is all that this environment's JAX has: unset the variable, or install JAX "
            f"for {wrong[0]}",
        )


def _has(platform: str, known: list[str]) -> bool:
    others = {"gpu": ("cuda", "rocm")}.get(platform, (platform,))
    return any(one.startswith(others) for one in known)


def _plugins() -> list[str]:
    """Platforms of installed plugins, as ``cuda12``."""
    import importlib.metadata

    found = {entry.name for entry in importlib.metadata.entry_points(group="jax_plugins")}
    package = importlib.util.find_spec("jax_plugins")
    for place in package.submodule_search_locations or [] if package else []:
        found |= {path.name for path in Path(place).iterdir() if path.is_dir()}
    return sorted(name.removeprefix("xla_") for name in found if not name.startswith("_"))


def default_matplotlibrc() -> dict[str, str]:
    """The variable that names matplotlib's own settings, in place of the user's; matplotlib itself is not imported."""
    package = importlib.util.find_spec("matplotlib")
    places = package.submodule_search_locations if package else None
    return {"MATPLOTLIBRC": os.path.join(places[0], "mpl-data", "matplotlibrc")} if places else {}
