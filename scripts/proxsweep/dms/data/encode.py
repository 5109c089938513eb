"""From scored variants of one replicate to an :class:`~proxsweep.dms.data.encoding.Encoding`.

Steps, in this order: collapse by set of substitutions, variants at sites of unknown wildtype, bundle sites,
times seen, encode. A condition's variants are written relative to its own wildtype. Where that differs from
the reference's (wildtype G in the reference, P in the condition), the own coordinates of ``P3R`` are {G3P,
G3R}, of the reversion ``P3G`` {G3P}, and of an untouched site nothing; flipping the bundle mutation G3P gives
the reference's coordinates {G3R}, {} and {G3P}.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from proxsweep.dms.data import read
from proxsweep.dms.data.columns import complete
from proxsweep.dms.data.data_report import Ledger
from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.data.substitutions import LETTERS, UNKNOWN, Substitutions, parse
from proxsweep.io.errors import UserError


@dataclass(frozen=True)
class _Collapsed:
    """Variants of a replicate: condition, score, weight, text (N,), and rows merged a condition (D,)."""

    condition: np.ndarray
    score: np.ndarray
    weight: np.ndarray
    text: np.ndarray
    substitutions: Substitutions
    merged: np.ndarray


@dataclass(frozen=True)
class _Sites:
    """Wildtypes (D, S) as letter indices, the reference's index, and the sites kept (S,)."""

    wildtypes: np.ndarray
    reference: int
    kept: np.ndarray

    def differing(self) -> np.ndarray:
        """Where a condition's wildtype differs from the reference's, (D, S), kept sites only."""
        return (self.wildtypes != self.wildtypes[self.reference]) & self.kept


def encode(
    spec: dict,
    variants: pd.DataFrame,
    wildtypes: pd.DataFrame,
    replicate: str,
) -> tuple[Encoding, pd.DataFrame]:
    """Collapse and encode the variants of one replicate.

    Parameters
    ----------
    spec
        ``study``, ``data`` and ``reference``, as in :func:`proxsweep.dms.data.preprocess.preprocess`.
    variants, wildtypes
        As :class:`proxsweep.dms.data.preprocess.Preprocessed` holds them; the columns of ``wildtypes`` set the
        order of the conditions, its rows that of the sites.
    replicate
        Label.

    Returns
    -------
    Encoding, DataFrame
        The second is the data report of these steps.

    Raises
    ------
    UserError
        If a condition has no rows in the replicate, or none with a substitution that passes the filters; if a
        wildtype is unknown and ``unknown_wildtype`` is ``error``; and if variants do not fit the wildtypes.
    """
    data, study = complete(spec["data"]), f"study {spec['study']}, replicate {replicate}"
    names = [name for name in wildtypes.columns if name != "site"]
    rows = variants[variants["replicate"].astype(str) == str(replicate)]
    if rows.empty:
        known = ", ".join(map(str, variants["replicate"].unique()))
        # message: `sweep: replicate` names one that the tables do not have, or a table was cut off before its rows. |
        # Correct it, or compare the number of rows of the table with that of its source.
        raise UserError(study, "no variants", f"a replicate among {known}")
    order = list(wildtypes["site"].astype(str))
    table = _letters(wildtypes, names, order)
    collapsed = _collapse(data, rows, names, order, study)
    _refuse_absent(collapsed, names, study)
    _check_wildtypes(collapsed, table, names, study)
    sites = _Sites(table, _reference(spec["reference"], names, study), (table != UNKNOWN).all(axis=0))
    ledger = _ledger(replicate, names, collapsed)
    keep = np.ones(len(collapsed.score), dtype=bool)
    merged = "" if data["collapse"] == "none" else "rows merged with others of the same substitutions"
    ledger.note("collapse", keep, merged, collapsed.merged)
    keep &= _drop_unknown(data, collapsed, sites, names, study)
    ledger.note("unknown_wildtype", keep, _where_unknown(sites, names))
    if data["bundle_sites"] == "observed_both_ways":
        sites = _observed_both_ways(collapsed, sites, keep)
        keep &= _untouched(collapsed.substitutions, sites.kept)
        ledger.note("bundle_sites", keep, "substitution at a differing site not observed both ways")
    if data["min_times_seen"] > 1:
        keep &= _seen(collapsed, sites, keep, data["min_times_seen"])
        ledger.note("times_seen", keep, f"mutation in fewer than {data['min_times_seen']} variants of the condition")
    _refuse_nothing(data, collapsed, keep, names, study)
    encoding = _encode(collapsed, sites, keep, names)
    ledger.note("encode", keep, _summary(encoding))
    return encoding, ledger.table()


def encode_files(
    spec: dict, variants: str | Path, wildtypes: str | Path, replicate: str
) -> tuple[Encoding, pd.DataFrame]:
    """:func:`encode` from the files that preprocessing wrote."""
    return encode(spec, read.read_variants(variants), read.read_wildtypes(wildtypes), replicate)


def _letters(wildtypes: pd.DataFrame, names: list[str], order: list[str]) -> np.ndarray:
    """Wildtypes as indices into LETTERS, (D, S), sites in the order given."""
    letters = wildtypes.set_index(wildtypes["site"].astype(str))[names].reindex(order).fillna("").to_numpy(str)
    rank = {letter: number for number, letter in enumerate(LETTERS)} | {"": UNKNOWN}
    return np.array([[rank[letter] for letter in row] for row in letters.T]).reshape(len(names), len(order))


def _reference(reference: str, names: list[str], study: str) -> int:
    if str(reference) not in names:
        # message: 'Alpa' | one of the conditions Alpha, Beta | `reference` has no variants. | Correct it.
        raise UserError(f"{study}, reference", repr(reference), f"one of the conditions {', '.join(names)}")
    return names.index(str(reference))


def _collapse(data: dict, rows: pd.DataFrame, names: list[str], order: list[str], study: str) -> _Collapsed:
    """Merge rows of a condition with the same set of substitutions, whatever the order of the file."""

    def where(row: int) -> str:
        return f"{study}, variant {row + 1}"

    condition = pd.Index(names).get_indexer(rows["condition"].astype(str))
    if (condition < 0).any():
        found = f"condition {rows['condition'].iloc[np.argmin(condition)]!r} without wildtypes"
        # message: `data/variants.csv` and `data/wildtypes.csv` do not belong together: one was edited. | Remove both
        # and the `encodings` folder, and run again.
        raise UserError(study, found, f"one of {', '.join(names)}")
    substitutions = parse(rows["aa_substitutions"].fillna("").to_numpy(object), where, order)
    texts = substitutions.texts()
    variant = pd.factorize(texts, sort=True)[0]
    numbers = [rows[name].to_numpy(float) for name in _numbers(rows)]
    by = np.lexsort([*numbers, variant, condition])
    key = condition[by] * (variant.max() + 1) + variant[by]
    first = np.ones(len(by), dtype=bool)
    if data["collapse"] != "none":
        first[1:] = np.diff(key) > 0
    starts = np.flatnonzero(first)
    score, weight = _merge(data, rows.iloc[by], starts)
    taken = substitutions.take(by[starts])
    counts = [np.bincount(condition[chosen], minlength=len(names)) for chosen in (by, by[starts])]
    return _Collapsed(condition[by[starts]], score, weight, texts[by[starts]], taken, counts[0] - counts[1])


def _numbers(rows: pd.DataFrame) -> list[str]:
    return [name for name in ("variance", "weight", "n_barcodes", "func_score") if name in rows]


def _merge(data: dict, rows: pd.DataFrame, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores and weights of variants whose k rows begin at ``starts``.

    The score is sum(n_i s_i) / sum(n_i), with n_i = 1 (``mean``) or the row's barcodes (``barcode_mean``).
    The weight is 1 (``equal``), the sum of barcodes (``barcodes``) or of the weight column (``column``), or
    the inverse of the variance of that score (``inverse_variance``): sum(n_i)^2 / sum(n_i^2 v_i), k^2 /
    sum(v_i) for a plain mean.
    """

    def total(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values, starts)

    ones = np.ones(len(rows))
    n = rows["n_barcodes"].to_numpy(float) if data["collapse"] == "barcode_mean" else ones
    scores = rows["func_score"].to_numpy(float)
    # the mean of equal scores is that score, to the last bit
    first = scores[starts]
    offset = scores - np.repeat(first, np.diff([*starts, len(rows)]))
    score = first + total(n * offset) / total(n)
    kind = data["variant_weights"]
    if kind == "barcodes":
        return score, total(rows["n_barcodes"].to_numpy(float))
    if kind == "column":
        return score, total(rows["weight"].to_numpy(float))
    if kind == "inverse_variance":
        return score, total(n) ** 2 / total(n**2 * rows["variance"].to_numpy(float))
    return score, np.ones(len(starts))


def _refuse_absent(collapsed: _Collapsed, names: list[str], study: str) -> None:
    """A condition measured in other replicates only is no matter of the filters here."""
    absent = np.flatnonzero(np.bincount(collapsed.condition, minlength=len(names)) == 0)
    if len(absent):
        found = f"no rows of condition {names[absent[0]]} in this replicate"
        expected = (
            "scored rows of every condition in every replicate that is fitted: a table that was cut off has fewer rows "
            "than its source; only what was not measured is to be left out"
        )
        # message: The table was cut off before these rows (a copy or a download that stopped), or the condition was not
        # measured in this replicate. | First compare the number of rows of the table with that of its source (`wc -l`;
        # `data/preprocess.report.csv` has those that were read), and copy it again if some are missing; `sha256` in the
        # config lets no other copy pass. Only if the condition was not measured, leave it out of `conditions`, or the
        # replicate out of `sweep: replicate`.
        raise UserError(study, found, expected)


def _check_wildtypes(collapsed: _Collapsed, table: np.ndarray, names: list[str], study: str) -> None:
    entries = collapsed.substitutions
    condition = collapsed.condition[entries.row]
    expected = table[condition, entries.site]
    wrong = np.flatnonzero(expected != entries.wildtype)
    if len(wrong) == 0:
        return
    letter = LETTERS[expected[wrong[0]]] if expected[wrong[0]] != UNKNOWN else "unknown"
    # message: `data/variants.csv` and `data/wildtypes.csv` do not belong together: one was edited. | Remove both and
    # the `encodings` folder, and run again.
    raise UserError(
        f"{study}, condition {names[condition[wrong[0]]]}, variant {collapsed.text[entries.row[wrong[0]]]!r}",
        f"wildtype {LETTERS[entries.wildtype[wrong[0]]]} at site {entries.sites[entries.site[wrong[0]]]}",
        f"the wildtype of the table of wildtypes, {letter}",
    )


def _ledger(replicate: str, names: list[str], collapsed: _Collapsed) -> Ledger:
    variant = pd.factorize(collapsed.text)[0]
    one = np.zeros(len(variant), dtype=np.int64)
    return Ledger([str(replicate)], names, one, collapsed.condition, variant, collapsed.substitutions)


def _untouched(substitutions: Substitutions, kept: np.ndarray) -> np.ndarray:
    """Variants with substitutions at kept sites only, (N,) bool."""
    outside = np.bincount(substitutions.row, ~kept[substitutions.site], minlength=substitutions.count)
    return outside == 0


def _drop_unknown(data: dict, collapsed: _Collapsed, sites: _Sites, names: list[str], study: str) -> np.ndarray:
    unknown = np.flatnonzero(~sites.kept)
    if data["unknown_wildtype"] == "error" and len(unknown):
        condition = names[np.flatnonzero(sites.wildtypes[:, unknown[0]] == UNKNOWN)[0]]
        site = collapsed.substitutions.sites[unknown[0]]
        found = f"no substitution at site {site} in condition {condition} ({len(unknown)} such sites)"
        # message: The config says `unknown_wildtype: error`, and a wildtype is only known where the condition is
        # mutated. | Take it back: variants with such sites are then dropped.
        raise UserError(study, found, "a known wildtype everywhere, or `unknown_wildtype: drop`")
    return _untouched(collapsed.substitutions, sites.kept)


def _where_unknown(sites: _Sites, names: list[str]) -> str:
    """The reason for dropping variants, with the conditions in which sites have no known wildtype."""
    numbers = (sites.wildtypes == UNKNOWN).sum(axis=1)
    lacking = [f"{name} ({number} sites)" for name, number in zip(names, numbers, strict=True) if number]
    return f"substitution at a site whose wildtype is unknown in {', '.join(lacking)}"


def _observed_both_ways(collapsed: _Collapsed, sites: _Sites, keep: np.ndarray) -> _Sites:
    """Keep a differing site only if it was seen to change forward in the reference and back in the condition.

    Observed means: in a variant of this replicate that is still there. A site that fails for one condition
    goes for all.
    """
    entries = collapsed.substitutions.keep(keep[collapsed.substitutions.row])
    seen = np.zeros((*sites.wildtypes.shape, len(LETTERS)), dtype=bool)
    seen[collapsed.condition[entries.row], entries.site, entries.mutant] = True
    condition, site = np.nonzero(sites.differing())
    forward = seen[sites.reference, site, sites.wildtypes[condition, site]]
    back = seen[condition, site, sites.wildtypes[sites.reference, site]]
    kept = sites.kept.copy()
    kept[site[~(forward & back)]] = False
    return _Sites(sites.wildtypes, sites.reference, kept)


def _own_entries(substitutions: Substitutions, condition: np.ndarray, sites: _Sites) -> tuple[np.ndarray, np.ndarray]:
    """Rows and codes (site, mutant, relative to the reference) of the ones in own coordinates, row by row."""
    width = len(LETTERS)
    reference = sites.wildtypes[sites.reference, substitutions.site]
    own = sites.wildtypes[condition[substitutions.row], substitutions.site]
    bundled = own != reference
    there = substitutions.mutant != reference
    base = substitutions.site * width
    row = np.concatenate([substitutions.row[there], substitutions.row[bundled]])
    code = np.concatenate([base[there] + substitutions.mutant[there], base[bundled] + own[bundled]])
    order = np.lexsort((code, row))
    return row[order], code[order]


def _seen(collapsed: _Collapsed, sites: _Sites, keep: np.ndarray, least: int) -> np.ndarray:
    """Variants whose every mutation is in at least ``least`` variants of their condition.

    Mutations count in own coordinates, so a bundle mutation counts where its site is touched. Dropping a
    variant lowers the counts of its other mutations: repeated until nothing changes.
    """
    known = collapsed.substitutions.keep(keep[collapsed.substitutions.row])
    row, code = _own_entries(known, collapsed.condition, sites)
    code += collapsed.condition[row] * (code.max(initial=0) + 1)
    code = np.unique(code, return_inverse=True)[1]
    keep = keep.copy()
    while True:
        counts = np.bincount(code[keep[row]], minlength=code.max(initial=-1) + 1)
        rare = keep[row] & (counts[code] < least)
        if not rare.any():
            return keep
        keep[row[rare]] = False


def _refuse_nothing(data: dict, collapsed: _Collapsed, keep: np.ndarray, names: list[str], study: str) -> None:
    """Every condition needs a variant with a substitution after the filters: wildtypes alone fit nothing."""
    kept = keep.copy()
    kept[np.bincount(collapsed.substitutions.row, minlength=len(keep)) == 0] = False
    empty = np.flatnonzero(np.bincount(collapsed.condition[kept], minlength=len(names)) == 0)
    if len(empty):
        filters = ", ".join(_filters(data))
        found = f"no variant of condition {names[empty[0]]} with a substitution left after the filters ({filters})"
        # message: The filters named are too strict for this condition. | Lower `min_times_seen`, or take `bundle_sites:
        # keep`.
        raise UserError(study, found, "at least one in every condition")


def _filters(data: dict) -> list[str]:
    """The filters that a study applies, as messages name them."""
    seen = [f"min_times_seen: {data['min_times_seen']}"] * (data["min_times_seen"] > 1)
    bundle = ["bundle_sites: observed_both_ways"] * (data["bundle_sites"] == "observed_both_ways")
    return [*seen, *bundle, "unknown wildtypes"]


def _encode(collapsed: _Collapsed, sites: _Sites, keep: np.ndarray, names: list[str]) -> Encoding:
    rows = np.flatnonzero(keep)
    substitutions, condition = collapsed.substitutions.take(rows), collapsed.condition[rows]
    row, code = _own_entries(substitutions, condition, sites)
    differing = sites.differing()
    of, site = np.nonzero(differing)
    bundle_code = site * len(LETTERS) + sites.wildtypes[of, site]
    known = np.unique(np.concatenate([code, bundle_code]))
    number, mutant = np.divmod(known, len(LETTERS))
    column, size = np.searchsorted(known, code), len(known)
    bundle = np.zeros((len(names), size), dtype=bool)
    bundle[of, np.searchsorted(known, bundle_code)] = True
    letters = np.array(list(LETTERS))
    wildtypes, mutants = letters[sites.wildtypes[sites.reference, number]], letters[mutant]
    named = substitutions.sites[number]
    seen = np.bincount(condition[row] * size + column, minlength=len(names) * size)
    return Encoding(
        conditions=np.array(names),
        reference=np.array(names[sites.reference]),
        mutations=np.char.add(np.char.add(wildtypes, named), mutants),
        wildtypes=wildtypes,
        sites=named,
        mutants=mutants,
        offsets=np.searchsorted(condition, np.arange(len(names) + 1)).astype(np.int64),
        indptr=np.searchsorted(row, np.arange(len(rows) + 1)).astype(np.int64),
        indices=column.astype(np.int32),
        bundle=bundle,
        scores=collapsed.score[rows],
        weights=collapsed.weight[rows],
        times_seen=seen.reshape(len(names), size).astype(np.int64),
    )


def _summary(encoding: Encoding) -> list[str]:
    return [
        f"{(encoding.times_seen[d] > 0).sum()} of {len(encoding.mutations)} mutations relative to "
        f"{encoding.reference}; {encoding.bundle[d].sum()} differing sites"
        for d in range(len(encoding.conditions))
    ]
