"""All entry points."""

from . import tables

ENTRIES = [*tables.ENTRIES]
