"""Snakemake whose SLURM executor looks at its jobs every second: ``python fast_polling.py ARGUMENTS OF SNAKEMAKE``.

The plugin itself waits 10 s longer at every look at which no job has ended, and has no option for that.
"""

import sys

from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor

Executor.next_seconds_between_status_checks = property(lambda self: 1, lambda self, seconds: None)

if __name__ == "__main__":
    sys.exit(main())
