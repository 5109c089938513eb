"""Tables: what is read from files of rows, and from lists of selections."""

import math
import zlib
from collections.abc import Sequence
from pathlib import Path
from random import Random
from unittest import mock

from hypothesis import strategies as st

from proxsweep.dms.data import read, selections
from proxsweep.io import opening

from . import hostile, oracles
from .core import Entry, may_refuse
from .hostile import File

NAMES = st.sampled_from(["t.csv", "t.tsv", "t.csv.gz", "table", "t.txt", "t.tsv.gz"])
WILDTYPES = {"a": "MKTAYIA", "b": "MKTCYIA"}
SITES = [["sequential_site", "reference_site"], *([str(n), str(n)] for n in (2, 1, 3, 10)), ["11", "10a"]]
SAMPLES = [["library", "sample", "kind"], *([f"L{k % 2}", f"s{k}", "x" if k < 4 else "y"] for k in range(5))]


def sound_rows(rng: Random, count: int) -> list[list[str]]:
    """Header and rows of a sound table of two conditions."""
    header = ["condition", "aa_substitutions", "func_score", "n_barcodes"]
    found = []
    for place in range(count):
        condition = "ab"[place % 2]
        sites = sorted(rng.sample(range(7), rng.choice([0, 1, 1, 2, 3]) if place > 3 else 1))
        tokens = [f"{WILDTYPES[condition][s]}{s + 1}{rng.choice('DEFGH*')}" for s in sites]
        found.append([condition, " ".join(tokens), f"{rng.gauss(0, 1):.3f}", str(rng.randrange(1, 9))])
    return [header, *found]


POOL = sound_rows(Random(1), 60)
SOUND = File("t.csv", "\n".join(map(",".join, POOL[:15])).encode())
scores = st.builds(lambda at, count: [*POOL[:5], *POOL[at : at + count]], st.integers(5, 45), st.integers(0, 14))


@st.composite
def files(draw: st.DrawFn, rows: st.SearchStrategy, changes: st.SearchStrategy[int] = hostile.FEW) -> File:
    """A file with these rows, in which cells, separators, quotes and bytes may be wrong."""
    table = [list(row) for row in draw(rows)]
    for _ in range(draw(changes)):
        hostile.change_rows(draw, table)
    name = draw(NAMES)
    tabs = ("tsv" in name) ^ draw(hostile.once_in(30))
    content = hostile.delimit(draw, table, "\t" if tabs else ",")
    return File(name, hostile.damage(draw, content, 3))


def columns(file: File, text: Sequence[str], numbers: Sequence[str]) -> dict[str, list]:
    """Columns of a file, read strictly."""
    header, rows = oracles.table(file.content, file.name)
    found = {name: [row[header.index(name)] for row in rows] for name in (*text, *numbers)}
    return found | {name: [oracles.number(cell) for cell in found[name]] for name in numbers}


def agree(expected: Sequence, found: Sequence) -> bool:
    """Whether cells are what the strict reader made of them; line ends within quotes stay as they were written."""

    def same(one: object, other: object) -> bool:
        if isinstance(one, float):
            return one == other or (math.isnan(one) and math.isnan(other))
        return one == other.replace("\r\n", "\n").replace("\r", "\n")

    return len(expected) == len(found) and all(map(same, expected, found))


@mock.patch.object(opening, "LARGEST", oracles.LARGEST)
def read_table(folder: Path, file: File, text: list[str], numbers: list[str]) -> None:
    with may_refuse(file.name):
        table = read.read_table(file.save(folder), text, numbers)
    for name, cells in columns(file, text, numbers).items():
        assert agree(cells, table[name].tolist()), name


def header(folder: Path, file: File) -> None:
    with may_refuse(file.name):
        names = read.header(file.save(folder))
    try:
        known = oracles.table(file.content, file.name)[0]
    except oracles.Invalid:
        return  # only the first line was looked at
    assert agree(known, names)


def site_map(folder: Path, file: File) -> None:
    with may_refuse(file.name):
        sites = read.read_site_map(file.save(folder))
    found = columns(file, ["reference_site"], ["sequential_site"])
    order = sorted(zip(found["sequential_site"], found["reference_site"], strict=True))
    assert sites == [site for _, site in order]
    assert len({*sites}) == len(sites) == len({number for number, _ in order})
    assert all(1 <= len(site) <= 33 and site.isascii() for site in sites)


def selected(folder: Path, file: File, where: dict | None, second: str) -> None:
    given = {"selections": file.name, "condition": "a", "replicates": {"1": "L0", "2": second}, "where": where}
    given |= {"folder": None, "table": "{library}_{sample}.csv", "sha256": None}
    file.save(folder)
    for library, sample, _ in SAMPLES[1:]:
        (folder / f"{library}_{sample}.csv").touch()
    with may_refuse(file.name):
        found = selections.Selections(given, "s", folder)
        faults = found.faults()
        chosen = [] if faults else found.tables()
    assert all(fault.found and fault.expected for fault in faults) and (faults or chosen)
    names = [Path(table["func_scores"]) for table in chosen]
    assert all(len(name.parts) == 1 and (folder / name).is_file() for name in names)
    assert len({*names}) == len(names)


def _bomb(start: bytes, line: bytes) -> File:
    """A small file that unpacks to more than a table may."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    content = start + line * (oracles.LARGEST // len(line) + 10)
    return File("t.csv.gz", packer.compress(content) + packer.flush())


MANY = ",".join(f"c{k}" for k in range(100_000))
WIDE = [
    *(f"{MANY}\n" + "1," * 99_999 + "1\n", f"{MANY},c7\n"),
    *("c1,c2\n" + "x" * 200_000 + ",1\n", "c1,c2\n" + "x" * 100_000 + ",1\n" + "y,1\n" * 2000),
]
LINES = [b"\0", b"\n", b"a", b"a,b\n", b'"\n', b"a,\n"]
COUNTED = [[], ["func_score"], ["func_score", "n_barcodes"]]
two_or_more = {"text": st.just(["condition", "aa_substitutions"]), "numbers": st.sampled_from(COUNTED)}
one = {"text": st.just(["c1"]), "numbers": st.just(["c2"])}
wide = st.sampled_from(WIDE).map(lambda text: File("t.csv", text.encode()))
bombs = st.builds(_bomb, st.sampled_from([b"c1,c2\n", b""]), st.sampled_from(LINES))
kinds = st.one_of(st.sampled_from(["x", ["x", "y"]]), hostile.texts)
where = st.one_of(st.none(), st.fixed_dictionaries({"kind": kinds}))
second = st.one_of(st.just("L1"), hostile.texts)
ENTRIES = [
    Entry("dms.read.read_table", 20, read_table, {"file": files(scores), **two_or_more}),
    Entry("dms.read.header", 8, header, dict(file=files(st.just(POOL[:4])))),
    Entry("dms.read.read_site_map", 8, site_map, dict(file=files(st.just(SITES)))),
    Entry("a table of 10^5 columns", 0.02, read_table, {"file": wide, **one}),
    Entry("a gzip bomb", 0.02, read_table, {"file": bombs, **one}),
    Entry("dms.selections", 4, selected, dict(file=files(st.just(SAMPLES)), where=where, second=second)),
]
