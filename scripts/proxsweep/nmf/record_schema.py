"""What the family's own keys of a record may hold, for records that were edited: a JSON schema."""

from proxsweep.nmf import pairs
from proxsweep.sweep.record_schema import NUMBER

NORMALISE = ("none", "column_sums", "square_root", "log1p", "feature_sd")
WEIGHT = {"type": "number", "minimum": 0}
MODEL = {
    "type": "object",
    "required": ["loss", "w_columns", *pairs.PENALTIES, "normalise"],
    "properties": {
        "loss": {"enum": list(pairs.ALGORITHMS)},
        "w_columns": {"enum": ["free", "sum_to_one"]},
        **dict.fromkeys(pairs.PENALTIES, WEIGHT),
        "normalise": {"enum": list(NORMALISE)},
    },
}
FIT = {
    "type": "object",
    "required": ["rank", "algorithm"],
    "properties": {
        "rank": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
        "algorithm": {"enum": sorted({name for names in pairs.ALGORITHMS.values() for name in names})},
    },
}
NMF = {"type": "object", "additionalProperties": NUMBER}
ROWS = {
    "type": ["object", "null"],
    "properties": {"hold_out": {"enum": ["entries", "blocks"]}, "method": {"enum": ["poisson", "multinomial"]}},
}
RECORD = {
    "type": "object",
    "required": ["starts", "tolerance", "model", "nmf"],
    "properties": {"fit": FIT, "model": MODEL, "rows": ROWS, "nmf": NMF},
}
