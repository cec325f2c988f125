"""An attribute that the language does not know."""

from __future__ import annotations

from bakec.compiler.suggest import nearest
from bakec.ir.codes import lint as codes
from bakec.ir.fields import FIELDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from bakec.compiler.lint.project import Project
    from bakec.ir.diagnostics import Diagnostic

KNOWN: Final = {
    "target": frozenset((*FIELDS, "inherits", "matrix", "name")),
    "group": frozenset(("name", "description", "targets", "matrix")),
    "variable": frozenset(("type", "default", "description")),
}
"""By type of block. In a group `name` and `matrix` are errors of their own."""

GOOD: Final = """\
target "app" {
  dockerfile = "app.Dockerfile"
}
"""
BAD: Final = """\
target "app" {
  dokerfile = "app.Dockerfile"
}
"""


def check(project: Project) -> Iterator[Diagnostic]:
    for file in project.files:
        for block in file.body.blocks:
            known = KNOWN.get(block.type, frozenset())
            for name, attribute in block.body.attributes.items() if known else ():
                if name not in known:
                    close = nearest(name.replace("_", "-"), known)
                    yield codes.UNKNOWN_ATTRIBUTE.at(
                        attribute.name_span,
                        block=block.type,
                        name=name,
                        hint=f'did you mean "{close}"?' if close else "",
                    )
