"""Named contexts that are other targets."""

from __future__ import annotations

from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bakec.ir.module import Target
    from bakec.ir.values import Value

PREFIX = "target:"


def links(target: Target) -> Iterator[tuple[str, str, Value]]:
    """Name of the context, name of the linked target, and the text that says so."""
    contexts = target.fields.get("contexts")
    if isinstance(contexts, Mapping):
        for name, value in contexts.items():
            if value.text.startswith(PREFIX):
                yield name, value.text.removeprefix(PREFIX), value
