"""Write proxsweep.yaml, the conda environment, from requirements.lock: `python envs/conda_from_lock.py`."""

from pathlib import Path

HERE = Path(__file__).parent
HEAD = """\
# Written by conda_from_lock.py: conda brings Python, pip the versions that requirements.lock pins. They stand here one
# by one because Snakemake (`--software-deployment-method conda`) copies this file to where no lock file lies beside it.
name: proxsweep
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python >=3.11,<3.14
  - pip
  - pip:
"""


def pins(lock: str) -> list[str]:
    """Requirements of a lock file with their markers, without hashes."""
    lines = [line.removesuffix("\\").strip() for line in lock.splitlines() if line[:1].isalnum()]
    return [" ".join(line.split()) for line in lines]


def environment(lock: str) -> str:
    """The conda environment file as text."""
    return HEAD + "".join(f'      - "{pin}"\n' for pin in pins(lock))


if __name__ == "__main__":
    (HERE / "proxsweep.yaml").write_text(environment((HERE / "requirements.lock").read_text()))
