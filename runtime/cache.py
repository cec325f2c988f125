"""What builders keep of their builds: how much it is, and getting rid of it."""

from __future__ import annotations

import asyncio

from bakec.ir.codes.builder import BAD_FILTER, CACHE_FAILED
from bakec.ir.diagnostics import fail
from bakec.ir.durations import parse_duration
from bakec.ir.quoting import quote
from bakec.ir.records import dataclass
from bakec.runtime import builders, site
from bakec.runtime.buildkit.control import Control
from bakec.runtime.buildkit.proto.cache_pb2 import PruneRequest
from bakec.runtime.manage import reached

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from bakec.ir.diagnostics import Failed
    from bakec.runtime.builders import BuilderNode
    from bakec.runtime.buildkit.proto.cache_pb2 import UsageRecord
    from bakec.runtime.scene import Scene

UNTIL = ("until", "unused-for")
"""Keys of the filter for age; the second is the old name."""
FREE_SPACE = "gc.freespacefilter"
"""The capability of a daemon that knows `max_used` and `min_free`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Records that match `terms` and were not used for `age` nanoseconds."""

    terms: tuple[str, ...] = ()
    age: int = 0

    @property
    def texts(self) -> list[str]:
        """In the daemon's words: one filter, all of whose terms must match."""
        return [",".join(self.terms)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """What to throw away; sizes are bytes, 0 is no limit."""

    all: bool = False
    filter: Filter = Filter()
    reserved: int = 0
    max_used: int = 0
    min_free: int = 0


def parse_filters(texts: Iterable[str]) -> Filter:
    """`--filter` flags, each `KEY=VALUE`. Raises `Failed`."""
    found: dict[str, set[str]] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise _bad(f'bad format of filter "{text}" (expected name=value)')
        found.setdefault(key.strip().lower(), set()).add(value.strip())
    if all(key in found for key in UNTIL):
        raise _bad('conflicting filters "until" and "unused-for"')
    for key, values in found.items():
        if len(values) > 1:
            raise _bad(f"{quote(key)} filter expects only one value")
    single = {key: next(iter(values)) for key, values in found.items()}
    terms = tuple(_term(key, value) for key, value in sorted(single.items()) if key not in UNTIL)
    return Filter(terms=terms, age=_age(single))


def default_filters(config: Mapping[str, object], texts: Sequence[str]) -> list[str]:
    """`texts`, and the filters for pruning of the Docker client's configuration that they do not contradict."""
    given = set(texts)
    more = config.get("pruneFilters")
    defaults = [str(one) for one in more] if isinstance(more, list) else []
    return [*texts, *(one for one in defaults if "=" in one and _opposite(one) not in given)]


def _opposite(text: str) -> str:
    key, _, value = text.partition("=")
    return {"label": f"label!={value}", "label!": f"label={value}"}.get(key, "")


def _term(key: str, value: str) -> str:
    if key == "id":
        return f"{key}~={value}"
    return f"{key}={value}" if key.endswith(("!", "~")) else f"{key}=={value}"


def _age(found: Mapping[str, str]) -> int:
    for key in UNTIL:
        if key in found:
            try:
                return parse_duration(found[key])
            except ValueError as error:
                raise _bad(f"{quote(key)} filter expects a duration (e.g., '24h'): {error}") from error
    return 0


def _bad(reason: str) -> Failed:
    return fail(BAD_FILTER.at(None, reason=reason))


async def usage(name: str, scene: Scene, chosen: Filter) -> list[UsageRecord]:
    """The records of all nodes of a builder, for each node the smallest first. Raises `Failed`."""
    nodes = builders.choose(name, scene.env, scene.config).nodes
    return [record for found in await asyncio.gather(*(_usage(node, chosen) for node in nodes)) for record in found]


async def _usage(node: BuilderNode, chosen: Filter) -> list[UsageRecord]:
    async with reached(node.driver) as connection:
        found = await Control(connection.channel).usage(chosen.texts)
        return sorted(found, key=lambda one: (one.Size, one.ID))


async def prune(name: str, scene: Scene, wanted: Pruning) -> AsyncIterator[UsageRecord]:
    """Throw records of all nodes away; yields each when it is gone. Raises `Failed`."""
    request = PruneRequest(
        filter=wanted.filter.texts,
        all=wanted.all,
        keepDuration=wanted.filter.age,
        reservedSpace=wanted.reserved,
        maxUsedSpace=wanted.max_used,
        minFreeSpace=wanted.min_free,
    )
    builder = builders.choose(name, scene.env, scene.config)
    for node in builder.nodes:
        async with reached(node.driver) as connection:
            if (wanted.max_used or wanted.min_free) and FREE_SPACE not in await site.read_caps(connection):
                reason = "buildkit v0.17.0+ is required for max-used-space and min-free-space filters"
                raise fail(CACHE_FAILED.at(None, name=builder.name, node=node.name, reason=reason))
            async for record in Control(connection.channel).prune(request):
                yield record
