"""Many rounds of every fault: ``make soak``. Prints a table; exit code 1 if anything was wrong after any of them."""

import argparse
import sys
import tempfile
from pathlib import Path

import pandas as pd

from faults.faults import FAULTS
from faults.rounds import Outcome, bases, one_round


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--fault", choices=FAULTS, action="append", help="these only; may be repeated")
    options = parser.parse_args()
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        bases(folder / "bases")
        for fault in options.fault or FAULTS:
            for number in range(1, options.rounds + 1):
                place = folder / f"{len(outcomes)}"
                outcomes.append(one_round(fault, number, folder / "bases", place, options.seed))
                found = "; ".join(outcomes[-1].faults) or "as undisturbed"
                print(f"{fault} {number}: {found}", file=sys.stderr, flush=True)
            print(summary(outcomes).tail(1).to_string(index=False), file=sys.stderr, flush=True)
    print(summary(outcomes).to_string(index=False))
    return int(any(outcome.faults for outcome in outcomes))


def summary(outcomes: list[Outcome]) -> pd.DataFrame:
    """One row a fault: rounds, those in which it came before the run's end, runs that it ended, fits finished by then,
    those of them made again, rounds after which something was wrong."""
    table = pd.DataFrame([outcome._asdict() for outcome in outcomes])
    table["ended"] = table["disturbed_code"] != 0
    table["wrong"] = table["faults"].map(bool)
    groups = table.groupby("fault", sort=False)
    return groups.agg(
        rounds=("number", "size"),
        happened=("happened", "sum"),
        runs_ended=("ended", "sum"),
        fits_finished=("finished_before", "sum"),
        made_again=("done_again", "sum"),
        wrong=("wrong", "sum"),
    ).reset_index()


if __name__ == "__main__":
    sys.exit(main())
