"""Refusing what the schema of configs does not allow, in words."""

import difflib
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

import jsonschema

from proxsweep.config.schema import Document, common, document, resolve, sections
from proxsweep.config.source import Fault, KeyPath


def config_faults(values: dict[str, Any], family: str) -> list[Fault]:
    """What is wrong with a config outside its studies; a key that belongs to one is known from those of ``family``."""
    return _faults(common(), values, document(family))


def family_faults(value: Any, families: Iterable[str]) -> list[Fault]:
    """What is wrong with the name of a family."""
    return _faults({"type": "string", "enum": list(families)}, value, {})


def study_faults(family: str, values: Any) -> list[Fault]:
    """What is wrong with one study of a family, paths relative to it."""
    return _faults(document(family), values, document(family))


def _faults(schema: Document, values: Any, known: Document) -> list[Fault]:
    """One fault per path: a wrong type hides what else may be wrong there."""
    errors = sorted(_validator(schema).iter_errors(values), key=lambda error: error.validator != "type")
    first: dict[KeyPath, Fault] = {}
    for error in errors:
        for fault in _translate(schema, error, known):
            first.setdefault(fault.path, fault)
    return list(first.values())


def _is_number(_checker: object, value: object) -> bool:
    """Finite numbers: JSON knows no NaN and no infinity, and a boolean is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _is_integer(checker: object, value: object) -> bool:
    return _is_number(checker, value) and float(value).is_integer()


def _validator(schema: Document) -> jsonschema.Draft202012Validator:
    types = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("number", _is_number)
    types = types.redefine("integer", _is_integer)
    return jsonschema.validators.extend(jsonschema.Draft202012Validator, type_checker=types)(schema)


def _translate(document: Document, error: jsonschema.ValidationError, home: Document) -> Iterator[Fault]:
    path, schema, value = tuple(error.absolute_path), error.schema, error.instance
    if "propertyNames" in error.schema_path:
        # message: the name `my study` | at most 64 letters, digits, dots, underscores and hyphens, the first a letter
        # or digit | It becomes a folder. | Use another name; the same rule, with `+`, holds for labels of replicates.
        yield Fault((*path, value), f"the name `{value}`", schema["x-expected"])
    elif error.validator == "additionalProperties":
        known = list(schema["properties"])
        for key in value:
            if key not in known:
                # message: passed on
                yield Fault((*path, key), f"the unknown key `{key}`", _known_key(home, key, known))
    elif error.validator == "required":
        for key in schema["required"]:
            if key not in value:
                # message: nothing | the key `sweep`: ... | A key without a default is missing. | Add it.
                yield Fault(
                    (*path, key), "nothing", f"the key `{key}`: {_meaning(document, schema['properties'][key])}"
                )
    elif error.validator == "minProperties" and path == ("studies",):
        # message: Nothing stands under `studies:`. | Write a study there.
        yield Fault(path, "no study", "at least one study by its name")
    else:
        # message: the number 0 / the number -1 / the text 'sigmoid' | a finite number above 0 / a whole number of at
        # least 1 and of at most 1e+09 / true or false | The value is beyond the limits of this key, or of another type.
        # | Write such a value; [config/README.md](../config/README.md) has all limits.
        yield Fault(path, _describe(value), _expected(schema, value))


def _meaning(document: Document, schema: dict[str, Any]) -> str:
    description = resolve(document, schema).get("description", "")
    return description[:1].lower() + description.split(". ")[0].rstrip(".")[1:]


def _known_key(document: Document, key: str, known: list[str]) -> str:
    """The section that has the key, the nearest known key, or all known ones."""
    elsewhere = [name for name in sections(document) if key in document["$defs"][name]["properties"]]
    if elsewhere:
        home = "the study itself" if elsewhere[0] == "study" else f"`{elsewhere[0]}`"
        # message: the unknown key `ridge` | that key under `model`; here one of ... | The key is in the wrong section.
        # | Move it, or indent it as the keys of that section.
        return f"that key under {home}; here one of {', '.join(known)}"
    near = difflib.get_close_matches(key, known, 1, 0.5)
    # message: the unknown key `solvers` | `solver`, the nearest known key / one of ... | The section has no such key. |
    # Correct the name.
    return f"`{near[0]}`, the nearest known key" if near else f"one of {', '.join(known)}"


def _describe(value: Any) -> str:
    if value is None:
        # message: nothing (null) | text, a number, a mapping, ... | The key stands without a value. | Give it one, or
        # remove the line to get the default.
        return "nothing (null)"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value!r}"
    if isinstance(value, str):
        return f"the text {value!r}"
    if isinstance(value, list | dict):
        kind = "list" if isinstance(value, list) else "mapping"
        # message: a list of 2 / a mapping of 3 / an empty list | a mapping with data, reference and sweep, a number,
        # ... | Another kind of value, mostly by a wrong indentation. | Indent keys of a section two blanks deeper than
        # its name.
        return f"a {kind} of {len(value)}" if value else f"an empty {kind}"
    return f"{value!r} ({type(value).__name__})"


def _expected(schema: dict[str, Any], value: Any) -> str:
    """What a schema wants, with a hint for values that are nearly it."""
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    wanted = schema.get("x-expected") or _wanted(schema, types)
    if isinstance(value, str) and {"number", "integer"} & set(types):
        return wanted + _number_hint(value)
    if isinstance(value, str) and "enum" in schema:
        near = difflib.get_close_matches(value, schema["enum"], 1, 0.5)
        # message: the text 'sigmoids' | one of sigmoid, linear (`sigmoid` is nearest) | The key takes one of some
        # words. | Use one of those listed.
        return wanted + (f" (`{near[0]}` is nearest)" if near else "")
    if isinstance(value, bool | int | float) and "string" in types and "number" not in types:
        # message: the number 1 / the boolean true | text; text that YAML takes for a number or boolean needs quotes, as
        # in "1" | YAML reads it as no text. | Quote it.
        return wanted + f'; text that YAML takes for a number or boolean needs quotes, as in "{value}"'
    if isinstance(value, bool | int | float | str) and types == ["array"]:
        # message: the number 0.001 / the text 'zeros' | a list of numbers, also where there is one: [0.001] | The key
        # takes a list. | Put the value into brackets.
        return wanted + f", also where there is one: [{_written(value)}]"
    return wanted


def _written(value: bool | int | float | str) -> str:
    """A value as YAML reads it back: a float with a dot and a sign in its exponent."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return re.sub(r"^(-?[0-9]+)e", r"\1.0e", text) if isinstance(value, float) else text


def _wanted(schema: dict[str, Any], types: list[str]) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if "number" in types or "integer" in types:
        noun = "a finite number" if "number" in types else "a whole number"
        limits = [
            f"{words} {schema[key]:g}"
            for key, words in (
                ("minimum", "of at least"),
                ("exclusiveMinimum", "above"),
                ("maximum", "of at most"),
                ("exclusiveMaximum", "below"),
            )
            if key in schema
        ]
        return f"{noun} {' and '.join(limits)}".strip() + (" or null" if "null" in types else "")
    nouns = {
        "string": "text",
        "boolean": "true or false",
        "array": "a list with at least one value",
        "object": "a mapping",
        "null": "null",
    }
    return " or ".join(nouns[kind] for kind in types)


def _number_hint(text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return ""
    if not math.isfinite(number):
        return ""
    parts = re.fullmatch(r"([+-]?[0-9_.]+)[eE]([+-]?)([0-9]+)", text.strip())
    if not parts:
        return f", without quotes: {text.strip()}"
    mantissa = parts[1] if "." in parts[1] else parts[1] + ".0"
    # message: the text '1e-5' | a finite number of at least 0, written 1.0e-5 (YAML reads 1e-5 as text) | YAML wants a
    # dot and a sign in such a number, and no quotes. | Write the number as the message shows.
    return f", written {mantissa}e{parts[2] or '+'}{parts[3]} (YAML reads {text} as text)"
