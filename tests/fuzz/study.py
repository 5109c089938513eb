"""A finished small study, and damage to one of its files."""

import contextlib
import functools
import io
import json
import shlex
import shutil
import tempfile
from pathlib import Path
from random import Random

import yaml
from hypothesis import note
from hypothesis import strategies as st

from proxsweep import studies
from proxsweep.__main__ import main
from proxsweep.dms.data import encode as encoding
from proxsweep.dms.data import preprocess
from proxsweep.dms.model import fit_files
from proxsweep.io.files import write_json
from proxsweep.sweep import grid

from . import hostile, tables
from .hostile import File

KEPT = tempfile.TemporaryDirectory(prefix="fuzz-study-")
ONE = "results/one"
FIT = f"{ONE}/fits/difference~reference/lasso~0.01/replicate~1"
ENCODING = f"{ONE}/encodings/replicate~1.npz"
FILES = [
    *("t.csv", "c.yaml", f"{ONE}/plan.json", f"{ONE}/fits.csv", f"{ONE}/chosen.csv", f"{ONE}/signs.csv", ENCODING),
    *(f"{FIT}/record.json", f"{FIT}/parameters.npz", f"{FIT}/mutations.csv", f"{FIT}/trace.csv"),
]
CHOICE = json.dumps({"lasso": 0.01, "rule": "minimum", "false_discovery_rate": 0.1, "difference": "reference"})
SPEC = json.dumps({"study": "s", "reference": "a", "data": {}})
FITS = f"--fits {ONE}/fits.csv"
LINES = [
    f"collect --plan {ONE}/plan.json {FITS} --status status.csv --strays strays.csv",
    f"replicate-signs {FITS} --output {ONE}/signs.csv",
    f"choose {FITS} --evidence {ONE}/signs.csv --chosen '{CHOICE}' --validated v.csv --output {ONE}/chosen.csv",
    f"shifts {FITS} --chosen {ONE}/chosen.csv --output shifts.csv",
    f"shifts-by-reference {FITS} --chosen {ONE}/chosen.csv --output by_reference.csv",
    f"effects {FITS} --output effects.csv.gz",
    f"page {FITS} --chosen {ONE}/chosen.csv --output page.html",
    f"strict {ONE}/fits.csv",
    f"table-page {ONE}/fits.csv --output t.html",
    f"strays --plan {ONE}/plan.json",
    f"check {ONE}",
    f"reread {FIT} --reference b --output reread.csv",
    f"predict {FIT} t.csv --output predicted.csv",
    f"preprocess t.csv --spec '{SPEC}' --variants v.csv --wildtypes w.csv --report r.csv",
    "plan c.yaml",
    f"stack t.csv {ONE}/fits.csv --output stacked.csv",
]
COMMANDS = {line.split()[0]: shlex.split(line) for line in LINES}


@functools.cache
def study() -> Path:
    """The working directory of a finished small study: two weights, two replicates."""
    base = Path(KEPT.name)
    rows = [["condition", "aa_substitutions", "func_score", "replicate"]]
    for replicate in "12":
        rows += [[*row[:3], replicate] for row in tables.sound_rows(Random(replicate), 60)[1:]]
    (base / "t.csv").write_text("\n".join(map(",".join, rows)) + "\n")
    data = {"func_scores": "t.csv", "replicates": {"column": "replicate"}}
    one = {"data": data, "reference": "a", "sweep": {"lasso": [0.0, 0.01]}, "solver": {"max_iterations": 300}}
    (base / "c.yaml").write_text(yaml.safe_dump({"studies": {"one": one}}))
    (found,) = studies.from_config(studies.load([base / "c.yaml"]), [base / "c.yaml"], {}, base)
    spec = {"study": "one", "reference": "a", "data": found.data}
    done = preprocess.preprocess(spec, [base / "t.csv"])
    for label in found.sweep["replicate"]:
        made, _ = encoding.encode(spec, done.variants, done.wildtypes, label)
        made.save(base / f"{ONE}/encodings/replicate~{label}.npz")
    for fit in grid.table(found):
        path = base / f"{ONE}/encodings/replicate~{fit.labels['replicate']}.npz"
        fit_files.run(fit.spec(), path, base / f"{ONE}/fits/{fit.parts}", report=lambda line: None)
    write_json(base / f"{ONE}/plan.json", {"study": "one", "fits": grid.plan(grid.table(found))})
    with contextlib.chdir(base), contextlib.redirect_stdout(io.StringIO()):
        for command in ("collect", "replicate-signs", "choose"):
            assert not main(COMMANDS[command])
    return base


def copied(folder: Path, file: File, *parts: str) -> Path:
    """Copy parts of the study into a folder, then put the file in place of the study's own; where that is."""
    for part in parts or [file.name]:
        source, target = study() / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    return file.save(folder)


@st.composite
def damaged(draw: st.DrawFn, *names: str) -> File:
    """One of these files, gone, damaged, or changed in a way that its kind invites."""
    name = draw(st.sampled_from(names))
    content = (study() / name).read_bytes()
    kind = draw(st.sampled_from([*["its own"] * 15, *["bytes"] * 4, "gone"]))
    if kind == "gone":
        note(f"{name}: gone")
        return File(name, None)
    if kind == "bytes":
        return File(name, hostile.damage(draw, content))
    if name.endswith(".json"):
        return File(name, json.dumps(hostile.mutate(draw, json.loads(content))).encode())
    if name.endswith(".npz"):
        return File(name, hostile.change_arrays(draw, content))
    if name.endswith(".csv"):
        rows = [line.split(",") for line in content.decode().splitlines()]
        hostile.change_rows(draw, rows)
        return File(name, hostile.delimit(draw, rows, ","))
    return File(name, content)
