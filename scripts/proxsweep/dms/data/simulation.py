"""The settings of a simulation, completed and checked: the ``simulate`` section of a study's data.

Keys, meanings, units and defaults are the config schema's. A value per branch or per condition is one number for all,
or a mapping: branches that are left out get 0, every condition must be named. A branch has the name of the node at its
lower end. ``reference`` is the condition in whose coordinates the truth is written; the workflow says it.
"""

from collections.abc import Mapping
from typing import Any

from proxsweep.config import schema
from proxsweep.io.errors import UserError
from proxsweep.io.names import RULE, is_name
from proxsweep.optimize.tree import faults, leaves

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


def defaults() -> dict[str, Any]:
    """Every key with its default; None for ``tree``, which has none."""
    return {key: one.get("default") for key, one in schema.properties("dms", "simulate").items()}


def complete(spec: Mapping) -> dict:
    """Fill in the :func:`defaults` and spell out every per-branch and per-condition value.

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
    known = defaults()
    unknown = [key for key in spec if key not in known]
    if unknown:
        # message: `simulate` has no such key. | Correct its name.
        raise _error(unknown[0], "an unknown key", "one of " + ", ".join(known))
    full = {key: _unsigned(value) for key, value in {**known, **spec}.items()}
    _check_scalars(full)
    tree = full["tree"]
    ends = _leaves(tree)
    full["conditions"] = list(full["conditions"] or ends)
    if sorted(full["conditions"]) != sorted(ends):
        # message: ['a', 'b'] (`conditions`) | the leaves of the tree, a, b, c | Conditions are the leaves of the tree.
        # | Name all of them, or leave `conditions` out.
        raise _error("conditions", str(full["conditions"]), f"the leaves of the tree, {', '.join(ends)}")
    full["reference"] = full["reference"] or full["conditions"][0]
    if full["reference"] not in ends:
        # message: 'x' (`reference`) | one of a, b | The reference is a leaf of the tree. | Choose one as the study's
        # `reference`.
        raise _error("reference", repr(full["reference"]), f"one of {', '.join(ends)}")
    full["differences"] = _by_name(full, "differences", list(tree), missing=0)
    full["shifts"] = _by_name(full, "shifts", list(tree), missing=0)
    full["variants"] = _by_name(full, "variants", full["conditions"])
    full["substitutions"] = _by_name(full, "substitutions", full["conditions"])
    full["noise"] = _by_name(full, "noise", list(range(1, full["replicates"] + 1)))
    _check_mappings(full)
    return full


def _error(key: str, found: str, expected: str) -> UserError:
    # message: passed on
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
            # message: 'site' (a key with choices) | own or shared / sigmoid or linear / scores or counts | The key
            # takes one of some words. | Use one of them.
            raise _error(key, repr(full[key]), " or ".join(choices))
    for key, (least, most) in _WHOLE.items():
        if not _is_whole(full[key], least) or full[key] > most:
            # message: 0 (`sites`, `replicates`, `wildtype_barcodes`, `seed`) | a whole number of at least 1 and at most
            # 100000 | Beyond what is simulated. | Choose a number between the two.
            raise _error(key, repr(full[key]), f"a whole number of at least {least} and at most {most}")
    for key in _SHARES:
        if not _is_number(full[key]) or not 0 <= full[key] <= 1:
            # message: 1.5 (a key that ends in `share`) | a number from 0 to 1 | It is a share. | Write 0.3 for 30 %.
            raise _error(key, repr(full[key]), "a number from 0 to 1")
    for key in _AT_LEAST_ZERO:
        if not _is_number(full[key]) or full[key] < 0:
            # message: -1 (a standard deviation, `shift_mean`, `shift_minimum`) | a number of at least 0 | It is a size.
            # | Choose such a number.
            raise _error(key, repr(full[key]), "a number of at least 0")
    for key in _POSITIVE:
        if not _is_number(full[key]) or full[key] <= 0:
            # message: 0 (`scale`, `pre_count`, `post_count`, `deleterious_mean`, `deleterious_shape`) | a number above
            # 0 | It is a size that cannot be 0. | Choose such a number.
            raise _error(key, repr(full[key]), "a number above 0")
    if not _is_number(full["stop_effect"]):
        # message: 'low' (`stop_effect`) | a number | It is an effect. | Write a number, mostly a negative one.
        raise _error("stop_effect", repr(full["stop_effect"]), "a number")
    if not _is_number(full["barcodes"]) or full["barcodes"] < 1:
        # message: 0.5 (`barcodes`) | a number of at least 1 | A variant has one barcode at least. | Choose such a
        # number.
        raise _error("barcodes", repr(full["barcodes"]), "a number of at least 1")
    if full["shift_mean"] < full["shift_minimum"]:
        # message: 0.2 (`shift_mean`) | at least shift_minimum | The mean size of shifts cannot be below their smallest.
        # | Raise one or lower the other.
        raise _error("shift_mean", repr(full["shift_mean"]), "at least shift_minimum")
    if not _is_number(full["bias"]) or not -full["scale"] < full["bias"] < 0:
        # message: 1 (`bias`) | a number between -scale and 0, so that wildtype scores 0 | No wildtype could score 0. |
        # Choose a `bias` between them, or raise `scale`.
        raise _error("bias", repr(full["bias"]), "a number between -scale and 0, so that wildtype scores 0")


def _check_mappings(full: dict) -> None:
    for branch, number in full["differences"].items():
        if not _is_whole(number, 0):
            # message: -1 (`differences`) | a whole number of at least 0 | Sites on a branch are counted. | Write such a
            # number.
            raise _error(f"differences: {branch}", repr(number), "a whole number of at least 0")
    if sum(full["differences"].values()) > full["sites"]:
        # message: More sites differ than there are (`differences`). | Lower the numbers, or raise `sites`.
        raise _error("differences", f"{sum(full['differences'].values())} in all", "at most one a site")
    for branch, amount in full["shifts"].items():
        if not _is_whole(amount, 0) and not (isinstance(amount, float) and 0 <= amount < 1):
            # message: 1.5 (`shifts`) | a whole number, or a share from 0 to below 1 | Neither a number nor a share. |
            # Write the number of shifts on the branch, or their share of the mutations.
            raise _error(f"shifts: {branch}", repr(amount), "a whole number, or a share from 0 to below 1")
    for condition, number in full["variants"].items():
        if not _is_whole(number, 1) or number > LARGEST / 10:
            expected = f"a whole number of at least 1 and at most {LARGEST / 10:g}"
            # message: 0 (`variants`) | a whole number of at least 1 and at most 1e+08 | Beyond what is simulated. |
            # Choose such a number.
            raise _error(f"variants: {condition}", repr(number), expected)
    for key, least in (("substitutions", 1e-3), ("noise", 0.0)):
        for name, number in full[key].items():
            if not _is_number(number) or number < least:
                # message: 0 (`substitutions`, `noise`) | a number of at least 0.001 | Too small to simulate. | Choose
                # such a number; `noise` may be 0.
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
            # message: 'x' (a name in a mapping) | one of a, b | The mapping names a condition, branch or replicate that
            # is not there. | Correct it.
            raise _error(key, repr(name), "one of " + ", ".join(map(str, names)))
    absent = [str(name) for name in names if str(name) not in by_text]
    if absent and missing is None:
        # message: A mapping leaves a condition or replicate out. | Add it.
        raise _error(key, f"no value for {', '.join(absent)}", "one for each, or a single number for all")
    return {name: _unsigned(by_text.get(str(name), missing)) for name in names}


def _leaves(tree: object) -> list[str]:
    """Leaves of {child: parent} in order of appearance, after checking that it is one tree."""
    if not isinstance(tree, Mapping) or not tree:
        # message: 3 (`tree`) | a mapping {child: parent} whose leaves are the conditions | The tree is given by the
        # parent of each node. | Write `tree: {a: root, b: root}`.
        raise _error("tree", repr(tree), "a mapping {child: parent} whose leaves are the conditions")
    for child, parent in tree.items():
        if not isinstance(child, str) or not isinstance(parent, str):
            # message: 'a': 3 (`tree`) | names | Nodes are text. | Quote what is not.
            raise _error("tree", f"{child!r}: {parent!r}", "names")
        for name in (child, parent):
            if not is_name(name):
                # message: A spreadsheet could run such a name, or it cannot be printed. | Rename it.
                raise _error("tree", f"the node {name!r}", RULE)
    for kind, nodes in faults(tree):
        if kind == "roots":
            # message: Two nodes have no parent. | Give both a common one.
            raise _error("tree", f"{len(nodes)} roots ({', '.join(nodes)})", "one root above all nodes")
        # message: A node is its own ancestor. | Correct a parent.
        raise _error("tree", f"a circle through {nodes[0]}", "a tree")
    return leaves(tree)
