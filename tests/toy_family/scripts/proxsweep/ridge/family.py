"""What the family ``ridge`` is to the rest of the program."""

import argparse
from pathlib import Path

from proxsweep.command import Command
from proxsweep.config.source import Fault
from proxsweep.family import Family, FitCost
from proxsweep.report.summary import CONVERGENCE
from proxsweep.sweep.study import Roles


def _faults(written: dict, study: dict, base: Path) -> list[Fault]:
    path = study["data"]["table"]
    return [] if (base / path).is_file() else [Fault(("data", "table"), f"no file at {path}", "a CSV table")]


def _check(folder, record, encoding):
    from proxsweep.ridge.fit import check

    return check(folder, record, encoding)


def _options(parser: argparse.ArgumentParser) -> None:
    for name in ("table", "response", "encoding", "report"):
        parser.add_argument(f"--{name}", required=True)


def _encode(arguments: argparse.Namespace) -> None:
    from proxsweep.ridge.fit import encode

    encode(arguments.table, arguments.response, arguments.encoding, arguments.report)


FAMILY = Family(
    name="ridge",
    roles=Roles(order=("ridge",), strength="ridge", strength_label="Ridge", path="ridge"),
    encoding=lambda labels: "data/encoding.npz",
    faults=_faults,
    check=_check,
    cost=lambda study, base: FitCost(0.1, 1e5, 1, 1.0, 1e5, "a small table"),
    summaries=(CONVERGENCE,),
    commands=(Command("encode", "A table as arrays.", _options, _encode),),
)
