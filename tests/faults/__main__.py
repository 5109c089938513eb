"""Many rounds of every fault: ``make soak``. Prints a table; exit code 1 if anything was wrong after any of them."""

import argparse
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pandas as pd

from faults.faults import FAULTS
from faults.rounds import Outcome, bases, one_round


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--at-once", type=int, default=1, help="rounds side by side; each runs two fits at a time")
    parser.add_argument("--fault", choices=FAULTS, action="append", help="these only; may be repeated")
    options = parser.parse_args()
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as work, ThreadPoolExecutor(options.at_once) as pool:
        base = Path(work) / "bases"
        bases(base)

        def tried(fault: str, number: int) -> Outcome:
            folder = Path(work) / f"{fault} {number}"
            outcome = one_round(fault, number, base, folder, options.seed)
            shutil.rmtree(folder)
            print(f"{fault} {number}: {'; '.join(outcome.faults) or 'as undisturbed'}", file=sys.stderr, flush=True)
            return outcome

        for fault in options.fault or FAULTS:
            outcomes += pool.map(partial(tried, fault), range(1, options.rounds + 1))
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
