"""Reading the command line of a verb: flags anywhere, each value behind its flag or behind a `=`.

What `argparse` does beyond this nobody needs here, and its import alone takes a tenth of the time of a small `print`.
"""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace as Arguments

from bakec.cli.output import FORM
from bakec.ir.diagnostics import Exit
from bakec.ir.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from typing import Any, NoReturn

__all__ = ["DESCRIBE", "Arguments", "Described", "Parser"]

DESCRIBE = "--describe"
"""Makes every parser give itself up, for completion: a verb knows its flags when it runs, and not before."""

_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")
_MANY = ("*", "+")
_COLUMN = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flag:
    """A flag, or with a name without dashes the words between the flags: one, at most one (`?`), any number (`*`), at
    least one (`+`)."""

    names: tuple[str, ...]
    help: str
    metavar: str
    default: Any
    type: Callable[[str], Any]
    choices: Sequence[str]
    repeats: bool
    count: str

    @property
    def key(self) -> str:
        return self.names[-1].lstrip("-").replace("-", "_")

    @property
    def is_switch(self) -> bool:
        return self.type is _bool

    @property
    def usage(self) -> str:
        metavar = f"{{{','.join(filter(None, self.choices))}}}" if self.choices else self.metavar
        return ", ".join(self.names) + (f"[={metavar}]" if self.is_switch else f" {metavar}")

    def value(self, text: str) -> Any:
        """`text` as it is used. Raises `ValueError` with what to tell the user."""
        if self.choices and text not in self.choices:
            known = ", ".join(map(repr, self.choices))
            raise ValueError(f"argument {'/'.join(self.names)}: invalid choice: {text!r} (choose from {known})")
        try:
            return self.type(text)
        except ValueError as error:
            is_plain = self.type in (int, float)
            reason = f"invalid {self.type.__name__} value: {text!r}" if is_plain else str(error)
            raise ValueError(f"argument {'/'.join(self.names)}: {reason}") from error


class Described(SystemExit):
    """The end of a run that only asked for the flags of a verb."""

    def __init__(self, parser: Parser) -> None:
        super().__init__(Exit.OK)
        self.parser = parser


class Parser:
    """The flags of one verb. `epilog` ends its help."""

    def __init__(self, prog: str, description: str) -> None:
        self.prog = prog
        self.description = description
        self.epilog = ""
        self._flags: list[_Flag] = []
        self._words: _Flag | None = None

    def add_argument(
        self,
        *names: str,
        help: str,  # noqa: A002
        metavar: str = "",
        default: Any = None,
        type: Callable[[str], Any] = str,  # noqa: A002
        choices: Collection[str] = (),
        action: str = "store",
        nargs: str = "",
    ) -> None:
        """A flag under its names, the short one first; or what the words between the flags are."""
        flag = _Flag(
            names=names,
            help=help,
            metavar=metavar,
            default=default,
            type=type,
            choices=tuple(choices),
            repeats=action == "append",
            count=nargs,
        )
        if names[0].startswith("-"):
            self._flags.append(flag)
        else:
            self._words = flag

    def switch(self, *names: str, help: str, default: bool | None = False) -> None:  # noqa: A002
        """A flag that is true when given, and whatever `--flag=BOOL` says."""
        self.add_argument(*names, help=help, type=_bool, default=default, metavar="BOOL")

    def read(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> Arguments:
        """Parse `argv`; flags that are missing there may come from the environment, as `BAKEC_NAME`."""
        values = {flag.key: [] if flag.repeats else flag.default for flag in self._flags}
        words: list[str] = []
        rest = iter([*self._from_environment(argv, os.environ if env is None else env), *argv])
        try:
            for text in rest:
                if text == "--":
                    words += rest
                elif _is_flag(text):
                    self._take(text, rest, values)
                else:
                    words.append(text)
            values |= self._take_words(words)
        except ValueError as error:
            self.error(str(error))
        if values.get("diagnostics", "text") != "text":
            os.environ[FORM] = values["diagnostics"]  # a failure is reported when the flags are out of sight
        return Arguments(**values)

    @property
    def names(self) -> list[str]:
        """Of all flags."""
        return ["-h", "--help", *(name for flag in self._flags for name in flag.names)]

    @property
    def words(self) -> str:
        """What the words between the flags are: their metavariable, empty where there are none."""
        return self._words.metavar if self._words is not None else ""

    def values_of(self, name: str) -> tuple[Sequence[str], str] | None:
        """What a flag takes: its choices, and its metavariable; None where it takes nothing, or is none."""
        found = next((flag for flag in self._flags if name in flag.names and not flag.is_switch), None)
        return None if found is None else (found.choices, found.metavar)

    def _take(self, text: str, rest: Iterator[str], values: dict[str, Any]) -> None:
        name, equals, value = text.partition("=")
        known = {name: flag for flag in self._flags for name in flag.names}
        if name not in known and not text.startswith("--"):
            name, equals, value = text[:2], "=", text[2:]
            if name in known and known[name].is_switch:
                self._take(f"-{value}", rest, values)  # several in one word
                equals, value = "", ""
        if name in ("-h", "--help"):
            self._help()
        if name == DESCRIBE:
            raise Described(self)
        if name not in known:
            raise ValueError(f"unrecognized arguments: {text}")
        flag = known[name]
        if not equals:
            # What follows a flag that wants a value is its value, also if it looks like a flag itself.
            found = "true" if flag.is_switch else next(rest, None)
            if found is None:
                raise ValueError(f"argument {'/'.join(flag.names)}: expected one argument")
            value = found
        if flag.repeats:
            values[flag.key].append(flag.value(value))
        else:
            values[flag.key] = flag.value(value)

    def _take_words(self, words: list[str]) -> dict[str, Any]:
        flag = self._words
        if extra := words if flag is None else [] if flag.count in _MANY else words[1:]:
            raise ValueError(f"unrecognized arguments: {' '.join(extra)}")
        if flag is None:
            return {}
        if not words and flag.count not in ("*", "?"):
            raise ValueError(f"the following arguments are required: {flag.metavar}")
        return {flag.key: words if flag.count in _MANY else words[0] if words else flag.default}

    def _from_environment(self, argv: Sequence[str], env: Mapping[str, str]) -> Iterator[str]:
        for flag in self._flags:
            name = flag.names[-1]
            variable = "BAKEC_" + name.removeprefix("--").replace("-", "_").upper()
            if variable in env and not any(_gives(text, flag.names) for text in argv):
                texts = [text for text in env[variable].split("\n") if text] if flag.repeats else [env[variable]]
                yield from (f"{name}={text}" for text in texts)

    def error(self, message: str) -> NoReturn:
        """End with a mistake of usage."""
        print(f"ERROR: {message}\n  hint: '{self.prog} --help' tells the options", file=sys.stderr)
        raise SystemExit(Exit.USAGE)

    def _help(self) -> NoReturn:
        words = self._words
        more = {"*": " ...", "+": " [...]", "?": "?"}
        print(f"usage: {self.prog} [options]{f' {words.metavar}{more.get(words.count, str())}' if words else ''}\n")
        print(f"{self.description}\n")
        if words:
            print(_row(words.metavar, words.help))
        print(_row("-h, --help", "show this help"))
        for flag in self._flags:
            print(_row(flag.usage, flag.help))
        if self.epilog:
            print(f"\n{self.epilog}")
        raise SystemExit(Exit.OK)


def _is_flag(text: str) -> bool:
    return text.startswith("-") and text != "-" and not text[1:2].isdigit()


def _gives(text: str, names: Sequence[str]) -> bool:
    long = text.startswith("--")
    return any(text.partition("=")[0] == name or (not long and text.startswith(name)) for name in names)


def _row(left: str, text: str) -> str:
    gap = f"\n{'':{_COLUMN + 2}}" if len(left) >= _COLUMN else " " * (_COLUMN - len(left))
    return f"  {left}{gap}{text}"


def _bool(text: str) -> bool:
    if text not in _TRUE + _FALSE:
        raise ValueError(f'invalid argument "{text}": parsing "{text}": invalid syntax')
    return text in _TRUE
