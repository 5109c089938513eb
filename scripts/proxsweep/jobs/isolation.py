"""What a notebook leaves behind in its kernel: put back, or told, so that the next one finds the kernel as new.

Runs in the kernel. :func:`begin` imports what the notebook imports and notes the settings that cells can change.
:func:`renew` empties the namespace, puts the settings back and returns what it could not put back; the kernel is then
replaced. What functions keep for themselves, such as compiled code, stays: a kernel is kept for that.
"""

import contextlib
import gc
import importlib
import locale
import os
import random
import signal
import site
import sys
import threading
import time
import types
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import psutil
from IPython import get_ipython

GROWTH = 1.5
"""A kernel may hold so many times the memory after its first notebook, and :data:`LEEWAY`."""

LEEWAY = 200e6  # bytes
CLEAR_PEAK = "/proc/self/clear_refs"  # Linux: writing 5 there starts the peak of memory anew

_noted: dict[str, Any] = {}


class Setting(NamedTuple):
    """How something that cells can change is read and put back."""

    read: Callable[[], Any]
    put_back: Callable[[Any], object]


def begin(imports: Iterable[str]) -> None:
    """Import modules and note the state of the kernel; a module that cannot be imported is left to the cell."""
    with contextlib.chdir(os.path.dirname(os.environ.get("MATPLOTLIBRC") or os.sep)):
        for name in imports:  # where no file `matplotlibrc` is the user's
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    _find_devices()
    settings = {name: setting.read() for name, setting in _settings().items()}
    _noted.update(settings=settings, filters=list(warnings.filters), globals={}, open=_open(), memory=None)
    _package_globals()
    gc.freeze()
    _start_measuring()


def _find_devices() -> None:
    """JAX's devices, before any cell asks for them: a platform that this machine lacks is named."""
    if "jax" not in sys.modules:
        return
    try:
        sys.modules["jax"].devices()
    except (RuntimeError, AssertionError) as error:
        asked = os.environ.get("JAX_PLATFORMS", "")
        # message: The node has no device of the platform that the variable names. | `unset JAX_PLATFORMS`, or ask the
        # cluster for a node with such a device.
        raise RuntimeError(f"JAX_PLATFORMS={asked}: this machine has no such device ({error})") from None


def renew() -> list[str]:
    """Make the kernel as it was at :func:`begin`; returns what differs still, in words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shell = get_ipython()
        shell.reset(new_session=False)  # a new session opens its history's file, though history is off
        shell.execution_count = 1
        sys.last_type = sys.last_value = sys.last_traceback = None
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close("all")
        gc.collect()
        gc.freeze()  # what is left stays: another collection need not look at the objects of large libraries
        found = [*_put_back(), *_left_open(), *_assigned(), *_grown()]
    warnings.filters[:] = _noted["filters"]
    warnings._filters_mutated()  # else modules go by the filters that they have noted
    _start_measuring()
    return found


def usage() -> dict[str, float]:
    """Seconds, processor seconds and largest memory (MB) since :func:`begin` or :func:`renew`."""
    return {
        "seconds": time.perf_counter() - _noted["seconds"],
        "processor_seconds": time.process_time() - _noted["processor_seconds"],
        "max_rss_mb": _peak() / 1e6,
    }


def _start_measuring() -> None:
    with contextlib.suppress(OSError), open(CLEAR_PEAK, "w", encoding="ascii") as stream:
        stream.write("5")
    _noted.update(seconds=time.perf_counter(), processor_seconds=time.process_time())


def _peak() -> float:
    """Largest resident memory in bytes; where there is no /proc, of the process since its start."""
    try:
        with open("/proc/self/status", encoding="ascii") as stream:
            return next(1024.0 * int(line.split()[1]) for line in stream if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)


def _settings() -> dict[str, Setting]:
    """What is put back, by name; of libraries, those that are loaded."""
    always = {
        "the working directory": Setting(os.getcwd, os.chdir),
        "the environment": Setting(lambda: dict(os.environ), lambda values: _set_items(os.environ, values)),
        "sys.path": Setting(lambda: list(sys.path), lambda values: sys.path.__setitem__(slice(None), values)),
        "the limit of recursion": Setting(sys.getrecursionlimit, sys.setrecursionlimit),
        "the locale": Setting(lambda: locale.setlocale(locale.LC_ALL), lambda it: locale.setlocale(locale.LC_ALL, it)),
        "the file mask": Setting(_umask, os.umask),
        "random numbers": Setting(lambda: None, lambda _: random.seed()),
        "the handler of interrupts": Setting(
            lambda: signal.getsignal(signal.SIGINT), lambda it: signal.signal(signal.SIGINT, it)
        ),
    }
    libraries = {"numpy": _numpy, "pandas": _pandas, "matplotlib": _matplotlib, "jax": _jax}
    return always | {f"settings of {name}": of() for name, of in libraries.items() if name in sys.modules}


def _set_items(mapping: Any, values: dict) -> None:
    """Give a mapping these items and no others; what is the same is not touched, since setting can have effects."""
    for name in set(mapping) - set(values):
        del mapping[name]
    for name, value in values.items():
        if name not in mapping or mapping[name] != value:
            mapping[name] = value


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _numpy() -> Setting:
    import numpy

    def put_back(values: tuple[dict, dict]) -> None:
        numpy.seterr(**values[0])
        numpy.set_printoptions(**values[1])
        numpy.random.seed()  # noqa: NPY002 - as a new process: by the system

    return Setting(lambda: (numpy.geterr(), numpy.get_printoptions()), put_back)


def _pandas() -> Setting:
    import pandas

    # not those of plotting, which would load matplotlib
    return Setting(lambda: None, lambda _: pandas.reset_option(r"^(compute|display|future|io|mode|styler)\."))


def _matplotlib() -> Setting:
    import matplotlib

    return Setting(lambda: dict(matplotlib.rcParams.copy()), lambda values: _set_items(matplotlib.rcParams, values))


def _jax() -> Setting:
    import jax

    def put_back(values: dict) -> None:
        now = jax.config.values
        for name in [name for name, value in values.items() if now[name] != value]:
            jax.config.update(name, values[name])

    return Setting(lambda: dict(jax.config.values), put_back)


def _put_back() -> list[str]:
    """Put settings back; those that are not as they were, and libraries whose settings were not noted."""
    noted, changed = _noted["settings"], []
    for name, setting in _settings().items():
        if name not in noted:
            changed.append(f"{name}, which a cell loaded")
            continue
        with contextlib.suppress(Exception):  # a folder that is gone, say: comparing finds it
            setting.put_back(noted[name])
        if setting.read() != noted[name]:
            changed.append(name)
    return changed


def _open() -> dict[str, set]:
    """What stays open beside the namespace: by kind, a name or number of each."""
    process = psutil.Process()
    return {
        "threads": {(thread.name, thread.ident) for thread in threading.enumerate() if not _is_of_kernel(thread)},
        "child processes": {child.pid for child in process.children()},
        "open files": {(file.path, file.fd) for file in process.open_files() if not _is_installed(file.path)},
    }


def _is_installed(path: str) -> bool:
    """Whether a file belongs to an installed package: libraries keep fonts open. Links to environments are followed."""
    roots = {sys.prefix, sys.base_prefix, *site.getsitepackages(), site.getusersitepackages()}
    return any(path.startswith(os.path.join(os.path.realpath(root), "")) for root in roots)


def _is_of_kernel(thread: threading.Thread) -> bool:
    return type(thread).__module__.partition(".")[0] in ("zmq", "ipykernel", "IPython")


def _left_open() -> list[str]:
    found = _open()
    more = {kind: found[kind] - _noted["open"][kind] for kind in found}
    return [f"{kind}: {', '.join(sorted(map(str, left)))}" for kind, left in more.items() if left]


def _package_globals() -> dict[tuple[str, str], int]:
    """Identity of the values of this package's modules; a module that was loaded since is noted as it is."""
    package = __name__.partition(".")[0]
    modules = [name for name in sys.modules if name.partition(".")[0] == package and name != __name__]
    found = {}
    for name in modules:
        values = {
            (name, key): id(value)
            for key, value in vars(sys.modules[name]).items()
            if not isinstance(value, types.ModuleType) and not key.startswith("__")
        }
        if name not in _noted["globals"]:
            _noted["globals"][name] = values
        found |= values
    return found


def _assigned() -> list[str]:
    found = _package_globals()
    noted = {key: value for values in _noted["globals"].values() for key, value in values.items()}
    return [".".join(key) for key in noted.keys() | found.keys() if noted.get(key) != found.get(key)]


def _grown() -> list[str]:
    held = psutil.Process().memory_info().rss
    if _noted["memory"] is None:
        _noted["memory"] = held
    limit = GROWTH * _noted["memory"] + LEEWAY
    return [f"{held / 1e6:.0f} MB of memory"] if held > limit else []
