"""The sweep table: which fits a study asks for, and the one label of every parameter value.

A fit is named by its swept parameters, a folder each: ``difference~equivariant/lasso~4e-05/replicate~1``. A
label depends on its value alone, so values added to a sweep never rename the fits that are there.
"""

import copy
import math
import numbers
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from proxsweep.io.errors import UserError
from proxsweep.sweep.study import Roles, Study

LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
PARTIAL = ("fold", "resample")  # last in the path of a fit that is not to all observations of its replicate


@dataclass(frozen=True)
class Fit:
    """One fit of a study: its swept values and their labels, both by parameter in the order of the path.

    ``rows`` says which observations it is to: None for all, ``{fold, folds, seed, stratify}`` for all but one fold,
    ``{resample, seed, method}`` for a bootstrap resample. ``labels`` then end with ``fold`` or ``resample``.
    """

    study: Study
    values: dict[str, Any]
    labels: dict[str, str]
    rows: dict[str, Any] | None = None

    @property
    def parts(self) -> str:
        """The fit's part of a path, one ``parameter~label`` a folder."""
        return path_folder(self.labels)

    def spec(self) -> dict[str, Any]:
        """All that this fit depends on, and nothing about its neighbours, as plain JSON-able values.

        Swept model and solver keys stand in ``model`` and ``solver``, in place of the study's common values,
        as well as in ``fit``.
        """
        swept = {
            section: {name: self.values.get(name, value) for name, value in common.items()}
            for section, common in (("model", self.study.model), ("solver", self.study.solver))
        }
        return copy.deepcopy(
            {
                "study": self.study.name,
                "family": self.study.family,
                "fit": self.values,
                "labels": self.labels,
                "rows": self.rows,
                **swept,
            }
        )


def label(value: Any) -> str:
    """The label of a parameter value: equal numbers have one label, and it reads back to exactly that number.

    Numbers take the shortest text that reads back to the same float, without a trailing ``.0``: 4e-5, 4.0e-05
    and 0.00004 are ``4e-05``; 2 and 2.0 are ``2``. Booleans are ``true`` and ``false``, None is ``none``,
    text is itself, a difference is its name, and the items of a list are joined by ``+``.

    Raises
    ------
    ValueError
        For NaN, infinity, an empty list, and text that could not be part of a path.
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, numbers.Real):
        return _number(value)
    if isinstance(value, dict):
        return label(value["name"])
    if isinstance(value, list | tuple) and value:
        return "+".join(label(item) for item in value)
    if isinstance(value, str) and LABEL.fullmatch(value):
        return value
    raise ValueError(f"{value!r} cannot be a label")


def _number(value: numbers.Real) -> str:
    as_float = float(value)
    if not math.isfinite(as_float):
        raise ValueError(f"{value!r} cannot be a label: not a finite number")
    if as_float != value:  # an integer beyond the exact integers of floats
        return str(value)
    return repr(as_float + 0.0).removesuffix(".0")  # + 0.0: minus zero is zero


def path_order(names: list[str], first: Sequence[str]) -> list[str]:
    """Parameters in the order of a fit's path: those that the family puts ``first``, then the others by name."""
    return [name for name in first if name in names] + sorted(set(names) - set(first))


def table(study: Study) -> list[Fit]:
    """Every fit of the study: those to all observations, then the folds, then the resamples.

    Each is the product of the swept values, the last parameter of the path fastest.
    """
    fits = full(study)
    return fits + [part for kind in PARTIAL for fit in fits for part in _parts_of(fit, kind)]


def full(study: Study) -> list[Fit]:
    """The study's fits to all observations of a replicate."""
    return [_fit(study, dict(zip(study.sweep, values, strict=True))) for values in product(*study.sweep.values())]


def _parts_of(fit: Fit, kind: str) -> list[Fit]:
    """The fits to folds, or resamples, of the observations that ``fit`` is to, as many as the study asks for."""
    settings = fit.study.cross_validation if kind == "fold" else fit.study.resamples
    if not settings or not _is_asked(fit, settings):
        return []
    count = settings["folds" if kind == "fold" else "count"]
    return [_part(fit, _rows(kind, number, settings, fit.study.roles)) for number in range(1, count + 1)]


def _is_asked(fit: Fit, settings: dict[str, Any]) -> bool:
    """Whether parts are asked for of this replicate, and at this strength where the settings name some."""
    roles = fit.study.roles
    named = ((settings.get("replicates"), roles.replicate), (settings.get(roles.strength), roles.strength))
    return all(values is None or fit.values[parameter] in values for values, parameter in named if parameter)


def _rows(kind: str, number: int, settings: dict[str, Any], roles: Roles) -> dict[str, Any]:
    """``rows`` of a fit to one part, counted from 1: its number, and the settings that tell what it is made from."""
    left_out = ("count", "replicates", roles.strength)
    return {kind: str(number), **{key: value for key, value in settings.items() if key not in left_out}}


def _part(fit: Fit, rows: dict[str, Any]) -> Fit:
    label_of_part = {name: rows[name] for name in PARTIAL if name in rows}
    return Fit(fit.study, fit.values, {**fit.labels, **label_of_part}, rows)


def plan(fits: list[Fit]) -> list[dict[str, Any]]:
    """Fits as a study's tables need them: labels and where their files lie, relative to the working directory.

    The keys of an entry are those of :mod:`proxsweep.sweep.collect`, and ``labels``.
    """
    return [_planned(fit.study.name, fit.study.family, fit.labels) for fit in fits]


def _planned(study: str, family: str, labels: dict[str, str]) -> dict[str, Any]:
    parts = path_folder(labels)
    return {
        "study": study,
        "family": family,
        "labels": labels,
        "path": f"results/{study}/fits/{parts}",
        "log": f"logs/{study}/fits/{parts}.log",
        "kept": f"logs/{study}/fits/{parts}.ipynb",
    }


def path_folder(labels: dict[str, str]) -> str:
    """Labels as a part of a path, one ``parameter~label`` a folder."""
    return "/".join(f"{name}~{text}" for name, text in labels.items())


def find(study: Study, parts: str) -> Fit:
    """The fit that ``parts`` names.

    Raises
    ------
    UserError
        If the study has no such fit.
    """
    names = list(study.sweep)
    pairs = [part.partition("~")[::2] for part in parts.split("/")]
    found = [name for name, _ in pairs]
    if found[: len(names)] != names or len(found) > len(names) + 1:
        pattern = "/".join(f"{name}~..." for name in names)
        # message: All swept parameters, in this order, name a fit. | Copy the path from `status.csv`.
        raise UserError(f"study {study.name}", f"a fit called {parts!r}", f"a name of the form {pattern}")
    fit = _fit(study, {name: _value(study, name, text) for name, text in pairs[: len(names)]})
    return fit if len(found) == len(names) else _find_part(fit, *pairs[-1])


def _find_part(fit: Fit, kind: str, text: str) -> Fit:
    parts = [part for name in PARTIAL for part in _parts_of(fit, name)]
    for part in parts:
        if part.labels.get(kind) == text:
            return part
    known = ", ".join(f"{part.parts.rpartition('/')[2]}" for part in parts) or "none"
    # message: There are fewer folds or resamples. | Choose one of those, or raise their number in the config.
    raise UserError(f"study {fit.study.name}, {fit.parts}", f"the part {kind}~{text}", f"one of its parts ({known})")


def neighbour(fit: Fit) -> Fit | None:
    """The next fit of its path, to the same observations, whose solution may be a start of this one.

    None for the first fit of a path, and in a family without paths.
    """
    roles = fit.study.roles
    if roles.path not in fit.values:
        return None
    own, values = fit.values[roles.path], fit.study.sweep[roles.path]
    before = [value for value in values if (value > own if roles.path_descends else value < own)]
    if not before:
        return None
    nearest = min(before) if roles.path_descends else max(before)
    other = _fit(fit.study, {**fit.values, roles.path: nearest})
    return other if fit.rows is None else _part(other, fit.rows)


def _value(study: Study, name: str, text: str) -> Any:
    values = {label(value): value for value in study.sweep[name]}
    if text not in values:
        # message: '0.5' | one of 0, 1e-05 | The study does not sweep this value. | Add it under `sweep`, or choose one
        # of those.
        raise UserError(f"study {study.name}, {name}", f"{text!r}", f"one of {', '.join(values)}")
    return values[text]


def _fit(study: Study, values: dict[str, Any]) -> Fit:
    return Fit(study, values, {name: label(value) for name, value in values.items()})
