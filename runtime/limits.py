"""What `--pool` and `--weight` say."""

from __future__ import annotations

from bakec.ir.codes.run import BAD_LIMIT
from bakec.ir.diagnostics import fail
from bakec.runtime.schedule import Claim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bakec.ir.diagnostics import Failed
    from bakec.ir.plan import Plan


def parse_pools(texts: Iterable[str]) -> dict[str, int]:
    """`NAME=SLOTS`. Raises `Failed`."""
    pools = {}
    for text in texts:
        name, _, slots = text.partition("=")
        if not name or not _is_number(slots):
            raise _bad("--pool", text, "it is not NAME=SLOTS")
        pools[name] = int(slots)
    return pools


def parse_claims(texts: Iterable[str], plan: Plan, limits: Mapping[str, int]) -> dict[str, Claim]:
    """`TARGET=SLOTS` or `TARGET=SLOTS@POOL` by target; the pool without a name is that of `--jobs`. Raises `Failed`."""
    targets = {str(job.target) for job in plan.jobs}
    claims = {}
    for text in texts:
        target, _, rest = text.rpartition("=")
        slots, _, pool = rest.partition("@")
        if not target or not _is_number(slots):
            raise _bad("--weight", text, "it is not TARGET=SLOTS or TARGET=SLOTS@POOL")
        if target not in targets:
            raise _bad("--weight", text, f"the plan has no target `{target}`")
        if pool not in limits:
            raise _bad("--weight", text, f"there is no --pool `{pool}`")
        if 0 < limits[pool] < int(slots):
            raise _bad("--weight", text, f"there are only {limits[pool]} slots")
        claims[target] = Claim(pool, int(slots))
    return claims


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < int(text) < 1_000_000


def _bad(flag: str, value: str, reason: str) -> Failed:
    return fail(BAD_LIMIT.at(None, flag=flag, value=value, reason=reason))
