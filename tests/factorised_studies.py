"""Small studies of factorisations on disk, as a run leaves them: encodings, labels, fits, `fits.csv`, `config.yaml`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

import factorisations as made
from proxsweep.nmf.data.encoding import Encoding
from proxsweep.nmf.model import fit_files
from proxsweep.sweep import collected
from proxsweep.sweep.collected import Collected, Planned

NAME = "mine"
SUMMARIES = {"labels": "kind", "unconverged_starts": False, "density": 0.5}
SOLVER = {"starts": ["6x_random"], "max_iterations": 400}


def blocks(seed: int = 0, kinds: int = 3, each: int = 7, features: int = 18, noise: float = 0.2) -> np.ndarray:
    """V (features, kinds * each): samples of a few kinds, the factors of which overlap; a row and a column of zeros."""
    rng = np.random.default_rng(seed)
    factors = rng.gamma(0.4, 1, (features, kinds)) + 0.02
    weights = np.repeat(np.eye(kinds), each, axis=1) + 0.15 * rng.random((kinds, kinds * each))
    values = factors @ weights * (1 + noise * rng.random((features, kinds * each)))
    values[3], values[:, 5] = 0, 0
    return values


@dataclass(frozen=True)
class Made:
    """A study on disk: its folder, its table of fits as read back, its labels, and its fits."""

    folder: Path
    fits: pd.DataFrame
    labels: pd.DataFrame
    planned: tuple[Planned, ...]

    @property
    def collected(self) -> Collected:
        return Collected(
            self.fits,
            {one.plan["path"]: one.folder for one in self.planned},
            {one.plan["path"]: self.encoding(one.record["labels"]["replicate"]) for one in self.planned},
        )

    def encoding(self, replicate: str = "1") -> Path:
        return self.folder / f"encodings/replicate~{replicate}.npz"


def study(
    folder: Path,
    fits: Iterable[Mapping[str, Any]],
    values: Mapping[str, np.ndarray] | None = None,
    solver: Mapping[str, Any] = SOLVER,
    columns: Mapping[str, list[str]] | None = None,
    **model: Any,
) -> Made:
    """Make a study.

    Parameters
    ----------
    fits
        Of each the swept values; ``algorithm``, ``rank`` and ``replicate`` have defaults (hals, 3, 1).
    values
        Matrices by replicate; :func:`blocks` of the first seed for one replicate.
    columns
        Labels of the samples by column; ``kind`` by default: a third of the samples each.
    """
    folder = Path(folder) / NAME
    values = {"1": blocks()} if values is None else values
    names = [f"s{replicate}_{j}" for replicate, matrix in values.items() for j in range(matrix.shape[1])]
    of = {replicate: [name for name in names if name.startswith(f"s{replicate}_")] for replicate in values}
    for replicate, matrix in values.items():
        features = np.array([f"g{i}" for i in range(len(matrix))])
        Encoding.of(features, np.array(of[replicate]), matrix).save(folder / f"encodings/replicate~{replicate}.npz")
    kinds = [f"kind {3 * j // len(names)}" for j in range(len(names))]
    labels = pd.DataFrame({"sample": names, **({"kind": kinds} if columns is None else columns)}, dtype=object)
    (folder / "data").mkdir()
    labels.to_csv(folder / "data/samples.csv", index=False)
    planned = tuple(_fitted(folder, one, solver, model) for one in fits)
    table = collected.read_back(collected.fits_table(planned))
    table.to_csv(folder / "fits.csv", index=False)
    (folder / "config.yaml").write_text(yaml.safe_dump({"studies": {NAME: {"summaries": SUMMARIES}}}))
    return Made(folder, table, labels, planned)


def _fitted(folder: Path, swept: Mapping[str, Any], solver: Mapping[str, Any], model: Mapping[str, Any]) -> Planned:
    own = {"algorithm": "hals", "rank": 3, "replicate": "1"} | dict(swept)
    labels = {name: str(value) for name, value in own.items()}
    path = folder / "fits" / "/".join(f"{name}~{label}" for name, label in labels.items())
    path.mkdir(parents=True)
    spec = {
        **{"study": NAME, "labels": labels, "rows": None, "fit": own},
        "model": made.MODEL | dict(model) | {name: own[name] for name in own if name in made.MODEL},
        "solver": made.SOLVER | dict(solver) | {name: own[name] for name in own if name in made.SOLVER},
    }
    fit_files.run(spec, folder / f"encodings/replicate~{own['replicate']}.npz", path, lambda _: None)
    return Planned({"path": str(path), "family": "nmf", "labels": labels}, path, made.record(path))


def choice(rank: float, selected: bool = True, **settings: Any) -> pd.DataFrame:
    """`chosen.csv` of a study of one setting."""
    settings = {"algorithm": "hals"} | settings
    decision = {"rule": "stability", "by": "stability", "selected": selected, "reason": "starts agree"}
    found = {"held_out": np.nan, "stability": rank, "validation_loss": np.nan, "standard_error": np.nan}
    return pd.DataFrame([{"study": NAME, **settings, "rank": rank, **decision, **found, "chosen": True}])
