"""Which fits one job makes: those of a path, one after the other, or a piece of it.

A path is all fits that differ in the value of the path's parameter alone (:attr:`proxsweep.sweep.study.Roles.path`); in
a family without one, or where it is not swept, every fit is a path.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil

from proxsweep.sweep import grid
from proxsweep.sweep.grid import PARTIAL, Fit
from proxsweep.sweep.study import Roles, Study

MOST = 500
"""Fits of a job: their names are one argument of its command, and Linux limits an argument to 128 kB."""


@dataclass(frozen=True)
class Piece:
    """Fits of one kind that a job makes, on each of a study's paths.

    Attributes
    ----------
    study
    kind : str
        '' of fits to all observations, ``fold`` or ``resample``.
    labels : tuple of str
        Of the path's parameter, in the order in which they are fitted; ('',) where a study has none.
    wildcards : tuple of str
        Names of the other parameters in the order of a fit's path, the kind last: their values name the path.
    """

    study: Study
    kind: str
    labels: tuple[str, ...]
    wildcards: tuple[str, ...]

    @property
    def patterns(self) -> list[str]:
        """A fit's part of a path for each of the labels, wildcards in braces."""
        return [self._pattern(label) for label in self.labels]

    @property
    def name(self) -> str:
        """The pattern of the piece's own files: that of its fits, with the first and the last label."""
        return self._pattern("..".join(dict.fromkeys((self.labels[0], self.labels[-1]))))

    def _pattern(self, label: str) -> str:
        names = [*self.study.sweep, *filter(None, [self.kind])]
        return "/".join(f"{name}~{{{name}}}" if name in self.wildcards else f"{name}~{label}" for name in names)


def pieces(study: Study, size: int | None = None) -> list[Piece]:
    """The pieces of a study's paths, each of ``size`` fits at most (None: whole paths, or :data:`MOST`)."""
    path = _path(study)
    found = []
    for kind, labels in _labels(study).items():
        wildcards = (*(name for name in study.sweep if name != path), *filter(None, [kind]))
        step = min(size or MOST, MOST)
        cuts = [labels[start : start + step] for start in range(0, len(labels), step)]
        found += [Piece(study, kind, tuple(cut), wildcards) for cut in cuts]
    return found


def size(study: Study, paths: int, cores: int) -> int | None:
    """How many fits of a path a job makes if the study leaves it open: all, but no fewer jobs than cores.

    Parameters
    ----------
    study
    paths
        How many paths are fitted, in all studies.
    cores
        How many jobs can run at a time.
    """
    longest = max(map(len, _labels(study).values()))
    return None if paths >= cores else max(1, longest // ceil(cores / paths))


def count(studies: Iterable[Study]) -> int:
    """How many paths studies have."""
    return sum(len({key(fit) for fit in grid.table(study)}) for study in studies)


def key(fit: Fit) -> str:
    """What all fits of a path have in common: their part of a path without the path's parameter."""
    return grid.path_folder(off_path(fit.labels, fit.study.roles))


def off_path(labels: Mapping[str, str], roles: Roles) -> dict[str, str]:
    """Labels that all fits of a path have."""
    return {name: label for name, label in labels.items() if name != roles.path}


def _path(study: Study) -> str | None:
    """The path's parameter, where the study sweeps it."""
    return study.roles.path if study.roles.path in study.sweep else None


def _labels(study: Study) -> dict[str, list[str]]:
    """Labels along a path by kind of fits, in the order in which a fit may start from the one before."""
    path = _path(study)
    found: dict[str, dict[str, object]] = {}
    for fit in grid.table(study):
        kind = next((name for name in PARTIAL if name in fit.labels), "")
        found.setdefault(kind, {}).setdefault(fit.labels.get(path, ""), fit.values.get(path))
    descending = study.roles.path_descends
    return {
        kind: sorted(values, key=values.get, reverse=descending) if path else list(values)
        for kind, values in found.items()
    }
