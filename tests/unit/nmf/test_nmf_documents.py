"""The schema of the family and config/README.md, which lists its keys."""

import re

import jsonschema
import pytest
import yaml

from proxsweep.config import schema

SCHEMA = schema.document("nmf")
SECTION = (schema.COMMON.parents[2] / "config" / "README.md").read_text().partition("\n## Family nmf\n")[2]
SECTIONS = ("data", "model", "solver", "sweep", "cross_validation", "resamples", "chosen", "summaries", "figures")
OWN = ("rank", "algorithm", "replicate", "normalise")  # keys of the sweep that are no model or solver keys


def resolve(entry: dict) -> dict:
    return schema.resolve(SCHEMA, entry)


def groups() -> dict[str, dict]:
    """Every group of keys of a study by the heading under which the document lists it."""
    found = {name: resolve(SCHEMA["properties"][name]) for name in SECTIONS}
    nested = {name: resolve(found["data"]["properties"][name]) for name in ("simulate", "replicates")}
    return {"study": SCHEMA["$defs"]["study"], **found, **nested}


def listed() -> dict[str, dict[str, str]]:
    """Of the document: default by key by heading."""
    parts = re.split(r"^### nmf: ", SECTION, flags=re.MULTILINE)[1:]
    rows = {part.split("\n")[0]: re.findall(r"^\| `([a-z_0-9]+)` \| ([^|]*) \|", part, re.MULTILINE) for part in parts}
    return {name: {key: default.strip() for key, default in found} for name, found in rows.items()}


def test_the_schema_is_a_json_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_group_has_its_heading():
    assert set(listed()) == set(groups())


@pytest.mark.parametrize("name", groups())
def test_every_key_has_a_description_and_a_valid_default(name):
    for key, entry in groups()[name]["properties"].items():
        entry = resolve(entry)
        if name == "sweep" and key not in OWN:
            entry = resolve(entry["items"])
        assert entry.get("description", "").endswith("."), key
        if "default" in entry:
            validator = jsonschema.Draft202012Validator({"$defs": SCHEMA["$defs"], **entry})
            assert not list(validator.iter_errors(entry["default"])), key


@pytest.mark.parametrize("name", groups())
def test_the_document_lists_every_key_with_its_default(name):
    group, found = groups()[name], listed()[name]
    keys = [key for key in group["properties"] if name != "sweep" or key in OWN]
    assert list(found) == keys
    for key in keys:
        entry = resolve(group["properties"][key])
        if key in group.get("required", []):
            assert found[key] == "required", key
        elif entry.get("default") is not None:
            assert yaml.safe_load(found[key].strip("`")) == entry["default"], key
        elif name != "sweep":
            assert found[key] in ("", "none"), key


def test_every_model_and_solver_key_can_be_swept():
    found = groups()
    keys = [*found["model"]["properties"], *found["solver"]["properties"]]
    assert set(found["sweep"]["properties"]) == {*OWN, *keys} and len(set(keys)) == len(keys)


def test_links_lead_to_headings():
    headings = {
        re.sub("[^a-z0-9_ -]", "", one.lower()).replace(" ", "-") for one in re.findall("^#+ (.*)", SECTION, re.M)
    }
    links = set(re.findall(r"\]\(#(nmf[^)]*)\)", SECTION))
    assert links and links <= headings
