"""`bakec builder bootstrap`: make the daemons of a builder ready."""

from __future__ import annotations

import sys

from bakec.cli.builder.scene import add_timeout, make_scene, perform
from bakec.cli.parser import Parser
from bakec.ir.diagnostics import Exit
from bakec.runtime.manage import bootstrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec builder bootstrap", "Make the daemons of a builder ready, so that the next build need not.")
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="builder (default: the current one)")
    parser.add_argument("--progress", default="auto", metavar="MODE", help="auto, plain, tty, quiet or rawjson")
    add_timeout(parser)
    args = parser.read(argv)
    scene = make_scene(args)
    print(perform(bootstrap(args.name or scene.builder, scene, sys.stderr, args.progress)).name)
    return Exit.OK
