"""The few protobuf messages that pass by the hundred thousand, encoded by hand, and gRPC's message frames.

A protobuf object for each file of a context costs more than reading the file.
"""

from __future__ import annotations

from struct import Struct

from bakec.ir.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FRAME = Struct(">BI")
"""gRPC's prefix of a message: compressed or not, and length."""

MAX_MESSAGE = 64 << 20
"""No message of the session is near this; a larger one is a broken or hostile peer."""


class WireError(ValueError):
    """Bytes that are not what the protocol says."""


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The value at offset `at`, and the offset behind it."""
    value = shift = 0
    while shift < 70:
        if at >= len(data):
            break
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
    raise WireError("a number is cut off")


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Each field of a message: its number and its varint or bytes. Fixed-size fields are not used here."""
    at, end = 0, len(data)
    while at < end:
        key, at = read_varint(data, at)
        if key & 7 == 0:
            value, at = read_varint(data, at)
            yield key >> 3, value
        elif key & 7 == 2:
            size, at = read_varint(data, at)
            if at + size > end:
                raise WireError("a field is cut off")
            yield key >> 3, data[at : at + size]
            at += size
        else:
            raise WireError(f"wire type {key & 7} is not used in this protocol")


def tagged(number: int, data: bytes) -> bytes:
    """A field of type bytes, string or message; nothing when empty, as proto3 has it."""
    return varint(number << 3 | 2) + varint(len(data)) + data if data else b""


def number(field: int, value: int) -> bytes:
    """A varint field; a negative int64 takes ten bytes, zero none."""
    return varint(field << 3) + varint(value & 0xFFFFFFFFFFFFFFFF) if value else b""


def frame(message: bytes) -> bytes:
    return FRAME.pack(0, len(message)) + message


def bytes_message(data: bytes) -> bytes:
    """BytesMessage: the one field `data`."""
    return tagged(1, data)


def read_bytes_message(message: bytes) -> bytes:
    return b"".join(value for key, value in fields(message) if key == 1 and isinstance(value, bytes))


# The file transfer (fsutil): packets of one stream

STAT, REQUEST, DATA, FIN, ERROR = range(5)


class Packet(NamedTuple):
    """One packet: `stat` is encoded, `id` counts the STAT packets of the sender from 0."""

    type: int
    stat: bytes | None
    id: int
    data: bytes


def read_packet(message: bytes) -> Packet:
    values = dict(fields(message))
    stat, data = values.get(2), values.get(4, b"")
    return Packet(
        type=_int(values.get(1, 0)),
        stat=stat if isinstance(stat, bytes) else None,
        id=_int(values.get(3, 0)),
        data=data if isinstance(data, bytes) else b"",
    )


def _int(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise WireError("bytes where a number belongs")
    return value


def stat_packet(stat: bytes) -> bytes:
    return b"\x12" + varint(len(stat)) + stat


def end_of_stats() -> bytes:
    return b""


def request_packet(file: int) -> bytes:
    return b"\x08\x01" + number(3, file)


def data_head(file: int, size: int) -> bytes:
    """What stands before a piece of a file, so that its `size` bytes need not be copied: the frame, and the packet so
    far. A piece of no bytes ends the file."""
    head = b"\x08\x02" + number(3, file) + (b"\x22" + varint(size) if size else b"")
    return FRAME.pack(0, len(head) + size) + head


def fin_packet() -> bytes:
    return b"\x08\x03"


def error_packet(text: str) -> bytes:
    return b"\x08\x04" + tagged(4, text.encode(errors="surrogateescape"))


class Stat(NamedTuple):
    """One entry of a tree. `mode` has Go's bits (see `tree`), `mtime` is in nanoseconds; `link` is the target
    of a symbolic link, or the path of an earlier entry that this one is a hard link to."""

    path: bytes
    mode: int
    size: int = 0
    mtime: int = 0
    link: bytes = b""
    device: tuple[int, int] = (0, 0)
    xattrs: tuple[tuple[bytes, bytes], ...] = ()


def encode_stat(stat: Stat) -> bytes:
    """Owner and group are left out: files of a context belong to root."""
    parts = [
        tagged(1, stat.path),
        number(2, stat.mode),
        number(5, stat.size),
        number(6, stat.mtime),
        tagged(7, stat.link),
    ]
    if stat.device != (0, 0):
        parts += [number(8, stat.device[0]), number(9, stat.device[1])]
    parts += [tagged(10, tagged(1, name) + tagged(2, value)) for name, value in stat.xattrs]
    return b"".join(parts)


def read_stat(data: bytes) -> Stat:
    values = dict(fields(data))

    def text(key: int) -> bytes:
        value = values.get(key, b"")
        return value if isinstance(value, bytes) else b""

    mtime = _int(values.get(6, 0))
    return Stat(
        path=text(1),
        mode=_int(values.get(2, 0)),
        size=_int(values.get(5, 0)),
        mtime=mtime - (1 << 64) if mtime >> 63 else mtime,
        link=text(7),
        device=(_int(values.get(8, 0)), _int(values.get(9, 0))),
    )
