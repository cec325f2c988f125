"""`bakec builder du`: tell how much a builder's cache takes."""

from __future__ import annotations

import json

from bakec.cli.builder import records
from bakec.cli.builder.scene import add_builder, add_timeout, make_scene, perform, table
from bakec.cli.parser import Parser
from bakec.ir.codes.builder import BAD_BUILDER
from bakec.ir.diagnostics import Exit, fail
from bakec.ir.gojson import dumps
from bakec.runtime.cache import parse_filters, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec builder du", "Tell what a builder keeps of its builds, and how much it is.")
    parser.add_argument("--filter", action="append", default=[], metavar="KEY=VALUE", help="tell of some only")
    about = "table, pretty, or json: what buildx prints, one record a line"
    parser.add_argument("--format", choices=("table", "pretty", "json"), default="", help=about)
    parser.switch("--verbose", help="short for --format pretty")
    parser.switch("--json", help="print one JSON list with exact numbers")
    add_builder(parser)
    add_timeout(parser)
    args = parser.read(argv)
    if args.format and args.verbose:
        raise fail(BAD_BUILDER.at(None, reason="--format and --verbose cannot be used together"))
    found = perform(usage(args.builder, make_scene(args), parse_filters(args.filter)))
    if args.json:
        print(json.dumps([records.exact(record) for record in found], indent=2))
        return Exit.OK
    form = args.format or ("pretty" if args.verbose else "table")
    if form == "json":
        lines = [dumps(records.as_object(record)) for record in found]
    elif form == "pretty":
        lines = [line for record in found for line in records.whole(record)]
    else:
        lines = list(table([records.HEAD, *map(records.row, found)]))
    if form != "json" and not args.filter:
        lines += records.summary(found)
    for line in lines:
        print(line)
    return Exit.OK
