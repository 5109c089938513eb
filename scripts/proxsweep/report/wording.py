"""Numbers and sentences as figures and tables print them; needs no plotting library."""

from collections.abc import Iterable


def short_number(number: float) -> str:
    """Print a number with at most three digits: ``0``, ``4e-5``, ``1.6e-4``, ``5e-2``, ``0.5``, ``2``."""
    if number == 0:
        return "0"
    if 0.1 <= abs(number) < 1000:
        return f"{number:.3g}"
    mantissa, exponent = f"{number:.2e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def count_label(counts: Iterable[int]) -> str:
    """``n = 812`` or, where the counts differ, ``n = 801 to 812``."""
    values = sorted({int(count) for count in counts})
    if not values:
        return "n = 0"
    return f"n = {values[0]:,}" if len(values) == 1 else f"n = {values[0]:,} to {values[-1]:,}"


def means_note(most: int) -> str:
    """One sentence for values that are means over at most so many replicates; nothing where each rests on one."""
    return f"Means over up to {most} replicates." if most > 1 else ""


def unconverged_note(converged: Iterable[bool], what: str = "fits", diverged: int = 0) -> str:
    """For a figure's foot: how many of the fits drawn did not converge, and that they are hollow.

    ``diverged`` counts fits beside these that have no point.
    """
    flags = [bool(flag) for flag in converged]
    missing = flags.count(False)
    things, _, of = what.partition(" ")
    text = f"Hollow: {missing} of {len(flags)} {what} not converged."
    if missing == 0:
        text = f"All {len(flags)} {what} converged." if flags else ""
    if missing == 0 and len(flags) == 1:
        text = f"The {things.removesuffix('s')} {of}".rstrip() + " converged."
    return " ".join(filter(None, (text, f"{diverged} more diverged: no point." if diverged else "")))
