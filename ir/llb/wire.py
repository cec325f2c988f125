"""Protocol Buffers as BuildKit writes them: a table-driven writer and reader for frozen records.

`Message` describes one protobuf message: the record class that stands for it and its fields. The writer follows the
reference's runtime, whose bytes are hashed: absent means zero, maps are sorted by key, and the members of a oneof
come after every other field whatever their number.
"""

from __future__ import annotations

from bakec.ir.records import Enum, NamedTuple, dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

Value: TypeAlias = object

_MASK = (1 << 64) - 1
_SIGN = 1 << 63
MAX_DEPTH = 64
"""Nested messages deeper than this are refused; real definitions nest about eight deep."""


class WireError(ValueError):
    """Bytes that are not the message they should be, or text that cannot be a protobuf string."""


class Kind(Enum):
    """How a field is stored. `INTS` is packed; `MAP`, `FLAGS` and `MESSAGES_BY_NAME` are maps with string keys."""

    STRING = "string"
    BYTES = "bytes"
    INT64 = "int64"
    INT32 = "int32"
    BOOL = "bool"
    ENUM = "enum"
    MESSAGE = "message"
    STRINGS = "strings"
    CHUNKS = "chunks"
    INTS = "ints"
    MESSAGES = "messages"
    MAP = "map"
    FLAGS = "flags"
    MESSAGES_BY_NAME = "messages by name"


class Field(NamedTuple):
    """One row of a message. `attr` is the attribute of the record, `of` the record class of a message field,
    `names` the names of an enum from 0 up. A field of a `oneof` is written last, and even when it is zero; several
    members may share one attribute, told apart by the class of its value."""

    number: int
    name: str
    kind: Kind
    attr: str
    of: type | None = None
    names: tuple[str, ...] = ()
    oneof: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    name: str
    record: type
    fields: tuple[Field, ...]


Schema: TypeAlias = dict[type, Message]


def varint(number: int) -> bytes:
    """The varint of `number`; a negative one takes ten bytes."""
    if 0 <= number < 128:
        return _SMALL[number]
    number &= _MASK
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


_SMALL = tuple(bytes((n,)) for n in range(128))


def text_bytes(text: str) -> bytes:
    """UTF-8 of `text`. Bytes of a source file that were not UTF-8 travel as lone surrogates and cannot be sent."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise WireError("string field contains invalid UTF-8") from None


def _delimited(payload: bytes) -> bytes:
    return varint(len(payload)) + payload


class Writer:
    """Writes the records of one schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._plans: dict[type, tuple[tuple[bytes, Field], ...]] = {}

    def encode(self, record: object) -> bytes:
        """The bytes of `record`. Raises `WireError` for text that is not valid Unicode."""
        out: list[bytes] = []
        for tag, field in self._plan(type(record)):
            value = getattr(record, field.attr)
            if field.oneof:
                if value is None or (field.of is not None and type(value) is not field.of):
                    continue
            elif not value and (value is None or field.kind is not Kind.MESSAGE):
                continue
            if type(value) is str and field.kind is Kind.STRING:
                data = text_bytes(value)
                out += (tag, varint(len(data)), data)
            else:
                self._write(out, tag, field, value)
        return b"".join(out)

    def _plan(self, record: type) -> tuple[tuple[bytes, Field], ...]:
        plan = self._plans.get(record)
        if plan is None:
            ordered = sorted(self._schema[record].fields, key=lambda field: (field.oneof, field.number))
            plan = tuple((varint(field.number << 3 | _WIRE_TYPE[field.kind]), field) for field in ordered)
            self._plans[record] = plan
        return plan

    def _write(self, out: list[bytes], tag: bytes, field: Field, value: Value) -> None:
        match field.kind, value:
            case Kind.STRING, str():
                out += (tag, _delimited(text_bytes(value)))
            case ((Kind.INT64 | Kind.INT32 | Kind.BOOL | Kind.ENUM), int()):
                out += (tag, varint(value))
            case Kind.BYTES, bytes():
                out += (tag, _delimited(value))
            case Kind.MESSAGE, _:
                out += (tag, _delimited(self.encode(value)))
            case Kind.INTS, tuple():
                out += (tag, _delimited(b"".join(varint(item) for item in value)))
            case ((Kind.STRINGS | Kind.CHUNKS | Kind.MESSAGES), tuple()):
                for item in value:
                    out += (tag, _delimited(self._item(item)))
            case ((Kind.MAP | Kind.FLAGS | Kind.MESSAGES_BY_NAME), dict()):
                for key in sorted(value):
                    out += (tag, _delimited(self._entry(key, value[key])))
            case _:
                raise WireError(f"{field.name}: cannot write {type(value).__name__} as {field.kind.value}")

    def _item(self, item: object) -> bytes:
        match item:
            case str():
                return text_bytes(item)
            case bytes():
                return item
            case _:
                return self.encode(item)

    def _entry(self, key: str, value: object) -> bytes:
        head = b"\x0a" + _delimited(text_bytes(key))
        if isinstance(value, bool):
            return head + b"\x10" + varint(value)
        return head + b"\x12" + _delimited(self._item(value))


_WIRE_TYPE = dict.fromkeys(Kind, 2) | {Kind.INT64: 0, Kind.INT32: 0, Kind.BOOL: 0, Kind.ENUM: 0}


def fields_of(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Each (field number, value) of a message in order of appearance. Raises `WireError` if it is cut short."""
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        match key & 7:
            case 0:
                number, at = _read_varint(data, at)
                yield key >> 3, number
            case 2:
                size, at = _read_varint(data, at)
                if at + size > len(data):
                    raise WireError("message is cut short")
                yield key >> 3, data[at : at + size]
                at += size
            case kind:
                raise WireError(f"wire type {kind} is not used by this format")


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number & _MASK, at
        shift += 7
    raise WireError("message is cut short" if at >= len(data) else "number is too long")


def _signed(number: int) -> int:
    return number - (1 << 64) if number & _SIGN else number


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise WireError("string field contains invalid UTF-8") from None


class Reader:
    """Reads the records of one schema. Unknown fields are passed over, as protobuf readers do."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._rows = {record: {f.number: f for f in message.fields} for record, message in schema.items()}

    def decode(self, record: type, data: bytes, depth: int = 0) -> object:
        """A `record` read from `data`. Raises `WireError`."""
        if depth > MAX_DEPTH:
            raise WireError("messages are nested too deeply")
        values: dict[str, Value] = {}
        for number, raw in fields_of(data):
            field = self._rows[record].get(number)
            if field is None:
                continue
            many = _MANY.get(field.kind)
            item = self._read(field, raw, depth)
            values[field.attr] = item if many is None else many(values.get(field.attr), item)
        return record(**values)

    def _read(self, field: Field, raw: int | bytes, depth: int) -> Value:
        match field.kind, raw:
            case Kind.STRING | Kind.STRINGS, bytes():
                return _text(raw)
            case Kind.BYTES | Kind.CHUNKS, bytes():
                return raw
            case Kind.INT64 | Kind.INT32 | Kind.ENUM, int():
                return _signed(raw)
            case Kind.BOOL, int():
                return raw != 0
            case Kind.INTS, int():
                return (_signed(raw),)
            case Kind.INTS, bytes():
                return _unpack(raw)
            case Kind.MESSAGE | Kind.MESSAGES, bytes():
                return self.decode(_class(field), raw, depth + 1)
            case Kind.MAP | Kind.FLAGS | Kind.MESSAGES_BY_NAME, bytes():
                return self._read_entry(field, raw, depth)
            case _:
                raise WireError(f"{field.name}: wrong wire type")

    def _read_entry(self, field: Field, raw: bytes, depth: int) -> tuple[str, Value]:
        entry = dict(fields_of(raw))
        key, value = entry.get(1, b""), entry.get(2, 0 if field.kind is Kind.FLAGS else b"")
        if not isinstance(key, bytes) or isinstance(value, int) is not (field.kind is Kind.FLAGS):
            raise WireError(f"{field.name}: wrong wire type")
        if isinstance(value, int):
            return _text(key), value != 0
        return _text(key), _text(value) if field.kind is Kind.MAP else self.decode(_class(field), value, depth + 1)


def _class(field: Field) -> type:
    assert field.of is not None, f"{field.name} has no record class"
    return field.of


def _unpack(raw: bytes) -> tuple[int, ...]:
    at, numbers = 0, []
    while at < len(raw):
        number, at = _read_varint(raw, at)
        numbers.append(_signed(number))
    return tuple(numbers)


def _append(old: Value, item: Value) -> Value:
    return (*old, item) if isinstance(old, tuple) else (item,)


def _extend(old: Value, item: Value) -> Value:
    return (*old, *item) if isinstance(old, tuple) and isinstance(item, tuple) else item


def _insert(old: Value, item: Value) -> Value:
    assert isinstance(item, tuple)
    return {**(old if isinstance(old, dict) else {}), item[0]: item[1]}


_MANY: dict[Kind, Callable[[Value, Value], Value]] = {
    Kind.STRINGS: _append,
    Kind.CHUNKS: _append,
    Kind.MESSAGES: _append,
    Kind.INTS: _extend,
    Kind.MAP: _insert,
    Kind.FLAGS: _insert,
    Kind.MESSAGES_BY_NAME: _insert,
}
