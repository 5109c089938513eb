"""Non-negative matrix factorisation: a matrix as the product of a few non-negative factors (docs/nmf.md)."""
