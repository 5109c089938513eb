"""All entry points."""

from . import configs, folders, tables

ENTRIES = [*tables.ENTRIES, *configs.ENTRIES, *folders.ENTRIES]
