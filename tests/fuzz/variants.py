"""Variants: substitutions, and what is computed from a table of variants and their scores."""

import math
from collections import Counter
from pathlib import Path

from hypothesis import strategies as st

from proxsweep.dms.data import encode as encoding
from proxsweep.dms.data import preprocess
from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.data.substitutions import parse
from proxsweep.dms.model import predict

from . import hostile, oracles, tables
from .core import Entry, may_refuse
from .hostile import File
from .study import FIT, study

LETTERS = "ACDEFGHIKLMNPQRSTVWY*-"
SPEC = {"study": "s", "reference": "a"}
HEADER = ["replicate", "condition", "aa_substitutions", "func_score"]
REPLICATE = [HEADER, *(["1", *row[:3]] for row in tables.POOL[1:15])]
WILDTYPES = [["site", "a", "b"], *([str(s + 1), *(text[s] for text in tables.WILDTYPES.values())] for s in range(7))]

tokens = st.builds(
    "{}{}{}{}".format,
    *(st.sampled_from(LETTERS.replace("*", "")), st.integers(1, 9999), st.sampled_from(["", "", "a", "z"])),
    st.sampled_from(LETTERS),
)
odd = st.one_of(hostile.texts, st.characters(min_codepoint=32, max_codepoint=0x300), st.sampled_from("AC*-19 "))


@st.composite
def strings(draw: st.DrawFn) -> str:
    """The substitutions of a variant, perhaps with something in between that does not belong there."""
    sound = st.sampled_from(tables.POOL[1:]).map(lambda row: row[1])
    string = draw(st.one_of(sound, st.lists(tokens, max_size=4).map(" ".join)))
    if not draw(hostile.once_in(4)):
        return string
    at, new = draw(st.integers(0, len(string))), draw(odd)
    return draw(st.sampled_from([new, string[:at] + new + string[at:], string[:at] + new + string[at + 1 :]]))


def substitutions(folder: Path, rows: list[str]) -> None:
    try:
        expected = [oracles.substitutions(row) for row in rows]
        spelt = {token[1:-1] for row in rows for token in row.split()}
        sound = len({site for row in expected for site in row}) == len(spelt)  # 1 and 01 are one site
    except oracles.Invalid:
        sound = False
    with may_refuse(*["row "] * (not sound)):
        parsed = parse(rows, lambda row: f"row {row}")
    assert sound
    found: list[dict] = [{} for _ in rows]
    for row, site, wild, mutant in zip(parsed.row, parsed.site, parsed.wildtype, parsed.mutant, strict=True):
        key = next(iter(oracles.substitutions(f"A{parsed.sites[site]}C")))
        found[row][key] = LETTERS[wild], LETTERS[mutant]
    assert found == expected
    by_site = [{next(iter(oracles.substitutions(token))): token for token in row.split()} for row in rows]
    assert parsed.texts().tolist() == [" ".join(row[site] for site in sorted(row)) for row in by_site]


def preprocessed(folder: Path, file: File, collapse: str) -> None:
    path = file.save(folder)
    with may_refuse(file.name, "study s"):
        spec = {**SPEC, "data": {"func_scores": str(path), "collapse": collapse}}
        table = preprocess.preprocess(spec, [path]).variants
    wanted, own = Counter(), {}
    for row in zip(*tables.columns(file, ["condition", "aa_substitutions"], ["func_score"]).values(), strict=True):
        condition, found, score = row[0].replace("\r", "\n"), oracles.substitutions(row[1]), row[2]
        for site, (wild, mutant) in found.items():
            assert own.setdefault((condition, site), wild) == wild != mutant
        if math.isfinite(score):
            wanted[condition, frozenset(found.items()), score] += 1
    rows = table[["condition", "aa_substitutions", "func_score"]].itertuples(index=False)
    assert wanted == Counter(
        (name, frozenset(oracles.substitutions(text).items()), score) for name, text, score in rows
    )
    assert all(map(oracles.is_name, table["condition"]))


def check_encoding(found: Encoding) -> None:
    """Whether an encoding holds together, entry by entry."""
    conditions, width = found.conditions.tolist(), len(found.mutations)
    names = [f"{w}{s}{m}" for w, s, m in zip(found.wildtypes, found.sites, found.mutants, strict=True)]
    entries = [found.indices[a:b].tolist() for a, b in zip(found.indptr[:-1], found.indptr[1:], strict=True)]
    bounds = [int(bound) for bound in found.offsets]
    assert found.mutations.tolist() == names and len({*names}) == width
    assert all(letter in LETTERS for letter in [*found.wildtypes.tolist(), *found.mutants.tolist()])
    assert len({*conditions}) == len(conditions) and str(found.reference) in conditions
    assert len(entries) == len(found.scores) == len(found.weights) == bounds[-1]
    assert bounds[0] == 0 and bounds == sorted(bounds) and len(bounds) == len(conditions) + 1
    assert sum(map(len, entries)) == len(found.indices)
    assert all(entry == sorted({*entry}) and all(0 <= m < width for m in entry) for entry in entries)
    assert found.bundle.shape == found.times_seen.shape == (len(conditions), width)
    assert all(math.isfinite(value) for value in [*found.scores.tolist(), *found.weights.tolist()])
    assert all(weight >= 0 for weight in found.weights.tolist())


def encoded(folder: Path, pair: tuple[File, File], collapse: str) -> None:
    (folder / "w").mkdir()
    variants, wildtypes = pair[0].save(folder), pair[1].save(folder / "w")
    spec = {**SPEC, "data": {"func_scores": "t.csv", "collapse": collapse}}
    with may_refuse("study s", variants.name, wildtypes.name):
        made, _ = encoding.encode_files(spec, variants, wildtypes, "1")
    check_encoding(made)


def scored(folder: Path, file: File) -> None:
    """New variants scored with a sound fit, and each score computed from the effects of its substitutions."""
    fit = predict.load(study() / FIT)
    with may_refuse(file.name):
        found = predict.score(fit, file.save(folder))
    raw = tables.columns(file, ["condition", "aa_substitutions"], [])
    for condition, text, latent in zip(*raw.values(), found["latent"], strict=True):
        expected = _latent(fit, condition, oracles.substitutions(text))
        assert math.isnan(latent) if expected is None else math.isclose(latent, expected, abs_tol=1e-9)


def _latent(fit: predict.FittedParameters, condition: str, found: dict) -> float | None:
    """The latent phenotype of a variant, from its whole sequence in the reference's coordinates."""
    d = fit.conditions.tolist().index(condition)
    effects = dict(zip(fit.mutations.tolist(), fit.b[d].tolist(), strict=True))
    bundle = [name for name, flag in zip(fit.mutations.tolist(), fit.bundle[d], strict=True) if flag]
    letters = {name[1:-1]: (name[0], name[-1]) for name in bundle}
    for (site, suffix), (wild, mutant) in found.items():
        name = f"{site}{suffix}"
        letters[name] = letters.get(name, (wild, wild))[0], mutant
    changed = [f"{first}{site}{last}" for site, (first, last) in letters.items() if first != last]
    return fit.b0[d] + sum(effects[name] for name in changed) if {*changed} <= {*effects} else None


collapse = st.sampled_from(["mean", "none"])
variants, wildtypes = st.just(REPLICATE), st.just(WILDTYPES)
pairs = st.one_of(
    st.tuples(tables.files(variants), tables.files(wildtypes, st.just(0))),
    st.tuples(tables.files(variants, st.just(0)), tables.files(wildtypes)),
)
ENTRIES = [
    Entry("dms.substitutions.parse", 20, substitutions, dict(rows=st.lists(strings(), min_size=1, max_size=5))),
    Entry("dms.preprocess", 6, preprocessed, dict(file=tables.files(tables.scores), collapse=collapse)),
    Entry("dms.encode", 5, encoded, dict(pair=pairs, collapse=collapse)),
    Entry("dms.predict.score", 5, scored, dict(file=tables.files(tables.scores))),
]
