"""What the columns of one table are, by their values first and their names second."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from proxsweep.dms.data import notations, read
from proxsweep.dms.init import names, sites, wide
from proxsweep.dms.init.sheet import Sheet
from proxsweep.io.errors import UserError

SAMPLE = 2000  # distinct cells of a column that are tried as substitutions
READ = 0.5  # share of them that has to be read
FEW = 50  # most values of a column that names conditions or replicates
MANY = 0.2  # share of variants measured under several values of a column, from which on it tells measurements apart


@dataclass
class Found:
    """What a table's columns are taken for; a column is named as its header has it, None where there is none.

    Attributes
    ----------
    sheet
        The table.
    substitutions
        Column of the substitutions; None where they stand in three columns.
    parts
        The three columns by role (``wildtype``, ``site``, ``mutant``); empty where they stand in one.
    texts : (N,) objects
        Substitutions of the rows as written; of three columns joined to one text.
    read : (N,) objects
        The same in one-letter form separated by blanks, as this table by itself is read; None where it is not.
    separator, sites
        Where sites have names in place of numbers: what stands between substitutions, and these names.
    alternatives
        Further columns that could be substitutions.
    condition, replicate, barcodes, standard_error, variance
        Columns.
    scores
        Score columns by the label of the replicate, ``""`` for a single one; empty where scores come from counts.
    crossed
        Score columns of several conditions, each with the same replicates: by condition, then as ``scores``, which are
        those of the first; empty where a column tells conditions or replicates.
    other_scores
        Further columns that could be scores.
    counts
        Columns ``pre_count`` and ``post_count``, where there is no score.
    deviation
        A column of standard deviations, which nothing uses.
    extras
        Further columns that tell measurements of one variant apart, with their values.
    named
        Whether the condition's column was found by its name.
    """

    sheet: Sheet
    substitutions: str | None = None
    parts: dict[str, str] = field(default_factory=dict)
    texts: np.ndarray = field(default_factory=lambda: np.array([], dtype=object))
    read: np.ndarray = field(default_factory=lambda: np.array([], dtype=object))
    separator: str | None = None
    sites: list[str] = field(default_factory=list)
    alternatives: list[str] = field(default_factory=list)
    condition: str | None = None
    replicate: str | None = None
    barcodes: str | None = None
    standard_error: str | None = None
    variance: str | None = None
    scores: dict[str, str] = field(default_factory=dict)
    crossed: dict[str, dict[str, str]] = field(default_factory=dict)
    other_scores: list[str] = field(default_factory=list)
    counts: dict[str, str] = field(default_factory=dict)
    deviation: str | None = None
    extras: dict[str, list[str]] = field(default_factory=dict)
    named: bool = False

    def used(self) -> list[str]:
        """Columns that have been taken for something."""
        single = (self.substitutions, self.condition, self.replicate, self.barcodes, self.standard_error, self.variance)
        columns = [*single, *self.parts.values(), *self.scores.values(), *self.counts.values()]
        return [column for column in columns if column is not None]

    def free(self) -> list[str]:
        return [column for column in self.sheet.columns if column not in self.used()]


def recognise(sheet: Sheet) -> Found:
    """Look at the columns of a table.

    Raises
    ------
    UserError
        Where no column could be substitutions, or none a score.
    """
    found = Found(sheet)
    _find_substitutions(found)
    texts = list(pd.unique(found.texts))
    guess = notations.guess(texts)
    if found.substitutions is not None and guess.unread:
        found.separator, found.sites = sites.named(texts, guess.notation.separator if guess.share >= READ else None)
    found.read = normalised(found.texts, guess.notation, found.sites)
    _find_uncertainty(found)
    _find_scores(found)
    _find_groups(found)
    if found.condition is not None or found.replicate is not None:
        found.crossed = {}
    found.scores = next(iter(found.crossed.values()), found.scores)
    return found


def normalised(texts: np.ndarray, notation: notations.Notation, named: Sequence[str] = ()) -> np.ndarray:
    """Texts in one-letter form, None where they are not read, (N,) objects; ``named`` are sites that are no numbers."""
    codes, distinct = pd.factorize(texts)
    known = frozenset(named)
    read = [sites.plain(text, notation.separator, known) for text in distinct] if named else [None] * len(distinct)
    others = notations.normalised(list(distinct), notation)
    return np.array([one if one is not None else other for one, other in zip(read, others, strict=True)], dtype=object)[
        codes
    ]


def _find_substitutions(found: Found) -> None:
    sheet = found.sheet
    tried = {column: notations.guess(sheet.distinct(column)[:SAMPLE]) for column in _wordy(sheet)}
    likely = {column: guess for column, guess in tried.items() if guess.share >= READ and guess.variants}
    most = max((guess.variants for guess in likely.values()), default=0)
    # a column that names backgrounds (D614G, N501Y) reads well too, but has few of them
    likely = {column: guess for column, guess in likely.items() if guess.variants >= most / 2}
    named = {} if likely else {column: sites.named(sheet.distinct(column)[:SAMPLE])[1] for column in tried}
    if any(named.values()):
        found.substitutions = max(named, key=lambda column: len(named[column]))
        found.texts = sheet.texts(found.substitutions)
        return
    if not likely:
        found.parts = _find_parts(found)
        found.texts = _joined(sheet, found.parts)
        return

    def order(column: str) -> tuple:
        worse = round(1 - likely[column].share, 1)
        return _only_bases(sheet, column), worse, names.rank(column, names.SUBSTITUTIONS), sheet.columns.index(column)

    found.substitutions, *found.alternatives = sorted(likely, key=order)
    found.texts = sheet.texts(found.substitutions)


def _wordy(sheet: Sheet) -> Iterator[str]:
    return (column for column in sheet.columns if sheet.numbers(column) is None)


def _only_bases(sheet: Sheet, column: str) -> bool:
    """Whether the letters are those of DNA only, as in substitutions of nucleotides (A12C)."""
    letters = Counter(letter for text in sheet.distinct(column)[:SAMPLE] for letter in text if letter.isalpha())
    return bool(letters) and set(letters) <= set("ACGTacgtn.")


def _find_parts(found: Found) -> dict[str, str]:
    """The columns of wildtype, site and mutant: letters twice, and a site at which the wildtype is one."""
    sheet = found.sheet
    letters = [column for column in _wordy(sheet) if _all(sheet, column, notations.letter)]
    sites = [column for column in sheet.columns if _all(sheet, column, notations.site)]
    site = names.best(sites, names.SITE)
    first, second = names.best(letters, names.WILDTYPE), names.best(letters, names.MUTANT)
    rest = [column for column in letters if column not in (first, second)]
    if first is None and second is not None and len(rest) == 1:
        first = rest[0]
    elif second is None and first is not None and len(rest) == 1:
        second = rest[0]
    elif first is None and second is None and len(letters) == 2:
        first, second = letters
    if site is None or first is None or second is None:
        _refuse_unread(sheet)
        columns = ", ".join(map(repr, sheet.columns[: read.SHOWN]))
        # message: Nothing in the table looks like substitutions, or they are written in a way that is not read. | See
        # `columns` in config/README.md for what is read; rewrite the column, or write the config by hand.
        raise UserError(
            f"{sheet.path}, header",
            f"no column of substitutions among {columns}",
            "one with substitutions such as N501Y, N501Y:E484K or p.Asn501Tyr in at least half of its rows, or three "
            "with the wildtype's letter, the site and the mutant's letter",
        )
    first, second = _by_site(sheet, site, first, second)
    return {"wildtype": first, "site": site, "mutant": second}


def _refuse_unread(sheet: Sheet) -> None:
    """Where a column has the name of substitutions, say what stands in it that is none, as its reader does."""
    column = names.best(_wordy(sheet), names.SUBSTITUTIONS)
    if column is not None:
        texts = sheet.texts(column)
        notation = notations.guess(sheet.distinct(column)[:SAMPLE]).notation
        notations.read(list(texts), notation, lambda row: sheet.place(row, column), keys=False)


def _all(sheet: Sheet, column: str, reads) -> bool:
    """Whether nearly all distinct cells of a column are of one kind."""
    texts = sheet.distinct(column)[:SAMPLE]
    return bool(texts) and sum(reads(text) is not None for text in texts) >= 0.9 * len(texts)


def _by_site(sheet: Sheet, site: str, first: str, second: str) -> tuple[str, str]:
    """The column that varies less at a site is the wildtype, whatever the names say."""
    several = {column: sheet.frame.groupby(site)[column].nunique().gt(1).mean() for column in (first, second)}
    return (second, first) if several[first] > several[second] + MANY else (first, second)


def _joined(sheet: Sheet, parts: dict[str, str]) -> np.ndarray:
    """Three columns as one text for each row; what is no substitution comes as a text that is none."""
    cells = [sheet.texts(parts[role]) for role in ("wildtype", "site", "mutant")]
    texts = notations.joined(*cells, notations.Notation(), lambda row, part: "", may_fail=True)
    # X may be a stop: whether it is, is guessed from all texts
    return np.array([text.replace(" / ", "") if text.endswith(" / X") else text for text in texts], dtype=object)


def _find_uncertainty(found: Found) -> None:
    """Columns of errors, variances, deviations and barcodes: numbers above 0 with such a name."""
    sheet = found.sheet
    positive = [c for c in found.free() if (v := sheet.numbers(c)) is not None and np.nanmin(v) >= 0]
    found.standard_error = names.best(positive, names.STANDARD_ERROR)
    found.variance = None if found.standard_error else names.best(positive, names.VARIANCE)
    found.deviation = names.best(positive, names.DEVIATION)
    whole = [column for column in positive if _is_whole(sheet.numbers(column))]
    found.barcodes = names.best(whole, names.BARCODES)


def _is_whole(values: np.ndarray) -> bool:
    present = values[~np.isnan(values)]
    return bool((present == np.round(present)).all())


def _find_scores(found: Found) -> None:
    sheet = found.sheet
    numbers = [column for column in found.free() if sheet.numbers(column) is not None]
    likely = [column for column in numbers if names.may_be_score(column) and _may_be_score(sheet, column)]
    replicates = _score_columns(likely)
    single = min(likely, key=lambda column: names.rank(column, names.SCORE), default=None)
    if replicates and not (single and names.rank(single, names.SCORE) == 0):
        found.scores = replicates
    elif single is not None:
        found.scores = {"": single}
    found.crossed = wide.crossed(likely)
    found.other_scores = [column for column in likely if column not in found.scores.values()]
    _refuse_odd_scores(sheet, bool(found.scores))
    if not found.scores:
        found.counts = _count_columns(sheet, numbers)


def _may_be_score(sheet: Sheet, column: str) -> bool:
    """Numbers that have a score's name, or are not all whole and not all the same."""
    values = sheet.numbers(column)
    varied = len(np.unique(values[~np.isnan(values)])) > 1
    return names.rank(column, names.SCORE) < names.NAMED or (varied and not _is_whole(values))


def _refuse_odd_scores(sheet: Sheet, others: bool) -> None:
    """Where a column is called a score and most of its cells are numbers, say which is none, as its reader does.

    Where no other column can be the score, whatever is in its cells.
    """
    for column in _called_scores(sheet):
        if not others or sheet.share_of_numbers(column) > READ:
            read.read_table(sheet.path, [], [column])


def _called_scores(sheet: Sheet) -> list[str]:
    """Columns that are called a score and are not of numbers."""
    named = (column for column in _wordy(sheet) if names.rank(column, names.SCORE) < names.NAMED)
    return [column for column in named if names.may_be_score(column)]


def _score_columns(likely: list[str]) -> dict[str, str]:
    """Columns that differ in the replicate only, of what is measured first or has a score's name; at least two."""
    said = [
        column for column in likely if (p := names.replicate_of(column)) and (p[2] or names.matches(p[0], names.SCORE))
    ]
    several = wide.by_base(said)
    base = min(several, key=lambda base: names.rank(base, names.SCORE), default=None)
    return several.get(base, {})


def _count_columns(sheet: Sheet, numbers: list[str]) -> dict[str, str]:
    """The shortest names that speak of counts before and after selection."""
    whole = [column for column in numbers if _is_whole(sheet.numbers(column))]
    whole.sort(key=lambda column: (not names.matches(column, names.COUNT), len(column)))
    after = names.best(whole, names.POST_COUNT)
    before = names.best([column for column in whole if column != after], names.PRE_COUNT)
    if before is None or after is None:
        columns = ", ".join(map(repr, sheet.columns[: read.SHOWN]))
        empty = _called_scores(sheet)
        # message: No column of numbers looks like scores, and no two look like counts. | Give the column a name that
        # says so, such as `score`, or `pre_count` and `post_count`; or write the config by hand.
        raise UserError(
            f"{sheet.path}, header",
            f"no number in column {empty[0]!r}" if empty else f"no column of scores among {columns}",
            "a column of numbers that are not all whole, such as func_score, or counts before and after selection, "
            "such as pre_count and post_count",
        )
    return {"pre_count": before, "post_count": after}


def _find_groups(found: Found) -> None:
    """Columns that tell measurements of one variant apart: the condition, the replicate, and what else does."""
    few = [column for column in found.free() if _is_few(found, column)]
    found.replicate = names.best(few, names.REPLICATE)
    others = [column for column in few if column != found.replicate]
    clean = [column for column in others if not conflicts(found.read, found.sheet.texts(column))]
    found.condition = names.best(clean, names.CONDITION) or names.best(others, names.CONDITION)
    found.named = found.condition is not None
    telling = [column for column in others if column != found.condition and _tells_apart(found, column)]
    if found.condition is None:
        alike = np.full(len(found.read), "")
        resolving = clean if conflicts(found.read, alike) else telling
        found.condition = next((column for column in resolving if column in clean), None)
    groups = [found.sheet.frame[column] for column in (found.condition, found.replicate) if column]
    for column in telling:
        if column != found.condition and not _follows(found.sheet.frame[column], groups):
            found.extras[column] = found.sheet.distinct(column)


def _is_few(found: Found, column: str) -> bool:
    """A column of few labels: words, or whole numbers that are no counts."""
    distinct, numbers = found.sheet.distinct(column), found.sheet.numbers(column)
    if not 0 < len(distinct) <= FEW or any(column in own.values() for own in found.crossed.values()):
        return False
    if numbers is not None and names.matches(column, names.UNCERTAINTY):
        return False  # of a drug, whose name would make it a condition
    if names.matches(column, names.CONDITION) or names.matches(column, names.REPLICATE):
        return True
    if names.matches(column, names.OTHER) or len(distinct) > len(found.texts) / 2:
        return False
    return numbers is None or (_is_whole(numbers) and names.may_be_score(column))


def _tells_apart(found: Found, column: str) -> bool:
    """Whether variants are measured under several values of a column, which then is no property of the variant."""
    values = pd.DataFrame({"variant": found.read, "value": found.sheet.texts(column)})
    by_variant = values[values["variant"].fillna("") != ""].groupby("variant")["value"]
    several = by_variant.size() > 1
    return bool(several.any()) and by_variant.nunique()[several].gt(1).mean() > MANY


def _follows(column: pd.Series, groups: list[pd.Series]) -> bool:
    """Whether condition and replicate say what stands in a column."""
    return bool(groups) and column.groupby([group.to_numpy() for group in groups]).nunique().le(1).all()


def conflicts(read: np.ndarray, groups: np.ndarray) -> bool:
    """Whether some site has two wildtypes within a group."""
    seen: dict[tuple[str, str], str] = {}
    for text, group in dict.fromkeys(zip(read, groups, strict=True)):
        for token in (text or "").split():
            if seen.setdefault((group, token[1:-1]), token[0]) != token[0]:
                return True
    return False
