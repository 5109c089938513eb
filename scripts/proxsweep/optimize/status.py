"""How a fit ended."""

from enum import StrEnum


class Status(StrEnum):
    """How a fit ended. ``failed`` stands for a job without a record."""

    CONVERGED = "converged"
    MAX_ITERATIONS = "max_iterations"
    MAX_SECONDS = "max_seconds"
    DIVERGED = "diverged"
    FAILED = "failed"
