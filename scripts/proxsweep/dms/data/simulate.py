"""Simulated scans of several related conditions whose effects and shifts are known.

Every letter a at site s has a latent effect theta_d[s, a] in condition d, measured from the letter of the
tree's root, which has 0. A variant that changes the condition's own wildtype letters w_d to others has the
latent phenotype

    phi = phi_0 + sum over its changed sites s of theta_d[s, a_s] - theta_d[s, w_d(s)],

and the functional score g(phi) plus noise; phi_0, the same for all conditions, is where g is zero, so every
condition's wildtype has score 0, as a log2 enrichment relative to the condition's own wildtype has. In the
reference's coordinates the same phenotype is b0_d + sum of beta_d[m] over all m that separate the variant
from the *reference's* wildtype, with

    beta_d[s, a] = theta_d[s, a] - theta_d[s, w_ref(s)],
    b0_d = phi_0 - sum over the bundle of d of beta_d[m].

So the table does not depend on the reference; only the coordinates of the truth do.

Evolution runs down a tree whose leaves are the conditions. A branch carries the name of the node at its
lower end. Wildtype differences fall on branches, each at a site of its own, and all leaves below have the new
letter. Shifts fall on branches too: a shifted mutation's theta changes by one amount in all leaves below.
Letters that are a condition's wildtype where wildtypes differ, and stops, never shift, and no mutation shifts
twice: then beta_a[m] - beta_b[m] is plus or minus the shift when exactly one of a and b is below the branch,
and zero otherwise, whatever the reference. A shift on the reference's own branch therefore moves all other
conditions together. (Two branches that meet at a root with two children separate the same conditions.)

Keys of the ``simulate`` section; a "per branch" or "per condition" value is one number for all, or a mapping
(branches that are left out get 0, every condition must be named):

=========================  ==================================================================================
key                        meaning [unit]
=========================  ==================================================================================
seed                       integer >= 0; same seed and keys, same bytes
tree                       {child: parent}; leaves are the conditions (required)
conditions                 order of the conditions; default the order of the leaves in ``tree``
reference                  condition in whose coordinates the truth is written; default the first condition
                           (the workflow puts the study's reference here)
sites                      length of the protein [sites]
differences                wildtype differences per branch [sites]
difference_effect_sd       sd of the effect of a letter that became wildtype on a branch [latent units]
replicates                 number of replicates, labelled 1, 2, ...
replicate_variants         ``own``: each replicate is a library of its own; ``shared``: one library, measured
                           in each replicate
variants                   per condition: distinct variants in a replicate, wildtype included
barcodes                   mean rows per mutant, >= 1: one, and a Poisson number more
wildtype_barcodes          rows of the wildtype in each condition and replicate, >= 1
substitutions              per condition: mean of the Poisson number of substitutions drawn for a variant; a
                           second draw at one site is dropped, draws of none and repeated sets are discarded
library_share              share of all letters (site by site) that the libraries can contain; the wildtype
                           letters of differing sites always belong
frequency_sigma            sd of log frequency over the mutations of the library (heavy tail) [natural log]
frequency_condition_sigma  sd of log frequency, further, of each condition [natural log]
stop_share                 share of drawn substitutions that are stop codons
deleterious_share          share of missense effects that are deleterious; the rest is near neutral
deleterious_mean           mean size of a deleterious effect, gamma distributed [latent units]
deleterious_shape          shape of that gamma distribution
neutral_sd                 sd of a near-neutral effect [latent units]
stop_effect, stop_sd       mean and sd of a stop's effect [latent units]
shifts                     per branch: integer = number, float below 1 = share of the mutations that may shift
shift_minimum, shift_mean  smallest and mean size of a shift; the excess is exponential [latent units]
shift_positive_share       share of shifts with positive sign
global_epistasis           ``sigmoid``: g(phi) = scale / (1 + exp(-phi)) + bias, or ``linear``: g(phi) = phi
scale, bias                of the sigmoid, -scale < bias < 0 [score units]
noise                      sd of a row's score, one number or {replicate: number} [score units]
output                     ``scores``: column func_score; ``counts``: columns pre_count and post_count
pre_count, post_count      mean counts per row (``counts`` only) [reads]
abundance_sigma            sd of log abundance over rows before selection (``counts`` only) [natural log]
=========================  ==================================================================================
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from proxsweep.io.errors import UserError
from proxsweep.io.names import RULE, is_name
from proxsweep.optimize.tree import branches, faults, leaves

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY*"))
STOP = len(LETTERS) - 1

DEFAULTS = {
    "seed": 1,
    "tree": None,
    "conditions": None,
    "reference": None,
    "sites": 150,
    "differences": 4,
    "difference_effect_sd": 0.3,
    "replicates": 2,
    "replicate_variants": "own",
    "variants": 4000,
    "barcodes": 1.0,
    "wildtype_barcodes": 20,
    "substitutions": 2.5,
    "library_share": 0.5,
    "frequency_sigma": 1.0,
    "frequency_condition_sigma": 0.3,
    "stop_share": 0.03,
    "deleterious_share": 0.7,
    "deleterious_mean": 1.5,
    "deleterious_shape": 1.0,
    "neutral_sd": 0.2,
    "stop_effect": -6.0,
    "stop_sd": 0.5,
    "shifts": 0.05,
    "shift_minimum": 0.5,
    "shift_mean": 1.5,
    "shift_positive_share": 0.5,
    "global_epistasis": "sigmoid",
    "scale": 5.0,
    "bias": -4.0,
    "noise": 0.3,
    "output": "scores",
    "pre_count": 100.0,
    "post_count": 100.0,
    "abundance_sigma": 0.5,
}

_CHOICES = {
    "replicate_variants": ("own", "shared"),
    "global_epistasis": ("sigmoid", "linear"),
    "output": ("scores", "counts"),
}
_WHOLE = {  # smallest and largest
    "seed": (0, 2**32 - 1),
    "sites": (1, 100_000),
    "replicates": (1, 100),
    "wildtype_barcodes": (1, 1_000_000),
}
LARGEST = 1e9  # of any number; of variants in a condition a tenth of it
_SHARES = ("library_share", "stop_share", "deleterious_share", "shift_positive_share")
_AT_LEAST_ZERO = (
    "difference_effect_sd",
    "frequency_sigma",
    "frequency_condition_sigma",
    "neutral_sd",
    "stop_sd",
    "shift_minimum",
    "shift_mean",
    "abundance_sigma",
)
_POSITIVE = ("deleterious_mean", "deleterious_shape", "pre_count", "post_count", "scale")


def simulate(spec: Mapping) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw a table of variants and the truth behind it.

    Parameters
    ----------
    spec
        The ``simulate`` section; keys that are left out take their value from :data:`DEFAULTS`.

    Returns
    -------
    table
        One row a measured barcode: condition, replicate, aa_substitutions (relative to the condition's own
        wildtype, by site; empty for the wildtype) and func_score, or pre_count and post_count.
    truth
        One row a mutation that a variant can carry in the reference's coordinates: mutation, wildtype, site,
        mutant, ``beta_<condition>``, branch ('' without a shift), shift_size (0 without a shift).

    Raises
    ------
    UserError
        For a key or a value that makes no sense, or more distinct variants than the library can give.
    """
    spec = complete(spec)
    landscape = _Landscape(spec)
    parts = []
    for replicate in range(1, spec["replicates"] + 1):
        for position, condition in enumerate(landscape.conditions):
            parts.append(_measure(spec, landscape, position, replicate).assign(condition=condition))
    table = pd.concat(parts, ignore_index=True)
    values = ["func_score"] if spec["output"] == "scores" else ["pre_count", "post_count"]
    return table[["condition", "replicate", "aa_substitutions", *values]], landscape.truth()


def complete(spec: Mapping) -> dict:
    """Fill in :data:`DEFAULTS` and spell out every per-branch and per-condition value.

    Returns
    -------
    dict
        All keys; ``differences`` and ``shifts`` by branch (shifts as shares or numbers), ``variants`` and
        ``substitutions`` by condition, ``noise`` by replicate. Completing twice changes nothing.

    Raises
    ------
    UserError
        For an unknown key or a value out of range.
    """
    unknown = [key for key in spec if key not in DEFAULTS]
    if unknown:
        raise _error(unknown[0], "an unknown key", "one of " + ", ".join(DEFAULTS))
    full = {key: _unsigned(value) for key, value in {**DEFAULTS, **spec}.items()}
    _check_scalars(full)
    tree = full["tree"]
    leaves = _leaves(tree)
    full["conditions"] = list(full["conditions"] or leaves)
    if sorted(full["conditions"]) != sorted(leaves):
        raise _error("conditions", str(full["conditions"]), f"the leaves of the tree, {', '.join(leaves)}")
    full["reference"] = full["reference"] or full["conditions"][0]
    if full["reference"] not in leaves:
        raise _error("reference", repr(full["reference"]), f"one of {', '.join(leaves)}")
    full["differences"] = _by_name(full, "differences", list(tree), missing=0)
    full["shifts"] = _by_name(full, "shifts", list(tree), missing=0)
    full["variants"] = _by_name(full, "variants", full["conditions"])
    full["substitutions"] = _by_name(full, "substitutions", full["conditions"])
    full["noise"] = _by_name(full, "noise", list(range(1, full["replicates"] + 1)))
    _check_mappings(full)
    return full


def _error(key: str, found: str, expected: str) -> UserError:
    return UserError(f"simulate: {key}", found, expected)


def _unsigned(value: object) -> object:
    """Zero for minus zero, which is no standard deviation."""
    return 0.0 if isinstance(value, float) and value == 0 else value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _check_scalars(full: dict) -> None:
    for key, choices in _CHOICES.items():
        if full[key] not in choices:
            raise _error(key, repr(full[key]), " or ".join(choices))
    for key, (least, most) in _WHOLE.items():
        if not _is_whole(full[key], least) or full[key] > most:
            raise _error(key, repr(full[key]), f"a whole number of at least {least} and at most {most}")
    for key in _SHARES:
        if not _is_number(full[key]) or not 0 <= full[key] <= 1:
            raise _error(key, repr(full[key]), "a number from 0 to 1")
    for key in _AT_LEAST_ZERO:
        if not _is_number(full[key]) or full[key] < 0:
            raise _error(key, repr(full[key]), "a number of at least 0")
    for key in _POSITIVE:
        if not _is_number(full[key]) or full[key] <= 0:
            raise _error(key, repr(full[key]), "a number above 0")
    if not _is_number(full["stop_effect"]):
        raise _error("stop_effect", repr(full["stop_effect"]), "a number")
    if not _is_number(full["barcodes"]) or full["barcodes"] < 1:
        raise _error("barcodes", repr(full["barcodes"]), "a number of at least 1")
    if full["shift_mean"] < full["shift_minimum"]:
        raise _error("shift_mean", repr(full["shift_mean"]), "at least shift_minimum")
    if not _is_number(full["bias"]) or not -full["scale"] < full["bias"] < 0:
        raise _error("bias", repr(full["bias"]), "a number between -scale and 0, so that wildtype scores 0")


def _check_mappings(full: dict) -> None:
    for branch, number in full["differences"].items():
        if not _is_whole(number, 0):
            raise _error(f"differences: {branch}", repr(number), "a whole number of at least 0")
    if sum(full["differences"].values()) > full["sites"]:
        raise _error("differences", f"{sum(full['differences'].values())} in all", "at most one a site")
    for branch, amount in full["shifts"].items():
        if not _is_whole(amount, 0) and not (isinstance(amount, float) and 0 <= amount < 1):
            raise _error(f"shifts: {branch}", repr(amount), "a whole number, or a share from 0 to below 1")
    for condition, number in full["variants"].items():
        if not _is_whole(number, 1) or number > LARGEST / 10:
            expected = f"a whole number of at least 1 and at most {LARGEST / 10:g}"
            raise _error(f"variants: {condition}", repr(number), expected)
    for key, least in (("substitutions", 1e-3), ("noise", 0.0)):
        for name, number in full[key].items():
            if not _is_number(number) or number < least:
                raise _error(f"{key}: {name}", repr(number), f"a number of at least {least:g}")


def _by_name(full: dict, key: str, names: list, missing: object = None) -> dict:
    """One value for all names, or a mapping whose keys are checked against them."""
    value = full[key]
    if not isinstance(value, Mapping):
        return dict.fromkeys(names, value)
    # YAML and JSON may turn a replicate's number into text on the way.
    by_text = {str(name): entry for name, entry in value.items()}
    for name in by_text:
        if name not in map(str, names):
            raise _error(key, repr(name), "one of " + ", ".join(map(str, names)))
    absent = [str(name) for name in names if str(name) not in by_text]
    if absent and missing is None:
        raise _error(key, f"no value for {', '.join(absent)}", "one for each, or a single number for all")
    return {name: _unsigned(by_text.get(str(name), missing)) for name in names}


def _leaves(tree: object) -> list[str]:
    """Leaves of {child: parent} in order of appearance, after checking that it is one tree."""
    if not isinstance(tree, Mapping) or not tree:
        raise _error("tree", repr(tree), "a mapping {child: parent} whose leaves are the conditions")
    for child, parent in tree.items():
        if not isinstance(child, str) or not isinstance(parent, str):
            raise _error("tree", f"{child!r}: {parent!r}", "names")
        for name in (child, parent):
            if not is_name(name):
                raise _error("tree", f"the node {name!r}", RULE)
    for kind, nodes in faults(tree):
        if kind == "roots":
            raise _error("tree", f"{len(nodes)} roots ({', '.join(nodes)})", "one root above all nodes")
        raise _error("tree", f"a circle through {nodes[0]}", "a tree")
    return leaves(tree)


class _Landscape:
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
        self._draw_wildtypes(spec, _stream(spec, "wildtypes"))
        self._draw_library(spec, _stream(spec, "library"))
        self._draw_effects(spec, _stream(spec, "effects"))
        self._draw_shifts(spec, _stream(spec, "shifts"))
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
            raise _error("library_share", repr(spec["library_share"]), "a library with some mutation in it")

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
                raise _error(f"shifts: {branch}", f"{number} mutations", f"at most the {len(order)} left")
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


def _score(spec: dict, phenotype: np.ndarray) -> np.ndarray:
    if spec["global_epistasis"] == "linear":
        return phenotype
    return spec["scale"] / (1.0 + np.exp(-phenotype)) + spec["bias"]


_STREAMS = ("wildtypes", "library", "effects", "shifts", "variants", "measurement")


def _stream(spec: dict, name: str, *position: int) -> np.random.Generator:
    """A random stream of its own, so that e.g. one more replicate leaves the others as they are."""
    return np.random.default_rng([spec["seed"], _STREAMS.index(name), *position])


def _measure(spec: dict, landscape: _Landscape, position: int, replicate: int) -> pd.DataFrame:
    """Rows of one condition in one replicate."""
    condition = landscape.conditions[position]
    library = replicate if spec["replicate_variants"] == "own" else 1
    rng = _stream(spec, "variants", position, library)
    mutants = spec["variants"][condition] - 1
    indptr, entries = _draw_variants(
        rng, landscape.weights[position], mutants, spec["substitutions"][condition], condition
    )
    own = landscape.wildtypes[position]
    theta = landscape.theta[position]
    change = (theta - theta[np.arange(len(own)), own][:, None]).ravel()
    summed = np.add.reduceat(change[entries], indptr[:-1]) if mutants else np.zeros(0)
    texts = _texts(own, indptr, entries)

    rng = _stream(spec, "measurement", position, replicate)
    repeats = 1 + rng.poisson(spec["barcodes"] - 1.0, mutants)
    wildtype_rows = spec["wildtype_barcodes"]
    phenotype = landscape.wildtype_phenotype + np.append(np.zeros(wildtype_rows), np.repeat(summed, repeats))
    score = _score(spec, phenotype) + rng.normal(0.0, spec["noise"][replicate], len(phenotype))
    rows = {
        "replicate": replicate,
        "aa_substitutions": np.append(np.full(wildtype_rows, "", dtype=object), np.repeat(texts, repeats)),
    }
    values = {"func_score": score} if spec["output"] == "scores" else _counts(spec, rng, score)
    return pd.DataFrame({**rows, **values})


def _counts(spec: dict, rng: np.random.Generator, score: np.ndarray) -> dict[str, np.ndarray]:
    """Poisson counts before selection, and after a growth by 2^score; each has its mean per row."""
    before = np.exp(rng.normal(0.0, spec["abundance_sigma"], len(score)))
    after = before * np.exp2(score)
    return {
        "pre_count": rng.poisson(spec["pre_count"] * before / before.mean()),
        "post_count": rng.poisson(spec["post_count"] * after / after.mean()),
    }


def _draw_variants(
    rng: np.random.Generator, weights: np.ndarray, number: int, mean: float, condition: str
) -> tuple[np.ndarray, np.ndarray]:
    """Distinct nonempty sets of substitutions, at most one a site.

    Returns
    -------
    indptr : (number + 1,) int64
    entries : int64, increasing within a variant; entry = site * 21 + letter
    """
    letters = weights.shape[1]
    cumulative = np.cumsum(weights.ravel())
    cumulative /= cumulative[-1]
    # A sum of random 64-bit keys tells sets apart: two of 100,000 agree by chance once in 10^9 libraries.
    keys = rng.integers(np.iinfo(np.uint64).max, size=weights.size, dtype=np.uint64)
    variant, entries = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    found, missing = 0, number
    before = -1
    # A round draws at least 1,000: one that finds nothing new has met the end of the library.
    while missing and found > before:
        before = found
        sizes = rng.poisson(mean, max(2 * missing, 1000))
        # Kept variants come first, so that a set drawn again is the later, discarded copy.
        new_variant = found + np.repeat(np.arange(len(sizes)), sizes)
        new_entries = np.searchsorted(cumulative, rng.random(len(new_variant)), side="right")
        variant, entries = np.append(variant, new_variant), np.append(entries, new_entries)
        variant, entries = _one_per_site(variant, entries, letters)
        variant, entries = _first_of_each_set(variant, entries, keys)
        kept = variant < number
        variant, entries = variant[kept], entries[kept]
        found = int(variant[-1]) + 1 if len(variant) else 0
        missing = number - found
    if missing:
        limit = f"at most about {found + 1}, all that the library gives"
        raise _error(f"variants: {condition}", f"{number + 1}", limit)
    indptr = np.append(0, np.cumsum(np.bincount(variant, minlength=number)))
    return indptr, entries


def _one_per_site(variant: np.ndarray, entries: np.ndarray, letters: int) -> tuple[np.ndarray, np.ndarray]:
    """Sort by variant and site; of several draws at one site the first stays."""
    # Stable: among equals the order of drawing decides, not the letter.
    order = np.lexsort((entries // letters, variant))
    variant, entries = variant[order], entries[order]
    sites = entries // letters
    repeated = np.append(False, (variant[1:] == variant[:-1]) & (sites[1:] == sites[:-1]))
    return variant[~repeated], entries[~repeated]


def _first_of_each_set(variant: np.ndarray, entries: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop variants whose set came before, and number the others 0, 1, ... in order."""
    starts = np.flatnonzero(np.append(True, variant[1:] != variant[:-1])) if len(variant) else variant
    if not len(starts):
        return variant, entries
    lengths = np.diff(np.append(starts, len(variant)))
    sums = np.add.reduceat(keys[entries], starts)
    first = np.zeros(len(starts), dtype=bool)
    first[np.unique(sums, return_index=True)[1]] = True
    kept = np.repeat(first, lengths)
    numbers = np.repeat(np.cumsum(first) - 1, lengths)
    return numbers[kept], entries[kept]


def _texts(own: np.ndarray, indptr: np.ndarray, entries: np.ndarray) -> np.ndarray:
    """Space-separated substitutions of each variant, e.g. ``G3P N7*``."""
    sites = np.repeat(np.arange(len(own)), len(LETTERS))
    names = [
        f"{LETTERS[own[site]]}{site + 1}{letter}"
        for site, letter in zip(sites, np.tile(LETTERS, len(own)), strict=True)
    ]
    written = [names[entry] for entry in entries]
    bounds = indptr.tolist()
    texts = np.empty(len(bounds) - 1, dtype=object)
    texts[:] = [" ".join(written[a:b]) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]
    return texts
