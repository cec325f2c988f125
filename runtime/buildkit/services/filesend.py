"""FileSend: the daemon sends what it exports to the client, as a tree of files or as one stream."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable

from bakec.ir.records import dataclass
from bakec.runtime.buildkit.rpc import UNKNOWN, RpcError
from bakec.runtime.buildkit.tree import DEVICE, DIRECTORY, FIFO, SYMLINK, TYPE, permissions
from bakec.runtime.buildkit.wire import (
    DATA,
    ERROR,
    FIN,
    Stat,
    error_packet,
    fin_packet,
    frame,
    read_bytes_message,
    read_packet,
    read_stat,
    request_packet,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bakec.runtime.buildkit.server import Call, Services

EXPORTER_HEADER = "buildkit-attachable-exporter-id"
WHOLE_TREE_HEADER = "buildkit-exporter-multi-platform"
"""Set by daemons that send the trees of all platforms in one transfer; without it a mirror would delete
them."""

CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Write a tree below `path`. With `mirror` all that was not sent is deleted."""

    path: Path
    mirror: bool = False


Consumer = Callable[[AsyncIterator[bytes]], Awaitable[None]]
"""Takes one stream to its end."""
Target = Directory | Consumer


def services(targets: Mapping[int, Target], problems: list[str]) -> Services:
    """`targets` by the number of their exporter in the request. What goes wrong here is added to `problems`: the daemon
    may know no more than that its stream has ended."""

    async def diff_copy(call: Call) -> None:
        chosen = "".join(call.metadata.get(EXPORTER_HEADER, ())[:1])
        target = targets.get(int(chosen) if chosen.isdigit() else 0)
        if target is None:
            raise RpcError(UNKNOWN, f"exporter {chosen} not found")
        try:
            await take(call, target)
        except OSError as error:
            problems.append(str(error))
            raise

    async def take(call: Call, target: Target) -> None:
        if not isinstance(target, Directory):
            await target(_stream(call))
            return
        if target.mirror and call.metadata.get(WHOLE_TREE_HEADER) != ["1"]:
            raise RpcError(UNKNOWN, "mode=delete needs a daemon with multi-platform local export")
        await _receive_tree(call, target)

    return {"/moby.filesync.v1.FileSend/DiffCopy": diff_copy}


async def _stream(call: Call) -> AsyncIterator[bytes]:
    while messages := await call.receive():
        yield b"".join(map(read_bytes_message, messages))


def to_file(path: Path) -> Consumer:
    """Into a file, made with its folders when the first byte arrives."""

    async def consume(stream: AsyncIterator[bytes]) -> None:
        handle = None
        try:
            async for piece in stream:
                if handle is None:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    handle = path.open("wb")
                await asyncio.to_thread(handle.write, piece)
        finally:
            if handle is not None:
                handle.close()

    return consume


def to_descriptor(descriptor: int) -> Consumer:
    """Into an open file, such as standard output."""

    async def consume(stream: AsyncIterator[bytes]) -> None:
        async for piece in stream:
            await asyncio.to_thread(_write_all, descriptor, piece)

    return consume


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


async def _receive_tree(call: Call, target: Directory) -> None:
    writer = TreeWriter(target.path)
    await asyncio.to_thread(target.path.mkdir, mode=0o700, parents=True, exist_ok=True)
    try:
        while messages := await call.receive():
            reply = await asyncio.to_thread(writer.take, messages)
            if reply:
                await call.send(reply)
            if writer.finished:
                break
        await asyncio.to_thread(writer.finish, mirror=target.mirror)
    except OSError as error:
        await call.send(frame(error_packet(str(error))))
        raise
    finally:
        writer.close()


class TreeWriter:
    """Writes a tree from its packets. Blocks.

    Only directories that this transfer announced are written to, and nothing is written through a symbolic
    link: the daemon's word is not enough to leave the destination.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.fsencode(root)
        self._directories: dict[bytes, Stat] = {b"": Stat(b"", DIRECTORY)}
        self._names: set[bytes] = set()
        self._files: dict[int, Stat] = {}
        self._open: dict[int, int] = {}
        self._count = 0
        self._waiting = 0
        self._all_announced = False
        self.finished = False

    def take(self, messages: Sequence[bytes]) -> bytes:
        """Act on packets; returns the reply to send."""
        reply = []
        for message in messages:
            packet = read_packet(message)
            if packet.type == ERROR:
                raise RpcError(UNKNOWN, f"error from sender: {packet.data.decode(errors='replace')}")
            if packet.type == FIN:
                self.finished = True
            elif packet.type == DATA:
                self._write(packet.id, packet.data)
            elif packet.stat is None:
                self._all_announced = True
            elif self._announce(read_stat(packet.stat)):
                reply.append(frame(request_packet(self._count - 1)))
        if self._all_announced and not self._waiting and not self.finished:
            self._all_announced = False
            reply.append(frame(fin_packet()))
        return b"".join(reply)

    def finish(self, *, mirror: bool) -> None:
        if mirror:
            self._delete_others()
        # Children first: writing into a directory changes its time.
        for path, stat in sorted(self._directories.items(), reverse=True):
            if path:
                os.utime(self._path(path), ns=(stat.mtime, stat.mtime))

    def close(self) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def _announce(self, stat: Stat) -> bool:
        """Make the entry; true when its contents are wanted."""
        index, self._count = self._count, self._count + 1
        self._names.add(stat.path)
        folder, _, name = stat.path.rpartition(b"/")
        if folder not in self._directories or name in (b"", b".", b"..") or stat.path.startswith(b"/"):
            raise _outside("write", stat.path)
        path = self._path(stat.path)
        if stat.mode & DIRECTORY:
            self._make_directory(path, stat)
            return False
        _remove(path)
        if stat.mode & SYMLINK:
            os.symlink(stat.link, path)  # noqa: PTH211 bytes
            os.utime(path, ns=(stat.mtime, stat.mtime), follow_symlinks=False)
        elif stat.mode & FIFO:
            os.mkfifo(path, permissions(stat.mode))
        elif stat.mode & DEVICE:
            raise RpcError(UNKNOWN, f"refused to make the device {os.fsdecode(stat.path)!r}")
        elif stat.link:
            self._link(path, stat)
        elif not stat.mode & TYPE:
            # Made at once: a link to it may come before its contents.
            os.close(os.open(path, CREATE, 0o600))
            self._files[index] = stat
            self._waiting += 1
            return True
        return False

    def _make_directory(self, path: bytes, stat: Stat) -> None:
        if os.path.islink(path) or not os.path.isdir(path):  # noqa: PTH112 PTH114 bytes
            _remove(path)
            os.mkdir(path)  # noqa: PTH102 bytes
        os.chmod(path, permissions(stat.mode))  # noqa: PTH101 bytes
        self._directories[stat.path] = stat

    def _link(self, path: bytes, stat: Stat) -> None:
        folder = stat.link.rpartition(b"/")[0]
        if folder not in self._directories:
            raise _outside("link", stat.link)
        os.link(self._path(stat.link), path, follow_symlinks=False)

    def _write(self, index: int, data: bytes) -> None:
        stat = self._files.get(index)
        if stat is None:
            raise RpcError(UNKNOWN, f"invalid file request {index}")
        descriptor = self._open.get(index)
        if descriptor is None:
            descriptor = self._open[index] = os.open(self._path(stat.path), os.O_WRONLY | os.O_NOFOLLOW)
        if data:
            _write_all(descriptor, data)
            return
        os.fchmod(descriptor, permissions(stat.mode))
        os.close(self._open.pop(index))
        os.utime(self._path(stat.path), ns=(stat.mtime, stat.mtime))
        del self._files[index]
        self._waiting -= 1

    def _path(self, path: bytes) -> bytes:
        return self._root + b"/" + path

    def _delete_others(self) -> None:
        for directory in self._directories:
            with os.scandir(self._path(directory)) as entries:
                extra = [entry.path for entry in entries if self._relative(entry.path) not in self._names]
            for path in extra:
                _remove(path)

    def _relative(self, path: bytes) -> bytes:
        return path[len(self._root) :].lstrip(b"/")


def _outside(verb: str, path: bytes) -> RpcError:
    return RpcError(UNKNOWN, f"refused to {verb} {os.fsdecode(path)!r}: not in an announced directory")


def _remove(path: bytes) -> None:
    """Whatever is there, without following it."""
    try:
        os.unlink(path)  # noqa: PTH108 bytes
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        import shutil

        shutil.rmtree(path)
