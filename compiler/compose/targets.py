"""Services with a build to target definitions."""

from __future__ import annotations

from bakec.compiler.compose.consistency import is_external
from bakec.compiler.compose.nodes import Scalar, is_null, text_of
from bakec.compiler.compose.values import entries, linked_contexts, refused, sorted_ssh, target_name, text_value
from bakec.compiler.compose.xbake import with_extension
from bakec.compiler.entries import without_empty
from bakec.compiler.quantities import QuantityError, parse_ulimit
from bakec.compiler.rebase import bases_of
from bakec.ir.codes.compose import COLLISION
from bakec.ir.diagnostics import fail
from bakec.ir.module import Definitions, Entry, GroupDef, TargetDef
from bakec.ir.quoting import quote
from bakec.ir.strconv import parse_bool
from bakec.ir.types import STRING
from bakec.ir.values import Value, boolean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final

    from bakec.compiler.compose.decode import Build, Service
    from bakec.compiler.compose.project import Project
    from bakec.compiler.compose.xbake import Fields
    from bakec.ir.span import Source


def make_targets(project: Project, first: Source) -> Definitions:
    """Every service that has a build as a target, and the group `default` of them. Relative paths count from the
    folder of the file `first` where file-relative mode is on. Raises `Failed`."""
    if not project.services:
        return Definitions(targets=(), groups=())
    targets: dict[str, TargetDef] = {}
    services: dict[str, Service] = {}
    for service in project.services.values():
        if service.build is None:
            continue
        name = target_name(service.name)
        if name in targets:
            first_name, second_name = quote(services[name].name), quote(service.name)
            raise fail(COLLISION.at(service.span, first=first_name, second=second_name, target=quote(name)))
        fields = _fields(service, service.build, project)
        services[name] = service
        targets[name] = TargetDef(name=name, fields=fields, span=service.span, bases=bases_of(fields, first))
    members = tuple(text_value(Scalar(name, services[name].span)) for name in targets)
    return Definitions(targets=tuple(targets.values()), groups=(GroupDef(name="default", targets=members or None),))


def _fields(service: Service, build: Build, project: Project) -> Fields:
    """The attributes of a target, without those that say nothing."""
    fields: Fields = {
        **{key: text_value(build.texts[text]) for key, text in _TEXTS.items() if _given(build.texts.get(text))},
        "contexts": linked_contexts(build.contexts),
        "args": _args(service, build, project),
        "labels": _texts(build.labels),
        "tags": tuple(map(text_value, build.lists["tags"])),
        "platforms": tuple(map(text_value, build.lists["platforms"])),
        "cache-from": entries("cache-from", build.lists["cache_from"]),
        "cache-to": entries("cache-to", build.lists["cache_to"]),
        "secret": tuple(_secret(source, project) for source in build.secrets),
        "ssh": sorted_ssh(_ssh(name, path) for name, path in build.ssh.items()),
        "attest": tuple(_attests(build)),
        "ulimits": tuple(_limit(name, value) for name, value in build.limits.items()),
        "extra-hosts": _texts(build.hosts),
        **{key: boolean(True, build.flags[name].origin) for key, name in _FLAGS.items() if _says(build, name)},
    }
    if build.shm_size:
        fields["shm-size"] = Value(STRING, _human_size(build.shm_size.value), build.shm_size.origin)
    if build.bake is not None and not is_null(build.bake):
        fields = with_extension(fields, build.bake)
    if not fields["tags"] and service.image and _given(service.image):
        fields["tags"] = (text_value(service.image),)
    return {key: value for key, value in fields.items() if isinstance(value, Value) or value}


_TEXTS: Final = {
    "context": "context",
    "dockerfile": "dockerfile",
    "dockerfile-inline": "dockerfile_inline",
    "target": "target",
    "network": "network",
}
_FLAGS: Final = {"pull": "pull", "no-cache": "no_cache"}


def _given(scalar: Scalar | None) -> bool:
    return scalar is not None and bool(scalar.value)


def _says(build: Build, flag: str) -> bool:
    return _given(build.flags.get(flag))


def _texts(scalars: Mapping[str, Scalar]) -> dict[str, Value]:
    return {key: text_value(scalar) for key, scalar in scalars.items()}


def _args(service: Service, build: Build, project: Project) -> dict[str, Value]:
    """An argument without a value takes that of the service's variable of its name, then that of the
    environment, or goes."""
    found: dict[str, Value] = {}
    for key, scalar in build.args.items():
        given = scalar if scalar.value is not None else service.environment.get(key)
        if given is not None and given.value is not None:
            found[key] = text_value(given)
        elif key in project.env.values:
            origin = Scalar(None, scalar.span, (project.env.origin(key),)).origin
            found[key] = Value(STRING, project.env.values[key], origin)
    return found


def _human_size(size: object) -> str:
    """Bytes with the largest unit that leaves at least 1, to four digits."""
    assert isinstance(size, int)
    rest, units = float(size), iter(("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"))
    unit = next(units)
    while rest >= 1024:
        rest, unit = rest / 1024, next(units)
    return f"{rest:.4g}{unit}"


def _limit(name: str, scalar: Scalar) -> Value:
    try:
        name, values = parse_ulimit(f"{name}={text_of(scalar)}")
    except QuantityError as error:
        raise refused(error, scalar) from error
    return Value(STRING, f"{name}={values}", scalar.origin)


def _secret(source: Scalar, project: Project) -> Entry:
    secret = project.secrets[text_of(source)]
    if is_external(secret):
        name = secret.items.get("name")
        raise refused(f"unsupported external secret {text_of(name) if name else ''}", source)
    file, variable = (secret.items.get(key) for key in ("file", "environment"))
    attrs = {"id": text_of(source), "src": text_of(file) if file else "", "env": text_of(variable) if variable else ""}
    return Entry(without_empty(attrs), source.origin)


def _ssh(name: str, path: Scalar) -> Entry:
    paths = {"paths": (text_of(path),)} if path.value else {}
    return Entry({"id": name, **paths}, path.origin)


def _attests(build: Build) -> Iterator[Entry]:
    for kind in ("sbom", "provenance"):
        scalar = build.texts.get(kind)
        if scalar is None or not scalar.value:
            continue
        text = text_of(scalar)
        try:
            says = f"disabled={'false' if parse_bool(text) else 'true'}"
        except ValueError:
            says = text
        yield from entries("attest", [Scalar(f"type={kind},{says}", scalar.span, scalar.inputs)])
