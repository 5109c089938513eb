"""A kernel that executes notebooks one after the other, each as if the kernel had been started for it.

It is started when it is first needed and replaced after any fault, and where a notebook left something that cannot be
put back (:mod:`proxsweep.jobs.isolation`). papermill does the executing; this module adds what it leaves to its caller:
which interpreter, environment and sockets a kernel gets, how many threads, and that no kernel outlives its owner.
"""

import ast
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from queue import Empty
from typing import IO, Any

from jupyter_client import AsyncKernelClient, AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_core.utils import run_sync
from papermill import execute_notebook

from proxsweep.jobs import leftovers
from proxsweep.jobs.cache import compilation_cache
from proxsweep.jobs.shell import default_matplotlibrc

STARTS = 3
"""A kernel is started at most this often for a notebook."""

START_SECONDS = 120
"""A kernel that has not answered for so long has failed to start."""

RENEW_SECONDS = 60
"""A kernel that is not as new by then is replaced."""

END_SECONDS = 20
"""A kernel that has not ended by then is killed."""

THREAD_VARIABLES = (
    "NPROC",  # XLA's CPU client takes the size of its thread pool from here
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
GUARD = "trap '' INT TERM HUP; read -r nothing; kill -s KILL -- -$1"
"""What a shell does that guards a kernel: at the end of its input it kills the kernel's process group."""

SOCKET_PATH_BYTES = 100
"""A Unix socket's path holds some 104 bytes (macOS) or 108 (Linux)."""

ISOLATION = "__import__('proxsweep.jobs.isolation', fromlist=['']).{call}"


class NotStarted(Exception):
    """A kernel did not come up, or does not answer between notebooks."""


class Kernel:
    """A kernel for notebooks that are executed one after the other, with so many ``threads`` for its libraries.

    A context: the kernel ends with it. In the main thread SIGINT, SIGTERM and SIGHUP kill it and end the process.
    """

    def __init__(self, threads: int = 1):
        self.threads = threads
        self._managers: list[AsyncKernelManager] = []
        self._asked: Any = None  # the client that this class asks the kernel by
        self._used = False
        self._contexts = contextlib.ExitStack()
        self._of_start = contextlib.ExitStack()  # what is there for the kernel that was started last

    def __enter__(self) -> "Kernel":
        leftovers.remove_private_folders()
        self._contexts.enter_context(_killed_on_signal(self._managers))
        self._contexts.enter_context(_quiet())
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()
        self._of_start.close()
        self._contexts.close()

    def execute(
        self, notebook: Path, kept: Path, parameters: dict, imports: Iterable[str], log: IO[str], **options: Any
    ) -> None:
        """Execute a notebook into ``kept``, in the caller's working directory; what cells print goes to ``log``.

        Parameters
        ----------
        notebook, kept
        parameters
            As papermill injects them.
        imports
            Modules that a new kernel imports before its state is noted: those that the notebook imports.
        options
            Further ones of papermill's.

        Raises
        ------
        NotStarted
            If no kernel could be started.
        Exception
            What papermill raises. The kernel has to be ended (:meth:`end`) after that.
        """
        self._renew()
        if self._asked is None:
            self._start(notebook, imports)
        self._used = True
        clients: list[AsyncKernelClient] = []
        self._managers[-1].clients = clients
        try:
            execute_notebook(
                literal(notebook),
                literal(kept),
                parameters=parameters,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                stdout_file=log,
                stderr_file=log,
                iopub_timeout=60,  # a busy machine delivers a cell's last output late
                km=self._managers[-1],
                **options,
            )
        finally:
            for client in clients:
                client.stop_channels()

    def usage(self) -> dict[str, float]:
        """What the notebook that was executed last took: ``seconds``, ``processor_seconds``, ``max_rss_mb``.

        Raises
        ------
        NotStarted
            If the kernel is gone.
        """
        return self._ask("usage()", RENEW_SECONDS)

    def exit_code(self) -> int | None:
        """Exit status of the kernel that was started last, negative where a signal ended it; None while it runs."""
        process = self._process()
        return process.poll() if process else None

    def _process(self) -> Any:
        return getattr(self._managers[-1].provisioner, "process", None) if self._managers else None

    def end(self) -> None:
        """Ask the kernel, if one runs, to end, as Python ends: what cells left open is closed, exit functions run."""
        process = self._process()
        if self._asked is None or process is None:
            return
        self._asked.shutdown()
        end = time.monotonic() + END_SECONDS
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        self._kill()

    def kill(self) -> None:
        """End the kernel at once, whatever it does."""
        if self._asked is not None:
            self._kill()

    def _kill(self) -> None:
        self._asked.stop_channels()
        self._asked, self._used = None, False
        kill(self._managers)
        self._of_start.close()

    def _renew(self) -> None:
        """Make a kernel that was used as new, or end it."""
        if self._asked is None or not self._used:
            return
        try:
            left = self._ask("renew()", RENEW_SECONDS)
        except NotStarted as error:
            left = [str(error)]
        if left:
            print(f"the kernel is replaced: {', '.join(left)}", file=sys.stderr, flush=True)
            self._kill()

    def _start(self, notebook: Path, imports: Iterable[str]) -> None:
        begin = f"begin({list(imports)!r})"
        for start in range(1, STARTS + 1):
            try:
                folder = self._of_start.enter_context(leftovers.private_folder())
                manager = _manager_class(folder, self.threads)()
                self._managers.append(manager)
                run_sync(manager.start_kernel)()
                self._of_start.enter_context(_guarded(self._process().pid))
                self._asked = manager.blocking_client()
                self._asked.start_channels(iopub=False, stdin=False, hb=False)
                self._ask(begin, START_SECONDS)
                return
            except (RuntimeError, TimeoutError, OSError, NotStarted) as error:
                failure = one_line(error)
                print(f"{notebook}: kernel start {start} of {STARTS} failed: {failure}", file=sys.stderr, flush=True)
                self.kill()
                kill(self._managers)
                self._of_start.close()
        raise NotStarted(f"the kernel failed to start {STARTS} times")

    def _ask(self, call: str, seconds: float) -> Any:
        """What a function of :mod:`proxsweep.jobs.isolation` returns in the kernel."""
        expression = f"__import__('json').dumps({ISOLATION.format(call=call)})"
        request = self._asked.execute("", silent=True, store_history=False, user_expressions={"value": expression})
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                reply = self._asked.get_shell_msg(timeout=1)
            except Empty:
                if self.exit_code() is not None:
                    raise NotStarted(f"the kernel ended with status {self.exit_code()}") from None
                continue
            if reply["parent_header"].get("msg_id") == request:
                return _value(reply["content"])
        raise NotStarted(f"the kernel did not answer in {seconds} s")


def _value(content: dict[str, Any]) -> Any:
    found = content.get("user_expressions", {}).get("value", content)
    if found.get("status") != "ok":
        raise NotStarted(f"{found.get('ename')}: {found.get('evalue')}")
    return json.loads(ast.literal_eval(found["data"]["text/plain"]))


def kernel_environment(folder: str | Path, threads: int) -> dict[str, str]:
    """Environment variables of a kernel whose own directories lie under ``folder``."""
    folder = Path(folder)
    inherited = os.environ.get("PYTHONPATH", "")
    scripts = str(Path(__file__).resolve().parents[2])
    variables = {name: str(threads) for name in THREAD_VARIABLES} | compilation_cache() | default_matplotlibrc()
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


class _Client(AsyncKernelClient):
    async def wait_for_ready(self, timeout: float) -> None:
        """Return as soon as the kernel answers on the channels of replies and of outputs.

        The base class then waits a fifth of a second for silence; nbclient drops messages that answer no cell.
        """
        self.parent.clients.append(self)
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


def _manager_class(folder: Path, threads: int) -> type[AsyncKernelManager]:
    """A kernel manager that starts this interpreter, whatever kernels the user has installed under any name.

    Sockets are files in ``folder``, since kernels that start at the same moment can be given the same TCP
    port; only where the path is too long for a socket is TCP used.
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

    return Manager


@contextlib.contextmanager
def _killed_on_signal(managers: list[AsyncKernelManager]) -> Iterator[None]:
    """Kill the kernels when this process is asked to end: in sessions of their own, they get no Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        kill(managers)
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


@contextlib.contextmanager
def _guarded(pid: int) -> Iterator[None]:
    """Kill a kernel and all processes of its group when the block ends, or this process by whatever death.

    A shell does it, at the end of a pipe from this process: the kernel could not while compiled code keeps all its
    threads from running.
    """
    command = ["/bin/sh", "-c", GUARD, "guard", str(pid)]
    nothing = subprocess.DEVNULL
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=nothing, stderr=nothing, start_new_session=True)
    try:
        yield
    finally:
        guard.stdin.close()
        guard.wait()


def kill(managers: list[AsyncKernelManager]) -> None:
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


def literal(path: Path) -> str:
    """The path as papermill, which formats paths with the parameters, leaves it alone."""
    return str(path).replace("{", "{{").replace("}", "}}")


def one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
