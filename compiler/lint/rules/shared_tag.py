"""Two targets of one run with one tag."""

from __future__ import annotations

from bakec.compiler.lint.project import listed, publishes, shared
from bakec.ir.codes import lint as codes
from bakec.ir.module import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from bakec.compiler.lint.project import Owners, Project
    from bakec.ir.diagnostics import Diagnostic

GOOD: Final = """\
group "default" {
  targets = ["app", "tools"]
}
target "app" {
  tags = ["user/app"]
}
target "tools" {
  target = "tools"
  tags = ["user/app:tools"]
}
"""
BAD: Final = """\
group "default" {
  targets = ["app", "tools"]
}
target "app" {
  tags = ["user/app"]
}
target "tools" {
  target = "tools"
  tags = ["user/app"]
}
"""


def check(project: Project) -> Iterator[Diagnostic]:
    owners: Owners = {}
    for name, target in project.selection.targets.items():
        if publishes(target):
            for tag in values(target.fields.get("tags")):
                owners.setdefault(tag.text, []).append((name, tag.origin))
    for text, names, span in shared(owners):
        yield codes.SHARED_TAG.at(span, targets=listed(names), tag=text)
