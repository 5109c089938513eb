"""Runs one parameterized notebook in a kernel of its own; keeps it, and says why, when it fails.

The notebook is written to ``kept`` while it runs and moved to ``output`` once every cell has passed, so that
an output is always a finished notebook. papermill does the executing; this module adds what it leaves to its
caller: which interpreter, environment and sockets the kernel gets, how many threads, and that no kernel
outlives the run.
"""

import ast
import contextlib
import json
import logging
import os
import re
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty

import nbformat
from jupyter_client import AsyncKernelClient, AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from nbclient.exceptions import CellControlSignal, DeadKernelError
from nbformat import NotebookNode
from papermill import PapermillExecutionError, execute_notebook

from proxsweep.io.errors import UserError
from proxsweep.io.files import write_text
from proxsweep.jobs.cache import compilation_cache

STARTS = 3
"""A kernel is started at most this often in a run."""

START_SECONDS = 120
"""A kernel that has not answered for so long has failed to start."""

THREAD_VARIABLES = (
    "NPROC",  # XLA's CPU client takes the size of its thread pool from here
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
SOURCE_LINES = 12
TRACEBACK_LINES = 40
SOCKET_PATH_BYTES = 100
"""A Unix socket's path holds some 104 bytes (macOS) or 108 (Linux)."""

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CHAIN = re.compile(
    r"\n(?:During handling of the above exception, another exception occurred"
    r"|The above exception was the direct cause of the following exception):\n"
)


class NotebookError(Exception):
    """A notebook that did not finish; the message says where, why, and which file holds what was executed."""


class _NotStarted(Exception):
    """The kernel failed before the first code cell reached it."""


def run(
    notebook: str | Path,
    output: str | Path,
    kept: str | Path,
    parameters: dict,
    threads: int = 1,
    attempt: int = 1,
) -> None:
    """Execute ``notebook`` with ``parameters`` in the caller's working directory.

    What cells print goes to stderr as it comes. A kernel that fails to start is started anew, at once, up to
    :data:`STARTS` times. SIGINT, SIGTERM and SIGHUP kill the kernel and end the run (in the main thread).

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
    notebook, output, kept = Path(notebook), Path(output), Path(kept)
    _check_parameters(notebook, parameters)
    if attempt > 1:
        _stop_if_raised(notebook, kept, attempt)
    kept.unlink(missing_ok=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    for start in range(1, STARTS + 1):
        try:
            _execute(notebook, kept, parameters, threads)
            break
        except _NotStarted as error:
            print(f"{notebook}: kernel start {start} of {STARTS} failed: {error}", file=sys.stderr, flush=True)
    else:
        raise NotebookError(f"{notebook}: the kernel failed to start {STARTS} times\nkept notebook: {kept}")
    _move(kept, output)


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
        found = f"a file that cannot be read ({_one_line(error)})"
        # message: It was damaged, perhaps by a merge. | Look for lines with `<<<<`, or bring it back with git.
        raise UserError(str(path), found, "a notebook (nbformat 4)") from error


def kernel_environment(folder: str | Path, threads: int) -> dict[str, str]:
    """Environment variables of a kernel whose own directories lie under ``folder``."""
    folder = Path(folder)
    inherited = os.environ.get("PYTHONPATH", "")
    scripts = str(Path(__file__).resolve().parents[2])
    variables = {name: str(threads) for name in THREAD_VARIABLES} | compilation_cache()
    variables |= {
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "PYTHONSTARTUP": "",  # IPython runs it in kernels, too
        "PYTHONPATH": os.pathsep.join([scripts, inherited] if inherited else [scripts]),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the debugger warns in every log
    }
    return variables


def _execute(notebook: Path, kept: Path, parameters: dict, threads: int) -> None:
    """One start of a kernel and one pass over the cells; the kernel is gone when this returns or raises."""
    managers: list[AsyncKernelManager] = []
    begun: list[int] = []
    with (
        tempfile.TemporaryDirectory(prefix="proxsweep-", ignore_cleanup_errors=True) as folder,
        _killed_on_signal(managers),
        _quiet(),
    ):
        try:
            execute_notebook(
                _literal(notebook),
                _literal(kept),
                parameters=parameters,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                stdout_file=sys.stderr,
                stderr_file=sys.stderr,
                start_timeout=START_SECONDS,
                iopub_timeout=60,  # a busy machine delivers a cell's last output late
                kernel_manager_class=_manager_class(Path(folder), threads, managers),
                on_cell_execute=lambda cell, cell_index: begun.append(cell_index),
            )
        except PapermillExecutionError as error:
            raise NotebookError(_raised(read(kept), notebook, kept) or f"{notebook}: {error}") from None
        except (RuntimeError, TimeoutError, OSError, CellControlSignal) as error:
            if not begun:
                raise _NotStarted(_one_line(error)) from error
            raise NotebookError(_broken(error, notebook, kept, managers)) from error
        finally:
            _kill(managers)


class _Client(AsyncKernelClient):
    async def wait_for_ready(self, timeout: float) -> None:
        """Return as soon as the kernel answers on the channels of replies and of outputs.

        The base class then waits a fifth of a second for silence; nbclient drops messages that answer no cell.
        """
        end = time.monotonic() + timeout
        while True:
            self.kernel_info()
            with contextlib.suppress(Empty):
                await self.get_shell_msg(timeout=1)
                await self.get_iopub_msg(timeout=0.2)
                return
            if not await self.is_alive():
                raise RuntimeError("the kernel died before it answered")
            if time.monotonic() > end:
                raise RuntimeError(f"the kernel did not answer in {timeout} s")


def _manager_class(folder: Path, threads: int, managers: list[AsyncKernelManager]) -> type[AsyncKernelManager]:
    """A kernel manager that starts this interpreter, whatever kernels the user has installed under any name.

    Sockets are files in ``folder``, since kernels that start at the same moment can be given the same TCP
    port; only where the path is too long for a socket is TCP used. Every manager adds itself to ``managers``.
    """
    environment = kernel_environment(folder, threads)
    environment = {name: value.replace("$", "$$") for name, value in environment.items()}  # $NAME is expanded
    # found by PYTHONPATH; with -P the working directory stays off sys.path: a folder in it could hide a package
    command = ["-P", "-m", "proxsweep.jobs.kernel", "-f", "{connection_file}"]
    spec = KernelSpec(argv=[sys.executable, *command], language="python", display_name="Python 3", env=environment)
    connection = str(folder / "kernel.json")
    transport = "ipc" if len(os.fsencode(connection)) + len("-ipc-5") <= SOCKET_PATH_BYTES else "tcp"

    class OneSpec(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            return spec

    class Manager(AsyncKernelManager):
        def __init__(self, **options):
            own = {"kernel_spec_manager": OneSpec(), "connection_file": connection, "transport": transport}
            super().__init__(**options, **own, client_factory=_Client)
            managers.append(self)

    return Manager


@contextlib.contextmanager
def _killed_on_signal(managers: list[AsyncKernelManager]) -> Iterator[None]:
    """Kill the kernels when this process is asked to end: in sessions of their own, they get no Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        _kill(managers)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    # what is ignored stays ignored: nohup, or a shell's background job
    numbers = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
    earlier: dict[int, Callable | int | None] = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _kill(managers: list[AsyncKernelManager]) -> None:
    """Kill the kernels that still run, and what their cells started, without asking the event loop."""
    for manager in managers:
        process = getattr(manager.provisioner, "process", None)
        if process is None or process.poll() is not None:
            continue
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Leave the log to what cells print and to this module's own messages."""
    logger = logging.getLogger("papermill")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _literal(path: Path) -> str:
    """The path as papermill, which formats paths with the parameters, leaves it alone."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _check_parameters(notebook: Path, parameters: dict) -> None:
    """A parameter that the notebook does not know would be injected and have no effect."""
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


def _stop_if_raised(notebook: Path, kept: Path, attempt: int) -> None:
    try:
        message = _raised(read(kept), notebook, kept, lasting=True)
    except UserError:
        return  # nothing kept, or cut off in the middle of a write when the run was killed
    if message:
        raise NotebookError(f"attempt {attempt} is not started, since an earlier one ended so:\n{message}")


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


def _broken(error: Exception, notebook: Path, kept: Path, managers: list[AsyncKernelManager]) -> str:
    """Message on a run that ended without an exception in a cell."""
    process = getattr(managers[-1].provisioner, "process", None) if managers else None
    code = process.poll() if process else None
    if isinstance(error, DeadKernelError) and code is not None and code < 0:
        reason = f"the kernel was killed by signal {-code}" + " (out of memory, perhaps)" * (code == -signal.SIGKILL)
    elif isinstance(error, DeadKernelError):
        reason = "the kernel died" + ("" if code is None else f" with exit status {code}")
    else:
        reason = _one_line(error)
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


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _move(kept: Path, output: Path) -> None:
    """Put the finished notebook in place whole; the folders may lie on different file systems."""
    executed = json.loads(kept.read_text(encoding="utf-8"))
    executed["metadata"]["papermill"]["output_path"] = str(output)
    write_text(output, json.dumps(executed, indent=1, ensure_ascii=False) + "\n")
    kept.unlink()
