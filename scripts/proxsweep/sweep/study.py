"""A study: what is fitted, over which values, and which part every swept parameter plays."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

OUTLINE = ("name", "family", "sweep", "cross_validation", "resamples")  # what names the fits of a study
LIMITS = ("max_iterations", "max_seconds")  # solver keys that end a start, and the statuses of starts they end


@dataclass(frozen=True)
class Roles:
    """The part that swept parameters of a family play; None where no parameter plays it.

    Attributes
    ----------
    order : tuple of str
        Parameters that come first in a fit's path, in this order; others follow by name.
    strength : str or None
        The parameter along which answers become simpler, such as the weight of a penalty or a number of factors.
    strength_label : str
        What figures call it.
    larger_is_simpler : bool
        In which direction they do.
    replicate : str or None
        The parameter whose values are parts of the data that should agree.
    path : str or None
        The parameter along which a fit may start from its neighbour's solution.
    path_descends : bool
        Whether a fit's neighbour has the next larger value, or the next smaller one.
    """

    order: tuple[str, ...] = ()
    strength: str | None = None
    strength_label: str = ""
    larger_is_simpler: bool = True
    replicate: str | None = None
    path: str | None = None
    path_descends: bool = True

    @property
    def strength_noun(self) -> str:
        """What sentences call the strength: the last word of its label."""
        return self.strength_label.rpartition(" ")[2].lower()


@dataclass(frozen=True)
class Study:
    """One study of a config, checked, every default filled in.

    Attributes
    ----------
    name, family : str
        Name of the study and of its model family.
    roles : Roles
        The family's.
    sweep : dict of lists
        Values of every swept parameter, in the order of a fit's path. A value that is a mapping has a ``name``.
    data, model, solver, summaries, figures : dict
        The config's sections.
    strict : bool
        Whether a fit that did not converge is an error.
    fits_per_job : int or "auto"
        How many fits of a path one job makes.
    cross_validation, resamples : dict or None
        Fits to all but one fold of the observations (``folds``, ``seed``, ``replicates``, and what the family adds),
        and to resamples of them (``count``, ``seed``, ``method``, ``replicates``, and the values of the strength by its
        name); replicates and strengths are lists, those of ``sweep`` where the config names none.
    chosen : dict
        The selected setting: the strength by its name (None: by ``rule``), other swept parameters by label, the rule.
    own : dict
        Keys of a study that only its family has.
    refit_of : str or None
        Of a study that is another one with changed settings, below the folder of that one: the name of that one.
    """

    SECTIONS: ClassVar[tuple[str, ...]] = (
        *("data", "model", "solver", "strict", "fits_per_job", "cross_validation", "resamples", "chosen"),
        *("summaries", "figures"),
    )

    name: str
    family: str
    roles: Roles
    sweep: dict[str, list[Any]]
    data: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    solver: dict[str, Any] = field(default_factory=dict)
    strict: bool = False
    fits_per_job: int | str = "auto"
    cross_validation: dict[str, Any] | None = None
    resamples: dict[str, Any] | None = None
    chosen: dict[str, Any] = field(default_factory=dict)
    summaries: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    own: dict[str, Any] = field(default_factory=dict)
    refit_of: str | None = None


def refit_folders(folder: str | Path) -> list[tuple[str, Path]]:
    """Folders of a study's refits that were planned, with what tells each apart: for ``references/b`` the reference."""
    plans = sorted(Path(folder).glob("*/*/plan.json"))
    return [(path.parents[1].name.removesuffix("s"), path.parent) for path in plans]


def outline(study: Study, sections: tuple[str, ...] = ()) -> dict[str, Any]:
    """What names the fits of a study, and ``sections`` of it, as JSON-able values."""
    return {name: getattr(study, name) for name in (*OUTLINE, *sections)} | {"roles": asdict(study.roles)}


def from_outline(values: dict[str, Any]) -> Study:
    """A study of which nothing is known but what an outline says."""
    roles = {**values["roles"], "order": tuple(values["roles"]["order"])}
    return Study(**{**values, "roles": Roles(**roles)})
