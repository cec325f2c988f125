"""Which rules there are, and running them."""

from __future__ import annotations

import re
from collections import Counter
from importlib import import_module

from bakec.ir.codes import lint as codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

    from bakec.compiler.lint.project import Project
    from bakec.ir.diagnostics import Diagnostic

ALWAYS: Final = (
    *("unknown_attribute", "unknown_block", "shared_tag", "deprecated_key"),
    *("unused_variable", "unused_target", "hidden_dependency"),
)
"""Rules that every compilation runs: they cost little where nothing is wrong."""

ASKED: Final = ("many_jobs", "shared_cache")
"""Rules that only `bakec lint` runs."""

FEW: Final = 3
"""How many warnings of a kind are shown by a verb that is about something else."""

_IGNORE: Final = r"bakec:\s*ignore\b((?:[ ,]+BK\d+)*)"


def check(project: Project, rules: Iterable[str]) -> list[Diagnostic]:
    """What the rules find, in order of place; without what a comment `bakec: ignore [CODE…]` on its line allows."""
    found = [one for name in rules for one in _run(name, project) if not _ignored(one)]
    files = {id(file.source): at for at, file in enumerate(project.files)}
    return sorted(found, key=lambda one: _place(one, files))


def few(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The first of each kind, and how many more there are: warnings that nobody asked for must not hide the rest."""
    seen: Counter[str] = Counter()
    shown = []
    for one in found:
        seen[one.rule.code] += 1
        if seen[one.rule.code] <= FEW:
            shown.append(one)
    more = {code: count - FEW for code, count in sorted(seen.items()) if count > FEW}
    if more:
        listed = ", ".join(f"{count} {code}" for code, count in more.items())
        shown.append(codes.MORE.at(None, count=sum(more.values()), codes=listed))
    return shown


def _run(name: str, project: Project) -> Iterator[Diagnostic]:
    found: Iterator[Diagnostic] = import_module(f"bakec.compiler.lint.rules.{name}").check(project)
    return found


def _place(diagnostic: Diagnostic, files: dict[int, int]) -> tuple[int, int]:
    span = diagnostic.subject
    return (len(files), 0) if span is None else (files.get(id(span.source), len(files)), span.start)


def _ignored(diagnostic: Diagnostic) -> bool:
    span = diagnostic.subject
    found = re.search(_IGNORE, span.source.line_text(span.line)) if span else None
    return found is not None and (not found[1] or diagnostic.rule.code in found[1])
