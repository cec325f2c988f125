"""A key that has a newer form."""

from __future__ import annotations

from bakec.compiler.lint.project import place
from bakec.ir.codes import lint as codes
from bakec.ir.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from bakec.compiler.lint.project import Project
    from bakec.ir.diagnostics import Diagnostic


class Deprecated(NamedTuple):
    reason: str
    instead: str


ARGS: Final = {
    "BUILDKIT_INLINE_CACHE": Deprecated(
        "an inline cache is a cache export of its own", 'cache-to = ["type=inline"] instead of the argument'
    ),
}
"""Build arguments that the frontend itself reads."""

GOOD: Final = """\
target "default" {
  cache-to = ["type=inline"]
}
"""
BAD: Final = """\
target "default" {
  args = { BUILDKIT_INLINE_CACHE = "1" }
}
"""


def check(project: Project) -> Iterator[Diagnostic]:
    for target in project.selection.targets.values():
        args = target.fields.get("args")
        for name, value in args.items() if isinstance(args, dict) else ():
            if name in ARGS:
                reason, instead = ARGS[name]
                yield codes.DEPRECATED_KEY.at(place(value.origin), name=name, reason=reason, instead=instead)
