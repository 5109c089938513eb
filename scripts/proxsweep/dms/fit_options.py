"""Options of ``proxsweep fit``: the config's model and solver keys, checked as a config is."""

import argparse
import re
from pathlib import Path
from typing import Any

import yaml

from proxsweep import studies
from proxsweep.config import schema
from proxsweep.dms.data.encoding import Encoding
from proxsweep.io.errors import UserError
from proxsweep.sweep import grid

SECTIONS = ("model", "solver")
SCIENTIFIC = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the encoding, the swept parameters, every model and solver key, and the output folder."""
    parser.add_argument("encoding", type=Path, help="an encoding (.npz)")
    parser.add_argument("--lasso", required=True, metavar="WEIGHT", help="weight of the fusion penalty")
    parser.add_argument(
        "--difference",
        default="reference",
        help="reference, equivariant, or YAML such as '{name: clade, tree: {child: parent}}' (default: reference)",
    )
    parser.add_argument(
        "--neighbour", type=Path, help="parameters.npz of another weight's fit, for the start neighbour"
    )
    parser.add_argument("--output", type=Path, default=Path("fit"), help="folder for the files (default: fit)")
    for section in SECTIONS:
        for key, known in schema.properties("dms", section).items():
            option, default = f"--{key.replace('_', '-')}", _one_line(known["default"])
            text = f"{known['description']} (default: {default})".replace("%", "%%")
            parser.add_argument(option, dest=key, metavar="VALUE", help=text)


def _one_line(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()


def spec_from_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What :func:`proxsweep.dms.model.fit_files.run` needs, from parsed options.

    Raises
    ------
    UserError
        For a value that a config would refuse, or an encoding that cannot be read.
    """
    encoding = Encoding.load(arguments.encoding)
    sections = {
        section: {
            key: _yaml(key, getattr(arguments, key))
            for key in schema.properties("dms", section)
            if getattr(arguments, key) is not None
        }
        for section in SECTIONS
    }
    values = {name: [_yaml(name, getattr(arguments, name))] for name in ("lasso", "difference")}
    study = {
        "data": {
            # stands for the table that was encoded: an address is not looked into
            "func_scores": "https://example.org/encoded.csv",
            "conditions": [str(name) for name in encoding.conditions],
        },
        "reference": str(encoding.reference),
        **sections,
        "sweep": values,
    }
    try:
        (checked,) = studies.from_config({"studies": {"fit": study}}, [], {}, Path())
    except UserError as error:
        key = error.place.rpartition("studies.fit.")[2].split(".")[1].partition("[")[0]
        # message: passed on
        raise UserError(f"--{key.replace('_', '-')}", error.found, error.expected) from None
    return {**grid.table(checked)[0].spec(), "study": None}


def _yaml(name: str, text: str) -> Any:
    """A value as in a config; here 1e-5 is a number, though YAML takes it for text."""
    if SCIENTIFIC.fullmatch(text):
        return float(text)
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        # message: '5e' (place: an option) | a value as in a config (YAML) | The option takes a value of a config. |
        # Write it as there; quote braces and brackets for the shell.
        raise UserError(f"--{name.replace('_', '-')}", repr(text), "a value as in a config (YAML)") from error
