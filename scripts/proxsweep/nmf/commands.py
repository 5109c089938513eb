"""Commands of the family. Imports stand inside: a command loads what it needs and no more."""

import argparse
from pathlib import Path

from proxsweep.command import Command, json_option


def _simulate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--spec", type=json_option, required=True, help="the config's simulate section, as JSON")
    parser.add_argument("--matrix", type=Path, required=True, help="table to write (.csv), features in rows")
    parser.add_argument("--truth", type=Path, required=True, help="factors to write (.npz)")


def _simulate(arguments: argparse.Namespace) -> None:
    from proxsweep.io.files import write_csv, write_npz
    from proxsweep.nmf.data.simulate import simulate

    table, truth = simulate(arguments.spec)
    write_npz(arguments.truth, **truth)
    write_csv(arguments.matrix, table)


def _spec_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--spec", type=json_option, required=True, help="study, data and normalise, as JSON")
    parser.add_argument("--ranks", type=int, nargs="+", required=True, help="ranks that are fitted")
    parser.add_argument("--report", type=Path, required=True)


def _read_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("matrix", type=Path, help="file or folder with the matrix")
    parser.add_argument("--samples", type=Path, help="table of the samples")
    parser.add_argument("--output", type=Path, required=True, help="the matrix, read and checked (.npz)")
    parser.add_argument("--labels", type=Path, required=True, help="table of the samples to write (.csv)")
    _spec_options(parser)


def _read(arguments: argparse.Namespace) -> None:
    from proxsweep.io.files import write_csv
    from proxsweep.nmf.data.prepare import prepare

    spec = {**arguments.spec, "ranks": arguments.ranks}
    whole, report, labels = prepare(spec, arguments.matrix, arguments.samples)
    write_csv(arguments.report, report)
    write_csv(arguments.labels, labels)
    whole.save(arguments.output)


def _encode_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("matrix", type=Path, help="the matrix, as it was read (.npz)")
    parser.add_argument("--labels", type=Path, required=True, help="table of the samples, as it was read (.csv)")
    parser.add_argument("--replicate", required=True)
    parser.add_argument("--encoding", type=Path, required=True, help="what fits of the replicate read (.npz)")
    _spec_options(parser)


def _encode(arguments: argparse.Namespace) -> None:
    from proxsweep.io.files import write_csv
    from proxsweep.nmf.data import labels, replicates
    from proxsweep.nmf.data.encoding import Encoding

    spec = {**arguments.spec, "ranks": arguments.ranks}
    whole = Encoding.load(arguments.matrix)
    table = labels.load(arguments.labels)
    encoding, report = replicates.encode(spec, whole, table, arguments.replicate)
    write_csv(arguments.report, report)
    encoding.save(arguments.encoding)


COMMANDS = (
    Command("simulate", "Simulate a matrix with known factors.", _simulate_options, _simulate),
    Command("read", "A matrix and the table of its samples, checked.", _read_options, _read),
    Command("encode", "The samples of one replicate as an encoding.", _encode_options, _encode),
)
