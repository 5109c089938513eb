"""What the name of a column says of it. Names decide where values leave it open, never against the values."""

import re
from collections.abc import Iterable, Sequence

SUBSTITUTIONS = (
    r"aa_(substitution|mutation)s_reference",
    r"aa_?(substitution|mutation|mutant|change|variant)s?",
    r"hgvs_?p(ro)?",
    r"substitutions?|mutations?|mutants?|variants?|changes?",
    r".*(substitution|mutation|mutant|variant|hgvs).*",
)
WILDTYPE = (r"(aa_)?(wild_?type|wt|ref(erence)?|from|orig(inal)?)(_?(aa|residue|letter))?",)
SITE = (r"(aa_)?(site|position|pos|residue|resi|residue_number|number)(_.*)?", r".*(site|position|pos)")
MUTANT = (r"(aa_)?(mutant|mutation|mut|alt|to|variant)(_?(aa|residue|letter))?",)
SCORE = (
    r"func_?score",
    r"dms_?score",
    r"score",
    r".*score.*",
    r".*(fitness|enrichment|log_?2|lfc|log_?fc|log_?ratio|effect|phenotype).*",
    r".*(bind|affinity|express|activity|escape|growth|stability|abundance|ddg|dg|kd).*",
    r".*(mean|average|avg|median).*",
)
NAMED = 4  # patterns of scores that leave no doubt
PRE_COUNT = (r".*(pre|before|unselected|input|naive|plasmid|initial|start).*", r".*(t0|time_?0|_0)")
POST_COUNT = (r".*(post|after|selected|output|final|end|sorted).*", r".*(t\d|time_?\d|_\d)")
COUNT = (r".*(count|reads|n).*",)
STANDARD_ERROR = (r".*(^|_)(se|sem|stderr|std_?err(or)?|standard_?error)(_|$).*",)
VARIANCE = (r".*(^|_)(var|variance)(_|$).*",)
DEVIATION = (r".*(^|_)(sd|std|stdev|standard_?deviation|sigma)(_|$).*",)
UNCERTAINTY = (*STANDARD_ERROR, *VARIANCE, *DEVIATION, r".*(^|_)(counts?|reads)(_|$).*")
BARCODES = (r"(n|num|number)_?(of_?)?(barcodes?|bcs?)", r"barcodes|barcode_count|count_barcodes", r"n_?bcs?_.*")
CONDITION = (
    r"condition|homolog(ue)?|background|strain|target|lineage|clade|species|ortholog(ue)?|paralog(ue)?",
    r".*(condition|homolog|background|strain|target|lineage|clade|species|ortholog|paralog).*",
    r"(antibody|serum|drug|ligand|treatment|selection|environment|medium|temperature|host|cell_?(type|line)?|genotype)s?",
    r".*(antibody|serum|drug|ligand|treatment|selection|environment|temperature|host|cell).*",
    r"protein|gene|virus|allele|variant|assay|experiment|dataset|sample|group",
)
REPLICATE = (
    r"(bio_?)?lib(rary|raries)?(_(id|number|name))?",
    r"((bio(logical)?|tech(nical)?)_?)?rep(licate)?s?(_(id|number|name))?",
    r".*replicate.*",
    r"batch|run",
)
OTHER = (
    r".*(^|_)(class|type|call|support|annotation|name|barcode|codons?|id|accession|comment|note|sequence)(_|$).*",
    r".*(^|_)(dna|nt|n|num|bin|site|position|pos|wt|aa|splice|domain|region|structure|chain)(_|$).*",
)
"""Columns that describe a variant or a row, and tell no two measurements of it apart."""

NO_SCORE = (
    *("se", "sem", "stderr", "sd", "std", "stdev", "var", "variance", "err", "error", "ci", "lower", "upper", "low"),
    *("high", "pvalue", "pval", "padj", "p", "q", "qvalue", "fdr", "count", "counts", "reads", "n", "num", "number"),
    *("barcodes", "barcode", "bc", "bcs", "site", "position", "pos", "index", "id", "bin", "weight", "depth"),
    *(
        "epsilon",
        "sigma",
        "wt",
        "libs",
        "times",
        "seen",
        "frequency",
        "freq",
        "rank",
        "is",
        "start",
        "stop",
        "end",
        "length",
    ),
)
REFERENCE = (
    r"wild_?type|wt|reference|ref|wuhan.*|ancestral|ancestor|parent(al)?|control|baseline|mock|unselected|no_.*",
    r"none|untreated|vehicle|no(drug|ligand|antibody|selection|treatment)",
    r".*(^|_)(wild_?type|wt|reference|ref|wuhan|ancestral|ancestor|parental|control|baseline|mock)(_|$).*",
)
_REPLICATE_WORD = r"(?:bio|tech)?_?(?:replicate|repl|rep|library|lib|experiment|exp|r)"
_SUFFIX = re.compile(rf"(?P<base>.*?)_?(?P<word>{_REPLICATE_WORD})?_?(?P<label>\d{{1,2}}|(?<![a-z0-9])[a-d])")
_PREFIX = re.compile(rf"(?P<word>{_REPLICATE_WORD})_?(?P<label>\d{{1,2}}|[a-d])_(?P<base>.+)")


def plain(name: str) -> str:
    """A name in lower case, with one underscore for anything between words: `funcScore rep1` -> func_score_rep1."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return "_".join(re.findall(r"[a-z0-9]+", spaced.lower()))


def rank(name: str, patterns: Sequence[str]) -> int:
    """Place of the first pattern that a name matches as a whole; their number where it matches none."""
    text = plain(name)
    return next((i for i, pattern in enumerate(patterns) if re.fullmatch(pattern, text)), len(patterns))


def matches(name: str, patterns: Sequence[str]) -> bool:
    return rank(name, patterns) < len(patterns)


def best(names: Iterable[str], patterns: Sequence[str]) -> str | None:
    """The first of the names that match best; None where none matches."""
    ranked = [(rank(name, patterns), i, name) for i, name in enumerate(names)]
    found = min(ranked, default=(len(patterns), 0, ""))
    return found[2] if found[0] < len(patterns) else None


def may_be_score(name: str) -> bool:
    """Whether a name does not say that a column of numbers is no score."""
    return not any(re.sub(r"\d+$", "", word) in NO_SCORE for word in plain(name).split("_"))


def replicate_of(name: str) -> tuple[str, str, bool] | None:
    """What is measured, the label of the replicate, and whether a word says so: `score_rep1` -> score, 1, True."""
    text = plain(name)
    found = _PREFIX.fullmatch(text) or _SUFFIX.fullmatch(text)
    return None if found is None else (found["base"], found["label"], bool(found["word"]))


def of_files(paths: Sequence[str]) -> list[str]:
    """What tells files apart by their names: `scores_alpha.csv`, `scores_beta.csv.gz` -> alpha, beta."""
    return apart([stem(path) for path in paths])


def apart(texts: Sequence[str]) -> list[str]:
    """What tells names apart, without the words that all begin and end with; the whole names where that is nothing."""
    parts = [re.split(r"([_.\- ]+)", one) for one in texts]
    shortest = min(map(len, parts))
    first = next((i for i in range(0, shortest, 2) if len({tuple(p[: i + 1]) for p in parts}) > 1), 0)
    last = next((i for i in range(0, shortest - first, 2) if len({tuple(p[len(p) - 1 - i :]) for p in parts}) > 1), 0)
    cut = ["".join(p[first : len(p) - last]) for p in parts]
    return cut if all(cut) and len(set(cut)) == len(cut) else list(texts)


def stem(path: str) -> str:
    """A file's name without its folder and its suffixes of a table."""
    name = re.split(r"[/\\]", path)[-1]
    return re.sub(r"(\.(csv|tsv|tab|txt|parquet|gz|xz|bz2|zip))+$", "", name, flags=re.IGNORECASE) or name
