"""From a resolved target to a job: everything of a build that depends on neither the driver nor the session."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Mapping

from bakec.compiler import refs
from bakec.compiler.links import links
from bakec.compiler.options import call_method
from bakec.compiler.platforms import host_platform, parse_platforms
from bakec.compiler.quantities import QuantityError, parse_size, parse_swap, parse_ulimit
from bakec.ir import numbers
from bakec.ir.codes import define as codes
from bakec.ir.diagnostics import fail
from bakec.ir.fields import RESOURCE_ATTRS
from bakec.ir.module import entries, values
from bakec.ir.plan import Cache, Exporter, FrontendSolve, Job, JobId, LocalDir, Need, Secret, Ssh, TargetName
from bakec.ir.platforms import PlatformError, full_name, parse
from bakec.ir.quoting import quote
from bakec.ir.records import dataclass, field
from bakec.ir.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final

    from bakec.compiler.host import Folder, Host
    from bakec.ir.diagnostics import Failed, Rule
    from bakec.ir.module import Entry, Target

_CAP_CONTEXTS: Final = "moby.buildkit.frontend.contexts+forward"
_CAP_SUBREQUESTS: Final = "moby.buildkit.frontend.subrequests+forward"
_CAP_GIT_QUERY: Final = "moby.buildkit.frontend.gitquerystring"
_LOCAL_OUTPUTS: Final = ("local", "tar", "oci", "docker")


@dataclass(slots=True)
class _Draft:
    """A job while it is put together."""

    target: Target
    root: Folder
    attrs: dict[str, str] = field(default_factory=dict)
    caps: set[str] = field(default_factory=set)
    locals: dict[str, str] = field(default_factory=dict)
    layouts: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        value = self.target.fields.get(name)
        return value.raw if isinstance(value, Value) and isinstance(value.raw, str) else ""

    def flag(self, name: str) -> bool:
        value = self.target.fields.get(name)
        return isinstance(value, Value) and value.raw is True

    def texts(self, name: str) -> list[str]:
        return [item.text for item in values(self.target.fields.get(name))]

    def table(self, name: str) -> dict[str, Value]:
        value = self.target.fields.get(name)
        return {key: item for key, item in value.items() if item.raw is not None} if isinstance(value, dict) else {}

    def entries(self, name: str) -> tuple[Entry, ...]:
        return entries(self.target.fields.get(name))

    def path(self, text: str) -> str:
        """`text` as the plan holds it: relative to the root, so that the plan can be run elsewhere."""
        return portable(text, self.root)

    def fail(self, field_name: str, reason: object, rule: Rule = codes.BAD_OPTION) -> Failed:
        """A failure about an attribute, at the place its value comes from."""
        return fail(rule.at(self.target.span, reason=reason, what=field_name))


def portable(text: str, root: Folder) -> str:
    """A path as the plan holds it: an absolute one becomes relative to `root`."""
    if text.startswith("oci-layout:///"):
        return f"oci-layout://{posixpath.relpath(text.removeprefix('oci-layout://'), root)}"
    return posixpath.relpath(text, root) if text.startswith("/") else text


def context_path(target: Target) -> str:
    """The context as it is printed: cleaned, without `cwd://`."""
    value = target.fields.get("context")
    text = value.text if isinstance(value, Value) else "."
    if refs.is_remote(text):
        return text
    return posixpath.normpath(text.removeprefix("cwd://") or ".")


def emit(target: Target, root: Folder, host: Host | None = None) -> Job:
    """The job of one target; absolute paths become relative to `root`. With `host` also check what the build will
    read here (secrets, agents, outputs).

    Raises `Failed` where an attribute cannot be turned into what a builder takes.
    """
    draft = _Draft(target, root)
    _check_stdin(draft)
    _sources(draft)
    _options(draft)
    platforms = _platforms(draft)
    secrets = tuple(_secrets(draft, host))
    ssh = tuple(_ssh(draft, host))
    exports = tuple(_exports(draft, host))
    _attests(draft)
    _limits(draft)
    needs = tuple(Need(context=name, job=JobId(linked)) for name, linked, _ in links(target))
    call = draft.text("call")
    if needs or draft.table("contexts"):
        draft.caps.add(_CAP_CONTEXTS)
    if call and call != "build":
        draft.caps.add(_CAP_SUBREQUESTS)
        draft.attrs["requestid"] = f"frontend.{call_method(call)}"
    if draft.caps:
        draft.attrs["frontend.caps"] = ",".join(sorted(draft.caps))
    return Job(
        id=JobId(target.name),
        target=TargetName(target.name),
        solve=FrontendSolve(frontend=_frontend(draft), attrs=dict(sorted(draft.attrs.items()))),
        platforms=platforms,
        needs=needs,
        tags=tuple(draft.texts("tags")),
        exports=exports,
        cache_from=tuple(_caches(draft, "cache-from")),
        cache_to=tuple(_caches(draft, "cache-to")),
        locals=tuple(LocalDir(name=name, path=draft.path(path)) for name, path in sorted(draft.locals.items())),
        oci_layouts=draft.layouts,
        dockerfile_inline=draft.text("dockerfile-inline") or None,
        secrets=secrets,
        ssh=ssh,
        entitlements=tuple(draft.texts("entitlements")),
        pull=draft.flag("pull"),
        provenance_default=all(entry.attrs.get("type") != "provenance" for entry in draft.entries("attest")),
        call="" if call == "build" else call,
        description=draft.text("description"),
    )


def _check_stdin(draft: _Draft) -> None:
    for name in ("context", "dockerfile"):
        if draft.text(name) == "-":
            raise fail(codes.STDIN_CONTEXT.at(draft.target.span, what=name))


# --- where the build reads from -------------------------------------------------------------------------------


def _sources(draft: _Draft) -> None:
    context = context_path(draft.target)
    dockerfile = draft.text("dockerfile")
    remote = refs.is_remote(context)
    if remote:
        draft.attrs["context"] = context
        if "?" in context and refs.is_git(context):
            draft.caps.add(_CAP_GIT_QUERY)
    else:
        draft.locals["context"] = context
    if draft.text("dockerfile-inline"):
        draft.attrs["filename"] = "Dockerfile"
        if remote:
            draft.attrs["dockerfilekey"] = "dockerfile"
    else:
        _dockerfile(draft, context, dockerfile, remote=remote)
    for name, value in sorted(draft.table("contexts").items()):
        _named_context(draft, name, value.text)


def _dockerfile(draft: _Draft, context: str, dockerfile: str, *, remote: bool) -> None:
    local = dockerfile.startswith(("cwd://", "/"))
    path = posixpath.normpath(dockerfile.removeprefix("cwd://"))
    if refs.is_remote(dockerfile):
        draft.attrs["filename"] = dockerfile
        draft.attrs["dockerfilekey"] = "dockerfile"
    elif remote and not local:
        draft.attrs["filename"] = path
    else:
        whole = path if local else posixpath.join(context, path)
        draft.locals["dockerfile"] = posixpath.dirname(whole) or "."
        draft.attrs["filename"] = posixpath.basename(whole)
        if remote:
            draft.attrs["dockerfilekey"] = "dockerfile"


def _named_context(draft: _Draft, name: str, value: str) -> None:
    if value.startswith("target:"):
        return
    if value.startswith("oci-layout://"):
        draft.layouts[name] = draft.path(value).removeprefix("oci-layout://")
    elif refs.is_elsewhere(value):
        draft.attrs[f"context:{name}"] = value
        if "?" in value and refs.is_git(value):
            draft.caps.add(_CAP_GIT_QUERY + "+forward")
    else:
        draft.locals[name] = posixpath.normpath(value.removeprefix("cwd://"))


# --- attributes of the frontend -------------------------------------------------------------------------------


def _frontend(draft: _Draft) -> str:
    syntax = draft.table("args").get("BUILDKIT_SYNTAX")
    if syntax is None:
        return "dockerfile.v0"
    words = syntax.text.split()
    if not words:
        reason = (
            "empty BUILDKIT_SYNTAX build-arg is invalid, use --build-arg BUILDKIT_SYNTAX without '=' for optional "
            "behavior"
        )
        raise draft.fail("args", reason)
    draft.attrs["source"] = words[0]
    draft.attrs["cmdline"] = syntax.text
    return "gateway.v0"


def _options(draft: _Draft) -> None:
    attrs = draft.attrs
    attrs.update((f"build-arg:{name}", value.text) for name, value in draft.table("args").items())
    attrs.update((f"label:{name}", value.text) for name, value in draft.table("labels").items())
    if draft.text("target"):
        attrs["target"] = draft.text("target")
    if draft.texts("no-cache-filter"):
        attrs["no-cache"] = ",".join(draft.texts("no-cache-filter"))
    if draft.flag("no-cache"):
        attrs["no-cache"] = ""
    if draft.text("network") in ("host", "none"):
        attrs["force-network-mode"] = draft.text("network")
    size = draft.text("shm-size")
    if draft.target.fields.get("shm-size") is not None:
        try:
            attrs["shm-size"] = str(parse_size(size))
        except QuantityError as error:
            raise draft.fail("shm-size", f"invalid value {size} for membytes key shm-size") from error
    hosts = list(_hosts(draft.table("extra-hosts")))
    if hosts:
        attrs["add-hosts"] = ",".join(hosts)


def _hosts(table: Mapping[str, Value]) -> Iterator[str]:
    for host in sorted(table):
        for address in table[host].text.split(","):
            bare = address[1:-1] if address.startswith("[") and address.endswith("]") else address
            yield f"{host}={bare}"


def _platforms(draft: _Draft) -> tuple[str, ...]:
    try:
        platforms = tuple(map(full_name, parse_platforms(draft.texts("platforms"))))
    except PlatformError as error:
        raise draft.fail("platforms", error) from error
    if platforms:
        draft.attrs["platform"] = ",".join(platforms)
    return platforms


def _attests(draft: _Draft) -> None:
    seen: set[str] = set()
    for entry in draft.entries("attest"):
        attrs = {name: value for name, value in entry.attrs.items() if isinstance(value, str)}
        kind = attrs.pop("type", "")
        if kind in seen:
            continue
        seen.add(kind)
        if not entry.attrs.get("disabled"):
            fields = ([f"type={kind}"] if kind else []) + [f"{name}={attrs[name]}" for name in sorted(attrs)]
            draft.attrs[f"attest:{kind}"] = ",".join(map(_csv_field, fields))


def _csv_field(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text


def _limits(draft: _Draft) -> None:
    limits: dict[str, str] = {}
    for text in draft.texts("ulimits"):
        try:
            limits.update((parse_ulimit(text),))
        except QuantityError as error:
            raise draft.fail("ulimits", error) from error
    if limits:
        draft.attrs["ulimit"] = ",".join(f"{name}={limits[name]}" for name in sorted(limits))
    for name, value in draft.table("resources").items():
        amount = _resource(draft, name, value)
        if amount not in ("", "0"):
            draft.attrs[RESOURCE_ATTRS[name]] = amount


def _resource(draft: _Draft, name: str, value: Value) -> str:
    if not isinstance(value.raw, str):
        return str(numbers.truncate(value.raw)) if isinstance(value.raw, int | numbers.Float) else ""
    text = value.raw.strip()
    if not name.startswith("memory"):
        return text
    try:
        return str(parse_swap(text) if name == "memory-swap" else parse_size(text))
    except QuantityError as error:
        raise draft.fail("resources", f"invalid value {quote(text)} for resource {name}: {error}") from error


# --- what the client provides ---------------------------------------------------------------------------------


def _secrets(draft: _Draft, host: Host | None) -> Iterator[Secret]:
    for entry in draft.entries("secret"):
        name, src, env = (str(entry.attrs.get(key, "")) for key in ("id", "src", "env"))
        if not name:
            raise draft.fail("secret", "secret missing ID")
        if host is not None:
            _check_secret(draft, host, name, src, env)
        yield Secret(id=name, src=draft.path(src), env=env)


_MAX_SECRET: Final = 500 * 1000


def _check_secret(draft: _Draft, host: Host, name: str, src: str, env: str) -> None:
    path = src or ("" if env or name in host.env else name)
    if not path:
        return
    try:
        size = os.stat(host.path(path)).st_size  # noqa: PTH116
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else "invalid argument"
        raise fail(codes.SECRET_FILE.at(draft.target.span, path=path, reason=reason)) from error
    if size > _MAX_SECRET:
        raise fail(codes.SECRET_TOO_BIG.at(draft.target.span, id=name))


def _ssh(draft: _Draft, host: Host | None) -> Iterator[Ssh]:
    entries = [(str(one.attrs.get("id", "")) or "default", one.attrs.get("paths", ())) for one in draft.entries("ssh")]
    if not entries and refs.is_git_ssh(context_path(draft.target)):
        entries = [("default", ())]
    for name, paths in entries:
        assert isinstance(paths, tuple)
        if host is not None:
            _check_agent(draft, host, name, paths)
        yield Ssh(id=name, paths=tuple(map(draft.path, paths)))


def _check_agent(draft: _Draft, host: Host, name: str, paths: Sequence[str]) -> None:
    given = " ".join(paths)
    if not any(paths):
        paths = [host.env.get("SSH_AUTH_SOCK", "")]
        if not paths[0]:
            raise fail(codes.SSH_AGENT.at(draft.target.span, id=name))
    for path in paths:
        try:
            os.stat(host.path(path))  # noqa: PTH116
        except (OSError, ValueError) as error:
            reason = (
                f"failed to convert agent config {{{name} [{given}] false}}: failed to convert agent config for ID: "
                f"{quote(name)}: stat {path}: {os.strerror(getattr(error, 'errno', None) or 22).lower()}"
            )
            raise draft.fail("ssh", reason, codes.SSH_PATH) from error


def _caches(draft: _Draft, name: str) -> Iterator[Cache]:
    for entry in draft.entries(name):
        attrs = {key: str(value) for key, value in entry.attrs.items() if key != "type"}
        if entry.attrs["type"] == "local":
            attrs.update((key, draft.path(attrs[key])) for key in ("src", "dest") if key in attrs)
        yield Cache(type=str(entry.attrs["type"]), attrs=dict(sorted(attrs.items())))


# --- outputs --------------------------------------------------------------------------------------------------


def _exports(draft: _Draft, host: Host | None) -> Iterator[Exporter]:
    annotations = dict(_annotations(draft))
    stdout = False
    for entry in draft.entries("output"):
        attrs = {key: str(value) for key, value in entry.attrs.items() if key not in ("type", "dest")}
        kind, dest = str(entry.attrs["type"]), str(entry.attrs.get("dest", ""))
        if kind == "registry":
            kind = "image"
            attrs = {"unpack": "false", **attrs, "push": "true"}
        if kind in _LOCAL_OUTPUTS:
            dest = _destination(draft, kind, dest, is_directory=_is_directory(kind, attrs), host=host)
            if dest == "-":
                if stdout:
                    raise draft.fail("output", "multiple outputs configured to write to stdout", codes.OUTPUT)
                stdout = True
        yield Exporter(type=kind, attrs=dict(sorted({**attrs, **annotations}.items())), dest=draft.path(dest))


_FALSE: Final = frozenset(("0", "f", "F", "FALSE", "false", "False"))


def _is_directory(kind: str, attrs: Mapping[str, str]) -> bool:
    return kind == "local" or (kind in ("oci", "docker") and attrs.get("tar") in _FALSE)


def _destination(draft: _Draft, kind: str, dest: str, *, is_directory: bool, host: Host | None) -> str:
    problem = ""
    if is_directory and not dest:
        problem = f"dest is required for {kind} exporter"
    elif is_directory and dest == "-":
        problem = f"dest cannot be stdout for {kind} exporter"
    elif host is not None and dest not in ("", "-"):
        path = host.path(dest)
        if is_directory and os.path.exists(path) and not os.path.isdir(path):  # noqa: PTH110, PTH112
            problem = f"destination directory {dest} is a file"
        elif not is_directory and os.path.isdir(path):  # noqa: PTH112
            problem = f"destination file {dest} is a directory"
    if problem:
        raise draft.fail("output", problem, codes.OUTPUT)
    return "-" if not dest and kind != "docker" else dest


_LEVEL: Final = r"([a-z-]+)(?:\[([A-Za-z0-9_/-]+)\])?"
_LEVELS: Final = frozenset(("index", "index-descriptor", "manifest", "manifest-descriptor"))


def _annotations(draft: _Draft) -> Iterator[tuple[str, str]]:
    for text in draft.texts("annotations"):
        name, equals, value = text.partition("=")
        if not equals:
            raise draft.fail("annotations", f"invalid annotation {quote(text)}, expected key=value")
        levels, colon, key = name.partition(":")
        prefixes = [_level(draft, level) for level in levels.split(",")] if colon else ["annotation"]
        for prefix in prefixes:
            yield f"{prefix}.{key if colon else name}", value


def _level(draft: _Draft, text: str) -> str:
    match = re.fullmatch(_LEVEL, text)
    if match is None:
        reason = f"invalid annotation type {quote(text)}, expected type and optional platform in square brackets"
        raise draft.fail("annotations", reason)
    level, platform = match[1], match[2]
    if level not in _LEVELS:
        raise draft.fail("annotations", f"unknown annotation type {quote(level)}")
    try:
        known = platform and full_name(parse(platform, host_platform()))
    except PlatformError as error:
        raise draft.fail("annotations", f"invalid platform {quote(platform)}: {error}") from error
    # An index is of no platform; the reference leaves out the one that was given.
    return f"annotation-{level}[{known}]" if known and level.startswith("manifest") else f"annotation-{level}"


def with_epoch(targets: Iterable[Target], epoch: str) -> Iterator[Target]:
    """Every target with the argument `SOURCE_DATE_EPOCH`, unless it has one."""
    from bakec.ir.origin import Origin, OriginKind
    from bakec.ir.records import replace
    from bakec.ir.values import string

    value = string(epoch).with_origin(Origin(OriginKind.ENVIRONMENT, "SOURCE_DATE_EPOCH", None))
    for target in targets:
        args = target.fields.get("args", {})
        if not isinstance(args, Mapping) or "SOURCE_DATE_EPOCH" in args:
            yield target
        else:
            yield replace(target, fields={**target.fields, "args": {**args, "SOURCE_DATE_EPOCH": value}})
