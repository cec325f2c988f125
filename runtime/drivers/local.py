"""The local driver: a daemon of one's own, started from a program that is at hand, where there is no other builder.

It is started by the first build that needs it and stays for the next one, until `bakec builder stop local`. All it has
is in one folder. As root, builds of a `dockerd` get a bridge of their own with the three rules that it needs, so that
the daemon writes no chain that another engine may be using. Without root the program runs in `rootlesskit`.
"""

import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bakec.ir.codes.builder import LOCAL_FAILED, LOCAL_STARTED
from bakec.ir.diagnostics import Failed, fail
from bakec.ir.records import dataclass, field
from bakec.runtime.drivers.base import Boot, Driver, Endpoint, Features, Images, Pipe, Status

PROGRAMS = ("buildkitd", "dockerd")
"""What can be started, the first one at hand."""
PROGRAM_FILE = "program"
"""Names what was started in the folder."""
SOCKET_LENGTH = 100
START_SECONDS, STOP_SECONDS, STEP = 60.0, 20.0, 0.05
BRIDGE = "bakec0"
SUBNETS = tuple(f"10.214.{number}" for number in range(250))
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
        for kill, number in ((os.kill, signal.SIGTERM), (os.killpg, signal.SIGKILL)):
            if not pid:
                break
            with suppress(ProcessLookupError):
                kill(pid, number)
            await self._until(lambda: not self._pid(), STOP_SECONDS)
            pid = self._pid()
        if pid:
            raise _failed(f"process {pid} does not end")
        _remove_bridge()
        for name in ("socket", "pid", PROGRAM_FILE):
            (self.folder / name).unlink(missing_ok=True)

    async def remove(self, *, keep_state: bool) -> None:
        await self.stop()
        if not keep_state:
            shutil.rmtree(self.folder, ignore_errors=True)

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
        with log.open("wb") as sink:
            pid = _spawn(self._command(boot), sink.fileno(), self.env)
        (self.folder / "pid").write_text(str(pid))
        (self.folder / PROGRAM_FILE).write_text(self.program)
        await self._until(lambda: self._socket.exists() or os.waitpid(pid, os.WNOHANG) != (0, 0), START_SECONDS)
        if not await self._answers():
            words = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
            boot.say("".join(f"{line}\n" for line in words).encode())
            raise _failed(f"{self.program} did not come up: {words[-1] if words else f'see {log}'}")

    def _command(self, boot: Boot) -> list[str]:
        state, socket = str(self.folder / "state"), f"unix://{self._socket}"
        is_root = os.geteuid() == 0
        if Path(self.program).name == "buildkitd":
            apart = [] if is_root else ["--oci-worker-no-process-sandbox"]
            return [*self._rootless(), self.program, "--addr", socket, "--root", state, *apart]
        flags = {
            "data-root": state,
            "exec-root": str(self.folder / "exec"),
            "pidfile": str(self.folder / "dockerd.pid"),
        }
        own = [f"--{name}={value}" for name, value in flags.items()]
        network = _make_bridge(boot) if is_root else ["--rootless"]
        more = ["--host", socket, "--config-file=/dev/null", "--feature=containerd-snapshotter=true"]
        return [*self._rootless(), self.program, *own, *more, *network]

    def _rootless(self) -> list[str]:
        """What makes a user root of a namespace of his own."""
        if os.geteuid() == 0:
            return []
        found = shutil.which("rootlesskit", path=self.env.get("PATH"))
        if not found:
            raise _failed("it takes root, or rootlesskit on PATH")
        has_network = shutil.which("slirp4netns", path=self.env.get("PATH"))
        network = ["--net=slirp4netns", "--disable-host-loopback"] if has_network else ["--net=host"]
        return [found, *network, "--copy-up=/etc", "--copy-up=/run", "--propagation=rslave"]

    def _pid(self) -> int:
        """Of the process that was started here; 0 when it has ended. Its number may be somebody else's by now."""
        try:
            pid = int((self.folder / "pid").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, ValueError):
            return 0
        return pid if str(self.folder).encode() in command and state != "Z" else 0

    async def _until(self, is_so: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not is_so() and time.monotonic() < end:
            await asyncio.sleep(STEP)


def _spawn(command: Sequence[str], output: int, env: Mapping[str, str]) -> int:
    """Start what outlives us: in a session of its own, in no folder that somebody may want to remove."""
    shell = ("/bin/sh", "-c", 'cd / && exec "$@" </dev/null', "sh", *command)
    streams = [(os.POSIX_SPAWN_DUP2, output, number) for number in (1, 2)]
    return os.posix_spawn(shell[0], shell, dict(env), file_actions=streams, setsid=True)


def _failed(reason: str) -> Failed:
    return fail(LOCAL_FAILED.at(None, reason=reason))


# The bridge


def _make_bridge(boot: Boot) -> list[str]:
    """A bridge on a network that nothing else uses, and the flags that tell a dockerd of it."""
    routes = _run("ip", "-4", "route", "show", "table", "all") + _run("ip", "-4", "addr")
    _remove_bridge()
    subnet = next((one for one in SUBNETS if f"{one}." not in routes), "")
    if not subnet:
        raise _failed("no network between 10.214.0.0 and 10.214.249.0 is free")
    _run("ip", "link", "add", BRIDGE, "type", "bridge")
    _run("ip", "addr", "add", f"{subnet}.1/24", "dev", BRIDGE)
    _run("ip", "link", "set", BRIDGE, "up")
    if not _set_rules("-I"):
        boot.say(b"no netfilter here: steps of builds reach this machine only\n")
    with suppress(OSError):
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    return [f"--bridge={BRIDGE}", "--iptables=false", "--ip6tables=false"]


def _remove_bridge() -> None:
    if os.geteuid() == 0 and Path(f"/sys/class/net/{BRIDGE}").exists():
        _set_rules("-D")
        _run("ip", "link", "delete", BRIDGE)


def _set_rules(action: str) -> bool:
    """Insert or delete the rules that let builds reach the world; False where that cannot be."""
    rules = (
        ("nat", "POSTROUTING", "-s", "10.214.0.0/16", "!", "-o", BRIDGE, "-j", "MASQUERADE"),
        ("filter", "FORWARD", "-i", BRIDGE, "-j", "ACCEPT"),
        ("filter", "FORWARD", "-o", BRIDGE, "-j", "ACCEPT"),
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
