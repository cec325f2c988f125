"""`bakec affected`: the targets that a change touches."""

from __future__ import annotations

import os
import sys

from bakec.cli.parser import Parser
from bakec.cli.plans import add_source_flags, compile_from
from bakec.ir.diagnostics import Failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final

    from bakec.cli.parser import Arguments
    from bakec.impact import Affected, Cause
    from bakec.ir.plan import Plan

_EPILOG = """\
A target is affected when its values differ from those of the revision, when a file that it reads has changed, or when
it uses a target that is affected. To build those:

    set -o pipefail
    bakec affected --since origin/main --names | xargs -r bakec bake"""


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec affected", "The targets that a change touches, and why.")
    parser.epilog = _EPILOG
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="targets or groups to compile (default: default)")
    add_change_flags(parser, "HEAD, unless --changed is given")
    add_source_flags(parser)
    parser.switch("--names", help="print names alone, of targets that are not only built as a part of others")
    parser.switch("--json", help="print JSON")
    args = parser.read(argv)
    plan = compile_from(args, args.file, args.targets)
    found = touched(plan, args, "HEAD", parser)
    if args.json:
        import json

        print(json.dumps([_row(one) for one in found], indent=2, ensure_ascii=False))
    elif args.names:
        print("".join([f"{one.name}\n" for one in found if not one.linked]), end="")
    else:
        print("\n".join(_lines(found, len(plan.targets))))
    return 0


def add_change_flags(parser: Parser, default: str) -> None:
    """What has changed."""
    since = f"compare with where REV and the current commit parted (default: {default})"
    parser.add_argument("--since", default=None, type=_given_text, metavar="REV", help=since)
    changed = "a file that has changed, instead of asking git; - reads a list from standard input"
    parser.add_argument("--changed", action="append", default=[], metavar="FILE", help=changed)


def _given_text(text: str) -> str:
    """What a script hands over is empty where a variable of it was not set."""
    if not text:
        raise ValueError("it is empty")
    return text


def touched(plan: Plan, args: Arguments, default: str, parser: Parser) -> list[Affected]:
    """The targets of `plan`, compiled in the working folder, that the change touches which the flags tell. Raises
    `Failed`."""
    from bakec.impact import affected

    here = os.path.realpath(".")
    since = args.since or ("" if args.changed else default)
    if since and "-" in args.file:
        parser.error("definitions from standard input have no older version to compare with")
    base = _base(since, here) if since else ""
    files = _given(args.changed) if args.changed else _from_git(base, here)
    old = _older(base, here, args, plan) if base else None
    if base and old is None:
        files += [file.path for file in plan.files]
    return affected(plan, files, here, old)


def _given(names: Iterable[str]) -> list[str]:
    """Files that the flags name."""
    return [one for name in names for one in (sys.stdin.read().split("\n") if name == "-" else [name]) if one]


def _base(revision: str, here: str) -> str:
    """What to compare with. Raises `Failed` for what is no revision."""
    from pathlib import Path

    from bakec.revisions import base_of

    return base_of(revision, Path(here))


def _from_git(revision: str, here: str) -> list[str]:
    from pathlib import Path

    from bakec.revisions import changed_since

    return [os.path.relpath(path, here) for path in changed_since(revision, Path(here))]


def _older(revision: str, here: str, args: Arguments, plan: Plan) -> Plan | None:
    """The plan of the revision; none where its definitions mean nothing. Raises `Failed`."""
    from pathlib import Path

    from bakec.impact import dockerfile_of
    from bakec.revisions import checkout

    named = [*args.file, *filter(None, map(dockerfile_of, plan.jobs))]
    with checkout(revision, Path(here), named) as folder:
        try:
            return compile_from(args, args.file, args.targets, checkout=str(folder), quiet=True)
        except Failed as error:
            reason = error.diagnostics[0].message
            print(f"note: every target counts as affected: at {args.since or 'HEAD'}, {reason}", file=sys.stderr)
            return None


_SHOWN: Final = 5
"""So many files of a target are listed."""


def _lines(found: Sequence[Affected], count: int) -> Iterator[str]:
    for one in found:
        yield f"{one.name}  (linked)" if one.linked else one.name
        files = [cause for cause in one.causes if cause.kind == "file"]
        hidden = set(files[_SHOWN:])
        yield from (f"  {_told(cause)}" for cause in one.causes if cause not in hidden)
        if hidden:
            yield f"  … and {len(hidden)} more"
    yield f"{len(found)} of {count} targets affected"


def _told(cause: Cause) -> str:
    """In one line, whatever a file is called."""
    name = cause.name if cause.name.isprintable() else ascii(cause.name)
    return f"{cause.kind} {name}".rstrip()


def _row(one: Affected) -> dict[str, object]:
    causes = [{"kind": cause.kind, **({"name": cause.name} if cause.name else {})} for cause in one.causes]
    return {"name": one.name, "linked": one.linked, "causes": causes}
