"""A study's config with every default filled in, as a config file that can be given to the workflow again."""

import copy
import dataclasses
from typing import Any

import yaml

from proxsweep.sweep.grid import Study


def values(study: Study) -> dict[str, Any]:
    """The ``studies`` mapping of one study, every default filled in.

    Reading it again gives the same study: :func:`proxsweep.studies.from_config` turns what is written here into
    ``study``.
    """
    found = copy.deepcopy(dataclasses.asdict(study))
    name = found.pop("name")
    if found["data"]["simulate"]:  # these follow from the simulation
        del found["data"]["replicates"], found["data"]["columns"], found["data"]["simulate"]["reference"]
    for section in ("model", "solver"):
        found[section] = {key: value for key, value in found[section].items() if key not in found["sweep"]}
    found["sweep"]["difference"] = [_difference(matrix) for matrix in found["sweep"]["difference"]]
    return {"studies": {name: _without_none(found)}}


def _difference(matrix: dict[str, Any]) -> str | dict[str, Any]:
    """As a config writes it: a standard matrix by its name, another without its kind."""
    if matrix["kind"] in ("reference", "equivariant"):
        return matrix["kind"]
    return {key: value for key, value in matrix.items() if key != "kind"}


def _without_none(value: Any) -> Any:
    """Mappings without keys that have no value: nothing stands for the same thing."""
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return value


class _Dumper(yaml.SafeDumper):
    """Floats as YAML 1.1 reads them: with a dot before the exponent."""


def _float(dumper: yaml.SafeDumper, value: float) -> yaml.Node:
    mantissa, mark, exponent = repr(value).partition("e")
    text = f"{mantissa if '.' in mantissa else mantissa + '.0'}{mark}{exponent}"
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


_Dumper.add_representer(float, _float)


def text(mapping: dict[str, Any]) -> str:
    """``mapping`` as YAML that reads back to the same values."""
    return yaml.dump(mapping, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
