"""What a target puts out, in the words of one builder: exporters, and who takes what they send."""

from __future__ import annotations

import os

from bakec.ir.codes.run import BAD_REQUEST, UNSUPPORTED
from bakec.ir.diagnostics import fail
from bakec.ir.plan import Exporter
from bakec.ir.records import dataclass, field
from bakec.runtime.buildkit.services.filesend import Directory, to_descriptor, to_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bakec.ir.diagnostics import Failed
    from bakec.ir.plan import Job
    from bakec.runtime.buildkit.services.filesend import Target
    from bakec.runtime.drivers.base import Features

TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))
STDOUT = "-"


@dataclass(slots=True, kw_only=True)
class Output:
    """One exporter as it goes into the request. At most one of `target`, `store` and `load` is set: where the
    daemon sends files or a stream, where it writes blobs, or that its stream is an image to be loaded."""

    type: str
    attrs: dict[str, str]
    target: Target | None = None
    store: Path | None = None
    load: bool = False
    whole: list[str] = field(default_factory=list)
    """The names of an image of which this builder's node makes a part."""

    @property
    def names(self) -> list[str]:
        return [name for name in self.attrs.get("name", "").split(",") if name]

    @property
    def pushes(self) -> bool:
        return self.attrs.get("push", "") in TRUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What an output depends on besides the plan."""

    root: Path
    driver: str
    features: Features
    env: Mapping[str, str] = field(repr=False)
    engine_imports_oci: bool = False
    """The Docker Engine that images are loaded into has the containerd image store."""


def outputs_of(job: Job, place: Place) -> list[Output]:
    """The exporters of a job. Raises `Failed` for what this builder cannot do."""
    asked = job.exports or tuple(_default(job, place))
    outputs = [_parse(job, export, place) for export in asked if export.type != "cacheonly"]
    _name(job, asked, outputs)
    return [_translate(job, output, place) for output in outputs]


def has_default(place: Place) -> bool:
    """Whether a target without outputs has one here, or is meant to have none."""
    return place.features.moby or place.features.default_load or bool(place.env.get("BUILDX_NO_DEFAULT_LOAD"))


def _default(job: Job, place: Place) -> Iterator[Exporter]:
    """A docker builder puts what it builds into its own store, others only where that was configured."""
    if job.call or place.env.get("BUILDX_NO_DEFAULT_LOAD", "") in TRUE:
        return
    if place.features.moby:
        yield Exporter(type="image")
    elif place.features.default_load:
        yield Exporter(type="docker")


def _parse(job: Job, export: Exporter, place: Place) -> Output:
    attrs = dict(export.attrs)
    kind = export.type
    if kind == "registry":
        kind = "image"
        attrs["push"] = "true"
        attrs.setdefault("unpack", "false")
    output = Output(type=kind, attrs=attrs)
    as_directory = kind == "local" or (kind in ("oci", "docker") and attrs.get("tar", "") in FALSE)
    if as_directory:
        _to_directory(job, output, export.dest, place)
    elif kind in ("tar", "oci", "docker"):
        _to_stream(job, output, export.dest, place)
    return output


def _to_directory(job: Job, output: Output, dest: str, place: Place) -> None:
    if dest in ("", STDOUT):
        problem = "dest is required for" if not dest else "dest cannot be stdout for"
        raise _bad(job, f"{problem} {output.type} exporter")
    path = place.root / dest
    if path.exists() and not path.is_dir():
        raise _bad(job, f"destination directory {dest} is a file")
    if output.type == "local":
        output.target = Directory(path=path, mirror=output.attrs.get("mode") == "delete")
    else:
        output.store = path


def _to_stream(job: Job, output: Output, dest: str, place: Place) -> None:
    if not dest and output.type == "docker":
        output.load = True
        return
    if dest in ("", STDOUT):
        if os.isatty(1):
            problem = f"dest file is required for {output.type} exporter. refusing to write to console"
            raise _bad(job, problem)
        output.target = to_descriptor(1)
        return
    path = place.root / dest
    if path.is_dir():
        raise _bad(job, f"destination file {dest} is a directory")
    output.target = to_file(path)


def _name(job: Job, asked: tuple[Exporter, ...], outputs: list[Output]) -> None:
    """Tags name every image; a push needs a name."""
    for output in outputs:
        if job.tags and output.type in ("image", "oci", "docker"):
            output.attrs["name"] = ",".join(job.tags)
        if output.type == "image" and output.pushes and not output.names:
            raise _bad(job, "tag is needed when pushing to registry")
    if sum(export.dest == STDOUT for export in asked) > 1:
        raise _bad(job, "multiple outputs configured to write to stdout")


def _translate(job: Job, output: Output, place: Place) -> Output:
    """Into what the daemon calls it, or an error where it has no such thing."""
    features = place.features
    if output.type == "oci" and not features.oci_exporter:
        raise _unsupported(job, "OCI exporter", place)
    if output.type == "docker":
        _translate_docker(job, output, place)
    if output.type == "image" and features.moby:
        output.type = "moby"
        if features.prefer_image_digest:
            output.attrs["prefer-image-digest"] = "true"
        if output.pushes and output.attrs.get("push-by-digest", "") in TRUE:
            problem = "push-by-digest is currently not implemented for docker driver"
            raise _bad(job, f"{problem}, please create a new builder instance")
    return output


def _translate_docker(job: Job, output: Output, place: Place) -> None:
    """A load goes straight into the store of the builder's own engine, or as an archive to another one."""
    if not place.features.docker_exporter and not (output.load and place.features.moby):
        raise _unsupported(job, "Docker exporter", place)
    if not output.load:
        if _is_list(job):
            problem = "docker exporter does not support exporting manifest lists, use the oci exporter instead"
            raise _bad(job, problem)
        return
    if not place.engine_imports_oci and _is_list(job):
        raise _bad(job, "docker exporter does not currently support exporting manifest lists")
    if place.features.moby:
        output.type, output.load = "image", False
    elif place.engine_imports_oci:
        output.type = "oci"
        output.attrs["prefer-image-digest"] = "true"


def _is_list(job: Job) -> bool:
    """The result is an index of manifests: several platforms, or attestations beside the image."""
    return len(job.platforms) > 1 or any(key.startswith("attest:") for key in job.solve.attrs)


def _bad(job: Job, reason: str) -> Failed:
    return fail(BAD_REQUEST.at(None, target=job.target, reason=reason))


def _unsupported(job: Job, feature: str, place: Place) -> Failed:
    return fail(UNSUPPORTED.at(None, target=job.target, feature=feature, driver=place.driver))
