"""A config as text, with a comment above every line: what it is, why it is so, what else could stand there."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import yaml

from proxsweep.dms.init.choice import Choice

WIDTH = 110
CHECK = "PLEASE CHECK"
LISTED = (
    "Each table has a line: `columns` names those of its columns that differ, `replicates` its label of each replicate "
    "of the study, `where` the rows to keep."
)
HELP = {
    "data": "Where scores come from, and what happens to them before the fits.",
    "data.func_scores": (
        "Table of scores or counts, one row for each variant measured. A path starts in the folder that you run in; an "
        "http(s) address, or a list of tables, can take its place."
    ),
    "data.conditions": "Conditions to use, in this order; take one away to leave it out.",
    "data.columns": "Columns of the table by what they hold, named as in its header.",
    "data.columns.condition": "Condition of a variant: the homolog, the strain, the selection.",
    "data.columns.substitutions": "Substitutions of a variant relative to the wildtype of its own condition.",
    "data.columns.wildtype": "Substitutions in three columns: the first is the letter of the condition's own wildtype.",
    "data.columns.site": "The second is the site.",
    "data.columns.mutant": "The third is the letter in the variant.",
    "data.columns.score": "Functional score. Any other column of numbers can stand here.",
    "data.columns.pre_count": (
        "Count before selection. Scores are computed from counts: log2 enrichment over the wildtype. Where there is a "
        "column of scores, name it as `score` in place of both counts."
    ),
    "data.columns.post_count": "Count after selection.",
    "data.columns.standard_error": "Standard error of a score, read with `variant_weights: inverse_variance` alone.",
    "data.columns.variance": "Variance of a score, read with `variant_weights: inverse_variance` alone.",
    "data.columns.barcodes": "Number of barcodes behind a row, read with `variant_weights: barcodes` alone.",
    "data.separator": "What stands between the substitutions of a variant. Without the line: blanks.",
    "data.wildtype_names": "Texts that stand for the wildtype, beside an empty cell.",
    "data.site_map": "File with the sites in order, for sites that are no numbers; it can be edited.",
    "data.stop_letter": "Letter of a stop codon, beside *.",
    "data.self_substitution": "What a letter replaced by itself is (K5K, K5=): `wildtype`, or `error` to refuse it.",
    "data.replicates": (
        "What a replicate is; by the agreement of replicates shifts are judged. {column: library}, or {score_columns: "
        "{1: rep1, 2: rep2}}, or {split: 2, seed: 1} for two random halves, which share the noise of one experiment."
    ),
    "data.drop": (
        "Variants that are left out: any of not_substitutions, gaps, suffixed_sites and stop_wildtypes. Without the "
        "line none is."
    ),
    "data.variant_weights": "How much a variant counts: equal (without the line), inverse_variance, barcodes, column.",
    "data.missing_variance": "Rows without an error, or with one of 0: refused (`error`, without the line), or `drop`.",
    "data.subtract_wildtype": (
        "Whether the mean score of the wildtype is subtracted, that of each condition and replicate: true or false."
    ),
    "data.clip": (
        "Limits of the scores, [lower, upper], each a number or null for none; median_stop as the lower one is the "
        "median score of the rows with a stop. null sets no limits."
    ),
    "reference": "Condition that the others are compared with, and whose wildtype numbers the mutations.",
    "model": "How effects make a score.",
    "model.global_epistasis": "From the sum of effects to the score: sigmoid, which is flat at both ends, or linear.",
    "model.ridge": "Weight of the squared effects, which keeps those small that the data do not determine.",
    "model.scale_bound": "Largest scale of the sigmoid, in units of the score or as a multiple of the range of scores.",
    "sweep": "What is varied: every combination of the values below is fitted, for every replicate.",
    "sweep.difference": (
        "Differences that are penalised: `reference`, every other condition minus the reference; `equivariant`, every "
        "pair."
    ),
    "sweep.lasso": (
        "Weights of the penalty on differences: the larger, the fewer shifts. A weight that you add later is fitted by "
        "itself, nothing else again. Write 4.0e-5, with a dot: YAML takes 4e-5 for text."
    ),
}
"""What a key is and what else could stand there. Keys are written in this order."""


def config(name: str, choices: Iterable[Choice], typed: str, snakemake: str, path: str) -> str:
    """The whole text of a config.

    Parameters
    ----------
    name
        Of the study.
    choices
        Its keys; one that is off is written as a comment.
    typed
        The command that made it.
    snakemake
        The program that runs it, as it can be typed.
    path
        Where it will lie.
    """
    head = [
        f"Written by `{typed}` from what the tables hold. It runs as it is:",
        f"  {snakemake} --cores 2 --configfile {path} --dry-run    # a look ahead: what will run, what is wrong",
        f"  {snakemake} --cores 2 --configfile {path}              # the run; results land in results/{name}/",
        f"Lines with {CHECK} are guesses where the tables do not tell. The weight to go on with is chosen by rule",
        "(`chosen`, auto by default). All keys are described in config/README.md.",
    ]
    lines = [f"# {line}".rstrip() for line in head]
    lines += ["studies:", *_comment(f"The study: a name for the folder of its results, results/{name}/.", 2)]
    lines += [f"  {scalar(name)}:", *_body(list(choices))]
    return "\n".join(lines) + "\n"


def _body(choices: list[Choice]) -> Iterator[str]:
    """Keys in the order of :data:`HELP`, each section with its own line before the first of its keys."""
    order = list(HELP)
    opened: set[str] = set()
    for choice in sorted(choices, key=lambda choice: (order.index(choice.key), choice.off)):
        sections = choice.key.split(".")[:-1]
        for depth in range(len(sections)):
            section = ".".join(sections[: depth + 1])
            if section not in opened:
                opened.add(section)
                yield from _comment(HELP[section], 4 + 2 * depth)
                yield f"{' ' * (4 + 2 * depth)}{sections[depth]}:"
        yield from _lines(choice, 4 + 2 * len(sections))


def _lines(choice: Choice, indent: int) -> Iterator[str]:
    several = isinstance(choice.value, list) and bool(choice.value) and isinstance(choice.value[0], dict)
    key, mark = choice.key.split(".")[-1], " " * indent + "#" * choice.off
    absent = choice.off and choice.value is None
    head = f"No {key}. " if absent else ""
    yield from _comment(f"{head}{HELP[choice.key]} {LISTED if several else ''}", indent)
    yield from _comment(f"Here: {choice.why}.", indent)
    if choice.off and not absent:
        yield from _comment(_switched(choice.together), indent)
    if choice.ask:
        yield from _comment(f"{CHECK}: {choice.ask}", indent)
    if absent:
        return
    yield f"{mark}{key}:" if several else f"{mark}{key}: {scalar(choice.value)}"
    if several:
        yield from (f"{mark}  - {scalar(item)}" for item in choice.value)


def _switched(together: Sequence[str]) -> str:
    if not together:
        return "Not in use: take the # away to use it."
    number = {2: "both", 3: "all three"}[len(together)]
    keys = ", ".join(f"`{key.removeprefix('data.')}`" for key in together)
    return f"Not in use: to use it, take the # away from {number} together: {keys}."


def _comment(text: str, indent: int) -> list[str]:
    blank = " " * indent
    return textwrap.wrap(
        " ".join(text.split()),
        WIDTH,
        initial_indent=f"{blank}# ",
        subsequent_indent=f"{blank}# ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def scalar(value: Any) -> str:
    """A value on one line, as YAML reads it back; 4e-05 is written 4.0e-5."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(key)}: {scalar(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(scalar, value)) + "]"
    if isinstance(value, float):
        return number(value)
    # as a flow sequence, so that what would end a value inside of one is quoted
    return yaml.safe_dump([value], default_flow_style=True, width=10**6, allow_unicode=True).strip()[1:-1]


def number(value: float) -> str:
    """A number as people write it: 0.5, 12, 4.0e-5."""
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value:.10g}"
    mantissa, exponent = f"{value:.6e}".split("e")
    mantissa = mantissa.rstrip("0")
    return f"{mantissa}0e{int(exponent):+d}" if mantissa.endswith(".") else f"{mantissa}e{int(exponent):+d}"
