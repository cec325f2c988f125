"""The stage table: every stage and every image that stages copy or mount from, and how they depend on each other."""

from __future__ import annotations

from bakec.compiler.dockerfile.expand import expand
from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.image import ImageConfig
from bakec.compiler.dockerfile.instructions import Run, Transfer
from bakec.compiler.dockerfile.outline import Outline
from bakec.ir.codes import dockerfile as codes
from bakec.ir.llb import State
from bakec.ir.records import dataclass, field
from bakec.ir.static import Protocol
from bakec.ir.strconv import int_or_none

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from bakec.compiler.dockerfile.expand import Mode
    from bakec.compiler.dockerfile.faults import Lines
    from bakec.compiler.dockerfile.instructions import Argument, Instruction, Stage
    from bakec.ir.platforms import Platform

SCRATCH = "scratch"


class LoadedContext(Protocol):
    """A named context that a stage is replaced by."""

    def load(self) -> tuple[State, ImageConfig | None]: ...


@dataclass(frozen=True, slots=True)
class Step:
    """An instruction and the entries of the table it reads from, one for each mount or the one of `--from`."""

    instruction: Instruction
    sources: tuple[Entry, ...] = ()
    is_trigger: bool = False

    @property
    def lines(self) -> Lines:
        return self.instruction.written.lines


@dataclass(slots=True, kw_only=True, eq=False)
class Entry:
    """One row of the table, filled in as the conversion goes on. Compared by identity.

    `title` is the name shown in progress; `lines` and `code` are those of FROM. `paths` (what others use of it) is
    shared with the entry it is based on; `context_paths` is what it uses of the main context.
    """

    base_name: str
    name: str = ""
    title: str = ""
    lines: Lines | None = None
    code: str = ""
    comments: tuple[str, ...] = ()
    description: str = ""
    instructions: tuple[Instruction, ...] = ()
    platform: Platform | None = None
    base: Entry | None = None
    context: LoadedContext | None = None
    unregistered: bool = False
    resolved: bool = False
    dispatched: bool = False
    triggers_added: bool = False
    state: State = field(default_factory=State)
    image: ImageConfig = field(default_factory=ImageConfig)
    base_image: ImageConfig | None = None
    needs: dict[Entry, Lines] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    arguments: list[Argument] = field(default_factory=list)
    context_paths: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    outline: Outline = field(default_factory=Outline)
    ignore_cache: bool = False
    prefix_platform: bool = False
    step_total: int = 0
    step_index: int = 0
    in_trigger: bool = False
    workdir_set: bool = False
    used_once: dict[str, Lines] = field(default_factory=dict)
    scan_context: bool = False
    scan_stage: bool = False

    def inherit(self) -> None:
        """Take over what the base has become. ONBUILD triggers are not passed on."""
        if self.base is None:
            return
        base = self.base
        self.state = base.state
        self.platform = base.platform
        self.image = base.image._replace(on_build=())
        self.base_image = base.base_image
        self.paths = base.paths
        self.workdir_set = base.workdir_set
        self.arguments += base.arguments


class StageTable:
    """All entries in order. Stages are found by name, later ones in front of earlier ones, or by index."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._by_name: dict[str, Entry] = {}

    def add(self, entry: Entry) -> None:
        """Append an entry; its base is the earlier stage whose name is exactly its base name."""
        self.entries.append(entry)
        base = self._by_name.get(entry.base_name)
        if base is not None:
            entry.base = base
            entry.outline = base.outline.copy()
        if entry.name:
            self._by_name[entry.name] = entry

    def find(self, name: str) -> Entry | None:
        return self._by_name.get(name.lower())

    def at(self, index: int) -> Entry:
        if not 0 <= index < len(self.entries):
            raise DockerfileError(codes.STAGE_INDEX, index=index)
        return self.entries[index]

    @property
    def titles(self) -> list[str]:
        return [entry.title for entry in self.entries if entry.title]


def stage_entry(stage: Stage, base_name: str, title: str, outline: Outline) -> Entry:
    return Entry(
        base_name=base_name,
        name=stage.name,
        title=title,
        lines=stage.written.lines,
        code=stage.written.code,
        comments=stage.written.comments,
        description=stage.description,
        instructions=stage.instructions,
        outline=outline,
    )


def link_step(instruction: Instruction, table: StageTable, mode: Mode, *, is_trigger: bool) -> Step:
    """Find what an instruction reads from; images that are no stages become new entries. Raises `DockerfileError`."""
    match instruction:
        case Transfer(origin=origin) if origin:
            sources: tuple[Entry, ...] = (_copy_source(instruction, table, mode),)
        case Run(origins=origins):
            sources = tuple(_mount_source(origin, table) for origin in origins)
        case _:
            sources = ()
    return Step(instruction, sources, is_trigger)


def _copy_source(copy: Transfer, table: StageTable, mode: Mode) -> Entry:
    if expand(copy.origin, {}, mode).text != copy.origin:
        problem = (
            "variable expansion is not supported for --from, define a new stage with FROM using ARG from global"
            " scope as a workaround"
        )
        raise DockerfileError(codes.FROM_VARIABLE, problem=problem)
    index = int_or_none(copy.origin)
    if index is not None:
        return table.at(index)
    found = table.find(copy.origin)
    return found or Entry(base_name=copy.origin, lines=copy.written.lines, unregistered=True)


def _mount_source(origin: str, table: StageTable) -> Entry:
    name = origin or SCRATCH
    return table.find(name) or Entry(base_name=name, unregistered=True)


def add_needs(entry: Entry, step: Step, table: StageTable) -> None:
    """Record what a step of `entry` reads from."""
    for source in step.sources:
        entry.needs[source] = step.lines
        if source.unregistered:
            table.add(source)


def reachable(target: Entry) -> dict[Entry, None]:
    """Everything the target needs, itself first."""
    found: dict[Entry, None] = {}
    waiting = [target]
    while waiting:
        entry = waiting.pop()
        if entry in found:
            continue
        found[entry] = None
        waiting += reversed([*filter(None, [entry.base]), *entry.needs])
    return found


def check_circles(entries: Iterable[Entry]) -> None:
    """Raise `DockerfileError` if stages copy or mount from each other in a circle."""
    visited: set[Entry] = set()
    for start in entries:
        if start in visited:
            continue
        circle = _circle_from(start, visited)
        if circle:
            fault = DockerfileError(codes.CIRCULAR, stage=start.title)
            for lines in circle:
                fault.at(lines)
            raise fault


def _circle_from(start: Entry, visited: set[Entry]) -> list[Lines]:
    """The lines of the steps that close a circle reached from `start`; none if there is no circle."""
    path: dict[Entry, Lines | None] = {start: None}
    visited.add(start)
    stack = [(start, iter(start.needs.items()))]
    while stack:
        entry, needs = stack[-1]
        for need, lines in needs:
            if need in path:
                return [*filter(None, path.values()), lines]
            if need not in visited:
                visited.add(need)
                path[need] = lines
                stack.append((need, iter(need.needs.items())))
                break
        else:
            stack.pop()
            del path[entry]
    return []
