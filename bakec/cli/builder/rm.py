"""`bakec builder rm`: remove builders."""

from __future__ import annotations

import sys

from bakec.cli.builder.scene import add_timeout, confirmed, make_scene, perform
from bakec.cli.output import report
from bakec.cli.parser import Parser
from bakec.ir.codes.builder import BAD_BUILDER
from bakec.ir.diagnostics import Exit, Failed, fail
from bakec.runtime import builders
from bakec.runtime.manage import idle, remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from bakec.runtime.scene import Scene

QUESTION = "WARNING! This will remove all builders that are not in running state. Are you sure you want to continue?"


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec builder rm", "Remove builders, with their daemons and caches.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="builders (default: the current one)")
    parser.switch("--keep-state", help="keep the cache, for a builder with nodes of the same names")
    parser.switch("--keep-daemon", help="keep the daemons running")
    parser.switch("--all-inactive", help="remove every builder of which no daemon runs")
    parser.switch("-f", "--force", help="do not ask")
    add_timeout(parser)
    args = parser.read(argv)
    scene = make_scene(args)
    if args.all_inactive and args.names:
        raise fail(BAD_BUILDER.at(None, reason="cannot specify builder name when --all-inactive is set"))
    if args.all_inactive and not args.force and not confirmed(QUESTION):
        return Exit.OK
    names = (
        perform(idle(scene))
        if args.all_inactive
        else args.names or [scene.builder or builders.lookup("", scene.env, scene.config).name]
    )
    codes = [_remove(name, scene, keep_state=args.keep_state, keep_daemon=args.keep_daemon) for name in names]
    return next((code for code in codes if code), Exit.OK)


def _current(scene: Scene) -> str:
    return scene.builder or builders.lookup("", scene.env, scene.config).name


def _remove(name: str, scene: Scene, *, keep_state: bool, keep_daemon: bool) -> Exit:
    try:
        perform(remove(name, scene, keep_state=keep_state, keep_daemon=keep_daemon))
    except Failed as failure:
        report(failure.diagnostics)
        return failure.exit
    print(f"{name} removed", file=sys.stderr)
    return Exit.OK
