"""The remote driver: a BuildKit daemon at an address.

`unix://` and `tcp://` (with TLS when certificates are given) are dialed by gRPC itself. The other schemes
reach the daemon through the standard streams of a command that somebody keeps there.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from bakec.ir.records import dataclass, field
from bakec.runtime.drivers.base import FALSE, TRUE, Endpoint, Features, bad_endpoint, bad_option, unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bakec.runtime.drivers.base import Boot, Images, Pipe

SCHEMES = ("docker-container", "kube-pod", "npipe", "ssh", "tcp", "unix")
"""Of addresses."""
FILES = ("cacert", "cert", "key")
OPTIONS = (*FILES, "servername", "default-load")
NAME = re.compile(r"[-\w.]+\Z", re.ASCII)
CLOSE_SECONDS = 5
BEGIN_SECONDS = 5
MOST_SAID = 4096
"""Bytes that are kept of what a command says on its standard error."""
CHUNK = 1 << 20


@dataclass(slots=True)
class RemoteDriver:
    """`options` are those of `docker buildx create --driver-opt`. Raises `Failed` for ones that make no
    sense."""

    place: str
    options: Mapping[str, str] = field(default_factory=dict)
    name: str = field(default="remote", init=False)
    images: Images | None = None
    env: Mapping[str, str] | None = field(default=None, repr=False)
    """The environment of a command that reaches the daemon; None is our own."""
    endpoint: Endpoint | None = field(default=None, init=False)
    _command: tuple[str, ...] = field(default=(), init=False)
    _processes: list[ProcessPipe] = field(default_factory=list, init=False)
    _first: ProcessPipe | None = field(default=None, init=False)
    """Opened to see whether the command works, and not used yet."""

    def __post_init__(self) -> None:
        for key, value in self.options.items():
            self._check(key, value)
        url = urlsplit(self.place)
        if url.scheme == "unix":
            path = unquote(url.netloc + url.path)
            self.endpoint = Endpoint(address=f"unix:{path}")
        elif url.scheme == "tcp":
            self.endpoint = self._tcp(url.netloc, url.hostname or "")
        else:
            self._command = command_for(self.place)

    def _check(self, key: str, value: str) -> None:
        if key not in OPTIONS:
            raise bad_option(f"invalid driver option {key} for remote driver")
        if key in FILES and not Path(value).is_absolute():
            raise bad_option(f"non-absolute path '{value}' provided for {key}")
        if key == "default-load" and value not in (*TRUE, *FALSE):
            raise bad_option(f'strconv.ParseBool: parsing "{value}": invalid syntax')

    def _tcp(self, address: str, host: str) -> Endpoint:
        certificates = {key: self._read(key) for key in FILES}
        if not (any(certificates.values()) or self.options.get("servername")):
            return Endpoint(address=address, authority=host)
        missing = [] if certificates["cacert"] else ["cacert"]
        if bool(certificates["cert"]) != bool(certificates["key"]):
            missing.append("key" if certificates["cert"] else "cert")
        if missing:
            raise bad_option(f"tls enabled, but missing keys {', '.join(missing)}")
        return Endpoint(
            address=address,
            authority=self.options.get("servername") or host,
            ca=certificates["cacert"],
            certificate=certificates["cert"],
            key=certificates["key"],
        )

    def _read(self, key: str) -> bytes:
        value = self.options.get(key)
        if not value:
            return b""
        try:
            return Path(value).read_bytes()
        except OSError as error:
            raise bad_option(f"{key}: {error.strerror}") from error

    async def open(self, boot: Boot) -> None:
        """What a command says when it fails is heard here only. The first call finds out about the rest."""
        del boot
        if self._command:
            self._first = await self._start()
            complaint = await self._first.begin()
            if complaint is not None:
                raise unreachable(self.place, complaint or f"{self._command[0]} has ended")

    async def dial(self) -> Pipe:
        pipe, self._first = self._first, None
        return pipe or await self._start()

    async def _start(self) -> ProcessPipe:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=CHUNK,
                env=self.env,
                start_new_session=True,  # an interrupt of the terminal is ours to handle
            )
        except OSError as error:
            raise unreachable(self.place, f"{self._command[0]}: {error.strerror}") from error
        pipe = ProcessPipe(process)
        self._processes.append(pipe)
        return pipe

    async def session(self, headers: Sequence[tuple[str, str]]) -> Pipe | None:
        del headers
        return None

    def features(self, labels: Mapping[str, str]) -> Features:
        del labels
        return Features(default_load=self.options.get("default-load") in TRUE)

    async def close(self) -> None:
        for pipe in self._processes:
            await pipe.stop()


class ProcessPipe:
    """The standard streams of a command."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise ValueError("the process was started without pipes")
        self._process = process
        self._input = process.stdin
        self._output = process.stdout
        self._said = b""
        self._reading: asyncio.Task[bytes] | None = None
        self._listening = asyncio.create_task(self._listen(process.stderr))

    async def begin(self) -> str | None:
        """Wait for the daemon to speak, which those that are known do at once. None, or the last line of what a command
        has said that ends instead."""
        self._reading = asyncio.create_task(self._output.read(CHUNK))
        await asyncio.wait((self._reading,), timeout=BEGIN_SECONDS)
        if not self._reading.done() or self._reading.result():
            return None
        await self._listening
        return self._said.decode(errors="replace").strip().rpartition("\n")[2]

    async def read(self) -> bytes:
        reading, self._reading = self._reading, None
        return await (reading or self._output.read(CHUNK))

    async def _listen(self, errors: asyncio.StreamReader) -> None:
        while data := await errors.read(CHUNK):
            self._said = (self._said + data)[-MOST_SAID:]

    def write(self, data: bytes) -> None:
        self._input.write(data)

    async def drain(self) -> None:
        await self._input.drain()

    def close(self) -> None:
        self._input.close()

    async def stop(self) -> None:
        """End the command: its input has ended; one that does not care is killed."""
        self.close()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        for task in filter(None, (self._listening, self._reading)):
            task.cancel()


def command_for(address: str) -> tuple[str, ...]:
    """The command whose standard streams are the daemon, for an address of a scheme that needs one."""
    url = urlsplit(address)
    query = {key: values[0] for key, values in parse_qs(url.query).items()}
    if url.scheme == "docker-container":
        context = [f"--context={query['context']}"] if "context" in query else []
        return ("docker", *context, "exec", "-i", _name(address, url.netloc), "buildctl", "dial-stdio")
    if url.scheme == "kube-pod":
        keys = ("context", "namespace")
        flags = [f"--{key}={query[key]}" for key in keys if query.get(key)]
        inside = [f"--container={query['container']}"] if query.get("container") else []
        pod = _name(address, url.netloc)
        return ("kubectl", *flags, "exec", *inside, "-i", pod, "--", "buildctl", "dial-stdio")
    if url.scheme == "ssh":
        if url.password or url.query or url.fragment:
            raise bad_endpoint(address, "password, query and fragment are not supported")
        login = ["-l", url.username] if url.username else []
        port = ["-p", str(url.port)] if url.port else []
        socket = ["--addr", f"unix://{url.path}"] if url.path.strip("/") else []
        return ("ssh", *login, *port, "--", url.hostname or "", "buildctl", *socket, "dial-stdio")
    raise bad_endpoint(address, f"unrecognized url scheme {url.scheme}")


def _name(address: str, name: str) -> str:
    """A name that is no option: it becomes an argument."""
    if not NAME.match(name) or name.startswith("-"):
        raise bad_endpoint(address, f"invalid name {name!r}")
    return name
