"""A parser for the YAML that the C parser refuses and the reference takes: slower, and only asked then."""

from __future__ import annotations

import yaml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, TypeVar

    Token = TypeVar("Token", yaml.AnchorToken, yaml.AliasToken)

_ENDS: Final = "\0 \t\r\n\x85\u2028\u2029,[]{}"
"""What ends the name of an anchor."""


class LooseLoader(yaml.SafeLoader):
    """Takes `{key:}`, as Python's parser does, and any name of an anchor."""

    def scan_anchor(self, TokenClass: type[Token]) -> Token:  # noqa: N803 the library's name
        start = self.get_mark()
        self.forward()
        length = 0
        while self.peek(length) not in _ENDS:
            length += 1
        name = self.prefix(length)
        if not name.isascii() or not name:
            raise yaml.scanner.ScannerError("while scanning an anchor", start, "expected a name", self.get_mark())
        self.forward(length)
        return TokenClass(name, start, self.get_mark())
