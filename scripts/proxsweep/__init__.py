"""proxsweep: sweeps of regularised, constrained model fits that say which of them to believe."""

import os

__version__ = "0.3.0"

# a graphics card is used by those who ask for it; JAX reads this when it is first imported
os.environ.setdefault("JAX_PLATFORMS", "cpu")
