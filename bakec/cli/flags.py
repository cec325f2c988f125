"""Flags that several verbs share. Every flag can also be given as `BAKEC_NAME` in the environment."""

from __future__ import annotations

import os

from bakec.cli.output import FORMS
from bakec.compiler.options import CompileOptions, implied_sets, parse_variables
from bakec.compiler.refs import is_remote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from bakec.cli.parser import Arguments, Parser

_OFF: Final = ("off", "0", "false", "no")


def add_definition_flags(parser: Parser) -> None:
    """What to compile: the flags of `docker buildx bake` that decide it."""
    add = parser.add_argument
    add("targets", nargs="*", metavar="TARGET", help="targets, groups or patterns (default: default)")
    add("-f", "--file", action="append", default=[], metavar="FILE", help="definition file, - for standard input")
    add("--set", action="append", default=[], metavar="TARGET.KEY=VALUE", help="override an attribute of targets")
    add("--var", action="append", default=[], metavar="NAME=VALUE", help="set a variable")
    parser.switch("--push", help="push the results: shorthand for --set=*.push=true")
    parser.switch("--load", help="load the results into docker: shorthand for --set=*.load=true")
    parser.switch("--no-cache", help="run every step again", default=None)
    parser.switch("--pull", help="look for newer base images", default=None)
    add("--provenance", default="", metavar="ATTRS", help="shorthand for --set=*.attest=type=provenance,ATTRS")
    add("--sbom", default="", metavar="ATTRS", help="shorthand for --set=*.attest=type=sbom,ATTRS")
    add("--policy", action="append", default=[], metavar="ATTRS", help="how source policies are applied")
    add("--call", default="", metavar="METHOD", help="ask the frontend (check, outline, targets) instead of building")
    parser.switch("--check", help="shorthand for --call=check")
    add_diagnostic_flags(parser)


def add_lower_flags(parser: Parser, default: str) -> None:
    """Which targets become LLB when they are compiled."""
    add = parser.add_argument
    add("--lower", choices=("auto", "llb", "frontend"), default=default, help=f"which targets to lower ({default})")
    add("--build-platform", default="", metavar="PLATFORM", help="platform of the builders (default: the lock file's)")
    add("--lock-file", default="", metavar="FILE", help="pins of images and repositories (default: bakec.lock)")
    parser.switch("--locked", help="refuse what is not pinned in the lock file")


def add_diagnostic_flags(parser: Parser) -> None:
    """How warnings and errors are told."""
    parser.add_argument("--diagnostics", choices=FORMS, default="text", help="form of warnings and errors")
    parser.switch("--no-warnings", help="tell errors only (also BAKEC_WARNINGS=off)")


def compile_options(args: Arguments) -> CompileOptions:
    """The options of a compilation from parsed flags. A first argument that is a URL says where the definitions are: a
    builder fetches them. Raises `Failed`."""
    options = _local_options(args)
    if not args.targets or not is_remote(args.targets[0]):
        return options
    from bakec.cli.remote import from_elsewhere

    return from_elsewhere(options, getattr(args, "builder", ""))


def _local_options(args: Arguments) -> CompileOptions:
    return CompileOptions(
        files=tuple(args.file),
        targets=tuple(args.targets) or ("default",),
        sets=(*args.set, *implied_sets(
            push=args.push, load=args.load, call=args.call or ("check" if args.check else ""),
            no_cache=args.no_cache, pull=args.pull, sbom=args.sbom, provenance=args.provenance,
            policies=args.policy,
        )),
        variables=parse_variables(tuple(args.var)),
        lower=getattr(args, "lower", "auto"),
        build_platform=getattr(args, "build_platform", ""),
        lock_file=getattr(args, "lock_file", ""),
        locked=bool(getattr(args, "locked", False)),
        warnings=not args.no_warnings and os.environ.get("BAKEC_WARNINGS", "").lower() not in _OFF,
    )  # fmt: skip
