"""What a record may hold, as far as checking it computes with it: a JSON schema, for records that were edited."""

from proxsweep.optimize.status import Status

NUMBER = {"type": ["number", "null"]}
SHARES = {"type": "object", "additionalProperties": NUMBER}
START = {
    "type": "object",
    "required": ["start", "status", "objective", "residual", "relative_residual", "iterations"],
    "properties": {
        "start": {"type": "string"},
        **dict.fromkeys(("objective", "residual", "relative_residual"), NUMBER),
        **dict.fromkeys(("iterations", "written_iteration"), {"type": "integer"}),
    },
}
ROWS = {
    "type": ["object", "null"],
    "properties": {
        **{name: {"type": "string", "pattern": "^[0-9]{1,9}$"} for name in ("fold", "resample")},
        "folds": {"type": "integer", "minimum": 2},
        "seed": {"type": "integer", "minimum": 0},
        "method": {"type": "string"},
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
        "file_sha256": {"type": "object", "additionalProperties": {"type": "string"}},
        "model": {"type": "object"},
        "rows": ROWS,
    },
}
