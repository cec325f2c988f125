"""A Dockerfile that builds on another target's tag, without a link between the two."""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Final

from bakec.compiler import refs
from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.parse import parse
from bakec.compiler.emit import context_path
from bakec.compiler.lint.project import Project
from bakec.compiler.sources import read_bytes
from bakec.ir.codes import lint as codes
from bakec.ir.diagnostics import Diagnostic
from bakec.ir.llb.references import ImageNameError, parse_normalized
from bakec.ir.module import Target, values
from bakec.ir.values import Value

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
    makers = {_normal(tag.text): name for name, one in targets.items() for tag in values(one.fields.get("tags"))}
    makers.pop("", None)
    for name, target in targets.items() if len(targets) > 1 else ():
        contexts = target.fields.get("contexts")
        linked = {_normal(context) for context in contexts} if isinstance(contexts, dict) else set()
        for image in dict.fromkeys(_images(_dockerfile(target, project))):
            maker = makers.get(_normal(image), name)
            if maker != name and _normal(image) not in linked:
                yield codes.HIDDEN_DEPENDENCY.at(target.span, name=name, image=image, maker=maker)


def _normal(image: str) -> str:
    """The whole name of an image, nothing for what is none."""
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
        return inline.encode()
    return read_bytes(posixpath.join(context, _text(target.fields, "dockerfile")), project.host) or b""


def _images(dockerfile: bytes) -> Iterator[str]:
    """The images that the instructions name, without what are stages of the file."""
    try:
        nodes = parse(dockerfile).nodes
    except DockerfileError:
        return  # what is wrong with it is for the build to say
    bases = [node.args for node in nodes if node.name.lower() == "from"]
    stages = {args[2].lower() for args in bases if len(args) == _NAMED}
    yield from (args[0] for args in bases if args and args[0].lower() not in stages)
    for flag in (flag for node in nodes for flag in node.flags if flag.startswith("--from=")):
        image = flag.removeprefix("--from=")
        if image.lower() not in stages:
            yield image


_NAMED: Final = 3
"""Arguments of `FROM image AS stage`."""
