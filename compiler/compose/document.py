"""YAML text to nodes, by the rules of the reference's YAML library.

The text is read as a stream of events and the nodes are made here, without recursion, so that nesting and aliases
can be bounded before they cost anything.
"""

from __future__ import annotations

from itertools import islice

import yaml

from bakec.compiler.compose.nodes import Listing, Scalar, Table, is_null, plain_text
from bakec.compiler.compose.scalars import CORE, BadScalarError, resolve, tagged
from bakec.ir.codes.compose import NON_STRING_KEY, YAML
from bakec.ir.diagnostics import fail
from bakec.ir.quoting import quote
from bakec.ir.records import dataclass, field
from bakec.ir.span import Span
from bakec.ir.static import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final, NoReturn, TypeAlias

    from yaml.events import Event

    from bakec.compiler.compose.nodes import Node, Plain
    from bakec.ir.diagnostics import Failed
    from bakec.ir.span import Source

_Path: TypeAlias = tuple[str, ...]

_STRICTER: Final = {
    "found unexpected ':'",
    "while scanning an anchor",
    "while scanning an alias",
    "while scanning for the next token",
}
"""What the C parser says of `{key:}`, `&a.b` and `&a@b`, which the reference takes."""
MAX_DEPTH: Final = 200
"""Deepest nesting of a document. The reference goes on to 10,000; no Compose file needs 20."""


class _Events(Protocol):
    def get_event(self) -> Event | None: ...


def _parser(text: str) -> _Events:
    """The C parser, whose messages are the reference's; Python's own where PyYAML was built without it."""
    try:
        from yaml._yaml import CParser
    except ImportError:
        return yaml.SafeLoader(text)
    return CParser(text)


def parse_documents(source: Source, name: str) -> Iterator[Node]:
    """The documents of `source`, one by one. Raises `Failed` at the first thing wrong; `name` is what messages
    call the file."""
    return _Composer(source, name).documents()


# --- collections ------------------------------------------------------------------------------------------------

_RESET: Final = "!reset"
_OVERRIDE: Final = "!override"


@dataclass(slots=True)
class _Key:
    """A key of the mapping being read, before its value."""

    text: str
    span: Span
    merge: bool


@dataclass(slots=True)
class _Frame:
    """A collection being read. `path` is that of the collection; `first_count` the nodes counted before it."""

    mapping: bool
    span_start: int
    flow: bool
    tag: str
    anchor: str
    path: tuple[str, ...]
    first_count: int
    key: _Key | None = None
    items: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Span] = field(default_factory=dict)
    elements: list[Node] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    merges: list[Node] = field(default_factory=list)
    end: int = 0


@dataclass(frozen=True, slots=True)
class _Anchor:
    node: Node
    tag: str
    size: int
    """How many nodes it has with every alias written out."""
    visits: dict[_Path, _Path] = field(default_factory=dict)
    """Paths of its aliases, and those above them with the path of the first alias below."""


class _Composer:
    """Makes nodes from events: one method an event type, a stack of open collections."""

    def __init__(self, source: Source, name: str) -> None:
        self._source = source
        self._name = name
        self._stack: list[_Frame] = []
        self._anchors: dict[str, _Anchor] = {}
        self._constructed = 0
        self._aliased = 0
        self._root: Node | None = None
        self._root_start = 0
        self._shift = 1 if source.text.startswith("\ufeff") else 0
        """The parser does not count a byte order mark."""

    def documents(self) -> Iterator[Node]:
        for event in self._events():
            match event:
                case yaml.ScalarEvent():
                    self._scalar(event)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self._start(event)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._finish(event)
                case yaml.AliasEvent():
                    self._alias(event)
                case yaml.DocumentEndEvent() if self._root is not None:
                    yield self._root
                    self._constructed = self._aliased = 0

    def _events(self) -> Iterator[Event]:
        count = 0
        try:
            parser = _parser(self._source.text)
            while event := parser.get_event():
                count += 1
                yield event
        except yaml.YAMLError as error:
            if not {getattr(error, "problem", ""), getattr(error, "context", "")} & _STRICTER:
                raise self._syntax_error(error) from None
            yield from self._other_events(count, error)

    def _other_events(self, count: int, error: yaml.YAMLError) -> Iterator[Event]:
        """Those behind the first `count`, by a parser that may take what the C parser has refused with `error`."""
        from bakec.compiler.compose.loose import LooseLoader

        parser = LooseLoader(self._source.text)
        try:
            yield from islice(iter(parser.get_event, None), count, None)
        except yaml.YAMLError:
            raise self._syntax_error(error) from None

    # --- errors

    def _syntax_error(self, error: yaml.YAMLError) -> Failed:
        if isinstance(error, yaml.reader.ReaderError):
            at = len(self._source.text[: error.position].encode(errors="replace"))
            return self._failure(f"yaml: offset {at}: {error.reason}", error.position)
        assert isinstance(error, yaml.MarkedYAMLError)
        # The reference forgets to count the lines of parser errors from 1.
        first = 0 if isinstance(error, yaml.parser.ParserError) else 1
        place = _mark(error.problem_mark, first)
        context = f"{error.context} at {_mark(error.context_mark, first)}: " if error.context else ""
        if context and _place(error.context_mark) == _place(error.problem_mark):
            place = ""
        problem = f"{context}{place and place + ': '}{error.problem}"
        return self._failure(f"yaml: {problem}", error.problem_mark.index if error.problem_mark else 0)

    def _failure(self, problem: str, at: int) -> Failed:
        length = len(self._source.text)
        span = Span(self._source, min(at, length), min(at + 1, length))
        return fail(YAML.at(span, file=self._name, problem=problem))

    def _reject(self, problem: str, at: int) -> NoReturn:
        """Fail for something that is wrong with the nodes, though the syntax is right."""
        line = self._source.line(self._root_start)
        raise self._failure(f"yaml: construct errors:\n  line {line}: {problem}", at)

    # --- events

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        span = self._span(event)
        if not self._stack:
            self._root_start = span.start
        plain = event.style in ("", None)
        try:
            value = self._value(event, plain=plain)
        except BadScalarError as error:
            self._reject(f"yaml: {error}", span.start)
        self._constructed += 1
        merge = (plain and not event.tag and event.value == "<<") or event.tag == f"{CORE}merge"
        node = Scalar(value, span)
        if event.anchor:
            self._anchors[event.anchor] = _Anchor(node, event.tag or "", 1)
        frame = self._stack[-1] if self._stack else None
        if frame and frame.mapping and frame.key is None:
            self._open_key(frame, event.value, value, span, merge=merge)
            return
        self._place(node, event.tag or "", span.end)

    def _value(self, event: yaml.ScalarEvent, *, plain: bool) -> Plain:
        if event.tag and event.tag != "!":
            return tagged(event.tag, event.value, quoted=not plain)
        return resolve(event.value) if plain and not event.tag else event.value

    def _alias(self, event: yaml.AliasEvent) -> None:
        name, span = event.anchor or "", self._span(event)
        anchor = self._anchors.get(name)
        opened = next((frame for frame in self._stack if frame.anchor == name), None)
        if opened:
            self._reject_cycle(opened, span.start)
        if anchor is None:
            line, column = self._position(span.start)
            problem = f"yaml: line {line}, column {column + 1}: unknown anchor '{name}' referenced"
            raise self._failure(problem, span.start)
        self._visit(anchor, span.start)
        self._constructed += 1 + anchor.size
        self._aliased += anchor.size
        self._check_aliasing(span.start)
        frame = self._stack[-1] if self._stack else None
        if frame and frame.mapping and frame.key is None:
            self._alias_key(frame, anchor.node, span)
            return
        self._place(anchor.node, anchor.tag, span.end)

    def _check_aliasing(self, at: int) -> None:
        """Refuse a document that is mostly copies: 99 % of 400,000 nodes may be, 10 % of 4,000,000."""
        total = self._constructed
        allowed = 0.99 - 0.89 * min(max((total - 400_000) / 3_600_000, 0), 1)
        if self._aliased > 100 and total > 1000 and self._aliased / total > allowed:
            self._reject("yaml: document contains excessive aliasing", at)

    def _visit(self, anchor: _Anchor, at: int) -> None:
        """Refuse an alias at a path below that of another one, which the reference takes for a cycle."""
        path = self._path()
        if "<<" in path[1:]:
            # A dot in a name is then no other than one between names.
            path = tuple(".".join(path).replace(".<<", "", 1).split("."))
        if "<<" in path:
            return
        above = [path[:length] for length in range(1, len(path))]
        before = next((other for other in above if anchor.visits.get(other) == other), anchor.visits.get(path, path))
        if before != path:
            self._reject(
                f"cycle detected: node at path {'.'.join(path)} references node at path {'.'.join(before)}", at
            )
        anchor.visits[path] = path
        for other in above:
            anchor.visits.setdefault(other, path)

    def _reject_cycle(self, opened: _Frame, at: int) -> NoReturn:
        path = self._path()
        again = path + path[len(opened.path) :]
        self._reject(f"cycle detected: node at path {'.'.join(again)} references node at path {'.'.join(path)}", at)

    def _start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        span = self._span(event)
        if not self._stack:
            self._root_start = span.start
        if len(self._stack) >= MAX_DEPTH:
            self._reject(f"yaml: exceeded max depth of {MAX_DEPTH}", span.start)
        frame = _Frame(
            mapping=isinstance(event, yaml.MappingStartEvent),
            span_start=span.start,
            flow=bool(event.flow_style),
            tag=event.tag or "",
            anchor=event.anchor or "",
            path=self._path(),
            first_count=self._constructed,
            end=span.end,
        )
        self._constructed += 1
        self._anchors.pop(frame.anchor, None)
        self._stack.append(frame)

    def _finish(self, event: yaml.MappingEndEvent | yaml.SequenceEndEvent) -> None:
        frame = self._stack.pop()
        end = self._span(event).end if frame.flow else frame.end
        span = Span(self._source, frame.span_start, end)
        node = self._table(frame, span) if frame.mapping else Listing(tuple(frame.elements), span)
        if frame.anchor:
            self._anchors[frame.anchor] = _Anchor(node, frame.tag, self._constructed - frame.first_count)
        parent = self._stack[-1] if self._stack else None
        if parent and parent.mapping and parent.key is None:
            self._reject(f"yaml: cannot use '{_go_syntax(node)}' as a map key; try decoding into yaml.Node", span.start)
        self._place(node, frame.tag, end)

    # --- collections

    def _path(self) -> tuple[str, ...]:
        """The path of the node that comes next."""
        if not self._stack:
            return ()
        frame = self._stack[-1]
        step = (frame.key.text if frame.key else "?") if frame.mapping else str(len(frame.elements))
        return (*frame.path, step)

    def _open_key(self, frame: _Frame, text: str, value: Plain, span: Span, *, merge: bool) -> None:
        if text in frame.keys:
            first = frame.keys[text].line
            self._reject(f"line {span.line}: mapping key {quote(text)} already defined at line {first}", span.start)
        if not isinstance(value, str) and not merge:
            place = f"in {_key_path(self._stack)}" if len(self._stack) > 1 else "at top level"
            raise fail(NON_STRING_KEY.at(span, place=place, key=plain_text(value), text=text))
        frame.keys[text] = span
        frame.key = _Key(str(value), span, merge)

    def _alias_key(self, frame: _Frame, node: Node, span: Span) -> None:
        if not isinstance(node, Scalar):
            self._reject(f"yaml: cannot use '{_go_syntax(node)}' as a map key; try decoding into yaml.Node", span.start)
        self._open_key(frame, plain_text(node.value), node.value, span, merge=False)

    def _place(self, node: Node, tag: str, end: int) -> None:
        """Put a finished node where it belongs."""
        if not self._stack:
            self._root = node
            return
        frame = self._stack[-1]
        frame.end = end
        key, frame.key = frame.key, None
        if not frame.mapping:
            if tag != _RESET:
                frame.elements.append(node)
        elif key is not None and key.merge:
            frame.merges.append(node)
        elif key is not None:
            if tag in (_RESET, _OVERRIDE):
                frame.cleared.append(key.text)
            if tag != _RESET:
                frame.items[key.text] = node

    def _table(self, frame: _Frame, span: Span) -> Table:
        """The mapping with what `<<` brings in: own keys win, then the earlier of several."""
        table = Table(frame.items, span, frame.keys, tuple(frame.cleared))
        for merge in frame.merges:
            table = self._merged(table, merge)
        return table

    def _merged(self, table: Table, merge: Node) -> Table:
        sources = merge.items if isinstance(merge, Listing) else (merge,)
        for source in sources:
            if not isinstance(source, Table):
                self._reject("yaml: map merge requires map or sequence of maps as the value", merge.span.start)
            table = Table(
                {**table.items, **{key: item for key, item in source.items.items() if key not in table.items}},
                table.span,
                {**source.keys, **table.keys},
                (*table.cleared, *source.cleared),
            )
        return table

    # --- positions

    def _span(self, event: Event) -> Span:
        start, end = event.start_mark, event.end_mark
        assert start is not None and end is not None
        return Span(self._source, start.index + self._shift, end.index + self._shift)

    def _position(self, at: int) -> tuple[int, int]:
        """Line and column, both from 1."""
        line = self._source.line(at)
        return line, at - self._source.line_starts[line - 1] + 1


def _place(mark: yaml.Mark | None) -> tuple[int, int] | None:
    return None if mark is None else (mark.line, mark.column)


def _mark(mark: yaml.Mark | None, first: int) -> str:
    """A position as the reference prints it: the column is left out in the first one, and a line 0 is unknown."""
    if mark is None or mark.line + first == 0:
        return "<unknown position>"
    return f"line {mark.line + first}" + (f", column {mark.column + 1}" if mark.column else "")


def _key_path(stack: list[_Frame]) -> str:
    """The path of the innermost open collection as `services.a.x[0]`."""
    parts = []
    for frame, step in zip(stack, stack[-1].path, strict=False):
        parts.append(f".{step}" if frame.mapping else f"[{step}]")
    return "".join(parts).removeprefix(".")


def _go_syntax(node: Node) -> str:
    """A node in the notation of the reference's language, which its message about bad keys uses."""
    match node:
        case Table(items=items):
            inner = ", ".join(f"{quote(key)}:{_go_syntax(items[key])}" for key in sorted(items))
            return f"map[string]interface {{}}{{{inner}}}"
        case Listing(items=elements):
            return f"[]interface {{}}{{{', '.join(map(_go_syntax, elements))}}}"
        case Scalar(value=str(text)):
            return quote(text)
        case _:
            return "interface {}(nil)" if is_null(node) else plain_text(node.value)
