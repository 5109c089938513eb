"""Entry points that read tables: readers, substitutions, preprocessing, encoding, site maps, lists of selections."""

import math
from collections import Counter
from pathlib import Path
from random import Random

import pandas as pd

from proxsweep.dms.data import encode as encoding
from proxsweep.dms.data import preprocess, read, selections
from proxsweep.dms.data.substitutions import parse

from . import hostile, oracles
from .core import Case, Entry

NAMES = ["t.csv", "t.tsv", "t.csv.gz", "table", "t.txt", "t.tsv.gz"]
WILDTYPES = {"a": "MKTAYIA", "b": "MKTCYIA"}
read.LARGEST = oracles.LARGEST  # what a gzipped table may unpack to, here


def scores(rng: Random, count: int = 14) -> list[list[str]]:
    """Header and rows of a sound table of two conditions."""
    header = ["condition", "aa_substitutions", "func_score", "n_barcodes"]
    found = []
    for place in range(count):
        condition = "ab"[place % 2]
        sites = sorted(rng.sample(range(7), rng.choice([0, 1, 1, 2, 3]) if place > 3 else 1))
        tokens = [f"{WILDTYPES[condition][s]}{s + 1}{rng.choice('DEFGH*')}" for s in sites]
        found.append([condition, " ".join(tokens), f"{rng.gauss(0, 1):.3f}", str(rng.randrange(1, 9))])
    return [header, *found]


def written(rng: Random, rows: list[list[str]], changes: int) -> tuple[bytes, str]:
    """A file with these rows after some changes to its cells and bytes, and its name."""
    rows = [list(row) for row in rows]
    for _ in range(changes):
        _change_rows(rng, rows)
    name = rng.choice(NAMES)
    mark = "\t" if ("tsv" in name) ^ (rng.random() < 0.03) else ","
    content = "\n".join(mark.join(_cell(rng, cell, mark) for cell in row) for row in rows) + rng.choice(["\n", ""])
    data = content.encode("utf-8", "surrogatepass")
    return (hostile.damaged(rng, data) if rng.random() < 0.35 else data), name


def _cell(rng: Random, cell: str, mark: str) -> str:
    needs = any(character in cell for character in (mark, '"', "\n", "\r"))
    return '"' + cell.replace('"', '""') + '"' if needs and rng.random() < 0.9 or rng.random() < 0.02 else cell


def _change_rows(rng: Random, rows: list[list[str]]) -> None:
    row = rng.choice(rows) if rng.random() < 0.8 else rows[0]
    kind = rng.randrange(8)
    if kind < 4 and row:
        row[rng.randrange(len(row))] = hostile.text(rng)
    elif kind == 4:
        row.insert(rng.randrange(len(row) + 1), hostile.text(rng))
    elif kind == 5 and row:
        del row[rng.randrange(len(row))]
    elif kind == 6:
        rows.insert(rng.randrange(len(rows) + 1), list(rng.choice(rows)))
    elif len(rows) > 1:
        rows.pop(rng.randrange(len(rows)))


def _saved(rng: Random, folder: Path, rows: list[list[str]], changes: int | None = None) -> tuple[Path, bytes]:
    content, name = written(rng, rows, rng.choice([0, 1, 1, 2]) if changes is None else changes)
    path = folder / name
    path.write_bytes(content)
    return path, content


def _columns(content: bytes, path: Path, text: list[str], numbers: list[str]) -> dict[str, list]:
    header, rows = oracles.table(content, path.name)
    if not {*text, *numbers} <= {*header}:
        raise oracles.Invalid("a column is missing")
    found = {name: [row[header.index(name)] for row in rows] for name in (*text, *numbers)}
    return found | {name: [oracles.number(cell) for cell in found[name]] for name in numbers}


def _agrees(expected: object, found: object) -> bool:
    if isinstance(expected, float):
        return expected == found or (math.isnan(expected) and math.isnan(found))
    # line ends within quotes stay as they were written
    return expected == found.replace("\r\n", "\n").replace("\r", "\n")


def _valid(check) -> bool:
    try:
        return check() is not False
    except oracles.Invalid:
        return False


def read_table(rng: Random, folder: Path) -> Case:
    path, content = _saved(rng, folder, scores(rng))
    text, numbers = ["condition", "aa_substitutions"], rng.choice([[], ["func_score"], ["func_score", "n_barcodes"]])

    def sound(table: pd.DataFrame) -> bool:
        expected = _columns(content, path, text, numbers)
        pairs = ((cells, table[name].tolist()) for name, cells in expected.items())
        return all(len(a) == len(b) and all(map(_agrees, a, b)) for a, b in pairs)

    return Case(lambda: read.read_table(path, text, numbers), lambda table: _valid(lambda: sound(table)), [path.name])


def header(rng: Random, folder: Path) -> Case:
    path, content = _saved(rng, folder, scores(rng, 3))

    def sound(names: list[str]) -> bool:
        try:
            known = oracles.table(content, path.name)[0]
        except oracles.Invalid:
            return True  # only the first line was looked at
        return len(known) == len(names) and all(map(_agrees, known, names))

    return Case(lambda: read.header(path), sound, [path.name])


def site_map(rng: Random, folder: Path) -> Case:
    rows = [["sequential_site", "reference_site"], *([str(n), str(n)] for n in (2, 1, 3, 10)), ["11", "10a"]]
    path, content = _saved(rng, folder, rows)

    def sound(sites: list[str]) -> bool:
        found = _columns(content, path, ["reference_site"], ["sequential_site"])
        order = sorted(zip(found["sequential_site"], found["reference_site"], strict=True))
        named = [site for _, site in order]
        unique = len({*named}) == len(named) == len({number for number, _ in order})
        return sites == named and unique and all(1 <= len(site) <= 33 and site.isascii() for site in sites)

    return Case(lambda: read.read_site_map(path), lambda found: _valid(lambda: sound(found)), [path.name])


def substitutions(rng: Random, folder: Path) -> Case:
    rows = [row[1] for row in scores(rng, 5)[1:]]
    for _ in range(rng.choice([0, 1, 1, 2])):
        place = rng.randrange(len(rows))
        at = rng.randrange(len(rows[place]) + 1)
        new = rng.choice([hostile.text(rng), chr(rng.randrange(32, 0x300)), rng.choice("AC*-19 ")])
        rows[place] = rng.choice([rows[place][:at] + new + rows[place][at + rng.randrange(2) :], new])

    def sound(parsed) -> bool:
        expected = [oracles.substitutions(row) for row in rows]
        names = {site for row in rows for site in [token[1:-1] for token in row.split()]}
        if len({site for row in expected for site in row}) < len(names):
            return False  # two spellings of one site
        letters = "ACDEFGHIKLMNPQRSTVWY*-"
        found: list[dict] = [{} for _ in rows]
        for row, site, wild, mutant in zip(parsed.row, parsed.site, parsed.wildtype, parsed.mutant, strict=True):
            key = next(iter(oracles.substitutions(f"A{parsed.sites[site]}C")))
            found[row][key] = letters[wild], letters[mutant]
        return found == expected

    return Case(lambda: parse(rows, lambda row: f"row {row}"), lambda p: _valid(lambda: sound(p)), ["row "])


def _spec(rng: Random, *tables: str) -> dict:
    data = {"func_scores": list(tables)[0], "collapse": rng.choice(["mean", "none"])}
    return {"study": "s", "reference": "a", "data": data}


def preprocessed(rng: Random, folder: Path) -> Case:
    path, content = _saved(rng, folder, scores(rng))

    def sound(done: preprocess.Preprocessed) -> bool:
        raw = _columns(content, path, ["condition", "aa_substitutions"], ["func_score"])
        wanted, own = Counter(), {}
        for condition, text, score in zip(raw["condition"], raw["aa_substitutions"], raw["func_score"], strict=True):
            tokens = oracles.substitutions(text)
            for site, (wild, mutant) in tokens.items():
                if own.setdefault((condition, site), wild) != wild or wild == mutant:
                    return False
            if not math.isnan(score):
                wanted[condition, frozenset(tokens.items()), score] += 1
        table = done.variants
        found = Counter(
            (condition, frozenset(oracles.substitutions(text).items()), score)
            for condition, text, score in table[["condition", "aa_substitutions", "func_score"]].itertuples(index=False)
        )
        named = all(oracles.is_name(name) for name in table["condition"])
        return named and {key: n for key, n in found.items()} == {
            (condition.replace("\r", "\n"), tokens, score): n for (condition, tokens, score), n in wanted.items()
        }

    return Case(
        lambda: preprocess.preprocess(_spec(rng, str(path)), [path]),
        lambda done: _valid(lambda: sound(done)),
        [path.name, "study s"],
    )


def sound_encoding(found) -> bool:
    """An encoding that holds together, looked through entry by entry."""
    conditions, width, rows = found.conditions.tolist(), len(found.mutations), len(found.scores)
    names = [f"{w}{s}{m}" for w, s, m in zip(found.wildtypes, found.sites, found.mutants, strict=True)]
    entries = [found.indices[a:b].tolist() for a, b in zip(found.indptr[:-1], found.indptr[1:], strict=True)]
    bounds = [int(bound) for bound in found.offsets]
    return (
        found.mutations.tolist() == names
        and len({*names}) == width
        and len({*conditions}) == len(conditions)
        and str(found.reference) in conditions
        and len(entries) == rows == len(found.weights) == bounds[-1]
        and bounds[0] == 0
        and bounds == sorted(bounds)
        and len(bounds) == len(conditions) + 1
        and sum(map(len, entries)) == len(found.indices)
        and all(entry == sorted({*entry}) and all(0 <= m < width for m in entry) for entry in entries)
        and found.bundle.shape == found.times_seen.shape == (len(conditions), width)
        and all(math.isfinite(value) for value in [*found.scores.tolist(), *found.weights.tolist()])
        and all(weight >= 0 for weight in found.weights.tolist())
        and all(letter in "ACDEFGHIKLMNPQRSTVWY*-" for letter in [*found.wildtypes.tolist(), *found.mutants.tolist()])
    )


def encoded(rng: Random, folder: Path) -> Case:
    variants = [["replicate", "condition", "aa_substitutions", "func_score"]]
    variants += [["1", *row[:3]] for row in scores(rng)[1:]]
    wildtypes = [["site", "a", "b"], *([str(s + 1), WILDTYPES["a"][s], WILDTYPES["b"][s]] for s in range(7))]
    first = rng.random() < 0.5
    one, _ = _saved(rng, folder, variants, None if first else 0)
    (folder / "w").mkdir()
    two, _ = _saved(rng, folder / "w", wildtypes, 0 if first else None)
    spec = _spec(rng, "t.csv")
    run = lambda: encoding.encode_files(spec, one, two, "1")[0]  # noqa: E731
    return Case(run, sound_encoding, ["study s", one.name, two.name])


def selected(rng: Random, folder: Path) -> Case:
    rows = [["library", "sample", "kind"], *([f"L{k % 2}", f"s{k}", "x" if k < 4 else "y"] for k in range(5))]
    path, _ = _saved(rng, folder, rows)
    for k in range(5):
        (folder / f"L{k % 2}_s{k}.csv").touch()
    where = {"kind": rng.choice(["x", hostile.text(rng), ["x", "y"]])} if rng.random() < 0.5 else None
    replicates = {"1": "L0", "2": rng.choice(["L1", "L1", hostile.text(rng)])}
    entry = {"selections": path.name, "condition": "a", "replicates": replicates, "where": where, "folder": None}
    entry |= {"table": "{library}_{sample}.csv", "sha256": None}

    def run() -> list[dict]:
        found = selections.Selections(entry, "s", folder)
        faults = found.faults()
        return [{"fault": fault} for fault in faults] or found.tables()

    def sound(found: list[dict]) -> bool:
        if "fault" in found[0]:
            return all(item["fault"].found and item["fault"].expected for item in found)
        files = [Path(item["func_scores"]) for item in found]
        return all(len(file.parts) == 1 and (folder / file).is_file() for file in files) and len({*files}) == len(files)

    return Case(run, sound, [path.name])


def wide(rng: Random, folder: Path) -> Case:
    """A table of 100,000 columns, or one very long cell."""
    path = folder / "t.csv"
    count = 100_000
    names = [f"c{k}" for k in range(count)]
    kind = rng.randrange(4)
    if kind == 0:
        path.write_text(",".join(names) + "\n" + ",".join(["1"] * count) + "\n")
    elif kind == 1:
        path.write_text(",".join([*names, "c7"]) + "\n")
    elif kind == 2:
        path.write_text("c1,c2\n" + "x" * 200_000 + ",1\n")
    else:
        path.write_text("c1,c2\n" + "x" * 100_000 + ",1\n" + "y,1\n" * 2000)
    return Case(
        lambda: read.read_table(path, ["c1"], ["c2"]), lambda table: kind in (0, 3) and len(table) > 0, ["t.csv"]
    )


def bomb(rng: Random, folder: Path) -> Case:
    """A small file that unpacks to more than a table may."""
    import zlib

    line = rng.choice([b"\0", b"\n", b"a", b"a,b\n", b'"\n', b"a,\n"])
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    start = rng.choice([b"c1,c2\n", b""])
    path = folder / "t.csv.gz"
    path.write_bytes(packer.compress(start + line * (oracles.LARGEST // len(line) + 10)) + packer.flush())
    return Case(lambda: read.read_table(path, ["c1"]), lambda table: False, ["t.csv.gz"])


ENTRIES = [
    Entry("dms.read.read_table", 20, read_table),
    Entry("dms.read.header", 8, header),
    Entry("dms.read.read_site_map", 8, site_map),
    Entry("a table of 10^5 columns", 0.02, wide),
    Entry("a gzip bomb", 0.02, bomb),
    Entry("dms.substitutions.parse", 20, substitutions),
    Entry("dms.preprocess", 6, preprocessed),
    Entry("dms.encode", 5, encoded),
    Entry("dms.selections", 4, selected),
]
