"""Where the project may lie."""

from pathlib import Path

from proxsweep.io.errors import UserError


def check_project(folder: Path) -> None:
    """Refuse a folder with braces in its path.

    Raises
    ------
    UserError
    """
    if "{" in str(folder) or "}" in str(folder):
        # message: /home/me/a{b} (place: the folder of the project) | a path without braces, which Snakemake takes for
        # wildcards | The project lies in a folder with such a name. (The folder that you run in may have one.) | Move
        # the project.
        raise UserError(
            "the folder of the project", str(folder), "a path without braces, which Snakemake takes for wildcards"
        )
