"""Entry points that read configs, and what follows from one: labels, paths, plans, simulations, notebooks."""

import ast
import copy
import json
import math
import re
from pathlib import Path
from random import Random
from typing import Any

import yaml
from papermill.translators import PythonTranslator

from proxsweep import cost, studies
from proxsweep.config import resolved, source
from proxsweep.dms.data.simulate import simulate
from proxsweep.io import downloads
from proxsweep.sweep import grid

from . import hostile, oracles, tables
from .core import Case, Entry

LABEL = re.compile(r"[A-Za-z0-9-][A-Za-z0-9._+-]{0,63}")
SIMULATED = {
    "simulate": {
        "tree": {"a": "root", "b": "root"},
        "sites": 12,
        "differences": 1,
        "variants": 30,
        "replicates": 2,
        "noise": {"1": 0.2, "2": 0.3},
        "shifts": {"a": 0.1},
        "output": "scores",
    }
}
READ = {
    "func_scores": [{"func_scores": "t.csv", "replicate": 1}, {"func_scores": "t.csv", "replicate": "2"}],
    "columns": {"score": "func_score"},
    "clip": [-3.5, None],
    "conditions": ["a", "b"],
    "drop": ["gaps"],
}
STUDY = {
    "reference": "a",
    "model": {"ridge": 1e-4, "scale_bound": "2x_score_range", "effect_bounds": [-5.0, 5.0]},
    "solver": {"starts": ["zeros", "3x_random"], "max_seconds": 5},
    "sweep": {"lasso": [0.0, 1e-3], "difference": ["reference", {"name": "t", "tree": {"a": "r", "b": "r"}}]},
    "cross_validation": {"folds": 3},
    "resamples": {"count": 2, "lasso": [1e-3]},
    "references": {"conditions": "all"},
    "chosen": {"lasso": 1e-3, "difference": "t"},
    "figures": {"dpi": 100, "regions": {"one": [1, 5]}},
}
ROWS = [{"name": "m", "rows": {"b-minus-a": {"a": -1, "b": 1}}}]


def _small(rng: Random) -> Any:
    """A hostile value that does not ask for more work than a test has time for."""
    found = hostile.value(rng)
    return 7 if isinstance(found, int) and 100 < found <= 10**9 else found


def _values(rng: Random) -> dict[str, Any]:
    data = copy.deepcopy(rng.choice([SIMULATED, READ, {"func_scores": "t.csv", "replicates": {"split": 2}}]))
    study = {"data": data, **copy.deepcopy(STUDY)}
    if rng.random() < 0.2:
        study["sweep"]["difference"] += copy.deepcopy(ROWS)
    for section in rng.sample(["model", "solver", "cross_validation", "resamples", "references", "figures"], 3):
        if rng.random() < 0.5:
            del study[section]
    values = {"studies": {"one": study}}
    return hostile.mutated(rng, values, _small if rng.random() < 0.5 else hostile.value)


def _text(rng: Random, values: dict[str, Any]) -> str:
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=rng.random() < 0.5)
    if rng.random() < 0.6:
        return text
    lines = text.splitlines()
    at = rng.randrange(len(lines))
    kind = rng.randrange(9)
    if kind == 0:
        lines.insert(at, lines[at])
    elif kind == 1:
        lines[at] = lines[at].replace(
            ": ", rng.choice([": !!python/object/apply:os.system ", ": !x ", ": &a ", ": *a "])
        )
    elif kind == 2:
        lines.insert(
            at, rng.choice(["\tx: 1", "<<: {a: 1}", "? [a]", "---", "...", "%YAML 1.2", "yes: 1", "\0", "{", "- x"])
        )
    elif kind == 3:
        lines[at] = re.sub(
            r": .*", ": " + rng.choice(["010", "1:30", "0x1F", "1_000", ".inf", "2001-01-01", "[", "1e5"]), lines[at]
        )
    elif kind == 4:
        depth = rng.choice([10, 40, 2000])
        lines.append("z: " + "[" * depth + "]" * depth)
    elif kind == 5:
        lines += ["l0: &l0 [x, x]", *(f"l{k}: &l{k} [{', '.join([f'*l{k - 1}'] * 9)}]" for k in range(1, 12))]
    elif kind == 6:
        del lines[at]
    elif kind == 7:
        lines[at] = " " * rng.randrange(6) + lines[at].lstrip()
    else:
        lines[at] += rng.choice([" # x", ":", " x: y", "'", '"', ", ]", "\x85", "\u2028"])
    return "\n".join(lines) + "\n"


def checked(rng: Random, folder: Path) -> Case:
    text = _text(rng, _values(rng))
    data = text.encode("utf-8", "surrogatepass")
    (folder / "c.yaml").write_bytes(hostile.damaged(rng, data) if rng.random() < 0.1 else data)
    (folder / "t.csv").write_text("\n".join(map(",".join, tables.scores(Random(1)))) + "\n")
    path = folder / "c.yaml"
    read = lambda: studies.from_config(studies.load([path]), [path], {}, folder)  # noqa: E731
    return Case(read, lambda studies: _sound(path, studies, folder), ["c.yaml", "t.csv"])


def _sound(path: Path, studies: list[grid.Study], folder: Path) -> bool:
    text = path.read_bytes().decode("utf-8-sig")
    return oracles.plain_yaml(text) and all(_sound_study(study, folder) for study in studies)


def _sound_study(study: grid.Study, folder: Path) -> bool:
    numbers = oracles.numbers_in([study.model, study.solver, study.sweep, study.data, study.figures])
    if not all(math.isfinite(number) for number in numbers):
        return False
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", study.name):
        return False
    paths = [fit["path"] for fit in grid.plan(grid.table(study))]
    parts = [part.partition("~")[2] for one in paths for part in one.split("/fits/")[1].split("/")]
    inside = all(one.startswith(f"results/{study.name}/fits/") for one in paths)
    unique = len({one.casefold() for one in paths}) == len(paths)
    names = [*(study.data["conditions"] or []), study.own["reference"]]
    names += [row for matrix in study.sweep["difference"] for row in [*matrix.get("rows", {}), *matrix.get("tree", {})]]
    again = folder / "again.yaml"
    again.write_text(resolved.text(json.loads(json.dumps(resolved.values(study)))), encoding="utf-8")
    (read,) = studies.from_config(studies.load([again]), [again], {}, folder)
    return (
        inside
        and unique
        and all(map(oracles.is_name, names))
        and all(LABEL.fullmatch(part) for part in parts)
        and read == study
        and all(grid.find(study, one.split("/fits/")[1]).parts == one.split("/fits/")[1] for one in paths[:5])
    )


def command_line(rng: Random, folder: Path) -> Case:
    """Values as ``--config`` gives them, on top of a sound config."""
    (folder / "t.csv").write_text("\n".join(map(",".join, tables.scores(Random(1)))) + "\n")
    base = {"studies": {"one": {"data": {"func_scores": "t.csv"}, "reference": "a", "sweep": {"lasso": [0.5]}}}}
    (folder / "c.yaml").write_text(yaml.safe_dump(base))
    path = folder / "c.yaml"
    keys = {"sweep": "lasso", "model": "ridge", "data": "clip", "solver": "max_seconds", "strict": "", "reference": ""}
    key = rng.choice(list(keys))
    number = rng.choice([hostile.text(rng), "1.0e-3", "5"])
    given = {keys[key]: [number] if key in ("sweep", "data") else number}
    over = {"studies": {"one": {key: given if key not in ("strict", "reference") else hostile.text(rng)}}}
    read = lambda: studies.from_config(source.overlay(base, over), [path], over, folder)  # noqa: E731
    return Case(
        read, lambda studies: all(_sound_study(study, folder) for study in studies), ["c.yaml", "--config", "t.csv"]
    )


def simulated(rng: Random, folder: Path) -> Case:
    spec = hostile.mutated(rng, SIMULATED["simulate"], _small)
    spec = spec if isinstance(spec, dict) else {"tree": spec}

    def sound(found: tuple) -> bool:
        table, truth = found
        texts = [oracles.substitutions(text) for text in table["aa_substitutions"]]
        values = oracles.numbers_in(table.select_dtypes("number").to_numpy().ravel().tolist())
        good = all(math.isfinite(value) for value in [*values, *truth["shift_size"].tolist()])
        return good and len(texts) > 0 and all(map(oracles.is_name, table["condition"].unique()))

    return Case(lambda: simulate(spec), sound, ["simulate: "])


def planned(rng: Random, folder: Path) -> Case:
    """A config that is sound, over a table that may not be."""
    path, _ = tables._saved(rng, folder, tables.scores(rng))
    values = {"studies": {"one": {"data": {"func_scores": path.name}, "reference": "a", "sweep": {"lasso": [0.5]}}}}
    (folder / "c.yaml").write_text(yaml.safe_dump(values))
    if rng.random() < 0.3:
        (folder / "results/one").mkdir(parents=True)
        (folder / "results/one/fits.csv").write_bytes(hostile.damaged(rng, b"job_seconds,path\n1.5,results/one\n"))

    def run() -> list[cost.Cost]:
        found = studies.from_config(studies.load([folder / "c.yaml"]), [folder / "c.yaml"], {}, folder)
        return [cost.cost(study, folder) for study in found]

    good = lambda costs: all(c.fits > 0 and math.isfinite(c.core_seconds + c.bytes) for c in costs)  # noqa: E731
    return Case(run, good, ["c.yaml", path.name, "fits.csv"])


def download(rng: Random, folder: Path) -> Case:
    parts = [
        "http://",
        "https://",
        "a.org",
        "/",
        "..",
        "%2e%2e%2f",
        "%00",
        "t.csv",
        "t.csv.gz",
        "?x=1",
        "#y",
        "[",
        "]",
        "@",
        ":80",
    ]
    address = "".join(rng.choice([rng.choice(parts), hostile.text(rng)]) for _ in range(rng.randrange(1, 6)))
    address = rng.choice(["http://a.org/", "https://", ""]) + address

    def sound(path: str) -> bool:
        pattern = r"results/one/data/downloads/[A-Za-z0-9_-][A-Za-z0-9._-]{0,140}[.](csv|tsv)([.]gz)?"
        return bool(re.fullmatch(pattern, path)) and path == downloads.path("one", address, None)

    return Case(lambda: downloads.path("one", address, None), sound, [address[:20], "address"])


def parameters(rng: Random, folder: Path) -> Case:
    """What papermill writes into a notebook: assignments of literals that are the values, and nothing else."""
    values = {f"p{k}": hostile.mutated(rng, {"a": [1, "x"], "b": {"c": None}}, hostile.value) for k in range(3)}
    values = json.loads(json.dumps(values))

    def run() -> dict[str, Any]:
        names = {"float": float}
        tree = ast.parse(PythonTranslator.codify(values))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        if not all(isinstance(call.func, ast.Name) and call.func.id == "float" for call in calls):
            raise AssertionError("a call")
        exec(compile(tree, "cell", "exec"), {"__builtins__": {}}, names)  # literals and float("nan") alone
        return {name: names[name] for name in values}

    return Case(run, lambda found: repr(found) == repr(values), [])


ENTRIES = [
    Entry("config.load, studies", 14, checked),
    Entry("config: --config", 3, command_line),
    Entry("dms.simulate", 4, simulated),
    Entry("plan", 2, planned),
    Entry("downloads.path", 8, download),
    Entry("notebook parameters", 6, parameters),
]
