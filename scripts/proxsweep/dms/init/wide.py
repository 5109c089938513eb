"""Score columns of one table that are replicates, or conditions with replicates, by their names."""

from collections import Counter

from proxsweep.dms.init import names
from proxsweep.io.names import natural

Groups = dict[str, dict[str, str]]
"""Columns by what is measured, then by the label of the replicate."""


def by_base(columns: list[str]) -> Groups:
    """What is measured in at least two replicates."""
    groups: Groups = {}
    for column in columns:
        parsed = names.replicate_of(column)
        if parsed:
            groups.setdefault(parsed[0], {}).setdefault(parsed[1], column)
    return {base: own for base, own in groups.items() if len(own) > 1}


def crossed(columns: list[str]) -> Groups:
    """Columns of conditions and replicates, such as `drug_rep1`: two groups or more that share their labels.

    Returns
    -------
    By condition, then by label; empty where there are no such groups.
    """
    groups = by_base(columns)
    scores = {base: own for base, own in groups.items() if names.rank(base, names.SCORE) < names.NAMED}
    labels, groups = _alike(scores or groups)
    if len(groups) < 2:
        return {}
    ordered = sorted(labels, key=natural)
    first = [own[ordered[0]] for own in groups.values()]
    told = names.apart(first)
    conditions = list(groups) if told == first else told
    return {
        name: {label: own[label] for label in ordered} for name, own in zip(conditions, groups.values(), strict=True)
    }


def _alike(groups: Groups) -> tuple[frozenset[str], Groups]:
    """All groups and the labels they share, where words say that these are replicates; else those most have."""
    sets = Counter(frozenset(own) for own in groups.values())
    shared = frozenset.intersection(*sets) if sets else frozenset()
    if len(shared) > 1 and all(names.replicate_of(column)[2] for own in groups.values() for column in own.values()):
        return shared, groups
    labels = max(sets, key=lambda one: sets[one], default=frozenset())
    return labels, {base: own for base, own in groups.items() if set(own) == labels}
