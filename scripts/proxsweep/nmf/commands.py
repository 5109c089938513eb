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
    parser.add_argument("--parts", type=json_option, default={}, help="folds and resamples of the study, as JSON")
    _spec_options(parser)


def _encode(arguments: argparse.Namespace) -> None:
    from proxsweep.io.files import write_csv
    from proxsweep.nmf.data import labels, replicates
    from proxsweep.nmf.data.encoding import Encoding

    spec = {**arguments.spec, "ranks": arguments.ranks, **arguments.parts}
    whole = Encoding.load(arguments.matrix)
    table = labels.load(arguments.labels)
    encoding, report = replicates.encode(spec, whole, table, arguments.replicate)
    write_csv(arguments.report, report)
    encoding.save(arguments.encoding)


def _fits_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fits", type=Path, required=True, help="fits.csv")
    parser.add_argument("--samples", type=Path, required=True, help="table of the samples, as it was read (.csv)")
    parser.add_argument("--unconverged", action="store_true", help="use starts that did not converge, too")


def _stability_options(parser: argparse.ArgumentParser) -> None:
    _fits_options(parser)
    parser.add_argument("--output", type=Path, required=True, help="table of the fits to write (.csv)")
    parser.add_argument("--clusters", type=Path, required=True, help="table of the samples to write (.csv)")


def _stability(arguments: argparse.Namespace) -> None:
    from proxsweep.io.files import write_csv
    from proxsweep.nmf.data import labels
    from proxsweep.nmf.results import fits_table, stability

    fits = fits_table.finished(arguments.fits)
    found, clusters = stability.tables(fits, labels.load(arguments.samples), arguments.unconverged)
    write_csv(arguments.clusters, clusters)
    write_csv(arguments.output, found)


def _consensus_options(parser: argparse.ArgumentParser) -> None:
    _fits_options(parser)
    parser.add_argument("--chosen", type=Path, required=True, help="chosen.csv")
    parser.add_argument("--encodings", type=json_option, required=True, help="by the label of the replicate, as JSON")
    parser.add_argument("--density", type=float, required=True, help="leave out factors without nearer neighbours")
    parser.add_argument("--features", type=Path, required=True, help="table of the factors to write (.csv)")
    parser.add_argument("--samples-output", type=Path, required=True, help="table of the exposures to write (.csv)")
    parser.add_argument(
        "--factors", type=Path, required=True, help="table of the factors of all starts to write (.csv)"
    )
    parser.add_argument("--matrix", type=Path, required=True, help="consensus of the samples to write (.npz)")
    parser.add_argument("--summary", type=Path, required=True, help="what went into it, to write (.csv)")


def _consensus(arguments: argparse.Namespace) -> None:
    from proxsweep.io.files import write_csv, write_npz
    from proxsweep.nmf.data import labels
    from proxsweep.nmf.results import consensus, fits_table
    from proxsweep.sweep import chosen

    fits, choice = fits_table.finished(arguments.fits), chosen.load(arguments.chosen)
    known, options = labels.load(arguments.samples), (arguments.density, arguments.unconverged)
    found = consensus.tables(fits, choice, arguments.encodings, known, *options)
    write_npz(arguments.matrix, **found.arrays)
    write_csv(arguments.summary, found.summary)
    write_csv(arguments.factors, found.factors)
    write_csv(arguments.samples_output, found.samples)
    write_csv(arguments.features, found.features)


COMMANDS = (
    Command("simulate", "Simulate a matrix with known factors.", _simulate_options, _simulate),
    Command("read", "A matrix and the table of its samples, checked.", _read_options, _read),
    Command("encode", "The samples of one replicate as an encoding.", _encode_options, _encode),
    Command("stability", "How far the starts of each fit agree.", _stability_options, _stability),
    Command("consensus", "The chosen fit from all its starts.", _consensus_options, _consensus),
)
