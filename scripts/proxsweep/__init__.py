"""proxsweep: sweeps of regularised, constrained model fits that say which of them to believe."""

__version__ = "0.1.0"
