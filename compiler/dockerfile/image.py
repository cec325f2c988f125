"""Image configs, read and written as Go's OCI and Docker records do: unknown fields are dropped, order is fixed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache

from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.gotext import valid
from bakec.ir.codes.dockerfile import IMAGE_CONFIG
from bakec.ir.gojson import dumps
from bakec.ir.llb.graph import DEFAULT_PATH
from bakec.ir.llb.ops import NO_ENTRIES
from bakec.ir.platforms import Platform
from bakec.ir.records import NamedTuple
from bakec.ir.static import cast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Final, TypeAlias

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None


class HealthConfig(NamedTuple):
    """Durations in nanoseconds."""

    test: tuple[str, ...] = ()
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class History(NamedTuple):
    """One entry of the history; `created` is an RFC 3339 time or empty."""

    created: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False


class ImageConfig(NamedTuple):
    """A whole image config. `diff_ids` None is written as null."""

    created: str = ""
    author: str = ""
    architecture: str = ""
    os: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()
    variant: str = ""
    rootfs_type: str = ""
    diff_ids: tuple[str, ...] | None = None
    history: tuple[History, ...] = ()
    user: str = ""
    exposed_ports: frozenset[str] = frozenset()
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    volumes: frozenset[str] = frozenset()
    working_dir: str = ""
    labels: Mapping[str, str] = NO_ENTRIES
    stop_signal: str = ""
    args_escaped: bool = False
    healthcheck: HealthConfig | None = None
    on_build: tuple[str, ...] = ()
    shell: tuple[str, ...] = ()

    @property
    def platform(self) -> Platform:
        return Platform(
            os=self.os,
            architecture=self.architecture,
            variant=self.variant,
            os_version=self.os_version,
            os_features=self.os_features,
        )

    def with_platform(self, platform: Platform) -> ImageConfig:
        return self._replace(
            os=platform.os,
            architecture=platform.architecture,
            variant=platform.variant,
            os_version=platform.os_version,
            os_features=platform.os_features,
        )

    @property
    def has_path(self) -> bool:
        return any(entry.split("=", 1)[0] == "PATH" for entry in self.env)


def empty_config(platform: Platform) -> ImageConfig:
    """The config of an image made from scratch."""
    env = () if platform.os == "windows" else (f"PATH={DEFAULT_PATH}",)
    return ImageConfig(rootfs_type="layers", working_dir="/", env=env).with_platform(platform)


def set_env(env: tuple[str, ...], key: str, value: str) -> tuple[str, ...]:
    """`env` with the first entry of `key` replaced, or a new one at the end."""
    entry = f"{key}={value}"
    for at, old in enumerate(env):
        if old.split("=", 1)[0] == key:
            return (*env[:at], entry, *env[at + 1 :])
    return (*env, entry)


_FOUR_DIGITS = re.compile(r"[0-9]{4}-")


def to_json(config: ImageConfig) -> bytes:
    """The bytes of `containerimage.config`. Raises `DockerfileError` for a time that RFC 3339 cannot hold."""
    if not all(_FOUR_DIGITS.match(entry.created or "0000-") for entry in config.history):
        problem = "json: error calling MarshalJSON for type *time.Time: year outside of range [0,9999]"
        raise DockerfileError(IMAGE_CONFIG, problem=f"failed to marshal image config: {problem}")
    root = _filled(("created", config.created), ("author", config.author))
    root["architecture"], root["os"] = config.architecture, config.os
    root |= _filled(
        ("os.version", config.os_version),
        ("os.features", list(config.os_features)),
        ("variant", config.variant),
    )
    diff_ids: Json = None if config.diff_ids is None else list(config.diff_ids)
    root["rootfs"] = {"type": config.rootfs_type, "diff_ids": diff_ids}
    root |= _filled(("history", [_history_json(entry) for entry in config.history]))
    inner = _filled(
        ("User", config.user),
        ("ExposedPorts", {port: {} for port in sorted(config.exposed_ports)}),
        ("Env", list(config.env)),
        ("Entrypoint", list(config.entrypoint)),
        ("Cmd", list(config.cmd)),
        ("Volumes", {path: {} for path in sorted(config.volumes)}),
        ("WorkingDir", config.working_dir),
        ("Labels", {key: config.labels[key] for key in sorted(config.labels)}),
        ("StopSignal", config.stop_signal),
        ("ArgsEscaped", config.args_escaped),
    )
    if config.healthcheck is not None:
        inner["Healthcheck"] = _health_json(config.healthcheck)
    inner |= _filled(("OnBuild", list(config.on_build)), ("Shell", list(config.shell)))
    root["config"] = inner
    return dumps(root).encode()


def _filled(*rows: tuple[str, object]) -> dict[str, Json]:
    return {key: cast("Json", value) for key, value in rows if value}


def _history_json(entry: History) -> Json:
    return _filled(
        ("created", entry.created),
        ("created_by", entry.created_by),
        ("author", entry.author),
        ("comment", entry.comment),
        ("empty_layer", entry.empty_layer),
    )


def _health_json(health: HealthConfig) -> Json:
    return _filled(
        ("Test", list(health.test)),
        ("Interval", health.interval),
        ("Timeout", health.timeout),
        ("StartPeriod", health.start_period),
        ("StartInterval", health.start_interval),
        ("Retries", health.retries),
    )


class _MismatchError(ValueError):
    """A JSON value of the wrong type, in Go's words."""


_Reader: TypeAlias = Callable[[Json, str], object]


def _kind(value: Json) -> str:
    match value:
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _mismatch(value: Json, where: str, wanted: str) -> _MismatchError:
    return _MismatchError(f"json: cannot unmarshal {_kind(value)} into Go struct field {where} of type {wanted}")


def _text(value: Json, where: str) -> str:
    if not isinstance(value, str):
        raise _mismatch(value, where, "string")
    return valid(value)


def _flag(value: Json, where: str) -> bool:
    if not isinstance(value, bool):
        raise _mismatch(value, where, "bool")
    return value


def _integer(value: Json, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _mismatch(value, where, "int")
    return value


def _texts(value: Json, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _mismatch(value, where, "[]string")
    return tuple("" if item is None else _text(item, where) for item in value)


def _set(value: Json, where: str) -> frozenset[str]:
    if not isinstance(value, dict):
        raise _mismatch(value, where, "map[string]struct {}")
    return frozenset(map(valid, value))


def _map(value: Json, where: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _mismatch(value, where, "map[string]string")
    return {valid(key): "" if item is None else _text(item, where) for key, item in value.items()}


_TIME = re.compile(
    r"(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)"
    r"(?:[.,](\d+))?(Z|[+-](?:[01]\d|2[0-4]):[0-5]\d)",
    re.ASCII,
)


def _time(value: Json, where: str) -> str:
    """An RFC 3339 time as Go prints it: at most nine digits of a second, none of them trailing zeros."""
    text = _text(value, where)
    match = _TIME.fullmatch(text)
    if match is None:
        raise _MismatchError(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse')
    fraction = (match[2] or "")[:9].rstrip("0")
    zone = "Z" if match[3][1:] == "00:00" else match[3]
    return match[1] + (f".{fraction}" if fraction else "") + zone


def _health(value: Json, where: str) -> HealthConfig:
    return HealthConfig(**_fields(value, _HEALTH, where))  # type: ignore[arg-type]


def _history(value: Json, where: str) -> tuple[History, ...]:
    if not isinstance(value, list):
        raise _mismatch(value, where, "[]v1.History")
    entries = ({} if item is None else _fields(item, _HISTORY, where) for item in value)
    return tuple(History(**entry) for entry in entries)  # type: ignore[arg-type]


_HEALTH: Final[dict[str, tuple[str, _Reader]]] = {
    "test": ("test", _texts),
    "interval": ("interval", _integer),
    "timeout": ("timeout", _integer),
    "startperiod": ("start_period", _integer),
    "startinterval": ("start_interval", _integer),
    "retries": ("retries", _integer),
}
_HISTORY: Final[dict[str, tuple[str, _Reader]]] = {
    "created": ("created", _time),
    "created_by": ("created_by", _text),
    "author": ("author", _text),
    "comment": ("comment", _text),
    "empty_layer": ("empty_layer", _flag),
}
_ROOTFS: Final[dict[str, tuple[str, _Reader]]] = {
    "type": ("rootfs_type", _text),
    "diff_ids": ("diff_ids", _texts),
}
_CONFIG: Final[dict[str, tuple[str, _Reader]]] = {
    "user": ("user", _text),
    "exposedports": ("exposed_ports", _set),
    "env": ("env", _texts),
    "entrypoint": ("entrypoint", _texts),
    "cmd": ("cmd", _texts),
    "volumes": ("volumes", _set),
    "workingdir": ("working_dir", _text),
    "labels": ("labels", _map),
    "stopsignal": ("stop_signal", _text),
    "argsescaped": ("args_escaped", _flag),
    "healthcheck": ("healthcheck", _health),
    "onbuild": ("on_build", _texts),
    "shell": ("shell", _texts),
}
_ROOT: Final[dict[str, tuple[str, _Reader]]] = {
    "created": ("created", _time),
    "author": ("author", _text),
    "architecture": ("architecture", _text),
    "os": ("os", _text),
    "os.version": ("os_version", _text),
    "os.features": ("os_features", _texts),
    "variant": ("variant", _text),
    "history": ("history", _history),
}


def _fields(value: Json, table: Mapping[str, tuple[str, _Reader]], where: str) -> dict[str, object]:
    """The known fields of an object; names in any case, null is as if absent."""
    if not isinstance(value, dict):
        raise _mismatch(value, where, "struct")
    found: dict[str, object] = {}
    for key, item in value.items():
        row = table.get(key.lower())
        if row is not None and item is not None:
            found[row[0]] = row[1](item, f"{where}.{key}")
    return found


def _merge_pairs(pairs: Iterable[tuple[str, Json]]) -> dict[str, Json]:
    """An object whose repeated keys are merged where both are objects, as decoding into one record does."""
    merged: dict[str, Json] = {}
    for key, value in pairs:
        old = merged.get(key)
        merged[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


@lru_cache(maxsize=256)
def from_json(data: bytes) -> ImageConfig:
    """Read an image config, which many targets share. Raises `DockerfileError`."""
    try:
        value = cast("Json", json.loads(data.decode("utf-8", "surrogateescape"), object_pairs_hook=_merge_pairs))
        root = _fields(value, _ROOT, "DockerOCIImage")
        if isinstance(value, dict):
            for key, item in value.items():
                if key.lower() == "config" and item is not None:
                    root |= _fields(item, _CONFIG, "DockerOCIImage.config")
                elif key.lower() == "rootfs" and item is not None:
                    root |= _fields(item, _ROOTFS, "DockerOCIImage.rootfs")
    except (ValueError, RecursionError) as error:
        raise DockerfileError(IMAGE_CONFIG, problem=str(error)) from None
    return ImageConfig(**root)  # type: ignore[arg-type]
