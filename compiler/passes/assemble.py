"""From a resolved selection to the plan: jobs in order, provenance interned, inputs written down."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from bakec.compiler.host import Host
from bakec.compiler.passes.emit import context_path, emit
from bakec.compiler.passes.view import origins, target_view
from bakec.ir.module import Definitions, Selection, VariableInfo
from bakec.ir.origin import Origin, OriginKind
from bakec.ir.plan import Group, InputFile, InputVariable, Job, OriginRecord, Plan, Target
from bakec.ir.span import Source


def assemble(
    sources: Iterable[Source], definitions: Definitions, selection: Selection, host: Host, check: Host | None
) -> Plan:
    """The plan of a selection. With `check` (the host again) what the build reads here must be there.

    After: jobs come after those they need, and so do origins. Raises `Failed`.
    """
    interned = _Origins()
    jobs = {name: emit(target, host.cwd, check) for name, target in sorted(selection.targets.items())}
    targets = tuple(
        Target(
            name=jobs[name].target,
            view={**target_view(target), "context": context_path(target)},
            origins={path: interned.add(origin) for path, origin in origins(target).items()},
            linked=target.linked,
        )
        for name, target in sorted(selection.targets.items())
    )
    groups = tuple(
        Group(name=name, targets=tuple(member.text for member in group.targets or ()), description=group.description)
        for name, group in sorted(selection.groups.items())
    )
    variables = tuple(_variables(definitions.variables, interned))
    return Plan(
        requested=selection.requested,
        files=tuple(_file(source, host.cwd) for source in sources),
        variables=variables,
        origins=tuple(interned.records),
        groups=groups,
        targets=targets,
        jobs=tuple(_in_order(jobs)),
    )


def _in_order(jobs: dict[str, Job]) -> list[Job]:
    needs = {name: [need.job for need in job.needs] for name, job in jobs.items() if job.needs}
    if not needs:
        return list(jobs.values())
    from bakec.compiler.graph import order

    return [jobs[name] for name in order(jobs, needs)]


def _file(source: Source, root: Path) -> InputFile:
    path = os.path.relpath(source.name, root) if source.name.startswith("/") else source.name
    return InputFile(path=path, digest="sha256:" + hashlib.sha256(source.text.encode()).hexdigest())


def _variables(declared: Iterable[VariableInfo], interned: "_Origins") -> Iterator[InputVariable]:
    """The variables that values of the plan come from. What the others hold is nobody's business."""
    for variable in declared:
        if variable.name in interned.variables:
            origin = variable.value.origin
            yield InputVariable(
                name=variable.name,
                source=variable.source,
                value="null" if variable.shown is None else variable.shown,
                origin=None if origin is None else interned.add(origin),
            )


class _Origins:
    """Provenance as a table: equal steps are stored once, inputs before users."""

    def __init__(self) -> None:
        self.records: list[OriginRecord] = []
        self.variables: set[str] = set()
        self._by_record: dict[OriginRecord, int] = {}
        self._by_id: dict[int, int] = {}
        self._kept: list[Origin] = []

    def add(self, origin: Origin) -> int:
        """The index of `origin`. Depth first without recursion: chains of calls may be long."""
        stack = [origin]
        while stack:
            current = stack[-1]
            if id(current) in self._by_id:
                stack.pop()
                continue
            missing = [one for one in current.inputs if id(one) not in self._by_id]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            self._by_id[id(current)] = self._record(current)
            self._kept.append(current)  # an id is only good while its object lives
        return self._by_id[id(origin)]

    def _record(self, origin: Origin) -> int:
        if origin.kind in (OriginKind.VARIABLE, OriginKind.ENVIRONMENT, OriginKind.FLAG):
            self.variables.add(origin.name)
        span = origin.span
        record = OriginRecord(
            kind=origin.kind.value,
            name=origin.name,
            file=span.source.name if span else "",
            line=span.line if span else 0,
            inputs=tuple(dict.fromkeys(self._by_id[id(one)] for one in origin.inputs)),
        )
        found = self._by_record.get(record)
        if found is None:
            found = self._by_record[record] = len(self.records)
            self.records.append(record)
        return found
