"""Heredoc words: `<<NAME`, `<<-NAME`, `3<<"NAME"`."""

from __future__ import annotations

import re

from bakec.compiler.dockerfile.expand import HEREDOC_WORDS, Mode, split_words
from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.ir.codes.dockerfile import HEREDOC_FORM
from bakec.ir.records import NamedTuple

_HEREDOC = re.compile(r"([0-9]*)<<(-?)[\t\n\f\r ]*([^<]*)")
_LEADING_TABS = re.compile(r"^\t+", re.MULTILINE)
_BARE = Mode(keep_unset=True)
_QUOTED = Mode(keep_unset=True, raw_quotes=True)


class Heredoc(NamedTuple):
    """`content` is the raw body; `chomp` (a dash) removes leading tabs where it is used, `expand` is off for a
    quoted name."""

    name: str
    expand: bool
    chomp: bool
    content: str = ""

    @property
    def text(self) -> str:
        return _LEADING_TABS.sub("", self.content) if self.chomp else self.content


def parse_heredoc(word: str) -> Heredoc | None:
    """The heredoc that `word` opens, or None. Raises `DockerfileError`."""
    match = _HEREDOC.fullmatch(word)
    if match is None or not match[3]:
        return None
    names = split_words(match[3], {}, _BARE)
    if len(names) != 1:
        return None
    quoted = split_words(match[3], {}, _QUOTED)
    if len(quoted) != 1:
        raise DockerfileError(
            HEREDOC_FORM, problem=f"internal lexing of heredoc produced inconsistent results: {match[3]}"
        )
    return Heredoc(name=names[0], expand=_quotes(names[0]) == _quotes(quoted[0]), chomp=match[2] == "-")


def _quotes(text: str) -> int:
    return text.count("'") + text.count('"')


def heredoc_word(word: str) -> Heredoc | None:
    """Like `parse_heredoc`; a word that cannot be read is no heredoc."""
    try:
        return parse_heredoc(word)
    except DockerfileError:
        return None


def heredocs_of(line: str) -> list[Heredoc]:
    """The heredocs a logical line opens, in order; none if its quotes do not match. Raises `DockerfileError`."""
    try:
        words = split_words(line, {}, HEREDOC_WORDS)
    except DockerfileError:
        return []
    return [found for word in words if (found := parse_heredoc(word))]
