"""A block that the language does not know."""

from __future__ import annotations

from bakec.compiler.suggest import nearest
from bakec.ir.codes import lint as codes
from bakec.ir.fields import BLOCK_TYPES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

    from bakec.compiler.lint.project import Project
    from bakec.ir.diagnostics import Diagnostic
    from bakec.ir.syntax import Block

INSIDE: Final = {"variable": ("validation",), "target": (), "group": ()}
"""Types of blocks that stand in others."""

GOOD: Final = """\
target "app" {
  args = { VERSION = "1" }
}
"""
BAD: Final = """\
target "app" {
  args {
    VERSION = "1"
  }
}
"""


def check(project: Project) -> Iterator[Diagnostic]:
    for file in project.files:
        yield from _unknown(file.body.blocks, BLOCK_TYPES, "at the top level")
        for block in file.body.blocks:
            if block.type in INSIDE:
                yield from _unknown(block.body.blocks, INSIDE[block.type], f"in a {block.type}")


def _unknown(blocks: Iterable[Block], known: Iterable[str], where: str) -> Iterator[Diagnostic]:
    for block in blocks:
        if block.type not in known:
            close = nearest(block.type, known)
            hint = f'did you mean "{close}"?' if close else ""
            yield codes.UNKNOWN_BLOCK.at(block.type_span, name=block.type, where=where, hint=hint)
