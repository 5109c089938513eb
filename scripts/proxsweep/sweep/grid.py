"""The sweep table: which fits a study asks for, and the one label of every parameter value.

A fit is named by its swept parameters, a folder each: ``difference~equivariant/lasso~4e-05/replicate~1``. A
label depends on its value alone, so values added to a sweep never rename the fits that are there.
"""

import copy
import math
import numbers
import re
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from proxsweep.io.errors import UserError

LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
FIRST = ("difference", "lasso", "replicate")
OUTLINE = ("name", "family", "sweep", "cross_validation", "resamples")  # what names the fits of a study
LIMITS = ("max_iterations", "max_seconds")  # solver keys that end a start, and the statuses of starts they end
PARTIAL = ("fold", "resample")  # last in the path of a fit that is not to all variants of its replicate


@dataclass(frozen=True)
class Study:
    """One study of a config, checked, every default filled in.

    Attributes
    ----------
    name, family, reference : str
        Name of the study, of its model family, and of the condition whose wildtype numbers the mutations.
    data, model, solver, summaries, figures : dict
        The config's sections. ``data["conditions"]`` is None where only the table knows them; of a
        simulation, ``data["replicates"]`` names the column that the simulated table has.
    sweep : dict of lists
        Values of every swept parameter, in the order of a fit's path. ``lasso`` as floats, ``replicate`` as
        text, ``difference`` as dicts with ``name``, ``kind`` (``reference``, ``equivariant``, ``tree`` or
        ``rows``) and, for the latter two, ``tree`` or ``rows``.
    strict : bool
        Whether a fit that did not converge is an error.
    cross_validation, resamples : dict or None
        Fits to all but one fold of the variants (``folds``, ``seed``, ``stratify``, ``replicates``), and to bootstrap
        resamples of them (``count``, ``seed``, ``method``, ``replicates``, ``lasso``); replicates and lasso weights are
        lists, those of ``sweep`` where the config names none.
    references : dict or None
        The study is fitted once more with each of ``conditions`` as the reference, at the weights ``lasso``.
    chosen : dict
        ``lasso`` (None: by ``rule``), ``difference``, and the ``rule``.
    refit_of : str or None
        Of a study that is another one with another reference (:func:`refits`), the name of that one.
    """

    name: str
    family: str
    data: dict[str, Any]
    reference: str
    model: dict[str, Any]
    solver: dict[str, Any]
    sweep: dict[str, list[Any]]
    strict: bool
    summaries: dict[str, Any]
    figures: dict[str, Any]
    cross_validation: dict[str, Any] | None = None
    resamples: dict[str, Any] | None = None
    references: dict[str, Any] | None = None
    chosen: dict[str, Any] = field(default_factory=dict)
    refit_of: str | None = None

    @property
    def tables(self) -> list[dict[str, str | None]]:
        """Tables of the study: ``func_scores``, ``condition``, ``replicate``, ``sha256``; none if simulated.

        A condition or replicate of None is the business of the table's columns.
        """
        scores = self.data["func_scores"]
        if scores is None:
            return []
        if isinstance(scores, str):
            return [{"func_scores": scores, "condition": None, "replicate": None, "sha256": self.data["sha256"]}]
        return copy.deepcopy(scores)


@dataclass(frozen=True)
class Fit:
    """One fit of a study: its swept values and their labels, both by parameter in the order of the path.

    ``rows`` says which variants it is to: None for all, ``{fold, folds, seed, stratify}`` for all but one fold,
    ``{resample, seed, method}`` for a bootstrap resample. ``labels`` then end with ``fold`` or ``resample``.
    """

    study: Study
    values: dict[str, Any]
    labels: dict[str, str]
    rows: dict[str, Any] | None = None

    @property
    def parts(self) -> str:
        """The fit's part of a path, one ``parameter~label`` a folder."""
        return _parts(self.labels)

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


def path_order(names: list[str]) -> list[str]:
    """Parameters in the order of a fit's path: difference, lasso, replicate, then the others by name."""
    return [name for name in FIRST if name in names] + sorted(set(names) - set(FIRST))


def table(study: Study) -> list[Fit]:
    """Every fit of the study: those to all variants, then the folds, then the resamples.

    Each is the product of the swept values, the last parameter of the path fastest.
    """
    fits = full(study)
    return fits + [part for kind in PARTIAL for fit in fits for part in _parts_of(fit, kind)]


def full(study: Study) -> list[Fit]:
    """The study's fits to all variants of a replicate."""
    names = path_order(list(study.sweep))
    return [
        _fit(study, dict(zip(names, values, strict=True))) for values in product(*(study.sweep[name] for name in names))
    ]


def refits(study: Study) -> list[Study]:
    """The study with each other condition that it asks for as the reference; without folds, resamples and summaries.

    The name of each is a path: its files lie below those of the study.
    """
    return [_refit(study, name) for name in study.references["conditions"]] if study.references else []


def _refit(study: Study, reference: str) -> Study:
    return replace(
        study,
        name=f"{study.name}/references/{reference}",
        reference=reference,
        sweep={**study.sweep, "lasso": study.references["lasso"]},
        cross_validation=None,
        resamples=None,
        references=None,
        refit_of=study.name,
    )


def _parts_of(fit: Fit, kind: str) -> list[Fit]:
    """The fits to folds, or resamples, of the variants that ``fit`` is to, as many as the study asks for."""
    settings = fit.study.cross_validation if kind == "fold" else fit.study.resamples
    if not settings or fit.values["replicate"] not in settings["replicates"]:
        return []
    if kind == "fold":
        return [_part(fit, fold_rows(settings, number)) for number in range(1, settings["folds"] + 1)]
    if fit.values["lasso"] not in settings["lasso"]:
        return []
    return [_part(fit, resample_rows(settings, number)) for number in range(1, settings["count"] + 1)]


def fold_rows(settings: dict[str, Any], number: int) -> dict[str, Any]:
    """``rows`` of the fit that leaves out fold ``number`` (from 1)."""
    return {"fold": str(number), **{key: settings[key] for key in ("folds", "seed", "stratify")}}


def resample_rows(settings: dict[str, Any], number: int) -> dict[str, Any]:
    """``rows`` of the fit to resample ``number`` (from 1)."""
    return {"resample": str(number), **{key: settings[key] for key in ("seed", "method")}}


def _part(fit: Fit, rows: dict[str, Any]) -> Fit:
    label_of_part = {name: rows[name] for name in PARTIAL if name in rows}
    return Fit(fit.study, fit.values, {**fit.labels, **label_of_part}, rows)


def outline(study: Study) -> dict[str, Any]:
    """What names the fits of a study and nothing else, as JSON-able values."""
    return {name: getattr(study, name) for name in OUTLINE}


def from_outline(values: dict[str, Any]) -> Study:
    """A study of which nothing is known but which fits it has."""
    nothing = {"data": {}, "reference": "", "model": {}, "solver": {}, "strict": False}
    return Study(**values, **nothing, summaries={}, figures={})


def plan(fits: list[Fit]) -> list[dict[str, Any]]:
    """Fits as a study's tables need them: labels and where their files lie, relative to the working directory.

    The keys of an entry are those of :mod:`proxsweep.sweep.collect`, and ``labels``.
    """
    return [_planned(fit.study.name, fit.study.family, fit.labels) for fit in fits]


def _planned(study: str, family: str, labels: dict[str, str]) -> dict[str, Any]:
    parts = _parts(labels)
    return {
        "study": study,
        "family": family,
        "labels": labels,
        "path": f"results/{study}/fits/{parts}",
        "benchmark": f"results/{study}/benchmarks/{parts}.tsv",
        "log": f"logs/{study}/fits/{parts}.log",
        "kept": f"logs/{study}/fits/{parts}.ipynb",
    }


def _parts(labels: dict[str, str]) -> str:
    return "/".join(f"{name}~{text}" for name, text in labels.items())


def find(study: Study, parts: str) -> Fit:
    """The fit that ``parts`` names.

    Raises
    ------
    UserError
        If the study has no such fit.
    """
    names = path_order(list(study.sweep))
    pairs = [part.partition("~")[::2] for part in parts.split("/")]
    found = [name for name, _ in pairs]
    if found[: len(names)] != names or len(found) > len(names) + 1:
        pattern = "/".join(f"{name}~..." for name in names)
        raise UserError(f"study {study.name}", f"a fit called {parts!r}", f"a name of the form {pattern}")
    fit = _fit(study, {name: _value(study, name, text) for name, text in pairs[: len(names)]})
    return fit if len(found) == len(names) else _find_part(fit, *pairs[-1])


def _find_part(fit: Fit, kind: str, text: str) -> Fit:
    parts = [part for name in PARTIAL for part in _parts_of(fit, name)]
    for part in parts:
        if part.labels.get(kind) == text:
            return part
    known = ", ".join(f"{part.parts.rpartition('/')[2]}" for part in parts) or "none"
    raise UserError(f"study {fit.study.name}, {fit.parts}", f"the part {kind}~{text}", f"one of its parts ({known})")


def neighbour(fit: Fit) -> Fit | None:
    """The fit whose solution is a start of this one: that of the next larger lasso weight, to the same variants.

    None where the study does not ask for the start ``neighbour``, and for the largest weight.
    """
    larger = [value for value in fit.study.sweep["lasso"] if value > fit.values["lasso"]]
    if not larger or "neighbour" not in fit.spec()["solver"]["starts"]:
        return None
    other = _fit(fit.study, {**fit.values, "lasso": min(larger)})
    return other if fit.rows is None else _part(other, fit.rows)


def _value(study: Study, name: str, text: str) -> Any:
    values = {label(value): value for value in study.sweep[name]}
    if text not in values:
        raise UserError(f"study {study.name}, {name}", f"{text!r}", f"one of {', '.join(values)}")
    return values[text]


def _fit(study: Study, values: dict[str, Any]) -> Fit:
    return Fit(study, values, {name: label(value) for name, value in values.items()})
