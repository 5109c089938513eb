"""From tables of functional scores or counts to one list of scored variants, with the wildtypes they imply.

Steps, in this order: read, replicates, drop, missing scores, missing variances, count filter, score, subtraction of
the wildtype's score, clip. Rows are not yet collapsed: :mod:`proxsweep.dms.data.encode` does that, a replicate at a
time.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from proxsweep.dms.data import columns, counts, hgvs, notations, read, tables
from proxsweep.dms.data import wildtypes as given_wildtypes
from proxsweep.dms.data.data_report import Ledger
from proxsweep.dms.data.notations import Notation
from proxsweep.dms.data.substitutions import (
    LETTERS,
    STOP,
    Substitutions,
    carriers,
    gaps,
    infer_wildtypes,
    parse_tokens,
    refuse_silent,
    silent,
    suffixed,
)
from proxsweep.dms.data.tables import LeftOut
from proxsweep.io.errors import UserError, one_line
from proxsweep.io.names import natural

NOT_SUBSTITUTIONS = "not_substitutions"
DROPPED = {
    "gaps": lambda substitutions: carriers(substitutions, gaps(substitutions)),
    "suffixed_sites": lambda substitutions: carriers(substitutions, suffixed(substitutions)),
    "stop_wildtypes": lambda substitutions: carriers(substitutions, substitutions.wildtype == STOP),
}
REASONS = {
    "gaps": "a gap (-)",
    "suffixed_sites": "a substitution at a site with a letter suffix",
    "stop_wildtypes": "a substitution of a stop codon",
}


@dataclass(frozen=True)
class Preprocessed:
    """Scored variants of a study, before collapsing.

    Attributes
    ----------
    variants
        ``replicate``, ``condition``, ``aa_substitutions`` (own wildtype, sites in order), ``func_score``, and
        where used ``n_barcodes``, ``weight``, ``variance``; sorted by replicate, condition and then all the
        rest.
    wildtypes
        ``site``, then a letter a condition in the order of the conditions; empty where unknown. Sites in
        order.
    report
        Rows, variants and mutations after each step (see :mod:`proxsweep.dms.data.data_report`).
    """

    variants: pd.DataFrame
    wildtypes: pd.DataFrame
    report: pd.DataFrame


@dataclass
class Rows:
    """Rows of a study, sorted so that nothing after depends on their order in the files."""

    data: dict
    study: str
    files: Sequence[Path]
    names: list[str]
    frame: pd.DataFrame
    condition: np.ndarray
    substitutions: Substitutions

    def __post_init__(self):
        self.frame["replicate"] = _draw_halves(self)
        self.labels = sorted(self.frame["replicate"].unique(), key=natural)
        replicate = pd.Index(self.labels).get_indexer(self.frame["replicate"])
        self.replicate = replicate
        self.scores = self.frame["func_score"].to_numpy(float, copy=True)
        self.from_counts = self.frame["from_counts"].to_numpy(bool)
        self.wild = np.bincount(self.substitutions.row, minlength=len(self.frame)) == 0
        variant = pd.factorize(self.frame["aa_substitutions"])[0]
        self.ledger = Ledger(self.labels, self.names, replicate, self.condition, variant, self.substitutions)
        self.keep = np.ones(len(self.frame), dtype=bool)

    def place(self, group: int) -> str:
        replicate, condition = divmod(group, len(self.names))
        return f"{self.study}, replicate {self.labels[replicate]}, condition {self.names[condition]}"

    def refuse_nothing(self) -> None:
        """Every condition needs rows in some replicate; whether in each one that is fitted, encoding checks."""
        left = self.ledger.count(self.keep).reshape(len(self.labels), -1).sum(axis=0)
        for name, number in zip(self.names, left, strict=True):
            if number == 0:
                place = f"{self.study}, condition {name}"
                found = "no row with a score that passes the count filter and `drop`"
                # message: Nothing is left of this condition. | Lower `min_pre_count`, shorten `drop`, or look whether
                # its scores are in the column named.
                raise UserError(place, found, "at least one")


def preprocess(spec: dict, tables: Sequence[Path]) -> Preprocessed:
    """Read a study's tables and score their variants.

    Parameters
    ----------
    spec
        ``study`` (name), ``data`` (the study's data section; absent keys take their defaults), ``reference``.
    tables
        Local files, in the order of the config.

    Returns
    -------
    Preprocessed

    Raises
    ------
    UserError
        For any fault of the tables, with file, row and column, and for settings that do not fit them.
    """
    rows, wildtypes, unused = _prepare(spec, tables)
    rows.ledger.note("read", rows.keep, _unknown_barcodes(rows))
    rows.ledger.note_unused("read", unused)
    _drop_kinds(rows)
    _drop_missing(rows)
    _drop_missing_variance(rows)
    counts.filter_rows(rows)
    _refuse_disjoint_halves(rows)
    counts.score(rows)
    _subtract_wildtype(rows)
    _clip(rows)
    return Preprocessed(_variants(rows), wildtypes, rows.ledger.table())


def _unknown_barcodes(rows: Rows) -> list[str]:
    """A note a group on rows whose number of barcodes the table does not give."""
    column = rows.data["columns"]["barcodes"]
    marks = [rows.frame[name].to_numpy(bool) for name in ("barcodes_unknown", "barcodes_absent")]
    groups = zip(*(rows.ledger.count(mark) for mark in (*marks, rows.keep)), strict=True)
    return [_barcode_note(column, *group) for group in groups]


def _barcode_note(column: str, unknown: int, absent: int, total: int) -> str:
    if absent and absent == total:
        return f"no column {column}: every row counts as one barcode"
    return f"{unknown} without a number of barcodes, taken as 1" if unknown else ""


def _prepare(spec: dict, files: Sequence[Path]) -> tuple[Rows, pd.DataFrame, list[LeftOut]]:
    """Read, parse and sort the rows of the study's conditions; infer wildtypes from all of them.

    The third result are the rows that the study does not use.
    """
    data, study = columns.complete(spec["data"]), f"study {spec['study']}"
    frame, left_out = tables.read_rows(data, files)
    names = tables.conditions(data, spec["reference"], frame, study)
    used = frame["condition"].isin(names)
    unused = frame["condition"][~used].value_counts().sort_index()
    left_out = [*left_out, *(LeftOut(name, int(number), "condition not used") for name, number in unused.items())]
    frame = frame[used].reset_index(drop=True)
    condition = pd.Index(names).get_indexer(frame["condition"])
    written_in = [_columns_of_substitutions(data, item) for item in tables.entries(data, len(files))]

    def where(row: int) -> str:
        table = frame["table"].iat[row]
        return f"{files[table]}, row {frame['line'].iat[row]}, {written_in[table]}"

    _refuse_two_sequences(frame["aa_substitutions"], condition, names, where)
    everything, dropped = _substitutions(data, frame, where)
    written = everything.keep(~dropped[everything.row])
    if data["self_substitution"] == "error":
        alternative = "`self_substitution: wildtype` in the study's data"
        refuse_silent(written, where, f"an empty string for the wildtype, or {alternative}")
    wildtypes = infer_wildtypes(written, condition, names, where)
    if data["wildtypes"]:
        sequences = given_wildtypes.given(data["wildtypes"], data["site_map"], names, Path())
        wildtypes = given_wildtypes.fill(wildtypes, sequences, written, condition, where)
    substitutions = everything.keep(~silent(everything) | dropped[everything.row])
    if len(substitutions.row) == 0:
        place = f"{', '.join(map(str, files))}, {written_in[0]}"
        # message: The column has wildtypes only. | Correct `columns: substitutions`.
        raise UserError(place, "no substitution in any row", "variants with substitutions")
    frame["aa_substitutions"] = np.where(frame["unread"], frame["aa_substitutions"], substitutions.texts())
    order = np.lexsort([*_sort_keys(frame), condition])
    frame = frame.iloc[order].reset_index(drop=True)
    rows = Rows(data, study, files, names, frame, condition[order], substitutions.take(order))
    return rows, _wildtype_table(wildtypes, written.sites, names), left_out


def _refuse_two_sequences(
    texts: pd.Series, condition: np.ndarray, names: list[str], where: Callable[[int], str]
) -> None:
    """Variants of a condition are of one protein, where HGVS names that."""
    codes, distinct = pd.factorize(texts)
    sequences = np.array([hgvs.sequence(text) if ":" in text else "" for text in distinct], dtype=object)[codes]
    for number, name in enumerate(names):
        rows = np.flatnonzero((condition == number) & (sequences != ""))
        others = rows[sequences[rows] != sequences[rows[0]]] if len(rows) else rows
        if len(others):
            one, other = sequences[rows[0]], sequences[others[0]]
            found = f"the sequence {other!r} in condition {name}, but {one!r} at {where(rows[0])}"
            # message: The table has variants of several proteins, which would be taken for one. | Give each a condition
            # of its own, by `where` beside the table in the list `func_scores` or in a table of its own.
            raise UserError(where(others[0]), found, "variants of one sequence in each condition")


def _columns_of_substitutions(data: dict, item: dict) -> str:
    named = columns.of_substitutions(columns.of_table(data, item))
    return f"column{'s' * (len(named) > 1)} {', '.join(map(repr, named))}"


def _substitutions(data: dict, frame: pd.DataFrame, where: Callable[[int], str]) -> tuple[Substitutions, np.ndarray]:
    """Those of all rows, and which rows ``drop`` takes out (N,); marks rows in ``frame`` whose text is no list."""
    sites = read.read_site_map(data["site_map"]) if data["site_map"] else None
    drop, texts = data["drop"] or [], frame["aa_substitutions"].to_numpy(object)
    may_fail = NOT_SUBSTITUTIONS in drop
    tokens, unread = notations.read(texts, Notation.of(data), where, frozenset(sites or ()), may_fail)
    frame["unread"] = unread
    found = parse_tokens(tokens, where, sites, "stop_wildtypes" in drop)
    return found, np.any([unread, *(DROPPED[kind](found) for kind in drop if kind in DROPPED)], axis=0)


def _sort_keys(frame: pd.DataFrame) -> list[np.ndarray]:
    """Keys for lexsort (last one first) under which only rows equal in all that matters tie."""
    numbers = ["infinite", "func_score", "pre_count", "post_count", "n_barcodes", "weight", "variance"]
    keys = [frame[name].to_numpy(float) for name in numbers if name in frame]
    texts = [pd.factorize(frame[name], sort=True)[0] for name in ("replicate", "aa_substitutions")]
    return [*keys, *texts]


def _wildtype_table(wildtypes: np.ndarray, sites: np.ndarray, names: list[str]) -> pd.DataFrame:
    letters = np.array([*LETTERS, ""])[wildtypes]
    seen = (letters != "").any(axis=0)
    columns = dict(zip(names, letters[:, seen], strict=True))
    return pd.DataFrame({"site": sites[seen], **columns}, dtype=str)


def _draw_halves(rows: Rows) -> np.ndarray:
    """Replicate labels, the empty ones drawn: balanced within a condition and among rows with a score.

    Each condition has its own stream of the seed, so that another condition changes nothing here.
    """
    labels = rows.frame["replicate"].to_numpy(object, copy=True)
    undrawn = labels == ""
    if not undrawn.any():
        return labels
    settings = rows.data["replicates"]
    missing = rows.frame["func_score"].isna().to_numpy()
    for number, name in enumerate(rows.names):
        random = np.random.default_rng([int(settings.get("seed", 1)), zlib.crc32(name.encode())])
        for absent in (False, True):
            members = np.flatnonzero(undrawn & (rows.condition == number) & (missing == absent))
            drawn = random.permutation(len(members)) % int(settings["split"])
            labels[members] = (drawn + 1).astype(str).astype(object)
    return labels


def _drop_kinds(rows: Rows) -> None:
    for kind in rows.data["drop"] or []:
        unread = kind == NOT_SUBSTITUTIONS
        rows.keep &= ~(rows.frame["unread"].to_numpy(bool) if unread else DROPPED[kind](rows.substitutions))
        rows.ledger.note(f"drop_{kind}", rows.keep, _unread_reason(rows) if unread else REASONS[kind])
        rows.refuse_nothing()


def _unread_reason(rows: Rows) -> str:
    """What the dropped texts are, by the most frequent of them."""
    texts = rows.frame["aa_substitutions"][rows.frame["unread"]].value_counts(sort=False).sort_index()
    examples = texts.sort_values(ascending=False, kind="stable").index[:3]
    return f"no list of substitutions ({', '.join(one_line(text[:40]) for text in examples)})"


def _drop_missing(rows: Rows) -> None:
    before = rows.keep.copy()
    rows.keep &= ~np.isnan(rows.scores) | rows.from_counts
    dropped = before & ~rows.keep
    infinite = rows.ledger.count(dropped & rows.frame["infinite"].to_numpy(bool))
    reason = "no score in the table"
    notes = [_infinite_note(reason, *group) for group in zip(rows.ledger.count(dropped), infinite, strict=True)]
    rows.ledger.note("missing_score", rows.keep, notes if infinite.any() else reason)
    rows.refuse_nothing()


def _infinite_note(reason: str, dropped: int, infinite: int) -> str:
    return f"{reason}, or an infinite one ({infinite})" if infinite else reason if dropped else ""


def _drop_missing_variance(rows: Rows) -> None:
    if rows.data["missing_variance"] != "drop" or "variance" not in rows.frame:
        return
    rows.keep &= ~rows.frame["variance_missing"].to_numpy(bool)
    rows.ledger.note("missing_variance", rows.keep, "no variance or standard error in the table, or 0")
    rows.refuse_nothing()


def _refuse_disjoint_halves(rows: Rows) -> None:
    """Replicates by random halves say nothing about each other unless variants repeat their mutations."""
    if "split" not in (rows.data["replicates"] or {}):
        return
    kept = rows.substitutions.keep(rows.keep[rows.substitutions.row])
    group, code = rows.ledger.group[kept.row], kept.codes()
    width = len(rows.names)
    for number in np.unique(group % width):
        halves = [np.unique(code[group == r * width + number]) for r in range(len(rows.labels))]
        if all(len(np.intersect1d(one, other)) for one, other in combinations(halves, 2)):
            continue
        # message: With `split` each mutation falls into one part only, and the parts cannot be compared. | Use another
        # kind of `replicates`, or none.
        raise UserError(
            f"{rows.study}, data.replicates.split",
            f"random parts of condition {rows.names[number]} that share no mutation",
            "a table in which mutations stand in several rows (barcodes or multiply mutated variants); for "
            "one row a mutation use replicates measured apart (`column`, `score_columns`), or none",
        )


def _subtract_wildtype(rows: Rows) -> None:
    if not rows.data["subtract_wildtype"]:
        return
    wild = rows.keep & rows.wild
    number = rows.ledger.count(wild)
    bare = np.flatnonzero((number == 0) & (rows.ledger.count(rows.keep) > 0))
    if len(bare):
        found = "no wildtype row, whose score is to be subtracted"
        # message: There is nothing to subtract. | Add rows without substitutions, or remove `subtract_wildtype`.
        raise UserError(rows.place(bare[0]), found, "a wildtype row, or no `subtract_wildtype`")
    totals = np.bincount(rows.ledger.group[wild], rows.scores[wild], minlength=rows.ledger.size)
    means = totals / np.maximum(number, 1)
    rows.scores -= means[rows.ledger.group]
    rows.ledger.note("subtract_wildtype", rows.keep, [f"wildtype mean {mean:g} subtracted" for mean in means])


def _clip(rows: Rows) -> None:
    """Clip scores; ``median_stop`` is the median over a replicate's rows with a stop, in all conditions."""
    if rows.data["clip"] is None:
        return
    lower, upper = rows.data["clip"]
    bounds = np.array([_bounds(rows, number, lower, upper) for number in range(len(rows.labels))])
    low, high = bounds[rows.replicate].T
    raised = rows.ledger.count(rows.keep & (rows.scores < low))
    lowered = rows.ledger.count(rows.keep & (rows.scores > high))
    by_group = np.repeat(bounds, len(rows.names), axis=0)
    notes = [_clip_note(*group) for group in zip(raised, lowered, *by_group.T, strict=True)]
    rows.scores = np.clip(rows.scores, low, high)
    rows.ledger.note("clip", rows.keep, notes)


def _clip_note(raised: int, lowered: int, low: float, high: float) -> str:
    notes = []
    if low > -np.inf:
        notes.append(f"{raised} scores raised to {low:g}")
    if high < np.inf:
        notes.append(f"{lowered} scores lowered to {high:g}")
    return ", ".join(notes)


def _bounds(rows: Rows, replicate: int, lower: float | str | None, upper: float | None) -> tuple[float, float]:
    high = np.inf if upper is None else float(upper)
    if lower != "median_stop":
        low = -np.inf if lower is None else float(lower)
    else:
        low = _median_stop(rows, replicate)
    if low > high:
        place = f"{rows.study}, data.clip, replicate {rows.labels[replicate]}"
        # message: The median of the stops lies above the upper limit of `clip`. | Raise that, or give a number as the
        # lower one.
        raise UserError(place, f"lower bound {low:g} above upper bound {high:g}", "bounds in order")
    return low, high


def _median_stop(rows: Rows, replicate: int) -> float:
    stops = np.zeros(len(rows.scores), dtype=bool)
    stops[rows.substitutions.row[rows.substitutions.mutant == STOP]] = True
    stops &= rows.keep & (rows.replicate == replicate)
    if not stops.any():
        place = f"{rows.study}, data.clip, replicate {rows.labels[replicate]}"
        # message: This replicate has no stop codons. | Give a number in `clip`.
        raise UserError(place, "`median_stop` but no variant with a stop (*)", "a number or null as lower bound")
    return float(np.median(rows.scores[stops]))


def _variants(rows: Rows) -> pd.DataFrame:
    rows.frame["func_score"] = rows.scores
    order = np.lexsort([*_sort_keys(rows.frame), rows.condition, rows.replicate])
    order = order[rows.keep[order]]
    kept = ["replicate", "condition", "aa_substitutions", "func_score", *columns.used_columns(rows.data)]
    return rows.frame.iloc[order][kept].reset_index(drop=True)
