"""Matrices of features by samples: reading, checking, normalising and encoding them."""
