"""Content: stores of blobs in the client: a local cache, an OCI layout to build from or to export to."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bakec.ir.records import dataclass, field
from bakec.runtime.buildkit.proto.content_pb2 import (
    COMMIT,
    STAT,
    AbortRequest,
    Info,
    InfoRequest,
    InfoResponse,
    ListStatusesResponse,
    ReadContentRequest,
    ReadContentResponse,
    Status,
    StatusRequest,
    StatusResponse,
    UpdateRequest,
    UpdateResponse,
    WriteContentRequest,
    WriteContentResponse,
)
from bakec.runtime.buildkit.rpc import ALREADY_EXISTS, NOT_FOUND, UNAVAILABLE, UNKNOWN, RpcError
from bakec.runtime.buildkit.server import unary
from bakec.runtime.buildkit.wire import frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bakec.runtime.buildkit.server import Call, Services

STORE_HEADER = "buildkit-attachable-store-id"
CHUNK = 1 << 20
DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


@dataclass(slots=True)
class Store:
    """The layout of OCI: blobs by digest, below `root`."""

    root: Path
    writes: dict[str, Write] = field(default_factory=dict)

    def claim(self, ref: str, total: int) -> Write:
        """The write of that name, which one stream at a time may go on with. Two manifests may share a layer; whoever
        comes second is told to come again, and finds the blob then."""
        write = self.writes.setdefault(ref, Write(ref, total))
        if write.is_claimed:
            raise RpcError(UNAVAILABLE, f"ref {ref} locked")
        write.is_claimed = True
        return write

    def discard(self) -> None:
        """Remove what was not finished."""
        for write in self.writes.values():
            write.remove()

    def blob(self, digest: str) -> Path:
        # The name becomes a path: nothing but a digest may.
        if not DIGEST.match(digest):
            raise RpcError(UNKNOWN, f"invalid digest {digest!r}")
        return self.root / "blobs/sha256" / digest.removeprefix("sha256:")

    def info(self, digest: str) -> Info:
        try:
            status = self.blob(digest).stat()
        except FileNotFoundError as error:
            raise RpcError(NOT_FOUND, f"content {digest}: not found") from error
        info = Info(digest=digest, size=status.st_size)
        info.created_at.FromNanoseconds(status.st_mtime_ns)
        info.updated_at.FromNanoseconds(status.st_mtime_ns)
        return info

    def pieces(self, digest: str, offset: int, size: int) -> Iterator[bytes]:
        """The frames of a `Read`; `size` 0 is all that follows."""
        end = self.info(digest).size if size <= 0 else offset + size
        with self.blob(digest).open("rb") as blob:
            blob.seek(offset)
            while offset < end and (data := blob.read(min(CHUNK, end - offset))):
                yield frame(ReadContentResponse(offset=offset, data=data).SerializeToString())
                offset += len(data)


@dataclass(slots=True)
class Write:
    """A blob that is being written, in a file beside the blobs. `total` 0 is not known yet."""

    ref: str
    total: int = 0
    offset: int = 0
    path: Path | None = None
    is_claimed: bool = False

    def begin(self, store: Store) -> None:
        if self.path is None:
            blobs = store.root / "blobs/sha256"
            blobs.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".ingest-", dir=blobs)
            os.fchmod(handle, 0o644)
            os.close(handle)
            self.path = Path(name)

    def remove(self) -> None:
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def append(self, offset: int, data: bytes) -> None:
        if offset != self.offset:
            raise RpcError(UNKNOWN, f"write of {self.ref} at {offset}, expected {self.offset}")
        with self._file.open("ab") as blob:
            blob.write(data)
        self.offset += len(data)

    def commit(self, store: Store, expected: str) -> str:
        """Move the file to its place. The digest is checked, never believed."""
        with self._file.open("rb") as blob:
            digest = "sha256:" + hashlib.file_digest(blob, "sha256").hexdigest()
        if expected and expected != digest:
            raise RpcError(UNKNOWN, f"unexpected digest of {self.ref}: {digest}, expected {expected}")
        self._file.replace(store.blob(digest))
        return digest

    @property
    def _file(self) -> Path:
        if self.path is None:
            raise RpcError(UNKNOWN, f"write of {self.ref} was not begun")
        return self.path


def services(stores: Mapping[str, Store]) -> Services:
    """`stores` by the id that the daemon names in a header."""
    service = _Content(stores)
    prefix = "/containerd.services.content.v1.Content/"
    return {
        prefix + "Info": unary(service.info),
        prefix + "Update": unary(service.update),
        prefix + "Status": unary(service.status),
        prefix + "ListStatuses": unary(service.statuses),
        prefix + "Abort": unary(service.abort),
        prefix + "Read": service.read,
        prefix + "Write": service.write,
    }


Metadata = Mapping[str, list[str]]


class _Content:
    def __init__(self, stores: Mapping[str, Store]) -> None:
        self._stores = stores

    def _store(self, metadata: Metadata) -> Store:
        name = "".join(metadata.get(STORE_HEADER, ())[:1])
        if name not in self._stores:
            raise RpcError(NOT_FOUND, f"unknown store {name}")
        return self._stores[name]

    async def info(self, metadata: Metadata, request: bytes) -> bytes:
        digest = InfoRequest.FromString(request).digest
        return bytes(InfoResponse(info=self._store(metadata).info(digest)).SerializeToString())

    async def update(self, metadata: Metadata, request: bytes) -> bytes:
        """Labels have no place in a directory; the daemon only needs the answer."""
        wanted = UpdateRequest.FromString(request).info
        found = self._store(metadata).info(wanted.digest)
        found.labels.update(wanted.labels)
        return bytes(UpdateResponse(info=found).SerializeToString())

    async def status(self, metadata: Metadata, request: bytes) -> bytes:
        ref = StatusRequest.FromString(request).ref
        write = self._store(metadata).writes.get(ref)
        if write is None:
            raise RpcError(NOT_FOUND, f"ingest {ref}: not found")
        return bytes(StatusResponse(status=_status(write)).SerializeToString())

    async def statuses(self, metadata: Metadata, _request: bytes) -> bytes:
        writes = self._store(metadata).writes.values()
        return bytes(ListStatusesResponse(statuses=map(_status, writes)).SerializeToString())

    async def abort(self, metadata: Metadata, request: bytes) -> bytes:
        write = self._store(metadata).writes.pop(AbortRequest.FromString(request).ref, None)
        if write is not None:
            write.remove()
        return b""

    async def read(self, call: Call) -> None:
        store = self._store(call.metadata)
        for message in await call.receive():
            request = ReadContentRequest.FromString(message)
            pieces = store.pieces(request.digest, request.offset, request.size)
            while piece := await asyncio.to_thread(next, pieces, b""):
                await call.send(piece)

    async def write(self, call: Call) -> None:
        await _serve_write(self._store(call.metadata), call)


def _status(write: Write) -> Status:
    return Status(ref=write.ref, offset=write.offset, total=write.total)


async def _serve_write(store: Store, call: Call) -> None:
    current: Write | None = None
    try:
        while messages := await call.receive():
            for message in messages:
                request = WriteContentRequest.FromString(message)
                if current is None:
                    _check_absent(store, request.expected)
                    current = store.claim(request.ref, request.total)
                    await asyncio.to_thread(current.begin, store)
                digest = await asyncio.to_thread(_act, store, current, request)
                offset, total = current.offset, current.total
                reply = WriteContentResponse(action=request.action, offset=offset, total=total, digest=digest)
                await call.send(frame(reply.SerializeToString()))
                if request.action == COMMIT:
                    return
    finally:
        if current is not None:
            current.is_claimed = False


def _check_absent(store: Store, digest: str) -> None:
    if digest and store.blob(digest).exists():
        raise RpcError(ALREADY_EXISTS, f"content {digest}: already exists")


def _act(store: Store, write: Write, request: WriteContentRequest) -> str:
    """One request of a write; the digest where there is one."""
    if request.action == STAT:
        return ""
    if request.data:
        write.append(request.offset, request.data)
    if request.action != COMMIT:
        return ""
    if request.total and request.total != write.offset:
        raise RpcError(UNKNOWN, f"unexpected size {write.offset} of {write.ref}, expected {request.total}")
    digest = write.commit(store, request.expected)
    store.writes.pop(write.ref, None)
    return digest
