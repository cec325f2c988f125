"""Records of a builder's cache as text and as JSON, in the words of buildx."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from bakec.runtime import amounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from google.protobuf.timestamp_pb2 import Timestamp

    from bakec.runtime.buildkit.proto.cache_pb2 import UsageRecord

HEAD = ("ID", "RECLAIMABLE", "SIZE", "LAST ACCESSED")


def row(record: UsageRecord) -> tuple[str, str, str, str]:
    """A star after the ID is for what may change, after the size for what others share."""
    size = amounts.decimal_size(record.Size) + "*" * record.Shared
    return record.ID + "*" * record.Mutable, _bool(not record.InUse), size, last_used(record)


def last_used(record: UsageRecord) -> str:
    if not record.HasField("LastUsedAt"):
        return ""
    return amounts.roughly(time.time() - record.LastUsedAt.ToNanoseconds() / 1e9) + " ago"


def whole(record: UsageRecord) -> Iterator[str]:
    """All of a record, a line for each fact, and an empty one."""
    facts = (
        ("Created at", _time(record.CreatedAt)),
        ("Mutable", _bool(record.Mutable)),
        ("Reclaimable", _bool(not record.InUse)),
        ("Shared", _bool(record.Shared)),
        ("Size", amounts.decimal_size(record.Size)),
        ("Description", record.Description),
        ("Usage count", str(record.UsageCount)),
        ("Last used", last_used(record)),
        ("Type", record.RecordType),
    )
    yield f"{'ID:':<14}{record.ID}"
    if record.Parents:
        yield "Parents:"
        yield from (f" - {parent}" for parent in record.Parents)
    yield from (f"{name + ':':<14}{value}" for name, value in facts if value)
    yield ""


def as_object(record: UsageRecord) -> dict[str, Any]:
    """What buildx prints as JSON."""
    return {
        "CreatedAt": _time(record.CreatedAt),
        "Description": record.Description,
        "ID": record.ID,
        "LastUsedAt": last_used(record),
        "Mutable": record.Mutable,
        "Parents": list(record.Parents) or None,
        "Reclaimable": not record.InUse,
        "Shared": record.Shared,
        "Size": amounts.decimal_size(record.Size),
        "Type": record.RecordType,
        "UsageCount": record.UsageCount,
    }


def exact(record: UsageRecord) -> dict[str, Any]:
    """For programs: sizes in bytes, times as in RFC 3339."""
    used = record.LastUsedAt.ToJsonString() if record.HasField("LastUsedAt") else ""
    return {**as_object(record), "CreatedAt": record.CreatedAt.ToJsonString(), "LastUsedAt": used, "Size": record.Size}


def summary(records: Iterable[UsageRecord]) -> Iterator[str]:
    found = list(records)
    total = sum(max(one.Size, 0) for one in found)
    shared = sum(one.Size for one in found if one.Shared)
    if shared > 0:
        yield f"Shared:\t\t{amounts.decimal_size(shared)}"
        yield f"Private:\t{amounts.decimal_size(total - shared)}"
    yield f"Reclaimable:\t{amounts.decimal_size(sum(max(one.Size, 0) for one in found if not one.InUse))}"
    yield f"Total:\t\t{amounts.decimal_size(total)}"


def _time(moment: Timestamp) -> str:
    """As Go prints a time: in UTC, with as many digits as there are."""
    seconds = datetime.fromtimestamp(moment.seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    fraction = f"{moment.nanos:09}".rstrip("0")
    return f"{seconds}{'.' + fraction if fraction else ''} +0000 UTC"


def _bool(value: object) -> str:
    return "true" if value else "false"
