"""What the family's own keys of a record may hold, for records that were edited: a JSON schema."""

from proxsweep.sweep.record_schema import NUMBER, SHARES

NAMES = {"type": "array", "items": {"type": "string"}}
POSITIVE = {"type": "number", "exclusiveMinimum": 0}
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
FIT = {
    "type": "object",
    "required": ["lasso", "difference"],
    "properties": {"lasso": {"type": "number", "minimum": 0}, "difference": DIFFERENCE},
}
ROWS = {
    "type": ["object", "null"],
    "properties": {"stratify": {"enum": ["condition", "none"]}, "method": {"enum": ["bootstrap", "bayesian"]}},
}
DMS = {
    "type": "object",
    "properties": {
        **dict.fromkeys(
            ("scale", "bias", "scale_bound", "zero_shift_share", "training_loss", "validation_loss"), NUMBER
        ),
        **dict.fromkeys(("conditions", "difference_rows"), NAMES),
        **dict.fromkeys(("zero_shift_share_rows", "training_loss_rows", "validation_loss_rows"), SHARES),
        **dict.fromkeys(("validation_variants_rows", "validation_left_out_rows"), SHARES),
    },
}
RECORD = {
    "type": "object",
    "required": ["starts", "tolerance", "absolute_floor", "yardstick", "prox", "model", "dms"],
    "properties": {"fit": FIT, "model": MODEL, "rows": ROWS, "dms": DMS},
}
