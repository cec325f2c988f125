"""A variable that no expression names."""

from __future__ import annotations

from bakec.compiler.lint.project import traversals
from bakec.ir.codes import lint as codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from bakec.compiler.lint.project import Project
    from bakec.ir.diagnostics import Diagnostic

GOOD: Final = """\
variable "VERSION" {
  default = "1.0"
}
target "default" {
  tags = ["user/app:${VERSION}"]
}
"""
BAD: Final = """\
variable "VERSION" {
  default = "1.0"
}
target "default" {
  tags = ["user/app:1.0"]
}
"""


def check(project: Project) -> Iterator[Diagnostic]:
    unused = {variable.name: variable.span for variable in project.definitions.variables}
    for name in traversals(project):
        unused.pop(name.root, None)
        if not unused:
            return  # mostly early: all the rest of a large file need not be looked at
    for variable, span in unused.items():
        yield codes.UNUSED_VARIABLE.at(span, name=variable)
