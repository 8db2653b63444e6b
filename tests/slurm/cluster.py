"""A real SLURM on this machine for tests: controller, munge, several nodes with pretended GPUs, all in one folder."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
NODES = 8
PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue")
# Before a test gives up; enough for a machine that is busy with other things.
SECONDS = 900


def missing() -> str:
    """Why no cluster can be started here; nothing where one can."""
    search = os.environ["PATH"] + ":/usr/sbin:/sbin"
    if absent := [name for name in PROGRAMS if shutil.which(name, path=search) is None]:
        return f"SLURM is not installed (no {', '.join(absent)}): apt-get install slurm-wlm munge"
    if os.geteuid() != 0:
        return "a SLURM of its own needs root"
    if Path("/etc/slurm/slurm.conf").exists() and not Path("/etc/slurm/slurm.conf").is_symlink():
        return "this machine has a SLURM of its own: /etc/slurm/slurm.conf"
    return ""


class Cluster:
    """NODES nodes of one GPU each; a context, that leaves neither processes nor files behind."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/var/tmp"))
        self._folder.chmod(0o755)  # munge wants everybody to find its socket
        folder = self._folder / "state"
        self.environment = {
            **os.environ,
            "SLURM_CI_HOME": str(folder),
            "SLURM_CONF": str(folder / "etc" / "slurm.conf"),
            "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin",
        }

    def __enter__(self) -> "Cluster":
        words = ["--nodes", NODES, "--gpus", 1, "--cpus", 4, "--mem", 4000]
        self.call("bash", HERE / "cluster-up.sh", *words)
        return self

    def __exit__(self, *_: object) -> None:
        self.call("bash", HERE / "cluster-down.sh")
        shutil.rmtree(self._folder)

    def call(self, *words: object) -> str:
        # Not captured by pipes: the daemons keep them open.
        log = self._folder / "call.log"
        with log.open("w") as output:
            done = subprocess.run([str(word) for word in words], env=self.environment, stdout=output, stderr=output)
        if done.returncode:
            raise AssertionError(f"{words}: {log.read_text()}")
        return log.read_text()

    def live(self) -> list[str]:
        return self.call("squeue", "--noheader", "--format=%i %T %k").splitlines()

    def finished(self) -> list[dict[str, str]]:
        """What the controller noted of each job and attempt that ended: JobState, TimeLimit, JobId, NodeList, ..."""
        lines = (self._folder / "state" / "log" / "jobcomp.txt").read_text().splitlines()
        return [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines]

    def job(self, number: str) -> dict[str, str]:
        """What the controller knows of a job: JobState, Restarts, NodeList, MinMemoryNode, TimeLimit, ..."""
        text = self.call("scontrol", "--details", "show", "job", number)
        return dict(word.split("=", 1) for word in text.split() if "=" in word)

    def kill_node(self, name: str) -> None:
        self.call("bash", HERE / "node.sh", "kill", name)


def wait_for(happened: Callable[[], object], what: str, lives: Callable[[], bool] = lambda: True) -> object:
    """What HAPPENED gives, once it gives something. Raises AssertionError after SECONDS, or where nobody LIVES."""
    end = time.monotonic() + SECONDS
    while not (found := happened()):
        if not lives():
            raise AssertionError(f"it ended before {what}")
        if time.monotonic() > end:
            raise AssertionError(f"waited {SECONDS} s in vain for {what}")
        time.sleep(0.3)
    return found
