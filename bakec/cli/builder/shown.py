"""Builders and their nodes as text and as JSON, in the words of buildx."""

from __future__ import annotations

import base64

from bakec.ir import platforms
from bakec.ir.durations import SECOND, format_duration
from bakec.ir.platforms import full_name
from bakec.runtime import amounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import Any, Final

    from bakec.runtime.manage import BuilderState, Daemon, NodeState

FEATURES: Final = {
    "default_load": "Automatically load images to the Docker Engine image store",
    "cache_export": "Cache export",
    "direct_push": "Direct push",
    "docker_exporter": "Docker exporter",
    "multi_platform": "Multi-platform build",
    "oci_exporter": "OCI exporter",
}
"""What `Features` says, as buildx calls it."""
SIZES: Final = (
    ("reservedSpace", "Reserved Space"),
    ("maxUsedSpace", "Max Used Space"),
    ("minFreeSpace", "Min Free Space"),
)
MAJOR: Final = tuple(f"linux/{arch}" for arch in ("amd64", "arm64", "arm", "ppc64le", "s390x", "riscv64", "mips64"))
"""Platforms that are named first where not all are."""
SHOWN: Final = 4
NEVER: Final = "0001-01-01T00:00:00Z"


def platform_names(node: NodeState) -> list[str]:
    """Those that the store says, with a star, and then those of the daemon."""
    own = [full_name(platforms.normalize(one)) for one in node.stored.platforms or ()]
    more = map(full_name, node.daemon.platforms if node.daemon else ())
    return [f"{name}*" for name in dict.fromkeys(own)] + [name for name in dict.fromkeys(more) if name not in own]


def shortened(names: Sequence[str]) -> str:
    """Four groups of platforms at most: an architecture with the number of its variants."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault("/".join(name.rstrip("*").split("/")[:2]), []).append(name)
    order = [*(one for one in MAJOR if one in groups), *sorted(one for one in groups if one not in MAJOR)]
    shown = order[:SHOWN]
    texts = [_group(one, groups[one]) for one in shown]
    left = len(names) - sum(len(groups[one]) for one in shown)
    return ", ".join([*texts, f"({left} more)"] if left else texts)


def _group(name: str, members: Sequence[str]) -> str:
    if len(members) == 1:
        return members[0]
    return f"{name}{'*' if any(one.endswith('*') for one in members) else ''} (+{len(members)})"


def as_object(state: BuilderState) -> dict[str, Any]:
    """What buildx prints of a builder as JSON."""
    activity = state.activity
    return {
        "Name": state.stored.name,
        "Driver": state.stored.driver,
        "LastActivity": _time(activity) if activity else NEVER,
        "Dynamic": state.stored.is_dynamic,
        "Nodes": [dict(sorted(_node_object(node).items())) for node in state.nodes],
        **({"Err": state.error} if state.error else {}),
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _node_object(node: NodeState) -> dict[str, Any]:
    stored, daemon = node.stored, node.daemon
    files = {name: base64.b64encode(data).decode() for name, data in sorted((stored.files or {}).items())}
    own = [full_name(platforms.normalize(one)) for one in stored.platforms or ()]
    found: dict[str, Any] = {
        "Flags": list(stored.flags or ()),
        "DriverOpts": dict(sorted((stored.options or {}).items())),
        "Files": files,
        "Err": node.error,
        "Platforms": list(dict.fromkeys([*own, *map(full_name, daemon.platforms if daemon else ())])),
        **(_daemon_object(daemon) if daemon else {}),
    }
    filled = {key: value for key, value in found.items() if value}
    return {"Name": stored.name, "Endpoint": stored.endpoint, "Status": node.status, **filled}


def _daemon_object(daemon: Daemon) -> dict[str, Any]:
    return {
        "Version": daemon.version,
        "IDs": list(daemon.ids),
        "Labels": dict(sorted(daemon.labels.items())),
        "GCPolicy": [
            {
                "all": policy.all,
                "filter": list(policy.filters) or None,
                "keepDuration": policy.keepDuration,
                "maxUsedSpace": policy.maxUsedSpace,
                "minFreeSpace": policy.minFreeSpace,
                "reservedSpace": policy.reservedSpace,
            }
            for policy in daemon.policies
        ],
    }


# As text: cells, of which those after the first are aligned


def as_lines(state: BuilderState) -> Iterator[Sequence[str]]:
    yield "Name:", state.stored.name
    yield "Driver:", state.stored.driver
    if state.activity:
        yield "Last Activity:", state.activity.strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
    yield ("",)
    yield ("Nodes:",)
    for index, node in enumerate(state.nodes):
        if index:
            yield ("",)
        yield from _node_lines(node)


def _node_lines(node: NodeState) -> Iterator[Sequence[str]]:
    stored = node.stored
    yield "Name:", stored.name
    yield "Endpoint:", stored.endpoint
    if stored.options:
        yield "Driver Options:", " ".join(f'{key}="{value}"' for key, value in sorted(stored.options.items()))
    if node.error:
        yield "Error:", node.error
        return
    yield "Status:", node.status
    if stored.flags:
        yield "BuildKit daemon flags:", " ".join(stored.flags)
    if node.daemon and node.daemon.version:
        yield "BuildKit version:", node.daemon.version
    if names := platform_names(node):
        yield "Platforms:", ", ".join(names)
    if node.features:
        yield ("Features:",)
        yield from (("", f"{title}:", _bool(getattr(node.features, field))) for field, title in FEATURES.items())
    if node.daemon:
        yield from _daemon_lines(node.daemon)
    for name, data in sorted((stored.files or {}).items()):
        yield (f"File#{name}:",)
        yield from (("", f"> {line}") for line in data.decode(errors="replace").split("\n"))


def _daemon_lines(daemon: Daemon) -> Iterator[Sequence[str]]:
    if daemon.labels:
        yield ("Labels:",)
        yield from _pairs(daemon.labels)
    if daemon.devices:
        yield ("Devices:",)
    for device in daemon.devices:
        yield "", "Name:", device.Name
        yield ("", "On-Demand:", "true") if device.OnDemand else ("", "Automatically allowed:", _bool(device.AutoAllow))
        if device.Annotations:
            yield "", "Annotations:"
            yield from (("", "", f"{key}:", value) for key, value in sorted(device.Annotations.items()))
    for number, policy in enumerate(daemon.policies):
        yield (f"GC Policy rule#{number}:",)
        yield "", "All:", _bool(policy.all)
        if policy.filters:
            yield "", "Filters:", " ".join(policy.filters)
        if policy.keepDuration > 0:
            yield "", "Keep Duration:", format_duration(policy.keepDuration // SECOND * SECOND)
        for field, title in SIZES:
            if getattr(policy, field) > 0:
                yield "", f"{title}:", amounts.binary_size(getattr(policy, field))


def _pairs(found: Mapping[str, str]) -> Iterable[Sequence[str]]:
    return (("", f"{key}:", value) for key, value in sorted(found.items()))


def _bool(value: object) -> str:
    return "true" if value else "false"
