"""`bakec builder prune`: throw a builder's cache away."""

from __future__ import annotations

from bakec.cli.builder import records
from bakec.cli.builder.scene import add_builder, add_timeout, confirmed, make_scene, perform
from bakec.cli.parser import Parser
from bakec.ir.diagnostics import Exit
from bakec.runtime import amounts
from bakec.runtime.amounts import parse_size
from bakec.runtime.cache import Pruning, default_filters, parse_filters, prune

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from bakec.runtime.buildkit.proto.cache_pb2 import UsageRecord
    from bakec.runtime.scene import Scene

QUESTION = "WARNING! This will remove all {which}build cache. Are you sure you want to continue?"


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec builder prune", "Throw away what a builder keeps of its builds.")
    add = parser.add_argument
    parser.switch("-a", "--all", help="also images of frontends, and what builds share")
    add("--filter", action="append", default=[], metavar="KEY=VALUE", help="only some, such as until=24h")
    add(
        "--keep-storage",
        "--reserved-space",
        type=parse_size,
        default=0,
        metavar="SIZE",
        help="keep this much in any case",
    )
    add("--max-used-space", type=parse_size, default=0, metavar="SIZE", help="keep no more than this")
    add(
        "--min-free-space",
        type=parse_size,
        default=0,
        metavar="SIZE",
        help="until so much of the disk is free",
    )
    parser.switch("--verbose", help="tell all of what is gone")
    parser.switch("-f", "--force", help="do not ask")
    add_builder(parser)
    add_timeout(parser)
    args = parser.read(argv)
    scene = make_scene(args)
    wanted = Pruning(
        all=args.all,
        filter=parse_filters(default_filters(scene.config.values, args.filter)),
        reserved=args.reserved_space,
        max_used=args.max_used_space,
        min_free=args.min_free_space,
    )
    if not args.force and not confirmed(QUESTION.format(which="" if args.all else "dangling ")):
        return Exit.OK
    total = perform(_prune(args.builder, scene, wanted, is_verbose=args.verbose))
    print(f"Total:\t{amounts.decimal_size(total)}")
    return Exit.OK


async def _prune(builder: str, scene: Scene, wanted: Pruning, *, is_verbose: bool) -> int:
    """The bytes that are gone."""
    total, is_first = 0, True
    async for record in prune(builder, scene, wanted):
        if is_first and not is_verbose:
            print(_line(records.HEAD))
        total, is_first = total + record.Size, False
        _tell(record, is_verbose=is_verbose)
    return total


def _tell(record: UsageRecord, *, is_verbose: bool) -> None:
    for line in records.whole(record) if is_verbose else (_line(records.row(record)),):
        print(line, flush=True)


def _line(cells: Sequence[str]) -> str:
    name, reclaimable, size_, used = cells
    return f"{name:<40}  {reclaimable:<11}  {size_:<10}  {used}"
