"""Configs, and what follows from one: labels, paths, plans, simulations, addresses."""

import json
import math
import re
from pathlib import Path
from typing import Any

import yaml
from hypothesis import note
from hypothesis import strategies as st

from proxsweep import cost, studies
from proxsweep.config import resolved, source
from proxsweep.dms.data.simulate import simulate
from proxsweep.families import family
from proxsweep.io import downloads
from proxsweep.sweep import grid
from proxsweep.sweep.study import Study

from . import hostile, oracles, tables
from .core import Entry, may_refuse

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
LABEL = re.compile(r"[A-Za-z0-9-][A-Za-z0-9._+-]{0,63}")
DOWNLOAD = re.compile(r"results/one/data/downloads/[A-Za-z0-9_-][A-Za-z0-9._-]{0,140}[.](csv|tsv)([.]gz)?")
SIMULATED = {
    **{"tree": {"a": "root", "b": "root"}, "sites": 12, "differences": 1, "variants": 30, "replicates": 2},
    **{"noise": {"1": 0.2, "2": 0.3}, "shifts": {"a": 0.1}, "output": "scores"},
}
READ = {
    "func_scores": [{"func_scores": "t.csv", "replicate": 1}, {"func_scores": "t.csv", "replicate": "2"}],
    "columns": {"score": "func_score"},
    "clip": [-3.5, None],
    "conditions": ["a", "b"],
    "drop": ["gaps"],
}
DATA = [{"func_scores": "t.csv", "replicates": {"split": 2}}, READ, {"simulate": SIMULATED}]
TREE = {"name": "t", "tree": {"a": "r", "b": "r"}}
ROWS = {"name": "m", "rows": {"b-minus-a": {"a": -1, "b": 1}}}
SECTIONS = {
    "model": {"ridge": 1e-4, "scale_bound": "2x_score_range", "effect_bounds": [-5.0, 5.0]},
    "solver": {"starts": ["zeros", "3x_random"], "max_seconds": 5},
    "cross_validation": {"folds": 3},
    "resamples": {"count": 2, "lasso": [1e-3]},
    "references": {"conditions": "all"},
    "chosen": {"lasso": 1e-3, "difference": "t"},
    "figures": {"dpi": 100, "regions": {"one": [1, 5]}},
}
SMALL = {"data": {"func_scores": "t.csv"}, "reference": "a", "sweep": {"lasso": [0.5]}}
# a hostile value that does not ask for more work than a test has time for
small = hostile.values.map(lambda value: 7 if isinstance(value, int) and 100 < value <= 10**9 else value)

TAGS = [": !!python/object/apply:os.system ", ": !x ", ": &a ", ": *a "]
LINES = ["\tx: 1", "<<: {a: 1}", "? [a]", "---", "...", "%YAML 1.2", "yes: 1", "\0", "{", "- x"]
SCALARS = ["010", "1:30", "0x1F", "1_000", ".inf", "2001-01-01", "[", "1e5"]
ENDS = [" # x", ":", " x: y", "'", '"', ", ]", "\x85", "\u2028"]
ALIASES = ["l0: &l0 [x, x]", *(f"l{k}: &l{k} [{', '.join([f'*l{k - 1}'] * 9)}]" for k in range(1, 12))]
LINE_FAULTS = {
    "twice": lambda draw, line: [line, line],
    "lost": lambda draw, line: [],
    "a tag": lambda draw, line: [line.replace(": ", draw(st.sampled_from(TAGS)))],
    "another line": lambda draw, line: [draw(st.sampled_from(LINES)), line],
    "a scalar": lambda draw, line: [re.sub(r": .*", ": " + draw(st.sampled_from(SCALARS)), line)],
    "indented": lambda draw, line: [" " * draw(st.integers(0, 5)) + line.lstrip()],
    "its end": lambda draw, line: [line + draw(st.sampled_from(ENDS))],
}
FILE_FAULTS = st.sampled_from([*["sound"] * 50, *[*LINE_FAULTS] * 4, "depth", "depth", "aliases"])


@st.composite
def config_values(draw: st.DrawFn) -> Any:
    """The values of a config of one study, with up to two of them wrong."""
    study: dict[str, Any] = {"data": draw(st.sampled_from(DATA)), "reference": "a"}
    matrices = draw(st.sampled_from([["reference", TREE]] * 4 + [["reference", TREE, ROWS]]))
    study["sweep"] = {"lasso": [0.0, 1e-3], "difference": matrices}
    picked = draw(st.integers(0, 2 ** len(SECTIONS) - 1))
    study |= {name: section for k, (name, section) in enumerate(SECTIONS.items()) if picked >> k & 1}
    return hostile.mutate(draw, {"studies": {"one": study}}, small if draw(st.booleans()) else hostile.values)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A config as a file, in which a line or a byte may be wrong."""
    lines = yaml.safe_dump(draw(config_values()), sort_keys=False, allow_unicode=draw(st.booleans())).splitlines()
    kind = draw(FILE_FAULTS)
    if kind == "depth":
        depth = draw(st.sampled_from([10, 40, 2000]))
        lines.append("z: " + "[" * depth + "]" * depth)
    elif kind == "aliases":
        lines += ALIASES
    elif kind != "sound":
        at = draw(st.integers(0, len(lines) - 1))
        note(f"line {at + 1}: {kind}")
        lines[at : at + 1] = LINE_FAULTS[kind](draw, lines[at])
    return hostile.damage(draw, ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass"), 10)


def checked(folder: Path, content: bytes) -> None:
    path = folder / "c.yaml"
    path.write_bytes(content)
    tables.SOUND.save(folder)
    with may_refuse("c.yaml", "t.csv"):
        found = studies.from_config(studies.load([path]), [path], {}, folder)
    assert oracles.plain_yaml(content.decode("utf-8-sig"))
    for study in found:
        check_study(study, folder)


def check_study(study: Study, folder: Path) -> None:
    """Whether a study's numbers, names, labels and paths may be used, and its resolved config is read as the same."""
    numbers = oracles.numbers_in([study.model, study.solver, study.sweep, study.data, study.figures])
    assert all(map(math.isfinite, numbers))
    names = [*(study.data["conditions"] or []), study.own["reference"]]
    names += [row for matrix in study.sweep["difference"] for row in [*matrix.get("rows", {}), *matrix.get("tree", {})]]
    assert NAME.fullmatch(study.name) and all(map(oracles.is_name, names))
    paths = [fit["path"] for fit in grid.plan(grid.table(study))]
    assert all(path.startswith(f"results/{study.name}/fits/") for path in paths)
    assert len({path.casefold() for path in paths}) == len(paths)
    fits = [path.split("/fits/")[1] for path in paths]
    assert all(LABEL.fullmatch(part.partition("~")[2]) for fit in fits for part in fit.split("/"))
    assert all(grid.find(study, fit).parts == fit for fit in fits[:5])
    again = folder / "again.yaml"
    written = json.loads(json.dumps(resolved.values(study, family(study.family).as_written)))
    again.write_text(resolved.text(written), encoding="utf-8")
    assert studies.from_config(studies.load([again]), [again], {}, folder) == [study]


def command_line(folder: Path, given: dict) -> None:
    """Values as ``--config`` gives them, on top of a sound config."""
    path = folder / "c.yaml"
    path.write_text(yaml.safe_dump(base := {"studies": {"one": SMALL}}))
    tables.SOUND.save(folder)
    over = {"studies": {"one": given}}
    with may_refuse("c.yaml", "--config", "t.csv"):
        found = studies.from_config(source.overlay(base, over), [path], over, folder)
    for study in found:
        check_study(study, folder)


def simulated(folder: Path, spec: Any) -> None:
    with may_refuse("simulate: "):
        table, truth = simulate(spec if isinstance(spec, dict) else {"tree": spec})
    values = oracles.numbers_in(table.select_dtypes("number").to_numpy().ravel().tolist())
    assert all(map(math.isfinite, [*values, *truth["shift_size"].tolist()]))
    assert [oracles.substitutions(text) for text in table["aa_substitutions"]]
    assert all(map(oracles.is_name, table["condition"].unique()))


def planned(folder: Path, file: hostile.File, known: bytes | None) -> None:
    """A config that is sound, over a table that may not be."""
    file.save(folder)
    path = folder / "c.yaml"
    path.write_text(yaml.safe_dump({"studies": {"one": {**SMALL, "data": {"func_scores": file.name}}}}))
    if known is not None:
        (folder / "results/one").mkdir(parents=True)
        (folder / "results/one/fits.csv").write_bytes(known)
    with may_refuse("c.yaml", file.name, "fits.csv"):
        costs = [cost.cost(one, folder) for one in studies.from_config(studies.load([path]), [path], {}, folder)]
    assert all(cost.fits > 0 and math.isfinite(cost.core_seconds + cost.bytes) for cost in costs)


def download(folder: Path, start: str, parts: list[str]) -> None:
    address = start + "".join(parts)
    with may_refuse(address[:20], "address"):
        path = downloads.path("one", address, None)
    assert DOWNLOAD.fullmatch(path) and path == downloads.path("one", address, None)


PARTS = "http:// https:// a.org / .. %2e%2e%2f %00 t.csv t.csv.gz ?x=1 #y [ ] @ :80"
numbers = st.one_of(st.sampled_from(["1.0e-3", "5"]), hostile.texts)
nested = {"sweep": {"lasso": st.tuples(numbers).map(list)}, "data": {"clip": st.tuples(numbers).map(list)}}
nested |= {"model": {"ridge": numbers}, "solver": {"max_seconds": numbers}}
overlays = st.one_of(
    *(st.fixed_dictionaries({key: st.fixed_dictionaries(inner)}) for key, inner in nested.items()),
    *(st.fixed_dictionaries({key: hostile.texts}) for key in ("strict", "reference")),
)
known = st.one_of(st.none(), hostile.damaged(b"job_seconds,path\n1.5,results/one\n"))
parts = st.lists(st.one_of(st.sampled_from(PARTS.split()), hostile.texts), min_size=1, max_size=5)
ENTRIES = [
    Entry("config.load, studies", 14, checked, dict(content=files())),
    Entry("config: --config", 3, command_line, dict(given=overlays)),
    Entry("dms.simulate", 4, simulated, dict(spec=hostile.mutated(SIMULATED, small))),
    Entry("plan", 2, planned, dict(file=tables.files(tables.scores), known=known)),
    Entry("downloads.path", 8, download, dict(start=st.sampled_from(["http://a.org/", "https://", ""]), parts=parts)),
]
