"""What fits wrote: encodings, parameters, records, and the tables that are collected from them."""

from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.model import predict
from proxsweep.dms.results import fits_table, fitted, reread
from proxsweep.sweep import chosen, collect

from . import hostile
from .core import Entry, may_refuse
from .study import ENCODING, FIT, ONE, Damage, damages
from .variants import check_encoding

STATUSES = {"converged", "max_iterations", "max_seconds", "diverged", "failed"}


def load_encoding(folder: Path, damage: Damage) -> None:
    with may_refuse(Path(ENCODING).name):
        found = Encoding.load(damage.apply(folder))
    check_encoding(found)


def load_fitted(folder: Path, damage: Damage) -> None:
    damage.apply(folder, FIT)
    with may_refuse("parameters.npz", "mutations.csv"):
        found = fitted.load(folder / FIT)
    check_fitted(found)


def load_reread(folder: Path, damage: Damage) -> None:
    damage.apply(folder, FIT)
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


def load_written(folder: Path, damage: Damage) -> None:
    damage.apply(folder, FIT)
    with may_refuse("parameters.npz", "record.json"):
        found = predict.load(folder / FIT)
    assert found.b.shape == found.bundle.shape == (len(found.conditions), len(found.mutations))
    assert np.isfinite(found.b).all() and np.isfinite(found.b0).all()


def collected(folder: Path, damage: Damage, benchmark: bytes) -> None:
    path = damage.apply(folder, FIT)
    (folder / "b.tsv").write_bytes(benchmark)
    with may_refuse("record.json", "b.tsv"):
        table = collect.collect([{"path": folder / FIT, "study": "one", "benchmark": folder / "b.tsv"}])
    assert len(table) == path.exists()
    assert all(table[name].dtype == float for name in ("objective", "residual", "relative_residual"))


def edited_fits(folder: Path, damage: Damage) -> None:
    with may_refuse("fits.csv"):
        table = fits_table.finished(damage.apply(folder))
    assert (table["lasso"].astype(float) >= 0).all() and table["path"].is_unique
    assert {*table["status"]} <= STATUSES


def edited_choice(folder: Path, damage: Damage) -> None:
    with may_refuse("chosen.csv"):
        table = chosen.load(damage.apply(folder))
    assert not (table["lasso"].astype(float) < 0).any() and table["chosen"].astype(bool).sum() <= 1


of_fit = damages(f"{FIT}/record.json", f"{FIT}/parameters.npz", f"{FIT}/mutations.csv")
benchmarks = st.one_of(st.just(b""), hostile.damaged(b"s\tmax_rss\n1.5\t200\n", 2))
ENTRIES = [
    Entry("Encoding.load", 10, load_encoding, dict(damage=damages(ENCODING))),
    Entry("fitted.load", 3, load_fitted, dict(damage=of_fit)),
    Entry("reread.load", 3, load_reread, dict(damage=of_fit)),
    Entry("predict.load", 2, load_written, dict(damage=of_fit)),
    Entry("collect", 6, collected, dict(damage=damages(f"{FIT}/record.json"), benchmark=benchmarks)),
    Entry("fits.csv", 2.5, edited_fits, dict(damage=damages(f"{ONE}/fits.csv"))),
    Entry("chosen.csv", 2.5, edited_choice, dict(damage=damages(f"{ONE}/chosen.csv"))),
]
