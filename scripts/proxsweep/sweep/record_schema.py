"""What a record may hold, as far as checking it computes with it: a JSON schema, for records that were edited."""

from proxsweep.optimize.status import Status

NUMBER = {"type": ["number", "null"]}
NAMES = {"type": "array", "items": {"type": "string"}}
SHARES = {"type": "object", "additionalProperties": NUMBER}
POSITIVE = {"type": "number", "exclusiveMinimum": 0}
START = {
    "type": "object",
    "required": ["start", "status", "objective", "residual", "relative_residual", "iterations"],
    "properties": {
        "start": {"type": "string"},
        "objective": NUMBER,
        **dict.fromkeys(("iterations", "written_iteration"), {"type": "integer"}),
    },
}
MODEL = {
    "type": "object",
    "properties": {
        "global_epistasis": {"enum": ["sigmoid", "linear"]},
        "normalization": {
            "enum": ["condition_mean", "condition_mean_scaled_ridge", "condition_mean_total_ridge", "sample_mean"]
        },
        "ridge": {"type": "number", "minimum": 0},
        "huber_delta": POSITIVE,
        "scale_bound": {"type": ["number", "string"], "pattern": "^[0-9]+([.][0-9]+)?(e[+-]?[0-9]+)?x_score_range$"},
        "effect_bounds": {"type": ["array", "null"], "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
        "fix_reference_intercept": {"type": "boolean"},
    },
}
DIFFERENCE = {
    "type": ["object", "string"],
    "pattern": "^(reference|equivariant)$",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "tree": {"type": "object", "additionalProperties": {"type": "string"}},
        "rows": {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": NUMBER}},
    },
}
ROWS = {
    "type": ["object", "null"],
    "properties": {
        **{name: {"type": "string", "pattern": "^[0-9]{1,9}$"} for name in ("fold", "resample")},
        "folds": {"type": "integer", "minimum": 2},
        "seed": {"type": "integer", "minimum": 0},
        "stratify": {"enum": ["condition", "none"]},
        "method": {"enum": ["bootstrap", "bayesian"]},
    },
}
DMS = {
    "type": "object",
    "properties": {
        **dict.fromkeys(
            ("scale", "bias", "scale_bound", "zero_shift_share", "training_loss", "validation_loss"), NUMBER
        ),
        **dict.fromkeys(("conditions", "difference_rows"), NAMES),
        **dict.fromkeys(("zero_shift_share_rows", "training_loss_rows", "validation_loss_rows"), SHARES),
    },
}
RECORD = {
    "type": "object",
    "properties": {
        "fit": {
            "type": "object",
            "required": ["lasso", "difference"],
            "properties": {"lasso": {"type": "number", "minimum": 0}, "difference": DIFFERENCE},
        },
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "status": {"enum": [str(status) for status in Status]},
        "start": {"type": "string"},
        "starts": {"type": "array", "items": START},
        **dict.fromkeys(("objective", "smooth", "penalty", "residual", "relative_residual", "yardstick"), NUMBER),
        **dict.fromkeys(("tolerance", "absolute_floor"), {"type": "number", "minimum": 0}),
        **dict.fromkeys(("iterations", "written_iteration"), {"type": "integer"}),
        "encoding_sha256": {"type": ["string", "null"]},
        "certificate": SHARES,
        "model": MODEL,
        "rows": ROWS,
        "dms": DMS,
    },
}
