"""More targets in one run than the docker driver can hold."""

from __future__ import annotations

from bakec.ir.codes import lint as codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from bakec.compiler.lint.project import Project
    from bakec.ir.diagnostics import Diagnostic

LIMIT: Final = 100

GOOD: Final = """\
target "default" {
  name = "app-${item}"
  matrix = { item = range(100) }
}
"""
BAD: Final = """\
target "default" {
  name = "app-${item}"
  matrix = { item = range(101) }
}
"""


def check(project: Project) -> Iterator[Diagnostic]:
    count = len(project.selection.targets)
    if count > LIMIT:
        yield codes.MANY_JOBS.at(None, count=count, limit=LIMIT)
