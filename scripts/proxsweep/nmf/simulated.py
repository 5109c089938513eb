"""What a simulated matrix is too small or too large for, before it is made."""

from collections.abc import Iterator
from typing import Any

from proxsweep.config.source import Fault

LARGEST = 10**8  # entries, as proxsweep.nmf.data.simulate refuses more
HERE = ("data", "simulate")


def faults(study: dict[str, Any], written: dict[str, Any]) -> Iterator[Fault]:
    """Faults of a study whose matrix is simulated, their paths relative to it."""
    simulated = study["data"]["simulate"]
    yield from _size_faults(simulated)
    parts = (study["data"]["replicates"] or {}).get("split", 1)
    each = simulated["samples"] // parts
    if each < 2:
        # message: A part of one sample has nothing to factorise. | Simulate more samples, or make fewer parts.
        yield Fault(
            ("data", "replicates", "split"),
            f"{parts} parts of {simulated['samples']} samples",
            "at least 2 samples in every part",
        )
        return
    yield from _rank_faults(study["sweep"]["rank"], written["sweep"]["rank"], simulated["features"], each)


def _size_faults(simulated: dict[str, Any]) -> Iterator[Fault]:
    features, samples, factors = (simulated[key] for key in ("features", "samples", "factors"))
    if features * samples > LARGEST:
        # message: The simulated matrix is a table of text. | Simulate a smaller one.
        yield Fault(HERE, f"{features} features x {samples} samples", f"at most {LARGEST:g} entries")
    if factors > min(features, samples):
        # message: A matrix has no more factors than features or samples. | Simulate fewer factors.
        yield Fault(
            (*HERE, "factors"), f"{factors} factors", f"at most {min(features, samples)}, as features or samples"
        )
    if simulated["active"] > factors:
        # message: `active` is the mean number of a sample's factors. | Lower it, or raise `factors`.
        yield Fault((*HERE, "active"), f"{simulated['active']:g} active factors", f"at most {factors}, `factors`")


def _rank_faults(ranks: list[int], written: Any, features: int, samples: int) -> Iterator[Fault]:
    """The first rank above the smaller side; ``samples`` are those of the smallest replicate."""
    most = min(features, samples)
    for i, rank in enumerate(ranks):
        if rank > most:
            path = ("sweep", "rank", i) if isinstance(written, list) else ("sweep", "rank")
            # message: With more factors than rows or columns the matrix is its own factor. | Leave out these ranks.
            yield Fault(
                path,
                f"the rank {rank}",
                f"at most {most}, the smaller of {features} features and {samples} samples of a replicate",
            )
            return
