"""Plans for the verbs that read one: from a plan file, from definition files, from a git revision."""

from __future__ import annotations

import os
import sys

from bakec.cli.output import report
from bakec.ir.diagnostics import Diagnostics, fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from typing import Final, TypeVar

    from bakec.cli.parser import Arguments, Parser
    from bakec.ir.plan import Plan

    T = TypeVar("T")


def read_plan(path: str) -> Plan:
    """The plan at `path`, checked; `-` is standard input. Raises `Failed` with exit code 4."""
    return unseal_plan(path)[0]


def unseal_plan(path: str, left_out: Collection[str] = ()) -> tuple[Plan, str]:
    """The same, and its digest. `left_out` are fields that nobody will look at."""
    from bakec.ir.loading import unseal

    if path != "-":
        return keep(unseal(path, left_out))
    from bakec.ir.packed import MAX_BYTES

    return keep(unseal(sys.stdin.buffer.read(MAX_BYTES + 1), left_out))


_kept: Final[list[object]] = []


def keep(value: T) -> T:
    """`value`, which then lives as long as the process. That leaves without freeing anything, while to free a large
    plan, one small thing after the other, takes a tenth of the time that it takes to read it."""
    _kept.append(value)
    return value


def add_plan_flags(parser: Parser) -> None:
    """Where a plan comes from: `-p PLAN`, else the definition files."""
    parser.add_argument("-p", "--plan", default="", metavar="PLAN", help="plan file, - for standard input")
    add_source_flags(parser)


def add_source_flags(parser: Parser) -> None:
    """The flags that decide what definition files mean."""
    add = parser.add_argument
    add("-f", "--file", action="append", default=[], metavar="FILE", help="definition file, - for standard input")
    add("--set", action="append", default=[], metavar="TARGET.KEY=VALUE", help="override an attribute of targets")
    add("--var", action="append", default=[], metavar="NAME=VALUE", help="set a variable")


def plan_from(args: Arguments, targets: Sequence[str]) -> Plan:
    """The plan that `-p` names, else that of `targets` in the definition files. Raises `Failed`."""
    return read_plan(args.plan) if args.plan else compile_from(args, args.file, targets)


def compile_from(
    args: Arguments,
    files: Iterable[str],
    targets: Sequence[str],
    *,
    root: str | None = None,
    checkout: str | None = None,
    quiet: bool = False,
) -> Plan:
    """Compile definition files as the flags say, as `api.compile_files` does; warnings go to standard error, unless
    `quiet`. Raises `Failed`."""
    from bakec import api
    from bakec.compiler.options import parse_variables

    warnings = Diagnostics()
    plan = api.compile_files(
        *files,
        targets=tuple(targets) or ("default",),
        sets=args.set,
        variables=parse_variables(tuple(args.var)),
        root=root,
        checkout=checkout,
        warnings=warnings,
    )
    if not quiet:
        report(warnings.items)
    return plan


def read_side(text: str, args: Arguments) -> Plan:
    """One side of a diff: a plan, definition files with commas between, a folder, or a git revision. Raises
    `Failed`."""
    if text == "-":
        return read_plan(text)
    paths = text.split(",")
    if all(map(os.path.isfile, paths)):
        is_plan = len(paths) == 1 and _looks_like_plan(text)
        return read_plan(text) if is_plan else compile_from(args, paths, args.target)
    if os.path.isdir(text):  # noqa: PTH112 - start-up counts
        return compile_from(args, args.file, args.target, root=text)
    return _read_revision(text, args)


_BLOCK: Final = 1 << 16
"""Plans of one length differ in their first bytes, where the digest stands."""


def _are_one_plan(one: str, other: str) -> bool:
    """Whether both are plan files and hold the same: to see that takes less than to read the second."""
    if not (os.path.isfile(one) and os.path.isfile(other) and _looks_like_plan(one)):  # noqa: PTH113 - start-up counts
        return False
    if os.path.getsize(one) != os.path.getsize(other):  # noqa: PTH202
        return False
    with open(one, "rb") as first, open(other, "rb") as second:  # noqa: PTH123
        while (block := first.read(_BLOCK)) == second.read(_BLOCK):
            if not block:
                return True
    return False


def _looks_like_plan(path: str) -> bool:
    """Whether the file starts as a msgpack map does; no text in UTF-8 can."""
    with open(path, "rb") as file:  # noqa: PTH123 - start-up counts
        first = file.read(1)
    return path.endswith(".msgpack") or (first != b"" and (0x80 <= first[0] <= 0x8F or first[0] in (0xDE, 0xDF)))


def _read_revision(text: str, args: Arguments) -> Plan:
    from pathlib import Path

    from bakec.ir.codes import plan as codes
    from bakec.revisions import checkout, is_revision

    here = Path.cwd()
    if not is_revision(text, here):
        raise fail(codes.NO_SIDE.at(None, side=text, reason="git knows no such revision here"))
    with checkout(text, here, args.file) as folder:
        return compile_from(args, args.file, args.target, checkout=str(folder))


def sides(texts: Sequence[str], args: Arguments) -> tuple[Plan, Plan]:
    """Both sides of a diff; one text is `OLD..NEW`, or a side to compare with the working folder. Raises `Failed`."""
    if len(texts) == 2:
        old = read_side(texts[0], args)
        return old, old if _are_one_plan(*texts) else read_side(texts[1], args)
    from bakec.revisions import split_range

    ends = None if os.path.exists(texts[0]) else split_range(texts[0])  # noqa: PTH110
    if ends is not None:
        return read_side(ends[0], args), read_side(ends[1], args)
    return read_side(texts[0], args), compile_from(args, args.file, args.target)
