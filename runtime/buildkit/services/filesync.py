"""FileSync: the daemon fetches a directory of the client."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from urllib.parse import unquote_plus

from bakec.runtime.buildkit.rpc import NOT_FOUND, UNKNOWN, RpcError
from bakec.runtime.buildkit.tree import TYPE, Single, Walk, make_filter
from bakec.runtime.buildkit.wire import (
    ERROR,
    FIN,
    REQUEST,
    data_head,
    encode_stat,
    end_of_stats,
    error_packet,
    fin_packet,
    frame,
    read_packet,
    stat_packet,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bakec.runtime.buildkit.server import Call, Services
    from bakec.runtime.buildkit.tree import Filter
    from bakec.runtime.buildkit.wire import Stat

STAT_BATCH = 256 << 10
DATA_BATCH = 1 << 20
"""Bytes made in one visit to a thread: a visit for each file would cost more than the file."""
CHUNK = 256 << 10
"""Bytes of a file in one packet; a gRPC message may have 4 MB."""


def services(directories: Mapping[str, Path | Single]) -> Services:
    """Serve `directories` by the name of their mount."""

    async def diff_copy(call: Call) -> None:
        options = decode_options(call.metadata)
        name = "".join(options.get("dir-name", ())[:1])
        if name not in directories:
            raise RpcError(NOT_FOUND, f'no access allowed to dir "{name}"')
        found = directories[name]
        source = InMemory(found) if isinstance(found, Single) else OnDisk(found)
        await Sender(call, source, options).run()

    return {"/moby.filesync.v1.FileSync/DiffCopy": diff_copy}


def decode_options(metadata: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Values that are not ASCII are quoted, and `NAME-encoded` says so."""
    decoded = {}
    for name, values in metadata.items():
        if metadata.get(f"{name}-encoded") in (["1"], ["true"]):
            decoded[name] = [unquote_plus(value, errors="surrogateescape") for value in values]
        else:
            decoded[name] = values
    return decoded


class OnDisk:
    """A directory as what is sent: what to send, and how its bytes are come by."""

    def __init__(self, root: Path) -> None:
        self._root = os.fspath(root)

    def stats(self, options: Mapping[str, list[str]]) -> Iterator[Stat]:
        # Resolved as the reference does: a context may itself be a symbolic link.
        self._root = os.path.realpath(self._root)
        return iter(Walk(self._root, _filter(self._root, options)))

    def chunks(self, path: bytes) -> Iterator[bytes]:
        return read_file(os.path.join(os.fsencode(self._root), path))  # noqa: PTH118 bytes

    async def take(self, batches: Iterator[tuple[bytes, bool]]) -> tuple[bytes, bool]:
        """The next one. Disks keep us waiting, and others should not wait with us."""
        return await asyncio.to_thread(next, batches)


class InMemory:
    """The same for a file that is on no disk."""

    def __init__(self, tree: Single) -> None:
        self._tree = tree

    def stats(self, options: Mapping[str, list[str]]) -> Iterator[Stat]:
        return self._tree.walk(_filter(os.devnull, options))  # nothing is below it, so that no link leads anywhere

    def chunks(self, _: bytes) -> Iterator[bytes]:
        data = self._tree.data
        return (data[at : at + CHUNK] for at in range(0, len(data), CHUNK))

    async def take(self, batches: Iterator[tuple[bytes, bool]]) -> tuple[bytes, bool]:
        return next(batches)


def _filter(root: str, options: Mapping[str, list[str]]) -> Filter:
    return make_filter(
        root,
        include=options.get("include-patterns", ()),
        exclude=options.get("exclude-patterns", ()),
        follow=options.get("followpaths", ()),
    )


class Sender:
    """One transfer: all STAT packets, meanwhile the contents that are asked for, FIN."""

    def __init__(self, call: Call, source: OnDisk | InMemory, options: Mapping[str, list[str]]) -> None:
        self._call = call
        self._source = source
        self._options = options
        self._files: dict[int, bytes] = {}
        self._requested: deque[int] = deque()
        self._wake = asyncio.Event()
        self._finished = False

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            walk = group.create_task(self._send_stats())
            group.create_task(self._send_contents())
            try:
                await self._receive()
            finally:
                self._finished = True
                self._wake.set()
                walk.cancel()
        await self._call.send(frame(fin_packet()))

    async def _receive(self) -> None:
        """Until the daemon has all it wants."""
        while messages := await self._call.receive():
            for message in messages:
                packet = read_packet(message)
                if packet.type == REQUEST:
                    self._requested.append(packet.id)
                elif packet.type == FIN:
                    return
                elif packet.type == ERROR:
                    raise RpcError(UNKNOWN, f"error from receiver: {packet.data.decode(errors='replace')}")
            self._wake.set()

    async def _send_stats(self) -> None:
        try:
            source, is_last = batches(self._packets(), STAT_BATCH), False
            while not is_last:
                batch, is_last = await self._source.take(source)
                await self._call.send(batch)
        except (OSError, ValueError) as error:
            await self._call.send(frame(error_packet(str(error))))
            raise RpcError(UNKNOWN, str(error)) from error

    def _packets(self) -> Iterator[bytes]:
        for index, stat in enumerate(self._source.stats(self._options)):
            if has_data(stat):
                self._files[index] = stat.path
            yield frame(stat_packet(encode_stat(stat)))
        yield frame(end_of_stats())

    async def _send_contents(self) -> None:
        """Read the next batch while the last one is on its way."""
        while not self._finished:
            if not self._requested:
                self._wake.clear()
                await self._wake.wait()
                continue
            source = batches(self._contents(), DATA_BATCH)
            batch, is_last = await self._source.take(source)
            while not is_last:
                ahead = asyncio.ensure_future(self._source.take(source))
                await self._call.send(batch)
                batch, is_last = await ahead
            await self._call.send(batch)

    def _contents(self) -> Iterator[bytes]:
        """The packets of all files that were asked for so far."""
        while self._requested:
            index = self._requested.popleft()
            path = self._files.pop(index, None)
            if path is None:
                raise RpcError(UNKNOWN, f"invalid file id {index}")
            for chunk in self._source.chunks(path):
                yield data_head(index, len(chunk))
                yield chunk
            yield data_head(index, 0)


def has_data(stat: Stat) -> bool:
    return not stat.mode & TYPE


def read_file(path: bytes) -> Iterator[bytes]:
    """One file, in pieces. One that cannot be read is sent empty, as the reference does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return
    try:
        while chunk := os.read(descriptor, CHUNK):
            yield chunk
    finally:
        os.close(descriptor)


def batches(pieces: Iterator[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """The pieces joined to at least `size` bytes each time, and whether they are the last, which may be few or none."""
    batch: list[bytes] = []
    held = 0
    for piece in pieces:
        batch.append(piece)
        held += len(piece)
        if held >= size:
            yield b"".join(batch), False
            batch, held = [], 0
    yield b"".join(batch), True
