"""`bakec builder ls`: list builders and their nodes."""

from __future__ import annotations

import json
import sys

from bakec.cli.builder.scene import add_timeout, make_scene, perform, table
from bakec.cli.builder.shown import as_object, platform_names, shortened
from bakec.cli.parser import Parser
from bakec.ir.diagnostics import Exit
from bakec.ir.gojson import dumps
from bakec.runtime.manage import every

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bakec.runtime.manage import BuilderState

HEAD = ("NAME/NODE", "DRIVER/ENDPOINT", "STATUS", "BUILDKIT", "PLATFORMS")
INDENT = " \\_ "


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec builder ls", "List builders and their nodes; * is the current one.")
    about = "table, or json: what buildx prints, one builder a line"
    parser.add_argument("--format", choices=("table", "json"), default="table", help=about)
    parser.switch("--json", help="print one JSON list")
    parser.switch("--no-trunc", help="name every platform")
    add_timeout(parser)
    args = parser.read(argv)
    states = sorted(perform(every(make_scene(args))), key=lambda state: bool(state.error))
    if args.json:
        print(json.dumps([_object(state) for state in states], indent=2))
    elif args.format == "json":
        for state in states:
            print(dumps(dict(sorted(_object(state).items()))))
    else:
        _print_table(states, is_whole=args.no_trunc)
    return Exit.OK


def _object(state: BuilderState) -> dict[str, object]:
    return {**as_object(state), "Current": state.is_current}


def _print_table(states: Sequence[BuilderState], *, is_whole: bool) -> None:
    rows = [HEAD, *(row for state in states for row in _rows(state, is_whole=is_whole))]
    for line in table(rows):
        print(line)
    problems = [problem for state in states for problem in _problems(state)]
    for line in ("", *problems) if problems else ():
        print(line, file=sys.stderr)


def _rows(state: BuilderState, *, is_whole: bool) -> Iterator[tuple[str, ...]]:
    stored = state.stored
    yield stored.name + "*" * state.is_current, stored.driver, "error" if state.error else "", "", ""
    for node in state.nodes:
        found = platform_names(node)
        platforms = ", ".join(found) if is_whole else shortened(found)
        version = node.daemon.version if node.daemon else ""
        yield INDENT + node.stored.name, INDENT + node.stored.endpoint, node.status, version, platforms


def _problems(state: BuilderState) -> Iterator[str]:
    if state.error:
        yield f"Cannot load builder {state.stored.name}: {state.error}"
    for node in state.nodes:
        if node.error:
            yield f"Failed to get status for {state.stored.name} ({node.stored.name}): {node.error}"
