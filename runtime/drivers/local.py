"""The local driver: a daemon of one's own, started from a program that is at hand, where there is no other builder.

It is started by the first build that needs it and stays for the next one, until `bakec builder stop local`. All it has
is in one folder. As root, builds of a `dockerd` get a bridge of their own with the three rules that it needs, so that
the daemon writes no chain that another engine may be using. Without root the program runs in `rootlesskit`.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from bakec.ir.codes.builder import LOCAL_FAILED, LOCAL_STARTED
from bakec.ir.diagnostics import Failed, fail
from bakec.ir.records import dataclass, field
from bakec.runtime.drivers.base import SILENT, Features

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bakec.runtime.drivers.base import Boot, Driver, Endpoint, Images, Pipe, Status

PROGRAMS = ("buildkitd", "dockerd")
"""What can be started, the first one at hand."""
PROGRAM_FILE = "program"
"""Names what was started in the folder."""
OF_THE_MACHINE = "/run/buildkit /run/docker /run/containerd /run/xtables.lock"
SOCKET_LENGTH = 100
START_SECONDS, STOP_SECONDS, STEP = 60.0, 20.0, 0.05
BRIDGE = "bakecl"
"""How the name of a bridge begins; the rest stands for its folder."""
SUBNETS = tuple(f"10.215.{number}" for number in range(250))
LOG_LINES = 5


def folder_of(env: Mapping[str, str]) -> Path:
    """Where the daemon lives."""
    home = Path(env.get("HOME") or Path.home())
    return Path(env.get("XDG_STATE_HOME") or home / ".local/state") / "bakec/local"


def program(env: Mapping[str, str]) -> str:
    """The path of what was started and not stopped, else of what can be; empty when nothing is at hand."""
    with suppress(OSError):
        return (folder_of(env) / PROGRAM_FILE).read_text()
    found = (shutil.which(name, path=env.get("PATH")) for name in PROGRAMS)
    return next((path for path in found if path), "")


@dataclass(slots=True)
class LocalDriver:
    """`inner` reaches the daemon at the socket of `folder`, `program` is the path of what is started there."""

    folder: Path
    program: str
    inner: Driver
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    images: Images | None = None
    name: str = field(default="local", init=False)

    @property
    def place(self) -> str:
        return f"local {Path(self.program).name or 'daemon'} in {self.folder}"

    @property
    def endpoint(self) -> Endpoint | None:
        return self.inner.endpoint

    async def dial(self) -> Pipe:
        return await self.inner.dial()

    async def session(self, headers: Sequence[tuple[str, str]]) -> Pipe | None:
        return await self.inner.session(headers)

    def features(self, labels: Mapping[str, str]) -> Features:
        del labels
        return Features()

    async def close(self) -> None:
        await self.inner.close()

    # The daemon

    async def open(self, boot: Boot) -> None:
        """Start the daemon unless it runs. Raises `Failed`."""
        if await self._answers():
            return
        if not self.program:
            raise _failed(f"no {' and no '.join(PROGRAMS)} is on PATH")
        if len(str(self._socket)) > SOCKET_LENGTH:
            raise _failed(f"{self._socket} is too long for a socket: set XDG_STATE_HOME to a shorter folder")
        with boot.part(f"starting {self.program} in {self.folder}"):
            try:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                with self._alone():
                    if not await self._answers():
                        await self._start(boot)
            except OSError as error:
                raise _failed(f"{error.filename or self.folder}: {error.strerror}") from error
        boot.warn(LOCAL_STARTED.at(None, program=Path(self.program).name, folder=self.folder))

    async def status(self) -> Status:
        if await self._answers():
            return "running"
        return "stopped" if self.folder.exists() else "inactive"

    async def stop(self) -> None:
        pid = self._pid()
        for kill, number in ((os.kill, signal.SIGTERM), (_kill_group, signal.SIGKILL)):
            if not pid:
                break
            with suppress(ProcessLookupError):
                kill(pid, number)
            await self._until(lambda: not self._pid(), STOP_SECONDS)
            pid = self._pid()
        if pid:
            raise _failed(f"process {pid} does not end")
        _remove_bridge(self.bridge)
        for name in ("socket", "pid", PROGRAM_FILE):
            (self.folder / name).unlink(missing_ok=True)

    async def remove(self, *, keep_state: bool) -> None:
        await self.stop()
        if not keep_state:
            self._erase()

    @property
    def bridge(self) -> str:
        """The network of builds, of a `dockerd` that root has started."""
        return BRIDGE + hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]

    @property
    def _socket(self) -> Path:
        return self.folder / "socket"

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_unix_connection(str(self._socket))
        except OSError:
            return False
        writer.close()
        return True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two programs do not start it at once."""
        with (self.folder / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    async def _start(self, boot: Boot) -> None:
        self._socket.unlink(missing_ok=True)
        log = self.folder / "log"
        pid = _spawn(self._command(boot), log, self.env)
        (self.folder / "pid").write_text(str(pid))
        (self.folder / PROGRAM_FILE).write_text(self.program)
        await self._until(lambda: self._socket.exists() or not _is_alive(pid), START_SECONDS)
        try:
            await self.inner.open(SILENT)
        except Failed:
            await self._until(lambda: not _is_alive(pid), STEP)
        if not await self._answers():
            words = log.read_text(errors="replace").splitlines()
            boot.say("".join(f"{line}\n" for line in words[-LOG_LINES:]).encode())
            own = [line for line in words if not line.startswith("[rootlesskit:")]
            raise _failed(f"{self.program} did not come up: {own[-1] if own else f'see {log}'}")

    def _command(self, boot: Boot) -> list[str]:
        state, socket = str(self.folder / "state"), f"unix://{self._socket}"
        is_root = os.geteuid() == 0
        if Path(self.program).name == "buildkitd":
            apart = [] if is_root else ["--rootless"]
            return [*self._rootless(), self.program, "--addr", socket, "--root", state, *apart]
        flags = {
            "data-root": state,
            "exec-root": str(self.folder / "exec"),
            "pidfile": str(self.folder / "dockerd.pid"),
        }
        own = [f"--{name}={value}" for name, value in flags.items()]
        network = _make_bridge(self.bridge, boot) if is_root else ["--rootless"]
        more = ["--host", socket, "--config-file=/dev/null", "--feature=containerd-snapshotter=true"]
        return [*self._rootless(), self.program, *own, *more, *network]

    def _rootless(self) -> list[str]:
        """What makes a user root of a namespace of his own. What the machine's own daemons have below /run is not
        for him: there it is only a link, which is removed."""
        if os.geteuid() == 0:
            return []
        found = shutil.which("rootlesskit", path=self.env.get("PATH"))
        if not found:
            raise _failed("it takes root, or rootlesskit on PATH")
        has_network = shutil.which("slirp4netns", path=self.env.get("PATH"))
        if not has_network and Path(self.program).name == "dockerd":
            raise _failed("dockerd without root takes slirp4netns on PATH")
        network = ["--net=slirp4netns", "--disable-host-loopback"] if has_network else ["--net=host"]
        clean = ["sh", "-c", f'rm -f {OF_THE_MACHINE}; exec "$@"', "sh"]
        return [found, *network, "--copy-up=/etc", "--copy-up=/run", "--propagation=rslave", *clean]

    def _erase(self) -> None:
        """Files of a namespace are removed in one: their owners are others outside of it."""
        if os.geteuid() != 0 and (kit := shutil.which("rootlesskit", path=self.env.get("PATH"))):
            subprocess.run((kit, "rm", "-rf", str(self.folder)), env=dict(self.env), capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.exists():
            raise _failed(f"{self.folder} cannot be removed")

    def _pid(self) -> int:
        """Of the process that was started here; 0 when it has ended. Its number may be somebody else's by now."""
        try:
            pid = int((self.folder / "pid").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return 0
        return pid if str(self.folder).encode() in command and _is_alive(pid) else 0

    async def _until(self, is_so: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not is_so() and time.monotonic() < end:
            await asyncio.sleep(STEP)


def _spawn(command: Sequence[str], log: Path, env: Mapping[str, str]) -> int:
    """Start what outlives us: no child of ours, in a session of its own, and in no folder that somebody may want to
    remove. Returns its number."""
    shell = ("/bin/sh", "-c", 'cd /; "$@" </dev/null >"$0" 2>&1 & echo $!', str(log), *command)
    done = subprocess.run(shell, env=dict(env), stdout=subprocess.PIPE, start_new_session=True, check=True)
    return int(done.stdout)


def _is_alive(pid: int) -> bool:
    """Not ended, and not waiting for somebody to notice that it has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _kill_group(pid: int, number: int) -> None:
    os.killpg(os.getpgid(pid), number)


def _failed(reason: str) -> Failed:
    return fail(LOCAL_FAILED.at(None, reason=reason))


# The bridge


def _make_bridge(bridge: str, boot: Boot) -> list[str]:
    """A bridge on a network that nothing else uses, and the flags that tell a dockerd of it."""
    routes = _run("ip", "-4", "route", "show", "table", "all") + _run("ip", "-4", "addr")
    _remove_bridge(bridge)
    subnet = next((one for one in SUBNETS if f"{one}." not in routes), "")
    if not subnet:
        raise _failed("no network between 10.215.0.0 and 10.215.249.0 is free")
    _run("ip", "link", "add", bridge, "type", "bridge")
    _run("ip", "addr", "add", f"{subnet}.1/24", "dev", bridge)
    _run("ip", "link", "set", bridge, "up")
    if not _set_rules("-I", bridge, subnet):
        boot.say(b"no netfilter here: steps of builds reach this machine only\n")
    with suppress(OSError):
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    return [f"--bridge={bridge}", "--iptables=false", "--ip6tables=false"]


def _remove_bridge(bridge: str) -> None:
    if os.geteuid() == 0 and Path(f"/sys/class/net/{bridge}").exists():
        found = re.search(r"inet (\d+\.\d+\.\d+)\.", _run("ip", "-4", "addr", "show", "dev", bridge))
        if found:
            _set_rules("-D", bridge, found[1])
        _run("ip", "link", "delete", bridge)


def _set_rules(action: str, bridge: str, subnet: str) -> bool:
    """Insert or delete the rules that let builds reach the world; False where that cannot be."""
    rules = (
        ("nat", "POSTROUTING", "-s", f"{subnet}.0/24", "!", "-o", bridge, "-j", "MASQUERADE"),
        ("filter", "FORWARD", "-i", bridge, "-j", "ACCEPT"),
        ("filter", "FORWARD", "-o", bridge, "-j", "ACCEPT"),
    )
    commands = (("iptables", "-w", "-t", table, action, *rule) for table, *rule in rules)
    try:
        codes = [subprocess.run(one, capture_output=True, check=False).returncode for one in commands]
    except FileNotFoundError:
        return False
    return not any(codes)


def _run(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError as error:
        raise _failed(f"{command[0]} is not on PATH") from error
    except subprocess.CalledProcessError as error:
        raise _failed(f"{' '.join(command)}: {error.stderr.strip()}") from error
