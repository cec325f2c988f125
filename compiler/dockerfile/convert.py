"""From a typed Dockerfile to the state and the image of its target."""

from __future__ import annotations

from bakec.compiler.dockerfile.bases import BaseResolver, named_context
from bakec.compiler.dockerfile.contexts import followed_paths, internal
from bakec.compiler.dockerfile.copying import lower_transfer
from bakec.compiler.dockerfile.directives import find_directive
from bakec.compiler.dockerfile.epoch import NAME as EPOCH
from bakec.compiler.dockerfile.epoch import EpochScope, resolve_epoch
from bakec.compiler.dockerfile.expand import ExpansionError, Mode, expand
from bakec.compiler.dockerfile.faults import DockerfileError, Lines
from bakec.compiler.dockerfile.gotext import decode
from bakec.compiler.dockerfile.ignore import IgnoreMatcher
from bakec.compiler.dockerfile.instructions import Onbuild, Run, Stage, Transfer, Workdir
from bakec.compiler.dockerfile.interpret import InvalidDockerfileError, type_node
from bakec.compiler.dockerfile.lint import (
    CONSTANT_PLATFORM,
    DEFAULT_ARG,
    REDUNDANT_PLATFORM,
    UNDEFINED_ARG,
    Finding,
    parse_options,
)
from bakec.compiler.dockerfile.parse import parse
from bakec.compiler.dockerfile.running import lower_run
from bakec.compiler.dockerfile.scope import assign, predefined, with_meta_args
from bakec.compiler.dockerfile.settings import lower_setting, set_user, set_workdir
from bakec.compiler.dockerfile.stages import (
    SCRATCH,
    Entry,
    StageTable,
    add_needs,
    check_circles,
    link_step,
    reachable,
    stage_entry,
)
from bakec.compiler.dockerfile.steps import HIDDEN_ARGS, Scene
from bakec.compiler.suggest import search
from bakec.ir import platforms
from bakec.ir.codes import dockerfile as codes
from bakec.ir.llb import State, local, references
from bakec.ir.llb.graph import DEFAULT_PATH, Late
from bakec.ir.llb.ops import ProxyEnv
from bakec.ir.quoting import quote
from bakec.ir.records import dataclass, replace
from bakec.ir.strconv import NumberError, parse_bool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bakec.compiler.dockerfile.contexts import Frontend
    from bakec.compiler.dockerfile.epoch import Epoch
    from bakec.compiler.dockerfile.expand import Expansion
    from bakec.compiler.dockerfile.image import ImageConfig
    from bakec.compiler.dockerfile.instructions import Dockerfile
    from bakec.compiler.dockerfile.lint import Linter, LintOptions, LintRule
    from bakec.compiler.dockerfile.options import Options
    from bakec.compiler.dockerfile.request import ImageAnswer, ImageRequest
    from bakec.compiler.dockerfile.scope import GlobalScope
    from bakec.compiler.dockerfile.stages import Step
    from bakec.ir.llb import SourceFile
    from bakec.ir.llb.graph import Output
    from bakec.ir.platforms import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One conversion: a file for one platform (None: whatever the worker and the base image are).

    `read` gives the typed file, or raises `DockerfileError` or `InvalidDockerfileError`. `ask` answers for image
    configs where there is no frontend. `all_stages` lowers what the target does not need as well, for lint. `seed`
    makes generated ids differ between targets.
    """

    read: Callable[[], Dockerfile]
    data: bytes
    options: Options
    frontend: Frontend | None
    ask: Callable[[ImageRequest], ImageAnswer]
    platform: Platform | None
    worker: Platform
    source: SourceFile | None
    missing_caps: frozenset[str]
    caps_known: bool = True
    silent: bool = False
    all_stages: bool = False
    target: str = ""
    seed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """The target, lowered. `extras` are the graphs an SBOM scan asks for."""

    target: Entry
    state: State
    image: ImageConfig
    base_image: ImageConfig | None
    epoch: Epoch | None
    platform: Platform
    extras: Mapping[str, State]
    arguments: frozenset[str]
    host_decides: bool


def lint_options(data: bytes, options: Options) -> LintOptions:
    """The lint options of the build, else those of the file. Raises `DockerfileError`."""
    if options.lint is not None:
        return options.lint
    directive = find_directive("check", decode(data))
    try:
        return parse_options(directive.first_word if directive else "")
    except DockerfileError as fault:
        raise fault.within("failed to parse check options") from None


class Conversion:
    """The steps of one conversion, in order: scope, stage table, target, needs, bases, instructions, result."""

    def __init__(self, task: Task, linter: Linter) -> None:
        self._task = task
        self._linter = linter
        self._file = self._read_file()
        self._mode = Mode(escape=self._file.escape)
        self._table = StageTable()
        self._main: Output
        self._host_decides = False

    def run(self) -> Converted:
        """Raises `DockerfileError`."""
        task = self._task
        scope, scene = self._scene()
        self._add_stages(scope, scene)
        target = self._find_target()
        self._link()
        bases = BaseResolver(scene, self._table, task.ask)
        needed = self._resolve(target, bases)
        used = self._lower(needed, scene)
        target.paths.add("/")
        arguments = {argument.key for entry in needed for argument in entry.arguments} | scope.known.keys()
        return self._finish(target, scene, used, frozenset(arguments))

    def _read_file(self) -> Dockerfile:
        if not self._task.data:
            raise DockerfileError(codes.EMPTY)
        try:
            file = self._task.read()
        except InvalidDockerfileError as invalid:
            self._report_all(invalid.findings)
            raise invalid.fault from None
        self._report_all(file.findings)
        if not file.stages:
            raise DockerfileError(codes.NO_STAGES)
        return file

    def _report_all(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self._linter.report(finding)

    # Scope.

    def _scene(self) -> tuple[GlobalScope, Scene]:
        task, options = self._task, self._task.options
        target = task.platform or task.worker
        build_args = dict(options.build_args)
        stage = task.target or self._file.stages[-1].name
        variables = predefined(task.worker, target, build_args, stage)
        self._lint_defaults(variables)
        scope = with_meta_args(variables, self._file.meta_args, build_args, self._mode)
        epoch = self._epoch(scope, build_args)
        scene = Scene(
            options=options,
            frontend=task.frontend,
            mode=self._mode,
            linter=self._linter,
            target=target,
            worker=task.worker,
            implicit=task.platform is None,
            variables=scope.variables,
            build_args=build_args,
            epoch=epoch,
            main=State(),
            caps_known=task.caps_known,
            missing_caps=task.missing_caps,
            source=task.source,
            proxy=_proxy(build_args),
            seed=task.seed,
        )
        return scope, scene

    def _lint_defaults(self, variables: Mapping[str, str]) -> None:
        """Report base images whose names are only right because of a build argument."""
        try:
            scope = with_meta_args(variables, self._file.meta_args, {}, self._mode)
            names = [(stage, expand(stage.base, scope.variables, self._mode).text) for stage in self._until_bad(scope)]
        except DockerfileError:
            return
        for stage, name in names:
            try:
                references.parse_normalized(name)
            except references.ImageNameError:
                self._linter.report(Finding(DEFAULT_ARG, stage.written.lines, {"name": stage.base}))

    def _until_bad(self, scope: GlobalScope) -> Iterable[Stage]:
        """The stages up to the first whose base name cannot be expanded."""
        for stage in self._file.stages:
            try:
                expand(stage.base, scope.variables, self._mode)
            except DockerfileError:
                return
            yield stage

    def _epoch(self, scope: GlobalScope, build_args: dict[str, str]) -> Epoch | None:
        value = build_args.get(EPOCH)
        if value is None:
            value = scope.variables.get(EPOCH) or None
        if value is None:
            return None
        lookup = EpochScope(
            frontend=self._task.frontend,
            file=self._file,
            variables=scope.variables,
            build_args=build_args,
            mode=self._mode,
        )
        epoch = resolve_epoch(value, lookup)
        text = "" if epoch is None else str(epoch.seconds)
        for values in (build_args, scope.variables):
            if EPOCH in values:
                if text:
                    assign(values, EPOCH, text)
                else:
                    del values[EPOCH]
        return epoch

    # The stage table.

    def _add_stages(self, scope: GlobalScope, scene: Scene) -> None:
        known_outline = Entry(base_name="").outline
        known_outline.arguments = scope.known
        for number, stage in enumerate(self._file.stages):
            base = self._expand_from(stage.base, stage, scope)
            if not base.text:
                raise DockerfileError(codes.BASE_BLANK, name=stage.base).at(stage.written.lines)
            entry = stage_entry(stage, base.text, stage.name, known_outline.copy())
            entry.prefix_platform = scene.options.multi_platform
            used = dict(base.matched)
            if stage.platform:
                entry.platform = self._stage_platform(stage, scope, used)
            if stage.name:
                entry.context = named_context(scene, entry, stage.name, entry.platform)
            if entry.context is not None:
                self._table.add(entry)
                entry.base = None
                continue
            entry.title = stage.name or f"stage-{number}"
            self._table.add(entry)
            entry.outline.used |= used
            entry.step_total = _step_count(entry)
            entry.ignore_cache = scene.frontend is not None and scene.options.ignores_cache(stage.name)

    def _expand_from(self, text: str, stage: Stage, scope: GlobalScope) -> Expansion:
        try:
            found = expand(text, scope.variables, self._mode)
        except ExpansionError as fault:
            self._lint_from(fault.expansion, stage, scope)
            raise fault.at(stage.written.lines) from None
        self._lint_from(found, stage, scope)
        return found

    def _report(self, rule: LintRule, stage: Stage, **values: str) -> None:
        written = stage.written
        self._linter.report(Finding(rule, written.lines, values, written.comments))

    def _lint_from(self, found: Expansion, stage: Stage, scope: GlobalScope) -> None:
        for name in found.unmatched:
            if name not in scope.known and name not in scope.variables:
                near = search(name, scope.names)
                suggestion = f" (did you mean {near}?)" if near else ""
                self._report(UNDEFINED_ARG, stage, name=name, suggestion=suggestion)

    def _stage_platform(self, stage: Stage, scope: GlobalScope, used: dict[str, None]) -> Platform:
        try:
            found = self._expand_from(stage.platform, stage, scope)
        except DockerfileError as fault:
            raise fault.within("failed to process arguments for platform ") from None
        self._lint_platform(stage, found, scope)
        lines = stage.written.lines
        near = next(filter(None, (search(name, scope.variables) for name in found.unmatched)), "")
        if not found.text:
            problem = f"empty platform value from expression {stage.platform}"
            raise DockerfileError(codes.PLATFORM, problem=problem).at(lines).suggesting(near)
        try:
            platform = platforms.parse(found.text, self._host())
        except platforms.PlatformError as error:
            problem = f"failed to parse platform {stage.platform}: {error}"
            raise DockerfileError(codes.PLATFORM, problem=problem).at(lines).at(lines).suggesting(near) from None
        used |= found.matched
        self._host_decides |= platforms.hangs_on_reader(found.text)
        return platform

    def _host(self) -> Platform:
        return self._task.frontend.request.host if self._task.frontend else platforms.AMD64

    def _lint_platform(self, stage: Stage, found: Expansion, scope: GlobalScope) -> None:
        matched = list(found.matched)
        redundant = matched == ["TARGETPLATFORM"] and not found.unmatched
        if redundant and found.text == scope.variables.get("TARGETPLATFORM"):
            self._report(REDUNDANT_PLATFORM, stage, platform=stage.platform)
        if matched or found.unmatched:
            return
        try:
            platform = platforms.parse(found.text, self._host())
        except platforms.PlatformError:
            return
        if platform.os not in stage.name and platform.architecture not in stage.name:
            self._report(CONSTANT_PLATFORM, stage, platform=quote(found.text))

    def _find_target(self) -> Entry:
        wanted = self._task.target
        if not wanted:
            return self._table.entries[-1]
        found = self._table.find(wanted)
        if found is None:
            fault = DockerfileError(codes.TARGET, target=quote(wanted))
            raise fault.suggesting(search(wanted, self._table.titles))
        return found

    def _link(self) -> None:
        for entry in list(self._table.entries):
            for instruction in entry.instructions:
                step = link_step(instruction, self._table, self._mode, is_trigger=False)
                entry.steps.append(step)
                add_needs(entry, step, self._table)
        check_circles(self._table.entries)
        if len(self._table.entries) == 1:
            self._table.entries[0].title = ""

    # Bases and triggers.

    def _resolve(self, target: Entry, bases: BaseResolver) -> dict[Entry, None]:
        """Resolve the bases of what the target needs, again as long as triggers of bases need more."""
        while True:
            needed = self._resolve_bases(target, bases)
            grown = False
            for entry in [entry for entry in self._table.entries if entry in needed]:
                entry.inherit()
                grown = self._add_triggers(entry) or grown
            if not grown:
                return needed

    def _resolve_bases(self, target: Entry, bases: BaseResolver) -> dict[Entry, None]:
        needed = reachable(target)
        faults: list[DockerfileError] = []
        for entry in self._table.entries:
            if entry.base is not None or entry.dispatched or entry.resolved:
                continue
            try:
                bases.resolve(entry, reachable=entry in needed or self._task.all_stages)
            except DockerfileError as fault:
                faults.append(fault)
        if faults:
            # The reference resolves all at once, and what it has begun last mostly fails first.
            raise faults[-1]
        return needed

    def _add_triggers(self, entry: Entry) -> bool:
        triggers = list(entry.image.on_build)
        if entry.base is not None and not entry.triggers_added:
            steps = entry.base.steps
            triggers += [step.instruction.trigger for step in steps if isinstance(step.instruction, Onbuild)]
            entry.triggers_added = True
        if not triggers:
            return False
        try:
            steps = [self._trigger_step(trigger, entry) for trigger in triggers]
        except DockerfileError as fault:
            raise fault.only_at(entry.lines) from None
        entry.steps[:0] = steps
        entry.step_total += len(steps)
        entry.image = entry.image._replace(on_build=())
        return any(step.sources for step in steps)

    def _trigger_step(self, trigger: str, entry: Entry) -> Step:
        tree = parse(trigger.encode("utf-8", "surrogateescape"))
        if len(tree.nodes) != 1:
            raise DockerfileError(codes.ONBUILD_SINGLE, problem="onbuild trigger should be a single expression")
        node = replace(tree.nodes[0], lines=entry.lines or Lines(0, 0))
        typed = type_node(node, [])
        if isinstance(typed, Stage):
            problem = "*instructions.Stage is not a command type"
            raise DockerfileError(codes.ONBUILD_SINGLE, problem=problem)
        step = link_step(typed, self._table, self._mode, is_trigger=True)
        add_needs(entry, step, self._table)
        return step

    # Instructions.

    def _lower(self, needed: Mapping[Entry, None], scene: Scene) -> set[str]:
        """Lower all needed stages in order; returns the paths they use of the main context."""
        used: set[str] = set()
        scene.ignored = self._ignored()
        scene.main = State(output=Late(lambda: self._main))
        for entry in self._table.entries:
            if not self._task.all_stages and (entry not in needed or entry.dispatched):
                continue
            entry.inherit()
            entry.dispatched = True
            self._start(entry, scene)
            for step in entry.steps:
                entry.in_trigger = step.is_trigger
                try:
                    lower_step(scene, entry, step)
                except DockerfileError as fault:
                    raise fault.at(step.lines) from None
            used |= entry.context_paths
            self._mark_scans(entry, scene)
        return used

    def _ignored(self) -> IgnoreMatcher | None:
        if self._task.frontend is None:
            return None
        patterns = self._task.frontend.ignore_patterns()
        return IgnoreMatcher(patterns) if patterns else None

    def _start(self, entry: Entry, scene: Scene) -> None:
        """What holds before the first instruction of a stage."""
        # What builds on a context without an image config has no platform in the reference either.
        entry.platform = entry.platform or platforms.Platform()
        if not entry.image.has_path and entry.platform.os != "windows":
            entry.image = entry.image._replace(env=(*entry.image.env, f"PATH={DEFAULT_PATH}"))
        entry.state = entry.state.with_envs(item.partition("=")[::2] for item in entry.image.env)
        if scene.options.hostname:
            entry.state = entry.state.with_hostname(scene.options.hostname)
        try:
            if entry.image.working_dir:
                set_workdir(entry, entry.image.working_dir)
        except DockerfileError as fault:
            raise fault.at(entry.lines) from None
        if entry.image.user:
            set_user(entry, entry.image.user)
        entry.state = entry.state.with_network(scene.options.network)

    def _mark_scans(self, entry: Entry, scene: Scene) -> None:
        context, stage = (self._scans(entry, scene, name) for name in sorted(HIDDEN_ARGS))
        entry.scan_context = entry.scan_context or context
        entry.scan_stage = entry.scan_stage or stage

    def _scans(self, entry: Entry, scene: Scene, name: str) -> bool:
        values = [scene.variables.get(name)]
        values += [item.value for item in entry.arguments if item.key == name and item.value is not None]
        asked = next((value for value in reversed(values) if value is not None), None)
        if asked is None:
            return False
        try:
            return parse_bool(asked)
        except NumberError:
            return entry.title in asked.split(",")

    # The result.

    def _main_context(self, used: set[str]) -> Output:
        followed = followed_paths(used)
        if self._task.frontend is not None:
            state = self._task.frontend.context(followed)
        else:
            about = internal("load build context")
            state = local("context", shared_key="context", follow=followed, about=about)
        assert state.output is not None, "a main context is never scratch"
        return state.output

    def _finish(self, target: Entry, scene: Scene, used: set[str], arguments: frozenset[str]) -> Converted:
        image = target.image
        if scene.options.labels:
            image = image._replace(labels={**image.labels, **scene.options.labels})
        self._linter.check()
        self._main = self._main_context(used)
        if not scene.implicit:
            image = _for_platform(image, scene.target)
        image = image.with_platform(platforms.normalize(image.platform))
        extras = {entry.title: entry.state for entry in reachable(target) if entry is not target and entry.scan_stage}
        if target.scan_context:
            extras["context"] = scene.main
        return Converted(
            target=target,
            state=target.state,
            image=image,
            base_image=target.base_image,
            epoch=scene.epoch,
            platform=scene.target,
            extras=extras,
            arguments=arguments,
            host_decides=self._host_decides,
        )


def _step_count(entry: Entry) -> int:
    from_image = entry.base_name != SCRATCH and entry.base is None
    return from_image + sum(isinstance(item, Run | Transfer | Workdir) for item in entry.instructions)


def lower_step(scene: Scene, entry: Entry, step: Step) -> None:
    """Lower one instruction. Raises `DockerfileError`."""
    match step.instruction:
        case Run():
            lower_run(scene, entry, step, step.instruction)
        case Transfer():
            lower_transfer(scene, entry, step, step.instruction)
        case _:
            lower_setting(scene, entry, step, step.instruction)


def _for_platform(image: ImageConfig, target: Platform) -> ImageConfig:
    same = (target.os, target.architecture) == (image.os, image.architecture)
    return image._replace(
        os=target.os,
        architecture=target.architecture,
        variant=target.variant if target.variant or not same else image.variant,
        os_version=target.os_version if target.os_version or not same else image.os_version,
        os_features=target.os_features or image.os_features,
    )


def _proxy(build_args: Mapping[str, str]) -> ProxyEnv | None:
    """The proxy settings among the build arguments; of several spellings the last in sorted order wins."""
    found = {key.lower(): build_args[key] for key in sorted(build_args) if key.lower() in PROXIES}
    if not found:
        return None
    return ProxyEnv(
        http_proxy=found.get("http_proxy", ""),
        https_proxy=found.get("https_proxy", ""),
        ftp_proxy=found.get("ftp_proxy", ""),
        no_proxy=found.get("no_proxy", ""),
        all_proxy=found.get("all_proxy", ""),
    )


PROXIES = frozenset(("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"))
"""Build arguments that a client takes from its configuration, in small letters and in capitals."""
