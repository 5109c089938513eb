"""Proximal methods for fusion-penalised problems; knows nothing of any model family."""
