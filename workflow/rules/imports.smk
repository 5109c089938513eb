# Included before anything is imported that Snakemake has not imported itself.
import os
import sys
from pathlib import Path

ROOT = Path(str(workflow.current_basedir)).resolve().parents[1]
# Snakemake puts the folder of a Snakefile first on Python's path. No file beside this one, which may be called
# `numpy.py`, is imported, here or by a Python started from here, on a node too. A Snakefile that uses this one as a
# module may import files of its own, but they hide no package.
OWN = Path(workflow.main_snakefile).resolve() in (ROOT / "Snakefile", ROOT / "workflow/Snakefile")
BESIDE = [path for path in sys.path if Path(path).resolve() == Path.cwd().resolve()]
sys.path[:] = [path for path in sys.path if path not in BESIDE] + ([] if OWN else BESIDE)
if OWN:
    os.environ.update(PYTHONSAFEPATH="1")
if str(ROOT / "scripts") not in sys.path:
    sys.path.insert(0, str(ROOT / "scripts"))
