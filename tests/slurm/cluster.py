"""A SLURM cluster of one node on this machine, for tests: its daemons, its configuration, its end.

Everything lies in one temporary folder but a link, ``/etc/slurm/slurm.conf``: Snakemake's job step drops
``SLURM_CONF`` before it calls ``srun``, so that the configuration has to be where SLURM looks by itself.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "sinfo")
LINK = Path("/etc/slurm/slurm.conf")
CPUS = 4  # more than most test machines have, so that jobs do run side by side
MEMORY_MB = 12_000
DAEMONS = ("slurmd", "slurmctld", "munged")  # in the order in which they are ended
CONFIGURATION = """
ClusterName=proxsweep
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
MpiDefault=none
SwitchType=switch/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
KillWait=2
# squeue has to know finished jobs for as long as a run may ask
MinJobAge=3600
SchedulerParameters=batch_sched_delay=0,bf_interval=2,sched_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
# memory is measured every second and held to, without control groups
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill,UsePss
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=UNLIMITED DefaultTime=10 State=UP
"""


def unavailable() -> str | None:
    """Why no cluster can be started here, None where one can."""
    if os.geteuid() != 0:
        return "a SLURM cluster is started by root only"
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"no {', '.join(missing)} (Debian: slurmctld slurmd slurm-client munge)"
    if LINK.exists() and not _left_behind(LINK):
        return f"{LINK} is that of another cluster"
    return None


def _left_behind(link: Path) -> bool:
    """Whether it is that of a cluster started here, which has ended."""
    folder = link.resolve().parent
    ours = link.is_symlink() and (folder / "proxsweep-test-cluster").exists()
    return ours and not _alive(folder, "slurmctld")


def start(folder: Path) -> None:
    """Start the daemons with their state in ``folder``, and wait until the node takes jobs."""
    for part in ("state", "spool"):
        (folder / part).mkdir(parents=True)
    folder.chmod(0o755)  # munged refuses a socket in a folder that others cannot search
    (folder / "proxsweep-test-cluster").touch()
    _start_munge(folder)
    text = CONFIGURATION.format(
        host=socket.gethostname().split(".")[0], folder=folder, ports=_free_ports(2), cpus=CPUS, memory=MEMORY_MB
    )
    (folder / "slurm.conf").write_text(text)
    LINK.parent.mkdir(parents=True, exist_ok=True)
    LINK.unlink(missing_ok=True)  # dangling, or left by a test run that was killed
    LINK.symlink_to(folder / "slurm.conf")
    _call("slurmctld")
    _until(lambda: "is UP" in _say("scontrol", "ping"), "slurmctld answers", folder / "slurmctld.log")
    _call("slurmd")
    _until(lambda: _say("sinfo", "-h", "-o", "%T") == "idle", "the node is idle", folder / "slurmd.log")


def stop(folder: Path) -> None:
    """Cancel what runs, and end the daemons that :func:`start` started, by their process ids."""
    if _alive(folder, "slurmctld"):
        _say("scancel", "--user", "root")
        _until(lambda: not jobs(), "no job is left", folder / "slurmctld.log")
    for name in DAEMONS:
        if pid := _alive(folder, name):
            os.kill(pid, signal.SIGTERM)
            _until(lambda name=name: not _alive(folder, name), f"{name} has ended", folder / f"{name}.log")
    if LINK.is_symlink() and os.readlink(LINK) == str(folder / "slurm.conf"):
        LINK.unlink()
    shutil.rmtree(folder)


def jobs(*options: str) -> list[str]:
    """Ids of the jobs that wait or run."""
    return _say("squeue", "-h", "-o", "%A", "-t", "PD,R,CF,CG,S", *options).split()


def _start_munge(folder: Path) -> None:
    key = folder / "munge.key"
    key.touch(0o600)
    key.write_bytes(os.urandom(1024))
    names = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munged.pid", "log-file": "munged.log"}
    names["seed-file"] = "munged.seed"
    _call("munged", "--force", "--num-threads=2", *(f"--{name}={folder / file}" for name, file in names.items()))


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _alive(folder: Path, name: str) -> int | None:
    """Process id of a daemon that runs."""
    try:
        pid = int((folder / f"{name}.pid").read_text())
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return pid if state != "Z" and Path(f"/proc/{pid}/comm").read_text().strip() == name else None
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None


def _call(*command: str) -> None:
    subprocess.run(command, check=True, timeout=30, stdin=subprocess.DEVNULL)


def _say(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.strip()


def _until(reached: Callable[[], bool], what: str, log: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > end:
            told = log.read_text()[-2000:] if log.exists() else "nothing"
            raise TimeoutError(f"not within {seconds} s: {what}; {log} says:\n{told}")
        time.sleep(0.1)
