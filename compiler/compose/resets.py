"""`!reset` and `!override`: what goes from earlier documents before a later one is merged."""

from __future__ import annotations

from bakec.compiler.compose.nodes import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from bakec.compiler.compose.nodes import Node

Path: TypeAlias = tuple[str, ...]


def cleared(node: Node, path: Path) -> Iterable[Path]:
    """The paths that a document resets or overrides. Elements of lists cannot be reset."""
    if isinstance(node, Table):
        for key in node.cleared:
            yield (*path, key)
        for key, item in node.items.items():
            if isinstance(item, Table):
                yield from cleared(item, (*path, key))


def without(model: Table, paths: Iterable[Path]) -> Table:
    """`model` without what is at `paths`."""
    for path in paths:
        model = _removed(model, path)
    return model


def _removed(table: Table, path: Path) -> Table:
    key, *rest = path
    below = table.items.get(key)
    if below is None:
        return table
    if not rest:
        return table.having({name: item for name, item in table.items.items() if name != key})
    return table.having({**table.items, key: _removed(below, tuple(rest))}) if isinstance(below, Table) else table
