from proxsweep.dms import jobs
from proxsweep.io import downloads

OF_DMS = [study for study in STUDIES.values() if study.family == "dms"]
WANTED = jobs.missing_downloads(OF_DMS)
FOUND = set()


def download(wildcards):
    return WANTED[f"results/{wildcards.study}/data/downloads/{wildcards.download}"]


def check_address(wildcards):
    """No file; refuses an address without one before anything is run. Each is asked once, and not again by jobs."""
    address = download(wildcards)["func_scores"]
    if workflow.is_main_process and address not in FOUND:
        or_refuse(downloads.head, address)
        FOUND.add(address)
    return []
