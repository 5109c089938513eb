"""What the jobs of the family get from a study: files, and specs that hold only what the job uses."""

from pathlib import Path
from typing import Any

from proxsweep.nmf import sources
from proxsweep.sweep import grid
from proxsweep.sweep.study import Study

DATA_KEYS = ("features_in", "layer", "samples", "replicates", "features")


def matrix(study: Study) -> str:
    """Path of the matrix: the simulated one, or that of the config."""
    return study.data["matrix"] or f"results/{study.name}/data/simulated.csv"


def matrix_files(study: Study) -> list[str]:
    """The files that the matrix is read from."""
    return [str(path) for path in sources.files(Path(matrix(study)))]


def samples(study: Study) -> list[str]:
    """The table of the samples, where the study names one."""
    return [study.data["samples"]] if study.data["samples"] else []


def data_spec(study: Study) -> dict[str, Any]:
    """What the jobs of the data need to know of a study, but for its ranks: another rank reads nothing anew."""
    data = {key: study.data[key] for key in DATA_KEYS}
    return {"study": study.name, "data": data, "normalise": normalisations(study)}


def normalisations(study: Study) -> list[str]:
    """The ways in which fits of the study normalise the matrix."""
    return study.sweep.get("normalise", [study.model["normalise"]])


def full_spec(study: Study) -> dict[str, Any]:
    """The same with what the data have to be large enough for: ranks, folds and resamples."""
    return {**data_spec(study), "ranks": study.sweep["rank"], **parts(study)}


def parts(study: Study) -> dict[str, Any]:
    """Folds and resamples, where a study has some."""
    found = {"cross_validation": study.cross_validation, "resamples": study.resamples}
    return {section: settings for section, settings in found.items() if settings}


def encodings(study: Study) -> dict[str, str]:
    """Paths of the encodings by the label of the replicate."""
    labels = [grid.label(replicate) for replicate in study.sweep["replicate"]]
    return {label: f"results/{study.name}/encodings/replicate~{label}.npz" for label in labels}


def unconverged(study: Study) -> str:
    """The option by which starts that did not converge are used, too."""
    return "--unconverged" if study.summaries["unconverged_starts"] else ""
