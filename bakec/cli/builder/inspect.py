"""`bakec builder inspect`: tell all about a builder."""

from __future__ import annotations

import json
import sys

from bakec.cli.builder.scene import add_timeout, aligned, make_scene, perform
from bakec.cli.builder.shown import as_lines, as_object
from bakec.cli.parser import Parser
from bakec.ir.diagnostics import Exit
from bakec.runtime.manage import bootstrap, inspect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec builder inspect", "Tell all about a builder: nodes, their state, what they can do.")
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="builder (default: the current one)")
    parser.switch("--bootstrap", help="make its daemons ready first")
    parser.switch("--json", help="print JSON")
    add_timeout(parser)
    args = parser.read(argv)
    scene = make_scene(args)
    name = args.name or scene.builder
    if args.bootstrap:
        perform(bootstrap(name, scene, sys.stderr))
    state = perform(inspect(name, scene))
    if args.json:
        print(json.dumps(as_object(state), indent=2))
    else:
        print("\n".join(aligned(as_lines(state))))
    return Exit.OK
