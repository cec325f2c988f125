"""What a run has made, as one document to be compared: images, files, archives, layouts, what is in the registry, and
the keys of the metadata file. What is of one machine or day (layers, the values of the metadata file) is in `exact`
instead, which is the same for two tools that share a builder's cache."""

import json
import re
import subprocess
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Blob = Callable[[str], bytes]
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
REF = re.compile(r"\b[a-z0-9]{25}\b")
SHARED_KEY = re.compile(r'"sharedkey:localdir:[^"]*": "[^"]*"(, )?')
"""How a folder is named in the builder's cache; older versions of buildx do not say it of named contexts."""
SMALL = 400


@dataclass
class Found:
    """`result` is the same wherever it is made; `exact` for two tools on one builder."""

    result: dict[str, Any] = field(default_factory=dict)
    exact: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where to look: an engine, a registry, a folder, and what the names of `who` begin with."""

    env: Mapping[str, str]
    folder: Path
    prefix: str
    site: str = ""
    unsaid: tuple[str, ...] = ()
    """What keys of the metadata file begin with that only some versions of buildx write."""

    @property
    def registry(self) -> str:
        return self.env["BAKEC_TEST_REGISTRY"]

    def plain(self, text: str) -> str:
        """Without what is of one run."""
        for own, name in ((self.prefix, "PREFIX"), (self.registry, "REGISTRY"), (self.site or "\0", "SITE")):
            text = text.replace(own, name)
        text = SHARED_KEY.sub("", text)
        return REF.sub("REF", TIME.sub("TIME", DIGEST.sub("DIGEST", text)))


def look(place: Place, metadata: Path) -> Found:
    found = Found()
    images, found.exact["images"] = _images(place)
    said = json.loads(metadata.read_text()) if metadata.exists() else {}
    said = {
        name: {key: values[key] for key in values if not key.startswith(place.unsaid)} for name, values in said.items()
    }
    parts = {
        "images": images,
        "files": dict(_files(place.folder, place.folder)),
        "registry": _registry(place),
        "metadata": {key: sorted(values) for key, values in said.items()},
    }
    found.exact["layers"] = sorted(DIGEST.findall(json.dumps([parts["files"], parts["registry"]])))
    found.result = json.loads(place.plain(json.dumps({key: part for key, part in parts.items() if part})))
    found.exact["metadata"] = json.loads(place.plain(json.dumps(said)))
    return found


def remove_images(place: Place) -> None:
    names = _names(place)
    if names:
        subprocess.run(("docker", "image", "rm", "-f", *names), env=dict(place.env), check=True, capture_output=True)


def _docker(place: Place, *arguments: str) -> str:
    done = subprocess.run(("docker", *arguments), env=dict(place.env), capture_output=True, text=True, check=True)
    return done.stdout


def _names(place: Place) -> list[str]:
    listed = _docker(place, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
    return sorted(name for name in listed if f"{place.prefix}/" in name)


def _images(place: Place) -> tuple[dict[str, Any], dict[str, Any]]:
    names = _names(place)
    if not names:
        return {}, {}
    shown, exact = {}, {}
    for name, image in zip(names, json.loads(_docker(place, "image", "inspect", *names)), strict=True):
        key = name.partition(f"{place.prefix}/")[2]
        layers = image["RootFS"].get("Layers") or []
        shown[key] = {
            "config": {key: value for key, value in image["Config"].items() if value},
            "platform": f"{image['Os']}/{image['Architecture']}",
            "layers": len(layers),
        }
        exact[key] = layers
    return shown, exact


def _files(folder: Path, root: Path) -> Iterator[tuple[str, Any]]:
    """Each entry below `folder` by its path: kind, mode and content. Archives and layouts are looked into."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        name = str(path.relative_to(root))
        if path.is_symlink():
            yield name, f"link to {path.readlink()}"
        elif (path / "oci-layout").exists():
            yield name, _layout(_in_folder(path))
        elif path.is_dir():
            yield name, f"folder {path.stat().st_mode & 0o7777:o}"
            yield from _files(path, root)
        elif path.stat().st_size and tarfile.is_tarfile(path):
            yield name, _archive(path)
        else:
            yield name, f"file {path.stat().st_mode & 0o7777:o}: {_text(path.read_bytes())}"


def _text(data: bytes) -> str:
    return data.decode() if len(data) < SMALL and data.isascii() else f"{len(data)} bytes"


def _archive(path: Path) -> Any:
    with tarfile.open(path) as archive:
        if "oci-layout" in archive.getnames():
            return _layout(lambda name: _member(archive, name))
        return {
            each.name: f"{'folder' if each.isdir() else each.linkname or 'file'} {each.mode & 0o7777:o}"
            for each in archive.getmembers()
        }


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def _in_folder(path: Path) -> Callable[[str], bytes]:
    return lambda name: (path / name).read_bytes()


def _layout(read: Callable[[str], bytes]) -> Any:
    index = json.loads(read("index.json"))
    return _manifest(index, lambda digest: read(f"blobs/{digest.replace(':', '/')}"))


def _registry(place: Place) -> dict[str, Any]:
    repositories = _get(place, f"_catalog?n=100&last={place.prefix}")["repositories"] or []
    shown = {}
    for name in repositories:
        if name.startswith(f"{place.prefix}/"):
            for tag in _tags(place, name):
                top = _get(place, f"{name}/manifests/{tag}")
                shown[f"{name.removeprefix(place.prefix + '/')}:{tag}"] = _manifest(top, _in_registry(place, name))
    return shown


def _tags(place: Place, name: str) -> list[str]:
    try:
        return sorted(_get(place, f"{name}/tags/list")["tags"] or [])
    except urllib.error.HTTPError:
        return []  # a repository without a tag


def _get(place: Place, path: str) -> Any:
    request = urllib.request.Request(f"http://{place.registry}/v2/{path}", headers={"Accept": ", ".join(MANIFESTS)})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def _in_registry(place: Place, name: str) -> Blob:
    def read(digest: str) -> bytes:
        for kind in ("manifests", "blobs"):
            url = f"http://{place.registry}/v2/{name}/{kind}/{digest}"
            request = urllib.request.Request(url, headers={"Accept": ", ".join(MANIFESTS)})
            try:
                with urllib.request.urlopen(request) as answer:
                    return bytes(answer.read())
            except urllib.error.HTTPError:
                continue
        raise KeyError(digest)

    return read


def _manifest(top: Mapping[str, Any], read: Blob) -> Any:
    """An index with all that is below it, or one image: its config, and the kinds of its layers."""
    if "manifests" in top:
        listed = [_described(one, _manifest(json.loads(read(one["digest"])), read)) for one in top["manifests"]]
        return {**_annotated(top), "index": sorted(listed, key=json.dumps)}
    config = json.loads(read(top["config"]["digest"]))
    layers = [_described(one, _kind(one)) for one in top["layers"] or ()]
    kept = {key: config[key] for key in ("architecture", "os", "config") if config.get(key)}
    return {**_annotated(top), "config": kept, "layers": layers}


def _kind(layer: Mapping[str, Any]) -> str:
    """With the digest, except of attestations, which name the time."""
    kind = str(layer["mediaType"])
    return kind if "in-toto" in kind else f"{kind} {layer['digest']}"


def _described(descriptor: Mapping[str, Any], what: Any) -> Any:
    platform = descriptor.get("platform")
    extra = {"platform": f"{platform['os']}/{platform['architecture']}"} if platform else {}
    extra |= _annotated(descriptor)
    return {**extra, "is": what} if extra else what


def _annotated(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"annotations": value["annotations"]} if value.get("annotations") else {}
