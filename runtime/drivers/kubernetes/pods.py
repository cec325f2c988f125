"""Which pod serves a connection, and why others do not."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final

Pod = Mapping[str, Any]
"""A pod, or an event, as the API gives it."""

_ON_ITS_WAY: Final = ("ContainerCreating", "PodInitializing", "")
"""Reasons to wait that tell nothing."""


def name_of(thing: Pod) -> str:
    return str(thing["metadata"]["name"])


def usable(pods: Iterable[Pod]) -> list[Pod]:
    """Those that can be built on, by name: all that run, but for those that are not ready while others are. A pod that
    is being deleted still runs, and will not for long."""
    running = [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Running"]
    staying = sorted((pod for pod in running if not pod["metadata"].get("deletionTimestamp")), key=name_of)
    return [pod for pod in staying if _is_ready(pod)] or staying


def _is_ready(pod: Pod) -> bool:
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in _conditions(pod))


def _conditions(thing: Pod) -> Iterable[Mapping[str, Any]]:
    return (thing.get("status") or {}).get("conditions") or ()


def sticky(names: Sequence[str], key: str) -> str:
    """The name that `key` is for, as the reference's ring of hashes gives it: the same one again while it is there,
    and another one for few keys when names come or go. `names` is not empty."""
    mine = _point(key)
    points = sorted((_point(f"{name}-0"), name) for name in names)
    return next((name for point, name in points if point > mine), points[0][1])


def _point(text: str) -> tuple[int, int]:
    high, low = struct.unpack(
        "<qq", hashlib.md5(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).digest()
    )
    return high, low


def conditions_of(workload: Mapping[str, Any]) -> Iterator[str]:
    """What a workload says about pods that it could not make, or is not asked for."""
    name = name_of(workload)
    if not (workload.get("spec") or {}).get("replicas", 1):
        yield f"{name}: is scaled to zero"
    for condition in _conditions(workload):
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            yield f"{name}: {_sentence(condition)}"


def troubles(pods: Iterable[Pod], events: Iterable[Pod] = ()) -> list[str]:
    """Why pods are not ready, one line a reason. Events, of which there are many and old ones, speak for what says
    nothing itself: a pod that waits for a volume, a workload that cannot make pods."""
    found = {name_of(pod): list(_troubles_of(pod)) for pod in sorted(pods, key=name_of)}
    told = [line for lines in found.values() for line in lines]
    for event in sorted(events, key=_last_seen):
        name = str(event["involvedObject"]["name"])
        if not found.get(name):
            told.append(f"{name}: {_sentence(event)}")
    return list(dict.fromkeys(told))


def _last_seen(event: Pod) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def _troubles_of(pod: Pod) -> Iterator[str]:
    name, status = name_of(pod), pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp"):
        yield f"{name}: is being deleted"
        return
    for condition in _conditions(pod):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            yield f"{name}: {_sentence(condition)}"
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        yield from (f"{name}: {reason}" for reason in _reasons_of(container))
    if status.get("phase") == "Failed":
        yield f"{name}: {_sentence(status) or 'failed'}"


def _reasons_of(container: Mapping[str, Any]) -> Iterator[str]:
    waiting = (container.get("state") or {}).get("waiting") or {}
    if waiting.get("reason", "") not in _ON_ITS_WAY:
        yield _sentence(waiting)
    for state in (container.get("state"), container.get("lastState")):
        ended = (state or {}).get("terminated") or {}
        if ended.get("exitCode"):
            yield f"{container.get('name')} ended with exit code {ended['exitCode']}: {_sentence(ended)}".rstrip(": ")


def _sentence(found: Mapping[str, Any]) -> str:
    """`Reason: message` of a status, a condition or an event."""
    return ": ".join(str(found[key]).strip() for key in ("reason", "message") if found.get(key))
