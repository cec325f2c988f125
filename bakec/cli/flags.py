"""Flags that several verbs share. Every flag can also be given as `BAKEC_NAME` in the environment."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

from bakec.cli.output import FORM, FORMS
from bakec.compiler.options import CompileOptions, implied_sets, parse_variables
from bakec.compiler.refs import is_remote
from bakec.ir.diagnostics import Exit

_TRUE: Final = ("1", "t", "T", "true", "TRUE", "True")
_OFF: Final = ("off", "0", "false", "no")
_FALSE: Final = ("0", "f", "F", "false", "FALSE", "False")


class Parser(argparse.ArgumentParser):
    """`argparse` with our error form, and switches that take an optional `=BOOL`, as the reference's do."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(
            prog=prog, description=description, allow_abbrev=False, formatter_class=argparse.RawTextHelpFormatter
        )
        self.switches: dict[str, str] = {}

    def switch(self, *names: str, help: str, default: bool | None = False) -> None:  # noqa: A002
        """A flag that is true when given, and whatever `--flag=BOOL` says."""
        self.switches.update(dict.fromkeys(names, names[-1]))
        self.add_argument(*names, help=help, type=_bool, default=default, metavar="BOOL")

    def read(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> argparse.Namespace:
        """Parse `argv`; flags that are missing there may come from the environment."""
        given = self._with_environment(argv, os.environ if env is None else env)
        args = self.parse_intermixed_args(self._joined([self._switched(arg) for arg in given]))
        if getattr(args, "diagnostics", "text") != "text":
            os.environ[FORM] = args.diagnostics  # a failure is reported when the flags are out of sight
        return args

    def _switched(self, arg: str) -> str:
        return f"{self.switches[arg]}=true" if arg in self.switches else arg

    def _joined(self, argv: Sequence[str]) -> list[str]:
        """What follows a flag that wants a value is its value, also if it looks like a flag itself."""
        wanting = {name for action in self._actions if action.nargs is None for name in action.option_strings}
        joined: list[str] = []
        left = iter(argv)
        for arg in left:
            if arg == "--":
                return [*joined, arg, *left]
            value = next(left, None) if arg.startswith("--") and arg in wanting else None
            joined.append(arg if value is None else f"{arg}={value}")
        return joined

    def _with_environment(self, argv: Sequence[str], env: Mapping[str, str]) -> list[str]:
        more: list[str] = []
        for action in self._actions:
            name = next((one for one in action.option_strings if one.startswith("--")), "")
            variable = "BAKEC_" + name.removeprefix("--").replace("-", "_").upper()
            if not name or variable not in env or any(_gives(arg, action.option_strings) for arg in argv):
                continue
            if isinstance(action, argparse._AppendAction):  # noqa: SLF001
                more.extend(f"{name}={text}" for text in env[variable].split("\n") if text)
            else:
                more.append(f"{name}={env[variable]}")
        return [*more, *argv]

    def error(self, message: str) -> NoReturn:
        print(f"ERROR: {message}\n  hint: '{self.prog} --help' tells the options", file=sys.stderr)
        sys.stderr.flush()
        raise SystemExit(Exit.USAGE)


def _gives(arg: str, names: Sequence[str]) -> bool:
    return any(arg == name or arg.startswith(f"{name}=") for name in names)


def _bool(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise argparse.ArgumentTypeError(f'invalid argument "{text}": parsing "{text}": invalid syntax')


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


def compile_options(args: argparse.Namespace) -> CompileOptions:
    """The options of a compilation from parsed flags. A first argument that is a URL says where the definitions are: a
    builder fetches them. Raises `Failed`."""
    options = _local_options(args)
    if not args.targets or not is_remote(args.targets[0]):
        return options
    from bakec.cli.remote import from_elsewhere

    return from_elsewhere(options, getattr(args, "builder", ""))


def _local_options(args: argparse.Namespace) -> CompileOptions:
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
