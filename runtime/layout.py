"""Directories in the form of an OCI image layout: local caches, images to build from, images written out."""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REF_NAME = "org.opencontainers.image.ref.name"
IMAGE_NAME = "io.containerd.image.name"


def read_index(path: Path) -> list[dict[str, object]]:
    """The manifests that a layout lists; none if it has no index."""
    try:
        index = json.loads((path / "index.json").read_text())
    except FileNotFoundError:
        return []
    manifests = index.get("manifests") if isinstance(index, dict) else None
    return [entry for entry in manifests or () if isinstance(entry, dict)]


def find_digest(path: Path, tag: str) -> str:
    """The digest of the manifest with this name or tag; empty if there is none."""
    for key in (IMAGE_NAME, REF_NAME):
        for entry in read_index(path):
            if _annotations(entry).get(key) == tag:
                return str(entry.get("digest", ""))
    return ""


def write_index(path: Path, descriptor: Mapping[str, object], names: list[str], tag: str = "latest") -> None:
    """Put a manifest into the index of a layout, under image `names` or else under `tag`; what had the same
    name is replaced."""
    manifests = read_index(path)
    for name in names or [""]:
        last = name.rpartition("/")[2]
        labels = {REF_NAME: last.partition(":")[2] or "latest", IMAGE_NAME: name} if name else {REF_NAME: tag}
        entry = {**descriptor, "annotations": {**_annotations(descriptor), **labels}}
        manifests = [old for old in manifests if _key(old) != _key(entry)] + [entry]
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": manifests,
    }
    (path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    fresh = path / f".index.{os.getpid()}"
    fresh.write_text(json.dumps(index, separators=(",", ":")))
    fresh.replace(path / "index.json")


def _annotations(entry: Mapping[str, object]) -> dict[str, object]:
    found = entry.get("annotations")
    return dict(found) if isinstance(found, dict) else {}


def _key(entry: Mapping[str, object]) -> tuple[object, object]:
    found = _annotations(entry)
    return found.get(REF_NAME), found.get(IMAGE_NAME)
