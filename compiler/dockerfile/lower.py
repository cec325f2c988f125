"""Lowering a Dockerfile to LLB: the door to this package.

    lowered = lower(Request(dockerfile=data, attrs={"target": "app"}, resolver=pins))
    lowered.builds[0].definition.ops

`lower` does what BuildKit's `dockerfile.v0` frontend does with the same attributes, up to the bytes of every op, and
opens neither file nor socket: what it has to know comes in the request.
"""

from __future__ import annotations

from functools import lru_cache

from bakec.compiler.dockerfile import subrequests
from bakec.compiler.dockerfile.contexts import Frontend
from bakec.compiler.dockerfile.convert import Conversion, Task, lint_options
from bakec.compiler.dockerfile.directives import find_syntax
from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.gotext import decode, encode, valid
from bakec.compiler.dockerfile.image import to_json
from bakec.compiler.dockerfile.interpret import InvalidDockerfileError, type_file
from bakec.compiler.dockerfile.lint import Linter
from bakec.compiler.dockerfile.options import check_capabilities, read_options
from bakec.compiler.dockerfile.parse import parse
from bakec.compiler.dockerfile.request import Build, Forward, LintWarning, Lowered, LowerFailed
from bakec.ir.codes import dockerfile as codes
from bakec.ir.diagnostics import Diagnostic
from bakec.ir.digests import sha256
from bakec.ir.llb import LlbError, SourceFile, WireError, go_json
from bakec.ir.llb.graph import Defaults
from bakec.ir.platforms import full_name, normalize
from bakec.ir.records import replace
from bakec.ir.span import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from bakec.compiler.dockerfile.convert import Converted
    from bakec.compiler.dockerfile.faults import Lines
    from bakec.compiler.dockerfile.instructions import Dockerfile
    from bakec.compiler.dockerfile.lint import Finding
    from bakec.compiler.dockerfile.options import Options
    from bakec.compiler.dockerfile.parse import Tree
    from bakec.compiler.dockerfile.request import ImageAnswer, ImageRequest, Request
    from bakec.ir.llb import Definition, State
    from bakec.ir.platforms import Platform

_CONFIG: Final = "containerimage.config"
_BASE_CONFIG: Final = "containerimage.base.config"
_EPOCH: Final = "source.date.epoch"
_SYNTAX: Final = "build-arg:BUILDKIT_SYNTAX"


def lower(request: Request) -> Lowered:
    """Lower one target for all its platforms. Raises `LowerFailed`."""
    result = Lowered()
    run = _Lowering(request, result)
    try:
        if request.direct:
            run.direct()
        else:
            run.through_frontend()
    except DockerfileError as fault:
        raise _failed(fault, run) from None
    except InvalidDockerfileError as invalid:
        raise _failed(invalid.fault, run) from None
    except RecursionError:
        raise _failed(DockerfileError(codes.OPTION, problem="the Dockerfile is nested too deeply"), run) from None
    result.warnings = [_warning(finding, run, direct=request.direct) for finding in run.findings]
    return result


def _failed(fault: DockerfileError, run: _Lowering) -> LowerFailed:
    run.result.warnings = [_warning(item, run, direct=run.request.direct) for item in run.findings]
    locations = () if run.in_subrequest else tuple(fault.locations)
    first = next((lines for lines in fault.locations if lines and lines.first), None)
    subject = _span(run, first) if first else None
    message = valid(fault.message)
    diagnostic = Diagnostic(rule=fault.rule, summary=message, hint=fault.rule.hint, subject=subject)
    return LowerFailed(diagnostic, locations=locations, partial=run.result, unknown=fault.unknown)


def _warning(finding: Finding, run: _Lowering, *, direct: bool) -> LintWarning:
    short = f"{finding.rule.name}: {finding.message}"
    if not direct and finding.lines is not None and finding.lines.first > 0:
        short += f" (line {finding.lines.first})"
    rule = finding.rule.rule
    return LintWarning(
        rule=finding.rule.name,
        short=short,
        message=finding.message,
        detail=rule.detail,
        url=finding.rule.url,
        lines=finding.lines,
        diagnostic=Diagnostic(
            rule=rule, summary=finding.message, detail=rule.detail, subject=_span(run, finding.lines)
        ),
    )


def _span(run: _Lowering, lines: Lines | None) -> Span | None:
    source = run.text
    if source is None or lines is None or not 1 <= lines.first <= len(source.line_starts):
        return None
    last = min(max(lines.first, lines.last), len(source.line_starts))
    start = source.line_starts[lines.first - 1]
    return Span(source, start, source.line_starts[last - 1] + len(source.line_text(last)))


@lru_cache(maxsize=512)
def parse_file(data: bytes) -> Tree | DockerfileError:
    """The parse tree of a Dockerfile, shared by all targets built from it."""
    try:
        return parse(data)
    except DockerfileError as fault:
        return fault


@lru_cache(maxsize=512)
def _typed_file(data: bytes) -> Dockerfile | InvalidDockerfileError | DockerfileError:
    tree = parse_file(data)
    if isinstance(tree, DockerfileError):
        return tree
    try:
        return type_file(tree)
    except InvalidDockerfileError as invalid:
        return invalid


class _Lowering:
    """One call of `lower`: what has been read so far, for the result and for errors."""

    def __init__(self, request: Request, result: Lowered) -> None:
        self.request = request
        self.result = result
        self.findings: list[Finding] = []
        self.text: Source | None = None
        self.in_subrequest = False

    # Through the frontend.

    def through_frontend(self) -> None:
        request = self.request
        options = read_options(request.attrs, request.missing_caps, request.host)
        may_forward, lacking = check_capabilities(request.attrs)
        if lacking is not None and not may_forward:
            raise lacking
        self.result.scanner = options.scanner[0] if options.scanner else ""
        frontend = Frontend(request, options, self.result)
        source = frontend.entrypoint()
        self.text = Source(source.filename, decode(source.data))
        if self._forward(options, self.text.text):
            return
        if lacking is not None:
            raise lacking
        task = self._task(options, frontend, source)
        if "requestid" in options.attrs:
            self.in_subrequest = True
            self.result.subrequest = self._subrequest(options.attrs["requestid"], task)
            self.result.metadata = self.result.subrequest
            return
        self._build_all(task)

    def _forward(self, options: Options, text: str) -> bool:
        attrs = options.attrs
        if "cmdline" in attrs:
            return False
        if _SYNTAX in attrs:
            cmdline = attrs[_SYNTAX]
            wanted = cmdline.strip().split(" ", 1)[0]
        else:
            directive = find_syntax(text)
            if directive is None:
                return False
            cmdline, wanted = directive.value, directive.first_word
        self.result.forward = Forward(frontend="gateway.v0", attrs={**attrs, "cmdline": cmdline, "source": wanted})
        return True

    def _task(self, options: Options, frontend: Frontend | None, source: SourceFile) -> Task:
        request = self.request
        return Task(
            read=lambda: _file(source.data),
            data=source.data,
            options=options,
            frontend=frontend,
            ask=self._ask,
            platform=options.platforms[0] if options.platforms and frontend is None else None,
            worker=request.worker,
            source=source if request.source_map else None,
            missing_caps=request.missing_caps,
            target=options.target,
            seed=_seed(source.data, options.attrs),
        )

    def _build_all(self, task: Task) -> None:
        wanted: tuple[Platform | None, ...] = task.options.platforms or (None,)
        exported = []
        for at, platform in enumerate(wanted):
            seed = f"{task.seed}{full_name(platform) if platform else ''}"
            converted = self._convert(replace(task, platform=platform, silent=at > 0, seed=seed))
            shown = normalize(platform or self.request.host)
            key = full_name(shown)
            multi = task.options.multi_platform
            self._add_build(key if multi else "", shown, converted)
            self.result.arguments |= converted.arguments
            self.result.host_decides |= converted.host_decides
            exported.append({"ID": key, "Platform": _exported(shown, converted)})
        self.result.metadata["refs.platforms"] = encode(go_json({"Platforms": exported}))

    def _add_build(self, key: str, platform: Platform, converted: Converted) -> None:
        build = Build(
            id=key,
            platform=platform,
            definition=self._marshal(converted.state, converted.platform),
            config=to_json(converted.image),
            base_config=to_json(converted.base_image) if converted.base_image else None,
            epoch=converted.epoch.seconds if converted.epoch else None,
        )
        self.result.builds.append(build)
        suffix = f"/{key}" if key else ""
        metadata = self.result.metadata
        metadata[_CONFIG + suffix] = build.config
        if build.base_config is not None:
            metadata[_BASE_CONFIG + suffix] = build.base_config
        if build.epoch is not None:
            metadata[_EPOCH + suffix] = str(build.epoch).encode()

    def _convert(self, task: Task) -> Converted:
        linter = Linter(lint_options(task.data, task.options), silent=task.silent)
        try:
            return Conversion(task, linter).run()
        finally:
            self.findings += linter.findings

    def _marshal(self, state: State, platform: Platform) -> Definition:
        """Raises `DockerfileError`."""
        request = self.request
        defaults = Defaults(platform=platform, missing_caps=request.missing_caps, local_unique=request.local_unique)
        try:
            return state.marshal(defaults)
        except (LlbError, WireError) as error:
            fault = DockerfileError(codes.MARSHAL, problem=error)
            bare = self.in_subrequest or request.direct
            raise fault if bare else fault.within("failed to marshal LLB definition") from None

    # Without a gateway.

    def direct(self) -> None:
        request = self.request
        options = replace(read_options(request.attrs, frozenset(), request.host), lint=None)
        source = SourceFile(filename="Dockerfile", language="Dockerfile", data=request.dockerfile)
        self.text = Source(source.filename, decode(source.data))
        converted = self._convert(self._task(options, None, source))
        self._add_build("", normalize(converted.platform), converted)
        self.result.metadata = {}
        for name, state in converted.extras.items():
            self.result.scan_targets[name] = self._marshal(state, request.host)

    def _ask(self, request: ImageRequest) -> ImageAnswer:
        self.result.image_requests.append(request)
        return self.request.resolver.image(request)

    # Questions.

    def _subrequest(self, name: str, task: Task) -> dict[str, bytes]:
        match name:
            case "frontend.subrequests.describe":
                return subrequests.describe()
            case "frontend.outline":
                return subrequests.outline(self._convert(task).target, task.data)
            case "frontend.targets":
                return subrequests.targets(_file(task.data), task.data)
            case "frontend.lint":
                return self._lint(task)
            case "frontend.convertllb":
                converted = self._convert(task)
                return subrequests.graph(self._marshal(converted.state, converted.platform))
            case _:
                raise DockerfileError(codes.SUBREQUEST, name=name)

    def _lint(self, task: Task) -> dict[str, bytes]:
        assert task.source is not None
        problem = None
        try:
            self._convert(replace(task, all_stages=not task.target))
        except DockerfileError as fault:
            problem = fault
        findings, self.findings = self.findings, []
        return subrequests.lint(findings, task.source, problem)


def _file(data: bytes) -> Dockerfile:
    """The typed file. Raises `DockerfileError` or `InvalidDockerfileError`."""
    typed = _typed_file(data)
    if isinstance(typed, DockerfileError):
        raise typed.copy()
    if isinstance(typed, InvalidDockerfileError):
        raise InvalidDockerfileError(typed.fault.copy(), typed.findings)
    return typed


def _seed(data: bytes, attrs: Mapping[str, str]) -> str:
    """What makes generated ids of one target differ from those of another."""
    return sha256(data + repr(sorted(attrs.items())).encode("utf-8", "surrogateescape"))


def _exported(platform: Platform, converted: Converted) -> dict[str, object]:
    """A platform as the exporter is told it; a Windows one takes its version from the image."""
    image = converted.image
    if platform.os == "windows" and image.os == "windows":
        platform = platform._replace(
            os_version=platform.os_version or image.os_version,
            os_features=platform.os_features or image.os_features,
        )
    platform = normalize(platform)
    rows = (
        ("os.version", platform.os_version),
        ("os.features", list(platform.os_features)),
        ("variant", platform.variant),
    )
    shown: dict[str, object] = {"architecture": platform.architecture, "os": platform.os}
    return shown | {key: value for key, value in rows if value}
