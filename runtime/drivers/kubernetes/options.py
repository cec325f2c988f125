"""The driver options of a builder in Kubernetes: one row of `OPTIONS` each."""

from __future__ import annotations

from collections.abc import Callable

from bakec.ir.durations import parse_duration
from bakec.ir.quoting import quote
from bakec.ir.records import dataclass, field
from bakec.ir.strconv import NumberError, parse_bool, parse_int
from bakec.runtime.drivers.kubernetes.quantities import canonical

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

IMAGE: Final = "moby/buildkit:buildx-stable-1"
ROOTLESS_IMAGE: Final = "moby/buildkit:buildx-stable-1-rootless"
QEMU_IMAGE: Final = "tonistiigi/binfmt:latest"
SECOND: Final = 1_000_000_000
PLATFORM_ANNOTATION: Final = "buildx.docker.com/platform"
APP_LABEL: Final = "app"


class OptionError(ValueError):
    """An option that makes no sense; the message is the reference's, with the option's name where that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the options say. A field is called as its option, with `_` for `.` and `-`; amounts are quantities of
    Kubernetes, empty where they were not given."""

    image: str = ""
    namespace: str = ""
    replicas: int = 1
    requests_cpu: str = ""
    requests_memory: str = ""
    requests_ephemeral_storage: str = ""
    limits_cpu: str = ""
    limits_memory: str = ""
    limits_ephemeral_storage: str = ""
    persistent_volume_claim_requests_storage: str = ""
    buildkit_root_volume_memory: str = ""
    rootless: bool = False
    schedulername: str = ""
    serviceaccount: str = ""
    nodeselector: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, object], ...] = ()
    loadbalance: str = "sticky"
    qemu_install: bool = False
    qemu_image: str = QEMU_IMAGE
    default_load: bool = False
    timeout: float = 120.0
    """Seconds until the pods must be ready."""
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_spread(self) -> bool:
        """Connections may lead to different pods."""
        return self.loadbalance == "random"


def read(options: Mapping[str, str]) -> Settings:
    """Raises `OptionError`."""
    values: dict[str, Any] = {}
    for name, text in options.items():
        if name.startswith("env."):
            continue
        row = OPTIONS.get(name)
        if row is None:
            raise OptionError(f"invalid driver option {name} for driver kubernetes")
        if text or row not in (_text, canonical):
            values[name.replace(".", "_").replace("-", "_")] = _value(name, row, text)
    values.setdefault("image", ROOTLESS_IMAGE if "rootless" in options and "image" not in options else IMAGE)
    return Settings(**values, env=_env(options))


def _value(name: str, row: Reader, text: str) -> object:
    try:
        return row(text)
    except OptionError:
        raise
    except ValueError as error:
        raise OptionError(f"{PROBLEMS.get(name, name)}: {error}") from error


def _env(options: Mapping[str, str]) -> dict[str, str]:
    """Of the daemon, by name: the options are a mapping, so they have no order of their own."""
    if "env." in options:
        raise OptionError('invalid env option "env.", expecting env.FOO=bar')
    return {name[4:]: value for name, value in sorted(options.items()) if name.startswith("env.")}


# Readers of values


def _text(text: str) -> str:
    return text


def _replicas(text: str) -> int:
    return parse_int(text, 32)


def _seconds(text: str) -> float:
    return parse_duration(text) / SECOND


def _pairs(text: str) -> dict[str, str]:
    pairs = [pair.split("=") for pair in text.strip('"').split(",")]
    for pair in pairs:
        if len(pair) != 2:
            raise ValueError(f"invalid key-value pair: {'='.join(pair)}")
    return {key: value for key, value in pairs}  # noqa: C416 - a pair is a list here


def _free_of(reserved: str, kind: str) -> Reader:
    def read_pairs(text: str) -> dict[str, str]:
        pairs = _pairs(text)
        if reserved in pairs:
            raise OptionError(f'the {kind} "{reserved}" is reserved and cannot be customized')
        return pairs

    return read_pairs


def _balance(text: str) -> str:
    if text not in ("sticky", "random"):
        raise OptionError(f"invalid loadbalance {quote(text)}")
    return text


def _tolerations(text: str) -> tuple[Mapping[str, object], ...]:
    return tuple(_toleration(item, text) for item in text.split(";"))


def _toleration(item: str, whole: str) -> Mapping[str, object]:
    found: dict[str, object] = {}
    for part in item.split(","):
        key, *values = part.split("=")
        if len(values) != 1:
            continue  # as the reference does: what is no pair does not count
        if key not in ("key", "operator", "value", "effect", "tolerationSeconds"):
            raise OptionError(f"invalid tolaration {quote(whole)}")
        found[key] = _atoi(values[0]) if key == "tolerationSeconds" else values[0]
    return {key: value for key, value in found.items() if value != ""}


def _atoi(text: str) -> int:
    try:
        return parse_int(text)
    except NumberError as error:
        raise ValueError(str(error).replace("ParseInt", "Atoi")) from error


Reader = Callable[[str], object]
OPTIONS: Final[Mapping[str, Reader]] = {
    "image": _text,
    "namespace": _text,
    "replicas": _replicas,
    "requests.cpu": canonical,
    "requests.memory": canonical,
    "requests.ephemeral-storage": canonical,
    "limits.cpu": canonical,
    "limits.memory": canonical,
    "limits.ephemeral-storage": canonical,
    "persistent-volume-claim.requests.storage": canonical,
    "buildkit-root-volume-memory": canonical,
    "rootless": parse_bool,
    "schedulername": _text,
    "serviceaccount": _text,
    "nodeselector": _pairs,
    "annotations": _free_of(PLATFORM_ANNOTATION, "annotation"),
    "labels": _free_of(APP_LABEL, "label"),
    "tolerations": _tolerations,
    "loadbalance": _balance,
    "qemu.install": parse_bool,
    "qemu.image": _text,
    "default-load": parse_bool,
    "timeout": _seconds,
}
"""Option -> how its value is read. `env.NAME` is an option for each name."""
PROBLEMS: Final = {
    "nodeselector": "cannot parse node selector",
    "annotations": "cannot parse annotations",
    "labels": "cannot parse labels",
    "timeout": "cannot parse timeout",
}
"""Option -> how the reference calls its mistakes, where it does."""
