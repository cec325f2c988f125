"""Whole processes, measured: wall time, peak memory, and bakec against buildx by turns."""

import math
import os
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

BAKEC = [str(Path(sys.executable).with_name("bakec"))]


class Sample(NamedTuple):
    """One process: seconds from start to end, peak resident memory (MB), and seconds of processors."""

    seconds: float
    megabytes: float
    cpu: float


class Row(NamedTuple):
    """Medians of one case. `buildx` is None where it was not asked, or has failed; `growth` is the exponent of the
    time over the size since the case before (1 is linear); `limit` is what the ratio is to be at most."""

    part: str
    name: str
    bakec: Sample
    buildx: Sample | None = None
    growth: float | None = None
    limit: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.bakec.seconds / self.buildx.seconds if self.buildx else None

    @property
    def cpu_ratio(self) -> float | None:
        """Of the time of processors, which says more than that of the clock where others use the machine, too."""
        return self.bakec.cpu / self.buildx.cpu if self.buildx else None


class ProcessFailed(Exception):
    """A measured process ended with an error; its last words."""


def environment() -> dict[str, str]:
    """That of the user, but with Python as it is when nobody debugs: modules are compiled once."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "BAKEC_"))}


def measure(command: Sequence[str], folder: Path) -> Sample:
    """One process from start to end, its output thrown away. Raises `ProcessFailed`."""
    started = time.perf_counter()
    with (folder / ".out").open("w+b") as out:
        child = subprocess.Popen(
            command, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=out
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            out.seek(0)
            words = out.read().decode(errors="replace").strip().splitlines() or [""]
            raise ProcessFailed(f"{Path(command[0]).name} failed with exit code {child.returncode}: {words[-1]}")
    return Sample(seconds, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime)


def median(samples: Sequence[Sample]) -> Sample:
    return Sample(*(statistics.median(values) for values in zip(*samples, strict=True)))


def compare(
    ours: Callable[[], Sample], theirs: Callable[[], Sample] | None, rounds: int
) -> tuple[Sample, Sample | None, str]:
    """Medians of both, which take turns. A failure of buildx is a note, one of bakec ends the program."""
    mine, other, note = [], [], ""
    for _ in range(rounds):
        mine.append(ours())
        if theirs and not note:
            try:
                other.append(theirs())
            except ProcessFailed as failure:
                note = str(failure)
    return median(mine), median(other) if other and not note else None, note


def growth(size: int, sample: Sample, before: tuple[int, Sample] | None) -> float | None:
    if before is None:
        return None
    return math.log(sample.seconds / before[1].seconds) / math.log(size / before[0])


def buildx() -> list[str]:
    """The buildx program itself: started through docker it would pay for two."""
    docker = shutil.which("docker")
    folders = [Path(docker).resolve().parent.parent if docker else Path("/usr"), Path("/usr")]
    for folder in folders:
        for place in ("libexec/docker/cli-plugins", "lib/docker/cli-plugins"):
            found = folder / place / "docker-buildx"
            if found.exists():
                return [str(found)]
    raise SystemExit("buildx is not installed: scripts/engine start, then eval its env")


# --- the daemon -----------------------------------------------------------------------------------------------

QUIET_SECONDS = 4.0
"""Some seconds after a build the daemon writes down its trace, which can take longer than the build."""
PATIENCE_SECONDS = 60.0


def settle() -> None:
    """Wait until the daemon has nothing more to do; the next build would pay for what the last one has left."""
    pid, started = _daemon(), time.monotonic()
    quiet_since, before = started, 0
    while time.monotonic() - quiet_since < QUIET_SECONDS and time.monotonic() - started < PATIENCE_SECONDS:
        time.sleep(0.2)
        used = _ticks(pid)
        if used - before > 1:
            quiet_since = time.monotonic()
        before = used


def _daemon() -> int:
    """The process at the other end of the socket."""
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://"))
        pid: int = struct.unpack("3i", end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    return pid


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
