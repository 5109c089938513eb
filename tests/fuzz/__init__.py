"""Made input of all kinds of wrongness, thrown at every reader: it is read as it says, or refused in one line."""

from . import configs, folders, notebooks, records, tables, variants

MODULES = [tables, variants, configs, notebooks, records, folders]
ENTRIES = [entry for module in MODULES for entry in module.ENTRIES]
