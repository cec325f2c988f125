"""The docker-container driver: a BuildKit daemon in a container of a Docker Engine.

The container and its volume have the names that buildx gives them, so that both tools use the same one.
"""

import asyncio
import io
import re
import shlex
import tarfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from bakec.ir.records import dataclass, field
from bakec.runtime.drivers.base import Endpoint, Engine, Features, Images, Pipe, bad_endpoint, unreachable

IMAGE = "moby/buildkit:buildx-stable-1"
STATE = "/var/lib/buildkit"
CONFIG_FOLDER = "/etc"
DIAL = ("buildctl", "dial-stdio")
PROBE = ("buildctl", "debug", "workers")
PROBES, PROBE_SECONDS = 16, 0.12
"""Tries until the daemon answers; the n-th is followed by n times these seconds."""
HEADER = 8
"""Bytes before each piece of a command's output: which stream, and its length."""
STDOUT = 1
UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def _bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?", text.strip().lower())
    if match is None:
        raise ValueError(f"invalid size {text!r}")
    return int(float(match[1]) * UNITS[match[2]])


def _restart(text: str) -> dict[str, object]:
    name, _, count = text.partition(":")
    return {"Name": name, **({"MaximumRetryCount": int(count)} if count else {})}


HOST_OPTIONS: Mapping[str, tuple[str, Callable[[str], object]]] = {
    "network": ("NetworkMode", str),
    "cgroup-parent": ("CgroupParent", str),
    "cpuset-cpus": ("CpusetCpus", str),
    "cpuset-mems": ("CpusetMems", str),
    "memory": ("Memory", _bytes),
    "memory-swap": ("MemorySwap", _bytes),
    "cpu-quota": ("CpuQuota", int),
    "cpu-period": ("CpuPeriod", int),
    "cpu-shares": ("CpuShares", int),
    "restart-policy": ("RestartPolicy", _restart),
}
"""Driver option -> field of the container's HostConfig, and how its value is read."""
OTHER_OPTIONS = ("image", "default-load", "provenance-add-gha", "allow-untrusted-image")


@dataclass(slots=True)
class ContainerDriver:
    """`node` is the name of the builder's node, `files` what belongs below /etc/buildkit in the container.
    Raises `Failed` for options that make no sense."""

    engine: Engine
    node: str
    options: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    name: str = field(default="docker-container", init=False)
    endpoint: Endpoint | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        for key, value in self.options.items():
            known = key in HOST_OPTIONS or key in OTHER_OPTIONS or key.startswith("env.")
            if not known:
                raise bad_endpoint(self.place, f"invalid driver option {key} for docker-container driver")
            if key == "env.":
                problem = 'invalid env option "env.", expecting env.FOO=bar'
                raise bad_endpoint(self.place, problem)
            try:
                HOST_OPTIONS.get(key, ("", str))[1](value)
            except ValueError as error:
                raise bad_endpoint(self.place, f"{key}: {error}") from error

    @property
    def container(self) -> str:
        return f"buildx_buildkit_{self.node}"

    @property
    def place(self) -> str:
        return f"docker-container://{self.container}"

    @property
    def images(self) -> Images | None:
        return self.engine.images

    async def open(self) -> None:
        """Find or make the container, start it, and wait until its daemon answers."""
        found = await self._inspect()
        if found is None:
            await self._create()
        if found is None or not found["State"]["Running"]:
            await self._do("POST", f"/containers/{self.container}/start")
        await self._wait()

    async def dial(self) -> Pipe:
        return await self._run(DIAL)

    async def session(self, headers: Sequence[tuple[str, str]]) -> Pipe | None:
        del headers
        return None

    def features(self, labels: Mapping[str, str]) -> Features:
        del labels
        return Features(default_load=self.options.get("default-load", "").lower() in ("1", "t", "true"))

    async def close(self) -> None:
        await self.engine.close()

    async def _do(self, method: str, path: str, body: object = None) -> Any:
        """A request that has to succeed."""
        status, answer = await self.engine.call(method, path, body)
        if status >= 400:
            said = answer.get("message") if isinstance(answer, dict) else answer
            raise unreachable(self.place, said or f"{path} answered {status}")
        return answer

    async def _inspect(self) -> Any:
        status, found = await self.engine.call("GET", f"/containers/{self.container}/json")
        return found if status == 200 else None

    async def _create(self) -> None:
        image = self.options.get("image", IMAGE)
        # A pull that fails is no error while the image is there: the daemon says so if it is not.
        await self.engine.call("POST", f"/images/create?fromImage={quote(image, safe='')}")
        info = await self._do("GET", "/info")
        body = self._configuration(image, info)
        await self._do("POST", f"/containers/create?name={self.container}", body)
        if self.files:
            archive = f"/containers/{self.container}/archive?path={CONFIG_FOLDER}"
            await self._do("PUT", archive, _archive(self.files))

    def _configuration(self, image: str, info: Mapping[str, Any]) -> dict[str, object]:
        host: dict[str, object] = {
            "Privileged": True,
            "Init": True,
            "RestartPolicy": {"Name": "unless-stopped"},
            "Mounts": [{"Type": "volume", "Source": f"{self.container}_state", "Target": STATE}],
        }
        if info.get("CgroupDriver") == "cgroupfs":
            host["CgroupParent"] = "/docker/buildx"
        if any("name=userns" in option for option in info.get("SecurityOptions") or ()):
            host["UsernsMode"] = "host"
        for key, (name, read) in HOST_OPTIONS.items():
            is_used = key != "cgroup-parent" or "CgroupParent" in host
            if key in self.options and is_used:
                host[name] = read(self.options[key])
        env = [f"{key[4:]}={value}" for key, value in self.options.items() if key.startswith("env.")]
        config = ["--config", "/etc/buildkit/buildkitd.toml"] if "buildkitd.toml" in self.files else []
        return {"Image": image, "Env": env, "Cmd": [*config, *self.flags], "HostConfig": host}

    async def _wait(self) -> None:
        """Until the daemon lists its workers; its last words are the error if it never does."""
        for tries in range(1, PROBES + 1):
            execution = await self._prepare(PROBE)
            pipe = await self._start(execution)
            while await pipe.read():
                pass
            pipe.close()
            if (await self._do("GET", f"/exec/{execution}/json")).get("ExitCode") == 0:
                return
            await asyncio.sleep(PROBE_SECONDS * tries)
        raise unreachable(self.place, f"the daemon does not answer; see `docker logs {self.container}`")

    async def _run(self, command: Sequence[str]) -> Pipe:
        return await self._start(await self._prepare(command))

    async def _prepare(self, command: Sequence[str]) -> str:
        streams = {"AttachStdin": True, "AttachStdout": True, "AttachStderr": True}
        made = await self._do("POST", f"/containers/{self.container}/exec", {**streams, "Cmd": list(command)})
        return str(made["Id"])

    async def _start(self, execution: str) -> Pipe:
        upgrade = (("Connection", "Upgrade"), ("Upgrade", "tcp"))
        body = {"Detach": False, "Tty": False}
        return OutputPipe(await self.engine.hijack("POST", f"/exec/{execution}/start", upgrade, body))


class OutputPipe:
    """The standard streams of a command in a container: its output comes in pieces with headers, of which
    those of standard error are left out."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
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
                self._is_output = self._pending[0] == STDOUT
                self._left = int.from_bytes(self._pending[4:HEADER], "big")
                del self._pending[:HEADER]
            else:
                data = await self._pipe.read()
                if not data:
                    return b""
                self._pending += data


def _archive(files: Mapping[str, bytes]) -> bytes:
    """A tar archive of files below `buildkit/`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(f"buildkit/{name}")
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def read_flags(flags: Sequence[str], network: str) -> tuple[str, ...]:
    """The daemon's flags as buildx stores them; builds may use the host's network unless something else is
    said."""
    words = tuple(word for flag in flags for word in shlex.split(flag))
    if any(word.startswith("--allow-insecure-entitlement") for word in words) and network != "host":
        return words
    return (*words, "--allow-insecure-entitlement=network.host")
