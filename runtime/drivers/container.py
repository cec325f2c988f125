"""The docker-container driver: a BuildKit daemon in a container of a Docker Engine.

The container and its volume have the names that buildx gives them, so that both tools use the same one.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import tarfile
import time
from datetime import datetime
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from bakec.ir.diagnostics import Failed
from bakec.ir.records import dataclass, field
from bakec.runtime.amounts import parse_size
from bakec.runtime.drivers.base import FALSE, TRUE, Features, bad_option, unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from typing import Any

    from bakec.runtime.drivers.base import Boot, Endpoint, Engine, Images, Pipe, Status

IMAGE = "moby/buildkit:buildx-stable-1"
STATE = "/var/lib/buildkit"
CONFIG = "/etc/buildkit"
DIAL = ("buildctl", "dial-stdio")
PROBE = ("buildctl", "debug", "workers")
PROBES, PROBE_SECONDS = 16, 0.12
"""Tries until the daemon answers; the n-th is followed by n times these seconds."""
SETTLED_SECONDS = 10.0
"""A container that has run for so long is not asked whether its daemon is ready."""
LOG_LINES = 20
END = 2 * tarfile.BLOCKSIZE
HEADER = 8
"""Bytes before each piece of a command's output: which stream, and its length."""
STDOUT, STDERR = 1, 2
GPUS = ({"Count": -1, "Capabilities": [["gpu"]]},)
WSL_LIBRARIES = "/usr/lib/wsl"


def _swap(text: str) -> int:
    return -1 if text == "-1" else parse_size(text)


def _number(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d+", text, re.ASCII):
        raise ValueError(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def _bool(text: str) -> bool:
    if text not in TRUE and text not in FALSE:
        raise ValueError(f'strconv.ParseBool: parsing "{text}": invalid syntax')
    return text in TRUE


def _restart(text: str) -> dict[str, object]:
    name, colon, count = text.partition(":")
    if colon and not name:
        raise ValueError("invalid restart policy format: no policy provided before colon")
    if colon and not re.fullmatch(r"[+-]?\d+", count):
        raise ValueError("invalid restart policy format: maximum retry count must be an integer")
    return {"Name": name, **({"MaximumRetryCount": int(count)} if colon else {})}


HOST_OPTIONS: Mapping[str, tuple[str, Callable[[str], object]]] = {
    "network": ("NetworkMode", str),
    "cgroup-parent": ("CgroupParent", str),
    "cpuset-cpus": ("CpusetCpus", str),
    "cpuset-mems": ("CpusetMems", str),
    "memory": ("Memory", parse_size),
    "memory-swap": ("MemorySwap", _swap),
    "cpu-quota": ("CpuQuota", _number),
    "cpu-period": ("CpuPeriod", _number),
    "cpu-shares": ("CpuShares", _number),
    "restart-policy": ("RestartPolicy", _restart),
}
"""Driver option -> field of the container's HostConfig, and how its value is read."""
OTHER_OPTIONS: Mapping[str, Callable[[str], object]] = {
    "image": str,
    "default-load": _bool,
    "provenance-add-gha": _bool,
    "allow-untrusted-image": _bool,
}


def _nothing() -> Mapping[str, bytes]:
    return {}


@dataclass(slots=True)
class ContainerDriver:
    """`node` is the name of the builder's node, `files` what belongs below /etc/buildkit in the container, `more_files`
    gives what else belongs there when it is made (and raises `OSError` or `ValueError`). `login` gives the credentials
    for pulling an image. Raises `Failed` for options that make no sense."""

    engine: Engine
    node: str
    options: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    more_files: Callable[[], Mapping[str, bytes]] = field(default=_nothing, repr=False)
    login: Callable[[str], Mapping[str, str]] = field(default=lambda _: {}, repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    name: str = field(default="docker-container", init=False)
    endpoint: Endpoint | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        for key, value in self.options.items():
            try:
                self._check(key, value)
            except ValueError as error:
                raise bad_option(str(error)) from error

    def _check(self, key: str, value: str) -> None:
        if key == "env.":
            raise ValueError('invalid env option "env.", expecting env.FOO=bar')
        if key in HOST_OPTIONS:
            HOST_OPTIONS[key][1](value)
        elif key in OTHER_OPTIONS:
            OTHER_OPTIONS[key](value)
        elif not key.startswith("env."):
            raise ValueError(f"invalid driver option {key} for docker-container driver")

    def _is(self, option: str, default: str) -> bool:
        return self.options.get(option, default) in TRUE

    @property
    def container(self) -> str:
        return f"buildx_buildkit_{self.node}"

    @property
    def volume(self) -> str:
        return f"{self.container}_state"

    @property
    def place(self) -> str:
        return f"docker-container://{self.container}"

    @property
    def images(self) -> Images | None:
        return self.engine.images

    def features(self, labels: Mapping[str, str]) -> Features:
        del labels
        return Features(default_load=self._is("default-load", "false"))

    # The daemon

    async def open(self, boot: Boot) -> None:
        """Find or make the container, start it, and wait until its daemon answers."""
        found = await self._inspect()
        if found is None:
            await self._create(boot)
        elif not found["State"]["Running"]:
            with boot.part(f"starting container {self.container}"):
                await self._start()
                await self._wait(boot)
        elif _age(found["State"].get("StartedAt", "")) < SETTLED_SECONDS:
            await self._wait(boot)

    async def status(self) -> Status:
        found = await self._inspect()
        if found is None:
            return "inactive"
        return "running" if found["State"]["Running"] else "stopped"

    async def stop(self) -> None:
        if await self.status() == "running":
            await self._do("POST", f"/containers/{self.container}/stop")

    async def remove(self, *, keep_state: bool) -> None:
        found = await self._inspect()
        if found is None:
            return
        await self._do("DELETE", f"/containers/{self.container}?v=1&force=1")
        if not keep_state and any(mount.get("Name") == self.volume for mount in found.get("Mounts") or ()):
            await self._do("DELETE", f"/volumes/{self.volume}")

    async def dial(self) -> Pipe:
        return await self._run(DIAL)

    async def session(self, headers: Sequence[tuple[str, str]]) -> Pipe | None:
        del headers
        return None

    async def close(self) -> None:
        await self.engine.close()

    async def _do(self, method: str, path: str, body: object = None) -> Any:
        """A request that has to succeed."""
        status, answer = await self.engine.call(method, path, body)
        if status >= 400:
            raise unreachable(self.place, _said(answer) or f"{path} answered {status}")
        return answer

    async def _inspect(self) -> Any:
        status, found = await self.engine.call("GET", f"/containers/{self.container}/json")
        if status not in (200, 404):
            raise unreachable(self.place, _said(found) or f"its container cannot be inspected: status {status}")
        return found if status == 200 else None

    # Making the container

    async def _create(self, boot: Boot) -> None:
        image = self.options.get("image") or IMAGE
        await self._fetch(boot, image)
        with boot.part(f"creating container {self.container}"):
            files = {**self.files, **self._more_files()}
            archive = _archive(files, self.place)
            body = await self._configuration(image)
            status, answer = await self.engine.call("POST", f"/containers/create?name={self.container}", body)
            # A conflict: another program has just made it, and will start it.
            if status != 409:
                if status >= 400:
                    raise unreachable(self.place, _said(answer) or f"the container cannot be made: status {status}")
                if files:
                    folder = PurePosixPath(CONFIG).parent
                    await self._do("PUT", f"/containers/{self.container}/archive?path={folder}", archive)
                await self._start()
            await self._wait(boot)

    def _more_files(self) -> Mapping[str, bytes]:
        if not self._is("provenance-add-gha", "true"):
            return {}
        try:
            return self.more_files()
        except (OSError, ValueError) as error:
            raise unreachable(self.place, f"cannot read the event of the workflow: {error}") from error

    async def _fetch(self, boot: Boot, image: str) -> None:
        """Pull the image. One that cannot be pulled will do as it is in the engine."""
        with boot.part(f"pulling image {image}"):
            problem = await self._pull(boot, image)
        status, _ = await self.engine.call("GET", f"/images/{image}/json")
        if status != 200:
            raise unreachable(self.place, problem or f"failed to inspect pulled image {image}")
        if problem:
            with boot.part(f"using local image {image}"):
                return

    async def _pull(self, boot: Boot, image: str) -> str:
        """What is wrong, or nothing."""
        name = image if ":" in image.rpartition("/")[2] or "@" in image else f"{image}:latest"
        login = base64.urlsafe_b64encode(json.dumps(dict(self.login(image))).encode()).decode()
        path = f"/images/create?fromImage={quote(name, safe='')}"
        status, pipe = await self.engine.stream("POST", path, (("X-Registry-Auth", login),))
        problem = "" if status == 200 else f"status {status}"
        async for message in _messages(pipe):
            problem = str(message.get("error") or message.get("message") or problem)
            if message.get("status") in ("Pull complete", "Already exists", "Status: Downloaded newer image"):
                boot.say(f"{message.get('id', '')} {message['status']}\n".encode())
        return problem

    async def _configuration(self, image: str) -> dict[str, object]:
        env = [f"{key[4:]}={value}" for key, value in sorted(self.options.items()) if key.startswith("env.")]
        config = ["--config", f"{CONFIG}/buildkitd.toml"] if "buildkitd.toml" in self.files else []
        host = self._host(await self._info())
        if await self._has_gpus(image):
            host["DeviceRequests"] = list(GPUS)
        return {"Image": image, "Env": env, "Cmd": [*config, *self.flags], "HostConfig": host}

    async def _info(self) -> Mapping[str, Any]:
        status, info = await self.engine.call("GET", "/info")
        return info if status == 200 and isinstance(info, dict) else {}

    def _host(self, info: Mapping[str, Any]) -> dict[str, object]:
        host: dict[str, object] = {
            "Privileged": True,
            "Init": True,
            "RestartPolicy": {"Name": "unless-stopped"},
            "Mounts": [{"Type": "volume", "Source": self.volume, "Target": STATE}, *self._libraries()],
        }
        if info.get("CgroupDriver") == "cgroupfs":
            host["CgroupParent"] = "/docker/buildx"
        if any("name=userns" in option for option in info.get("SecurityOptions") or ()):
            host["UsernsMode"] = "host"
        for key, (name, read) in HOST_OPTIONS.items():
            is_used = key != "cgroup-parent" or "CgroupParent" in host
            if self.options.get(key) and is_used:
                host[name] = read(self.options[key])
        return host

    def _libraries(self) -> list[dict[str, object]]:
        """In a Linux of Windows, a device of the GPU is of no use without the libraries of Windows."""
        is_here = self.engine.place.startswith(("unix:", "npipe:", "fd:"))
        if not (self.env.get("WSL_DISTRO_NAME") and is_here and Path(WSL_LIBRARIES).is_dir()):
            return []
        return [{"Type": "bind", "Source": WSL_LIBRARIES, "Target": WSL_LIBRARIES, "ReadOnly": True}]

    async def _has_gpus(self, image: str) -> bool:
        """Whether the engine can hand GPUs to a container. It cannot be asked, only tried."""
        host = {"NetworkMode": "none", "AutoRemove": True, "DeviceRequests": list(GPUS)}
        body = {"Image": image, "Entrypoint": ["/bin/true"], "HostConfig": host}
        status, made = await self.engine.call("POST", "/containers/create", body)
        if status >= 400:
            return False
        status, _ = await self.engine.call("POST", f"/containers/{made['Id']}/start")
        if status >= 400:
            await self.engine.call("DELETE", f"/containers/{made['Id']}?v=1&force=1")
        return status < 400

    async def _start(self) -> None:
        await self._do("POST", f"/containers/{self.container}/start")

    async def _wait(self, boot: Boot) -> None:
        """Until the daemon lists its workers; its last words are the error if it never does."""
        for tries in range(1, PROBES + 1):
            problem = await self._probe()
            if not problem:
                return
            if tries < PROBES:
                await asyncio.sleep(PROBE_SECONDS * tries)
        words = await self._last_words()
        boot.say(words)
        last = words.decode(errors="replace").strip().rpartition("\n")[2]
        raise unreachable(self.place, f"the daemon does not answer: {last or problem}")

    async def _probe(self) -> str:
        """What is wrong, or nothing. A container that does not run takes no command."""
        try:
            execution = await self._prepare(PROBE)
            pipe = await self._attach(execution, STDOUT, STDERR)
        except Failed as failure:
            return str(failure)
        said = await _read_all(pipe)
        code = (await self._do("GET", f"/exec/{execution}/json")).get("ExitCode")
        return "" if code == 0 else said.decode(errors="replace").strip() or f"exit code {code}"

    async def _last_words(self) -> bytes:
        path = f"/containers/{self.container}/logs?stdout=1&stderr=1&tail={LOG_LINES}"
        status, pipe = await self.engine.stream("GET", path)
        return await _read_all(OutputPipe(pipe, STDOUT, STDERR)) if status == 200 else b""

    async def _run(self, command: Sequence[str]) -> Pipe:
        return await self._attach(await self._prepare(command), STDOUT)

    async def _prepare(self, command: Sequence[str]) -> str:
        streams = {"AttachStdin": True, "AttachStdout": True, "AttachStderr": True}
        made = await self._do("POST", f"/containers/{self.container}/exec", {**streams, "Cmd": list(command)})
        return str(made["Id"])

    async def _attach(self, execution: str, *streams: int) -> Pipe:
        upgrade = (("Connection", "Upgrade"), ("Upgrade", "tcp"))
        body = {"Detach": False, "Tty": False}
        return OutputPipe(await self.engine.hijack("POST", f"/exec/{execution}/start", upgrade, body), *streams)


def _said(answer: object) -> str:
    return str(answer.get("message") or "") if isinstance(answer, dict) else ""


def _age(started: str) -> float:
    """Seconds since a time as the engine writes it: in UTC, with nanoseconds."""
    match = re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", started)
    return time.time() - datetime.fromisoformat(f"{match[0]}+00:00").timestamp() if match else 0.0


async def _read_all(pipe: Pipe) -> bytes:
    pieces = []
    while piece := await pipe.read():
        pieces.append(piece)
    pipe.close()
    return b"".join(pieces)


async def _messages(pipe: Pipe) -> AsyncIterator[Mapping[str, Any]]:
    """JSON objects, one a line."""
    pending = b""
    while data := await pipe.read():
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            if line.strip():
                yield json.loads(line)
    pipe.close()
    if pending.strip():
        yield json.loads(pending)


class OutputPipe:
    """The standard streams of a command in a container: its output comes in pieces with headers. Only those of
    `streams` are read."""

    def __init__(self, pipe: Pipe, *streams: int) -> None:
        self._pipe = pipe
        self._streams = streams
        self._pending = bytearray()
        self._left = 0
        self._is_output = False
        self.write, self.drain, self.close = pipe.write, pipe.drain, pipe.close

    async def read(self) -> bytes:
        while True:
            if self._left and self._pending:
                piece = bytes(self._pending[: self._left])
                del self._pending[: len(piece)]
                self._left -= len(piece)
                if self._is_output:
                    return piece
            elif not self._left and len(self._pending) >= HEADER:
                self._is_output = self._pending[0] in self._streams
                self._left = int.from_bytes(self._pending[4:HEADER], "big")
                del self._pending[:HEADER]
            else:
                data = await self._pipe.read()
                if not data:
                    return b""
                self._pending += data


def _archive(files: Mapping[str, bytes], place: str) -> bytes:
    """A tar archive of files below `buildkit/`, its folders first."""
    root = PurePosixPath(CONFIG).name
    folders: set[str] = set()
    for name in files:
        parts = name.split("/")
        if any(part in ("", ".", "..") for part in parts) or "\\" in name or "\0" in name:
            raise unreachable(place, f'invalid config file path "{name}"')
        folders.update("/".join((root, *parts[:count])) for count in range(len(parts)))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder in sorted(folders):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for name, data in sorted(files.items()):
            if f"{root}/{name}" in folders:
                raise unreachable(place, f'config file path "{name}" conflicts with directory')
            entry = tarfile.TarInfo(f"{root}/{name}")
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
        end = archive.offset
    # Not the padding: the engine stops reading at the mark of the end, and closes the connection on the rest.
    return buffer.getvalue()[: end + END]
