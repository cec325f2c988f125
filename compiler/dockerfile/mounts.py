"""`RUN --mount` and `RUN --device` values."""

from __future__ import annotations

from collections.abc import Callable

from bakec.compiler.dockerfile.faults import DockerfileError, csv_fields
from bakec.compiler.suggest import search
from bakec.ir.codes import dockerfile as codes
from bakec.ir.quoting import quote
from bakec.ir.records import dataclass
from bakec.ir.strconv import NumberError, parse_bool, parse_float, parse_uint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

TYPES: Final = ("bind", "cache", "tmpfs", "secret", "ssh")
SHARING: Final = ("shared", "private", "locked")
_KEYS: Final = (
    "type",
    "from",
    "source",
    "target",
    "readonly",
    "id",
    "sharing",
    "required",
    "size",
    "mode",
    "uid",
    "gid",
    "src",
    "dst",
    "destination",
    "ro",
    "rw",
    "readwrite",
    "env",
)
_SAME: Final = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly", "rw": "readwrite"}

Expander = Callable[[str], str]


@dataclass(slots=True, kw_only=True)
class MountOptions:
    """One mount as written. `readonly` None means the default of the type."""

    type: str = "bind"
    origin: str = ""
    """The stage or image of `from=`."""
    source: str = ""
    target: str = ""
    readonly: bool | None = None
    size: int = 0
    id: str = ""
    sharing: str = ""
    required: bool = False
    env: str | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None

    @property
    def is_readonly(self) -> bool:
        return self.type not in ("cache", "tmpfs") if self.readonly is None else self.readonly

    @property
    def has_owner(self) -> bool:
        return (self.uid, self.gid, self.mode) != (None, None, None)


def mount_origin(text: str) -> str:
    """The `from=` of a mount, which must be known before anything is expanded. Raises `DockerfileError`."""
    origin = ""
    for key, value, given in _pairs(text, "failed to parse csv mounts"):
        if not given or key != "from":
            continue
        at = value.find("$")
        if at >= 0 and at != len(value) - 1:
            problem = f"'{key}' doesn't support variable expansion, define alias stage instead"
            raise DockerfileError(codes.FROM_VARIABLE, problem=problem)
        origin = value
    return origin


def read_mount(text: str, expand: Expander) -> MountOptions:
    """Read a mount whose values are expanded one by one. Raises `DockerfileError`."""
    mount = MountOptions()
    for field in csv_fields(text, "failed to parse csv mounts"):
        key, equals, value = field.partition("=")
        key = key.lower()
        if equals:
            _set(mount, key, expand(value), field)
        else:
            _set_word(mount, key, field)
    _check(mount)
    return mount


def _pairs(text: str, prefix: str) -> list[tuple[str, str, bool]]:
    parts = [field.partition("=") for field in csv_fields(text, prefix)]
    return [(key.lower(), value, bool(equals)) for key, equals, value in parts]


def _set_word(mount: MountOptions, key: str, field: str) -> None:
    match _SAME.get(key, key):
        case "readonly":
            mount.readonly = True
        case "readwrite":
            mount.readonly = False
        case "required":
            _require(mount, key)
            mount.required = True
        case _:
            raise DockerfileError(codes.MOUNT_FIELD, field=field)


def _require(mount: MountOptions, key: str) -> None:
    allowed = ("tmpfs",) if key == "size" else ("secret", "ssh")
    if mount.type not in allowed:
        raise DockerfileError(codes.MOUNT_KEY, key=key, where=f"for mount type '{mount.type}'")


def _set(mount: MountOptions, key: str, value: str, field: str) -> None:
    match _SAME.get(key, key):
        case "type":
            mount.type = _choice(value, TYPES, "mount type")
        case "from":
            mount.origin = value
        case "source":
            mount.source = value
        case "target":
            mount.target = value
        case "readonly":
            mount.readonly = _bool(key, value)
        case "readwrite":
            mount.readonly = not _bool(key, value)
        case "required":
            _require(mount, key)
            mount.required = _bool(key, value)
        case "size":
            _require(mount, key)
            mount.size = _size(key, value)
        case "id":
            mount.id = value
        case "sharing":
            mount.sharing = _choice(value, SHARING, "sharing value")
        case "env":
            mount.env = value
        case _:
            _set_owner(mount, key, value, field)


def _set_owner(mount: MountOptions, key: str, value: str, field: str) -> None:
    match key:
        case "mode":
            mount.mode = _number(key, value, 8)
        case "uid":
            mount.uid = _number(key, value, 10)
        case "gid":
            mount.gid = _number(key, value, 10)
        case _:
            raise DockerfileError(codes.MOUNT_KEY, key=key, where=f"in '{field}'").suggesting(search(key, _KEYS))


def _choice(value: str, choices: tuple[str, ...], what: str) -> str:
    if value.lower() not in choices:
        raise DockerfileError(codes.MOUNT_CHOICE, what=what, value=quote(value)).suggesting(search(value, choices))
    return value.lower()


def _bool(key: str, value: str) -> bool:
    try:
        return parse_bool(value)
    except NumberError:
        raise DockerfileError(codes.MOUNT_VALUE, what=f"for {key}: {value}") from None


def _number(key: str, value: str, base: int) -> int:
    try:
        return parse_uint(value, base, 32)
    except NumberError:
        raise DockerfileError(codes.MOUNT_VALUE, what=f"{value} for {key}") from None


_SIZE_UNITS: Final = {"": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40, "p": 50}


def _size(key: str, value: str) -> int:
    """Bytes of a size such as `1.5g`; units are powers of 1024, `b` and `ib` may follow them."""
    bad = DockerfileError(codes.MOUNT_VALUE, what=f"for {key}: {value}")
    at = max((value.rfind(char) for char in "0123456789. "), default=-1)
    if at < 0:
        raise bad
    number, unit = (value[:at] if value[at] == " " else value[: at + 1]), value[at + 1 :].lower()
    try:
        size = parse_float(number) * (1 << _SIZE_UNITS[unit[:1]])
    except (NumberError, KeyError):
        raise bad from None
    if size < 0 or unit not in _UNIT_NAMES:
        raise bad
    return int(size) if size < 1 << 63 else -(1 << 63)


_UNIT_NAMES: Final = frozenset(["", "b"] + [letter + tail for letter in "kmgtp" for tail in ("", "b", "ib")])


def _check(mount: MountOptions) -> None:
    if mount.type not in ("secret", "ssh", "cache"):
        for option, value in (("mode", mount.mode), ("uid", mount.uid), ("gid", mount.gid)):
            if value is not None:
                raise DockerfileError(codes.MOUNT_OWNER, option=option, type=quote(mount.type))
    if mount.type == "secret":
        _check_secret(mount)
    if mount.sharing and mount.type != "cache":
        raise DockerfileError(codes.MOUNT_SHARING, type=mount.type)


def _check_secret(mount: MountOptions) -> None:
    problems = (
        (mount.origin != "", "secret mount should not have a from"),
        (mount.sharing != "", "secret mount should not define sharing"),
        (
            not (mount.source or mount.target or mount.id),
            "invalid secret mount. one of source, target required",
        ),
        (mount.source != "" and mount.id != "", "both source and id can't be set"),
    )
    for wrong, problem in problems:
        if wrong:
            raise DockerfileError(codes.MOUNT_SECRET, problem=problem)


def check_device(text: str) -> None:
    """Check the form of a `--device` value. Raises `DockerfileError`."""
    name = ""
    for field in csv_fields(text, "failed to parse csv devices"):
        key, equals, value = field.partition("=")
        key = key.lower()
        if key == "required":
            if equals:
                _bool(key, value)
        elif key == "name" and equals:
            if name:
                raise DockerfileError(codes.DEVICE, problem=f"device name already set to {name}")
            name = value
        elif not name:
            name = field
        elif not equals:
            raise DockerfileError(codes.MOUNT_FIELD, field=field)
        else:
            fault = DockerfileError(codes.MOUNT_KEY, key=key, where=f"in '{field}'")
            raise fault.suggesting(search(key, ("name", "required")))
