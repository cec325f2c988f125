"""An image whose platforms are built on several nodes: every node pushes its part by digest, and then an index of all
parts is pushed under the image's names."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Sequence
from typing import Any

from bakec.ir.codes.run import SEVERAL_NODES
from bakec.ir.diagnostics import fail
from bakec.ir.digests import digest_of
from bakec.ir.llb.references import ImageNameError, parse_normalized
from bakec.ir.platforms import Platform, full_name, normalize
from bakec.runtime.build import DESCRIPTOR
from bakec.runtime.exports import TRUE
from bakec.runtime.progress.step import shown
from bakec.runtime.publish import DIGEST, PublishError
from bakec.runtime.registry import Manifest, Registry, RegistryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TypeAlias

    from bakec.ir.diagnostics import Failed
    from bakec.ir.llb.references import Reference
    from bakec.runtime.dockerconfig import DockerConfig
    from bakec.runtime.exports import Output
    from bakec.runtime.progress.step import Watcher
    from bakec.runtime.request import Request

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
INDEXES = frozenset((OCI_INDEX, DOCKER_LIST))
DESCRIPTOR_KEYS = ("mediaType", "digest", "size", "urls", "annotations", "data", "platform", "artifactType")
"""In the order in which the reference writes them."""
ANNOTATION = re.compile(r"annotation-(index|manifest-descriptor)(?:\[(.+)\])?\.(.+)")

Descriptor: TypeAlias = dict[str, Any]


def prepare(requests: Sequence[Request]) -> None:
    """Let the nodes of one job push by digest. Raises `Failed` for outputs that cannot be put together."""
    for request in requests:
        for output in request.outputs:
            if output.type in ("oci", "tar"):
                raise _bad(request, f"{output.type} for multi-node builds currently not supported")
            if output.type == "docker":
                raise _bad(request, "docker exporter does not currently support exporting manifest lists")
            if output.type == "moby" and output.pushes:
                problem = "multi-node push can't currently be performed with the docker driver"
                raise _bad(request, f"{problem}, please switch to a different driver")
            if output.type == "image" and output.pushes:
                output.whole = output.names
                output.attrs |= {"name": ",".join(_repositories(request, output)), "push-by-digest": "true"}


def _repositories(request: Request, output: Output) -> list[str]:
    try:
        return list(dict.fromkeys(parse_normalized(name).name for name in output.names))
    except ImageNameError as error:
        raise _bad(request, str(error)) from error


def _bad(request: Request, reason: str) -> Failed:
    return fail(SEVERAL_NODES.at(None, target=request.job.target, reason=reason))


async def merge(
    request: Request, responses: Sequence[Mapping[str, str]], config: DockerConfig, watch: Watcher
) -> dict[str, str]:
    """Push the index of what the nodes have pushed, and return what an exporter would say of it. Where nothing was
    pushed the first node speaks for all. Raises `PublishError`."""
    pushed = [output for output in request.outputs if output.whole]
    if not pushed:
        return dict(responses[0])
    digests = [await _push(request, output, responses, config, watch) for output in pushed]
    return {DIGEST: digests[0]}


async def _push(
    request: Request, output: Output, responses: Sequence[Mapping[str, str]], config: DockerConfig, watch: Watcher
) -> str:
    names = ",".join(output.whole)
    with shown(f"merging manifest list {names}", watch):
        try:
            return await asyncio.to_thread(_merge, request, output, responses, config)
        except RegistryError as error:
            raise PublishError(names, str(error)) from error


def _merge(request: Request, output: Output, responses: Iterable[Mapping[str, str]], config: DockerConfig) -> str:
    names = [parse_normalized(name).tagged() for name in output.whole]
    insecure = names[0].domain if output.attrs.get("registry.insecure", "") in TRUE else ""
    with Registry(config.credentials, insecure=insecure) as registry:
        parts = [_descriptor(registry, names[0], response) for response in responses]
        try:
            index = combine(parts, annotations_of(request.job.exports))
        except (LookupError, TypeError, AttributeError) as error:
            raise RegistryError(f"what was pushed to {names[0].name} cannot be put together: {error}") from error
        for name in names:
            registry.push(name, index)
    return index.digest


def _descriptor(registry: Registry, name: Reference, response: Mapping[str, str]) -> list[Descriptor]:
    """What a node has pushed: the manifests of its index, or the one it made. Raises `RegistryError`."""
    try:
        return _read(registry, name, response)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise RegistryError(f"what a node of the builder pushed to {name.name} is no image: {error}") from error


def _read(registry: Registry, name: Reference, response: Mapping[str, str]) -> list[Descriptor]:
    told = json.loads(base64.b64decode(response[DESCRIPTOR])) if DESCRIPTOR in response else {}
    digest = str(told.get("digest") or response.get(DIGEST, ""))
    if not digest:
        raise RegistryError("a node of the builder did not say what it pushed")
    found = registry.manifest(name.pinned(digest))
    document = json.loads(found.data)
    if found.media_type in INDEXES:
        return [dict(one) for one in document.get("manifests", ())]
    one = {"mediaType": found.media_type, "digest": digest, "size": len(found.data)}
    platform = told.get("platform") or _platform(registry.blob(name, document["config"]["digest"]))
    return [{**one, **({"annotations": told["annotations"]} if told.get("annotations") else {}), "platform": platform}]


def _platform(config: bytes) -> Descriptor:
    found = json.loads(config)
    one = normalize(
        Platform(
            os=str(found.get("os", "")),
            architecture=str(found.get("architecture", "")),
            variant=str(found.get("variant", "")),
        )
    )
    known = {"architecture": one.architecture, "os": one.os, "variant": one.variant}
    return {key: value for key, value in known.items() if value}


Annotations: TypeAlias = Sequence[tuple[str, str, str, str]]
"""Level, platform or nothing, key and value."""


def annotations_of(exports: Iterable[Any]) -> Annotations:
    """Those of an index and of its entries, which no single node can set."""
    attrs = {key: value for export in exports for key, value in export.attrs.items()}
    found = ((ANNOTATION.fullmatch(key), value) for key, value in attrs.items())
    return [(match[1], match[2] or "", match[3], value) for match, value in found if match]


def combine(parts: Iterable[Sequence[Descriptor]], annotations: Annotations = ()) -> Manifest:
    """One index of all manifests, each once. A list of Docker's where all are Docker's, else one of OCI."""
    entries: dict[str, Descriptor] = {}
    for descriptor in (one for part in parts for one in part):
        known = entries.setdefault(descriptor["digest"], {})
        merged = {**(known.get("annotations") or {}), **(descriptor.get("annotations") or {})}
        known.update(descriptor)
        if merged:
            known["annotations"] = merged
    is_docker = all(str(one.get("mediaType", "")).startswith("application/vnd.docker.") for one in entries.values())
    index: dict[str, Any] = {"schemaVersion": 2, "mediaType": DOCKER_LIST if is_docker else OCI_INDEX}
    own = {}
    for level, platform, key, value in annotations if not is_docker else ():
        if level == "index":
            own[key] = value
            continue
        for one in entries.values():
            if platform in ("", _name(one)):
                one["annotations"] = {**(one.get("annotations") or {}), key: value}
    index["manifests"] = [_ordered(one) for one in entries.values()]
    if own:
        index["annotations"] = dict(sorted(own.items()))
    data = json.dumps(index, indent=2, ensure_ascii=False).encode()
    return Manifest(index["mediaType"], data, digest_of(data))


def _name(descriptor: Descriptor) -> str:
    told = descriptor.get("platform") or {}
    return full_name(Platform(told.get("architecture", ""), told.get("os", ""), told.get("variant", "")))


def _ordered(descriptor: Descriptor) -> Descriptor:
    known = {key: descriptor[key] for key in DESCRIPTOR_KEYS if key in descriptor}
    if known.get("annotations"):
        known["annotations"] = dict(sorted(known["annotations"].items()))
    return known
