"""Settings that follow from the scores: subtraction of the wildtype, limits, the bound of the scale."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from proxsweep.dms.init.choice import Choice, counted

STOPS = 20  # rows with a stop that a replicate needs for their median to be a limit
BELOW = 0.25  # largest share of scores that may lie below the limit
TAIL = 0.005  # share of scores in a tail
LONG = 2.0  # a tail is long that goes this many times as far from the median as all but the tail do
FAR = 0.1  # distance of wildtypes from 0, in units of the range of most scores, from which on it is subtracted
BOUND = 10.0  # score units: the default bound of the scale


def choices(variants: pd.DataFrame, linear: bool) -> list[Choice]:
    """Choices by the scored variants of a study, before they are clipped.

    Parameters
    ----------
    variants
        As :class:`proxsweep.dms.data.preprocess.Preprocessed` has them: ``replicate``, ``condition``,
        ``aa_substitutions``, ``func_score``.
    linear
        Whether the model has no sigmoid.
    """
    scores = variants["func_score"].to_numpy(float)
    wild = _wildtype(variants, scores)
    if wild is not None:
        means = variants[variants["aa_substitutions"] == ""].groupby(["replicate", "condition"])["func_score"]
        pairs = zip(variants["replicate"], variants["condition"], strict=True)
        scores = scores - np.array([means.mean().to_dict()[pair] for pair in pairs])
    found = [*([wild] if wild else []), _clip(variants, scores, linear)]
    return found + list(_bound(scores, found[-1], linear))


def _wildtype(variants: pd.DataFrame, scores: np.ndarray) -> Choice | None:
    """Wildtypes far from 0 are those of absolute values, which conditions do not share."""
    groups = variants.groupby(["replicate", "condition"]).size()
    means = variants[variants["aa_substitutions"] == ""].groupby(["replicate", "condition"])["func_score"].mean()
    if len(means) < len(groups):
        return None
    low, high = np.quantile(scores, [0.01, 0.99])
    if means.abs().max() <= FAR * max(high - low, 1e-12):
        return None
    by_condition = means.groupby("condition").mean()
    told = ", ".join(f"{name} {mean:.3g}" for name, mean in by_condition.items())
    why = f"the mean score of the wildtype is not 0 ({told})"
    return Choice("data.subtract_wildtype", True, why, "are scores to be relative to each condition's wildtype?")


def _clip(variants: pd.DataFrame, scores: np.ndarray, linear: bool) -> Choice:
    """The median stop as the lower limit where there are stops enough; else a limit for a long lower tail alone.

    A linear model gets no limit for a tail: of single mutants, the far ones are what is looked for. Nothing is cut off
    from above: gains are as real as the rest.
    """
    lower, told = _stops(variants, scores)
    if lower is None and not linear:
        lower, below = _lower(scores)
        told = below or told
    why = f"{told}; the largest score is {scores.max():.3g}, and a number can stand there as the upper limit"
    return Choice("data.clip", None if lower is None else [lower, None], why)


def _stops(variants: pd.DataFrame, scores: np.ndarray) -> tuple[str | None, str]:
    stops = variants["aa_substitutions"].str.contains("*", regex=False).to_numpy()
    replicate = variants["replicate"].to_numpy()
    if any((stops & (replicate == label)).sum() < STOPS for label in np.unique(replicate)):
        return (
            None,
            f"there are no stops, or too few, to set a lower limit, and the smallest score is {scores.min():.3g}",
        )
    median = float(np.median(scores[stops]))
    told = f"there is a stop in {counted(stops.sum())}, with a median score of {median:.3g}"
    below = float((scores < median).mean())
    if below > BELOW:
        return None, f"{told}, but {100 * below:.0f} % of the scores are below it"
    return "median_stop", f"{told}; nothing is worse, so what lies below ({100 * below:.1f} % of the scores) is noise"


def _lower(scores: np.ndarray) -> tuple[float | None, str]:
    limit = _tail(-scores)
    if limit is None:
        return None, ""
    share = 100 * (scores < -limit).mean()
    return -limit, f"{share:.2f} % of the scores are below {-limit:g}, down to {scores.min():.3g}"


def _tail(scores: np.ndarray) -> float | None:
    """The limit of a long upper tail, rounded to half of the leading digit's unit; None where there is none."""
    middle, edge = np.quantile(scores, [0.5, 1 - TAIL])
    width = edge - middle
    if width <= 0 or scores.max() - middle <= LONG * width:
        return None
    unit = 10.0 ** np.floor(np.log10(width)) / 2
    limit = float(np.round(np.ceil(edge / unit) * unit, 10))
    return limit if limit < scores.max() else None


def _bound(scores: np.ndarray, clip: Choice, linear: bool) -> Iterator[Choice]:
    """A scale that can span the scores; the default is made for log ratios."""
    lower = (clip.value or [None])[0]
    span = scores.max() - (lower if isinstance(lower, float) else scores.min())
    if linear or span <= BOUND:
        return
    why = f"scores span {span:.3g} units, and the default bound of {BOUND:g} is made for log ratios"
    ask = "is this what is to be fitted, or its logarithm? `huber_delta` and `ridge` are made for log ratios too."
    yield Choice("model.scale_bound", "2x_score_range", why, ask)
