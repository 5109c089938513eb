"""What a record may hold, as far as checking it computes with it: a JSON schema, for records that were edited."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema

from proxsweep.io.errors import UserError
from proxsweep.optimize.status import Status

NUMBER = {"type": ["number", "null"]}
SHARES = {"type": "object", "additionalProperties": NUMBER}
START = {
    "type": "object",
    "required": ["start", "status", "objective", "residual", "relative_residual", "iterations"],
    "properties": {
        "start": {"type": "string"},
        "objective": NUMBER,
        **dict.fromkeys(("iterations", "written_iteration"), {"type": "integer"}),
    },
}
ROWS = {
    "type": ["object", "null"],
    "properties": {
        **{name: {"type": "string", "pattern": "^[0-9]{1,9}$"} for name in ("fold", "resample")},
        "folds": {"type": "integer", "minimum": 2},
        "seed": {"type": "integer", "minimum": 0},
        "method": {"enum": ["bootstrap", "bayesian"]},
    },
}
RECORD = {
    "type": "object",
    "properties": {
        "fit": {"type": "object"},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "status": {"enum": [str(status) for status in Status]},
        "start": {"type": "string"},
        "starts": {"type": "array", "items": START},
        **dict.fromkeys(("objective", "smooth", "penalty", "residual", "relative_residual", "yardstick"), NUMBER),
        **dict.fromkeys(("tolerance", "absolute_floor"), {"type": "number", "minimum": 0}),
        **dict.fromkeys(("iterations", "written_iteration"), {"type": "integer"}),
        "encoding_sha256": {"type": ["string", "null"]},
        "certificate": SHARES,
        "model": {"type": "object"},
        "rows": ROWS,
    },
}


def validate(path: str | Path, record: dict[str, Any], own: Mapping[str, Any]) -> None:
    """Refuse a record whose values are of another kind than a fit writes (UserError, with the key's path).

    ``own`` has the family's schemas of keys of the record, which hold beside those of every family.
    """
    schemas = (RECORD, {"type": "object", "properties": dict(own)})
    errors = (error for schema in schemas for error in jsonschema.Draft202012Validator(schema).iter_errors(record))
    first = next(errors, None)
    if first is None:
        return
    keys = ".".join(map(str, first.absolute_path))
    place = f"{path}, {keys}" if keys else str(path)
    raise UserError(place, repr(first.instance), f"a fit's record as it was written ({first.validator})")
