"""From the text of a Dockerfile to its instructions, each split into name, flags and arguments."""

from __future__ import annotations

import json
import math
import re

from bakec.compiler.dockerfile.directives import BOM, DirectiveReader
from bakec.compiler.dockerfile.faults import NO_LINES, DockerfileError, Lines
from bakec.compiler.dockerfile.gotext import SPACE, decode, encode, valid
from bakec.compiler.dockerfile.heredoc import heredocs_of
from bakec.ir.codes import dockerfile as codes
from bakec.ir.quoting import quote
from bakec.ir.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final

    from bakec.compiler.dockerfile.heredoc import Heredoc

_MAX_LINE: Final = 65535
_BLANKS = re.compile(r"[\t\v\f\r ]+")
_HEREDOC_INSTRUCTIONS: Final = frozenset(("add", "copy", "run"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One instruction. `json` tells that the arguments were a JSON array; `child` is the trigger of `ONBUILD`.
    `comments` are those directly above."""

    name: str
    original: str
    flags: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    json: bool = False
    child: Node | None = None
    heredocs: tuple[Heredoc, ...] = ()
    lines: Lines = NO_LINES
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A parsed file. `empty_continuations` are the lines where an instruction with blank lines inside ends."""

    nodes: tuple[Node, ...]
    escape: str
    empty_continuations: tuple[int, ...] = ()


def parse(data: bytes) -> Tree:
    """Split a Dockerfile into its instructions. Raises `DockerfileError`."""
    return _Parser(decode(data)).parse()


class _Scanner:
    """The physical lines of a text, each with its line ending. Stops at a line that is too long."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.number = 0
        self.too_long = False

    def next(self) -> str | None:
        start = self._at
        if start >= len(self._text) or self.too_long:
            return None
        end = self._text.find("\n", start)
        end = len(self._text) if end < 0 else end
        if end - start > _MAX_LINE // 4 and len(encode(self._text[start:end])) > _MAX_LINE:
            self.too_long = True
            return None
        self._at = end + 1
        return self._text[start : end + 1]


class _Parser:
    def __init__(self, text: str) -> None:
        self._scanner = _Scanner(text.removeprefix(BOM))
        self._directives = DirectiveReader()
        self._line = 0
        self._comments: list[str] = []
        self._empty: list[int] = []
        self._set_escape("\\")

    def _set_escape(self, escape: str) -> None:
        self._escape = escape
        char = re.escape(escape)
        self._continuation = re.compile(rf"([^{char}]){char}[ \t]*\Z|\A{char}[ \t]*\Z", re.DOTALL)

    def parse(self) -> Tree:
        nodes = tuple(self._nodes())
        if not nodes:
            raise DockerfileError(codes.NO_INSTRUCTIONS).at(Lines(self._line, 0))
        if self._scanner.too_long:
            raise DockerfileError(codes.LINE_TOO_LONG).at(Lines(self._line, 0))
        return Tree(nodes=nodes, escape=self._escape, empty_continuations=tuple(self._empty))

    def _nodes(self) -> Iterator[Node]:
        while (raw := self._scanner.next()) is not None:
            self._note_comment(raw)
            text = self._clean(raw).lstrip(SPACE)
            if self._directive(text):
                self._comments.pop()
            self._line += 1
            start = self._line
            text, open_end = self._cut_continuation("" if text.startswith("#") else text)
            if text or open_end:
                yield self._instruction(text, start, open_end=open_end)
            if self._scanner.too_long:
                self._line += 1  # the reference looks at the line again, from where instructions begin

    def _clean(self, raw: str) -> str:
        return raw.rstrip("\r\n")

    def _note_comment(self, raw: str) -> None:
        if not raw.lstrip(SPACE).startswith("#"):
            return
        # The reference drops the first byte of the line, whatever it is, so that an indented comment keeps its mark.
        comment = decode(encode(raw)[1:]).strip(SPACE)
        if comment:
            self._comments.append(comment)
        else:
            self._comments.clear()

    def _directive(self, text: str) -> bool:
        try:
            found = self._directives.read(text)
            if found is not None and found.name == "escape":
                if found.value not in ("\\", "`"):
                    raise DockerfileError(codes.BAD_ESCAPE_TOKEN, token=found.value)
                self._set_escape(found.value)
        except DockerfileError as fault:
            raise fault.at(Lines(self._line, 0)) from None
        return found is not None

    def _cut_continuation(self, text: str) -> tuple[str, bool]:
        if self._escape not in text:
            return text, False
        match = self._continuation.search(text)
        if match is None:
            return text, False
        return text[: match.start()] + (match[1] or ""), True

    def _instruction(self, text: str, start: int, *, open_end: bool) -> Node:
        line = self._join(text, open_end=open_end)
        try:
            node = split_line(line, self._escape)
            heredocs = tuple(self._heredocs(node, line))
        except DockerfileError as fault:
            raise fault.at(Lines(start, self._line)) from None
        except RecursionError:
            # Only a long chain of ONBUILD nests this deep.
            raise DockerfileError(codes.ONBUILD_CHAIN).at(Lines(start, self._line)) from None
        comments, self._comments = tuple(self._comments), []
        return Node(
            name=node.name,
            original=line,
            flags=node.flags,
            args=node.args,
            json=node.json,
            child=node.child,
            heredocs=heredocs,
            lines=Lines(start, self._line),
            comments=comments,
        )

    def _join(self, text: str, *, open_end: bool) -> str:
        parts, empty = [text], False
        while open_end and (raw := self._scanner.next()) is not None:
            part = self._clean(raw)
            self._directive(part)
            self._line += 1
            stripped = part.lstrip(SPACE)
            if stripped.startswith("#"):
                continue
            if not stripped:
                empty = True
                continue
            part, open_end = self._cut_continuation(part)
            parts.append(part)
        if empty:
            self._empty.append(self._line)
        return "".join(parts)

    def _heredocs(self, node: Node, line: str) -> Iterator[Heredoc]:
        if "<<" not in line or not _takes_heredocs(node):
            return
        for heredoc in heredocs_of(line):
            yield heredoc._replace(content=self._body(heredoc))

    def _body(self, heredoc: Heredoc) -> str:
        body: list[str] = []
        while (raw := self._scanner.next()) is not None:
            self._line += 1
            end = self._clean(raw)
            if (end.lstrip("\t") if heredoc.chomp else end) == heredoc.name:
                return "".join(body)
            body.append(raw)
        raise DockerfileError(codes.HEREDOC_OPEN)


def _takes_heredocs(node: Node) -> bool:
    inner = node.child if node.name.lower() == "onbuild" and node.child else node
    return inner.name.lower() in _HEREDOC_INSTRUCTIONS and not inner.json


def split_line(line: str, escape: str) -> Node:
    """Split one logical line. Raises `DockerfileError`."""
    parts = _BLANKS.split(line.strip(SPACE), maxsplit=1)
    flags: tuple[str, ...] = ()
    rest = ""
    if len(parts) == 2:
        rest, flags = _take_flags(parts[1], escape)
    args, is_json, child = _SPLITTERS.get(parts[0].lower(), _ignore)(rest.strip(SPACE), escape)
    return Node(name=parts[0], original=line, flags=flags, args=args, json=is_json, child=child)


_BYTE_SPACE: Final = frozenset("\t\n\v\f\r \x85\xa0")


def _take_flags(text: str, escape: str) -> tuple[str, tuple[str, ...]]:
    """The words that start with `--` off the front of `text`. The reference scans byte by byte and takes each byte
    for a character, so flags are Latin-1 here."""
    if not text.lstrip(SPACE).startswith("--") and text.isascii():
        return text, ()
    raw = encode(text)
    bytewise = raw.decode("latin-1")
    flags: list[str] = []
    at = 0
    while True:
        while at < len(bytewise) and bytewise[at] in _BYTE_SPACE:
            at += 1
        if at >= len(bytewise):
            return "", tuple(flags)
        if not bytewise.startswith("--", at):
            return decode(raw[at:]), tuple(flags)
        word, at, kept = _flag_word(bytewise, at, escape)
        if word == "--":
            return decode(raw[at:]), tuple(flags)
        if kept or word:
            flags.append(word)


def _flag_word(text: str, at: int, escape: str) -> tuple[str, int, bool]:
    """The word at `at` without its quotes, where it ends, and whether it had quotes."""
    out, quote_mark, quoted = [], "", False
    while at < len(text):
        char = text[at]
        if not quote_mark and char in _BYTE_SPACE:
            break
        at += 1
        if char == quote_mark:
            quote_mark = ""
        elif not quote_mark and char in "'\"":
            quote_mark, quoted = char, True
        elif char == escape:
            if at < len(text):
                out.append(text[at])
                at += 1
        else:
            out.append(char)
    return "".join(out), at, quoted


Split = tuple[tuple[str, ...], bool, Node | None]


def _ignore(rest: str, escape: str) -> Split:
    del rest, escape
    return ("",), False, None


def _string(rest: str, escape: str) -> Split:
    del escape
    return (rest,) if rest else (), False, None


def _blank_separated(rest: str, escape: str) -> Split:
    del escape
    return tuple(_BLANKS.split(rest)) if rest else (), False, None


def _json_or(fallback: Callable[[str, str], Split]) -> Callable[[str, str], Split]:
    def split(rest: str, escape: str) -> Split:
        array = _json_strings(rest)
        return fallback(rest, escape) if array is None else (array, True, None)

    return split


def _json_strings(rest: str) -> tuple[str, ...] | None:
    """The strings of a JSON array; None for any text that is none. Raises `DockerfileError` for other items."""
    if not rest.lstrip(SPACE).startswith("["):
        return None
    try:
        items = json.loads(rest.lstrip(SPACE), parse_int=_number, parse_float=_number, parse_constant=_no_constant)
    except ValueError:
        return None
    except RecursionError:
        raise DockerfileError(codes.JSON_STRINGS) from None
    if not all(isinstance(item, str) for item in items):
        raise DockerfileError(codes.JSON_STRINGS)
    return tuple(map(valid, items))


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


def _no_constant(text: str) -> float:
    raise ValueError(text)


def _words(rest: str, escape: str) -> list[str]:
    """Words at white space outside quotes; quotes and escapes stay in them."""
    words: list[str] = []
    word: list[str] = []
    quote_mark, kept, at = "", False, 0
    while at < len(rest):
        char = rest[at]
        at += 1
        if not quote_mark and char in SPACE:
            if kept or word:
                words.append("".join(word))
            word, kept = [], False
        elif char == escape and quote_mark != "'":
            if at < len(rest):
                word.append(char + rest[at])
                at += 1
            else:
                quote_mark = ""
        else:
            if char == quote_mark:
                quote_mark = ""
            elif not quote_mark and char in "'\"":
                quote_mark, kept = char, True
            word.append(char)
    if kept or word:
        words.append("".join(word))
    return list(map(valid, words))


def _key_values(instruction: str) -> Callable[[str, str], Split]:
    """`key=value …` as triples (key, value, `=`), or the old form `key value` as one with an empty third part."""

    def split(rest: str, escape: str) -> Split:
        words = _words(rest, escape)
        if not words:
            return (), False, None
        if "=" not in words[0]:
            parts = _BLANKS.split(rest, maxsplit=1)
            if len(parts) < 2:
                raise DockerfileError(codes.TWO_ARGUMENTS, instruction=instruction)
            return (parts[0], parts[1], ""), False, None
        triples: list[str] = []
        for word in words:
            key, equals, value = word.partition("=")
            if not equals:
                raise DockerfileError(codes.NO_EQUALS, word=quote(word))
            triples += (key, value, equals)
        return tuple(triples), False, None

    return split


def _names(rest: str, escape: str) -> Split:
    return tuple(_words(rest, escape)), False, None


def _health(rest: str, escape: str) -> Split:
    bytewise = encode(rest).decode("latin-1")
    end = next((at for at, char in enumerate(bytewise) if char in _BYTE_SPACE), len(bytewise))
    if end == 0:
        return (), False, None
    command = bytewise[end:].lstrip("".join(_BYTE_SPACE)).encode("latin-1")
    args, is_json, _ = _JSON_OR_STRING(decode(command), escape)
    return (decode(bytewise[:end].encode("latin-1")), *args), is_json, None


def _trigger(rest: str, escape: str) -> Split:
    if not rest:
        return (), False, None
    child = split_line(rest, escape)
    return (child.name, *child.args), False, child


_JSON_OR_STRING = _json_or(_string)
_JSON_OR_LIST = _json_or(_blank_separated)

_SPLITTERS: Final[dict[str, Callable[[str, str], Split]]] = {
    "add": _JSON_OR_LIST,
    "arg": _names,
    "cmd": _JSON_OR_STRING,
    "copy": _JSON_OR_LIST,
    "entrypoint": _JSON_OR_STRING,
    "env": _key_values("ENV"),
    "expose": _blank_separated,
    "from": _blank_separated,
    "healthcheck": _health,
    "label": _key_values("LABEL"),
    "maintainer": _string,
    "onbuild": _trigger,
    "run": _JSON_OR_STRING,
    "shell": _JSON_OR_STRING,
    "stopsignal": _string,
    "user": _string,
    "volume": _JSON_OR_LIST,
    "workdir": _string,
}
"""How the arguments of each instruction are split."""

INSTRUCTIONS: Final = tuple(_SPLITTERS)
