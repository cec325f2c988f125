"""File-relative mode: contexts are relative to the folder of the file that gave them, not to the working folder."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from bakec.compiler import refs
from bakec.ir.records import replace
from bakec.ir.values import Value, string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.ir.module import Definitions, FieldValue, TargetDef
    from bakec.ir.span import Source


def rebase(definitions: Definitions) -> Definitions:
    """Rewrite `context` and `contexts` of every definition; also the default context gets its folder."""
    return replace(definitions, targets=tuple(map(_target, definitions.targets)))


def _target(target: TargetDef) -> TargetDef:
    fields: dict[str, FieldValue] = dict(target.fields)
    bases = target.bases
    context = fields.get("context")
    if isinstance(context, Value):
        fields["context"] = _moved(context, bases.get("context", ""))
    contexts = fields.get("contexts")
    if isinstance(contexts, Mapping):
        fields["contexts"] = {
            name: _moved(value, bases.get(f"contexts.{name}", "")) for name, value in contexts.items()
        }
    return replace(target, fields=fields, default_context=posixpath.normpath(bases.get("", "") or "."))


def _moved(value: Value, base: str) -> Value:
    text = value.text
    if not base or not text or text.startswith(("/", "cwd://")) or refs.is_elsewhere(text):
        return value
    return string(posixpath.normpath(posixpath.join(base, text))).with_origin(value.origin)


def bases_of(fields: Mapping[str, FieldValue], source: Source) -> dict[str, str]:
    """`TargetDef.bases` of a block in `source`: nothing for standard input and URLs."""
    name = source.name
    if name == "-" or refs.is_remote(name):
        return {}
    folder = posixpath.dirname(name) or "."
    contexts = fields.get("contexts")
    names = [f"contexts.{name}" for name in contexts] if isinstance(contexts, Mapping) else []
    return dict.fromkeys(("", *(["context"] if "context" in fields else []), *names), folder)
