"""A Dockerfile that builds on another target's tag, without a link between the two."""

from __future__ import annotations

import os
import posixpath
import re
from stat import S_ISREG

from bakec.compiler import refs
from bakec.compiler.emit import context_path
from bakec.compiler.sources import read_bytes
from bakec.ir.codes import lint as codes
from bakec.ir.diagnostics import Failed
from bakec.ir.module import values
from bakec.ir.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from typing import Final

    from bakec.compiler.lint.project import Project
    from bakec.ir.diagnostics import Diagnostic
    from bakec.ir.module import Target

GOOD: Final = """\
group "default" {
  targets = ["base", "app"]
}
target "base" {
  tags = ["user/base"]
  dockerfile-inline = "FROM alpine"
}
target "app" {
  contexts = { "user/base" = "target:base" }
  dockerfile-inline = "FROM user/base"
}
"""
BAD: Final = """\
group "default" {
  targets = ["base", "app"]
}
target "base" {
  tags = ["user/base"]
  dockerfile-inline = "FROM alpine"
}
target "app" {
  dockerfile-inline = "FROM user/base"
}
"""


def check(project: Project) -> Iterator[Diagnostic]:
    targets = project.selection.targets
    tags = [(tag.text, name) for name, one in targets.items() for tag in values(one.fields.get("tags"))]
    short = {_short(tag) for tag, _ in tags}
    # Few Dockerfiles name an image that is called like a tag, and only for those is the rest worth its time.
    suspects = {name: images for name in targets if (images := _suspects(targets[name], project, short))}
    makers = {_normal(tag): name for tag, name in tags} if suspects else {}
    makers.pop("", None)
    for name, images in suspects.items():
        contexts = targets[name].fields.get("contexts")
        linked = {_normal(context) for context in contexts} if isinstance(contexts, dict) else set()
        for image in images:
            maker = makers.get(_normal(image), name)
            if maker != name and _normal(image) not in linked:
                yield codes.HIDDEN_DEPENDENCY.at(targets[name].span, name=name, image=image, maker=maker)


def _suspects(target: Target, project: Project, short: Collection[str]) -> list[str]:
    dockerfile = _dockerfile(target, project) if short else b""
    words = re.findall(_WORD, dockerfile.decode("utf-8", "replace")) if dockerfile else ()
    if not any(_short(word) in short for word in words):
        return []
    return [image for image in dict.fromkeys(_images(dockerfile)) if _short(image) in short]


def _short(image: str) -> str:
    """The last part of a name, without tag and digest."""
    return image.rpartition("/")[2].partition("@")[0].partition(":")[0]


def _normal(image: str) -> str:
    """The whole name of an image, nothing for what is none."""
    from bakec.ir.llb.references import ImageNameError, parse_normalized

    try:
        return str(parse_normalized(image).tagged())
    except ImageNameError:
        return ""


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    return value.raw if isinstance(value, Value) and isinstance(value.raw, str) else ""


def _dockerfile(target: Target, project: Project) -> bytes:
    """What can be read here of a target's Dockerfile."""
    inline, context = _text(target.fields, "dockerfile-inline"), context_path(target)
    if inline or refs.is_remote(context):
        return inline.encode("utf-8", "replace")
    path = posixpath.join(context, _text(target.fields, "dockerfile"))
    try:
        # A pipe would be emptied, and waited for. What cannot be read is for the build to say.
        info = os.stat(project.host.path(path))  # noqa: PTH116 - start-up counts
        return (read_bytes(path, project.host) or b"") if S_ISREG(info.st_mode) and info.st_size <= _LARGEST else b""
    except (Failed, OSError, ValueError):
        return b""


def _images(dockerfile: bytes) -> Iterator[str]:
    """The images that the instructions name, without what are stages of the file."""
    from bakec.compiler.dockerfile.faults import DockerfileError
    from bakec.compiler.dockerfile.parse import parse

    try:
        nodes = parse(dockerfile).nodes
    except DockerfileError:
        return  # what is wrong with it is for the build to say
    bases = [node.args for node in nodes if node.name.lower() == "from"]
    stages = {args[2].lower() for args in bases if len(args) == _NAMED}
    yield from (args[0] for args in bases if args and args[0].lower() not in stages)
    for flag in (flag for node in nodes for flag in node.flags):
        name, _, value = flag.partition("=")
        sources = value.split(",") if name == "--mount" else [f"from={value}"] if name == "--from" else []
        images = (source.removeprefix("from=") for source in sources if source.startswith("from="))
        yield from (image for image in images if image.lower() not in stages)


_WORD: Final = r"(?im)(?:^[ \t]*FROM[ \t](?:[ \t]*--\S+)*[ \t]*|\bfrom=)([^\s,]+)"
"""What may be the name of an image, found fast."""
_LARGEST: Final = 1 << 20
"""Bytes of a Dockerfile; what is larger is none."""
_NAMED: Final = 3
"""Arguments of `FROM image AS stage`."""
