"""From a resolved selection to the plan: jobs in order, provenance interned, inputs written down."""

from __future__ import annotations

from bakec.compiler.emit import context_path, emit, portable
from bakec.compiler.view import origins, target_view
from bakec.ir.digests import digest_of
from bakec.ir.origin import Origin, OriginKind
from bakec.ir.plan import Group, InputFile, InputVariable, OriginRecord, Plan, Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, Final

    from bakec.compiler.host import Folder, Host
    from bakec.ir.module import Definitions, Selection, TargetDef, VariableInfo
    from bakec.ir.module import Target as Resolved
    from bakec.ir.plan import Job
    from bakec.ir.span import Source


def assemble(
    sources: Iterable[Source], definitions: Definitions, selection: Selection, host: Host, check: Host | None
) -> Plan:
    """The plan of a selection. With `check` (the host again) what the build reads here must be there.

    After: jobs come after those they need, and so do origins. Raises `Failed`.
    """
    interned = _Origins(host.cwd)
    family = _Family(definitions.targets)
    jobs = {name: emit(target, host.cwd, check) for name, target in sorted(selection.targets.items())}
    targets = tuple(
        Target(
            name=jobs[name].target,
            view=_view(target, host.cwd),
            origins={path: interned.add(origin) for path, origin in family.origins(target)},
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
        inherits=family.parents(selection.targets),
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


def _file(source: Source, root: Folder) -> InputFile:
    digest = digest_of(source.text.encode("utf-8", "surrogateescape"))
    return InputFile(path=portable(source.name, root), digest=digest)


def _variables(declared: Iterable[VariableInfo], interned: _Origins) -> Iterator[InputVariable]:
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


# --- the view, made portable ----------------------------------------------------------------------------------

_PATHS: Final = (
    "context", "dockerfile", "contexts", "output", "secret", "ssh", "cache-from", "cache-to", "policy",
)  # fmt: skip


def _view(target: Resolved, root: Folder) -> Mapping[str, Any]:
    """What `print` shows, with the paths that the job has: those of this machine have no place in a plan."""
    view = {**target_view(target), "context": context_path(target)}
    return {name: _portable(value, root) if name in _PATHS else value for name, value in view.items()}


def _portable(value: Any, root: Folder) -> Any:
    if isinstance(value, str):
        return portable(value, root)
    if isinstance(value, dict):
        return {key: _portable(one, root) for key, one in value.items()}
    return [_portable(one, root) for one in value] if isinstance(value, list) else value


# --- provenance -----------------------------------------------------------------------------------------------


class _Family:
    """Who inherits from whom, and from whom a value came."""

    def __init__(self, definitions: Iterable[TargetDef]) -> None:
        self._definitions = {definition.name: definition for definition in definitions}
        self._ancestors: dict[str, tuple[str, ...]] = {}
        self._own: dict[str, frozenset[tuple[str, int]]] = {}
        self._steps: dict[tuple[str, int], Origin] = {}

    def parents(self, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The direct parents of each of the targets and of all their ancestors."""
        every = {name: None for start in names for name in (start, *self._ancestors_of(start))}
        return {name: found for name in sorted(every) if (found := self._parents(name))}

    def origins(self, target: Resolved) -> Iterator[tuple[str, Origin]]:
        """Where each value comes from; what an ancestor gave has a step that says so."""
        ancestors = self._ancestors_of(target.name)
        own = self._given(target.name) if ancestors else frozenset()
        for path, origin in origins(target).items():
            key = (_field(path), id(origin))
            giver = None if key in own else next((one for one in ancestors if key in self._given(one)), None)
            yield path, origin if giver is None else self._step(giver, origin)

    def _step(self, giver: str, origin: Origin) -> Origin:
        key = (giver, id(origin))
        found = self._steps.get(key)
        if found is None:
            found = self._steps[key] = Origin(OriginKind.INHERITED, giver, None, (origin,))
        return found

    def _given(self, name: str) -> frozenset[tuple[str, int]]:
        """The field and the identity of the origin of every value that a definition has of its own."""
        found = self._own.get(name)
        if found is None:
            pairs = origins(self._definitions[name]).items()
            found = self._own[name] = frozenset((_field(path), id(origin)) for path, origin in pairs)
        return found

    def _parents(self, name: str) -> tuple[str, ...]:
        definition = self._definitions.get(name)
        return () if definition is None else tuple(parent.text for parent in definition.inherits)

    def _ancestors_of(self, name: str) -> tuple[str, ...]:
        """Every ancestor once, the one that wins first: later parents before earlier ones, near before far."""
        found = self._ancestors.get(name)
        if found is None:
            met: dict[str, None] = {}
            stack = list(self._parents(name))
            while stack:
                current = stack.pop()
                if current not in met and current != name:
                    met[current] = None
                    stack.extend(self._parents(current))
            found = self._ancestors[name] = tuple(met)
        return found


def _field(path: str) -> str:
    return path.partition("[")[0].partition(".")[0]


class _Origins:
    """Provenance as a table: equal steps are stored once, inputs before users."""

    def __init__(self, root: Folder) -> None:
        self.root = root
        self.records: list[OriginRecord] = []
        self.variables: set[str] = set()
        self._by_record: dict[tuple[OriginKind, str, str, int, tuple[int, ...]], int] = {}
        self._by_id: dict[int, int] = {}
        self._kept: list[Origin] = []
        self._files: dict[Source, str] = {}

    def add(self, origin: Origin) -> int:
        """The index of `origin`. Depth first without recursion: chains of calls may be long."""
        known = self._by_id.get(id(origin))
        if known is not None:
            return known
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
        kind, name, span, inputs = origin
        if kind in _NAMED:
            self.variables.add(name)
        indexes = tuple(dict.fromkeys(self._by_id[id(one)] for one in inputs)) if inputs else ()
        file, line = (self._file(span.source), span.line) if span else ("", 0)
        # A plain tuple as the key: hashing the record itself takes a third of the time of this pass.
        key = (kind, name, file, line, indexes)
        found = self._by_record.get(key)
        if found is None:
            found = self._by_record[key] = len(self.records)
            self.records.append(OriginRecord(kind=kind.value, name=name, file=file, line=line, inputs=indexes))
        return found

    def _file(self, source: Source) -> str:
        found = self._files.get(source)
        if found is None:
            found = self._files[source] = portable(source.name, self.root)
        return found


_NAMED: Final = frozenset((OriginKind.VARIABLE, OriginKind.ENVIRONMENT, OriginKind.FLAG))
