"""What the jobs of the family get from a study: tables, downloads, and specs that hold only what the job uses."""

import os
from typing import Any

from proxsweep.dms.sources import tables
from proxsweep.io import downloads
from proxsweep.sweep import grid
from proxsweep.sweep.study import Study

PREPROCESS_KEYS = (
    *("func_scores", "sha256", "conditions", "columns", "replicates", "drop", "min_pre_count", "pseudocount"),
    *("subtract_wildtype", "clip", "self_substitution", "variant_weights", "collapse", "unknown_wildtype", "site_map"),
    *("wildtypes", "separator", "wildtype_names", "stop_letter", "missing_variance"),
)
ENCODE_KEYS = ("conditions", "collapse", "variant_weights", "min_times_seen", "unknown_wildtype", "bundle_sites")


def root(study: Study) -> str:
    """The folder with the tables of a study: a refit reads those of the study that it refits."""
    return f"results/{study.refit_of or study.name}"


def table_paths(study: Study) -> list[str]:
    """Local paths of a study's tables: the simulated one, local ones, and copies of those at an address."""
    if study.data["simulate"] is not None:
        return [f"{root(study)}/data/func_scores.csv"]
    return [_table_path(study, table) for table in tables(study)]


def _table_path(study: Study, table: dict[str, Any]) -> str:
    address = table["func_scores"]
    if not downloads.is_address(address):
        return address
    return downloads.path(study.refit_of or study.name, address, table["sha256"])


def missing_downloads(studies: list[Study]) -> dict[str, dict[str, Any]]:
    """Tables at an address whose copy is not there yet, by the path of the copy.

    A copy that is there is a plain input: looking at an address again would need the network at every run.
    """
    wanted = {_table_path(study, table): table for study in studies for table in tables(study)}
    return {
        path: table
        for path, table in wanted.items()
        if downloads.is_address(table["func_scores"]) and not os.path.exists(path)
    }


def site_map(study: Study) -> list[str]:
    """The file that orders the sites, where the study names one."""
    path = study.data["site_map"]
    return [] if path is None else [path]


def sequences(study: Study) -> list[str]:
    """The file of wildtype sequences, where the study names one."""
    given = study.data["wildtypes"] or {}
    return [given["fasta"]] if given.get("fasta") else []


def data_spec(study: Study, keys: tuple[str, ...]) -> dict[str, Any]:
    """What a job of the data needs to know of a study."""
    data = {key: study.data[key] for key in keys if key in study.data}
    return {"study": study.name, "reference": study.own["reference"], "data": data}


def encodings(study: Study) -> dict[str, str]:
    """Paths of the encoded variants by the label of the replicate."""
    labels = [grid.label(replicate) for replicate in study.sweep["replicate"]]
    return {label: f"results/{study.name}/encodings/replicate~{label}.npz" for label in labels}


def lasso_max_spec(study: Study) -> dict[str, Any]:
    """One fit for every setting but the weight: which weights are swept changes nothing here, nor limits of time."""
    fits = [fit.spec() for fit in grid.full(study) if fit.values["lasso"] == study.sweep["lasso"][0]]
    for spec in fits:
        del spec["fit"]["lasso"], spec["labels"]["lasso"]
        spec["solver"]["max_seconds"] = None
    return {"fits": fits, "encodings": encodings(study)}
