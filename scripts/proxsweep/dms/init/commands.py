"""Commands as they can be typed: of the environment that runs, from the folder that it runs in."""

import shutil
import sys
from pathlib import Path


def typed(program: str) -> str:
    """A program of this environment: by its name where the shell finds it so, else by its path.

    The path is relative to the working directory where it lies below it.
    """
    own = Path(sys.executable).parent / program
    found = shutil.which(program)
    if not own.exists() or (found is not None and Path(found).absolute() == own.absolute()):
        return program
    folder = Path.cwd()
    return str(own.absolute().relative_to(folder) if own.absolute().is_relative_to(folder) else own.absolute())
