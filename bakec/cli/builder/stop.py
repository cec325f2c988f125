"""`bakec builder stop`: let the daemons of a builder end."""

from __future__ import annotations

from bakec.cli.builder.scene import make_scene, perform
from bakec.cli.parser import Parser
from bakec.ir.diagnostics import Exit
from bakec.runtime.manage import stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec builder stop", "Let the daemons of a builder end. They keep their cache.")
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="builder (default: the current one)")
    args = parser.read(argv)
    scene = make_scene(args)
    perform(stop(args.name or scene.builder, scene))
    return Exit.OK
