"""The model, its fit, and what is written of it."""
