"""The bytes of a plan: msgpack, canonical and bounded. What the values mean is said in `codec`.

A plan is one map. The value of each top key can be unpacked alone, so that who looks at a part pays for a part.
"""

from __future__ import annotations

from collections import deque
from io import BytesIO
from itertools import islice

import msgpack

from bakec.ir.digests import digest_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any, Final, TypeVar

    T = TypeVar("T")

MAX_BYTES: Final = 1 << 26
MAX_VALUES: Final = 1 << 22
"""How many values a plan may hold. A few bytes can claim a large list, so the size alone bounds no memory."""
MAX_DEPTH: Final = 32
MAX_KEYS: Final = 1 << 10
"""Of the top map, which are looked for before anything else is known."""
MANY: Final = 400
"""Values that are read at once: more of them do not fit into the caches of a processor, and take longer each."""

DISORDER: Final = "its keys are not text in order"
_NOT_CANONICAL: Final = "a key occurs twice, or a value is not in its shortest form"
_PIECE: Final = 1 << 16
"""Bytes that are looked at in a row."""


class WireError(ValueError):
    """The bytes are no plan; the message says where and why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path: list[str] = []

    def under(self, step: object) -> WireError:
        """The same error, one level further out."""
        self.path.insert(0, str(step))
        return self

    def __str__(self) -> str:
        return f"{'/'.join(self.path)}: {self.reason}" if self.path else self.reason


class NewerFormat(WireError):
    """The plan has a higher format number."""


class MissingFeature(WireError):
    """The plan needs features that this version does not have."""


class DigestMismatch(WireError):
    """The body is not the one that the digest was made of."""


# --- writing --------------------------------------------------------------------------------------------------


def join(chunks: Mapping[str, bytes]) -> bytes:
    """The map of these packed values."""
    return b"".join(_pieces(chunks))


def _pieces(chunks: Mapping[str, bytes | memoryview]) -> Iterator[bytes | memoryview]:
    yield msgpack.Packer().pack_map_header(len(chunks))
    for name in sorted(chunks):
        yield pack(name)
        yield chunks[name]


def body_digest(chunks: Mapping[str, bytes | memoryview]) -> str:
    """`sha256:` digest of the map without `digest` and `produced-by`."""
    inside = {name: chunk for name, chunk in chunks.items() if name not in ("digest", "produced-by")}
    return digest_of(*_pieces(inside))


def pack(data: Any) -> bytes:
    """A value in its shortest form."""
    packed: bytes = msgpack.packb(data, use_bin_type=True)
    return packed


# --- reading --------------------------------------------------------------------------------------------------


class Packed:
    """The bytes of a plan. What is unpacked of them is compared with what would have been written. Raises `WireError`
    for what is no map, or not canonical."""

    def __init__(self, data: bytes) -> None:
        if len(data) > MAX_BYTES:
            raise WireError(f"it is larger than {MAX_BYTES >> 20} MiB")
        self._data = data
        self._packer = msgpack.Packer(use_bin_type=True, autoreset=False)
        self._hooks = {} if _is_harmless(data) else _counters()
        self.spans: dict[str, tuple[int, int]] = _taken(lambda: dict(self._split()))
        """Where the value of each top key is."""
        if list(self.spans) != sorted(self.spans):
            raise WireError(DISORDER)
        # The values are taken as they are: that leaves the keys, and how many there are.
        if not _is_made_of(data, _pieces(self._values())):
            raise WireError(_NOT_CANONICAL)

    def _split(self) -> Iterator[tuple[str, tuple[int, int]]]:
        stream = self._stream(0)
        try:
            size = stream.read_map_header()
        except ValueError as error:
            raise WireError("it is not a map") from error
        if size > MAX_KEYS:
            raise WireError(f"it has more than {MAX_KEYS} keys")
        self._spend(size)
        for _ in range(size):
            name, start = stream.unpack(), stream.tell()
            if type(name) is not str:
                raise WireError(DISORDER)
            stream.skip()
            yield name, (start, stream.tell())
        if stream.tell() != len(self._data):
            raise WireError("something follows the end")

    def _stream(self, start: int) -> msgpack.Unpacker:
        file = BytesIO(self._data)  # which makes no copy
        file.seek(start)
        return msgpack.Unpacker(file, read_size=_PIECE, **_BOUNDS, **self._hooks)

    def _values(self) -> dict[str, memoryview]:
        whole = memoryview(self._data)
        return {name: whole[start:end] for name, (start, end) in self.spans.items()}

    def check_digest(self, digest: object) -> None:
        if digest != body_digest(self._values()):
            raise DigestMismatch("the digest is not that of the body")

    def value(self, name: str) -> Any:
        """What a top key holds."""
        start, end = self.spans[name]
        packed = memoryview(self._data)[start:end]
        value = _taken(lambda: msgpack.unpackb(packed, **_BOUNDS, **self._hooks))
        if self._end_of([value], start) != end:
            raise WireError(_NOT_CANONICAL)
        return value

    def blocks(self, name: str) -> Iterator[list[Any]]:
        """The items of a list, `MANY` at a time: each block is in the caches of the processor while it is compared
        and read, and the next one takes its memory."""
        at, _ = self.spans[name]
        stream = self._stream(at)
        try:
            size = stream.read_array_header()
        except ValueError as error:
            raise WireError("expected a list") from error
        self._spend(size)
        head = msgpack.Packer().pack_array_header(size)
        if not self._data.startswith(head, at):
            raise WireError(_NOT_CANONICAL)
        at += len(head)
        items = islice(stream, size)
        while block := _taken(lambda: list(islice(items, MANY))):
            at = self._end_of(block, at)
            yield block

    def _spend(self, size: int) -> None:
        """Count a container that is read in parts."""
        if self._hooks:
            self._hooks["list_hook"](range(size))

    def _end_of(self, items: list[Any], at: int) -> int:
        """Where the bytes of `items` end which begin at `at`."""
        self._packer.reset()
        try:
            deque(map(self._packer.pack, items), maxlen=0)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise WireError("it is nested too deeply") from error
        if not self._data.startswith(self._packer.getbuffer(), at):
            raise WireError(_NOT_CANONICAL)
        return at + len(self._packer.getbuffer())


def _taken(take: Callable[[], T]) -> T:
    """What `take` unpacks."""
    try:
        return take()
    except WireError:
        raise
    except RecursionError as error:
        raise WireError("it is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise WireError("a text is not UTF-8") from error
    except (ValueError, TypeError, OverflowError, msgpack.exceptions.UnpackException) as error:
        raise WireError(_reason(error)) from error


def _reason(error: Exception) -> str:
    """msgpack's own words are for programmers."""
    if isinstance(error, msgpack.exceptions.StackError):
        return "it is nested too deeply"
    if isinstance(error, msgpack.exceptions.OutOfData):
        return "it is cut short"
    text = str(error)
    return f"it is not msgpack: {text}" if text else "it is not msgpack"


def _refuse(code: int, _: bytes) -> Any:
    raise WireError(f"extension type {code} has no place in a plan")


_BOUNDS: Final = {
    "raw": False,
    "strict_map_key": True,
    "ext_hook": _refuse,
    "max_array_len": MAX_VALUES,
    "max_map_len": MAX_VALUES,
}


def _is_harmless(data: bytes) -> bool:
    """Whether `data` can be no more than about half a gigabyte in memory, at a glance: every map and list starts with
    a byte that text in English has not. Counting exactly, with hooks, takes as long as all other reading."""
    pieces = (data[at : at + _PIECE] for at in range(0, len(data), _PIECE))
    return len(data) <= _SMALL and sum(len(one) - len(one.translate(None, _STARTS)) for one in pieces) <= _CONTAINERS


_SMALL: Final = 1 << 24
_CONTAINERS: Final = 1 << 19
_STARTS: Final = bytes((*range(0x80, 0xA0), 0xDC, 0xDD, 0xDE, 0xDF))


def _counters() -> dict[str, Callable[[Any], Any]]:
    """Hooks of the unpacker that bound the number of values."""
    left = MAX_VALUES

    def spend(container: Any) -> Any:
        nonlocal left
        left -= len(container) + 4
        if left < 0:
            raise WireError(f"it holds more than {MAX_VALUES} values")
        return container

    return {"object_hook": spend, "list_hook": spend}


def _is_made_of(data: bytes, pieces: Iterable[bytes | memoryview]) -> bool:
    """Whether `data` is `pieces` joined, without a copy of them."""
    at = 0
    for piece in pieces:
        if not data.startswith(piece, at):
            return False
        at += len(piece)
    return at == len(data)
