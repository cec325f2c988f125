"""The build options a client sends to the frontend (`frontend attrs`), read once into one record."""

from __future__ import annotations

import ipaddress
import json
import re

from bakec.compiler.dockerfile.faults import DockerfileError, csv_fields
from bakec.compiler.dockerfile.lint import parse_options
from bakec.compiler.jsontext import problem as json_problem
from bakec.ir import platforms
from bakec.ir.codes.dockerfile import CAPABILITY, OPTION
from bakec.ir.llb import references
from bakec.ir.llb.ops import HostIP, LinuxResources, Ulimit
from bakec.ir.quoting import quote
from bakec.ir.records import dataclass
from bakec.ir.strconv import NumberError, int_or_none, is_true, parse_bool, parse_int, parse_uint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from bakec.compiler.dockerfile.lint import LintOptions
    from bakec.ir.platforms import Platform

_ARG: Final = "build-arg:"
_NETWORKS: Final = {"": 0, "sandbox": 0, "host": 1, "none": 2}
_CAPABILITIES: Final = frozenset(
    f"moby.buildkit.frontend.{name}" for name in ("inputs", "subrequests", "contexts", "gitquerystring")
)
_ULIMITS: Final = frozenset(
    [
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ]
)
_MAX_CPU: Final = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the attrs say. `no_cache` None: no stage, empty: all stages. `attrs` are the attrs with the few the
    frontend itself sets."""

    attrs: Mapping[str, str]
    build_args: Mapping[str, str]
    labels: Mapping[str, str]
    target: str
    platforms: tuple[Platform, ...]
    multi_platform: bool
    resolve_mode: str
    extra_hosts: tuple[HostIP, ...]
    hostname: str
    shm_size: int
    ulimits: tuple[Ulimit, ...]
    cgroup_parent: str
    resources: LinuxResources | None
    network: int
    no_cache: tuple[str, ...] | None
    cache_namespace: str
    lint: LintOptions | None
    local_sessions: Mapping[str, str]
    cache_imports: tuple[tuple[str, Mapping[str, str]], ...] = ()
    scanner: tuple[str, Mapping[str, str]] | None = None

    def ignores_cache(self, stage: str) -> bool:
        if not self.no_cache:
            return self.no_cache is not None
        return stage.lower() in (name.lower() for name in self.no_cache)


def _bad(problem: str) -> DockerfileError:
    return DockerfileError(OPTION, problem=problem)


def read_options(given: Mapping[str, str], missing_caps: frozenset[str], host: Platform) -> Options:
    """Read the attrs of a build. Raises `DockerfileError`."""
    attrs = dict(given)
    _check_minimum(attrs, missing_caps)
    targets = _platforms(attrs.get("platform", ""), host)
    mode = attrs.get("image-resolve-mode", "") or "default"
    if mode not in ("default", "pull", "local"):
        raise _bad(f"invalid image-resolve-mode: {mode}")
    hosts = _extra_hosts(attrs.get("add-hosts", ""))
    shm_size = _shm_size(attrs.get("shm-size", ""))
    ulimits = _ulimits(attrs.get("ulimit", ""))
    resources = _resources(attrs)
    network = attrs.get("force-network-mode", "")
    if network not in _NETWORKS:
        raise _bad(f"invalid netmode {network}")
    multi_platform = _multi_platform(attrs, targets)
    cache_imports = _cache_imports(attrs)
    scanner = _scanner(attrs)
    if attrs.get("build-arg:BUILDKIT_SANDBOX_HOSTNAME"):
        attrs["hostname"] = attrs["build-arg:BUILDKIT_SANDBOX_HOSTNAME"]
    no_cache = attrs.get("no-cache")
    return Options(
        attrs=attrs,
        build_args=_prefixed(attrs, _ARG),
        labels=_prefixed(attrs, "label:"),
        target=attrs.get("target", ""),
        platforms=targets,
        multi_platform=multi_platform,
        resolve_mode=mode,
        extra_hosts=hosts,
        hostname=attrs.get("hostname", ""),
        shm_size=shm_size,
        ulimits=ulimits,
        cgroup_parent=attrs.get("cgroup-parent", ""),
        resources=resources,
        network=_NETWORKS[network],
        no_cache=None if no_cache is None else tuple(filter(None, [no_cache])) and tuple(no_cache.split(",")),
        cache_namespace=attrs.get("build-arg:BUILDKIT_CACHE_MOUNT_NS", ""),
        lint=_lint(attrs),
        local_sessions=_prefixed(attrs, "local-sessionid:"),
        cache_imports=cache_imports,
        scanner=scanner,
    )


def _prefixed(attrs: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): attrs[key] for key in sorted(attrs) if key.startswith(prefix)}


def check_capabilities(attrs: Mapping[str, str]) -> tuple[bool, DockerfileError | None]:
    """Whether the file may be forwarded to another frontend, and what this one lacks of `frontend.caps`."""
    fault = None
    for cap in attrs.get("frontend.caps", "").split(",") if attrs.get("frontend.caps") else ():
        name = cap.split("+", 1)[0]
        if name not in _CAPABILITIES:
            fault = DockerfileError(CAPABILITY, name=name)
            if "+forward" not in cap:
                return False, fault
    return fault is not None, fault


def _check_minimum(attrs: Mapping[str, str], missing_caps: frozenset[str]) -> None:
    if "file.base" in missing_caps:
        raise _bad("needs BuildKit 0.5 or later: requested capability file.base not supported")
    if attrs.get("override-copy-image"):
        raise _bad('support for "override-copy-image" was removed in BuildKit 0.11')
    if is_true(attrs.get("build-arg:BUILDKIT_DISABLE_FILEOP", "")):
        raise _bad('support for "BUILDKIT_DISABLE_FILEOP" build-arg was removed in BuildKit 0.11')


def _platforms(text: str, host: Platform) -> tuple[Platform, ...]:
    found = []
    for name in text.split(",") if text else ():
        try:
            found.append(platforms.normalize(platforms.parse(name, host)))
        except platforms.PlatformError as error:
            raise _bad(f"failed to parse target platform {name}: {error}") from None
    return tuple(found)


def _multi_platform(attrs: dict[str, str], targets: tuple[Platform, ...]) -> bool:
    if attrs.get("build-arg:BUILDKIT_MULTI_PLATFORM"):
        attrs["multi-platform"] = attrs["build-arg:BUILDKIT_MULTI_PLATFORM"]
    several = len(targets) > 1
    text = attrs.get("multi-platform", "")
    if not text:
        return several
    try:
        wanted = parse_bool(text)
    except NumberError:
        raise _bad(f"invalid boolean value for multi-platform: {text}") from None
    if several and not wanted:
        raise _bad("conflicting config: returning multiple target platforms is not allowed")
    return wanted


def _extra_hosts(text: str) -> tuple[HostIP, ...]:
    hosts = []
    for row in csv_fields(text, "failed to parse additional hosts") if text else ():
        host, equals, address = row.lower().partition("=")
        if not equals:
            raise _bad(f"failed to parse additional hosts: invalid key-value pair {row}")
        ip = format_ip(address)
        if not ip:
            raise _bad(f"failed to parse additional hosts: failed to parse IP {address}")
        hosts.append(HostIP(host=host, ip=ip))
    return tuple(hosts)


def format_ip(text: str) -> str:
    """An address as Go prints it; empty for text that is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if "%" in text:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _shm_size(text: str) -> int:
    if not text:
        return 0
    try:
        return parse_int(text)
    except NumberError as error:
        raise _bad(f"failed to parse shm size: {error}") from None


def _ulimits(text: str) -> tuple[Ulimit, ...]:
    rows = csv_fields(text, "failed to parse ulimit") if text else []
    return tuple(_ulimit(row) for row in rows)


def _ulimit(row: str) -> Ulimit:
    name, equals, limits = row.partition("=")
    problem = "failed to parse ulimit"
    if not equals:
        raise _bad(f"{problem}: invalid ulimit argument: {row}")
    if name not in _ULIMITS:
        raise _bad(f"{problem}: invalid ulimit type: {name}")
    parts = limits.split(":")
    if len(parts) > 2:
        raise _bad(f"{problem}: too many limit value arguments - {limits}, can only have up to two, `soft[:hard]`")
    try:
        hard = parse_int(parts[-1])
        soft = parse_int(parts[0])
    except NumberError as error:
        raise _bad(f"{problem}: {error}") from None
    if hard != -1 and (soft == -1 or soft > hard):
        text = f"soft: -1 (unlimited), hard: {hard}" if soft == -1 else f"{soft} > {hard}"
        raise _bad(f"{problem}: ulimit soft limit must be less than or equal to hard limit: {text}")
    return Ulimit(name=name, soft=soft, hard=hard)


@dataclass(frozen=True, slots=True)
class _Limit:
    """One numeric resource option: its attr, the field it fills, whether it is signed, and what it must be."""

    attr: str
    name: str
    signed: bool = True
    unlimited: bool = False


_LIMITS: Final = (
    _Limit("memory", "memory"),
    _Limit("memswap", "memory_swap", unlimited=True),
    _Limit("cpushares", "cpu_shares", signed=False),
    _Limit("cpuperiod", "cpu_period", signed=False),
    _Limit("cpuquota", "cpu_quota"),
)


def _resources(attrs: Mapping[str, str]) -> LinuxResources | None:
    numbers = {limit.name: _limit(limit, attrs[limit.attr]) for limit in _LIMITS if attrs.get(limit.attr)}
    sets = {}
    for attr in ("cpusetcpus", "cpusetmems"):
        if attrs.get(attr):
            sets[attr] = _cpuset(attr, attrs[attr])
    if not numbers and not sets:
        return None
    return LinuxResources(
        memory=numbers.get("memory", 0),
        memory_swap=numbers.get("memory_swap", 0),
        cpu_shares=numbers.get("cpu_shares", 0),
        cpu_period=numbers.get("cpu_period", 0),
        cpu_quota=numbers.get("cpu_quota", 0),
        cpuset_cpus=sets.get("cpusetcpus", ""),
        cpuset_mems=sets.get("cpusetmems", ""),
    )


def _limit(limit: _Limit, text: str) -> int:
    prefix = f"failed to parse resource limits: invalid {limit.attr} value: {text}"
    try:
        number = parse_int(text) if limit.signed else parse_uint(text)
    except NumberError as error:
        raise _bad(f"{prefix}: {error}") from None
    if limit.unlimited and (number < -1 or number == 0):
        raise _bad(f"{prefix}: must be -1 (unlimited) or > 0")
    if number <= 0 and not limit.unlimited:
        raise _bad(f"{prefix}: must be > 0")
    return number


_RANGE = re.compile(r"([^-]*)-(.*)", re.DOTALL)


def _cpuset(attr: str, text: str) -> str:
    for part in filter(None, (part.strip() for part in text.split(","))):
        problem = _cpuset_problem(part)
        if problem:
            raise _bad(f"failed to parse resource limits: invalid {attr} value: {text}: {problem}")
    return text


def _cpuset_problem(part: str) -> str:
    span = _RANGE.fullmatch(part)
    if span is None:
        number = int_or_none(part)
        if number is None or number < 0:
            return f"invalid cpuset element {quote(part)}"
        return f"cpuset element {quote(part)} exceeds maximum {_MAX_CPU}" if number > _MAX_CPU else ""
    low, high = int_or_none(span[1].strip()), int_or_none(span[2].strip())
    if low is None or high is None or low < 0 or high < low:
        return f"invalid cpuset range {quote(part)}"
    return f"cpuset range {quote(part)} exceeds maximum {_MAX_CPU}" if high > _MAX_CPU else ""


def _cache_imports(attrs: Mapping[str, str]) -> tuple[tuple[str, Mapping[str, str]], ...]:
    found: list[tuple[str, Mapping[str, str]]] = []
    text = attrs.get("cache-imports", "")
    if text:
        try:
            rows = json.loads(text)
            if isinstance(rows, dict):
                raise TypeError("an object is no list")
            found += [(_key(row, "type"), dict(row.get("Attrs") or row.get("attrs") or {})) for row in rows]
        except (ValueError, TypeError, AttributeError, RecursionError):
            reason = json_problem(text, "[]*moby_buildkit_v1.CacheOptionsEntry")
            raise _bad(f"failed to unmarshal cache-imports ({quote(text)}): {reason}") from None
    found += [("registry", {"ref": ref}) for ref in attrs.get("cache-from", "").split(",") if ref]
    return tuple(found)


def _key(row: Mapping[str, str], name: str) -> str:
    return next((str(value) for key, value in row.items() if key.lower() == name), "")


def _scanner(attrs: Mapping[str, str]) -> tuple[str, Mapping[str, str]] | None:
    """The SBOM scanner asked for by an `attest:` attr: its image and its parameters."""
    asked: dict[str, dict[str, str]] = {}
    for key in sorted(attrs):
        for prefix in ("attest:", "build-arg:BUILDKIT_ATTEST_"):
            if key.startswith(prefix):
                kind = key.removeprefix(prefix).lower()
                asked[kind] = _attestation(kind, attrs[key])
    for kind in asked:
        if kind not in ("sbom", "provenance"):
            raise _bad(f"unknown attestation type {quote(kind)}")
    if "sbom" not in asked:
        return None
    parameters = asked["sbom"]
    generator = parameters.pop("generator")
    try:
        image = str(references.parse_normalized(generator).tagged())
    except references.ImageNameError as error:
        raise _bad(f"failed to parse sbom scanner {generator}: {error}") from None
    return image, parameters


def _attestation(kind: str, text: str) -> dict[str, str]:
    values = {"generator": "docker/buildkit-syft-scanner:stable-1"} if kind == "sbom" else {}
    for row in csv_fields(text, f"failed to parse {kind}") if text else ():
        key, _, value = row.partition("=")
        values[key] = value
    return values


def _lint(attrs: Mapping[str, str]) -> LintOptions | None:
    text = attrs.get("build-arg:BUILDKIT_DOCKERFILE_CHECK")
    if text is None:
        return None
    try:
        return parse_options(text)
    except DockerfileError as fault:
        raise fault.within("failed to parse build-arg:BUILDKIT_DOCKERFILE_CHECK") from None
