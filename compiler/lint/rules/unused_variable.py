"""A variable that no expression names."""

from collections.abc import Iterator
from typing import Final

from bakec.compiler.lint.project import Project, expressions
from bakec.ir.codes import lint as codes
from bakec.ir.diagnostics import Diagnostic
from bakec.ir.syntax import ScopeTraversal

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
    used = {node.root for file in project.files for node in expressions(file.body) if isinstance(node, ScopeTraversal)}
    for variable in project.definitions.variables:
        if variable.name not in used:
            yield codes.UNUSED_VARIABLE.at(variable.span, name=variable.name)
