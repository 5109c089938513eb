"""Wildtypes, effects, shifts and libraries of a simulated study: all that its replicates share."""

import numpy as np
import pandas as pd

from proxsweep.io.errors import UserError
from proxsweep.optimize.tree import branches

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY*"))
STOP = len(LETTERS) - 1

_STREAMS = ("wildtypes", "library", "effects", "shifts", "variants", "measurement")


def stream(spec: dict, name: str, *position: int) -> np.random.Generator:
    """A random stream of its own, so that e.g. one more replicate leaves the others as they are."""
    return np.random.default_rng([spec["seed"], _STREAMS.index(name), *position])


class Landscape:
    """Wildtypes, effects, shifts and frequencies: everything that the replicates share.

    wildtypes : (D, L) int, position in ``LETTERS``
    theta : (D, L, 21) latent effect of each letter, 0 for the root's wildtype
    library : (L, 21) bool, letters that a variant can carry
    weights : (D, L, 21) probability that a drawn substitution is this one
    branch : (L, 21) int, position of the shifted branch in ``branches``, -1 without a shift
    shift : (L, 21) size of the shift
    """

    def __init__(self, spec: dict):
        self.conditions, self.reference = spec["conditions"], spec["reference"]
        self.branches = list(spec["tree"])
        # above[d, e]: branch e lies between the root and condition d.
        paths = [branches(spec["tree"], condition) for condition in self.conditions]
        self.above = np.array([[branch in path for branch in self.branches] for path in paths])
        self._draw_wildtypes(spec, stream(spec, "wildtypes"))
        self._draw_library(spec, stream(spec, "library"))
        self._draw_effects(spec, stream(spec, "effects"))
        self._draw_shifts(spec, stream(spec, "shifts"))
        moved = np.zeros((len(self.conditions), *self.shift.shape))
        for position in range(len(self.branches)):
            moved += self.above[:, position, None, None] * np.where(self.branch == position, self.shift, 0.0)
        self.theta = self.effects + moved
        self.wildtype_phenotype = _wildtype_phenotype(spec)

    def _draw_wildtypes(self, spec: dict, rng: np.random.Generator) -> None:
        length = spec["sites"]
        self.root = rng.integers(STOP, size=length)
        order = rng.permutation(length)
        wildtypes = np.tile(self.root, (len(self.conditions), 1))
        # derived[s, a]: letter a became wildtype somewhere below the root.
        self.derived = np.zeros((length, len(LETTERS)), dtype=bool)
        for position, branch in enumerate(self.branches):
            sites, order = np.split(order, [spec["differences"][branch]])
            letters = (self.root[sites] + rng.integers(1, STOP, size=len(sites))) % STOP
            wildtypes[np.ix_(self.above[:, position], sites)] = letters
            self.derived[sites, letters] = True
        self.wildtypes = wildtypes

    def _draw_library(self, spec: dict, rng: np.random.Generator) -> None:
        shape = (spec["sites"], len(LETTERS))
        some_wildtype = np.zeros(shape, dtype=bool)
        for row in self.wildtypes:
            some_wildtype[np.arange(spec["sites"]), row] = True
        differing = some_wildtype.sum(axis=1) > 1
        self.wildtype_where_differing = some_wildtype & differing[:, None]
        self.library = rng.random(shape) < spec["library_share"]
        self.library |= self.wildtype_where_differing
        self.library &= ~(some_wildtype & ~differing[:, None])
        common = rng.normal(0.0, spec["frequency_sigma"], shape)
        special = rng.normal(0.0, spec["frequency_condition_sigma"], (len(self.conditions), *shape))
        self.weights = np.exp(common + special) * self.library
        for weights, wildtype in zip(self.weights, self.wildtypes, strict=True):
            weights[np.arange(spec["sites"]), wildtype] = 0.0
            _rescale(weights[:, :STOP], 1.0 - spec["stop_share"])
            _rescale(weights[:, STOP], spec["stop_share"])
        if not np.all(self.weights.sum(axis=(1, 2)) > 0):
            # message: 0.0 (`library_share`) | a library with some mutation in it | Nothing could be mutated. | Raise
            # `library_share`.
            raise UserError(
                "simulate: library_share", repr(spec["library_share"]), "a library with some mutation in it"
            )

    def _draw_effects(self, spec: dict, rng: np.random.Generator) -> None:
        shape = (spec["sites"], len(LETTERS))
        size = spec["deleterious_mean"] / spec["deleterious_shape"]
        deleterious = -rng.gamma(spec["deleterious_shape"], size, shape)
        neutral = rng.normal(0.0, spec["neutral_sd"], shape)
        effects = np.where(rng.random(shape) < spec["deleterious_share"], deleterious, neutral)
        tolerated = rng.normal(0.0, spec["difference_effect_sd"], shape)
        effects = np.where(self.derived, tolerated, effects)
        effects[:, STOP] = rng.normal(spec["stop_effect"], spec["stop_sd"], spec["sites"])
        effects[np.arange(spec["sites"]), self.root] = 0.0
        self.effects = effects

    def _draw_shifts(self, spec: dict, rng: np.random.Generator) -> None:
        free = self.library & ~self.wildtype_where_differing
        free[:, STOP] = False
        candidates = np.flatnonzero(free)
        order = rng.permutation(candidates)
        self.branch = np.full(free.shape, -1)
        self.shift = np.zeros(free.shape)
        for position, branch in enumerate(self.branches):
            amount = spec["shifts"][branch]
            number = amount if isinstance(amount, int) else round(amount * len(candidates))
            if number > len(order):
                # message: The branches ask for more shifts (`shifts`) than there are mutations. | Lower `shifts`, or
                # raise `sites` or `library_share`.
                raise UserError(f"simulate: shifts: {branch}", f"{number} mutations", f"at most the {len(order)} left")
            chosen, order = np.split(order, [number])
            excess = rng.exponential(1.0, number) * (spec["shift_mean"] - spec["shift_minimum"])
            sign = np.where(rng.random(number) < spec["shift_positive_share"], 1.0, -1.0)
            self.branch.flat[chosen] = position
            self.shift.flat[chosen] = sign * (spec["shift_minimum"] + excess)

    def truth(self) -> pd.DataFrame:
        """The truth table in the reference's coordinates, by site and letter."""
        own = self.wildtypes[self.conditions.index(self.reference)]
        listed = self.library.copy()
        listed[np.arange(len(own)), own] = False
        sites, letters = np.nonzero(listed)
        table = pd.DataFrame({"wildtype": LETTERS[own[sites]], "site": sites + 1, "mutant": LETTERS[letters]})
        names = table["wildtype"] + table["site"].astype(str) + table["mutant"]
        table.insert(0, "mutation", names)
        for condition, theta in zip(self.conditions, self.theta, strict=True):
            table[f"beta_{condition}"] = theta[sites, letters] - theta[sites, own[sites]]
        named = np.array([*self.branches, ""], dtype=object)
        table["branch"] = named[self.branch[sites, letters]]
        table["shift_size"] = self.shift[sites, letters]
        return table


def _rescale(weights: np.ndarray, total: float) -> None:
    """Scale in place to a sum of ``total``; weights that are all zero stay so."""
    if weights.sum() > 0:
        weights *= total / weights.sum()


def _wildtype_phenotype(spec: dict) -> float:
    """Latent phenotype whose score is zero."""
    if spec["global_epistasis"] == "linear":
        return 0.0
    return float(np.log(-spec["bias"] / (spec["scale"] + spec["bias"])))
