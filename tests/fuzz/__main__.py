"""``python -m tests.fuzz --cases 100000 --seed 1``: every entry point against made input, as a table."""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]


def main() -> int:
    sys.path[:0] = [str(HERE.parent / "scripts"), str(HERE)]
    from .core import run, show, total
    from .entries import ENTRIES

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="entry points whose name has this in it")
    given = parser.parse_args()
    tallies = run([entry for entry in ENTRIES if given.only in entry.name], given.cases, given.seed)
    print(show(tallies))
    return 1 if total(tallies).bad else 0


if __name__ == "__main__":
    sys.exit(main())
