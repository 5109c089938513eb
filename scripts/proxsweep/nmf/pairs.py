"""What goes together: algorithms with losses and constraints, and penalties on the two factors."""

import itertools
from collections.abc import Iterator
from typing import Any

from proxsweep.config.source import Fault, KeyPath

ALGORITHMS = {"squared": ("hals", "mu", "pgd_all", "pgd_alternating"), "poisson": ("mu", "scd")}
DEFAULTS = {("squared",): "hals", ("poisson",): "scd"}  # of the losses of a study; of both `mu`, which goes with both
PENALTIES = ("l1_h", "l2_h", "l1_w", "l2_w")
SQUARES = {"l2_h": ("mu",), "l2_w": ()}  # algorithms that know them under `poisson` with columns that sum to 1
MASKED = ("hals", "mu", "scd")  # algorithms that can leave out single entries
FACTORS = {"H": ("l1_h", "l2_h"), "W": ("l1_w", "l2_w")}

Option = tuple[Any, KeyPath]  # a value of a key, and where it stands


def algorithms(loss: str, w_columns: str) -> list[str]:
    """Algorithms that minimise a loss where the columns of W are ``free`` or ``sum_to_one``."""
    constrained = w_columns == "sum_to_one"
    return [name for name in ALGORITHMS[loss] if not (name == "mu" and loss == "squared" and constrained)]


def default_algorithm(losses: list[str]) -> str:
    """The algorithm of a study that names none, by its losses."""
    return DEFAULTS.get(tuple(dict.fromkeys(losses)), "mu")


def options(study: dict[str, Any], section: str, key: str) -> list[Option]:
    """All values that a key of ``model`` or ``solver`` takes in a study, each with its place."""
    if key in study["sweep"]:
        return [(value, ("sweep", key, i)) for i, value in enumerate(study["sweep"][key])]
    return [(study[section][key], (section, key))]


def algorithm_faults(study: dict[str, Any], written: dict[str, Any]) -> Iterator[Fault]:
    """The first of the study's algorithms, losses and constraints that do not go together."""
    for (loss, place), (columns, _) in itertools.product(
        options(study, "model", "loss"), options(study, "model", "w_columns")
    ):
        known = algorithms(loss, columns)
        for i, name in enumerate(study["sweep"]["algorithm"]):
            if name not in known:
                path = ("sweep", "algorithm", i) if "algorithm" in written["sweep"] else place
                under = f"the loss `{loss}` and `w_columns: {columns}`"
                # message: the algorithm `scd` with the loss `squared` and `w_columns: free` | one of hals, mu, pgd_all,
                # pgd_alternating with these; a study of its own for other losses | The algorithm does not minimise this
                # objective. Every swept value is combined with every other. | Choose one of those; put losses that need
                # different algorithms into studies of their own.
                yield Fault(
                    path,
                    f"the algorithm `{name}` with {under}",
                    f"one of {', '.join(known)} with these; a study of its own for other losses",
                )
                return


def penalty_faults(study: dict[str, Any]) -> Iterator[Fault]:
    """The first combination of penalties that leaves the objective without a minimum, or has no effect."""
    values = [_telling(options(study, "model", key)) for key in PENALTIES]
    for columns, _ in options(study, "model", "w_columns"):
        for combination in itertools.product(*values):
            chosen = dict(zip(PENALTIES, combination, strict=True))
            faults = list(_constrained(chosen) if columns == "sum_to_one" else _free(chosen))
            if faults:
                yield faults[0]
                return


def square_faults(study: dict[str, Any]) -> Iterator[Fault]:
    """Squared penalties under `poisson` with columns that sum to 1, which no algorithm, or not that one, minimises."""
    constrained = any(value == "sum_to_one" for value, _ in options(study, "model", "w_columns"))
    if not constrained or all(value != "poisson" for value, _ in options(study, "model", "loss")):
        return
    for key, known in SQUARES.items():
        for value, path in options(study, "model", key):
            if value > 0 and not set(study["sweep"]["algorithm"]) <= set(known):
                found = f"`{key}` {value:g} with the loss `poisson` and `w_columns: sum_to_one`"
                # message: `l2_w` 0.5 with the loss `poisson` and `w_columns: sum_to_one` | `l2_w` 0 / `l2_h` 0, or the
                # algorithm mu alone | No algorithm here minimises this objective; `l2_h` is known to `mu`. | Remove the
                # penalty, or change loss, constraint or algorithm.
                yield Fault(path, found, f"`{key}` 0" + (", or the algorithm mu alone" if known else ""))
                return


def _telling(found: list[Option]) -> list[Option]:
    """Of all values of a penalty the first that is 0 and the first above 0."""
    return list({value > 0: (value, path) for value, path in reversed(found)}.values())


def _constrained(chosen: dict[str, Option]) -> Iterator[Fault]:
    value, path = chosen["l1_w"]
    if value > 0:
        # message: `l1_w` 0.5 with `w_columns: sum_to_one` | `l1_w` 0, since the sum of W is then the rank, whatever the
        # fit | The penalty is a constant. | Remove `l1_w`, or write `w_columns: free`.
        yield Fault(
            path,
            f"`l1_w` {value:g} with `w_columns: sum_to_one`",
            "`l1_w` 0, since the sum of W is then the rank, whatever the fit",
        )


def held_out_faults(study: dict[str, Any]) -> Iterator[Fault]:
    """Algorithms and penalties with which single entries cannot be left out of a fit."""
    folds = study["cross_validation"]
    if not folds or folds["hold_out"] != "entries":
        return
    here, instead = ("cross_validation", "hold_out"), "`hold_out: blocks`"
    wrong = [name for name in study["sweep"]["algorithm"] if name not in MASKED]
    if wrong:
        # message: `hold_out: entries` with the algorithm `pgd_all` | `hold_out: blocks`, or algorithms of hals, mu, scd
        # alone | Only these leave single entries out. | Choose one of the two.
        yield Fault(
            here,
            f"`hold_out: entries` with the algorithm `{wrong[0]}`",
            f"{instead}, or algorithms of {', '.join(MASKED)} alone",
        )
    values = {key: [value for value, _ in options(study, "model", key)] for key in ("loss", "w_columns", *PENALTIES)}
    penalties = [key for key in PENALTIES if max(values[key]) > 0]
    if "poisson" in values["loss"] and "sum_to_one" in values["w_columns"] and penalties:
        # message: `hold_out: entries` with the loss `poisson`, `w_columns: sum_to_one` and `l1_h` | `hold_out: blocks`,
        # or no penalty | The fit under this constraint follows from the free one only where all entries are seen. |
        # Hold out blocks, or set the penalty to 0.
        yield Fault(
            here,
            f"`hold_out: entries` with the loss `poisson`, `w_columns: sum_to_one` and `{penalties[0]}`",
            f"{instead}, or no penalty",
        )


def _free(chosen: dict[str, Option]) -> Iterator[Fault]:
    above = {factor: [key for key in keys if chosen[key][0] > 0] for factor, keys in FACTORS.items()}
    for factor, other in (("H", "W"), ("W", "H")):
        if above[factor] and not above[other]:
            key = above[factor][0]
            value, path = chosen[key]
            found = f"`{key}` {value:g}, a penalty on {factor} alone"
            # message: `l1_h` 0.5, a penalty on H alone | a penalty on both factors, or `w_columns: sum_to_one`: no
            # minimum exists otherwise, as H shrinks and W grows with the same product, and the penalty tends to 0
            # | W H is the same if H is divided and W multiplied by one number. Swept weights are combined with each
            # other. | Add a penalty on the other factor, or constrain the columns of W.
            yield Fault(
                path,
                found,
                f"a penalty on both factors, or {_way_out(factor)}: no minimum exists otherwise, as {factor} shrinks "
                f"and {other} grows with the same product, and the penalty tends to 0",
            )


def _way_out(factor: str) -> str:
    return "`w_columns: sum_to_one`" if factor == "H" else "`w_columns: sum_to_one` (under which `l2_w` alone is fine)"
