"""A plan diff as Markdown, ready to be a comment on a pull request."""

from __future__ import annotations

import html
import re

from bakec.compiler.render.diff import condensed, members, merged, summary, symbol
from bakec.compiler.render.values import entry, shown
from bakec.ir.changes import Action

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from bakec.ir.changes import Change, PlanDiff, TargetDiff

MARKER: Final = "<!-- bakec-diff -->"
"""The first line, never shown and always the same: a bot finds its comment by it and edits it in place."""

_TITLES: Final = {
    Action.ADDED: "added", Action.REMOVED: "removed", Action.CHANGED: "changed", Action.RENAMED: "renamed",
}  # fmt: skip
_NAMES: Final = 10


def render_markdown(diff: PlanDiff, *, max_size: int, summary_only: bool = False) -> str:
    """The whole text, of at most about `max_size` characters: what does not fit is counted in the last line."""
    head = [MARKER, f"**Plan: {summary(diff)}**"]
    if summary_only or diff.empty:
        return "\n".join(head)
    parts = [*_variables(diff), *(_target(names, one) for names, one in merged(diff.targets, full=False))]
    parts += [f"- `{symbol(group)}` group {_code(shown(group.path))}: {_code(members(group))}" for group in diff.groups]
    return "\n\n".join(_within(head, parts, max_size))


def _within(head: list[str], parts: list[str], max_size: int) -> Iterator[str]:
    room = max_size - len("\n\n".join(head)) - 80
    yield "\n".join(head)
    for at, part in enumerate(parts):
        room -= len(part) + 2
        if room < 0:
            left = len(parts) - at
            yield f"_Truncated: {left} more section{'s' if left > 1 else ''}; `bakec diff` shows them all._"
            return
        yield part


def _variables(diff: PlanDiff) -> Iterator[str]:
    if diff.variables:
        rows = ["| variable | old | new | from |", "| --- | --- | --- | --- |"]
        for one in diff.variables:
            cells = (one.name, *("" if text is None else shown(text) for text in (one.old, one.new)), one.where)
            rows.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
        yield "\n".join(rows)


def _cell(text: str) -> str:
    return _code(text).replace("|", "\\|") if text else ""


def _target(names: list[str], target: TargetDiff) -> str:
    """One collapsed section: what is in its first line is what a reviewer must see."""
    listed = ", ".join(f"<code>{html.escape(shown(name))}</code>" for name in names[:_NAMES])
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    was = f" (was <code>{html.escape(shown(target.was))}</code>)" if target.was else ""
    effects = ", ".join(effect.value for effect in target.effects)
    title = f"{target.action.value} {_TITLES[target.action]} {listed}{more}{was}{f' - {effects}' if effects else ''}"
    changes = "\n".join(map(_change, condensed(target.changes)))
    return f"<details><summary>{title}</summary>\n\n{changes}\n\n</details>"


def _change(change: Change) -> str:
    old, new = (None if value is None else _code(entry(value)) for value in (change.old, change.new))
    values = new if old is None else old if new is None else f"{old} → {new}"
    reasons = f" ({_code('; '.join(change.reasons))})" if change.reasons else ""
    return f"- `{symbol(change)}` {_code(shown(change.path))}: {values}{reasons}"


def _code(text: str) -> str:
    """A code span whatever `text` holds: fenced by more backticks than it has in a row."""
    flat = text.replace("\n", " ").replace("\r", " ")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", flat)), default=0))
    pad = " " if flat.startswith("`") or flat.endswith("`") or not flat.strip() else ""
    return f"{fence}{pad}{flat}{pad}{fence}"
