"""Notebooks in real kernels: isolation, threads, failures and signals."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from proxsweep.io.errors import UserError
from proxsweep.jobs import kernels, notebook
from proxsweep.jobs.kernels import Kernel
from proxsweep.jobs.notebook import NotebookError, run

SCRIPTS = Path(notebook.__file__).resolve().parents[2]


def write(path: Path, *cells: str) -> Path:
    """A notebook with one parameter, ``value = 1``, and without cell ids."""
    parameters = nbformat.v4.new_code_cell("value = 1", metadata={"tags": ["parameters"]})
    code = [nbformat.v4.new_code_cell(textwrap.dedent(cell).strip()) for cell in cells]
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A notebook"), parameters, *code])
    for cell in made.cells:
        del cell["id"]
    made.nbformat_minor = 4
    nbformat.write(made, path)
    return path


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files with a short name, as a system's own has."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def printed(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def alive(pid: int) -> bool:
    """Whether a process runs (one that only waits to be collected by its parent does not)."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(done.stdout.strip()) and not done.stdout.strip().startswith("Z")


def wait_until(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_a_run_is_isolated_and_keeps_to_its_threads(tmp_path, temporary, monkeypatch, capfd):
    """One kernel start for all that can be seen from inside; the home is full of traps."""
    home, working = tmp_path / "home", tmp_path / "work"
    startup = home / ".ipython" / "profile_default" / "startup"
    for folder in (startup, working / "proxsweep"):
        folder.mkdir(parents=True)
    (startup / "00.py").write_text("print('startup file of the user')")
    (home / "python_startup.py").write_text("print('PYTHONSTARTUP of the user')")
    (working / "proxsweep" / "__init__.py").write_text("raise ImportError('shadowed by the working directory')")
    for place in (".local/share/jupyter", "Library/Jupyter"):
        folder = home / place / "kernels" / "python3"
        folder.mkdir(parents=True)
        (folder / "kernel.json").write_text('{"argv": ["false"], "display_name": "x", "language": "python"}')
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PYTHONSTARTUP", str(home / "python_startup.py"))
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.delenv("IPYTHONDIR", raising=False)
    monkeypatch.delenv("JUPYTER_DATA_DIR", raising=False)
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.chdir(working)
    source = write(
        tmp_path / "see{value}.ipynb",
        """
        import os, sys, time
        import proxsweep
        print("value", value)
        print("python", sys.executable)
        print("package", proxsweep.__file__)
        print("path", os.environ["PYTHONPATH"])
        print("cwd", os.getcwd())
        for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR"):
            print(name, os.environ[name])
        import matplotlib
        print("backend", matplotlib.get_backend())
        """,
        """
        import jax, jax.numpy as jnp, numpy as np
        def share(work):
            work()
            wall, cpu = time.perf_counter(), time.process_time()
            while time.perf_counter() - wall < 0.7:
                work()
            return (time.process_time() - cpu) / (time.perf_counter() - wall)
        product = jax.jit(lambda x: jax.lax.fori_loop(0, 5, lambda i, v: v @ x, x))
        x = jnp.full((800, 800), 1e-3)
        print("cores_jax", share(lambda: product(x).block_until_ready()))
        a = np.full((800, 800), 1e-3)
        print("cores_numpy", share(lambda: a @ a))
        """,
    )
    output, kept = tmp_path / "out" / "n.ipynb", tmp_path / "logs" / "deep" / "n.ipynb"
    run(source, output, kept, {"value": 2.5e-7})
    lines = dict(line.split(" ", 1) for line in printed(output).splitlines())
    assert float(lines["value"]) == 2.5e-7
    assert lines["python"] == sys.executable
    assert lines["package"] == str(SCRIPTS / "proxsweep" / "__init__.py")
    assert lines["path"] == f"{SCRIPTS}{os.pathsep}/somewhere"
    assert lines["cwd"] == str(working)
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR"):
        assert lines[name].startswith(f"{temporary}/proxsweep-")
    assert "inline" in lines["backend"]
    if (os.cpu_count() or 1) > 1:
        assert float(lines["cores_jax"]) < 1.2
        assert float(lines["cores_numpy"]) < 1.2
    assert not kept.exists()
    assert list(temporary.iterdir()) == []
    log = capfd.readouterr().err
    assert f"value {lines['value']}\n" in log
    for noise in ("of the user", "warning", "executing", "papermill", "traceback"):
        assert noise not in log.lower()


def test_a_cell_that_raises_is_kept_and_shown_and_not_run_again(tmp_path, monkeypatch):
    marker = tmp_path / "ran"
    source = write(
        tmp_path / "n.ipynb",
        f"open({str(marker)!r}, 'a').write('x')",
        """
        try:
            {}["first"]
        except KeyError as error:
            raise ValueError("the second") from error
        """,
        "print('never reached')",
    )
    output, kept = tmp_path / "out.ipynb", tmp_path / "logs" / "n.ipynb"
    with pytest.raises(NotebookError) as error:
        run(source, output, kept, {})
    message = str(error.value)
    assert "cell [3] raised ValueError" in message
    assert '{}["first"]' in message
    assert "ValueError: the second" in message
    assert message.count("Traceback (most recent call last)") == 1
    assert "\x1b" not in message
    assert message.endswith(f"kept notebook: {kept}")
    assert not output.exists()
    assert marker.read_text() == "x"

    def no_start(*arguments, **options):
        raise AssertionError("a kernel was started")

    with monkeypatch.context() as patched:
        patched.setattr(Kernel, "execute", no_start)
        with pytest.raises(NotebookError, match="ValueError: the second"):
            run(source, output, kept, {}, attempt=2)
        with pytest.raises(AssertionError, match="started"):
            run(source, output, kept, {}, attempt=1)
    assert not kept.exists()  # the first attempt starts from nothing


def test_the_message_of_a_user_error_stands_alone(tmp_path):
    source = write(
        tmp_path / "n.ipynb",
        "from proxsweep.io.errors import UserError\nraise UserError('table.csv, row 3', 'x', 'a number')",
    )
    with pytest.raises(NotebookError) as error:
        run(source, tmp_path / "out.ipynb", tmp_path / "kept.ipynb", {})
    expected = f"table.csv, row 3: found x; expected a number\nkept notebook: {tmp_path / 'kept.ipynb'}"
    assert str(error.value) == expected


def test_a_killed_kernel_is_told_apart_and_retried(tmp_path):
    """Killed on the first attempt, as for its memory; the second finds the marker and passes."""
    source = write(
        tmp_path / "n.ipynb",
        f"""
        import os, signal
        marker = {str(tmp_path / "marker")!r}
        if not os.path.exists(marker):
            open(marker, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    output, kept = tmp_path / "out.ipynb", tmp_path / "kept.ipynb"
    with pytest.raises(NotebookError, match="killed by signal 9") as error:
        run(source, output, kept, {})
    assert f"kept notebook: {kept}" in str(error.value)
    run(source, output, kept, {}, attempt=2)
    assert output.exists() and not kept.exists()


def test_a_kernel_that_never_starts(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(NotebookError, match="failed to start 3 times"):
        run(write(tmp_path / "n.ipynb", "pass"), tmp_path / "out.ipynb", tmp_path / "kept.ipynb", {})
    assert "kernel start 2 of 3 failed: the kernel ended with status 1" in capfd.readouterr().err


@pytest.mark.slow
def test_a_late_start_is_enough(tmp_path, monkeypatch):
    starts, stub = tmp_path / "starts", tmp_path / "python"
    script = ["#!/bin/sh", f"echo start >> {starts}", f"[ $(wc -l < {starts}) -lt 2 ] && exit 3"]
    stub.write_text("\n".join([*script, f'exec "{sys.executable}" "$@"\n']))
    stub.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(stub))
    run(write(tmp_path / "n.ipynb", "print(value)"), tmp_path / "out.ipynb", tmp_path / "kept.ipynb", {})
    assert starts.read_text().split() == ["start"] * 2
    assert printed(tmp_path / "out.ipynb") == "1\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_no_kernel(tmp_path, temporary, number):
    source = write(
        tmp_path / "n.ipynb",
        """
        import os, subprocess, time
        child = subprocess.Popen(["sleep", "60"])
        print("pids", os.getpid(), child.pid)
        while True:
            time.sleep(0.01)
        """,
    )
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from proxsweep.jobs.notebook import run\n"
        f"run({str(source)!r}, {str(tmp_path / 'out.ipynb')!r}, {str(tmp_path / 'kept.ipynb')!r}, {{}})\n"
    )
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS), "TMPDIR": str(temporary)}
    log = tmp_path / "log"
    with (
        open(log, "w") as stream,
        subprocess.Popen([sys.executable, "-c", program], stderr=stream, env=environment) as process,
    ):
        try:
            wait_until(lambda: re.search(r"pids \d+ \d+\n", log.read_text()))
            pids = [int(word) for word in re.search(r"pids (\d+) (\d+)", log.read_text()).groups()]
            assert all(alive(pid) for pid in pids)
            process.send_signal(number)
            process.wait(timeout=30)
        finally:
            process.kill()
    assert process.returncode in ({signal.SIGTERM: (143,), signal.SIGINT: (130, -signal.SIGINT)}[number])
    wait_until(lambda: not any(alive(pid) for pid in pids), seconds=10)
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "out.ipynb").exists()


def test_an_ignored_hangup_stays_ignored():
    """Started under nohup, a run outlives its terminal."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Kernel():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("ename", "evalue", "again"),
    [
        ("ValueError", "x", False),
        ("MemoryError", "", True),
        ("_ArrayMemoryError", "Unable to allocate 1 TiB", True),
        ("JaxRuntimeError", "RESOURCE_EXHAUSTED: Out of memory", True),
        ("KeyboardInterrupt", "", True),
    ],
)
def test_what_a_later_attempt_may_cure_is_tried_again(tmp_path, ename, evalue, again, monkeypatch):
    source, kept = write(tmp_path / "n.ipynb", "pass"), tmp_path / "kept.ipynb"
    executed = nbformat.read(source, as_version=4)
    executed.cells[-1].outputs = [nbformat.v4.new_output("error", ename=ename, evalue=evalue, traceback=[])]
    nbformat.write(executed, kept)
    started = []
    monkeypatch.setattr(Kernel, "execute", lambda *arguments, **options: started.append(arguments))
    monkeypatch.setattr(notebook, "move", lambda *arguments: None)
    if again:
        run(source, tmp_path / "out.ipynb", kept, {}, attempt=2)
        assert len(started) == 1
    else:
        with pytest.raises(NotebookError, match=f"{ename}: {evalue}"):
            run(source, tmp_path / "out.ipynb", kept, {}, attempt=2)
        assert not started


def test_a_kept_notebook_cut_off_in_a_write_is_no_reason_to_stop(tmp_path, monkeypatch):
    source, kept = write(tmp_path / "n.ipynb", "pass"), tmp_path / "kept.ipynb"
    kept.write_text(source.read_text()[:100])
    started = []
    monkeypatch.setattr(Kernel, "execute", lambda *arguments, **options: started.append(arguments))
    monkeypatch.setattr(notebook, "move", lambda *arguments: None)
    run(source, tmp_path / "out.ipynb", kept, {}, attempt=2)
    assert len(started) == 1


def test_an_unknown_parameter_is_refused_before_any_kernel(tmp_path, monkeypatch):
    monkeypatch.setattr(Kernel, "execute", None)
    source = write(tmp_path / "n.ipynb", "pass")
    with pytest.raises(UserError, match="no parameter named valeu") as error:
        run(source, tmp_path / "out.ipynb", tmp_path / "kept.ipynb", {"valeu": 1})
    assert "(value)" in error.value.expected


@pytest.mark.parametrize("text", [None, "", "{}", '{"nbformat": 4, "cells": 3}', "# a script"])
def test_no_notebook_is_refused(tmp_path, text, monkeypatch):
    monkeypatch.setattr(Kernel, "execute", None)
    if text is not None:
        (tmp_path / "n.ipynb").write_text(text)
    with pytest.raises(UserError, match=r"n\.ipynb.*expected a notebook"):
        run(tmp_path / "n.ipynb", tmp_path / "out.ipynb", tmp_path / "kept.ipynb", {})


def test_threads_reach_every_library():
    variables = kernels.kernel_environment("/x", 3)
    assert {variables[name] for name in ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")} == {"3"}
    assert variables["MKL_NUM_THREADS"] == "3"


def test_a_kernel_ends_with_its_files_closed_and_its_exit_functions_called(tmp_path):
    """The interpreter is not taken apart, yet nothing that a cell wrote is lost."""
    left, called = tmp_path / "left", tmp_path / "called"
    source = write(
        tmp_path / "n.ipynb",
        f"""
        import atexit, pathlib, sys
        stream = open({str(left)!r}, "w")
        stream.write("all of it")  # stays in the buffer
        atexit.register(pathlib.Path({str(called)!r}).write_text, "at exit")
        print("debugger", "debugpy" in sys.modules)
        """,
    )
    run(source, tmp_path / "out.ipynb", tmp_path / "kept.ipynb", {})
    assert left.read_text() == "all of it"
    assert called.read_text() == "at exit"
    assert printed(tmp_path / "out.ipynb") == "debugger False\n"
