"""A target that neither a group nor another target leads to."""

from __future__ import annotations

from bakec.compiler.lint.project import traversals
from bakec.ir.codes import lint as codes
from bakec.ir.syntax import AttrStep, ScopeTraversal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from bakec.compiler.lint.project import Project
    from bakec.ir.diagnostics import Diagnostic
    from bakec.ir.module import TargetDef

GOOD: Final = """\
group "default" {
  targets = ["app"]
}
target "app" {
  inherits = ["_base"]
}
target "_base" {
  pull = true
}
"""
BAD: Final = """\
group "default" {
  targets = ["app"]
}
target "app" {
}
target "_base" {
  pull = true
}
"""


def check(project: Project) -> Iterator[Diagnostic]:
    if not any(group.targets for group in project.definitions.groups):
        return
    used = {"default", *project.selection.targets, *_named(project)}
    unused = {target.name: target.span for target in project.definitions.targets if target.name not in used}
    for name in traversals(project) if unused else ():
        match name:
            case ScopeTraversal(root="target", steps=(AttrStep(name=target), *_)):
                unused.pop(target, None)
    for target, span in unused.items():
        if span:
            yield codes.UNUSED_TARGET.at(span, name=target)


def _named(project: Project) -> Iterator[str]:
    """Names of targets in the fields where one can stand."""
    for group in project.definitions.groups:
        yield from (member.text for member in group.targets or ())
    for target in project.definitions.targets:
        yield from (parent.text for parent in target.inherits)
        yield from _links(target)


def _links(target: TargetDef) -> Iterator[str]:
    contexts = target.fields.get("contexts")
    for value in contexts.values() if isinstance(contexts, dict) else ():
        if value.text.startswith("target:"):
            yield value.text.removeprefix("target:")
