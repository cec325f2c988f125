"""Targets as the matrix of a CI service: one entry for each build that a job of its own can do."""

from __future__ import annotations

import json
from itertools import chain, product

from bakec.ir.fields import FIELDS, Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from typing import Final

    from bakec.ir.plan import Plan, Target

TARGET: Final = "target"
"""The key of the name; an entry does not hold the attribute of that name."""
AXES: Final = tuple(
    [field.name for field in FIELDS.values() if field.kind in (Kind.LIST, Kind.TEXT) and field.name != TARGET]
)
"""The attributes that an entry may hold; of a list it holds one value."""

Entry = dict[str, str | int]


def entries(
    plan: Plan, by: Sequence[str] = (), *, waves: bool = False, only: Collection[str] | None = None
) -> list[Entry]:
    """An entry for each target that is no mere part of others, and for each combination of its values of the
    attributes `by`. With `waves` those that others use are there, too, and each has the number of its `wave`: it uses
    targets of earlier ones alone. `only` are the names of the targets that are wanted."""
    chosen = [
        target for target in plan.targets if (waves or not target.linked) and (only is None or target.name in only)
    ]
    numbers = _waves(plan, {target.name for target in chosen}) if waves else {}
    chosen.sort(key=lambda target: numbers.get(target.name, 0))
    return [
        {TARGET: target.name, **dict(chain(*values)), **({"wave": numbers.get(target.name, 0)} if waves else {})}
        for target in chosen
        for values in product(*(_values(target, name) for name in by))
    ]


def _values(target: Target, name: str) -> list[list[tuple[str, str]]]:
    """What an entry can hold of an attribute: a pair for each value, nothing where there is none."""
    value = target.view.get(name)
    texts = value if isinstance(value, list) else [] if value is None else [value]
    return [[(name, str(text))] for text in texts] or [[]]


def _waves(plan: Plan, chosen: Collection[str]) -> dict[str, int]:
    """Target -> the number of steps from it to the end of what it uses, of the `chosen` ones."""
    names = {job.id: job.target for job in plan.jobs}
    found: dict[str, int] = {}
    for job in plan.jobs:
        below = [found[names[need.job]] + (names[need.job] in chosen) for need in job.needs]
        found[job.target] = max([found.get(job.target, 0), *below])
    return found


def render_json(found: Sequence[Entry]) -> str:
    return json.dumps(found, indent=2, ensure_ascii=False)


def render_github(found: Sequence[Entry], *, waves: bool = False) -> Iterator[str]:
    """Outputs of a step: `matrix`, or with waves `waves` (the numbers of them) and `wave0`, `wave1`, …."""
    if not waves:
        yield f"matrix={_compact(found)}"
        return
    numbers = sorted({int(one["wave"]) for one in found})
    yield f"waves={_compact(numbers)}"
    yield from (f"wave{number}={_compact([one for one in found if one['wave'] == number])}" for number in numbers)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
