"""Executes one parameterized notebook; keeps it, and says why, when it fails.

The notebook is written to ``kept`` while it is executed and moved to ``output`` once every cell has passed, so that an
output is always a finished notebook. :mod:`proxsweep.jobs.kernels` has the kernel.
"""

import ast
import json
import re
import signal
import sys
import warnings
from pathlib import Path
from typing import IO

import nbformat
from nbclient.exceptions import CellControlSignal, DeadKernelError
from nbformat import NotebookNode
from papermill import PapermillExecutionError

from proxsweep.io.errors import UserError
from proxsweep.io.files import write_text
from proxsweep.jobs.kernels import Kernel, NotStarted, one_line

SOURCE_LINES = 12
TRACEBACK_LINES = 40

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CHAIN = re.compile(
    r"\n(?:During handling of the above exception, another exception occurred"
    r"|The above exception was the direct cause of the following exception):\n"
)


class NotebookError(Exception):
    """A notebook that did not finish; the message says where, why, and which file holds what was executed.

    ``lasting`` says that a cell raised what it would raise again.
    """

    def __init__(self, message: str, lasting: bool = False):
        super().__init__(message)
        self.lasting = lasting


def run(
    notebook: str | Path,
    output: str | Path,
    kept: str | Path,
    parameters: dict,
    threads: int = 1,
    attempt: int = 1,
) -> None:
    """Execute ``notebook`` with ``parameters`` in the caller's working directory, in a kernel of its own.

    What cells print goes to stderr as it comes. SIGINT, SIGTERM and SIGHUP kill the kernel and end the run (in the main
    thread).

    Parameters
    ----------
    notebook
        Notebook with a cell tagged ``parameters`` that assigns every key of ``parameters``.
    output
        Where the executed notebook goes when all cells have passed (atomically).
    kept
        Where it is written while it runs, and stays after a failure.
    parameters
        Values for the names of the parameters cell: numbers, strings, booleans, None, lists and dictionaries.
    threads
        Threads that XLA, OpenMP and the BLAS libraries may each use.
    attempt
        1 removes what an earlier run kept. From 2 on, a kept notebook in which a cell raised is not run
        again, since the cell would raise again; one that ended otherwise (killed, out of memory) is.

    Raises
    ------
    NotebookError
        If a cell raised, the kernel died or never started.
    UserError
        If the notebook cannot be read or has no such parameter.
    """
    if attempt > 1:
        _stop_if_raised(Path(notebook), Path(kept), attempt)
    with Kernel(threads) as kernel:
        execute(kernel, notebook, kept, parameters)
    move(kept, output)


def execute(
    kernel: Kernel,
    notebook: str | Path,
    kept: str | Path,
    parameters: dict,
    without: str = "",
    log: IO[str] | None = None,
) -> None:
    """Execute a notebook in ``kernel`` into ``kept``, without cells of the tag ``without``; cells print to ``log``, or
    stderr.

    Raises
    ------
    NotebookError, UserError
        As :func:`run`; the kernel is ended then.
    """
    notebook, kept = Path(notebook), Path(kept)
    _check_parameters(notebook, parameters)
    kept.unlink(missing_ok=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    try:
        imports = _imports(read(notebook), without)
        kernel.execute(notebook, kept, parameters, imports, log or sys.stderr, skip_cells_with_tag=without)
    except PapermillExecutionError as error:
        kernel.kill()
        executed = read(kept)
        message = _raised(executed, notebook, kept) or f"{notebook}: {error}"
        raise NotebookError(message, _raised(executed, notebook, kept, lasting=True) is not None) from None
    except NotStarted as error:
        raise NotebookError(f"{notebook}: {error}\nkept notebook: {kept}") from error
    except (RuntimeError, TimeoutError, OSError, CellControlSignal) as error:
        kernel.kill()
        raise NotebookError(_broken(error, notebook, kept, kernel)) from error


def read(path: str | Path) -> NotebookNode:
    """A notebook from its file, as nbformat 4.

    Raises
    ------
    UserError
        If there is no such file, or it is no notebook (or the first part of one).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cells without ids
            return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        # message: A file of the project was removed or renamed. | Bring it back with git.
        raise UserError(str(path), "no such file", "a notebook") from None
    except Exception as error:  # whatever nbformat stumbles over
        found = f"a file that cannot be read ({one_line(error)})"
        # message: It was damaged, perhaps by a merge. | Look for lines with `<<<<`, or bring it back with git.
        raise UserError(str(path), found, "a notebook (nbformat 4)") from error


def _check_parameters(notebook: Path, parameters: dict) -> None:
    """Refuse a parameter that the notebook does not know: it would be injected and have no effect.

    Raises
    ------
    UserError
    """
    try:
        known = _parameter_names(read(notebook))
    except (SyntaxError, ValueError, TypeError, AttributeError) as error:
        found = f"a parameters cell that is no Python ({error})"
        # message: The cell tagged `parameters` has a syntax error. | Correct it.
        raise UserError(str(notebook), found, "assignments") from error
    unknown = sorted(set(parameters) - known)
    if unknown:
        names = ", ".join(sorted(known)) or "none: no cell is tagged 'parameters'"
        found = f"no parameter named {', '.join(unknown)}"
        # message: The cell tagged `parameters` lost this name. | Put it back.
        raise UserError(str(notebook), found, f"one of its parameters ({names})")


def _parameter_names(notebook: NotebookNode) -> set[str]:
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    nodes = [node for cell in cells for node in ast.walk(ast.parse(cell.source))]
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _imports(notebook: NotebookNode, without: str) -> list[str]:
    """Modules that the cells import, in their order; of ``from a import b`` both a and a.b, which may be no module."""
    cells = [
        cell for cell in notebook.cells if cell.cell_type == "code" and without not in cell.metadata.get("tags", [])
    ]
    found: list[str] = []
    for cell in cells:
        try:
            nodes = list(ast.walk(ast.parse(cell.source)))
        except SyntaxError:  # a magic, or a fault that the cell itself will tell
            continue
        for node in nodes:
            if isinstance(node, ast.Import):
                found += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return list(dict.fromkeys(found))


def _stop_if_raised(notebook: Path, kept: Path, attempt: int) -> None:
    try:
        message = _raised(read(kept), notebook, kept, lasting=True)
    except UserError:
        return  # nothing kept, or cut off in the middle of a write when the run was killed
    if message:
        raise NotebookError(
            f"attempt {attempt} is not started, since an earlier one ended so:\n{message}", lasting=True
        )


def _raised(executed: NotebookNode, notebook: Path, kept: Path, lasting: bool = False) -> str | None:
    """Message on the cell that raised, None where none did (or, with ``lasting``, where a rerun may help)."""
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            if output.output_type != "error" or (lasting and _passing(output)):
                continue
            if output.ename == "UserError":
                return f"{output.evalue}\nkept notebook: {kept}"
            return (
                f"{notebook}: cell [{cell.execution_count}] raised {output.ename}:\n"
                f"{_indented(_shortened(cell.source))}\n{_last_traceback(output)}\nkept notebook: {kept}"
            )
    return None


def _passing(output: NotebookNode) -> bool:
    """Whether more memory, or no interrupt, can let the cell pass."""
    return (
        output.ename == "KeyboardInterrupt"
        or output.ename.endswith("MemoryError")
        or "RESOURCE_EXHAUSTED" in output.evalue
    )


def _broken(error: Exception, notebook: Path, kept: Path, kernel: Kernel) -> str:
    """Message on a run that ended without an exception in a cell."""
    code = kernel.exit_code()
    if isinstance(error, DeadKernelError) and code is not None and code < 0:
        reason = f"the kernel was killed by signal {-code}" + " (out of memory, perhaps)" * (code == -signal.SIGKILL)
    elif isinstance(error, DeadKernelError):
        reason = "the kernel died" + ("" if code is None else f" with exit status {code}")
    else:
        reason = one_line(error)
    running = [cell for cell in read(kept).cells if cell.cell_type == "code" and _began(cell)]
    source = f" in this cell:\n{_indented(_shortened(running[-1].source))}" if running else ""
    return f"{notebook}: {reason}{source}\nkept notebook: {kept}"


def _began(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("papermill", {}).get("start_time"))


def _last_traceback(output: NotebookNode) -> str:
    """The last traceback of a chain, without colours, cut to its end where it is long."""
    text = _ANSI.sub("", "\n".join(output.traceback))
    lines = _CHAIN.split(text)[-1].strip("\n").splitlines() or [f"{output.ename}: {output.evalue}"]
    dropped = len(lines) - TRACEBACK_LINES
    return "\n".join([f"... ({dropped} lines)", *lines[dropped:]] if dropped > 0 else lines)


def _shortened(source: str) -> str:
    lines = source.splitlines()
    dropped = len(lines) - SOURCE_LINES
    return "\n".join([*lines[:SOURCE_LINES], f"... ({dropped} lines)"] if dropped > 0 else lines)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def move(kept: str | Path, output: str | Path) -> None:
    """Put the finished notebook in place whole; the folders may lie on different file systems."""
    kept, output = Path(kept), Path(output)
    executed = json.loads(kept.read_text(encoding="utf-8"))
    executed["metadata"]["papermill"]["output_path"] = str(output)
    write_text(output, json.dumps(executed, indent=1, ensure_ascii=False) + "\n")
    kept.unlink()
