"""From columns, conditions and replicates to the keys of a config that say them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from proxsweep.dms.data import notations
from proxsweep.dms.data.numbers import is_infinite, is_missing
from proxsweep.dms.init import names
from proxsweep.dms.init.choice import Choice, counted, listed
from proxsweep.dms.init.grouping import Grouping
from proxsweep.dms.init.recognise import READ, Found, normalised
from proxsweep.dms.init.sheet import LOOKED_AT
from proxsweep.dms.init.text import scalar
from proxsweep.dms.init.variants import Variants
from proxsweep.io.errors import UserError
from proxsweep.io.names import natural

ALIKE = 0.1  # what reading tables together may lose of the share that each by itself reads
MORE = 1.1  # times as many variants as any other condition has, by which one is the reference
LINEAR = 0.95  # share of single mutants from which on nothing tells a sigmoid
RIDGE_OF_SINGLES = 1e-9  # small beside the weight of one variant in thousands
ROLES = ("condition", "substitutions", "wildtype", "site", "mutant", "score", "pre_count", "post_count")
SYNONYMOUS = ("sy", "syn", "synonymous", "silent")  # words for variants that encode the wildtype, as Enrich2's `_sy`


def read_together(tables: Sequence[Found]) -> notations.Guess:
    """How the substitutions of all tables are written; the tables are read anew by that.

    Raises
    ------
    UserError
        Where no way of writing reads all tables.
    """
    texts = list(dict.fromkeys(text for table in tables for text in pd.unique(table.texts)))
    together = notations.guess(texts)
    synonymous = tuple(text for text in texts if text.strip("_").lower() in SYNONYMOUS)
    if synonymous:
        notation = replace(together.notation, wildtype_names=(*together.notation.wildtype_names, *synonymous))
        together = together._replace(notation=notation, unread=[t for t in together.unread if t not in synonymous])
    named = [table for table in tables if table.sites]
    if named and together.share < READ:
        together = together._replace(notation=replace(together.notation, separator=named[0].separator))
    sites = list(dict.fromkeys(site for table in named for site in table.sites))
    for table in tables:
        alone = _share(table)
        table.read = normalised(table.texts, together.notation, sites)
        if _share(table) < alone - ALIKE:
            own = notations.guess(list(pd.unique(table.texts))).notation.separator
            found, expected = (
                f"substitutions separated by {own!r}",
                f"{together.notation.separator!r}, as in the others",
            )
            # message: substitutions separated by ';' | ':', as in the others | A study has one separator. | Write the
            # substitutions of all tables in one way.
            raise UserError(table.sheet.path, found, expected)
    return together


def _share(table: Found) -> float:
    return sum(text is not None for text in table.read) / len(table.read)


def choices(
    tables: Sequence[Found], grouping: Grouping, guess: notations.Guess, variants: Variants, reference: str | None
) -> list[Choice]:
    """Everything that can be told before scores are looked at.

    Raises
    ------
    UserError
        Where ``reference`` is none of the conditions.
    """
    return [
        *_tables(tables, grouping),
        *_columns(tables, grouping),
        *_notation(guess),
        *_drop(variants, tables),
        _replicates(grouping, variants),
        *_precision(tables),
        _reference(grouping, reference),
        *_model(variants, grouping),
    ]


def _roles(table: Found) -> dict[str, str]:
    named = {"condition": table.condition, "substitutions": table.substitutions, **table.parts, **table.counts}
    single = {"score": table.scores[""]} if "" in table.scores else {}
    found = {**named, **single}
    return {role: found[role] for role in ROLES if found.get(role) is not None}


def _shared(tables: Sequence[Found], grouping: Grouping) -> dict[str, str]:
    """Columns that all tables have under one name."""
    roles = [_roles(table) for table in tables]
    shared = {role: column for role, column in roles[0].items() if all(own.get(role) == column for own in roles)}
    if all("condition" in entry for entry in grouping.entries):
        shared.pop("condition", None)
    if any("columns" in entry for entry in grouping.entries):
        shared.pop("score", None)
    return shared


def _tables(tables: Sequence[Found], grouping: Grouping) -> Iterator[Choice]:
    shared, scores = _shared(tables, grouping), grouping.replicates or {}
    entries = [dict(entry) for entry in grouping.entries]
    for entry, number in zip(entries, grouping.tables, strict=True):
        table = tables[number]
        own = {role: column for role, column in _roles(table).items() if shared.get(role) != column}
        own |= entry.get("columns", {})
        if "condition" in entry:
            own.pop("condition", None)
        if "column" in scores and table.replicate != scores["column"]:
            own["replicate"] = table.replicate
        if own:
            entry["columns"] = own
    value: Any = grouping.entries[0]["func_scores"] if grouping.plain() and len(entries[0]) == 1 else entries
    looked = (
        "" if all(t.sheet.whole for t in tables) else f"; of a longer table {LOOKED_AT:,} were looked at, at random"
    )
    rows = sum(table.sheet.rows for table in tables)
    ask = " ".join(_extra(table, column) for table in tables for column in table.extras)
    yield Choice("data.func_scores", value, f"{counted(rows)}{looked}", ask)
    number = len(grouping.conditions)
    counts = listed((f"{name} ({counted(rows)})" for name, rows in grouping.conditions.items()), 8)
    what = f"{number} condition{'s' if number > 1 else ''}, {grouping.condition_why}: {counts}"
    column = shared.get("condition")
    if column is not None:
        yield Choice("data.columns.condition", column, what, grouping.condition_ask)
    else:
        yield Choice("data.conditions", list(grouping.conditions), what, grouping.condition_ask)


def named(choices: Sequence[Choice], path: str) -> set[str]:
    """Columns of a table that some choice names, be it a line that is off."""
    found = {str(one.value) for one in choices if one.key.startswith("data.columns.")}
    replicates = next((one.value for one in choices if one.key == "data.replicates"), None) or {}
    found.add(str(replicates.get("column")))
    by_columns = "score_columns" in replicates
    tables = next(one.value for one in choices if one.key == "data.func_scores")
    own = [entry for entry in tables if entry["func_scores"] == path] if isinstance(tables, list) else []
    if by_columns and not (own and all("replicates" in entry for entry in own)):
        found |= {str(column) for column in replicates["score_columns"].values()}
    for entry in own:
        found |= {*entry.get("columns", {}).values(), *entry.get("where", {})}
        found |= set(map(str, entry["replicates"].values())) if by_columns and "replicates" in entry else set()
    return found


def _extra(table: Found, column: str) -> str:
    values = table.extras[column]
    return (
        f"are all rows to be used together? Column {column!r} has {len(values)} values ({listed(values)}) under which "
        f"the same variants are measured. For one of them write here "
        f"{scalar([{'func_scores': table.sheet.path, 'where': {column: values[0]}}])}."
    )


def _columns(tables: Sequence[Found], grouping: Grouping) -> Iterator[Choice]:
    first = tables[0]
    for role, column in _shared(tables, grouping).items():
        if role == "condition":
            continue
        why, ask = f"such as {_example(first, role, column)}", ""
        if role == "substitutions" and first.alternatives:
            ask = f"or is it {listed(map(repr, first.alternatives))}, which can be read too?"
        if role == "score" and first.other_scores:
            ask = f"or is it {listed(map(repr, first.other_scores))}?"
        yield Choice(f"data.columns.{role}", column, why, ask)


def _example(table: Found, role: str, column: str) -> str:
    """A cell of a column, where it holds substitutions one of a row that is used."""
    cells = table.sheet.texts(column)
    if role in ("substitutions", "wildtype", "site", "mutant"):
        used = [text for text, read in zip(cells, table.read, strict=True) if len(text) < 40 and _is_usual(read)]
        texts = list(dict.fromkeys(used))
        return max(texts[:200], key=len, default="") if role == "substitutions" else next(iter(texts), "")
    texts = [text for text in table.sheet.distinct(column) if len(text) < 40]
    return next((text for text in texts if not (is_missing(text) or is_infinite(text))), "")


def _is_usual(read: str | None) -> bool:
    """Whether a variant in one-letter form has a substitution and none that may be dropped."""
    pieces = (read or "").split()
    return bool(pieces) and not any(
        "-" in (piece[0], piece[-1]) or piece[0] == "*" or piece[-2].islower() for piece in pieces
    )


def _notation(guess: notations.Guess) -> Iterator[Choice]:
    notation, plain = guess.notation, notations.Notation()
    if notation.separator != plain.separator:
        yield Choice("data.separator", notation.separator, "what stands between the substitutions of a variant")
    if notation.wildtype_names:
        yield Choice("data.wildtype_names", list(notation.wildtype_names), "words that stand for a wildtype")
    if notation.stop_letter != plain.stop_letter:
        ask = "is X a stop codon? Where it is an unknown residue, take the line away"
        yield Choice("data.stop_letter", notation.stop_letter, "more rows can be read with X as a stop", ask)
    if guess.silent:
        yield Choice("data.self_substitution", "wildtype", "some rows replace a letter by itself")


def _drop(variants: Variants, tables: Sequence[Found]) -> Iterator[Choice]:
    drop, why = [], []
    if variants.unread:
        unread = dict.fromkeys(text for table in tables for text in table.texts[pd.isna(table.read)])
        drop.append("not_substitutions")
        why.append(f"{variants.unread:,} of {variants.rows:,} rows are no substitutions ({listed(unread, 3)})")
    if variants.stop_wildtypes:
        drop.append("stop_wildtypes")
        why.append(f"a stop codon is replaced in {counted(variants.stop_wildtypes)}, which is refused otherwise")
    if variants.suffixed and variants.lone_suffixed:
        drop.append("suffixed_sites")
        why.append(f"a site that ends in a letter, which some condition lacks, is in {counted(variants.suffixed)}")
    many = variants.unread > ALIKE * variants.rows
    gaps = f"there are deletions (-) in {counted(variants.gaps)}; they are fitted like any other substitution"
    if drop:
        ask = "are so many rows to be left out, or are they written in a way that is not recognised?" if many else ""
        if variants.gaps:
            why.append(f"{gaps}, and [{', '.join([*drop, 'gaps'])}] leaves them out too")
        yield Choice("data.drop", drop, "; ".join(why), ask)
    elif variants.gaps:
        yield Choice("data.drop", ["gaps"], gaps, off=True)


def _replicates(grouping: Grouping, variants: Variants) -> Choice:
    key = "data.replicates"
    if grouping.replicates is not None:
        return Choice(key, grouping.replicates, grouping.replicate_why, grouping.replicate_ask)
    if grouping.replicate_why:
        return Choice(key, None, grouping.replicate_why, grouping.replicate_ask, off=True)
    halves = {"split": 2, "seed": 1}
    if variants.repeated:
        why = "no column names replicates: two random halves of each condition's rows take their place"
        return Choice(key, halves, why, grouping.replicate_ask)
    why = (
        "no column names replicates, and random halves of these rows would share too few mutations to be compared; "
        "without replicates shifts are ranked, and none is selected"
    )
    return Choice(key, None, why, grouping.replicate_ask, off=True)


def _precision(tables: Sequence[Found]) -> Iterator[Choice]:
    """Weights by precision, to be switched on."""
    first = tables[0]
    if len(first.scores) > 1:
        return  # of which replicate an error is, its name does not say
    weights, missing = "data.variant_weights", "data.missing_variance"
    alike = {role: getattr(first, role) for role in ("standard_error", "variance", "barcodes")}
    alike = {role: column for role, column in alike.items() if all(getattr(t, role) == column for t in tables)}
    error = next((role for role in ("standard_error", "variance") if alike.get(role) is not None), None)
    barcodes = alike.get("barcodes")
    if error is not None:
        column, together = alike[error], (weights, missing, f"data.columns.{error}")
        why = (
            f"column {column!r} is the {error.replace('_', ' ')}; all variants count alike, since such an error "
            "leaves out much of what replicates differ by, and a few variants then outweigh all others"
        )
        if barcodes is not None:
            why += f". Column {barcodes!r} has the number of barcodes, for `barcodes` in place of it"
        yield Choice(weights, "inverse_variance", why, off=True, together=together)
        yield Choice(missing, "drop", "for `variant_weights`", off=True, together=together)
        yield Choice(f"data.columns.{error}", column, "for `variant_weights`", off=True, together=together)
    elif barcodes is not None:
        why = f"column {barcodes!r} has the number of barcodes; all variants count alike"
        together = (weights, "data.columns.barcodes")
        yield Choice(weights, "barcodes", why, off=True, together=together)
        yield Choice("data.columns.barcodes", barcodes, "for `variant_weights`", off=True, together=together)


def _reference(grouping: Grouping, wanted: str | None) -> Choice:
    known = list(grouping.conditions)
    if wanted is not None:
        if wanted not in known:
            # message: 'Alpa' | one of the conditions Alpha, Beta | The tables have no such condition. | Correct it.
            raise UserError("--reference", repr(wanted), f"one of the conditions {listed(known, 20)}")
        return Choice("reference", wanted, "as asked for")
    ask = "is this the condition to compare the others with?" if len(known) > 1 else ""
    said = names.best(known, names.REFERENCE)
    if said:
        return Choice("reference", said, "its name says so", ask)
    if len(known) == 1:
        return Choice("reference", known[0], "the only condition")
    first, second = sorted(known, key=lambda name: -grouping.variants[name])[:2]
    if grouping.variants[first] >= MORE * grouping.variants[second]:
        return Choice("reference", first, "it has the most variants", ask)
    listed_so = all("condition" in entry for entry in grouping.entries)
    where = "listed" if listed_so else "by name"
    why = f"the first one {where}, as no name says which, and none has many more variants than the others"
    return Choice("reference", known[0] if listed_so else min(known, key=natural), why, ask)


def _model(variants: Variants, grouping: Grouping) -> Iterator[Choice]:
    share = f"{100 * variants.single:.0f} % of the variants have one mutation"
    if variants.single >= LINEAR:
        why = f"{share}: with single mutants alone, latent phenotype and score are the same thing"
        yield Choice("model.global_epistasis", "linear", why)
        why = "of single mutants the wildtype alone sets the intercept, and a larger ridge would outweigh it"
        yield Choice("model.ridge", RIDGE_OF_SINGLES, why)
    else:
        yield Choice("model.global_epistasis", "sigmoid", f"{share}; the others show how effects add up")
    if len(grouping.conditions) > 2:
        why = "both; the study goes on with the first, unless `chosen: {difference: equivariant}` says otherwise"
        yield Choice("sweep.difference", ["reference", "equivariant"], why)
    else:
        why = "with two conditions `reference` and `equivariant` are one problem"
        yield Choice("sweep.difference", ["reference"], why if len(grouping.conditions) == 2 else "the default")
