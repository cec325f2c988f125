"""The docker driver: the BuildKit inside a Docker Engine, reached through the engine's own API."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import urlsplit

from bakec.ir.records import dataclass, field
from bakec.runtime.drivers.base import Features, SocketPipe, unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from typing import Any

    from docker import APIClient

    from bakec.runtime.drivers.base import Boot, Endpoint, Pipe

    Inspect = Callable[..., dict[str, dict[str, str]]]
    Load = Callable[[Iterator[bytes]], Iterator[dict[str, object]]]

DEFAULT_HOST = "unix:///var/run/docker.sock"
SNAPSHOTTER_LABEL = "org.mobyproject.buildkit.worker.snapshotter"
"""Only a daemon with the containerd image store has it."""
HOST_GATEWAY_LABEL = "org.mobyproject.buildkit.worker.moby.host-gateway-ip"
UPGRADE = (("Connection", "Upgrade"), ("Upgrade", "h2c"))
CONNECT_SECONDS = 10
ERROR_LENGTH = 4096
NO_TIMEOUT = cast(int, None)  # what the library takes for it, and its stubs do not know

Result = TypeVar("Result")


@dataclass(slots=True)
class DockerDriver:
    """`host` is a DOCKER_HOST value; `cert_path` the folder of ca.pem, cert.pem and key.pem for TLS, any of which may
    be missing. With `skip_verify` any certificate of the engine will do."""

    host: str = DEFAULT_HOST
    cert_path: str = ""
    skip_verify: bool = False
    name: str = field(default="docker", init=False)
    _images: EngineImages | None = field(default=None, init=False)
    _tunnels: list[asyncio.subprocess.Process] = field(default_factory=list, init=False, repr=False)

    @property
    def place(self) -> str:
        return self.host

    @property
    def endpoint(self) -> Endpoint | None:
        return None

    async def open(self, boot: Boot) -> None:
        del boot
        await self.call("GET", "/_ping")

    async def dial(self) -> Pipe:
        return await self.hijack("POST", "/grpc", UPGRADE)

    async def session(self, headers: Sequence[tuple[str, str]]) -> Pipe | None:
        return await self.hijack("POST", "/session", (*UPGRADE, *headers))

    def features(self, labels: Mapping[str, str]) -> Features:
        containerd = SNAPSHOTTER_LABEL in labels
        return Features(
            moby=True,
            oci_exporter=containerd,
            docker_exporter=containerd,
            cache_export=containerd,
            multi_platform=containerd,
            direct_push=containerd,
            default_load=True,
            prefer_image_digest=containerd,
            host_gateway=labels.get(HOST_GATEWAY_LABEL, ""),
        )

    @property
    def images(self) -> EngineImages:
        if self._images is None:
            self._images = EngineImages(self.host, self.cert_path, skip_verify=self.skip_verify)
        return self._images

    async def close(self) -> None:
        if self._images is not None:
            await asyncio.to_thread(self._images.close)
            self._images = None
        for tunnel in self._tunnels:
            if tunnel.returncode is None:
                tunnel.terminate()
            await tunnel.wait()
        self._tunnels.clear()

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        # HTTP/1.0: the answer comes in one piece and ends with the connection.
        reader, writer, status = await self._send(method, path, "1.0", (), body)
        try:
            data = await reader.read()
        except OSError as error:
            raise unreachable(self.host, _reason(error)) from error
        finally:
            writer.close()
        try:
            return status, json.loads(data)
        except ValueError:
            return status, None

    async def stream(self, method: str, path: str, headers: Sequence[tuple[str, str]] = ()) -> tuple[int, Pipe]:
        reader, writer, status = await self._send(method, path, "1.0", headers, None)
        return status, SocketPipe(reader, writer)

    async def hijack(self, method: str, path: str, headers: Sequence[tuple[str, str]], body: object = None) -> Pipe:
        reader, writer, status = await self._send(method, path, "1.1", headers, body)
        if status not in (101, 200):
            said = await reader.read(ERROR_LENGTH)
            writer.close()
            raise unreachable(self.host, f"{path} answered {status} {said.decode(errors='replace').strip()}")
        return SocketPipe(reader, writer)

    async def _send(
        self, method: str, path: str, version: str, headers: Sequence[tuple[str, str]], body: object
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, int]:
        """Send a request and read the head of its answer."""
        kind = "application/x-tar" if isinstance(body, bytes) else "application/json"
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        described = (("Content-Type", kind), ("Content-Length", str(len(data)))) if body is not None else ()
        fields = (f"{key}: {value}" for key, value in (("Host", "docker"), *described, *headers))
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await self._connect()
                writer.write("\r\n".join([f"{method} {path} HTTP/{version}", *fields, "\r\n"]).encode() + data)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            return reader, writer, int(head.split(" ", 2)[1])
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError) as error:
            raise unreachable(self.host, _reason(error)) from error

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        url = urlsplit(self.host)
        if url.scheme == "unix":
            return await asyncio.open_unix_connection(url.path, limit=SocketPipe.LIMIT)
        if url.scheme in ("tcp", "http", "https"):
            context = self._tls()
            port = url.port or (2376 if context else 2375)
            return await asyncio.open_connection(url.hostname, port, ssl=context, limit=SocketPipe.LIMIT)
        if url.scheme == "ssh":
            return await self._connect_by_ssh()
        raise ValueError(f"the docker driver has no transport for `{url.scheme}`")

    async def _connect_by_ssh(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The engine's own client over there joins its standard streams to the engine."""
        process = await asyncio.create_subprocess_exec(
            *ssh_command(self.host),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=SocketPipe.LIMIT,
            start_new_session=True,  # an interrupt of the terminal is ours to handle
        )
        self._tunnels.append(process)
        return cast(asyncio.StreamReader, process.stdout), cast(asyncio.StreamWriter, process.stdin)

    def _tls(self) -> ssl.SSLContext | None:
        if not self.cert_path:
            return None
        authority, certificate, key = certificates(self.cert_path)
        context = ssl.create_default_context(cafile=authority)
        if self.skip_verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if certificate and key:
            context.load_cert_chain(certificate, key)
        return context


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, asyncio.IncompleteReadError):
        return "the connection was closed"
    return getattr(error, "strerror", None) or str(error)


class EngineImages:
    """The engine's image store, through its HTTP API. The client library blocks, so it works in threads."""

    def __init__(self, host: str, cert_path: str, *, skip_verify: bool = False) -> None:
        self._host = host
        self._cert_path = cert_path
        self._skip_verify = skip_verify
        self._client: APIClient | None = None
        self._lock = threading.Lock()

    async def push(self, name: str, auth: Mapping[str, str]) -> AsyncIterator[Mapping[str, object]]:
        repository, tag = _split_tag(name)

        def messages() -> Iterator[Mapping[str, object]]:
            stream = self._api().push(repository, tag=tag, stream=True, decode=True, auth_config=dict(auth))
            return iter(cast("Iterator[Mapping[str, object]]", stream))

        source = await asyncio.to_thread(_translate, self._host, messages)
        while (message := await asyncio.to_thread(next, source, None)) is not None:
            yield message

    async def remote_digest(self, name: str, auth: Mapping[str, str]) -> str:
        def inspect() -> str:
            inspect_distribution = cast("Inspect", self._api().inspect_distribution)
            found = inspect_distribution(name, auth_config=dict(auth))
            return str(found["Descriptor"]["digest"])

        return await asyncio.to_thread(_translate, self._host, inspect)

    async def load(self, stream: AsyncIterator[bytes]) -> None:
        """Streams the archive from the event loop into the blocking request, a few pieces ahead."""
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[bytes | None] = asyncio.Queue(8)

        def blocking() -> Iterator[bytes]:
            while (piece := asyncio.run_coroutine_threadsafe(pieces.get(), loop).result()) is not None:
                yield piece

        def request() -> None:
            load_image = cast("Load", self._api().load_image)
            for message in load_image(blocking()):
                if "error" in message:
                    raise OSError(str(message["error"]))

        sender = asyncio.create_task(asyncio.to_thread(_translate, self._host, request))
        async for piece in stream:
            await pieces.put(piece)
        await pieces.put(None)
        await sender

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _api(self) -> APIClient:
        with self._lock:
            if self._client is None:
                self._client = _make_client(self._host, self._cert_path, verify=not self._skip_verify)
            return self._client


def _make_client(host: str, cert_path: str, *, verify: bool) -> APIClient:
    from docker import APIClient
    from docker.tls import TLSConfig

    if not cert_path:
        is_tunnel = host.startswith("ssh://")
        return APIClient(base_url=host, version="auto", timeout=NO_TIMEOUT, use_ssh_client=is_tunnel)
    authority, certificate, key = certificates(cert_path)
    pair = (certificate, key) if certificate and key else None
    tls = TLSConfig(client_cert=pair, ca_cert=authority, verify=verify)
    return APIClient(base_url=host, version="auto", timeout=NO_TIMEOUT, tls=tls)


def certificates(folder: str) -> tuple[str | None, str | None, str | None]:
    """The files of the authority, of the certificate and of its key, those that are there."""
    paths = (Path(folder) / name for name in ("ca.pem", "cert.pem", "key.pem"))
    authority, certificate, key = (str(path) if path.exists() else None for path in paths)
    return authority, certificate, key


def ssh_command(host: str) -> tuple[str, ...]:
    """The command whose standard streams are the engine at `ssh://[USER@]HOST[:PORT][/SOCKET]`. Raises `ValueError`."""
    url = urlsplit(host)
    if not url.hostname or url.hostname.startswith("-") or url.password or url.query or url.fragment:
        raise ValueError("an address of ssh is ssh://[USER@]HOST[:PORT][/SOCKET]")
    login = ["-l", url.username] if url.username else []
    port = ["-p", str(url.port)] if url.port else []
    address = ["--host", f"unix://{url.path}"] if url.path.strip("/") else []
    return ("ssh", *login, *port, "-T", "--", url.hostname, "docker", *address, "system", "dial-stdio")


def _translate(host: str, work: Callable[[], Result]) -> Result:
    """Run `work`; what the library raises becomes `OSError`, or `Failed` when nobody answers."""
    from docker.errors import APIError, DockerException
    from requests import RequestException

    try:
        return work()
    except APIError as error:
        raise OSError(str(error.explanation or error)) from error
    except (DockerException, RequestException) as error:
        raise unreachable(host, error) from error


def _split_tag(name: str) -> tuple[str, str]:
    """`host:5000/image:tag` -> (`host:5000/image`, `tag`); the tag is `latest` where none is given."""
    repository, colon, tag = name.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (name, "latest")
