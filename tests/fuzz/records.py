"""What fits wrote: encodings, parameters, records, and the tables that are collected from them."""

from pathlib import Path

import numpy as np

from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.model import predict
from proxsweep.dms.results import fits_table, fitted, reread
from proxsweep.sweep import chosen, collect

from .core import Entry, may_refuse
from .hostile import File
from .study import ENCODING, FIT, ONE, copied, damaged
from .variants import check_encoding

STATUSES = {"converged", "max_iterations", "max_seconds", "diverged", "failed"}


def load_encoding(folder: Path, file: File) -> None:
    with may_refuse(Path(ENCODING).name):
        found = Encoding.load(copied(folder, file))
    check_encoding(found)


def load_fitted(folder: Path, file: File) -> None:
    copied(folder, file, FIT)
    with may_refuse("parameters.npz", "mutations.csv", "record.json"):
        found = fitted.load(folder / FIT)
    check_fitted(found)


def load_reread(folder: Path, file: File) -> None:
    copied(folder, file, FIT)
    with may_refuse("parameters.npz", "mutations.csv", "record.json", FIT):
        found = reread.load(folder / FIT, "b")
    check_fitted(found.fitted)
    assert len(found.intercepts) == 2


def check_fitted(found: fitted.Fitted) -> None:
    """Whether every condition and row has its numbers, for each mutation once."""
    wanted = [f"beta_{name}" for name in found.conditions] + [f"shift_{row}" for row in found.rows]
    assert all(found.mutations[name].dtype.kind in "iufb" for name in wanted)
    assert found.mutations["mutation"].is_unique
    assert all({*row} <= {*found.conditions} for row in found.rows.values())


def load_written(folder: Path, file: File) -> None:
    copied(folder, file, FIT)
    with may_refuse("parameters.npz", "record.json"):
        found = predict.load(folder / FIT)
    assert found.b.shape == found.bundle.shape == (len(found.conditions), len(found.mutations))
    assert np.isfinite(found.b).all() and np.isfinite(found.b0).all()


def collected(folder: Path, file: File) -> None:
    path = copied(folder, file, FIT)
    with may_refuse("record.json"):
        table = collect.collect([{"path": folder / FIT, "study": "one"}])
    assert len(table) == path.exists()
    assert all(table[name].dtype == float for name in ("objective", "residual", "relative_residual"))


def edited_fits(folder: Path, file: File) -> None:
    with may_refuse("fits.csv"):
        table = fits_table.finished(copied(folder, file))
    assert (table["lasso"].astype(float) >= 0).all() and table["path"].is_unique
    assert {*table["status"]} <= STATUSES


def edited_choice(folder: Path, file: File) -> None:
    with may_refuse("chosen.csv"):
        table = chosen.load(copied(folder, file))
    assert not (table["lasso"].astype(float) < 0).any() and table["chosen"].astype(bool).sum() <= 1


of_fit = damaged(f"{FIT}/record.json", f"{FIT}/parameters.npz", f"{FIT}/mutations.csv")
ENTRIES = [
    Entry("Encoding.load", 10, load_encoding, dict(file=damaged(ENCODING))),
    Entry("fitted.load", 3, load_fitted, dict(file=of_fit)),
    Entry("reread.load", 3, load_reread, dict(file=of_fit)),
    Entry("predict.load", 2, load_written, dict(file=of_fit)),
    Entry("collect", 6, collected, dict(file=damaged(f"{FIT}/record.json"))),
    Entry("fits.csv", 2.5, edited_fits, dict(file=damaged(f"{ONE}/fits.csv"))),
    Entry("chosen.csv", 2.5, edited_choice, dict(file=damaged(f"{ONE}/chosen.csv"))),
]
