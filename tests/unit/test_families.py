"""docs/families.md against the code: every field of a family is described, and is called where the page says."""

import dataclasses
import re

import pytest

from projects import PROJECT
from proxsweep.families import DEFAULT, FAMILIES, family
from proxsweep.family import Family
from proxsweep.jobs.closure import closure

PAGE = (PROJECT / "docs/families.md").read_text(encoding="utf-8")
CALLS = re.findall(r"\| `([^`]+)` in `([^`]+)` \|$", PAGE, flags=re.MULTILINE)


def test_every_field_is_described_once():
    rows = re.findall(
        r"^\| \**((?:`\w+`(?:, )?)+)\** \|", PAGE.partition("## What a family gives")[2].partition("## ")[0], re.M
    )
    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(listed) == sorted(field.name for field in dataclasses.fields(Family))


@pytest.mark.parametrize(("code", "file"), CALLS)
def test_a_field_is_called_where_the_page_says(code, file):
    path = PROJECT / file if file.startswith("workflow") else PROJECT / "scripts/proxsweep" / file
    assert code in path.read_text(encoding="utf-8")


def test_fields_without_a_default_are_bold():
    needed = {field.name for field in dataclasses.fields(Family) if field.default is dataclasses.MISSING}
    needed -= {"record_schema", "tables"}  # mappings, made anew for every family
    assert set(re.findall(r"\*\*`(\w+)`\*\*", PAGE)) == needed


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_has_its_name_and_a_first_one_is_the_default(name):
    assert family(name).name == name and next(iter(FAMILIES)) == DEFAULT


@pytest.mark.parametrize("name", FAMILIES)
def test_a_fit_depends_on_its_family_s_code_alone(name):
    """Not on another family, on what a family declares, on summaries, or on what only draws."""
    code = closure(PROJECT / f"notebooks/{name}/fit.ipynb", PROJECT / "scripts", family(name).drawing)
    found = {path.relative_to(PROJECT / "scripts/proxsweep").as_posix() for path in code}
    others = [path for path in found if path.partition("/")[0] in FAMILIES and not path.startswith(f"{name}/")]
    declared = [
        path for path in found if re.search(r"(^|/)(family|families|command|commands)\.py$|/summaries/|^report/", path)
    ]
    assert len(found) > 10 and others == [] and declared == []
