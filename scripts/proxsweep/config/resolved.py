"""A study's config with every default filled in, as a config file that can be given to the workflow again."""

import copy
from collections.abc import Callable
from typing import Any

import yaml

from proxsweep.config import schema
from proxsweep.sweep.study import Study


def values(study: Study, as_written: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """The ``studies`` mapping of one study, every default filled in, by the order of its family's schema.

    Reading it again gives the same study: :func:`proxsweep.studies.from_config` turns what is written here into
    ``study``.
    """
    known = {**{name: getattr(study, name) for name in (*Study.SECTIONS, "sweep")}, **study.own}
    order = [key for key in schema.document(study.family)["properties"] if key in known]
    found = {"family": study.family, **{key: copy.deepcopy(known[key]) for key in order}}
    for section in schema.SWEPT:
        if section in found:
            found[section] = {key: value for key, value in found[section].items() if key not in found["sweep"]}
    as_written(found)
    return {"studies": {study.name: _without_none(found)}}


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
