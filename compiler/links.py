"""Named contexts that are other targets."""

from collections.abc import Iterator, Mapping

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
