"""The schema of configs: keys, types and defaults of a study, common and of its family, in one document.

They stand in ``workflow/schemas`` alone: ``config.schema.yaml`` has what every family has, ``{family}.schema.yaml`` the
rest. These are JSON schemas with one word of their own: ``x-expected``, what a refusal says is expected where type and
limits would not help (:mod:`proxsweep.config.refusals`).
"""

import copy
import functools
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[3] / "workflow" / "schemas"
COMMON = FOLDER / "config.schema.yaml"
SWEPT = ("model", "solver")  # sections whose keys may be swept

Document = dict[str, Any]


@functools.cache
def common() -> Document:
    """The schema of what every config has: which studies run, and the studies by name."""
    return _read(COMMON)


@functools.cache
def document(family: str) -> Document:
    """The schema of a study of a family.

    Where a section stands in both files, its keys are those of both, the common ones first, and the rest is the
    family's. Under ``sweep`` every key of ``model`` and ``solver`` may stand with a list of values.
    """
    own = _read(FOLDER / f"{family}.schema.yaml")["$defs"]
    sections = copy.deepcopy(common()["$defs"])
    for name, section in own.items():
        standing = sections.get(name, {})
        known = {**standing.get("properties", {}), **section.get("properties", {})}
        sections[name] = {**standing, **section, **({"properties": known} if known else {})}
    swept = sections["sweep"]["properties"]
    for section in SWEPT:
        for key in sections.get(section, {}).get("properties", {}):
            items = {"$ref": f"#/$defs/{section}/properties/{key}"}
            swept.setdefault(key, {"type": "array", "minItems": 1, "items": items})
    return {**sections["study"], "$defs": sections}


def _read(path: Path) -> Document:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def resolve(document: Document, schema: dict[str, Any]) -> dict[str, Any]:
    """A part of a document, references followed."""
    while "$ref" in schema:
        target = document
        for key in schema["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        schema = target
    return schema


def properties(family: str, section: str) -> dict[str, dict[str, Any]]:
    """Keys of a section of a study (``model``, ``solver``, ...) with their schemas."""
    return document(family)["$defs"][section]["properties"]


def sections(document: Document) -> list[str]:
    """Names of the sections of a study, in order, and ``study`` itself, last."""
    keys = document["properties"]
    return [key for key in keys if "properties" in resolve(document, keys[key])] + ["study"]


def fill(family: str, values: dict[str, Any]) -> dict[str, Any]:
    """A valid study with defaults filled in; numbers are floats, or ints where whole ones are asked for."""
    return _Filler(document(family)).fill(document(family), values)


def fill_section(family: str, section: str, values: dict[str, Any]) -> dict[str, Any]:
    """The same for a section of a study by itself."""
    return _Filler(document(family)).fill(document(family)["$defs"][section], values)


class _Filler:
    def __init__(self, document: Document):
        self.document = document

    def fill(self, schema: dict[str, Any], value: Any) -> Any:
        schema = resolve(self.document, _branch(schema, value))
        if isinstance(value, dict):
            return self._mapping(schema, value)
        if isinstance(value, list):
            inner, firsts = schema.get("items", {}), schema.get("prefixItems", [])
            return [self.fill(firsts[i] if i < len(firsts) else inner, item) for i, item in enumerate(value)]
        if isinstance(value, int | float) and not isinstance(value, bool):
            types = schema.get("type", [])
            if "integer" not in types:
                return float(value)
            return value if "number" in types else int(value)
        return value

    def _mapping(self, schema: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
        known = schema.get("properties", {})
        filled = {}
        for key, inner in known.items():
            inner = resolve(self.document, inner)
            if key in value:
                filled[key] = self.fill(inner, value[key])
            elif "default" in inner:
                filled[key] = self.fill(inner, copy.deepcopy(inner["default"]))
            elif inner.get("type") == "object" and "required" not in inner and "properties" in inner:
                filled[key] = self._mapping(inner, {})
        rest = schema.get("additionalProperties")
        rest = rest if isinstance(rest, dict) else {}
        return {**filled, **{key: self.fill(rest, item) for key, item in value.items() if key not in known}}


def _branch(schema: dict[str, Any], value: Any) -> dict[str, Any]:
    """Of a schema with `if`, the one that holds for a mapping with or without the key that it asks for."""
    if "if" not in schema:
        return schema
    return schema["then" if set(schema["if"]["required"]) <= set(value) else "else"]
