"""`bakec builder use`: make a builder the current one."""

from __future__ import annotations

from bakec.cli.builder.scene import make_scene
from bakec.cli.parser import Parser
from bakec.ir.diagnostics import Exit
from bakec.runtime.create import use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec builder use", "Make a builder the current one of this engine.")
    parser.add_argument("name", metavar="NAME", help="builder; `default` is the engine itself")
    parser.switch("--default", help="whenever this engine is the current one")
    parser.switch("--global", help="whatever engine is the current one")
    args = parser.read(argv)
    scene = make_scene(args)
    use(args.name, scene.env, scene.config, is_global=vars(args)["global"], is_default=args.default)
    return Exit.OK
