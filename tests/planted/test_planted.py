"""The planted faults (`make test-planted`) still fit the code that they are planted into."""

import ast

import pytest

from planted.run import PROJECT, arguments, load, planted

FAULTS = load()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["fault"])
def test_a_fault_can_be_planted_and_its_tests_are_there(fault):
    text = planted(fault, PROJECT)
    assert fault["new"] in text and fault["new"] != fault["old"]
    if fault["file"].endswith(".py"):
        ast.parse(text)
    names = [name for name in arguments(fault) if name.startswith("tests/")]
    assert names and all((PROJECT / name.partition("::")[0]).exists() for name in names)


def test_there_are_enough_of_them_and_in_every_part():
    assert len(FAULTS) >= 25 and len({fault["fault"] for fault in FAULTS}) == len(FAULTS)
    parts = {tuple(fault["file"].split("/")[2:4]) for fault in FAULTS}
    assert len(parts) > 20


def test_a_text_that_is_not_there_is_told(tmp_path):
    fault = {"fault": "none", "file": "a.py", "old": "x", "new": "y", "tests": "tests/unit"}
    for text, words in ((None, "no such file"), ("z", "the text 0 times"), ("x = x", "the text 2 times")):
        if text is not None:
            (tmp_path / "a.py").write_text(text)
        with pytest.raises(SystemExit, match=f"a.py: found {words}; expected once"):
            planted(fault, tmp_path)
