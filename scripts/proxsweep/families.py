"""The families of models, each by the module that says what it is; imported when asked for, and none beside it."""

import functools
import importlib

from proxsweep.family import Family

FAMILIES = {"dms": "proxsweep.dms.family", "nmf": "proxsweep.nmf.family"}
DEFAULT = next(iter(FAMILIES))  # of a study that names none


@functools.cache
def family(name: str) -> Family:
    """The family of that name, which must be one of :data:`FAMILIES`."""
    return importlib.import_module(FAMILIES[name]).FAMILY
