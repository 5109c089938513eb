"""Config files: YAML with line numbers, the schema, labels, the config as it ran."""
