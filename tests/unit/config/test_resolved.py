import copy
import re
from pathlib import Path

import pytest
import yaml

from projects import PROJECT
from proxsweep import studies
from proxsweep.config import resolved
from proxsweep.families import family

# planning the published spike study looks into its lists of tables, which lie at addresses
CONFIGS = sorted(path for path in (PROJECT / "config").glob("*.yaml") if "selections:" not in path.read_text())
TREE = {"name": "star", "tree": {"a": "centre", "b": "centre", "c": "centre"}}
ROWS = {"name": "own", "rows": {"sum": {"a": 1.0, "b": 1.0, "c": -2.0}}}
EVERYTHING = {
    "data": {
        "func_scores": "https://example.org/scores.csv",
        "conditions": ["a", "b", "c"],
        "replicates": {"split": 2, "seed": 7},
        "clip": [-3.5, 2.5],
    },
    "reference": "a",
    "sweep": {
        "difference": ["reference", TREE, ROWS],
        "lasso": [0, 1.0e-5, 4.0e-5],
        "scale_bound": [5, "2x_score_range"],
    },
    "solver": {"starts": ["zeros", "2x_random"], "seed": 3},
    "cross_validation": {"folds": 4},
    "resamples": {"count": 5, "lasso": [4.0e-5]},
    "references": {"lasso": [4.0e-5]},
    "chosen": {"lasso": 4.0e-5, "difference": "star"},
}


def read_again(study):
    values = yaml.safe_load(resolved.text(resolved.values(study, family(study.family).as_written)))
    return studies.from_config(values, [], {})


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_resolved_config_is_the_same_study(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the matrices that some configs name are users' own files
    for name in re.findall(r"(?:matrix|samples): (\w+\.\w+)", path.read_text()):
        Path(name).write_text("sample\n")
    found = studies.from_config(studies.load([path]), [path], {})
    assert found and all(read_again(study) == [study] for study in found)


def test_matrices_seeds_parts_and_bounds_survive():
    (study,) = studies.from_config({"studies": {"all": copy.deepcopy(EVERYTHING)}}, [], {})
    assert read_again(study) == [study]


def test_defaults_are_written_out():
    (study,) = studies.from_config({"studies": {"all": copy.deepcopy(EVERYTHING)}}, [], {})
    written = yaml.safe_load(resolved.text(resolved.values(study, family(study.family).as_written)))["studies"]["all"]
    assert written["model"]["huber_delta"] == 1.0
    assert written["solver"]["tolerance"] == 1e-6 and isinstance(written["solver"]["tolerance"], float)
