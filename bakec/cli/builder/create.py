"""`bakec builder create`: make a builder, or change the nodes of one."""

from __future__ import annotations

import sys

from bakec.cli.builder.scene import add_timeout, make_scene, perform
from bakec.cli.output import report
from bakec.cli.parser import Parser
from bakec.ir.diagnostics import Diagnostics, Exit
from bakec.runtime import create

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec builder create", "Make a builder. Without an endpoint it is at the current engine.")
    add = parser.add_argument
    add("endpoint", nargs="?", default="", metavar="CONTEXT|ENDPOINT", help="docker context, or address")
    add("--name", default="", help="of the builder (default: one is made up)")
    add("--driver", default="", help=f"one of {', '.join(create.CREATABLE)}")
    add("--driver-opt", action="append", default=[], metavar="KEY=VALUE,…", help="options of the driver")
    add("--node", default="", metavar="NAME", help="make or change the node of this name")
    add("--platform", action="append", default=[], metavar="PLATFORM,…", help="what the node is for")
    add("--buildkitd-flags", default="", metavar="FLAGS", help="flags of the daemon")
    add("--config", "--buildkitd-config", default="", metavar="FILE", help="configuration of the daemon")
    parser.switch("--append", help="add a node to the builder instead of changing it")
    parser.switch("--leave", help="remove a node from the builder instead of changing it")
    parser.switch("--use", help="make it the current builder")
    parser.switch("--bootstrap", help="make its daemons ready, too")
    add("--progress", default="auto", metavar="MODE", help="of --bootstrap: auto, plain, tty, quiet or rawjson")
    add_timeout(parser)
    args = parser.read(argv)
    scene = make_scene(args)
    if args.leave:
        create.leave(args.name, args.node, scene.env, scene.config)
        return Exit.OK
    wanted = create.Wanted(
        name=args.name,
        driver=args.driver,
        node=args.node,
        platforms=tuple(args.platform),
        driver_opts=tuple(args.driver_opt),
        buildkitd_flags=args.buildkitd_flags,
        buildkitd_config=args.buildkitd_config,
        endpoint=args.endpoint,
        append=args.append,
        use=args.use,
    )
    sink = Diagnostics()
    made = perform(create.create(wanted, scene.env, scene.config, sink))
    report(sink.items)
    if args.bootstrap:
        from bakec.runtime.manage import bootstrap

        perform(bootstrap(made.name, scene, sys.stderr, args.progress))
    print(made.name)
    return Exit.OK
