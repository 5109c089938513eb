"""What must hold between the keys of an ``nmf`` study, beyond the schema, and what follows from them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from proxsweep.config.source import Fault
from proxsweep.nmf import pairs, simulated, sources

MOST_RANKS = 1000


def normalise(study: dict[str, Any]) -> Iterator[Fault]:
    """One form for local paths and ranges of ranks, and the algorithm of a study that names none; faults of ranges."""
    sources.expand_homes(study["data"])
    swept = study["sweep"]
    if "algorithm" not in swept:
        swept["algorithm"] = [pairs.default_algorithm([loss for loss, _ in pairs.options(study, "model", "loss")])]
    if isinstance(swept["rank"], dict):
        lowest, highest = swept["rank"]["from"], swept["rank"]["to"]
        faults = list(_range_faults(lowest, highest))
        yield from faults
        swept["rank"] = [lowest] if faults else list(range(lowest, highest + 1))


def _range_faults(lowest: int, highest: int) -> Iterator[Fault]:
    if lowest > highest:
        # message: The ends of the range are in the wrong order. | Exchange the two numbers.
        yield Fault(("sweep", "rank"), f"a range from {lowest} to {highest}", "from <= to")
    elif highest - lowest >= MOST_RANKS:
        # message: Each rank is a fit. | Sweep fewer ranks; a list need not have all between its ends.
        yield Fault(("sweep", "rank"), f"a range of {highest - lowest + 1} ranks", f"at most {MOST_RANKS}")


def faults(written: dict[str, Any], study: dict[str, Any], base: Path) -> Iterator[Fault]:
    """Faults of one study, their paths relative to it.

    ``written`` is the study as it stands in the config, ``study`` has every default filled in and its ranks as a list;
    both are valid by the schema. Local paths are relative to ``base``.

    Raises UserError for a folder without a matrix, and for what is no table of samples by its header.
    """
    of_data = list(sources.faults(written, study, base))
    yield from of_data
    if not of_data:
        sources.look_into(study["data"], base)
    if "normalise" in written["sweep"] and "normalise" in written["data"]:
        # message: One key cannot be both varied and fixed. | Remove one of the two.
        yield Fault(
            ("sweep", "normalise"),
            "`normalise` under `sweep` and under `data`",
            "it in one place: under `sweep` to vary it, under `data` to fix it",
        )
    yield from pairs.algorithm_faults(study, written)
    yield from pairs.penalty_faults(study)
    yield from pairs.square_faults(study)
    yield from _start_faults(study)
    yield from pairs.held_out_faults(study)
    yield from _chosen_faults(written, study)
    if study["summaries"]["labels"] is not None and not of_data:
        yield from sources.label_faults(study, base)
    if study["data"]["simulate"] is not None:
        yield from simulated.faults(study, written)


def _start_faults(study: dict[str, Any]) -> Iterator[Fault]:
    for starts, path in [*pairs.options(study, "solver", "starts"), *_starts_of_parts(study)]:
        kinds = ["random" if is_random(start) else start for start in starts]
        for i, kind in enumerate(kinds):
            if kind in kinds[:i]:
                first = starts[kinds.index(kind)]
                # message: `20x_random` beside `10x_random` | every start once, random ones as one number | Random
                # starts are drawn by the seed in order: those of the smaller number would be run twice. | Keep the
                # larger number.
                yield Fault(
                    (*path, i), f"`{starts[i]}` beside `{first}`", "every start once, random ones as one number"
                )


def _starts_of_parts(study: dict[str, Any]) -> Iterator[pairs.Option]:
    for section in ("cross_validation", "resamples"):
        found = (study.get(section) or {}).get("starts")
        if found:
            yield found, (section, "starts")


def _chosen_faults(written: dict[str, Any], study: dict[str, Any]) -> Iterator[Fault]:
    for key in written.get("chosen") or {}:
        if key not in ("rank", "rule", *study["sweep"]) and written["chosen"][key] is not None:
            # message: `loss` under `chosen`, which is not swept | a swept key (algorithm, rank) | `chosen` names one of
            # several swept values. | Remove it there, or sweep it.
            yield Fault(
                ("chosen", key), f"`{key}`, which is not swept", f"a swept key ({', '.join(sorted(study['sweep']))})"
            )


def has_several_starts(sweep: dict[str, Any], solver: dict[str, Any]) -> bool:
    """Whether every fit has several starts, whose factors can be compared."""
    return all(sum(map(count, starts)) > 1 for starts in sweep.get("starts", [solver["starts"]]))


def is_random(start: str) -> bool:
    """Whether an entry of ``starts`` stands for random ones."""
    return start == "random" or start.endswith("x_random")


def count(start: str) -> int:
    """How many starts an entry of ``starts`` stands for."""
    return int(start.removesuffix("x_random")) if start.endswith("x_random") else 1


def has_random_starts(sweep: dict[str, Any], solver: dict[str, Any]) -> bool:
    """Whether some fit to the whole matrix starts at random points."""
    lists = sweep.get("starts", [solver.get("starts", [])])
    return any(is_random(start) for starts in lists for start in starts)


def uses_seed(study: dict[str, Any]) -> bool:
    """Whether some fit, those to parts included, starts at random points."""
    parts = [start for starts, _ in _starts_of_parts(study) for start in starts]
    return has_random_starts(study["sweep"], study["solver"]) or any(map(is_random, parts))


def settle(study: dict[str, Any], base: Path) -> Iterator[Fault]:
    """Fill in what follows from other keys of a study without faults.

    How the matrix is normalised is a setting of fits, which may be swept: it moves to ``model``. Rows and layer of an
    ``.h5ad``, as others have features in rows. A seed that nothing uses is taken away.
    """
    data = study["data"]
    study["model"]["normalise"] = data.pop("normalise")
    if data["matrix"] and data["features_in"] is None:
        data["features_in"] = "columns" if sources.is_h5ad(data) else "rows"
    if data["matrix"] and sources.is_h5ad(data):
        data["layer"] = data["layer"] or "X"
    if "column" in (data["replicates"] or {}):
        data["replicates"].pop("seed", None)
    if not uses_seed(study):
        study["solver"]["seed"] = None  # no fit uses it, so none depends on it
    return iter(())


def as_written(values: dict[str, Any]) -> None:
    """How the matrix is normalised back where a config says it; nothing where it is swept."""
    if "normalise" in values["model"]:
        values["data"]["normalise"] = values["model"].pop("normalise")
