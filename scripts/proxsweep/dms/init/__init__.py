"""A first config for a table that nobody described: what its columns are, and what follows from that."""
