"""``python -m tests.fuzz --cases 100000 --seed 1``: every entry point against made input, as a table."""

import argparse
import sys
import tempfile
import traceback

from hypothesis.configuration import set_hypothesis_home_dir

from . import ENTRIES
from .core import Tally, cases_of, run, show


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="entry points whose name has this in it")
    given = parser.parse_args()
    entries = [entry for entry in ENTRIES if given.only in entry.name]
    tallies, wrong = {entry.name: Tally() for entry in entries}, []
    with tempfile.TemporaryDirectory(prefix="hypothesis-") as folder:
        set_hypothesis_home_dir(folder)
        for entry in entries:
            try:
                run(entry, cases_of(entry, entries, given.cases), given.seed, tallies[entry.name])
            except (Exception, SystemExit) as error:
                wrong.append(f"\n{entry.name}:\n" + "".join(traceback.format_exception(error, limit=-4)))
    print(show(tallies), *wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
